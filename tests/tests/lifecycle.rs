//! A check's life: opened, run again, superseded, found again, ended. From a signed webhook to what GitHub shows.

use palisade_github_fake::{CheckRun, Fault, Head, PullRequest, PullRequestOptions, Run, Workflow};
use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const PASSED: &str = "success: License Check - Passed";

/// A pull request whose CI uploaded an SBOM with one well-licensed package and ended with success.
fn after_ci(palisade: &TestHost) -> (PullRequest, Run) {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = licensed_run(&pull_request);
    run.complete("success");
    (pull_request, run)
}

fn licensed_run(pull_request: &PullRequest) -> Run {
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run
}

fn shown(pull_request: &PullRequest) -> Vec<String> {
    let mut shown: Vec<String> = pull_request.check_runs().iter().map(ToString::to_string).collect();
    shown.sort();
    shown
}

fn completions(pull_request: &PullRequest, check: &str) -> usize {
    pull_request.check_run(check).expect("the check was opened").completions
}

/// Proves R29, W02.
#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_of_one_check_completes_this_check_again_and_no_other() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = after_ci(&palisade);
    palisade.settled().await;
    palisade.github.clear_journal();
    pull_request.rerequest(LICENSES);
    pull_request.check_run_completed_times(LICENSES, 2).await;
    palisade.settled().await;
    assert_eq!(completions(&pull_request, VULNERABILITIES), 1);
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), PASSED);
    let journal = palisade.github.journal();
    assert_eq!(journal.count("POST /repos/*/check-runs"), 0, "no run is created");
    assert_eq!(journal.count("GET /repos/*/actions/artifacts/*/zip"), 0, "what was fetched once is not fetched again");
}

/// Proves R29, R12, W35.
#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_finds_runs_and_pull_request_again_after_the_state_was_lost() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = after_ci(&palisade);
    palisade.settled().await;
    let palisade = palisade.restarted("").await;
    palisade.settled().await;
    pull_request.rerequest(LICENSES);
    pull_request.check_run_completed_times(LICENSES, 2).await;
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), PASSED);
    assert_eq!(pull_request.check_runs().len(), 2, "the same runs are used");
}

/// Proves R29.
#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_of_the_suite_completes_all_checks_again_or_only_those_that_did_not_pass() {
    for (scope, again) in [("all", 2), ("failed", 1)] {
        let palisade = TestHost::with(&format!("rerun_scope = {scope:?}\n")).await;
        let (pull_request, _) = after_ci(&palisade);
        palisade.settled().await;
        palisade.github.clear_journal();
        pull_request.rerequest_all("mona");
        pull_request.check_run_completed_times(VULNERABILITIES, 2).await;
        palisade.settled().await;
        assert_eq!(completions(&pull_request, LICENSES), again, "{scope}");
        let listings = palisade.github.journal().count("GET /repos/*/actions/runs/*/artifacts");
        assert_eq!(listings, 1, "the uploads are looked at once for all checks of the suite");
    }
}

/// Proves W18, R21.
#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_whose_artifacts_cannot_be_had_says_so_and_not_that_there_are_none() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = after_ci(&palisade);
    palisade.settled().await;
    palisade.github.fault(Fault::on("GET /repos/*/actions/runs/*/artifacts").status(404).always());
    pull_request.rerequest(LICENSES);
    pull_request.check_run_completed_times(LICENSES, 2).await;
    let shown = pull_request.check_run(LICENSES).expect("opened").to_string();
    assert_eq!(shown, "failure: License Check - Artifacts Unreadable");
}

/// Proves R29.
#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_without_any_run_is_answered_at_once() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
    pull_request.rerequest(LICENSES);
    let shown = pull_request.check_run_completed(LICENSES).await.to_string();
    assert_eq!(shown, "neutral: License Check - No Reports Found");
    palisade.settled().await;
    let other = pull_request.check_run(VULNERABILITIES).expect("opened");
    assert_eq!(other.status, "in_progress", "nobody asked for it");
}

/// Proves W02.
#[tokio::test(flavor = "multi_thread")]
async fn the_button_is_for_those_who_may_write_and_unknown_buttons_do_nothing() {
    let palisade = TestHost::start().await;
    palisade.repository().add_collaborator("reader", "read");
    palisade.repository().add_collaborator("writer", "write");
    let (pull_request, _) = after_ci(&palisade);
    palisade.settled().await;
    for (button, login, expected) in
        [("rerun", "stranger", 1), ("rerun", "reader", 1), ("launch", "writer", 1), ("rerun", "writer", 2)]
    {
        pull_request.press(LICENSES, button, login);
        palisade.settled().await;
        assert_eq!(completions(&pull_request, LICENSES), expected, "{button} by {login}");
    }
}

