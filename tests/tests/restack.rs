//! What policy-bot's issue 1373 tells of: a stack of 25 pull requests is pushed anew and CI starts on each of them, 800
//! events in a few seconds. One look at each head is enough.

use palisade_github_fake::{FakeOptions, Journal, Outgoing, PullRequest, PullRequestOptions, Run};
use palisade_tests::{TestHost, evidence, http};
use std::time::{Duration, Instant};

const PULL_REQUESTS: usize = 25;
/// Each is requested, in progress and completed: with the push and its suite, 32 hints for a pull request.
const WORKFLOWS: usize = 10;
const HINTS: usize = 32;
const MOST_EVALUATIONS: usize = 50;

/// Two checks, ten runs, two artifacts: what the economy of a cold evaluation allows.
const CALLS_OF_AN_EVALUATION: usize = 10 + 2 * 2 + WORKFLOWS + 2;

/// The 800 hints are counted without what GitHub says of our own check runs.
fn quiet() -> FakeOptions {
    FakeOptions { echo_check_events: false, ..FakeOptions::default() }
}

/// Each pull request's base is the head of the one below; CI has passed on all of them.
async fn stack(palisade: &TestHost) -> Vec<PullRequest> {
    let mut stack: Vec<PullRequest> = Vec::new();
    for number in 0..PULL_REQUESTS {
        let base = stack.last().map(PullRequest::head_branch);
        let options = PullRequestOptions { base, ..PullRequestOptions::from(format!("Step {number}").as_str()) };
        stack.push(palisade.repository().open_pull_request(options));
    }
    palisade.settled().await;
    for pull_request in &stack {
        let run = pull_request.start_run("ci.yml");
        upload(&run);
        run.complete("success");
    }
    palisade.settled().await;
    palisade.github.clear_journal();
    stack
}

fn upload(run: &Run) {
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
}

/// All 800 events, the hints of each pull request in the order in which they happen.
fn restack(palisade: &TestHost, stack: &[PullRequest]) -> Vec<Vec<Outgoing>> {
    palisade.github.pause_deliveries();
    let hints = stack.iter().map(|pull_request| {
        pull_request.push();
        let runs: Vec<Run> = (0..WORKFLOWS).map(|number| pull_request.start_run(workflow(number).as_str())).collect();
        runs.iter().for_each(Run::in_progress);
        upload(&runs[0]);
        runs.iter().for_each(|run| run.complete("success"));
        let hints = palisade.github.take_pending_deliveries();
        assert_eq!(hints.len(), HINTS);
        hints
    });
    let hints = hints.collect();
    palisade.github.resume_deliveries();
    hints
}

fn workflow(number: usize) -> String {
    if number == 0 { "ci.yml".to_owned() } else { format!("check-{number}.yml") }
}

async fn deliver(palisade: &TestHost, hint: &Outgoing) {
    let headers: Vec<(&str, &str)> = hint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = http::post(&palisade.url("/webhook"), &headers, hint.body.to_vec()).await.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// How often policies were asked so far.
async fn evaluations(palisade: &TestHost) -> usize {
    let metrics = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    let prefix = "palisade_job_seconds_count{step=\"evaluate\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(prefix)).unwrap_or("0");
    count.parse().expect("a number")
}

fn hold(what: &str, stack: &[PullRequest], evaluations: usize, journal: &Journal) {
    let calls: usize = journal.breakdown().values().sum();
    let allowed = evaluations * CALLS_OF_AN_EVALUATION;
    println!("{what}: {evaluations} evaluations, {calls} calls of {allowed} allowed, {} writes", journal.writes());
    for (call, count) in journal.breakdown() {
        println!("  {count} × {call}");
    }
    assert!(calls <= allowed, "{calls} calls for {evaluations} evaluations");
    for pull_request in stack {
        let mut shown: Vec<String> = pull_request.check_runs().iter().map(ToString::to_string).collect();
        shown.sort();
        assert_eq!(shown, ["success: License Check - Passed", "success: Vulnerability Check - Passed"]);
    }
}

/// Proves R7, W31, W33.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_pushed_anew_takes_at_most_two_evaluations_for_each_of_its_heads() {
    let palisade = TestHost::changed("", quiet(), |config| {
        // As in production; only that a write waits a tenth of the second that GitHub asks for, or the test takes minutes.
        config.queue.coalesce = Duration::from_millis(200);
        config.github.write_spacing = Duration::from_millis(100);
    })
    .await;
    let stack = stack(&palisade).await;
    let before = evaluations(&palisade).await;
    let hints = restack(&palisade, &stack);
    let began = Instant::now();
    // The worst order: the next hint about a pull request comes after one about each of the others.
    for round in 0..HINTS {
        futures::future::join_all(hints.iter().map(|hints| deliver(&palisade, &hints[round]))).await;
    }
    let took = began.elapsed();
    palisade.settled().await;
    let evaluations = evaluations(&palisade).await - before;
    let what = format!("{} events within {:.1} s", PULL_REQUESTS * HINTS, took.as_secs_f64());
    hold(&what, &stack, evaluations, &palisade.github.journal());
    assert!(evaluations <= MOST_EVALUATIONS, "{evaluations} evaluations, {MOST_EVALUATIONS} are allowed");
}

/// Proves R7, W33.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_events_over_ten_minutes_stay_within_the_economy_of_their_evaluations() {
    let palisade = TestHost::changed("", quiet(), |_| ()).await;
    let stack = stack(&palisade).await;
    let before = evaluations(&palisade).await;
    let hints = restack(&palisade, &stack);
    for round in 0..HINTS {
        futures::future::join_all(hints.iter().map(|hints| deliver(&palisade, &hints[round]))).await;
        // The next hints come 19 s later: whatever the host does about these is done by then.
        palisade.settled().await;
    }
    let evaluations = evaluations(&palisade).await - before;
    hold("800 events over 10 minutes", &stack, evaluations, &palisade.github.journal());
}
