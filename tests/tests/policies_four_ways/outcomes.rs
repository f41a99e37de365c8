//! What Palisade makes of an answer: the outcome that a case names.

use palisade_plugin_policy_results::{self as results, Answered, Input, Outcome, Settings};
use palisade_tests::policies::{self, Answer, Case};

#[test]
fn every_answer_is_read_as_the_outcome_that_its_case_names() {
    let mut findings = Vec::new();
    let mut read = 0;
    for policy in policies::all() {
        for case in &policy.cases {
            let Some(expected) = &case.outcome else { continue };
            read += 1;
            let outcome = outcome(case);
            if outcome != *expected {
                findings.push(format!("{}/{}: {outcome}, expected {expected}", policy.name, case.name));
            }
        }
    }
    assert!(findings.is_empty(), "{} of {read} cases:\n{}", findings.len(), findings.join("\n"));
}

fn outcome(case: &Case) -> String {
    let settings = Settings { entrypoint: Some(case.entrypoint.clone()), ..Settings::default() };
    let reading = settings.reading_unchecked().expect("an entrypoint is set");
    let document = match reading.input {
        Input::Evidence => "evidence",
        Input::Vulnerability => "vulnerability/0",
        Input::Sbom => "sbom/0",
    };
    let text = case.answer.to_string();
    let value = match case.answer {
        Answer::Undefined => Answered::Undefined,
        Answer::Value(_) => Answered::Value(&text),
    };
    match results::verdict(&reading, &[results::Answer { document: document.to_owned(), value }]) {
        Err(problem) if case.answer == Answer::Undefined => {
            assert!(problem.to_string().contains("undefined"), "{problem}");
            "broken".to_owned()
        }
        Err(problem) => format!("broken ({problem})"),
        Ok(verdict) => match verdict.outcome {
            Outcome::Pass => "pass".to_owned(),
            Outcome::Warn => "warn".to_owned(),
            Outcome::Fail => "fail".to_owned(),
            Outcome::NotApplicable => "not-applicable".to_owned(),
        },
    }
}
