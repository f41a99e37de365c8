//! A clock that tests move: the real time, and what was added to it.

use palisade::model::{Clock, Unix};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

#[derive(Debug, Default)]
pub struct TestClock {
    ahead_s: AtomicU64,
}

impl TestClock {
    pub fn advance(&self, by: Duration) {
        self.ahead_s.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Unix {
        let real = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        real + self.ahead_s.load(Ordering::Relaxed)
    }
}
