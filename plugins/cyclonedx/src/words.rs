//! Small readings that all kinds of entries share. Never invents: what is empty becomes absent.

use std::collections::HashSet;

use palisade_plugin::lenient::{List, Maybe, Text};

use crate::document::Property;

/// The contract's cap on a title, in characters.
const TITLE: usize = 300;

/// Producers leave members out or empty without a difference in meaning.
pub fn filled(text: Maybe<Text>) -> Option<String> {
    text.0.map(String::from).filter(|text| !text.trim().is_empty())
}

/// One line out of the first text that has one, at most 300 characters.
pub fn title(texts: &[Option<&str>], fallback: impl FnOnce() -> String) -> String {
    let line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    let title = texts.iter().flatten().find_map(|text| line(text)).unwrap_or_else(fallback);
    match title.char_indices().nth(TITLE - 1) {
        Some((cut, last)) if cut + last.len_utf8() < title.len() => format!("{}…", &title[..cut]),
        _ => title,
    }
}

/// In order, without repetitions.
pub fn distinct(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.into_iter().filter(|text| seen.insert(text.clone())).collect()
}

/// Properties that have both a name and a value.
pub fn pairs(properties: List<Property>) -> impl Iterator<Item = (String, String)> {
    properties.into_iter().filter_map(|property| Some((filled(property.name)?, filled(property.value)?)))
}

/// `%2F` as `/`; what is no valid escape stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digit = |at: usize| behind.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_line_of_at_most_300_characters() {
        assert_eq!(title(&[None, Some("\n  first \n second")], String::new), "first");
        assert_eq!(title(&[Some(" ")], || "the id".to_owned()), "the id");
        assert_eq!(title(&[Some(&"ü".repeat(300))], String::new).chars().count(), 300);
        let cut = title(&[Some(&"ü".repeat(301))], String::new);
        assert_eq!((cut.chars().count(), cut.ends_with("ü…")), (300, true));
    }

    #[test]
    fn percent_signs_that_escape_nothing_stay() {
        assert_eq!(percent_decoded("pkg%3Anpm/%40a/b@1%"), "pkg:npm/@a/b@1%");
        assert_eq!(percent_decoded("%zz%ff"), "%zz%ff");
    }
}
