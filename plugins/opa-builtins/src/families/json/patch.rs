//! JSON Patch over Rego values: sets are documents too, whose items are their own keys.

use super::paths;
use crate::{Context, Fault, Value, operands};

/// How many values all copies of one patch may make: a copy of a document into itself, repeated, doubles it each time.
const MAX_COPIED: usize = 1_000_000;

/// As deep as a value may nest that comes as text: each level is a call on the stack.
const MAX_DEPTH: usize = 512;

pub fn patch(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut document = Document { root: Some(operands::any(arguments, 0)?.clone()), copied: 0 };
    for operation in operands::array(arguments, 1)? {
        document.apply(&Operation(operation))?;
    }
    document.root.ok_or_else(|| Fault::new("the patch removed the whole document"))
}

struct Operation<'v>(&'v Value);

impl<'v> Operation<'v> {
    fn attribute(&self, name: &str) -> Result<&'v Value, Fault> {
        let Value::Object(attributes) = self.0 else {
            return Err(Fault::new("an operation of a patch must be an object"));
        };
        attributes.get(&name.into()).ok_or_else(|| Fault::new(format!("an operation of a patch lacks {name}")))
    }

    fn path(&self, name: &str) -> Result<Vec<Value>, Fault> {
        paths::parse(self.attribute(name)?)
    }
}

struct Document {
    /// Nothing after the root was removed.
    root: Option<Value>,
    copied: usize,
}

impl Document {
    fn apply(&mut self, operation: &Operation<'_>) -> Result<(), Fault> {
        let path = operation.path("path")?;
        let Value::String(name) = operation.attribute("op")? else { return Err(Fault::new("op must be a string")) };
        match name.as_str() {
            "add" => self.add(&path, operation.attribute("value")?.clone()),
            "remove" => self.remove(&path).map(drop),
            "replace" => {
                self.remove(&path)?;
                self.add(&path, operation.attribute("value")?.clone())
            }
            "move" => {
                let moved = self.remove(&operation.path("from")?)?;
                self.add(&path, moved)
            }
            "copy" => {
                let copied = self.at(&operation.path("from")?)?.clone();
                self.count(&copied)?;
                self.add(&path, copied)
            }
            "test" if self.at(&path)? == operation.attribute("value")? => Ok(()),
            "test" => Err(Fault::new("the document is not as the patch wants it")),
            other => Err(Fault::new(format!("there is no operation {other}"))),
        }
    }

    fn count(&mut self, copied: &Value) -> Result<(), Fault> {
        self.copied += size(copied);
        match self.copied > MAX_COPIED {
            true => Err(Fault::new(format!("the patch copies more than {MAX_COPIED} values"))),
            false => Ok(()),
        }
    }

    fn at(&self, path: &[Value]) -> Result<&Value, Fault> {
        let root = self.root.as_ref().ok_or("the document was removed")?;
        path.iter().try_fold(root, child)
    }

    fn add(&mut self, path: &[Value], value: Value) -> Result<(), Fault> {
        if path.len() + depth(&value) > MAX_DEPTH {
            return Err(Fault::new(format!("the patch nests deeper than {MAX_DEPTH}")));
        }
        if path.is_empty() {
            self.root = Some(value);
            return Ok(());
        }
        let root = self.root.as_mut().ok_or("the document was removed")?;
        Change::Add(value).make(root, path).map(drop)
    }

    fn remove(&mut self, path: &[Value]) -> Result<Value, Fault> {
        if path.is_empty() {
            return self.root.take().ok_or_else(|| Fault::new("the document was removed"));
        }
        let root = self.root.as_mut().ok_or("the document was removed")?;
        Change::Remove.make(root, path)?.map_or_else(missing, Ok)
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Set(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Set(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => None,
    }
    .unwrap_or(0)
}

fn missing<T>() -> Result<T, Fault> {
    Err(Fault::new("a path of the patch leads nowhere"))
}

fn child<'v>(value: &'v Value, key: &Value) -> Result<&'v Value, Fault> {
    let child = match value {
        Value::Object(members) => members.get(key),
        Value::Set(items) => items.get(key),
        Value::Array(items) => items.get(index(key, items.len())?),
        _ => None,
    };
    child.map_or_else(missing, Ok)
}

enum Change {
    Add(Value),
    Remove,
}

impl Change {
    /// Changes the value at the end of a path, and returns what was removed. An item of a set is taken out and put back,
    /// for it may have become another.
    fn make(self, value: &mut Value, path: &[Value]) -> Result<Option<Value>, Fault> {
        let (first, rest, change) = match (path, self) {
            ([], _) => return missing(),
            ([last], Self::Add(added)) => return insert(value, last, added).map(|()| None),
            ([last], Self::Remove) => return take(value, last).map(Some),
            ([first, rest @ ..], change) => (first, rest, change),
        };
        let child = match value {
            Value::Object(members) => members.get_mut(first),
            Value::Array(items) => {
                let at = index(first, items.len())?;
                items.get_mut(at)
            }
            Value::Set(items) => {
                let Some(mut item) = items.take(first) else { return missing() };
                let removed = change.make(&mut item, rest)?;
                items.insert(item);
                return Ok(removed);
            }
            _ => None,
        };
        child.map_or_else(missing, |child| change.make(child, rest))
    }
}

fn insert(parent: &mut Value, key: &Value, value: Value) -> Result<(), Fault> {
    match parent {
        Value::Object(members) => {
            members.insert(key.clone(), value);
        }
        Value::Set(items) if *key == value => {
            items.insert(value);
        }
        Value::Set(_) => return Err(Fault::new("an item of a set is its own key")),
        Value::Array(items) => {
            let at = index(key, items.len())?;
            if at > items.len() {
                return missing();
            }
            items.insert(at, value);
        }
        _ => return missing(),
    }
    Ok(())
}

fn take(parent: &mut Value, key: &Value) -> Result<Value, Fault> {
    let taken = match parent {
        Value::Object(members) => members.remove(key),
        Value::Set(items) => items.take(key),
        Value::Array(items) => {
            let at = index(key, items.len())?;
            (at < items.len()).then(|| items.remove(at))
        }
        _ => None,
    };
    taken.map_or_else(missing, Ok)
}

/// A number, its text, or `-` for the end. OPA reads `+1` and `1.0` as 1, and refuses `01`.
fn index(key: &Value, length: usize) -> Result<usize, Fault> {
    let text = match key {
        Value::Number(number) => number.as_str(),
        Value::String(text) if text == "-" => return Ok(length),
        Value::String(text) if text != "0" && text.starts_with('0') => {
            return Err(Fault::new("an index of a patch has a leading zero"));
        }
        Value::String(text) => text,
        _ => return Err(Fault::new("an index of a patch must be a number or a string")),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    let index = whole.parse::<i64>().ok().filter(|_| is_whole).and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| Fault::new("an index of a patch must be a whole number"))
}
