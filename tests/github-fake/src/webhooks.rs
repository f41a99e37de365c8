//! Webhooks: what they say, how they are signed, queued, delivered, logged and delivered again.

use crate::actions;
use crate::schemas::Exchange;
use crate::server::{Answer, Call, Refusal, Reply};
use crate::state::{Shared, State};
use crate::tokens::Installation;
use crate::wire;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// github.com waits ten seconds for an answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long github.com shows a delivery and redelivers it.
const WINDOW: SignedDuration = SignedDuration::from_hours(3 * 24);
/// The id of the App's only webhook.
const HOOK_ID: u64 = 77;

/// A signed webhook that waits to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The same for every delivery of one event.
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    /// All headers, the signature among them.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    redelivery: bool,
    installation: Option<u64>,
    repository: Option<u64>,
}

/// One attempt to deliver a webhook, as the delivery log shows it.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: u64,
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    pub redelivery: bool,
    /// 0 when no answer came.
    pub status_code: u16,
    pub status: String,
    pub response: String,
    pub duration: Duration,
    delivered_at: Timestamp,
    outgoing: Outgoing,
}

/// What waits to be sent, and how.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub target: Option<String>,
    pub secret: String,
    pub paused: bool,
    pub queue: VecDeque<Outgoing>,
    pub in_flight: usize,
    pub lose: usize,
    /// So many reach the host, whose answers do not come back in time.
    pub answer_late: usize,
    pub duplicate: usize,
}

impl Outbox {
    fn ready(&self) -> bool {
        !self.paused && self.target.is_some() && !self.queue.is_empty()
    }

    pub fn settled(&self) -> bool {
        self.queue.is_empty() && self.in_flight == 0
    }

    /// `sha256=` and the HMAC of the body in hex.
    pub fn sign(&self, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }
}

impl State {
    /// Queues an event about a repository, unless the App is not installed there or is suspended.
    pub(crate) fn emit(&mut self, event: (&str, &str), repository: u64, sender: &str, mut payload: Value) {
        let found = self.repository(repository);
        let installation = self.installations.iter().find(|i| i.account == found.owner && !i.suspended);
        let Some(installation) = installation.filter(|_| found.installed).map(|i| i.id) else { return };
        payload["repository"] = wire::repository(self, found);
        payload["installation"] = json!({ "id": installation, "node_id": wire::node_id("I", installation) });
        payload["sender"] = wire::user(self, sender);
        self.queue(event, (Some(installation), Some(repository)), payload);
    }

    /// Queues any event as it is; an empty action is none.
    pub(crate) fn queue(
        &mut self,
        (event, action): (&str, &str),
        about: (Option<u64>, Option<u64>),
        mut payload: Value,
    ) {
        let action = (!action.is_empty()).then(|| action.to_owned());
        if let Some(action) = &action {
            payload["action"] = json!(action);
        }
        self.exchange(|| Exchange::webhook(event, action.as_deref(), payload.clone()));
        let body = Bytes::from(self.padded(payload));
        let guid = uuid::Uuid::new_v4().to_string();
        let headers = self.headers(event, &guid, &body);
        let (installation, repository) = about;
        let outgoing = Outgoing {
            guid,
            event: event.to_owned(),
            action,
            headers,
            body,
            redelivery: false,
            installation,
            repository,
        };
        if self.outbox.duplicate > 0 {
            self.outbox.duplicate -= 1;
            self.outbox.queue.push_back(outgoing.clone());
        }
        self.outbox.queue.push_back(outgoing);
    }

    /// As long as the options ask for: a description is where GitHub's payloads grow, too.
    fn padded(&self, mut payload: Value) -> Vec<u8> {
        let length = payload.to_string().len();
        if let (Some(wanted), true) = (self.pad_payloads, payload["repository"].is_object()) {
            payload["repository"]["description"] = json!("x".repeat((wanted + "null".len()).saturating_sub(length)));
        }
        payload.to_string().into_bytes()
    }

