//! Runs plugins: untrusted WebAssembly components behind limits, a fresh instance for each call. What goes wrong in a
//! plugin comes back as a [`Broken`], never as an error or a panic. Never talks to GitHub, never reads a plugin's file,
//! never decides what a verdict means for a check.

mod breaker;
mod builder;
mod cache;
mod call;
mod compile;
mod contract;
mod convert;
mod engine;
mod functions;
mod host;
mod imports;
mod judge;
pub mod limits;
mod linker;
mod load;
mod outcome;
mod state;
mod structure;
mod verdict;

pub use cache::CacheCounters;
pub use imports::{ImportClass, Imports, Inspection};
pub use limits::{LimitOverrides, Limits};

use crate::model::report::{Coverage, Properties};
use crate::model::{Broken, BrokenKind, Digest, InstallationId, PluginName};
use breaker::{Breaker, Ending};
use call::{Entry, Site, Template};
use host::Shelf;
use load::Exports;
use state::State;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::component::Linker;

/// What a runtime is made with.
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// Where compiled code is kept; absent means nowhere.
    pub cache_dir: Option<PathBuf>,
    /// Guest calls at once; 0 means as many as there are cores.
    pub concurrency: usize,
    /// What a plugin may use where its own options say nothing.
    pub limits: Limits,
}

/// What the operator says about one plugin.
#[derive(Clone, Debug, Default)]
pub struct PluginOptions {
    pub limits: LimitOverrides,
    pub grants: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginKind {
    Normalizer,
    Evaluator,
}

impl std::fmt::Display for PluginKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PluginKind::Normalizer => "a normalizer",
            PluginKind::Evaluator => "an evaluator",
        })
    }
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    pub name: String,
    pub version: String,
    pub description: String,
    pub homepage: Option<String>,
    /// JSON Schema of the settings.
    pub settings_schema: Option<String>,
    pub formats: Vec<FormatInfo>,
    pub reads: Vec<Coverage>,
    pub properties: Properties,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatInfo {
    pub name: String,
    /// What an unreadable file of it would have covered; empty means anything.
    pub covers: Vec<Coverage>,
}

/// A plugin's objection to its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// JSON pointer into the settings; empty for the whole.
    pub pointer: String,
    pub message: String,
}

/// A loaded plugin. Cloning shares it.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    template: Template,
    digest: Digest,
    kind: PluginKind,
    info: PluginInfo,
    imports: Imports,
    common: Arc<contract::guest::plugin::GuestIndices>,
    exports: Exports,
}

impl Plugin {
    fn new(loaded: Loaded) -> Self {
        Self(Arc::new(loaded))
    }
    fn loaded(&self) -> &Loaded {
        &self.0
    }
    fn template(&self) -> &Template {
        &self.0.template
    }
    /// The operator's name for it.
    pub fn name(&self) -> &PluginName {
        &self.0.template.name
    }
    pub fn digest(&self) -> Digest {
        self.0.digest
    }
    pub fn kind(&self) -> PluginKind {
        self.0.kind
    }
    pub fn info(&self) -> &PluginInfo {
        &self.0.info
    }
    pub fn imports(&self) -> &Imports {
        &self.0.imports
    }
    pub fn limits(&self) -> &Limits {
        &self.0.template.limits
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plugin({} {})", self.name(), self.digest().short())
    }
}

/// Who calls, one per job: remembers which plugins already had their second try.
#[derive(Debug, Default)]
pub struct Call {
    installation: Option<InstallationId>,
    job: String,
    retried: Mutex<HashSet<PluginName>>,
}

impl Call {
    /// Without an installation (the command line) no circuit breaker watches.
    pub fn new(installation: Option<InstallationId>, job: &str) -> Self {
        Self { installation, job: job.to_owned(), retried: Mutex::default() }
    }

    fn may_retry(&self, plugin: &PluginName) -> bool {
        self.retried.lock().unwrap_or_else(PoisonError::into_inner).insert(plugin.clone())
    }
}

/// How calls ended since the start, for metrics and `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Whether instances come from the pool, and how many at once.
    pub pool_slots: Option<usize>,
    pub concurrency: usize,
    pub calls_in_flight: usize,
    pub cache: CacheCounters,
    pub open_circuits: usize,
    /// Calls by plugin and outcome: `ok` or the word of a [`BrokenKind`].
    pub calls: BTreeMap<(PluginName, &'static str), u64>,
    /// Limits that were reached, by plugin and limit.
    pub limit_hits: BTreeMap<(PluginName, String), u64>,
    /// Processor time and memory, by plugin.
    pub spent: BTreeMap<PluginName, Spent>,
}

/// What a plugin's calls have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub cpu: Duration,
    /// The most linear memory that one call has had, in bytes.
    pub peak_memory: u64,
}

