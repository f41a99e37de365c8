//! An OPA server as policy engine, for those who keep one: asks it document by document, and tells its outage from its
//! trouble with one input. Keeps what it answered for the record. Never decides what an answer means.

mod lookup;
mod recorded;
mod verdict;

pub use recorded::Recorded;

use super::caps;
use super::reading::Reading;
use crate::documents::JsonDocument;
use crate::model::record::{RemoteAnswer, RemoteFailure};
use crate::model::verdict::Outcome;
use crate::model::{Broken, BrokenKind, Digest, Evidence, Verdict};
use crate::telemetry::{spans, trace};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use palisade_plugin_policy_results::{self as results, Answered, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::instrument::Instrument as _;

/// Below what proxies grant an idle connection, so that we close first.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

/// One server. Cloning shares its connections.
#[derive(Clone, Debug)]
pub struct OpaServer {
    base: Arc<str>,
    client: Arc<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    bounds: Bounds,
}

/// How long is waited, and how much is kept.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    request: Duration,
    health: Duration,
    /// For all documents of one policy.
    policy: Duration,
    /// All answers about the documents of one policy.
    answers_bytes: usize,
}

/// What is left of the bounds to one conversation.
struct Left {
    deadline: Instant,
    answers_bytes: usize,
}

/// What a server said about some documents, in their order, as far as it went.
#[derive(Debug, Default)]
struct Conversation {
    /// By document: the JSON that it answered; absent where the policy is undefined.
    answers: Vec<(String, Option<String>)>,
    /// Documents that it could not judge, though it is well: each with why.
    problems: Vec<(String, Broken)>,
    /// Why nothing more was asked, where that is the server's absence.
    outage: Option<Broken>,
    record: Vec<RemoteAnswer>,
}

/// How well a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    /// It answered, with another status than 200.
    Ill(u16),
    Away(String),
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// Why a request has no usable answer.
enum Trouble {
    /// It may be the server's: its health decides.
    Server(String),
    /// The same after a moment, maybe: the connection broke before there was an answer.
    Connection(String),
    /// It is this input's, or the policy's.
    Input(Broken),
    /// A bound of the whole conversation is reached: nothing more is asked.
    Bound(Broken),
}

impl Health {
    /// Whether it is the server that fails. One that refuses the question, or does not know it, is there and answers.
    fn is_outage(&self) -> bool {
        match self {
            Health::Well => false,
            Health::Ill(status) => *status == StatusCode::TOO_MANY_REQUESTS.as_u16() || *status >= 500,
            Health::Away(_) => true,
        }
    }
}

impl OpaServer {
    /// The address of the server, such as `http://127.0.0.1:8181`. Which network it lies in is the operator's choice.
    pub fn new(url: &str) -> Result<Self> {
        let base = url.trim_end_matches('/');
        let address: Uri =
            base.parse().with_context(|| format!("{url:?} is not a URL such as http://127.0.0.1:8181"))?;
        let scheme = address.scheme_str();
        ensure!(matches!(scheme, Some("http" | "https")), "{url:?} must begin with http:// or https://");
        let credentials = address.authority().is_some_and(|authority| authority.as_str().contains('@'));
        ensure!(!credentials, "the OPA server's URL must not hold credentials");
        ensure!(address.query().is_none() && !base.contains('#'), "{url:?} must have neither query nor fragment");
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("reading the system's root certificates: install ca-certificates")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .build(https);
        let bounds = Bounds {
            request: caps::REMOTE_TIME,
            health: caps::REMOTE_HEALTH_TIME,
            policy: caps::REMOTE_POLICY_TIME,
            answers_bytes: caps::REMOTE_ANSWERS_BYTES,
        };
        Ok(Self { base: base.into(), client: Arc::new(client), bounds })
    }

    pub fn url(&self) -> &str {
        &self.base
    }

    /// Stands for the engine in plans: the server's policies change without it, which a plan cannot know.
    pub fn digest(&self) -> Digest {
        Digest::of(format!("opa server {}", self.base).as_bytes())
    }

