//! The door from outside: requests in, answers out, and what reached the intake.

use super::*;
use crate::model::HeadSha;
use crate::model::event::{PullRequestAction, RulesFile, RunAction, RunState};
use futures::FutureExt as _;
use hmac::Mac as _;
use std::sync::Mutex;
use tower::ServiceExt as _;

const SECRET: &str = "for tests only";

/// Answers what it is told to, and remembers what it got.
struct Recorder {
    answer: Accepted,
    accepted: Mutex<Vec<(DeliveryId, Event)>>,
    audits: Mutex<Vec<Audit>>,
}

#[async_trait]
impl Intake for Recorder {
    async fn accept(&self, delivery: DeliveryId, event: Event, _: Trail) -> Accepted {
        self.accepted.lock().unwrap().push((delivery, event));
        self.answer.clone()
    }
    fn observe(&self, audit: &Audit) {
        self.audits.lock().unwrap().push(audit.clone());
    }
}

/// Never answers.
struct Stuck;
#[async_trait]
impl Intake for Stuck {
    async fn accept(&self, _: DeliveryId, _: Event, _: Trail) -> Accepted {
        std::future::pending().await
    }
}

fn recorder(answer: Accepted) -> Arc<Recorder> {
    Arc::new(Recorder { answer, accepted: Mutex::default(), audits: Mutex::default() })
}

fn queued() -> Arc<Recorder> {
    recorder(Accepted::Queued(JobId("job-1".to_owned())))
}

fn options() -> WebhookOptions {
    signed_with(&["the next one", SECRET])
}

fn signed_with(secrets: &[&str]) -> WebhookOptions {
    let slot = |secret: &&str| Slot { origin: "a test".to_owned(), value: Secret::new(*secret), not_after: None };
    WebhookOptions {
        secrets: Rotating::new(secrets.iter().map(slot).collect()),
        allow_unsigned: false,
        installation: None,
        body_timeout: Duration::from_secs(60),
        clock: Arc::new(Stopped),
    }
}

#[derive(Debug)]
struct Stopped;
impl Clock for Stopped {
    fn now(&self) -> crate::model::Unix {
        1_767_225_600
    }
}

