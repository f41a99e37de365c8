//! What may leave for GitHub, and when. One lane per installation: a closed one fails its calls at once, and the job is
//! postponed; the others do not notice. Nobody sleeps in here for a limit: only a bucket that is full again within a
//! second is waited for, and a place among the calls under way.

mod places;
mod rates;
mod said;

#[cfg(test)]
pub(super) use places::AT_ONCE;
pub(super) use rates::Cost;
pub(super) use said::{date, is_limit};

use super::Priority;
use super::counters::{Counters, count};
use super::error::GitHubError;
use crate::model::{Clock, InstallationId, Unix};
use governor::clock::Clock as _;
use places::{LaneKey, Place, Places};
use rates::{Rates, Ticks};
use said::Budget;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// GitHub's advice where it does not say how long: a minute, then longer each time.
const UNSTATED_WAIT_S: u64 = 60;
/// Then every bucket of GitHub's is full again.
const LONGEST_UNSTATED_WAIT_S: u64 = 3600;
/// Of an installation's hour, kept from sweeps and pages: what is pushed meanwhile must be judged.
pub(super) const RESERVE_PERCENT: u64 = 15;
/// So long a call waits for a bucket to fill. A job that is given back instead is leased, recollected and planned again,
/// and what it had read is read again: more work than a second of one worker.
const PATIENCE: Duration = Duration::from_secs(1);
/// Who is refused comes back after who was refused before, but not later than this: meanwhile much may have changed.
const LONGEST_PROMISE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Limits {
    lanes: Mutex<HashMap<LaneKey, Arc<Lane>>>,
    places: Places,
    ticks: Ticks,
    write_spacing: Duration,
}

/// A call that wants out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// None for the App's own calls, which have a bucket of their own at GitHub.
    pub installation: Option<InstallationId>,
    pub priority: Priority,
    pub cost: Cost,
}

/// A call that was let out. Dropping it lets the next one out.
#[derive(Debug)]
pub(super) struct Admission {
    /// How often its lane had been closed when it left.
    closings: u64,
    _place: Place,
}

/// What is left to the App's installations, in figures whose number does not grow with theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetReport {
    /// Installations that send nothing now.
    pub limited_installations: u64,
    /// Of the installation that has least left of its hour; 100 where nobody was told of limits.
    pub lowest_percent_left: u64,
    pub calls_under_way: u64,
    pub calls_waiting: u64,
}

impl Limits {
    pub fn new(write_spacing: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { lanes: Mutex::default(), places: Places::default(), ticks: Ticks::new(clock), write_spacing }
    }

    /// Lets a call out, now or never: `RateLimited` says when to come back. `now` is the time at GitHub.
    pub async fn admit(
        &self,
        wish: Wish,
        now: impl Fn() -> Unix,
        counters: &Counters,
    ) -> Result<Admission, GitHubError> {
        let lane = self.lane(wish.installation);
        lane.open_to(wish.priority, now()).inspect_err(|_| count(&counters.rate_limited))?;
        self.pay(&lane, wish, &now, counters).await?;
        let place = self.places.take(wish.installation, wish.priority).await;
        // While it waited GitHub may have closed the lane. Who was refused closes it before leaving its place, so that
        // no place is used again for a request that GitHub does not want.
        lane.open_to(wish.priority, now()).inspect_err(|_| count(&counters.rate_limited))?;
        let closings = lane.lock().closings;
        Ok(Admission { closings, _place: place })
    }

