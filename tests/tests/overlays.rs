//! `.palisade.yml`: what a repository and its organisation make stricter, what they except for a time, and that nothing
//! that a pull request brings along loosens anything.

use jiff::{SignedDuration, Timestamp};
use palisade::policy::overlay;
use palisade_github_fake::{Fault, PullRequest, PullRequestOptions, Repository};
use palisade_tests::{TestHost, evidence, workspace};

const CHECK: &str = "Vulnerability Scan Check";
const PASSED: &str = "success: Vulnerability Check - Passed";
const FAILED: &str = "failure: Vulnerability Check - Failed";
const FILE: &str = ".palisade.yml";

/// What the host's configuration lets pass.
const MEDIUM: &[(&str, &str)] = &[("CVE-2026-0001", "MEDIUM")];
/// What it does not.
const HIGH: &[(&str, &str)] = &[("CVE-2026-0001", "HIGH")];

fn severity(highest: &str) -> String {
    format!(
        "version: 1\nchecks:\n  {CHECK}:\n    settings:\n      vulnerability:\n        maximum_severity: {highest}\n"
    )
}

/// A date so many days from now on.
fn day(ahead: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(24 * ahead)).strftime("%Y-%m-%d").to_string()
}

fn waivers(entries: &[(&str, &str)]) -> String {
    let entry = |(id, until): &(&str, &str)| {
        format!("  - id: {id}\n    reason: not reachable\n    owner: \"@team\"\n    until: {until}\n")
    };
    format!("version: 1\nwaivers:\n{}", entries.iter().map(entry).collect::<String>())
}

fn into(base: &str) -> PullRequestOptions {
    PullRequestOptions { base: Some(base.to_owned()), ..PullRequestOptions::from("Add a feature") }
}

fn scanned(repository: &Repository, options: impl Into<PullRequestOptions>, found: &[(&str, &str)]) -> PullRequest {
    let pull_request = repository.open_pull_request(options);
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(found))]);
    run.complete("success");
    pull_request
}

async fn shown(pull_request: &PullRequest) -> (String, String) {
    let run = pull_request.check_run_completed(CHECK).await;
    (run.to_string(), run.summary.unwrap_or_default())
}

/// What the check says of a scan while the default branch has this file.
async fn with_file(text: &str, found: &[(&str, &str)]) -> (String, String) {
    let palisade = TestHost::start().await;
    palisade.repository().write_file(FILE, text.as_bytes());
    let pull_request = scanned(&palisade.repository(), "Add a feature", found);
    shown(&pull_request).await
}

/// Proves W42.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_tightens_a_threshold() {
    assert_eq!(with_file("version: 1\n", MEDIUM).await.0, PASSED);
    assert_eq!(with_file(&severity("low"), MEDIUM).await.0, FAILED);
}

/// Proves W08.
#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_that_is_loosened_is_named_and_has_no_effect() {
    let (conclusion, summary) = with_file(&severity("critical"), HIGH).await;
    assert_eq!(conclusion, FAILED);
    for part in ["is broken and has no effect", "line 6, column", "is not stricter than", "medium"] {
        assert!(summary.contains(part), "{part} in {summary}");
    }
}

