//! OPA's value text: JSON, and beside it sets (`{1, 2}`, `set()`) and objects whose keys are no strings. Two spellings of
//! strings: JSON's on the way between policy and builtin, Go's where a builtin shows a value to a person.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use unicode_general_category::{GeneralCategory, get_general_category};

use crate::{Fault, Number, Value, number};

/// How deep a value may nest. Values are walked by recursion, on a stack of 1 MiB in wasm; real documents stay below 100.
const MAX_DEPTH: usize = 512;

/// Reads one value; nothing may follow it.
pub fn parse(text: &str) -> Result<Value, Fault> {
    parse_as(text, Dialect::Rego)
}

/// Reads one value of plain JSON.
pub fn parse_json(text: &str) -> Result<Value, Fault> {
    parse_as(text, Dialect::Json)
}

/// Writes a value so that the policy can read it back.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, put_json_string);
    text
}

/// Writes a value as JSON, as `opa eval` does: a set is an array in order, a key that is no string is its text.
pub fn write_json(value: &Value) -> String {
    let mut text = String::new();
    put_json(&mut text, value);
    text
}

fn put_json(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => put_json_items(text, items.iter()),
        Value::Set(items) => put_json_items(text, items.iter()),
        Value::Object(members) => {
            text.push('{');
            for (place, (key, member)) in members.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                match key {
                    Value::String(key) => put_json_string(text, key),
                    other => put_json_string(text, &write_json(other)),
                }
                text.push(':');
                put_json(text, member);
            }
            text.push('}');
        }
        scalar => put(text, scalar, put_json_string),
    }
}

fn put_json_items<'v>(text: &mut String, items: impl Iterator<Item = &'v Value>) {
    text.push('[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            text.push(',');
        }
        put_json(text, item);
    }
    text.push(']');
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Json,
    Rego,
}

fn parse_as(text: &str, dialect: Dialect) -> Result<Value, Fault> {
    let mut parser = Parser { text, at: 0, depth: 0, dialect };
    let value = parser.value()?;
    if parser.peek().is_some() {
        return Err(parser.fault("the end of the value"));
    }
    Ok(value)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    dialect: Dialect,
}

impl Parser<'_> {
    fn fault(&self, expected: &str) -> Fault {
        Fault::new(format!("reading a value: expected {expected} at byte {}", self.at))
    }

    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte that is no white space, left in place.
    fn peek(&mut self) -> Option<u8> {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.rest().first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Value, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(format!("reading a value: nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let value = match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'[') => self.array(),
            Some(b'{') => self.braces(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value, Fault> {
        const WORDS: [(&str, Value); 3] =
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in WORDS {
            if self.rest().starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        if self.dialect == Dialect::Rego && self.rest().starts_with(b"set()") {
            self.at += "set()".len();
            return Ok(Value::Set(BTreeSet::new()));
        }
        Err(self.fault("a value"))
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let length = number::scan(self.rest());
        let number = Number::parse(&self.text[self.at..self.at + length]).ok_or_else(|| self.fault("a number"))?;
        self.at += length;
        Ok(Value::Number(number))
    }

    fn array(&mut self) -> Result<Value, Fault> {
        self.take(b'[');
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            self.comma()?;
        }
    }

    /// An object or a set: what follows the first item tells which.
    fn braces(&mut self) -> Result<Value, Fault> {
        self.take(b'{');
        if self.take(b'}') {
            return Ok(Value::Object(BTreeMap::new()));
        }
        let first = self.value()?;
        if self.take(b':') {
            return self.members(first);
        }
        if self.dialect == Dialect::Json {
            return Err(self.fault("a colon"));
        }
        let mut items = BTreeSet::from([first]);
        while !self.take(b'}') {
            self.comma()?;
            items.insert(self.value()?);
        }
        Ok(Value::Set(items))
    }

    /// The rest of an object after its first key and colon.
    fn members(&mut self, first: Value) -> Result<Value, Fault> {
        let mut members = BTreeMap::new();
        let mut key = first;
        loop {
            if self.dialect == Dialect::Json && !matches!(key, Value::String(_)) {
                return Err(self.fault("a string as key"));
            }
            members.insert(key, self.value()?);
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            self.comma()?;
            key = self.value()?;
            if !self.take(b':') {
                return Err(self.fault("a colon"));
            }
        }
    }

    fn comma(&mut self) -> Result<(), Fault> {
        if self.take(b',') { Ok(()) } else { Err(self.fault("a comma or the closing bracket")) }
    }

    fn string(&mut self) -> Result<String, Fault> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let plain = self.rest().iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            string.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match self.rest().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => {
                    self.at += 1;
                    string.push(self.escape()?);
                }
                _ => return Err(self.fault("the end of the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let letter = self.rest().first().copied().ok_or_else(|| self.fault("an escape"))?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => letter.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape()?,
            _ => return Err(self.fault("an escape that JSON knows")),
        })
    }

    /// A surrogate without its other half becomes the replacement character, as in Go.
    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let high = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&high) || !self.rest().starts_with(b"\\u") {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        self.at += 2;
        let low = self.four_digits()?;
        if (0xdc00..0xe000).contains(&low) {
            let point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Result<u32, Fault> {
        let digits = self.rest().get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.ok_or_else(|| self.fault("four hexadecimal digits"))?;
        let point = digits.iter().fold(0, |point, digit| point * 16 + char::from(*digit).to_digit(16).unwrap_or(0));
        self.at += 4;
        Ok(point)
    }
}

type PutString = fn(&mut String, &str);

fn put(text: &mut String, value: &Value, put_string: PutString) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => text.push_str(number.as_str()),
        Value::String(string) => put_string(text, string),
        Value::Array(items) => put_items(text, ["[", "]"], items.iter(), put_string),
        Value::Set(items) if items.is_empty() => text.push_str("set()"),
        Value::Set(items) => put_items(text, ["{", "}"], items.iter(), put_string),
        Value::Object(members) => put_members(text, members, put_string),
    }
}

fn put_items<'v>(
    text: &mut String,
    [open, close]: [&str; 2],
    items: impl Iterator<Item = &'v Value>,
    put_string: PutString,
) {
    text.push_str(open);
    for (index, item) in items.enumerate() {
        text.push_str(if index == 0 { "" } else { ", " });
        put(text, item, put_string);
    }
    text.push_str(close);
}

