//! What the Record keeps of the evidence: one line for each report, and the hidden findings for people to see.

use super::finding_at;
use crate::model::evidence::{Evidence, HiddenBy};
use crate::model::record::{HiddenRecord, InputRecord};
use crate::model::report::{Completeness, Coverage, Detail, Diagnostic, DiagnosticLevel, Finding};

/// More than this nobody reads in a check's text; the count in the Record is whole.
const HIDDEN_KEPT: usize = 500;
/// The first ones tell what is wrong; the report has all of them.
const DIAGNOSTICS_KEPT: usize = 20;

/// One for each report, in the order of `Evidence::reports`, so that a violation's references hold here too.
pub fn inputs(evidence: &Evidence) -> Vec<InputRecord> {
    let input = |sourced: &crate::model::evidence::SourcedReport| InputRecord {
        path: sourced.source.path.clone(),
        digest: sourced.digest,
        normalizer: sourced.normalizer.clone(),
        format: named(&sourced.report.format.name, sourced.report.format.version.as_deref()),
        covers: sourced.report.covers.clone(),
        partial: sourced.report.completeness == Completeness::Partial,
        findings: sourced.report.findings.len() as u32,
        components: sourced.report.components.len() as u32,
        cut: sourced.report.completeness == Completeness::Cut,
        tool: sourced.report.tool.as_ref().map(|(name, version)| named(name, version.as_deref())),
        provenance: sourced.source.provenance,
        run: sourced.source.run.clone(),
        diagnostics: sourced.report.diagnostics.iter().take(DIAGNOSTICS_KEPT).map(diagnostic).collect(),
    };
    evidence.reports.iter().map(input).collect()
}

/// One sentence for each report of which something was odd though readable: what was repaired or left out is said.
pub fn oddities(evidence: &Evidence) -> Vec<String> {
    let odd = evidence.reports.iter().filter_map(|sourced| {
        let warnings = || sourced.report.diagnostics.iter().filter(|odd| odd.level == DiagnosticLevel::Warning);
        let first = diagnostic(warnings().next()?);
        let count = warnings().count() + sourced.report.diagnostics_dropped as usize;
        let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        Some(format!("{}: {first}{more}", sourced.source.path))
    });
    odd.collect()
}

/// One sentence for each report that an earlier attempt of its run left: it is evidence about this very commit, but the
/// attempt that counts did not make it again.
pub fn stale_attempts(evidence: &Evidence) -> Vec<String> {
    let stale = evidence.reports.iter().filter_map(|sourced| {
        let run = sourced.source.run.as_ref().filter(|run| run.stale_attempt)?;
        Some(format!(
            "{} was uploaded before attempt {} of {} began and is what an earlier attempt left; re-run all jobs to \
             make it anew",
            sourced.source.path, run.attempt, run.workflow_path
        ))
    });
    stale.collect()
}

fn diagnostic(diagnostic: &Diagnostic) -> String {
    match &diagnostic.pointer {
        Some(pointer) => format!("{} ({pointer})", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

/// How many findings are hidden by tool, VEX and waiver.
pub fn hidden_counts(evidence: &Evidence) -> [u32; 3] {
    let mut counts = [0; 3];
    for hidden in evidence.findings.iter().filter_map(|assessed| assessed.hidden.as_ref()) {
        counts[match hidden.by {
            HiddenBy::Tool => 0,
            HiddenBy::Vex => 1,
            HiddenBy::Waiver => 2,
        }] += 1;
    }
    counts
}

/// The hidden findings in the order of the evidence, the most severe first.
pub fn hidden_findings(evidence: &Evidence) -> Vec<HiddenRecord> {
    let hidden = evidence.findings.iter().filter_map(|assessed| {
        let finding = finding_at(&evidence.reports, assessed);
        let sourced = &evidence.reports[assessed.at.report as usize];
        Some(HiddenRecord {
            id: finding.id.clone(),
            package: package_name(finding),
            severity: finding.severity,
            path: sourced.source.path.clone(),
            hidden: assessed.hidden.clone()?,
            kind: Some(kind(finding)),
        })
    });
    hidden.take(HIDDEN_KEPT).collect()
}

pub(super) fn kind(finding: &Finding) -> Coverage {
    match finding.detail {
        Detail::Vulnerability(_) => Coverage::Vulnerabilities,
        Detail::License(_) => Coverage::Licenses,
        Detail::Secret(_) => Coverage::Secrets,
        Detail::Misconfiguration(_) => Coverage::Misconfigurations,
        Detail::Code(_) => Coverage::Code,
        Detail::Score(_) => Coverage::Scores,
        Detail::Change(_) => Coverage::Changes,
        Detail::Other => Coverage::Other,
    }
}

pub(super) fn package_name(finding: &Finding) -> Option<String> {
    let package = finding.package.as_ref()?;
    Some(package.purl.clone().unwrap_or_else(|| match &package.version {
        Some(version) => format!("{}@{version}", package.name),
        None => package.name.clone(),
    }))
}

fn named(name: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    }
}
