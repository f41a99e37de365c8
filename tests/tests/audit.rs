//! The audit log: one line for each act, whoever asks how often.

use palisade::telemetry::audit::{Act, TARGET};
use palisade_github_fake::PullRequest;
use palisade_tests::watched::{Seen, Watched};
use palisade_tests::{TestHost, evidence, http};

const LICENSES: &str = "License Check";
const VULNERABILITIES: &str = "Vulnerability Scan Check";

/// `result actor check` of each line about an act, in any order of checks.
fn told(watched: &Watched, act: Act) -> Vec<String> {
    let lines = watched.lines(TARGET);
    let lines = lines.iter().filter(|line| line.field("act") == act.word());
    let short = |line: &Seen| format!("{} {} {}", line.field("result"), line.field("actor"), line.field("check"));
    let mut lines: Vec<String> = lines.map(|line| short(line).trim().to_owned()).collect();
    lines.sort();
    lines
}

fn denied(pull_request: &PullRequest) {
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "GPL-3.0-only")]))]);
    run.complete("success");
}

/// Proves R9, W40.
#[tokio::test]
async fn each_delivery_publication_and_wish_is_told_exactly_once() {
    let watched = Watched::begin();
    let palisade = TestHost::start().await;
    assert_eq!(told(&watched, Act::Start), ["listening"]);
    let repository = palisade.repository();
    repository.add_collaborator("writer", "write");
    let pull_request = repository.open_pull_request("Add a feature");
    pull_request.check_run_opened(LICENSES).await;
    palisade.settled().await;
    let created = [format!("in_progress  {LICENSES}"), format!("in_progress  {VULNERABILITIES}")];
    assert_eq!(told(&watched, Act::CheckCreated), created);
    assert_eq!(told(&watched, Act::CheckCompleted), Vec::<String>::new());

    denied(&pull_request);
    pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    let completed = [format!("failure  {LICENSES}"), format!("neutral  {VULNERABILITIES}")];
    assert_eq!(told(&watched, Act::CheckCompleted), completed);
    assert_eq!(told(&watched, Act::CommentWritten), ["created"]);

    pull_request.rerequest(LICENSES);
    palisade.settled().await;
    pull_request.press(LICENSES, "rerun", "writer");
    palisade.settled().await;
    pull_request.press(LICENSES, "explain", "writer");
    palisade.settled().await;
    pull_request.rerequest_all("mona");
    palisade.settled().await;
    let reruns = told(&watched, Act::Rerun);
    assert_eq!(reruns.len(), 3, "{reruns:?}");
    assert!(reruns.contains(&"asked writer".to_owned()) && reruns.contains(&"asked mona".to_owned()), "{reruns:?}");
    assert_eq!(told(&watched, Act::Explain), ["asked writer"]);

    // What the last job wrote leads to deliveries of its own.
    palisade.settled().await;
    let deliveries = palisade.github.deliveries();
    let lines: Vec<Seen> = watched.lines(TARGET);
    for delivery in &deliveries {
        let about =
            lines.iter().filter(|line| line.field("act") == "delivery" && line.field("delivery") == delivery.guid);
        assert_eq!(about.count(), 1, "{} {:?}", delivery.event, delivery.action);
    }
    assert_eq!(told(&watched, Act::Delivery).len(), deliveries.len());
    palisade.github.redeliver(&deliveries[0].guid);
    palisade.settled().await;
    assert_eq!(told(&watched, Act::Rerun), reruns, "a redelivery is a delivery and no wish");
    assert_eq!(told(&watched, Act::Delivery).len(), deliveries.len() + 1);
}

/// Proves R9.
#[tokio::test]
async fn a_check_that_is_open_again_and_each_reading_of_the_secrets_are_told() {
    let watched = Watched::begin();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("secret");
    std::fs::write(&file, palisade_github_fake::FakeOptions::default().webhook_secret).expect("writing the secret");
    let text = format!(
        "[server]\nreload_interval = \"0s\"\n[github]\nwebhook_secrets = [{{ path = \"{}\" }}]\n",
        file.display()
    );
    let palisade = TestHost::with(&text).await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[("left-pad", "MIT")]))]);
    run.complete("success");
    pull_request.check_run_completed(LICENSES).await;
    palisade.settled().await;
    assert_eq!(told(&watched, Act::CheckReopened), Vec::<String>::new());
    run.rerun();
    palisade.settled().await;
    let reopened = [format!("in_progress  {LICENSES}"), format!("in_progress  {VULNERABILITIES}")];
    assert_eq!(told(&watched, Act::CheckReopened), reopened);

    palisade.host.reload().await;
    assert_eq!(told(&watched, Act::Reload), ["unchanged"]);
    std::fs::write(&file, "planted-next-secret-for-tests").expect("writing the secret");
    palisade.host.reload().await;
    std::fs::write(&file, "").expect("writing the secret");
    palisade.host.reload().await;
    assert_eq!(told(&watched, Act::Reload), ["changed", "failed", "unchanged"]);
}

