//! Evidence for a case: as many reports, components and findings as its document speaks of, all of them empty. A case
//! brings the document itself; but what a verdict refers to must be there.

use crate::model::Digest;
use crate::model::artifact::Source;
use crate::model::evidence::{Context, Evidence, SourcedReport};
use crate::model::report::{
    Completeness, Component, ComponentRelation, ComponentScope, Detail, Finding, Format, Report,
};
use serde_json::Value;
use std::sync::Arc;

/// More than any case speaks of, and little enough to be made for each.
const MOST_ITEMS: u64 = 100_000;

/// The document's `reports`, by their counts; no reports for any other document.
pub fn stand_in(document: &Value) -> Evidence {
    let reports = document.get("reports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Evidence {
        context: Context::default(),
        reports: reports.iter().map(report).collect(),
        unreadable: Vec::new(),
        findings: Vec::new(),
        groups: 0,
        live_groups: 0,
        baseline: None,
        changed_paths: None,
        notices: Vec::new(),
    }
}

fn report(document: &Value) -> SourcedReport {
    let count = |member: &str| {
        let count = document.get(member).and_then(Value::as_u64).unwrap_or_default();
        usize::try_from(count.min(MOST_ITEMS)).unwrap_or_default()
    };
    let report = Report {
        format: Format { name: "case".to_owned(), version: None },
        tool: None,
        covers: Vec::new(),
        completeness: Completeness::Unknown,
        properties: Vec::new(),
        findings: vec![finding(); count("finding_count")],
        components: vec![component(); count("component_count")],
        dependencies: Vec::new(),
        vex: Vec::new(),
        attestations: Vec::new(),
        documents: Vec::new(),
        diagnostics: Vec::new(),
        diagnostics_dropped: 0,
    };
    let (source, digest) = (Source::default(), Digest::of(b"case"));
    SourcedReport { report: Arc::new(report), source, digest, normalizer: "case".to_owned() }
}

fn finding() -> Finding {
    Finding {
        id: String::new(),
        severity: None,
        severity_raw: None,
        severity_source: None,
        title: String::new(),
        description: None,
        package: None,
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

fn component() -> Component {
    Component {
        id: String::new(),
        name: String::new(),
        version: None,
        purl: None,
        component_type: None,
        supplier: None,
        licenses: Vec::new(),
        scope: ComponentScope::Unknown,
        relation: ComponentRelation::Unknown,
        locations: Vec::new(),
        hashes: Vec::new(),
        cpes: Vec::new(),
        published: None,
        deprecated: None,
        origin: None,
        properties: Vec::new(),
    }
}
