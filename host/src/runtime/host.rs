//! What plugins import from Palisade: artifacts, documents, reports, evidence, log. Reads what the job froze and
//! writes the report in the making; reaches nothing else.

use super::builder::Full;
use super::contract::reports::ReportBuilder;
use super::contract::types::{
    Attestation, CheckedAttestation, Completeness, Component, ComponentParts, Coverage, Dependency, Diagnostic,
    Finding, FindingParts, Source, VexStatement,
};
use super::contract::{artifacts, documents, evidence, logging, reports, types, verdicts};
use super::outcome::{HostFailure, LimitName, LimitReached};
use super::state::State;
use super::{convert, limits};
use crate::documents::{JsonDocument, Shape, TooLarge};
use crate::model::evidence::SourcedReport;
use crate::model::{Artifact, Evidence};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::OnceCell;
use wasmtime::Result;
use wasmtime::component::Resource;

/// One artifact, shared with everybody who reads it.
#[derive(Debug)]
pub struct ArtifactHandle(pub Artifact);

/// A name, a media type and shared bytes.
#[derive(Debug)]
pub struct DocumentHandle {
    name: String,
    media_type: String,
    bytes: Bytes,
}

/// One report of the evidence or of its baseline, by its place.
#[derive(Debug)]
pub struct ReportHandle {
    evidence: Arc<Evidence>,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Head(usize),
    Baseline(usize),
}

impl ReportHandle {
    fn report(&self) -> Result<&SourcedReport> {
        let report = match self.place {
            Place::Head(index) => self.evidence.reports.get(index),
            Place::Baseline(index) => self.evidence.baseline.as_ref().and_then(|reports| reports.get(index)),
        };
        report.ok_or_else(|| HostFailure("a report handle points at nothing".to_owned()).into())
    }
}

/// The evidence of the job, and where its JSON is kept for all evaluators.
#[derive(Debug)]
pub struct EvidenceHandle {
    pub evidence: Arc<Evidence>,
    pub shelf: Arc<Shelf>,
}

/// The evidence as JSON, each shape written once per job and shared by all its evaluators. Forgets with the evidence.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<Vec<(Weak<Evidence>, Arc<Shapes>)>>);

#[derive(Debug, Default)]
struct Shapes {
    evidence: OnceCell<Written>,
    compliance: OnceCell<Written>,
}

impl Shapes {
    fn of(&self, shape: Shape) -> &OnceCell<Written> {
        match shape {
            Shape::Evidence => &self.evidence,
            Shape::Compliance => &self.compliance,
        }
    }
}

/// Written by the first who asks; the others wait for it. What could not be written is not tried again: the same evidence
/// would end the same way.
type Written = std::result::Result<Arc<[JsonDocument]>, Unwritten>;

#[derive(Clone, Debug)]
enum Unwritten {
    TooLarge,
    Panicked(DocumentsPanicked),
}

/// Evidence that made the writing of its documents panic. Somebody's evidence can do that, so it is no outage.
#[derive(Clone, Debug, thiserror::Error)]
#[error("writing the evidence as JSON: {0}")]
pub struct DocumentsPanicked(Arc<str>);

