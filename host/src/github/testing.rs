//! A small server for this room's own tests: scripted answers on loopback, and a journal of what was asked.

use super::*;
use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use std::convert::Infallible;
use std::sync::{Mutex, OnceLock};

pub type Response = http::Response<BoxBody<Bytes, std::io::Error>>;

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
    pub headers: http::HeaderMap,
    pub body: serde_json::Value,
}

type Script = dyn Fn(&Asked, usize) -> Response + Send + Sync;

pub struct Server {
    pub address: std::net::SocketAddr,
    journal: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Clone)]
struct Shared {
    journal: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Script>,
}

impl Server {
    /// `script` gets each request and how often the same method and path were asked before.
    pub async fn start(script: impl Fn(&Asked, usize) -> Response + Send + Sync + 'static) -> Self {
        let journal = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { journal: journal.clone(), script: Arc::new(script) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let shared = shared.clone();
                let service = service_fn(move |request| answer(shared.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
            }
        });
        Self { address, journal }
    }

    pub fn asked(&self, prefix: &str) -> Vec<Asked> {
        let journal = self.journal.lock().unwrap();
        journal.iter().filter(|asked| format!("{} {}", asked.method, asked.path).starts_with(prefix)).cloned().collect()
    }

    pub fn github(&self) -> GitHub {
        self.github_with(|_| {})
    }

    pub fn github_with(&self, change: impl FnOnce(&mut GitHubOptions)) -> GitHub {
        let mut options = GitHubOptions {
            api_url: format!("http://{}/api/v3", self.address),
            app_id: 7,
            client_id: None,
            private_keys: vec![Slot { origin: "a test".to_owned(), value: private_key(), not_after: None }],
            personal_token: None,
            ca_file: None,
            proxies: Proxies::default(),
            user_agent: "palisade-test".to_owned(),
            api_version: "2022-11-28".to_owned(),
            blob_hosts: BlobHosts::PublicAnd(vec!["127.0.0.1".to_owned()]),
            pace: Pace {
                connect_timeout: Duration::from_secs(5),
                read_timeout: Duration::from_secs(10),
                retry_base: Duration::from_millis(1),
                write_spacing: Duration::ZERO,
            },
            clock: Arc::new(SystemClock),
        };
        change(&mut options);
        GitHub::new(options).unwrap()
    }
}

async fn answer(shared: Shared, request: http::Request<Incoming>) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().unwrap().to_string(),
        authorization: text("authorization"),
        headers: parts.headers.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let before = {
        let mut journal = shared.journal.lock().unwrap();
        let before = journal.iter().filter(|old| old.method == asked.method && old.path == asked.path).count();
        journal.push(asked.clone());
        before
    };
    Ok((shared.script)(&asked, before))
}

pub fn json(status: u16, body: serde_json::Value) -> Response {
    plain(status, &[("content-type", "application/json")], body.to_string())
}

/// Any answer: a status, headers and bytes.
pub fn plain(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(body.into()).map_err(|never| match never {}).boxed()).unwrap()
}

/// Sends its only piece and never ends.
pub fn endless(piece: &'static str) -> Response {
    let first = futures::stream::iter([Ok(Frame::data(Bytes::from_static(piece.as_bytes())))]);
    let body = StreamBody::new(first.chain(futures::stream::pending()));
    http::Response::new(BodyExt::boxed(body))
}

pub fn token(text: &str) -> Response {
    json(201, serde_json::json!({ "token": text, "expires_at": "2099-01-01T00:00:00Z" }))
}

pub fn is_mint(asked: &Asked) -> bool {
    asked.path.ends_with("/access_tokens")
}

pub fn shop() -> RepositoryAt {
    RepositoryAt { installation: InstallationId(5), repository: RepositoryName::new("acme", "shop").unwrap() }
}

/// Made anew for each run of the tests, so that no key stands in the repository.
pub fn private_key() -> Secret {
    static KEY: OnceLock<String> = OnceLock::new();
    let pem = KEY.get_or_init(|| {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        key.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap().to_string()
    });
    Secret::new(pem.clone())
}

#[derive(Debug)]
pub struct SystemClock;
impl Clock for SystemClock {
    fn now(&self) -> crate::model::Unix {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }
}

#[derive(Debug)]
pub struct StoppedClock(pub crate::model::Unix);
impl Clock for StoppedClock {
    fn now(&self) -> crate::model::Unix {
        self.0
    }
}
