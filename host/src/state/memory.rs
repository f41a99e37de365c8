//! State in memory: for one instance. Needs nothing and forgets everything at the end of the process.

use super::{Store, StoreError};
use crate::model::{Clock, Unix};
use crate::telemetry::spans;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Entries in key order, with what they weigh.
#[derive(Debug)]
pub struct MemoryStore {
    entries: Mutex<Entries>,
    clock: Arc<dyn Clock>,
    max_entries: usize,
    max_bytes: usize,
    when_full: WhenFull,
}

/// What happens when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The newcomer is refused: for what must not be lost.
    Refuse,
    /// The oldest goes: for what is nice to have.
    Evict,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: BTreeMap<String, Entry>,
    /// The key of each entry by when it came or was last written, where the oldest may have to go.
    arrivals: BTreeMap<u64, String>,
    bytes: usize,
    counter: u64,
}

#[derive(Debug)]
struct Entry {
    value: Bytes,
    /// The first second at which it is gone.
    expires: Option<Unix>,
    /// Its place among the arrivals.
    arrival: u64,
}

/// What an entry costs beside key and value: tree node, two headers, rounded up.
const OVERHEAD_BYTES: usize = 128;

impl MemoryStore {
    pub fn new(clock: Arc<dyn Clock>, max_entries: usize, max_bytes: usize) -> Self {
        Self { entries: Mutex::default(), clock, max_entries, max_bytes, when_full: WhenFull::Refuse }
    }

    /// The same, but the oldest entries go when there is no room.
    pub fn evicting(self) -> Self {
        Self { when_full: WhenFull::Evict, ..self }
    }

    /// A panic in another task leaves whole entries behind: each change below is a single step.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries and bytes held, true sizes.
    pub fn size(&self) -> (usize, usize) {
        let entries = self.lock();
        (entries.by_key.len(), entries.bytes)
    }

    fn insert(&self, entries: &mut Entries, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), StoreError> {
        let size = key.len() + value.len() + OVERHEAD_BYTES;
        if size > self.max_bytes {
            return Err(StoreError::TooLarge { key: key.to_owned(), size, cap: self.max_bytes });
        }
        while self.when_full == WhenFull::Evict && !self.has_room(entries, key, size) {
            let Some(oldest) = entries.arrivals.first_key_value().map(|(_, key)| key.clone()) else { break };
            entries.remove(&oldest);
        }
        if !self.has_room(entries, key, size) {
            entries.sweep(self.clock.now());
        }
        if !self.has_room(entries, key, size) {
            return Err(StoreError::Unavailable(format!(
                "memory holds {} entries and {} bytes; raise state.max_entries or state.max_bytes",
                entries.by_key.len(),
                entries.bytes
            )));
        }
        entries.remove(key);
        // Sub-second times to live round up, never to nothing.
        let expires = ttl.filter(|ttl| !ttl.is_zero()).map(|ttl| self.clock.now() + ttl.as_secs().max(1));
        entries.bytes += size;
        entries.counter += 1;
        let arrival = entries.counter;
        if self.when_full == WhenFull::Evict {
            entries.arrivals.insert(arrival, key.to_owned());
        }
        entries.by_key.insert(key.to_owned(), Entry { value, expires, arrival });
        Ok(())
    }

    /// Whether so many bytes fit in, in the place of what the key holds now.
    fn has_room(&self, entries: &Entries, key: &str, size: usize) -> bool {
        let old = entries.by_key.get(key).map(|entry| entry.size(key));
        let count = entries.by_key.len() - usize::from(old.is_some());
        count < self.max_entries && entries.bytes - old.unwrap_or(0) + size <= self.max_bytes
    }
}

fn operation(span: tracing::Span, operation: &str) -> tracing::Span {
    span.record("storage.type", "memory");
    span.record("storage.operation", operation);
    span
}

impl Entries {
    fn live(&self, key: &str, now: Unix) -> Option<&Entry> {
        self.by_key.get(key).filter(|entry| !entry.expired(now))
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let entry = self.by_key.remove(key)?;
        self.bytes -= entry.size(key);
        self.arrivals.remove(&entry.arrival);
        Some(entry)
    }

    fn sweep(&mut self, now: Unix) -> usize {
        let expired: Vec<String> =
            self.by_key.iter().filter(|(_, entry)| entry.expired(now)).map(|(key, _)| key.clone()).collect();
        for key in &expired {
            self.remove(key);
        }
        expired.len()
    }
}

impl Entry {
    fn size(&self, key: &str) -> usize {
        key.len() + self.value.len() + OVERHEAD_BYTES
    }

