//! Check runs and suites: every limit that GitHub holds, and what a schema cannot say.

use crate::client::{Answer, Client, github};
use palisade_github_fake::{Fake, PullRequest, Repository};
use serde_json::{Value, json};

const RUNS: &str = "/repos/acme/shop/check-runs";

async fn opened() -> (Fake, Repository, PullRequest, Client) {
    let (github, repository) = github().await;
    let pull_request = repository.open_pull_request("Add a feature");
    let client = Client::installation(&github).await;
    (github, repository, pull_request, client)
}

fn annotation() -> Value {
    json!({ "path": "package.json", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "bad" })
}

fn annotations(count: usize) -> Vec<Value> {
    vec![annotation(); count]
}

async fn run(client: &Client, sha: &str) -> Answer {
    client.post(RUNS, &json!({ "name": "License Check", "head_sha": sha, "status": "in_progress" })).await
}

#[tokio::test]
async fn a_run_is_opened_completed_and_seen_by_the_handle() {
    let (github, _, pull_request, client) = opened().await;
    let opened = run(&client, &pull_request.head_sha()).await;
    assert_eq!((opened.status, opened.body["status"].as_str()), (201, Some("in_progress")));
    let output = json!({ "title": "License Check - Failed", "summary": "one", "annotations": annotations(50) });
    let body = json!({ "conclusion": "failure", "output": output, "external_id": "palisade/v1/x" });
    let completed = client.patch(&format!("{RUNS}/{}", opened.id()), &body).await;
    assert_eq!((completed.status, completed.body["status"].as_str()), (200, Some("completed")));
    let check = pull_request.check_run_completed("License Check").await;
    assert_eq!(check.to_string(), "failure: License Check - Failed");
    assert_eq!((check.annotations.len(), check.completions), (50, 1));
    github.assert_schemas();
}

#[tokio::test]
async fn what_github_refuses_at_creation_is_refused() {
    let (_github, _, pull_request, client) = opened().await;
    let sha = pull_request.head_sha();
    let output = |output: Value| json!({ "output": output });
    let with = |annotation: Value| output(json!({ "title": "t", "summary": "s", "annotations": [annotation] }));
    let changed = |field: &str, value: Value| {
        let mut changed = annotation();
        changed[field] = value;
        with(changed)
    };
    let button = |field: &str, value: &str| {
        let mut button = json!({ "label": "Accept", "description": "Accept it", "identifier": "accept" });
        button[field] = json!(value);
        json!({ "actions": [button] })
    };
    let wrong = [
        json!({ "name": null }),
        json!({ "name": "" }),
        json!({ "head_sha": null }),
        json!({ "head_sha": "0123456789012345678901234567890123456789" }),
        json!({ "status": "completed" }),
        json!({ "status": "waiting" }),
        json!({ "conclusion": "stale" }),
        json!({ "conclusion": "splendid" }),
        json!({ "started_at": "yesterday" }),
        output(json!({ "summary": "s" })),
        output(json!({ "title": "t" })),
        output(json!({ "title": "t", "summary": "x".repeat(65_536) })),
        // 21,846 characters, yet 65,538 bytes.
        output(json!({ "title": "t", "summary": "s", "text": "€".repeat(21_846) })),
        output(json!({ "title": "t", "summary": "s", "annotations": annotations(51) })),
        changed("path", json!("")),
        changed("message", json!(null)),
        changed("message", json!("x".repeat(65_537))),
        changed("raw_details", json!("x".repeat(65_537))),
        changed("title", json!("x".repeat(256))),
        changed("annotation_level", json!("error")),
        changed("start_line", json!(null)),
        changed("start_line", json!(9)),
        with(
            json!({ "path": "a", "start_line": 1, "end_line": 2, "start_column": 1, "annotation_level": "notice", "message": "m" }),
        ),
        button("label", &"x".repeat(21)),
        button("description", &"x".repeat(41)),
        button("identifier", &"x".repeat(21)),
        button("label", ""),
        json!({ "actions": vec![json!({ "label": "a", "description": "b", "identifier": "c" }); 4] }),
    ];
    for fields in wrong {
        let mut body = json!({ "name": "License Check", "head_sha": sha });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = client.post(RUNS, &body).await;
        assert_eq!(answer.status, 422, "accepted: {}", fields.to_string().chars().take(200).collect::<String>());
    }
    assert!(pull_request.check_runs().is_empty(), "a refused request opened a run");
}

#[tokio::test]
async fn the_limits_themselves_are_allowed() {
    let (github, _, pull_request, client) = opened().await;
    let mut one_line = annotation();
    one_line["start_column"] = json!(1);
    one_line["end_column"] = json!(4);
    one_line["title"] = json!("x".repeat(255));
    let actions =
        vec![json!({ "label": "x".repeat(20), "description": "x".repeat(40), "identifier": "x".repeat(20) }); 3];
    let output =
        json!({ "title": "t", "summary": "x".repeat(65_535), "text": "€".repeat(21_845), "annotations": [one_line] });
    let body = json!({
        "name": "License Check", "head_sha": pull_request.head_sha(), "status": "completed", "conclusion": "action_required",
        "output": output, "actions": actions,
    });
    let answer = client.post(RUNS, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body["message"]);
    github.assert_schemas();
}

