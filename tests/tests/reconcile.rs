//! Open pull requests are compared with their checks now and then: what nobody told of is found, at a bounded price.

use palisade_github_fake::{Fault, PullRequest, Repository};
use palisade_tests::{TestHost, evidence};
use std::time::Duration;

const LICENSES: &str = "License Check";
const PULLS: &str = "GET /repos/*/pulls";
const QUICK: &str = "[github]\nretry_base = \"1ms\"\n";

/// Until the next round.
const ROUND: Duration = Duration::from_secs(10 * 60);

async fn sweep(palisade: &TestHost) {
    palisade.host.sweep_what_is_due().await.expect("GitHub is well");
    palisade.settled().await;
}

/// One that no event ever tells of.
fn open_silently(palisade: &TestHost, repository: &Repository, title: &str) -> PullRequest {
    palisade.github.pause_deliveries();
    let pull_request = repository.open_pull_request(title);
    palisade.github.take_pending_deliveries();
    palisade.github.resume_deliveries();
    pull_request
}

fn judged(repository: &Repository, title: &str) -> PullRequest {
    let pull_request = repository.open_pull_request(title);
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request
}

/// Which repositories were asked for their pull requests, in order.
fn compared(palisade: &TestHost) -> Vec<String> {
    let journal = palisade.github.journal();
    journal.matching(PULLS).into_iter().filter_map(|entry| entry.path.split('/').nth(3).map(str::to_owned)).collect()
}

/// Proves R12, W35.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_that_nobody_told_of_gets_its_checks_in_the_next_round() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    let pull_request = open_silently(&palisade, &repository, "Add a feature");
    sweep(&palisade).await;
    assert!(pull_request.check_runs().is_empty(), "a round is not due yet");
    palisade.advance(ROUND);
    sweep(&palisade).await;
    assert_eq!(pull_request.check_runs().len(), 2);
    let metrics = palisade_tests::http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    assert!(metrics.contains("palisade_reconciled_total{standing=\"missing\"} 1"), "{metrics}");
}

/// As where deliveries come from a repository's own webhook.
///
/// Proves R12.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_deliveries_that_cannot_be_read_does_not_keep_pull_requests_from_being_found() {
    let palisade = TestHost::start().await;
    let pull_request = open_silently(&palisade, &palisade.repository(), "Add a feature");
    palisade.github.fault(Fault::on("GET /app/hook/deliveries").status(404).always());
    palisade.advance(ROUND);
    palisade.host.sweep_what_is_due().await.expect_err("the log is told of");
    palisade.settled().await;
    assert_eq!(pull_request.check_runs().len(), 2);
}

/// Proves R12, W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_stays_open_though_its_run_has_ended_is_found_and_ended() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    palisade.settled().await;
    palisade.github.pause_deliveries();
    run.complete("success");
    palisade.github.take_pending_deliveries();
    palisade.github.resume_deliveries();
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").status, "in_progress");
    palisade.advance(ROUND + ROUND);
    sweep(&palisade).await;
    let shown = pull_request.check_run(LICENSES).expect("opened");
    assert_eq!((shown.to_string().as_str(), shown.completions), ("success: License Check - Passed", 1));
}

/// Proves W33.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_costs_a_round_one_call_for_its_repository() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    palisade.github.repository("acme/quiet");
    for number in 0..4 {
        judged(&repository, &format!("Feature {number}"));
        palisade.settled().await;
    }
    palisade.advance(ROUND);
    palisade.github.clear_journal();
    sweep(&palisade).await;
    let calls = palisade.github.journal().breakdown();
    let expected = [
        "GET /app/hook/deliveries",
        "GET /app/installations",
        "GET /installation/repositories",
        "GET /repos/*/*/pulls",
    ];
    let made: Vec<&str> = calls.keys().map(String::as_str).filter(|call| !call.ends_with("access_tokens")).collect();
    assert_eq!(made, expected, "a repository without open pull requests is not asked at all: {calls:#?}");
    assert!(calls.values().all(|count| *count == 1), "{calls:#?}");
}

