//! Whether a schema holds together.

use std::collections::BTreeSet;

use super::Schema;
use crate::Fault;
use crate::families::graphql::tree::{
    ArgumentDefinition, Definition, DefinitionKind, Directive, DirectiveDefinition, FieldDefinition, LiteralKind,
    SchemaDocument, Type,
};

type Checked = Result<(), Fault>;

pub fn hold(schema: &Schema, document: &SchemaDocument) -> Checked {
    for part in document.schemas.iter().chain(&document.schema_extensions) {
        at_one_place(schema, &part.directives, "SCHEMA", None)?;
    }
    schema.types.values().try_for_each(|definition| definition_holds(schema, definition))?;
    no_input_needs_itself(schema)?;
    for directive in schema.directives.values() {
        is_not_reserved(&directive.name)?;
        arguments(schema, &directive.arguments, Some(directive))?;
    }
    Ok(())
}

fn refuse(message: String) -> Checked {
    Err(Fault::new(message))
}

fn is_not_reserved(name: &str) -> Checked {
    if name.starts_with("__") { refuse(format!("the name {name} is reserved")) } else { Ok(()) }
}

fn definition_holds(schema: &Schema, definition: &Definition) -> Checked {
    let Definition { name, kind, .. } = definition;
    for field in &definition.fields {
        field_holds(schema, definition, field)?;
    }
    for member in &definition.members {
        if schema.types.get(member).is_none_or(|member| member.kind != DefinitionKind::Object) {
            return refuse(format!("the member {member} of {name} is no object"));
        }
    }
    for interface in &definition.interfaces {
        implements(schema, definition, interface)?;
    }
    let has_fields = matches!(kind, DefinitionKind::Object | DefinitionKind::Interface | DefinitionKind::Input);
    if (has_fields && definition.fields.is_empty()) || (*kind == DefinitionKind::Enum && definition.values.is_empty()) {
        return refuse(format!("{name} is empty"));
    }
    if *kind == DefinitionKind::Enum {
        enum_values(schema, definition)?;
    }
    are_unique(definition.fields.iter().map(|field| &field.name), name)?;
    are_unique(definition.values.iter().map(|value| &value.name), name)?;
    are_unique(definition.members.iter(), name)?;
    if !definition.is_built_in {
        is_not_reserved(name)?;
    }
    // Those of the extensions stand here too, and each stands at a place of its own: twice is fine.
    definition.directives.iter().try_for_each(|directive| applies(schema, directive, kind.text(), None))
}

fn field_holds(schema: &Schema, definition: &Definition, field: &FieldDefinition) -> Checked {
    is_not_reserved(&field.name)?;
    let kind = known(schema, &field.kind)?;
    arguments(schema, &field.arguments, None)?;
    let (fits, location) = match definition.kind {
        DefinitionKind::Input => (kind.is_input(), "INPUT_FIELD_DEFINITION"),
        DefinitionKind::Object | DefinitionKind::Interface => (kind.kind != DefinitionKind::Input, "FIELD_DEFINITION"),
        _ => (true, "FIELD_DEFINITION"),
    };
    if !fits {
        return refuse(format!("field {} of {} is of a type for the other direction", field.name, definition.name));
    }
    at_one_place(schema, &field.directives, location, None)
}

fn enum_values(schema: &Schema, definition: &Definition) -> Checked {
    for value in &definition.values {
        if ["true", "false", "null"].contains(&value.name.as_str()) {
            return refuse(format!("{} is no value of an enum", value.name));
        }
        at_one_place(schema, &value.directives, "ENUM_VALUE", None)?;
    }
    Ok(())
}

fn are_unique<'n>(names: impl Iterator<Item = &'n String>, of: &str) -> Checked {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return refuse(format!("{of} has {name} twice"));
        }
    }
    Ok(())
}

fn known<'s>(schema: &'s Schema, kind: &Type) -> Result<&'s Definition, Fault> {
    schema.of_type(kind).ok_or_else(|| Fault::new(format!("type {} is not defined", kind.innermost())))
}

fn arguments(schema: &Schema, arguments: &[ArgumentDefinition], of: Option<&DirectiveDefinition>) -> Checked {
    for argument in arguments {
        is_not_reserved(&argument.name)?;
        if !known(schema, &argument.kind)?.is_input() {
            return refuse(format!("argument {} is of a type that is no input", argument.name));
        }
        at_one_place(schema, &argument.directives, "ARGUMENT_DEFINITION", of)?;
    }
    Ok(())
}

fn at_one_place(
    schema: &Schema,
    directives: &[Directive],
    location: &str,
    inside: Option<&DirectiveDefinition>,
) -> Checked {
    let mut seen = BTreeSet::new();
    for directive in directives {
        applies(schema, directive, location, inside)?;
        let is_repeatable = schema.directives.get(&directive.name).is_some_and(|known| known.is_repeatable);
        if !seen.insert(&directive.name) && !is_repeatable {
            return refuse(format!("directive {} stands twice at one place", directive.name));
        }
    }
    Ok(())
}

