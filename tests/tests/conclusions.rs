//! Every row of the table of conclusions, from a webhook to the check run that GitHub shows.

use palisade_github_fake::{CheckRun, Fault, PullRequest, Run, Trouble};
use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";

/// A pull request whose CI uploaded these files, each as an artifact of its own, and ended with success.
fn after_ci(palisade: &TestHost, uploads: &[(&str, &str, Vec<u8>)]) -> PullRequest {
    let (pull_request, run) = during_ci(palisade, uploads);
    run.complete("success");
    pull_request
}

fn during_ci(palisade: &TestHost, uploads: &[(&str, &str, Vec<u8>)]) -> (PullRequest, Run) {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    for (artifact, file, content) in uploads {
        run.upload(artifact, &[(file, content)]);
    }
    (pull_request, run)
}

async fn conclusion(pull_request: &PullRequest, check: &str) -> String {
    pull_request.check_run_completed(check).await.to_string()
}

/// Proves W24.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_scan_passes() {
    let palisade = TestHost::start().await;
    let pull_request = after_ci(&palisade, &[("trivy", "trivy.json", evidence::clean_trivy())]);
    assert_eq!(conclusion(&pull_request, VULNERABILITIES).await, "success: Vulnerability Check - Passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_on_no_list_passes_with_a_notice_and_fails_where_warnings_do() {
    let upload = [("sbom", "sbom.json", evidence::spdx(&[("left-pad", "LicenseRef-house")]))];
    let palisade = TestHost::start().await;
    let pull_request = after_ci(&palisade, &upload);
    assert_eq!(conclusion(&pull_request, LICENSES).await, "success: License Check - Passed");

    let strict = TestHost::with("[checks.\"License Check\"]\npolicies = [\"license\"]\non_warn = \"failure\"\n").await;
    let pull_request = after_ci(&strict, &upload);
    assert_eq!(conclusion(&pull_request, LICENSES).await, "failure: License Check - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_violation_fails() {
    let palisade = TestHost::start().await;
    let uploads = [
        ("trivy", "trivy.json", evidence::trivy(&[("CVE-2026-0001", "HIGH")])),
        ("sbom", "sbom.json", evidence::spdx(&[("left-pad", "GPL-3.0-only")])),
    ];
    let pull_request = after_ci(&palisade, &uploads);
    assert_eq!(conclusion(&pull_request, VULNERABILITIES).await, "failure: Vulnerability Check - Failed");
    assert_eq!(conclusion(&pull_request, LICENSES).await, "failure: License Check - Failed");
}

/// Proves W08, R17.
#[tokio::test(flavor = "multi_thread")]
async fn a_good_and_a_truncated_sbom_are_no_pass() {
    let palisade = TestHost::start().await;
    let good = evidence::spdx(&[("left-pad", "MIT")]);
    let truncated = good[..good.len() / 2].to_vec();
    let pull_request = after_ci(&palisade, &[("sbom", "good.json", good), ("sbom-2", "truncated.json", truncated)]);
    assert_eq!(conclusion(&pull_request, LICENSES).await, "failure: License Check - Artifacts Unreadable");
}

/// Proves R21, R17.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_gone_or_not_what_was_announced_is_unreadable() {
    for trouble in [Trouble::Expired, Trouble::Missing, Trouble::WrongDigest, Trouble::Truncated, Trouble::Broken] {
        let palisade = TestHost::start().await;
        let (pull_request, run) = during_ci(&palisade, &[]);
        let report = evidence::spdx(&[("left-pad", "MIT")]);
        run.upload("sbom", &[("sbom.json", &report)]).trouble(trouble.clone());
        run.complete("success");
        let shown = conclusion(&pull_request, LICENSES).await;
        assert_eq!(shown, "failure: License Check - Artifacts Unreadable", "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unrelated_upload_that_cannot_be_opened_changes_nothing() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = during_ci(&palisade, &[("scan", "trivy.json", evidence::clean_trivy())]);
    run.upload_zip("dist", b"PK\x03\x04 and then nothing that makes sense".to_vec());
    run.upload("coverage", &[("coverage.json", b"{\"total\": 97}".as_slice())]).trouble(Trouble::Expired);
    run.upload("pictures", &[("logo.bin", &[0u8, 159, 146, 150])]);
    run.complete("success");
    assert_eq!(conclusion(&pull_request, VULNERABILITIES).await, "success: Vulnerability Check - Passed");
}

/// Proves R17, W11.
#[tokio::test(flavor = "multi_thread")]
async fn when_github_fails_to_give_the_artifacts_nobody_is_blamed_and_somebody_looks_again() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = during_ci(&palisade, &[("trivy", "trivy.json", evidence::clean_trivy())]);
    palisade.github.fault(Fault::on("GET /repos/*/actions/runs/*/artifacts").status(502).always());
    run.complete("success");
    let shown = conclusion(&pull_request, VULNERABILITIES).await;
    assert_eq!(shown, "neutral: Vulnerability Check - System Unavailable");

    palisade.settled().await;
    palisade.github.clear_faults();
    palisade.host.sweep_now().await.expect("sweeping");
    pull_request.check_run_shows(VULNERABILITIES, "success: Vulnerability Check - Passed").await;
    assert_eq!(pull_request.check_runs().len(), 2, "the same run is completed again");
}

/// Proves R15, W08, W11.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_covers_what_the_policy_reads_is_no_reports_found() {
    let cases = [
        ("no artifact", vec![]),
        ("nothing recognised", vec![("notes", "notes.json", b"{\"hello\": 1}".to_vec())]),
        ("an SBOM alone", vec![("sbom", "sbom.json", evidence::spdx(&[("left-pad", "MIT")]))]),
        ("a linter alone", vec![("lint", "lint.sarif", evidence::lint_sarif())]),
    ];
    for (case, uploads) in cases {
        let palisade = TestHost::start().await;
        let pull_request = after_ci(&palisade, &uploads);
        let shown = conclusion(&pull_request, VULNERABILITIES).await;
        assert_eq!(shown, "neutral: Vulnerability Scan Check - No Reports Found", "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_closed_turns_a_missing_report_into_a_failure() {
    let palisade = TestHost::with("fail_closed = true\n").await;
    let pull_request = after_ci(&palisade, &[]);
    assert_eq!(
        conclusion(&pull_request, VULNERABILITIES).await,
        "failure: Vulnerability Scan Check - No Reports Found"
    );
}

/// Proves R15, W11.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_unsuccessful_workflow_uploaded_is_judged_and_nothing_passes() {
    let palisade = TestHost::start().await;
    let uploads = [
        ("trivy", "trivy.json", evidence::trivy(&[("CVE-2026-0001", "CRITICAL")])),
        ("sbom", "sbom.json", evidence::spdx(&[("left-pad", "MIT")])),
    ];
    let (pull_request, run) = during_ci(&palisade, &uploads);
    run.complete("failure");
    assert_eq!(conclusion(&pull_request, VULNERABILITIES).await, "failure: Vulnerability Check - Failed");
    assert_eq!(conclusion(&pull_request, LICENSES).await, "cancelled: License Check - Workflow Not Successful");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_approval_keeps_the_check_in_progress_until_it_ran() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = during_ci(&palisade, &[]);
    run.complete("action_required");
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").status, "in_progress");
    run.rerun();
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    assert_eq!(conclusion(&pull_request, LICENSES).await, "success: License Check - Passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_waits_for_a_run_that_is_going_until_its_kind_is_covered() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let build = pull_request.start_run("build.yml");
    let scan = pull_request.start_run("scan.yml");
    build.complete("success");
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").status, "in_progress");
    scan.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    scan.complete("success");
    assert_eq!(conclusion(&pull_request, LICENSES).await, "success: License Check - Passed");
}

/// Proves R15, W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_no_run_answers_ends_at_the_deadline_and_a_later_run_still_judges() {
    let palisade = TestHost::with("[artifacts]\nno_run_deadline = \"1s\"\n").await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    assert_eq!(conclusion(&pull_request, LICENSES).await, "neutral: License Check - No Reports Found");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, "success: License Check - Passed").await;
}

