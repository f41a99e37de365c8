//! Small readings that all kinds of entries share. Never invents: what is empty becomes absent.

use palisade_plugin::{
    Diagnostic,
    lenient::{Maybe, OneOrMany, Text},
};

/// Trivy leaves fields out or empty without a difference in meaning.
pub fn filled(text: Maybe<Text>) -> Option<String> {
    text.0.map(|text| text.0).filter(|text| !text.trim().is_empty())
}

/// Why an entry without id or name is left out.
pub fn nameless(origin: &str) -> Diagnostic {
    Diagnostic::warning("left out: an entry without a name").at(origin)
}

/// A list's texts.
pub fn texts(list: OneOrMany<Text>) -> Vec<String> {
    list.into_iter().map(|text| text.0).collect()
}

/// Pairs of those facts that are there.
pub fn facts<const N: usize>(facts: [(&str, Option<String>); N]) -> impl Iterator<Item = (String, String)> {
    facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?)))
}

/// The contract's cap on a title, in characters.
const TITLE: usize = 300;

/// One line out of the first text that has one.
pub fn title(title: Option<&str>, description: Option<&str>, fallback: impl FnOnce() -> String) -> String {
    let line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    let title = title.and_then(line).or_else(|| description.and_then(line)).unwrap_or_else(fallback);
    shortened(title, TITLE)
}

/// What stands in for a title.
pub fn fallback_title(id: &str, package: Option<&str>) -> String {
    package.map_or_else(|| id.to_owned(), |package| format!("{id} in {package}"))
}

/// At most so many characters, the last an ellipsis if something is missing.
pub fn shortened(mut text: String, characters: usize) -> String {
    if let Some((cut, _)) = text.char_indices().nth(characters) {
        let (end, _) = text[..cut].char_indices().next_back().expect("there are characters in front of the cut");
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Without repetitions, empty ones and the one that is known already; in order.
pub fn distinct(texts: Vec<String>, known: &str) -> Vec<String> {
    let mut distinct = Vec::with_capacity(texts.len());
    for text in texts {
        if text != known && !text.trim().is_empty() && !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}

/// The best address first.
pub fn references(primary: Maybe<Text>, others: OneOrMany<Text>) -> Vec<String> {
    let Some(primary) = filled(primary) else { return distinct(texts(others), "") };
    let mut references = distinct(texts(others), &primary);
    references.insert(0, primary);
    references
}

/// `CWE-79` as 79. Words without a number, such as `NVD-CWE-noinfo`, say nothing.
pub fn cwes(words: &[Text]) -> Vec<u32> {
    let number = |word: &Text| word.trim().strip_prefix("CWE-").unwrap_or(word.trim()).parse().ok();
    words.iter().filter_map(number).collect()
}