/// Proves R16.
#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_how_a_result_came_about_to_those_who_may_write() {
    const HOW: &str = "How this result came about";
    let palisade = TestHost::start().await;
    palisade.repository().add_collaborator("reader", "read");
    palisade.repository().add_collaborator("writer", "write");
    let (pull_request, _) = after_ci(&palisade);
    palisade.settled().await;
    let text = || pull_request.check_run(LICENSES).expect("opened").text.unwrap_or_default();
    pull_request.press(LICENSES, "explain", "reader");
    palisade.settled().await;
    assert!(!text().contains(HOW), "{}", text());
    pull_request.press(LICENSES, "explain", "writer");
    palisade.settled().await;
    let shown = text();
    let parts = [HOW, "| `license` | `", "sbom/sbom.json", "Steps: fetch"];
    assert!(parts.iter().all(|part| shown.contains(part)), "{shown}");
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), PASSED);
}

/// Proves W12, R16.
#[tokio::test(flavor = "multi_thread")]
async fn a_suite_that_is_requested_creates_no_check() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    let sha = repository.write_file("README.md", b"hello");
    palisade.settled().await;
    palisade.github.clear_journal();
    repository.start_run(&sha, Workflow::from("ci.yml").on("push")).complete("success");
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count("POST /repos/*/check-runs"), 0);
    assert!(palisade.github.check_runs().is_empty());
}

/// Proves W35, R12, W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_forgot_everything_finds_open_checks_and_ends_them() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = licensed_run(&pull_request);
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
    palisade.github.pause_deliveries();
    run.complete("success");
    palisade.github.take_pending_deliveries();
    let palisade = palisade.restarted("").await;
    palisade.github.resume_deliveries();
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    assert_eq!(pull_request.check_runs().len(), 2, "the runs that were open are completed, none is added");
}

/// Proves R12, W12.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_of_one_name_the_newer_counts_and_the_older_ends() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let first = pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
    let run = licensed_run(&pull_request);
    palisade.settled().await;
    palisade.github.duplicate_check_run(first.id);
    let palisade = palisade.restarted("").await;
    palisade.settled().await;
    run.complete("success");
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    let of_check: Vec<CheckRun> = pull_request.check_runs().into_iter().filter(|run| run.name == LICENSES).collect();
    assert_eq!(of_check.len(), 2);
    assert!(of_check.iter().all(|run| run.status == "completed"), "{of_check:?}");
    assert_eq!(of_check[0].to_string(), "cancelled: License Check - Not Evaluated");
}

/// Proves R8, W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_group_is_really_judged_under_the_same_names() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    let (pull_request, _) = after_ci(&palisade);
    palisade.settled().await;
    let head = repository.request_merge_group(&pull_request);
    let group =
        |name: &str| palisade.github.check_runs().into_iter().rfind(|run| run.head_sha == head && run.name == name);
    palisade.settled().await;
    assert_eq!(group(LICENSES).expect("opened").status, "in_progress");
    let run = repository.start_run(&head, Workflow::from("ci.yml").on("merge_group"));
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.complete("success");
    palisade.settled().await;
    assert_eq!(group(LICENSES).expect("opened").to_string(), "failure: License Check - Failed");
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").to_string(), PASSED, "the head keeps its own result");
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_never_brings_an_older_result_back() {
    let palisade = TestHost::start().await;
    palisade.repository().add_collaborator("writer", "write");
    let (pull_request, run) = after_ci(&palisade);
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    run.rerun();
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").status, "in_progress");
    pull_request.press(LICENSES, "explain", "writer");
    palisade.settled().await;
    assert_eq!(pull_request.check_run(LICENSES).expect("opened").status, "in_progress");
}

/// Proves R8, R15.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_group_without_evidence_fails_at_its_deadline_and_a_destroyed_one_is_cancelled() {
    let palisade = TestHost::with("[artifacts]\nno_run_deadline = \"1s\"\n").await;
    let repository = palisade.repository();
    let pull_request = repository.open_pull_request("Add a feature");
    let head = repository.request_merge_group(&pull_request);
    let ended = |name: &'static str, head: String| {
        palisade.github.wait_until("the group's check to end", move |state| {
            let found = state.check_runs().iter().rfind(|run| run.head_sha == head && run.name == name);
            found.filter(|run| run.status == "completed").map(ToString::to_string)
        })
    };
    assert_eq!(ended(LICENSES, head).await, "failure: License Check - No Reports Found");

    let patient = TestHost::start().await;
    let repository = patient.repository();
    let pull_request = repository.open_pull_request("Add a feature");
    let head = repository.request_merge_group(&pull_request);
    patient.settled().await;
    repository.destroy_merge_group(&pull_request, &head, "dequeued");
    patient.settled().await;
    let mut shown: Vec<String> =
        patient.github.check_runs().iter().filter(|run| run.head_sha == head).map(ToString::to_string).collect();
    let cancelled = |check: &str| format!("cancelled: {check} - Not Evaluated");
    shown.sort();
    assert_eq!(shown, [cancelled(LICENSES), cancelled(VULNERABILITIES)]);
}