    /// The server's verdict on these documents, and what it answered for the record. A violation that was found wins over
    /// whatever fails later, and a document that cannot be judged over the server's absence.
    pub async fn judge(
        &self,
        reading: &Reading,
        inputs: &[JsonDocument],
        evidence: &Arc<Evidence>,
    ) -> (Result<Verdict, Broken>, Vec<RemoteAnswer>) {
        let mut conversation = self.converse(&reading.entrypoint, inputs).await;
        let record = std::mem::take(&mut conversation.record);
        let (reading, evidence) = (reading.clone(), Arc::clone(evidence));
        // Megabytes of JSON and a walk over all evidence: not on a thread that others wait for.
        let concluded = tokio::task::spawn_blocking(move || conclude(&reading, conversation, &evidence)).await;
        (concluded.unwrap_or_else(|error| Err(self.unread(&error))), record)
    }

    /// Asks the rule or package at `path` about each document, one request each, until the server is found to be away or
    /// a bound is reached.
    async fn converse(&self, path: &str, inputs: &[JsonDocument]) -> Conversation {
        let mut conversation = Conversation::default();
        let deadline = Instant::now() + self.bounds.policy;
        let mut left = Left { deadline, answers_bytes: self.bounds.answers_bytes };
        for input in inputs {
            let answer = self.ask_within(&left, path, &input.json).await;
            conversation.record.push(self.remembered(input, &answer));
            match answer {
                Ok(answer) => {
                    left.answers_bytes -= answer.as_ref().map_or(0, String::len);
                    conversation.answers.push((input.name.clone(), answer));
                }
                Err(Trouble::Input(broken)) => conversation.problems.push((input.name.clone(), broken)),
                Err(Trouble::Bound(broken)) => {
                    conversation.problems.push((input.name.clone(), broken));
                    break;
                }
                Err(Trouble::Server(said) | Trouble::Connection(said)) => {
                    conversation.outage = Some(self.away(&said));
                    break;
                }
            }
        }
        conversation
    }

    /// An answer that fits into what is left.
    async fn ask_within(&self, left: &Left, path: &str, document: &Bytes) -> Result<Option<String>, Trouble> {
        let Ok(answer) = tokio::time::timeout_at(left.deadline, self.ask(path, document)).await else {
            return Err(self.overdue().await);
        };
        let answer = answer?;
        if answer.as_ref().is_some_and(|answer| answer.len() > left.answers_bytes) {
            let most = self.bounds.answers_bytes >> 20;
            let said = format!("its answers about all documents of this policy have more than {most} MiB together");
            return Err(Trouble::Bound(self.wrong(&said).hint("let the policy answer with what is wrong alone")));
        }
        Ok(answer)
    }

    /// The time of the whole conversation is up: an outage only where the server is not well either.
    async fn overdue(&self) -> Trouble {
        let said = format!("its answers about all documents of this policy took longer than {:?}", self.bounds.policy);
        if self.health().await.is_outage() {
            return Trouble::Server(said);
        }
        let broken = Broken::new(BrokenKind::Timeout, format!("the OPA server {}: {said}", self.base));
        Trouble::Bound(broken.hint("make the policy faster, or upload fewer reports for one commit"))
    }

    /// One request, and where it fails for a reason that may be the server's the question whether the server is well.
    async fn ask(&self, path: &str, document: &Bytes) -> Result<Option<String>, Trouble> {
        let trouble = match self.post(path, document).await {
            Err(trouble @ (Trouble::Server(_) | Trouble::Connection(_))) => trouble,
            answered => return answered,
        };
        match (self.health().await.is_outage(), trouble) {
            (false, Trouble::Connection(_)) => match self.post(path, document).await {
                Err(Trouble::Server(said) | Trouble::Connection(said)) => Err(Trouble::Input(self.unanswered(&said))),
                answered => answered,
            },
            (false, Trouble::Server(said)) => Err(Trouble::Input(self.unanswered(&said))),
            (_, trouble) => Err(trouble),
        }
    }

