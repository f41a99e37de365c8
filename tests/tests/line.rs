//! The line from a webhook to a check run, with nothing configured but credentials.

use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";

/// Proves W43.
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_with_a_vulnerable_and_well_licensed_dependency_fails_one_check_and_passes_the_other() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let opened = pull_request.check_run_opened(LICENSES).await;
    assert_eq!(opened.to_string(), "in_progress: License Check - In Progress");

    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.upload("sbom", &[("shop.spdx.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");

    let failed = pull_request.check_run_completed(VULNERABILITIES).await;
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed");
    let passed = pull_request.check_run_completed(LICENSES).await;
    assert_eq!(passed.to_string(), "success: License Check - Passed");
    assert_eq!(pull_request.check_runs().len(), 2, "one run per check name");
    palisade.github.assert_schemas();
}

/// Proves R7, W43.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_before_the_pull_request_is_known_is_judged_when_it_is() {
    let palisade = TestHost::start().await;
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    let last_first: Vec<usize> = (0..palisade.github.pending_deliveries().len()).rev().collect();
    palisade.github.reorder_pending_deliveries(&last_first);
    palisade.github.resume_deliveries();

    let passed = pull_request.check_run_completed(VULNERABILITIES).await;
    assert_eq!(passed.conclusion.as_deref(), Some("success"), "{passed}");
}

/// Proves W10.
#[tokio::test(flavor = "multi_thread")]
async fn two_reports_of_one_kind_are_both_judged_and_a_changed_policy_counts_at_once() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy-web", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "LOW")]))]);
    run.upload("trivy-api", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0002", "HIGH")]))]);
    run.complete("success");
    let failed = pull_request.check_run_completed(VULNERABILITIES).await;
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed");
    let told = format!("{} {}", failed.summary.unwrap_or_default(), failed.text.unwrap_or_default());
    assert!(told.contains("CVE-2026-0002") && told.contains("trivy-api/trivy.json"), "{told}");
    assert!(told.contains("trivy-web/trivy.json"), "both are evidence: {told}");
    palisade.settled().await;

    let palisade = palisade.restarted("[plugins.vulnerability.settings]\nmaximum_severity = \"high\"\n").await;
    palisade.settled().await;
    pull_request.rerequest(VULNERABILITIES);
    pull_request.check_run_shows(VULNERABILITIES, "success: Vulnerability Check - Passed").await;
    palisade.settled().await;
}

/// Proves W14.
#[tokio::test(flavor = "multi_thread")]
async fn an_unrelated_workflow_that_ends_later_changes_nothing() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.complete("success");
    let failed = pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    let docs = pull_request.start_run("docs.yml");
    docs.upload("site", &[("index.html", b"<html></html>".as_slice())]);
    docs.complete("success");
    palisade.settled().await;
    let still = pull_request.check_run(LICENSES).expect("opened");
    assert_eq!((still.id, still.to_string()), (failed.id, "failure: License Check - Failed".to_owned()));
    assert_eq!(pull_request.check_runs().len(), 2);
}

/// Proves W36.
#[tokio::test(flavor = "multi_thread")]
async fn organisations_with_installations_of_their_own_are_judged_side_by_side() {
    let palisade = TestHost::start().await;
    let judged = [("acme/shop", "MIT"), ("globex/site", "GPL-3.0-only")].map(|(repository, license)| {
        let pull_request = palisade.github.repository(repository).open_pull_request("Add a feature");
        let run = pull_request.start_run("ci.yml");
        run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", license)]))]);
        run.complete("success");
        pull_request
    });
    let [passed, failed] = judged;
    assert_eq!(passed.check_run_completed(LICENSES).await.to_string(), "success: License Check - Passed");
    assert_eq!(failed.check_run_completed(LICENSES).await.to_string(), "failure: License Check - Failed");
    // GitHub refuses the token of one installation for another's repository.
    palisade.settled().await;
}
