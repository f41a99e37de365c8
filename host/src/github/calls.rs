//! One call: identity, limits, time, what its answer's status means, and whether it may be repeated.

use super::auth::{Access, Scope, Token};
use super::counters::count;
use super::error::{GitHubError, redact};
use super::limits::{self, Cost, Wish};
use super::{GitHub, RepositoryAt, links};
use crate::model::{InstallationId, Secret};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A hundred check runs with full summaries and texts are 13 MB; no answer that we ask for is larger.
const LARGEST_ANSWER: usize = 32 << 20;
/// GETs and convergent PATCHes that failed for no reason of ours.
const REPETITIONS: u32 = 3;
/// A 404 right after an event can be replication lag.
const LAG_REPETITIONS: u32 = 2;
/// A 401 so soon after minting is replication lag.
const TOKEN_LAG: Duration = Duration::from_secs(5);
const MOST_REDIRECTS: usize = 3;

/// What is asked, and how it may be treated.
#[derive(Clone)]
pub(super) struct Call {
    method: Method,
    /// Path and query, without the API's prefix.
    path: String,
    body: Option<serde_json::Value>,
    identity: Identity,
    repeatable: bool,
    may_lag: bool,
    follows_redirects: bool,
    notifies: bool,
}

#[derive(Clone)]
pub(super) enum Identity {
    App,
    Installation(InstallationId),
    Repository(RepositoryAt, Access),
    /// No credentials are sent: what is asked holds its own proof.
    Nobody,
}

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    fn new(method: Method, path: String, identity: Identity) -> Self {
        let repeatable = method == Method::GET;
        Self {
            method,
            path,
            body: None,
            identity,
            repeatable,
            may_lag: false,
            follows_redirects: true,
            notifies: false,
        }
    }
    pub fn get(path: String, identity: Identity) -> Self {
        Self::new(Method::GET, path, identity)
    }
    /// Reads something of a repository; `path` goes on where `/repos/{owner}/{name}` ends.
    pub fn of_repository(at: &RepositoryAt, path: &str) -> Self {
        Self::get(in_repository(at, path), Identity::Repository(at.clone(), Access::Read))
    }
    /// A POST is never repeated blindly: it may have taken effect.
    pub fn post(path: String, identity: Identity, body: serde_json::Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path, identity) }
    }
    pub fn patch(path: String, identity: Identity, body: serde_json::Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path, identity) }
    }
    /// The second time there is nothing left to delete, so repeating is harmless.
    pub fn delete(path: String, identity: Identity) -> Self {
        Self::new(Method::DELETE, path, identity).repeatable()
    }
    /// Doing it twice ends the same.
    pub fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }
    /// Where a listing by cursor goes on, in GitHub's own word.
    pub fn cursor(&self) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("cursor=")).map(str::to_owned)
    }
    /// Somebody waits, and asks again if they like.
    pub fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }
    /// What is asked for was just announced by an event.
    pub fn may_lag(self) -> Self {
        Self { may_lag: true, ..self }
    }
    /// The redirect is the answer.
    pub fn wants_redirect(self) -> Self {
        Self { follows_redirects: false, ..self }
    }

    /// Makes something that people are told of, which GitHub limits beside all writes.
    pub fn notifies(self) -> Self {
        Self { notifies: true, ..self }
    }

    fn cost(&self) -> Cost {
        match &self.identity {
            _ if self.method == Method::GET => Cost::Read,
            Identity::Repository(..) if self.notifies => Cost::Content,
            Identity::Repository(..) => Cost::Write,
            Identity::App | Identity::Installation(_) | Identity::Nobody => Cost::Mint,
        }
    }

    /// The same method and body go on where 307 and 308 lead. What 301 and 302 make of a write is not agreed on: most
    /// clients send a GET there, whose answer would pass for the write's.
    fn follows(&self, status: StatusCode) -> bool {
        match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::GET,
            _ => false,
        }
    }

    fn repetitions(&self, error: &GitHubError) -> u32 {
        match error {
            GitHubError::Unavailable(_) if self.repeatable => REPETITIONS,
            GitHubError::NotFound(_) if self.may_lag => LAG_REPETITIONS,
            _ => 0,
        }
    }
}

