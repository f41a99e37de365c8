//! How much each source may ask for. Who has delivered something verified is known, and gets far more than a stranger;
//! a stranger whose deliveries are refused is turned away before they are read. So a flood of them costs little, and
//! does not shut out those who come from elsewhere, nor GitHub behind the same address.

use super::source::{Proxies, Source};
use axum::Json;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::json;
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sources that are remembered at once, some 100 bytes each. Beyond them, strangers are limited together.
const SOURCES: usize = 65_536;
/// Looking for those that can be forgotten walks through all of them, so not for each request.
const FORGET_EVERY: Duration = Duration::from_secs(1);
/// Longer than any limit needs to be as if new.
const REMEMBERED: Duration = Duration::from_secs(120);
/// GitHub's addresses change seldom, and a busy App hears from each of them all the time.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
/// 2,000 a second by default: twice what the host is built to take.
const KNOWN_FACTOR: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
/// What may come at once, in seconds of the rate.
const BURST: NonZeroU32 = NonZeroU32::new(2).expect("not zero");
/// A flood must not fill the log as well.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What a source may do.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub requests_per_second: NonZeroU32,
    /// Deliveries refused for signature or form.
    pub refusals_per_minute: NonZeroU32,
}

/// What came of a delivery, in an answer's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Whoever sent it knows a secret.
    Verified,
    Refused,
}

/// In a request's extensions: its source sent something verified within the hour. Says nothing of this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known;

/// A request that is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shed {
    /// `rate` or `refusals`.
    pub reason: &'static str,
    pub retry_after_s: u64,
}

#[derive(Debug)]
pub(super) struct Guard {
    proxies: Proxies,
    requests: DefaultKeyedRateLimiter<Source>,
    requests_of_known: DefaultKeyedRateLimiter<Source>,
    refusals: DefaultKeyedRateLimiter<Source>,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    by_source: HashMap<Source, Standing>,
    most: usize,
    forgot: Instant,
    told: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    seen: Instant,
    verified: Option<Instant>,
    shut_until: Option<Instant>,
}

impl Guard {
    pub fn new(rates: Rates, proxies: Proxies) -> Self {
        let per_second = |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST));
        let known = rates.requests_per_second.saturating_mul(KNOWN_FACTOR);
        Self {
            proxies,
            requests: RateLimiter::keyed(per_second(rates.requests_per_second)),
            requests_of_known: RateLimiter::keyed(per_second(known)),
            refusals: RateLimiter::keyed(Quota::per_minute(rates.refusals_per_minute)),
            memory: Mutex::new(Memory { by_source: HashMap::new(), most: SOURCES, forgot: Instant::now(), told: None }),
        }
    }

    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.trusts(peer)
    }

    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        self.proxies.source(peer, headers)
    }

    /// Whether something verified came from there within the hour.
    pub fn knows(&self, source: Source) -> bool {
        self.memory().by_source.get(&source).is_some_and(|standing| standing.is_known(Instant::now()))
    }

    /// Whether a peer may begin with TLS.
    pub fn handshake(&self, peer: IpAddr) -> Result<(), Shed> {
        if self.trusts(peer) {
            return Ok(());
        }
        let now = Instant::now();
        let (source, standing) = self.recall(peer.into(), now);
        self.within_rate(source, &standing, now)
    }

    /// Whether a request is served; only deliveries are POSTs.
    pub fn admit(&self, source: Source, method: &Method) -> Result<(), Shed> {
        let now = Instant::now();
        let (source, standing) = self.recall(source, now);
        match standing.shut_until {
            Some(until) if until > now && !standing.is_known(now) && *method == Method::POST => {
                Err(self.shed(source, "refusals", until - now))
            }
            _ => self.within_rate(source, &standing, now),
        }
    }

    fn within_rate(&self, source: Source, standing: &Standing, now: Instant) -> Result<(), Shed> {
        let limiter = if standing.is_known(now) { &self.requests_of_known } else { &self.requests };
        limiter.check_key(&source).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            self.shed(source, "rate", wait)
        })
    }

    /// What came of a delivery from this source.
    pub fn hear(&self, source: Source, word: Word) {
        let now = Instant::now();
        match word {
            // By its own name, or all strangers would be known with it.
            Word::Verified => self.memory().standing(source, now).verified = Some(now),
            Word::Refused => {
                let (name, _) = self.recall(source, now);
                if let Err(until) = self.refusals.check_key(&name) {
                    let wait = until.wait_time_from(DefaultClock::default().now());
                    self.memory().standing(name, now).shut_until = Some(now + wait);
                }
            }
        }
    }

    /// What is known of a source, and the name that it goes by.
    fn recall(&self, source: Source, now: Instant) -> (Source, Standing) {
        let mut memory = self.memory();
        let full = memory.by_source.len() >= memory.most && !memory.by_source.contains_key(&source);
        if full && now.duration_since(memory.forgot) >= FORGET_EVERY {
            memory.forgot = now;
            memory.by_source.retain(|_, standing| !standing.is_over(now));
            for limiter in [&self.requests, &self.requests_of_known, &self.refusals] {
                limiter.retain_recent();
            }
        }
        let crowded = full && memory.by_source.len() >= memory.most;
        let source = if crowded { Source::Others } else { source };
        (source, *memory.standing(source, now))
    }

    fn shed(&self, source: Source, reason: &'static str, wait: Duration) -> Shed {
        let now = Instant::now();
        let mut memory = self.memory();
        if memory.told.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY) {
            memory.told = Some(now);
            tracing::warn!(%source, reason, "requests are answered 429; if this is a reverse proxy, add it to server.trusted_proxies");
        }
        // Rounded up: who comes back sooner is turned away again.
        Shed { reason, retry_after_s: wait.as_secs() + 1 }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each change is a single step, so a panic elsewhere leaves nothing half done.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn standing(&mut self, source: Source, now: Instant) -> &mut Standing {
        let new = Standing { seen: now, verified: None, shut_until: None };
        let standing = self.by_source.entry(source).or_insert(new);
        standing.seen = now;
        standing
    }
}

