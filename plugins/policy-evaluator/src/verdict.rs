//! A verdict document as the contract's verdict.

use crate::lookup::{Found, Lookup};
use palisade_plugin::{Effect, Evidence, EvidenceRef, ItemRef, Location, Outcome, Severity, Verdict, Violation};
use palisade_plugin_policy_results as results;

/// With references to the evidence that the policy named by id.
pub fn of(mut document: results::VerdictDocument, evidence: &Evidence) -> Verdict {
    document.cut();
    let lookup = Lookup::of(&document.violations, evidence);
    let violations = document.violations.into_iter().map(|violation| self::violation(violation, &lookup)).collect();
    Verdict {
        outcome: outcome(document.outcome),
        title: document.title,
        summary: document.summary,
        violations,
        judged: document.judged.into_iter().collect(),
        valid_until: document.valid_until,
        properties: document.properties.into_iter().collect(),
    }
}

fn violation(violation: results::Violation, lookup: &Lookup) -> Violation {
    let found = violation.about.as_ref().and_then(|about| lookup.find(about));
    let Found { evidence, purl, severity, location, how_to_fix } = found.cloned().unwrap_or_default();
    let said: Vec<EvidenceRef> = violation.evidence.into_iter().map(reference).collect();
    Violation {
        rule: violation.rule,
        effect: effect(violation.effect),
        severity: violation.severity.map(self::severity).or(severity),
        message: violation.message,
        // A package URL says more than the name that a report gives.
        subject: purl.or(violation.subject),
        evidence: if said.is_empty() { evidence } else { said },
        waivable: violation.waivable,
        how_to_fix: violation.how_to_fix.or(how_to_fix),
        location: violation.location.map(self::location).or(location),
        properties: violation.properties.into_iter().collect(),
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
