//! One problem under several names or from several tools is one group. Names link findings only within one package,
//! and never across two CVEs: an erratum that lists several is a reference, not an alias.

use crate::model::evidence::{Age, AssessedFinding, ItemRef, SourcedReport};
use crate::model::report::{Detail, Finding, Severity};
use crate::policy::packages::Package;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Every finding, members of a group side by side: by highest known severity, best name, report and index.
pub(super) fn assess(reports: &[SourcedReport]) -> (Vec<AssessedFinding>, u32) {
    let named = named_findings(reports);
    let clusters = cluster(&named);
    let mut groups: Vec<Vec<usize>> = clusters.into_iter().flat_map(|members| split_by_cve(&named, members)).collect();
    groups.sort_by_cached_key(|members| rank(&named, members));
    let assessed = groups.iter().enumerate().flat_map(|(group, members)| {
        members.iter().map(|&member| (group as u32, named[member].at)).collect::<Vec<_>>()
    });
    let assessed = assessed.map(|(group, at)| AssessedFinding { at, group, age: Age::Unknown, hidden: None }).collect();
    (assessed, groups.len() as u32)
}

/// The names under which the finding's own report knows it, upper-cased.
pub(super) struct OwnNames {
    /// Id and aliases.
    pub all: BTreeSet<String>,
    /// Those that stand for exactly this problem: the id alone where several CVEs are named.
    pub linking: BTreeSet<String>,
}

impl OwnNames {
    pub(super) fn of(finding: &Finding) -> Self {
        let aliases: &[String] = match &finding.detail {
            Detail::Vulnerability(vulnerability) => &vulnerability.aliases,
            _ => &[],
        };
        let id = upper(&finding.id);
        let all: BTreeSet<String> = aliases.iter().map(|alias| upper(alias)).chain([id.clone()]).collect();
        let several_cves = all.iter().filter(|name| is_cve(name)).count() > 1;
        let linking = if several_cves { BTreeSet::from([id]) } else { all.clone() };
        Self { all, linking }
    }
}

/// How names are compared: without case and surrounding blanks.
pub(super) fn upper(name: &str) -> String {
    name.trim().to_ascii_uppercase()
}

struct Named {
    at: ItemRef,
    severity: Option<Severity>,
    /// Absent for what is no vulnerability: those stand alone.
    package: Option<PackageKey>,
    names: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PackageKey {
    Purl(Package),
    Name(String, Option<String>),
    /// A vulnerability of something without a package: the place stands in for it.
    Place(String),
}

impl PackageKey {
    /// The package whatever its version; a place is not part of what a problem is.
    pub(super) fn without_version(self) -> Self {
        match self {
            PackageKey::Purl(purl) => PackageKey::Purl(Package { version: None, ..purl }),
            PackageKey::Name(name, _) => PackageKey::Name(name, None),
            PackageKey::Place(_) => PackageKey::Place(String::new()),
        }
    }

    pub(super) fn version(&self) -> Option<&str> {
        match self {
            PackageKey::Purl(purl) => purl.version.as_deref(),
            PackageKey::Name(_, version) => version.as_deref(),
            PackageKey::Place(_) => None,
        }
    }
}

/// What problems are called: for each package, whatever its version, and each name the best name of the problem.
pub(super) struct Vocabulary(HashMap<(PackageKey, String), String>);

impl Vocabulary {
    pub(super) fn of(reports: &[SourcedReport]) -> Self {
        let mut named = named_findings(reports);
        for finding in &mut named {
            finding.package = finding.package.take().map(PackageKey::without_version);
        }
        let clusters = cluster(&named);
        let groups = clusters.into_iter().flat_map(|members| split_by_cve(&named, members));
        let mut best_by_name = HashMap::new();
        for members in groups {
            let (_, (_, best), _) = rank(&named, &members);
            for member in members.iter().map(|&member| &named[member]) {
                let Some(package) = &member.package else { continue };
                for name in &member.names {
                    best_by_name.entry((package.clone(), name.clone())).or_insert_with(|| best.clone());
                }
            }
        }
        Self(best_by_name)
    }

