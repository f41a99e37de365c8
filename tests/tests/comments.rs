//! The one comment of a pull request, from a webhook to what GitHub shows.

use palisade_github_fake::{Comment, Fault, Head, PullRequest, PullRequestOptions};
use palisade_tests::{TestHost, evidence};

const VULNERABILITIES: &str = "Vulnerability Scan Check";
const LICENSES: &str = "License Check";
const CREATION: &str = "POST /repos/*/issues/*/comments";
const CHANGE: &str = "PATCH /repos/*/issues/comments/*";
const SEARCH: &str = "GET /repos/*/issues/*/comments*";

/// A run of this workflow on the head, with a scan and a bill of materials, that ended with success.
fn scan(pull_request: &PullRequest, workflow: &str, vulnerabilities: &[(&str, &str)], license: &str) {
    let run = pull_request.start_run(workflow);
    let scan = if vulnerabilities.is_empty() { evidence::clean_trivy() } else { evidence::trivy(vulnerabilities) };
    run.upload("trivy", &[("trivy.json", &scan)]);
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", license)]))]);
    run.complete("success");
}

const BAD: &[(&str, &str)] = &[("CVE-2026-0001", "CRITICAL")];

fn own(pull_request: &PullRequest) -> Vec<Comment> {
    pull_request.comments().into_iter().filter(|comment| comment.by_app).collect()
}

fn marker(palisade: &TestHost, pull_request: &PullRequest) -> String {
    let (app, number, sha) = (palisade.github.app_id(), pull_request.number(), pull_request.head_sha());
    format!("<!-- palisade:v1 app={app} pr={number} sha={sha} gen=-/00000000-0000-7000-8000-000000000000 -->\nOld")
}

/// Proves W13, R19.
#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_runs_leads_to_one_comment_with_a_section_for_each_check() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "GPL-3.0-only");
    scan(&pull_request, "nightly.yml", &[("CVE-2026-0002", "HIGH")], "MIT");
    pull_request.start_run("build.yml").complete("success");
    let comment = pull_request.comment_says("2 vulnerabilities blocked").await;
    palisade.settled().await;

    assert_eq!(own(&pull_request).len(), 1);
    assert!(comment.body.contains("### Vulnerability Scan Check\n") && comment.body.contains("### License Check\n"));
    assert!(comment.body.contains("❌ **License Violations Found - 1 package**"), "{}", comment.body);
    assert!(comment.body.contains("**Package:** `left-pad@1.0.0`"), "{}", comment.body);
    let marker = comment.body.lines().next().expect("a first line");
    assert!(marker.starts_with(&format!("<!-- palisade:v1 app={} pr=", palisade.github.app_id())), "{marker}");
}

/// Proves R19.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_changes_the_comment_in_place_and_a_clean_one_resolves_it() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "MIT");
    let first = pull_request.comment_says("1 vulnerability blocked").await;

    let second_head = pull_request.push();
    palisade.settled().await;
    assert_eq!(own(&pull_request)[0].body, first.body, "it keeps the last result until there is another");
    scan(&pull_request, "ci.yml", &[("CVE-2026-0001", "CRITICAL"), ("CVE-2026-0002", "HIGH")], "MIT");
    let second = pull_request.comment_says("2 vulnerabilities blocked").await;
    assert!(second.id == first.id && second.body.contains(&second_head[..12]));

    pull_request.push();
    scan(&pull_request, "ci.yml", &[], "MIT");
    let third = pull_request.comment_says("✅ **Resolved - no violations are open**").await;
    assert!(third.id == first.id && !third.body.contains("CVE-"), "{}", third.body);
    palisade.settled().await;
    assert_eq!(own(&pull_request).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_the_same_is_not_written_again() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "MIT");
    pull_request.comment_by_app().await;
    palisade.settled().await;
    palisade.github.clear_journal();

    pull_request.start_run("build.yml").complete("success");
    palisade.settled().await;
    let journal = palisade.github.journal();
    assert_eq!((journal.count(CREATION), journal.count(CHANGE), journal.count(SEARCH)), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_is_clean_from_the_start_gets_no_comment() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", &[], "MIT");
    pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    pull_request.push();
    scan(&pull_request, "ci.yml", &[], "MIT");
    pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    assert_eq!(pull_request.comments().len(), 0);
    assert_eq!(palisade.github.journal().count(SEARCH), 1, "looked for once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_under_conditions_is_shown_though_the_check_passes() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", &[], "MPL-2.0");
    let comment = pull_request.comment_says("Conditionally Allowed Licenses Found - 1 package requires").await;
    assert!(comment.body.contains("**License Declared:** MPL-2.0"), "{}", comment.body);
    assert_eq!(pull_request.check_run_completed(LICENSES).await.to_string(), "success: License Check - Passed");
}

