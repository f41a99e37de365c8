//! Types that read what producers really write. Use them in `#[derive(Deserialize)]` structs with `#[serde(default)]` on
//! every field, and never `deny_unknown_fields`.
//!
//! They are strict on the first attempt and tolerant on the second: [`json`](crate::json) parses an element straight into
//! its type, and only if that fails again with buffering, when what was left out is noted. Elsewhere (plain `serde_json`)
//! they are tolerant at once.

mod lists;
mod maps;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use lists::{List, OneOrMany};
pub use maps::{Table, Tree};

thread_local! {
    static STRICT: Cell<bool> = const { Cell::new(false) };
    static LEFT_OUT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Parses without buffering: a wrong type anywhere is an error, and the caller tries again tolerantly.
pub(crate) fn strictly<T>(parse: impl FnOnce() -> T) -> T {
    STRICT.set(true);
    let parsed = parse();
    STRICT.set(false);
    parsed
}

/// Parses tolerantly and says what was left out.
pub(crate) fn tolerantly<T>(parse: impl FnOnce() -> T) -> (T, Vec<String>) {
    LEFT_OUT.take();
    let parsed = parse();
    (parsed, LEFT_OUT.take())
}

/// `T` out of a value that may be anything; what does not fit is left out and noted.
fn fitting<T: DeserializeOwned>(value: Value) -> Option<T> {
    if value.is_null() {
        return None;
    }
    match T::deserialize(value) {
        Ok(fitting) => Some(fitting),
        Err(error) => {
            LEFT_OUT.with_borrow_mut(|left_out| left_out.push(error.to_string()));
            None
        }
    }
}

/// A string, or a number or bool in its place, which becomes its JSON text. For `null` use `Option<Text>`; for anything
/// else `Maybe<Text>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Text(pub String);

impl Text {
    /// The string, or `None` for an empty one: absent stays absent.
    pub fn non_empty(self) -> Option<String> {
        Some(self.0).filter(|text| !text.is_empty())
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, number or bool")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
        Ok(Text(text))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
        // As JSON writes it, so that `2.0` stays `2.0`.
        Ok(Text(serde_json::Number::from_f64(value).map_or_else(|| value.to_string(), |number| number.to_string())))
    }
}

/// A finite number, or a numeric string (`"7.5"`, with blanks) in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
pub struct Number(pub f64);

impl Number {
    /// A whole number from 0 that fits; for lines, columns and counts.
    pub fn as_u32(self) -> Option<u32> {
        (self.0.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&self.0)).then_some(self.0 as u32)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a numeric string")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Number).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }
}

/// `T`, or nothing for `null` and for a wrong type: never an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Maybe(None)
    }
}

impl<T> Deref for Maybe<T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl Maybe<Text> {
    /// The text, unless it is blank: producers leave members out or empty without a difference in meaning.
    pub fn filled(self) -> Option<String> {
        self.0.filter(is_filled).map(|text| text.0)
    }

    /// As [`filled`](Maybe::filled), borrowed.
    pub fn as_filled(&self) -> Option<&str> {
        self.0.as_ref().filter(|text| is_filled(text)).map(|text| &*text.0)
    }
}

fn is_filled(text: &Text) -> bool {
    text.chars().any(|character| !character.is_whitespace())
}

impl<T> From<Maybe<T>> for Option<T> {
    fn from(maybe: Maybe<T>) -> Option<T> {
        maybe.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if STRICT.get() {
            return Option::<T>::deserialize(deserializer).map(Maybe);
        }
        Value::deserialize(deserializer).map(|value| Maybe(fitting(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Package {
        name: Text,
        licenses: OneOrMany<Text>,
        line: Maybe<Number>,
        files: List<Text>,
    }

    fn package(json: &str) -> Package {
        let strict: Option<Package> = strictly(|| serde_json::from_str(json).ok());
        let tolerant: Package = serde_json::from_str(json).unwrap();
        if let Some(strict) = strict {
            assert_eq!(strict, tolerant, "both attempts give the same where both succeed");
        }
        tolerant
    }

    #[test]
    fn numbers_and_bools_are_read_as_text_and_numeric_strings_as_numbers() {
        let read = package(r#"{"name": 7, "licenses": true, "line": " 12 ", "files": ["a", 2.0]}"#);
        assert_eq!((&*read.name, &*read.licenses[0], &*read.files[1]), ("7", "true", "2.0"));
        assert_eq!(read.line.and_then(Number::as_u32), Some(12));
    }

    #[test]
    fn blank_texts_say_nothing() {
        let text = |text: &str| Maybe(Some(Text::from(text)));
        assert_eq!((text(" a ").filled().as_deref(), text(" a ").as_filled()), (Some(" a "), Some(" a ")));
        for blank in [text(""), text(" \n\u{a0}"), Maybe(None)] {
            assert_eq!((blank.as_filled(), blank.clone().filled()), (None, None));
        }
    }

    #[test]
    fn one_or_many_takes_one_many_and_null() {
        assert_eq!(package(r#"{"licenses": "MIT"}"#).licenses.len(), 1);
        assert_eq!(package(r#"{"licenses": ["MIT", null, "ISC"]}"#).licenses.len(), 2);
        assert_eq!(package(r#"{"licenses": null}"#).licenses.len(), 0);
    }

    #[test]
    fn a_wrong_type_costs_only_itself_and_is_noted() {
        let json = r#"{"name": "a", "line": {"begin": 1}, "files": ["a", {}, "b"], "licenses": [[], "MIT"]}"#;
        assert!(strictly(|| serde_json::from_str::<Package>(json)).is_err());
        let (read, left_out) = tolerantly(|| serde_json::from_str::<Package>(json).unwrap());
        assert_eq!((read.line.0, read.files.len(), read.licenses.len(), left_out.len()), (None, 2, 1, 3));
        assert_eq!(package(r#"{"files": null}"#).files.len(), 0);
        assert_eq!(package(r#"{"files": "a"}"#).files.len(), 0);
    }
}