#[derive(Debug, Default)]
struct Counts {
    calls: BTreeMap<(PluginName, &'static str), u64>,
    limit_hits: BTreeMap<(PluginName, String), u64>,
}

/// The engine and everything that all plugins share. Cloning shares it.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

struct Shared {
    site: Site,
    linker: Linker<State>,
    limits: Limits,
    cache: Arc<cache::Cache>,
    compiler: compile::Compiler,
    functions: Arc<functions::Functions>,
    breaker: Breaker,
    shelf: Arc<Shelf>,
    counts: Mutex<Counts>,
    pool_slots: Option<usize>,
    concurrency: usize,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("concurrency", &self.0.concurrency)
            .field("pool_slots", &self.0.pool_slots)
            .finish()
    }
}

impl Runtime {
    pub fn new(options: RuntimeOptions) -> anyhow::Result<Self> {
        let wanted = match options.concurrency {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            calls => calls,
        };
        let machine = engine::Machine::start(wanted)?;
        let concurrency = machine.pool_slots.map_or(wanted, |slots| slots.min(wanted));
        let linker =
            linker::linker(&machine.engine).map_err(|error| anyhow::anyhow!("linking the contract: {error:#}"))?;
        let cache = cache::Cache::open(options.cache_dir.as_deref(), &machine.engine);
        Ok(Self(Arc::new(Shared {
            site: Site {
                engine: machine.engine,
                permits: Arc::new(Semaphore::new(concurrency)),
                meters: Arc::default(),
            },
            linker,
            limits: options.limits,
            cache: Arc::new(cache),
            compiler: compile::Compiler::default(),
            functions: machine.functions,
            breaker: Breaker::default(),
            shelf: Arc::default(),
            counts: Mutex::default(),
            pool_slots: machine.pool_slots,
            concurrency,
        })))
    }

    /// Gives back what was only kept to compile the next plugin faster.
    pub fn all_loaded(&self) {
        self.0.functions.forget();
    }

    pub fn statistics(&self) -> Statistics {
        let counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Statistics {
            pool_slots: self.0.pool_slots,
            concurrency: self.0.concurrency,
            calls_in_flight: self.0.concurrency.saturating_sub(self.0.site.permits.available_permits()),
            cache: self.0.cache.counters(),
            open_circuits: self.0.breaker.open_count(),
            calls: counts.calls.clone(),
            limit_hits: counts.limit_hits.clone(),
            spent: self.0.site.meters.spent(),
        }
    }

    /// How long jobs of this installation that need this plugin should wait.
    pub fn blocked(&self, installation: InstallationId, plugin: &Plugin) -> Option<Duration> {
        self.0.breaker.blocked((installation, plugin.digest()))
    }

    /// Until when the circuit of this plugin is open for this installation.
    pub fn breaker_open_until(&self, installation: InstallationId, plugin: &Plugin) -> Option<Instant> {
        self.0.breaker.open_until((installation, plugin.digest()))
    }

    /// A call that the circuit breaker watches and that is counted. `judge` looks at the answer after the guest is gone.
    async fn guarded<E: Entry, T>(
        &self,
        call: &Call,
        plugin: &Plugin,
        entry: E,
        judge: impl FnOnce(E::Answer) -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        let admission =
            match call.installation.map(|installation| self.0.breaker.admit((installation, plugin.digest()))) {
                Some(Err(wait)) => return Err(circuit_open(plugin, wait)),
                Some(Ok(admission)) => Some(admission),
                None => None,
            };
        let answer = self.enter(call, plugin, entry).await.and_then(judge);
        self.count(plugin.name(), answer.as_ref().err());
        if let Err(broken) = &answer {
            tracing::debug!(plugin = %plugin.name(), job = call.job, kind = %broken.kind, "{}", broken.message);
        }
        if let Some(admission) = admission {
            admission.ended(match &answer {
                Ok(_) => Ending::Answered,
                Err(broken) if broken.counts_for_breaker() => Ending::Broken,
                Err(_) => Ending::Neutral,
            });
        }
        answer
    }

    fn count(&self, plugin: &PluginName, broken: Option<&Broken>) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = broken.map_or("ok", |broken| broken.kind.word());
        *counts.calls.entry((plugin.clone(), outcome)).or_default() += 1;
        if let Some(limit) = broken.and_then(|broken| broken.limit.clone()) {
            *counts.limit_hits.entry((plugin.clone(), limit)).or_default() += 1;
        }
    }
}

fn circuit_open(plugin: &Plugin, wait: Duration) -> Broken {
    let message = format!(
        "`{}` broke {} times in a row and rests for {} s",
        plugin.name(),
        limits::BREAKER_CALLS,
        wait.as_secs().max(1)
    );
    Broken::new(BrokenKind::Host, message)
        .limit("breaker")
        .hint("run the check again later; what broke is in the checks before this one")
}
