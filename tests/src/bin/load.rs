//! `cargo xtask bench load`: sends signed deliveries to a running host at a steady rate and prints what came of it.
//!
//! The load is honest: padded `pull_request` and `workflow_run` bodies that are acted on, distinct GUIDs, 200
//! repositories, ten deliveries per head, workers running against a GitHub that answers. Latency counts from the moment
//! at which a delivery was due, so that a slow answer cannot hide the ones behind it. Loopback only; it ends by itself.
//!
//! Settings: `LOAD_RATE` (deliveries a second, default 1,000), `LOAD_SECONDS` (default 60).

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use palisade_github_fake::{Fake, FakeOptions, Outgoing};
use palisade_tests::process::HostProcess;
use palisade_tests::{evidence, http};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What GitHub's own bodies of these events are long.
const BODY_BYTES: usize = 28_000;
const REPOSITORIES: usize = 200;
/// One pull request event and three runs of three events each.
const PER_HEAD: usize = 10;
const WORKFLOWS: [&str; 3] = ["build.yml", "scan.yml", "lint.yml"];
/// After this the backlog counts as stuck.
const DRAIN_PATIENCE: Duration = Duration::from_secs(900);

#[tokio::main]
async fn main() -> Result<()> {
    let rate: usize = setting("LOAD_RATE", 1_000);
    let seconds: usize = setting("LOAD_SECONDS", 60);
    let options = FakeOptions {
        schemas: None,
        keep_journal: false,
        rate_limit: u64::MAX,
        echo_check_events: false,
        pad_payloads: Some(BODY_BYTES),
        ..FakeOptions::default()
    };
    let github = Fake::start(options).await?;
    eprintln!("making {} deliveries", rate * seconds);
    let deliveries = deliveries(&github, rate * seconds);
    let directory = tempfile::tempdir().context("making a directory")?;
    let host = HostProcess::start(&github, directory.path(), "error").await?;
    let address = host.address.clone();
    let idle = host.memory_kib("VmRSS:")?;
    eprintln!("sending {rate} a second for {seconds} s");
    let result = send(&address, deliveries, rate).await;
    let ended = Instant::now();
    let backlog = depth(&address).await?;
    while depth(&address).await?.values().sum::<u64>() > 0 {
        if ended.elapsed() > DRAIN_PATIENCE {
            bail!("the backlog did not drain within {} s", DRAIN_PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let peak = host.memory_kib("VmHWM:")?;
    result.print(rate, seconds);
    println!("backlog at the end: {} waiting, {} running", backlog["waiting"], backlog["running"]);
    println!("drained after       {:.1} s", ended.elapsed().as_secs_f64());
    println!("memory              {} MiB idle, {} MiB peak", idle / 1024, peak / 1024);
    println!("check runs          {}", github.check_runs().len());
    host.kill().await
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Interleaved over the repositories, as they would arrive, in the order in which each head's events happen.
fn deliveries(github: &Fake, count: usize) -> Vec<Outgoing> {
    github.pause_deliveries();
    let report = evidence::trivy(&[("CVE-2026-0001", "LOW")]);
    let pulls: Vec<_> = (0..REPOSITORIES)
        .map(|number| github.repository(&format!("acme/shop-{number}")).open_pull_request("Load"))
        .collect();
    github.take_pending_deliveries();
    let mut deliveries = Vec::new();
    let mut per_head: Vec<Vec<Outgoing>> = Vec::new();
    let heads = count.div_ceil(PER_HEAD);
    for head in 0..heads {
        let pull = &pulls[head % REPOSITORIES];
        if head >= REPOSITORIES {
            pull.push();
        }
        for workflow in WORKFLOWS {
            let run = pull.start_run(workflow);
            run.in_progress();
            run.upload("trivy", &[("trivy.json", &report)]);
            run.complete("success");
        }
        // What the host does not act on (a suite's events) would only flatter it.
        let acted_on = |sent: &Outgoing| matches!(sent.event.as_str(), "pull_request" | "workflow_run");
        per_head.push(github.take_pending_deliveries().into_iter().filter(acted_on).collect());
        if per_head.len() == REPOSITORIES || head + 1 == heads {
            let longest = per_head.iter().map(Vec::len).max().unwrap_or(0);
            let mut heads: Vec<_> = std::mem::take(&mut per_head).into_iter().map(Vec::into_iter).collect();
            for _ in 0..longest {
                deliveries.extend(heads.iter_mut().filter_map(Iterator::next));
            }
        }
    }
    deliveries.truncate(count);
    deliveries
}

#[derive(Default)]
struct Outcome {
    latencies: Vec<Duration>,
    statuses: BTreeMap<u16, usize>,
    errors: usize,
    took: Duration,
}

impl Outcome {
    fn print(mut self, rate: usize, seconds: usize) {
        self.latencies.sort();
        let at = |share: f64| {
            let index = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
            self.latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
        };
        let answered: usize = self.statuses.values().sum();
        println!("offered             {rate}/s for {seconds} s");
        println!("answered            {answered} ({:.0}/s)", answered as f64 / self.took.as_secs_f64());
        println!("latency             p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(0.5), at(0.99), at(1.0));
        println!("statuses            {:?}, {} without an answer", self.statuses, self.errors);
        let refused = self.statuses.get(&503).copied().unwrap_or(0);
        println!("503s                {:.3} %", 100.0 * refused as f64 / answered.max(1) as f64);
    }
}

async fn send(address: &str, deliveries: Vec<Outgoing>, rate: usize) -> Outcome {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("{address}/webhook");
    let started = Instant::now();
    let mut sending = JoinSet::new();
    for (index, delivery) in deliveries.into_iter().enumerate() {
        let due = started + Duration::from_secs_f64(index as f64 / rate as f64);
        tokio::time::sleep_until(due.into()).await;
        let (client, url) = (client.clone(), url.clone());
        sending.spawn(async move {
            let mut request = http_request(&url);
            for (name, value) in &delivery.headers {
                request = request.header(name, value);
            }
            let request = request.body(Full::new(delivery.body)).expect("the fake's headers are valid");
            let answer = client.request(request).await.ok()?;
            let status = answer.status().as_u16();
            answer.into_body().collect().await.ok()?;
            Some((status, due.elapsed()))
        });
    }
    let mut outcome = Outcome::default();
    while let Some(sent) = sending.join_next().await {
        match sent.ok().flatten() {
            Some((status, latency)) => {
                outcome.latencies.push(latency);
                *outcome.statuses.entry(status).or_default() += 1;
            }
            None => outcome.errors += 1,
        }
    }
    outcome.took = started.elapsed();
    outcome
}

fn http_request(url: &str) -> ::http::request::Builder {
    ::http::Request::post(url)
}

/// Jobs that wait and that are at work, as `/metrics` says.
async fn depth(address: &str) -> Result<BTreeMap<String, u64>> {
    let text = http::get(&format!("{address}/metrics")).await?.body;
    let mut depth = BTreeMap::new();
    for state in ["waiting", "running"] {
        let prefix = format!("palisade_queue_depth{{state=\"{state}\"}} ");
        let value =
            text.lines().find_map(|line| line.strip_prefix(&prefix)).context("the host tells its queue's depth")?;
        depth.insert(state.to_owned(), value.trim().parse().context("a number")?);
    }
    Ok(depth)
}
