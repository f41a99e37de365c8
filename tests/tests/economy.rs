//! How many calls and how many round trips a decision costs. The budget is printed with every call, by kind.

use palisade_github_fake::{FakeOptions, Journal, Run};
use palisade_tests::{TestHost, evidence};
use std::time::Duration;

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const CHECKS: usize = 2;
const RUNS: usize = 1;
const ARTIFACTS: usize = 2;

fn upload(run: &Run) {
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
}

fn total(what: &str, journal: &Journal) -> usize {
    let calls = journal.breakdown();
    let total = calls.values().sum();
    println!("{what}: {total} calls");
    for (call, count) in calls {
        println!("  {count} × {call}");
    }
    total
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_evaluation_and_a_warm_re_run_stay_within_their_budgets() {
    let palisade = TestHost::start().await;
    palisade.host.reconciled().await;
    palisade.github.clear_journal();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    upload(&run);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, "failure: Vulnerability Check - Failed").await;
    palisade.settled().await;
    let cold = total("cold", &palisade.github.journal());
    let budget = 10 + 2 * CHECKS + RUNS + ARTIFACTS;
    assert!(cold <= budget, "{cold} calls, {budget} are allowed");

    palisade.github.clear_journal();
    pull_request.rerequest_all("mona");
    pull_request.check_run_completed_times(LICENSES, 2).await;
    palisade.settled().await;
    let warm = total("warm re-run", &palisade.github.journal());
    let budget = 6 + 2 * CHECKS;
    assert!(warm <= budget, "{warm} calls, {budget} are allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_four_round_trips_lie_between_the_end_of_a_run_and_the_last_check() {
    const MOST: usize = 4;
    let options = FakeOptions { latency: Some(Duration::from_millis(100)), ..FakeOptions::default() };
    let palisade = TestHost::try_with("", options).await.expect("the host starts");
    palisade.host.reconciled().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    upload(&run);
    palisade.settled().await;
    palisade.github.clear_journal();
    run.complete("success");
    for check in [LICENSES, VULNERABILITIES] {
        pull_request.check_run_completed(check).await;
    }
    palisade.settled().await;
    let mut journal = palisade.github.journal();
    let last = journal.entries.iter().rposition(|entry| entry.method == "PATCH" && entry.path.contains("/check-runs/"));
    journal.entries.truncate(last.expect("the checks were completed") + 1);
    let round_trips = journal.round_trips();
    println!("{round_trips} round trips in a row, {MOST} are allowed");
    assert!(round_trips <= MOST, "{round_trips}: {:#?}", journal.breakdown());
}
