//! `cargo xtask bench lifecycle`: from the end of a workflow run to its completed checks, and from a push to the end of the
//! checks on the head before it. Host and small GitHub share this process, and GitHub answers without delay: what is left
//! is the host's own time, and as long as it waits for more hints about a commit.

use palisade::config::Config;
use palisade_github_fake::{FakeOptions, Fault, Gate, PullRequest, Run};
use palisade_tests::{TestHost, evidence};
use std::time::{Duration, Instant};

const PULL_REQUESTS: usize = 100;
/// Heads that are pushed away while their work is held.
const PUSHES: usize = 50;
const CHECKS: [&str; 2] = ["License Check", "Vulnerability Scan Check"];

#[tokio::main]
async fn main() {
    println!("{PULL_REQUESTS} pull requests with two artifacts and two checks, {PUSHES} pushes");
    for coalesce in [Config::default().queue.coalesce, Duration::ZERO] {
        println!("\nhints about a commit are gathered for {} ms", coalesce.as_millis());
        let palisade = host(coalesce).await;
        let (one_by_one, calls) = one_by_one(&palisade).await;
        one_by_one.print("one after the other");
        calls.print();
        at_once(&palisade).await.print("all at once");
        superseded(&palisade).await.print("older head ended");
    }
}

async fn host(coalesce: Duration) -> TestHost {
    let options = FakeOptions { schemas: None, rate_limit: u64::MAX, ..FakeOptions::default() };
    TestHost::changed("", options, |config| config.queue.coalesce = coalesce).await
}

/// A pull request whose checks are open and whose run has uploaded everything.
async fn prepared(palisade: &TestHost, number: usize) -> (PullRequest, Run) {
    let repository = palisade.github.repository(&format!("acme/shop-{}", number % 10));
    let pull_request = repository.open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    palisade.settled().await;
    (pull_request, run)
}

async fn completed(pull_request: &PullRequest) {
    for check in CHECKS {
        pull_request.check_run_completed(check).await;
    }
}

async fn one_by_one(palisade: &TestHost) -> (Times, Calls) {
    let (mut times, mut calls) = (Times::default(), Calls::default());
    for number in 0..PULL_REQUESTS {
        palisade.github.clear_journal();
        let (pull_request, run) = prepared(palisade, number).await;
        let before = palisade.github.journal().entries.len();
        let started = Instant::now();
        run.complete("success");
        completed(&pull_request).await;
        times.0.push(started.elapsed());
        palisade.settled().await;
        let whole: usize = palisade.github.journal().breakdown().values().sum();
        calls.whole.push(whole);
        calls.after_the_run.push(palisade.github.journal().entries.len() - before);
    }
    (times, calls)
}

/// Every run ends in the same instant.
async fn at_once(palisade: &TestHost) -> Times {
    let mut waiting = Vec::new();
    for number in 0..PULL_REQUESTS {
        waiting.push(prepared(palisade, number).await);
    }
    let started = Instant::now();
    waiting.iter().for_each(|(_, run)| run.complete("success"));
    let done = waiting.iter().map(|(pull_request, _)| async {
        completed(pull_request).await;
        started.elapsed()
    });
    let times = futures::future::join_all(done).await;
    palisade.settled().await;
    Times(times)
}

/// The work on a head hangs in a call to GitHub while the next one is pushed.
async fn superseded(palisade: &TestHost) -> Times {
    let mut times = Times::default();
    for number in 0..PUSHES {
        let (pull_request, run) = prepared(palisade, number).await;
        let older = pull_request.head_sha();
        let gate = Gate::closed();
        palisade.github.fault(Fault::on("GET /repos/*/actions/runs/*/artifacts").delay(&gate));
        run.complete("success");
        gate.reached().await;
        let started = Instant::now();
        pull_request.push();
        let ended = palisade.github.wait_until("the older head's checks to end", move |state| {
            let mut runs = state.check_runs().iter().filter(|run| run.head_sha == older);
            runs.all(|run| run.status == "completed").then_some(())
        });
        ended.await;
        times.0.push(started.elapsed());
        gate.open();
        palisade.settled().await;
        palisade.github.clear_faults();
    }
    times
}

#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn print(mut self, what: &str) {
        self.0.sort();
        let at = |percent: usize| {
            let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
            self.0.get(place).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
        };
        println!("{what:<20} p50 {:>6.0} ms  p95 {:>6.0} ms  p99 {:>6.0} ms", at(50), at(95), at(99));
    }
}

/// Requests to GitHub's API for each pull request.
#[derive(Default)]
struct Calls {
    /// From its opening to its comment.
    whole: Vec<usize>,
    /// From the end of the run on, downloads included.
    after_the_run: Vec<usize>,
}

impl Calls {
    fn print(&self) {
        let mean = |counts: &[usize]| counts.iter().sum::<usize>() as f64 / counts.len().max(1) as f64;
        let (whole, after) = (mean(&self.whole), mean(&self.after_the_run));
        println!(
            "requests             {whole:.1} API calls for each, tokens and comment included; {after:.1} after the run"
        );
    }
}
