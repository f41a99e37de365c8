//! The composition root: the only file that names concrete adapters. A list, not logic.

mod greeting;
mod registration;
mod reporting;
mod rotation;
mod setup;
mod wishes;

pub use greeting::{refuses_version, wrong_version};
pub use registration::Registrar;
pub use rotation::{Reloaded, examined as examined_credentials};
pub use setup::{listener_problem, plugins, rules};

use crate::api::{self, Api, Gauges};
use crate::artifacts::{ArtifactStore, Fetcher};
use crate::config::{Addresses, Config};
use crate::github::{BlobHosts, GitHub, GitHubOptions, Pace, Priority, redelivery_window};
use crate::listener::Listener;
use crate::model::event::InstallationEvent;
use crate::model::{Clock, CommitKey, DeliveryId, Event, InstallationId, Job, JobId, JobKind, Trail, Unix};
use crate::pipeline::{Comparer, Judge, MergeGroups, OverlayReader, Pipeline, RerunScope};
use crate::plugins::Catalogue;
use crate::policy::Rules;
use crate::publish::Publisher;
use crate::queue::JobQueue;
use crate::queue::memory::MemoryQueue;
use crate::rego::remote::OpaServer;
use crate::runtime::{Runtime, RuntimeOptions};
use crate::state::State;
use crate::state::memory::MemoryStore;
use crate::state::records::directory::{Bounds, DirectoryRecords};
use crate::state::records::{Records, StoredRecords};
use crate::sweep::{Budget, Deliveries, Reconcile, Sweep};
use crate::telemetry::audit::{Act, Line, tell};
use crate::telemetry::{Metrics, Reports, spans, steps};
use crate::webhook::{self, Accepted, Audit, Intake, WebhookOptions};
use crate::worker::{WorkerOptions, Workers};
use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use reporting::Reporting;
use rotation::Rotation;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::instrument::Instrument as _;

/// The real time.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Unix {
        std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
    }
}

/// What judging needs, with or without GitHub: plugins that loaded, and what plans are made from.
#[derive(Debug)]
pub struct Bench {
    pub runtime: Arc<Runtime>,
    pub catalogue: Arc<Catalogue>,
    pub judge: Judge,
    pub rules: Rules,
    pub metrics: Metrics,
}

/// Loads the plugins and reads the rules. Everything that is wrong is named at once.
pub async fn bench(config: &Config) -> Result<Bench> {
    let metrics = Metrics::new()?;
    let runtime = Arc::new(Runtime::new(runtime_options(config)?)?);
    metrics.engine_pooling.set(i64::from(runtime.statistics().pool_slots.is_some()));
    let plugins = plugins(config)?;
    let catalogue = Arc::new(Catalogue::load(&runtime, plugins, &first_party()).await);
    let (rules, problems) = rules(config, &catalogue);
    if !problems.is_empty() {
        bail!("the configuration cannot be used:\n  {}", problems.join("\n  "));
    }
    let judge = Judge::new(runtime.clone(), catalogue.clone(), metrics.clone());
    Ok(Bench { runtime, catalogue, judge, rules, metrics })
}

pub fn first_party() -> Vec<(&'static str, &'static [u8])> {
    palisade_first_party::all().iter().map(|plugin| (plugin.name, plugin.wasm)).collect()
}

pub fn runtime_options(config: &Config) -> Result<RuntimeOptions> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(RuntimeOptions {
        cache_dir: cache_directory(config),
        concurrency: config.runtime.concurrency.unwrap_or(cores).max(1),
        limits: setup::limits("runtime.limits", &config.runtime.limits)?,
    })
}

/// The configured directory, or the user's cache; an empty path does without.
fn cache_directory(config: &Config) -> Option<PathBuf> {
    match &config.runtime.cache_directory {
        Some(path) if path.as_os_str().is_empty() => None,
        Some(path) => Some(path.clone()),
        None => crate::config::user_cache().map(|cache| cache.join("palisade").join("compiled")),
    }
}