fn signature(body: &[u8]) -> String {
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn delivery(event: &str, body: &[u8]) -> Request {
    Request::post("/webhook")
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", "guid-1")
        .header("x-hub-signature-256", signature(body))
        .body(Body::from(body.to_vec()))
        .unwrap()
}

fn changed(mut request: Request, name: &'static str, value: &str) -> Request {
    match value {
        "" => request.headers_mut().remove(name),
        value => request.headers_mut().insert(name, value.parse().unwrap()),
    };
    request
}

/// `status body`.
async fn send(intake: Arc<dyn Intake>, options: WebhookOptions, request: Request) -> String {
    let response = router(intake, options).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    format!("{status} {}", String::from_utf8_lossy(&body))
}

fn pull_request(action: &str) -> Vec<u8> {
    json!({
        "action": action, "number": 4, "before": "0".repeat(40), "after": "a".repeat(40), "something": "new",
        "pull_request": {
            "number": 4, "head": { "sha": "a".repeat(40), "ref": "main", "repo": null },
            "base": { "sha": "b".repeat(40), "ref": "main", "repo": { "id": 1 } },
        },
        "repository": { "id": 1, "name": "Shop", "owner": { "login": "Acme" }, "default_branch": "main" },
        "installation": { "id": 5, "node_id": "x" }, "sender": null,
    })
    .to_string()
    .into_bytes()
}

fn workflow_run(action: &str) -> serde_json::Value {
    json!({
        "action": action,
        "workflow_run": {
            "id": 77, "run_attempt": 2, "name": null, "path": "acme/shop/.github/workflows/ci.yml@refs/heads/x",
            "event": "pull_request", "status": "in_progress", "conclusion": "failure", "head_sha": "a".repeat(40),
            "head_branch": null, "head_repository": { "id": 9 }, "actor": { "login": "octo" },
            "created_at": "2026-01-01T00:00:00Z", "run_started_at": "2026-01-01T00:01:00Z",
            "pull_requests": [{ "number": 4 }, null, {}],
        },
        "workflow": null,
        "repository": { "id": 1, "name": "shop", "owner": { "login": "acme" } },
        "installation": { "id": 5 },
    })
}

/// Proves R6, R9.
#[tokio::test]
async fn a_pull_request_is_queued() {
    let intake = queued();
    let answer = send(intake.clone(), options(), delivery("pull_request", &pull_request("opened"))).await;
    assert_eq!(answer, r#"202 {"job":"job-1","message":"Analysis queued","status":"accepted"}"#);
    let (id, event) = intake.accepted.lock().unwrap().remove(0);
    assert_eq!(id.as_str(), "guid-1");
    let Event::PullRequest(event) = event else { panic!("{event:?}") };
    assert_eq!((event.action, event.pull_request.number), (PullRequestAction::Opened, 4));
    assert_eq!(event.origin.repository.to_string(), "acme/shop");
    assert_eq!(event.pull_request.head_repository_id, None);
    assert_eq!(event.before, Some(HeadSha::parse(&"0".repeat(40)).unwrap()));
    let audit = intake.audits.lock().unwrap().remove(0);
    assert_eq!((audit.result, audit.action.as_deref(), audit.secret_slot), ("queued", Some("opened"), Some(1)));
    assert_eq!(audit.repository.unwrap().to_string(), "acme/shop");
}

#[test]
fn a_completed_run_ended_whatever_its_status_says() {
    let event = parse("workflow_run", workflow_run("completed").to_string().as_bytes()).unwrap();
    let Event::WorkflowRun(event) = event else { panic!("{event:?}") };
    assert_eq!((event.action, &event.pull_requests[..]), (RunAction::Completed, &[4][..]));
    assert_eq!(event.run.workflow_path, ".github/workflows/ci.yml");
    assert_eq!(event.run.workflow_name, ".github/workflows/ci.yml");
    assert_eq!(event.run.state, RunState::Unsuccessful("failure".to_owned()));
    assert_eq!((event.run.created_at, event.run.started_at), (1_767_225_600, 1_767_225_660));

    let mut waiting = workflow_run("requested");
    waiting["workflow_run"]["conclusion"] = json!(null);
    waiting["workflow_run"]["pull_requests"] = json!([]);
    let Event::WorkflowRun(event) = parse("workflow_run", waiting.to_string().as_bytes()).unwrap() else { panic!() };
    assert_eq!((event.run.state, event.pull_requests.len()), (RunState::Going, 0));
}

/// A branch that is gone points to forty zeros.
fn deleted_branch() -> Vec<u8> {
    let mut body: serde_json::Value = serde_json::from_slice(&pull_request("opened")).unwrap();
    (body["ref"], body["after"]) = (json!("refs/heads/main"), json!("0".repeat(40)));
    body.as_object_mut().unwrap().remove("action");
    body.to_string().into_bytes()
}

#[test]
fn a_push_says_whether_it_touches_the_repository_s_rules_or_may() {
    let touched = |forced: bool, commits: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_slice(&pull_request("opened")).unwrap();
        (body["ref"], body["after"]) = (json!("refs/heads/main"), json!("a".repeat(40)));
        (body["forced"], body["commits"]) = (json!(forced), commits);
        body.as_object_mut().unwrap().remove("action");
        let Event::Push(push) = parse("push", body.to_string().as_bytes()).unwrap() else { panic!("{body}") };
        push.rules == RulesFile::Touched
    };
    let other = json!({ "added": [], "removed": null, "modified": ["docs/.palisade.yml", "a.rs"] });
    let rules = |member: &str| json!([other, { member: [".palisade.yml"] }]);
    for member in ["added", "removed", "modified"] {
        assert!(touched(false, rules(member)), "{member}");
    }
    assert!(!touched(false, json!([other])) && !touched(false, json!([])));
    assert!(touched(true, json!([])), "what a forced push takes away is not listed");
    assert!(touched(false, json!(null)) && touched(false, json!(vec![other; 2048])), "nobody says that it was not");
}

#[tokio::test]
async fn what_nothing_is_done_for_is_answered_all_the_same() {
    let without_installation = {
        let mut body: serde_json::Value = serde_json::from_slice(&pull_request("opened")).unwrap();
        body["installation"] = json!(null);
        body.to_string().into_bytes()
    };
    let cases: [(&str, &[u8], &str); 7] = [
        ("ping", b"{\"zen\": \"x\"}", r#"200 {"status":"pong"}"#),
        ("pull_request", &pull_request("labeled"), r#"200 {"status":"ignored"}"#),
        ("pull_request", &without_installation, r#"200 {"status":"ignored"}"#),
        ("workflow_run", b"{\"action\": \"invented\"}", r#"200 {"status":"ignored"}"#),
        ("never_heard_of", b"{}", r#"200 {"status":"ignored"}"#),
        ("push", &deleted_branch(), r#"200 {"status":"ignored"}"#),
        ("odd", b"{\"action\": 7}", r#"200 {"status":"ignored"}"#),
    ];
    for (event, body, expected) in cases {
        let intake = queued();
        assert_eq!(send(intake.clone(), options(), delivery(event, body)).await, expected, "{event}");
        assert!(intake.accepted.lock().unwrap().is_empty());
    }
}

/// Proves R6.
#[tokio::test]
async fn the_intake_s_word_becomes_the_answer() {
    let cases = [
        (Accepted::Duplicate, "200"),
        (Accepted::Ignored, "200"),
        (Accepted::Full { retry_after_s: 7 }, "503 7"),
        (Accepted::Unavailable, "503 30"),
    ];
    for (accepted, expected) in cases {
        let router = router(recorder(accepted), options());
        let response = router.oneshot(delivery("pull_request", &pull_request("opened"))).await.unwrap();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        let shown = format!("{} {}", response.status().as_u16(), retry_after.unwrap_or_default());
        assert_eq!(shown.trim(), expected);
    }
}

/// Proves W30.
#[tokio::test]
async fn an_intake_that_hangs_is_answered_in_time() {
    let crowd = Crowd::new(1, 0, 0);
    let door = Door { intake: Arc::new(Stuck), options: options(), patience: Duration::from_millis(1), crowd };
    let response = door.router().oneshot(delivery("pull_request", &pull_request("opened"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// A door with little room, of which the first request is still being sent.
async fn crowded_by(first: Vec<u8>, crowd: Crowd) -> (Router, tokio::task::JoinHandle<Response>) {
    let router = Door { intake: queued(), options: options(), patience: INTAKE_TIMEOUT, crowd }.router();
    let (arrived, first_arrived) = tokio::sync::oneshot::channel();
    let head = futures::stream::once(async move { Ok::<_, std::io::Error>(first) });
    let rest = futures::stream::once(async move {
        // Asked for the rest: the head is in memory.
        let _ = arrived.send(());
        std::future::pending().await
    });
    let mut request = delivery("pull_request", b"");
    *request.body_mut() = Body::from_stream(head.chain(rest));
    let slow = tokio::spawn(router.clone().oneshot(request).map(|response| response.unwrap()));
    first_arrived.await.unwrap();
    (router, slow)
}

async fn status(router: &Router, body: &[u8]) -> (u16, Option<String>) {
    let response = router.clone().oneshot(delivery("pull_request", body)).await.unwrap();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), retry_after)
}

/// Proves W32.
#[tokio::test]
async fn more_requests_than_there_are_places_are_told_to_come_again() {
    let sound = pull_request("opened");
    let (router, slow) = crowded_by(b"{".to_vec(), Crowd::new(1, 0, 0)).await;
    assert_eq!(status(&router, &sound).await, (503, Some("30".to_owned())));
    slow.abort();
    assert!(slow.await.is_err());
    assert_eq!(status(&router, &sound).await.0, 202, "the place was given back");
    assert_eq!(status(&router, &sound).await.0, 202, "and again");
}

#[tokio::test]
async fn large_bodies_share_their_room_and_small_ones_pass_beside_them() {
    let small = pull_request("opened");
    let mut large = small.clone();
    large.resize(SMALL_DELIVERY + 1_000, b' ');
    let (router, slow) = crowded_by(vec![b' '; SMALL_DELIVERY + 1_000], Crowd::new(8, 1_500, 1_500)).await;
    assert_eq!(status(&router, &large).await, (503, Some("30".to_owned())));
    assert_eq!(status(&router, &small).await.0, 202);
    slow.abort();
    assert!(slow.await.is_err());
    assert_eq!(status(&router, &large).await.0, 202, "the room was given back");
}

#[tokio::test]
async fn strangers_leave_room_for_the_large_bodies_of_those_who_are_known() {
    let mut large = pull_request("opened");
    large.resize(SMALL_DELIVERY + 1_000, b' ');
    let (router, slow) = crowded_by(vec![b' '; SMALL_DELIVERY + 1_000], Crowd::new(8, 4_000, 1_500)).await;
    assert_eq!(status(&router, &large).await.0, 503, "from a stranger");
    let mut known = delivery("pull_request", &large);
    known.extensions_mut().insert(Known);
    assert_eq!(router.clone().oneshot(known).await.unwrap().status(), 202);
    slow.abort();
    assert!(slow.await.is_err());
    assert_eq!(status(&router, &large).await.0, 202, "the room was given back");
}

/// Proves R2, W01.
#[tokio::test]
async fn a_delivery_without_the_right_signature_is_refused_without_a_reason() {
    let body = pull_request("opened");
    let sound = || delivery("pull_request", &body);
    let sha1 = "sha1=0000000000000000000000000000000000000000";
    let refused = [
        changed(sound(), "x-hub-signature-256", ""),
        changed(sound(), "x-hub-signature-256", &signature(b"another body")),
        changed(changed(sound(), "x-hub-signature-256", ""), "x-hub-signature", sha1),
        // Not even whether its body makes sense is told.
        changed(delivery("pull_request", b"not json"), "x-hub-signature-256", "sha256=00"),
        changed(changed(sound(), "x-hub-signature-256", ""), "x-github-event", ""),
    ];
    for request in refused {
        let intake = queued();
        assert_eq!(send(intake.clone(), options(), request).await, "401 {}");
        assert!(intake.accepted.lock().unwrap().is_empty());
        assert_eq!(intake.audits.lock().unwrap()[0].result, "unauthorized");
    }
    // No secret at all is no reason to trust everybody.
    assert_eq!(send(queued(), signed_with(&[]), sound()).await, "401 {}");
    let unsigned = WebhookOptions { allow_unsigned: true, ..signed_with(&[]) };
    let request = changed(sound(), "x-hub-signature-256", "");
    assert!(send(queued(), unsigned, request).await.starts_with("202"));
    // With a secret, unsigned deliveries stay out.
    let both = WebhookOptions { allow_unsigned: true, ..options() };
    assert_eq!(send(queued(), both, changed(sound(), "x-hub-signature-256", "")).await, "401 {}");
}

/// Proves R3.
#[tokio::test]
async fn requests_that_make_no_sense_are_told_apart() {
    let body = pull_request("opened");
    let sound = || delivery("pull_request", &body);
    let mut get = sound();
    *get.method_mut() = http::Method::GET;
    let cases = [
        (changed(sound(), "x-github-event", ""), "400"),
        (changed(sound(), "x-github-event", "Not A Name"), "400"),
        (changed(sound(), "x-github-delivery", ""), "400"),
        (delivery("pull_request", b""), "400"),
        (delivery("pull_request", b"{\"action\": \"opened\"}"), "400"),
        (delivery("pull_request", b"[]"), "400"),
        (delivery("ping", b"{"), "400"),
        (changed(sound(), "content-type", "text/plain"), "415"),
        (changed(sound(), "content-type", ""), "415"),
        (changed(sound(), "content-length", "26214401"), "413"),
        (delivery("pull_request", &vec![b' '; (25 << 20) + 1]), "413"),
        (get, "405"),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        let answer = send(queued(), options(), request).await;
        assert!(answer.starts_with(expected), "{shown}: {answer}");
    }
}

/// Proves R3.
#[tokio::test]
async fn a_form_is_read_and_its_own_bytes_are_what_is_signed() {
    let document = String::from_utf8(pull_request("closed")).unwrap().replace("new", "a+b c&d=é");
    let encode = |byte| match byte {
        b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02x}"),
    };
    let encoded: String = document.bytes().map(encode).collect();
    let form = format!("other=1&payload={encoded}&last=2");
    let request = |form: &str| {
        changed(
            delivery("pull_request", form.as_bytes()),
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
    };
    assert!(send(queued(), options(), request(&form)).await.starts_with("202"));
    for bad in ["other=1", "payload=%7", "payload=%zz", "payload="] {
        assert!(send(queued(), options(), request(bad)).await.starts_with("400"), "{bad}");
    }
}

/// Proves R35.
#[tokio::test]
async fn the_request_id_comes_back() {
    let answer = |request: Request| async {
        let around = axum::middleware::from_fn(with_request_id);
        let response: Response = router(queued(), options()).layer(around).oneshot(request).await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let sound = || delivery("ping", b"{}");
    assert_eq!(answer(changed(sound(), "x-request-id", "trace-7")).await, "trace-7");
    assert_eq!(answer(sound()).await.len(), 36);
    assert_eq!(answer(changed(sound(), "x-trace-id", "trace-8")).await, "trace-8");
    assert_eq!(answer(changed(changed(sound(), "x-trace-id", "b"), "x-request-id", "a")).await, "a");
    for hostile in [&*"x".repeat(200), "<b>", "a b"] {
        assert_eq!(answer(changed(sound(), "x-request-id", hostile)).await.len(), 36, "{hostile}");
    }
}

#[tokio::test]
async fn both_paths_lead_to_the_door() {
    let mut request = delivery("ping", b"{}");
    *request.uri_mut() = "/api/webhooks/github".parse().unwrap();
    assert!(send(queued(), options(), request).await.starts_with("200"));
}

#[test]
fn what_cannot_lead_to_anything_need_not_come_again() {
    let matters = |name: &str, action: &str| may_matter(name, Some(action).filter(|action| !action.is_empty()));
    let acted_on = [
        ("pull_request", "synchronize"),
        ("workflow_run", "completed"),
        ("check_run", "rerequested"),
        ("check_suite", "rerequested"),
        ("merge_group", "checks_requested"),
        ("push", ""),
        ("installation", "suspend"),
        ("installation_repositories", "removed"),
    ];
    assert!(acted_on.iter().all(|(name, action)| matters(name, action)));
    let ignored = [("pull_request", "labeled"), ("check_run", "completed"), ("ping", ""), ("star", "created")];
    assert!(!ignored.iter().any(|(name, action)| matters(name, action)));
}
