//! Decisions that are kept: made again offline by `palisade replay`, and shown to people.

use palisade_github_fake::{CheckRun, Head, PullRequest, PullRequestOptions, Workflow};
use palisade_tests::{TestHost, compiled_code, evidence, http};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CHECK: &str = "House Rules";

/// A policy in a folder, and a configuration that names it and keeps records.
pub struct House {
    directory: tempfile::TempDir,
    /// What the configuration says of the check besides.
    keys: &'static str,
}

impl House {
    fn new(limit: &str) -> Self {
        Self::with(limit, "")
    }

    fn with(limit: &str, keys: &'static str) -> Self {
        let house = Self { directory: tempfile::tempdir().expect("a directory"), keys };
        house.set_rule(limit);
        std::fs::write(house.path("palisade.toml"), house.configuration()).expect("writing the configuration");
        house
    }

    /// With a policy of one's own, whose entrypoint is `main/deny`.
    pub fn of_rule(rule: &str) -> Self {
        let house = Self::new("critical");
        house.write_rule(rule);
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Denies findings of this severity.
    fn set_rule(&self, severity: &str) {
        let rule = format!(
            "package main\n\ndeny contains msg if {{\n\tsome f in input.findings\n\tf.finding.severity == \"{severity}\"\n\
             \tmsg := sprintf(\"%s must go\", [f.finding.id])\n}}\n"
        );
        self.write_rule(&rule);
    }

    fn write_rule(&self, rule: &str) {
        std::fs::create_dir_all(self.path("rules")).expect("a directory");
        std::fs::write(self.path("rules/rules.rego"), rule).expect("writing the policy");
    }

    fn configuration(&self) -> String {
        format!(
            "[server]\npages = \"public\"\n[records]\ndirectory = \"{}\"\n[plugins.house]\nfile = \"{}\"\n\
             settings = {{ entrypoint = \"main/deny\" }}\n[checks.\"{CHECK}\"]\npolicies = [\"house\"]\n\
             reads = [\"vulnerabilities\"]\n{}",
            self.path("records").display(),
            self.path("rules").display(),
            self.keys
        )
    }

    pub async fn host(&self) -> TestHost {
        TestHost::with(&self.configuration()).await
    }

    /// The only decision that is kept.
    pub fn decision(&self) -> String {
        let mut ids = file_names(&self.path("records/records"));
        assert_eq!(ids.len(), 1, "{ids:?}");
        ids.remove(0).trim_end_matches(".json").to_owned()
    }

    /// The last of several: ids sort by time.
    fn newest_decision(&self) -> String {
        let newest = file_names(&self.path("records/records")).into_iter().max().expect("a decision is kept");
        newest.trim_end_matches(".json").to_owned()
    }

    /// A decision made again is the same, and this is what it says.
    fn same_again(&self, decision: &str, title: &str) {
        let (code, text) = told(&self.replay(&[decision]));
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(title) && text.ends_with("the same decision\n"), "{text}");
    }

    fn replay(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
            .arg("replay")
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PALISADE_CACHE_DIRECTORY", compiled_code())
            .output()
            .expect("the program starts")
    }
}

fn file_names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("the directory is there");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn told(output: &Output) -> (i32, String) {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code().expect("it ended"), String::from_utf8_lossy(&both).into_owned())
}

