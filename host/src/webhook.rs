//! The door: a delivery is capped, verified, parsed, handed to the intake and answered, in that order.
//! Nothing is parsed before its signature is right. This room never calls GitHub and never runs a plugin.

mod crowd;
mod installation;
mod parse;
mod requests;
mod signature;
#[cfg(test)]
mod tests;

pub use parse::{ParseError, may_matter, parse};
pub use requests::with_request_id;

use crate::listener::{Known, Word};
use crate::model::event::{CheckRunRequest, InstallationChange, MergeGroupChange};
use crate::model::{
    Clock, DeliveryId, Event, InstallationId, JobId, RepositoryName, RequestId, Rotating, Secret, Slot, Trail,
};
use crate::telemetry::audit::{Act, Line, tell};
use crate::telemetry::catalogue::{EVENTS, bounded};
use crate::telemetry::{spans, trace};
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use crowd::{Crowd, Place, Sender};
use futures::StreamExt as _;
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tracing::instrument::Instrument as _;

/// GitHub delivers nothing larger.
const LARGEST_DELIVERY: usize = 25 << 20;
/// Leaves GitHub's 10 s to the network. What takes longer is brought back by the redelivery sweep.
const INTAKE_TIMEOUT: Duration = Duration::from_secs(2);
/// What is read of a body before it takes of the room for large ones: a usual delivery has 28 KB.
const SMALL_DELIVERY: usize = 32 << 10;
/// Requests at once: a thousand deliveries a second that take 50 ms each are 50. Their small bodies are 64 MiB.
const REQUESTS_AT_ONCE: usize = 2_048;
/// What large bodies take together, beyond their first 32 KiB: five of the largest.
const BODIES_AT_ONCE: usize = 5 * LARGEST_DELIVERY;
/// What strangers may take of it: more than one of the largest, because GitHub is one until its first delivery, and so
/// little that bodies which never end leave room for those who have a secret.
const BODIES_OF_STRANGERS: usize = BODIES_AT_ONCE / 4;
const _: () = assert!(BODIES_OF_STRANGERS >= LARGEST_DELIVERY);
/// Soon enough for the sweep, long enough for a store to come back.
const RETRY_AFTER_S: u64 = 30;

/// Takes what came through the door. Called once per verified delivery that Palisade acts on.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Returns after the delivery is durable, or says why it is not. Runs to its end even if the answer has become
    /// too late, so the same delivery may come again.
    async fn accept(&self, delivery: DeliveryId, event: Event, trail: Trail) -> Accepted;

    /// Told of every request once it is answered, refused ones included; for metrics.
    fn observe(&self, audit: &Audit) {
        let _ = audit;
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    Queued(JobId),
    /// In progress, or done before.
    Duplicate,
    /// Nothing to do after all.
    Ignored,
    /// Remembered; no job comes of it.
    Noted,
    Full {
        retry_after_s: u64,
    },
    /// The store cannot take it.
    Unavailable,
}

#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// All that count are tried, so that one can be replaced without missing a delivery.
    pub secrets: Rotating<Vec<Slot<Secret>>>,
    /// For local trials only: with no secret at all, take deliveries unsigned instead of none.
    pub allow_unsigned: bool,
    /// The installation that is meant where a delivery names none, as those of a repository's own webhook.
    pub installation: Option<InstallationId>,
    /// How long a body may take to come.
    pub body_timeout: Duration,
    /// What the ends of secrets are held against.
    pub clock: Arc<dyn Clock>,
}

/// One request, as the audit log and the metrics show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    pub delivery: Option<DeliveryId>,
    pub event: Option<String>,
    pub action: Option<String>,
    pub repository: Option<RepositoryName>,
    /// `queued`, `duplicate`, `ignored`, `noted`, `ping`, `full`, `crowded`, `unavailable`, `unauthorized`, `malformed`,
    /// `too-large`, `timeout`, `unsupported`.
    pub result: &'static str,
    /// Which of the secrets matched, counted from 0.
    pub secret_slot: Option<usize>,
    /// The request's id, and where it stands in a trace.
    pub trail: Trail,
}