/// Proves W08.
#[tokio::test(flavor = "multi_thread")]
async fn a_branch_made_for_the_purpose_loosens_nothing() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    for branch in ["lax", "release/1"] {
        repository.create_branch(branch);
        repository.write_file_to(branch, FILE, waivers(&[("CVE-2026-0001", &day(30))]).as_bytes());
    }
    repository.protect_branch("release/1");
    let lax = scanned(&repository, into("lax"), HIGH);
    assert_eq!(shown(&lax).await.0, FAILED);
    // Who may push to a protected branch was decided by somebody.
    let release = scanned(&repository, into("release/1"), HIGH);
    assert_eq!(shown(&release).await.0, PASSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_with_the_branch_s_name_loosens_nothing() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    repository.write_file(FILE, severity("low").as_bytes());
    repository.tag_file("main", FILE, b"version: 1\n");
    assert_eq!(shown(&scanned(&repository, "Add a feature", MEDIUM)).await.0, FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_keeps_what_it_tightened_and_nothing_that_it_excepted() {
    let palisade = TestHost::start().await;
    let repository = palisade.repository();
    repository.write_file(FILE, severity("low").as_bytes());
    assert_eq!(shown(&scanned(&repository, "Add a feature", MEDIUM)).await.0, FAILED);
    repository.write_file(FILE, format!("{}wavers: []\n", severity("low")).as_bytes());
    let (conclusion, summary) = shown(&scanned(&repository, "Add another", MEDIUM)).await;
    assert_eq!(conclusion, FAILED);
    assert!(summary.contains("of its last good version hold"), "{summary}");
}

/// Proves W36.
#[tokio::test(flavor = "multi_thread")]
async fn the_organisation_comes_first_and_is_a_floor() {
    let palisade = TestHost::start().await;
    palisade.github.repository("acme/.github").write_file(FILE, severity("low").as_bytes());
    let repository = palisade.repository();
    assert_eq!(shown(&scanned(&repository, "Add a feature", MEDIUM)).await.0, FAILED);
    repository.write_file(FILE, severity("medium").as_bytes());
    let (conclusion, summary) = shown(&scanned(&repository, "Loosen it", MEDIUM)).await;
    assert_eq!(conclusion, FAILED);
    assert!(summary.contains(".palisade.yml of acme/shop at main is broken"), "{summary}");
    let other = palisade.github.repository("umbrella/shop");
    assert_eq!(shown(&scanned(&other, "Add a feature", MEDIUM)).await.0, PASSED, "another organisation's is its own");
}

/// Proves W20.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_told_in_every_check_and_nothing_of_it_counts() {
    let text = format!("{}waiver:\n  - id: CVE-2026-0001\n", severity("low"));
    let (conclusion, summary) = with_file(&text, MEDIUM).await;
    assert_eq!(conclusion, PASSED);
    assert!(summary.contains("line 7, column 1: unknown key `waiver`; did you mean `waivers`?"), "{summary}");
    let endless = waivers(&[("CVE-2026-0001", &day(365))]);
    let (conclusion, summary) = with_file(&endless, HIGH).await;
    assert_eq!(conclusion, FAILED);
    assert!(summary.contains("at most 90 days ahead"), "{summary}");
}

/// Proves W20.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_hides_for_its_time_and_says_when_it_is_over_or_of_no_use() {
    let text = waivers(&[("CVE-2026-0001", &day(30)), ("CVE-2026-0002", "2020-01-01"), ("CVE-2026-0009", &day(30))]);
    let (conclusion, summary) = with_file(&text, HIGH).await;
    assert_eq!(conclusion, PASSED);
    for part in [
        "CVE-2026-0002, of .palisade.yml of acme/shop at main, expired on 2020-01-01",
        "CVE-2026-0009, of .palisade.yml of acme/shop at main, matches nothing",
    ] {
        assert!(summary.contains(part), "{part} in {summary}");
    }
    let (conclusion, summary) = with_file(&waivers(&[("CVE-2026-0001", "2020-01-01")]), HIGH).await;
    assert_eq!(conclusion, FAILED);
    assert!(summary.contains("1 finding counts again"), "{summary}");
}

/// Proves W08, W20.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_pull_request_would_waive_is_told_and_hides_nothing_before_the_merge() {
    let palisade = TestHost::start().await;
    let file = |text: String| PullRequestOptions {
        files: vec![(FILE.to_owned(), text.into_bytes())],
        ..PullRequestOptions::from("Waive it")
    };
    let adding = file(waivers(&[("CVE-2026-0001", &day(30)), ("CVE-2026-0009", &day(30))]));
    let (conclusion, summary) = shown(&scanned(&palisade.repository(), adding, HIGH)).await;
    assert_eq!(conclusion, FAILED);
    assert!(summary.contains("adds 2 waivers: after merge this would hide 1 finding"), "{summary}");
    let broken = file("version: one\n".to_owned());
    let (conclusion, summary) = shown(&scanned(&palisade.repository(), broken, MEDIUM)).await;
    assert_eq!(conclusion, PASSED);
    assert!(summary.contains("is broken, and would have no effect after the merge"), "{summary}");
}

