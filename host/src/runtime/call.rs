//! One call of a plugin: a fresh instance under a permit, watched by the clock, and what came of it. A call that ran out
//! of time without having had its CPU time is made once more. Nothing outlives the call but its answer.

use super::limits::{self, Limits};
use super::outcome::{Ended, LimitName, classify};
use super::state::{CpuMeter, State};
use super::{Call, Plugin, Runtime, Spent};
use crate::model::ids::Unix;
use crate::model::{Broken, BrokenKind, PluginName};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Engine, Store, UpdateDeadline};

/// One of the functions that plugins export, with its arguments. Entered once, or twice after a timeout under load.
pub trait Entry: Send + Sync + 'static {
    type Answer: Send + 'static;

    /// The only time that the guest sees. Reports are cached by content, so a normalizer's clock stands at zero.
    fn now(&self) -> Unix {
        0
    }

    fn enter(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> impl Future<Output = wasmtime::Result<Self::Answer>> + Send;
}

/// Where a call runs. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    pub engine: Engine,
    /// At most as many guest calls as there are cores.
    pub permits: Arc<Semaphore>,
    pub meters: Arc<Meters>,
}

/// What each plugin's calls have used since the start.
#[derive(Debug, Default)]
pub struct Meters(Mutex<BTreeMap<PluginName, Spent>>);

impl Meters {
    pub fn spent(&self) -> BTreeMap<PluginName, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, plugin: &PluginName, cpu: Duration, peak_memory: u64) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = spent.entry(plugin.clone()).or_default();
        spent.cpu += cpu;
        spent.peak_memory = spent.peak_memory.max(peak_memory);
    }
}

/// What a call needs of its plugin.
#[derive(Clone)]
pub struct Template {
    pub name: PluginName,
    pub pre: InstancePre<State>,
    pub limits: Arc<Limits>,
    pub seed: Arc<[u8]>,
}

impl Runtime {
    /// Calls a plugin, with one more try if the machine was too busy for the first.
    pub(super) async fn enter<E: Entry>(&self, call: &Call, plugin: &Plugin, entry: E) -> Result<E::Answer, Broken> {
        let entry = Arc::new(entry);
        let template = plugin.template();
        let first = attempt(&self.0.site, template, &entry, Patience::Wall).await;
        let ended = match first {
            Err(Failed::Starved) if call.may_retry(plugin.name()) => {
                tracing::info!(plugin = %plugin.name(), "a plugin ran out of time while the machine was busy; trying once more");
                attempt(&self.0.site, template, &entry, Patience::Cpu).await
            }
            first => first,
        };
        ended.map_err(|failed| failed.broken(template))
    }
}

/// Calls a plugin that nobody judges by yet: once, with the patience of a retry.
pub async fn enter_at_load<E: Entry>(site: &Site, template: &Template, entry: E) -> Result<E::Answer, Broken> {
    attempt(site, template, &Arc::new(entry), Patience::Cpu).await.map_err(|failed| failed.broken(template))
}

/// Which clock ends a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Wall time.
    Wall,
    /// The guest's own CPU time, and wall time some times as long.
    Cpu,
}

/// Why there is no answer.
enum Failed {
    /// Out of wall time, without having had its CPU time: says nothing of the plugin.
    Starved,
    Ended(Ended, String),
    /// A function of ours, or a library below it, panicked over what the plugin handed it.
    Panicked(String),
}

impl Failed {
    fn broken(self, template: &Template) -> Broken {
        let plugin = &template.name;
        match self {
            Failed::Starved => LimitName::Wall.broken(plugin, &template.limits),
            Failed::Ended(Ended::Limit(limit), _) => limit.broken(plugin, &template.limits),
            Failed::Panicked(words) => {
                let mut sentence = format!("`{plugin}` made a function of the host panic: {words}");
                super::builder::shorten(&mut sentence, template.limits.texts.message);
                Broken::new(BrokenKind::Trap, sentence)
                    .hint("report this to the authors of Palisade, with the artifact")
            }
            Failed::Ended(Ended::Other(kind, message), last_words) => {
                let did = match kind {
                    BrokenKind::Trap => "trapped",
                    BrokenKind::Abi => "broke the contract's calling convention",
                    _ => "could not be called",
                };
                let mut sentence = format!("`{plugin}` {did}: {message}");
                if !last_words.is_empty() {
                    sentence = format!("{sentence}; it last wrote: {last_words}");
                }
                super::builder::shorten(&mut sentence, template.limits.texts.message);
                let broken = Broken::new(kind, sentence);
                match kind {
                    BrokenKind::Host => broken.hint("run the check again; if it stays, see the host's log"),
                    _ => broken.hint(format!("report this to the authors of `{plugin}`, with the artifact")),
                }
            }
        }
    }
}

/// Ends its task when nobody waits for it any more.
struct Attached<T>(JoinHandle<T>);

impl<T> Drop for Attached<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn attempt<E: Entry>(
    site: &Site,
    template: &Template,
    entry: &Arc<E>,
    patience: Patience,
) -> Result<E::Answer, Failed> {
    let permit = Arc::clone(&site.permits).acquire_owned().await;
    let permit = permit.map_err(|_| host("the host is shutting down"))?;
    let (site, template, entry) = (site.clone(), template.clone(), Arc::clone(entry));
    // A task of its own, so that calls of one job run on different cores. The permit goes with the work.
    let mut task = Attached(tokio::spawn(async move {
        let answer = run(&site, &template, &*entry, patience).await;
        drop(permit);
        answer
    }));
    match (&mut task.0).await {
        Ok(answer) => answer,
        Err(error) => Err(died(error)),
    }
}