/// `POST /webhook`, and the path that Polly's users have configured.
pub fn router(intake: Arc<dyn Intake>, options: WebhookOptions) -> Router {
    let crowd = Crowd::new(REQUESTS_AT_ONCE, BODIES_AT_ONCE, BODIES_OF_STRANGERS);
    Door { intake, options, patience: INTAKE_TIMEOUT, crowd }.router()
}

struct Door {
    intake: Arc<dyn Intake>,
    options: WebhookOptions,
    /// How long the intake may take.
    patience: Duration,
    crowd: Crowd,
}

async fn deliver(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let span = spans::webhook_handle();
    let mut audit = Audit {
        delivery: text(&parts.headers, "x-github-delivery").and_then(|id| DeliveryId::parse(id).ok()),
        event: text(&parts.headers, "x-github-event").filter(|name| is_event_name(name)).map(ToOwned::to_owned),
        trail: trail(&parts, &span),
        ..Audit::default()
    };
    let answer = match door.admit(&parts, body, &mut audit).instrument(span.clone()).await {
        Ok(answer) | Err(answer) => answer,
    };
    audit.result = answer.result;
    describe_span(&span, &audit, &answer);
    record(&audit, answer.status);
    door.intake.observe(&audit);
    let word = word(&audit, answer.status);
    let mut response = answer.into_response();
    if let Some(word) = word {
        response.extensions_mut().insert(word);
    }
    response
}

impl Door {
    fn router(self) -> Router {
        Router::new()
            .route("/webhook", post(deliver))
            .route("/api/webhooks/github", post(deliver))
            .with_state(Arc::new(self))
    }

    async fn admit(&self, parts: &Parts, body: Body, audit: &mut Audit) -> Result<Answer, Answer> {
        let headers = &parts.headers;
        let sender = parts.extensions.get::<Known>().map_or(Sender::Stranger, |_| Sender::Known);
        // Before a byte is read, and until the answer: what is in memory is what has a place.
        let mut place = self.crowd.enter(sender).ok_or_else(Answer::crowded)?;
        let raw = self.read(headers, body, &mut place).await?;
        let form = is_form(headers)?;
        audit.secret_slot = self.verify(headers, &raw)?;
        let (Some(delivery), Some(name)) = (audit.delivery.clone(), audit.event.clone()) else {
            return Err(Answer::malformed("X-GitHub-Event or X-GitHub-Delivery is missing or not valid"));
        };
        let document = if form { payload(&raw)? } else { Cow::Borrowed(&raw[..]) };
        let document = installation::named(document, self.options.installation);
        let event = parse(&name, &document).map_err(|error| Answer::malformed(&error.to_string()))?;
        describe(&event, audit);
        match event {
            Event::Ping => Ok(Answer::new(StatusCode::OK, "ping", json!({ "status": "pong" }))),
            Event::Other { .. } => Ok(Answer::from(Accepted::Ignored)),
            acted_on => Ok(self.hand_over(delivery, acted_on, audit.trail.clone()).await.into()),
        }
    }

    fn verify(&self, headers: &HeaderMap, raw: &[u8]) -> Result<Option<usize>, Answer> {
        // After the body came: what was replaced meanwhile counts as it is now.
        let secrets = self.options.secrets.get();
        if secrets.is_empty() && self.options.allow_unsigned {
            return Ok(None);
        }
        let signature = headers.get("x-hub-signature-256").map(HeaderValue::as_bytes);
        let now = self.options.clock.now();
        let matching = signature.and_then(|given| signature::matching(&secrets, now, given, raw));
        // Without a reason: whoever is not GitHub learns nothing.
        matching.map(Some).ok_or_else(|| Answer::new(StatusCode::UNAUTHORIZED, "unauthorized", json!({})))
    }

