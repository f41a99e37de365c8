//! The answers about several documents as one verdict.

use crate::problem::Problem;
use crate::settings::{Form, Input, Reading};
use crate::verdict::{Effect, Outcome, VerdictDocument, Violation};

/// The worst outcome with the reasons of all. What could not be judged ends it, unless another document fails: then it is
/// one more reason that nobody can waive.
pub fn merge(reading: &Reading, judged: Vec<Result<VerdictDocument, Problem>>) -> Result<VerdictDocument, Problem> {
    let mut problems = Vec::new();
    let mut merged: Option<VerdictDocument> = None;
    for answer in judged {
        match answer {
            Ok(verdict) => merged = Some(join(merged, verdict)),
            Err(problem) => problems.push(problem),
        }
    }
    match (merged, problems.is_empty()) {
        (Some(verdict), true) => Ok(titled(reading, verdict)),
        (Some(mut verdict), false) if verdict.outcome == Outcome::Fail => {
            verdict.violations.extend(problems.iter().map(not_judged));
            Ok(titled(reading, verdict))
        }
        _ => Err(problems.swap_remove(0)),
    }
}

fn join(sum: Option<VerdictDocument>, next: VerdictDocument) -> VerdictDocument {
    let Some(sum) = sum else { return next };
    let summary: Vec<&str> =
        [sum.summary.as_str(), &next.summary].into_iter().filter(|summary| !summary.is_empty()).collect();
    let summary = summary.join("\n");
    let (mut worse, milder) = if next.outcome > sum.outcome { (next, sum) } else { (sum, next) };
    worse.summary = summary;
    worse.violations.extend(milder.violations);
    for (what, count) in milder.judged {
        let counted = worse.judged.entry(what).or_insert(0);
        *counted = counted.saturating_add(count);
    }
    worse.valid_until = worse.valid_until.into_iter().chain(milder.valid_until).min();
    for (name, value) in milder.properties {
        worse.properties.entry(name).or_insert(value);
    }
    worse
}

fn not_judged(problem: &Problem) -> Violation {
    Violation { waivable: false, ..Violation::new("not_judged", Effect::Deny, problem.to_string()) }
}

/// Gives a title to what has none, out of the counts of all documents.
fn titled(reading: &Reading, mut verdict: VerdictDocument) -> VerdictDocument {
    if verdict.title.trim().is_empty() {
        verdict.title = match reading.form {
            Some(Form::Compliance) => compliance_title(reading.input, &verdict),
            _ => counted_title(&verdict),
        };
    }
    verdict
}

fn compliance_title(input: Input, verdict: &VerdictDocument) -> String {
    let (one, many) =
        if input == Input::Sbom { ("component", "components") } else { ("vulnerability", "vulnerabilities") };
    let count = |what: &str| verdict.judged.get(what).copied().unwrap_or(0);
    let (total, wrong) = (count(many), count("non_compliant"));
    let noun = if total == 1 { one } else { many };
    match (verdict.outcome, wrong) {
        (Outcome::Fail, 0) => "Not compliant".to_owned(),
        (Outcome::Fail, _) => format!("Not compliant: {wrong} of {total} {noun}"),
        _ if total == 0 => "Compliant".to_owned(),
        _ => format!("Compliant: {total} {noun}"),
    }
}

fn counted_title(verdict: &VerdictDocument) -> String {
    let count = |effect| verdict.violations.iter().filter(|violation| violation.effect == effect).count();
    let noun = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (denied, warned) = (count(Effect::Deny), count(Effect::Warn));
    match (denied, warned) {
        (0, 0) if verdict.outcome == Outcome::Fail => "Failed".to_owned(),
        (0, 0) => "No violations".to_owned(),
        (0, _) => noun(warned, "warning"),
        (_, 0) => noun(denied, "violation"),
        _ => format!("{}, {}", noun(denied, "violation"), noun(warned, "warning")),
    }
}
