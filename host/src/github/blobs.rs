//! Downloads artifacts from the blob host that GitHub redirects to, with a client that holds no credentials.
//! Addresses are vetted after name resolution and before connecting; redirects are followed by hand.

use super::calls::{Call, chain, location};
use super::connect::{Connector, NOT_PUBLIC, Names, Network, by_the_system};
use super::counters::count;
use super::error::GitHubError;
use super::public::is_public;
use super::transport::literal;
use super::{GitHub, GitHubOptions, RepositoryAt};
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::io;
use std::time::Duration;

/// GitHub's own storage answers at once or redirects once; three is generous.
const MOST_HOPS: usize = 3;
const REPETITIONS: u32 = 3;

/// Which hosts artifacts may come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BlobHosts {
    /// Any public address, over https.
    #[default]
    Public,
    /// Also these hosts by name, whatever their address: a server's own storage in a private network. `*.example` names
    /// every subdomain. Over plain http only if the address is a loopback one, as in tests.
    PublicAnd(Vec<String>),
}

impl BlobHosts {
    pub(super) fn names(&self, host: &str) -> bool {
        let is = |named: &String| match named.strip_prefix('*').filter(|domain| domain.starts_with('.')) {
            Some(domain) => host.to_ascii_lowercase().ends_with(&domain.to_ascii_lowercase()),
            None => named.eq_ignore_ascii_case(host),
        };
        matches!(self, BlobHosts::PublicAnd(hosts) if hosts.iter().any(is))
    }
}

/// A download that has begun: the blob host answered 200.
pub struct Download {
    pub content_type: Option<String>,
    /// What the blob host announces; the body is held against it.
    pub length: Option<u64>,
    /// Ends with an error where it breaks off; what came before is then worth nothing.
    pub body: BoxStream<'static, Result<Bytes, GitHubError>>,
}

impl GitHub {
    /// The stored bytes of an artifact: a zip, or one raw file. Unbounded: the reader counts and stops.
    pub async fn download_artifact(&self, at: &RepositoryAt, artifact: u64) -> Result<Download, GitHubError> {
        let mut repetition = 0;
        let mut refused = false;
        loop {
            // A fresh address each time: it is valid for a minute only.
            let address = self.artifact_address(at, artifact).await?;
            count(&self.inner.counters.downloads);
            match self.inner.blobs.open(address).await {
                Err(GitHubError::Permission(_) | GitHubError::NotFound(_)) if !refused => refused = true,
                Err(GitHubError::Unavailable(_)) if repetition < REPETITIONS => {
                    self.pause(repetition).await;
                    repetition += 1;
                }
                done => return done,
            }
        }
    }

    async fn artifact_address(&self, at: &RepositoryAt, artifact: u64) -> Result<Uri, GitHubError> {
        let call = Call::of_repository(at, &format!("/actions/artifacts/{artifact}/zip")).wants_redirect();
        let answer = self.answer(&call).await?;
        if !answer.status.is_redirection() {
            return Err(GitHubError::Malformed(format!("{call}: answered {}, not with a redirect", answer.status)));
        }
        location(&answer.headers).ok_or_else(|| GitHubError::Redirect(format!("{call}: redirect to no address")))
    }
}

pub(super) struct BlobClient {
    client: Client<HttpsConnector<Connector>, Empty<Bytes>>,
    hosts: BlobHosts,
    read_timeout: Duration,
}