/// Why a call's task ended without an answer. Somebody's plugin or artifact can make us panic, so that is no outage.
fn died(error: JoinError) -> Failed {
    match error.try_into_panic() {
        Ok(payload) => {
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            Failed::Panicked(text.unwrap_or("it left no word").to_owned())
        }
        Err(error) => host(&format!("the call was given up: {error}")),
    }
}

fn host(message: &str) -> Failed {
    Failed::Ended(Ended::Other(BrokenKind::Host, message.to_owned()), String::new())
}

async fn run<E: Entry>(site: &Site, template: &Template, entry: &E, patience: Patience) -> Result<E::Answer, Failed> {
    let meter = Arc::new(CpuMeter::default());
    let deadline = match patience {
        Patience::Wall => template.limits.wall,
        Patience::Cpu => template.limits.wall.saturating_mul(limits::RETRY_PATIENCE),
    };
    let mut store = store(&site.engine, template, entry.now(), Watch { meter: Arc::clone(&meter), deadline });
    let entered = async {
        let instance = template.pre.instantiate_async(&mut store).await?;
        entry.enter(&mut store, &instance).await
    };
    // The epochs end what computes, this ends what waits; the grace lets the epochs be first.
    let entered =
        tokio::time::timeout(deadline + 3 * limits::TICK, Metered { inner: Box::pin(entered), meter: &meter }).await;
    let state = store.data();
    site.meters.add(&template.name, meter.spent(), state.usage.peak_memory);
    forward_output(state);
    let ended = match entered {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => classify(&error, state.usage.refused),
        Err(_) => Ended::Limit(LimitName::Wall),
    };
    let own_time = template.limits.wall.mul_f64(limits::OWN_TIME_SHARE);
    match ended {
        Ended::Limit(LimitName::Wall) if meter.spent() < own_time => Err(Failed::Starved),
        ended => Err(Failed::Ended(ended, last_words(state))),
    }
}

/// What the epoch's callback looks at.
struct Watch {
    meter: Arc<CpuMeter>,
    deadline: Duration,
}

fn store(engine: &Engine, template: &Template, now: Unix, watch: Watch) -> Store<State> {
    let limits = Arc::clone(&template.limits);
    let cpu_limit = limits.wall;
    let mut store = Store::new(engine, State::new(template.name.clone(), limits, now, &template.seed));
    store.limiter(|state| &mut state.usage);
    store.set_hostcall_fuel(usize::try_from(template.limits.hostcall_bytes).unwrap_or(usize::MAX));
    store.set_max_component_handles(usize::try_from(template.limits.handles).unwrap_or(usize::MAX));
    let began = Instant::now();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let over = began.elapsed() >= watch.deadline || watch.meter.spent_so_far() >= cpu_limit;
        // Other calls and tasks on this thread get their turn at each tick.
        Ok(if over { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
    store
}

/// Counts the CPU time of each poll.
struct Metered<'a, F> {
    inner: Pin<Box<F>>,
    meter: &'a CpuMeter,
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.meter.begin();
        let polled = self.inner.as_mut().poll(context);
        self.meter.end();
        polled
    }
}

fn forward_output(state: &State) {
    let plugin = &state.plugin;
    for (stream, output) in [("stdout", &state.stdout), ("stderr", &state.stderr)] {
        let (text, dropped) = output.text();
        if !text.is_empty() {
            tracing::debug!(%plugin, stream, dropped, "{}", text.trim_end());
        }
    }
    if state.log.dropped > 0 {
        tracing::debug!(%plugin, dropped = state.log.dropped, "a plugin logged more than is kept");
    }
}

/// What a guest said before it ended: Rust's panic message or Python's exception on stderr, else the last error that it
/// logged, which is where an OPA policy says why it aborts.
fn last_words(state: &State) -> String {
    let (text, _) = state.stderr.text();
    let text = if text.trim().is_empty() { state.last_error.clone() } else { text };
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    super::builder::shorten(&mut words, state.limits.texts.title);
    words
}

#[cfg(test)]
mod tests {
    use super::super::engine::Machine;
    use super::*;
    use crate::model::PluginName;
    use wasmtime::component::{Component, Linker};

    /// A component that holds nothing.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    /// A host function over which a library of ours panics.
    struct Panicking;

    impl Entry for Panicking {
        type Answer = ();

        async fn enter(&self, _: &mut Store<State>, _: &Instance) -> wasmtime::Result<()> {
            panic!("index {} out of bounds", 7)
        }
    }

    #[tokio::test]
    async fn a_library_of_the_host_that_a_plugin_makes_panic_is_the_plugins_failure_and_no_outage() {
        let engine = Machine::start(1).unwrap().engine;
        let component = Component::new(&engine, EMPTY).unwrap();
        let template = Template {
            name: PluginName::parse("scan").unwrap(),
            pre: Linker::new(&engine).instantiate_pre(&component).unwrap(),
            limits: Arc::new(Limits::default()),
            seed: [].into(),
        };
        let site = Site { engine, permits: Arc::new(Semaphore::new(1)), meters: Arc::default() };
        let broken = enter_at_load(&site, &template, Panicking).await.unwrap_err();
        assert_eq!(broken.kind, BrokenKind::Trap);
        assert_eq!(broken.message, "`scan` made a function of the host panic: index 7 out of bounds");
        assert_eq!(site.permits.available_permits(), 1, "the place is given back");
    }
}