/// Proves R17.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_file_cannot_be_read_nobody_knows_which_rules_hold() {
    let palisade = TestHost::start().await;
    palisade.repository().write_file(FILE, severity("low").as_bytes());
    palisade.github.fault(Fault::on("GET /repos/acme/shop/contents/.palisade.yml").status(502).always());
    let pull_request = scanned(&palisade.repository(), "Add a feature", MEDIUM);
    let (conclusion, summary) = shown(&pull_request).await;
    assert_eq!(conclusion, "neutral: Vulnerability Check - System Unavailable");
    assert!(summary.contains("could not be read"), "{summary}");
    palisade.settled().await;
    palisade.github.clear_faults();
    palisade.host.sweep_now().await.expect("sweeping");
    pull_request.check_run_shows(CHECK, FAILED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_switches_overlays_off_or_narrows_them() {
    for (terms, expected) in [
        ("enabled = false", PASSED),
        ("allow = [\"waivers\"]", PASSED),
        ("allow = [\"settings.vulnerability.maximum_severity\"]", FAILED),
    ] {
        let palisade = TestHost::with(&format!("[overlay]\n{terms}\n")).await;
        palisade.repository().write_file(FILE, severity("low").as_bytes());
        let pull_request = scanned(&palisade.repository(), "Add a feature", MEDIUM);
        assert_eq!(shown(&pull_request).await.0, expected, "{terms}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_only_tried_out_is_enforced_where_a_repository_wants_it() {
    let tried = format!("[checks.\"{CHECK}\"]\npolicies = [\"vulnerability\"]\nmode = \"dry-run\"\n");
    let palisade = TestHost::with(&tried).await;
    let text = format!("version: 1\nchecks:\n  {CHECK}:\n    mode: enforce\n");
    palisade.repository().write_file(FILE, text.as_bytes());
    let pull_request = scanned(&palisade.repository(), "Add a feature", HIGH);
    assert_eq!(shown(&pull_request).await.0, FAILED);
    let other = pull_request.check_run_completed("Vulnerability Scan Check (dry run)").await;
    assert_eq!(other.to_string(), "cancelled: Vulnerability Scan Check (dry run) - Not Evaluated");
}

/// Proves R37, W42.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_terms_and_groups_stop_the_start_with_the_nearest_word() {
    for (text, told) in [
        ("[overlay]\nallow = [\"waiver\"]\n", "overlay.allow: unknown `waiver`; did you mean `waivers`?"),
        (
            "[overlay.settings.\"vulnerability.maximum_severty\"]\ndirection = \"lower\"\n",
            "unknown `maximum_severty`; did you mean `maximum_severity`?",
        ),
        (
            "[groups.payments]\nchecks = [\"Licence Check\"]\n",
            "groups.payments: checks: there is no check \"Licence Check\"; did you mean \"License Check\"?",
        ),
        (
            "[groups.payments]\nchecks = [\"License Check\"]\nmode = \"enforced\"\n",
            "groups.payments: mode: there is no \"enforced\"; did you mean `enforce`?",
        ),
    ] {
        let refused = TestHost::try_with(text, Default::default()).await.expect_err("the host does not start");
        assert!(format!("{refused:#}").contains(told), "{told} in {refused:#}");
    }
}

#[test]
fn everything_that_an_overlay_can_say_is_allowed_unless_the_operator_says_otherwise() {
    assert_eq!(palisade::config::Config::default().overlay.allow, overlay::SUBJECTS);
}

/// The schema that editors are given is that of the type that is read; rewrite it with `PALISADE_WRITE_SCHEMA=1`.
#[test]
fn the_schema_in_the_repository_is_the_one_of_the_file_that_is_read() {
    let file = workspace().join("schemas/palisade-overlay.schema.json");
    let current = serde_json::to_string_pretty(&overlay::schema()).expect("a schema is JSON") + "\n";
    if std::env::var_os("PALISADE_WRITE_SCHEMA").is_some() {
        std::fs::write(&file, &current).expect("writing the schema");
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(checked_in, current, "run this test with PALISADE_WRITE_SCHEMA=1");
}

#[test]
fn the_example_is_an_overlay_by_type_and_by_schema() {
    let text = std::fs::read_to_string(workspace().join("examples/.palisade.yml")).expect("the example");
    overlay::OverlayFile::parse(&text).expect("the example can be read");
    let example: serde_json::Value = serde_saphyr::from_str(&text).expect("the example is YAML");
    let validator = jsonschema::validator_for(&overlay::schema()).expect("a JSON Schema");
    let problems: Vec<String> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    assert!(jsonschema::is_valid(&overlay::schema(), &serde_json::json!({ "version": 1 })));
    for wrong in [serde_json::json!({ "version": 2 }), serde_json::json!({ "version": 1, "waiver": [] })] {
        assert!(!jsonschema::is_valid(&overlay::schema(), &wrong), "{wrong}");
    }
}
