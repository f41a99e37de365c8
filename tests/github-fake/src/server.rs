//! The two addresses: the API under `/api/v3` and the blob host. One way for every request: count, fail if told to,
//! identify, limit, authorise, answer. What each endpoint does stands in the room of its things.

mod blob;
mod call;

pub(crate) use blob::blobs;
pub(crate) use call::{Answer, Call, Refusal, Reply};

use crate::faults::Effect;
use crate::journal::{Entry, Host, Identity};
use crate::schemas::Exchange;
use crate::state::{Shared, State};
use crate::tokens::{self, Caller};
use crate::{actions, checks, comments, pulls, registration, repositories, webhooks};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use bytes::Bytes;
use http::HeaderMap;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// GitHub refuses larger requests long before.
const BODY_BYTES: usize = 10 << 20;
const PREFIX: &str = "/api/v3";
/// What the fake says it is.
const SERVER_VERSION: &str = "3.19.0";

/// One endpoint, by the path under which GitHub's OpenAPI description lists it.
pub(crate) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    access: Access,
    handler: fn(&mut State, &Call) -> Reply,
}

#[derive(Clone, Copy)]
enum Access {
    /// The App itself, by JWT.
    App,
    /// Any installation token.
    Installation,
    /// The App or an installation.
    Either,
    /// A person.
    Person,
    /// Whoever knows what to ask for.
    Anybody,
    /// An installation token with one of these permissions on the repository.
    Repository(&'static [&'static str], &'static str),
}

const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: fn(&mut State, &Call) -> Reply,
) -> Route {
    Route { method, path, access, handler }
}

use Access::{Anybody, App, Either, Installation, Person, Repository};

const METADATA: Access = Repository(&["metadata"], "read");
const CONTENTS: Access = Repository(&["contents"], "read");
const PULLS: Access = Repository(&["pull_requests"], "read");
const READ_COMMENTS: Access = Repository(&["pull_requests", "issues"], "read");
const WRITE_COMMENTS: Access = Repository(&["pull_requests", "issues"], "write");
const READ_CHECKS: Access = Repository(&["checks"], "read");
const WRITE_CHECKS: Access = Repository(&["checks"], "write");
const ACTIONS: Access = Repository(&["actions"], "read");
const ATTESTATIONS: Access = Repository(&["attestations"], "read");

/// All endpoints.
#[rustfmt::skip] // one endpoint, one line
pub(crate) static ROUTES: &[Route] = &[
    route("GET", "/app", App, tokens::get_app),
    route("GET", "/user", Person, registration::user),
    route("POST", "/app-manifests/{code}/conversions", Anybody, registration::convert),
    route("GET", "/app/hook/config", App, registration::hook),
    route("GET", "/app/installations", App, tokens::list_installations),
    route("GET", "/app/installations/{installation_id}", App, tokens::get_installation),
    route("POST", "/app/installations/{installation_id}/access_tokens", App, tokens::mint),
    route("GET", "/app/hook/deliveries", App, webhooks::list),
    route("GET", "/app/hook/deliveries/{delivery_id}", App, webhooks::get),
    route("POST", "/app/hook/deliveries/{delivery_id}/attempts", App, webhooks::attempt),
    route("GET", "/installation/repositories", Installation, tokens::list_repositories),
    route("DELETE", "/installation/token", Installation, tokens::revoke),
    route("GET", "/rate_limit", Either, tokens::rate_limit),
    route("GET", "/repos/{owner}/{repo}", METADATA, repositories::get),
    route("GET", "/repos/{owner}/{repo}/installation", App, tokens::get_repository_installation),
    route("GET", "/repos/{owner}/{repo}/commits/{ref}", CONTENTS, repositories::get_commit),
    route("GET", "/repos/{owner}/{repo}/branches/{branch}", CONTENTS, repositories::get_branch),
    route("GET", "/repos/{owner}/{repo}/contents/{path}", CONTENTS, repositories::get_contents),
    route("GET", "/repos/{owner}/{repo}/git/trees/{tree_sha}", CONTENTS, repositories::get_tree),
    route("GET", "/repos/{owner}/{repo}/compare/{basehead}", CONTENTS, repositories::compare),
    route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", METADATA, repositories::permission),
    route("GET", "/repos/{owner}/{repo}/attestations/{subject_digest}", ATTESTATIONS, repositories::attestations),
    route("GET", "/repos/{owner}/{repo}/pulls", PULLS, pulls::list),
    route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", PULLS, pulls::get),
    route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", PULLS, pulls::list_files),
    route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", PULLS, pulls::list_for_commit),
    route("POST", "/repos/{owner}/{repo}/check-runs", WRITE_CHECKS, checks::create),
    route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", READ_CHECKS, checks::get),
    route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", WRITE_CHECKS, checks::update),
    route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", READ_CHECKS, checks::list_annotations),
    route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", READ_CHECKS, checks::list_for_ref),
    route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-suites", READ_CHECKS, checks::list_suites),
    route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}", READ_CHECKS, checks::get_suite),
    route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", READ_CHECKS, checks::list_for_suite),
    route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", READ_COMMENTS, comments::list),
    route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", WRITE_COMMENTS, comments::create),
    route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}", READ_COMMENTS, comments::get),
    route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", WRITE_COMMENTS, comments::update),
    route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", WRITE_COMMENTS, comments::delete),
    route("GET", "/repos/{owner}/{repo}/actions/runs", ACTIONS, actions::list_runs),
    route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}", ACTIONS, actions::get_run),
    route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts", ACTIONS, actions::list_run_artifacts),
    route("GET", "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}", ACTIONS, actions::download),
    route("GET", "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}", ACTIONS, actions::get_artifact),
    route("GET", "/repos/{owner}/{repo}/actions/artifacts", ACTIONS, actions::list_artifacts),
    route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs", ACTIONS, actions::list_jobs),
];

