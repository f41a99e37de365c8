//! What operators, machines and readers of a decision ask: health, liveness, readiness, metrics, decisions. Never touches
//! a job.

mod decisions;
pub mod registration;
#[cfg(test)]
mod tests;

use crate::config::Pages;
use crate::queue::JobQueue;
use crate::rego::remote::{Health as Reachable, OpaServer};
use crate::state::State;
use crate::telemetry::{Metrics, spans};
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::join_all;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::instrument::Instrument as _;

/// How long a dependency may take to say that it is alive.
const PING_PATIENCE: Duration = Duration::from_secs(3);

/// What the answers are made from.
#[derive(Clone, Debug)]
pub struct Api {
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub metrics: Metrics,
    /// Fills the gauges that rooms keep themselves, before `/metrics` answers.
    pub gauges: Arc<dyn Gauges>,
    /// True once webhooks are accepted and until the shutdown begins.
    pub ready: tokio::sync::watch::Receiver<bool>,
    /// OPA servers that policies are asked of, by the name that `/health` shows them with.
    pub opa_servers: Vec<(String, OpaServer)>,
    /// Whether decisions are shown to whoever has their address.
    pub pages: Pages,
}

/// Counters that live in other rooms.
pub trait Gauges: Send + Sync + std::fmt::Debug {
    fn fill(&self, metrics: &Metrics);
}

/// `GET /health`, `/live`, `/ready`, `/metrics`, `/decisions/{id}` and `/api/v1/decisions/{id}`.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/live", get(|| async { "alive\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/decisions/{id}", get(decisions::page))
        .route("/api/v1/decisions/{id}", get(decisions::json))
        .with_state(api)
}

#[derive(Serialize)]
struct Health {
    timestamp: String,
    status: &'static str,
    service_name: &'static str,
    version: &'static str,
    commit: &'static str,
    build_time: &'static str,
    os: &'static str,
    architecture: &'static str,
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Serialize)]
struct Dependency {
    timestamp: String,
    status: &'static str,
    message: String,
    duration_ms: u64,
}

async fn health(Shared(api): Shared<Api>) -> Response {
    let span = spans::health_handle();
    let checked = check(&api).instrument(spans::health_check()).instrument(span.clone()).await;
    span.record("health.status", checked.status);
    spans::well(&span);
    let code = if checked.status == "healthy" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(checked)).into_response()
}

async fn check(api: &Api) -> Health {
    let servers = join_all(
        api.opa_servers
            .iter()
            .map(|(name, server)| async { (name.clone(), asked(spans::health_opa(), name, opa(server)).await) }),
    );
    let (storage, servers) = tokio::join!(asked(spans::health_storage(), "storage", storage(&api.state)), servers);
    let mut dependencies: BTreeMap<String, Dependency> = servers.into_iter().collect();
    dependencies.insert("storage".to_owned(), storage);
    let any = |status: &str| dependencies.values().any(|dependency| dependency.status == status);
    let status = ["error", "degraded"].into_iter().find(|status| any(status)).unwrap_or("healthy");
    tracing::Span::current().record("health.status", status);
    spans::well(&tracing::Span::current());
    Health {
        timestamp: now(),
        status,
        service_name: "palisade",
        version: env!("CARGO_PKG_VERSION"),
        // Whoever builds a release says them; a build from a working directory is of no commit.
        commit: option_env!("PALISADE_COMMIT").unwrap_or("unknown"),
        build_time: option_env!("PALISADE_BUILD_TIME").unwrap_or("unknown"),
        os: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
        dependencies,
    }
}

/// Asks a dependency in its span.
async fn asked(span: tracing::Span, name: &str, question: impl Future<Output = Dependency>) -> Dependency {
    span.record("health.dependency", name);
    let dependency = question.instrument(span.clone()).await;
    span.record("health.status", dependency.status);
    match dependency.status {
        "healthy" => spans::well(&span),
        _ => spans::failed(&span, &dependency.message),
    }
    dependency
}

async fn storage(state: &State) -> Dependency {
    let started = Instant::now();
    let (status, message) = match tokio::time::timeout(PING_PATIENCE, state.store().ping()).await {
        Ok(Ok(reply)) => ("healthy", format!("Storage service is responding: {reply}")),
        Ok(Err(error)) => ("error", format!("Failed to connect to storage: {error}")),
        Err(_) => ("error", "Failed to connect to storage: no answer within 3 s".to_owned()),
    };
    Dependency { timestamp: now(), status, message, duration_ms: started.elapsed().as_millis() as u64 }
}

async fn opa(server: &OpaServer) -> Dependency {
    let started = Instant::now();
    let (status, message) = match server.health().await {
        Reachable::Well => ("healthy", "OPA service is responding".to_owned()),
        Reachable::Ill(status) => ("degraded", format!("OPA returned status code: {status}")),
        Reachable::Away(why) => ("error", format!("Failed to connect to OPA: {why}")),
    };
    Dependency { timestamp: now(), status, message, duration_ms: started.elapsed().as_millis() as u64 }
}

async fn ready(Shared(api): Shared<Api>) -> Response {
    let listening = *api.ready.borrow();
    if listening && storage(&api.state).await.status == "healthy" {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

impl Api {
    /// Brings up to date what is only known when somebody looks.
    pub async fn fill_gauges(&self) {
        let depth = self.queue.depth().await;
        let states = [
            ("waiting", depth.waiting),
            ("running", depth.running),
            ("delayed", depth.delayed),
            ("buried", depth.buried),
        ];
        for (state, count) in states {
            self.metrics.queue_depth.with_label_values(&[state]).set(count as i64);
        }
        self.metrics.queue_oldest_seconds.set(depth.oldest.as_secs_f64());
        self.gauges.fill(&self.metrics);
    }
}

async fn metrics(Shared(api): Shared<Api>) -> Response {
    api.fill_gauges().await;
    match api.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