impl Standing {
    fn is_known(&self, now: Instant) -> bool {
        self.verified.is_some_and(|at| now.duration_since(at) < KNOWN_FOR)
    }

    fn is_over(&self, now: Instant) -> bool {
        !self.is_known(now) && now.duration_since(self.seen) >= REMEMBERED
    }
}

impl Shed {
    pub fn into_response(self) -> Response {
        let body = Json(json!({ "status": "too many requests" }));
        (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, self.retry_after_s.to_string())], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: Source = Source::V6(1);
    const GITHUB: Source = Source::V6(2);

    fn guard(requests: u32, refusals: u32) -> Guard {
        let rate = |rate| NonZeroU32::new(rate).unwrap();
        let rates = Rates { requests_per_second: rate(requests), refusals_per_minute: rate(refusals) };
        Guard::new(rates, Proxies::default())
    }

    fn refused(guard: &Guard, source: Source) -> Result<(), Shed> {
        guard.admit(source, &Method::POST)?;
        guard.hear(source, Word::Refused);
        Ok(())
    }

    #[test]
    fn who_is_refused_too_often_is_turned_away_and_nobody_else_is() {
        let guard = guard(1_000, 3);
        for _ in 0..4 {
            assert_eq!(refused(&guard, STRANGER), Ok(()));
        }
        let shed = guard.admit(STRANGER, &Method::POST).unwrap_err();
        assert_eq!((shed.reason, shed.retry_after_s), ("refusals", 20));
        assert_eq!(guard.admit(STRANGER, &Method::GET), Ok(()), "asking for health is no delivery");
        assert_eq!(guard.admit(GITHUB, &Method::POST), Ok(()));
    }

    #[test]
    fn who_knows_a_secret_is_not_measured_by_what_others_send_from_the_same_address() {
        let guard = guard(10, 3);
        guard.hear(GITHUB, Word::Verified);
        for _ in 0..300 {
            assert_eq!(refused(&guard, GITHUB), Ok(()));
        }
        let served = (0..300).take_while(|_| guard.admit(STRANGER, &Method::POST).is_ok()).count();
        assert!((20..300).contains(&served), "a stranger is measured by the rate: {served}");
    }

    #[test]
    fn a_source_that_waited_is_served_again() {
        let guard = guard(1_000, 1);
        while guard.admit(STRANGER, &Method::POST).is_ok() {}
        let patience = Instant::now() + Duration::from_secs(60);
        while guard.admit(STRANGER, &Method::POST).is_err() {
            assert!(Instant::now() < patience, "a thousand a second come back within a millisecond");
        }
    }

    #[test]
    fn no_more_sources_are_remembered_than_there_is_room_for() {
        let guard = guard(1, 1);
        guard.memory().most = 3;
        guard.hear(GITHUB, Word::Verified);
        for number in 10..1_000 {
            let _ = guard.admit(Source::V6(number), &Method::POST);
        }
        assert!(guard.memory().by_source.len() <= 4);
        assert_eq!(
            guard.admit(Source::V6(5_000), &Method::POST).unwrap_err().reason,
            "rate",
            "together with all others"
        );
        assert_eq!(guard.admit(GITHUB, &Method::POST), Ok(()));
        let another = Source::V6(6_000);
        guard.hear(another, Word::Verified);
        assert_eq!(guard.admit(another, &Method::POST), Ok(()));
        assert!(guard.admit(Source::V6(5_000), &Method::POST).is_err(), "and nobody else is known by that");
    }

    #[test]
    fn who_is_unknown_for_long_is_forgotten_before_a_newcomer_is_lumped_together() {
        let guard = guard(1, 1);
        guard.memory().most = 2;
        let long_ago = Instant::now().checked_sub(REMEMBERED).unwrap();
        for source in [STRANGER, GITHUB] {
            let _ = guard.admit(source, &Method::POST);
        }
        {
            let mut memory = guard.memory();
            memory.forgot = long_ago;
            memory.by_source.values_mut().for_each(|standing| standing.seen = long_ago);
        }
        assert_eq!(guard.admit(Source::V6(7), &Method::POST), Ok(()));
        assert_eq!(guard.memory().by_source.keys().collect::<Vec<_>>(), [&Source::V6(7)]);
    }
}
