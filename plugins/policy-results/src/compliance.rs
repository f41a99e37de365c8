//! The reports of Polly-compatible policies. `compliant` decides; what is listed explains it. Members that nobody knows
//! are ignored, a member of another type is an error.

use crate::document::Source;
use crate::payload::report_of;
use crate::problem::Problem;
use crate::verdict::{About, Effect, Outcome, Severity, VerdictDocument, Violation};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct VulnerabilityReport {
    compliant: bool,
    #[serde(default, deserialize_with = "or_default")]
    total_vulnerabilities: u64,
    #[serde(default, deserialize_with = "or_default")]
    compliant_count: u64,
    #[serde(default, deserialize_with = "or_default")]
    non_compliant_count: u64,
    #[serde(default, deserialize_with = "or_default")]
    non_compliant_vulnerabilities: Vec<Vulnerability>,
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "a vulnerability as an object")]
struct Vulnerability {
    #[serde(deserialize_with = "or_default")]
    id: String,
    #[serde(deserialize_with = "or_default")]
    package: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    severity: String,
    #[serde(deserialize_with = "or_default")]
    fixed_version: String,
    score: Option<f64>,
}

#[derive(Deserialize)]
struct LicenseReport {
    compliant: bool,
    #[serde(default, deserialize_with = "or_default")]
    total_components: u64,
    #[serde(default, deserialize_with = "or_default")]
    compliant_components: u64,
    #[serde(default, deserialize_with = "or_default")]
    non_compliant_licenses: Vec<String>,
    /// Only held against its type: the list is the policy's settings, and nobody needs it in a verdict.
    #[serde(default, rename = "allowed_licenses", deserialize_with = "or_default")]
    _allowed_licenses: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    non_compliant_components: Vec<Component>,
    #[serde(default, deserialize_with = "or_default")]
    conditional_components: Vec<Component>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "a component as an object")]
struct Component {
    #[serde(rename = "SPDXID", deserialize_with = "or_default")]
    spdx_id: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    version_info: String,
    #[serde(deserialize_with = "or_default")]
    supplier: String,
    #[serde(deserialize_with = "or_default")]
    license_concluded: String,
    #[serde(deserialize_with = "or_default")]
    license_declared: String,
    #[serde(rename = "copyrightText")]
    _copyright_text: Option<String>,
    #[serde(rename = "downloadLocation")]
    _download_location: Option<String>,
    #[serde(rename = "filesAnalyzed")]
    _files_analyzed: Option<bool>,
}

/// `null` is how Go writes an empty list.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The answer of `compliance/vulnerability_report`.
pub fn vulnerabilities(source: &Source) -> Result<VerdictDocument, Problem> {
    let report: VulnerabilityReport = source.parse_object("vulnerability report")?;
    let effect = effect(report.compliant);
    let listed = report.non_compliant_vulnerabilities.iter();
    let violations = listed.map(|entry| vulnerable(entry, effect, source)).collect();
    let summary = format!(
        "- `{}`: {} of {} vulnerabilities compliant",
        code(source.document),
        report.compliant_count,
        report.total_vulnerabilities
    );
    let judged = [
        ("vulnerabilities", report.total_vulnerabilities),
        ("compliant", report.compliant_count),
        ("non_compliant", report.non_compliant_count),
    ];
    Ok(verdict(source, report.compliant, violations, Counts { summary, judged }))
}

/// The answer of `compliance/license_report`.
pub fn licenses(source: &Source) -> Result<VerdictDocument, Problem> {
    let report: LicenseReport = source.parse_object("license report")?;
    let effect = effect(report.compliant);
    let forbidden = report.non_compliant_components.iter().map(|entry| forbidden(entry, effect, source));
    let conditional = report.conditional_components.iter().map(|entry| conditional(entry, source));
    let violations = forbidden.chain(conditional).collect();
    let mut summary = format!(
        "- `{}`: {} of {} components compliant",
        code(source.document),
        report.compliant_components,
        report.total_components
    );
    if !report.non_compliant_licenses.is_empty() {
        let licenses: Vec<String> =
            report.non_compliant_licenses.iter().map(|license| format!("`{}`", code(license))).collect();
        summary = format!("{summary}; not allowed: {}", licenses.join(", "));
    }
    let judged = [
        ("components", report.total_components),
        ("compliant", report.compliant_components),
        ("non_compliant", report.total_components.saturating_sub(report.compliant_components)),
    ];
    Ok(verdict(source, report.compliant, violations, Counts { summary, judged }))
}

