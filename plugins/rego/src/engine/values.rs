//! Values between JSON, the interpreter and the builtins.

use palisade_plugin_opa_builtins as opa;
use regorus::Value;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A document, straight into the interpreter's values.
pub fn parse(json: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    Value::from_json_str(text).map_err(|error| error.to_string())
}

pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => number_from(&number.to_string()),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(members) => {
            let pairs = members.iter().map(|(key, value)| (Value::from(key.as_str()), from_json(value)));
            Value::from(pairs.collect::<BTreeMap<_, _>>())
        }
    }
}

/// Nothing for the interpreter's undefined, which no builtin is ever asked about.
pub fn to_builtin(value: &Value) -> Option<opa::Value> {
    Some(match value {
        Value::Null => opa::Value::Null,
        Value::Bool(bool) => opa::Value::Bool(*bool),
        Value::Number(_) => opa::Value::Number(opa::Number::parse(&value.to_json_str().ok()?)?),
        Value::String(text) => opa::Value::String(text.to_string()),
        Value::Array(items) => opa::Value::Array(items.iter().map(to_builtin).collect::<Option<_>>()?),
        Value::Set(items) => opa::Value::Set(items.iter().map(to_builtin).collect::<Option<_>>()?),
        Value::Object(members) => {
            let pair = |(key, value)| Some((to_builtin(key)?, to_builtin(value)?));
            opa::Value::Object(members.iter().map(pair).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

pub fn from_builtin(value: &opa::Value) -> Value {
    match value {
        opa::Value::Null => Value::Null,
        opa::Value::Bool(bool) => Value::Bool(*bool),
        opa::Value::Number(number) => number_from(number.as_str()),
        opa::Value::String(text) => Value::from(text.as_str()),
        opa::Value::Array(items) => Value::from(items.iter().map(from_builtin).collect::<Vec<_>>()),
        opa::Value::Set(items) => Value::from(items.iter().map(from_builtin).collect::<BTreeSet<_>>()),
        opa::Value::Object(members) => {
            let pairs = members.iter().map(|(key, value)| (from_builtin(key), from_builtin(value)));
            Value::from(pairs.collect::<BTreeMap<_, _>>())
        }
    }
}

fn number_from(text: &str) -> Value {
    Value::from_numeric_string(text).unwrap_or(Value::Undefined)
}