impl Shelf {
    fn shapes(&self, evidence: &Arc<Evidence>) -> Arc<Shapes> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(known, _)| known.strong_count() > 0);
        if let Some((_, shapes)) = known.iter().find(|(known, _)| known.as_ptr() == Arc::as_ptr(evidence)) {
            return Arc::clone(shapes);
        }
        let shapes = Arc::<Shapes>::default();
        known.push((Arc::downgrade(evidence), Arc::clone(&shapes)));
        shapes
    }

    /// Puts documents in place of those that would be written from the evidence.
    pub fn give(&self, evidence: &Arc<Evidence>, shape: Shape, documents: Vec<JsonDocument>) {
        // Fails where they were written already, and then somebody has read them.
        let _ = self.shapes(evidence).of(shape).set(Ok(documents.into()));
    }

    pub async fn documents(&self, evidence: &Arc<Evidence>, shape: Shape) -> Result<Arc<[JsonDocument]>> {
        let shapes = self.shapes(evidence);
        let write = || async {
            let evidence = Arc::clone(evidence);
            let most = usize::try_from(limits::EVIDENCE_DOCUMENTS).unwrap_or(usize::MAX);
            match tokio::task::spawn_blocking(move || shape.write(&evidence, most)).await {
                Ok(written) => Ok(written.map(Arc::from).map_err(|TooLarge| Unwritten::TooLarge)),
                Err(error) if error.is_panic() => {
                    Ok(Err(Unwritten::Panicked(DocumentsPanicked(error.to_string().into()))))
                }
                Err(error) => Err(HostFailure(format!("writing the evidence as JSON: {error}"))),
            }
        };
        match shapes.of(shape).get_or_try_init(write).await? {
            Ok(written) => Ok(Arc::clone(written)),
            Err(Unwritten::TooLarge) => Err(LimitReached(LimitName::EvidenceDocuments).into()),
            Err(Unwritten::Panicked(panicked)) => Err(panicked.clone().into()),
        }
    }
}

/// A range of bytes, no longer than one read may be; empty beyond the end.
fn range(bytes: &Bytes, offset: u64, length: u32) -> Vec<u8> {
    let size = bytes.len() as u64;
    let begin = offset.min(size);
    let end = begin.saturating_add(u64::from(length).min(limits::READ)).min(size);
    // Both are at most the length, which is a usize.
    bytes[begin as usize..end as usize].to_vec()
}

/// One page of a list.
fn page<T>(list: &[T], offset: u32, limit: u32) -> &[T] {
    let begin = (offset as usize).min(list.len());
    let end = begin.saturating_add(limit.min(limits::PAGE) as usize).min(list.len());
    &list[begin..end]
}

fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

impl types::Host for State {}
impl artifacts::Host for State {}
impl documents::Host for State {}
impl reports::Host for State {}
impl evidence::Host for State {}
impl verdicts::Host for State {}