/// After CI uploaded a scan beside a build that nobody reads.
async fn judged(palisade: &TestHost, scan: &[u8]) -> (PullRequest, CheckRun) {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", scan)]);
    run.upload("dist", &[("app.bin", &[7; 50_000])]);
    run.complete("success");
    let check = pull_request.check_run_completed(CHECK).await;
    palisade.settled().await;
    (pull_request, check)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_offline_and_is_the_same() {
    let house = House::new("critical");
    let palisade = house.host().await;
    let (_, check) = judged(&palisade, &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")])).await;
    assert_eq!(check.to_string(), "failure: House Rules - Failed");
    drop(palisade);
    let (code, text) = told(&house.replay(&[&house.decision()]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("House Rules - Failed") && text.ends_with("the same decision\n"), "{text}");
    let kept = file_names(&house.path("records/files")).len();
    assert_eq!(kept, 2, "the scan and what it was compared with; what nobody reads is not kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_decides_otherwise_and_the_replay_says_what_and_why() {
    let house = House::new("critical");
    let palisade = house.host().await;
    judged(&palisade, &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")])).await;
    drop(palisade);
    house.set_rule("low");
    let id = house.decision();
    let (code, text) = told(&house.replay(&[&id]));
    assert_eq!(code, 1, "{text}");
    for expected in
        ["House Rules - Failed", "House Rules - Passed", "plugin house is another one", "CVE-2026-0001 must go"]
    {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let output = house.replay(&["--json", &id]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((answer["same"].clone(), answer["job"].clone()), (false.into(), id.into()));
    assert_eq!(answer["checks"][0]["policies"][0]["result"]["again"], "pass");
    let differences = answer["checks"][0]["policies"][0]["differences"].as_array().expect("a list").clone();
    assert!(differences.iter().any(|difference| difference["what"] == "violation"), "{differences:?}");
}

/// A policy that is stricter for one branch than for another.
const STRICT_FOR_MAIN: &str = "package main\n\ndeny contains msg if {\n\tinput.context.base_branch == \"main\"\n\
    \tsome f in input.findings\n\tmsg := sprintf(\"%s must go\", [f.finding.id])\n}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_for_several_bases_is_made_again_from_each() {
    let house = House::of_rule(STRICT_FOR_MAIN);
    let palisade = house.host().await;
    let repository = palisade.repository();
    repository.create_branch("release");
    repository.protect_branch("release");
    let into = |base: &str, head_sha: Option<String>| PullRequestOptions {
        base: Some(base.to_owned()),
        head: Head::NamedBranch("feature".to_owned()),
        head_sha,
        ..PullRequestOptions::from("Add a feature")
    };
    let first = repository.open_pull_request(into("release", None));
    repository.open_pull_request(into("main", Some(first.head_sha())));
    palisade.settled().await;
    let run = first.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.complete("success");
    let check = first.check_run_completed(CHECK).await;
    assert_eq!(check.to_string(), "failure: House Rules - Failed");
    let summary = check.summary.unwrap_or_default();
    assert!(summary.contains("into release it is a success"), "{summary}");
    palisade.settled().await;
    drop(palisade);
    house.same_again(&house.newest_decision(), "House Rules - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_over_accepted_evidence_is_made_again_with_the_acceptance() {
    let house = House::with("critical", "min_provenance = \"repository\"\n");
    let palisade = house.host().await;
    palisade.repository().add_collaborator("maintainer", "write");
    let changed = vec![(".github/workflows/ci.yml".to_owned(), b"jobs: {}\n".to_vec())];
    let options = PullRequestOptions {
        files: changed,
        author: Some("author".to_owned()),
        ..PullRequestOptions::from("Change the workflow")
    };
    let pull_request = palisade.repository().open_pull_request(options);
    let run = pull_request.start_run(Workflow::from("ci.yml").by("author"));
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.complete("success");
    let check = pull_request.check_run_completed(CHECK).await;
    assert_eq!(check.to_string(), "failure: House Rules - Evidence Untrusted");
    palisade.settled().await;
    house.same_again(&house.newest_decision(), "House Rules - Evidence Untrusted");
    let accept = check.actions.iter().find(|button| button.label == "Accept evidence").expect("the check has a button");
    pull_request.press(CHECK, &accept.identifier, "maintainer");
    pull_request.check_run_shows(CHECK, "failure: House Rules - Failed").await;
    palisade.settled().await;
    drop(palisade);
    house.same_again(&house.newest_decision(), "House Rules - Failed");
}

/// The configuration that replays says `warn`; what the repository made of it then is in the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_under_an_overlay_is_made_again_under_the_same() {
    let house = House::with("critical", "mode = \"warn\"\n");
    let palisade = house.host().await;
    let overlay = format!("version: 1\nchecks:\n  {CHECK}:\n    mode: enforce\n");
    palisade.repository().write_file(".palisade.yml", overlay.as_bytes());
    let (_, check) = judged(&palisade, &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")])).await;
    assert_eq!(check.to_string(), "failure: House Rules - Failed");
    drop(palisade);
    house.same_again(&house.decision(), "House Rules - Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_again_is_named_with_the_way_out() {
    let house = House::new("critical");
    let palisade = house.host().await;
    judged(&palisade, &evidence::clean_trivy()).await;
    drop(palisade);
    let id = house.decision();
    let unknown = "01890000-0000-7000-8000-000000000000";
    for (arguments, expected) in [
        (vec![unknown], "it never was, or it went by records.max_age or records.max_bytes"),
        (vec!["../../etc/passwd"], "there is no decision"),
        (vec![id.as_str(), "--records", "nowhere"], "--records names another directory"),
    ] {
        let (code, text) = told(&house.replay(&arguments));
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for file in file_names(&house.path("records/files")) {
        std::fs::remove_file(house.path("records/files").join(file)).expect("removing a file");
    }
    let (code, text) = told(&house.replay(&[&id]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("trivy/trivy.json") && text.contains("records.max_bytes"), "{text}");
    std::fs::write(house.path("palisade.toml"), "").expect("writing the configuration");
    let (code, text) = told(&house.replay(&[&id]));
    assert!(code == 2 && text.contains("records.directory"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_has_a_page_on_which_nothing_of_what_it_shows_is_active() {
    let house = House::new("critical");
    let palisade = house.host().await;
    let hostile = "CVE-2026-1\"><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}";
    judged(&palisade, &evidence::trivy(&[(hostile, "CRITICAL")])).await;
    let page = http::get(&palisade.url(&format!("/decisions/{}", house.decision()))).await.expect("an answer");
    assert_eq!(page.status, 200, "{}", page.body);
    for shown in
        ["House Rules - Failed", "trivy/trivy.json", "alert(1)", "repository", "How long it took", "palisade replay"]
    {
        assert!(page.body.contains(shown), "{shown}\n{}", page.body);
    }
    for active in ["<script", "<img", "\u{202e}", " style=", "onclick"] {
        assert!(!page.body.contains(active), "{active}\n{}", page.body);
    }
    let policy = &page.headers["content-security-policy"];
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (page.headers["x-content-type-options"].as_str(), page.headers["cache-control"].as_str()),
        ("nosniff", "no-store")
    );
    let json = http::get(&palisade.url(&format!("/api/v1/decisions/{}", house.decision()))).await.expect("an answer");
    let answer: Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!((json.status, &answer["checks"][0]["conclusion"]), (200, &"failure".into()));
    assert_eq!(answer["record"]["job"], house.decision());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_unknown_and_pages_that_are_off_say_so() {
    let house = House::new("critical");
    let palisade = house.host().await;
    for id in ["01890000-0000-7000-8000-000000000000", "..%2f..%2fetc%2fpasswd", "x"] {
        let page = http::get(&palisade.url(&format!("/decisions/{id}"))).await.expect("an answer");
        assert!(page.status == 404 && page.body.contains("No such decision"), "{id}: {} {}", page.status, page.body);
        let json = http::get(&palisade.url(&format!("/api/v1/decisions/{id}"))).await.expect("an answer");
        assert!(json.status == 404 && json.body.contains("\"error\""), "{id}: {}", json.body);
    }
    let closed = TestHost::start().await;
    let page = http::get(&closed.url("/decisions/01890000-0000-7000-8000-000000000000")).await.expect("an answer");
    assert!(page.status == 404 && page.body.contains("Decisions are not shown here"), "{}", page.body);
}
