//! Spans: the declared ones and no others, in one trace from a webhook to an OPA server, sent to a collector.

use crate::served::Served;
use axum::http::HeaderMap;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use palisade::config::telemetry::Telemetry as Settings;
use palisade::telemetry::{Telemetry, spans};
use palisade_github_fake::{Fault, PullRequest, Workflow};
use palisade_tests::collector::{Collector, texts};
use palisade_tests::watched::Watched;
use palisade_tests::{TestHost, evidence, http};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LICENSES: &str = "License Check";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// An OPA server that denies nothing, and the trace headers that it was asked with.
struct Opa {
    url: String,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Opa {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Opa {
    async fn start() -> Self {
        let asked = Arc::<Mutex<Vec<HeaderMap>>>::default();
        let heard = asked.clone();
        let answer = move |headers: HeaderMap| {
            heard.lock().expect("nobody panicked").push(headers);
            async { axum::Json(serde_json::json!({ "result": [] })) }
        };
        let router = axum::Router::new()
            .route("/v1/data/{*path}", axum::routing::post(answer))
            .route("/health", axum::routing::get(|| async { "well" }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, asked, task }
    }

    /// With one check that is asked of it beside the usual ones.
    fn configuration(&self) -> String {
        let check = |name: &str, policy: &str| format!("[checks.\"{name}\"]\npolicies = [\"{policy}\"]\n");
        format!(
            "[plugins.ours]\nopa_server = \"{}\"\nsettings = {{ entrypoint = \"main/deny\" }}\n{}{}{}\
             reads = [\"vulnerabilities\"]\n",
            self.url,
            check("Vulnerability Scan Check", "vulnerability"),
            check(LICENSES, "license"),
            check("Our Check", "ours"),
        )
    }
}

fn uploaded(pull_request: &PullRequest) -> palisade_github_fake::Run {
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]))]);
    run.complete("success");
    run
}

/// GitHub's word that all our runs of a commit have ended: made of its word that they are asked for again.
async fn suite_completed(palisade: &TestHost, pull_request: &PullRequest) {
    palisade.github.pause_deliveries();
    pull_request.rerequest_all("mona");
    let pending = palisade.github.take_pending_deliveries();
    let suite = pending.iter().find(|sent| sent.event == "check_suite").expect("a suite's event");
    let body = String::from_utf8_lossy(&suite.body).replacen("\"rerequested\"", "\"completed\"", 1);
    let signature = palisade.github.sign(body.as_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", "check_suite"),
        ("x-github-delivery", "suite-completed-1"),
        ("x-hub-signature-256", signature.as_str()),
    ];
    let answer = http::post(&palisade.url("/webhook"), &headers, body).await.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
    palisade.github.resume_deliveries();
    palisade.host.idle().await;
}

/// Proves R33.
#[tokio::test]
async fn every_declared_span_shows_with_every_declared_attribute_and_no_other() {
    let watched = Watched::begin();
    let opa = Opa::start().await;
    let palisade = TestHost::with(&format!("{}[commits]\nbranches = [\"main\"]\n", opa.configuration())).await;
    let repository = palisade.repository();
    repository.add_collaborator("writer", "write");
    let pull_request = repository.open_pull_request("Add a feature");
    palisade.settled().await;
    let run = uploaded(&pull_request);
    pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    pull_request.rerequest(LICENSES);
    palisade.settled().await;
    pull_request.rerequest_all("mona");
    palisade.settled().await;
    // A result that says something else about lines needs a run of its own, which is created ended.
    run.rerun();
    run.upload("sarif", &[("new.sarif", &evidence::vulnerability_sarif(&[("CVE-2026-0002", "9.8")]))]);
    run.complete("success");
    palisade.settled().await;
    run.rerun();
    run.upload("sarif", &[("new.sarif", &evidence::vulnerability_sarif(&[("CVE-2026-0003", "9.8")]))]);
    run.complete("success");
    palisade.settled().await;
    suite_completed(&palisade, &pull_request).await;
    let pushed = repository.write_file("README.md", b"hello");
    repository.announce_push("refs/heads/main", &pushed);
    pull_request.push();
    palisade.settled().await;
    let head = repository.request_merge_group(&pull_request);
    repository.start_run(&head, Workflow::from("ci.yml").on("merge_group")).complete("failure");
    palisade.settled().await;
    palisade.github.suspend("acme");
    palisade.settled().await;
    http::get(&palisade.url("/health")).await.expect("an answer");

    let shown = watched.attributes();
    let declared: BTreeSet<&str> = spans::SPANS.iter().map(|span| span.name).collect();
    let steps = watched.spans().into_iter().filter(|span| span.target == spans::STEP).map(|span| span.name);
    let undeclared: BTreeSet<String> = steps.filter(|name| !declared.contains(name.as_str())).collect();
    assert!(undeclared.is_empty(), "{undeclared:?}");
    let mut missing = Vec::new();
    for span in spans::SPANS {
        match shown.get(span.name) {
            None => missing.push(span.name.to_owned()),
            Some(recorded) => {
                let never = span.attributes.iter().filter(|attribute| !recorded.contains(**attribute));
                missing.extend(never.map(|attribute| format!("{}: {attribute}", span.name)));
            }
        }
    }
    assert!(missing.is_empty(), "declared and never shown: {missing:#?}");
}

