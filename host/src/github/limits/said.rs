//! What GitHub's answers say about limits: whether one is, until when, and what is left of the hour.

use super::RESERVE_PERCENT;
use crate::github::Priority;
use crate::model::Unix;
use http::{HeaderMap, StatusCode};

/// Longer than an hour makes no sense: then every bucket is full again.
pub(super) const LONGEST_WAIT_S: u64 = 3600;

/// A 403 or 429 is a limit if its headers or its text say so; else only 429 is.
pub(in crate::github) fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || headers.contains_key("retry-after")
        || number(headers, "x-ratelimit-remaining") == Some(0)
        || message.to_ascii_lowercase().contains("rate limit")
}

/// The first second in which GitHub may be asked again, where it says so.
pub(super) fn stated_end(headers: &HeaderMap, now: Unix) -> Option<Unix> {
    if let Some(seconds) = number(headers, "retry-after") {
        // `now` is a second that has begun: counted from its start the wait would end early.
        return Some(now + 1 + seconds.clamp(1, LONGEST_WAIT_S));
    }
    if number(headers, "x-ratelimit-remaining") != Some(0) {
        return None;
    }
    number(headers, "x-ratelimit-reset").map(|reset| reset.clamp(now + 1, now + LONGEST_WAIT_S))
}

/// What is left of an installation's hour, as the last answers told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    limit: u64,
    remaining: u64,
    reset: Unix,
}

impl Budget {
    /// None where the answer tells none: an Enterprise Server without limits, or another budget than that of REST calls.
    pub fn of(headers: &HeaderMap, now: Unix) -> Option<Self> {
        if headers.get("x-ratelimit-resource").is_some_and(|resource| resource != "core") {
            return None;
        }
        let reset = number(headers, "x-ratelimit-reset")?.min(now + LONGEST_WAIT_S);
        Some(Self {
            limit: number(headers, "x-ratelimit-limit")?,
            remaining: number(headers, "x-ratelimit-remaining")?,
            reset,
        })
    }

    /// What the whole hour has.
    pub fn limit(self) -> u64 {
        self.limit
    }

    /// Answers overtake each other: within one hour the least that was told counts.
    pub fn after(self, before: Option<Self>) -> Self {
        match before {
            Some(before) if before.reset > self.reset => before,
            Some(before) if before.reset == self.reset => {
                Self { remaining: before.remaining.min(self.remaining), ..self }
            }
            _ => self,
        }
    }

    /// Until when calls of this priority are not sent.
    pub fn refuses(&self, priority: Priority, now: Unix) -> Option<Unix> {
        let kept = if priority.may_use_the_reserve() { 0 } else { RESERVE_PERCENT };
        (now < self.reset && self.percent_left() <= kept && (kept > 0 || self.remaining == 0)).then_some(self.reset)
    }

    /// Of the hour's budget, rounded down.
    pub fn percent_left(&self) -> u64 {
        (u128::from(self.remaining) * 100 / u128::from(self.limit.max(1))) as u64
    }

    pub fn is_current(&self, now: Unix) -> bool {
        now < self.reset
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn budget(remaining: &'static str, reset: &'static str) -> Budget {
        let told = [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)];
        Budget::of(&headers(&told), 1_000).unwrap()
    }

    #[test]
    fn a_missing_permission_is_not_a_limit() {
        let permission = "Resource not accessible by integration";
        assert!(!is_limit(StatusCode::FORBIDDEN, &headers(&[("x-ratelimit-remaining", "4999")]), permission));
        assert!(is_limit(StatusCode::FORBIDDEN, &headers(&[("x-ratelimit-remaining", "0")]), ""));
        assert!(is_limit(StatusCode::FORBIDDEN, &HeaderMap::new(), "You have exceeded a secondary rate limit."));
        assert!(is_limit(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), ""));
    }

    #[test]
    fn the_last_of_the_hour_is_for_evaluations_and_the_very_last_for_nobody() {
        let refused = |remaining, priority| budget(remaining, "2000").refuses(priority, 1_000);
        assert_eq!(refused("800", Priority::Sweep), None);
        assert_eq!(refused("750", Priority::Sweep), Some(2_000));
        assert_eq!(refused("750", Priority::Pages), Some(2_000));
        assert_eq!(refused("1", Priority::Evaluate), None);
        assert_eq!(refused("0", Priority::Publish), Some(2_000));
        assert_eq!(budget("0", "2000").refuses(Priority::Publish, 2_000), None, "the next hour has begun");
    }

    #[test]
    fn of_answers_that_overtake_each_other_the_least_counts() {
        let (early, late, next) = (budget("10", "2000"), budget("9", "2000"), budget("5000", "2100"));
        assert_eq!(early.after(Some(late)), late);
        assert_eq!(next.after(Some(late)), next);
        assert_eq!(late.after(Some(next)), next);
    }

    #[test]
    fn another_resource_s_budget_says_nothing() {
        let told = [("x-ratelimit-resource", "search"), ("x-ratelimit-limit", "30"), ("x-ratelimit-remaining", "0")];
        assert_eq!(Budget::of(&headers(&told), 0), None);
    }
}