    async fn read(&self, headers: &HeaderMap, body: Body, place: &mut Place) -> Result<Vec<u8>, Answer> {
        let announced = text(headers, "content-length").and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > LARGEST_DELIVERY) {
            return Err(Answer::too_large());
        }
        match tokio::time::timeout(self.options.body_timeout, collect(body, place)).await {
            Ok(read) => read,
            Err(_) => Err(Answer::new(StatusCode::REQUEST_TIMEOUT, "timeout", json!({ "status": "timeout" }))),
        }
    }

    /// In a task of its own: a delivery that is half written when its time is over is written to the end.
    async fn hand_over(&self, delivery: DeliveryId, event: Event, trail: Trail) -> Accepted {
        let intake = self.intake.clone();
        let work = tokio::spawn(async move { intake.accept(delivery, event, trail).await }.in_current_span());
        match tokio::time::timeout(self.patience, work).await {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(_)) | Err(_) => Accepted::Unavailable,
        }
    }
}

/// What the listener should know of a request's source: whether it is one that knows a secret.
fn word(audit: &Audit, status: StatusCode) -> Option<Word> {
    match audit.secret_slot {
        Some(_) => Some(Word::Verified),
        None if status.is_client_error() => Some(Word::Refused),
        None => None,
    }
}

/// Chunk by chunk, so that a body takes room as its bytes come and not as it announces them.
async fn collect(body: Body, place: &mut Place) -> Result<Vec<u8>, Answer> {
    let mut chunks = body.into_data_stream();
    let mut raw = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Answer::malformed("the body broke off"))?;
        let length = raw.len() + chunk.len();
        if length > LARGEST_DELIVERY {
            return Err(Answer::too_large());
        }
        if !place.holds(length.saturating_sub(SMALL_DELIVERY)) {
            return Err(Answer::crowded());
        }
        raw.extend_from_slice(&chunk);
    }
    Ok(raw)
}

/// True for a form, false for JSON.
fn is_form(headers: &HeaderMap) -> Result<bool, Answer> {
    let given = text(headers, "content-type").unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(false),
        "application/x-www-form-urlencoded" => Ok(true),
        _ => Err(Answer::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported", json!({ "status": "unsupported" }))),
    }
}

/// The member `payload` of a form. The signature is over the form, not over this.
fn payload(form: &[u8]) -> Result<Cow<'static, [u8]>, Answer> {
    let member = form.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(b"payload="));
    let encoded = member.ok_or_else(|| Answer::malformed("the form has no member `payload`"))?;
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut value = [0];
                let digits = rest.get(..2).filter(|digits| hex::decode_to_slice(digits, &mut value).is_ok());
                rest = rest.get(2..).unwrap_or_default();
                digits.map(|_| value[0]).ok_or_else(|| Answer::malformed("the form is not well encoded"))?
            }
            other => *other,
        });
    }
    Ok(decoded.into())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// As all of GitHub's names are; keeps logs and metrics clean of anything else.
fn is_event_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn describe(event: &Event, audit: &mut Audit) {
    let (action, origin) = match event {
        Event::PullRequest(event) => (Some(format!("{:?}", event.action).to_lowercase()), Some(&event.origin)),
        Event::WorkflowRun(event) => (Some(parse::word(event.action).to_owned()), Some(&event.origin)),
        Event::CheckRun(event) => (Some(request_word(&event.request)), Some(&event.origin)),
        Event::CheckSuite(event) => (Some(format!("{:?}", event.action).to_lowercase()), Some(&event.origin)),
        Event::MergeGroup(event) => (Some(group_word(&event.change)), Some(&event.origin)),
        Event::Push(event) => (None, Some(&event.origin)),
        Event::Installation(event) => (Some(installation_word(&event.change)), None),
        Event::Other { action, .. } => (action.clone(), None),
        Event::Ping => (None, None),
    };
    audit.action = action;
    audit.repository = origin.map(|origin| origin.repository.clone());
}

fn request_word(request: &CheckRunRequest) -> String {
    match request {
        CheckRunRequest::Rerun => "rerequested".to_owned(),
        CheckRunRequest::Button(_) => "requested_action".to_owned(),
    }
}

