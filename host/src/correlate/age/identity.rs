//! What makes a finding the same one on both sides. Lines, columns, commits, versions and the numbers in messages are no
//! part of it.

use crate::correlate::groups::{OwnNames, PackageKey, Vocabulary, key_of_package, package_key, upper};
use crate::correlate::records::kind;
use crate::model::evidence::{AssessedFinding, ItemRef, SourcedReport};
use crate::model::report::{Component, Coverage, Detail, Finding, LicenseValue};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Fingerprints that do not move with lines, by the beginning of their names.
const STABLE_FINGERPRINTS: [&str; 3] = ["primaryLocationLineHash", "matchBasedId", "palisade/"];
/// Bytes of a message that tell findings of one rule in one file apart. A baseline keeps them for each such finding.
pub(super) const MESSAGE_BYTES: usize = 200;

/// A package at one version.
pub(super) type Package = PackageKey;
/// A package whatever its version, and what is claimed of its licence.
pub(super) type Licensed = (PackageKey, BTreeSet<String>);

/// What a finding says, whoever says it and wherever.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Problem {
    Vulnerability { package: PackageKey, name: String },
    License { package: PackageKey, claim: String },
    Code { kind: Coverage, rule: String, mark: Mark },
    Secret { detector: String, rule: String, mark: Option<String> },
    Other { kind: Coverage, id: String },
}

/// What tells findings of one rule apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    Fingerprint(String),
    Resource(String),
    Message(String),
}

/// A problem that one tool sees in one place, once for each group.
#[derive(Debug)]
pub(super) struct Occurrence {
    pub problem: Problem,
    pub kind: Coverage,
    /// Without its version.
    pub tool: String,
    /// The directory of the manifest for what is about packages, else the file.
    pub place: String,
    pub group: u32,
    /// Absent for what is about no package, or one without a version.
    pub package: Option<Package>,
    /// A move of the file is no news.
    pub may_move: bool,
    /// Two tools call it the same.
    pub any_tool: bool,
    /// The first of its findings, and the places of all in the list of assessed ones.
    pub at: ItemRef,
    pub members: Vec<usize>,
}

impl Occurrence {
    pub(super) fn version(&self) -> Option<&str> {
        self.package.as_ref().and_then(PackageKey::version)
    }
}

/// By place and version, so that the order of the findings does not matter.
pub(super) fn occurrences(
    reports: &[SourcedReport],
    findings: &[AssessedFinding],
    vocabulary: &Vocabulary,
) -> Vec<Occurrence> {
    let mut occurrences: Vec<Occurrence> = Vec::with_capacity(findings.len());
    let mut place_by_identity: HashMap<(Problem, String, String, u32), usize> = HashMap::with_capacity(findings.len());
    for (member, assessed) in findings.iter().enumerate() {
        let sourced = &reports[assessed.at.report as usize];
        let mut occurrence = occurrence(sourced, assessed, vocabulary);
        let identity =
            (occurrence.problem.clone(), occurrence.tool.clone(), occurrence.place.clone(), occurrence.group);
        let place = *place_by_identity.entry(identity).or_insert(occurrences.len());
        if place < occurrences.len() {
            occurrences[place].members.push(member);
        } else {
            occurrence.members.push(member);
            occurrences.push(occurrence);
        }
    }
    occurrences
        .sort_by(|one, other| (&one.place, one.version(), one.at).cmp(&(&other.place, other.version(), other.at)));
    occurrences
}

fn occurrence(sourced: &SourcedReport, assessed: &AssessedFinding, vocabulary: &Vocabulary) -> Occurrence {
    let finding = &sourced.report.findings[assessed.at.index as usize];
    let problem = problem(finding, vocabulary);
    let is_of_package = matches!(problem, Problem::Vulnerability { .. } | Problem::License { .. });
    let path = finding.locations.first().map_or("", |location| location.path.as_str());
    Occurrence {
        kind: kind(finding),
        tool: tool(sourced),
        place: if is_of_package { directory(path) } else { path }.to_owned(),
        group: assessed.group,
        package: is_of_package.then(|| package_key(finding)).filter(|package| package.version().is_some()),
        // A secret that went from one file and one that came in another may be two secrets.
        may_move: !matches!(problem, Problem::Secret { mark: None, .. }),
        any_tool: is_of_package,
        problem,
        at: assessed.at,
        members: Vec::new(),
    }
}