impl artifacts::HostArtifact for State {
    fn outline(&mut self, it: Resource<ArtifactHandle>) -> Result<artifacts::Outline> {
        Ok(convert::outline(&self.table.get(&it)?.0.outline))
    }
    fn path(&mut self, it: Resource<ArtifactHandle>) -> Result<String> {
        Ok(self.table.get(&it)?.0.source.path.clone())
    }
    fn size(&mut self, it: Resource<ArtifactHandle>) -> Result<u64> {
        Ok(self.table.get(&it)?.0.bytes.len() as u64)
    }
    fn sha256(&mut self, it: Resource<ArtifactHandle>) -> Result<String> {
        Ok(self.table.get(&it)?.0.digest.to_string())
    }
    fn read(&mut self, it: Resource<ArtifactHandle>, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(range(&self.table.get(&it)?.0.bytes, offset, length))
    }
    fn drop(&mut self, it: Resource<ArtifactHandle>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl documents::HostDocument for State {
    fn name(&mut self, it: Resource<DocumentHandle>) -> Result<String> {
        Ok(self.table.get(&it)?.name.clone())
    }
    fn media_type(&mut self, it: Resource<DocumentHandle>) -> Result<String> {
        Ok(self.table.get(&it)?.media_type.clone())
    }
    fn size(&mut self, it: Resource<DocumentHandle>) -> Result<u64> {
        Ok(self.table.get(&it)?.bytes.len() as u64)
    }
    fn read(&mut self, it: Resource<DocumentHandle>, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(range(&self.table.get(&it)?.bytes, offset, length))
    }
    fn drop(&mut self, it: Resource<DocumentHandle>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

type Added = Result<std::result::Result<(), reports::LimitReached>>;

fn added(answer: std::result::Result<(), Full>) -> Added {
    Ok(answer.map_err(|Full(limit)| reports::LimitReached { limit }))
}

impl reports::HostReportBuilder for State {
    fn set_tool(&mut self, it: Resource<ReportBuilder>, name: String, version: Option<String>) -> Result<()> {
        self.table.get_mut(&it)?.set_tool(name, version);
        Ok(())
    }
    fn set_covers(&mut self, it: Resource<ReportBuilder>, covers: Vec<Coverage>) -> Result<()> {
        self.table.get_mut(&it)?.set_covers(covers.into_iter().map(Into::into).collect());
        Ok(())
    }
    fn set_completeness(&mut self, it: Resource<ReportBuilder>, completeness: Completeness) -> Result<()> {
        self.table.get_mut(&it)?.set_completeness(completeness.into());
        Ok(())
    }
    fn add_property(&mut self, it: Resource<ReportBuilder>, name: String, value: String) -> Result<()> {
        self.table.get_mut(&it)?.add_property(name, value);
        Ok(())
    }
    fn add_findings(&mut self, it: Resource<ReportBuilder>, page: Vec<Finding>) -> Added {
        added(self.table.get_mut(&it)?.add_findings(page.into_iter().map(Into::into)))
    }
    fn add_components(&mut self, it: Resource<ReportBuilder>, page: Vec<Component>) -> Added {
        added(self.table.get_mut(&it)?.add_components(page.into_iter().map(Into::into)))
    }
    fn add_dependencies(&mut self, it: Resource<ReportBuilder>, page: Vec<Dependency>) -> Added {
        added(self.table.get_mut(&it)?.add_dependencies(page.into_iter().map(Into::into)))
    }
    fn add_vex(&mut self, it: Resource<ReportBuilder>, page: Vec<VexStatement>) -> Added {
        added(self.table.get_mut(&it)?.add_vex(page.into_iter().map(Into::into)))
    }
    fn add_attestations(&mut self, it: Resource<ReportBuilder>, page: Vec<Attestation>) -> Added {
        added(self.table.get_mut(&it)?.add_attestations(page.into_iter().map(Into::into)))
    }
    fn write_document(
        &mut self,
        it: Resource<ReportBuilder>,
        name: String,
        media_type: String,
        chunk: Vec<u8>,
    ) -> Added {
        added(self.table.get_mut(&it)?.write_document(name, media_type, &chunk))
    }
    fn add_diagnostic(&mut self, it: Resource<ReportBuilder>, diagnostic: Diagnostic) -> Result<()> {
        self.table.get_mut(&it)?.add_diagnostic(diagnostic.into());
        Ok(())
    }
    fn drop(&mut self, it: Resource<ReportBuilder>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl State {
    fn sourced(&self, it: &Resource<ReportHandle>) -> Result<&SourcedReport> {
        self.table.get(it)?.report()
    }
}

impl reports::HostReport for State {
    fn format(&mut self, it: Resource<ReportHandle>) -> Result<(String, Option<String>)> {
        let format = &self.sourced(&it)?.report.format;
        Ok((format.name.clone(), format.version.clone()))
    }
    fn tool(&mut self, it: Resource<ReportHandle>) -> Result<Option<(String, Option<String>)>> {
        Ok(self.sourced(&it)?.report.tool.clone())
    }
    fn source(&mut self, it: Resource<ReportHandle>) -> Result<Source> {
        Ok(convert::source(self.sourced(&it)?))
    }
    fn covers(&mut self, it: Resource<ReportHandle>) -> Result<Vec<Coverage>> {
        Ok(self.sourced(&it)?.report.covers.iter().map(Into::into).collect())
    }
    fn completeness(&mut self, it: Resource<ReportHandle>) -> Result<Completeness> {
        Ok(self.sourced(&it)?.report.completeness.into())
    }
    fn properties(&mut self, it: Resource<ReportHandle>) -> Result<Vec<(String, String)>> {
        Ok(self.sourced(&it)?.report.properties.clone())
    }
    fn finding_count(&mut self, it: Resource<ReportHandle>) -> Result<u32> {
        Ok(count(&self.sourced(&it)?.report.findings))
    }
    fn findings(
        &mut self,
        it: Resource<ReportHandle>,
        offset: u32,
        limit: u32,
        parts: FindingParts,
    ) -> Result<Vec<Finding>> {
        let findings = page(&self.sourced(&it)?.report.findings, offset, limit);
        Ok(findings.iter().map(|finding| convert::finding(finding, parts)).collect())
    }
    fn component_count(&mut self, it: Resource<ReportHandle>) -> Result<u32> {
        Ok(count(&self.sourced(&it)?.report.components))
    }
    fn components(
        &mut self,
        it: Resource<ReportHandle>,
        offset: u32,
        limit: u32,
        parts: ComponentParts,
    ) -> Result<Vec<Component>> {
        let components = page(&self.sourced(&it)?.report.components, offset, limit);
        Ok(components.iter().map(|component| convert::component(component, parts)).collect())
    }
    fn dependency_count(&mut self, it: Resource<ReportHandle>) -> Result<u32> {
        Ok(count(&self.sourced(&it)?.report.dependencies))
    }
    fn dependencies(&mut self, it: Resource<ReportHandle>, offset: u32, limit: u32) -> Result<Vec<Dependency>> {
        Ok(page(&self.sourced(&it)?.report.dependencies, offset, limit).iter().map(Into::into).collect())
    }
    fn vex_count(&mut self, it: Resource<ReportHandle>) -> Result<u32> {
        Ok(count(&self.sourced(&it)?.report.vex))
    }
    fn vex(&mut self, it: Resource<ReportHandle>, offset: u32, limit: u32) -> Result<Vec<VexStatement>> {
        Ok(page(&self.sourced(&it)?.report.vex, offset, limit).iter().map(Into::into).collect())
    }
    fn attestation_count(&mut self, it: Resource<ReportHandle>) -> Result<u32> {
        Ok(count(&self.sourced(&it)?.report.attestations))
    }
    fn attestations(&mut self, it: Resource<ReportHandle>, offset: u32, limit: u32) -> Result<Vec<CheckedAttestation>> {
        Ok(page(&self.sourced(&it)?.report.attestations, offset, limit).iter().map(convert::attestation).collect())
    }
    fn documents(&mut self, it: Resource<ReportHandle>) -> Result<Vec<Resource<DocumentHandle>>> {
        let report = Arc::clone(&self.sourced(&it)?.report);
        let handles = report.documents.iter().map(|document| {
            let (name, media_type) = (document.name.clone(), document.media_type.clone());
            Ok(self.table.push(DocumentHandle { name, media_type, bytes: document.bytes.0.clone() })?)
        });
        handles.collect()
    }
    fn diagnostics(&mut self, it: Resource<ReportHandle>) -> Result<Vec<Diagnostic>> {
        Ok(self.sourced(&it)?.report.diagnostics.iter().map(Into::into).collect())
    }
    fn drop(&mut self, it: Resource<ReportHandle>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl State {
    fn evidence(&self, it: &Resource<EvidenceHandle>) -> Result<Arc<Evidence>> {
        Ok(Arc::clone(&self.table.get(it)?.evidence))
    }

    fn handles(
        &mut self,
        evidence: &Arc<Evidence>,
        places: impl Iterator<Item = Place>,
    ) -> Result<Vec<Resource<ReportHandle>>> {
        places.map(|place| Ok(self.table.push(ReportHandle { evidence: Arc::clone(evidence), place })?)).collect()
    }
}

impl evidence::HostCommitEvidence for State {
    fn context(&mut self, it: Resource<EvidenceHandle>) -> Result<evidence::Context> {
        Ok(convert::context(&self.evidence(&it)?.context))
    }
    fn reports(&mut self, it: Resource<EvidenceHandle>) -> Result<Vec<Resource<ReportHandle>>> {
        let evidence = self.evidence(&it)?;
        self.handles(&evidence, (0..evidence.reports.len()).map(Place::Head))
    }
    fn unreadable(&mut self, it: Resource<EvidenceHandle>) -> Result<Vec<evidence::Unreadable>> {
        Ok(self.evidence(&it)?.unreadable.iter().map(convert::unreadable).collect())
    }
    fn group_count(&mut self, it: Resource<EvidenceHandle>) -> Result<(u32, u32)> {
        let evidence = self.evidence(&it)?;
        Ok((evidence.groups, evidence.live_groups))
    }
    fn finding_count(&mut self, it: Resource<EvidenceHandle>) -> Result<u32> {
        Ok(count(&self.evidence(&it)?.findings))
    }
    fn findings(
        &mut self,
        it: Resource<EvidenceHandle>,
        offset: u32,
        limit: u32,
        parts: FindingParts,
    ) -> Result<Vec<evidence::AssessedFinding>> {
        let evidence = self.evidence(&it)?;
        let findings = page(&evidence.findings, offset, limit);
        Ok(findings.iter().filter_map(|finding| convert::assessed(finding, &evidence.reports, parts)).collect())
    }
    fn baseline(&mut self, it: Resource<EvidenceHandle>) -> Result<Option<Vec<Resource<ReportHandle>>>> {
        let evidence = self.evidence(&it)?;
        match &evidence.baseline {
            Some(reports) => self.handles(&evidence, (0..reports.len()).map(Place::Baseline)).map(Some),
            None => Ok(None),
        }
    }
    fn changed_paths(&mut self, it: Resource<EvidenceHandle>) -> Result<Option<Vec<String>>> {
        Ok(self.evidence(&it)?.changed_paths.clone())
    }
    async fn documents(
        &mut self,
        it: Resource<EvidenceHandle>,
        shape: String,
    ) -> Result<Vec<Resource<DocumentHandle>>> {
        let Some(shape) = Shape::from_word(&shape) else { return Ok(Vec::new()) };
        let EvidenceHandle { evidence, shelf } = self.table.get(&it)?;
        let (evidence, shelf) = (Arc::clone(evidence), Arc::clone(shelf));
        let written = self.waiting.within(&self.limits, shelf.documents(&evidence, shape)).await??;
        let handles = written.iter().map(|document| {
            let (name, media_type) = (document.name.clone(), "application/json".to_owned());
            Ok(self.table.push(DocumentHandle { name, media_type, bytes: document.json.clone() })?)
        });
        handles.collect()
    }
    fn drop(&mut self, it: Resource<EvidenceHandle>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl logging::Host for State {
    fn log(&mut self, level: logging::Level, message: String) -> Result<()> {
        if matches!(level, logging::Level::Error) {
            // Kept whatever the volume: it may be why the guest traps next.
            let end = message.floor_char_boundary(self.limits.texts.title);
            self.last_error = message[..end].to_owned();
        }
        let fits = self.log.add(message.as_bytes());
        let (plugin, message) = (&self.plugin, &message[..message.floor_char_boundary(fits)]);
        if message.is_empty() {
            return Ok(());
        }
        match level {
            logging::Level::Debug => tracing::debug!(%plugin, "{message}"),
            logging::Level::Info => tracing::info!(%plugin, "{message}"),
            logging::Level::Warn => tracing::warn!(%plugin, "{message}"),
            // `error` would call an operator; what a plugin complains about is shown in its check.
            logging::Level::Error => tracing::warn!(%plugin, level = "error", "{message}"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::evidence::{Age, AssessedFinding, Context, ItemRef};

    #[tokio::test]
    async fn evidence_that_makes_the_writing_panic_is_told_apart_from_an_outage() {
        let at = ItemRef { report: 7, index: 7 };
        let nowhere = AssessedFinding { at, group: 0, age: Age::Unknown, hidden: None };
        let evidence = Arc::new(Evidence {
            context: Context::default(),
            reports: Vec::new(),
            unreadable: Vec::new(),
            findings: vec![nowhere],
            groups: 0,
            live_groups: 0,
            baseline: None,
            changed_paths: None,
            notices: Vec::new(),
        });
        let shelf = Shelf::default();
        for _ in 0..2 {
            let error = shelf.documents(&evidence, Shape::Evidence).await.expect_err("nothing was written");
            assert!(error.downcast_ref::<DocumentsPanicked>().is_some(), "{error:#}");
        }
    }
}