    fn headers(&self, event: &str, guid: &str, body: &[u8]) -> Vec<(String, String)> {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "GitHub-Hookshot/fake".to_owned()),
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", guid.to_owned()),
            ("x-github-hook-id", HOOK_ID.to_string()),
            ("x-github-hook-installation-target-id", self.app.id.to_string()),
            ("x-github-hook-installation-target-type", "integration".to_owned()),
        ];
        // Absent when no secret is set.
        if !self.outbox.secret.is_empty() {
            headers.push(("x-hub-signature-256", self.outbox.sign(body)));
        }
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub(crate) fn ping(&mut self) {
        let url = self.outbox.target.clone().unwrap_or_else(|| format!("{}/nowhere", self.blob_url));
        let hook = json!({
            "type": "App",
            "id": HOOK_ID,
            "name": "web",
            "active": true,
            "events": ["check_run", "check_suite", "pull_request", "workflow_run"],
            "config": { "content_type": "json", "insecure_ssl": "0", "url": url },
            "app_id": self.app.id,
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            "deliveries_url": format!("{}/app/hook/deliveries", self.api_url),
        });
        self.queue(
            ("ping", ""),
            (None, None),
            json!({ "zen": "Keep it logically awesome.", "hook_id": HOOK_ID, "hook": hook }),
        );
    }

    /// `before` is the former head, for `synchronize`.
    pub(crate) fn pull_request_event(&mut self, id: u64, action: &str, before: Option<&str>) {
        let pull = self.pull_request(id);
        let (repository, author) = (pull.repository, pull.author.clone());
        let mut payload = json!({ "number": pull.number, "pull_request": wire::full_pull_request(self, pull) });
        if let Some(before) = before {
            payload["before"] = json!(before);
            payload["after"] = json!(pull.head_sha);
        }
        self.emit(("pull_request", action), repository, &author, payload);
    }

    /// `pull_request.edited`, with what one member was before.
    pub(crate) fn edited_event(&mut self, id: u64, member: &str, from: Value) {
        let pull = self.pull_request(id);
        let (repository, author) = (pull.repository, pull.author.clone());
        let mut payload = json!({ "number": pull.number, "pull_request": wire::full_pull_request(self, pull) });
        payload["changes"] = json!({ member: from });
        self.emit(("pull_request", "edited"), repository, &author, payload);
    }

    pub(crate) fn workflow_run_event(&mut self, id: u64, action: &str) {
        let run = self.workflow_run(id);
        let (repository, actor) = (run.repository, run.actor.clone());
        let payload =
            json!({ "workflow_run": wire::workflow_run(self, run), "workflow": actions::workflow(self, run) });
        self.emit(("workflow_run", action), repository, &actor, payload);
    }

    /// What happens to an installation reaches the App even while it is suspended.
    pub(crate) fn installation_event(&mut self, installation: &Installation, action: &str) {
        let sender = wire::user(self, &installation.account);
        let payload = json!({ "installation": wire::installation(self, installation), "sender": sender });
        self.queue(("installation", action), (Some(installation.id), None), payload);
    }

    /// One repository was given to the App, or taken from it.
    pub(crate) fn installation_repositories_event(&mut self, repository: u64, action: &str) {
        let found = self.repository(repository);
        let installed = self.installations.iter().find(|installation| installation.account == found.owner);
        let installation = installed.expect("the App is installed for this owner").clone();
        let named = json!([{
            "id": found.id,
            "node_id": wire::node_id("R", found.id),
            "name": found.name,
            "full_name": found.full_name(),
            "private": false,
        }]);
        let (added, removed) = if action == "added" { (named, json!([])) } else { (json!([]), named) };
        let sender = wire::user(self, &installation.account);
        let payload = json!({
            "installation": wire::installation(self, &installation),
            "repositories_added": added,
            "repositories_removed": removed,
            "repository_selection": "selected",
            "requester": null,
            "sender": sender,
        });
        self.queue(("installation_repositories", action), (Some(installation.id), None), payload);
    }

    /// Created and completed go to everybody with access to checks, so to the App itself as well.
    pub(crate) fn check_run_event(&mut self, id: u64, action: &str) {
        let run = self.check_runs.iter().find(|run| run.id == id).expect("the caller has just found it");
        if !self.echo_check_events && ["created", "completed"].contains(&action) {
            return;
        }
        let (repository, sender) = (run.repository, self.sender_of(run.app_id));
        let payload = json!({ "check_run": wire::check_run(self, run) });
        self.emit(("check_run", action), repository, &sender, payload);
    }

    fn sender_of(&self, app_id: u64) -> String {
        let slug = if app_id == self.app.id { self.app.slug.as_str() } else { "github-actions" };
        format!("{slug}[bot]")
    }

    pub(crate) fn check_suite_event(&mut self, id: u64, action: &str, sender: &str) {
        let suite = self.suites.iter().find(|suite| suite.id == id).expect("suites are never removed");
        let repository = suite.repository;
        let mut check_suite = wire::check_suite(self, suite);
        // The webhook carries the repository beside the suite, not in it.
        check_suite.as_object_mut().expect("a suite is an object").remove("repository");
        self.emit(("check_suite", action), repository, sender, json!({ "check_suite": check_suite }));
    }

    fn find_delivery(&self, call: &Call) -> Result<&Delivery, Refusal> {
        let id = call.number("delivery_id")?;
        self.shown_deliveries().find(|delivery| delivery.id == id).ok_or_else(Refusal::not_found)
    }

    fn shown_deliveries(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        let oldest = self.now() - WINDOW;
        self.deliveries.iter().filter(move |delivery| delivery.delivered_at >= oldest)
    }

    /// Queues the same event again under the same GUID.
    pub(crate) fn redeliver(&mut self, guid: &str) -> bool {
        let Some(delivery) = self.deliveries.iter().find(|delivery| delivery.guid == guid) else { return false };
        let again = Outgoing { redelivery: true, ..delivery.outgoing.clone() };
        self.outbox.queue.push_back(again);
        true
    }
}

