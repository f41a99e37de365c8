//! What a call costs before the plugin does anything: a fresh instance, the crossing, an empty verdict. And how late an
//! endless loop is stopped.

mod site;

use palisade::correlate;
use palisade::model::Evidence;
use palisade::model::evidence::Context;
use palisade::runtime::{Call, LimitOverrides, Plugin};
use site::{RUNTIME, TOKIO, milliseconds};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Calls in a row, as one unit of work: in a host the caller is a task too, and not a thread that has to be woken.
const CALLS: usize = 100;
const LATENCIES: usize = 20_000;
const DEADLINE: Duration = Duration::from_millis(100);
const LOOPS: usize = 50;

static EMPTY: LazyLock<Plugin> =
    LazyLock::new(|| site::load("empty", palisade_guests::EVALUATOR, LimitOverrides::default()));

fn main() {
    divan::main();
    latency();
    throughput();
    lateness();
}

#[divan::bench(threads = [1, 2], sample_count = 100, sample_size = 1)]
fn a_hundred_empty_evaluations(bencher: divan::Bencher<'_, '_>) {
    LazyLock::force(&EMPTY);
    bencher.counter(divan::counter::ItemsCount::new(CALLS)).bench(|| {
        TOKIO.block_on(TOKIO.spawn(calls(CALLS))).expect("the task ends");
    });
}

/// How long each of so many calls took.
async fn calls(count: usize) -> Vec<Duration> {
    let (evidence, mut took) = (no_evidence(), Vec::with_capacity(count));
    for _ in 0..count {
        let started = Instant::now();
        let verdict = RUNTIME.evaluate(&Call::new(None, "bench"), &EMPTY, &evidence, "{}").await;
        took.push(started.elapsed());
        divan::black_box(verdict.expect("nothing to complain about"));
    }
    took
}

fn latency() {
    let mut took = TOKIO.block_on(TOKIO.spawn(calls(LATENCIES))).expect("the task ends");
    let (p50, p99) = percentiles(&mut took);
    println!("\nfresh instance and empty evaluate: p50 {:.1} µs, p99 {:.1} µs", p50 * 1_000.0, p99 * 1_000.0);
}

fn throughput() {
    const TASKS: usize = 4;
    let started = Instant::now();
    TOKIO.block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(calls(LATENCIES / TASKS))).collect();
        for task in tasks {
            task.await.expect("the task ends");
        }
    });
    let cores = RUNTIME.statistics().concurrency;
    println!("empty evaluations at once on {cores} cores: {:.0}/s", LATENCIES as f64 / started.elapsed().as_secs_f64());
}

/// All calls are one job's: whoever ran out of time for want of CPU is called once more, and that only once per job.
/// More than one retry shown is a loop that was not stopped in time.
fn lateness() {
    let limits = LimitOverrides { wall: Some(DEADLINE), ..LimitOverrides::default() };
    let endless = site::load("endless", palisade_guests::EVALUATOR, limits);
    let (call, evidence) = (Call::new(None, "bench"), no_evidence());
    let mut late: Vec<Duration> = (0..LOOPS)
        .map(|_| {
            let started = Instant::now();
            let answer = TOKIO.block_on(RUNTIME.evaluate(&call, &endless, &evidence, r#"{"do": "loop"}"#));
            answer.expect_err("an endless loop is stopped");
            started.elapsed().saturating_sub(DEADLINE)
        })
        .collect();
    late.retain(|late| *late < DEADLINE);
    let retried = LOOPS - late.len();
    let (p50, p99) = percentiles(&mut late);
    println!(
        "an endless loop is stopped late by: p50 {p50:.1} ms, p99 {p99:.1} ms, without {retried} retried of {LOOPS}"
    );
}

fn no_evidence() -> Arc<Evidence> {
    Arc::new(correlate::evidence(Context::default(), Vec::new(), Vec::new(), &[]))
}

/// In milliseconds.
fn percentiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort();
    let at = |share: f64| milliseconds(times[((times.len() - 1) as f64 * share).ceil() as usize]);
    (at(0.5), at(0.99))
}
