//! Licence lists as claims. Never repairs a licence: that is the policy's work.

use palisade_plugin::words::distinct;
use palisade_plugin::{LicenseClaim, LicenseSource};

use crate::document::LicenseEntry;

/// What a component's own list says. `acknowledgement` (1.6 and later) tells declared from concluded; without it a
/// licence is declared.
pub fn claims(entries: impl IntoIterator<Item = LicenseEntry>) -> Vec<LicenseClaim> {
    let mut declared = Vec::new();
    let mut concluded = Vec::new();
    for statement in entries.into_iter().filter_map(Statement::of) {
        let list = if statement.is_concluded { &mut concluded } else { &mut declared };
        list.push(statement);
    }
    [(LicenseSource::Declared, declared), (LicenseSource::Concluded, concluded)]
        .into_iter()
        .filter_map(|(source, statements)| joined(source, statements))
        .collect()
}

/// What the producer saw in the files, whatever it concludes from that.
pub fn detected(entries: impl IntoIterator<Item = LicenseEntry>) -> Option<LicenseClaim> {
    joined(LicenseSource::Detected, entries.into_iter().filter_map(Statement::of).collect())
}

struct Statement {
    text: String,
    is_name: bool,
    is_concluded: bool,
}

impl Statement {
    fn of(entry: LicenseEntry) -> Option<Statement> {
        let license = entry.license.0.unwrap_or_default();
        let acknowledgement = license.acknowledgement.filled().or(entry.acknowledgement.filled());
        let is_concluded = acknowledgement.is_some_and(|word| word.trim().eq_ignore_ascii_case("concluded"));
        let expression = entry.expression.filled().or(license.id.filled());
        let is_name = expression.is_none();
        let text = expression.or(license.name.filled())?;
        Some(Statement { text, is_name, is_concluded })
    }
}

/// Several licences in one list hold together, so they become one claim.
fn joined(source: LicenseSource, statements: Vec<Statement>) -> Option<LicenseClaim> {
    let all_names = statements.iter().all(|statement| statement.is_name);
    let mut texts = distinct(statements.into_iter().map(|statement| statement.text));
    let text = match texts.len() {
        0 => return None,
        1 => texts.remove(0),
        _ => texts.iter().map(|text| bracketed(text)).collect::<Vec<_>>().join(" AND "),
    };
    Some(if all_names { LicenseClaim::name(source, text) } else { LicenseClaim::expression(source, text) })
}

/// `OR` binds weaker than the `AND` that we put beside it.
fn bracketed(text: &str) -> String {
    let has_or = text.split_whitespace().any(|word| word.eq_ignore_ascii_case("or"));
    if has_or { format!("({text})") } else { text.to_owned() }
}