/// A host that listens. Dropping it ends everything at once; [`Host::shut_down`] drains first.
#[derive(Debug)]
pub struct Host {
    pub address: SocketAddr,
    workers: Option<Workers>,
    background: Vec<tokio::task::JoinHandle<()>>,
    stop_serving: watch::Sender<bool>,
    ready: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    rotation: Arc<Rotation>,
    config: Config,
    queue: Arc<dyn JobQueue>,
    sweep: Sweep,
    shared: Shared,
    reporting: Option<Reporting>,
    // The directory of unpacked files lives as long as the host.
    _scratch: Option<tempfile::TempDir>,
}

/// The time, and what other instances share with this one.
#[derive(Clone, Debug)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    /// None: state and queue of its own, in memory. They are as new as the host, and what was accepted before is found on
    /// GitHub.
    pub shared: Option<Shared>,
}

/// What instances share.
#[derive(Clone, Debug)]
pub struct Shared {
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
}

/// Starts the host: refuses with everything that is missing, else listens.
pub async fn serve(config: Config) -> Result<Host> {
    serve_in(config, World { clock: Arc::new(SystemClock), shared: None }).await
}

/// The same in a given world.
pub async fn serve_in(config: Config, world: World) -> Result<Host> {
    let missing = config.missing_for_serve();
    if !missing.is_empty() {
        bail!("cannot start:\n  {}", missing.join("\n  "));
    }
    let World { clock, shared } = world;
    let bench = bench(&config).await?;
    let github = GitHub::new(github_options(&config, clock.clone())?)?;
    greeting::greet(&config, &github).await?;
    let rotation = Arc::new(Rotation::start(&config, github.clone(), clock.clone(), bench.metrics.clone())?);
    let forgot_at = if shared.is_none() { clock.now() } else { 0 };
    let Shared { state, queue } = match shared {
        Some(shared) => shared,
        None => {
            Shared { state: memory_state(&config, &clock)?, queue: Arc::new(memory_queue(&config, &clock, &github)) }
        }
    };
    let (directory, scratch) = artifact_directory(&config)?;
    let fetcher = Arc::new(Fetcher::new(ArtifactStore::open(&directory, Default::default())?));
    let publisher = Publisher {
        clock: clock.clone(),
        github: github.with_priority(Priority::Publish),
        state: state.clone(),
        queue: queue.clone(),
        metrics: bench.metrics.clone(),
        app_id: config.github.app_id,
        comments: config.comments.enabled,
        presentation: setup::presentation(&config),
    };
    let opa_servers = opa_servers(&bench.catalogue);
    let rules = Arc::new(bench.rules);
    let pipeline = Arc::new(Pipeline {
        clock: clock.clone(),
        github: github.clone(),
        state: state.clone(),
        queue: queue.clone(),
        fetcher: fetcher.clone(),
        comparer: Comparer::new(github.clone()),
        attester: setup::attester(&config, &github)?,
        runtime: bench.runtime.clone(),
        catalogue: bench.catalogue,
        judge: bench.judge,
        plan: Arc::new(rules.whole().clone()),
        rules: rules.clone(),
        overlays: OverlayReader::default(),
        seeking: Default::default(),
        rerun_scope: match config.rerun_scope.as_deref() {
            Some("failed") => RerunScope::Failed,
            _ => RerunScope::All,
        },
        merge_groups: match config.merge_groups.as_deref() {
            Some("inherit_if_same_tree") => MergeGroups::InheritIfSameTree,
            _ => MergeGroups::Reevaluate,
        },
        publisher,
        metrics: bench.metrics.clone(),
    });
    let (ready, is_ready) = watch::channel(false);
    let intake: Arc<dyn Intake> = Arc::new(Door {
        queue: queue.clone(),
        state: state.clone(),
        clock: clock.clone(),
        metrics: bench.metrics.clone(),
        app_id: config.github.app_id,
    });
    let options = webhook_options(&config, &rotation, clock.clone());
    let gauges = Arc::new(Totals {
        state: state.clone(),
        github: github.clone(),
        fetcher: fetcher.clone(),
        runtime: bench.runtime.clone(),
    });
    let api = Api {
        state: state.clone(),
        queue: queue.clone(),
        metrics: bench.metrics.clone(),
        gauges,
        ready: is_ready,
        opa_servers,
        pages: config.server.pages,
    };
    let reporting = Reports::new(&config.telemetry)?.map(|reports| Reporting::start(reports, api.clone()));
    let router = webhook::router(intake.clone(), options)
        .merge(api::router(api))
        .layer(axum::middleware::from_fn(webhook::with_request_id));
    let served = Listener::new(router, setup::listener_options(&config, rotation.tls())?, bench.metrics.clone());
    let listener = TcpListener::bind(&config.server.address)
        .await
        .with_context(|| format!("listening on {} (server.address)", config.server.address))?;
    let address = listener.local_addr()?;
    let options = WorkerOptions {
        workers: config.queue.workers,
        attempts: config.queue.attempts,
        retry_base: config.queue.retry_base,
    };
    let metrics = bench.metrics;
    let workers = Workers::start(queue.clone(), pipeline, metrics.clone(), &options);
    let github = github.with_priority(Priority::Sweep);
    let shared = Shared { state: state.clone(), queue: queue.clone() };
    let sweep =
        sweep(&config, Sweeping { github, intake, rules, clock, state, queue: queue.clone(), metrics, forgot_at });
    let watching = rotation.clone().watch(config.server.reload_interval);
    let background = vec![tokio::spawn(sweep.clone().run()), tokio::spawn(watching)];
    let (stop_serving, stopped) = watch::channel(false);
    let server = tokio::spawn(served.run(listener, stopped));
    ready.send_replace(true);
    tracing::info!(%address, "listening");
    tell(Act::Start, &Line { result: "listening", ..Line::default() });
    Ok(Host {
        address,
        workers: Some(workers),
        background,
        stop_serving,
        ready,
        server,
        rotation,
        config,
        queue,
        sweep,
        shared,
        reporting,
        _scratch: scratch,
    })
}

