//! The rules that a query holds to: one walk over all operations and then over all fragments, which ends at the first
//! that is broken. An operation's walk goes through the fragments that it spreads, each once.

mod fragments;
mod merging;
mod values;

use std::collections::BTreeSet;

use super::{
    schema::Schema,
    tree::{
        Argument, ArgumentDefinition, Definition, Directive, Field, Fragment, Inline, Operation, OperationKind,
        QueryDocument, Selection, Selections, Spread,
    },
};
use crate::Fault;

type Held = Result<(), Fault>;

pub fn hold(schema: &Schema, document: &QueryDocument) -> Held {
    fragments::are_unique_and_without_cycles(document)?;
    let (used, spread) = (BTreeSet::new(), BTreeSet::new());
    let mut walk = Walk { schema, document, operation: None, used, spread, steps: 0 };
    let mut names = BTreeSet::new();
    for operation in &document.operations {
        if !names.insert(&operation.name) || (operation.name.is_empty() && document.operations.len() > 1) {
            return broken(format!("an operation named `{}` cannot stand beside the others", operation.name));
        }
        walk.operation(operation)?;
    }
    walk.fragments()
}

fn broken(message: impl Into<String>) -> Held {
    Err(Fault::new(message))
}

/// Where the walk is.
struct Walk<'d> {
    schema: &'d Schema,
    document: &'d QueryDocument,
    /// None below a fragment that is looked at by itself.
    operation: Option<&'d Operation>,
    /// The variables of the operation that something mentions.
    used: BTreeSet<&'d str>,
    /// The fragments that were gone through on the way.
    spread: BTreeSet<&'d str>,
    /// What comparing fields took so far.
    steps: usize,
}

impl<'d> Walk<'d> {
    fn operation(&mut self, operation: &'d Operation) -> Held {
        (self.operation, self.used, self.spread) = (Some(operation), BTreeSet::new(), BTreeSet::new());
        let Some(root) = self.schema.root(operation.kind) else {
            return broken(format!("the schema has no {} operations", operation.kind.text()));
        };
        let location = match operation.kind {
            OperationKind::Open | OperationKind::Query => "QUERY",
            OperationKind::Mutation => "MUTATION",
            OperationKind::Subscription => "SUBSCRIPTION",
        };
        self.variables(operation)?;
        self.directives(&operation.directives, location)?;
        self.selections(root, &operation.selections)?;
        let is_idle = |name: &str| !self.used.contains(name);
        if let Some(idle) = operation.variables.iter().find(|known| !known.is_used && is_idle(&known.name)) {
            return broken(format!("variable ${} is never used", idle.name));
        }
        if operation.kind == OperationKind::Subscription {
            self.has_one_field(operation)?;
        }
        self.merge(root, &operation.selections)
    }

    fn variables(&mut self, operation: &'d Operation) -> Held {
        let mut names = BTreeSet::new();
        for variable in &operation.variables {
            if !self.schema.of_type(&variable.kind).is_some_and(Definition::is_input) {
                return broken(format!("variable ${} is of no type for input", variable.name));
            }
            if !names.insert(&variable.name) {
                return broken(format!("variable ${} stands there twice", variable.name));
            }
            if let Some(default) = &variable.default {
                self.literal(default, values::Wanted::of(self.schema, &variable.kind))?;
            }
            self.directives(&variable.directives, "VARIABLE_DEFINITION")?;
        }
        Ok(())
    }

    fn has_one_field(&self, operation: &'d Operation) -> Held {
        let names = fragments::field_names(self.document, &operation.selections);
        if names.len() > 1 || names.iter().any(|name| name.starts_with("__")) {
            return broken("a subscription selects one field, and none about the schema");
        }
        Ok(())
    }

    /// Each by itself. A fragment counts as used where an operation spreads it; the first one may use others, too.
    fn fragments(&mut self) -> Held {
        let first = self.document.fragments.first().map(|fragment| &fragment.selections);
        let operations = self.document.operations.iter().map(|operation| &operation.selections);
        let used = fragments::spread_below(self.document, operations.chain(first));
        for fragment in &self.document.fragments {
            (self.operation, self.spread) = (None, BTreeSet::new());
            self.fragment(fragment)?;
            if !used.contains(fragment.name.as_str()) {
                return broken(format!("fragment {} is never used", fragment.name));
            }
        }
        Ok(())
    }

    fn fragment(&mut self, fragment: &'d Fragment) -> Held {
        let on = self.composite(&fragment.on)?;
        self.directives(&fragment.directives, "FRAGMENT_DEFINITION")?;
        self.selections(on, &fragment.selections)?;
        self.merge(on, &fragment.selections)
    }

