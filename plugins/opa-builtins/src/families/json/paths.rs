//! Paths into a value: `a/b~1c` as JSON Pointer has them, or an array of keys. Several make a tree.

use std::collections::BTreeMap;

use crate::{Fault, Value};

/// The keys of one path.
pub fn parse(path: &Value) -> Result<Vec<Value>, Fault> {
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(text
            .trim_start_matches('/')
            .split('/')
            .map(|key| key.replace("~1", "/").replace("~0", "~").into())
            .collect()),
        Value::Array(keys) => Ok(keys.clone()),
        other => Err(Fault::new(format!("a path must be a string or an array but is {}", other.kind()))),
    }
}

/// An object of objects; null where a path ends, and a longer path through there adds nothing.
pub fn tree(paths: Vec<&Value>) -> Result<Value, Fault> {
    let mut tree = BTreeMap::new();
    for path in paths {
        grow(&mut tree, &parse(path)?);
    }
    Ok(Value::Object(tree))
}

fn grow(tree: &mut BTreeMap<Value, Value>, path: &[Value]) {
    match path {
        [] => {}
        [last] => {
            tree.insert(last.clone(), Value::Null);
        }
        [first, rest @ ..] => {
            let branch = tree.entry(first.clone()).or_insert_with(|| Value::Object(BTreeMap::new()));
            if let Value::Object(branch) = branch {
                grow(branch, rest);
            }
        }
    }
}
