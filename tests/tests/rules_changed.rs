//! A push that changes `.palisade.yml` on a branch that counts: open pull requests are judged again by what it says now, a
//! few at a time, each once.

use palisade_github_fake::{Fault, PullRequest, PullRequestOptions, Repository, Workflow};
use palisade_tests::{TestHost, evidence, http};
use std::time::Duration;

const CHECK: &str = "Vulnerability Scan Check";
const PASSED: &str = "success: Vulnerability Check - Passed";
const FAILED: &str = "failure: Vulnerability Check - Failed";
const FILE: &str = ".palisade.yml";

const STRICTER: &str =
    "version: 1\nchecks: { Vulnerability Scan Check: { settings: { vulnerability: { maximum_severity: low } } } }\n";

/// A pull request with a finding that the host's own configuration lets pass.
fn scanned(repository: &Repository, base: &str) -> PullRequest {
    let options = PullRequestOptions { base: Some(base.to_owned()), ..PullRequestOptions::from("Add a feature") };
    let pull_request = repository.open_pull_request(options);
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "MEDIUM")]))]);
    run.complete("success");
    pull_request
}

async fn passed(palisade: &TestHost, base: &str) -> PullRequest {
    let pull_request = scanned(&palisade.repository(), base);
    pull_request.check_run_shows(CHECK, PASSED).await;
    palisade.settled().await;
    pull_request
}

fn push(repository: &Repository, branch: &str, path: &str, text: &str) {
    let sha = repository.write_file_to(branch, path, text.as_bytes());
    repository.announce_push(&format!("refs/heads/{branch}"), &sha);
}

fn completions(pull_request: &PullRequest) -> usize {
    pull_request.check_run(CHECK).expect("opened").completions
}

/// Jobs that wait for their time.
async fn delayed(palisade: &TestHost) -> u64 {
    let text = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    let line = text.lines().find_map(|line| line.strip_prefix("palisade_queue_depth{state=\"delayed\"} "));
    line.and_then(|value| value.parse().ok()).expect("the host tells its queue's depth")
}

/// Proves W10, W42.
#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_file_counts_at_once_for_open_pull_requests_and_for_no_closed_ones() {
    let palisade = TestHost::start().await;
    let closed = passed(&palisade, "main").await;
    closed.close();
    let open = passed(&palisade, "main").await;
    push(&palisade.repository(), "main", "README.md", "hello");
    palisade.settled().await;
    assert_eq!(completions(&open), 1, "another file changes no rules");
    push(&palisade.repository(), "main", FILE, STRICTER);
    open.check_run_shows(CHECK, FAILED).await;
    palisade.settled().await;
    open.comment_says("CVE-2026-0001").await;
    assert_eq!(closed.check_run(CHECK).expect("opened").to_string(), PASSED);
}

/// Proves W42.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_s_file_counts_for_pull_requests_into_it_if_it_is_protected_and_else_for_none() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    for branch in ["release", "lax"] {
        repository.create_branch(branch);
    }
    repository.protect_branch("release");
    let (main, lax) = (passed(&palisade, "main").await, passed(&palisade, "lax").await);
    let release = passed(&palisade, "release").await;
    push(&repository, "lax", FILE, STRICTER);
    palisade.settled().await;
    assert_eq!(completions(&lax), 1);
    push(&repository, "release", FILE, STRICTER);
    release.check_run_shows(CHECK, FAILED).await;
    palisade.settled().await;
    assert_eq!((completions(&main), completions(&lax)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_by_the_older_rules_and_could_not_be_told_is_told_no_more() {
    let palisade = TestHost::with("[queue]\nretry_base = \"5ms\"\n[github]\nretry_base = \"1ms\"\n").await;
    palisade.github.fault(Fault::on("PATCH /repos/*/check-runs/*").status(502).always());
    let pull_request = scanned(&palisade.repository(), "main");
    palisade.settled().await;
    assert_eq!(completions(&pull_request), 0);
    palisade.github.clear_faults();
    push(&palisade.repository(), "main", FILE, STRICTER);
    palisade.settled().await;
    assert_eq!(pull_request.check_run(CHECK).expect("opened").to_string(), FAILED);
    assert_eq!(completions(&pull_request), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_open_pull_request_has_its_turn() {
    let palisade = TestHost::start().await;
    let pulls = [passed(&palisade, "main").await, passed(&palisade, "main").await, passed(&palisade, "main").await];
    push(&palisade.repository(), "main", FILE, STRICTER);
    palisade.settled().await;
    palisade.advance(Duration::from_secs(10));
    for pull_request in &pulls {
        pull_request.check_run_shows(CHECK, FAILED).await;
    }
    palisade.settled().await;
}

/// Other instances believe the older file for a minute: nobody is looked at before.
#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_s_file_has_all_its_repositories_looked_at_once_for_all_pushes() {
    let palisade = TestHost::start().await;
    let others = scanned(&palisade.github.repository("acme/other"), "main");
    let foreign = scanned(&palisade.github.repository("umbrella/shop"), "main");
    for pull_request in [&others, &foreign] {
        pull_request.check_run_shows(CHECK, PASSED).await;
    }
    let own = passed(&palisade, "main").await;
    let before = delayed(&palisade).await;
    let organisation = palisade.github.repository("acme/.github");
    for text in ["version: 1\n", STRICTER] {
        push(&organisation, "main", FILE, text);
        palisade.settled().await;
        assert_eq!(delayed(&palisade).await - before, 2, "one for each of the owner's two pull requests");
    }
    palisade.advance(Duration::from_secs(90));
    palisade.settled().await;
    for pull_request in [&others, &own] {
        pull_request.check_run_shows(CHECK, FAILED).await;
    }
    palisade.settled().await;
    assert_eq!(completions(&foreign), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_reads_no_overlays_is_not_disturbed_by_them() {
    let palisade = TestHost::with("[overlay]\nenabled = false\n").await;
    let open = passed(&palisade, "main").await;
    palisade.github.clear_journal();
    push(&palisade.repository(), "main", FILE, STRICTER);
    palisade.settled().await;
    assert_eq!((completions(&open), palisade.github.journal().writes()), (1, 0));
}

/// Proves W42.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_may_have_everything_judged_where_the_host_judges_what_is_introduced() {
    let introduced = format!("[checks.\"{CHECK}\"]\npolicies = [\"vulnerability\"]\njudge = \"introduced\"\n");
    let palisade = TestHost::with(&introduced).await;
    let repository = palisade.repository();
    let old = evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]);
    let sha = repository.write_file("code.js", b"old");
    let run = repository.start_run(&sha, Workflow::from("ci.yml").on("push").for_branch("main"));
    run.upload("trivy", &[("trivy.json", &old)]);
    run.complete("success");
    palisade.settled().await;
    let pull_request = repository.open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &old)]);
    run.complete("success");
    pull_request.check_run_shows(CHECK, PASSED).await;
    palisade.settled().await;
    push(&repository, "main", FILE, &format!("version: 1\nchecks: {{ {CHECK}: {{ judge: all }} }}\n"));
    pull_request.check_run_shows(CHECK, FAILED).await;
    palisade.settled().await;
}