    fn composite(&self, name: &str) -> Result<&'d Definition, Fault> {
        let on = self.schema.types.get(name).filter(|on| on.is_composite());
        on.ok_or_else(|| Fault::new(format!("a fragment is on {name}, which is no type with fields")))
    }

    fn merge(&mut self, parent: &'d Definition, selections: &'d Selections) -> Held {
        merging::hold(self.schema, self.document, (parent, selections), &mut self.steps)
    }

    fn selections(&mut self, parent: &'d Definition, selections: &'d Selections) -> Held {
        selections.0.iter().try_for_each(|selection| match selection {
            Selection::Field(field) => self.field(parent, field),
            Selection::Spread(spread) => self.spread(parent, spread),
            Selection::Inline(inline) => self.inline(parent, inline),
        })
    }

    fn field(&mut self, parent: &'d Definition, field: &'d Field) -> Held {
        let Some(definition) = self.schema.field(parent, &field.name) else {
            return broken(format!("{} has no field {}", parent.name, field.name));
        };
        let Some(kind) = self.schema.of_type(&definition.kind) else {
            return broken(format!("field {} is of no type that is there", field.name));
        };
        self.arguments(&field.arguments, &definition.arguments)?;
        self.directives(&field.directives, "FIELD")?;
        self.selections(kind, &field.selections)?;
        if kind.is_leaf() != field.selections.0.is_empty() {
            return broken(format!("field {} has fields below it, or lacks them", field.name));
        }
        if ["__schema", "__type"].contains(&field.name.as_str()) {
            fragments::is_shallow(self.document, field)?;
        }
        if self.operation.is_some() { self.merge(kind, &field.selections) } else { Ok(()) }
    }

    fn inline(&mut self, parent: &'d Definition, inline: &'d Inline) -> Held {
        let below = if inline.on.is_empty() { parent } else { self.composite(&inline.on)? };
        if !inline.on.is_empty() {
            self.can_be(parent, below)?;
        }
        self.directives(&inline.directives, "INLINE_FRAGMENT")?;
        self.selections(below, &inline.selections)?;
        self.merge(below, &inline.selections)
    }

    fn spread(&mut self, parent: &'d Definition, spread: &'d Spread) -> Held {
        let Some(fragment) = fragments::named(self.document, &spread.name) else {
            return broken(format!("there is no fragment {}", spread.name));
        };
        let below = self.composite(&fragment.on)?;
        self.can_be(parent, below)?;
        self.directives(&spread.directives, "FRAGMENT_SPREAD")?;
        if self.spread.insert(&fragment.name) {
            self.directives(&fragment.directives, "FRAGMENT_DEFINITION")?;
            self.selections(below, &fragment.selections)?;
        }
        Ok(())
    }

    /// Whether something can be of both types.
    fn can_be(&self, parent: &Definition, on: &Definition) -> Held {
        let (here, there) = (self.schema.possible(&parent.name), self.schema.possible(&on.name));
        if !parent.is_composite() || here.iter().any(|name| there.contains(name)) {
            return Ok(());
        }
        broken(format!("what is {} is never {}", parent.name, on.name))
    }

    fn directives(&mut self, directives: &'d [Directive], location: &str) -> Held {
        let mut seen = BTreeSet::new();
        for directive in directives {
            let Some(known) = self.schema.directives.get(&directive.name) else {
                return broken(format!("there is no directive @{}", directive.name));
            };
            if !known.locations.iter().any(|known| known == location) {
                return broken(format!("directive @{} stands at {location}", directive.name));
            }
            if !seen.insert(&directive.name) && !known.is_repeatable {
                return broken(format!("directive @{} stands twice at one place", directive.name));
            }
            self.arguments(&directive.arguments, &known.arguments)?;
        }
        Ok(())
    }

    fn arguments(&mut self, arguments: &'d [Argument], known: &'d [ArgumentDefinition]) -> Held {
        let mut names = BTreeSet::new();
        for argument in arguments {
            let definition = known.iter().find(|known| known.name == argument.name);
            let Some(definition) = definition.filter(|_| names.insert(argument.name.as_str())) else {
                return broken(format!("argument {} is unknown, or stands there twice", argument.name));
            };
            self.literal(&argument.value, values::Wanted::by(self.schema, definition))?;
        }
        let is_needed = |known: &&ArgumentDefinition| known.kind.is_non_null && known.default.is_none();
        match known.iter().filter(is_needed).find(|needed| !names.contains(needed.name.as_str())) {
            Some(missing) => broken(format!("argument {} is missing", missing.name)),
            None => Ok(()),
        }
    }
}