fn problem(finding: &Finding, vocabulary: &Vocabulary) -> Problem {
    match &finding.detail {
        Detail::Vulnerability(_) => {
            let package = package_key(finding).without_version();
            let name = vocabulary.name(&package, &OwnNames::of(finding));
            Problem::Vulnerability { package, name }
        }
        Detail::License(claim) => {
            let package = package_key(finding).without_version();
            Problem::License { package, claim: canonical(&claim.value) }
        }
        Detail::Secret(secret) => {
            Problem::Secret { detector: secret.detector.clone(), rule: upper(&finding.id), mark: fingerprint(finding) }
        }
        Detail::Misconfiguration(_) | Detail::Code(_) => {
            Problem::Code { kind: kind(finding), rule: upper(&finding.id), mark: mark(finding) }
        }
        Detail::Score(_) | Detail::Change(_) | Detail::Other => {
            Problem::Other { kind: kind(finding), id: upper(&finding.id) }
        }
    }
}

fn fingerprint(finding: &Finding) -> Option<String> {
    finding.fingerprints.iter().find(|(name, _)| is_stable(name)).map(|(_, value)| value.clone())
}

fn mark(finding: &Finding) -> Mark {
    let resource = match &finding.detail {
        Detail::Misconfiguration(misconfiguration) => misconfiguration.resource.clone(),
        _ => None,
    };
    match (fingerprint(finding), resource) {
        (Some(fingerprint), _) => Mark::Fingerprint(fingerprint),
        (None, Some(resource)) => Mark::Resource(resource),
        (None, None) => Mark::Message(message(finding)),
    }
}

/// The finding's message without numbers, which stand for lines, counts and versions.
pub(super) fn message(finding: &Finding) -> String {
    let text = finding.description.as_ref().unwrap_or(&finding.title);
    let text: String = text.chars().filter(|char| !char.is_numeric()).collect();
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.truncate(text.floor_char_boundary(MESSAGE_BYTES));
    // Reduced once more it stays the same.
    text.truncate(text.trim_end().len());
    text
}

/// Whether the message is what tells the finding from others.
pub(super) fn is_told_by_message(finding: &Finding) -> bool {
    matches!(finding.detail, Detail::Misconfiguration(_) | Detail::Code(_)) && matches!(mark(finding), Mark::Message(_))
}

/// Whether a fingerprint is part of an identity.
pub(super) fn is_stable(name: &str) -> bool {
    STABLE_FINGERPRINTS.iter().any(|prefix| name.starts_with(prefix))
}

fn canonical(value: &LicenseValue) -> String {
    let text = match value {
        LicenseValue::Expression(text) | LicenseValue::Name(text) => text.as_str(),
        LicenseValue::NoAssertion => "NOASSERTION",
        LicenseValue::NoneStated => "NONE",
    };
    upper(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The tool whatever its version; where none is named, the normalizer.
pub(super) fn tool(sourced: &SourcedReport) -> String {
    let name = sourced.report.tool.as_ref().map_or(&sourced.normalizer, |(name, _)| name);
    name.to_ascii_lowercase()
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Every package that the reports name, at its version.
pub(super) fn packages(reports: &[SourcedReport]) -> HashSet<Package> {
    let reports = reports.iter().map(|sourced| &sourced.report);
    reports
        .flat_map(|report| {
            let named = report.findings.iter().filter(|finding| finding.package.is_some()).map(package_key);
            named.chain(report.components.iter().filter_map(package_of))
        })
        .filter(|package| package.version().is_some())
        .collect()
}

/// A component's package in the spelling of findings.
pub(super) fn package_of(component: &Component) -> Option<Package> {
    let version = component.version.clone();
    Some(key_of_package(&component.name, version, component.purl.as_deref())).filter(|key| key.version().is_some())
}

pub(super) fn licensed(component: &Component) -> Licensed {
    let claims = component.licenses.iter().map(|claim| format!("{} {}", claim.source, canonical(&claim.value)));
    let package = key_of_package(&component.name, None, component.purl.as_deref()).without_version();
    (package, claims.collect())
}
