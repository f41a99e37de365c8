//! A server's answers as a verdict of the contract, with references to the evidence that they name by id.

use crate::model::evidence::{Evidence, ItemRef};
use crate::model::report::{Component, Finding, Location, Severity};
use crate::model::verdict::{Effect, EvidenceRef, Outcome, Verdict, Violation};
use palisade_plugin_policy_results as results;
use results::{About, VerdictDocument, spdx_id};

/// References of one violation. The same problem in more places than anybody looks at is cut.
const REFERENCES: usize = 20;

pub fn verdict(document: VerdictDocument, evidence: &Evidence) -> Verdict {
    Verdict {
        outcome: outcome(document.outcome),
        title: document.title,
        summary: document.summary,
        violations: document.violations.into_iter().map(|it| violation(it, evidence)).collect(),
        judged: document.judged.into_iter().collect(),
        valid_until: document.valid_until,
        properties: document.properties.into_iter().collect(),
    }
}

fn violation(said: results::Violation, evidence: &Evidence) -> Violation {
    let mut found = Found::default();
    let references: Vec<EvidenceRef> = said.evidence.into_iter().map(reference).collect();
    if let (true, Some(about)) = (references.is_empty(), &said.about) {
        found.look_for(about, evidence);
    }
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

/// What stands in the evidence about one thing.
#[derive(Default)]
struct Found {
    references: Vec<EvidenceRef>,
    purl: Option<String>,
    severity: Option<Severity>,
    location: Option<Location>,
    how_to_fix: Option<String>,
}

impl Found {
    fn look_for(&mut self, about: &About, evidence: &Evidence) {
        for (number, sourced) in evidence.reports.iter().enumerate() {
            let report = number as u32;
            for (index, finding) in sourced.report.findings.iter().enumerate() {
                if is_finding(about, report, finding) {
                    self.add_finding(ItemRef { report, index: index as u32 }, finding);
                }
            }
            for (index, component) in sourced.report.components.iter().enumerate() {
                if is_component(about, report, component) {
                    self.add(EvidenceRef::Component(ItemRef { report, index: index as u32 }));
                    self.purl = self.purl.take().or_else(|| component.purl.clone());
                }
            }
        }
    }

    fn add_finding(&mut self, at: ItemRef, finding: &Finding) {
        self.add(EvidenceRef::Finding(at));
        self.severity = self.severity.max(finding.severity);
        self.purl = self.purl.take().or_else(|| finding.package.as_ref().and_then(|package| package.purl.clone()));
        self.location = self.location.take().or_else(|| finding.locations.first().cloned());
        self.how_to_fix = self.how_to_fix.take().or_else(|| finding.how_to_fix.clone());
    }

    fn add(&mut self, reference: EvidenceRef) {
        if self.references.len() < REFERENCES {
            self.references.push(reference);
        }
    }
}

fn is_finding(about: &About, number: u32, finding: &Finding) -> bool {
    let About::Finding { report, id, package, version } = about else { return false };
    let of = finding.package.as_ref();
    let is_name = |name: &String| of.is_some_and(|package| package.name == *name || package.purl.as_ref() == Some(name));
    let is_version = |version: &String| of.and_then(|package| package.version.as_deref()).unwrap_or_default() == version;
    finding.id == *id
        && report.is_none_or(|report| report == number)
        && package.as_ref().is_none_or(is_name)
        && version.as_ref().is_none_or(is_version)
}

fn is_component(about: &About, number: u32, component: &Component) -> bool {
    match about {
        About::Component { report, spdx_id: id } => {
            report.is_none_or(|report| report == number) && spdx_id(&component.id).as_ref() == id.as_str()
        }
        About::Purl(purl) => component.purl.as_ref() == Some(purl),
        About::Finding { .. } => false,
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
