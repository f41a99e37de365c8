//! Reads artifacts into reports: who claims a file, what it makes of it, what nobody could read. Cannot fail: whatever
//! goes wrong with a file or a plugin is an unreadable artifact with its reason.

use super::remember::globs;
use crate::model::artifact::UnreadableCause;
use crate::model::evidence::SourcedReport;
use crate::model::plan::NormalizerPlan;
use crate::model::report::{Coverage, Format, Provenance};
use crate::model::{Artifact, Broken, BrokenKind, Digest, Plan, PluginName, Report, RunId, UnreadableArtifact};
use crate::plugins::Catalogue;
use crate::runtime::{Call, Plugin, Runtime};
use crate::telemetry::{Metrics, PluginCall, spans};
use futures::{StreamExt, stream};
use globset::GlobSet;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::instrument::Instrument as _;

/// Files read at once. The runtime lets only as many guests run as there are cores; a few more keep them busy.
const FILES_AT_ONCE: usize = 8;
/// Items of reports kept: at some 500 bytes each about 100 MB.
const CACHED_ITEMS: usize = 200_000;

/// Reads files with the plugins of a plan. Shared by all jobs; keeps reports by everything that they depend on.
#[derive(Debug)]
pub struct Reader {
    runtime: Arc<Runtime>,
    catalogue: Arc<Catalogue>,
    metrics: Metrics,
    cache: Mutex<Cache>,
}

/// What reading made of the artifacts, in the order of their paths.
#[derive(Debug, Default)]
pub struct Readings {
    pub reports: Vec<SourcedReport>,
    pub unreadable: Vec<UnreadableArtifact>,
    pub unclaimed: Vec<UnclaimedFile>,
    /// Artifacts, by run and name, of which a file was read or should have been.
    pub known: HashSet<(Option<RunId>, String)>,
}

/// A file that nobody claims.
#[derive(Debug)]
pub struct UnclaimedFile {
    pub run: Option<RunId>,
    pub provenance: Option<Provenance>,
    pub path: String,
    pub empty: bool,
}

enum Reading {
    Report(Box<SourcedReport>),
    Unreadable(UnreadableArtifact),
    Unclaimed(UnclaimedFile),
}

/// One normalizer, ready to be asked.
struct Asked<'a> {
    plan: &'a NormalizerPlan,
    plugin: Option<Plugin>,
    bind: GlobSet,
}

impl Reader {
    pub fn new(runtime: Arc<Runtime>, catalogue: Arc<Catalogue>, metrics: Metrics) -> Self {
        Self { runtime, catalogue, metrics, cache: Mutex::default() }
    }

    /// Recognises and normalizes. `tenant` keeps the reports of one installation from another's.
    pub async fn read(&self, call: &Call, plan: &Plan, artifacts: Vec<Artifact>, tenant: &str) -> Readings {
        let normalizers: Vec<Asked<'_>> = plan
            .normalizers
            .iter()
            .map(|plan| Asked { plan, plugin: self.catalogue.get(&plan.plugin).cloned(), bind: globs(&plan.bind) })
            .collect();
        // By path, run and digest: whoever was read first must not show.
        let mut read: Vec<(ReadingKey, Reading)> = stream::iter(artifacts)
            .map(|artifact| {
                let normalizers = &normalizers;
                async move {
                    let run = artifact.source.run.as_ref().map(|run| run.id);
                    let key = (artifact.source.path.clone(), run, artifact.digest);
                    let span = spans::artifact_content();
                    let reading = self.read_one(call, normalizers, artifact, tenant).instrument(span.clone()).await;
                    describe(&span, &reading);
                    (key, reading)
                }
            })
            .buffer_unordered(FILES_AT_ONCE)
            .collect()
            .await;
        read.sort_by(|a, b| a.0.cmp(&b.0));
        let mut readings = Readings::default();
        for ((path, run, _), reading) in read {
            if !matches!(reading, Reading::Unclaimed(_)) {
                let artifact = path.split_once('/').map_or(path.as_str(), |(artifact, _)| artifact);
                readings.known.insert((run, artifact.to_owned()));
            }
            match reading {
                Reading::Report(report) => readings.reports.push(*report),
                Reading::Unreadable(unreadable) => readings.unreadable.push(unreadable),
                Reading::Unclaimed(file) => readings.unclaimed.push(file),
            }
        }
        readings
    }

