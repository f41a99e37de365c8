//! GitHub's own examples of webhooks at the door: each is understood, and none is refused.

use palisade::model::Event;
use palisade::model::event::{CheckRunRequest, PullRequestAction, RunAction};
use palisade::webhook::parse;
use palisade_github_fake::schemas;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Once;

/// Events that this many examples at least are known of: less means that the file is not what it was.
const FEWEST_EXAMPLES: usize = 200;

/// Every example with the name of its event; nothing, loudly, where they were not fetched.
fn examples() -> Vec<(String, Value)> {
    static SAID: Once = Once::new();
    let directory = schemas::default_directory();
    if !directory.join("examples.json").is_file() {
        assert!(std::env::var_os("CI").is_none(), "GitHub's examples are not in {}", directory.display());
        SAID.call_once(|| {
            // Not by `eprintln!`, which a test that passes keeps to itself.
            let _ =
                writeln!(std::io::stderr(), "SKIPPED GitHub's examples of webhooks: not in {}", directory.display());
        });
        return Vec::new();
    }
    let document = schemas::examples(&directory).expect("GitHub's examples are readable");
    let events = document.as_array().expect("a list of events");
    let named = events.iter().flat_map(|event| {
        let name = event["name"].as_str().expect("an event has a name").to_owned();
        let payloads = event["examples"].as_array().expect("an event has examples").clone();
        payloads.into_iter().map(move |payload| (name.clone(), payload))
    });
    let all: Vec<_> = named.collect();
    assert!(all.len() >= FEWEST_EXAMPLES, "only {} examples", all.len());
    all
}

