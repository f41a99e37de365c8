//! Collects a report page by page and holds each entry against the limits: counts end in `limit-reached` and a cut
//! report, some texts are shortened with a diagnostic, an entry with any other over-long value is left out.
//! Never calls a guest.

use super::limits::{Limits, Texts, show_size};
use crate::model::Report;
use crate::model::report::{
    Attestation, Completeness, Component, Coverage, Dependency, Detail, Diagnostic, DiagnosticLevel, Document, Finding,
    Format, LicenseClaim, LicenseValue, Location, Properties, VexStatement, bytes_text,
};
use bytes::BytesMut;
use std::sync::Arc;

/// A report in the making.
#[derive(Debug)]
pub struct ReportBuilder {
    limits: Arc<Limits>,
    report: Report,
    documents: Vec<(String, String, BytesMut)>,
    covers: Option<Vec<Coverage>>,
    /// The first limit that was reached, by its key, and how much it is.
    reached: Option<(&'static str, String)>,
    bytes: u64,
    document_bytes: u64,
    shortened: u32,
    left_out: u32,
}

/// A count or size was reached; the number goes to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(pub u32);

impl ReportBuilder {
    pub fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            report: empty(),
            documents: Vec::new(),
            covers: None,
            reached: None,
            bytes: 0,
            document_bytes: 0,
            shortened: 0,
            left_out: 0,
        }
    }

    /// The report as written; `None` if the plugin never said what it covers.
    pub fn finish(mut self, format: Format) -> Option<Report> {
        self.report.covers = self.covers.take()?;
        self.report.format = format;
        if self.left_out > 0 {
            let message =
                format!("{} entries were left out: an id, name, version, purl or licence is too long", self.left_out);
            self.host_diagnostic(DiagnosticLevel::Warning, message);
        }
        if let Some((limit, most)) = &self.reached {
            let message = format!(
                "only a part was read: the limit `{limit}` ({most}) was reached; raise it in the limits of the plugin \
                 that reads this format"
            );
            self.host_diagnostic(DiagnosticLevel::Warning, message);
        }
        if self.shortened > 0 {
            let message = format!("{} over-long texts or lists were shortened", self.shortened);
            self.host_diagnostic(DiagnosticLevel::Note, message);
        }
        if self.reached.is_some() || self.left_out > 0 {
            self.report.completeness = Completeness::Cut;
        }
        self.report.documents = self
            .documents
            .into_iter()
            .map(|(name, media_type, bytes)| Document { name, media_type, bytes: bytes_text::Shared(bytes.freeze()) })
            .collect();
        Some(self.report)
    }

    pub fn set_tool(&mut self, name: String, version: Option<String>) {
        let limits = Arc::clone(&self.limits);
        let name = self.shorten(name, limits.texts.title);
        let version = version.map(|version| self.shorten(version, limits.texts.version));
        self.report.tool = Some((name, version));
    }

    pub fn set_covers(&mut self, mut covers: Vec<Coverage>) {
        covers.sort_unstable();
        covers.dedup();
        self.covers = Some(covers);
    }

    pub fn set_completeness(&mut self, completeness: Completeness) {
        self.report.completeness = completeness;
    }

    pub fn add_property(&mut self, name: String, value: String) {
        let texts = self.limits.texts;
        if name.len() > texts.id || self.report.properties.len() >= texts.others {
            self.shortened += 1;
            return;
        }
        let value = self.shorten(value, texts.property);
        self.report.properties.push((name, value));
    }

    pub fn add_findings(&mut self, page: impl ExactSizeIterator<Item = Finding>) -> Result<(), Full> {
        let most = ("findings", self.limits.findings);
        self.add(page, most, |report| &mut report.findings, |entry, check| check.finding(entry))
    }
    pub fn add_components(&mut self, page: impl ExactSizeIterator<Item = Component>) -> Result<(), Full> {
        let most = ("components", self.limits.components);
        self.add(page, most, |report| &mut report.components, |entry, check| check.component(entry))
    }
    pub fn add_dependencies(&mut self, page: impl ExactSizeIterator<Item = Dependency>) -> Result<(), Full> {
        let most = ("dependencies", self.limits.dependencies);
        self.add(page, most, |report| &mut report.dependencies, |entry, check| check.dependency(entry))
    }
    pub fn add_vex(&mut self, page: impl ExactSizeIterator<Item = VexStatement>) -> Result<(), Full> {
        let most = ("vex", self.limits.vex);
        self.add(page, most, |report| &mut report.vex, |entry, check| check.vex(entry))
    }
    pub fn add_attestations(&mut self, page: impl ExactSizeIterator<Item = Attestation>) -> Result<(), Full> {
        let most = ("attestations", self.limits.attestations);
        self.add(page, most, |report| &mut report.attestations, |entry, check| check.attestation(entry))
    }

    pub fn write_document(&mut self, name: String, media_type: String, chunk: &[u8]) -> Result<(), Full> {
        let (most, texts) = (self.limits.documents, self.limits.texts);
        let place = self.documents.iter().position(|(known, ..)| *known == name);
        let reached = if place.is_none() && self.documents.len() >= texts.documents {
            Some(("texts.documents", texts.documents.to_string()))
        } else if name.len() > texts.path {
            Some(("texts.path", show_size(texts.path as u64)))
        } else if media_type.len() > texts.version {
            Some(("texts.version", show_size(texts.version as u64)))
        } else if self.document_bytes + chunk.len() as u64 > most {
            Some(("documents", show_size(most)))
        } else {
            None
        };
        if reached.is_some() {
            self.reached = self.reached.take().or(reached);
            return Err(Full(u32::try_from(most).unwrap_or(u32::MAX)));
        }
        self.document_bytes += chunk.len() as u64;
        match place {
            Some(place) => self.documents[place].2.extend_from_slice(chunk),
            None => self.documents.push((name, media_type, BytesMut::from(chunk))),
        }
        Ok(())
    }

    pub fn add_diagnostic(&mut self, mut diagnostic: Diagnostic) {
        if self.report.diagnostics.len() >= self.limits.texts.diagnostics {
            self.report.diagnostics_dropped = self.report.diagnostics_dropped.saturating_add(1);
            return;
        }
        let texts = self.limits.texts;
        diagnostic.message = self.shorten(diagnostic.message, texts.message);
        diagnostic.pointer = diagnostic.pointer.map(|pointer| self.shorten(pointer, texts.path));
        self.report.diagnostics.push(diagnostic);
    }

    /// The host's own diagnostics come on top of those that the plugin may write.
    fn host_diagnostic(&mut self, level: DiagnosticLevel, message: String) {
        self.report.diagnostics.push(Diagnostic { level, message, pointer: None });
    }

    fn shorten(&mut self, text: String, most: usize) -> String {
        let mut text = text;
        self.shortened += u32::from(shorten(&mut text, most));
        text
    }

    fn add<T>(
        &mut self,
        page: impl ExactSizeIterator<Item = T>,
        (limit, most): (&'static str, u32),
        list: impl Fn(&mut Report) -> &mut Vec<T>,
        check: impl Fn(&mut T, &mut Check<'_>),
    ) -> Result<(), Full> {
        for mut entry in page {
            let mut held = Check::new(&self.limits.texts);
            check(&mut entry, &mut held);
            let Check { too_long, shortened, bytes, .. } = held;
            if too_long {
                self.left_out += 1;
                continue;
            }
            let entries = list(&mut self.report);
            let reached = if entries.len() >= most as usize {
                Some((limit, most.to_string()))
            } else if self.bytes + bytes > self.limits.report {
                Some(("report", show_size(self.limits.report)))
            } else {
                None
            };
            if reached.is_some() {
                self.reached = self.reached.take().or(reached);
                return Err(Full(most));
            }
            entries.push(entry);
            self.bytes += bytes;
            self.shortened += shortened;
        }
        Ok(())
    }
}

fn empty() -> Report {
    Report {
        format: Format { name: String::new(), version: None },
        tool: None,
        covers: Vec::new(),
        completeness: Completeness::Unknown,
        properties: Vec::new(),
        findings: Vec::new(),
        components: Vec::new(),
        dependencies: Vec::new(),
        vex: Vec::new(),
        attestations: Vec::new(),
        documents: Vec::new(),
        diagnostics: Vec::new(),
        diagnostics_dropped: 0,
    }
}

/// Cuts a text at a character's border and says whether it did. An ellipsis shows people that there was more.
pub fn shorten(text: &mut String, most: usize) -> bool {
    if text.len() <= most {
        return false;
    }
    text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
    text.push('…');
    true
}

/// One entry held against the lengths.
struct Check<'a> {
    texts: &'a Texts,
    too_long: bool,
    shortened: u32,
    bytes: u64,
}

