//! The whole of the fake against GitHub's schemas, and the schemas against what must not pass.

use crate::client::{Client, github};
use palisade_github_fake::schemas::{self, Schemas};
use palisade_github_fake::{Fake, FakeOptions};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// GitHub's schemas, unless they were not fetched: then one line says so and the test ends.
fn fetched() -> Option<&'static Schemas> {
    let directory = schemas::default_directory();
    if !schemas::is_fetched(&directory) {
        println!("schemas: skipped, {} does not hold them", directory.display());
        return None;
    }
    Some(Schemas::open(&directory).unwrap())
}

#[test]
#[ignore = "needs npm and its registry; `cargo xtask test` fetches the schemas before the tests"]
fn the_schemas_can_be_fetched() {
    let directory = schemas::fetch(&schemas::default_target()).unwrap();
    assert!(schemas::is_fetched(&directory));
    assert!(schemas::examples(&directory).unwrap().as_array().unwrap().len() > 50);
}

#[tokio::test]
async fn every_webhook_satisfies_its_schema() {
    let Some(known) = fetched() else { return };
    let (github, repository) = github().await;
    let client = Client::installation(&github).await;
    repository.add_collaborator("mona", "write");
    let pull_request = repository.open_pull_request("One");
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    run.complete("success");
    run.rerun();
    run.complete("failure");
    let actions = json!([{ "label": "Accept", "description": "Accept it", "identifier": "accept" }]);
    let body = json!({ "name": "License Check", "head_sha": pull_request.head_sha(), "conclusion": "action_required", "actions": actions });
    assert_eq!(client.post("/repos/acme/shop/check-runs", &body).await.status, 201);
    pull_request.rerequest("License Check");
    pull_request.rerequest_all("mona");
    pull_request.press("License Check", "accept", "mona");
    let group = repository.request_merge_group(&pull_request);
    repository.destroy_merge_group(&pull_request, &group, "dequeued");
    pull_request.push();
    pull_request.close();
    pull_request.reopen();
    pull_request.merge();
    github.ping();
    github.suspend("acme");
    github.unsuspend("acme");
    github.uninstall("acme");
    let mut seen = BTreeSet::new();
    for waiting in github.pending_deliveries() {
        let name = waiting.action.map_or(waiting.event.clone(), |action| format!("{}-{action}", waiting.event));
        let name = name.replace('_', "-");
        let key = format!("webhook {name}");
        assert!(known.knows(&key), "there is no schema {key}");
        let payload: Value = serde_json::from_slice(&waiting.body).unwrap();
        assert_eq!(known.violations(&key, &payload), Vec::<String>::new());
        seen.insert(name);
    }
    let all = "check-run-completed check-run-created check-run-requested-action check-run-rerequested \
        check-suite-requested check-suite-rerequested installation-deleted installation-suspend \
        installation-unsuspend merge-group-checks-requested merge-group-destroyed ping pull-request-closed \
        pull-request-opened pull-request-reopened pull-request-synchronize workflow-run-completed \
        workflow-run-in-progress workflow-run-requested";
    assert_eq!(seen.into_iter().collect::<Vec<_>>().join(" "), all);
    github.assert_schemas();
}

#[tokio::test]
async fn every_answer_satisfies_its_schema() {
    if fetched().is_none() {
        return;
    }
    let (github, repository) = github().await;
    let pull_request = repository.open_pull_request("One");
    let artifact = pull_request.start_run("ci.yml").upload("trivy", &[("trivy.json", b"{}")]);
    let (app, client) = (Client::app(&github), Client::installation(&github).await);
    let installation = github.installation_id("acme");
    for path in [
        "/app",
        "/app/hook/config",
        "/app/installations",
        "/repos/acme/shop/installation",
        "/app/hook/deliveries",
        "/rate_limit",
    ] {
        assert_eq!(app.get(path).await.status, 200, "{path}");
    }
    github.add_personal_token("a person's token", "mona");
    assert_eq!(Client::anonymous(&github).with("a person's token").get("/user").await.status, 200);
    assert_eq!(app.get(&format!("/app/installations/{installation}")).await.status, 200);
    let paths = [
        "/installation/repositories".to_owned(),
        "/rate_limit".to_owned(),
        "/repos/acme/shop".to_owned(),
        "/repos/acme/shop/contents/".to_owned() + "README.md",
        "/repos/acme/shop/pulls/1".to_owned(),
        "/repos/acme/shop/attestations/sha256:00".to_owned(),
        "/repos/acme/shop/actions/artifacts".to_owned(),
        format!("/repos/acme/shop/actions/artifacts/{}", artifact.id()),
    ];
    for path in paths {
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
    let scope = json!({ "repositories": ["shop"], "permissions": { "checks": "write" } });
    Client::scoped(&github, scope).await;
    github.assert_schemas();
}

#[tokio::test]
async fn every_endpoint_that_answers_with_json_has_a_schema() {
    let Some(known) = fetched() else { return };
    let (github, _) = github().await;
    let has_one = |(method, path): &(&str, &str)| {
        ["200", "201", "202"].iter().any(|s| known.knows(&format!("{method} {path} {s}")))
    };
    let without: Vec<String> = github
        .endpoints()
        .filter(|endpoint| !has_one(endpoint))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    let expected = [
        "DELETE /installation/token",
        "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}",
        "GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}",
    ];
    assert_eq!(without, expected);
}

#[tokio::test]
async fn without_schemas_nothing_is_checked() {
    let options = FakeOptions { schemas: Some("nowhere".into()), ..FakeOptions::default() };
    let github = Fake::start(options).await.unwrap();
    github.send_event("pull_request", json!({ "action": "opened" }));
    assert!(!github.checks_schemas() && github.schema_violations().is_empty());
}

#[tokio::test]
async fn a_payload_against_the_schema_is_named() {
    if fetched().is_none() {
        return;
    }
    let (github, _) = github().await;
    github.send_event("pull_request", json!({ "action": "opened" }));
    let violations = github.schema_violations();
    assert!(violations[0].starts_with("webhook pull-request-opened: "), "{violations:?}");
    github.assert_schemas();
}

#[test]
fn the_schemas_catch_what_they_can() {
    let Some(known) = fetched() else { return };
    let create = "POST /repos/{owner}/{repo}/check-runs request";
    let annotation =
        json!({ "path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m" });
    let output = |output: Value| json!({ "name": "n", "head_sha": "s", "output": output });
    let wrong = [
        json!({ "name": "n" }),
        output(json!({ "title": "t" })),
        output(json!({ "title": "t", "summary": "s", "annotations": vec![annotation; 51] })),
        json!({ "name": "n", "head_sha": "s", "actions": [{ "label": "x".repeat(21), "description": "d", "identifier": "i" }] }),
    ];
    for body in wrong {
        assert!(!known.violations(create, &body).is_empty(), "{body} passed");
    }
    assert!(known.violations(create, &json!({ "name": "n", "head_sha": "s" })).is_empty());
    let update = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id} request";
    assert!(!known.violations(update, &json!({ "status": "completed" })).is_empty());
    assert!(!known.violations("GET /app 200", &json!({ "id": "text" })).is_empty());
}