/// Proves W33.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_ends_the_round_and_the_next_look_goes_on_there() {
    let palisade = TestHost::start().await;
    for name in ["one", "two", "three", "four", "five"] {
        judged(&palisade.github.repository(&format!("acme/{name}")), "Add a feature");
        palisade.settled().await;
    }
    palisade.advance(ROUND);
    palisade.github.clear_journal();
    palisade.github.fault(Fault::on(PULLS).nth(3).status(403).header("retry-after", "60"));
    sweep(&palisade).await;
    let first = compared(&palisade);
    assert_eq!(first.len(), 3, "{first:?}");
    palisade.advance(Duration::from_secs(61));
    palisade.github.clear_journal();
    sweep(&palisade).await;
    let second = compared(&palisade);
    assert_eq!(second.len(), 3, "the one that was refused, and those after it: {second:?}");
    assert_eq!(first[2], second[0]);
    assert!(!second.contains(&first[0]) && !second.contains(&first[1]), "{first:?} {second:?}");
    palisade.advance(Duration::from_secs(61));
    palisade.github.clear_journal();
    sweep(&palisade).await;
    assert!(compared(&palisade).is_empty(), "the round is over");
}

/// Proves W36.
#[tokio::test(flavor = "multi_thread")]
async fn installations_take_turns_suspended_ones_are_skipped_and_an_unreadable_repository_is_left_out() {
    let palisade = TestHost::with(QUICK).await;
    for name in ["acme/one", "acme/two", "acme/three", "globex/four", "umbrella/five"] {
        judged(&palisade.github.repository(name), "Add a feature");
        palisade.settled().await;
    }
    palisade.github.suspend("umbrella");
    palisade.settled().await;
    let silent = open_silently(&palisade, &palisade.github.repository("acme/three"), "Add another");
    palisade.advance(ROUND);
    palisade.github.clear_journal();
    palisade.github.fault(Fault::on("GET /repos/acme/two/pulls").status(500).always());
    sweep(&palisade).await;
    let mut order = compared(&palisade);
    order.dedup();
    assert_eq!(order.iter().filter(|name| *name != "four").count(), 3, "{order:?}");
    assert!(
        order[..2].contains(&"four".to_owned()),
        "the other installation does not wait for all of the first: {order:?}"
    );
    assert_eq!(silent.check_runs().len(), 2, "what can be read is compared");
}

/// Proves W35.
#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_never_answer_go_behind_the_others() {
    const BAD: [&str; 3] = ["acme/one", "acme/two", "acme/three"];
    let palisade = TestHost::with(QUICK).await;
    let repository = palisade.github.repository("acme/good");
    judged(&repository, "Add a feature");
    palisade.settled().await;
    let silent = open_silently(&palisade, &repository, "Add another");
    // The most recently active come first.
    for name in BAD {
        palisade.advance(Duration::from_secs(1));
        judged(&palisade.github.repository(name), "Add a feature");
        palisade.settled().await;
        palisade.github.fault(Fault::on(&format!("GET /repos/{name}/pulls")).status(500).always());
    }
    palisade.advance(ROUND);
    sweep(&palisade).await;
    assert!(silent.check_runs().is_empty(), "GitHub seems to be away");
    palisade.advance(Duration::from_secs(61));
    sweep(&palisade).await;
    assert_eq!(silent.check_runs().len(), 2, "its turn comes");
}

/// Proves W33.
#[tokio::test(flavor = "multi_thread")]
async fn a_round_spends_its_share_of_the_hour_and_goes_on_when_there_is_more() {
    const PULL_REQUESTS: usize = 56;
    // One in a hundred of 5,000: 50 calls, of which listing takes three at first.
    let text = "[sweeps]\nbudget_percent = 1\n[checks.\"License Check\"]\npolicies = [\"license\"]\n[overlay]\nenabled = false\n";
    let palisade = TestHost::with(text).await;
    let repository = palisade.repository();
    let opened: Vec<PullRequest> =
        (0..PULL_REQUESTS).map(|number| open_silently(&palisade, &repository, &format!("Feature {number}"))).collect();
    let with_check = || opened.iter().filter(|pull_request| !pull_request.check_runs().is_empty()).count();
    palisade.advance(ROUND);
    sweep(&palisade).await;
    let first = with_check();
    assert!((40..50).contains(&first), "{first} of {PULL_REQUESTS}");
    palisade.advance(ROUND);
    sweep(&palisade).await;
    assert_eq!(with_check(), first, "nothing is left of this hour");
    palisade.advance(Duration::from_secs(3_600));
    sweep(&palisade).await;
    assert_eq!(with_check(), PULL_REQUESTS);
}
