//! A Record as JSON, with the conclusions that it leads to.

use super::conclude::decide;
use super::page::result_word;
use super::wording;
use crate::model::plan::Conclusion;
use crate::model::record::Record;
use serde::Serialize;

/// The first line of what other programs may rely on; raised when a member changes its meaning.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    checks: Vec<CheckAnswer<'a>>,
    record: &'a Record,
}

#[derive(Serialize)]
struct CheckAnswer<'a> {
    check: &'a str,
    title: String,
    /// Absent while the check is in progress.
    conclusion: Option<Conclusion>,
    result: &'static str,
}

pub fn json(record: &Record) -> String {
    let checks = record.checks.iter().map(|check| {
        let decision = decide(record, check);
        CheckAnswer {
            check: check.check.as_str(),
            title: wording::title(&check.check, decision),
            conclusion: decision.conclusion(),
            result: result_word(decision.row),
        }
    });
    let answer = Answer { version: VERSION, checks: checks.collect(), record };
    serde_json::to_string_pretty(&answer).expect("plain data with text keys always serializes") + "\n"
}
