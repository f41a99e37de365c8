//! Everything that `commit-evidence` says, as one document. Names are the contract's in snake case, and what is absent is
//! left out, because `not finding.severity` is what Rego reads easily.

use crate::model::artifact::RunSource;
use crate::model::evidence::{Age, AssessedFinding, Context, Evidence, Hidden, ItemRef, SourcedReport};
use crate::model::report::{
    Attestation, Completeness, Component, Coverage, Dependency, Diagnostic, Finding, Provenance, SignatureState,
    VexStatement,
};
use crate::model::{Digest, UnreadableArtifact};
use serde::{Serialize, Serializer};

/// One document with all that `commit-evidence` says.
pub fn document(evidence: &Evidence) -> impl Serialize {
    Document {
        context: &evidence.context,
        reports: Each(&evidence.reports, report),
        findings: Findings { evidence, wanted: |assessed| assessed.hidden.is_none() },
        hidden_findings: Findings { evidence, wanted: |assessed| assessed.hidden.is_some() },
        components: Components(&evidence.reports),
        unreadable: Each(&evidence.unreadable, unreadable),
        groups: evidence.groups,
        live_groups: evidence.live_groups,
        baseline: evidence.baseline.as_deref().map(|reports| Each(reports, whole)),
        changed_paths: evidence.changed_paths.as_deref(),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    context: &'a Context,
    reports: Each<'a, SourcedReport, Report<'a>>,
    /// Those that count.
    findings: Findings<'a>,
    hidden_findings: Findings<'a>,
    components: Components<'a>,
    unreadable: Each<'a, UnreadableArtifact, Unreadable<'a>>,
    groups: u32,
    live_groups: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Each<'a, SourcedReport, Whole<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_paths: Option<&'a [String]>,
}

/// A list, each item of it shown in its own way while it is written.
struct Each<'a, T, U>(&'a [T], fn(&'a T) -> U);

impl<T, U: Serialize> Serialize for Each<'_, T, U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

struct Findings<'a> {
    evidence: &'a Evidence,
    wanted: fn(&AssessedFinding) -> bool,
}

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wanted = self.evidence.findings.iter().filter(|assessed| (self.wanted)(assessed));
        serializer.collect_seq(wanted.map(|assessed| Assessed {
            at: assessed.at,
            group: assessed.group,
            age: assessed.age,
            hidden: assessed.hidden.as_ref(),
            finding: super::finding_at(self.evidence, assessed),
        }))
    }
}

#[derive(Serialize)]
struct Assessed<'a> {
    at: ItemRef,
    group: u32,
    age: Age,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<&'a Hidden>,
    finding: &'a Finding,
}

struct Components<'a>(&'a [SourcedReport]);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reports = self.0.iter().zip(0..);
        serializer.collect_seq(reports.flat_map(|(sourced, report)| {
            let at = move |index| ItemRef { report, index };
            sourced.report.components.iter().zip(0..).map(move |(component, index)| Listed { at: at(index), component })
        }))
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    at: ItemRef,
    component: &'a Component,
}

#[derive(Serialize)]
struct Unreadable<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    covers: &'a [Coverage],
    reason: &'a str,
}

fn unreadable(artifact: &UnreadableArtifact) -> Unreadable<'_> {
    Unreadable {
        path: &artifact.path,
        sha256: artifact.digest,
        format: artifact.format.as_deref(),
        covers: &artifact.covers,
        reason: &artifact.reason,
    }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
    path: &'a str,
    sha256: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_sha: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_repository_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_fork: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggering_actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_attempt: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attested_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<u64>,
}

fn source(sourced: &SourcedReport) -> Source<'_> {
    let run = sourced.source.run.as_ref();
    Source {
        provenance: sourced.source.provenance,
        path: &sourced.source.path,
        sha256: sourced.digest,
        run_id: run.map(|run| run.id.0),
        run_attempt: run.map(|run| run.attempt),
        workflow_id: run.and_then(|run| run.workflow_id),
        workflow_path: run.map(|run| run.workflow_path.as_str()),
        workflow_sha: run.and_then(|run| run.workflow_sha.as_deref()),
        repository_id: run.and_then(|run| run.repository_id),
        head_repository_id: run.and_then(|run| run.head_repository_id),
        is_fork: run.map(RunSource::is_fork),
        event: run.map(|run| run.event.as_str()),
        actor: run.and_then(|run| run.actor.as_deref()),
        triggering_actor: run.and_then(|run| run.triggering_actor.as_deref()),
        artifact_id: run.and_then(|run| run.artifact_id),
        artifact_digest: run.and_then(|run| run.artifact_digest),
        stale_attempt: run.filter(|run| run.stale_attempt).map(|_| true),
        attested_by: run.and_then(RunSource::signer),
        head_sha: run.map(|run| run.head_sha.as_str()),
        created_at: run.map(|run| run.created_at),
    }
}

/// Nobody checks signatures yet, so none is claimed.
#[derive(Serialize)]
struct Checked<'a> {
    attestation: &'a Attestation,
    signature: SignatureState,
}

fn checked(attestation: &Attestation) -> Checked<'_> {
    Checked { attestation, signature: SignatureState::Unsigned }
}

#[derive(Serialize)]
struct Report<'a> {
    format: Named<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<Named<'a>>,
    source: Source<'a>,
    covers: &'a [Coverage],
    completeness: Completeness,
    properties: &'a [(String, String)],
    /// The findings and components themselves stand beside the reports, correlated.
    finding_count: usize,
    component_count: usize,
    dependencies: &'a [Dependency],
    vex: &'a [VexStatement],
    attestations: Each<'a, Attestation, Checked<'a>>,
    diagnostics: &'a [Diagnostic],
}

fn report(sourced: &SourcedReport) -> Report<'_> {
    let report = &*sourced.report;
    let tool = report.tool.as_ref();
    Report {
        format: Named { name: &report.format.name, version: report.format.version.as_deref() },
        tool: tool.map(|(name, version)| Named { name, version: version.as_deref() }),
        source: source(sourced),
        covers: &report.covers,
        completeness: report.completeness,
        properties: &report.properties,
        finding_count: report.findings.len(),
        component_count: report.components.len(),
        dependencies: &report.dependencies,
        vex: &report.vex,
        attestations: Each(&report.attestations, checked),
        diagnostics: &report.diagnostics,
    }
}

/// A report of the baseline, with what nobody correlates.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    report: Report<'a>,
    findings: &'a [Finding],
    components: &'a [Component],
}

fn whole(sourced: &SourcedReport) -> Whole<'_> {
    Whole { report: report(sourced), findings: &sourced.report.findings, components: &sourced.report.components }
}
