//! JSON that keeps its numbers as they were written, because OPA does: a digest over a document, and data with numbers
//! beyond 64 bits, would else not survive.

use crate::rego::caps;
use anyhow::{Context, Result, bail, ensure};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// One JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    Object(BTreeMap<String, Document>),
    Array(Vec<Document>),
    Text(String),
    /// A number, a boolean or null, as written.
    Plain(String),
}

impl Document {
    pub fn empty() -> Self {
        Document::Object(BTreeMap::new())
    }

    pub fn parse_json(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let values = values(bytes);
        ensure!(values <= caps::DATA_VALUES, "it holds {values} values, and at most {} may be used", caps::DATA_VALUES);
        let raw: &RawValue = serde_json::from_slice(bytes).context("it is not JSON")?;
        Self::of(raw, 0)
    }

    /// YAML, as far as it says what JSON can say. Its own reader bounds values and what aliases repeat, lower than ours.
    pub fn parse_yaml(bytes: &[u8]) -> Result<Self> {
        // As OPA reads it: `yes` and `off` are texts, `010` is eight.
        let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
        let value: serde_json::Value = serde_saphyr::from_slice_with_options(bytes, options)
            .map_err(|error| anyhow::anyhow!("it is not YAML: {error}"))?;
        Self::parse_json(&serde_json::to_vec(&value)?)
    }

    fn of(raw: &RawValue, depth: usize) -> Result<Self> {
        ensure!(depth < caps::DATA_DEPTH, "it is nested deeper than {} levels", caps::DATA_DEPTH);
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
                let members = members.into_iter().map(|(name, value)| Ok((name, Self::of(value, depth + 1)?)));
                Document::Object(members.collect::<Result<_>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Document::Array(items.into_iter().map(|item| Self::of(item, depth + 1)).collect::<Result<_>>()?)
            }
            Some(b'"') => Document::Text(serde_json::from_str(text)?),
            _ => Document::Plain(text.to_owned()),
        })
    }

    /// Lays another document over this one: objects grow together, anything else that meets is a conflict.
    pub fn merge(&mut self, other: Document, at: &str) -> Result<()> {
        match (self, other) {
            (Document::Object(mine), Document::Object(theirs)) => {
                for (name, value) in theirs {
                    let inside = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
                    match mine.get_mut(&name) {
                        Some(known) => known.merge(value, &inside)?,
                        None => drop(mine.insert(name, value)),
                    }
                }
                Ok(())
            }
            _ => bail!("two files give data at {at:?}"),
        }
    }

    /// This document at a place below the root.
    pub fn below<'a>(self, path: impl DoubleEndedIterator<Item = &'a str>) -> Self {
        path.rev().fold(self, |inner, name| Document::Object(BTreeMap::from([(name.to_owned(), inner)])))
    }

    /// Without blanks, members in the order of their names, texts as Go's encoder writes them: what OPA hashes.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Document::Object(members) => {
                out.push('{');
                for (place, (name, value)) in members.iter().enumerate() {
                    out.push_str(if place > 0 { "," } else { "" });
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            Document::Array(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Document::Text(text) => write_text(text, out),
            Document::Plain(text) => out.push_str(text),
        }
    }
}

/// How many values a JSON text holds, counted before any of them takes memory: one more than there are commas, and one
/// for each container that is not empty.
fn values(json: &[u8]) -> usize {
    let (mut values, mut before) = (1, b' ');
    let mut bytes = json.iter();
    while let Some(&byte) = bytes.next() {
        match (before, byte) {
            (_, b'"') => skip_text(&mut bytes),
            (_, b',' | b'[' | b'{') => values += 1,
            (b'[', b']') | (b'{', b'}') => values -= 1,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    values
}

/// To behind the quotation mark that ends a text.
fn skip_text(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// Go escapes the two line separators of Unicode, serde_json does not; all else is the same in both.
fn write_text(text: &str, out: &mut String) {
    let quoted = serde_json::to_string(text).expect("a text always serializes");
    for part in quoted.split_inclusive(['\u{2028}', '\u{2029}']) {
        match part.strip_suffix('\u{2028}') {
            Some(before) => out.extend([before, "\\u2028"]),
            None => match part.strip_suffix('\u{2029}') {
                Some(before) => out.extend([before, "\\u2029"]),
                None => out.push_str(part),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_were_written_and_names_are_sorted() {
        let document =
            Document::parse_json(b" { \"b\": [1.0, 12345678901234567890123, null], \"a\": \"\\u003c\\u2028\" } ");
        assert_eq!(document.unwrap().canonical(), "{\"a\":\"<\\u2028\",\"b\":[1.0,12345678901234567890123,null]}");
    }

    #[test]
    fn objects_grow_together_and_anything_else_is_a_conflict() {
        let mut data = Document::parse_json(br#"{"a": {"x": 1}}"#).unwrap();
        data.merge(Document::parse_json(br#"{"y": 2}"#).unwrap().below(["a"].into_iter()), "").unwrap();
        assert_eq!(data.canonical(), r#"{"a":{"x":1,"y":2}}"#);
        let conflict = data.merge(Document::parse_json(br#"{"a": {"x": 2}}"#).unwrap(), "").unwrap_err();
        assert_eq!(conflict.to_string(), "two files give data at \"a/x\"");
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        assert!(Document::parse_json(&deep).unwrap_err().to_string().contains("nested deeper"));
    }

    #[test]
    fn values_are_counted_as_they_are_read() {
        for (json, expected) in [
            ("7", 1),
            (" [ ] ", 1),
            ("[[], {}, [1]]", 5),
            (r#"{"a,\"[": [1, "x,y"], "b": {"c": null}}"#, 6),
            ("[\"\\\\\", 2]", 3),
        ] {
            assert_eq!(values(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn more_values_than_may_be_used_are_refused_before_they_take_memory() {
        let many = format!("[{}0]", "0,".repeat(caps::DATA_VALUES));
        let said = Document::parse_json(many.as_bytes()).unwrap_err().to_string();
        assert_eq!(said, "it holds 4000002 values, and at most 4000000 may be used");
    }

    #[test]
    fn yaml_says_the_same_as_json() {
        let yaml = Document::parse_yaml(b"blocked:\n  - MIT\nmost: 7\nstrict: true\n").unwrap();
        assert_eq!(yaml.canonical(), r#"{"blocked":["MIT"],"most":7,"strict":true}"#);
        // What `opa eval` gives for the same text.
        let odd = Document::parse_yaml(b"[y, no, on, true, \"yes\", 0x10, 010, 0o10, ~, 2020-01-01, .5]").unwrap();
        assert_eq!(odd.canonical(), r#"["y","no","on",true,"yes",16,8,8,null,"2020-01-01",0.5]"#);
        assert!(Document::parse_yaml(b"a: [1").is_err());
    }
}