    fn expired(&self, now: Unix) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let span = operation(spans::storage_get(), "get");
        let value = self.lock().live(key, self.clock.now()).map(|entry| entry.value.clone());
        span.record("cache.hit", value.is_some());
        if value.is_none() {
            // Not an error: what is not there is asked for all the time.
            span.record("cache.miss_reason", "not_found");
        }
        spans::well(&span);
        Ok(value)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), StoreError> {
        let span = operation(spans::storage_set(), "set");
        span.record("cache.size_bytes", value.len());
        let inserted = self.insert(&mut self.lock(), key, value, ttl);
        match &inserted {
            Ok(()) => spans::well(&span),
            Err(error) => spans::failed(&span, error),
        }
        inserted
    }

    async fn set_if_absent(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<bool, StoreError> {
        let mut entries = self.lock();
        if entries.live(key, self.clock.now()).is_some() {
            return Ok(false);
        }
        self.insert(&mut entries, key, value, ttl).map(|()| true)
    }

    async fn extend(&self, key: &str, value: &Bytes, ttl: Duration) -> Result<bool, StoreError> {
        let mut entries = self.lock();
        if entries.live(key, self.clock.now()).is_none_or(|entry| entry.value != value) {
            return Ok(false);
        }
        self.insert(&mut entries, key, value.clone(), Some(ttl)).map(|()| true)
    }

    async fn delete_if(&self, key: &str, value: &Bytes) -> Result<bool, StoreError> {
        let mut entries = self.lock();
        let holds = entries.live(key, self.clock.now()).is_some_and(|entry| entry.value == value);
        Ok(holds && entries.remove(key).is_some())
    }

    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.lock().remove(key).is_some_and(|entry| !entry.expired(self.clock.now())))
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let (entries, now) = (self.lock(), self.clock.now());
        let from = entries.by_key.range(prefix.to_owned()..);
        Ok(from
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, entry)| !entry.expired(now))
            .map(|(key, _)| key.clone())
            .collect())
    }

    async fn ping(&self) -> Result<String, StoreError> {
        Ok("pong".to_owned())
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        Ok(self.lock().sweep(self.clock.now()))
    }

    fn held(&self) -> Option<(usize, usize)> {
        Some(self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Debug, Default)]
    struct Hand(AtomicU64);
    impl Clock for Hand {
        fn now(&self) -> Unix {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn store(max_entries: usize) -> (MemoryStore, Arc<Hand>) {
        let clock = Arc::new(Hand::default());
        (MemoryStore::new(clock.clone(), max_entries, 1 << 20), clock)
    }

    /// Proves R13, W34.
    #[tokio::test]
    async fn memory_keeps_the_contract_of_a_store() {
        super::super::hold_to_the_contract(Arc::new(store(1000).0)).await;
    }

    /// Proves R13.
    #[tokio::test]
    async fn what_expired_is_absent_and_swept() {
        let (store, clock) = store(10);
        store.set("k", Bytes::from_static(b"v"), Some(Duration::from_secs(5))).await.expect("set");
        clock.0.store(4, Ordering::Relaxed);
        assert!(store.get("k").await.expect("get").is_some());
        clock.0.store(5, Ordering::Relaxed);
        assert_eq!(store.get("k").await.expect("get"), None);
        assert_eq!(store.sweep().await.expect("sweep"), 1);
        assert_eq!(store.size(), (0, 0));
    }

    #[tokio::test]
    async fn an_evicting_store_gives_up_the_oldest_and_takes_the_newcomer() {
        let store = store(2).0.evicting();
        for key in ["a", "b", "c"] {
            store.set(key, Bytes::from_static(b"v"), None).await.expect("set");
        }
        assert_eq!(store.keys("").await.expect("keys"), ["b", "c"]);
    }

    /// Proves R13, W34.
    #[tokio::test]
    async fn a_full_store_says_which_key_to_raise() {
        let (store, _) = store(1);
        store.set("a", Bytes::new(), None).await.expect("set");
        let error = store.set("b", Bytes::new(), None).await.unwrap_err();
        assert!(error.to_string().contains("state.max_entries"), "{error}");
    }

    #[tokio::test]
    async fn an_update_that_finds_no_room_leaves_the_old_value() {
        let store = MemoryStore::new(Arc::new(Hand::default()), 2, 2 * (1 + OVERHEAD_BYTES) + 2);
        for key in ["a", "b"] {
            store.set(key, Bytes::from_static(b"1"), None).await.expect("set");
        }
        let full = store.set("a", Bytes::from_static(b"22"), None).await;
        assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
        assert_eq!(store.get("a").await.expect("get"), Some(Bytes::from_static(b"1")));
        store.set("a", Bytes::from_static(b"3"), None).await.expect("a full store takes what takes an old one's place");
        assert_eq!(store.get("a").await.expect("get"), Some(Bytes::from_static(b"3")));
        assert_eq!(store.size(), (2, 2 * (1 + OVERHEAD_BYTES) + 2));
    }

    #[tokio::test]
    async fn what_is_written_again_or_deleted_stands_once_among_the_arrivals() {
        let store = store(2).0.evicting();
        for _ in 0..10 {
            store.set("a", Bytes::from_static(b"v"), None).await.expect("set");
        }
        store.set("b", Bytes::from_static(b"v"), None).await.expect("set");
        assert_eq!(store.lock().arrivals.len(), 2);
        store.set("a", Bytes::from_static(b"newer"), None).await.expect("set");
        store.set("c", Bytes::from_static(b"v"), None).await.expect("set");
        assert_eq!(store.keys("").await.expect("keys"), ["a", "c"], "the one that nobody wrote for longest goes");
        store.delete("a").await.expect("delete");
        assert_eq!(store.lock().arrivals.len(), 1);
    }
}