/// What the sweeps are made of.
struct Sweeping {
    github: GitHub,
    intake: Arc<dyn Intake>,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
    state: State,
    queue: Arc<dyn JobQueue>,
    metrics: Metrics,
    forgot_at: Unix,
}

fn sweep(config: &Config, with: Sweeping) -> Sweep {
    let Sweeping { github, intake, rules, clock, state, queue, metrics, forgot_at } = with;
    Sweep {
        deliveries: Deliveries {
            github: github.clone(),
            intake,
            queue: queue.clone(),
            state: state.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            window: redelivery_window(&config.github.base_url),
            forgot_at: Arc::new(AtomicU64::new(forgot_at)),
        },
        reconcile: Reconcile {
            github,
            queue: queue.clone(),
            state: state.clone(),
            clock: clock.clone(),
            rules,
            metrics,
            budget: Arc::new(Budget::of_percent(config.sweeps.budget_percent)),
            every: config.sweeps.reconcile_every,
            most_waiting: config.queue.capacity / 2,
            app_id: config.github.app_id,
            left: Arc::default(),
        },
        state,
        queue,
        clock,
        reconciled: watch::Sender::new(false),
        looking: Arc::default(),
        keeping_house: Arc::default(),
    }
}

fn memory_queue(config: &Config, clock: &Arc<dyn Clock>, github: &GitHub) -> MemoryQueue {
    let queue = MemoryQueue::new(clock.clone(), config.queue.capacity, config.queue.coalesce);
    queue.knowing_deliveries_for(redelivery_window(&config.github.base_url)).under(Arc::new(github.clone()))
}

fn memory_state(config: &Config, clock: &Arc<dyn Clock>) -> Result<State> {
    let store = MemoryStore::new(clock.clone(), config.state.max_entries, config.state.max_bytes);
    let baselines =
        MemoryStore::new(clock.clone(), config.state.max_entries, config.state.baselines_max_bytes).evicting();
    Ok(State::new(Arc::new(store), records(config, clock)?, Arc::new(baselines), config.state.expiry))
}