/// Proves R15, W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_hangs_holds_no_check_longer_than_its_deadline_and_judges_if_it_ends_after_all() {
    let palisade = TestHost::with("[artifacts]\nevidence_deadline = \"1s\"\n").await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    let ended = pull_request.check_run_completed(LICENSES).await.to_string();
    assert_eq!(ended, "neutral: License Check - No Reports Found");
    palisade.settled().await;
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, "success: License Check - Passed").await;
    palisade.settled().await;
}

/// Proves R7, W32.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_and_a_closed_pull_request_end_the_checks_that_were_open() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let first = pull_request.check_run_opened(LICENSES).await;
    pull_request.push();
    let ended = |runs: &[CheckRun]| runs.iter().find(|run| run.id == first.id && run.conclusion.is_some()).cloned();
    let superseded =
        palisade.github.wait_until("the older head's check to end", |state| ended(state.check_runs())).await;
    assert_eq!(superseded.to_string(), "cancelled: License Check - Not Evaluated");

    pull_request.check_run_opened(LICENSES).await;
    pull_request.close();
    assert_eq!(conclusion(&pull_request, LICENSES).await, "cancelled: License Check - Not Evaluated");
    pull_request.reopen();
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, "success: License Check - Passed").await;
}

/// Proves R16, W12.
#[tokio::test(flavor = "multi_thread")]
async fn github_failing_half_way_through_publishing_leaves_one_completed_run() {
    for fault in [
        Fault::on("POST /repos/*/check-runs").status_after(502),
        Fault::on("POST /repos/*/check-runs").drop_after(),
        Fault::on("PATCH /repos/*/check-runs/*").status(502),
        Fault::on("PATCH /repos/*/check-runs/*").drop_after(),
    ] {
        let palisade = TestHost::start().await;
        let told = format!("{fault:?}");
        palisade.github.fault(fault);
        let pull_request = after_ci(&palisade, &[("sbom", "sbom.json", evidence::spdx(&[("left-pad", "MIT")]))]);
        assert_eq!(conclusion(&pull_request, LICENSES).await, "success: License Check - Passed", "{told}");
        conclusion(&pull_request, VULNERABILITIES).await;
        assert_eq!(pull_request.check_runs().len(), 2, "one run per name: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_result_after_annotations_opens_a_new_run_and_leaves_none_in_progress() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = during_ci(&palisade, &[]);
    run.upload("scan", &[("scan.sarif", &evidence::vulnerability_sarif(&[("CVE-2026-0001", "9.8")]))]);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, "failure: Vulnerability Check - Failed").await;
    palisade.settled().await;
    run.rerun();
    run.upload("scan", &[("scan.sarif", &evidence::vulnerability_sarif(&[("CVE-2026-0001", "2.0")]))]);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, "success: Vulnerability Check - Passed").await;
    palisade.settled().await;
    let going = pull_request.check_runs().into_iter().filter(|run| run.status != "completed").count();
    assert_eq!(going, 0, "{:?}", pull_request.check_runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_check_stays_as_it_is_when_the_pull_request_is_closed() {
    let palisade = TestHost::start().await;
    let pull_request = after_ci(&palisade, &[("sbom", "sbom.json", evidence::spdx(&[("left-pad", "MIT")]))]);
    pull_request.check_run_shows(LICENSES, "success: License Check - Passed").await;
    palisade.settled().await;
    pull_request.close();
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), "success: License Check - Passed");
}

