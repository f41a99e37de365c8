//! Objects: looking up, merging, picking keys, comparing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("object.get", get),
    ("object.keys", keys),
    ("object.filter", filter),
    ("object.remove", remove),
    ("object.union", union),
    ("object.union_n", union_n),
    ("object.subset", subset),
];

type Members = BTreeMap<Value, Value>;

fn get(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let members = operands::object(arguments, 0)?;
    let default = operands::any(arguments, 2)?;
    let found = match operands::any(arguments, 1)? {
        Value::Array(path) => path.iter().try_fold(&arguments[0], child),
        key => members.get(key),
    };
    Ok(found.unwrap_or(default).clone())
}

/// What a value holds under a key: an item of a set is its own key.
pub(super) fn child<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    match (value, key) {
        (Value::Object(members), _) => members.get(key),
        (Value::Set(items), _) => items.get(key),
        (Value::Array(items), Value::Number(index)) => items.get(usize::try_from(index.as_i64()?).ok()?),
        _ => None,
    }
}

fn keys(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Set(operands::object(arguments, 0)?.keys().cloned().collect()))
}

fn filter(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (members, chosen) = (operands::object(arguments, 0)?, chosen_keys(arguments)?);
    Ok(picked(members, |key| chosen.contains(key)))
}

fn remove(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (members, chosen) = (operands::object(arguments, 0)?, chosen_keys(arguments)?);
    Ok(picked(members, |key| !chosen.contains(key)))
}

fn picked(members: &Members, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let picked = members.iter().filter(|(key, _)| is_wanted(key));
    Value::Object(picked.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// The keys that the second argument names: items of an array or a set, or the keys of an object.
fn chosen_keys(arguments: &[Value]) -> Result<BTreeSet<&Value>, Fault> {
    Ok(match operands::any(arguments, 1)? {
        Value::Object(members) => members.keys().collect(),
        _ => operands::items(arguments, 1)?.into_iter().collect(),
    })
}

fn union(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut merged = operands::object(arguments, 0)?.clone();
    merge(&mut merged, operands::object(arguments, 1)?);
    Ok(Value::Object(merged))
}

fn union_n(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let objects = operands::array(arguments, 0)?;
    let mut merged = Members::new();
    for at in 0..objects.len() {
        merge(&mut merged, operands::object(objects, at)?);
    }
    Ok(Value::Object(merged))
}

/// The later value stands, except that two objects are merged.
fn merge(merged: &mut Members, later: &Members) {
    for (key, value) in later {
        match (merged.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
}

fn subset(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (whole, part) = (operands::any(arguments, 0)?, operands::any(arguments, 1)?);
    let is_subset = match (whole, part) {
        (Value::Array(whole), Value::Set(part)) => holds_each(whole, part),
        _ => includes(whole, part).ok_or("both must be objects, sets or arrays, or an array and a set")?,
    };
    Ok(is_subset.into())
}

/// Nothing where the two cannot be compared so.
fn includes(whole: &Value, part: &Value) -> Option<bool> {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => Some(part.iter().all(|(key, value)| {
            whole.get(key).is_some_and(|held| held == value || includes(held, value).unwrap_or(false))
        })),
        (Value::Set(whole), Value::Set(part)) => Some(part.is_subset(whole)),
        (Value::Array(_), Value::Array(part)) if part.is_empty() => Some(true),
        (Value::Array(whole), Value::Array(part)) => Some(whole.windows(part.len()).any(|window| window == part)),
        _ => None,
    }
}

/// OPA counts matching items of the array, so an item that stands there twice counts twice.
fn holds_each(whole: &[Value], part: &BTreeSet<Value>) -> bool {
    !whole.is_empty() && whole.iter().filter(|item| part.contains(item)).count() >= part.len()
}
