//! What plugins are for: recognising and normalizing an artifact, evaluating evidence. The answer is held against the
//! contract here; what a failure means for a check is decided elsewhere.

use super::builder::ReportBuilder;
use super::call::Entry;
use super::contract::{guest, types};
use super::host::{ArtifactHandle, DocumentsPanicked, EvidenceHandle, Shelf};
use super::load::Exports;
use super::outcome::LimitReached;
use super::state::State;
use super::{Call, Plugin, Runtime};
use crate::documents::{JsonDocument, Shape};
use crate::model::ids::Unix;
use crate::model::report::Format;
use crate::model::{Artifact, Broken, BrokenKind, Evidence, PluginName, Report, Verdict};
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::{Instance, Resource};

impl Runtime {
    /// Whether the plugin understands the artifact, and as what.
    pub async fn recognize(&self, call: &Call, plugin: &Plugin, artifact: &Artifact) -> Result<Option<Format>, Broken> {
        normalizer(plugin)?;
        let entry = Recognize { plugin: plugin.clone(), artifact: artifact.clone() };
        self.guarded(call, plugin, entry, |answer| answer).await
    }

    /// The artifact as a report.
    pub async fn normalize(
        &self,
        call: &Call,
        plugin: &Plugin,
        artifact: &Artifact,
        settings: &str,
    ) -> Result<Report, Broken> {
        normalizer(plugin)?;
        let recognize = Recognize { plugin: plugin.clone(), artifact: artifact.clone() };
        let entry = Normalize { recognize, settings: settings.to_owned() };
        self.guarded(call, plugin, entry, |answer| answer).await
    }

    /// The policy's answer about the evidence.
    pub async fn evaluate(
        &self,
        call: &Call,
        plugin: &Plugin,
        evidence: &Arc<Evidence>,
        settings: &str,
    ) -> Result<Verdict, Broken> {
        if !matches!(plugin.loaded().exports, Exports::Evaluator(_)) {
            return Err(wrong_kind(plugin, "an evaluator"));
        }
        let (plugin, evidence, shelf) = (plugin.clone(), Arc::clone(evidence), Arc::clone(&self.0.shelf));
        let held = plugin.clone();
        let entry =
            Evaluate { plugin: plugin.clone(), evidence: Arc::clone(&evidence), shelf, settings: settings.to_owned() };
        self.guarded(call, &plugin, entry, move |verdict: Result<Verdict, Broken>| {
            super::verdict::hold(verdict?, &evidence, held.limits()).map_err(|problem| contradiction(&held, &problem))
        })
        .await
    }

    /// Lets evaluators of this evidence read these documents in place of those that would be written from it: what a case
    /// of a policy has for its input. Without effect once somebody has read this shape.
    pub fn give_documents(&self, evidence: &Arc<Evidence>, shape: Shape, documents: Vec<JsonDocument>) {
        self.0.shelf.give(evidence, shape, documents);
    }

    /// The evidence as JSON documents, for an engine beside this runtime: the same bytes that components read.
    pub async fn documents(
        &self,
        asker: &PluginName,
        evidence: &Arc<Evidence>,
        shape: Shape,
    ) -> Result<Arc<[JsonDocument]>, Broken> {
        let documents = self.0.shelf.documents(evidence, shape).await;
        documents.map_err(|error| match (error.downcast_ref::<LimitReached>(), panicked(&error)) {
            (Some(LimitReached(limit)), _) => limit.broken(asker, &self.0.limits),
            (None, Some(broken)) => broken,
            (None, None) => Broken::new(BrokenKind::Host, format!("{error:#}")),
        })
    }

    /// Holds the verdict of an engine beside this runtime against the contract, as a plugin's would be.
    pub fn hold(&self, verdict: Verdict, evidence: &Evidence) -> Result<Verdict, String> {
        super::verdict::hold(verdict, evidence, &self.0.limits)
    }
}

fn normalizer(plugin: &Plugin) -> Result<(), Broken> {
    match plugin.loaded().exports {
        Exports::Normalizer(_) => Ok(()),
        Exports::Evaluator(_) => Err(wrong_kind(plugin, "a normalizer")),
    }
}

fn wrong_kind(plugin: &Plugin, wanted: &str) -> Broken {
    Broken::new(BrokenKind::Settings, format!("`{}` is {}, and {wanted} is needed here", plugin.name(), plugin.kind()))
        .hint("name another plugin in the configuration")
}

/// Broken, and no outage: it would not pass by asking again.
fn panicked(error: &wasmtime::Error) -> Option<Broken> {
    let panicked = error.downcast_ref::<DocumentsPanicked>()?;
    Some(Broken::new(BrokenKind::Other, panicked.to_string()).hint("report this to the authors of Palisade"))
}

/// The plugin's answer is against the contract.
fn contradiction(plugin: &Plugin, problem: &str) -> Broken {
    let message = format!("`{}` answered against the contract: {problem}", plugin.name());
    Broken::new(BrokenKind::Malformed, message).hint(format!("report this to the authors of `{}`", plugin.name()))
}

