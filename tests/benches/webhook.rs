//! One delivery of 28 KB through the door: verify, parse, write ledger and job. Beside it what cannot be had cheaper:
//! the body's HMAC alone, and the body as a JSON value alone.

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use hmac::{Hmac, Mac};
use palisade::app::SystemClock;
use palisade::model::{Clock, CommitKey, DeliveryId, Event, Job, JobId, JobKind, Rotating, Secret, Slot, Trail};
use palisade::queue::memory::MemoryQueue;
use palisade::queue::{self, JobQueue};
use palisade::webhook::{self, Accepted, Intake, WebhookOptions};
use palisade_github_fake::{Fake, FakeOptions, Outgoing};
use sha2::Sha256;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tower::ServiceExt;

/// What GitHub's own bodies of these events are long.
const BODY_BYTES: usize = 28_000;
const REPOSITORIES: usize = 200;

static TOKIO: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Runtime::new().expect("threads can be started"));
static DELIVERIES: LazyLock<(String, Vec<Outgoing>)> = LazyLock::new(|| TOKIO.block_on(deliveries()));

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 100, sample_size = 50)]
fn verified_parsed_and_queued(bencher: divan::Bencher<'_, '_>) {
    let (secret, deliveries) = &*DELIVERIES;
    let slot = Slot { origin: "a benchmark".to_owned(), value: Secret::new(secret), not_after: None };
    let options = WebhookOptions {
        secrets: Rotating::new(vec![slot]),
        allow_unsigned: false,
        installation: None,
        body_timeout: Duration::from_secs(10),
        clock: Arc::new(SystemClock),
    };
    let queue = MemoryQueue::new(Arc::new(SystemClock), usize::MAX, Duration::ZERO);
    let router = webhook::router(Arc::new(Door(queue)), options);
    let count = AtomicUsize::new(0);
    bencher
        .with_inputs(|| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            request(&deliveries[number % deliveries.len()], number)
        })
        .bench_values(|request| TOKIO.block_on(deliver(&router, request)));
}

#[divan::bench(sample_count = 100, sample_size = 50)]
fn hmac_alone(bencher: divan::Bencher<'_, '_>) {
    let (secret, deliveries) = &*DELIVERIES;
    bencher.bench(|| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
        mac.update(&deliveries[0].body);
        mac.finalize().into_bytes()
    });
}

#[divan::bench(sample_count = 100, sample_size = 50)]
fn json_value_alone(bencher: divan::Bencher<'_, '_>) {
    let body: &Bytes = &DELIVERIES.1[0].body;
    bencher.bench(|| serde_json::from_slice::<serde_json::Value>(body).expect("the fake writes JSON"));
}

/// Signed `pull_request` events of different repositories, and the secret.
async fn deliveries() -> (String, Vec<Outgoing>) {
    let options = FakeOptions { schemas: None, pad_payloads: Some(BODY_BYTES), ..FakeOptions::default() };
    let github = Fake::start(options).await.expect("loopback has a free port");
    github.pause_deliveries();
    for number in 0..REPOSITORIES {
        github.repository(&format!("acme/shop-{number}")).open_pull_request("Bench");
    }
    let mut deliveries = github.take_pending_deliveries();
    deliveries.retain(|delivery| delivery.event == "pull_request");
    (github.webhook_secret().to_owned(), deliveries)
}

/// The same body under a GUID of its own: the ledger answers a known one without work.
fn request(delivery: &Outgoing, number: usize) -> Request<Body> {
    let mut request = Request::post("/webhook");
    for (name, value) in &delivery.headers {
        let is_guid = name.eq_ignore_ascii_case("x-github-delivery");
        request = request.header(name, if is_guid { format!("bench-{number}") } else { value.clone() });
    }
    request.body(delivery.body.clone().into()).expect("the fake's headers are valid")
}

async fn deliver(router: &Router, request: Request<Body>) {
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    assert_eq!(response.status(), StatusCode::ACCEPTED);
}

/// What stands between the door and the queue in the host.
struct Door(MemoryQueue);

#[async_trait]
impl Intake for Door {
    async fn accept(&self, delivery: DeliveryId, event: Event, trail: Trail) -> Accepted {
        let Event::PullRequest(event) = event else { return Accepted::Ignored };
        let commit = CommitKey {
            installation: event.origin.installation,
            repository: event.origin.repository.clone(),
            sha: event.pull_request.head_sha.clone(),
        };
        let job = Job {
            id: JobId(uuid::Uuid::now_v7().to_string()),
            commit,
            kind: JobKind::PullRequest(event),
            now: SystemClock.now(),
            delivery: Some(delivery.clone()),
            trail,
            attempt: 0,
        };
        match self.0.accept(delivery, job).await {
            Ok(queue::Accepted::Queued(id)) => Accepted::Queued(id),
            Ok(_) | Err(_) => Accepted::Unavailable,
        }
    }
}