fn records(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Records>> {
    let Some(directory) = &config.records.directory else {
        let store = MemoryStore::new(clock.clone(), config.state.max_entries, config.state.records_max_bytes);
        return Ok(Arc::new(StoredRecords::new(Arc::new(store.evicting()), config.state.expiry)));
    };
    let bounds = Bounds { max_age: config.records.max_age, max_bytes: config.records.max_bytes };
    Ok(Arc::new(DirectoryRecords::open(directory, bounds, clock.clone())?))
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end_at_once();
    }
}

impl Host {
    /// Ends everything where it stands, as a crash would.
    pub fn end_at_once(&mut self) {
        self.server.abort();
        self.background.iter().for_each(tokio::task::JoinHandle::abort);
        self.workers = None;
    }

    /// What another instance needs to work beside this one.
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Where it is reached, for people.
    pub fn url(&self) -> String {
        let scheme = if self.config.server.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Reads secrets, keys and certificates again, as SIGHUP asks for. Nothing else is.
    pub async fn reload(&self) -> Reloaded {
        self.rotation.reload().await
    }

    /// Waits until no job waits and none is at work.
    pub async fn idle(&self) {
        self.queue.idle().await;
    }

    /// Waits until the open pull requests were looked at, as every start does.
    pub async fn reconciled(&self) {
        // The sender lives as long as the host.
        let _ = self.sweep.reconciled.subscribe().wait_for(|done| *done).await;
    }

    /// Looks now at the deliveries, at what is due, and at every open pull request.
    pub async fn reconcile_now(&self) -> Result<()> {
        self.sweep.look_now().await?;
        self.sweep.once().await
    }

    /// Looks now at what the sweep looks at every minute.
    pub async fn sweep_now(&self) -> Result<()> {
        self.sweep.once().await
    }

    /// Looks now at the deliveries that did not arrive.
    pub async fn redeliver_now(&self) -> Result<()> {
        self.sweep.redeliver_now().await
    }

    /// Does what the sweeps would do by the clock now.
    pub async fn sweep_what_is_due(&self) -> Result<()> {
        self.sweep.once().await?;
        self.sweep.look_if_due().await
    }

    /// Refuses new webhooks, lets jobs at work end, stops. Returns how many jobs were cut off or never begun.
    pub async fn shut_down(mut self) -> usize {
        self.ready.send_replace(false);
        self.stop_serving.send_replace(true);
        let started = Instant::now();
        if let Some(workers) = self.workers.take() {
            workers.drain(self.config.server.drain).await;
        }
        // Webhooks that are being read get their answer.
        let rest = self.config.server.drain.saturating_sub(started.elapsed()).max(Duration::from_secs(1));
        if tokio::time::timeout(rest, &mut self.server).await.is_err() {
            tracing::warn!("connections were cut off");
        }
        if let Some(reporting) = self.reporting.take() {
            reporting.end(rest).await;
        }
        tell(Act::Stop, &Line { result: "drained", ..Line::default() });
        let depth = self.queue.depth().await;
        depth.waiting + depth.running
    }
}

/// One server is `opa`, as Polly names it; of several each has the name of its plugin as well.
fn opa_servers(catalogue: &Catalogue) -> Vec<(String, OpaServer)> {
    let mut by_url: BTreeMap<&str, (String, OpaServer)> = BTreeMap::new();
    for (plugin, server) in catalogue.servers() {
        by_url.entry(server.url()).or_insert_with(|| (format!("opa:{plugin}"), server.clone()));
    }
    let alone = by_url.len() == 1;
    by_url.into_values().map(|(name, server)| (if alone { "opa".to_owned() } else { name }, server)).collect()
}

/// As the App.
pub fn github_options(config: &Config, clock: Arc<dyn Clock>) -> Result<GitHubOptions> {
    Ok(GitHubOptions { private_keys: config.private_keys()?, ..visitor_options(config, clock)? })
}

/// As whoever the personal token belongs to, or as nobody without one.
pub fn visitor_options(config: &Config, clock: Arc<dyn Clock>) -> Result<GitHubOptions> {
    if let Some(problem) = config.unreachable().into_iter().next() {
        bail!("{problem}");
    }
    Ok(GitHubOptions {
        api_url: Addresses::parse(&config.github.base_url)?.api,
        app_id: config.github.app_id,
        client_id: config.github.client_id.clone(),
        private_keys: Vec::new(),
        personal_token: config.github.token.clone().filter(|token| !config.names_app() && !token.is_empty()),
        user_agent: format!("palisade/{}", env!("CARGO_PKG_VERSION")),
        api_version: config.github.api_version.clone(),
        blob_hosts: BlobHosts::PublicAnd(config.github.artifact_hosts.clone()),
        ca_file: config.github.ca_file.clone(),
        proxies: config.proxies.clone(),
        pace: Pace {
            read_timeout: config.github.timeout,
            retry_base: config.github.retry_base,
            write_spacing: config.github.write_spacing,
            ..Pace::default()
        },
        clock,
    })
}

fn artifact_directory(config: &Config) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    match &config.artifacts.directory {
        Some(directory) => Ok((directory.clone(), None)),
        None => {
            let scratch = tempfile::Builder::new()
                .prefix("palisade-artifacts-")
                .tempdir()
                .context("making a directory for artifacts; name one with artifacts.directory")?;
            Ok((scratch.path().to_owned(), Some(scratch)))
        }
    }
}

