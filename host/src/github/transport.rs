//! The stack that carries API requests: our own hyper client under octocrab, put together so that retries,
//! redirects and caches are absent by construction, and each header is sent once.

use super::GitHubOptions;
use super::connect::{Names, Network};
use anyhow::Context as _;
use http::header::{ACCEPT, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use std::net::IpAddr;
use std::time::Duration;
use tower::util::MapRequestLayer;

/// Below GitHub's and every proxy's own idle limit, so that we close first and no request meets a closing connection.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
/// HTTP/2 puts all calls on one connection, and one whose other end vanished fails nothing by itself: the repetition of a
/// call would wait on it too. With the time for an answer no more than a call waits (30 s), so that it is gone by then.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Far longer than any way to GitHub takes.
const PING_ANSWERED_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Transport {
    pub base: Octocrab,
    pub host: Uri,
}

impl Transport {
    pub fn new(options: &GitHubOptions, network: &Network) -> anyhow::Result<Self> {
        let host = api_address(&options.api_url)?;
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(network.tls.clone())
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(network.connector(Names::of_anybody()));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_ANSWERED_WITHIN)
            .pool_idle_timeout(IDLE_CONNECTION)
            .build::<_, OctoBody>(https);
        let fixed_headers = fixed_headers(options)?;
        let base = OctocrabBuilder::new_empty()
            .with_service(client)
            .with_layer(&MapRequestLayer::new(move |mut request: Request<OctoBody>| {
                for (name, value) in &fixed_headers {
                    // insert, not append: one value per header, whatever octocrab thinks of it.
                    request.headers_mut().insert(name.clone(), value.clone());
                }
                request
            }))
            .with_layer(&BaseUriLayer::new(host.clone()))
            .with_auth(AuthState::None)
            .build();
        let base = match base {
            Ok(base) => base,
            Err(never) => match never {},
        };
        Ok(Self { base, host })
    }
}

fn fixed_headers(options: &GitHubOptions) -> anyhow::Result<Vec<(http::HeaderName, HeaderValue)>> {
    let value = |text: &str| HeaderValue::from_str(text).with_context(|| format!("{text:?} is not a header value"));
    Ok(vec![
        (USER_AGENT, value(&options.user_agent)?),
        (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        (http::HeaderName::from_static("x-github-api-version"), value(&options.api_version)?),
    ])
}

/// Credentials go there, so it is https; plain http only to this machine itself.
fn api_address(url: &str) -> anyhow::Result<Uri> {
    let address: Uri = url.parse().with_context(|| format!("the GitHub API's address {url:?} is not a URL"))?;
    let host = address.host().unwrap_or_default();
    let loopback = host == "localhost" || literal(host).is_some_and(|ip| ip.is_loopback());
    match address.scheme_str() {
        Some("https") => Ok(address),
        Some("http") if loopback => Ok(address),
        _ => anyhow::bail!(
            "the GitHub API's address {url:?} must begin with https:// (http:// only for a loopback address)"
        ),
    }
}

/// The host as an IP address, if it is one. `[::1]` keeps its brackets in an address.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_travel_in_the_clear() {
        for good in ["https://api.github.com", "https://github.example/api/v3", "http://127.0.0.1:80", "http://[::1]:1"]
        {
            assert!(api_address(good).is_ok(), "{good}");
        }
        for bad in ["http://github.example/api/v3", "ftp://localhost", "api.github.com", ""] {
            assert!(api_address(bad).is_err(), "{bad}");
        }
    }
}