/// As an App gets it: some examples are of hooks without an installation.
fn delivered_to_an_app(payload: &Value) -> Value {
    let mut delivered = payload.clone();
    if delivered["installation"].is_null() {
        delivered["installation"] = json!({ "id": 1, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ==" });
    }
    delivered
}

fn parsed(name: &str, payload: &Value) -> Event {
    let body = serde_json::to_vec(payload).expect("a value is serializable");
    parse(name, &body).unwrap_or_else(|error| panic!("{name} {}: {error}", payload["action"]))
}

fn action(payload: &Value) -> Option<&str> {
    payload["action"].as_str()
}

/// As Palisade keeps it: GitHub compares names without case.
fn full_name(payload: &Value) -> String {
    payload["repository"]["full_name"].as_str().expect("the example has a repository").to_ascii_lowercase()
}

#[test]
fn every_example_of_every_event_is_taken_and_what_nobody_acts_on_keeps_its_name() {
    for (name, payload) in examples() {
        for payload in [delivered_to_an_app(&payload), payload] {
            match parsed(&name, &payload) {
                Event::Ping => assert_eq!(name, "ping"),
                Event::Other { name: kept, action: word } => {
                    assert_eq!((kept.as_str(), word.as_deref()), (name.as_str(), action(&payload)));
                }
                Event::PullRequest(_) => assert_eq!(name, "pull_request"),
                Event::WorkflowRun(_) => assert_eq!(name, "workflow_run"),
                Event::CheckRun(_) => assert_eq!(name, "check_run"),
                Event::CheckSuite(_) => assert_eq!(name, "check_suite"),
                Event::MergeGroup(_) => assert_eq!(name, "merge_group"),
                Event::Push(_) => assert_eq!(name, "push"),
                Event::Installation(_) => assert!(name.starts_with("installation"), "{name}"),
            }
        }
    }
}

#[test]
fn every_example_of_a_pull_request_is_understood() {
    let examples = examples();
    let mut acted_on = 0;
    for (_, payload) in examples.iter().filter(|(name, _)| name == "pull_request") {
        let payload = delivered_to_an_app(payload);
        let expected = match action(&payload).expect("a pull request's event has an action") {
            "opened" => PullRequestAction::Opened,
            "reopened" => PullRequestAction::Reopened,
            "synchronize" => PullRequestAction::Synchronize,
            "closed" => PullRequestAction::Closed,
            _ => continue,
        };
        let Event::PullRequest(event) = parsed("pull_request", &payload) else {
            panic!("{expected:?} is not acted on")
        };
        let pull = &payload["pull_request"];
        assert_eq!(event.action, expected);
        assert_eq!(event.origin.repository.to_string(), full_name(&payload));
        assert_eq!(Some(event.origin.repository_id), payload["repository"]["id"].as_u64());
        assert_eq!(Some(event.origin.installation.0), payload["installation"]["id"].as_u64());
        assert_eq!(event.origin.default_branch.as_deref(), payload["repository"]["default_branch"].as_str());
        assert_eq!(Some(event.pull_request.number), pull["number"].as_u64());
        assert_eq!(Some(event.pull_request.head_sha.as_str()), pull["head"]["sha"].as_str());
        assert_eq!(Some(event.pull_request.base_sha.as_str()), pull["base"]["sha"].as_str());
        assert_eq!(Some(event.pull_request.base_branch.as_str()), pull["base"]["ref"].as_str());
        assert_eq!(event.pull_request.head_repository_id, pull["head"]["repo"]["id"].as_u64());
        assert_eq!(event.before.as_ref().map(|sha| sha.as_str()), payload["before"].as_str());
        acted_on += 1;
    }
    assert!(acted_on >= 4 || examples.is_empty(), "only {acted_on} examples are acted on");
}

#[test]
fn every_example_of_a_workflow_run_is_understood() {
    let examples = examples();
    let mut acted_on = 0;
    for (_, payload) in examples.iter().filter(|(name, _)| name == "workflow_run") {
        let payload = delivered_to_an_app(payload);
        let expected = match action(&payload).expect("a workflow run's event has an action") {
            "requested" => RunAction::Requested,
            "in_progress" => RunAction::InProgress,
            "completed" => RunAction::Completed,
            _ => continue,
        };
        let Event::WorkflowRun(event) = parsed("workflow_run", &payload) else {
            panic!("{expected:?} is not acted on")
        };
        let run = &payload["workflow_run"];
        assert_eq!(event.action, expected);
        assert_eq!(event.origin.repository.to_string(), full_name(&payload));
        assert_eq!(Some(event.run.id.0), run["id"].as_u64());
        assert_eq!(Some(event.run.head_sha.as_str()), run["head_sha"].as_str());
        assert_eq!(Some(event.run.event.as_str()), run["event"].as_str());
        assert_eq!(event.run.head_repository_id, run["head_repository"]["id"].as_u64());
        assert_eq!(u64::from(event.run.attempt), run["run_attempt"].as_u64().unwrap_or(1));
        assert_eq!(event.run.state.ended(), expected == RunAction::Completed, "{run}");
        assert!(event.run.workflow_path.starts_with(".github/workflows/"), "{:?}", event.run.workflow_path);
        let numbers: Vec<_> = run["pull_requests"].as_array().into_iter().flatten().collect();
        assert_eq!(event.pull_requests.len(), numbers.len());
        acted_on += 1;
    }
    assert!(acted_on >= 2 || examples.is_empty(), "only {acted_on} examples are acted on");
}

#[test]
fn every_example_of_a_check_a_suite_a_merge_group_a_push_and_an_installation_is_understood() {
    let examples = examples();
    let mut acted_on = std::collections::BTreeSet::new();
    for (name, payload) in &examples {
        let payload = delivered_to_an_app(payload);
        match parsed(name, &payload) {
            Event::CheckRun(event) => {
                let run = &payload["check_run"];
                assert!(matches!(action(&payload), Some("rerequested" | "requested_action")));
                assert_eq!(Some(event.check_run), run["id"].as_u64());
                assert_eq!(Some(event.head_sha.as_str()), run["head_sha"].as_str());
                assert_eq!(event.app_id, run["app"]["id"].as_u64());
                assert_eq!(event.sender.as_deref(), payload["sender"]["login"].as_str());
                if let CheckRunRequest::Button(identifier) = event.request {
                    assert_eq!(Some(identifier.as_str()), payload["requested_action"]["identifier"].as_str());
                }
            }
            Event::CheckSuite(event) => {
                let suite = &payload["check_suite"];
                assert_eq!(Some(event.suite), suite["id"].as_u64());
                assert_eq!(Some(event.head_sha.as_str()), suite["head_sha"].as_str());
                assert_eq!(event.app_id, suite["app"]["id"].as_u64());
            }
            Event::MergeGroup(event) => {
                let group = &payload["merge_group"];
                assert_eq!(Some(event.group.head_sha.as_str()), group["head_sha"].as_str());
                assert_eq!(
                    Some(format!("refs/heads/{}", event.group.base_branch).as_str()),
                    group["base_ref"].as_str()
                );
            }
            Event::Push(event) => {
                assert_eq!(Some(event.head_sha.as_str()), payload["after"].as_str());
                assert_eq!(Some(event.reference.as_str()), payload["ref"].as_str());
            }
            Event::Installation(event) => {
                let installation = &payload["installation"];
                assert_eq!(Some(event.installation.0), installation["id"].as_u64());
                let account = installation["account"]["login"].as_str().expect("an installation has an account");
                assert_eq!(event.account, account.to_lowercase());
            }
            _ => continue,
        }
        acted_on.insert(name.clone());
    }
    let expected = ["check_run", "check_suite", "installation", "installation_repositories", "merge_group", "push"];
    assert!(examples.is_empty() || expected.iter().all(|name| acted_on.contains(*name)), "{acted_on:?}");
}
