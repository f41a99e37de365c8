//! Polly's `VulnerabilityPayload`. What is hidden is no entry of `vulnerabilities`, so that a policy skips it unasked; it
//! stands in `hidden_vulnerabilities` with by whom and why.

use super::compliance::{Metadata, metadata, property};
use super::finding_at;
use crate::model::Evidence;
use crate::model::evidence::{AssessedFinding, Hidden};
use crate::model::report::{Detail, Finding, PackageRef, Severity};
use serde::Serialize;

#[derive(Serialize)]
struct Payload<'a> {
    metadata: Metadata<'a>,
    r#type: &'static str,
    vulnerabilities: Vec<Entry<'a>>,
    hidden_vulnerabilities: Vec<HiddenEntry<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    severity: &'a str,
    description: &'a str,
    package: Package<'a>,
    #[serde(skip_serializing_if = "String::is_empty")]
    fixed_version: String,
    location: Place<'a>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    references: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
}

#[derive(Serialize)]
struct HiddenEntry<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    hidden: &'a Hidden,
}

#[derive(Serialize)]
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    ecosystem: &'a str,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Default, Serialize)]
struct Summary {
    total_vulnerabilities: usize,
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    info: usize,
}

/// The payload of one report, in the report's own order.
pub fn payload(evidence: &Evidence, report: usize) -> impl Serialize {
    let mut assessed: Vec<&AssessedFinding> =
        evidence.findings.iter().filter(|assessed| assessed.at.report as usize == report).collect();
    assessed.sort_by_key(|assessed| assessed.at.index);
    let (mut vulnerabilities, mut hidden_vulnerabilities) = (Vec::new(), Vec::new());
    for assessed in assessed {
        let Some(entry) = entry(finding_at(evidence, assessed)) else { continue };
        match &assessed.hidden {
            None => vulnerabilities.push(entry),
            Some(hidden) => hidden_vulnerabilities.push(HiddenEntry { entry, hidden }),
        }
    }
    Payload {
        metadata: metadata(&evidence.context, &evidence.reports[report]),
        r#type: "vulnerability_scan",
        summary: summary(&vulnerabilities),
        vulnerabilities,
        hidden_vulnerabilities,
    }
}

fn summary(entries: &[Entry]) -> Summary {
    let mut summary = Summary { total_vulnerabilities: entries.len(), ..Summary::default() };
    for entry in entries {
        match entry.severity {
            "CRITICAL" => summary.critical += 1,
            "HIGH" => summary.high += 1,
            "MEDIUM" => summary.medium += 1,
            "LOW" => summary.low += 1,
            "INFO" => summary.info += 1,
            _ => {}
        }
    }
    summary
}

fn entry(finding: &Finding) -> Option<Entry<'_>> {
    let Detail::Vulnerability(vulnerability) = &finding.detail else { return None };
    let location = finding.locations.first();
    Some(Entry {
        id: &finding.id,
        severity: severity(finding),
        description: finding.description.as_deref().unwrap_or_default(),
        package: package(finding),
        fixed_version: vulnerability.fix.versions.join(", "),
        location: Place {
            file: location.map_or("", |location| &location.path),
            line: location.and_then(|location| location.start_line).filter(|line| *line > 0),
        },
        references: &finding.references,
        // The normalizer puts the rating to show first.
        score: vulnerability
            .ratings
            .first()
            .and_then(|rating| rating.base)
            .filter(|base| base.is_finite() && *base > 0.0),
    })
}

/// A word of Trivy is handed on as it is.
fn severity(finding: &Finding) -> &str {
    const TRIVY: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"];
    match finding.severity_raw.as_deref() {
        Some(raw) if TRIVY.contains(&raw) => raw,
        _ => match finding.severity {
            None => "UNKNOWN",
            Some(Severity::Negligible) => "NEGLIGIBLE",
            Some(Severity::Low) => "LOW",
            Some(Severity::Medium) => "MEDIUM",
            Some(Severity::High) => "HIGH",
            Some(Severity::Critical) => "CRITICAL",
        },
    }
}

fn package(finding: &Finding) -> Package<'_> {
    let package = finding.package.as_ref();
    Package {
        name: package.map_or("", |package| &package.name),
        version: package.and_then(|package| package.version.as_deref()).unwrap_or_default(),
        ecosystem: property(&finding.properties, "ecosystem")
            .or_else(|| package.and_then(ecosystem))
            .unwrap_or("unknown"),
    }
}

/// Polly's word for the type of a package URL.
fn ecosystem(package: &PackageRef) -> Option<&str> {
    let (kind, _) = package.purl.as_deref()?.strip_prefix("pkg:")?.split_once('/')?;
    Some(match kind {
        "gem" => "rubygems",
        "golang" => "go",
        "composer" => "packagist",
        kind => kind,
    })
}
