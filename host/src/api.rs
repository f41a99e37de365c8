//! What operators, machines and readers of a decision ask: health, liveness, readiness, metrics, decisions. Never touches
//! a job.

mod decisions;

use crate::config::Pages;
use crate::queue::JobQueue;
use crate::rego::remote::{Health as Reachable, OpaServer};
use crate::state::State;
use crate::telemetry::Metrics;
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
    let servers = join_all(api.opa_servers.iter().map(|(name, server)| async { (name.clone(), opa(server).await) }));
    let (storage, servers) = tokio::join!(storage(&api.state), servers);
    let mut dependencies: BTreeMap<String, Dependency> = servers.into_iter().collect();
    dependencies.insert("storage".to_owned(), storage);
    let any = |status: &str| dependencies.values().any(|dependency| dependency.status == status);
    let status = ["error", "degraded"].into_iter().find(|status| any(status)).unwrap_or("healthy");
    let health = Health {
        timestamp: now(),
        status,
        service_name: "palisade",
        version: env!("CARGO_PKG_VERSION"),
        os: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
        dependencies,
    };
    let code = if status == "healthy" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(health)).into_response()
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

async fn metrics(Shared(api): Shared<Api>) -> Response {
    let depth = api.queue.depth().await;
    for (state, count) in
        [("waiting", depth.waiting), ("running", depth.running), ("delayed", depth.delayed), ("buried", depth.buried)]
    {
        api.metrics.queue_depth.with_label_values(&[state]).set(count as i64);
    }
    api.gauges.fill(&api.metrics);
    match api.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
