//! Decisions that are kept: made again offline by `palisade replay`, and shown to people.

use palisade_github_fake::{CheckRun, PullRequest};
use palisade_tests::{TestHost, compiled_code, evidence, http};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CHECK: &str = "House Rules";

/// A policy in a folder, and a configuration that names it and keeps records.
struct House {
    directory: tempfile::TempDir,
}

impl House {
    fn new(limit: &str) -> Self {
        let house = Self { directory: tempfile::tempdir().expect("a directory") };
        house.set_rule(limit);
        std::fs::write(house.path("palisade.toml"), house.configuration()).expect("writing the configuration");
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
        std::fs::create_dir_all(self.path("rules")).expect("a directory");
        std::fs::write(self.path("rules/rules.rego"), rule).expect("writing the policy");
    }

    fn configuration(&self) -> String {
        format!(
            "[server]\npages = \"public\"\n[records]\ndirectory = \"{}\"\n[plugins.house]\nfile = \"{}\"\n\
             settings = {{ entrypoint = \"main/deny\" }}\n[checks.\"{CHECK}\"]\npolicies = [\"house\"]\n\
             reads = [\"vulnerabilities\"]\n",
            self.path("records").display(),
            self.path("rules").display()
        )
    }

    async fn host(&self) -> TestHost {
        TestHost::with(&self.configuration()).await
    }

    /// The only decision that is kept.
    fn decision(&self) -> String {
        let mut ids = file_names(&self.path("records/records"));
        assert_eq!(ids.len(), 1, "{ids:?}");
        ids.remove(0).trim_end_matches(".json").to_owned()
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