    async fn post(&self, path: &str, document: &Bytes) -> Result<Option<String>, Trouble> {
        let span = spans::opa_request();
        span.record("otel.kind", "client");
        span.record("policy.path", path);
        let answered = self.exchange(path, document).instrument(span.clone()).await;
        match &answered {
            Ok(answer) => {
                span.record("opa.status", if answer.is_some() { "answered" } else { "undefined" });
                spans::well(&span);
            }
            Err(Trouble::Server(said) | Trouble::Connection(said)) => spans::failed(&span, said),
            Err(Trouble::Input(broken) | Trouble::Bound(broken)) => spans::failed(&span, &broken.kind),
        }
        answered
    }

    async fn exchange(&self, path: &str, document: &Bytes) -> Result<Option<String>, Trouble> {
        let body = [b"{\"input\":".as_slice(), document, b"}"].concat();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/data/{}", self.base, encoded(path)))
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("palisade/", env!("CARGO_PKG_VERSION")));
        // The server is the operator's own: its spans belong to the same trace.
        if let Some(trace) = trace::outgoing() {
            request = request.header("traceparent", trace.traceparent());
            if let Some(state) = trace.tracestate() {
                request = request.header("tracestate", state);
            }
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Trouble::Input(self.wrong(&format!("asking {path}: {error}"))))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| Trouble::Connection(causes(&error)))?;
            let status = answer.status();
            tracing::Span::current().record("opa.response_code", status.as_u16());
            let body = Limited::new(answer.into_body(), caps::REMOTE_ANSWER_BYTES).collect().await;
            Ok((status, body))
        };
        let (status, body) = tokio::time::timeout(self.bounds.request, exchange)
            .await
            .map_err(|_| Trouble::Server(format!("no answer within {:?}", self.bounds.request)))??;
        let body = match body {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let said = format!("its answer has more than {} MiB", caps::REMOTE_ANSWER_BYTES >> 20);
                return Err(Trouble::Input(self.wrong(&said)));
            }
            Err(error) => return Err(Trouble::Connection(format!("reading its answer: {error}"))),
        };
        self.understood(path, status, &body)
    }

    fn understood(&self, path: &str, status: StatusCode, body: &[u8]) -> Result<Option<String>, Trouble> {
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Trouble::Server(format!("it answered {status}{}", message(body))));
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let broken = self.wrong(&format!("it answered {status}{}", message(body)));
            return Err(Trouble::Input(
                broken.hint(format!("allow this host to read `{path}` in the server's system.authz policy")),
            ));
        }
        if status != StatusCode::OK {
            return Err(Trouble::Input(self.wrong(&format!("it answered {status}{}", message(body)))));
        }
        let answer: Answer<'_> = serde_json::from_slice(body)
            .map_err(|error| Trouble::Input(self.wrong(&format!("its answer is no JSON object: {error}"))))?;
        Ok(answer.result.map(|result| result.get().to_owned()))
    }

    /// `GET /health`.
    pub async fn health(&self) -> Health {
        let request = Request::builder().uri(format!("{}/health", self.base)).body(Full::default());
        let Ok(request) = request else { return Health::Away("its address is not a URL".to_owned()) };
        match tokio::time::timeout(self.bounds.health, self.client.request(request)).await {
            Ok(Ok(answer)) if answer.status() == StatusCode::OK => Health::Well,
            Ok(Ok(answer)) => Health::Ill(answer.status().as_u16()),
            Ok(Err(error)) => Health::Away(causes(&error)),
            Err(_) => Health::Away(format!("no answer within {:?}", self.bounds.health)),
        }
    }

    /// For the record: the answer whole, for as long as it stays within what a record keeps.
    fn remembered(&self, input: &JsonDocument, answer: &Result<Option<String>, Trouble>) -> RemoteAnswer {
        let (said, error, failure) = match answer {
            Ok(said) => (said.as_deref(), None, None),
            Err(Trouble::Input(broken)) => {
                (None, Some(broken.message.clone()), Some(RemoteFailure::Document(broken.clone())))
            }
            Err(Trouble::Bound(broken)) => {
                (None, Some(broken.message.clone()), Some(RemoteFailure::Bound(broken.clone())))
            }
            Err(Trouble::Server(said) | Trouble::Connection(said)) => {
                (None, Some(said.clone()), Some(RemoteFailure::Outage(self.away(said))))
            }
        };
        RemoteAnswer {
            plugin: String::new(),
            document: input.name.clone(),
            input: Digest::of(&input.json),
            answer: said.map(|said| Digest::of(said.as_bytes())),
            text: said.filter(|said| said.len() <= caps::REMOTE_ANSWER_KEPT_BYTES).map(str::to_owned),
            error,
            failure,
        }
    }

    fn away(&self, said: &str) -> Broken {
        Broken::new(BrokenKind::Host, format!("the OPA server {} cannot be reached: {said}", self.base))
            .hint("re-run the check when it is back")
    }

    fn unanswered(&self, said: &str) -> Broken {
        self.wrong(said).hint("it answers its own health check, so this is about this input; look at the server's log")
    }

    fn wrong(&self, said: &str) -> Broken {
        Broken::new(BrokenKind::Other, format!("the OPA server {}: {said}", self.base))
    }

    /// A panic over an answer is broken as in a plugin; nobody's fault is only the end of the host itself.
    fn unread(&self, error: &JoinError) -> Broken {
        let kind = if error.is_panic() { BrokenKind::Other } else { BrokenKind::Host };
        Broken::new(kind, format!("reading the answers of the OPA server {}: {error}", self.base))
    }
}

