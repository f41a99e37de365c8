//! Modes, and where checks apply: by repository, owner, topic, language and the files that change.

use palisade_github_fake::{PullRequest, PullRequestOptions, Repository};
use palisade_tests::{TestHost, evidence};

const LICENSES: &str = "License Check";
const DRY_RUN: &str = "License Check (dry run)";

fn mode(mode: &str) -> String {
    format!("[checks.\"{LICENSES}\"]\npolicies = [\"license\"]\nmode = \"{mode}\"\n")
}

/// Both default checks, and a group for the one.
fn group(text: &str) -> String {
    format!("[groups.some]\nchecks = [\"{LICENSES}\"]\n{text}\n")
}

/// A pull request with a package under a licence that blocks.
fn copyleft(repository: &Repository, options: impl Into<PullRequestOptions>) -> PullRequest {
    let pull_request = repository.open_pull_request(options);
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.complete("success");
    pull_request
}

fn changing(path: &str) -> PullRequestOptions {
    PullRequestOptions { files: vec![(path.to_owned(), b"new".to_vec())], ..PullRequestOptions::from("Change it") }
}

/// Proves W20.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_warns_shows_what_would_block() {
    let palisade = TestHost::with(&mode("warn")).await;
    let run = copyleft(&palisade.repository(), "Add a feature").check_run_completed(LICENSES).await;
    assert_eq!(run.to_string(), "success: License Check - Would Block");
    let (summary, text) = (run.summary.unwrap_or_default(), run.text.unwrap_or_default());
    assert!(summary.contains("that would block. The check only warns here"), "{summary}");
    assert!(text.contains("### Would block"), "{text}");
    let strict = TestHost::with(&format!("{}on_warn = \"failure\"\n", mode("warn"))).await;
    let run = copyleft(&strict.repository(), "Add a feature").check_run_completed(LICENSES).await;
    assert_eq!(run.to_string(), "failure: License Check - Failed");
}

/// Proves W42.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_tried_out_has_a_name_of_its_own_and_never_fails() {
    let strict = "on_warn = \"failure\"\non_broken = \"failure\"\non_missing = \"failure\"\n";
    let palisade = TestHost::with(&format!("{}{strict}", mode("dry-run"))).await;
    let pull_request = copyleft(&palisade.repository(), "Add a feature");
    let run = pull_request.check_run_completed(DRY_RUN).await;
    assert_eq!(run.to_string(), "neutral: License Check (dry run) - Would Block");
    assert!(pull_request.check_run(LICENSES).is_none());
    let without_reports = palisade.repository().open_pull_request("Another");
    without_reports.start_run("ci.yml").complete("failure");
    let run = without_reports.check_run_completed(DRY_RUN).await;
    assert_eq!(run.to_string(), "neutral: License Check (dry run) - Workflow Not Successful");
}

/// Proves W36.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_created_where_a_group_that_lists_it_matches() {
    for (text, matches) in [
        ("repositories = [\"acme/sh*\"]", true),
        ("repositories = [\"acme/other\"]", false),
        ("owners = [\"umbrella\"]", false),
        ("topics = [\"pci\"]\nlanguages = [\"java\"]", true),
        ("topics = [\"pci\"]\nlanguages = [\"rust\"]", false),
        ("topics = [\"internal\"]", false),
    ] {
        let palisade = TestHost::with(&group(text)).await;
        let repository = palisade.repository();
        repository.describe(&["pci", "web"], Some("Java"));
        let pull_request = copyleft(&repository, "Add a feature");
        pull_request.check_run_completed("Vulnerability Scan Check").await;
        palisade.settled().await;
        assert_eq!(pull_request.check_run(LICENSES).is_some(), matches, "{text}");
    }
}

/// Proves W36.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_groups_the_stricter_mode_holds() {
    let text = format!(
        "[groups.all]\nowners = [\"acme\"]\nmode = \"warn\"\nchecks = [\"{LICENSES}\"]\n\
         [groups.payments]\nrepositories = [\"pay-*\"]\nmode = \"enforce\"\nchecks = [\"{LICENSES}\"]\n"
    );
    let palisade = TestHost::with(&text).await;
    let shop = copyleft(&palisade.repository(), "Add a feature");
    assert_eq!(shop.check_run_completed(LICENSES).await.to_string(), "success: License Check - Would Block");
    let payments = copyleft(&palisade.github.repository("acme/pay-api"), "Add a feature");
    assert_eq!(payments.check_run_completed(LICENSES).await.to_string(), "failure: License Check - Failed");
}

/// Proves W11.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_about_other_files_ends_as_not_applicable() {
    let palisade = TestHost::with(&group("paths = [\"deploy/**\", \"*.lock\"]")).await;
    let docs = copyleft(&palisade.repository(), changing("docs/guide.md"));
    let run = docs.check_run_completed(LICENSES).await;
    assert_eq!(run.to_string(), "neutral: License Check - Not Applicable");
    assert!(run.summary.unwrap_or_default().contains("`*.lock`, `deploy/**`"));
    let deploy = copyleft(&palisade.repository(), changing("deploy/eu/values.yaml"));
    assert_eq!(deploy.check_run_completed(LICENSES).await.to_string(), "failure: License Check - Failed");
}
