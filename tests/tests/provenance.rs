//! How far evidence is trusted: by whose run it is, by whether the pull request changes how it is made, and by who takes
//! responsibility for it.

use palisade_github_fake::{Head, PullRequest, PullRequestOptions, Run, Workflow};
use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const PASSED: &str = "success: Vulnerability Check - Passed";
const UNTRUSTED: &str = "failure: Vulnerability Scan Check - Evidence Untrusted";
const CI: &str = ".github/workflows/ci.yml";
const SHA: &str = "5f2ac3b1d0e94c7788a6b5c4d3e2f1a09b8c7d6e";

/// A check that asks for evidence of this tier.
fn asking_for(tier: &str) -> String {
    format!("[checks.\"{VULNERABILITIES}\"]\npolicies = [\"vulnerability\"]\nmin_provenance = \"{tier}\"\n")
}

async fn host(tier: &str) -> TestHost {
    let palisade = TestHost::with(&asking_for(tier)).await;
    palisade.repository().add_collaborator("maintainer", "write");
    palisade
}

fn with_files(files: &[(&str, &str)]) -> PullRequestOptions {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    PullRequestOptions { title: "A change".to_owned(), author: Some("author".to_owned()), files, ..Default::default() }
}

fn from_fork(owner: &str) -> PullRequestOptions {
    PullRequestOptions { head: Head::Fork(owner.to_owned()), ..PullRequestOptions::from("From outside") }
}

/// A clean scan, uploaded by a run that ended with success.
fn clean_scan(pull_request: &PullRequest, workflow: impl Into<Workflow>) -> Run {
    scanned(pull_request, workflow, &evidence::clean_trivy())
}

fn scanned(pull_request: &PullRequest, workflow: impl Into<Workflow>, report: &[u8]) -> Run {
    let run = pull_request.start_run(workflow.into().by("author"));
    run.upload("trivy", &[("trivy.json", report)]);
    run.complete("success");
    run
}

async fn shown(pull_request: &PullRequest) -> String {
    pull_request.check_run_completed(VULNERABILITIES).await.to_string()
}

async fn summary(pull_request: &PullRequest) -> String {
    pull_request.check_run_completed(VULNERABILITIES).await.summary.unwrap_or_default()
}

/// What a check that asks for `repository` says of a clean scan of `ci.yml` under this change.
async fn scan_of(change: PullRequestOptions) -> (String, String) {
    let palisade = host("repository").await;
    let pull_request = palisade.repository().open_pull_request(change);
    clean_scan(&pull_request, "ci.yml");
    (shown(&pull_request).await, summary(&pull_request).await)
}

/// Proves R22.
#[tokio::test(flavor = "multi_thread")]
async fn the_evidence_of_an_unchanged_workflow_is_the_repositorys_own_and_says_so() {
    let (shown, summary) = scan_of(with_files(&[("src/main.js", "run()")])).await;
    assert_eq!(shown, PASSED);
    assert!(summary.contains("(repository)"), "{summary}");
}

/// Proves R22, W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_clean_report_of_a_fork_does_not_pass_a_check_that_asks_for_more() {
    for tier in ["changed-workflow", "repository", "trusted-workflow"] {
        let palisade = host(tier).await;
        let pull_request = palisade.repository().open_pull_request(from_fork("mallory"));
        clean_scan(&pull_request, "ci.yml");
        assert_eq!(shown(&pull_request).await, UNTRUSTED, "{tier}");
        let summary = summary(&pull_request).await;
        assert!(summary.contains("| fork | its run belongs to a fork |"), "{summary}");
    }
}

