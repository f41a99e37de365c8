//! A value as a Go template holds it.

use std::collections::BTreeMap;

use super::super::sprintf::argument::Argument;
use crate::{Fault, Value, text};

#[derive(Clone, Debug)]
pub(super) enum Datum {
    /// Nothing is there: a key that a map has not.
    Missing,
    Nil,
    Bool(bool),
    /// A number of the template's own text.
    Int(i64),
    Float(f64),
    Text(String),
    /// A number of the data, which Go holds as text.
    Digits(String),
    List(Vec<Datum>),
    Map(BTreeMap<String, Datum>),
}

impl Datum {
    /// OPA hands a template what its Rego text says when it is read as JSON: no sets, no keys but strings, no text with
    /// an escape that JSON has not.
    pub(super) fn of(value: &Value) -> Result<Self, Fault> {
        text::parse_json(&value.to_string()).map(Self::of_json)
    }

    fn of_json(value: Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Digits(number.to_string()),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::of_json).collect()),
            Value::Set(items) => Self::List(items.into_iter().map(Self::of_json).collect()),
            Value::Object(members) => {
                Self::Map(members.into_iter().map(|(key, value)| (key_text(key), Self::of_json(value))).collect())
            }
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) | Self::Digits(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(members) => !members.is_empty(),
        }
    }

    pub(super) fn argument(&self) -> Argument {
        match self {
            Self::Missing | Self::Nil => Argument::Nil,
            Self::Bool(value) => Argument::Bool(*value),
            Self::Int(number) => Argument::Short(*number),
            Self::Float(number) => Argument::Float(*number),
            Self::Text(text) => Argument::Text(text.clone()),
            Self::Digits(text) => Argument::Named("json.Number", text.clone()),
            Self::List(_) | Self::Map(_) => Argument::Text(self.shown()),
        }
    }

    /// As Go prints it where it stands alone.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Missing => "<no value>".to_owned(),
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => super::super::sprintf::shown_float(*number),
            Self::Text(text) | Self::Digits(text) => text.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::shown).collect::<Vec<_>>().join(" ")),
            Self::Map(members) => {
                let shown: Vec<_> = members.iter().map(|(key, value)| format!("{key}:{}", value.shown())).collect();
                format!("map[{}]", shown.join(" "))
            }
        }
    }
}

fn key_text(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
