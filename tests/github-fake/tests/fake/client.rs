//! The smallest client that can ask the fake anything, and the smallest host that webhooks can reach.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use palisade_github_fake::{Fake, FakeOptions, Repository};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// A fake without a host, and `acme/shop` in it.
pub async fn github() -> (Fake, Repository) {
    let mut options = FakeOptions::default();
    options.permissions.insert("attestations".to_owned(), "read".to_owned());
    let github = Fake::start(options).await.unwrap();
    let repository = github.repository("acme/shop");
    (github, repository)
}

#[derive(Clone)]
pub struct Client {
    base: String,
    credentials: Option<String>,
    http: Http<HttpConnector, Full<Bytes>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn id(&self) -> u64 {
        self.body["id"].as_u64().unwrap_or_else(|| panic!("no id in {self:?}"))
    }
}

/// Claims that GitHub accepts.
pub fn claims(github: &Fake) -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({ "iat": now - 60, "exp": now + 540, "iss": github.client_id() })
}

pub fn jwt(github: &Fake, claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(github.private_key_pem().as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
}

impl Client {
    pub fn anonymous(github: &Fake) -> Client {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Client { base: github.api_url().to_owned(), credentials: None, http }
    }

    pub fn with(&self, credentials: &str) -> Client {
        Client { credentials: Some(credentials.to_owned()), ..self.clone() }
    }

    pub fn credentials(&self) -> &str {
        self.credentials.as_deref().unwrap_or_default()
    }

    pub fn app(github: &Fake) -> Client {
        Self::anonymous(github).with(&jwt(github, &claims(github)))
    }

    /// With a token for everything that the App may do for `acme`.
    pub async fn installation(github: &Fake) -> Client {
        Self::scoped(github, json!({})).await
    }

    pub async fn scoped(github: &Fake, scope: Value) -> Client {
        let path = format!("/app/installations/{}/access_tokens", github.installation_id("acme"));
        let minted = Self::app(github).post(&path, &scope).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        Self::anonymous(github).with(minted.body["token"].as_str().unwrap())
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).await.unwrap()
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(body)).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await.unwrap()
    }

    /// An error is a connection that was dropped.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = http::Request::builder().method(method).uri(url).header("user-agent", "palisade-tests");
        if let Some(credentials) = &self.credentials {
            request = request.header("authorization", format!("Bearer {credentials}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.http.request(request).await.map_err(|error| error.to_string())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, headers, bytes, body })
    }
}

/// One received webhook.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A host that remembers what reached it and answers with the given codes, then with 202.
#[derive(Clone, Default)]
pub struct Receiver {
    pub received: Arc<Mutex<Vec<Received>>>,
    pub answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    /// Starts listening and has the fake deliver to it.
    pub async fn start(github: &Fake) -> Receiver {
        let receiver = Receiver::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        github.deliver_to(&url);
        receiver
    }

    /// `event` or `event.action` of all that came, in order.
    pub fn events(&self) -> Vec<String> {
        let name = |received: &Received| {
            let event = received.headers["x-github-event"].to_str().unwrap().to_owned();
            let body: Value = serde_json::from_slice(&received.body).unwrap();
            body["action"].as_str().map_or(event.clone(), |action| format!("{event}.{action}"))
        };
        self.received.lock().unwrap().iter().map(name).collect()
    }

    pub fn guids(&self) -> Vec<String> {
        let guid = |received: &Received| received.headers["x-github-delivery"].to_str().unwrap().to_owned();
        self.received.lock().unwrap().iter().map(guid).collect()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    receiver.received.lock().unwrap().push(Received { headers, body });
    let code = receiver.answers.lock().unwrap().pop_front().unwrap_or(202);
    (StatusCode::from_u16(code).unwrap(), "taken")
}
