//! What all plugins that run Rego have in common: pick the documents, ask the policy about each, read the answers, find
//! the evidence that they speak of. Knows no engine; the OPA glue and the plugin `rego` bring one.

mod lookup;
mod verdict;

use palisade_plugin::{Document, Evidence, Failure, SettingProblem, Verdict};
use palisade_plugin_policy_results::{Answer, Answered, Form, Input, Problem, Reading, Settings};

/// A policy that can be asked.
pub trait Policy {
    /// The entrypoints by name, in a stable order; `None` where only asking can tell.
    fn entrypoints(&self) -> Option<Vec<String>>;

    /// The value of an entrypoint for one JSON document, as JSON text; `None` where it is undefined. Called once per
    /// document.
    ///
    /// # Errors
    /// What went wrong with this document, as a sentence. The other documents are asked all the same.
    fn ask(&self, entrypoint: &str, document: Vec<u8>) -> Result<Option<String>, String>;
}

/// Judges the evidence by a policy.
///
/// # Errors
/// `settings` where nobody can tell what to ask or how to read the answer, `other` where the policy gave no usable one.
pub fn evaluate(policy: &impl Policy, evidence: &Evidence, settings: &Settings) -> Result<Verdict, Failure> {
    let reading = reading(policy, settings).map_err(failure)?;
    let documents = documents(evidence, reading.input);
    let said: Vec<(String, Result<Option<String>, String>)> = documents
        .into_iter()
        .map(|document| (document.name(), policy.ask(&reading.entrypoint, document.bytes())))
        .collect();
    let answers: Vec<Answer> = said.iter().map(|(document, said)| answer(document, said)).collect();
    let verdict = palisade_plugin_policy_results::verdict(&reading, &answers).map_err(failure)?;
    Ok(verdict::of(verdict, evidence))
}

/// What is wrong with the settings. An entrypoint that is still missing is no problem yet: a check may name it.
pub fn problems(policy: &impl Policy, settings: &Settings) -> Vec<SettingProblem> {
    let mut problems = Vec::new();
    if settings.entrypoint.is_some()
        && let Err(Problem::Setting { key, message }) = reading(policy, settings)
    {
        problems.push(SettingProblem::new(format!("/{key}"), message));
    }
    if settings.result == Some(Form::Compliance) && settings.input == Some(Input::Evidence) && problems.is_empty() {
        let message = "a compliance report is about `vulnerability` or `sbom` documents";
        problems.push(SettingProblem::new("/input", message));
    }
    problems
}

fn reading(policy: &impl Policy, settings: &Settings) -> Result<Reading, Problem> {
    match policy.entrypoints() {
        Some(known) => settings.reading(&known),
        None => settings.reading_unchecked(),
    }
}

fn documents(evidence: &Evidence, input: Input) -> Vec<Document> {
    let documents = evidence.documents(input.shape()).into_iter();
    documents.filter(|document| input.takes(&document.name())).collect()
}

fn answer<'a>(document: &str, said: &'a Result<Option<String>, String>) -> Answer<'a> {
    let value = match said {
        Ok(Some(json)) => Answered::Value(json),
        Ok(None) => Answered::Undefined,
        Err(sentence) => Answered::Failed(sentence),
    };
    Answer { document: document.to_owned(), value }
}

fn failure(problem: Problem) -> Failure {
    match problem {
        Problem::Setting { .. } => Failure::settings(problem),
        _ => Failure::other(problem),
    }
}

#[cfg(test)]
mod tests;
