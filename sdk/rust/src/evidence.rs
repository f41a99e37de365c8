//! The evidence of one commit, as an evaluator sees it.

use crate::bindings::contract::{evidence as contract, reports};
use crate::document::Document;
use crate::paging::Paged;
use crate::testing::{EvidenceBuilder, InMemoryReport};
use crate::types::{
    AssessedFinding, CheckedAttestation, Completeness, Component, ComponentParts, Context, Coverage, Dependency,
    Diagnostic, Finding, FindingParts, Format, ItemRef, Source, Unreadable, VexStatement,
};

/// Everything that is known about the commit: the reports, and the findings of all reports seen together.
///
/// Parts of findings and components that cost much to copy come only when they are named: plain `findings()` has no
/// descriptions, locations, ratings, references, fingerprints and properties.
pub struct Evidence<'a> {
    source: EvidenceSource<'a>,
}

enum EvidenceSource<'a> {
    Host(&'a contract::CommitEvidence),
    Memory(Box<EvidenceBuilder>),
}

impl<'a> Evidence<'a> {
    pub(crate) fn of_host(evidence: &'a contract::CommitEvidence) -> Evidence<'a> {
        Evidence { source: EvidenceSource::Host(evidence) }
    }

    pub(crate) fn in_memory(evidence: EvidenceBuilder) -> Evidence<'static> {
        Evidence { source: EvidenceSource::Memory(Box::new(evidence)) }
    }

    /// The commit, its pull requests, and the time of the job.
    pub fn context(&self) -> Context {
        match &self.source {
            EvidenceSource::Host(evidence) => evidence.context(),
            EvidenceSource::Memory(evidence) => evidence.context.clone(),
        }
    }

    /// The normalized artifacts, in the order that [`ItemRef::report`] counts.
    pub fn reports(&self) -> impl Iterator<Item = ReportView> + use<> {
        number(match &self.source {
            EvidenceSource::Host(evidence) => evidence.reports().into_iter().map(ReportSource::Host).collect(),
            EvidenceSource::Memory(evidence) => evidence.reports.iter().map(in_memory_report).collect(),
        })
    }

    /// The reports that cover a kind.
    pub fn reports_covering(&self, kind: Coverage) -> impl Iterator<Item = ReportView> + use<> {
        self.reports().filter(move |report| report.covers().contains(&kind))
    }

    /// Artifacts that claim to be evidence and could not be read. The host lets no verdict but `fail` stand beside one
    /// of a kind that the policy reads.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        match &self.source {
            EvidenceSource::Host(evidence) => evidence.unreadable(),
            EvidenceSource::Memory(evidence) => evidence.unreadable.clone(),
        }
    }

    /// Number of groups among all findings, and how many have a member that is not hidden. A group is the same problem
    /// under several names or from several tools.
    pub fn group_count(&self) -> (u32, u32) {
        match &self.source {
            EvidenceSource::Host(evidence) => evidence.group_count(),
            EvidenceSource::Memory(evidence) => evidence.group_count(),
        }
    }

    /// The findings that count: neither a tool nor a VEX statement nor a waiver hides them. Members of a group stand
    /// side by side, the worst first.
    pub fn findings(&self) -> impl Iterator<Item = AssessedFinding> + '_ {
        self.findings_with(FindingParts::empty())
    }

    /// The findings that count, with the named parts.
    pub fn findings_with(&self, parts: FindingParts) -> impl Iterator<Item = AssessedFinding> + '_ {
        self.all_findings_with(parts).filter(AssessedFinding::is_live)
    }

    /// All findings, hidden ones too.
    pub fn all_findings(&self) -> impl Iterator<Item = AssessedFinding> + '_ {
        self.all_findings_with(FindingParts::empty())
    }

    /// All findings, with the named parts.
    pub fn all_findings_with(&self, parts: FindingParts) -> impl Iterator<Item = AssessedFinding> + '_ {
        match &self.source {
            EvidenceSource::Host(evidence) => {
                Paged::new(evidence.finding_count(), move |offset, limit| evidence.findings(offset, limit, parts))
            }
            EvidenceSource::Memory(evidence) => {
                let findings = evidence.assessed(parts);
                Paged::new(findings.len() as u32, move |offset, limit| page(&findings, offset, limit))
            }
        }
    }

    /// The newest reports of the base branch, if there are any.
    pub fn baseline(&self) -> Option<Vec<ReportView>> {
        let sources: Vec<ReportSource> = match &self.source {
            EvidenceSource::Host(evidence) => evidence.baseline()?.into_iter().map(ReportSource::Host).collect(),
            EvidenceSource::Memory(evidence) => evidence.baseline.as_ref()?.iter().map(in_memory_report).collect(),
        };
        Some(number(sources).collect())
    }

    /// Paths that the pull request changes; `None` if unknown.
    pub fn changed_paths(&self) -> Option<Vec<String>> {
        match &self.source {
            EvidenceSource::Host(evidence) => evidence.changed_paths(),
            EvidenceSource::Memory(evidence) => evidence.changed_paths.clone(),
        }
    }

    /// The evidence as JSON: shape `evidence` (one document with everything) or `compliance` (`vulnerability/<index>` and
    /// `sbom/<index>`). Unknown shapes give nothing. Natively: what the test put there.
    pub fn documents(&self, shape: &str) -> Vec<Document> {
        match &self.source {
            EvidenceSource::Host(evidence) => evidence.documents(shape).into_iter().map(Document::of_host).collect(),
            EvidenceSource::Memory(evidence) => evidence.documents(shape),
        }
    }
}