/// Proves R33, W40.
#[tokio::test]
async fn a_miss_is_no_error_and_a_failure_is_one_with_its_status() {
    let watched = Watched::begin();
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    palisade.settled().await;
    let misses = |seen: &Watched| {
        let spans = seen.spans().into_iter().filter(|span| span.field("cache.miss_reason") == "not_found");
        spans.map(|span| span.field("otel.status_code").to_owned()).collect::<Vec<_>>()
    };
    let found = misses(&watched);
    assert!(!found.is_empty() && found.iter().all(String::is_empty), "{found:?}");

    palisade.github.fault(Fault::on("GET /repos/*/actions/runs/*/artifacts").status(404).always());
    uploaded(&pull_request);
    pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    let spans = watched.spans();
    let failed = spans.iter().filter(|span| span.name == "security.process_workflow_artifacts");
    let failed: Vec<_> = failed.map(|span| (span.field("result"), span.field("otel.status_code"))).collect();
    assert!(!failed.is_empty() && failed.iter().all(|end| *end == ("error", "ERROR")), "{failed:?}");
}

/// Proves R33, W40.
#[tokio::test]
async fn one_trace_leads_from_the_sender_to_the_opa_server_and_never_to_github() {
    let collector = Collector::start().await.expect("a collector");
    let settings =
        Settings { endpoint: Some(collector.url.clone()), protocol: "http/json".to_owned(), ..Settings::default() };
    let (layer, telemetry) = Telemetry::traces(&settings).expect("good settings");
    let watched = Watched::with(vec![layer]);
    let opa = Opa::start().await;
    let palisade = TestHost::with(&opa.configuration()).await;
    palisade.github.pause_deliveries();
    uploaded(&palisade.repository().open_pull_request("Add a feature"));
    let pending = palisade.github.take_pending_deliveries();
    let completed =
        pending.iter().find(|sent| sent.action.as_deref() == Some("completed") && sent.event == "workflow_run");
    let opened = pending.iter().find(|sent| sent.event == "pull_request").expect("a pull request event");
    for sent in [opened, completed.expect("a run's event")] {
        let mut headers: Vec<(&str, &str)> =
            sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.extend([("traceparent", PARENT), ("tracestate", "vendor=abc"), ("x-request-id", "req-1")]);
        let answer = http::post(&palisade.url("/webhook"), &headers, sent.body.to_vec()).await.expect("an answer");
        assert_eq!(answer.status, 202, "{}", answer.body);
        palisade.host.idle().await;
    }

    let asked = opa.asked.lock().expect("nobody panicked").clone();
    assert!(!asked.is_empty(), "the server was asked");
    for headers in &asked {
        let parent = headers["traceparent"].to_str().expect("text");
        assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-01"), "{parent}");
        assert_eq!(headers["tracestate"], "vendor=abc");
    }
    assert!(palisade.github.journal().entries.iter().all(|entry| !entry.traced), "GitHub is told of no trace");

    telemetry.flush(Duration::from_secs(30)).await;
    let received = collector.received();
    assert_eq!(received.wrong, Vec::<String>::new());
    let trace: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).expect("hex")).collect();
    let (doors, jobs) = (received.named("webhook.handle"), received.named("job"));
    assert_eq!(doors.iter().filter(|span| span.trace_id == trace).count(), 2);
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        assert_eq!(job.trace_id, trace);
        assert!(doors.iter().any(|door| door.span_id == job.parent_span_id), "a job continues its webhook");
        let attributes = texts(&job.attributes);
        assert_eq!((attributes["request_id"].as_str(), attributes["trace_id"].as_str()), ("req-1", TRACE));
    }
    let asking = received.named("opa.request");
    assert!(asking.iter().all(|span| span.trace_id == trace) && !asking.is_empty());
    drop(watched);
}