fn webhook_options(config: &Config, rotation: &Rotation, clock: Arc<dyn Clock>) -> WebhookOptions {
    WebhookOptions {
        secrets: rotation.webhook_secrets(),
        allow_unsigned: config.github.allow_unsigned_webhooks,
        installation: config.github.installation_id.filter(|id| *id != 0).map(InstallationId),
        body_timeout: config.server.body_timeout,
        clock,
    }
}

/// Where deliveries become jobs.
#[derive(Debug)]
struct Door {
    queue: Arc<dyn JobQueue>,
    state: State,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    app_id: u64,
}

impl Door {
    async fn note(&self, event: &InstallationEvent) -> Accepted {
        match self.state.note_installation(event).await {
            Ok(()) => Accepted::Noted,
            Err(error) => {
                tracing::error!(%error, "a change of an installation could not be stored");
                Accepted::Unavailable
            }
        }
    }
}

#[async_trait]
impl Intake for Door {
    async fn accept(&self, delivery: DeliveryId, event: Event, trail: Trail) -> Accepted {
        let Some(span) = steps::arrival(&event) else { return Accepted::Ignored };
        let inner = steps::suite_action(&event).unwrap_or_else(tracing::Span::none);
        let accepting = self.enqueue(delivery, event, trail).instrument(inner.clone()).instrument(span.clone());
        let accepted = accepting.await;
        for span in [inner, span] {
            match &accepted {
                Accepted::Queued(_) | Accepted::Noted => spans::well(&span),
                Accepted::Duplicate | Accepted::Ignored => spans::skipped(&span),
                Accepted::Full { .. } => spans::failed(&span, &"the queue is full"),
                Accepted::Unavailable => spans::failed(&span, &"the queue or the store is unavailable"),
            }
        }
        accepted
    }

    fn observe(&self, audit: &Audit) {
        self.metrics.delivery(audit.event.as_deref(), audit.result);
        if let Some(slot) = audit.secret_slot {
            self.metrics.webhook_secret_matches.with_label_values(&[&slot.to_string()]).inc();
        }
    }
}

