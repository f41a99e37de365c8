//! A server's answers as a verdict of the contract, with references to the evidence that they name by id.

use super::lookup::{Found, Lookup};
use crate::model::evidence::{Evidence, ItemRef};
use crate::model::report::{Location, Severity};
use crate::model::verdict::{Effect, EvidenceRef, Outcome, Verdict, Violation};
use palisade_plugin_policy_results as results;
use results::VerdictDocument;

/// As many as the policies' own adapter hands over, twice what the host takes by default: the same policy says the same
/// here and there.
const VIOLATIONS: usize = 10_000;

pub fn verdict(mut document: VerdictDocument, evidence: &Evidence) -> Verdict {
    cut(&mut document.violations);
    let lookup = Lookup::of(&document.violations, evidence);
    let violations = document.violations.into_iter().enumerate();
    Verdict {
        outcome: outcome(document.outcome),
        title: document.title,
        summary: document.summary,
        violations: violations.map(|(place, said)| violation(said, lookup.find(place))).collect(),
        judged: document.judged.into_iter().collect(),
        valid_until: document.valid_until,
        properties: document.properties.into_iter().collect(),
    }
}

/// Keeps the worst, and says how many are left out in one that nobody can waive.
fn cut(violations: &mut Vec<results::Violation>) {
    if violations.len() <= VIOLATIONS {
        return;
    }
    violations.sort_by_key(|violation| std::cmp::Reverse(violation.effect));
    let left_out = violations.split_off(VIOLATIONS - 1);
    let message = format!("{} more violations are not listed", left_out.len());
    violations.extend(left_out.first().map(|worst| results::Violation {
        waivable: false,
        ..results::Violation::new("limit-reached", worst.effect, message)
    }));
}

fn violation(said: results::Violation, found: Option<&Found>) -> Violation {
    let found = found.cloned().unwrap_or_default();
    let references: Vec<EvidenceRef> = said.evidence.into_iter().map(reference).collect();
    Violation {
        rule: said.rule,
        effect: effect(said.effect),
        severity: said.severity.map(severity).or(found.severity),
        message: said.message,
        // A package URL says more than the name that a report gives.
        subject: found.purl.or(said.subject),
        evidence: if references.is_empty() { found.references } else { references },
        waivable: said.waivable,
        how_to_fix: said.how_to_fix.or(found.how_to_fix),
        location: said.location.map(location).or(found.location),
        properties: said.properties.into_iter().collect(),
        waived: None,
    }
}

fn outcome(outcome: results::Outcome) -> Outcome {
    match outcome {
        results::Outcome::Pass => Outcome::Pass,
        results::Outcome::Warn => Outcome::Warn,
        results::Outcome::Fail => Outcome::Fail,
        results::Outcome::NotApplicable => Outcome::NotApplicable,
    }
}

fn effect(effect: results::Effect) -> Effect {
    match effect {
        results::Effect::Info => Effect::Info,
        results::Effect::Warn => Effect::Warn,
        results::Effect::Deny => Effect::Deny,
    }
}

fn severity(severity: results::Severity) -> Severity {
    match severity {
        results::Severity::Negligible => Severity::Negligible,
        results::Severity::Low => Severity::Low,
        results::Severity::Medium => Severity::Medium,
        results::Severity::High => Severity::High,
        results::Severity::Critical => Severity::Critical,
    }
}

fn reference(reference: results::EvidenceRef) -> EvidenceRef {
    let item = |at: results::ItemRef| ItemRef { report: at.report, index: at.index };
    match reference {
        results::EvidenceRef::Finding(at) => EvidenceRef::Finding(item(at)),
        results::EvidenceRef::Component(at) => EvidenceRef::Component(item(at)),
        results::EvidenceRef::Report(report) => EvidenceRef::Report(report),
        results::EvidenceRef::BaselineFinding(at) => EvidenceRef::BaselineFinding(item(at)),
        results::EvidenceRef::BaselineComponent(at) => EvidenceRef::BaselineComponent(item(at)),
    }
}

fn location(location: results::Location) -> Location {
    Location {
        path: location.path,
        start_line: location.start_line,
        end_line: location.end_line,
        start_column: location.start_column,
        end_column: location.end_column,
        layer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_violations_are_cut_to_the_worst_with_one_that_nobody_can_waive() {
        let said = |effect, count| {
            let violation = results::Violation::new("rule", effect, "message");
            std::iter::repeat_n(violation, count)
        };
        let mut violations: Vec<_> =
            said(results::Effect::Warn, VIOLATIONS).chain(said(results::Effect::Deny, 5)).collect();
        cut(&mut violations);
        assert_eq!(violations.len(), VIOLATIONS);
        assert!(violations[..5].iter().all(|violation| violation.effect == results::Effect::Deny));
        let last = violations.last().unwrap();
        assert!(!last.waivable && last.effect == results::Effect::Warn, "{last:?}");
        assert_eq!(last.message, "6 more violations are not listed");
    }
}
