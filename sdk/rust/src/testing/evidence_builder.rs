//! Evidence for tests of evaluators.

use std::collections::BTreeMap;

use crate::document::Document;
use crate::testing::{CollectedReport, only_finding_parts, sha256_hex};
use crate::types::{
    Age, AssessedFinding, Context, Coverage, Finding, FindingParts, Format, Hidden, HiddenBy, ItemRef, Source,
    Unreadable,
};

/// Evidence of a commit, put together by a test. Findings are grouped by identifier and package name (the host also
/// follows aliases), sorted as the host sorts them, and live unless a test hides them or the tool suppressed them.
#[derive(Clone, Debug)]
pub struct EvidenceBuilder {
    pub(crate) context: Context,
    pub(crate) reports: Vec<InMemoryReport>,
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) baseline: Option<Vec<InMemoryReport>>,
    pub(crate) changed_paths: Option<Vec<String>>,
    hidden: Vec<(String, Hidden)>,
    ages: BTreeMap<String, Age>,
    documents: Vec<(String, String, Vec<u8>)>,
}

/// A report with what the host adds to it.
#[derive(Clone, Debug)]
pub(crate) struct InMemoryReport {
    pub format: Format,
    pub source: Source,
    pub content: CollectedReport,
}

impl Default for EvidenceBuilder {
    fn default() -> EvidenceBuilder {
        EvidenceBuilder {
            context: Context {
                owner: "octo".to_owned(),
                repository: "demo".to_owned(),
                repository_id: None,
                head_sha: "1".repeat(40),
                base_sha: None,
                base_branch: None,
                pull_requests: Vec::new(),
                event: None,
                now: 1_767_225_600, // 2026-01-01T00:00:00Z
                properties: Vec::new(),
            },
            reports: Vec::new(),
            unreadable: Vec::new(),
            baseline: None,
            changed_paths: None,
            hidden: Vec::new(),
            ages: BTreeMap::new(),
            documents: Vec::new(),
        }
    }
}

impl EvidenceBuilder {
    /// No evidence at all, about a made-up commit on the first second of 2026.
    pub fn new() -> EvidenceBuilder {
        EvidenceBuilder::default()
    }

    /// Adds a report that came from a format of this name.
    #[must_use]
    pub fn report(self, format: &str, content: CollectedReport) -> EvidenceBuilder {
        let path = format!("evidence/{format}-{}.json", self.reports.len());
        self.sourced_report(Format::new(format), source(path), content)
    }

    /// Adds a report of which the test cares where it comes from.
    #[must_use]
    pub fn sourced_report(mut self, format: Format, source: Source, content: CollectedReport) -> EvidenceBuilder {
        self.reports.push(InMemoryReport { format, source, content });
        self
    }

    /// Adds a report of the base branch.
    #[must_use]
    pub fn baseline_report(mut self, format: &str, content: CollectedReport) -> EvidenceBuilder {
        let source = source(format!("baseline/{format}.json"));
        let report = InMemoryReport { format: Format::new(format), source, content };
        self.baseline.get_or_insert_default().push(report);
        self
    }

    /// Adds an artifact that could not be read.
    #[must_use]
    pub fn unreadable(
        mut self,
        path: &str,
        covers: impl IntoIterator<Item = Coverage>,
        reason: &str,
    ) -> EvidenceBuilder {
        self.unreadable.push(Unreadable {
            path: path.to_owned(),
            sha256: None,
            format: None,
            covers: covers.into_iter().collect(),
            reason: reason.to_owned(),
        });
        self
    }

    /// Hides every finding of this identifier.
    #[must_use]
    pub fn hide(mut self, finding_id: &str, by: HiddenBy, why: &str) -> EvidenceBuilder {
        let hidden = Hidden { by, who: None, why: why.to_owned(), until: None };
        self.hidden.push((finding_id.to_owned(), hidden));
        self
    }

    /// Sets the age of every finding of this identifier; it is unknown otherwise.
    #[must_use]
    pub fn age(mut self, finding_id: &str, age: Age) -> EvidenceBuilder {
        self.ages.insert(finding_id.to_owned(), age);
        self
    }

    /// Changes the context.
    #[must_use]
    pub fn context(mut self, change: impl FnOnce(&mut Context)) -> EvidenceBuilder {
        change(&mut self.context);
        self
    }

    /// Sets the paths that the pull request changes.
    #[must_use]
    pub fn changed_paths(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> EvidenceBuilder {
        self.changed_paths = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a JSON document of a shape, such as `compliance` with the name `sbom/0`.
    #[must_use]
    pub fn document(mut self, shape: &str, name: &str, json: impl Into<Vec<u8>>) -> EvidenceBuilder {
        self.documents.push((shape.to_owned(), name.to_owned(), json.into()));
        self
    }

    pub(crate) fn documents(&self, shape: &str) -> Vec<Document> {
        let of_shape = self.documents.iter().filter(|(known, ..)| known == shape);
        of_shape.map(|(_, name, json)| Document::in_memory(name, "application/json", json.clone())).collect()
    }

    pub(crate) fn group_count(&self) -> (u32, u32) {
        let mut live_by_group = BTreeMap::new();
        for finding in self.assessed(FindingParts::empty()) {
            *live_by_group.entry(finding.group).or_insert(false) |= finding.is_live();
        }
        (live_by_group.len() as u32, live_by_group.values().filter(|live| **live).count() as u32)
    }

    /// All findings in the host's order: groups by their worst member, then by name; members by report and index.
    pub(crate) fn assessed(&self, parts: FindingParts) -> Vec<AssessedFinding> {
        let mut members_by_group: BTreeMap<(String, String), Vec<(ItemRef, &Finding)>> = BTreeMap::new();
        for (report, index) in self.reports.iter().zip(0..) {
            for (finding, item) in report.content.findings.iter().zip(0..) {
                let package = finding.package.as_ref().map(|package| package.name.clone()).unwrap_or_default();
                let at = ItemRef { report: index, index: item };
                members_by_group.entry((finding.id.clone(), package)).or_default().push((at, finding));
            }
        }
        let mut groups: Vec<_> = members_by_group.into_values().collect();
        groups.sort_by_key(|members| std::cmp::Reverse(members.iter().filter_map(|(_, f)| f.severity).max()));
        let assess = |(members, group): (Vec<(ItemRef, &Finding)>, u32)| {
            members.into_iter().map(move |(at, finding)| self.assess(at, finding, group, parts)).collect::<Vec<_>>()
        };
        groups.into_iter().zip(0..).flat_map(assess).collect()
    }

    fn assess(&self, at: ItemRef, finding: &Finding, group: u32, parts: FindingParts) -> AssessedFinding {
        let by_test = self.hidden.iter().find(|(id, _)| *id == finding.id).map(|(_, hidden)| hidden.clone());
        let by_tool = finding.tool_status.as_ref().filter(|status| status.suppressed).map(|status| Hidden {
            by: HiddenBy::Tool,
            who: status.by.clone(),
            why: status.reason.clone().or_else(|| status.status.clone()).unwrap_or_default(),
            until: None,
        });
        AssessedFinding {
            at,
            finding: only_finding_parts(finding.clone(), parts),
            group,
            age: self.ages.get(&finding.id).copied().unwrap_or(Age::Unknown),
            hidden: by_test.or(by_tool),
        }
    }
}

fn source(path: String) -> Source {
    Source {
        provenance: None,
        sha256: sha256_hex(path.as_bytes()),
        path,
        run_id: None,
        run_attempt: None,
        workflow_path: None,
        event: None,
        actor: None,
        head_sha: None,
        created_at: None,
        properties: Vec::new(),
    }
}
