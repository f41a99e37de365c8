//! Fields that answer under one name must be one field.

use std::collections::{BTreeMap, BTreeSet};

use super::{Held, broken, fragments};
use crate::families::graphql::{
    schema::Schema,
    tree::{
        Argument, Child, Definition, DefinitionKind, Field, Literal, LiteralKind, QueryDocument, Selection, Selections,
        Type,
    },
};

/// Fields looked at and pairs compared, after which a query counts as broken. Those that people write take some hundreds;
/// fragments inside fragments can make the number double with each.
pub const MAX_STEPS: usize = 1_000_000;

/// Whether the fields below hold, each pair that shares a name.
pub fn hold<'d>(
    schema: &'d Schema,
    document: &'d QueryDocument,
    (parent, selections): (&'d Definition, &'d Selections),
    steps: &mut usize,
) -> Held {
    let mut merge = Merge { schema, document, steps };
    let by_name = merge.by_name(parent, selections)?;
    for fields in by_name.values() {
        for (index, one) in fields.iter().enumerate() {
            fields[index + 1..].iter().try_for_each(|other| merge.pair(*one, *other, false))?;
        }
    }
    Ok(())
}

/// A field with the type that it is a field of.
#[derive(Clone, Copy)]
struct Placed<'d> {
    parent: &'d Definition,
    field: &'d Field,
}

type ByName<'d> = BTreeMap<&'d str, Vec<Placed<'d>>>;

struct Merge<'s, 'd> {
    schema: &'d Schema,
    document: &'d QueryDocument,
    steps: &'s mut usize,
}

impl<'d> Merge<'_, 'd> {
    fn step(&mut self) -> Held {
        *self.steps += 1;
        if *self.steps > MAX_STEPS { broken("there are too many fields to compare") } else { Ok(()) }
    }

    /// All fields of a selection, through its fragments, by the name that they answer under.
    fn by_name(&mut self, parent: &'d Definition, selections: &'d Selections) -> Result<ByName<'d>, crate::Fault> {
        let (mut by_name, mut seen) = (ByName::new(), BTreeSet::new());
        let mut open = vec![(Some(parent), selections)];
        while let Some((parent, selections)) = open.pop() {
            for selection in &selections.0 {
                self.step()?;
                match selection {
                    Selection::Field(field) => {
                        let placed = parent.map(|parent| Placed { parent, field });
                        by_name.entry(answer_name(field)).or_default().extend(placed);
                    }
                    Selection::Inline(inline) if inline.on.is_empty() => open.push((parent, &inline.selections)),
                    Selection::Inline(inline) => open.push((self.schema.types.get(&inline.on), &inline.selections)),
                    Selection::Spread(spread) => {
                        let fragment = fragments::named(self.document, &spread.name);
                        if let Some(fragment) = fragment.filter(|fragment| seen.insert(fragment.name.as_str())) {
                            open.push((self.schema.types.get(&fragment.on), &fragment.selections));
                        }
                    }
                }
            }
        }
        Ok(by_name)
    }

    /// `are_apart` where the fields above are never both in an answer.
    fn pair(&mut self, one: Placed<'d>, other: Placed<'d>, are_apart: bool) -> Held {
        self.step()?;
        let is_object = |placed: Placed<'_>| placed.parent.kind == DefinitionKind::Object;
        let are_apart = are_apart || (one.parent.name != other.parent.name && is_object(one) && is_object(other));
        let (first, second) = (one.field, other.field);
        if !are_apart && (first.name != second.name || !same_arguments(first, second)) {
            return broken(format!("fields of the name {} are different ones", answer_name(first)));
        }
        let kinds = [one, other].map(|placed| self.schema.field(placed.parent, &placed.field.name));
        let [Some(one), Some(other)] = kinds else { return Ok(()) };
        if self.conflict(&one.kind, &other.kind) {
            return broken(format!("fields of the name {} are of different types", answer_name(first)));
        }
        let below = [(one, first), (other, second)]
            .map(|(definition, field)| self.schema.of_type(&definition.kind).map(|kind| (kind, &field.selections)));
        match below {
            [Some(one), Some(other)] => self.between(one, other, are_apart),
            _ => Ok(()),
        }
    }

    fn between(
        &mut self,
        one: (&'d Definition, &'d Selections),
        other: (&'d Definition, &'d Selections),
        are_apart: bool,
    ) -> Held {
        if one.1.0.is_empty() || other.1.0.is_empty() {
            return Ok(());
        }
        let (ones, others) = (self.by_name(one.0, one.1)?, self.by_name(other.0, other.1)?);
        for (name, ones) in ones {
            for one in ones {
                for other in others.get(name).into_iter().flatten() {
                    if !std::ptr::eq(one.field, other.field) {
                        self.pair(one, *other, are_apart)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn conflict(&self, one: &Type, other: &Type) -> bool {
        match (&one.item, &other.item) {
            (Some(one), Some(other)) => self.conflict(one, other),
            (None, None) => {
                let is_leaf = |kind: &Type| self.schema.types.get(&kind.name).is_some_and(Definition::is_leaf);
                one.is_non_null != other.is_non_null || (is_leaf(one) && is_leaf(other) && one.name != other.name)
            }
            _ => true,
        }
    }
}

fn answer_name(field: &Field) -> &str {
    if field.alias.is_empty() { &field.name } else { &field.alias }
}

fn same_arguments(one: &Field, other: &Field) -> bool {
    let is_there = |argument: &Argument| {
        other.arguments.iter().any(|other| other.name == argument.name && same(&other.value, &argument.value))
    };
    one.arguments.len() == other.arguments.len() && one.arguments.iter().all(is_there)
}

fn same(one: &Literal, other: &Literal) -> bool {
    let (ones, others) = (children(one), children(other));
    let same_child = |(one, other): (&&Child, &&Child)| one.name == other.name && same(&one.value, &other.value);
    one.kind == other.kind
        && one.raw == other.raw
        && ones.len() == others.len()
        && ones.iter().zip(&others).all(same_child)
}

/// The fields of an object in one order, as theirs says nothing.
fn children(literal: &Literal) -> Vec<&Child> {
    let mut children: Vec<_> = literal.children.iter().collect();
    if literal.kind == LiteralKind::Object {
        children.sort_by(|one, other| one.name.cmp(&other.name));
    }
    children
}
