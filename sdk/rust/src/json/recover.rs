//! The second attempt at a value that did not parse. Slow and patient; only bad values come here.

use serde::de::DeserializeOwned;

use super::pointer::Step;
use super::repeats::repeated_member;
use crate::lenient;

/// What became of a value.
pub(super) struct Recovered<T> {
    pub value: Option<T>,
    /// What was odd and could be read.
    pub oddities: Vec<String>,
    /// What was left out.
    pub losses: Vec<String>,
}

/// Why nothing may be recovered: a member stands twice. The path leads to it from the value on; where two spellings of one
/// field meet, only the name is known.
pub(super) struct Repeat {
    pub name: String,
    pub path: Vec<Step>,
}

/// Tries a value's text again: repaired and tolerantly. A tolerant attempt buffers values, which keeps the last of two
/// members, so repeats are looked for first.
pub(super) fn recover<T: DeserializeOwned>(text: &str) -> Result<Recovered<T>, Repeat> {
    let mut oddities = Vec::new();
    let repaired = repair(text);
    if repaired.is_some() {
        oddities.push("control characters or lone surrogates in strings were replaced".to_owned());
    }
    let text = repaired.as_deref().unwrap_or(text);
    if let Some(path) = repeated_member(text) {
        let name = match path.last() {
            Some(Step::Name(name)) => name.clone(),
            _ => String::new(),
        };
        return Err(Repeat { name, path });
    }
    let (parsed, mut losses) = lenient::tolerantly(|| serde_json::from_str::<T>(text));
    let value = match parsed {
        Ok(value) => Some(value),
        Err(error) => {
            losses.push(without_place(&error));
            None
        }
    };
    match losses.iter().find_map(|loss| repeated_field(loss)) {
        Some(name) => Err(Repeat { name: name.to_owned(), path: Vec::new() }),
        None => Ok(Recovered { value, oddities, losses }),
    }
}

/// The name in serde's complaint about a field that comes twice.
fn repeated_field(message: &str) -> Option<&str> {
    message.strip_prefix("duplicate field `")?.split('`').next()
}

/// A line and column inside an excerpt would mislead; the diagnostic has a pointer.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned()
}

/// Control characters inside strings become blanks and lone surrogates U+FFFD; `None` if there are none.
fn repair(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let mut copied = 0;
    let mut in_text = false;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let step = match bytes[at] {
            b'"' => {
                in_text = !in_text;
                1
            }
            b'\\' if in_text => match escape(&bytes[at..]) {
                Escape::Sound(length) => length,
                Escape::LoneSurrogate => {
                    repaired.push_str(&text[copied..at]);
                    repaired.push_str("\\ufffd");
                    copied = at + 6;
                    6
                }
            },
            0x00..=0x1f if in_text => {
                repaired.push_str(&text[copied..at]);
                repaired.push(' ');
                copied = at + 1;
                1
            }
            _ => 1,
        };
        at += step;
    }
    if copied == 0 {
        return None;
    }
    repaired.push_str(&text[copied..]);
    Some(repaired)
}

enum Escape {
    Sound(usize),
    LoneSurrogate,
}

fn escape(bytes: &[u8]) -> Escape {
    match unit(bytes) {
        Some(0xd800..=0xdbff) if matches!(bytes.get(6..).and_then(unit), Some(0xdc00..=0xdfff)) => Escape::Sound(12),
        Some(0xd800..=0xdfff) => Escape::LoneSurrogate,
        Some(_) => Escape::Sound(6),
        None => Escape::Sound(2),
    }
}

/// The UTF-16 unit of an escape `\uXXXX` at the start of `bytes`.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(..6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_lone_surrogates_are_repaired_and_pairs_stay() {
        let repaired = repair("{\"a\":\t\"x\ty\", \"b\": \"\\ud800 \\ud834\\udd1e \\\\ud800\"}").unwrap();
        assert_eq!(repaired, "{\"a\":\t\"x y\", \"b\": \"\\ufffd \\ud834\\udd1e \\\\ud800\"}");
        assert_eq!(repair("{\"a\": \"clean\\n\"}"), None);
    }
}