/// Proves W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_s_evidence_is_judged_where_nothing_more_is_asked_and_its_tier_is_told() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request(from_fork("mallory"));
    clean_scan(&pull_request, "ci.yml");
    assert_eq!(shown(&pull_request).await, PASSED);
    let summary = summary(&pull_request).await;
    assert!(summary.contains("is fork, because its run belongs to a fork"), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_changes_its_workflow_an_action_or_what_they_use_is_not_trusted() {
    let changed = "on: pull_request\njobs: {}\n";
    for path in [CI, ".github/workflows/reused.yml", ".github/actions/scan/action.yml", "tools/scan/action.yaml"] {
        let (shown, summary) = scan_of(with_files(&[(path, changed)])).await;
        assert_eq!(shown, UNTRUSTED, "{path}");
        assert!(summary.contains("changed-workflow") && summary.contains("changes"), "{summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_workflow_is_a_changed_one() {
    let palisade = host("repository").await;
    let workflow = "on: pull_request\njobs: {}\n";
    palisade.repository().write_file(".github/workflows/old.yml", workflow.as_bytes());
    let mut change = with_files(&[("elsewhere/new.yml", workflow)]);
    change.removed.push(".github/workflows/old.yml".to_owned());
    let pull_request = palisade.repository().open_pull_request(change);
    clean_scan(&pull_request, "ci.yml");
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_action_that_the_base_s_workflow_names_must_be_unchanged_wherever_it_lies() {
    let workflow = "jobs:\n  scan:\n    steps:\n      - uses: ./tools/scan\n";
    for (path, expected) in [("tools/scan/run.sh", UNTRUSTED), ("tools/scanner.sh", PASSED)] {
        let palisade = host("repository").await;
        palisade.repository().write_file(CI, workflow.as_bytes());
        let pull_request = palisade.repository().open_pull_request(with_files(&[(path, "exit 0")]));
        clean_scan(&pull_request, "ci.yml");
        assert_eq!(shown(&pull_request).await, expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_run_is_compared_with_the_base_as_it_is_now() {
    for (moved, expected) in [(false, PASSED), (true, UNTRUSTED)] {
        let palisade = host("repository").await;
        let pull_request = palisade.repository().open_pull_request(with_files(&[("src/main.js", "run()")]));
        if moved {
            // The branch was cut before: it still carries the old workflow.
            palisade.repository().write_file(CI, b"jobs: { scan: { steps: [] } }\n");
        }
        clean_scan(&pull_request, Workflow::from("ci.yml").on("push"));
        assert_eq!(shown(&pull_request).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reusable_workflow_that_the_operator_names_is_trusted_in_that_version_only() {
    let path = "acme/ci/.github/workflows/scan.yml";
    let trusted = format!("{}[artifacts]\ntrusted_workflows = [\"{path}@{SHA}\"]\n", asking_for("trusted-workflow"));
    for (sha, files, expected) in [
        (SHA.to_owned(), with_files(&[("src/main.js", "run()")]), PASSED),
        ("0".repeat(40), with_files(&[("src/main.js", "run()")]), UNTRUSTED),
        // Any other job of a changed caller could upload the same name.
        (SHA.to_owned(), with_files(&[(CI, "jobs: {}\n")]), UNTRUSTED),
    ] {
        let palisade = TestHost::with(&trusted).await;
        let pull_request = palisade.repository().open_pull_request(files);
        clean_scan(&pull_request, Workflow::from("ci.yml").calling(&format!("{path}@refs/heads/main"), &sha));
        assert_eq!(shown(&pull_request).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_that_nothing_reaches_stops_the_start_with_a_sentence() {
    let refused = TestHost::try_with(&asking_for("attested"), Default::default()).await;
    let error = format!("{:#}", refused.err().expect("nothing reaches it"));
    assert!(error.contains("signatures are not verified"), "{error}");
}

/// Proves R22.
#[tokio::test(flavor = "multi_thread")]
async fn fail_closed_asks_for_the_repository_s_own_evidence() {
    let palisade = TestHost::with("fail_closed = true\n").await;
    let pull_request = palisade.repository().open_pull_request(from_fork("mallory"));
    clean_scan(&pull_request, "ci.yml");
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
}

/// Proves W03.
#[tokio::test(flavor = "multi_thread")]
async fn runs_for_events_that_are_about_the_base_are_no_evidence() {
    for event in ["pull_request_target", "schedule", "issue_comment", "workflow_run", "dynamic"] {
        let palisade = TestHost::with("[artifacts]\nno_run_deadline = \"1s\"\n").await;
        let pull_request = palisade.repository().open_pull_request("Add a feature");
        clean_scan(&pull_request, Workflow::from("ci.yml").on(event));
        let shown = shown(&pull_request).await;
        assert_eq!(shown, "neutral: Vulnerability Scan Check - No Reports Found", "{event}");
    }
}

/// Proves W03, W23.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_fork_s_run_on_the_same_commit_hides_nothing_and_adds_nothing() {
    let palisade = host("repository").await;
    let pull_request = palisade.repository().open_pull_request(with_files(&[("src/main.js", "run()")]));
    let same = PullRequestOptions { head_sha: Some(pull_request.head_sha()), ..from_fork("mallory") };
    let foreign = palisade.repository().open_pull_request(same);
    let decoy = evidence::cyclonedx_vex("CVE-2026-0001", "not_affected");
    let run = foreign.start_run(Workflow::from("ci.yml").by("mallory"));
    run.upload("sbom", &[("vex.json", &decoy), ("broken-sbom.json", b"{")]);
    run.complete("success");
    scanned(&pull_request, "ci.yml", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]));
    let failed = "failure: Vulnerability Check - Failed";
    pull_request.check_run_shows(VULNERABILITIES, failed).await;
    palisade.settled().await;
    let shown = pull_request.check_run(VULNERABILITIES).expect("it is there");
    assert_eq!(shown.to_string(), failed);
    let summary = shown.summary.unwrap_or_default();
    assert!(summary.contains("Not counted, because it is below `repository`"), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_pull_request_to_a_branch_that_anybody_may_change_lends_nothing() {
    let palisade = host("repository").await;
    let repository = palisade.repository();
    repository.create_branch("lax");
    repository.create_branch("release");
    repository.protect_branch("release");
    for (base, expected) in [("release", PASSED), ("lax", UNTRUSTED)] {
        let pull_request = repository.open_pull_request(with_files(&[("src/main.js", base)]));
        let second = PullRequestOptions {
            head: Head::NamedBranch(pull_request.head_branch()),
            head_sha: Some(pull_request.head_sha()),
            base: Some(base.to_owned()),
            ..PullRequestOptions::from("The same again")
        };
        repository.open_pull_request(second).close();
        palisade.settled().await;
        clean_scan(&pull_request, "ci.yml");
        assert_eq!(shown(&pull_request).await, expected, "{base}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_cannot_tell_is_no_better_than_changed_and_where_more_is_asked_an_outage() {
    for (tier, expected) in [("none", PASSED), ("repository", "neutral: Vulnerability Check - System Unavailable")] {
        let palisade = host(tier).await;
        let fault = palisade_github_fake::Fault::on("GET /repos/*/pulls/*/files").status(502).always();
        palisade.github.fault(fault);
        let pull_request = palisade.repository().open_pull_request(with_files(&[("src/main.js", "run()")]));
        clean_scan(&pull_request, "ci.yml");
        assert_eq!(shown(&pull_request).await, expected, "{tier}");
    }
}