fn group_word(change: &MergeGroupChange) -> String {
    match change {
        MergeGroupChange::ChecksRequested => "checks_requested".to_owned(),
        MergeGroupChange::Destroyed(_) => "destroyed".to_owned(),
    }
}

fn installation_word(change: &InstallationChange) -> String {
    match change {
        InstallationChange::Gone => "gone".to_owned(),
        InstallationChange::Back => "back".to_owned(),
        InstallationChange::Repositories { added, removed } => format!("+{} -{}", added.len(), removed.len()),
    }
}

/// The request's id, and the trace that its span is a part of: its sender's, else one of our own.
fn trail(parts: &Parts, span: &tracing::Span) -> Trail {
    let theirs = requests::trace_of(&parts.headers);
    if let Some(theirs) = &theirs {
        trace::continue_from(span, theirs);
    }
    let here = trace::place_of(span).or(theirs).unwrap_or_else(trace::begun);
    Trail { request: parts.extensions.get::<RequestId>().cloned(), trace: Some(here) }
}

fn describe_span(span: &tracing::Span, audit: &Audit, answer: &Answer) {
    span.record("otel.kind", "server");
    let event = audit.event.as_deref().map(|event| bounded(EVENTS, event));
    span.record("webhook.event", event);
    span.record("webhook.delivery", audit.delivery.as_ref().map(DeliveryId::as_str));
    span.record("github.owner", audit.repository.as_ref().map(RepositoryName::owner));
    span.record("github.repo", audit.repository.as_ref().map(RepositoryName::name));
    span.record("request_id", audit.trail.request.as_ref().map(RequestId::as_str));
    match answer.status {
        status if status.is_server_error() => spans::failed(span, &answer.result),
        StatusCode::ACCEPTED => spans::well(span),
        _ => spans::skipped(span),
    }
}

/// The one line per delivery.
fn record(audit: &Audit, status: StatusCode) {
    tell(
        Act::Delivery,
        &Line {
            result: audit.result,
            repository: audit.repository.as_ref(),
            delivery: audit.delivery.as_ref(),
            event: audit.event.as_deref(),
            action: audit.action.as_deref(),
            request: audit.trail.request.as_ref(),
            trace: audit.trail.trace.as_ref(),
            status: Some(status.as_u16()),
            secret_slot: audit.secret_slot,
            ..Line::default()
        },
    );
}

struct Answer {
    status: StatusCode,
    result: &'static str,
    body: serde_json::Value,
    retry_after_s: Option<u64>,
}

impl Answer {
    fn new(status: StatusCode, result: &'static str, body: serde_json::Value) -> Self {
        Self { status, result, body, retry_after_s: None }
    }
    fn malformed(why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", json!({ "status": "malformed", "message": why }))
    }
    fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", json!({ "status": "too large" }))
    }
    fn crowded() -> Self {
        Self::busy("crowded", RETRY_AFTER_S)
    }
    fn busy(result: &'static str, retry_after_s: u64) -> Self {
        let busy = Self::new(StatusCode::SERVICE_UNAVAILABLE, result, json!({ "status": result }));
        Self { retry_after_s: Some(retry_after_s), ..busy }
    }

    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Accepted> for Answer {
    fn from(accepted: Accepted) -> Self {
        match accepted {
            Accepted::Queued(job) => Self::new(
                StatusCode::ACCEPTED,
                "queued",
                json!({ "status": "accepted", "message": "Analysis queued", "job": job }),
            ),
            Accepted::Duplicate => Self::new(StatusCode::OK, "duplicate", json!({ "status": "duplicate" })),
            Accepted::Noted => Self::new(StatusCode::OK, "noted", json!({ "status": "noted" })),
            Accepted::Ignored => Self::new(StatusCode::OK, "ignored", json!({ "status": "ignored" })),
            Accepted::Full { retry_after_s } => Self::busy("full", retry_after_s),
            Accepted::Unavailable => Self::busy("unavailable", RETRY_AFTER_S),
        }
    }
}
