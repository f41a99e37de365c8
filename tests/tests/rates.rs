//! Rate limits: GitHub's word is kept to the second, one installation's limit is nobody else's, and the last of an hour is
//! for those who wait for a check.

use palisade_github_fake::{FakeOptions, Fault, Journal, PullRequest, Repository, SecondaryLimit};
use palisade_tests::{TestHost, evidence, http};
use std::time::Duration;

const LICENSES: &str = "License Check";
const PASSED: &str = "success: License Check - Passed";
/// Calls of one installation that are under way at most.
const AT_ONCE: usize = 10;

/// A pull request whose CI uploaded a bill of materials with a good licence and ended.
fn after_ci(repository: &Repository) -> PullRequest {
    let pull_request = repository.open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request
}

fn place_of(journal: &Journal, owner: &str, status: u16) -> Option<usize> {
    let prefix = format!("/repos/{owner}/");
    journal.entries.iter().position(|entry| entry.path.starts_with(&prefix) && entry.status == Some(status))
}

async fn metric(palisade: &TestHost, name: &str) -> u64 {
    let metrics = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("palisade_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().expect("a number")
}

/// Proves W33, W36.
#[tokio::test(flavor = "multi_thread")]
async fn a_limited_installation_asks_no_more_and_the_jobs_of_another_go_on() {
    let palisade = TestHost::start().await;
    palisade.github.fault(Fault::on("* /repos/acme/*").status(403).header("retry-after", "3000").always());
    palisade.github.pause_deliveries();
    let [limited, free] = ["acme/shop", "globex/site"].map(|name| palisade.github.repository(name));
    let pulls: Vec<(PullRequest, PullRequest)> = (0..12).map(|_| (after_ci(&limited), after_ci(&free))).collect();
    palisade.github.resume_deliveries();
    for (_, pull_request) in &pulls {
        pull_request.check_run_shows(LICENSES, PASSED).await;
    }
    let journal = palisade.github.journal();
    let refused = place_of(&journal, "acme", 403).expect("the limited installation was told so");
    let after = journal.entries[refused + 1..].iter();
    let asked_again = after.clone().filter(|entry| entry.path.starts_with("/repos/acme/")).count();
    assert!(asked_again < AT_ONCE, "{asked_again} requests after the first refusal; only those on their way may be");
    let written = after.filter(|entry| entry.method == "PATCH" && entry.path.starts_with("/repos/globex/")).count();
    assert!(written >= pulls.len(), "the other installation's checks were completed meanwhile");
    assert_eq!(metric(&palisade, "github_budget{figure=\"limited_installations\"}").await, 1);
}

/// Proves R31, W33.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_leaves_before_the_time_that_github_names_however_many_want_to() {
    const NAMED: Duration = Duration::from_secs(2);
    for fault in [
        Fault::on("* /repos/acme/*").nth(15).status(429).header("retry-after", "2"),
        Fault::on("* /repos/acme/*").nth(15).status(403).header("retry-after", "2"),
        Fault::on("* /repos/acme/*").nth(15).exhausted(NAMED),
    ] {
        let palisade = TestHost::start().await;
        let told = format!("{fault:?}");
        palisade.github.fault(fault);
        palisade.github.pause_deliveries();
        let pulls: Vec<PullRequest> = (0..12).map(|_| after_ci(&palisade.repository())).collect();
        palisade.github.resume_deliveries();
        for pull_request in &pulls {
            pull_request.check_run_shows(LICENSES, PASSED).await;
        }
        palisade.settled().await;
        let journal = palisade.github.journal();
        let early = journal.before_the_named_time(NAMED / 2);
        assert!(early.is_empty(), "{told}: {early:#?}");
        assert!(pulls.iter().all(|pull_request| pull_request.check_runs().len() == 2), "{told}");
    }
}

