//! A collector of OpenTelemetry on loopback: takes what is sent to it and keeps it decoded.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What came so far.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub spans: Vec<Span>,
    /// Attributes of the resource that spans came from.
    pub resource: BTreeMap<String, String>,
    pub metrics: Vec<String>,
    /// Headers of the newest request.
    pub headers: BTreeMap<String, String>,
    pub wrong: Vec<String>,
}

impl Received {
    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }
}

/// Dropping it ends it.
#[derive(Debug)]
pub struct Collector {
    pub url: String,
    received: Arc<watch::Sender<Received>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the collector's port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let received = Arc::new(watch::Sender::new(Received::default()));
        let task = tokio::spawn(serve(listener, received.clone()));
        Ok(Self { url, received, task })
    }

    pub fn received(&self) -> Received {
        self.received.borrow().clone()
    }

    /// Waits for something to have come.
    pub async fn until(&self, what: impl Fn(&Received) -> bool) -> Received {
        let mut receiver = self.received.subscribe();
        let patience = std::time::Duration::from_secs(60);
        let came = tokio::time::timeout(patience, receiver.wait_for(|received| what(received))).await;
        came.expect("it comes within a minute").expect("the collector lives").clone()
    }
}

async fn serve(listener: TcpListener, received: Arc<watch::Sender<Received>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let received = received.clone();
        let answer = service_fn(move |request| answer(request, received.clone()));
        tokio::spawn(async move {
            let server = hyper::server::conn::http1::Builder::new();
            // A client that breaks off is none of the collector's business.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

type Answer = http::Response<Full<Bytes>>;

async fn answer(
    request: http::Request<Incoming>,
    received: Arc<watch::Sender<Received>>,
) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: BTreeMap<_, _> = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let kind = headers.get("content-type").cloned().unwrap_or_default();
    received.send_modify(|received| {
        received.headers = headers;
        let taken = match parts.uri.path() {
            "/v1/traces" => take_spans(&kind, &body, received),
            "/v1/metrics" => take_metrics(&kind, &body, received),
            other => Err(anyhow::anyhow!("nobody listens at {other}")),
        };
        received.wrong.extend(taken.err().map(|error| format!("{error:#}")));
    });
    Ok(Answer::new(Full::new(Bytes::new())))
}

fn decoded<T: Message + Default + serde::de::DeserializeOwned + std::fmt::Debug>(kind: &str, body: &[u8]) -> Result<T> {
    let decoded = match kind {
        "application/x-protobuf" => T::decode(body).context("no protobuf")?,
        "application/json" => serde_json::from_slice(body).context("no JSON")?,
        other => anyhow::bail!("content type {other:?}"),
    };
    crate::captured::log("what a collector was told", &format!("{decoded:?}"));
    Ok(decoded)
}

fn take_spans(kind: &str, body: &[u8], received: &mut Received) -> Result<()> {
    let request: ExportTraceServiceRequest = decoded(kind, body)?;
    for resource in request.resource_spans {
        let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        received.resource = texts(&attributes);
        received.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    Ok(())
}

fn take_metrics(kind: &str, body: &[u8], received: &mut Received) -> Result<()> {
    let request: ExportMetricsServiceRequest = decoded(kind, body)?;
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    received.metrics.extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
    Ok(())
}

/// Attributes that are texts.
pub fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some((pair.key.clone(), text.clone())),
        _ => None,
    };
    attributes.iter().filter_map(text).collect()
}
