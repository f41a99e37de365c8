//! What machines ask: health as Polly told it, and readiness and liveness apart.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use palisade_tests::{TestHost, http};
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

/// An OPA server that answers its health check with a status, once as many were asked as the barrier says.
async fn opa(status: StatusCode, asked: Arc<Barrier>) -> String {
    let health = move || async move {
        asked.wait().await;
        status
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/health", get(health))).await });
    url
}

fn plugins(servers: &[(&str, &str)]) -> String {
    let plugin = |(name, url): &(&str, &str)| {
        format!("[plugins.{name}]\nopa_server = \"{url}\"\n[plugins.{name}.settings]\nentrypoint = \"main/deny\"\n")
    };
    servers.iter().map(plugin).collect()
}

async fn health(palisade: &TestHost) -> (u16, Value) {
    let answer = http::get(&palisade.url("/health")).await.expect("an answer");
    assert_eq!(answer.headers["content-type"], "application/json");
    (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
}

fn fields(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Proves R32.
#[tokio::test(flavor = "multi_thread")]
async fn health_has_pollys_fields() {
    let palisade = TestHost::start().await;
    let (status, health) = health(&palisade).await;
    assert_eq!(status, 200);
    let expected = [
        "architecture",
        "build_time",
        "commit",
        "dependencies",
        "os",
        "service_name",
        "status",
        "timestamp",
        "version",
    ];
    assert_eq!(fields(&health), expected);
    assert_eq!((&health["status"], &health["service_name"]), (&"healthy".into(), &"palisade".into()));
    assert_eq!(fields(&health["dependencies"]), ["storage"]);
    let storage = &health["dependencies"]["storage"];
    assert_eq!(fields(storage), ["duration_ms", "message", "status", "timestamp"]);
    assert_eq!(storage["message"], "Storage service is responding: pong");
    for timestamp in [&health["timestamp"], &storage["timestamp"]] {
        let text = timestamp.as_str().expect("a text");
        assert!(text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(), "{text} is RFC 3339 in UTC");
    }
    assert!(storage["duration_ms"].is_u64());
}

/// Each answers only once both were asked: one after the other would end after 5 s, as an error.
///
/// Proves R32, W40.
#[tokio::test(flavor = "multi_thread")]
async fn dependencies_are_asked_at_the_same_time_and_the_worst_of_them_counts() {
    let both = || Arc::new(Barrier::new(2));
    let asked = both();
    let [one, two] = [opa(StatusCode::OK, asked.clone()).await, opa(StatusCode::OK, asked).await];
    let palisade = TestHost::with(&plugins(&[("one", &one), ("two", &two)])).await;
    let (status, told) = health(&palisade).await;
    assert_eq!((status, &told["status"]), (200, &"healthy".into()), "{told}");
    assert_eq!(fields(&told["dependencies"]), ["opa:one", "opa:two", "storage"]);
    assert_eq!(told["dependencies"]["opa:one"]["message"], "OPA service is responding");

    let asked = both();
    let well = opa(StatusCode::OK, asked.clone()).await;
    let ill = opa(StatusCode::INTERNAL_SERVER_ERROR, asked).await;
    let degraded = TestHost::with(&plugins(&[("well", &well), ("ill", &ill)])).await;
    let (status, told) = health(&degraded).await;
    assert_eq!((status, &told["status"]), (503, &"degraded".into()), "{told}");
    assert_eq!(told["dependencies"]["opa:ill"]["message"], "OPA returned status code: 500");
    assert_eq!(http::get(&degraded.url("/ready")).await.expect("an answer").status, 200, "deliveries can be taken");

    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let away = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let ill = opa(StatusCode::NOT_FOUND, Arc::new(Barrier::new(1))).await;
    let error = TestHost::with(&plugins(&[("away", &away), ("ill", &ill)])).await;
    let (status, told) = health(&error).await;
    assert_eq!((status, &told["status"]), (503, &"error".into()), "{told}");
    assert_eq!(told["dependencies"]["opa:ill"]["status"], "degraded");
    let message = told["dependencies"]["opa:away"]["message"].as_str().expect("a text");
    assert!(message.starts_with("Failed to connect to OPA: "), "{message}");
}