pub(super) fn in_repository(at: &RepositoryAt, path: &str) -> String {
    format!("/repos/{}/{}{path}", at.repository.owner(), at.repository.name())
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl GitHub {
    /// The answer's body, read as JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, GitHubError> {
        let answer = self.answer(&call).await?;
        parse(&call, &answer.body)
    }

    /// All pages from this one on. A listing that does not end within `most` pages is an error: what is
    /// missing from it is unknown, not absent.
    pub(super) async fn pages<T: DeserializeOwned>(&self, first: Call, most: usize) -> Result<Vec<T>, GitHubError> {
        let mut pages = Vec::new();
        let mut next = Some(first);
        while let Some(call) = next {
            if pages.len() == most {
                return Err(GitHubError::TooLarge(format!("{call}: more than {most} pages")));
            }
            let (page, following) = self.page(call).await?;
            pages.push(page);
            next = following;
        }
        Ok(pages)
    }

    /// One page, and the call for the next.
    pub(super) async fn page<T: DeserializeOwned>(&self, call: Call) -> Result<(T, Option<Call>), GitHubError> {
        let answer = self.answer(&call).await?;
        let page = parse(&call, &answer.body)?;
        let leads = |why: String| GitHubError::Redirect(format!("{call}: the next page leads {why}"));
        let next = match links::next_page(&answer.headers).map_err(leads)? {
            Some(address) => Some(links::own_path(&self.inner.transport.host, &address).map_err(leads)?),
            None => None,
        };
        Ok((page, next.map(|path| Call { path, ..call })))
    }

    pub(super) async fn answer(&self, call: &Call) -> Result<Answer, GitHubError> {
        let mut call = call.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.persistently(&call).await?;
            if !answer.status.is_redirection() || !call.follows_redirects {
                return Ok(answer);
            }
            if !call.follows(answer.status) {
                return Err(GitHubError::Redirect(format!("{call}: {}, which is not followed", answer.status)));
            }
            call.path = self.own_path(&call, &answer.headers)?;
        }
        Err(GitHubError::Redirect(format!("{call}: more than {MOST_REDIRECTS} redirects")))
    }

    async fn persistently(&self, call: &Call) -> Result<Answer, GitHubError> {
        let mut repetition = 0;
        loop {
            match self.authorized(call).await {
                Err(error) if repetition < call.repetitions(&error) => {
                    self.pause(repetition).await;
                    repetition += 1;
                }
                done => return done,
            }
        }
    }

    /// Waits before the n-th repetition: doubled each time, with jitter so that callers do not return in step.
    pub(super) async fn pause(&self, repetition: u32) {
        count(&self.inner.counters.repetitions);
        let longest = self.inner.pace.retry_base.saturating_mul(1 << repetition.min(6));
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        tokio::time::sleep(longest.mul_f64(0.5 + share / 2.0)).await;
    }

    /// Waits before the n-th look whether an unanswered creation took effect, counted from 0: 0.5, 2 and 5 s. Lists lag
    /// behind what happened.
    pub async fn wait_for_effect(&self, look: u32) {
        let times = match look {
            0 => 1,
            1 => 4,
            _ => 10,
        };
        tokio::time::sleep(self.inner.pace.retry_base.saturating_mul(times)).await;
    }

    async fn authorized(&self, call: &Call) -> Result<Answer, GitHubError> {
        // A person's token stands for all that it may read.
        if let (Some(token), false) = (&self.inner.personal_token, matches!(call.identity, Identity::Nobody)) {
            return self.send(call, Some(token)).await;
        }
        match &call.identity {
            Identity::Nobody => self.send(call, None).await,
            Identity::App => self.as_app(call).await,
            Identity::Installation(installation) => self.in_scope(call, Scope::Installation(*installation)).await,
            Identity::Repository(at, access) => self.in_scope(call, Scope::Repository(at.clone(), *access)).await,
        }
    }

    /// A token that is refused is replaced once.
    async fn in_scope(&self, call: &Call, scope: Scope) -> Result<Answer, GitHubError> {
        let token = self.token(&scope).await?;
        let refused = match self.with_token(call, &token).await {
            Err(GitHubError::Unauthorized(_)) => token,
            done => return done,
        };
        self.forget(&scope, &refused).await;
        let token = self.token(&scope).await?;
        self.with_token(call, &token).await
    }

    async fn as_app(&self, call: &Call) -> Result<Answer, GitHubError> {
        let credentials = &self.inner.credentials;
        let (ring, keys) = credentials.keys()?;
        let mut refusal = None;
        // The first refusal brought GitHub's time with it, so the first key is tried twice; a deleted one gives way.
        for key in keys.first().into_iter().chain(&keys) {
            match self.send(call, Some(&credentials.assertion(key)?)).await {
                Err(error @ GitHubError::Unauthorized(_)) => refusal = Some(error),
                done => {
                    if done.is_ok() {
                        ring.took(key);
                    }
                    return done;
                }
            }
        }
        Err(refusal.expect("there is at least one key, and it was refused"))
    }

    async fn with_token(&self, call: &Call, token: &Token) -> Result<Answer, GitHubError> {
        let mut repetition = 0;
        loop {
            match self.send(call, Some(&token.secret)).await {
                Err(GitHubError::Unauthorized(_)) if repetition < REPETITIONS && token.minted.elapsed() < TOKEN_LAG => {
                    self.pause(repetition).await;
                    repetition += 1;
                }
                done => return done,
            }
        }
    }

    async fn send(&self, call: &Call, secret: Option<&Secret>) -> Result<Answer, GitHubError> {
        let inner = &*self.inner;
        let installation = match &call.identity {
            Identity::App | Identity::Nobody => None,
            Identity::Installation(installation) => Some(*installation),
            Identity::Repository(at, _) => Some(at.installation),
        };
        let now = || inner.credentials.now();
        let wish = Wish { installation, priority: self.priority, cost: call.cost() };
        let admission = inner.limits.admit(wish, now, &inner.counters).await?;
        count(if call.method == Method::GET { &inner.counters.reads } else { &inner.counters.writes });

        let exchange = tokio::time::timeout(inner.pace.read_timeout, self.exchange(call, secret));
        let answer = exchange.await.map_err(|_| GitHubError::Unavailable(format!("{call}: no answer in time")))??;
        inner.limits.heard(installation, &answer.headers, now());
        if answer.status.is_success() || answer.status.is_redirection() {
            inner.limits.went_well(installation, &admission);
            return Ok(answer);
        }
        let message = message(&answer.body);
        if answer.status == StatusCode::UNAUTHORIZED {
            count(&inner.counters.unauthorized);
            inner.credentials.correct_clock(&answer.headers);
        }
        let forbidden = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        if forbidden && limits::is_limit(answer.status, &answer.headers, &message) {
            count(&inner.counters.rate_limited);
            return Err(inner.limits.close(installation, &answer.headers, now()));
        }
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            // The others wait; whether this call took effect is as open as after any outage.
            inner.limits.rest(installation, &answer.headers, now());
        }
        Err(refusal(call, answer.status, &message))
    }

    async fn exchange(&self, call: &Call, secret: Option<&Secret>) -> Result<Answer, GitHubError> {
        let failed = |error: octocrab::Error| GitHubError::Unavailable(format!("{call}: {}", chain(&error)));
        let base = &self.inner.transport.base;
        let client = match secret {
            Some(secret) => base.user_access_token(secret.expose()).map_err(failed)?,
            None => base.clone(),
        };
        let path = call.path.as_str();
        let response = match call.method {
            Method::GET => client._get(path).await,
            Method::PATCH => client._patch(path, call.body.as_ref()).await,
            Method::DELETE => client._delete(path, call.body.as_ref()).await,
            _ => client._post(path, call.body.as_ref()).await,
        };
        let (parts, body) = response.map_err(failed)?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                GitHubError::TooLarge(format!("{call}: an answer of more than {LARGEST_ANSWER} bytes"))
            } else {
                GitHubError::Unavailable(format!("{call}: {}", chain(&*error)))
            }
        })?;
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }

    /// Where a redirect of the API itself leads: followed on the configured host only.
    fn own_path(&self, call: &Call, headers: &HeaderMap) -> Result<String, GitHubError> {
        let target = location(headers).ok_or_else(|| GitHubError::Redirect(format!("{call}: redirect to nowhere")))?;
        links::own_path(&self.inner.transport.host, &target)
            .map_err(|why| GitHubError::Redirect(format!("{call}: redirect {why}")))
    }
}

