//! What a comment lists: vulnerabilities and packages in the lines that people know from Polly, anything else as in the
//! check's text. Several rules that are broken by one thing make one item.

use crate::model::record::Record;
use crate::model::verdict::Violation;
use crate::report::escape;
use crate::report::page::{Section, violation_entry};
use crate::report::wording::Subject;
use std::collections::HashMap;

/// Entries of a list, and how many of them are vulnerabilities or packages.
pub struct Items {
    pub entries: Vec<String>,
    pub things: u32,
}

pub fn items(record: &Record, violations: &[&Violation], section: Section, subject: Subject) -> Items {
    let mut entries = Vec::new();
    let mut things = 0;
    for group in groups(violations, subject) {
        let is_thing = identity(group[0], subject).is_some();
        things += u32::from(is_thing);
        let entry = match subject {
            Subject::Vulnerability if is_thing => vulnerability(&group),
            Subject::License if is_thing => package(&group),
            _ => violation_entry(record, group[0], section),
        };
        let rule = if entries.is_empty() || subject == Subject::Own { "" } else { "---\n\n" };
        let gap = if subject == Subject::Own { "" } else { "\n" };
        entries.push(format!("{rule}{entry}{gap}"));
    }
    Items { entries, things }
}

/// In order, those about one thing together.
fn groups<'a>(violations: &[&'a Violation], subject: Subject) -> Vec<Vec<&'a Violation>> {
    let mut groups: Vec<Vec<&Violation>> = Vec::new();
    let mut place_by_identity = HashMap::new();
    for violation in violations {
        match identity(violation, subject) {
            None => groups.push(vec![violation]),
            Some(identity) => {
                let place = *place_by_identity.entry(identity).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some(group) => group.push(violation),
                    None => groups.push(vec![violation]),
                }
            }
        }
    }
    groups
}

/// By which two violations are about the same thing; none if the violation does not say what it is about.
fn identity(violation: &Violation, subject: Subject) -> Option<(String, String)> {
    let named = |name: &str| property(violation, name).unwrap_or_default().to_owned();
    match subject {
        Subject::Vulnerability => property(violation, "id").map(|id| (id.to_owned(), label(violation))),
        Subject::License => {
            let says = ["package", "SPDXID", "license"].iter().any(|name| property(violation, name).is_some());
            says.then(|| (label(violation), spdx_id(violation).map_or_else(|| named("license"), str::to_owned)))
        }
        Subject::Own => None,
    }
}

pub fn property<'a>(violation: &'a Violation, name: &str) -> Option<&'a str> {
    let found = violation.properties.iter().find(|(given, _)| given == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
}

fn spdx_id(violation: &Violation) -> Option<&str> {
    property(violation, "SPDXID").or_else(|| property(violation, "id"))
}

/// `left-pad@1.0.0`. Version and all stand in one span of code: `@1` alone would call somebody of that name.
fn label(violation: &Violation) -> String {
    let name = property(violation, "package").or(violation.subject.as_deref()).unwrap_or("a package without a name");
    match property(violation, "version") {
        Some(version) if !name.ends_with(&format!("@{version}")) => format!("{name}@{version}"),
        _ => name.to_owned(),
    }
}

fn vulnerability(group: &[&Violation]) -> String {
    let first = group[0];
    let severity = first.severity.map_or_else(|| "UNKNOWN".to_owned(), |severity| severity.word().to_ascii_uppercase());
    let score = property(first, "score").and_then(|score| score.parse::<f64>().ok());
    let score = score.filter(|score| (f64::MIN_POSITIVE..=10.0).contains(score)).map(|score| format!("{score:.1}"));
    let fixed = property(first, "fixed_version").map(brief);
    let fix = first.how_to_fix.as_deref().filter(|_| fixed.is_none()).map(brief);
    lines(&[
        ("Package", Some(escape::code(start(&label(first))))),
        ("Vulnerability", property(first, "id").map(brief)),
        ("Severity", Some(severity)),
        ("CVSS Score", score),
        ("Fixed Version", fixed),
        ("Fix", fix),
        ("Why", Some(why(group))),
    ])
}

/// The licence that is shown is the one that was judged.
fn package(group: &[&Violation]) -> String {
    let first = group[0];
    let source = match property(first, "source") {
        Some("concluded") => "License Concluded",
        Some("declared") => "License Declared",
        Some("detected") => "License Detected",
        _ => "License",
    };
    lines(&[
        ("Package", Some(escape::code(start(&label(first))))),
        (source, property(first, "license").map(brief)),
        ("Supplier", property(first, "supplier").map(brief)),
        ("SPDX ID", spdx_id(first).map(|id| escape::code(start(id)))),
        ("Condition", property(first, "condition").map(brief)),
        ("Fix", first.how_to_fix.as_deref().map(brief)),
        ("Why", Some(why(group))),
    ])
}

/// Rules that one thing breaks, as far as anybody reads on; the check has them all.
const MOST_REASONS: usize = 5;

/// Characters of a fact: what is longer is told by the check.
const LONGEST_FACT: usize = 400;

fn start(fact: &str) -> &str {
    fact.char_indices().nth(LONGEST_FACT).map_or(fact, |(end, _)| &fact[..end])
}

fn brief(fact: &str) -> String {
    let start = start(fact);
    let more = if start.len() < fact.len() { " …" } else { "" };
    format!("{}{more}", escape::inline(start))
}

fn why(group: &[&Violation]) -> String {
    let told =
        |violation: &&Violation| format!("{} (rule {})", brief(&violation.message), escape::code(&violation.rule));
    group.iter().take(MOST_REASONS).map(told).collect::<Vec<_>>().join("; ")
}

/// One line for each fact that is known.
fn lines(facts: &[(&str, Option<String>)]) -> String {
    let known = facts.iter().filter_map(|(name, fact)| Some((name, fact.as_ref().filter(|fact| !fact.is_empty())?)));
    let lines: Vec<String> = known.map(|(name, fact)| format!("**{name}:** {fact}")).collect();
    format!("{}\n", lines.join("  \n"))
}
