//! Traces and metrics by OTLP over HTTP. A collector that is away costs nothing but what it would have been told.

use super::export::{self, Flush, Sink};
use super::logs::{self, LogFormat, Logs};
use super::spans;
use crate::config::Config;
use crate::config::telemetry::{Signal, Telemetry as Settings, pairs};
use crate::model::Secret;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData};
use prost::Message;
use serde::Serialize;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

/// A collector answers with a few bytes.
const LARGEST_ANSWER: usize = 64 << 10;

/// Log lines and traces of this process. Dropping it sends nothing more.
#[derive(Debug)]
pub struct Telemetry {
    flush: Option<Flush>,
}

impl Telemetry {
    /// Sets both up, once per process.
    pub fn start(config: &Config) -> Result<Self> {
        let format = if config.log.json { LogFormat::Json } else { LogFormat::Text };
        let lines = Logs { filter: &config.log.level, format, source: config.log.source };
        let (traces, telemetry) = Self::traces(&config.telemetry)?;
        logs::start(vec![logs::lines(&lines, std::io::stderr)?, traces])?;
        Ok(telemetry)
    }

    /// The layer that makes traces of spans: with nowhere to send them it still gives ids to log lines and OPA servers.
    pub fn traces(settings: &Settings) -> Result<(Box<dyn Layer<Registry> + Send + Sync>, Self)> {
        let problems = settings.problems();
        if !problems.is_empty() {
            bail!("cannot start:\n  {}", problems.join("\n  "));
        }
        let provider = SdkTracerProvider::builder().with_resource(resource(settings)?);
        let (provider, flush) = match Otlp::new(settings, Signal::Traces)? {
            Some(otlp) => {
                let (queue, flush) = export::start(TraceSink { resource: attributes(settings)?, otlp, well: true });
                (provider.with_sampler(sampler(settings)?).with_span_processor(queue), Some(flush))
            }
            // What came sampled goes on sampled, though nobody here keeps it.
            None => (provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))), None),
        };
        let tracer = provider.build().tracer("palisade");
        let targets =
            Targets::new().with_target(spans::STEP, LevelFilter::INFO).with_target(spans::JOB, LevelFilter::INFO);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_error_fields_to_exceptions(false)
            .with_error_records_to_exceptions(false)
            .with_filter(targets);
        Ok((layer.boxed(), Self { flush }))
    }

    /// Sends what waits, for at most so long.
    pub async fn flush(&self, patience: Duration) {
        if let Some(flush) = &self.flush
            && !flush.within(patience).await
        {
            tracing::warn!("the last spans could not be sent in time");
        }
    }
}

/// One signal's way to a collector.
pub struct Otlp {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    json: bool,
    timeout: Duration,
}

/// Without its headers, which may be credentials.
impl std::fmt::Debug for Otlp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Otlp").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Otlp {
    /// None where the signal is not sent.
    pub fn new(settings: &Settings, signal: Signal) -> Result<Option<Self>> {
        let Some(address) = settings.address(signal) else { return Ok(None) };
        let address: Uri = address.parse().context("telemetry.endpoint is no URL")?;
        let json = settings.protocol == "http/json";
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("reading the system's root certificates: install ca-certificates")?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        Ok(Some(Self { client, address, headers: headers(settings)?, json, timeout: settings.timeout }))
    }

    /// Sends one request. What the collector says beside its status is nobody's business here.
    pub(super) async fn send<T: Message + Serialize>(&self, message: &T) -> Result<()> {
        let (body, kind) = match self.json {
            true => (serde_json::to_vec(message).context("writing OTLP as JSON")?, "application/json"),
            false => (message.encode_to_vec(), "application/x-protobuf"),
        };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.address.clone())
            .header("content-type", kind)
            .header("user-agent", concat!("palisade/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let exchange = async {
            let answer = self.client.request(request).await.context("no answer")?;
            let status = answer.status();
            // Read to its end, so that the connection can be used again.
            let _ = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
            anyhow::Ok(status)
        };
        let status = tokio::time::timeout(self.timeout, exchange).await.context("no answer in time")??;
        if status.is_success() {
            return Ok(());
        }
        bail!("status {status}")
    }

    /// Who is asked, for people: without path and credentials, with what may be the reason.
    fn shown(&self) -> String {
        let host = self.address.authority().map_or("", http::uri::Authority::as_str);
        let hint = if self.address.port_u16() == Some(4317) { "; 4317 is the port of gRPC, try 4318" } else { "" };
        format!("{host}{hint}")
    }
}

fn headers(settings: &Settings) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let text = settings.headers.as_ref().map_or("", Secret::expose);
    let pairs = pairs(text).context("telemetry.headers is not a list `name=value,…`")?;
    let header = |(name, value): (String, String)| {
        let name = HeaderName::try_from(name).context("telemetry.headers: a name is none of HTTP")?;
        let mut value = HeaderValue::try_from(value).context("telemetry.headers: a value is none of HTTP")?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    pairs.into_iter().map(header).collect()
}

struct TraceSink {
    otlp: Otlp,
    resource: ResourceAttributesWithSchema,
    /// Whether the last request was taken: each change is told once.
    well: bool,
}

impl Sink for TraceSink {
    async fn send(&mut self, spans: Vec<SpanData>) -> bool {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let sent = self.otlp.send(&ExportTraceServiceRequest { resource_spans }).await;
        told(&mut self.well, &self.otlp, "traces", &sent);
        sent.is_ok()
    }
}

/// Says once that a collector is away, and once that it is back.
pub(super) fn told(well: &mut bool, otlp: &Otlp, signal: &str, sent: &Result<()>) {
    match sent {
        Ok(()) if !*well => tracing::info!(signal, "the collector is back"),
        Err(error) if *well => {
            tracing::warn!(
                signal,
                collector = otlp.shown(),
                error = format!("{error:#}"),
                "the collector does not take telemetry; what it misses is lost"
            );
        }
        _ => {}
    }
    *well = sent.is_ok();
}

/// What this instance says of itself with every span and metric.
pub(super) fn attributes(settings: &Settings) -> Result<ResourceAttributesWithSchema> {
    Ok(ResourceAttributesWithSchema::from(&resource(settings)?))
}

fn resource(settings: &Settings) -> Result<Resource> {
    let version = settings.service_version.clone().unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
    let more =
        pairs(&settings.resource_attributes).context("telemetry.resource_attributes is not a list `name=value,…`")?;
    Ok(Resource::builder_empty()
        .with_attributes(more.into_iter().map(|(name, value)| KeyValue::new(name, value)))
        .with_attribute(KeyValue::new("service.version", version))
        .with_service_name(settings.service_name.clone())
        .build())
}

fn sampler(settings: &Settings) -> Result<Sampler> {
    let root = match settings.sampler.trim_start_matches("parentbased_") {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(settings.sampler_argument),
        _ => bail!("telemetry.sampler: there is no such sampler"),
    };
    let follows_parent = settings.sampler.starts_with("parentbased_");
    Ok(if follows_parent { Sampler::ParentBased(Box::new(root)) } else { root })
}
