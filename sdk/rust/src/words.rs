//! Small readings that plugins share: a title out of prose, a list without repetitions, an address without escapes. Never
//! invents: what is empty becomes absent.

use std::borrow::Cow;

/// The contract's cap on a title, in characters; the host cuts what is longer, with a diagnostic.
const TITLE: usize = 300;

/// Lists up to here, which nearly all are, are compared pairwise: no allocation beats any hash.
const FEW: usize = 16;

/// One line, at most 300 characters, out of the first text that has one; else the fallback's.
///
/// ```
/// # use palisade_plugin::words::title;
/// assert_eq!(title(&[None, Some("\n  Out of bounds read \nIn detail: …")], || "CVE-2024-1".to_owned()), "Out of bounds read");
/// assert_eq!(title(&[Some(" ")], || "CVE-2024-1".to_owned()), "CVE-2024-1");
/// ```
pub fn title(texts: &[Option<&str>], fallback: impl FnOnce() -> String) -> String {
    let line = |text: &&str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    shortened(texts.iter().flatten().find_map(line).unwrap_or_else(fallback), TITLE)
}

/// At most so many characters, the last an ellipsis if something is missing.
pub fn shortened(mut text: String, characters: usize) -> String {
    if text.len() <= characters {
        return text; // no character is shorter than a byte
    }
    let mut ends = text.char_indices().map(|(at, _)| at).skip(characters.saturating_sub(1));
    if let (Some(cut), Some(_)) = (ends.next(), ends.next()) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// In order, without repetitions. A long list costs sorting it, whoever wrote it.
pub fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    if items.len() <= FEW {
        let mut kept: Vec<T> = Vec::with_capacity(items.len());
        for item in items {
            if !kept.contains(&item) {
                kept.push(item);
            }
        }
        return kept;
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| &items[*at]); // stable, so the first of equals stays in front
    let mut repeats = vec![false; items.len()];
    for pair in order.windows(2) {
        repeats[pair[1]] = items[pair[0]] == items[pair[1]];
    }
    let mut repeats = repeats.into_iter();
    items.retain(|_| repeats.next() == Some(false));
    items
}

/// `%20` as a blank; what is no valid escape, or becomes no text, stays as it is.
pub fn percent_decoded(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('%') else { return Cow::Borrowed(text) };
    let mut bytes = text.as_bytes()[..first].to_vec();
    let mut rest = &text.as_bytes()[first..];
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
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
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
        assert_eq!(title(&[], || "x".repeat(301)).chars().count(), 300);
    }

    #[test]
    fn lists_of_any_length_lose_their_repetitions_and_keep_their_order() {
        assert_eq!(distinct(["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
        let long = (0..1_000).rev().flat_map(|number| [number, number % 7]);
        let mut once = Vec::new();
        for number in long.clone() {
            if !once.contains(&number) {
                once.push(number);
            }
        }
        assert_eq!(once.len(), 1_000);
        assert_eq!(distinct(long), once);
    }

    #[test]
    fn percent_signs_that_escape_nothing_stay() {
        assert_eq!(percent_decoded("pkg%3Anpm/%40a/b@1%"), "pkg:npm/@a/b@1%");
        assert_eq!(percent_decoded("%zz%ff"), "%zz%ff");
        assert!(matches!(percent_decoded("plain"), Cow::Borrowed("plain")));
    }
}
