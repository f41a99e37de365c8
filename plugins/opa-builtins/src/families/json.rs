//! JSON documents: patches, filters, schemas, text.

mod patch;
mod paths;
pub(crate) mod schema;
mod write;

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::{Builtin, Context, Fault, Value, operands, text};

pub use write::key_text;
pub(crate) use write::{Layout, compact, pretty};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("json.marshal", marshal),
    ("json.marshal_with_options", marshal_with_options),
    ("json.unmarshal", unmarshal),
    ("json.is_valid", is_valid),
    ("json.filter", filter),
    ("json.remove", remove),
    ("json.patch", patch::patch),
    ("json.match_schema", schema::match_schema),
    ("json.verify_schema", schema::verify_schema),
];

fn marshal(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(compact(operands::any(arguments, 0)?).into())
}

fn marshal_with_options(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let value = operands::any(arguments, 0)?;
    let (mut prefix, mut indent, mut is_pretty) = (None, None, None);
    for (name, option) in operands::object(arguments, 1)? {
        let option = std::slice::from_ref(option);
        match name {
            Value::String(name) if name == "prefix" => prefix = Some(operands::string(option, 0)?),
            Value::String(name) if name == "indent" => indent = Some(operands::string(option, 0)?),
            Value::String(name) if name == "pretty" => is_pretty = Some(operands::boolean(option, 0)?),
            other => return Err(Fault::new(format!("there is no option {}", text::write(other)))),
        }
    }
    let layout = Layout { prefix: prefix.unwrap_or_default(), indent: indent.unwrap_or("\t") };
    Ok(match is_pretty.unwrap_or(prefix.is_some() || indent.is_some()) {
        true => pretty(value, layout)?.into(),
        false => compact(value).into(),
    })
}

fn unmarshal(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    text::parse_json(operands::string(arguments, 0)?)
}

/// Only the grammar counts: a number may be larger than any that OPA reads.
fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(operands::string(arguments, 0).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok()).into())
}

fn remove(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    operands::object(arguments, 0)?;
    let tree = paths::tree(operands::items(arguments, 1)?)?;
    Ok(without(&arguments[0], &tree).unwrap_or(Value::Null))
}

/// What is left of a value; nothing where a path ends here.
fn without(value: &Value, tree: &Value) -> Option<Value> {
    let branches = match tree {
        Value::Null => return None,
        Value::Object(branches) => branches,
        _ => return Some(value.clone()),
    };
    let left = |key: &Value, item: &Value| match branches.get(key) {
        Some(branch) => without(item, branch),
        None => Some(item.clone()),
    };
    Some(match value {
        Value::Object(members) => {
            Value::Object(members.iter().filter_map(|(key, item)| Some((key.clone(), left(key, item)?))).collect())
        }
        Value::Set(items) => Value::Set(items.iter().filter_map(|item| left(item, item)).collect()),
        Value::Array(items) => Value::Array(
            items.iter().enumerate().filter_map(|(index, item)| left(&index.to_string().into(), item)).collect(),
        ),
        scalar => scalar.clone(),
    })
}

fn filter(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let members = operands::object(arguments, 0)?;
    let tree = paths::tree(operands::items(arguments, 1)?)?;
    Ok(Value::Object(only_members(members, &tree)))
}

/// The parts of a value that a tree of paths names; the whole where a path ends here.
pub(crate) fn only(value: &Value, tree: &Value) -> Value {
    let Value::Object(branches) = tree else { return value.clone() };
    match value {
        Value::Object(members) => Value::Object(only_members(members, tree)),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| Some(only(item, branches.get(&index.to_string().into())?)))
                .collect(),
        ),
        Value::Set(items) => {
            Value::Set(items.iter().filter_map(|item| Some(only(item, branches.get(item)?))).collect())
        }
        scalar => scalar.clone(),
    }
}

fn only_members(members: &BTreeMap<Value, Value>, tree: &Value) -> BTreeMap<Value, Value> {
    let Value::Object(branches) = tree else { return members.clone() };
    members.iter().filter_map(|(key, item)| Some((key.clone(), only(item, branches.get(key)?)))).collect()
}
