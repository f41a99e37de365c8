//! Failure on request: before the effect, after it, without an answer, and late.

use crate::client::{Client, github};
use palisade_github_fake::{Fault, Gate};
use serde_json::json;

const RUNS: &str = "/repos/acme/shop/check-runs";

#[tokio::test]
async fn a_status_before_the_effect_leaves_nothing_behind_and_one_after_it_does() {
    let (github, repository) = github().await;
    let pull_request = repository.open_pull_request("One");
    let client = Client::installation(&github).await;
    let body = json!({ "name": "License Check", "head_sha": pull_request.head_sha() });
    github.fault(Fault::on("POST /repos/*/check-runs").status(500).header("retry-after", "7"));
    let refused = client.post(RUNS, &body).await;
    assert_eq!((refused.status, refused.header("retry-after")), (500, "7"));
    assert!(pull_request.check_run("License Check").is_none());
    github.fault(Fault::on("POST /repos/*/check-runs").status_after(502));
    assert_eq!(client.post(RUNS, &body).await.status, 502);
    assert!(pull_request.check_run("License Check").is_some());
    assert_eq!(client.post(RUNS, &body).await.status, 201, "a fault strikes once");
    assert_eq!(github.journal().count("POST /repos/*/check-runs"), 3);
    assert_eq!(github.journal().writes(), 3);
}

#[tokio::test]
async fn a_connection_drops_before_or_after_the_effect() {
    let (github, repository) = github().await;
    let pull_request = repository.open_pull_request("One");
    let client = Client::installation(&github).await;
    let body = json!({ "name": "License Check", "head_sha": pull_request.head_sha() });
    github.fault(Fault::on("POST /repos/*/check-runs").drop_before());
    client.send("POST", RUNS, Some(&body)).await.unwrap_err();
    assert!(pull_request.check_run("License Check").is_none());
    github.fault(Fault::on("POST /repos/*/check-runs").drop_after());
    client.send("POST", RUNS, Some(&body)).await.unwrap_err();
    assert!(pull_request.check_run("License Check").is_some());
    assert_eq!(github.journal().matching("POST /repos/*/check-runs")[0].status, None);
}

#[tokio::test]
async fn a_delayed_request_has_no_effect_until_the_gate_opens() {
    let (github, repository) = github().await;
    let pull_request = repository.open_pull_request("One");
    let client = Client::installation(&github).await;
    let gate = Gate::closed();
    github.fault(Fault::on("POST /repos/*/check-runs").delay(&gate));
    let body = json!({ "name": "License Check", "head_sha": pull_request.head_sha() });
    let request = tokio::spawn(async move { client.post(RUNS, &body).await });
    gate.reached().await;
    assert!(pull_request.check_run("License Check").is_none());
    gate.open();
    assert_eq!(request.await.unwrap().status, 201);
    assert_eq!(pull_request.check_run_opened("License Check").await.status, "queued");
}

#[tokio::test]
async fn faults_count_and_end_as_told() {
    let (github, _) = github().await;
    let client = Client::installation(&github).await;
    github.fault(Fault::on("GET /repos/acme/shop").nth(2).times(2).status(503));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.get("/repos/acme/shop").await.status);
    }
    assert_eq!(statuses, [200, 503, 503, 200]);
    github.fault(Fault::on("GET /repos/acme/shop").always().status(404));
    assert_eq!(client.get("/repos/acme/shop").await.status, 404);
    assert_eq!(client.get("/repos/acme/shop").await.status, 404);
    github.clear_faults();
    assert_eq!(client.get("/repos/acme/shop").await.status, 200);
}

#[tokio::test]
async fn what_is_no_endpoint_or_no_json_is_refused() {
    let (github, _) = github().await;
    let client = Client::installation(&github).await;
    assert_eq!(client.get("/repos/acme/shop/unheard-of").await.status, 404);
    github.clear_journal();
    assert_eq!(client.get("/unheard-of").await.status, 404);
    assert_eq!(github.journal().entries[0].status, Some(404), "also unknown paths are in the journal");
}
