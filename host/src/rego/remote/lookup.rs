//! Finds the findings and components that violations name, in one walk over the evidence: each item asks an index for the
//! few ways it could have been named, however many violations there are.

use crate::model::evidence::{Evidence, ItemRef};
use crate::model::report::{Component, Finding, Location, Severity};
use crate::model::verdict::EvidenceRef;
use palisade_plugin_policy_results::{About, Violation, spdx_id};
use std::collections::{HashMap, HashSet};

/// References of one violation. The same problem in more places than anybody looks at is cut.
const REFERENCES: usize = 20;

/// What stands in the evidence about one thing.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub references: Vec<EvidenceRef>,
    pub purl: Option<String>,
    pub severity: Option<Severity>,
    pub location: Option<Location>,
    pub how_to_fix: Option<String>,
}

/// Everything that these violations are about. Violations about one thing share what was found.
pub struct Lookup {
    found: Vec<Found>,
    /// By violation: its place in `found`, unless it is about nothing or came with references.
    place_by_violation: Vec<Option<usize>>,
}

impl Lookup {
    pub fn of(violations: &[Violation], evidence: &Evidence) -> Self {
        let mut place_by_name: HashMap<Name<'_>, usize> = HashMap::new();
        let mut place_by_violation = Vec::with_capacity(violations.len());
        for violation in violations {
            let next = place_by_name.len();
            let place = wanted(violation).map(|about| *place_by_name.entry(Name::of(about)).or_insert(next));
            place_by_violation.push(place);
        }
        let mut found = vec![Found::default(); place_by_name.len()];
        search_findings(evidence, &place_by_name, &mut found);
        search_components(evidence, &place_by_name, &mut found);
        Self { found, place_by_violation }
    }

    /// What stands in the evidence about the violation at this place.
    pub fn find(&self, violation: usize) -> Option<&Found> {
        self.place_by_violation.get(violation).copied().flatten().and_then(|place| self.found.get(place))
    }
}

fn wanted(violation: &Violation) -> Option<&About> {
    violation.about.as_ref().filter(|_| violation.evidence.is_empty())
}