/// Proves R31.
#[tokio::test(flavor = "multi_thread")]
async fn while_github_refuses_everything_each_lane_asks_for_no_more_than_was_on_its_way() {
    let palisade = TestHost::start().await;
    palisade.github.pause_deliveries();
    let pulls: Vec<PullRequest> = (0..12).map(|_| after_ci(&palisade.repository())).collect();
    palisade.github.secondary_limit(SecondaryLimit { status: 403, retry_after: Duration::from_secs(2) });
    palisade.github.resume_deliveries();
    for pull_request in &pulls {
        pull_request.check_run_shows(LICENSES, PASSED).await;
    }
    palisade.settled().await;
    let refused = palisade.github.journal().while_limited();
    assert!((1..=AT_ONCE).contains(&refused), "{refused} requests while GitHub refused all");
}

/// Proves R31, R34.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_the_hour_is_kept_for_evaluations() {
    let palisade = TestHost::start().await;
    let first = after_ci(&palisade.repository());
    first.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    palisade.github.set_rate_limit_remaining("acme", 500);
    let second = after_ci(&palisade.repository());
    second.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    assert_eq!(metric(&palisade, "github_budget{figure=\"lowest_percent_left\"}").await, 9);
    palisade.github.clear_journal();
    palisade.host.reconcile_now().await.expect("what is limited goes on later");
    let journal = palisade.github.journal();
    assert_eq!(journal.count("* /repos/*") + journal.count("* /installation/*"), 0, "a sweep can wait");
    let third = after_ci(&palisade.repository());
    third.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
}

/// Proves W33.
#[tokio::test(flavor = "multi_thread")]
async fn writes_keep_their_distance_once_twenty_have_gone() {
    const SPACING: Duration = Duration::from_millis(50);
    const AT_FIRST: u32 = 20;
    let palisade = TestHost::changed("", FakeOptions::default(), |config| config.github.write_spacing = SPACING).await;
    palisade.github.pause_deliveries();
    let pulls: Vec<PullRequest> = (0..30).map(|_| palisade.repository().open_pull_request("Add a feature")).collect();
    palisade.github.resume_deliveries();
    palisade.settled().await;
    let journal = palisade.github.journal();
    let mut began: Vec<_> = journal.matching("POST /repos/*/check-runs").iter().map(|entry| entry.began).collect();
    began.sort();
    assert_eq!(began.len(), 2 * pulls.len());
    let shortest = SPACING * (began.len() as u32 - AT_FIRST - 1);
    let took = began[began.len() - 1] - began[0];
    assert!(took >= shortest, "{} writes in {took:?}", began.len());
    assert!(metric(&palisade, "totals{name=\"github_postponed\"}").await > 0, "jobs were given back meanwhile");
}

/// Proves R20.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_a_limit_kept_from_being_told_is_told_later_and_not_made_again() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    palisade.github.clear_journal();
    palisade.github.fault(Fault::on("PATCH /repos/*/check-runs/*").times(2).status(429).header("retry-after", "1"));
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    assert_eq!(metric(&palisade, "job_seconds_count{step=\"evaluate\"}").await, 1);
    let journal = palisade.github.journal();
    assert_eq!(journal.count("GET /repos/*/actions/runs/*/artifacts"), 1, "{:#?}", journal.breakdown());
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").completions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_github_does_not_know_any_more_is_let_go_without_a_dead_letter() {
    let palisade = TestHost::with("[queue]\nretry_base = \"5ms\"\n").await;
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let opened = palisade.github.take_pending_deliveries();
    palisade.github.resume_deliveries();
    let event = opened.iter().find(|sent| sent.event == "pull_request").expect("it was opened");
    let told = String::from_utf8_lossy(&event.body).replace(&pull_request.head_sha(), &"5".repeat(40));
    palisade.github.send_event("pull_request", serde_json::from_str(&told).expect("still JSON"));
    palisade.settled().await;
    assert_eq!(metric(&palisade, "queue_depth{state=\"buried\"}").await, 0);
    let journal = palisade.github.journal();
    assert!(journal.count("GET /repos/*/check-runs") >= 3, "GitHub may only be late: {:#?}", journal.breakdown());
    assert_eq!(metric(&palisade, "queue_depth{state=\"waiting\"}").await, 0, "nobody asks for ever");
}