fn conclude(reading: &Reading, conversation: Conversation, evidence: &Evidence) -> Result<Verdict, Broken> {
    let Conversation { answers, problems, outage, .. } = conversation;
    let failed = problems.iter().map(|(document, broken)| (document, Answered::Failed(&broken.message)));
    let said =
        answers.iter().map(|(document, said)| (document, said.as_deref().map_or(Answered::Undefined, Answered::Value)));
    let answers: Vec<results::Answer<'_>> =
        said.chain(failed).map(|(document, value)| results::Answer { document: document.clone(), value }).collect();
    let judged = results::verdict(reading, &answers).map(|document| verdict::verdict(document, evidence));
    match (judged, outage) {
        (Ok(mut verdict), Some(outage)) if verdict.outcome == Outcome::Fail => {
            verdict.summary.push_str(&format!("\n\nNot everything was judged: {}.", outage.message));
            Ok(verdict)
        }
        // Also beside an outage: asking again will not judge what could not be judged.
        (Err(problem), _) => Err(broken(&problem, problems)),
        (Ok(_), Some(outage)) => Err(outage),
        (Ok(verdict), None) => Ok(verdict),
    }
}

/// The server's own trouble has a better way out than the sentence that it is one.
fn broken(problem: &Problem, problems: Vec<(String, Broken)>) -> Broken {
    let kind = match problem {
        Problem::Setting { .. } => BrokenKind::Settings,
        Problem::Undefined { .. } => BrokenKind::Other,
        _ => BrokenKind::Malformed,
    };
    match problems.into_iter().next() {
        Some((_, broken)) => broken,
        None => Broken::new(kind, problem.to_string()),
    }
}

/// The path's parts as a URL takes them; the slashes between them stay.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// What OPA says of an error, shortened.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Error {
        message: String,
    }
    match serde_json::from_slice::<Error>(body) {
        Ok(error) => format!(": {}", error.message.chars().take(300).collect::<String>()),
        Err(_) => String::new(),
    }
}

