//! What the answers say while the storage does not answer, or answers with an error.

use super::*;
use crate::model::{Clock, Unix};
use crate::queue::memory::MemoryQueue;
use crate::state::memory::MemoryStore;
use crate::state::records::StoredRecords;
use crate::state::{Store, StoreError};
use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use tower::ServiceExt as _;

#[derive(Debug)]
struct Stopped;
impl Clock for Stopped {
    fn now(&self) -> Unix {
        1_767_225_600
    }
}

#[derive(Debug)]
struct Nothing;
impl Gauges for Nothing {
    fn fill(&self, _: &Metrics) {}
}

/// A store that is away: it refuses, or does not answer at all.
#[derive(Debug)]
enum Away {
    Refuses,
    Hangs,
}

#[async_trait]
impl Store for Away {
    async fn get(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
        unreachable!("nobody reads")
    }
    async fn set(&self, _: &str, _: Bytes, _: Option<Duration>) -> Result<(), StoreError> {
        unreachable!("nobody writes")
    }
    async fn set_if_absent(&self, _: &str, _: Bytes, _: Option<Duration>) -> Result<bool, StoreError> {
        unreachable!("nobody writes")
    }
    async fn extend(&self, _: &str, _: &Bytes, _: Duration) -> Result<bool, StoreError> {
        unreachable!("nobody writes")
    }
    async fn delete(&self, _: &str) -> Result<bool, StoreError> {
        unreachable!("nobody writes")
    }
    async fn delete_if(&self, _: &str, _: &Bytes) -> Result<bool, StoreError> {
        unreachable!("nobody writes")
    }
    async fn keys(&self, _: &str) -> Result<Vec<String>, StoreError> {
        unreachable!("nobody reads")
    }
    async fn sweep(&self) -> Result<usize, StoreError> {
        unreachable!("nobody sweeps")
    }
    async fn ping(&self) -> Result<String, StoreError> {
        match self {
            Away::Refuses => Err(StoreError::Unavailable("connection refused".to_owned())),
            Away::Hangs => std::future::pending().await,
        }
    }
}

fn served(store: Arc<dyn Store>) -> (tokio::sync::watch::Sender<bool>, Router) {
    let clock: Arc<dyn Clock> = Arc::new(Stopped);
    let memory = || Arc::new(MemoryStore::new(clock.clone(), 10, 1_000));
    let (ready, is_ready) = tokio::sync::watch::channel(true);
    let expiry = Duration::from_secs(60);
    let api = Api {
        state: State::new(store, Arc::new(StoredRecords::new(memory(), expiry)), memory(), expiry),
        queue: Arc::new(MemoryQueue::new(clock.clone(), 1, Duration::ZERO)),
        metrics: Metrics::new().unwrap(),
        gauges: Arc::new(Nothing),
        ready: is_ready,
        opa_servers: Vec::new(),
        pages: Pages::Off,
    };
    (ready, router(api))
}

async fn get(router: &Router, path: &str) -> (u16, String) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Proves R32, W40.
#[tokio::test]
async fn without_storage_the_host_is_alive_and_not_ready() {
    for (store, told) in [
        (Away::Refuses, "Failed to connect to storage: the store is unavailable: connection refused"),
        (Away::Hangs, "Failed to connect to storage: no answer within 3 s"),
    ] {
        let (_ready, router) = served(Arc::new(store));
        let (health, ready) = tokio::join!(get(&router, "/health"), get(&router, "/ready"));
        assert_eq!(health.0, 503);
        let health: serde_json::Value = serde_json::from_str(&health.1).unwrap();
        assert_eq!(
            (&health["status"], &health["dependencies"]["storage"]["status"]),
            (&"error".into(), &"error".into())
        );
        assert_eq!(health["dependencies"]["storage"]["message"], told);
        assert_eq!(ready, (503, "not ready\n".to_owned()));
        assert_eq!(get(&router, "/live").await, (200, "alive\n".to_owned()));
    }
}

/// Proves R32, W40.
#[tokio::test]
async fn a_host_that_begins_to_stop_is_alive_and_not_ready() {
    let clock: Arc<dyn Clock> = Arc::new(Stopped);
    let (ready, router) = served(Arc::new(MemoryStore::new(clock, 10, 1_000)));
    assert_eq!(get(&router, "/ready").await.0, 200);
    ready.send_replace(false);
    assert_eq!(get(&router, "/ready").await.0, 503);
    assert_eq!(get(&router, "/live").await.0, 200);
    assert_eq!(get(&router, "/health").await.0, 200, "what it depends on is well");
}
