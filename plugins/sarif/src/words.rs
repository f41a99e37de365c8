//! Small readings that all parts of a log share. Never invents: what is empty becomes absent.

use palisade_plugin::lenient::{Maybe, Text};

/// The contract's cap on a title, in characters.
const TITLE: usize = 300;

/// The contract's cap on aliases, the longest of a finding's lists.
const LIST: usize = 64;

/// The text, unless it is blank: producers leave members out or empty without a difference in meaning.
pub fn filled(text: &Maybe<Text>) -> Option<&str> {
    text.as_deref().filter(|text| !text.trim().is_empty())
}

/// One line out of the first text that has one, at most 300 characters.
pub fn title(texts: &[Option<&str>]) -> Option<String> {
    let line = texts.iter().flatten().find_map(|text| text.lines().map(str::trim).find(|line| !line.is_empty()))?;
    Some(match line.char_indices().nth(TITLE - 1) {
        Some((cut, last)) if cut + last.len_utf8() < line.len() => format!("{}…", &line[..cut]),
        _ => line.to_owned(),
    })
}

/// Appends what is not there yet, up to the number that the contract takes.
pub fn add_distinct<T: PartialEq>(list: &mut Vec<T>, items: impl IntoIterator<Item = T>) {
    for item in items {
        if list.len() < LIST && !list.contains(&item) {
            list.push(item);
        }
    }
}

/// `%20` as a blank; what is no valid escape stays as it is.
pub fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
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