/// Proves R16, W38.
#[tokio::test(flavor = "multi_thread")]
async fn annotations_arrive_once_although_github_stumbles_between_them() {
    let ids: Vec<String> = (0..120).map(|number| format!("CVE-2026-{number:04}")).collect();
    let found: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "9.8")).collect();
    for fault in [
        Fault::on("PATCH /repos/*/check-runs/*").nth(3).status_after(502),
        Fault::on("PATCH /repos/*/check-runs/*").nth(2).status(502),
    ] {
        let palisade = TestHost::start().await;
        let (pull_request, run) = during_ci(&palisade, &[]);
        palisade.settled().await;
        palisade.github.fault(fault);
        run.upload("scan", &[("scan.sarif", &evidence::vulnerability_sarif(&found))]);
        run.complete("success");
        pull_request.check_run_shows(VULNERABILITIES, "failure: Vulnerability Check - Failed").await;
        palisade.settled().await;
        let shown = pull_request.check_run(VULNERABILITIES).expect("opened");
        assert_eq!(shown.annotations.len(), 120);
        assert_eq!(pull_request.check_runs().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_may_be_called_like_one_of_our_keys() {
    let palisade = TestHost::start().await;
    palisade.github.repository("undecided/shop").open_pull_request("Hello");
    palisade.settled().await;
    palisade.host.sweep_now().await.expect("the sweep reads its own keys only");
}

/// Proves R11.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_replaces_an_annotated_one_is_created_once_although_the_answer_is_lost() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = during_ci(&palisade, &[]);
    run.upload("scan", &[("scan.sarif", &evidence::vulnerability_sarif(&[("CVE-2026-0001", "9.8")]))]);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, "failure: Vulnerability Check - Failed").await;
    palisade.settled().await;
    run.rerun();
    palisade.settled().await;
    palisade.github.fault(Fault::on("POST /repos/*/check-runs").status_after(502));
    run.upload("scan", &[("scan.sarif", &evidence::vulnerability_sarif(&[("CVE-2026-0002", "9.8")]))]);
    run.complete("success");
    palisade.settled().await;
    let runs = pull_request.check_runs();
    let of_check: Vec<_> = runs.iter().filter(|run| run.name == VULNERABILITIES).collect();
    assert_eq!(of_check.len(), 2, "{of_check:?}");
    assert!(of_check.iter().all(|run| run.status == "completed" && run.annotations.len() == 1), "{of_check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_attempt_uploaded_is_judged_with_a_notice_until_it_is_made_anew() {
    const NOTICE: &str = "was uploaded before attempt 2 of .github/workflows/ci.yml began";
    let palisade = TestHost::start().await;
    let (pull_request, run) = during_ci(&palisade, &[]);
    run.upload("scan", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, "failure: Vulnerability Check - Failed").await;
    palisade.settled().await;
    let text = |check: &str| {
        let shown = pull_request.check_run(check).expect("opened");
        format!("{} {}", shown.summary.unwrap_or_default(), shown.text.unwrap_or_default())
    };
    assert!(!text(VULNERABILITIES).contains("was uploaded before"), "{}", text(VULNERABILITIES));
    run.rerun();
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT"), ("right-pad", "MIT")]))]);
    run.complete("success");
    palisade.settled().await;
    let failed = pull_request.check_run(VULNERABILITIES).expect("opened");
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed", "a re-run gets rid of nothing");
    assert!(text(VULNERABILITIES).contains(&format!("scan/trivy.json {NOTICE}")), "{}", text(VULNERABILITIES));
    assert!(!text(LICENSES).contains(&format!("sbom/sbom.json {NOTICE}")), "{}", text(LICENSES));
}