/// Proves R9.
#[tokio::test]
async fn a_stop_is_told_and_no_line_has_a_field_that_others_do_not_know() {
    let watched = Watched::begin();
    let github = palisade_github_fake::Fake::start(Default::default()).await.expect("a GitHub");
    let configuration = palisade_tests::config(&github, "").expect("a configuration");
    let host = palisade::app::serve(configuration).await.expect("the host starts");
    host.reconciled().await;
    host.shut_down().await;
    assert_eq!(told(&watched, Act::Stop), ["drained"]);
    const FIELDS: [&str; 18] = [
        "message",
        "act",
        "result",
        "actor",
        "repository",
        "sha",
        "check",
        "pull_request",
        "id",
        "delivery",
        "event",
        "action",
        "request_id",
        "trace_id",
        "status",
        "secret_slot",
        "log.target",
        "log.file",
    ];
    for line in watched.lines(TARGET) {
        assert!(line.fields.keys().all(|field| FIELDS.contains(&field.as_str())), "{line:?}");
    }
}

/// Proves R35.
#[tokio::test]
async fn a_request_s_id_is_in_its_answer_its_lines_its_job_and_its_record() {
    let watched = Watched::begin();
    let palisade = TestHost::with("[server]\npages = \"public\"\n").await;
    palisade.github.pause_deliveries();
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    denied(&pull_request);
    let pending = palisade.github.take_pending_deliveries();
    let mut answers = Vec::new();
    for sent in pending.iter().filter(|sent| ["pull_request", "workflow_run"].contains(&sent.event.as_str())) {
        let mut headers: Vec<(&str, &str)> =
            sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.push(("x-trace-id", "trace-7"));
        let answer = http::post(&palisade.url("/webhook"), &headers, sent.body.to_vec()).await.expect("an answer");
        answers.push(answer);
        palisade.host.idle().await;
    }
    assert!(answers.iter().all(|answer| answer.headers["x-request-id"] == "trace-7"), "{answers:?}");
    let jobs: Vec<Seen> = watched.spans().into_iter().filter(|span| span.name == "job").collect();
    assert!(!jobs.is_empty() && jobs.iter().all(|job| job.field("request_id") == "trace-7"), "{jobs:?}");
    let lines = watched.lines(TARGET);
    let deliveries: Vec<&Seen> = lines.iter().filter(|line| line.field("act") == "delivery").collect();
    assert!(deliveries.iter().all(|line| line.field("request_id") == "trace-7"), "{deliveries:?}");
    let records: Vec<_> =
        jobs.iter().map(|job| palisade.url(&format!("/api/v1/decisions/{}", job.field("job")))).collect();
    let mut shown = 0;
    for record in records {
        let answer = http::get(&record).await.expect("an answer");
        if answer.status == 200 {
            assert!(answer.body.contains("\"request\": \"trace-7\""), "{}", answer.body);
            shown += 1;
        }
    }
    assert!(shown > 0, "a decision was made");
}

/// Proves R35.
#[tokio::test]
async fn every_answer_has_an_id_and_hostile_ones_are_not_repeated() {
    let palisade = TestHost::start().await;
    let long = "a".repeat(129);
    for path in ["/health", "/live", "/ready", "/metrics", "/nowhere", "/decisions/none"] {
        let own =
            http::send("GET", &palisade.url(path), &[("x-request-id", "req-1")], Vec::new()).await.expect("an answer");
        assert_eq!(own.headers["x-request-id"], "req-1", "{path}");
        for hostile in ["<script>alert(1)</script>", "a b", "\"; drop", long.as_str()] {
            let headers = [("x-request-id", hostile), ("x-trace-id", hostile)];
            let made = http::send("GET", &palisade.url(path), &headers, Vec::new()).await.expect("an answer");
            assert_eq!(made.headers["x-request-id"].len(), 36, "{path} {hostile}");
        }
    }
}
