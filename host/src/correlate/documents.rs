//! The whole evidence as one JSON document, for policies that want documents. Written once per job and shared. Names
//! are the contract's, in snake case, because `input.findings[_].finding.known_exploited` is what Rego reads easily.

use super::finding_at;
use crate::model::evidence::{Age, AssessedFinding, Context, Evidence, Hidden, ItemRef, SourcedReport};
use crate::model::report::{
    Attestation, Completeness, Component, Coverage, Dependency, Diagnostic, Finding, Provenance, VexStatement,
};
use crate::model::{Digest, UnreadableArtifact};
use serde::{Serialize, Serializer};

/// One document with all that `commit-evidence` says.
pub fn evidence_document(evidence: &Evidence) -> Vec<u8> {
    let document = EvidenceDocument {
        context: &evidence.context,
        reports: Reports(&evidence.reports),
        unreadable: &evidence.unreadable,
        findings: Findings(evidence),
        groups: evidence.groups,
        live_groups: evidence.live_groups,
        baseline: evidence.baseline.as_deref().map(Reports),
        changed_paths: evidence.changed_paths.as_deref(),
    };
    serde_json::to_vec(&document).expect("plain data with text keys always serializes")
}

#[derive(Serialize)]
struct EvidenceDocument<'a> {
    context: &'a Context,
    reports: Reports<'a>,
    unreadable: &'a [UnreadableArtifact],
    findings: Findings<'a>,
    groups: u32,
    live_groups: u32,
    baseline: Option<Reports<'a>>,
    changed_paths: Option<&'a [String]>,
}

struct Reports<'a>(&'a [SourcedReport]);
impl Serialize for Reports<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ReportDocument::of))
    }
}

struct Findings<'a>(&'a Evidence);
impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.findings.iter().map(|assessed| FindingDocument::of(self.0, assessed)))
    }
}

#[derive(Serialize)]
struct FindingDocument<'a> {
    at: ItemRef,
    group: u32,
    age: Age,
    hidden: Option<&'a Hidden>,
    finding: &'a Finding,
}

impl<'a> FindingDocument<'a> {
    fn of(evidence: &'a Evidence, assessed: &'a AssessedFinding) -> Self {
        Self {
            at: assessed.at,
            group: assessed.group,
            age: assessed.age,
            hidden: assessed.hidden.as_ref(),
            finding: finding_at(&evidence.reports, assessed),
        }
    }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct SourceDocument<'a> {
    provenance: Option<Provenance>,
    path: &'a str,
    sha256: Digest,
    run_id: Option<u64>,
    run_attempt: Option<u32>,
    workflow_path: Option<&'a str>,
    event: Option<&'a str>,
    actor: Option<&'a str>,
    head_sha: Option<&'a str>,
    created_at: Option<u64>,
}

impl<'a> SourceDocument<'a> {
    fn of(sourced: &'a SourcedReport) -> Self {
        let run = sourced.source.run.as_ref();
        Self {
            provenance: sourced.source.provenance,
            path: &sourced.source.path,
            sha256: sourced.digest,
            run_id: run.map(|run| run.id.0),
            run_attempt: run.map(|run| run.attempt),
            workflow_path: run.map(|run| run.workflow_path.as_str()),
            event: run.map(|run| run.event.as_str()),
            actor: run.and_then(|run| run.actor.as_deref()),
            head_sha: run.map(|run| run.head_sha.as_str()),
            created_at: run.map(|run| run.created_at),
        }
    }
}

#[derive(Serialize)]
struct ReportDocument<'a> {
    format: Named<'a>,
    tool: Option<Named<'a>>,
    source: SourceDocument<'a>,
    covers: &'a [Coverage],
    completeness: Completeness,
    properties: &'a [(String, String)],
    /// The findings themselves stand in `findings`, correlated.
    finding_count: usize,
    components: &'a [Component],
    dependencies: &'a [Dependency],
    vex: &'a [VexStatement],
    attestations: &'a [Attestation],
    diagnostics: &'a [Diagnostic],
}

impl<'a> ReportDocument<'a> {
    fn of(sourced: &'a SourcedReport) -> Self {
        let report = &*sourced.report;
        let tool = report.tool.as_ref();
        Self {
            format: Named { name: &report.format.name, version: report.format.version.as_deref() },
            tool: tool.map(|(name, version)| Named { name, version: version.as_deref() }),
            source: SourceDocument::of(sourced),
            covers: &report.covers,
            completeness: report.completeness,
            properties: &report.properties,
            finding_count: report.findings.len(),
            components: &report.components,
            dependencies: &report.dependencies,
            vex: &report.vex,
            attestations: &report.attestations,
            diagnostics: &report.diagnostics,
        }
    }
}
