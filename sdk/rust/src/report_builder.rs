//! Collects a normalizer's findings and hands them over in pages.

use crate::bindings::contract::reports::{self, LimitReached};
use crate::notes::Notes;
use crate::testing::{CollectedDocument, CollectedReport};
use crate::types::{Attestation, Completeness, Component, Coverage, Dependency, Diagnostic, Finding, VexStatement};

/// Items that go over in one call: few enough that a page stays small in memory, many enough that calls do not count.
const PAGE: usize = 500;
/// A chunk of a document that goes over in one call.
const DOCUMENT_CHUNK: usize = 1024 * 1024;

/// The report that a normalizer writes. Items are buffered and sent in pages of 500; the SDK sends the rest when
/// `normalize` returns `Ok`.
///
/// The host caps how much a report holds. Once it refused something, further items are dropped here, [`is_full`] is true,
/// and the report counts as cut: stop reading and return `Ok`.
///
/// [`is_full`]: ReportBuilder::is_full
pub struct ReportBuilder<'a> {
    sink: Sink<'a>,
    notes: Notes,
    completeness: Completeness,
    full: bool,
    findings: Vec<Finding>,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    vex: Vec<VexStatement>,
    attestations: Vec<Attestation>,
}

enum Sink<'a> {
    Host(&'a reports::ReportBuilder),
    Memory { report: Box<CollectedReport>, limit: usize, pages: usize },
}

impl<'a> ReportBuilder<'a> {
    pub(crate) fn of_host(report: &'a reports::ReportBuilder) -> ReportBuilder<'a> {
        ReportBuilder::new(Sink::Host(report))
    }

    /// A report for tests that refuses more than `limit` items of a kind, as the host does.
    pub(crate) fn in_memory(limit: usize) -> ReportBuilder<'static> {
        ReportBuilder::new(Sink::Memory { report: Box::default(), limit, pages: 0 })
    }

