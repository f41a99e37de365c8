//! What is done a second time: judging, where somebody asks or the rules changed. Files are parsed once.

use palisade_github_fake::PullRequest;
use palisade_tests::{TestHost, evidence, http};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const PASSED: &str = "success: Vulnerability Check - Passed";
const FAILED: &str = "failure: Vulnerability Check - Failed";

/// A scan with a finding that only a stricter policy blocks, and an SBOM.
fn ci(palisade: &TestHost) -> PullRequest {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "MEDIUM")]))]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request
}

/// How often plugins were asked to normalize, and to judge.
async fn asked(palisade: &TestHost) -> (u64, u64) {
    let text = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    let calls = |kind: &str| {
        let of_kind = format!("kind=\"{kind}\"");
        let lines =
            text.lines().filter(|line| line.starts_with("palisade_plugin_calls_total{") && line.contains(&of_kind));
        lines.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a number")).sum()
    };
    (calls("normalize"), calls("evaluate"))
}

fn stricter() -> String {
    format!(
        "[checks.\"{VULNERABILITIES}\"]\npolicies = [\"vulnerability\"]\nsettings.vulnerability.maximum_severity = \"low\"\n\
         [checks.\"{LICENSES}\"]\npolicies = [\"license\"]\n"
    )
}

/// Proves R29, R20.
#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_with_unchanged_plugins_parses_nothing_again() {
    let palisade = TestHost::start().await;
    let pull_request = ci(&palisade);
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    palisade.settled().await;
    assert_eq!(asked(&palisade).await, (2, 2));
    pull_request.rerequest_all("mona");
    pull_request.check_run_completed_times(VULNERABILITIES, 2).await;
    palisade.settled().await;
    pull_request.rerequest(LICENSES);
    pull_request.check_run_completed_times(LICENSES, 3).await;
    palisade.settled().await;
    assert_eq!(asked(&palisade).await, (2, 5), "two for the suite, one for the check");
}

/// Proves W10, R20.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_rules_change_only_the_judging_is_repeated() {
    let palisade = TestHost::start().await;
    let pull_request = ci(&palisade);
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    palisade.settled().await;
    let before = asked(&palisade).await;
    palisade.github.clear_journal();
    let text = format!(
        "version: 1\nchecks:\n  {VULNERABILITIES}:\n    settings: {{ vulnerability: {{ maximum_severity: low }} }}\n"
    );
    let repository = palisade.repository();
    let sha = repository.write_file(".palisade.yml", text.as_bytes());
    repository.announce_push("refs/heads/main", &sha);
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
    assert_eq!(asked(&palisade).await, (before.0, before.1 + 2));
    assert_eq!(palisade.github.journal().count("GET /blob/*"), 0, "what was fetched once is not fetched again");
}

/// Memory keeps nothing over a restart, reports least of all: what is asked for again is fetched and parsed once more, for
/// all checks together, and judged by what the configuration says now.
///
/// Proves W10, R12.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_with_another_policy_each_file_is_parsed_once_for_all_checks() {
    let palisade = TestHost::start().await;
    let pull_request = ci(&palisade);
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    palisade.settled().await;
    let palisade = palisade.restarted(&stricter()).await;
    palisade.settled().await;
    pull_request.rerequest_all("mona");
    pull_request.check_run_shows(VULNERABILITIES, FAILED).await;
    palisade.settled().await;
    pull_request.rerequest(LICENSES);
    pull_request.check_run_completed_times(LICENSES, 3).await;
    palisade.settled().await;
    let (normalized, judged) = asked(&palisade).await;
    assert_eq!(normalized, 2, "{judged} judgements");
}