    /// What the problem is called here that a finding knows by these names; its own best name where it is unknown.
    /// A finding with a CVE is never taken for another CVE.
    pub(super) fn name(&self, package: &PackageKey, names: &OwnNames) -> String {
        let known = |name: &String| self.0.get(&(package.clone(), name.clone()));
        let cve = names.linking.iter().find(|name| is_cve(name));
        let is_other = |found: &String| is_cve(found) && cve.is_some_and(|own| own != found);
        let best = || names.linking.iter().min_by_key(|name| (name_rank(name), *name));
        let found = cve.and_then(known).or_else(|| names.linking.iter().filter_map(known).find(|name| !is_other(name)));
        found.or_else(best).cloned().unwrap_or_default()
    }
}

fn named_findings(reports: &[SourcedReport]) -> Vec<Named> {
    let mut named = Vec::with_capacity(reports.iter().map(|sourced| sourced.report.findings.len()).sum());
    for (report, sourced) in reports.iter().enumerate() {
        for (index, finding) in sourced.report.findings.iter().enumerate() {
            named.push(Named {
                at: ItemRef { report: report as u32, index: index as u32 },
                severity: finding.severity,
                package: matches!(finding.detail, Detail::Vulnerability(_)).then(|| package_key(finding)),
                names: OwnNames::of(finding).linking,
            });
        }
    }
    named
}

pub(super) fn package_key(finding: &Finding) -> PackageKey {
    match &finding.package {
        None => PackageKey::Place(finding.locations.first().map(|place| place.path.clone()).unwrap_or_default()),
        Some(package) => key_of_package(&package.name, package.version.clone(), package.purl.as_deref()),
    }
}

/// By the purl where there is one that can be read, else by name and version as written.
pub(super) fn key_of_package(name: &str, version: Option<String>, purl: Option<&str>) -> PackageKey {
    match purl.and_then(Package::parse) {
        Some(purl) => PackageKey::Purl(Package { version: purl.version.or(version), ..purl }),
        None => PackageKey::Name(name.to_owned(), version),
    }
}

/// Union over shared names within one package; members in the order of the reports.
fn cluster(named: &[Named]) -> Vec<Vec<usize>> {
    let mut links = Links::new(named.len());
    let mut first_by_name: HashMap<(&PackageKey, &str), usize> = HashMap::new();
    for (place, finding) in named.iter().enumerate() {
        let Some(package) = &finding.package else { continue };
        for name in &finding.names {
            let first = *first_by_name.entry((package, name)).or_insert(place);
            links.join(first, place);
        }
    }
    links.clusters(0..named.len())
}

/// A group that would hold two CVEs falls apart into one for each, and what lies between them stands by itself.
fn split_by_cve(named: &[Named], members: Vec<usize>) -> Vec<Vec<usize>> {
    let mut members_by_cve: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for &member in &members {
        members_by_cve.entry(cve_of(&named[member])).or_default().push(member);
    }
    if members_by_cve.keys().flatten().count() < 2 {
        return vec![members];
    }
    let between = members_by_cve.remove(&None).unwrap_or_default();
    let mut links = Links::new(between.len());
    let mut first_by_name = HashMap::new();
    for (place, &member) in between.iter().enumerate() {
        for name in &named[member].names {
            links.join(*first_by_name.entry(name).or_insert(place), place);
        }
    }
    let between = links
        .clusters(0..between.len())
        .into_iter()
        .map(|places| places.into_iter().map(|place| between[place]).collect());
    members_by_cve.into_values().chain(between).collect()
}

fn cve_of(finding: &Named) -> Option<&str> {
    finding.names.iter().find(|name| is_cve(name)).map(String::as_str)
}

fn is_cve(name: &str) -> bool {
    name.starts_with("CVE-")
}

type Rank = (Reverse<Option<Severity>>, (u8, String), ItemRef);

fn rank(named: &[Named], members: &[usize]) -> Rank {
    let severity = members.iter().filter_map(|&member| named[member].severity).max();
    let names = members.iter().flat_map(|&member| &named[member].names);
    let best = names.map(|name| (name_rank(name), name.clone())).min().unwrap_or_default();
    (Reverse(severity), best, named[members[0]].at)
}

/// Which name people know best: CVE, GHSA, the ecosystem's, a vendor's, a distribution's.
fn name_rank(name: &str) -> u8 {
    const ECOSYSTEMS: [&str; 7] = ["RUSTSEC-", "GO-", "PYSEC-", "MAL-", "RSEC-", "HSEC-", "OSV-"];
    const DISTRIBUTIONS: [&str; 12] = [
        "DSA-",
        "DLA-",
        "USN-",
        "RHSA-",
        "RHBA-",
        "ALAS",
        "ELSA-",
        "SUSE-",
        "OPENSUSE-",
        "DEBIAN-",
        "ALPINE-",
        "UBUNTU-",
    ];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match name {
        _ if is_cve(name) => 0,
        _ if name.starts_with("GHSA-") => 1,
        _ if starts(&ECOSYSTEMS) => 2,
        _ if starts(&DISTRIBUTIONS) => 4,
        _ => 3,
    }
}

/// Disjoint sets over finding numbers.
struct Links(Vec<usize>);

impl Links {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }
    fn root(&mut self, mut place: usize) -> usize {
        while self.0[place] != place {
            self.0[place] = self.0[self.0[place]];
            place = self.0[place];
        }
        place
    }
    /// The smaller number stays the root, so that the order of the inputs is the order of the answer.
    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
    fn clusters(mut self, members: std::ops::Range<usize>) -> Vec<Vec<usize>> {
        let mut clusters: Vec<Vec<usize>> = Vec::new();
        let mut place_by_root: HashMap<usize, usize> = HashMap::new();
        for member in members {
            let root = self.root(member);
            let place = *place_by_root.entry(root).or_insert_with(|| {
                clusters.push(Vec::new());
                clusters.len() - 1
            });
            clusters[place].push(member);
        }
        clusters
    }
}