/// An error of the client says little; what it was caused by says more.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    fn document(name: &str) -> JsonDocument {
        JsonDocument { name: name.to_owned(), json: Bytes::from_static(b"{}") }
    }

    /// A server whose health check has this status, and that gives this answer to all that it is asked; without one it
    /// holds the connection open.
    async fn listening(health: &'static str, answer: Option<String>) -> OpaServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = OpaServer::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak(stream, health, answer.clone()));
            }
        });
        server
    }

    async fn speak(mut stream: TcpStream, health: &'static str, answer: Option<String>) {
        let mut request = Vec::new();
        let about_health = loop {
            if request.starts_with(b"GET") && request.ends_with(b"\r\n\r\n") {
                break true;
            }
            // The end of `{"input":{}}`.
            if request.ends_with(b"}}") {
                break false;
            }
            if stream.read_buf(&mut request).await.unwrap() == 0 {
                return;
            }
        };
        let (status, body) = match (about_health, answer) {
            (true, _) => (health, String::new()),
            (false, Some(answer)) => ("200 OK", answer),
            (false, None) => std::future::pending().await,
        };
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn documents_that_take_too_long_together_are_broken_and_an_outage_only_where_the_server_is_ill() {
        let cases = [
            ("200 OK", false),
            ("401 Unauthorized", false),
            ("404 Not Found", false),
            ("429 Too Many Requests", true),
            ("503 Service Unavailable", true),
        ];
        for (health, is_outage) in cases {
            let mut server = listening(health, None).await;
            server.bounds.policy = Duration::from_millis(50);
            let conversation = server.converse("main/deny", &[document("sbom/0"), document("sbom/1")]).await;
            assert_eq!(conversation.record.len(), 1, "nothing more is asked");
            assert_eq!(conversation.outage.is_some(), is_outage, "{health}");
            let problem = conversation.problems.into_iter().map(|(_, broken)| broken).next();
            let broken = conversation.outage.or(problem).expect("no answer");
            assert_eq!(broken.kind, if is_outage { BrokenKind::Host } else { BrokenKind::Timeout }, "{health}");
            assert!(broken.message.contains("took longer than 50ms"), "{}", broken.message);
        }
    }

    #[tokio::test]
    async fn answers_that_are_too_large_together_are_broken_and_name_the_bound() {
        let answer = format!("{{\"result\":[\"{}\"]}}", "x".repeat(600 << 10));
        let mut server = listening("200 OK", Some(answer)).await;
        server.bounds.answers_bytes = 1 << 20;
        let documents = ["sbom/0", "sbom/1", "sbom/2"].map(document);
        let conversation = server.converse("main/deny", &documents).await;
        assert_eq!((conversation.answers.len(), conversation.record.len()), (1, 2), "nothing more is asked");
        assert!(conversation.outage.is_none());
        let (document, broken) = &conversation.problems[0];
        assert_eq!(document, "sbom/1");
        assert!(broken.message.contains("more than 1 MiB together"), "{}", broken.message);
    }

    #[test]
    fn an_address_is_http_and_holds_no_credentials() {
        for good in ["http://127.0.0.1:8181", "https://opa.example/policies/", "http://opa:8181/"] {
            assert!(OpaServer::new(good).is_ok(), "{good}");
        }
        for bad in ["opa:8181", "ftp://opa", "http://me:secret@opa", "http://opa?x=1", ""] {
            let refused = OpaServer::new(bad).expect_err(bad).to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_away_after_its_time() {
        // Nobody accepts: the system holds the connections open.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server = OpaServer::new(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
        server.bounds.request = Duration::from_millis(20);
        server.bounds.health = Duration::from_millis(20);
        let conversation = server.converse("main/deny", &[document("evidence")]).await;
        let outage = conversation.outage.expect("an outage");
        assert_eq!(outage.kind, BrokenKind::Host);
        assert!(outage.message.contains("no answer within 20ms"), "{}", outage.message);
        assert_eq!(conversation.record[0].error.as_deref(), Some("no answer within 20ms"));
    }

    #[test]
    fn a_path_is_written_as_a_url_takes_it() {
        assert_eq!(encoded("compliance/license_report"), "compliance/license_report");
        assert_eq!(encoded("a?b#c d"), "a%3Fb%23c%20d");
    }
}
