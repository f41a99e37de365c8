//! Downloads artifacts from the blob host that GitHub redirects to, with a client that holds no credentials.
//! Addresses are vetted after name resolution and before connecting; redirects are followed by hand.

use super::calls::{Call, chain, location};
use super::counters::count;
use super::error::GitHubError;
use super::transport::literal;
use super::{GitHub, Pace, RepositoryAt};
use anyhow::Context as _;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
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
    /// Also these hosts by name, whatever their address: a server's own storage in a private network. Over plain
    /// http only if the address is a loopback one, as in tests.
    PublicAnd(Vec<String>),
}

impl BlobHosts {
    fn names(&self, host: &str) -> bool {
        matches!(self, BlobHosts::PublicAnd(hosts) if hosts.iter().any(|named| named.eq_ignore_ascii_case(host)))
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
    client: Client<HttpsConnector<HttpConnector<VettedNames>>, Empty<Bytes>>,
    hosts: BlobHosts,
    read_timeout: Duration,
}

impl BlobClient {
    pub fn new(hosts: BlobHosts, pace: Pace) -> anyhow::Result<Self> {
        let mut http = HttpConnector::new_with_resolver(VettedNames { hosts: hosts.clone() });
        http.enforce_http(false);
        http.set_connect_timeout(Some(pace.connect_timeout));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("reading the system's root certificates: install ca-certificates")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(15))
            .build(https);
        Ok(Self { client, hosts, read_timeout: pace.read_timeout })
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

const NOT_PUBLIC: &str = "resolves to an address that is not public";

/// Resolves names and hands out only addresses that may be connected to, so that no second look-up can differ.
#[derive(Clone)]
struct VettedNames {
    hosts: BlobHosts,
}

impl tower::Service<Name> for VettedNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let named = self.hosts.names(name.as_str());
        Box::pin(async move {
            let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !named && addresses.iter().any(|address| !is_public(address.ip())) {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, NOT_PUBLIC));
            }
            Ok(addresses.into_iter())
        })
    }
}

/// Routed on the internet, as far as the registries of special-purpose addresses say.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && matches!(c, 0 | 2)),
        198 => matches!(b, 18 | 19) || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped, compatible (with ::1 and ::) and translated addresses are as public as what they hold.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0xdb8, ..] => false,
        // Everything else that is routed lies in 2000::/3: not unique local, link local or multicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_not_public() {
        let hidden = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "::7f00:1",
        ];
        for text in hidden {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["20.60.1.1", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "2606:50c0::153", "::ffff:20.60.1.1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_relative_redirect_stays_on_its_host() {
        let from: Uri = "https://blobs.example/a?sig=1".parse().unwrap();
        let to = absolute(&from, "/b?c=d".parse().unwrap()).unwrap();
        assert_eq!(to, "https://blobs.example/b?c=d");
    }
}