impl Door {
    async fn enqueue(&self, delivery: DeliveryId, event: Event, trail: Trail) -> Accepted {
        let (origin, sha, kind) = match event {
            Event::PullRequest(event) => {
                (event.origin.clone(), event.pull_request.head_sha.clone(), JobKind::PullRequest(event))
            }
            Event::WorkflowRun(event) => {
                (event.origin.clone(), event.run.head_sha.clone(), JobKind::WorkflowRun(event))
            }
            // Whatever happens to the check runs of other Apps is their business.
            Event::CheckRun(event) if event.app_id == Some(self.app_id) => {
                (event.origin.clone(), event.head_sha.clone(), JobKind::CheckRun(event))
            }
            Event::CheckSuite(event) if event.app_id == Some(self.app_id) => {
                (event.origin.clone(), event.head_sha.clone(), JobKind::CheckSuite(event))
            }
            Event::MergeGroup(event) => {
                (event.origin.clone(), event.group.head_sha.clone(), JobKind::MergeGroup(event))
            }
            Event::Push(event) => (event.origin.clone(), event.head_sha.clone(), JobKind::Push(event)),
            Event::Installation(event) => return self.note(&event).await,
            Event::CheckRun(_) | Event::CheckSuite(_) | Event::Ping | Event::Other { .. } => return Accepted::Ignored,
        };
        let job = Job {
            id: JobId(uuid::Uuid::now_v7().to_string()),
            commit: CommitKey { installation: origin.installation, repository: origin.repository, sha },
            kind,
            now: self.clock.now(),
            delivery: Some(delivery.clone()),
            trail,
            attempt: 0,
        };
        let wish = wishes::wish(&job);
        match self.queue.accept(delivery, job).await {
            Ok(crate::queue::Accepted::Queued(id)) => {
                if let Some(wish) = wish {
                    wish.tell();
                }
                Accepted::Queued(id)
            }
            Ok(crate::queue::Accepted::Duplicate) => Accepted::Duplicate,
            Ok(crate::queue::Accepted::Full { retry_after_s }) => Accepted::Full { retry_after_s },
            Err(error) => {
                tracing::error!(%error, "a delivery could not be queued");
                Accepted::Unavailable
            }
        }
    }
}

#[derive(Debug)]
struct Totals {
    state: State,
    github: GitHub,
    fetcher: Arc<Fetcher>,
    runtime: Arc<Runtime>,
}

impl Gauges for Totals {
    fn fill(&self, metrics: &Metrics) {
        let budget = self.github.budget();
        let figures = [
            ("limited_installations", budget.limited_installations),
            ("lowest_percent_left", budget.lowest_percent_left),
            ("calls_under_way", budget.calls_under_way),
            ("calls_waiting", budget.calls_waiting),
        ];
        for (name, value) in figures {
            metrics.github_budget.with_label_values(&[name]).set(value as i64);
        }
        let runtime = self.runtime.statistics();
        let (exported, dropped) = crate::telemetry::span_counts();
        let (bytes, files) = self.fetcher.store().usage();
        let totals = self.github.counters().totals().into_iter().chain([
            ("artifact_bytes", bytes),
            ("artifact_files", files as u64),
            ("compiled_code_hits", runtime.cache.hits),
            ("compiled_code_misses", runtime.cache.misses),
            ("compiled_code_rejected", runtime.cache.rejected),
            ("private_key_slot", self.github.private_key_slot() as u64),
            ("open_circuits", runtime.open_circuits as u64),
            ("guest_calls_in_flight", runtime.calls_in_flight as u64),
            ("spans_exported", exported),
            ("spans_dropped", dropped),
        ]);
        for (name, value) in totals {
            metrics.total(name, value);
        }
        for (plugin, spent) in &runtime.spent {
            metrics.plugin_cpu_seconds.with_label_values(&[plugin.as_str()]).set(spent.cpu.as_secs_f64());
            metrics.plugin_memory_peak_bytes.with_label_values(&[plugin.as_str()]).set(spent.peak_memory as i64);
        }
        for (store, entries, bytes) in self.state.sizes() {
            metrics.store_entries.with_label_values(&[store]).set(entries as i64);
            metrics.store_bytes.with_label_values(&[store]).set(bytes as i64);
        }
    }
}
