//! How a connection comes to be, to GitHub and to blob hosts alike: trusted roots, the proxies of the environment, and
//! which addresses may be connected to. A name is looked up once. Nothing is sent here but what opens a proxy's tunnel.

use super::GitHubOptions;
use super::blobs::BlobHosts;
use super::calls::chain;
use super::public::is_public;
use super::transport::literal;
use crate::config::Proxies;
use anyhow::{Context as _, ensure};
use futures::future::{BoxFuture, FutureExt as _};
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tower::ServiceExt as _;

/// Said where a name is refused, and looked for where the refusal arrives.
pub(super) const NOT_PUBLIC: &str = "resolves to an address that is not public";

/// What all connections have in common.
#[derive(Clone)]
pub(super) struct Network {
    pub tls: ClientConfig,
    proxies: Arc<Matcher>,
    connect_timeout: Duration,
}

impl Network {
    pub fn new(options: &GitHubOptions) -> anyhow::Result<Self> {
        Ok(Self {
            tls: tls(options.ca_file.as_deref())?,
            proxies: Arc::new(matcher(&options.proxies)),
            connect_timeout: options.pace.connect_timeout,
        })
    }

    pub fn connector(&self, names: Names) -> Connector {
        let plain = |names: Names| {
            let mut http = HttpConnector::new_with_resolver(names);
            http.enforce_http(false);
            http.set_connect_timeout(Some(self.connect_timeout));
            http.set_nodelay(true);
            http
        };
        // Which proxy is asked is the operator's choice, wherever it stands.
        let to_proxy = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain(Names::of_anybody()));
        Connector { direct: plain(names.clone()), to_proxy, proxies: self.proxies.clone(), names }
    }
}

fn matcher(proxies: &Proxies) -> Matcher {
    let text =
        |secret: &Option<crate::model::Secret>| secret.as_ref().map_or_else(String::new, |it| it.expose().to_owned());
    Matcher::builder()
        .https(text(&proxies.https))
        .http(text(&proxies.http))
        .all(text(&proxies.all))
        .no(proxies.excepted.clone())
        .build()
}

/// Trusts the system's roots and those of the file.
fn tls(ca_file: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        for certificate in certificates(file)? {
            let added = roots.add(certificate);
            added
                .with_context(|| format!("github.ca_file {}: a certificate that cannot be trusted", file.display()))?;
        }
    }
    ensure!(
        !roots.is_empty(),
        "the system has no root certificates: install ca-certificates, or name yours with github.ca_file"
    );
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choosing versions of TLS")?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let told = || format!("reading certificates from github.ca_file {}", file.display());
    let pem = std::fs::read(file).with_context(told)?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().with_context(told)?;
    ensure!(
        !found.is_empty(),
        "{}: there is none in it; it must be PEM, which begins with -----BEGIN CERTIFICATE-----",
        told()
    );
    Ok(found)
}

/// A connection, in the clear where it leads straight to its end: what speaks TLS stands above it.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connects directly or through the proxy that is set for an address. Loopback addresses are never a proxy's.
#[derive(Clone)]
pub(super) struct Connector {
    direct: HttpConnector<Names>,
    to_proxy: HttpsConnector<HttpConnector<Names>>,
    proxies: Arc<Matcher>,
    names: Names,
}

impl tower::Service<Uri> for Connector {
    type Response = Stream;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Stream, Failure>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        match self.proxies.intercept(&target).filter(|_| !is_loopback(&target)) {
            Some(proxy) => self.clone().through(proxy, target).boxed(),
            None => {
                let connecting = self.direct.call(target);
                async move { Ok(MaybeHttpsStream::Http(connecting.await?)) }.boxed()
            }
        }
    }
}

impl Connector {
    async fn through(self, proxy: Intercept, target: Uri) -> Result<Stream, Failure> {
        let target = self.names.for_proxy(target).await?;
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy);
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let told = |error: &dyn std::error::Error| {
            let name = proxy.uri().authority().map_or("", |authority| authority.as_str());
            Failure::from(format!("through the proxy {name}: {}", chain(error)))
        };
        tunnel.oneshot(target).await.map_err(|error| told(&error))
    }
}

fn is_loopback(target: &Uri) -> bool {
    let host = target.host().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost") || literal(host).is_some_and(|ip| ip.is_loopback())
}

/// Looks a name up.
pub(super) type Lookup = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Resolves names and hands out only addresses that may be connected to, so that no second look-up can differ.
#[derive(Clone)]
pub(super) struct Names {
    /// `None`: the operator chose the name, so it may stand for any address.
    vetted_but_for: Option<BlobHosts>,
    lookup: Lookup,
}

