//! Webhooks: signed, ordered, lost, doubled, logged and delivered again.

use crate::client::{Client, Receiver, github};
use palisade_github_fake::{Fake, FakeOptions};
use serde_json::json;

#[tokio::test]
async fn each_action_sends_its_signed_webhook_in_order() {
    let (github, repository) = github().await;
    let receiver = Receiver::start(&github).await;
    github.ping();
    let pull_request = repository.open_pull_request("One");
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.complete("success");
    pull_request.push();
    pull_request.close();
    pull_request.reopen();
    github.deliveries_settled().await;
    let expected = [
        "ping",
        "check_suite.requested",
        "pull_request.opened",
        "workflow_run.requested",
        "workflow_run.in_progress",
        "workflow_run.completed",
        "check_suite.requested",
        "pull_request.synchronize",
        "pull_request.closed",
        "pull_request.reopened",
    ];
    assert_eq!(receiver.events(), expected);
    for received in receiver.received.lock().unwrap().iter() {
        assert_eq!(received.headers["x-hub-signature-256"], github.sign(&received.body));
        assert_eq!(received.headers["x-github-hook-installation-target-id"], github.app_id().to_string());
    }
    github.assert_schemas();
}

#[tokio::test]
async fn the_signature_is_the_one_of_the_documentation() {
    let options = FakeOptions { webhook_secret: "It's a Secret to Everybody".into(), ..FakeOptions::default() };
    let github = Fake::start(options).await.unwrap();
    let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(github.sign(b"Hello, World!"), expected);
}

#[tokio::test]
async fn deliveries_can_wait_change_their_order_and_come_twice() {
    let (github, repository) = github().await;
    let receiver = Receiver::start(&github).await;
    github.pause_deliveries();
    github.duplicate_next_deliveries(1);
    let run = repository.start_run(&repository.branch_sha("main").unwrap(), "ci.yml");
    run.complete("success");
    assert_eq!(github.pending_deliveries().len(), 3);
    github.reorder_pending_deliveries(&[2, 0, 1]);
    github.resume_deliveries();
    github.deliveries_settled().await;
    assert_eq!(receiver.events(), ["workflow_run.completed", "workflow_run.requested", "workflow_run.requested"]);
    assert_eq!(receiver.guids()[1], receiver.guids()[2]);
}

#[tokio::test]
async fn a_lost_delivery_is_in_the_log_and_can_be_asked_for_again() {
    let (github, repository) = github().await;
    let receiver = Receiver::start(&github).await;
    receiver.answers.lock().unwrap().push_back(503);
    github.lose_next_deliveries(1);
    let run = repository.start_run(&repository.branch_sha("main").unwrap(), "ci.yml");
    run.complete("success");
    github.deliveries_settled().await;
    assert_eq!(receiver.events(), ["workflow_run.completed"]);

    let app = Client::app(&github);
    let log = app.get("/app/hook/deliveries?per_page=1").await;
    assert_eq!(log.body[0]["status_code"], json!(503));
    let next = log.header("link").split('>').next().unwrap().trim_start_matches('<').to_owned();
    let lost = app.get(&next).await.body[0].clone();
    assert_eq!((lost["status_code"].as_u64(), lost["redelivery"].as_bool()), (Some(0), Some(false)));
    assert_eq!(app.get("/app/hook/deliveries?status=failure").await.body.as_array().unwrap().len(), 1);

    let path = format!("/app/hook/deliveries/{}", lost["id"]);
    assert_eq!(app.get(&path).await.body["request"]["payload"]["action"], json!("requested"));
    assert_eq!(app.post(&format!("{path}/attempts"), &json!(null)).await.status, 202);
    github.deliveries_settled().await;
    assert_eq!(receiver.guids()[1], lost["guid"].as_str().unwrap());
    assert!(github.deliveries()[2].redelivery && github.deliveries()[2].status == "OK");
    assert_eq!(app.get("/app/hook/deliveries/1").await.status, 404);
    assert_eq!(app.post("/app/hook/deliveries/1/attempts", &json!(null)).await.status, 404);
    github.assert_schemas();
}

#[tokio::test]
async fn payloads_are_as_long_as_asked() {
    let options = FakeOptions { pad_payloads: Some(28_000), ..FakeOptions::default() };
    let github = Fake::start(options).await.unwrap();
    let repository = github.repository("acme/shop");
    repository.open_pull_request("One").start_run("ci.yml");
    let lengths: Vec<usize> = github.take_pending_deliveries().iter().map(|waiting| waiting.body.len()).collect();
    assert!(lengths.iter().all(|length| *length >= 28_000), "{lengths:?}");
    assert!(github.pending_deliveries().is_empty());
}

#[tokio::test]
async fn the_app_hears_nothing_from_where_it_is_not_installed_or_suspended() {
    let (github, repository) = github().await;
    github.hidden_repository("acme/secret").open_pull_request("One");
    assert!(github.pending_deliveries().is_empty());
    github.suspend("acme");
    repository.open_pull_request("Two");
    let heard: Vec<String> = github.pending_deliveries().into_iter().map(|waiting| waiting.event).collect();
    assert_eq!(heard, ["installation"]);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_a_failure_though_the_event_arrived() {
    let (github, repository) = github().await;
    let receiver = Receiver::start(&github).await;
    github.time_out_next_deliveries(1);
    repository.start_run(&repository.branch_sha("main").unwrap(), "ci.yml");
    github.deliveries_settled().await;
    assert_eq!(receiver.events(), ["workflow_run.requested"]);
    let log = Client::app(&github).get("/app/hook/deliveries").await;
    assert_eq!((log.body[0]["status_code"].as_u64(), log.body[0]["status"].as_str()), (Some(0), Some("timed out")));
}

#[tokio::test]
async fn the_log_forgets_after_three_days() {
    let (github, repository) = github().await;
    let _receiver = Receiver::start(&github).await;
    repository.start_run(&repository.branch_sha("main").unwrap(), "ci.yml");
    github.deliveries_settled().await;
    let app = Client::app(&github);
    let id = app.get("/app/hook/deliveries").await.body[0]["id"].clone();
    github.advance_clock(std::time::Duration::from_secs(3 * 24 * 3600 + 60));
    assert_eq!(app.get("/app/hook/deliveries").await.body, json!([]));
    assert_eq!(app.post(&format!("/app/hook/deliveries/{id}/attempts"), &json!(null)).await.status, 404);
}