impl BlobClient {
    pub fn new(options: &GitHubOptions, network: &Network) -> Self {
        let hosts = options.blob_hosts.clone();
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(network.tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(network.connector(Names::vetted(hosts.clone(), by_the_system)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(15))
            .build(https);
        Self { client, hosts, read_timeout: options.pace.read_timeout }
    }

    async fn open(&self, mut address: Uri) -> Result<Download, GitHubError> {
        for _ in 0..=MOST_HOPS {
            self.vet(&address)?;
            // The query is a signature: texts name the host only.
            let host = address.host().unwrap_or_default().to_owned();
            let response = self.get(&address, &host).await?;
            match response.status() {
                StatusCode::OK => return Ok(self.download(response, host)),
                status if status.is_redirection() => {
                    let target = location(response.headers());
                    address = target
                        .and_then(|target| absolute(&address, target))
                        .ok_or_else(|| GitHubError::Redirect(format!("blob host {host}: redirect to no address")))?;
                }
                status => return Err(refusal(&host, status)),
            }
        }
        Err(GitHubError::Redirect(format!("a download redirected more than {MOST_HOPS} times")))
    }

    /// What can be told before resolving the name. Literal addresses never reach the resolver.
    fn vet(&self, address: &Uri) -> Result<(), GitHubError> {
        let host = address.host().unwrap_or_default();
        let named = self.hosts.names(host);
        let ip = literal(host);
        if ip.is_some_and(|ip| !named && !is_public(ip)) {
            return Err(GitHubError::Redirect(format!("blob host {host}: not a public address")));
        }
        let loopback = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
        match address.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if named && loopback => Ok(()),
            _ => Err(GitHubError::Redirect(format!("blob host {host}: not https"))),
        }
    }

    async fn get(&self, address: &Uri, host: &str) -> Result<http::Response<Incoming>, GitHubError> {
        let request = Request::get(address.clone())
            .header(header::USER_AGENT, "palisade")
            .body(Empty::new())
            .map_err(|_| GitHubError::Redirect(format!("blob host {host}: not an address")))?;
        match tokio::time::timeout(self.read_timeout, self.client.request(request)).await {
            Err(_) => Err(GitHubError::Unavailable(format!("blob host {host}: no answer in time"))),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if chain(&error).contains(NOT_PUBLIC) => {
                Err(GitHubError::Redirect(format!("blob host {host}: not a public address")))
            }
            Ok(Err(error)) => Err(GitHubError::Unavailable(format!("blob host {host}: {}", chain(&error)))),
        }
    }

    fn download(&self, response: http::Response<Incoming>, host: String) -> Download {
        let text = |name| response.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let content_type = text(header::CONTENT_TYPE).map(ToOwned::to_owned);
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let body = pieces(response.into_body(), self.read_timeout, host).boxed();
        Download { content_type, length, body }
    }
}

fn pieces(body: Incoming, patience: Duration, host: String) -> impl futures::Stream<Item = Result<Bytes, GitHubError>> {
    futures::stream::try_unfold(body.into_data_stream(), move |mut data| {
        let host = host.clone();
        async move {
            match tokio::time::timeout(patience, data.next()).await {
                Err(_) => Err(GitHubError::Unavailable(format!("blob host {host}: stopped sending"))),
                Ok(None) => Ok(None),
                Ok(Some(Ok(piece))) => Ok(Some((piece, data))),
                Ok(Some(Err(error))) if broke_off(&error) => {
                    Err(GitHubError::Malformed(format!("blob host {host}: the body is shorter than announced")))
                }
                Ok(Some(Err(error))) => Err(GitHubError::Unavailable(format!("blob host {host}: {}", chain(&error)))),
            }
        }
    })
}

/// The connection ended in good order, before the announced length.
fn broke_off(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    error.is_incomplete_message() || cause.is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
}

fn refusal(host: &str, status: StatusCode) -> GitHubError {
    let what = format!("blob host {host}: {status}");
    match status.as_u16() {
        401 | 403 => GitHubError::Permission(what),
        404 => GitHubError::NotFound(what),
        410 => GitHubError::Gone(what),
        408 | 429 | 500.. => GitHubError::Unavailable(what),
        _ => GitHubError::Unprocessable(what),
    }
}

fn absolute(from: &Uri, target: Uri) -> Option<Uri> {
    if target.authority().is_some() {
        return Some(target);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = target.into_parts().path_and_query;
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_redirect_stays_on_its_host() {
        let from: Uri = "https://blobs.example/a?sig=1".parse().unwrap();
        let to = absolute(&from, "/b?c=d".parse().unwrap()).unwrap();
        assert_eq!(to, "https://blobs.example/b?c=d");
    }
}
