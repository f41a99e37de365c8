//! One lane per installation: how many calls at once, and until when none at all. Nobody sleeps in here;
//! a limited installation's calls fail at once, and the job is postponed.

use super::error::GitHubError;
use crate::model::{InstallationId, Unix};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// GitHub allows 100 over everything; ten per installation leaves room for ten busy ones.
const CONCURRENT_CALLS: usize = 10;
/// GitHub's advice where it does not say how long: a minute, then longer each time.
const UNSTATED_WAIT_S: u64 = 60;
/// Longer than an hour makes no sense: then every bucket is full again.
const LONGEST_WAIT_S: u64 = 3600;

#[derive(Default)]
pub(super) struct Lanes {
    /// The App's own calls (`None`) have a bucket of their own at GitHub.
    lane_by_installation: Mutex<HashMap<Option<InstallationId>, Arc<Lane>>>,
}

pub(super) struct Lane {
    pub permits: Semaphore,
    closed_until: AtomicU64,
    unstated_in_a_row: AtomicU32,
}

impl Lanes {
    pub fn of(&self, installation: Option<InstallationId>) -> Arc<Lane> {
        let mut lanes = self.lane_by_installation.lock().expect("nothing panics while it holds the lanes");
        lanes.entry(installation).or_insert_with(|| Arc::new(Lane::new())).clone()
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            permits: Semaphore::new(CONCURRENT_CALLS),
            closed_until: AtomicU64::new(0),
            unstated_in_a_row: AtomicU32::new(0),
        }
    }

    /// Fails while GitHub wants this installation to wait.
    pub fn check(&self, now: Unix) -> Result<(), GitHubError> {
        let until = self.closed_until.load(Ordering::Relaxed);
        if now < until { Err(GitHubError::RateLimited { until }) } else { Ok(()) }
    }

    /// Closes the lane until the time that the answer's headers give, and says it.
    pub fn close(&self, headers: &http::HeaderMap, now: Unix) -> GitHubError {
        let until = stated_end(headers, now).unwrap_or_else(|| {
            let before = self.unstated_in_a_row.fetch_add(1, Ordering::Relaxed).min(6);
            now + (UNSTATED_WAIT_S << before).min(LONGEST_WAIT_S)
        });
        self.closed_until.fetch_max(until, Ordering::Relaxed);
        GitHubError::RateLimited { until }
    }

    pub fn went_well(&self) {
        self.unstated_in_a_row.store(0, Ordering::Relaxed);
    }
}

/// A 403 or 429 is a limit if its headers or its text say so; else only 429 is.
pub(super) fn is_limit(status: http::StatusCode, headers: &http::HeaderMap, message: &str) -> bool {
    status == http::StatusCode::TOO_MANY_REQUESTS
        || headers.contains_key("retry-after")
        || number(headers, "x-ratelimit-remaining") == Some(0)
        || message.to_ascii_lowercase().contains("rate limit")
}

fn stated_end(headers: &http::HeaderMap, now: Unix) -> Option<Unix> {
    if let Some(seconds) = number(headers, "retry-after") {
        return Some(now + seconds.clamp(1, LONGEST_WAIT_S));
    }
    if number(headers, "x-ratelimit-remaining") != Some(0) {
        return None;
    }
    number(headers, "x-ratelimit-reset").map(|reset| reset.clamp(now + 1, now + LONGEST_WAIT_S))
}

fn number(headers: &http::HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_wait_is_what_github_says_in_github_s_order() {
        let lane = Lane::new();
        let both = headers(&[("retry-after", "30"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600")]);
        assert_eq!(lane.close(&both, 1000), GitHubError::RateLimited { until: 1030 });
        let reset = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600")]);
        assert_eq!(lane.close(&reset, 1000), GitHubError::RateLimited { until: 1600 });
        assert!(lane.check(1599).is_err());
        assert!(lane.check(1600).is_ok());
    }

    #[test]
    fn an_unstated_wait_grows() {
        let lane = Lane::new();
        let waits: Vec<_> = (0..8).map(|_| lane.close(&HeaderMap::new(), 0)).collect();
        assert_eq!(waits[0], GitHubError::RateLimited { until: 60 });
        assert_eq!(waits[1], GitHubError::RateLimited { until: 120 });
        assert_eq!(waits[7], GitHubError::RateLimited { until: 3600 });
    }

    #[test]
    fn a_missing_permission_is_not_a_limit() {
        let permission = "Resource not accessible by integration";
        assert!(!is_limit(StatusCode::FORBIDDEN, &headers(&[("x-ratelimit-remaining", "4999")]), permission));
        assert!(is_limit(StatusCode::FORBIDDEN, &headers(&[("x-ratelimit-remaining", "0")]), ""));
        assert!(is_limit(StatusCode::FORBIDDEN, &HeaderMap::new(), "You have exceeded a secondary rate limit."));
        assert!(is_limit(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), ""));
    }
}