/// The tool that produced an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// In lower case.
    pub name: String,
    /// As the producer wrote it.
    pub version: Option<String>,
}

/// One normalized artifact.
pub struct ReportView {
    source: ReportSource,
    index: u32,
}

enum ReportSource {
    Host(reports::Report),
    Memory(Box<InMemoryReport>),
}

impl ReportView {
    /// Its number among `reports()`, or among `baseline()`.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// A reference to the finding or component with this number, for [`Violation::evidence`](crate::Violation).
    pub fn at(&self, item: usize) -> ItemRef {
        ItemRef { report: self.index, index: u32::try_from(item).unwrap_or(u32::MAX) }
    }

    /// What `recognize` answered, such as `spdx-json` and `2.3`.
    pub fn format(&self) -> Format {
        match &self.source {
            ReportSource::Host(report) => {
                let (name, version) = report.format();
                Format { name, version }
            }
            ReportSource::Memory(report) => report.format.clone(),
        }
    }

    /// The tool, where the producer named it.
    pub fn tool(&self) -> Option<Tool> {
        let tool = match &self.source {
            ReportSource::Host(report) => report.tool(),
            ReportSource::Memory(report) => report.content.tool.clone(),
        };
        tool.map(|(name, version)| Tool { name, version })
    }

    /// Where the artifact comes from, as the host knows it.
    pub fn source(&self) -> Source {
        match &self.source {
            ReportSource::Host(report) => report.source(),
            ReportSource::Memory(report) => report.source.clone(),
        }
    }

    /// What it speaks about.
    pub fn covers(&self) -> Vec<Coverage> {
        match &self.source {
            ReportSource::Host(report) => report.covers(),
            ReportSource::Memory(report) => report.content.covers.clone(),
        }
    }

    /// Whether something is left out.
    pub fn completeness(&self) -> Completeness {
        match &self.source {
            ReportSource::Host(report) => report.completeness(),
            ReportSource::Memory(report) => report.content.completeness,
        }
    }

    /// Facts about the whole report; a name may repeat.
    pub fn properties(&self) -> Vec<(String, String)> {
        match &self.source {
            ReportSource::Host(report) => report.properties(),
            ReportSource::Memory(report) => report.content.properties.clone(),
        }
    }

    /// The first property of this name.
    pub fn property(&self, name: &str) -> Option<String> {
        self.properties().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// How many findings there are.
    pub fn finding_count(&self) -> u32 {
        match &self.source {
            ReportSource::Host(report) => report.finding_count(),
            ReportSource::Memory(report) => report.content.findings.len() as u32,
        }
    }

    /// The findings as the normalizer wrote them, hidden ones too; mostly [`Evidence::findings`] is what a policy wants.
    pub fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.findings_with(FindingParts::empty())
    }