    fn new(sink: Sink<'a>) -> ReportBuilder<'a> {
        ReportBuilder {
            sink,
            notes: Notes::default(),
            completeness: Completeness::Unknown,
            full: false,
            findings: Vec::new(),
            components: Vec::new(),
            dependencies: Vec::new(),
            vex: Vec::new(),
            attestations: Vec::new(),
        }
    }

    pub(crate) fn share_notes(&mut self, notes: &Notes) {
        self.notes = notes.clone();
    }

    /// The tool that produced the artifact, in lower case.
    pub fn set_tool(&mut self, name: &str, version: Option<&str>) {
        match &mut self.sink {
            Sink::Host(report) => report.set_tool(name, version),
            Sink::Memory { report, .. } => report.tool = Some((name.to_owned(), version.map(str::to_owned))),
        }
    }

    /// What the artifact speaks about, even where it lists nothing. Must be called, or the report is malformed: a report
    /// without findings is clean only for what it covers.
    pub fn set_covers(&mut self, covers: impl IntoIterator<Item = Coverage>) {
        let covers: Vec<Coverage> = covers.into_iter().collect();
        match &mut self.sink {
            Sink::Host(report) => report.set_covers(&covers),
            Sink::Memory { report, .. } => report.covers = covers,
        }
    }

    /// Whether something is left out. Default: unknown. It becomes partial by itself if a reader of this SDK lost an
    /// entry.
    pub fn set_completeness(&mut self, completeness: Completeness) {
        self.completeness = completeness;
    }

    /// A fact about the whole report: `scan-time`, `scan-target`, `schema-version`, …. A name may repeat.
    pub fn property(&mut self, name: &str, value: &str) {
        match &mut self.sink {
            Sink::Host(report) => report.add_property(name, value),
            Sink::Memory { report, .. } => report.properties.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Adds a finding.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
        if self.findings.len() >= PAGE {
            self.send_findings();
        }
    }

    /// Adds a component.
    pub fn component(&mut self, component: Component) {
        self.components.push(component);
        if self.components.len() >= PAGE {
            self.send_components();
        }
    }

    /// Adds a dependency between two components of this report.
    pub fn dependency(&mut self, dependency: Dependency) {
        self.dependencies.push(dependency);
        if self.dependencies.len() >= PAGE {
            self.send_dependencies();
        }
    }

    /// Adds a VEX statement. No statement is ever a finding.
    pub fn vex(&mut self, statement: VexStatement) {
        self.vex.push(statement);
        if self.vex.len() >= PAGE {
            self.send_vex();
        }
    }

    /// Adds an attestation.
    pub fn attestation(&mut self, attestation: Attestation) {
        self.attestations.push(attestation);
        if self.attestations.len() >= PAGE {
            self.send_attestations();
        }
    }

    /// Adds something that the nouns cannot say, whole. Documents of one name are joined.
    pub fn document(&mut self, name: &str, media_type: &str, bytes: &[u8]) {
        for chunk in bytes.chunks(DOCUMENT_CHUNK) {
            if self.full {
                return;
            }
            let answer = match &mut self.sink {
                Sink::Host(report) => report.write_document(name, media_type, chunk),
                Sink::Memory { report, .. } => {
                    CollectedDocument::append(&mut report.documents, (name, media_type), chunk);
                    Ok(())
                }
            };
            self.heed(answer);
        }
    }

    /// Something odd but readable.
    pub fn diagnostic(&mut self, diagnostic: Diagnostic) {
        match &mut self.sink {
            Sink::Host(report) => report.add_diagnostic(&diagnostic),
            Sink::Memory { report, .. } => report.diagnostics.push(diagnostic),
        }
    }

    /// Something odd, and the report is partial because of it: an entry that could not be read.
    pub fn lost(&mut self, diagnostic: Diagnostic) {
        self.notes.lost(diagnostic);
    }

    /// The host takes no more; what is added from now on is dropped. Loops of [`json`](crate::json) stop by themselves.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Sends what is left.
    pub(crate) fn finish(&mut self) {
        self.send_findings();
        self.send_components();
        self.send_dependencies();
        self.send_vex();
        self.send_attestations();
        for diagnostic in self.notes.take() {
            self.diagnostic(diagnostic);
        }
        let lost = self.notes.entries_lost() && self.completeness != Completeness::Cut;
        let completeness = if lost { Completeness::Partial } else { self.completeness };
        match &mut self.sink {
            Sink::Host(report) => report.set_completeness(completeness),
            Sink::Memory { report, .. } if self.full => report.completeness = Completeness::Cut,
            Sink::Memory { report, .. } => report.completeness = completeness,
        }
    }

    /// What a test collected, and in how many pages.
    pub(crate) fn into_collected(self) -> (CollectedReport, usize) {
        match self.sink {
            Sink::Host(_) => (CollectedReport::default(), 0),
            Sink::Memory { report, pages, .. } => (*report, pages),
        }
    }

    fn heed(&mut self, answer: Result<(), LimitReached>) {
        if answer.is_err() {
            self.full = true;
            self.notes.set_full();
        }
    }
}

/// The five kinds of items differ in the host's function and the list that they end up in, nothing else.
macro_rules! send {
    ($send:ident, $items:ident, $add:ident) => {
        impl ReportBuilder<'_> {
            fn $send(&mut self) {
                let page = std::mem::take(&mut self.$items);
                if self.full || page.is_empty() {
                    return;
                }
                let answer = match &mut self.sink {
                    Sink::Host(report) => report.$add(&page),
                    Sink::Memory { report, limit, pages } => {
                        *pages += 1;
                        take_page(&mut report.$items, page, *limit)
                    }
                };
                self.heed(answer);
            }
        }
    };
}

send!(send_findings, findings, add_findings);
send!(send_components, components, add_components);
send!(send_dependencies, dependencies, add_dependencies);
send!(send_vex, vex, add_vex);
send!(send_attestations, attestations, add_attestations);

fn take_page<T>(items: &mut Vec<T>, page: Vec<T>, limit: usize) -> Result<(), LimitReached> {
    let room = limit.saturating_sub(items.len());
    let refused = page.len() > room;
    items.extend(page.into_iter().take(room));
    if refused { Err(LimitReached { limit: u32::try_from(limit).unwrap_or(u32::MAX) }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Detail;

    fn with_findings(count: usize, limit: usize) -> ReportBuilder<'static> {
        let mut report = ReportBuilder::in_memory(limit);
        for number in 0..count {
            report.finding(Finding::new(format!("F-{number}"), "a finding", Detail::Other));
        }
        report.finish();
        report
    }

    #[test]
    fn findings_go_over_in_pages_and_keep_their_order() {
        let (collected, pages) = with_findings(1_234, usize::MAX).into_collected();
        assert_eq!((collected.findings.len(), pages), (1_234, 3));
        assert!(collected.findings.iter().enumerate().all(|(number, finding)| finding.id == format!("F-{number}")));
    }

    #[test]
    fn a_refused_page_makes_the_report_full_and_cut() {
        let report = with_findings(2_000, 700);
        assert!(report.is_full());
        let (collected, pages) = report.into_collected();
        assert_eq!((collected.findings.len(), pages), (700, 2));
        assert_eq!(collected.completeness, Completeness::Cut);
    }

    #[test]
    fn an_entry_that_was_lost_makes_the_report_partial() {
        let mut report = ReportBuilder::in_memory(usize::MAX);
        report.set_completeness(Completeness::Complete);
        report.lost(Diagnostic::warning("no id").at("/Results/0"));
        report.finish();
        let (collected, _) = report.into_collected();
        assert_eq!(collected.completeness, Completeness::Partial);
        assert_eq!(collected.diagnostics.len(), 1);
    }
}
