//! The packages of all reports, each once, with the claim that counts. Reads only what licences are judged by; decides
//! nothing about effects.

use crate::claims::{Readings, Selected};
use crate::policy::Policy;
use crate::settings::Scope;
use packageurl::PackageUrl;
use palisade_plugin::{
    Component, ComponentParts, ComponentRelation, ComponentScope, Coverage, Evidence, EvidenceRef, FindingParts,
    LicenseClaim, PackageRef, ReportView,
};
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

/// References per violation: enough to find the package in each report, few enough to keep the verdict small.
const MOST_REFERENCES: usize = 8;

/// A package, seen in all reports together.
pub struct Package {
    pub id: Option<String>,
    pub name: String,
    pub version: Option<String>,
    pub purl: Option<String>,
    pub supplier: Option<String>,
    pub scope: ComponentScope,
    pub claim: Selected,
    pub evidence: Vec<EvidenceRef>,
    /// The exceptions that held, and those that would have held until they ended; indices into the policy's.
    pub excepted: Vec<usize>,
    pub expired: Vec<usize>,
}

#[derive(Default)]
pub struct Inventory {
    pub packages: Vec<Package>,
    /// Components that are the scanned thing itself.
    pub roots: u64,
    /// Components that the change takes away.
    pub removed: u64,
    by_key: HashMap<String, usize>,
}

impl Inventory {
    pub fn of(evidence: &Evidence, policy: &Policy) -> Self {
        let mut inventory = Self::default();
        let mut reader = Reader::new(policy, evidence.context().now);
        let mut with_findings = Vec::new();
        for report in evidence.reports_covering(Coverage::Licenses) {
            inventory.take_components(&report, &mut reader);
            if report.finding_count() > 0 {
                with_findings.push(report.index());
            }
        }
        if !with_findings.is_empty() {
            inventory.take_findings(evidence, &with_findings, &mut reader);
        }
        inventory
    }

    fn take_components(&mut self, report: &ReportView, reader: &mut Reader) {
        let mut parts = ComponentParts::LICENSES;
        // Only a report of changes says that a component is gone; properties cost as much as licences.
        if report.covers().contains(&Coverage::Changes) {
            parts |= ComponentParts::PROPERTIES;
        }
        let count = report.component_count() as usize;
        self.by_key.reserve(count);
        self.packages.reserve(count);
        for (index, component) in report.components_with(parts).enumerate() {
            if component.relation == ComponentRelation::Root {
                self.roots += 1;
            } else if component.properties.iter().any(|(name, value)| name == "change" && value == "removed") {
                self.removed += 1;
            } else {
                self.add(reader.component(component, EvidenceRef::Component(report.at(index))));
            }
        }
    }

    /// Licences that a scanner reported as findings count as claims about their packages, or about their files.
    fn take_findings(&mut self, evidence: &Evidence, reports: &[u32], reader: &mut Reader) {
        let mut pending = BTreeMap::<(u32, String), (PackageRef, Vec<LicenseClaim>, Vec<EvidenceRef>)>::new();
        for assessed in evidence.findings_with(FindingParts::LOCATIONS) {
            let finding = assessed.finding;
            let Some(claim) = finding.license().cloned().filter(|_| reports.contains(&assessed.at.report)) else {
                continue;
            };
            let file = || finding.locations.first().map_or(finding.title.as_str(), |location| location.path.as_str());
            let package = finding.package.clone().unwrap_or_else(|| PackageRef::new(file()));
            let key = (assessed.at.report, key(package.purl.as_deref(), &package.name, package.version.as_deref()));
            let (_, claims, references) = pending.entry(key).or_insert_with(|| (package, Vec::new(), Vec::new()));
            claims.push(claim);
            references.push(EvidenceRef::Finding(assessed.at));
        }
        for (package, claims, references) in pending.into_values() {
            if package.relation == ComponentRelation::Root {
                self.roots += 1;
            } else {
                self.add(reader.package(package, &claims, references));
            }
        }
    }

    fn add(&mut self, mut found: Package) {
        let key = key(found.purl.as_deref(), &found.name, found.version.as_deref());
        let Some(&at) = self.by_key.get(&key) else {
            self.by_key.insert(key, self.packages.len());
            self.packages.push(found);
            return;
        };
        let known = &mut self.packages[at];
        let scope = more_exposed(known.scope, found.scope);
        let mut evidence = std::mem::take(&mut known.evidence);
        evidence.append(&mut found.evidence);
        if found.claim.meaning.outweighs(&known.claim.meaning) {
            *known = found;
        }
        evidence.truncate(MOST_REFERENCES);
        (known.scope, known.evidence) = (scope, evidence);
    }
}

