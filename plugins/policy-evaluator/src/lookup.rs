//! Finds the findings and components that violations name, in one walk over the evidence, and only over what is asked for.

use palisade_plugin::{AssessedFinding, Component, Evidence, EvidenceRef, FindingParts, Location, Severity};
use palisade_plugin_policy_results::{About, Violation, spdx_id};
use std::collections::BTreeMap;

/// References of one violation. The same problem in more places than anybody looks at is cut.
const REFERENCES: usize = 20;

/// What stands in the evidence about one thing.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub evidence: Vec<EvidenceRef>,
    pub purl: Option<String>,
    pub severity: Option<Severity>,
    pub location: Option<Location>,
    pub how_to_fix: Option<String>,
}

/// Everything that the violations of a verdict are about.
pub struct Lookup(BTreeMap<About, Found>);

impl Lookup {
    /// Walks over findings only if one is named, over components only if one is named.
    pub fn of(violations: &[Violation], evidence: &Evidence) -> Lookup {
        let mut wanted = Wanted::default();
        for about in
            violations.iter().filter(|violation| violation.evidence.is_empty()).filter_map(|v| v.about.as_ref())
        {
            wanted.add(about);
        }
        let mut found = BTreeMap::new();
        wanted.search_findings(evidence, &mut found);
        wanted.search_components(evidence, &mut found);
        Lookup(found)
    }

    pub fn find(&self, about: &About) -> Option<&Found> {
        self.0.get(about)
    }
}

/// What is asked for, so that each finding and component asks a fixed number of times, however much that is.
#[derive(Default)]
struct Wanted<'a> {
    by_finding_id: BTreeMap<&'a str, BTreeMap<Which<'a>, &'a About>>,
    by_spdx_id: BTreeMap<&'a str, BTreeMap<Option<u32>, &'a About>>,
    by_purl: BTreeMap<&'a str, &'a About>,
}

/// Which findings of an identifier: of this report, this package, this version. None is any.
type Which<'a> = (Option<u32>, Option<&'a str>, Option<&'a str>);

impl<'a> Wanted<'a> {
    fn add(&mut self, about: &'a About) {
        match about {
            About::Finding { report, id, package, version } => {
                let which = (*report, package.as_deref(), version.as_deref());
                self.by_finding_id.entry(id).or_default().insert(which, about);
            }
            About::Component { report, spdx_id } => {
                self.by_spdx_id.entry(spdx_id).or_default().insert(*report, about);
            }
            About::Purl(purl) => {
                self.by_purl.insert(purl, about);
            }
        }
    }

    fn search_findings(&self, evidence: &Evidence, found: &mut BTreeMap<About, Found>) {
        if self.by_finding_id.is_empty() {
            return;
        }
        for finding in evidence.findings_with(FindingParts::LOCATIONS) {
            let Some(wanted) = self.by_finding_id.get(finding.finding.id.as_str()) else { continue };
            for about in selections(&finding).iter().filter_map(|which| wanted.get(which)) {
                found.entry((*about).clone()).or_default().add_finding(&finding);
            }
        }
    }

    fn search_components(&self, evidence: &Evidence, found: &mut BTreeMap<About, Found>) {
        if self.by_spdx_id.is_empty() && self.by_purl.is_empty() {
            return;
        }
        for report in evidence.reports() {
            for (index, component) in report.components().enumerate() {
                let reference = EvidenceRef::Component(report.at(index));
                for about in self.abouts(report.index(), &component) {
                    found.entry(about.clone()).or_default().add_component(reference, &component);
                }
            }
        }
    }

    fn abouts(&self, report: u32, component: &Component) -> impl Iterator<Item = &'a About> {
        let by_id = self.by_spdx_id.get(spdx_id(&component.id).as_ref());
        let [any, this] = [None, Some(report)].map(|report| by_id.and_then(|wanted| wanted.get(&report)).copied());
        let by_purl = self.by_purl.get(component.purl.as_deref().unwrap_or_default()).copied();
        [any, this, by_purl].into_iter().flatten()
    }
}

/// Every way to ask for a finding, each once.
fn selections(found: &AssessedFinding) -> Vec<Which<'_>> {
    let package = found.finding.package.as_ref();
    let name = package.map(|package| package.name.as_str());
    let purl = package.and_then(|package| package.purl.as_deref()).filter(|purl| Some(*purl) != name);
    let version = package.and_then(|package| package.version.as_deref()).unwrap_or_default();
    let mut selections = Vec::with_capacity(12);
    for report in [None, Some(found.at.report)] {
        for version in [None, Some(version)] {
            selections.push((report, None, version));
            selections.extend(name.map(|name| (report, Some(name), version)));
            selections.extend(purl.map(|purl| (report, Some(purl), version)));
        }
    }
    selections
}

impl Found {
    fn add_finding(&mut self, finding: &AssessedFinding) {
        self.add(EvidenceRef::Finding(finding.at));
        let of = &finding.finding;
        self.severity = self.severity.max(of.severity);
        self.purl = self.purl.take().or_else(|| of.package.as_ref().and_then(|package| package.purl.clone()));
        self.location = self.location.take().or_else(|| of.locations.first().cloned());
        self.how_to_fix = self.how_to_fix.take().or_else(|| of.how_to_fix.clone());
    }

    fn add_component(&mut self, reference: EvidenceRef, component: &Component) {
        self.add(reference);
        self.purl = self.purl.take().or_else(|| component.purl.clone());
    }

    fn add(&mut self, reference: EvidenceRef) {
        if self.evidence.len() < REFERENCES {
            self.evidence.push(reference);
        }
    }
}
