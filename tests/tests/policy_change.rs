//! A host that starts with another policy judges the open pull requests again: some at a time, the most recently active
//! first, and nobody else. What is decided by the policy that holds is left alone.

use palisade_github_fake::PullRequest;
use palisade_tests::{TestHost, evidence};
use std::time::Duration;

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const FAILED: &str = "failure: Vulnerability Check - Failed";
const PASSED: &str = "success: Vulnerability Check - Passed";
/// Annotations cannot be taken back: a result without them goes into the same run.
const STRICT: &str = "[output]\nannotations = 0\n";
/// Lets high ones pass.
const LAXER: &str = "[output]\nannotations = 0\n[plugins.vulnerability.settings]\nmaximum_severity = \"high\"\n";
const ROUND: Duration = Duration::from_secs(10 * 60);
/// What is judged again at a time.
const STAGE: usize = 10;

/// One whose CI found a high vulnerability and a good licence.
fn judged(palisade: &TestHost, title: &str) -> PullRequest {
    let pull_request = palisade.repository().open_pull_request(title);
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "HIGH")]))]);
    run.complete("success");
    pull_request
}

fn shown(pull_request: &PullRequest) -> String {
    pull_request.check_run(VULNERABILITIES).expect("opened").to_string()
}

/// Longer than what a start hears again from the log of deliveries.
async fn an_hour_passes(palisade: &TestHost) {
    palisade.advance(Duration::from_secs(3_600));
    palisade.settled().await;
}

async fn sweep(palisade: &TestHost) {
    palisade.host.sweep_what_is_due().await.expect("GitHub is well");
    palisade.settled().await;
}

/// Proves W10, R12.
#[tokio::test(flavor = "multi_thread")]
async fn another_policy_judges_what_is_open_again_and_the_same_one_nothing() {
    let palisade = TestHost::with(STRICT).await;
    let (open, closed) = (judged(&palisade, "Stays open"), judged(&palisade, "Is closed"));
    palisade.settled().await;
    closed.close();
    palisade.settled().await;
    assert_eq!([shown(&open), shown(&closed)], [FAILED, FAILED]);
    palisade.github.clear_journal();
    let palisade = palisade.restarted(STRICT).await;
    palisade.settled().await;
    assert_eq!(
        palisade.github.journal().writes(),
        0,
        "what is heard again is as it was: {}",
        palisade.github.journal()
    );
    an_hour_passes(&palisade).await;
    palisade.github.clear_journal();
    let palisade = palisade.restarted(STRICT).await;
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count("GET /repos/*/artifacts"), 0, "it is not even judged");
    palisade.github.clear_journal();
    let palisade = palisade.restarted(LAXER).await;
    palisade.settled().await;
    assert_eq!([shown(&open), shown(&closed)], [PASSED, FAILED]);
    assert_eq!(open.check_runs().len(), 2, "the same runs are used");
    palisade.github.clear_journal();
    let palisade = palisade.restarted(LAXER).await;
    palisade.settled().await;
    assert_eq!(palisade.github.journal().writes(), 0, "{}", palisade.github.journal());
}

/// Proves W10, W12.
#[tokio::test(flavor = "multi_thread")]
async fn with_state_that_outlives_the_host_a_result_that_stays_the_same_is_not_written_again() {
    let palisade = TestHost::with(STRICT).await;
    let open = judged(&palisade, "Add a feature");
    palisade.settled().await;
    let shared = palisade.host.shared();
    let mut palisade = palisade;
    palisade.host.end_at_once();
    palisade.github.clear_journal();
    palisade.host = palisade.another(LAXER, Some(shared)).await;
    palisade.host.reconciled().await;
    palisade.advance(ROUND);
    sweep(&palisade).await;
    assert_eq!(shown(&open), PASSED);
    assert_eq!(open.check_run(LICENSES).expect("opened").to_string(), "success: License Check - Passed");
    assert_eq!(palisade.github.journal().count("PATCH /repos/*/check-runs/*"), 1, "{}", palisade.github.journal());
    palisade.advance(ROUND);
    palisade.github.clear_journal();
    sweep(&palisade).await;
    assert_eq!(palisade.github.journal().writes(), 0, "{}", palisade.github.journal());
}

/// Proves W10, W33.
#[tokio::test(flavor = "multi_thread")]
async fn many_are_judged_again_in_stages_the_most_recently_active_first_and_a_restart_goes_on() {
    const MORE: usize = 4;
    let palisade = TestHost::with(STRICT).await;
    let mut all = Vec::new();
    for number in 0..STAGE + MORE {
        all.push(judged(&palisade, &format!("Feature {number}")));
        // GitHub's times have seconds.
        palisade.advance(Duration::from_secs(2));
        palisade.settled().await;
    }
    an_hour_passes(&palisade).await;
    let again = || -> Vec<bool> { all.iter().map(|pull_request| shown(pull_request) == PASSED).collect() };
    let mut newest_first = vec![false; MORE];
    newest_first.extend([true; STAGE]);
    let palisade = palisade.restarted(LAXER).await;
    palisade.settled().await;
    assert_eq!(again(), newest_first);
    let metrics = palisade_tests::http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    assert!(metrics.contains(&format!("palisade_results_older_than_policy {MORE}")), "{metrics}");
    sweep(&palisade).await;
    assert_eq!(again(), newest_first, "the next ones are not due yet");
    an_hour_passes(&palisade).await;
    palisade.github.clear_journal();
    let palisade = palisade.restarted(LAXER).await;
    palisade.settled().await;
    assert_eq!(again(), [true; STAGE + MORE]);
    let written = palisade.github.journal().count("PATCH /repos/*/check-runs/*");
    assert_eq!(written, 2 * MORE, "the first ones are not written again");
    palisade.advance(ROUND);
    sweep(&palisade).await;
    let metrics = palisade_tests::http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    assert!(metrics.contains("palisade_results_older_than_policy 0"), "{metrics}");
}
