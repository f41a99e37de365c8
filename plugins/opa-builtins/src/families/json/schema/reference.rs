//! Where `$ref` leads: inside the schema, never out of it. Nothing is fetched.

use crate::Value;

/// A pointer behind `#`, or the `$id` of a part of the schema.
pub fn resolve<'s>(root: &'s Value, reference: &str) -> Result<&'s Value, String> {
    let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let document = if base.is_empty() { root } else { identified(root, base).ok_or_else(|| not_fetched(reference))? };
    if fragment.is_empty() {
        return Ok(document);
    }
    match fragment.strip_prefix('/') {
        Some(pointer) => pointer.split('/').try_fold(document, step),
        None => identified(root, &format!("#{fragment}")).ok_or_else(|| not_fetched(reference)),
    }
}

fn not_fetched(reference: &str) -> String {
    format!("{reference} is outside of the schema and is not fetched")
}

fn step<'s>(value: &'s Value, key: &str) -> Result<&'s Value, String> {
    let key = unescape(key);
    let found = match value {
        Value::Object(members) => members.get(&key.as_str().into()),
        Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => None,
    };
    found.ok_or_else(|| format!("Object has no key '{key}'"))
}

/// Percent signs first, as in any URI, then the tildes of a pointer.
fn unescape(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| hex::decode(after.get(..2)?).ok()).flatten();
        rest = if escaped.is_some() { &after[2..] } else { after };
        bytes.extend(escaped.unwrap_or_else(|| vec![first]));
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

fn identified<'s>(value: &'s Value, id: &str) -> Option<&'s Value> {
    let is_it = |held: Option<&Value>| match held {
        Some(Value::String(held)) => held == id || held.trim_end_matches('#') == id,
        _ => false,
    };
    match value {
        Value::Object(members) if is_it(members.get(&"$id".into())) || is_it(members.get(&"id".into())) => Some(value),
        Value::Object(members) => members.values().find_map(|member| identified(member, id)),
        Value::Array(items) => items.iter().find_map(|item| identified(item, id)),
        _ => None,
    }
}