fn put_members(text: &mut String, members: &BTreeMap<Value, Value>, put_string: PutString) {
    text.push('{');
    for (index, (key, value)) in members.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { ", " });
        put(text, key, put_string);
        text.push_str(": ");
        put(text, value, put_string);
    }
    text.push('}');
}

fn put_json_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..='\u{1f}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => text.push(character),
        }
    }
    text.push('"');
}

/// A string in double quotes as Go's `strconv.Quote` writes it.
pub fn quote(string: &str) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    put_go_string(&mut text, string);
    text
}

fn put_go_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        put_go_character(text, character, '"');
    }
    text.push('"');
}

/// One character as Go writes it between `quotes`.
pub(crate) fn put_go_character(text: &mut String, character: char, quotes: char) {
    match character {
        '\\' => text.push_str("\\\\"),
        _ if character == quotes => text.extend(['\\', quotes]),
        _ if is_printable(character) => text.push(character),
        '\u{7}' => text.push_str("\\a"),
        '\u{8}' => text.push_str("\\b"),
        '\u{c}' => text.push_str("\\f"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{b}' => text.push_str("\\v"),
        '\0'..='\u{7f}' => text.push_str(&format!("\\x{:02x}", u32::from(character))),
        '\u{80}'..='\u{ffff}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
        _ => text.push_str(&format!("\\U{:08x}", u32::from(character))),
    }
}

/// Reads what follows an opening quote as Go's text, up to the closing one: the string and how many bytes both are.
pub(crate) fn unquote(text: &str, quote: char) -> Option<(String, usize)> {
    let mut string = String::new();
    let mut rest = text;
    loop {
        let next = rest.chars().next().filter(|next| *next != '\n')?;
        rest = &rest[next.len_utf8()..];
        if next == quote {
            return Some((string, text.len() - rest.len()));
        }
        if next != '\\' {
            string.push(next);
            continue;
        }
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='7' => {
                let digits = format!("{letter}{}", rest.get(..2)?);
                rest = &rest[2..];
                string.push(u8::from_str_radix(&digits, 8).ok()?.into());
                continue;
            }
            _ => 0,
        };
        if digits > 0 {
            let point = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
            string.push(char::from_u32(point)?);
            rest = &rest[digits..];
            continue;
        }
        string.push(match letter {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            other if other == quote => other,
            _ => return None,
        });
    }
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space, as Go counts them.
pub(crate) fn is_printable(character: char) -> bool {
    use GeneralCategory::*;
    character == ' '
        || !matches!(
            get_general_category(character),
            Control
                | Format
                | Surrogate
                | PrivateUse
                | Unassigned
                | SpaceSeparator
                | LineSeparator
                | ParagraphSeparator
        )
}

/// As OPA shows a value to a person.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        put(&mut text, self, put_go_string);
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_keys_of_any_kind_survive_the_way_there_and_back() {
        for text in [
            "set()",
            "{}",
            "[]",
            "{1, 2}",
            r#"{"a": {1}, "b": set()}"#,
            r#"{1: "x", [true]: null}"#,
            "{{}, set()}",
            "[1.50, 1e3, 123456789012345678901234567890]",
            r#""\u0000\u001f\n\"\\ ü""#,
        ] {
            assert_eq!(write(&parse(text).expect(text)), text);
        }
    }

    #[test]
    fn sets_lose_duplicates_and_stand_in_order() {
        let value = parse(r#"{{2}, "a", [1], 1.0, 1, {"k": 1}, null, false, 10, 9}"#).expect("a set");
        assert_eq!(write(&value), r#"{null, false, 1.0, 9, 10, "a", [1], {"k": 1}, {2}}"#);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in
            ["", "{1,}", "{1: 2, 3}", "{1, 2: 3}", "[1 2]", "\"", "\"\\x\"", "nul", "1 2", "\"\n\"", "set(", "{"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["{1}", "set()", "{1: 2}"] {
            assert!(parse_json(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn surrogates_join_and_lone_ones_are_replaced() {
        assert_eq!(
            parse(r#""\ud83d\ude00 \ud83d x \ude00\ud83d\u0041""#).expect("a string").to_string(),
            "\"😀 \u{fffd} x \u{fffd}\u{fffd}A\""
        );
    }

    #[test]
    fn people_see_strings_as_go_quotes_them() {
        assert_eq!(
            Value::from("a\u{7}\u{1}\u{7f}\u{a0}\u{200b}\u{e000}é\u{1f600}\u{10ffff}").to_string(),
            "\"a\\a\\x01\\x7f\\u00a0\\u200b\\ue000é😀\\U0010ffff\""
        );
    }
}