/// Sends what is queued, one after the other, until the task is aborted.
pub(crate) async fn deliver(shared: Arc<Shared>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut changes = shared.changes();
    loop {
        changes.borrow_and_update();
        if shared.look(|state| state.outbox.ready()) {
            send_next(&shared, &client).await;
        } else if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn send_next(shared: &Shared, client: &Client<HttpConnector, Full<Bytes>>) {
    let next = shared.change(|state| {
        let outbox = &mut state.outbox;
        let next = outbox.queue.pop_front()?;
        outbox.in_flight += 1;
        let lost = outbox.lose > 0;
        outbox.lose = outbox.lose.saturating_sub(1);
        let late = !lost && outbox.answer_late > 0;
        outbox.answer_late -= usize::from(late);
        Some((next, outbox.target.clone()?, (lost, late)))
    });
    let Some((outgoing, target, (lost, late))) = next else { return };
    let started = Instant::now();
    let mut answer =
        if lost { Err("failed to connect to host".to_owned()) } else { send(client, &target, &outgoing).await };
    if late {
        answer = Err("timed out".to_owned());
    }
    let (status_code, status, response) = match answer {
        Ok((code, body)) => {
            (code, if (200..300).contains(&code) { "OK" } else { "Invalid HTTP Response" }.to_owned(), body)
        }
        Err(reason) => (0, reason, String::new()),
    };
    shared.change(|state| {
        state.outbox.in_flight -= 1;
        let delivery = Delivery {
            id: state.next_id(),
            guid: outgoing.guid.clone(),
            event: outgoing.event.clone(),
            action: outgoing.action.clone(),
            redelivery: outgoing.redelivery,
            status_code,
            status,
            response,
            duration: started.elapsed(),
            delivered_at: state.now(),
            outgoing,
        };
        state.deliveries.push(delivery);
    });
}

async fn send(
    client: &Client<HttpConnector, Full<Bytes>>,
    target: &str,
    outgoing: &Outgoing,
) -> Result<(u16, String), String> {
    let mut request = http::Request::post(target);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(outgoing.body.clone())).map_err(|error| error.to_string())?;
    let exchange = async {
        let response = client.request(request).await.map_err(|_| "failed to connect to host".to_owned())?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|_| "broken answer".to_owned())?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    };
    tokio::time::timeout(DELIVERY_TIMEOUT, exchange).await.unwrap_or_else(|_| Err("timed out".to_owned()))
}

pub(crate) fn list(state: &mut State, call: &Call) -> Reply {
    let failures = call.query.get("status").is_some_and(|status| status == "failure");
    let from = call.query.get("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(u64::MAX);
    let size = call.page_size();
    let newest_first = state.shown_deliveries().rev().filter(|delivery| delivery.id <= from);
    // GitHub's filter knows answers only: time-outs and refused connections are not in it.
    let mut found: Vec<&Delivery> =
        newest_first.filter(|d| !failures || (400..600).contains(&d.status_code)).take(size + 1).collect();
    let next = (found.len() > size).then(|| found[size].id.to_string());
    found.truncate(size);
    let headers = next.map(|cursor| ("link".to_owned(), call.link(state, ("cursor", &cursor), "next")));
    let items: Vec<Value> = found.into_iter().map(item).collect();
    Ok(Answer { status: 200, headers: headers.into_iter().collect(), body: Some(json!(items)) })
}

fn item(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": wire::time(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration.as_secs_f64(),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.outgoing.installation,
        "repository_id": delivery.outgoing.repository,
        "throttled_at": null,
    })
}

pub(crate) fn get(state: &mut State, call: &Call) -> Reply {
    let delivery = state.find_delivery(call)?;
    let mut whole = item(delivery);
    let headers: Value = delivery.outgoing.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let payload: Value = serde_json::from_slice(&delivery.outgoing.body).unwrap_or_default();
    whole["url"] = json!("");
    whole["request"] = json!({ "headers": headers, "payload": payload });
    whole["response"] = json!({ "headers": {}, "payload": delivery.response });
    Ok(Answer::ok(whole))
}

pub(crate) fn attempt(state: &mut State, call: &Call) -> Reply {
    let guid = state.find_delivery(call)?.guid.clone();
    state.redeliver(&guid);
    Ok(Answer { status: 202, ..Answer::ok(json!({})) })
}
