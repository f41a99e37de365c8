//! New findings and old ones: what a pull request is compared with, what becomes of it, and that a missing baseline is said.

use palisade_github_fake::{CheckRun, Fault, Head, PullRequest, PullRequestOptions, Workflow};
use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const PASSED: &str = "success: Vulnerability Check - Passed";
const FAILED: &str = "failure: Vulnerability Check - Failed";
const LOCK: &str = "package-lock.json";

/// Old, in the default branch.
const OLD: (&str, &str, &str, &str) = ("CVE-2026-0001", "left-pad", "1.0.0", LOCK);
/// In a package that the default branch has too.
const DISCLOSED: (&str, &str, &str, &str) = ("CVE-2026-0002", "left-pad", "1.0.0", LOCK);
/// In a package that nobody had before.
const NEW: (&str, &str, &str, &str) = ("CVE-2026-0003", "right-pad", "2.0.0", LOCK);

type Found<'a> = (&'a str, &'a str, &'a str, &'a str);

const ONLY_INTRODUCED: &str =
    "[checks.\"Vulnerability Scan Check\"]\npolicies = [\"vulnerability\"]\njudge = \"introduced\"\n";

/// CI on a branch of the repository finds this; the answer is the commit.
async fn on_branch(palisade: &TestHost, branch: &str, found: &[Found<'_>]) -> String {
    upload_on_branch(palisade, branch, "trivy", &evidence::trivy_of(found)).await
}

async fn upload_on_branch(palisade: &TestHost, branch: &str, artifact: &str, report: &[u8]) -> String {
    let repository = palisade.repository();
    let sha = repository.write_file_to(branch, "code.js", format!("on {branch}").as_bytes());
    let run = repository.start_run(&sha, Workflow::from("ci.yml").on("push").for_branch(branch));
    run.upload(artifact, &[("report.json", report)]);
    run.complete("success");
    palisade.settled().await;
    sha
}

/// A pull request whose CI finds this.
fn opened(palisade: &TestHost, found: &[Found<'_>]) -> PullRequest {
    opened_into(palisade, "main", found)
}

fn opened_into(palisade: &TestHost, base: &str, found: &[Found<'_>]) -> PullRequest {
    let options = PullRequestOptions { base: Some(base.to_owned()), ..PullRequestOptions::from("Add a feature") };
    let pull_request = palisade.repository().open_pull_request(options);
    ci(&pull_request, found);
    pull_request
}

fn ci(pull_request: &PullRequest, found: &[Found<'_>]) {
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy_of(found))]);
    run.complete("success");
}

async fn judged(pull_request: &PullRequest) -> CheckRun {
    pull_request.check_run_completed(VULNERABILITIES).await
}

fn notice(check: &CheckRun, word: &str) -> String {
    let summary = check.summary.clone().unwrap_or_default();
    let found = summary.lines().find(|line| line.contains(word));
    found.unwrap_or_else(|| panic!("no line with {word:?} in:\n{summary}")).to_owned()
}

/// Proves W20.
#[tokio::test(flavor = "multi_thread")]
async fn introduced_disclosed_existing_and_fixed_findings_are_told_apart() {
    let palisade = TestHost::start().await;
    let gone = ("CVE-2026-0009", "old-pad", "1.0.0", LOCK);
    let sha = on_branch(&palisade, "main", &[OLD, gone]).await;
    let check = judged(&opened(&palisade, &[OLD, DISCLOSED, NEW])).await;
    assert_eq!(check.to_string(), FAILED, "without a word in the configuration everything counts");
    let expected =
        format!("- compared with `main` at `{}`: 1 introduced, 1 newly disclosed, 1 existing, 1 fixed", &sha[..12]);
    assert_eq!(notice(&check, "compared with"), expected);
    let text = check.text.unwrap_or_default();
    assert!(text.contains("### Fixed: 1 finding") && text.contains("CVE-2026-0009"), "{text}");
}

/// Proves W20.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_baseline_is_said_with_the_branch_that_was_looked_for() {
    let palisade = TestHost::start().await;
    let check = judged(&opened(&palisade, &[NEW])).await;
    assert_eq!(
        notice(&check, "no baseline"),
        "- no baseline yet: no evidence of `main` is known, so nothing is called new or existing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_judges_only_introduced_findings_is_not_blocked_by_others() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    on_branch(&palisade, "main", &[OLD]).await;
    let check = judged(&opened(&palisade, &[OLD, DISCLOSED])).await;
    assert_eq!(check.to_string(), PASSED);
    let text = check.text.unwrap_or_default();
    assert!(text.contains("it was there before"), "{text}");
    assert!(text.contains("newly disclosed, not brought in by this change"), "{text}");
    assert_eq!(judged(&opened(&palisade, &[OLD, NEW])).await.to_string(), FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_introduced_findings_warns_without_a_baseline_unless_that_fails() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    let check = judged(&opened(&palisade, &[NEW])).await;
    assert_eq!(check.to_string(), PASSED);
    assert!(check.text.unwrap_or_default().contains("no baseline yet"));
    let strict = TestHost::with(&format!("{ONLY_INTRODUCED}baseline_missing = \"fail\"\n")).await;
    assert_eq!(judged(&opened(&strict, &[NEW])).await.to_string(), FAILED);
}

/// Proves R17, W08.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_introduced_findings_is_no_pass_while_the_baseline_cannot_be_read() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    palisade.github.fault(Fault::on("GET /repos/*/actions/runs").status(502).always());
    let pull_request = opened(&palisade, &[NEW]);
    assert_eq!(judged(&pull_request).await.to_string(), "neutral: Vulnerability Check - System Unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_manifest_a_bump_and_another_line_are_no_news() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    on_branch(&palisade, "main", &[OLD]).await;
    let bumped = ("CVE-2026-0001", "left-pad", "1.0.1", LOCK);
    assert_eq!(judged(&opened(&palisade, &[bumped])).await.to_string(), PASSED);
    let moved = ("CVE-2026-0001", "left-pad", "1.0.0", "app/package-lock.json");
    assert_eq!(judged(&opened(&palisade, &[moved])).await.to_string(), PASSED);
    let copied = [OLD, ("CVE-2026-0001", "left-pad", "1.0.0", "app/package-lock.json")];
    assert_eq!(judged(&opened(&palisade, &copied)).await.to_string(), FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_finding_on_another_line_stays_old() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    let report = String::from_utf8(evidence::vulnerability_sarif(&[("CVE-2026-0001", "8.1")])).expect("it is text");
    upload_on_branch(&palisade, "main", "sarif", report.as_bytes()).await;
    let pull_request = palisade.repository().open_pull_request("Add lines above");
    let run = pull_request.start_run("ci.yml");
    let shifted = report.replace("\"startLine\": 1", "\"startLine\": 99");
    assert_ne!(report, shifted);
    run.upload("sarif", &[("audit.sarif", shifted.as_bytes())]);
    run.complete("success");
    let check = judged(&pull_request).await;
    assert_eq!(check.to_string(), PASSED);
    assert!(notice(&check, "compared with").ends_with(": 1 existing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn licences_of_components_are_old_or_new_as_well() {
    let config = "[checks.\"License Check\"]\npolicies = [\"license\"]\njudge = \"introduced\"\n";
    let palisade = TestHost::with(config).await;
    upload_on_branch(&palisade, "main", "sbom", &evidence::spdx(&[("left-pad", "GPL-3.0-only")])).await;
    for (packages, expected) in [
        (&[("left-pad", "GPL-3.0-only")][..], "success: License Check - Passed"),
        (&[("left-pad", "GPL-3.0-only"), ("right-pad", "GPL-3.0-only")][..], "failure: License Check - Failed"),
    ] {
        let pull_request = palisade.repository().open_pull_request("Add a package");
        let run = pull_request.start_run("ci.yml");
        run.upload("sbom", &[("sbom.json", &evidence::spdx(packages))]);
        run.complete("success");
        assert_eq!(pull_request.check_run_completed(LICENSES).await.to_string(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_base_branch_is_compared_with_itself_and_another_one_with_the_default_branch() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    let repository = palisade.repository();
    for branch in ["release", "lax"] {
        repository.create_branch(branch);
    }
    repository.protect_branch("release");
    on_branch(&palisade, "main", &[]).await;
    on_branch(&palisade, "release", &[OLD]).await;
    on_branch(&palisade, "lax", &[OLD]).await;
    let check = judged(&opened_into(&palisade, "release", &[OLD])).await;
    assert_eq!(check.to_string(), PASSED);
    assert!(notice(&check, "compared with").contains("`release`"));
    let check = judged(&opened_into(&palisade, "lax", &[OLD])).await;
    assert_eq!(check.to_string(), FAILED, "a branch made for the purpose loosens nothing");
    assert!(notice(&check, "compared with").contains("`main`"));
}

/// Proves W23.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_pull_requests_on_one_sha_the_worst_result_is_shown() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    let repository = palisade.repository();
    repository.create_branch("release");
    repository.protect_branch("release");
    on_branch(&palisade, "main", &[]).await;
    on_branch(&palisade, "release", &[OLD]).await;
    let into = |base: &str, head_sha: Option<String>| PullRequestOptions {
        base: Some(base.to_owned()),
        head: Head::NamedBranch("feature".to_owned()),
        head_sha,
        ..PullRequestOptions::from("Add a feature")
    };
    let harmless = repository.open_pull_request(into("release", None));
    let harmful = repository.open_pull_request(into("main", Some(harmless.head_sha())));
    palisade.settled().await;
    ci(&harmless, &[OLD]);
    let check = judged(&harmless).await;
    assert_eq!(check.to_string(), FAILED);
    assert_eq!(
        notice(&check, "this is the result for"),
        format!(
            "- this is the result for `#{}` into main, a failure; for `#{}` into release it is a success",
            harmful.number(),
            harmless.number()
        )
    );
}

/// Proves R22, W03.
#[tokio::test(flavor = "multi_thread")]
async fn neither_a_fork_s_run_nor_a_tag_s_becomes_the_baseline_of_a_branch_of_its_name() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    let push_to_main = || Workflow::from("ci.yml").on("push").for_branch("main");
    let fork = PullRequestOptions { head: Head::Fork("mallory".to_owned()), ..PullRequestOptions::from("Harmless") };
    let of_fork = palisade.repository().open_pull_request(fork).start_run(push_to_main());
    let tagged = palisade.repository().open_pull_request("Tag it").head_sha();
    let of_tag = palisade.repository().start_run(&tagged, push_to_main());
    for run in [of_fork, of_tag] {
        run.upload("trivy", &[("trivy.json", &evidence::trivy_of(&[OLD]))]);
        run.complete("success");
    }
    palisade.settled().await;
    let check = judged(&opened(&palisade, &[OLD])).await;
    assert!(notice(&check, "no baseline").contains("no baseline yet"));
    on_branch(&palisade, "main", &[]).await;
    assert_eq!(judged(&opened(&palisade, &[OLD])).await.to_string(), FAILED);
}

/// Proves W20.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_rego_compliance_report_lists_is_old_or_new_by_the_finding_that_it_names() {
    let text = format!(
        "[plugins.compatible]\nfile = {:?}\nsettings = {{ entrypoint = \"compliance/vulnerability_report\" }}\n\
         [checks.\"{VULNERABILITIES}\"]\npolicies = [\"compatible\"]\njudge = \"introduced\"\n",
        palisade_tests::workspace().join("policies/compliance").display().to_string()
    );
    let palisade = TestHost::with(&text).await;
    on_branch(&palisade, "main", &[OLD]).await;
    let passed = judged(&opened(&palisade, &[OLD])).await;
    assert_eq!(passed.conclusion.as_deref(), Some("success"), "{passed}");
    assert!(passed.text.unwrap_or_default().contains("it was there before"));
    let failed = judged(&opened(&palisade, &[OLD, NEW])).await;
    assert_eq!(failed.conclusion.as_deref(), Some("failure"), "{failed}");
}

/// Proves W03, W20.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_of_the_branch_s_name_on_an_old_commit_takes_nothing_back() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    let old = on_branch(&palisade, "main", &[OLD]).await;
    on_branch(&palisade, "main", &[]).await;
    // Somebody tags the commit before the fix with the branch's name: CI runs for it, later than for the fix.
    let of_tag = palisade.repository().start_run(&old, Workflow::from("ci.yml").on("push").for_branch("main"));
    of_tag.upload("trivy", &[("report.json", &evidence::trivy_of(&[OLD]))]);
    of_tag.complete("success");
    palisade.settled().await;
    assert_eq!(judged(&opened(&palisade, &[OLD])).await.to_string(), FAILED, "it was fixed and is brought in again");
    // GitHub lists the tag's run first.
    let palisade = palisade.restarted(ONLY_INTRODUCED).await;
    palisade.settled().await;
    assert_eq!(judged(&opened(&palisade, &[OLD])).await.to_string(), FAILED);
}

/// Proves R12.
#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_is_asked_of_github_once_after_the_state_was_lost() {
    let palisade = TestHost::with(ONLY_INTRODUCED).await;
    on_branch(&palisade, "main", &[OLD]).await;
    let palisade = palisade.restarted(ONLY_INTRODUCED).await;
    palisade.settled().await;
    palisade.github.clear_journal();
    assert_eq!(judged(&opened(&palisade, &[OLD])).await.to_string(), PASSED);
    assert_eq!(judged(&opened(&palisade, &[OLD])).await.to_string(), PASSED);
    palisade.settled().await;
    let asked = palisade.github.journal().count("GET /repos/*/actions/runs");
    assert_eq!(asked, 1, "what was found is remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_commits_are_judged_where_that_is_configured_and_nowhere_else() {
    let palisade = TestHost::with("[commits]\nbranches = [\"main\"]\ntags = [\"v*\"]\n").await;
    let repository = palisade.repository();
    repository.create_branch("feature");
    for (branch, reference) in [("main", "refs/heads/main"), ("feature", "refs/heads/feature")] {
        let sha = repository.write_file_to(branch, "code.js", branch.as_bytes());
        repository.announce_push(reference, &sha);
        let run = repository.start_run(&sha, Workflow::from("ci.yml").on("push").for_branch(branch));
        run.upload("trivy", &[("trivy.json", &evidence::trivy_of(&[NEW]))]);
        run.complete("success");
    }
    let main = repository.branch_sha("main").expect("it is there");
    let check = repository.check_run_completed(&main, VULNERABILITIES).await;
    assert_eq!(check.to_string(), FAILED);
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count("POST /repos/*/check-runs"), 2, "one commit has the two checks");
}

/// Proves W10.
#[tokio::test(flavor = "multi_thread")]
async fn two_reports_of_one_kind_are_both_judged_and_a_changed_policy_takes_effect_at_once() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    for (artifact, found) in [("trivy-app", OLD), ("trivy-image", NEW)] {
        run.upload(artifact, &[("trivy.json", &evidence::trivy_of(&[found]))]);
    }
    run.complete("success");
    let check = judged(&pull_request).await;
    assert_eq!(check.to_string(), FAILED);
    let text = check.text.unwrap_or_default();
    for found in [OLD, NEW] {
        assert!(text.contains(found.0), "{} is not in {text}", found.0);
    }
    palisade.settled().await;
    let lenient = "[plugins.vulnerability.settings]\nmaximum_severity = \"high\"\n";
    let palisade = palisade.restarted(lenient).await;
    palisade.settled().await;
    pull_request.rerequest(VULNERABILITIES);
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    palisade.settled().await;
}