impl<'a> Check<'a> {
    fn new(texts: &'a Texts) -> Self {
        Self { texts, too_long: false, shortened: 0, bytes: 0 }
    }

    fn exact(&mut self, text: &str, most: usize) {
        self.bytes += text.len() as u64;
        self.too_long |= text.len() > most;
    }
    fn maybe(&mut self, text: &Option<String>, most: usize) {
        if let Some(text) = text {
            self.exact(text, most);
        }
    }
    fn words(&mut self, list: &[String], items: usize, most: usize) {
        self.too_long |= list.len() > items;
        for text in list {
            self.exact(text, most);
        }
    }
    fn prose(&mut self, text: &mut String, most: usize) {
        self.shortened += u32::from(shorten(text, most));
        self.bytes += text.len() as u64;
    }
    fn shorter<T>(&mut self, list: &mut Vec<T>, items: usize, fits: impl Fn(&T) -> bool) {
        let before = list.len();
        list.retain(fits);
        list.truncate(items);
        self.shortened += u32::from(list.len() < before);
        self.bytes += 16 * list.len() as u64;
    }
    fn properties(&mut self, list: &mut Properties) {
        let texts = self.texts;
        self.shorter(list, texts.properties, |(name, _)| name.len() <= texts.id);
        for (name, value) in list {
            self.prose(value, texts.property);
            self.bytes += name.len() as u64;
        }
    }
    fn locations(&mut self, list: &mut Vec<Location>) {
        let texts = self.texts;
        let fits = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= texts.id);
        self.shorter(list, texts.locations, |location| location.path.len() <= texts.path && fits(&location.layer));
        self.bytes += list.iter().map(|location| location.path.len() as u64 + 64).sum::<u64>();
    }
    fn licence(&mut self, claim: &LicenseClaim) {
        match &claim.value {
            LicenseValue::Expression(text) | LicenseValue::Name(text) => self.exact(text, self.texts.licence),
            LicenseValue::NoAssertion | LicenseValue::NoneStated => {}
        }
    }

    fn finding(&mut self, finding: &mut Finding) {
        let texts = self.texts;
        self.bytes += size_of::<Finding>() as u64;
        self.exact(&finding.id, texts.id);
        self.maybe(&finding.severity_raw, texts.id);
        self.maybe(&finding.severity_source, texts.id);
        self.maybe(&finding.origin, texts.path);
        self.prose(&mut finding.title, texts.title);
        for text in [&mut finding.description, &mut finding.how_to_fix].into_iter().flatten() {
            self.prose(text, texts.description);
        }
        if let Some(package) = &finding.package {
            self.exact(&package.name, texts.id);
            self.maybe(&package.version, texts.version);
            self.maybe(&package.purl, texts.purl);
            self.maybe(&package.component, texts.id);
            self.words(&package.introduced_by, texts.others, texts.purl);
        }
        self.locations(&mut finding.locations);
        self.detail(&mut finding.detail);
        self.shorter(&mut finding.references, texts.references, |reference| reference.len() <= texts.reference);
        self.bytes += finding.references.iter().map(|reference| reference.len() as u64).sum::<u64>();
        self.too_long |= finding.fingerprints.len() > texts.properties;
        for (name, value) in &finding.fingerprints {
            self.exact(name, texts.id);
            self.exact(value, texts.property);
        }
        if let Some(status) = &mut finding.tool_status {
            self.maybe(&status.status, texts.id);
            self.maybe(&status.by, texts.id);
            self.maybe(&status.until, texts.id);
            if let Some(reason) = &mut status.reason {
                self.prose(reason, texts.message);
            }
        }
        self.properties(&mut finding.properties);
    }

    fn detail(&mut self, detail: &mut Detail) {
        let texts = self.texts;
        match detail {
            Detail::Vulnerability(it) => {
                self.words(&it.aliases, texts.aliases, texts.id);
                self.shorter(&mut it.ratings, texts.ratings, |rating| {
                    let vector = rating.vector.as_ref().map_or(0, String::len);
                    rating.version.len() + vector + rating.source.as_ref().map_or(0, String::len) <= texts.id
                });
                self.bytes += 128 * it.ratings.len() as u64;
                self.too_long |= it.cwes.len() > texts.others;
                self.words(&it.fix.versions, texts.others, texts.version);
                self.maybe(&it.fix.suggested, texts.version);
                self.maybe(&it.published, texts.id);
                self.maybe(&it.modified, texts.id);
            }
            Detail::License(claim) => self.licence(claim),
            Detail::Secret(it) => self.exact(&it.detector, texts.id),
            Detail::Misconfiguration(it) => {
                self.maybe(&it.resource, texts.path);
                self.maybe(&it.provider, texts.id);
            }
            Detail::Code(it) => {
                self.too_long |= it.cwes.len() > texts.others;
                self.maybe(&it.precision, texts.id);
            }
            Detail::Change(it) => {
                self.maybe(&it.field, texts.path);
                for text in [&mut it.before, &mut it.after].into_iter().flatten() {
                    self.prose(text, texts.description);
                }
            }
            Detail::Score(_) | Detail::Other => {}
        }
    }

    fn component(&mut self, component: &mut Component) {
        let texts = self.texts;
        self.bytes += size_of::<Component>() as u64;
        self.exact(&component.id, texts.id);
        self.exact(&component.name, texts.id);
        self.maybe(&component.version, texts.version);
        self.maybe(&component.purl, texts.purl);
        for text in [&component.component_type, &component.supplier, &component.published, &component.origin] {
            self.maybe(text, texts.path);
        }
        self.too_long |= component.licenses.len() > texts.others;
        for claim in &component.licenses {
            self.licence(claim);
        }
        self.locations(&mut component.locations);
        self.words(&component.hashes, texts.others, texts.id);
        self.words(&component.cpes, texts.others, texts.purl);
        self.properties(&mut component.properties);
    }

    fn dependency(&mut self, dependency: &Dependency) {
        self.bytes += size_of::<Dependency>() as u64;
        self.exact(&dependency.parent, self.texts.id);
        self.exact(&dependency.child, self.texts.id);
    }

    fn vex(&mut self, statement: &mut VexStatement) {
        let texts = self.texts;
        self.bytes += size_of::<VexStatement>() as u64;
        self.exact(&statement.vulnerability, texts.id);
        self.words(&statement.aliases, texts.aliases, texts.id);
        self.too_long |= statement.products.len() > texts.others;
        for product in &statement.products {
            self.exact(&product.product, texts.purl);
            self.words(&product.subcomponents, texts.others, texts.purl);
        }
        self.maybe(&statement.justification, texts.id);
        for text in [&mut statement.statement, &mut statement.action].into_iter().flatten() {
            self.prose(text, texts.description);
        }
        for text in [&statement.author, &statement.timestamp, &statement.last_updated] {
            self.maybe(text, texts.id);
        }
    }

    fn attestation(&mut self, attestation: &Attestation) {
        let texts = self.texts;
        self.bytes += size_of::<Attestation>() as u64;
        self.exact(&attestation.predicate_type, texts.reference);
        self.too_long |= attestation.subjects.len() > texts.others;
        for subject in &attestation.subjects {
            self.exact(&subject.name, texts.id);
            self.exact(&subject.digest, texts.id);
        }
        self.maybe(&attestation.builder, texts.reference);
        self.maybe(&attestation.source, texts.reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(limits: Limits) -> ReportBuilder {
        let mut builder = ReportBuilder::new(Arc::new(limits));
        builder.set_covers(vec![Coverage::Vulnerabilities]);
        builder
    }

    fn format() -> Format {
        Format { name: "test".to_owned(), version: None }
    }

    fn finding(id: &str, title: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            severity: None,
            severity_raw: None,
            severity_source: None,
            title: title.to_owned(),
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

    #[test]
    fn a_report_over_its_count_is_cut_and_keeps_what_came_before() {
        let mut builder = builder(Limits { findings: 2, ..Limits::default() });
        let page = vec![finding("a", "a"), finding("b", "b"), finding("c", "c")];
        assert_eq!(builder.add_findings(page.into_iter()), Err(Full(2)));
        let report = builder.finish(format()).unwrap();
        assert_eq!((report.findings.len(), report.completeness), (2, Completeness::Cut));
    }

    #[test]
    fn an_over_long_title_is_shortened() {
        let mut builder = builder(Limits::default());
        builder.add_findings(vec![finding("a", &"ä".repeat(400))].into_iter()).unwrap();
        let report = builder.finish(format()).unwrap();
        assert!(report.findings[0].title.len() <= 300 && report.findings[0].title.ends_with('…'));
        assert_eq!(report.completeness, Completeness::Unknown);
        assert_eq!(report.diagnostics[0].message, "1 over-long texts or lists were shortened");
    }

    #[test]
    fn an_over_long_id_costs_the_entry_and_cuts_the_report() {
        let mut builder = builder(Limits::default());
        builder.add_findings(vec![finding(&"x".repeat(2000), "t"), finding("b", "t")].into_iter()).unwrap();
        let report = builder.finish(format()).unwrap();
        assert_eq!((report.findings.len(), report.completeness), (1, Completeness::Cut));
    }

    #[test]
    fn a_report_that_never_says_what_it_covers_is_none() {
        assert_eq!(ReportBuilder::new(Arc::new(Limits::default())).finish(format()), None);
    }

    #[test]
    fn the_bytes_of_a_report_are_bounded_whatever_its_counts_say() {
        let mut builder = builder(Limits { report: 10_000, ..Limits::default() });
        let page: Vec<_> = (0..100).map(|number| finding(&number.to_string(), &"t".repeat(200))).collect();
        assert!(builder.add_findings(page.into_iter()).is_err());
        let report = builder.finish(format()).unwrap();
        assert_eq!(report.completeness, Completeness::Cut);
        assert!(report.diagnostics[0].message.contains("`report` (10000 bytes)"), "{}", report.diagnostics[0].message);
    }

    #[test]
    fn chunks_of_one_document_are_joined() {
        let mut builder = builder(Limits::default());
        builder.write_document("d".into(), "text/plain".into(), b"one ").unwrap();
        builder.write_document("d".into(), "text/plain".into(), b"two").unwrap();
        let report = builder.finish(format()).unwrap();
        assert_eq!(&report.documents[0].bytes.0[..], b"one two");
    }
}
