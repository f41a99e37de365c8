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