fn applies(schema: &Schema, directive: &Directive, location: &str, inside: Option<&DirectiveDefinition>) -> Checked {
    let name = &directive.name;
    is_not_reserved(name)?;
    if inside.is_some_and(|inside| inside.name == *name) {
        return refuse(format!("directive {name} refers to itself"));
    }
    let Some(known) = schema.directives.get(name) else {
        return refuse(format!("directive {name} is not defined"));
    };
    if !known.locations.iter().any(|known| known == location) {
        return refuse(format!("directive {name} stands at {location}"));
    }
    for argument in &directive.arguments {
        if !known.arguments.iter().any(|known| known.name == argument.name) {
            return refuse(format!("directive {name} has no argument {}", argument.name));
        }
    }
    for needed in known.arguments.iter().filter(|known| known.kind.is_non_null && known.default.is_none()) {
        let given = directive.arguments.iter().find(|argument| argument.name == needed.name);
        if given.is_none_or(|given| given.value.kind == LiteralKind::Null) {
            return refuse(format!("directive {name} needs the argument {}", needed.name));
        }
    }
    Ok(())
}

fn implements(schema: &Schema, definition: &Definition, name: &str) -> Checked {
    let interface = schema.types.get(name).filter(|interface| interface.kind == DefinitionKind::Interface);
    let Some(interface) = interface else {
        return refuse(format!("{} implements {name}, which is no interface", definition.name));
    };
    for needed in &interface.fields {
        let Some(field) = definition.field(&needed.name) else {
            return refuse(format!("{} implements {name} without the field {}", definition.name, needed.name));
        };
        if !is_covariant(schema, &needed.kind, &field.kind) || !takes_the_arguments_of(field, needed) {
            return refuse(format!("field {} of {} does not fit {name}", needed.name, definition.name));
        }
    }
    match interface.interfaces.iter().find(|above| !definition.interfaces.contains(above)) {
        Some(above) => refuse(format!("{} implements {name} without {above}", definition.name)),
        None => Ok(()),
    }
}

fn takes_the_arguments_of(field: &FieldDefinition, needed: &FieldDefinition) -> bool {
    let takes = |needed: &ArgumentDefinition| {
        let found = field.arguments.iter().find(|argument| argument.name == needed.name);
        found.is_some_and(|found| is_compatible(&needed.kind, &found.kind))
    };
    let may_be_left_out = |more: &ArgumentDefinition| {
        let is_needed = needed.arguments.iter().any(|argument| argument.name == more.name);
        is_needed || !more.kind.is_non_null || more.default.is_some()
    };
    needed.arguments.iter().all(takes) && field.arguments.iter().all(may_be_left_out)
}

/// Whether what is of one type may stand where the other is wanted.
pub fn is_compatible(found: &Type, wanted: &Type) -> bool {
    let items = match (&found.item, &wanted.item) {
        (Some(found), Some(wanted)) => is_compatible(found, wanted),
        (Some(_), None) => false,
        (None, _) => true,
    };
    found.name == wanted.name && items && (found.is_non_null || !wanted.is_non_null)
}

fn is_covariant(schema: &Schema, wanted: &Type, found: &Type) -> bool {
    if wanted.is_non_null && !found.is_non_null {
        return false;
    }
    match (&wanted.item, &found.item) {
        (Some(wanted), Some(found)) => is_covariant(schema, wanted, found),
        (Some(_), None) => false,
        (None, _) => wanted.name == found.name || schema.possible(&wanted.name).contains(&found.name),
    }
}

/// An input with a field of its own kind that may not be left out could never be written.
fn no_input_needs_itself(schema: &Schema) -> Checked {
    let mut done = BTreeSet::new();
    for definition in schema.types.values() {
        // Depth first, without recursion: a schema may chain as many inputs as its text has room for.
        let mut path = vec![(definition.name.as_str(), needs(schema, definition))];
        while let Some((name, open)) = path.last_mut() {
            let (name, next) = (*name, open.pop());
            match next {
                Some(next) if path.iter().any(|(above, _)| *above == next.name) => {
                    return refuse(format!("input {} needs itself", next.name));
                }
                Some(next) if done.contains(next.name.as_str()) => {}
                Some(next) => path.push((&next.name, needs(schema, next))),
                None => {
                    done.insert(name);
                    path.pop();
                }
            }
        }
    }
    Ok(())
}

fn needs<'s>(schema: &'s Schema, definition: &Definition) -> Vec<&'s Definition> {
    if definition.kind != DefinitionKind::Input {
        return Vec::new();
    }
    let needed = definition.fields.iter().filter(|field| field.kind.is_non_null && field.kind.item.is_none());
    let types = needed.filter_map(|field| schema.types.get(&field.kind.name));
    types.filter(|kind| kind.kind == DefinitionKind::Input).collect()
}
