//! How far evidence is trusted: by whose run it is, by whether the pull request changes how it is made, and by who takes
//! responsibility for it.

use palisade_github_fake::{CheckRun, Fault, Head, PullRequest, PullRequestOptions, Run, Workflow};
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

/// Proves W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_action_that_is_used_by_way_of_another_must_be_unchanged_too() {
    let step = |path: &str| format!("runs: {{ using: composite, steps: [{{ uses: {path} }}] }}\n");
    let between = [
        ("./.github/workflows/scan.yml", ".github/workflows/scan.yml"),
        ("./.github/actions/scan", ".github/actions/scan/action.yaml"),
        ("./elsewhere", "elsewhere/action.yml"),
    ];
    for (used, file) in between {
        for (path, expected) in [("tools/scan/index.js", UNTRUSTED), ("tools/scanner.js", PASSED)] {
            let palisade = host("repository").await;
            palisade.repository().write_file(CI, step(used).as_bytes());
            palisade.repository().write_file(file, step("./tools/scan").as_bytes());
            let pull_request = palisade.repository().open_pull_request(with_files(&[(path, "exit(0)")]));
            clean_scan(&pull_request, "ci.yml");
            assert_eq!(shown(&pull_request).await, expected, "{used}: {path}");
        }
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
async fn a_workflow_that_github_does_not_show_yet_is_asked_for_again_and_its_absence_is_not_believed_for_ever() {
    let missing = |path: &str| Fault::on(&format!("GET /repos/*/contents/{path}")).status(404);
    // Right after a push GitHub's copies may not have the commit.
    let palisade = host("repository").await;
    let pull_request = palisade.repository().open_pull_request(with_files(&[("src/main.js", "run()")]));
    palisade.settled().await;
    // The file itself is read at the head alone; its directory at the base too, where absence is no lag.
    palisade.github.fault(missing(".github/workflows*").times(1));
    clean_scan(&pull_request, Workflow::from("ci.yml").on("push"));
    assert_eq!(shown(&pull_request).await, PASSED);
    // What stays away for longer lowers the tier until somebody looks again.
    palisade.github.fault(missing(".github*").times(usize::MAX));
    let pull_request = palisade.repository().open_pull_request(with_files(&[("src/main.js", "again()")]));
    clean_scan(&pull_request, Workflow::from("ci.yml").on("push"));
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
    palisade.github.clear_faults();
    pull_request.rerequest_all("mona");
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_asks_once_whether_a_branch_is_protected() {
    let palisade = host("repository").await;
    let repository = palisade.repository();
    repository.create_branch("release");
    repository.protect_branch("release");
    let into_release =
        PullRequestOptions { base: Some("release".to_owned()), ..with_files(&[("src/main.js", "run()")]) };
    let pull_request = repository.open_pull_request(into_release);
    palisade.settled().await;
    palisade.github.clear_journal();
    clean_scan(&pull_request, "ci.yml");
    assert_eq!(shown(&pull_request).await, PASSED);
    palisade.settled().await;
    let journal = palisade.github.journal();
    // Baseline, overlay and provenance want to know it. The second is the look while the run is going.
    let asked = journal.entries.iter().filter(|entry| entry.path.ends_with("/branches/release")).count();
    assert!((1..=2).contains(&asked), "{asked} times: {:#?}", journal.breakdown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_group_s_run_is_compared_with_the_commit_that_the_group_is_built_on() {
    for (path, expected) in [("src/main.js", PASSED), (CI, UNTRUSTED)] {
        let palisade = host("repository").await;
        let repository = palisade.repository();
        let pull_request = repository.open_pull_request(with_files(&[(path, "jobs: {}\n")]));
        let sha = repository.request_merge_group(&pull_request);
        let run = repository.start_run(&sha, Workflow::from("ci.yml").on("merge_group"));
        run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
        run.complete("success");
        let shown = |run: &&CheckRun| run.head_sha == sha && run.to_string() == expected;
        let what = format!("the merge group's check to be {expected:?}");
        palisade.github.wait_until(&what, |state| state.check_runs().iter().find(shown).cloned()).await;
    }
}

/// Proves W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_into_a_lax_branch_with_a_merge_group_s_head_lends_the_group_nothing() {
    for (base, expected) in [("release", PASSED), ("lax", UNTRUSTED)] {
        let palisade = host("repository").await;
        let repository = palisade.repository();
        repository.create_branch("lax");
        repository.create_branch("release");
        repository.protect_branch("release");
        let pull_request = repository.open_pull_request(with_files(&[("src/main.js", base)]));
        let sha = repository.request_merge_group(&pull_request);
        let second = PullRequestOptions {
            head: Head::NamedBranch("of-the-queue".to_owned()),
            head_sha: Some(sha.clone()),
            base: Some(base.to_owned()),
            ..PullRequestOptions::from("What the queue merges")
        };
        clean_scan(&repository.open_pull_request(second), "ci.yml");
        let shown = repository.check_run_completed(&sha, VULNERABILITIES).await;
        assert_eq!(shown.to_string(), expected, "{base}: {:?}", shown.summary);
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
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    for event in ["pull_request_target", "schedule", "issue_comment", "workflow_run", "dynamic"] {
        clean_scan(&pull_request, Workflow::from("ci.yml").on(event));
        palisade.settled().await;
        assert_eq!(pull_request.check_run(VULNERABILITIES).expect("opened").status, "in_progress", "{event}");
    }
    clean_scan(&pull_request, "ci.yml");
    assert_eq!(shown(&pull_request).await, PASSED);
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
    // What is left out stands before it in the record, and yet the violation names its own file.
    let text = shown.text.unwrap_or_default();
    assert!(text.contains("Found in `trivy/trivy.json`"), "{text}");
    let summary = shown.summary.unwrap_or_default();
    assert!(summary.contains("Not counted, because it is below `repository`"), "{summary}");
}

/// Proves W03.
#[tokio::test(flavor = "multi_thread")]
async fn two_bases_that_make_evidence_in_different_ways_lend_nothing_to_each_other() {
    let palisade = host("repository").await;
    let repository = palisade.repository();
    repository.create_branch("release");
    repository.protect_branch("release");
    // The default branch goes on: the two differ in how they scan.
    repository.write_file(CI, b"jobs: { scan: {} }\n");
    let pull_request = repository.open_pull_request(with_files(&[("src/main.js", "new")]));
    let second = PullRequestOptions {
        head: Head::NamedBranch(pull_request.head_branch()),
        head_sha: Some(pull_request.head_sha()),
        base: Some("release".to_owned()),
        ..PullRequestOptions::from("The same again")
    };
    repository.open_pull_request(second);
    palisade.settled().await;
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    pull_request.check_run_shows(VULNERABILITIES, UNTRUSTED).await;
    palisade.settled().await;
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

/// Proves W03, W23.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_made_for_a_lax_base_before_a_restart_is_no_better_when_it_is_repeated() {
    for (base, expected) in [("release", PASSED), ("lax", UNTRUSTED)] {
        let palisade = host("repository").await;
        let repository = palisade.repository();
        repository.create_branch("lax");
        repository.create_branch("release");
        repository.protect_branch("release");
        let pull_request = repository.open_pull_request(with_files(&[("src/main.js", base)]));
        let second = PullRequestOptions {
            head: Head::NamedBranch(pull_request.head_branch()),
            head_sha: Some(pull_request.head_sha()),
            base: Some(base.to_owned()),
            ..PullRequestOptions::from("The same again")
        };
        let second = repository.open_pull_request(second);
        let run = clean_scan(&pull_request, "ci.yml");
        second.close();
        palisade.settled().await;
        // Everything that was heard is forgotten, what was delivered cannot be read again, and the run is repeated.
        palisade.github.fault(Fault::on("GET /app/hook/deliveries").status(404).always());
        let palisade = palisade.restarted_in_trouble(&asking_for("repository")).await;
        palisade.settled().await;
        run.rerun();
        run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
        run.complete("success");
        pull_request.check_run_shows(VULNERABILITIES, expected).await;
        palisade.settled().await;
        assert_eq!(shown(&pull_request).await, expected, "{base}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_cannot_tell_is_no_better_than_changed_and_where_more_is_asked_an_outage() {
    for (tier, expected) in [("none", PASSED), ("repository", "neutral: Vulnerability Check - System Unavailable")] {
        let palisade = host(tier).await;
        let fault = Fault::on("GET /repos/*/pulls/*/files").status(502).always();
        palisade.github.fault(fault);
        let pull_request = palisade.repository().open_pull_request(with_files(&[("src/main.js", "run()")]));
        clean_scan(&pull_request, "ci.yml");
        assert_eq!(shown(&pull_request).await, expected, "{tier}");
    }
}

/// The identifier of the button by which evidence is accepted.
fn accept_button(pull_request: &PullRequest) -> Option<String> {
    let shown = pull_request.check_run(VULNERABILITIES)?;
    shown.actions.iter().find(|button| button.label == "Accept evidence").map(|button| button.identifier.clone())
}

/// A pull request whose evidence is not trusted, because it changes the workflow, and the button that it carries.
async fn untrusted(palisade: &TestHost) -> (PullRequest, String) {
    let pull_request = palisade.repository().open_pull_request(with_files(&[(CI, "jobs: {}\n")]));
    clean_scan(&pull_request, "ci.yml");
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
    let button = accept_button(&pull_request).expect("the check has a button");
    (pull_request, button)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintainer_accepts_untrusted_evidence_and_the_result_says_who() {
    let palisade = host("repository").await;
    let (pull_request, button) = untrusted(&palisade).await;
    pull_request.press(VULNERABILITIES, &button, "maintainer");
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    palisade.settled().await;
    let summary = summary(&pull_request).await;
    assert!(summary.contains("Below `repository`, accepted by `maintainer`"), "{summary}");
    assert_eq!(accept_button(&pull_request), None, "there is nothing more to accept");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_evidence_is_judged_and_not_waved_through() {
    let palisade = host("repository").await;
    let pull_request = palisade.repository().open_pull_request(with_files(&[(CI, "jobs: {}\n")]));
    scanned(&pull_request, "ci.yml", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]));
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
    let button = accept_button(&pull_request).expect("the check has a button");
    pull_request.press(VULNERABILITIES, &button, "maintainer");
    pull_request.check_run_shows(VULNERABILITIES, "failure: Vulnerability Check - Failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_author_nor_a_reader_nor_who_started_the_run_accepts() {
    let palisade = host("repository").await;
    palisade.repository().add_collaborator("author", "admin");
    palisade.repository().add_collaborator("reader", "triage");
    palisade.repository().add_collaborator("restarter", "write");
    let (pull_request, _) = untrusted(&palisade).await;
    let again = pull_request.start_run(Workflow::from("ci.yml").by("restarter"));
    again.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    again.complete("success");
    palisade.settled().await;
    let button = accept_button(&pull_request).expect("the check has a button");
    for login in ["author", "reader", "stranger", "restarter"] {
        pull_request.press(VULNERABILITIES, &button, login);
        palisade.settled().await;
        assert_eq!(shown(&pull_request).await, UNTRUSTED, "{login}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_this_evidence_on_this_commit_and_no_other() {
    let palisade = host("repository").await;
    let (pull_request, button) = untrusted(&palisade).await;
    // Swapped after the button was shown: the press is for what they saw.
    let swapped = evidence::trivy(&[("CVE-2026-0002", "LOW")]);
    scanned(&pull_request, "ci.yml", &swapped);
    palisade.settled().await;
    pull_request.press(VULNERABILITIES, &button, "maintainer");
    palisade.settled().await;
    assert_eq!(shown(&pull_request).await, UNTRUSTED);

    let button = accept_button(&pull_request).expect("the check has a button");
    pull_request.press(VULNERABILITIES, &button, "maintainer");
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    // Other evidence on the same commit, then the next commit with the same evidence.
    scanned(&pull_request, "ci.yml", &evidence::clean_trivy());
    pull_request.check_run_shows(VULNERABILITIES, UNTRUSTED).await;
    palisade.settled().await;
    pull_request.push();
    scanned(&pull_request, "ci.yml", &swapped);
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_s_bump_of_an_action_in_the_producing_workflow_is_merged_by_accepting_it() {
    let palisade = TestHost::with("fail_closed = true\n").await;
    let repository = palisade.repository();
    repository.add_collaborator("maintainer", "maintain");
    let bump = PullRequestOptions {
        title: "Bump actions/checkout from 5 to 6".to_owned(),
        author: Some("dependabot[bot]".to_owned()),
        files: vec![(CI.to_owned(), b"jobs: { build: { steps: [{ uses: actions/checkout@v6 }] } }\n".to_vec())],
        ..PullRequestOptions::default()
    };
    let pull_request = repository.open_pull_request(bump);
    let run = pull_request.start_run(Workflow::from("ci.yml").by("dependabot[bot]"));
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    let license = "failure: License Check - Evidence Untrusted";
    pull_request.check_run_shows(LICENSES, license).await;
    pull_request.check_run_shows(VULNERABILITIES, UNTRUSTED).await;
    palisade.settled().await;
    let buttons = pull_request.check_run(LICENSES).expect("it is there").actions;
    let accept = buttons.iter().find(|button| button.label == "Accept evidence").expect("the check has a button");
    pull_request.press(LICENSES, &accept.identifier, "maintainer");
    pull_request.check_run_shows(LICENSES, "success: License Check - Passed").await;
    palisade.settled().await;
    // One check at a time: who accepts an SBOM says nothing about a scan.
    assert_eq!(shown(&pull_request).await, UNTRUSTED);
    let button = accept_button(&pull_request).expect("the check has a button");
    pull_request.press(VULNERABILITIES, &button, "maintainer");
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_group_has_what_was_accepted_on_a_head_with_the_same_files_where_the_operator_says_so() {
    let text = format!("merge_groups = \"inherit_if_same_tree\"\n{}", asking_for("repository"));
    let palisade = TestHost::with(&text).await;
    let repository = palisade.repository();
    repository.add_collaborator("maintainer", "write");
    let (pull_request, button) = untrusted(&palisade).await;
    pull_request.press(VULNERABILITIES, &button, "maintainer");
    pull_request.check_run_shows(VULNERABILITIES, PASSED).await;
    palisade.settled().await;
    // No run of the group brought anything: what is the same was judged already.
    let same = repository.request_merge_group(&pull_request);
    let inherited = repository.check_run_completed(&same, VULNERABILITIES).await;
    assert_eq!(inherited.to_string(), PASSED);
    let summary = inherited.summary.unwrap_or_default();
    let head = &pull_request.head_sha()[..12];
    let told = format!("inherited from `{head}`");
    assert!(summary.contains(&told) && summary.contains("accepted by `maintainer`"), "{summary}");
    // So that a host that forgot everything knows it for a decision.
    assert!(inherited.text.is_some_and(|text| text.contains("palisade:policy")));
    // With what others merged meanwhile it is something else, and judged by its own run.
    let other = [("src/other.js".to_owned(), b"other()".to_vec())];
    let other = repository.request_merge_group_with(&pull_request, &other);
    let run = repository.start_run(&other, Workflow::from("ci.yml").on("merge_group"));
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    assert_eq!(repository.check_run_completed(&other, VULNERABILITIES).await.to_string(), UNTRUSTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_group_inherits_no_failure_and_nothing_unasked() {
    for (text, title) in [("", "passed"), ("merge_groups = \"inherit_if_same_tree\"\n", "failed")] {
        let palisade = TestHost::with(text).await;
        let repository = palisade.repository();
        let pull_request = repository.open_pull_request(title);
        let report = match title {
            "passed" => evidence::clean_trivy(),
            _ => evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]),
        };
        scanned(&pull_request, "ci.yml", &report);
        shown(&pull_request).await;
        palisade.settled().await;
        let sha = repository.request_merge_group(&pull_request);
        palisade.settled().await;
        let open = |run: &&CheckRun| run.head_sha == sha && run.name == VULNERABILITIES && run.status != "completed";
        let what = "the merge group's check to wait for its own run";
        palisade.github.wait_until(what, |state| state.check_runs().iter().find(open).cloned()).await;
    }
}

/// Proves R30, W23.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_s_pull_request_is_found_by_its_run_and_judged_under_its_own_number() {
    let palisade = TestHost::start().await;
    let other = palisade.repository().open_pull_request(from_fork("somebody"));
    palisade.settled().await;
    palisade.github.lose_next_deliveries(1);
    let pull_request = palisade.repository().open_pull_request(from_fork("mallory"));
    palisade.settled().await;
    assert!(pull_request.check_run(VULNERABILITIES).is_none(), "nobody told of it");
    // A number inside an artifact is never believed.
    let number = other.number().to_string();
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.upload("pr", &[("pr_number.txt", number.as_bytes())]);
    run.complete("success");
    assert_eq!(shown(&pull_request).await, "failure: Vulnerability Check - Failed");
    assert_eq!(other.check_run(VULNERABILITIES).expect("it was opened").status, "in_progress");
}