/// Proves W32, R7.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_overtakes_the_work_on_the_older_head() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    let gate = run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]).slow();
    let first = pull_request.check_run_opened(LICENSES).await;
    run.complete("success");
    palisade
        .github
        .wait_until("the download to begin", |state| (state.journal().count("GET /blob/*") > 0).then_some(()))
        .await;
    pull_request.push();
    let ended = palisade
        .github
        .wait_until("the older head's check to end while its download hangs", |state| {
            state.check_runs().iter().find(|run| run.id == first.id && run.conclusion.is_some()).cloned()
        })
        .await;
    assert_eq!(ended.to_string(), "cancelled: License Check - Not Evaluated");
    gate.open();
    palisade.settled().await;
    let still = palisade.github.check_runs().into_iter().find(|run| run.id == first.id).expect("it exists");
    assert_eq!(still.completions, 1, "a late result never lands on a superseded head");
}

/// Proves R7, W31.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_whose_opening_comes_after_the_next_push_is_not_judged() {
    let palisade = TestHost::start().await;
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let first = pull_request.head_sha();
    pull_request.push();
    let last_first: Vec<usize> = (0..palisade.github.pending_deliveries().len()).rev().collect();
    palisade.github.reorder_pending_deliveries(&last_first);
    palisade.github.resume_deliveries();
    palisade.settled().await;
    let going = |sha: &str| {
        palisade.github.check_runs().iter().filter(|run| run.head_sha == sha && run.status != "completed").count()
    };
    assert_eq!(going(&first), 0, "{:?}", palisade.github.check_runs());
    assert_eq!(going(&pull_request.head_sha()), 2);
}

/// Proves R7, W12.
#[tokio::test(flavor = "multi_thread")]
async fn force_push_and_back_judges_the_old_head_again() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = after_ci(&palisade);
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    let first = pull_request.head_sha();
    pull_request.push();
    palisade.settled().await;
    pull_request.push_back_to(&first);
    palisade.settled().await;
    assert_eq!(shown(&pull_request), ["neutral: Vulnerability Scan Check - No Reports Found", PASSED]);
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn an_edited_base_judges_again_and_an_edited_title_does_not() {
    let palisade = TestHost::start().await;
    palisade.repository().create_branch("release");
    let (pull_request, _) = after_ci(&palisade);
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    pull_request.edit_title("Add a better feature");
    palisade.settled().await;
    assert_eq!(completions(&pull_request, LICENSES), 1);
    palisade.github.clear_journal();
    pull_request.change_base("release");
    palisade.settled().await;
    let listings = palisade.github.journal().count("GET /repos/*/actions/runs/*/artifacts");
    assert_eq!(listings, 1, "the evidence is looked at again against the new base");
    assert_eq!(shown(&pull_request), ["neutral: Vulnerability Scan Check - No Reports Found", PASSED]);
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_judged_like_any_other_and_becoming_ready_changes_nothing() {
    let palisade = TestHost::start().await;
    let (pull_request, _) = after_ci(&palisade);
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    palisade.github.clear_journal();
    pull_request.set_draft(true);
    pull_request.set_draft(false);
    palisade.settled().await;
    assert_eq!(palisade.github.journal().writes(), 0);
}

/// Proves R8.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_installation_is_left_alone_and_works_again_afterwards() {
    let palisade = TestHost::start().await;
    let (pull_request, run) = after_ci(&palisade);
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
    palisade.github.suspend("acme");
    palisade.settled().await;
    palisade.github.clear_journal();
    palisade.host.sweep_now().await.expect("sweeping");
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count("* /repos/*"), 0, "nobody asks for what it may not see");
    palisade.github.unsuspend("acme");
    run.rerun();
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.complete("success");
    pull_request.check_run_shows(LICENSES, "failure: License Check - Failed").await;
    palisade.settled().await;
}

/// Proves R15, W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_triggers_no_workflow_ends_at_its_deadline() {
    let palisade = TestHost::with("[artifacts]\nno_run_deadline = \"1s\"\n").await;
    let pull_request = palisade.repository().open_pull_request("Correct a document");
    for check in [LICENSES, VULNERABILITIES] {
        let shown = pull_request.check_run_completed(check).await;
        assert_eq!(shown.conclusion.as_deref(), Some("neutral"), "{shown}");
    }
}

/// Proves R30, W23.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_s_run_whose_pull_request_nobody_told_of_is_judged_for_it() {
    let palisade = TestHost::start().await;
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request(PullRequestOptions {
        title: "From a fork".to_owned(),
        head: Head::Fork("mona".to_owned()),
        ..PullRequestOptions::default()
    });
    palisade.github.take_pending_deliveries();
    let run = licensed_run(&pull_request);
    run.complete("success");
    palisade.github.resume_deliveries();
    pull_request.check_run_shows(LICENSES, PASSED).await;
    palisade.settled().await;
}