/// Proves R33, R35, R36.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_sends_traces_and_metrics_by_the_standard_variables_and_the_last_ones_at_its_end() {
    let collector = Collector::start().await.expect("a collector");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20planted-collector-credentials"),
        ("OTEL_SERVICE_NAME", "our-palisade"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test"),
        ("POLLY_SERVICE_VERSION", "7"),
        ("POLLY_LOGGER_LEVEL", "warn"),
        ("POLLY_LOGGER_ADD_SOURCE", "true"),
    ];
    palisade_tests::captured::plant("a collector's credentials", "planted-collector-credentials");
    let served = Served::start(&variables).await;
    let pull_request = served.github.repository("acme/shop").open_pull_request("Add a feature");
    uploaded(&pull_request);
    pull_request.check_run_completed(LICENSES).await;
    let lines = served.stop().await;

    let received = collector.until(|received| !received.named("checks.complete_check_run").is_empty()).await;
    assert_eq!(received.wrong, Vec::<String>::new());
    assert_eq!(received.headers["authorization"], "Bearer planted-collector-credentials");
    let resource = |name: &str| received.resource.get(name).cloned().unwrap_or_default();
    assert_eq!(
        [resource("service.name"), resource("service.version"), resource("deployment.environment")],
        ["our-palisade", "7", "test"]
    );
    assert!(received.metrics.iter().any(|name| name == "palisade_jobs_total"), "{:?}", received.metrics);
    let errors =
        received.spans.iter().filter(|span| span.status.as_ref().is_some_and(|s| s.code() == StatusCode::Error));
    assert_eq!(errors.map(|span| span.name.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());

    // Only what is always told: the level is `warn`.
    let of = |act: &str| lines.iter().filter(|line| line["act"] == act).cloned().collect::<Vec<_>>();
    assert_eq!((of("start").len(), of("stop").len()), (1, 1), "{lines:#?}");
    let completed = of("check-completed");
    assert_eq!(completed.len(), 2, "{lines:#?}");
    for line in completed {
        let job = &line["span"];
        assert_eq!((&job["name"], &job["owner"], &job["repo"]), (&"job".into(), &"acme".into(), &"shop".into()));
        assert_eq!(job["sha"], pull_request.head_sha());
        let trace = job["trace_id"].as_str().expect("a trace");
        let doors = received.named("webhook.handle");
        assert!(doors.iter().any(|door| hex::encode(&door.trace_id) == trace), "a line leads to its trace");
        let request = job["request_id"].as_str().expect("a request");
        assert!(of("delivery").iter().any(|line| line["request_id"] == request), "and to its delivery");
        assert!(line["filename"].as_str().is_some_and(|file| file.ends_with("audit.rs")), "{line}");
    }
}

/// Proves R33.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_changes_nothing_and_the_program_still_ends() {
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", dead.local_addr().expect("an address"));
    let served = Served::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]).await;
    let pull_request = served.github.repository("acme/shop").open_pull_request("Add a feature");
    uploaded(&pull_request);
    let shown = pull_request.check_run_completed(LICENSES).await.to_string();
    assert_eq!(shown, "failure: License Check - Failed");
    served.stop().await;
}
