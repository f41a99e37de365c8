//! What the neighbours notice of a limited installation: the time from a run's end to the last check's completion, for
//! eight installations alone, and beside one that sends as many events and is told to wait with every answer.

use palisade_github_fake::{FakeOptions, Fault, Host, Outgoing, PullRequest};
use palisade_tests::{TestHost, evidence, http};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const NEIGHBOURS: usize = 8;
const PULL_REQUESTS: usize = 25;
/// Between two deliveries: 50 ended runs a second.
const EVERY: Duration = Duration::from_millis(20);
/// A call within one continent.
const LATENCY: Duration = Duration::from_millis(20);
const GOAL: f64 = 2.0;

fn main() {
    let tokio = tokio::runtime::Runtime::new().expect("threads can be started");
    let alone = tokio.block_on(measure(None));
    let beside = tokio.block_on(measure(Some("noisy")));
    print("alone", &alone);
    print("beside a limited installation", &beside);
    let ratio = at(&beside, 0.99).as_secs_f64() / at(&alone, 0.99).as_secs_f64();
    println!("p99 changes by      {ratio:.2} x (goal: below {GOAL} x)");
}

/// How long each of the neighbours' commits waited for its last check, in order.
async fn measure(noisy: Option<&str>) -> Vec<Duration> {
    let options = FakeOptions {
        schemas: None,
        rate_limit: u64::MAX,
        echo_check_events: false,
        latency: Some(LATENCY),
        ..FakeOptions::default()
    };
    let palisade = TestHost::changed("", options, |_| ()).await;
    let owners: Vec<String> = (0..NEIGHBOURS).map(|number| format!("neighbour-{number}")).collect();
    let quiet = open(&palisade, owners.iter().map(String::as_str));
    let loud = open(&palisade, noisy.into_iter().flat_map(|owner| std::iter::repeat_n(owner, NEIGHBOURS)));
    palisade.settled().await;
    if let Some(owner) = noisy {
        let limit = Fault::on(&format!("* /repos/{owner}/*")).status(429).header("retry-after", "1");
        palisade.github.fault(limit.always());
    }
    palisade.github.pause_deliveries();
    let (quiet_ends, mut loud_ends) = (end(&palisade, &quiet), end(&palisade, &loud).into_iter());
    palisade.github.clear_journal();
    let mut sent_at = BTreeMap::new();
    for (pull_request, ended) in quiet.iter().zip(quiet_ends) {
        for hint in loud_ends.next().into_iter().flatten() {
            deliver(&palisade, &hint).await;
        }
        sent_at.insert(pull_request.head_sha(), Instant::now());
        for hint in ended {
            deliver(&palisade, &hint).await;
        }
        tokio::time::sleep(EVERY).await;
    }
    for pull_request in &quiet {
        for check in pull_request.check_runs() {
            pull_request.check_run_completed(&check.name).await;
        }
    }
    waited(&palisade, &sent_at)
}

fn open<'a>(palisade: &TestHost, owners: impl Iterator<Item = &'a str>) -> Vec<PullRequest> {
    let repositories: Vec<_> = owners
        .enumerate()
        .map(|(number, owner)| palisade.github.repository(&format!("{owner}/shop-{number}")))
        .collect();
    let rounds = (0..PULL_REQUESTS).flat_map(|_| &repositories);
    rounds.map(|repository| repository.open_pull_request("Add a feature")).collect()
}

/// The deliveries of each pull request's only run, from its start to its end.
fn end(palisade: &TestHost, pulls: &[PullRequest]) -> Vec<Vec<Outgoing>> {
    let ended = pulls.iter().map(|pull_request| {
        let run = pull_request.start_run("ci.yml");
        run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
        run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
        run.complete("success");
        palisade.github.take_pending_deliveries()
    });
    ended.collect()
}

async fn deliver(palisade: &TestHost, hint: &Outgoing) {
    let headers: Vec<(&str, &str)> = hint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    http::post(&palisade.url("/webhook"), &headers, hint.body.to_vec()).await.expect("an answer");
}

fn waited(palisade: &TestHost, sent_at: &BTreeMap<String, Instant>) -> Vec<Duration> {
    let sha_by_run: BTreeMap<String, String> =
        palisade.github.check_runs().into_iter().map(|run| (run.id.to_string(), run.head_sha)).collect();
    let mut last: BTreeMap<&str, Duration> = BTreeMap::new();
    let journal = palisade.github.journal();
    for entry in journal.entries.iter().filter(|entry| entry.host == Host::Api && entry.body["conclusion"].is_string())
    {
        let sha = entry.path.rsplit('/').next().and_then(|id| sha_by_run.get(id));
        let Some((sha, sent)) = sha.and_then(|sha| sent_at.get_key_value(sha)) else { continue };
        let took = entry.ended.duration_since(*sent);
        last.entry(sha).and_modify(|longest| *longest = took.max(*longest)).or_insert(took);
    }
    assert_eq!(last.len(), sent_at.len(), "every commit's checks were completed");
    let mut waited: Vec<Duration> = last.into_values().collect();
    waited.sort();
    waited
}

fn at(waited: &[Duration], share: f64) -> Duration {
    waited[((waited.len() as f64 * share) as usize).min(waited.len() - 1)]
}

fn print(what: &str, waited: &[Duration]) {
    let ms = |share| at(waited, share).as_secs_f64() * 1_000.0;
    println!("{what}: {} commits, p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms", waited.len(), ms(0.5), ms(0.99), ms(1.0));
}