/// Reads claims, under the exceptions that hold for their package.
struct Reader<'a> {
    policy: &'a Policy,
    now: u64,
    readings: Readings,
    excepted: BTreeMap<Vec<usize>, Readings>,
}

impl<'a> Reader<'a> {
    fn new(policy: &'a Policy, now: u64) -> Self {
        Self { policy, now, readings: Readings::by(policy.lists.clone()), excepted: BTreeMap::new() }
    }

    fn component(&mut self, component: Component, at: EvidenceRef) -> Package {
        let exceptions = self.exceptions(component.purl.as_deref());
        Package {
            claim: self.claim(&component.licenses, &exceptions.0),
            id: Some(component.id),
            name: component.name,
            version: component.version,
            purl: component.purl,
            supplier: component.supplier,
            scope: component.scope,
            evidence: vec![at],
            excepted: exceptions.0,
            expired: exceptions.1,
        }
    }

    fn package(&mut self, package: PackageRef, claims: &[LicenseClaim], evidence: Vec<EvidenceRef>) -> Package {
        let exceptions = self.exceptions(package.purl.as_deref());
        Package {
            claim: self.claim(claims, &exceptions.0),
            id: package.component,
            name: package.name,
            version: package.version,
            purl: package.purl,
            supplier: None,
            scope: package.scope,
            evidence,
            excepted: exceptions.0,
            expired: exceptions.1,
        }
    }

    /// The exceptions written for a package: those that hold, and those that have ended.
    fn exceptions(&self, purl: Option<&str>) -> (Vec<usize>, Vec<usize>) {
        if self.policy.exceptions.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let Some(purl) = purl.and_then(|purl| PackageUrl::from_str(purl).ok()) else {
            return (Vec::new(), Vec::new());
        };
        let exceptions = self.policy.exceptions.iter().enumerate();
        let matching = exceptions.filter(|(_, exception)| exception.pattern.matches(&purl));
        let (active, ended): (Vec<_>, Vec<_>) =
            matching.partition(|(_, exception)| exception.until.is_none_or(|until| self.now < until));
        let places = |list: Vec<(usize, _)>| list.into_iter().map(|(at, _)| at).collect();
        (places(active), places(ended))
    }

    fn claim(&mut self, claims: &[LicenseClaim], excepted: &[usize]) -> Selected {
        let policy = self.policy;
        if excepted.is_empty() {
            return self.readings.select(claims, policy.order());
        }
        let readings = self.excepted.entry(excepted.to_vec()).or_insert_with(|| {
            let allowed = excepted.iter().flat_map(|&at| policy.exceptions[at].allowed.iter().cloned());
            let mut lists = policy.lists.clone();
            lists.excepted = allowed.collect();
            Readings::by(lists)
        });
        match excepted.iter().find_map(|&at| policy.exceptions[at].license.as_deref()) {
            Some(license) => Selected { meaning: readings.text(license), source: None, contradicted_by: None },
            None => readings.select(claims, policy.order()),
        }
    }
}

/// What makes two mentions one package: the package URL without qualifiers, else name and version.
fn key(purl: Option<&str>, name: &str, version: Option<&str>) -> String {
    match purl {
        Some(purl) => purl[..purl.find(['?', '#']).unwrap_or(purl.len())].to_owned(),
        None => format!("{name}@{}", version.unwrap_or_default()),
    }
}

/// The scope in which the package can do more harm; not knowing yields.
fn more_exposed(one: ComponentScope, other: ComponentScope) -> ComponentScope {
    let rank = |scope| match scope {
        ComponentScope::Unknown => 0,
        ComponentScope::Excluded => 1,
        ComponentScope::Test => 2,
        ComponentScope::Development => 3,
        ComponentScope::Build => 4,
        ComponentScope::Optional => 5,
        ComponentScope::Runtime => 6,
    };
    if rank(other) > rank(one) { other } else { one }
}

impl Scope {
    pub fn of(scope: ComponentScope) -> Self {
        match scope {
            ComponentScope::Unknown => Self::Unknown,
            ComponentScope::Runtime => Self::Runtime,
            ComponentScope::Optional => Self::Optional,
            ComponentScope::Development => Self::Development,
            ComponentScope::Test => Self::Test,
            ComponentScope::Build => Self::Build,
            ComponentScope::Excluded => Self::Excluded,
        }
    }
}
