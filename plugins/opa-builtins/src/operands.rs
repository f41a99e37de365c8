//! The arguments of a builtin as the types that it wants. Positions count from 0 here and from 1 in messages.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;

use crate::{Fault, Number, Value};

fn operand(arguments: &[Value], position: usize) -> Result<&Value, Fault> {
    arguments.get(position).ok_or_else(|| Fault::new(format!("operand {} is missing", position + 1)))
}

fn mismatch<T>(position: usize, expected: &str, found: &Value) -> Result<T, Fault> {
    Err(Fault::operand(position + 1, expected, found.kind()))
}

pub fn any(arguments: &[Value], position: usize) -> Result<&Value, Fault> {
    operand(arguments, position)
}

pub fn string(arguments: &[Value], position: usize) -> Result<&str, Fault> {
    match operand(arguments, position)? {
        Value::String(text) => Ok(text),
        other => mismatch(position, "string", other),
    }
}

pub fn boolean(arguments: &[Value], position: usize) -> Result<bool, Fault> {
    match operand(arguments, position)? {
        Value::Bool(value) => Ok(*value),
        other => mismatch(position, "boolean", other),
    }
}

pub fn number(arguments: &[Value], position: usize) -> Result<&Number, Fault> {
    match operand(arguments, position)? {
        Value::Number(number) => Ok(number),
        other => mismatch(position, "number", other),
    }
}

/// A number without fraction that fits 64 bits, as Go's `int` takes it.
pub fn int(arguments: &[Value], position: usize) -> Result<i64, Fault> {
    let number = number(arguments, position)?;
    number.as_i64().ok_or_else(|| Fault::operand(position + 1, "an integer number", number.as_str()))
}

pub fn big_int(arguments: &[Value], position: usize) -> Result<BigInt, Fault> {
    let number = number(arguments, position)?;
    number.to_big_int().ok_or_else(|| Fault::operand(position + 1, "an integer number", number.as_str()))
}

pub fn array(arguments: &[Value], position: usize) -> Result<&[Value], Fault> {
    match operand(arguments, position)? {
        Value::Array(items) => Ok(items),
        other => mismatch(position, "array", other),
    }
}

pub fn object(arguments: &[Value], position: usize) -> Result<&BTreeMap<Value, Value>, Fault> {
    match operand(arguments, position)? {
        Value::Object(members) => Ok(members),
        other => mismatch(position, "object", other),
    }
}

pub fn set(arguments: &[Value], position: usize) -> Result<&BTreeSet<Value>, Fault> {
    match operand(arguments, position)? {
        Value::Set(items) => Ok(items),
        other => mismatch(position, "set", other),
    }
}

/// The items of an array or a set, in their order.
pub fn items(arguments: &[Value], position: usize) -> Result<Vec<&Value>, Fault> {
    match operand(arguments, position)? {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Set(items) => Ok(items.iter().collect()),
        other => mismatch(position, "one of {array, set}", other),
    }
}

/// The items of an array or a set of strings.
pub fn strings(arguments: &[Value], position: usize) -> Result<Vec<&str>, Fault> {
    items(arguments, position)?
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Ok(text.as_str()),
            other => mismatch(position, "array or set of strings", other),
        })
        .collect()
}