/// What a violation is about, to be found in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name<'a> {
    Finding { report: Option<u32>, id: &'a str, package: Option<&'a str>, version: Option<&'a str> },
    Component { report: Option<u32>, spdx_id: &'a str },
    Purl(&'a str),
}

impl<'a> Name<'a> {
    fn of(about: &'a About) -> Self {
        match about {
            About::Finding { report, id, package, version } => {
                Name::Finding { report: *report, id, package: package.as_deref(), version: version.as_deref() }
            }
            About::Component { report, spdx_id } => Name::Component { report: *report, spdx_id },
            About::Purl(purl) => Name::Purl(purl),
        }
    }
}

fn search_findings(evidence: &Evidence, place_by_name: &HashMap<Name<'_>, usize>, found: &mut [Found]) {
    let ids = place_by_name.keys().filter_map(|name| match name {
        Name::Finding { id, .. } => Some(*id),
        _ => None,
    });
    let ids: HashSet<&str> = ids.collect();
    if ids.is_empty() {
        return;
    }
    for (report, sourced) in (0_u32..).zip(&evidence.reports) {
        for (index, finding) in (0_u32..).zip(&sourced.report.findings) {
            if !ids.contains(finding.id.as_str()) {
                continue;
            }
            for name in names_of_finding(report, finding) {
                if let Some(&place) = place_by_name.get(&name) {
                    found[place].add_finding(ItemRef { report, index }, finding);
                }
            }
        }
    }
}

/// Each way to name a finding: with or without its report, its version, and its package by name or package URL.
fn names_of_finding(report: u32, finding: &Finding) -> Vec<Name<'_>> {
    let package = finding.package.as_ref();
    let name = package.map(|package| package.name.as_str());
    let purl = package.and_then(|package| package.purl.as_deref()).filter(|purl| Some(*purl) != name);
    let packages = [None].into_iter().chain(name.map(Some)).chain(purl.map(Some));
    let version = package.and_then(|package| package.version.as_deref()).unwrap_or_default();
    let mut names = Vec::with_capacity(12);
    for package in packages {
        for (report, version) in
            [(None, None), (None, Some(version)), (Some(report), None), (Some(report), Some(version))]
        {
            names.push(Name::Finding { report, id: &finding.id, package, version });
        }
    }
    names
}

fn search_components(evidence: &Evidence, place_by_name: &HashMap<Name<'_>, usize>, found: &mut [Found]) {
    if place_by_name.keys().all(|name| matches!(name, Name::Finding { .. })) {
        return;
    }
    for (report, sourced) in (0_u32..).zip(&evidence.reports) {
        for (index, component) in (0_u32..).zip(&sourced.report.components) {
            let id = spdx_id(&component.id);
            let by_id = [None, Some(report)].map(|report| Name::Component { report, spdx_id: &id });
            for name in by_id.into_iter().chain(component.purl.as_deref().map(Name::Purl)) {
                if let Some(&place) = place_by_name.get(&name) {
                    found[place].add_component(ItemRef { report, index }, component);
                }
            }
        }
    }
}

impl Found {
    fn add_finding(&mut self, at: ItemRef, finding: &Finding) {
        self.add(EvidenceRef::Finding(at));
        self.severity = self.severity.max(finding.severity);
        self.purl = self.purl.take().or_else(|| finding.package.as_ref().and_then(|package| package.purl.clone()));
        self.location = self.location.take().or_else(|| finding.locations.first().cloned());
        self.how_to_fix = self.how_to_fix.take().or_else(|| finding.how_to_fix.clone());
    }

    fn add_component(&mut self, at: ItemRef, component: &Component) {
        self.add(EvidenceRef::Component(at));
        self.purl = self.purl.take().or_else(|| component.purl.clone());
    }

    fn add(&mut self, reference: EvidenceRef) {
        if self.references.len() < REFERENCES {
            self.references.push(reference);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{ComponentRelation, ComponentScope, Detail, PackageRef};

    fn finding() -> Finding {
        Finding {
            id: "CVE-2026-0001".to_owned(),
            severity: None,
            severity_raw: None,
            severity_source: None,
            title: String::new(),
            description: None,
            package: Some(PackageRef {
                name: "left-pad".to_owned(),
                version: Some("1.0.0".to_owned()),
                purl: Some("pkg:npm/left-pad@1.0.0".to_owned()),
                component: None,
                scope: ComponentScope::Unknown,
                relation: ComponentRelation::Unknown,
                introduced_by: Vec::new(),
            }),
            locations: Vec::new(),
            detail: Detail::Other,
            how_to_fix: None,
            references: Vec::new(),
            fingerprints: Vec::new(),
            tool_status: None,
            origin: None,
            properties: Vec::new(),
        }
    }

    fn about(report: Option<u32>, package: Option<&str>, version: Option<&str>) -> About {
        let (package, version) = (package.map(str::to_owned), version.map(str::to_owned));
        About::Finding { report, id: "CVE-2026-0001".to_owned(), package, version }
    }

    #[test]
    fn a_finding_is_found_by_each_of_its_names_and_once() {
        let finding = finding();
        let names = names_of_finding(3, &finding);
        let distinct: HashSet<&Name<'_>> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        for package in [None, Some("left-pad"), Some("pkg:npm/left-pad@1.0.0")] {
            for (report, version) in [(None, None), (Some(3), None), (None, Some("1.0.0")), (Some(3), Some("1.0.0"))] {
                let about = about(report, package, version);
                assert!(names.contains(&Name::of(&about)), "{about:?}");
            }
        }
        for other in [about(Some(2), None, None), about(None, Some("right-pad"), None), about(None, None, Some("2"))] {
            assert!(!names.contains(&Name::of(&other)), "{other:?}");
        }
    }
}