    /// The findings, with the named parts.
    pub fn findings_with(&self, parts: FindingParts) -> impl Iterator<Item = Finding> + '_ {
        Paged::new(self.finding_count(), move |offset, limit| match &self.source {
            ReportSource::Host(report) => report.findings(offset, limit, parts),
            ReportSource::Memory(report) => page(&report.content.findings, offset, limit)
                .into_iter()
                .map(|finding| crate::testing::only_finding_parts(finding, parts))
                .collect(),
        })
    }

    /// How many components there are.
    pub fn component_count(&self) -> u32 {
        match &self.source {
            ReportSource::Host(report) => report.component_count(),
            ReportSource::Memory(report) => report.content.components.len() as u32,
        }
    }

    /// The components, without licences, locations, hashes, CPEs and properties.
    pub fn components(&self) -> impl Iterator<Item = Component> + '_ {
        self.components_with(ComponentParts::empty())
    }

    /// The components, with the named parts.
    pub fn components_with(&self, parts: ComponentParts) -> impl Iterator<Item = Component> + '_ {
        Paged::new(self.component_count(), move |offset, limit| match &self.source {
            ReportSource::Host(report) => report.components(offset, limit, parts),
            ReportSource::Memory(report) => page(&report.content.components, offset, limit)
                .into_iter()
                .map(|component| crate::testing::only_component_parts(component, parts))
                .collect(),
        })
    }

    /// Which component depends on which, by their ids.
    pub fn dependencies(&self) -> impl Iterator<Item = Dependency> + '_ {
        match &self.source {
            ReportSource::Host(report) => {
                Paged::new(report.dependency_count(), |offset, limit| report.dependencies(offset, limit))
            }
            ReportSource::Memory(report) => in_memory(&report.content.dependencies),
        }
    }

    /// VEX statements. The host has applied them to the findings already.
    pub fn vex(&self) -> impl Iterator<Item = VexStatement> + '_ {
        match &self.source {
            ReportSource::Host(report) => Paged::new(report.vex_count(), |offset, limit| report.vex(offset, limit)),
            ReportSource::Memory(report) => in_memory(&report.content.vex),
        }
    }

    /// Attestations, with what the host found out about their signatures (natively: unsigned).
    pub fn attestations(&self) -> impl Iterator<Item = CheckedAttestation> + '_ {
        match &self.source {
            ReportSource::Host(report) => {
                Paged::new(report.attestation_count(), |offset, limit| report.attestations(offset, limit))
            }
            ReportSource::Memory(report) => {
                let checked = report.content.checked_attestations();
                Paged::new(checked.len() as u32, move |offset, limit| page(&checked, offset, limit))
            }
        }
    }

    /// What the normalizer wrote whole.
    pub fn documents(&self) -> Vec<Document> {
        match &self.source {
            ReportSource::Host(report) => report.documents().into_iter().map(Document::of_host).collect(),
            ReportSource::Memory(report) => report.content.documents(),
        }
    }

    /// What was odd in the artifact.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match &self.source {
            ReportSource::Host(report) => report.diagnostics(),
            ReportSource::Memory(report) => report.content.diagnostics.clone(),
        }
    }
}

fn in_memory_report(report: &InMemoryReport) -> ReportSource {
    ReportSource::Memory(Box::new(report.clone()))
}

fn number(sources: Vec<ReportSource>) -> impl Iterator<Item = ReportView> {
    sources.into_iter().zip(0..).map(|(source, index)| ReportView { source, index })
}

fn in_memory<T: Clone>(items: &[T]) -> Paged<'_, T> {
    Paged::new(items.len() as u32, move |offset, limit| page(items, offset, limit))
}

fn page<T: Clone>(items: &[T], offset: u32, limit: u32) -> Vec<T> {
    items.iter().skip(offset as usize).take(limit as usize).cloned().collect()
}