/// Proves R12.
#[tokio::test(flavor = "multi_thread")]
async fn marks_that_strangers_write_are_left_alone_and_an_own_comment_is_found_by_marker_and_author() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let marked = marker(&palisade, &pull_request);
    pull_request.comment_as("mona", &marked);
    pull_request.comment_as("other[bot]", &marked);
    pull_request.comment_as_unnamed_app(&format!("Somebody said:\n{marked}"));
    let ours = pull_request.comment_as_unnamed_app(&marked);
    scan(&pull_request, "ci.yml", BAD, "MIT");
    let comment = pull_request.comment_says("1 vulnerability blocked").await;
    palisade.settled().await;

    assert_eq!(comment.id, ours.id);
    let bodies: Vec<String> = pull_request.comments().into_iter().map(|comment| comment.body).collect();
    assert_eq!(bodies.len(), 4);
    assert_eq!((&bodies[0], &bodies[1]), (&marked, &marked));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_comments_the_oldest_stays() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let marked = marker(&palisade, &pull_request);
    let oldest = pull_request.comment_as("palisade[bot]", &marked);
    for number in 0..120 {
        pull_request.comment_as("mona", &format!("Comment {number}"));
    }
    pull_request.comment_as("palisade[bot]", &marked);
    scan(&pull_request, "ci.yml", &[], "MIT");
    let comment = pull_request.comment_says("Resolved").await;
    palisade.settled().await;
    assert_eq!(comment.id, oldest.id);
    assert_eq!((own(&pull_request).len(), pull_request.comments().len()), (1, 121));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_comment_is_not_written_over() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let newer = marker(&palisade, &pull_request).replace("00000000-0000", "ffffffff-ffff");
    pull_request.comment_as("palisade[bot]", &newer);
    scan(&pull_request, "ci.yml", BAD, "MIT");
    pull_request.check_run_completed(VULNERABILITIES).await;
    palisade.settled().await;
    assert_eq!(pull_request.comments()[0].body, newer);
    assert_eq!(pull_request.comments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_somebody_deleted_comes_back_only_with_another_verdict() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "MIT");
    let first = pull_request.comment_by_app().await;
    palisade.settled().await;
    pull_request.delete_comment(first.id);

    for _ in 0..2 {
        pull_request.push();
        scan(&pull_request, "ci.yml", BAD, "MIT");
        pull_request.check_run_completed(LICENSES).await;
        palisade.settled().await;
        assert_eq!(own(&pull_request).len(), 0, "the same verdict is known");
    }
    pull_request.push();
    scan(&pull_request, "ci.yml", BAD, "GPL-3.0-only");
    let second = pull_request.comment_by_app().await;
    assert!(second.body.contains("License Violations Found"), "{}", second.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leads_to_one_comment_and_no_check_is_written_anew() {
    for fault in [
        Fault::on(CREATION).drop_after(),
        Fault::on(CREATION).status_after(502),
        Fault::on(CREATION).status(502),
        Fault::on(SEARCH).status(502).times(4),
    ] {
        let palisade = TestHost::start().await;
        let told = format!("{fault:?}");
        palisade.github.fault(fault);
        let pull_request = palisade.repository().open_pull_request("Add a feature");
        scan(&pull_request, "ci.yml", BAD, "MIT");
        pull_request.comment_says("1 vulnerability blocked").await;
        palisade.settled().await;
        assert_eq!(own(&pull_request).len(), 1, "{told}");
        let completed = pull_request.check_run(VULNERABILITIES).expect("it is there").completions;
        assert_eq!(completed, 1, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_comment_fails_no_check_and_is_not_tried_again() {
    let palisade = TestHost::start().await;
    palisade.github.fault(Fault::on(CREATION).status(403).always());
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "MIT");
    let failed = pull_request.check_run_completed(VULNERABILITIES).await;
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed");
    palisade.settled().await;
    assert_eq!(palisade.github.journal().count(CREATION), 1);
}

/// Proves W17, W23.
#[tokio::test(flavor = "multi_thread")]
async fn forks_and_pull_requests_of_which_only_a_run_told_get_their_comment() {
    let palisade = TestHost::start().await;
    let fork = PullRequestOptions { head: Head::Fork("mona".to_owned()), ..PullRequestOptions::from("From a fork") };
    let pull_request = palisade.repository().open_pull_request(fork);
    scan(&pull_request, "ci.yml", BAD, "MIT");
    pull_request.comment_says("1 vulnerability blocked").await;

    palisade.settled().await;
    palisade.github.pause_deliveries();
    let unannounced = palisade.repository().open_pull_request("Its event is lost");
    palisade.github.take_pending_deliveries();
    palisade.github.resume_deliveries();
    scan(&unannounced, "ci.yml", BAD, "MIT");
    unannounced.comment_says("1 vulnerability blocked").await;
}

/// Proves W23.
#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_with_one_head_have_a_comment_each_and_a_closed_ones_stays_as_it_is() {
    let palisade = TestHost::start().await;
    let first = palisade.repository().open_pull_request("Add a feature");
    let twin = PullRequestOptions {
        head_sha: Some(first.head_sha()),
        head: Head::NamedBranch(first.head_branch()),
        ..PullRequestOptions::from("The same again")
    };
    let second = palisade.repository().open_pull_request(twin);
    scan(&first, "ci.yml", BAD, "MIT");
    first.comment_says("1 vulnerability blocked").await;
    second.comment_says("1 vulnerability blocked").await;

    palisade.settled().await;
    second.close();
    palisade.settled().await;
    scan(&first, "more.yml", &[("CVE-2026-0002", "CRITICAL")], "MIT");
    first.comment_says("2 vulnerabilities blocked").await;
    palisade.settled().await;
    assert!(own(&second)[0].body.contains("1 vulnerability blocked"));
    assert_eq!((own(&first).len(), own(&second).len()), (1, 1));
}

/// Proves W38, W05.
#[tokio::test(flavor = "multi_thread")]
async fn over_long_and_hostile_results_are_shortened_and_inert() {
    let palisade = TestHost::with("[server]\npublic_url = \"https://palisade.example\"\npages = \"public\"\n").await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let ids: Vec<String> = (0..1_500).map(|n| format!("CVE-2026-{n} @octocat <img src=x> #{n}")).collect();
    let vulnerabilities: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "CRITICAL")).collect();
    scan(&pull_request, "ci.yml", &vulnerabilities, "MIT");
    let comment = pull_request.comment_says("1500 vulnerabilities blocked").await;

    assert!(comment.body.len() <= 60_000, "{}", comment.body.len());
    assert!(comment.body.contains(" more: [details](https://palisade.example/decisions/"), "{}", comment.body);
    assert!(comment.body.contains("`@octocat`") && !comment.body.contains(" @octocat"));
    assert!(comment.body.contains("\\<img") && !comment.body.contains(" <img"));
    let failed = pull_request.check_run_completed(VULNERABILITIES).await;
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_can_be_switched_off_for_all_checks_or_one() {
    let off = TestHost::with("[comments]\nenabled = false\n").await;
    let pull_request = off.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "MIT");
    pull_request.check_run_completed(VULNERABILITIES).await;
    off.settled().await;
    assert_eq!(off.github.journal().count(SEARCH) + pull_request.comments().len(), 0);

    let one = "[checks.\"License Check\"]\npolicies = [\"license\"]\n\
               [checks.\"Vulnerability Scan Check\"]\npolicies = [\"vulnerability\"]\ncomment = false\n";
    let one = TestHost::with(one).await;
    let pull_request = one.repository().open_pull_request("Add a feature");
    scan(&pull_request, "ci.yml", BAD, "GPL-3.0-only");
    let comment = pull_request.comment_by_app().await;
    assert!(comment.body.contains("License Violations") && !comment.body.contains("Vulnerability"), "{}", comment.body);
}

