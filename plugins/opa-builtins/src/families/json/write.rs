//! JSON text as Go writes it: sets as arrays, keys that are no strings as their own JSON text, members sorted by key, and
//! `<`, `>`, `&` and two line separators escaped.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write};

use crate::{Fault, Value};

/// What stands in front of each line, and once more for each level.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'t> {
    pub prefix: &'t str,
    pub indent: &'t str,
}

/// A laid-out text longer than this is refused: prefix and indent are the policy's own, and repeat on each line.
const MAX_PRETTY_BYTES: usize = 16 << 20;

/// One line.
pub fn compact(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value);
    text
}

/// A line per item.
pub fn pretty(value: &Value, layout: Layout<'_>) -> Result<String, Fault> {
    let mut text = layout.prefix.to_owned();
    lay_out(&mut text, value, Level { layout, depth: 0 })?;
    Ok(text)
}

/// A key as the name of a member.
pub fn key_text(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(compact(other)),
    }
}

/// The members in the order in which Go writes them. Two keys may share a text; the later one stands, as in a map.
fn sorted(members: &BTreeMap<Value, Value>) -> BTreeMap<Cow<'_, str>, &Value> {
    members.iter().map(|(key, value)| (key_text(key), value)).collect()
}

fn put(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(number.as_str()),
        Value::String(content) => put_string(text, content),
        Value::Array(items) => put_items(text, items.iter()),
        Value::Set(items) => put_items(text, items.iter()),
        Value::Object(members) => {
            text.push('{');
            for (index, (key, value)) in sorted(members).into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                put_string(text, &key);
                text.push(':');
                put(text, value);
            }
            text.push('}');
        }
    }
}

fn put_items<'v>(text: &mut String, items: impl Iterator<Item = &'v Value>) {
    text.push('[');
    for (index, item) in items.enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        put(text, item);
    }
    text.push(']');
}

fn put_string(text: &mut String, content: &str) {
    text.push('"');
    for letter in content.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
}

#[derive(Clone, Copy)]
struct Level<'t> {
    layout: Layout<'t>,
    depth: usize,
}

impl Level<'_> {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn break_line(self, text: &mut String) -> Result<(), Fault> {
        if text.len() > MAX_PRETTY_BYTES {
            return Err(Fault::new(format!("the text is longer than {MAX_PRETTY_BYTES} bytes")));
        }
        text.push('\n');
        text.push_str(self.layout.prefix);
        text.push_str(&self.layout.indent.repeat(self.depth));
        Ok(())
    }
}

fn lay_out(text: &mut String, value: &Value, level: Level<'_>) -> Result<(), Fault> {
    match value {
        Value::Array(items) if !items.is_empty() => lay_out_items(text, items.iter(), level),
        Value::Set(items) if !items.is_empty() => lay_out_items(text, items.iter(), level),
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (index, (key, value)) in sorted(members).into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                level.deeper().break_line(text)?;
                put_string(text, &key);
                text.push_str(": ");
                lay_out(text, value, level.deeper())?;
            }
            level.break_line(text)?;
            text.push('}');
            Ok(())
        }
        other => {
            put(text, other);
            Ok(())
        }
    }
}

fn lay_out_items<'v>(text: &mut String, items: impl Iterator<Item = &'v Value>, level: Level<'_>) -> Result<(), Fault> {
    text.push('[');
    for (index, item) in items.enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        level.deeper().break_line(text)?;
        lay_out(text, item, level.deeper())?;
    }
    level.break_line(text)?;
    text.push(']');
    Ok(())
}