struct Counts {
    summary: String,
    judged: [(&'static str, u64); 3],
}

/// What a compliant report lists all the same is for people to know.
fn effect(compliant: bool) -> Effect {
    if compliant { Effect::Info } else { Effect::Deny }
}

fn verdict(source: &Source, compliant: bool, violations: Vec<Violation>, counts: Counts) -> VerdictDocument {
    let outcome = if compliant { Outcome::Pass } else { Outcome::Fail };
    let mut verdict = VerdictDocument::new(outcome, "");
    verdict.violations = violations;
    // Without a reason of its own, waived reasons of another document would soften this one too.
    if !compliant && !verdict.violations.iter().any(|violation| violation.effect == Effect::Deny) {
        let message = format!("{} is not compliant; the policy lists no reason", source.document);
        verdict.violations.push(Violation {
            waivable: false,
            subject: Some(source.document.to_owned()),
            ..Violation::new("not_compliant", Effect::Deny, message)
        });
    }
    verdict.summary = counts.summary;
    verdict.judged = counts.judged.into_iter().map(|(what, count)| (what.to_owned(), count)).collect();
    verdict
}

fn vulnerable(entry: &Vulnerability, effect: Effect, source: &Source) -> Violation {
    let severity = or(&entry.severity, "unknown severity");
    let message = format!("{} ({severity}) in {} is not compliant", entry.id, named(&entry.package, &entry.version));
    Violation {
        severity: Severity::from_word(&entry.severity),
        subject: filled(&entry.package),
        how_to_fix: filled(&entry.fixed_version).map(|version| format!("Update {} to {version}", entry.package)),
        properties: properties([
            ("document", source.document.to_owned()),
            ("id", entry.id.clone()),
            ("version", entry.version.clone()),
            ("score", entry.score.map(|score| score.to_string()).unwrap_or_default()),
        ]),
        about: Some(About::Finding {
            report: report_of(source.document),
            id: entry.id.clone(),
            package: filled(&entry.package),
            version: Some(entry.version.clone()),
        }),
        ..Violation::new("vulnerability", effect, message)
    }
}

fn forbidden(entry: &Component, effect: Effect, source: &Source) -> Violation {
    let component = named(&entry.name, &entry.version_info);
    let message = match effective_license(entry) {
        Some(license) => format!("{component}: the license {license} is not allowed"),
        None => format!("{component} states no license"),
    };
    about_component(entry, source, Violation::new("license", effect, message))
}

fn conditional(entry: &Component, source: &Source) -> Violation {
    let license = effective_license(entry).unwrap_or("its license");
    let message = format!("{}: {license} is allowed under conditions", named(&entry.name, &entry.version_info));
    about_component(entry, source, Violation::new("conditional_license", Effect::Info, message))
}

fn about_component(entry: &Component, source: &Source, violation: Violation) -> Violation {
    Violation {
        subject: filled(&entry.name),
        properties: properties([
            ("document", source.document.to_owned()),
            ("SPDXID", entry.spdx_id.clone()),
            ("version", entry.version_info.clone()),
            ("supplier", entry.supplier.clone()),
            ("license", effective_license(entry).unwrap_or_default().to_owned()),
        ]),
        about: filled(&entry.spdx_id).map(|spdx_id| About::Component { report: report_of(source.document), spdx_id }),
        ..violation
    }
}

/// The concluded license, else the declared one; words for "unknown" are none.
fn effective_license(entry: &Component) -> Option<&str> {
    let stated = |text: &&str| !matches!(*text, "" | "NOASSERTION" | "NONE");
    [entry.license_concluded.as_str(), entry.license_declared.as_str()].into_iter().find(stated)
}

fn named(name: &str, version: &str) -> String {
    let name = or(name, "a package without a name");
    if version.is_empty() { name.to_owned() } else { format!("{name} {version}") }
}

fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn properties<const N: usize>(facts: [(&str, String); N]) -> BTreeMap<String, String> {
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Fit for a code span of Markdown.
fn code(text: &str) -> String {
    text.replace('`', "'").replace(['\n', '\r'], " ")
}
