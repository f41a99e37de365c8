//! What GitHub's answers say about limits: whether one is, until when, and what is left of the hour.

use super::RESERVE_PERCENT;
use crate::github::Priority;
use crate::model::Unix;
use http::{HeaderMap, StatusCode, header};

/// GitHub's windows are hours at most, but a wait that it states is kept, since who comes back early risks the App. Beyond a
/// day it is rather a broken header on the way, which must not silence an installation for good.
pub(super) const LONGEST_WAIT_S: u64 = 24 * 3600;

/// A 403 or 429 is a limit if its headers or its text say so; else only 429 is.
pub(in crate::github) fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || headers.contains_key("retry-after")
        || number(headers, "x-ratelimit-remaining") == Some(0)
        || message.to_ascii_lowercase().contains("rate limit")
}

pub(super) fn retry_after(headers: &HeaderMap, now: Unix) -> Option<Unix> {
    // `now` is a second that has begun: counted from its start the wait would end early.
    number(headers, "retry-after").map(|seconds| now + 1 + seconds.clamp(1, LONGEST_WAIT_S))
}

/// The first second in which GitHub may be asked again, where it says so.
pub(super) fn stated_end(headers: &HeaderMap, now: Unix) -> Option<Unix> {
    if let Some(end) = retry_after(headers, now) {
        return Some(end);
    }
    if number(headers, "x-ratelimit-remaining") != Some(0) {
        return None;
    }
    hour_end(headers, now).map(|end| end.max(now + 1))
}

/// What the server of an answer takes the time to be.
pub(in crate::github) fn date(headers: &HeaderMap) -> Option<Unix> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    u64::try_from(jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second()).ok()
}

/// By our clock. GitHub tells it by its own, which the same answer tells too, so that a difference between them is
/// not waited too little.
fn hour_end(headers: &HeaderMap, now: Unix) -> Option<Unix> {
    let reset = number(headers, "x-ratelimit-reset")?;
    // As above, the second after `now`.
    let end = date(headers).map_or(reset, |date| (now + 1).saturating_add(reset.saturating_sub(date)));
    Some(end.min(now + LONGEST_WAIT_S))
}

/// What is left of an installation's hour, as the last answers told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    limit: u64,
    remaining: u64,
    /// By GitHub's clock: the name of its hour.
    reset: Unix,
    /// By ours.
    end: Unix,
}

impl Budget {
    /// None where the answer tells none: an Enterprise Server without limits, or another budget than that of REST calls.
    pub fn of(headers: &HeaderMap, now: Unix) -> Option<Self> {
        if headers.get("x-ratelimit-resource").is_some_and(|resource| resource != "core") {
            return None;
        }
        Some(Self {
            limit: number(headers, "x-ratelimit-limit")?,
            remaining: number(headers, "x-ratelimit-remaining")?,
            reset: number(headers, "x-ratelimit-reset")?.min(date(headers).unwrap_or(now) + LONGEST_WAIT_S),
            end: hour_end(headers, now)?,
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
        (now < self.end && self.percent_left() <= kept && (kept > 0 || self.remaining == 0)).then_some(self.end)
    }

    /// Of the hour's budget, rounded down.
    pub fn percent_left(&self) -> u64 {
        (u128::from(self.remaining) * 100 / u128::from(self.limit.max(1))) as u64
    }

    pub fn is_current(&self, now: Unix) -> bool {
        now < self.end
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
    fn a_wait_is_counted_on_github_s_clock_and_kept_whole() {
        // 1970-01-01T00:10:00Z at GitHub, while we believe that it is 1,000 s past midnight.
        let date = ("date", "Thu, 01 Jan 1970 00:10:00 GMT");
        let told = headers(&[date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")]);
        assert_eq!(stated_end(&told, 1_000), Some(1_301));
        let past = headers(&[date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "500")]);
        assert_eq!(stated_end(&past, 1_000), Some(1_001));
        let far = headers(&[date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "18446744073709551615")]);
        assert_eq!(stated_end(&far, 1_000), Some(1_000 + LONGEST_WAIT_S));
        assert_eq!(stated_end(&headers(&[("retry-after", "7200")]), 1_000), Some(8_201));
        let hour =
            headers(&[date, ("x-ratelimit-limit", "10"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")]);
        assert_eq!(Budget::of(&hour, 1_000).unwrap().refuses(Priority::Publish, 1_300), Some(1_301));
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
