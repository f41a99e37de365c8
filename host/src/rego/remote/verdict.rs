//! A server's answers as a verdict of the contract, with references to the evidence that they name by id.

use super::lookup::{Found, Lookup};
use crate::model::evidence::{Evidence, ItemRef};
use crate::model::report::{Location, Severity};
use crate::model::verdict::{Effect, EvidenceRef, Outcome, Verdict, Violation};
use palisade_plugin_policy_results as results;
use results::VerdictDocument;

pub fn verdict(mut document: VerdictDocument, evidence: &Evidence) -> Verdict {
    document.cut();
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
