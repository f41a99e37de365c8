//! Policies that an OPA server keeps: what a check shows when it answers, when it cannot, and when it is away.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use palisade_github_fake::{CheckRun, PullRequest};
use palisade_tests::{TestHost, evidence, http, opa};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};

/// What the small server does with one request.
#[derive(Clone, Debug)]
enum Reply {
    Result(Value),
    Undefined,
    Status(u16),
    /// The connection ends without an answer.
    Silence,
    Bytes(usize),
}

/// An OPA server made of a list of replies; the last one stays.
#[derive(Clone, Debug)]
struct Script {
    replies: Arc<Mutex<Vec<Reply>>>,
    health: Arc<Mutex<u16>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

struct FakeOpa {
    url: String,
    script: Script,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeOpa {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeOpa {
    async fn start(replies: &[Reply]) -> Self {
        let script = Script {
            replies: Arc::new(Mutex::new(replies.to_vec())),
            health: Arc::new(Mutex::new(200)),
            asked: Arc::default(),
        };
        let router = Router::new()
            .route("/v1/data/{*path}", post(answer))
            .route("/health", get(health))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, script, task }
    }

    fn is_ill(&self) {
        self.answers_its_health_check(500);
    }

    fn answers_its_health_check(&self, status: u16) {
        *self.script.health.lock().expect("nobody panicked") = status;
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.script.asked.lock().expect("nobody panicked").clone()
    }
}

async fn health(State(script): State<Script>) -> StatusCode {
    StatusCode::from_u16(*script.health.lock().expect("nobody panicked")).expect("a status")
}

async fn answer(State(script): State<Script>, UrlPath(path): UrlPath<String>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).expect("the host sends JSON");
    script.asked.lock().expect("nobody panicked").push((path, body));
    let reply = {
        let mut replies = script.replies.lock().expect("nobody panicked");
        if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() }
    };
    match reply {
        Reply::Result(result) => axum::Json(json!({ "result": result })).into_response(),
        Reply::Undefined => axum::Json(json!({})).into_response(),
        Reply::Status(status) => {
            let message = json!({ "code": "internal_error", "message": "the rule is ambiguous" });
            (StatusCode::from_u16(status).expect("a status"), axum::Json(message)).into_response()
        }
        Reply::Silence => {
            let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("gone")) });
            axum::body::Body::from_stream(broken).into_response()
        }
        Reply::Bytes(size) => axum::body::Body::from(vec![b' '; size]).into_response(),
    }
}

const DENY: &str = "settings = { entrypoint = \"main/deny\" }";

/// A host with one check that is asked of the server.
async fn host(url: &str, settings: &str, reads: &str) -> TestHost {
    TestHost::with(&format!(
        "[plugins.ours]\nopa_server = \"{url}\"\n{settings}\n[checks.\"Our Check\"]\npolicies = [\"ours\"]\n{reads}\n"
    ))
    .await
}

fn after_ci(palisade: &TestHost, reports: usize) -> PullRequest {
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    for number in 0..reports {
        let id = format!("CVE-2026-000{number}");
        run.upload(&format!("trivy-{number}"), &[("trivy.json", &evidence::trivy(&[(&id, "CRITICAL")]))]);
    }
    run.complete("success");
    pull_request
}

async fn judged(replies: &[Reply]) -> (FakeOpa, CheckRun) {
    let opa = FakeOpa::start(replies).await;
    let palisade = host(&opa.url, DENY, "reads = [\"vulnerabilities\"]").await;
    let check = after_ci(&palisade, 1).check_run_completed("Our Check").await;
    (opa, check)
}