impl Names {
    pub fn of_anybody() -> Self {
        Self { vetted_but_for: None, lookup: by_the_system }
    }

    /// Public addresses only, but for hosts that the operator named.
    pub fn vetted(hosts: BlobHosts, lookup: Lookup) -> Self {
        Self { vetted_but_for: Some(hosts), lookup }
    }

    fn trusts(&self, name: &str) -> bool {
        self.vetted_but_for.as_ref().is_none_or(|hosts| hosts.names(name))
    }

    async fn resolve(self, name: String) -> io::Result<Vec<SocketAddr>> {
        let addresses = (self.lookup)(name.clone()).await?;
        if !self.trusts(&name) && addresses.iter().any(|address| !is_public(address.ip())) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, NOT_PUBLIC));
        }
        Ok(addresses)
    }

    /// What a proxy is asked to connect to. It would look a name up again, and might find another address: so it is given
    /// one that was vetted here. Names that the operator chose, and literal addresses, which were vetted before, stay.
    async fn for_proxy(&self, target: Uri) -> io::Result<Uri> {
        let host = target.host().unwrap_or_default().to_owned();
        if self.trusts(&host) || literal(&host).is_some() {
            return Ok(target);
        }
        let addresses = self.clone().resolve(host).await?;
        let first = addresses.first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let vetted = SocketAddr::new(first.ip(), target.port_u16().unwrap_or(443));
        Uri::builder()
            .scheme("https")
            .authority(vetted.to_string())
            .path_and_query("/")
            .build()
            .map_err(io::Error::other)
    }
}

impl tower::Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.clone().resolve(name.as_str().to_owned());
        async move { Ok(found.await?.into_iter()) }.boxed()
    }
}

pub(super) fn by_the_system(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vetted(hosts: &[&str], lookup: Lookup) -> Names {
        Names::vetted(BlobHosts::PublicAnd(hosts.iter().map(|host| (*host).to_owned()).collect()), lookup)
    }

    fn private(_: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        async { Ok(vec!["20.60.1.1:0".parse().unwrap(), "10.0.0.1:0".parse().unwrap()]) }.boxed()
    }

    fn public(_: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        async { Ok(vec!["20.60.1.1:0".parse().unwrap()]) }.boxed()
    }

    #[tokio::test]
    async fn a_proxy_is_given_the_address_that_was_vetted_and_not_the_name() {
        let target: Uri = "https://blobs.example/a?sig=1".parse().unwrap();
        let given = vetted(&[], public).for_proxy(target.clone()).await.unwrap();
        assert_eq!(given.authority().unwrap(), "20.60.1.1:443");
        let refused = vetted(&[], private).for_proxy(target.clone()).await.unwrap_err();
        assert_eq!(refused.to_string(), NOT_PUBLIC);
        // Both ways of connecting ask the same question.
        let refused = vetted(&[], private).resolve("blobs.example".to_owned()).await.unwrap_err();
        assert_eq!(refused.to_string(), NOT_PUBLIC);
        for named in ["blobs.example", "*.example"] {
            assert_eq!(vetted(&[named], private).for_proxy(target.clone()).await.unwrap(), target, "{named}");
        }
    }

    #[test]
    fn what_is_excepted_and_what_is_this_machine_goes_around_the_proxy() {
        let secret = |text: &str| Some(crate::model::Secret::new(text));
        let matcher = matcher(&Proxies {
            all: secret("proxy.example:3128"),
            excepted: "github.example, 10.0.0.0/8".to_owned(),
            ..Proxies::default()
        });
        let proxied = |target: &str| {
            let target: Uri = target.parse().unwrap();
            matcher.intercept(&target).is_some() && !is_loopback(&target)
        };
        assert!(proxied("https://api.github.com/app") && proxied("https://github.example.evil.example/"));
        for direct in [
            "https://github.example/api/v3",
            "https://api.github.example/",
            "https://10.1.2.3/",
            "http://127.0.0.1:1/",
            "https://[::1]/",
            "https://LOCALHOST/",
        ] {
            assert!(!proxied(direct), "{direct}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_says_what_it_must_hold() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        assert!(format!("{:#}", tls(Some(&file)).unwrap_err()).contains("ca.pem"));
        std::fs::write(&file, "no certificate").unwrap();
        assert!(format!("{:#}", tls(Some(&file)).unwrap_err()).contains("BEGIN CERTIFICATE"));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(format!("{:#}", tls(Some(&file)).unwrap_err()).contains("cannot be trusted"));
    }
}
