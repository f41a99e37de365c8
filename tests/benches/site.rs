//! Where plugins run in benchmarks: one runtime without a disk cache, and limits that a busy machine does not reach.
#![allow(dead_code)] // reason: each benchmark is a crate of its own and uses a part

use palisade::artifacts;
use palisade::model::artifact::Source;
use palisade::model::{Artifact, Digest, PluginName, Report};
use palisade::runtime::{Call, LimitOverrides, Plugin, PluginOptions, Runtime, RuntimeOptions};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

pub static TOKIO: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Runtime::new().expect("threads can be started"));
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new(RuntimeOptions::default()).expect("the engine starts"));

/// One of the plugins that come with the host, allowed as many records as a document of 50 MB holds.
pub fn first_party(name: &str) -> Plugin {
    let limits = LimitOverrides {
        wall: Some(Duration::from_secs(60)),
        memory: Some(512 * MIB),
        report: Some(512 * MIB),
        findings: Some(200_000),
        components: Some(200_000),
        dependencies: Some(400_000),
        ..LimitOverrides::default()
    };
    let plugin = palisade_first_party::all().iter().find(|plugin| plugin.name == name);
    load(name, plugin.expect("it comes with the host").wasm, limits)
}

pub fn load(name: &str, wasm: &[u8], limits: LimitOverrides) -> Plugin {
    let options = PluginOptions { limits, ..PluginOptions::default() };
    let name = PluginName::parse(name).expect("a valid name");
    TOKIO.block_on(RUNTIME.load(&name, wasm, &options)).expect("the plugin loads")
}

pub fn artifact(bytes: Vec<u8>) -> Artifact {
    let source = Source { path: "scan/report.json".to_owned(), ..Source::default() };
    Artifact { source, digest: Digest::of(&bytes), outline: artifacts::outline(&bytes), bytes: bytes.into() }
}

pub fn normalize(plugin: &Plugin, artifact: &Artifact) -> Report {
    let call = Call::new(None, "bench");
    TOKIO.block_on(RUNTIME.normalize(&call, plugin, artifact, "{}")).expect("generated documents are sound")
}

/// The fastest of some runs: on a machine that others use too, the one that they disturbed least.
pub fn fastest(tries: usize, mut work: impl FnMut()) -> Duration {
    let timed = (0..tries).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    timed.min().unwrap_or_default()
}

pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
