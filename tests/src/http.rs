//! A client for the host's own address: one request, one answer.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::collections::BTreeMap;
use std::net::IpAddr;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub async fn get(url: &str) -> Result<Answer> {
    send("GET", url, &[], Vec::new()).await
}

pub async fn post(url: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Result<Answer> {
    send("POST", url, headers, body.into()).await
}

/// From another of this machine's loopback addresses, `127.0.0.2` and so on.
pub async fn post_from(
    source: IpAddr,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Result<Answer> {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(source));
    exchange(connector, ("POST", url), headers, body.into()).await
}

pub async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer> {
    exchange(HttpConnector::new(), (method, url), headers, body).await
}

async fn exchange(
    connector: HttpConnector,
    (method, url): (&str, &str),
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer> {
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body)))?;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.request(request).await.with_context(|| format!("{method} {url}"))?;
    let (parts, body) = answer.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = body.collect().await.context("reading the answer")?.to_bytes();
    crate::captured::keep(&format!("{method} {url} {headers:?}"), &String::from_utf8_lossy(&body));
    Ok(Answer { status: parts.status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}
