//! What a Rego entrypoint answered, read as a verdict. Pure; knows no engine, no host and no plugin contract: whoever ran
//! the policy hands in its answers as JSON and gets a [`VerdictDocument`] or a [`Problem`] that names the way out.
//!
//! Three forms are understood ([`Form`]). Undefined is a problem and never a pass: a policy that says nothing was asked
//! something else than it expects.

mod compliance;
mod conftest;
mod document;
mod merge;
mod payload;
mod problem;
mod settings;
mod verdict;

#[cfg(test)]
mod tests;

pub use payload::spdx_id;
pub use problem::Problem;
pub use settings::{Form, Input, Reading, Settings};
pub use verdict::{
    About, Effect, EvidenceRef, ItemRef, Location, Outcome, Severity, VerdictDocument, Violation, verdict_schema,
};

/// What one entrypoint said about one input document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The input's name: `evidence`, `vulnerability/0`, `sbom/1`.
    pub document: String,
    pub value: Answered<'a>,
}

/// A value, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered<'a> {
    /// The entrypoint has no value for this input.
    Undefined,
    /// JSON text.
    Value(&'a str),
    /// The policy could not be asked about this input; a sentence says why.
    Failed(&'a str),
}

/// The verdict on all documents. Each is judged on its own and the worst wins; a violation that was found also wins over
/// a document that could not be judged. No document at all is not applicable.
///
/// # Errors
/// Where a document could not be judged and no other one fails.
pub fn verdict(reading: &Reading, answers: &[Answer]) -> Result<VerdictDocument, Problem> {
    if answers.is_empty() {
        return Ok(VerdictDocument::new(Outcome::NotApplicable, reading.input.nothing_there()));
    }
    let judged = answers.iter().map(|answer| judge(reading, answer)).collect();
    merge::merge(reading, judged)
}

fn judge(reading: &Reading, answer: &Answer) -> Result<VerdictDocument, Problem> {
    let json = match answer.value {
        Answered::Value(json) => json,
        Answered::Undefined if reading.form == Some(Form::Value) => return Ok(shown(reading, "is undefined", "")),
        Answered::Undefined => return Err(Problem::undefined(reading, &answer.document)),
        Answered::Failed(why) => return Err(Problem::failed(reading, &answer.document, why)),
    };
    let form = match reading.form {
        Some(form) => form,
        None if conftest::is_package(json) => Form::Conftest,
        None => return Err(Problem::unknown_form(&reading.entrypoint)),
    };
    let source = document::Source { reading, document: &answer.document, json };
    match (form, reading.input) {
        (Form::Compliance, Input::Vulnerability) => compliance::vulnerabilities(&source),
        (Form::Compliance, Input::Sbom) => compliance::licenses(&source),
        (Form::Compliance, Input::Evidence) => Err(Problem::compliance_of_what()),
        (Form::Conftest, _) => conftest::verdict(&source),
        (Form::Verdict, _) => document::verdict(&source),
        (Form::Value, _) => Ok(shown(reading, "has a value", json)),
    }
}

fn shown(reading: &Reading, what: &str, json: &str) -> VerdictDocument {
    let title = format!("{} {what}", reading.entrypoint);
    VerdictDocument { summary: json.to_owned(), ..VerdictDocument::new(Outcome::NotApplicable, title) }
}