/// Proves R16.
#[tokio::test(flavor = "multi_thread")]
async fn a_completed_check_has_buttons_and_leads_to_its_decision() {
    let palisade = TestHost::with("[server]\npublic_url = \"https://palisade.example/\"\npages = \"public\"\n").await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let opened = pull_request.check_run_opened(LICENSES).await;
    assert_eq!((opened.actions.len(), opened.details_url.as_deref()), (0, Some("https://palisade.example/")));
    scan(&pull_request, "ci.yml", BAD, "MIT");
    let completed = pull_request.check_run_completed(LICENSES).await;
    let buttons: Vec<&str> = completed.actions.iter().map(|button| button.identifier.as_str()).collect();
    assert_eq!(buttons, ["rerun", "explain"]);
    let details = completed.details_url.expect("an address");
    assert!(details.starts_with("https://palisade.example/decisions/"), "{details}");
}

/// Proves W38.
#[tokio::test(flavor = "multi_thread")]
async fn annotations_that_are_left_out_are_counted_in_the_text() {
    let palisade = TestHost::with("[output]\nannotations = 2\n").await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    let found: Vec<String> = (0..5).map(|n| format!("CVE-2026-{n:04}")).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|id| (id.as_str(), "9.8")).collect();
    run.upload("scan", &[("scan.sarif", &evidence::vulnerability_sarif(&found))]);
    run.complete("success");
    let failed = pull_request.check_run_completed(VULNERABILITIES).await;
    assert_eq!(failed.annotations.len(), 2);
    let text = failed.text.expect("a text");
    assert!(text.contains("… and 3 more annotations not shown beside their lines"), "{text}");
}
