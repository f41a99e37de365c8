//! A Rego value, in OPA's order: null, booleans, numbers, strings, arrays, objects, sets.

use std::collections::{BTreeMap, BTreeSet};

use crate::Number;

/// The derived order is OPA's: by kind as listed here, then by content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(BTreeMap<Value, Value>),
    Set(BTreeSet<Value>),
}

impl Value {
    /// The kind as OPA's messages name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
            Self::Set(_) => "set",
        }
    }

    /// An object from string keys.
    pub fn object<const N: usize>(members: [(&str, Value); N]) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (Self::from(key), value)).collect())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<BTreeMap<Value, Value>> for Value {
    fn from(members: BTreeMap<Value, Value>) -> Self {
        Self::Object(members)
    }
}

impl From<BTreeSet<Value>> for Value {
    fn from(items: BTreeSet<Value>) -> Self {
        Self::Set(items)
    }
}
