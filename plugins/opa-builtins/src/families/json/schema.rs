//! JSON Schema of the drafts 4, 6 and 7 as OPA's library takes them: a schema that names none of them may use the keywords
//! of all. The reports read as OPA's do; where a document breaks several rules at once OPA's own order changes from run to
//! run, and ours is that of the keys. References lead into the schema itself only: nothing is fetched. Of the formats,
//! `email` and the URIs are told apart by the outline of their grammar.

mod check;
mod format;
mod keywords;
mod pattern;
mod reference;
mod validate;

use std::borrow::Cow;

use crate::{Context, Fault, Value, operands, text};
use check::Check;
use keywords::Draft;
use validate::{Error, Validator};

/// Whether a document fits, and what does not.
pub fn match_schema(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let document = read(operands::any(arguments, 0)?)?;
    let schema = read(operands::any(arguments, 1)?)?;
    let draft = checked(&schema)?;
    let findings = Validator::new(&schema, draft).findings(&document)?;
    let errors: Vec<Value> = findings.errors.into_iter().map(told).collect();
    Ok(Value::Array(vec![errors.is_empty().into(), Value::Array(errors)]))
}

/// Whether a schema is one, and why not.
pub fn verify_schema(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let found = read(operands::any(arguments, 0)?).and_then(|schema| checked(&schema));
    Ok(Value::Array(match found {
        Ok(_) => vec![true.into(), Value::Null],
        Err(fault) => vec![false.into(), format!("jsonschema: {fault}").into()],
    }))
}

fn told(error: Error) -> Value {
    Value::object([
        ("error", format!("{}: {}", error.field, error.description).into()),
        ("type", error.kind.into()),
        ("field", error.field.into()),
        ("desc", error.description.into()),
    ])
}

fn checked(schema: &Value) -> Result<Draft, Fault> {
    let draft = match schema {
        Value::Object(members) => match keywords::get(members, "$schema") {
            None | Some(Value::String(_)) => Draft::of(members),
            Some(_) => return Err(Fault::new("$schema must be of type string")),
        },
        Value::Bool(_) => Draft::Hybrid,
        _ => return Err(Fault::new("schema is invalid")),
    };
    Check::new(schema, draft).schema(schema)?;
    Ok(draft)
}

/// JSON text is read; sets and keys that are no strings become what JSON has for them.
fn read(operand: &Value) -> Result<Cow<'_, Value>, Fault> {
    match operand {
        Value::String(json) => text::parse_json(json).map(Cow::Owned).map_err(|_| Fault::new("invalid JSON string")),
        Value::Object(_) | Value::Array(_) => Ok(Cow::Owned(text::parse_json(&super::compact(operand))?)),
        _ => Err(Fault::new("wrong type, expected string or object")),
    }
}
