//! What all kinds of Trivy's entries have in common. Never invents: what is empty becomes absent.

use palisade_plugin::{
    Diagnostic, PackageRef,
    lenient::{Maybe, OneOrMany, Text},
    words,
};

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

/// What stands in for a title.
pub fn fallback_title(id: &str, package: Option<&PackageRef>) -> String {
    package.map_or_else(|| id.to_owned(), |package| format!("{id} in {}", package.name))
}

/// Without repetitions, blank ones and the one that is known already; in order.
pub fn others(texts: Vec<String>, known: &str) -> Vec<String> {
    words::distinct(texts.into_iter().filter(|text| text != known && !text.trim().is_empty()))
}

/// The best address first.
pub fn references(primary: Maybe<Text>, rest: OneOrMany<Text>) -> Vec<String> {
    let Some(primary) = primary.filled() else { return others(texts(rest), "") };
    let mut references = others(texts(rest), &primary);
    references.insert(0, primary);
    references
}

/// `CWE-79` as 79. Words without a number, such as `NVD-CWE-noinfo`, say nothing.
pub fn cwes(words: &[Text]) -> Vec<u32> {
    let number = |word: &Text| word.trim().strip_prefix("CWE-").unwrap_or(word.trim()).parse().ok();
    words.iter().filter_map(number).collect()
}
