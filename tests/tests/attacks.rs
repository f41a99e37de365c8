//! What the author of a change may try to get rid of a result, and how each attempt ends.

use palisade_github_fake::{PullRequest, PullRequestOptions, Run};
use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const FAILED: &str = "failure: Vulnerability Check - Failed";

fn vulnerable(run: &Run) {
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
}

/// A pull request whose scan failed the check.
async fn failed(palisade: &TestHost) -> (PullRequest, Run) {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    vulnerable(&run);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
    (pull_request, run)
}

fn shown(pull_request: &PullRequest) -> String {
    pull_request.check_run(VULNERABILITIES).expect("the check was opened").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_upload_is_no_pass() {
    for (settings, expected) in [("", "neutral"), ("fail_closed = true\n", "failure")] {
        let palisade = TestHost::with(settings).await;
        let (pull_request, _) = failed(&palisade).await;
        pull_request.push();
        pull_request.start_run("ci.yml").complete("success");
        palisade.settled().await;
        assert_eq!(shown(&pull_request), format!("{expected}: Vulnerability Scan Check - No Reports Found"));
    }
}

/// Proves R15, W11.
#[tokio::test(flavor = "multi_thread")]
async fn skipping_ci_ends_at_the_deadline_and_is_no_pass() {
    for (settings, expected) in [("", "neutral"), ("fail_closed = true\n", "failure")] {
        let palisade = TestHost::with(&format!("{settings}[artifacts]\nno_run_deadline = \"1s\"\n")).await;
        let (pull_request, _) = failed(&palisade).await;
        pull_request.push();
        let ended = pull_request.check_run_completed(VULNERABILITIES).await.to_string();
        assert_eq!(ended, format!("{expected}: Vulnerability Scan Check - No Reports Found"));
    }
}

/// Proves W11, W20.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_re_run_takes_no_failure_back_and_makes_no_pass() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = failed(&palisade).await;
    run.rerun();
    run.complete("cancelled");
    palisade.settled().await;
    assert_eq!(shown(&pull_request), FAILED, "what the first attempt uploaded still counts");

    let pull_request = palisade.repository().open_pull_request("Another feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    palisade.settled().await;
    run.rerun();
    run.complete("cancelled");
    palisade.settled().await;
    assert_eq!(shown(&pull_request), "cancelled: Vulnerability Scan Check - Workflow Not Successful");
}

/// A condition such as `if: draft == false` makes a run of the same workflow that does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_run_takes_no_failure_back() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = failed(&palisade).await;
    pull_request.set_draft(true);
    pull_request.close();
    pull_request.reopen();
    palisade.settled().await;
    pull_request.start_run("ci.yml").complete("skipped");
    palisade.settled().await;
    assert_eq!(shown(&pull_request), FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_beside_one_that_hangs_is_no_missing_report() {
    let palisade = TestHost::with("[artifacts]\nevidence_deadline = \"1s\"\n").await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    pull_request.start_run("ci.yml").complete("failure");
    pull_request.start_run("hangs.yml").in_progress();
    let ended = pull_request.check_run_completed(VULNERABILITIES).await.to_string();
    assert_eq!(ended, "cancelled: Vulnerability Scan Check - Workflow Not Successful");
    palisade.settled().await;
}

/// Proves W32.
#[tokio::test(flavor = "multi_thread")]
async fn more_bases_than_anybody_needs_cost_nothing_and_pass_nothing() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    let pull_request = repository.open_pull_request("Add a feature");
    for number in 0..12 {
        let base = format!("base-{number}");
        repository.create_branch(&base);
        repository.open_pull_request(PullRequestOptions {
            title: "The same elsewhere".to_owned(),
            head: palisade_github_fake::Head::NamedBranch(pull_request.head_branch()),
            head_sha: Some(pull_request.head_sha()),
            base: Some(base),
            ..PullRequestOptions::default()
        });
    }
    palisade.settled().await;
    palisade.github.clear_journal();
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    palisade.settled().await;
    assert_eq!(shown(&pull_request), "failure: Vulnerability Check - Policy Error");
    assert_eq!(palisade.github.journal().count("GET /repos/*/branches/*"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_the_workflow_after_the_upload_hides_nothing() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    vulnerable(&run);
    run.complete("failure");
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
}

/// Proves W14.
#[tokio::test(flavor = "multi_thread")]
async fn a_quick_workflow_without_evidence_ends_nothing() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = failed(&palisade).await;
    pull_request.start_run("quick.yml").complete("success");
    palisade.settled().await;
    assert_eq!(shown(&pull_request), FAILED);

    pull_request.push();
    let scan = pull_request.start_run("ci.yml");
    pull_request.start_run("quick.yml").complete("success");
    palisade.settled().await;
    assert_eq!(pull_request.check_run(VULNERABILITIES).expect("opened").status, "in_progress");
    vulnerable(&scan);
    scan.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
}

/// Proves W23.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_pull_request_from_the_same_branch_that_is_closed_again_cancels_nothing() {
    let palisade = TestHost::start().await;
    palisade.repository().create_branch("release");
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let second = palisade.repository().open_pull_request(PullRequestOptions {
        title: "The same elsewhere".to_owned(),
        head: palisade_github_fake::Head::NamedBranch(pull_request.head_branch()),
        head_sha: Some(pull_request.head_sha()),
        base: Some("release".to_owned()),
        ..PullRequestOptions::default()
    });
    palisade.settled().await;
    second.close();
    palisade.settled().await;
    assert_eq!(pull_request.check_run(VULNERABILITIES).expect("opened").status, "in_progress");
    let run = pull_request.start_run("ci.yml");
    vulnerable(&run);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
}

/// Proves W12.
#[tokio::test(flavor = "multi_thread")]
async fn closing_and_reopening_after_a_re_run_takes_no_failure_back() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = failed(&palisade).await;
    run.rerun();
    palisade.settled().await;
    pull_request.close();
    palisade.settled().await;
    pull_request.reopen();
    palisade.settled().await;
    run.complete("cancelled");
    palisade.settled().await;
    assert_eq!(shown(&pull_request), FAILED);
    pull_request.close();
    pull_request.reopen();
    palisade.settled().await;
    assert_eq!(shown(&pull_request), FAILED);
    let of_check = pull_request.check_runs().into_iter().filter(|run| run.name == VULNERABILITIES).count();
    assert_eq!(of_check, 1);
}

/// Proves W10.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_decoy_beside_the_real_report_changes_nothing() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    vulnerable(&run);
    run.upload("a-scan", &[("trivy.json", &evidence::clean_trivy())]);
    run.upload("zz-scan", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
}

/// Proves W04.
#[tokio::test(flavor = "multi_thread")]
async fn more_files_than_the_limit_hide_nothing() {
    const ENTRIES: usize = 10_001;
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    let mut files: Vec<(String, Vec<u8>)> = (0..ENTRIES).map(|n| (format!("{n}.txt"), b"x".to_vec())).collect();
    files.push(("sbom.json".to_owned(), evidence::spdx(&[("left-pad", "GPL-3.0-only")])));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    run.upload("sbom", &files);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, "failure: License Check - Artifacts Unreadable").await;
    palisade.settled().await;
}
