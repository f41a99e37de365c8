//! What a policy sees of a commit beside findings and components: where each report comes from, and which paths change. A
//! policy that tells it is the witness; the record says the same.

use crate::replay::House;
use palisade_github_fake::{Fault, Head, PullRequest, PullRequestOptions, Run, Workflow};
use palisade_tests::{TestHost, evidence, http};
use serde_json::{Value, json};

const CHECK: &str = "House Rules";
const CI: &str = ".github/workflows/ci.yml";

/// Denies everything, and says what it saw.
const WITNESS: &str = "package main\n\ndeny contains msg if {\n\tsome report in input.reports\n\
    \tmsg := json.marshal({\"source\": report.source, \"changed\": object.get(input, \"changed_paths\", \"unknown\")})\n}\n";

/// What the policy saw, and the source of the judged file as the record keeps it.
struct Seen {
    source: Value,
    changed: Value,
    recorded: Value,
    recorded_paths: Value,
}

async fn seen(palisade: &TestHost, house: &House, pull_request: &PullRequest) -> Seen {
    pull_request.check_run_completed(CHECK).await;
    palisade.settled().await;
    let url = palisade.url(&format!("/api/v1/decisions/{}", house.decision()));
    let answer: Value = serde_json::from_str(&http::get(&url).await.expect("an answer").body).expect("JSON");
    let record = &answer["record"];
    let told =
        said(&record["checks"][0]["judgements"][0]).unwrap_or_else(|| panic!("the policy said nothing: {answer}"));
    let material = &record["material"];
    Seen {
        source: told["source"].clone(),
        changed: told["changed"].clone(),
        recorded: material["files"][0]["source"].clone(),
        recorded_paths: material["changed_paths"].clone(),
    }
}

/// The message of the only violation.
fn said(value: &Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let own = members.get("message").and_then(Value::as_str).filter(|text| text.starts_with('{'));
            own.and_then(|text| serde_json::from_str(text).ok()).or_else(|| members.values().find_map(said))
        }
        Value::Array(items) => items.iter().find_map(said),
        _ => None,
    }
}

/// A scan by somebody, in a workflow that the base has.
fn scanned(pull_request: &PullRequest) -> Run {
    let run = pull_request.start_run(Workflow::from("ci.yml").by("author"));
    run.upload("trivy", &[("trivy.json", &evidence::clean_trivy())]);
    run
}

fn changing(paths: &[&str]) -> PullRequestOptions {
    let files = paths.iter().map(|path| ((*path).to_owned(), b"new".to_vec())).collect();
    PullRequestOptions { files, author: Some("author".to_owned()), ..PullRequestOptions::from("Change it") }
}

/// Proves R22.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_sees_all_that_is_known_of_a_run_and_the_record_keeps_it() {
    let house = House::of_rule(WITNESS);
    let palisade = house.host().await;
    let repository = palisade.repository();
    repository.write_file(CI, b"jobs: {}\n");
    let pull_request = repository.open_pull_request(changing(&["src/main.js", "src/lib.js"]));
    let run = scanned(&pull_request);
    // What the first attempt uploaded is all that there is after the second.
    run.rerun_by("maintainer");
    run.complete("success");
    let seen = seen(&palisade, &house, &pull_request).await;
    assert_eq!(seen.changed, json!(["src/lib.js", "src/main.js"]));
    assert_eq!(seen.recorded_paths, seen.changed);
    let expected = json!({
        "provenance": "repository",
        "path": "trivy/trivy.json",
        "run_id": run.id(),
        "run_attempt": 2,
        "workflow_path": CI,
        "event": "pull_request",
        "repository_id": repository.id(),
        "head_repository_id": repository.id(),
        "is_fork": false,
        "head_sha": pull_request.head_sha(),
        "actor": "author",
        "triggering_actor": "maintainer",
        "stale_attempt": true,
    });
    for (member, value) in expected.as_object().expect("an object") {
        assert_eq!(seen.source[member], *value, "{member} in {}", seen.source);
    }
    for (member, own) in [
        ("workflow_id", "workflow_id"),
        ("workflow_sha", "workflow_sha"),
        ("artifact_id", "artifact_id"),
        ("artifact_digest", "artifact_digest"),
        ("created_at", "created_at"),
        ("run_id", "id"),
        ("run_attempt", "attempt"),
        ("workflow_path", "workflow_path"),
        ("event", "event"),
        ("repository_id", "repository_id"),
        ("head_repository_id", "head_repository_id"),
        ("head_sha", "head_sha"),
        ("actor", "actor"),
        ("triggering_actor", "triggering_actor"),
        ("stale_attempt", "stale_attempt"),
    ] {
        let value = &seen.source[member];
        assert!(!value.is_null() && *value == seen.recorded["run"][own], "{member} in {}", seen.source);
    }
    assert_eq!(seen.recorded["provenance"], seen.source["provenance"]);
}

/// Proves R22, W03.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_sees_that_evidence_is_a_fork_s() {
    let house = House::of_rule(WITNESS);
    let palisade = house.host().await;
    let options = PullRequestOptions { head: Head::Fork("mallory".to_owned()), ..changing(&["src/main.js"]) };
    let pull_request = palisade.repository().open_pull_request(options);
    scanned(&pull_request).complete("success");
    let seen = seen(&palisade, &house, &pull_request).await;
    let told = (&seen.source["provenance"], &seen.source["is_fork"], &seen.changed);
    assert_eq!(told, (&json!("fork"), &json!(true), &json!(["src/main.js"])));
    assert_ne!(seen.source["head_repository_id"], seen.source["repository_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_which_not_all_are_known_are_not_told() {
    let house = House::of_rule(WITNESS);
    let palisade = house.host().await;
    palisade.github.fault(Fault::on("GET /repos/*/pulls/*/files").status(502).always());
    let pull_request = palisade.repository().open_pull_request(changing(&["src/main.js"]));
    scanned(&pull_request).complete("success");
    let seen = seen(&palisade, &house, &pull_request).await;
    assert_eq!((seen.changed, seen.recorded_paths), (json!("unknown"), Value::Null));
}