    async fn pay(
        &self,
        lane: &Lane,
        wish: Wish,
        now: impl Fn() -> Unix,
        counters: &Counters,
    ) -> Result<(), GitHubError> {
        let Some(rates) = &lane.rates else { return Ok(()) };
        let mut patience = PATIENCE;
        loop {
            let wait = match rates.take(wish.cost, wish.priority) {
                Ok(()) => return Ok(()),
                Err(wait) => wait,
            };
            let Some(rest) = patience.checked_sub(wait) else {
                count(&counters.postponed);
                return Err(self.promise(lane, wish.priority, wait, now()));
            };
            patience = rest;
            count(&counters.waits);
            counters.waited_ms.fetch_add(wait.as_millis() as u64, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether a job of this installation should begin: not while a call of it would be refused.
    pub fn ready(&self, installation: InstallationId, priority: Priority, now: Unix) -> Result<(), GitHubError> {
        let lane = self.lane(Some(installation));
        lane.open_to(priority, now)?;
        let refused_until = lane.lock().refused_until(priority);
        match refused_until.checked_sub(self.ticks.now()) {
            Some(wait) if !wait.is_zero() => Err(self.promise(&lane, priority, wait, now)),
            _ => Ok(()),
        }
    }

    pub fn is_limited(&self, installation: InstallationId, now: Unix) -> bool {
        self.known(Some(installation)).is_some_and(|lane| self.limits(&lane, now))
    }

    /// How many calls an installation has in an hour, as far as GitHub said.
    pub fn calls_an_hour(&self, installation: InstallationId) -> Option<u64> {
        self.known(Some(installation))?.lock().budget.map(Budget::limit)
    }

    /// What an answer's headers say of the hour.
    pub fn heard(&self, installation: Option<InstallationId>, headers: &http::HeaderMap, now: Unix) {
        if let Some(budget) = Budget::of(headers, now) {
            let lane = self.lane(installation);
            let mut standing = lane.lock();
            standing.budget = Some(budget.after(standing.budget));
        }
    }

    /// Closes the lane until the time that the answer's headers give, and says it.
    pub fn close(&self, installation: Option<InstallationId>, headers: &http::HeaderMap, now: Unix) -> GitHubError {
        self.lane(installation).close(headers, now)
    }

    /// Closes the lane as an answer asks that is no refusal, but an outage; if it does.
    pub fn rest(&self, installation: Option<InstallationId>, headers: &http::HeaderMap, now: Unix) {
        if let Some(until) = said::retry_after(headers, now) {
            let lane = self.lane(installation);
            let mut standing = lane.lock();
            standing.closed_until = standing.closed_until.max(until);
        }
    }

    /// Waits that GitHub does not state begin small again, unless the call left before the last refusal: then it says
    /// nothing of what holds since.
    pub fn went_well(&self, installation: Option<InstallationId>, admission: &Admission) {
        let lane = self.lane(installation);
        let mut standing = lane.lock();
        if standing.closings == admission.closings {
            standing.unstated_in_a_row = 0;
        }
    }

    pub fn report(&self, now: Unix) -> BudgetReport {
        let lanes: Vec<_> = self.lock().iter().map(|(key, lane)| (*key, lane.clone())).collect();
        let (calls_under_way, calls_waiting) = self.places.count();
        let limited = lanes.iter().filter(|(key, lane)| key.is_some() && self.limits(lane, now)).count();
        let budgets = lanes.iter().filter_map(|(_, lane)| lane.lock().budget);
        let left = budgets.filter(|budget| budget.is_current(now)).map(|budget| budget.percent_left());
        BudgetReport {
            limited_installations: limited as u64,
            lowest_percent_left: left.min().unwrap_or(100),
            calls_under_way: calls_under_way as u64,
            calls_waiting: calls_waiting as u64,
        }
    }

    fn limits(&self, lane: &Lane, now: Unix) -> bool {
        lane.open_to(Priority::Publish, now).is_err() || lane.lock().refused_until(Priority::Publish) > self.ticks.now()
    }

    /// A time to come back at, for each who is refused a later one: else all come back at once, and all but one in vain.
    fn promise(&self, lane: &Lane, priority: Priority, wait: Duration, now: Unix) -> GitHubError {
        let here = self.ticks.now();
        let mut standing = lane.lock();
        let refused = standing.refused(priority);
        refused.until = refused.until.max(here + wait);
        let next = (refused.promised + self.write_spacing).clamp(here + wait, here + wait.max(LONGEST_PROMISE));
        refused.promised = next;
        let seconds = (next - here).as_millis().div_ceil(1_000) as u64;
        GitHubError::RateLimited { until: now + seconds.max(1) }
    }

    fn lane(&self, key: LaneKey) -> Arc<Lane> {
        let new = || Arc::new(Lane::new(Rates::new(self.write_spacing, &self.ticks)));
        self.lock().entry(key).or_insert_with(new).clone()
    }

    fn known(&self, key: LaneKey) -> Option<Arc<Lane>> {
        self.lock().get(&key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LaneKey, Arc<Lane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What holds for one installation.
#[derive(Debug)]
struct Lane {
    standing: Mutex<Standing>,
    rates: Option<Rates>,
}

#[derive(Debug, Default)]
struct Standing {
    /// By GitHub's word.
    closed_until: Unix,
    /// How often.
    closings: u64,
    unstated_in_a_row: u32,
    budget: Option<Budget>,
    urgent: Refused,
    /// Who has to leave what is kept for the urgent.
    patient: Refused,
}

/// By our own buckets.
#[derive(Clone, Copy, Debug, Default)]
struct Refused {
    /// Who was refused last would have been let out then.
    until: Duration,
    /// When the last who was refused comes back.
    promised: Duration,
}

impl Standing {
    fn refused(&mut self, priority: Priority) -> &mut Refused {
        if priority.may_use_the_reserve() { &mut self.urgent } else { &mut self.patient }
    }

    /// What is refused to the urgent is refused to all.
    fn refused_until(&self, priority: Priority) -> Duration {
        let patient = if priority.may_use_the_reserve() { Duration::ZERO } else { self.patient.until };
        self.urgent.until.max(patient)
    }

    /// The end of a wait that GitHub does not state. Calls under way together are refused together: only the first of
    /// them tells something new.
    fn unstated_end(&mut self, now: Unix) -> Unix {
        if now < self.closed_until {
            return self.closed_until;
        }
        let before = self.unstated_in_a_row.min(6);
        self.unstated_in_a_row += 1;
        now + 1 + (UNSTATED_WAIT_S << before).min(LONGEST_UNSTATED_WAIT_S)
    }
}

impl Lane {
    fn new(rates: Option<Rates>) -> Self {
        Self { standing: Mutex::default(), rates }
    }

    /// Fails while GitHub wants this installation to wait, or while what is left of its hour is kept for others.
    fn open_to(&self, priority: Priority, now: Unix) -> Result<(), GitHubError> {
        let standing = self.lock();
        let kept_until = standing.budget.and_then(|budget| budget.refuses(priority, now)).unwrap_or(0);
        let until = standing.closed_until.max(kept_until);
        if now < until { Err(GitHubError::RateLimited { until }) } else { Ok(()) }
    }

    fn close(&self, headers: &http::HeaderMap, now: Unix) -> GitHubError {
        let mut standing = self.lock();
        standing.closings += 1;
        let until = said::stated_end(headers, now).unwrap_or_else(|| standing.unstated_end(now));
        standing.closed_until = standing.closed_until.max(until);
        GitHubError::RateLimited { until: standing.closed_until }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::StoppedClock;
    use super::*;
    use http::HeaderMap;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn limits(write_spacing: Duration) -> Limits {
        Limits::new(write_spacing, Arc::new(StoppedClock(1_000)))
    }

    fn until(refused: Result<(), GitHubError>) -> Option<Unix> {
        match refused {
            Err(GitHubError::RateLimited { until }) => Some(until),
            _ => None,
        }
    }

    const SHOP: InstallationId = InstallationId(5);

    #[test]
    fn the_wait_is_what_github_says_in_github_s_order() {
        let lane = Lane::new(None);
        let both = headers(&[("retry-after", "30"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600")]);
        assert_eq!(lane.close(&both, 1000), GitHubError::RateLimited { until: 1031 });
        let reset = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600")]);
        assert_eq!(lane.close(&reset, 1000), GitHubError::RateLimited { until: 1600 });
        assert!(lane.open_to(Priority::Publish, 1599).is_err());
        assert!(lane.open_to(Priority::Publish, 1600).is_ok());
    }

    #[test]
    fn an_unstated_wait_grows() {
        let lane = Lane::new(None);
        let mut now = 0;
        let waits = [(); 8].map(|()| {
            let began = now;
            now = until(Err(lane.close(&HeaderMap::new(), now))).expect("a time");
            now - began
        });
        assert_eq!(waits, [61, 121, 241, 481, 961, 1921, 3601, 3601]);
    }

    #[tokio::test]
    async fn calls_that_are_refused_together_wait_as_one() {
        let limits = limits(Duration::ZERO);
        let counters = Counters::default();
        let wish = Wish { installation: Some(SHOP), priority: Priority::Evaluate, cost: Cost::Read };
        let early = limits.admit(wish, || 1_000, &counters).await.expect("nothing is closed");
        let unstated = |now| until(Err(limits.close(Some(SHOP), &HeaderMap::new(), now)));
        for _ in 0..7 {
            assert_eq!(unstated(1_000), Some(1_061));
        }
        limits.went_well(Some(SHOP), &early);
        assert_eq!(unstated(1_061), Some(1_182), "who left before the refusal does not take it back");
        let late = limits.admit(wish, || 1_182, &counters).await.expect("it is open again");
        limits.went_well(Some(SHOP), &late);
        assert_eq!(unstated(1_183), Some(1_244));
    }

    /// Proves R31, W33.
    #[tokio::test]
    async fn who_is_refused_a_write_comes_back_one_after_the_other() {
        let limits = limits(Duration::from_secs(10));
        let counters = Counters::default();
        let wish = Wish { installation: Some(SHOP), priority: Priority::Publish, cost: Cost::Write };
        for _ in 0..20 {
            limits.admit(wish, || 1_000, &counters).await.expect("the bucket is full");
        }
        assert!(!limits.is_limited(SHOP, 1_000), "nobody was refused yet");
        let mut promised = Vec::new();
        for _ in 0..3 {
            promised.push(until(limits.admit(wish, || 1_000, &counters).await.map(drop)).expect("it is empty"));
        }
        assert_eq!(promised, [1_010, 1_020, 1_030]);
        assert_eq!(until(limits.ready(SHOP, Priority::Evaluate, 1_000)), Some(1_040), "no job begins in vain");
        assert!(limits.is_limited(SHOP, 1_000));
        let other = Wish { installation: Some(InstallationId(6)), ..wish };
        assert!(limits.admit(other, || 1_000, &counters).await.is_ok(), "nobody else waits for it");
        assert_eq!(counters.postponed.load(Ordering::Relaxed), 3);
        assert_eq!(limits.report(1_000).limited_installations, 1);
    }

    #[tokio::test]
    async fn a_sweep_that_is_refused_holds_up_nobody_who_publishes() {
        let limits = limits(Duration::from_secs(10_000));
        let counters = Counters::default();
        for installation in [Some(SHOP), None] {
            let wish = |priority| Wish { installation, priority, cost: Cost::Read };
            for _ in 0..100 {
                limits.admit(wish(Priority::Sweep), || 1_000, &counters).await.expect("half is there");
            }
            assert!(limits.admit(wish(Priority::Sweep), || 1_000, &counters).await.is_err());
            let mint = Wish { cost: Cost::Mint, ..wish(Priority::Publish) };
            assert!(limits.admit(mint, || 1_000, &counters).await.is_ok());
        }
        assert!(limits.ready(SHOP, Priority::Evaluate, 1_000).is_ok());
        assert!(limits.ready(SHOP, Priority::Sweep, 1_000).is_err());
        assert!(!limits.is_limited(SHOP, 1_000));
    }

    #[tokio::test]
    async fn a_bucket_that_fills_within_a_second_is_waited_for() {
        let limits = limits(Duration::from_millis(5));
        let counters = Counters::default();
        let wish = Wish { installation: Some(SHOP), priority: Priority::Publish, cost: Cost::Write };
        for _ in 0..30 {
            limits.admit(wish, || 1_000, &counters).await.expect("the next is a few milliseconds away");
        }
        assert!(counters.waits.load(Ordering::Relaxed) > 0);
    }

    #[tokio::test]
    async fn a_sweep_leaves_the_last_of_the_hour_to_evaluations() {
        let limits = limits(Duration::ZERO);
        let told = [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "700"), ("x-ratelimit-reset", "2000")];
        limits.heard(Some(SHOP), &headers(&told), 1_000);
        let counters = Counters::default();
        let wish = |priority| Wish { installation: Some(SHOP), priority, cost: Cost::Read };
        let swept = limits.admit(wish(Priority::Sweep), || 1_000, &counters).await;
        assert_eq!(until(swept.map(drop)), Some(2_000));
        assert!(limits.admit(wish(Priority::Evaluate), || 1_000, &counters).await.is_ok());
        assert_eq!(limits.report(1_000).lowest_percent_left, 14);
    }
}
