//! What is kept of a baseline: what findings and components are known by, and what people are told of those that are
//! gone. A report of 20,000 findings is 30 MB; of one that is kept only for comparison nobody needs the descriptions.

use super::identity::{is_stable, is_told_by_message, message};
use crate::model::evidence::SourcedReport;
use crate::model::report::{Change, Component, Detail, Finding, Fix, Location, PackageRef, Report, Vulnerability};
use std::sync::Arc;

/// A report without what no comparison needs. Kept are, of findings: id, aliases, severity, package, the first place
/// without lines, known fixes, stable fingerprints and titles; of components: name, version, purl, scope and licences.
pub fn reduced(sourced: &SourcedReport) -> SourcedReport {
    let report = &*sourced.report;
    let report = Report {
        format: report.format.clone(),
        tool: report.tool.clone(),
        covers: report.covers.clone(),
        completeness: report.completeness,
        properties: report.properties.clone(),
        findings: report.findings.iter().map(finding).collect(),
        components: report.components.iter().map(component).collect(),
        dependencies: Vec::new(),
        vex: Vec::new(),
        attestations: Vec::new(),
        documents: Vec::new(),
        diagnostics: Vec::new(),
        diagnostics_dropped: 0,
    };
    SourcedReport { report: Arc::new(report), ..sourced.clone() }
}

fn finding(finding: &Finding) -> Finding {
    Finding {
        id: finding.id.clone(),
        severity: finding.severity,
        severity_raw: None,
        severity_source: None,
        title: finding.title.clone(),
        description: is_told_by_message(finding).then(|| message(finding)),
        package: finding.package.as_ref().map(package),
        locations: finding.locations.iter().take(1).map(place).collect(),
        detail: detail(&finding.detail),
        how_to_fix: None,
        references: Vec::new(),
        fingerprints: finding.fingerprints.iter().filter(|(name, _)| is_stable(name)).cloned().collect(),
        tool_status: finding.tool_status.clone(),
        origin: None,
        properties: Vec::new(),
    }
}

fn package(package: &PackageRef) -> PackageRef {
    PackageRef { component: None, introduced_by: Vec::new(), ..package.clone() }
}

fn place(location: &Location) -> Location {
    Location { path: location.path.clone(), ..Location::default() }
}

fn detail(detail: &Detail) -> Detail {
    match detail {
        Detail::Vulnerability(vulnerability) => Detail::Vulnerability(Vulnerability {
            aliases: vulnerability.aliases.clone(),
            ratings: Vec::new(),
            epss: vulnerability.epss,
            known_exploited: vulnerability.known_exploited,
            cwes: Vec::new(),
            fix: Fix { breaking: None, ..vulnerability.fix.clone() },
            published: vulnerability.published.clone(),
            modified: None,
        }),
        Detail::Change(change) => Detail::Change(Change { before: None, after: None, ..change.clone() }),
        other => other.clone(),
    }
}

fn component(component: &Component) -> Component {
    Component {
        id: component.id.clone(),
        name: component.name.clone(),
        version: component.version.clone(),
        purl: component.purl.clone(),
        component_type: component.component_type.clone(),
        supplier: None,
        licenses: component.licenses.clone(),
        scope: component.scope,
        relation: component.relation,
        locations: Vec::new(),
        hashes: Vec::new(),
        cpes: Vec::new(),
        published: None,
        deprecated: component.deprecated,
        origin: None,
        properties: Vec::new(),
    }
}
