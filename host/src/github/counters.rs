//! What this room did, for telemetry to read.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct Counters {
    /// Requests sent that only read.
    pub reads: AtomicU64,
    /// Requests sent that change something; minting is counted apart.
    pub writes: AtomicU64,
    /// Installation tokens asked for.
    pub mints: AtomicU64,
    /// Requests that were sent again after a failure.
    pub repetitions: AtomicU64,
    /// Answers that said 401.
    pub unauthorized: AtomicU64,
    /// Answers that said to wait, and calls refused here while waiting.
    pub rate_limited: AtomicU64,
    /// Calls refused here because the installation's own pace does not allow them yet.
    pub postponed: AtomicU64,
    /// Calls that waited for a bucket to fill, and how long in all.
    pub waits: AtomicU64,
    pub waited_ms: AtomicU64,
    /// Downloads begun on a blob host.
    pub downloads: AtomicU64,
}

impl Counters {
    /// All of them by name, as `/metrics` shows them.
    pub fn totals(&self) -> [(&'static str, u64); 10] {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("github_reads", read(&self.reads)),
            ("github_writes", read(&self.writes)),
            ("github_mints", read(&self.mints)),
            ("github_repetitions", read(&self.repetitions)),
            ("github_unauthorized", read(&self.unauthorized)),
            ("github_rate_limited", read(&self.rate_limited)),
            ("github_postponed", read(&self.postponed)),
            ("github_waits", read(&self.waits)),
            ("github_waited_ms", read(&self.waited_ms)),
            ("github_downloads", read(&self.downloads)),
        ]
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