/// The contract's failure, in the plugin's own words.
fn failure(plugin: &Plugin, failure: types::Failure) -> Broken {
    let (kind, mut said) = match failure {
        types::Failure::Malformed(said) => (BrokenKind::Malformed, said),
        types::Failure::Unsupported(said) => (BrokenKind::Unsupported, said),
        types::Failure::Settings(said) => (BrokenKind::Settings, said),
        types::Failure::Host(said) => (BrokenKind::Host, said),
        types::Failure::Other(said) => (BrokenKind::Other, said),
    };
    super::builder::shorten(&mut said, plugin.limits().texts.message);
    Broken::new(kind, format!("`{}`: {said}", plugin.name()))
}

type Answered<T> = Result<T, Broken>;

struct Recognize {
    plugin: Plugin,
    artifact: Artifact,
}

impl Recognize {
    async fn ask(
        &self,
        guest: &guest::normalize::Guest,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Answered<Option<Format>>> {
        let handle = store.data_mut().table.push(ArtifactHandle(self.artifact.clone()))?;
        let answer = guest.call_recognize(&mut *store, Resource::new_borrow(handle.rep())).await?;
        store.data_mut().table.delete(handle)?;
        let Some((name, version)) = answer else { return Ok(Ok(None)) };
        let formats = &self.plugin.info().formats;
        if !formats.is_empty() && !formats.iter().any(|format| format.name == name) {
            let mut name = name;
            super::builder::shorten(&mut name, self.plugin.limits().texts.title);
            let problem = format!("it recognises the format {name:?}, which `describe` does not list");
            return Ok(Err(contradiction(&self.plugin, &problem)));
        }
        Ok(Ok(Some(Format { name, version: version.map(|version| short(version, &self.plugin)) })))
    }

    fn guest(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<guest::normalize::Guest> {
        match &self.plugin.loaded().exports {
            Exports::Normalizer(exports) => exports.load(store, instance),
            Exports::Evaluator(_) => unreachable!("the kind is checked before the call"),
        }
    }
}

fn short(mut text: String, plugin: &Plugin) -> String {
    super::builder::shorten(&mut text, plugin.limits().texts.version);
    text
}

impl Entry for Recognize {
    type Answer = Answered<Option<Format>>;

    async fn enter(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Answer> {
        let guest = self.guest(store, instance)?;
        self.ask(&guest, store).await
    }
}

/// Asks for the format first, in the same instance: the report names it, and asking is cheap.
struct Normalize {
    recognize: Recognize,
    settings: String,
}

impl Entry for Normalize {
    type Answer = Answered<Report>;

    async fn enter(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Answer> {
        let plugin = &self.recognize.plugin;
        let guest = self.recognize.guest(store, instance)?;
        let format = match self.recognize.ask(&guest, store).await? {
            Ok(Some(format)) => format,
            // Bound by the configuration, whatever the plugin thinks of it.
            Ok(None) => Format { name: plugin.name().to_string(), version: None },
            Err(broken) => return Ok(Err(broken)),
        };
        let table = &mut store.data_mut().table;
        let artifact = table.push(ArtifactHandle(self.recognize.artifact.clone()))?;
        let builder = table.push(ReportBuilder::new(Arc::clone(&plugin.template().limits)))?;
        let (artifact_loan, builder_loan) = (Resource::new_borrow(artifact.rep()), Resource::new_borrow(builder.rep()));
        let answer = guest.call_normalize(&mut *store, artifact_loan, builder_loan, &self.settings).await?;
        let builder = store.data_mut().table.delete(builder)?;
        Ok(match answer {
            Err(said) => Err(failure(plugin, said)),
            Ok(()) => {
                builder.finish(format).ok_or_else(|| contradiction(plugin, "its report never said what it covers"))
            }
        })
    }
}

struct Evaluate {
    plugin: Plugin,
    evidence: Arc<Evidence>,
    shelf: Arc<Shelf>,
    settings: String,
}

impl Entry for Evaluate {
    type Answer = Answered<Verdict>;

    fn now(&self) -> Unix {
        self.evidence.context.now
    }

    async fn enter(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Answer> {
        let guest = match &self.plugin.loaded().exports {
            Exports::Evaluator(exports) => exports.load(&mut *store, instance)?,
            Exports::Normalizer(_) => unreachable!("the kind is checked before the call"),
        };
        let handle = EvidenceHandle { evidence: Arc::clone(&self.evidence), shelf: Arc::clone(&self.shelf) };
        let handle = store.data_mut().table.push(handle)?;
        match guest.call_evaluate(&mut *store, Resource::new_borrow(handle.rep()), &self.settings).await {
            Ok(answer) => Ok(answer.map(Into::into).map_err(|said| failure(&self.plugin, said))),
            Err(error) => panicked(&error).map(Err).ok_or(error),
        }
    }
}