    async fn read_one(&self, call: &Call, normalizers: &[Asked<'_>], artifact: Artifact, tenant: &str) -> Reading {
        let (claims, broken) = self.claims(call, normalizers, &artifact).await;
        match (claims.as_slice(), broken) {
            ([(asked, format)], _) => self.normalize(call, asked, format, artifact, tenant).await,
            ([], Some((asked, broken))) => {
                let covers = asked.plan.formats.iter().flat_map(|(_, covers)| covers.iter().copied()).collect();
                Reading::Unreadable(unreadable(&artifact, None, covers, &broken))
            }
            ([], None) => Reading::Unclaimed(UnclaimedFile {
                run: artifact.source.run.as_ref().map(|run| run.id),
                provenance: known_provenance(&artifact),
                path: artifact.source.path,
                empty: artifact.bytes.is_empty(),
            }),
            (several, _) => Reading::Unreadable(ambiguous(&artifact, several)),
        }
    }

    /// Who claims the file. A binding asks one plugin only, and a mismatch is then an error; a normalizer that cannot
    /// be asked might have claimed it, so that an unclaimed file is not simply left out beside it.
    async fn claims<'a>(
        &self,
        call: &Call,
        normalizers: &'a [Asked<'a>],
        artifact: &Artifact,
    ) -> (Vec<(&'a Asked<'a>, Format)>, Option<(&'a Asked<'a>, Broken)>) {
        let bound: Vec<&Asked<'_>> =
            normalizers.iter().filter(|asked| asked.bind.is_match(&artifact.source.path)).collect();
        let explicit = !bound.is_empty();
        let asked_ones = if explicit { bound } else { normalizers.iter().collect() };
        let (mut claims, mut broken) = (Vec::new(), None);
        for asked in asked_ones {
            let answer = match (&asked.plan.broken, &asked.plugin) {
                (Some(reason), _) => Err(reason.clone()),
                (None, None) => {
                    Err(Broken::new(BrokenKind::Host, format!("plugin {} is not loaded", asked.plan.plugin)))
                }
                (None, Some(plugin)) => {
                    let answer = self.runtime.recognize(call, plugin, artifact);
                    self.counted(&asked.plan.plugin, "recognize", answer).await
                }
            };
            match answer {
                Ok(Some(format)) => claims.push((asked, format)),
                Ok(None) if explicit => broken = Some((asked, mismatch(&asked.plan.plugin))),
                Ok(None) => {}
                Err(reason) => broken = broken.or(Some((asked, reason))),
            }
        }
        (claims, broken)
    }

    async fn normalize(
        &self,
        call: &Call,
        asked: &Asked<'_>,
        format: &Format,
        artifact: Artifact,
        tenant: &str,
    ) -> Reading {
        let covers = || covers_of(asked.plan, format);
        let Some(plugin) = &asked.plugin else {
            let broken = Broken::new(BrokenKind::Host, format!("plugin {} is not loaded", asked.plan.plugin));
            return Reading::Unreadable(unreadable(&artifact, Some(format), covers(), &broken));
        };
        let key = cache_key(&artifact, plugin, &asked.plan.settings, tenant);
        let cached = self.lock().get(&key);
        let span = tracing::Span::current();
        span.record("cache.hit", cached.is_some());
        span.record("cache.miss_reason", cached.is_none().then_some("not_found"));
        self.metrics.report_cache.with_label_values(&[if cached.is_some() { "hit" } else { "miss" }]).inc();
        let report = match cached {
            Some(report) => report,
            None => match self
                .counted(
                    &asked.plan.plugin,
                    "normalize",
                    self.runtime.normalize(call, plugin, &artifact, &asked.plan.settings),
                )
                .await
            {
                Ok(mut report) => {
                    report.format = format.clone();
                    let report = Arc::new(report);
                    self.lock().put(key, report.clone());
                    report
                }
                Err(broken) => return Reading::Unreadable(unreadable(&artifact, Some(format), covers(), &broken)),
            },
        };
        Reading::Report(Box::new(SourcedReport {
            report,
            source: artifact.source,
            digest: artifact.digest,
            normalizer: asked.plan.plugin.to_string(),
        }))
    }

    async fn counted<T>(
        &self,
        plugin: &PluginName,
        kind: &str,
        call: impl Future<Output = Result<T, Broken>>,
    ) -> Result<T, Broken> {
        let started = Instant::now();
        let answer = call.await;
        let broken = answer.as_ref().err();
        let call = PluginCall {
            plugin: plugin.as_str(),
            kind,
            verdict: "",
            outcome: broken.map_or("ok", |broken| broken.kind.word()),
            limit: broken.and_then(|broken| broken.limit.as_deref()),
        };
        self.metrics.plugin_call(&call, started.elapsed());
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(span: &tracing::Span, reading: &Reading) {
    match reading {
        Reading::Report(report) => {
            span.record("input.tool_name", report.normalizer.as_str());
            spans::well(span);
        }
        // Its reason may repeat what the file says.
        Reading::Unreadable(unreadable) => spans::failed(span, &format!("unreadable: {:?}", unreadable.cause)),
        Reading::Unclaimed(_) => spans::skipped(span),
    }
}

fn mismatch(plugin: &PluginName) -> Broken {
    Broken::new(BrokenKind::Malformed, format!("bound to {plugin}, which does not recognise it"))
}

fn covers_of(plan: &NormalizerPlan, format: &Format) -> Vec<Coverage> {
    plan.formats.iter().find(|(name, _)| *name == format.name).map(|(_, covers)| covers.clone()).unwrap_or_default()
}

fn unreadable(
    artifact: &Artifact,
    format: Option<&Format>,
    covers: Vec<Coverage>,
    broken: &Broken,
) -> UnreadableArtifact {
    let cause = match broken.kind {
        BrokenKind::Malformed | BrokenKind::Unsupported => UnreadableCause::File,
        BrokenKind::Host => UnreadableCause::Outage,
        _ => UnreadableCause::Plugin,
    };
    UnreadableArtifact {
        path: artifact.source.path.clone(),
        digest: Some(artifact.digest),
        format: format.map(|format| format.name.clone()),
        covers,
        reason: broken.message.clone(),
        cause,
        provenance: known_provenance(artifact),
    }
}

/// While nobody knows how far its run can be trusted, a file that cannot be read counts.
fn known_provenance(artifact: &Artifact) -> Option<Provenance> {
    let unread = artifact.source.run.as_ref().is_some_and(|run| run.unread);
    artifact.source.provenance.filter(|_| !unread)
}

fn ambiguous(artifact: &Artifact, claims: &[(&Asked<'_>, Format)]) -> UnreadableArtifact {
    let names: Vec<String> =
        claims.iter().map(|(asked, format)| format!("{} as {}", asked.plan.plugin, format.name)).collect();
    let covers: std::collections::BTreeSet<Coverage> =
        claims.iter().flat_map(|(asked, format)| covers_of(asked.plan, format)).collect();
    UnreadableArtifact {
        path: artifact.source.path.clone(),
        digest: Some(artifact.digest),
        format: None,
        covers: covers.into_iter().collect(),
        reason: format!(
            "claimed by {}; bind it to one of them with plugins.<name>.bind = [\"{}\"]",
            names.join(" and by "),
            artifact.source.path
        ),
        cause: UnreadableCause::Ambiguous,
        provenance: known_provenance(artifact),
    }
}

type ReadingKey = (String, Option<RunId>, Digest);
type Key = [Digest; 2];

/// Everything that a report depends on: the file's bytes and path, the plugin's code, its settings, its limits, the
/// contract (the host's version), the tenant.
fn cache_key(artifact: &Artifact, plugin: &Plugin, settings: &str, tenant: &str) -> Key {
    let rest = serde_json::to_vec(&(
        &artifact.source.path,
        plugin.digest(),
        settings,
        format!("{:?}", plugin.limits()),
        env!("CARGO_PKG_VERSION"),
        tenant,
    ))
    .expect("texts and digests are serializable");
    [artifact.digest, Digest::of(&rest)]
}

#[derive(Debug, Default)]
struct Cache {
    reports: HashMap<Key, Arc<Report>>,
    order: VecDeque<Key>,
    items: usize,
}

impl Cache {
    fn get(&self, key: &Key) -> Option<Arc<Report>> {
        self.reports.get(key).cloned()
    }

    fn put(&mut self, key: Key, report: Arc<Report>) {
        self.items += weight(&report);
        if let Some(replaced) = self.reports.insert(key, report) {
            self.items -= weight(&replaced);
            return;
        }
        self.order.push_back(key);
        while self.items > CACHED_ITEMS && self.order.len() > 1 {
            let oldest = self.order.pop_front().expect("there is more than one");
            if let Some(evicted) = self.reports.remove(&oldest) {
                self.items -= weight(&evicted);
            }
        }
    }
}

fn weight(report: &Report) -> usize {
    1 + report.findings.len() + report.components.len() + report.dependencies.len() + report.vex.len()
}