fn refusal(call: &Call, status: StatusCode, message: &str) -> GitHubError {
    let what = format!("{call}: {status}{message}");
    match status.as_u16() {
        401 => GitHubError::Unauthorized(call.to_string()),
        403 | 451 => GitHubError::Permission(what),
        404 => GitHubError::NotFound(call.to_string()),
        408 | 500.. => GitHubError::Unavailable(what),
        410 => GitHubError::Gone(call.to_string()),
        413 => GitHubError::TooLarge(what),
        _ => GitHubError::Unprocessable(what),
    }
}

pub(super) fn parse<T: DeserializeOwned>(call: &Call, body: &[u8]) -> Result<T, GitHubError> {
    serde_json::from_slice(body)
        .map_err(|error| GitHubError::Malformed(format!("{call}: an answer that makes no sense: {error}")))
}

pub(super) fn location(headers: &HeaderMap) -> Option<Uri> {
    headers.get(header::LOCATION)?.to_str().ok()?.parse().ok()
}

/// GitHub's own words for a refusal, if there are any.
fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Wire {
        message: String,
    }
    serde_json::from_slice::<Wire>(body).map(|wire| format!(": {}", redact(&wire.message))).unwrap_or_default()
}

/// Percent-encoded, for a query value or one part of a path.
pub(super) fn in_query(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// An error with its causes: transports hide the interesting part at the end.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    redact(&texts.join(": "))
}
