//! Values where something is wanted.

use std::collections::BTreeSet;

use super::{Held, Walk, broken};
use crate::families::graphql::{
    schema::{Schema, is_compatible},
    tree::{ArgumentDefinition, Definition, DefinitionKind, Literal, LiteralKind, Type},
};

/// What is wanted of a value.
#[derive(Clone, Copy)]
pub struct Wanted<'d> {
    kind: &'d Type,
    /// What the type is inside all lists.
    definition: &'d Definition,
    /// Whether a default stands in for a variable without a value.
    has_default: bool,
}

impl<'d> Wanted<'d> {
    /// Nothing where the type is unknown.
    pub fn of(schema: &'d Schema, kind: &'d Type) -> Option<Self> {
        schema.of_type(kind).map(|definition| Self { kind, definition, has_default: false })
    }

    pub fn by(schema: &'d Schema, argument: &'d ArgumentDefinition) -> Option<Self> {
        Self::with_default(schema, &argument.kind, argument.default.as_ref())
    }

    fn with_default(schema: &'d Schema, kind: &'d Type, default: Option<&Literal>) -> Option<Self> {
        Self::of(schema, kind).map(|wanted| Self { has_default: is_a_value(default), ..wanted })
    }
}

fn is_a_value(default: Option<&Literal>) -> bool {
    default.is_some_and(|default| default.kind != LiteralKind::Null)
}

impl<'d> Walk<'d> {
    pub fn literal(&mut self, literal: &'d Literal, wanted: Option<Wanted<'d>>) -> Held {
        match literal.kind {
            LiteralKind::Variable => self.variable(literal, wanted)?,
            LiteralKind::Object => self.object(literal, wanted)?,
            LiteralKind::List => {
                for child in &literal.children {
                    let item = wanted.and_then(|wanted| Some((wanted, wanted.kind.item.as_deref()?)));
                    self.literal(&child.value, item.map(|(list, kind)| Wanted { kind, has_default: false, ..list }))?;
                }
            }
            _ => {}
        }
        wanted.map_or(Ok(()), |wanted| fits(literal, wanted.kind, wanted.definition))
    }

    fn variable(&mut self, literal: &'d Literal, wanted: Option<Wanted<'d>>) -> Held {
        let Some(operation) = self.operation else { return Ok(()) };
        let Some(variable) = operation.variables.iter().find(|known| known.name == literal.raw) else {
            return broken(format!("variable ${} is not defined", literal.raw));
        };
        self.used.insert(&variable.name);
        let Some(wanted) = wanted else { return Ok(()) };
        let may_be_null = wanted.has_default || is_a_value(variable.default.as_ref());
        let kind = Type { is_non_null: wanted.kind.is_non_null && !may_be_null, ..wanted.kind.clone() };
        if is_compatible(&variable.kind, &kind) {
            return Ok(());
        }
        broken(format!("variable ${} is of a type that does not fit where it is used", literal.raw))
    }

    fn object(&mut self, literal: &'d Literal, wanted: Option<Wanted<'d>>) -> Held {
        let definition = wanted.map(|wanted| wanted.definition);
        let is_one_of = definition.is_some_and(|known| known.directives.iter().any(|known| known.name == "oneOf"));
        let mut names = BTreeSet::new();
        for child in &literal.children {
            if !names.insert(&child.name) {
                return broken(format!("field {} stands there twice", child.name));
            }
            let field = definition.and_then(|definition| definition.field(&child.name));
            let below = field.and_then(|field| Wanted::with_default(self.schema, &field.kind, field.default.as_ref()));
            self.literal(&child.value, below)?;
            if is_one_of && self.may_be_null(&child.value) {
                return broken(format!("variable ${} may be null where one field is needed", child.value.raw));
            }
        }
        Ok(())
    }

    fn may_be_null(&self, literal: &Literal) -> bool {
        let variables = self.operation.map(|operation| operation.variables.as_slice()).unwrap_or_default();
        let known = variables.iter().find(|known| known.name == literal.raw);
        literal.kind == LiteralKind::Variable && known.is_some_and(|known| !known.kind.is_non_null)
    }
}

fn fits(literal: &Literal, kind: &Type, definition: &Definition) -> Held {
    let name = definition.name.as_str();
    let is_built_in = ["Int", "Float", "String", "Boolean", "ID"].contains(&name);
    let is_enum = definition.kind == DefinitionKind::Enum;
    if literal.kind == LiteralKind::Null && kind.is_non_null {
        return broken(format!("null stands where {name} is needed"));
    }
    if definition.kind == DefinitionKind::Scalar && !is_built_in {
        return Ok(());
    }
    let fits = is_readable(literal)
        && match literal.kind {
            LiteralKind::Variable | LiteralKind::Null => true,
            LiteralKind::List => kind.item.is_some(),
            LiteralKind::Int => ["Int", "Float", "ID"].contains(&name),
            LiteralKind::Float => name == "Float",
            LiteralKind::String | LiteralKind::Block => !is_enum && ["String", "ID"].contains(&name),
            LiteralKind::Enum => is_enum && definition.values.iter().any(|value| value.name == literal.raw),
            LiteralKind::Boolean => name == "Boolean",
            LiteralKind::Object => has_the_fields_of(literal, definition),
        };
    if fits { Ok(()) } else { broken(format!("a value does not fit {name}")) }
}

/// Whether Go's numbers hold those that are written.
fn is_readable(literal: &Literal) -> bool {
    match literal.kind {
        LiteralKind::Int => literal.raw.parse::<i64>().is_ok(),
        LiteralKind::Float => literal.raw.parse::<f64>().is_ok_and(f64::is_finite),
        LiteralKind::List | LiteralKind::Object => literal.children.iter().all(|child| is_readable(&child.value)),
        _ => true,
    }
}

fn has_the_fields_of(literal: &Literal, definition: &Definition) -> bool {
    let is_there = |name: &str| literal.children.iter().any(|child| child.name == name);
    let needed = definition.fields.iter().filter(|field| field.kind.is_non_null && field.default.is_none());
    let has_one = matches!(literal.children.as_slice(), [one] if one.value.kind != LiteralKind::Null);
    let is_one_of = definition.directives.iter().any(|directive| directive.name == "oneOf");
    needed.into_iter().all(|field| is_there(&field.name))
        && literal.children.iter().all(|child| definition.field(&child.name).is_some())
        && (has_one || !is_one_of)
}