fn text(check: &CheckRun) -> String {
    format!("{} {}", check.summary.clone().unwrap_or_default(), check.text.clone().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_denies_fails_the_check_with_its_messages() {
    let (opa, check) = judged(&[Reply::Result(json!(["CVE-2026-0000 is not acceptable"]))]).await;
    assert_eq!(check.to_string(), "failure: Our Check - Failed");
    assert!(text(&check).contains("CVE-2026-0000 is not acceptable"), "{}", text(&check));
    let asked = opa.asked();
    assert_eq!(asked.len(), 1, "one document, one request");
    assert_eq!(asked[0].0, "main/deny");
    let findings = asked[0].1["input"]["findings"].as_array().expect("the evidence document has findings");
    assert_eq!(findings.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_denies_nothing_passes_the_check() {
    let (_opa, check) = judged(&[Reply::Result(json!([]))]).await;
    assert_eq!(check.to_string(), "success: Our Check - Passed");
}

/// Proves W15, R25.
#[tokio::test(flavor = "multi_thread")]
async fn an_undefined_rule_is_an_error_and_never_a_pass() {
    let (_opa, check) = judged(&[Reply::Undefined]).await;
    assert_eq!(check.to_string(), "failure: Our Check - Policy Error");
    assert!(text(&check).contains("main/deny"), "{}", text(&check));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_on_this_input_only_is_a_policy_error() {
    for reply in [Reply::Status(500), Reply::Status(400), Reply::Silence, Reply::Bytes(17 << 20), Reply::Bytes(3)] {
        let (_opa, check) = judged(std::slice::from_ref(&reply)).await;
        assert_eq!(check.to_string(), "failure: Our Check - Policy Error", "{reply:?}");
        assert!(text(&check).contains("OPA server"), "{reply:?}: {}", text(&check));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_once_is_tried_once_more() {
    let (opa, check) = judged(&[Reply::Silence, Reply::Result(json!([]))]).await;
    assert_eq!(check.to_string(), "success: Our Check - Passed");
    assert_eq!(opa.asked().len(), 2);
}

/// Proves W15.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_own_health_check_fails_too_is_an_outage_with_a_way_out() {
    let opa = FakeOpa::start(&[Reply::Status(500)]).await;
    opa.is_ill();
    let palisade = host(&opa.url, DENY, "reads = [\"vulnerabilities\"]").await;
    let check = after_ci(&palisade, 1).check_run_completed("Our Check").await;
    assert_eq!(check.to_string(), "neutral: Our Check - System Unavailable");
    assert!(text(&check).to_lowercase().contains("re-run"), "{}", text(&check));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_an_outage_and_does_not_stop_the_start() {
    let opa = FakeOpa::start(&[Reply::Undefined]).await;
    let url = opa.url.clone();
    drop(opa);
    let palisade = host(&url, DENY, "reads = [\"vulnerabilities\"]").await;
    let check = after_ci(&palisade, 1).check_run_completed("Our Check").await;
    assert_eq!(check.to_string(), "neutral: Our Check - System Unavailable");
}

/// Proves R18, W16.
#[tokio::test(flavor = "multi_thread")]
async fn violations_already_found_win_over_an_outage_that_comes_later() {
    let found = json!({
        "compliant": false, "total_vulnerabilities": 1, "compliant_count": 0, "non_compliant_count": 1,
        "non_compliant_vulnerabilities": [
            {"id": "CVE-2026-0000", "package": "left-pad", "version": "1.0.0", "severity": "CRITICAL"}
        ]
    });
    let opa = FakeOpa::start(&[Reply::Result(found), Reply::Status(503)]).await;
    opa.is_ill();
    let settings = "settings = { entrypoint = \"compliance/vulnerability_report\" }";
    let palisade = host(&opa.url, settings, "").await;
    let check = after_ci(&palisade, 2).check_run_completed("Our Check").await;
    assert_eq!(check.to_string(), "failure: Our Check - Failed");
    assert!(text(&check).contains("Not everything was judged"), "{}", text(&check));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_judged_wins_over_an_outage_that_comes_later() {
    for reply in [Reply::Undefined, Reply::Result(json!("no report")), Reply::Status(400)] {
        let opa = FakeOpa::start(&[reply.clone(), Reply::Status(503)]).await;
        opa.is_ill();
        let settings = "settings = { entrypoint = \"compliance/vulnerability_report\" }";
        let palisade = host(&opa.url, settings, "").await;
        let check = after_ci(&palisade, 2).check_run_completed("Our Check").await;
        assert_eq!(check.to_string(), "failure: Our Check - Policy Error", "{reply:?}");
        assert_eq!(opa.asked().len(), 2, "{reply:?}: the second document met the outage");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_health_check_that_says_so_makes_a_server_s_trouble_an_outage() {
    let (error, outage) = ("failure: Our Check - Policy Error", "neutral: Our Check - System Unavailable");
    for (status, expected) in [(401, error), (403, error), (404, error), (429, outage), (503, outage)] {
        let opa = FakeOpa::start(&[Reply::Status(500)]).await;
        opa.answers_its_health_check(status);
        let palisade = host(&opa.url, DENY, "reads = [\"vulnerabilities\"]").await;
        let check = after_ci(&palisade, 1).check_run_completed("Our Check").await;
        assert_eq!(check.to_string(), expected, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_violations_than_anybody_reads_are_a_failure_all_the_same() {
    let denied: Vec<Value> =
        (0..30_000).map(|n| json!({ "msg": format!("{n} is denied"), "id": "CVE-2026-0000" })).collect();
    let (_opa, check) = judged(&[Reply::Result(json!(denied))]).await;
    assert_eq!(check.to_string(), "failure: Our Check - Failed");
    assert!(text(&check).contains("CVE-2026-0000") || text(&check).contains("is denied"), "{}", text(&check));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_deny_set_over_no_evidence_is_not_a_pass() {
    let opa = FakeOpa::start(&[Reply::Result(json!([]))]).await;
    let palisade = host(&opa.url, DENY, "reads = [\"licenses\"]").await;
    let check = after_ci(&palisade, 1).check_run_completed("Our Check").await;
    assert_eq!(check.to_string(), "neutral: Our Check - No Reports Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_does_not_say_what_it_reads_is_refused_at_start() {
    let plugin = "[plugins.ours]\nopa_server = \"http://127.0.0.1:1\"\n";
    let check = "[checks.\"Our Check\"]\npolicies = [\"ours\"]\n";
    let both = "file = \"policy.wasm\"\n";
    let cases = [
        (format!("{plugin}{DENY}\n{check}"), "reads"),
        (format!("{plugin}{check}reads = [\"licenses\"]\n"), "entrypoint"),
        (format!("{plugin}settings = {{ entrypont = \"x\" }}\n{check}"), "entrypoint"),
        (format!("{plugin}{both}{check}"), "both `file` and `opa_server`"),
        (plugin.replace("http://", "http://me:secret@") + DENY + "\n" + check, "must not hold credentials"),
    ];
    for (text, expected) in cases {
        let started = TestHost::try_with(&text, Default::default()).await;
        let error = format!("{:#}", started.err().unwrap_or_else(|| panic!("{text} must not start")));
        assert!(error.contains(expected), "{text}\n{error}");
        assert!(!error.contains("secret@"), "{error}");
    }
}

/// Proves R32.
#[tokio::test(flavor = "multi_thread")]
async fn health_shows_the_server_as_polly_does() {
    let opa = FakeOpa::start(&[Reply::Undefined]).await;
    let palisade = host(&opa.url, DENY, "reads = [\"vulnerabilities\"]").await;
    let health = async || {
        let answer = http::get(&palisade.url("/health")).await.expect("an answer");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        (answer.status, body["status"].clone(), body["dependencies"]["opa"]["message"].clone())
    };
    assert_eq!(health().await, (200, json!("healthy"), json!("OPA service is responding")));
    opa.is_ill();
    assert_eq!(health().await, (503, json!("degraded"), json!("OPA returned status code: 500")));
    drop(opa);
    let (status, overall, message) = health().await;
    assert_eq!((status, overall), (503, json!("error")));
    assert!(message.as_str().expect("a text").starts_with("Failed to connect to OPA: "), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_answered_is_kept_with_its_digest() {
    let answer = json!(["CVE-2026-0000 is not acceptable"]);
    let opa = FakeOpa::start(&[Reply::Result(answer.clone())]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let config = format!(
        "[plugins.ours]\nopa_server = \"{}\"\n{DENY}\n[checks.\"Our Check\"]\npolicies = [\"ours\"]\nreads = [\"vulnerabilities\"]\n",
        opa.url
    );
    std::fs::write(directory.path().join("palisade.toml"), config).expect("writing the configuration");
    std::fs::write(directory.path().join("trivy.json"), evidence::trivy(&[("CVE-2026-0000", "HIGH")])).expect("a scan");
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["evaluate", "--format", "json", "trivy.json"])
        .current_dir(directory.path())
        .env_clear()
        .env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code())
        .output()
        .await
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let kept = &said["record"]["remote_answers"][0];
    assert_eq!((&kept["plugin"], &kept["document"]), (&json!("ours"), &json!("evidence")));
    assert_eq!(kept["text"], json!(answer.to_string()));
    assert_eq!(kept["answer"], json!(hex::encode(Sha256::digest(answer.to_string()))));
}

/// The server is asked once: what it answered is served to the replay from the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_over_a_server_s_answers_is_made_again_without_the_server() {
    let opa = FakeOpa::start(&[Reply::Result(json!(["CVE-2026-0000 is not acceptable"]))]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let config = format!(
        "[records]\ndirectory = \"{}\"\n[plugins.ours]\nopa_server = \"{}\"\n{DENY}\n\
         [checks.\"Our Check\"]\npolicies = [\"ours\"]\nreads = [\"vulnerabilities\"]\n",
        directory.path().join("records").display(),
        opa.url
    );
    std::fs::write(directory.path().join("palisade.toml"), &config).expect("writing the configuration");
    let palisade = TestHost::with(&config).await;
    let check = after_ci(&palisade, 1).check_run_completed("Our Check").await;
    assert_eq!(check.to_string(), "failure: Our Check - Failed");
    palisade.settled().await;
    drop((palisade, opa));
    let kept = std::fs::read_dir(directory.path().join("records/records")).expect("records").next();
    let path = kept.expect("a record").expect("an entry").path();
    let replay = || {
        let mut replay = std::process::Command::new(env!("CARGO_BIN_EXE_palisade-cli"));
        replay.args(["replay", &path.file_stem().expect("an id").to_string_lossy()]).current_dir(directory.path());
        replay.env_clear().env("PALISADE_CACHE_DIRECTORY", palisade_tests::compiled_code());
        let output = replay.output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, said) = replay();
    assert_eq!(code, Some(0), "{said}");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).expect("the record")).expect("JSON");
    record["remote_answers"] = json!([]);
    std::fs::write(&path, record.to_string()).expect("writing the record");
    let (code, said) = replay();
    assert!(code == Some(1) && said.contains("holds no answer about it"), "{said}");
}

const POLICIES: &str = r#"package compliance

vulnerability_report := {
	"compliant": count(denied) == 0,
	"total_vulnerabilities": count(input.vulnerabilities),
	"compliant_count": count(input.vulnerabilities) - count(denied),
	"non_compliant_count": count(denied),
	"non_compliant_vulnerabilities": [v |
		some d in denied
		v := {"id": d.id, "package": d["package"].name, "version": d["package"].version, "severity": d.severity}
	],
}

denied contains v if {
	some v in input.vulnerabilities
	v.severity == "CRITICAL"
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_opa_server_answers_for_the_default_checks() {
    let Some(command) = opa::command() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("policy.rego"), POLICIES).expect("writing the policy");
    let mut server = opa::Server::start(&command, directory.path());
    let palisade = TestHost::with(&format!("[opa]\nserver_url = \"{}\"\n", server.url)).await;
    let failed = after_ci(&palisade, 1).check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(failed.to_string(), "failure: Vulnerability Check - Failed");
    assert!(text(&failed).contains("CVE-2026-0000"), "{}", text(&failed));

    let pull_request = palisade.repository().open_pull_request("Scan clean");
    let run = pull_request.start_run("ci.yml");
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run.complete("success");
    let passed = pull_request.check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(passed.to_string(), "success: Vulnerability Check - Passed");

    server.stop();
    let away = after_ci(&palisade, 1).check_run_completed("Vulnerability Scan Check").await;
    assert_eq!(away.to_string(), "neutral: Vulnerability Check - System Unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_opa_server_is_asked_over_the_whole_evidence() {
    let Some(command) = opa::command() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let policy = "package main\n\ndeny contains msg if {\n\tsome f in input.findings\n\tf.finding.severity == \"critical\"\n\t\
                  msg := sprintf(\"%s must be fixed\", [f.finding.id])\n}\n";
    std::fs::write(directory.path().join("policy.rego"), policy).expect("writing the policy");
    let server = opa::Server::start(&command, directory.path());
    let palisade = host(&server.url, DENY, "reads = [\"vulnerabilities\"]").await;
    let failed = after_ci(&palisade, 1).check_run_completed("Our Check").await;
    assert_eq!(failed.to_string(), "failure: Our Check - Failed");
    assert!(text(&failed).contains("CVE-2026-0000 must be fixed"), "{}", text(&failed));
}