#[tokio::test]
async fn annotations_are_only_ever_added() {
    let (github, _, pull_request, client) = opened().await;
    let id = run(&client, &pull_request.head_sha()).await.id();
    for _ in 0..2 {
        let output = json!({ "title": "t", "summary": "s", "annotations": annotations(40) });
        assert_eq!(client.patch(&format!("{RUNS}/{id}"), &json!({ "output": output })).await.status, 200);
    }
    let shown = client.get(&format!("{RUNS}/{id}")).await;
    assert_eq!(shown.body["output"]["annotations_count"], json!(80));
    let page = client.get(&format!("{RUNS}/{id}/annotations?per_page=50&page=2")).await;
    assert_eq!(page.body.as_array().unwrap().len(), 30);
    github.assert_schemas();
}

#[tokio::test]
async fn a_patch_against_the_rules_changes_nothing() {
    let (_github, repository, pull_request, client) = opened().await;
    let id = run(&client, &pull_request.head_sha()).await.id();
    let path = format!("{RUNS}/{id}");
    assert_eq!(client.patch(&path, &json!({ "status": "completed" })).await.status, 422);
    assert_eq!(client.patch(&path, &json!({ "conclusion": "stale" })).await.status, 422);
    assert_eq!(client.patch(&path, &json!({ "output": { "title": "without a summary" } })).await.status, 422);
    assert_eq!(client.patch(&format!("{RUNS}/1"), &json!({})).await.status, 404);
    let foreign = repository.foreign_check_run(&pull_request.head_sha(), "License Check", "success");
    assert_eq!(client.patch(&format!("{RUNS}/{}", foreign.id), &json!({ "conclusion": "failure" })).await.status, 403);
    assert_eq!(pull_request.check_run("License Check").unwrap().status, "in_progress");
}

#[tokio::test]
async fn a_completed_run_can_be_set_back_and_completed_again() {
    let (_github, _, pull_request, client) = opened().await;
    let path = format!("{RUNS}/{}", run(&client, &pull_request.head_sha()).await.id());
    client.patch(&path, &json!({ "conclusion": "success" })).await;
    let back = client.patch(&path, &json!({ "status": "in_progress" })).await;
    assert_eq!((back.body["status"].as_str(), &back.body["conclusion"]), (Some("in_progress"), &Value::Null));
    client.patch(&path, &json!({ "conclusion": "failure" })).await;
    assert_eq!(pull_request.check_run_completed_times("License Check", 2).await.conclusion.unwrap(), "failure");
}

#[tokio::test]
async fn runs_are_listed_by_name_app_status_and_latest() {
    let (github, repository, pull_request, client) = opened().await;
    let sha = pull_request.head_sha();
    repository.foreign_check_run(&sha, "License Check", "success");
    let first = run(&client, &sha).await.id();
    client.patch(&format!("{RUNS}/{first}"), &json!({ "conclusion": "success" })).await;
    let second = run(&client, &sha).await.id();
    let list = async |query: &str| {
        let answer = client.get(&format!("/repos/acme/shop/commits/{sha}/check-runs?{query}")).await;
        assert_eq!(answer.status, 200);
        let runs = answer.body["check_runs"].as_array().unwrap();
        runs.iter().map(|run| run["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let own = github.app_id();
    assert_eq!(list(&format!("app_id={own}")).await, [second]);
    assert_eq!(list(&format!("app_id={own}&filter=all")).await, [second, first]);
    assert_eq!(list(&format!("app_id={own}&filter=all&status=completed")).await, [first]);
    assert_eq!(list("check_name=Nothing").await, Vec::<u64>::new());
    assert_eq!(list("filter=all").await.len(), 3);
    let unknown = client.get("/repos/acme/shop/commits/feedfeedfeedfeedfeedfeedfeedfeedfeedfeed/check-runs").await;
    assert_eq!(unknown.status, 422);
    github.assert_schemas();
}

#[tokio::test]
async fn there_is_one_suite_per_app_and_commit_and_a_rerequest_changes_only_that() {
    let (github, _, pull_request, client) = opened().await;
    let sha = pull_request.head_sha();
    let opened = run(&client, &sha).await;
    client.patch(&format!("{RUNS}/{}", opened.id()), &json!({ "conclusion": "success" })).await;
    let suite = opened.body["check_suite"]["id"].as_u64().unwrap();
    let other = client.post(RUNS, &json!({ "name": "Other", "head_sha": sha, "conclusion": "neutral" })).await;
    assert_eq!(other.body["check_suite"]["id"].as_u64(), Some(suite));
    let path = format!("/repos/acme/shop/check-suites/{suite}");
    assert_eq!(client.get(&path).await.body["status"], json!("completed"));
    assert_eq!(client.get(&format!("{path}/check-runs")).await.body["total_count"], json!(2));
    pull_request.rerequest("License Check");
    let shown = client.get(&path).await;
    assert_eq!((shown.body["status"].as_str(), &shown.body["conclusion"]), (Some("queued"), &Value::Null));
    assert_eq!(pull_request.check_run("License Check").unwrap().status, "completed");
    assert_eq!(client.get(&format!("/repos/acme/shop/commits/{sha}/check-suites")).await.body["total_count"], json!(1));
    assert_eq!(client.get("/repos/acme/shop/check-suites/1").await.status, 404);
    github.assert_schemas();
}

#[tokio::test]
async fn a_commit_that_was_pushed_away_is_unknown() {
    let (_github, _, pull_request, client) = opened().await;
    let old = pull_request.head_sha();
    let new = pull_request.force_push();
    let refused = run(&client, &old).await;
    assert_eq!((refused.status, refused.body["message"].as_str().unwrap().contains("No commit found")), (422, true));
    assert_eq!(run(&client, &new).await.status, 201);
}