/// A mark on a response that must never be sent: the connection is dropped instead.
#[derive(Clone, Copy)]
struct Dropped;

/// Serves a router until the task is aborted. Our own loop, because a connection must be droppable without an answer.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        // A refused accept (out of descriptors) passes; the client sees its own time-out.
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let router = router.clone();
            async move {
                let Ok(response) = router.oneshot(request.map(Body::new)).await;
                match response.extensions().get::<Dropped>() {
                    Some(_) => Err(std::io::Error::other("dropped on request")),
                    None => Ok(response),
                }
            }
        });
        connections.spawn(async move {
            // A broken connection is the client's affair, or a fault that was asked for.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The API under `/api/v3`.
pub(crate) fn api(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let shared = shared.clone();
        let method =
            MethodFilter::try_from(http::Method::from_bytes(route.method.as_bytes()).expect("a method's name"))
                .expect("the table holds methods that axum knows");
        let handler = move |Path(params): Path<BTreeMap<String, String>>,
                            Query(query): Query<BTreeMap<String, String>>,
                            request: Request| {
            let shared = shared.clone();
            async move { respond(&shared, Some((route, params)), query, request).await }
        };
        // These two parameters may hold slashes.
        let path = route.path.replace("{path}", "{*path}").replace("{basehead}", "{*basehead}");
        router = router.route(&format!("{PREFIX}{path}"), on(method, handler));
    }
    let unknown = shared.clone();
    let fallback = move |request: Request| async move { respond(&unknown, None, BTreeMap::new(), request).await };
    router.merge(registration::pages(shared)).fallback(fallback)
}

async fn respond(
    shared: &Shared,
    route: Option<(&'static Route, BTreeMap<String, String>)>,
    query: BTreeMap<String, String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.to_string();
    let below = parts.uri.path().strip_prefix(PREFIX).filter(|path| path.starts_with('/'));
    let (path, below_prefix) = (below.unwrap_or(parts.uri.path()).to_owned(), below.is_some());
    let body = axum::body::to_bytes(body, BODY_BYTES).await.unwrap_or_default();
    let began = Instant::now();
    let (effect, latency) = shared.change(|state| (state.strike(&method, &path), state.latency));
    if let Some(latency) = latency {
        tokio::time::sleep(latency).await;
    }
    match &effect {
        Some(Effect::Delay(gate)) => gate.pass().await,
        Some(Effect::Slow(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let mut entry = Entry {
        host: Host::Api,
        method,
        path: path.clone(),
        below_prefix,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        identity: Identity::Nobody,
        status: None,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        while_limited: false,
        told_to_wait: None,
        traced: is_traced(&parts.headers),
        leaked: false,
        began,
        ended: began,
    };
    let effective = effect.as_ref().is_none_or(Effect::lets_happen);
    let silent = matches!(effect, Some(Effect::Silent | Effect::SilentAfter));
    let response = shared.change(|state| {
        entry.leaked = state.keep_journal && tokens::leaks(state, (&parts.uri, &parts.headers), &body);
        let call = (route, query, path);
        let answer = attempt(state, call, &parts.headers, &body, (&mut entry, effective));
        let answer = match effect {
            Some(Effect::DropBefore | Effect::DropAfter | Effect::Silent | Effect::SilentAfter) => None,
            Some(Effect::Exhausted(wait)) => Some(exhausted(state.now(), wait).answer()),
            Some(Effect::StatusAfter(status)) => Some(Refusal::new(status, "Server Error").answer()),
            Some(Effect::Status { status, headers }) => {
                Some(Refusal { headers, ..Refusal::new(status, "Server Error") }.answer())
            }
            Some(Effect::Delay(_) | Effect::Slow(_)) | None => Some(answer),
        };
        entry.ended = Instant::now();
        entry.told_to_wait = answer.as_ref().and_then(|answer| told_to_wait(answer, state.now()));
        entry.status = answer.as_ref().map(|answer| answer.status);
        if state.keep_journal {
            state.journal.entries.push(entry);
        }
        answer.map_or_else(dropped, render)
    });
    if silent {
        std::future::pending::<()>().await;
    }
    response
}

/// Nothing is left of the hour, which ends after so long, in a whole second.
fn exhausted(now: Timestamp, wait: Duration) -> Refusal {
    let reset = now.as_second() + wait.as_secs() as i64 + 1;
    let headers = [
        ("x-ratelimit-limit", "5000".to_owned()),
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset", reset.to_string()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
    Refusal { headers, ..Refusal::new(403, "API rate limit exceeded for installation") }
}

/// By the headers of a refusal, as GitHub means them.
fn told_to_wait(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let header = |name: &str| answer.headers.iter().find(|(known, _)| known == name)?.1.parse::<i64>().ok();
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    if let Some(seconds) = header("retry-after") {
        return u64::try_from(seconds).ok().map(Duration::from_secs);
    }
    let reset = Timestamp::from_second(header("x-ratelimit-reset")?).ok()?;
    (header("x-ratelimit-remaining")? == 0).then(|| reset.duration_since(now).unsigned_abs())
}

/// By W3C's headers.
pub(crate) fn is_traced(headers: &HeaderMap) -> bool {
    ["traceparent", "tracestate", "baggage"].iter().any(|name| headers.contains_key(*name))
}

type Asked = (Option<(&'static Route, BTreeMap<String, String>)>, BTreeMap<String, String>, String);

/// Everything but faults: who asks, whether they may, and the answer.
fn attempt(
    state: &mut State,
    (route, query, path): Asked,
    headers: &HeaderMap,
    body: &Bytes,
    (entry, effective): (&mut Entry, bool),
) -> Answer {
    let caller = match tokens::identify(state, headers) {
        Ok(caller) => caller,
        Err(refusal) => {
            entry.identity = Identity::Refused;
            return refusal.answer();
        }
    };
    entry.identity = identity(&caller);
    if !effective {
        return Answer::no_content();
    }
    let bucket = caller.bucket();
    let answer = spend(state, &caller, entry).and_then(|()| {
        if !headers.contains_key(http::header::USER_AGENT) {
            return Err(Refusal::new(403, "Please make sure your request has a User-Agent header"));
        }
        let version = headers.get("x-github-api-version").and_then(|version| version.to_str().ok());
        if version.is_some_and(|version| !state.app.api_versions.iter().any(|taken| taken == version)) {
            return Err(Refusal::new(400, "The API version is not supported"));
        }
        let (route, params) = route.ok_or_else(Refusal::not_found)?;
        let repository = authorise(state, &caller, (route, &params))?;
        let parsed = parse(body)?;
        let call = Call { params, query, path, body: parsed, caller, repository };
        state.exchange(|| Exchange::request(route, call.body.clone()));
        let answer = (route.handler)(state, &call)?;
        state.exchange(|| Exchange::response(route, answer.status, answer.body.clone()));
        Ok(answer)
    });
    let mut answer = answer.unwrap_or_else(Refusal::answer);
    if let Some(bucket) = bucket {
        answer.headers.extend(state.limits.headers(bucket));
    }
    answer.headers.push(("x-github-enterprise-version".to_owned(), SERVER_VERSION.to_owned()));
    if !state.date_ahead.is_zero() {
        let date = Timestamp::now() + state.date_ahead;
        answer.headers.push(("date".to_owned(), date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    }
    answer
}

fn parse(body: &Bytes) -> Result<serde_json::Value, Refusal> {
    if body.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_slice(body).map_err(|_| Refusal::new(400, "Problems parsing JSON"))
}

fn identity(caller: &Caller) -> Identity {
    match caller {
        Caller::Nobody => Identity::Nobody,
        Caller::App => Identity::App,
        Caller::Person(_) => Identity::Person,
        Caller::Token(token) => Identity::Installation { id: token.installation, token: token.id },
    }
}

/// Takes one request off the caller's budget, or refuses with the headers that say when to come back.
fn spend(state: &mut State, caller: &Caller, entry: &mut Entry) -> Result<(), Refusal> {
    let Some(bucket) = caller.bucket() else { return Ok(()) };
    let now = state.now();
    if let Some((until, status)) = state.limits.secondary.filter(|(until, _)| *until > now) {
        entry.while_limited = true;
        let seconds = (until.duration_since(now).as_millis() + 999) / 1000;
        let headers = vec![("retry-after".to_owned(), seconds.to_string())];
        return Err(Refusal { headers, ..Refusal::new(status, "You have exceeded a secondary rate limit") });
    }
    // Asking for the limits is free.
    if entry.path == "/rate_limit" {
        return Ok(());
    }
    let remaining = state.limits.remaining(bucket);
    if remaining == 0 {
        entry.while_limited = true;
        return Err(Refusal::new(403, "API rate limit exceeded for installation"));
    }
    state.limits.remaining.insert(bucket, remaining - 1);
    Ok(())
}

/// Whether the caller may use this route; the id of the repository in its path.
fn authorise(
    state: &State,
    caller: &Caller,
    (route, params): (&Route, &BTreeMap<String, String>),
) -> Result<u64, Refusal> {
    match (&route.access, caller) {
        (Anybody, _) | (Person | Either, Caller::Person(_)) => Ok(0),
        (_, Caller::Nobody) => Err(Refusal::new(401, "Requires authentication")),
        (Person, Caller::App | Caller::Token(_)) => Err(Refusal::new(403, "Resource not accessible by integration")),
        (App, Caller::Person(_)) => Err(Refusal::new(401, "A JSON web token could not be decoded")),
        (Installation, Caller::Person(_)) => {
            Err(Refusal::new(403, "You must authenticate with an installation access token"))
        }
        (Repository(_, level), Caller::Person(_)) => {
            let name = format!("{}/{}", params["owner"], params["repo"]);
            let repository = state.repositories.iter().find(|r| r.full_name().eq_ignore_ascii_case(&name));
            match (repository, *level) {
                (None, _) => Err(Refusal::not_found()),
                (Some(repository), "read") => Ok(repository.id),
                (Some(_), _) => Err(Refusal::new(403, "You must authenticate via a GitHub App.")),
            }
        }
        (App | Either, Caller::App) | (Installation | Either, Caller::Token(_)) => Ok(0),
        (App, Caller::Token(_)) => Err(Refusal::new(401, "A JSON web token could not be decoded")),
        (Installation | Repository(..), Caller::App) => {
            Err(Refusal::new(403, "You must authenticate with an installation access token"))
        }
        (Repository(permissions, level), Caller::Token(token)) => {
            let name = format!("{}/{}", params["owner"], params["repo"]);
            let repository = state.repositories.iter().find(|r| r.full_name().eq_ignore_ascii_case(&name));
            let id = repository.filter(|r| tokens::sees(state, token, r.id)).ok_or_else(Refusal::not_found)?.id;
            let held = |permission: &&str| token.permissions.get(*permission).map(String::as_str);
            if permissions.iter().any(|permission| tokens::allows(held(permission), level)) {
                Ok(id)
            } else {
                Err(Refusal::new(403, "Resource not accessible by integration"))
            }
        }
    }
}

fn render(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        Some(body) => {
            response = response.header("content-type", "application/json; charset=utf-8");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    response.body(body).expect("statuses and headers come from this crate or a test's own fault")
}

fn dropped() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Dropped);
    response
}
