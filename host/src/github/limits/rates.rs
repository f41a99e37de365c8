//! How fast an installation's calls may follow each other: GitHub's secondary limits, kept a little below. A full bucket
//! and what a minute (or an hour) refills stay within the limit together, so that it holds in any minute, not on average.

use crate::github::Priority;
use crate::model::{Clock, Unix};
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Writes at once after a silence; GitHub asks for a second between them after that.
const WRITES_AT_ONCE: u32 = 20;
/// GitHub takes 900 points a minute: 200 and ten for each write's second are 800.
const POINTS_AT_ONCE: u32 = 200;
/// Of them, kept from sweeps and pages: who publishes what was decided meanwhile finds enough for all writes at once.
const POINTS_KEPT: u32 = POINTS_AT_ONCE / 2;
const POINTS_A_WRITE_S_TIME: u32 = 10;
/// GitHub takes about 80 new comments a minute: ten and as many as writes are 70.
const CONTENT_AT_ONCE: u32 = 10;
/// And about 500 an hour: 50 and one in the time of nine writes are 450.
const HOURLY_CONTENT_AT_ONCE: u32 = 50;
const WRITES_FOR_HOURLY_CONTENT: u32 = 9;
const POINTS_OF_A_READ: u32 = 1;
const POINTS_OF_A_WRITE: u32 = 5;

/// What a call takes from the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::github) enum Cost {
    Read,
    /// A token: no content, so that only its points count.
    Mint,
    Write,
    /// A write that notifies people.
    Content,
}

impl Cost {
    fn points(self) -> u32 {
        if self == Cost::Read { POINTS_OF_A_READ } else { POINTS_OF_A_WRITE }
    }
}

/// Time that only goes on: the process's own, and what the room's clock was ever ahead of it, as in a test that moves it. A
/// clock that is set back neither takes time back nor stops it.
#[derive(Clone, Debug)]
pub(super) struct Ticks {
    clock: Arc<dyn Clock>,
    began: Unix,
    started: Instant,
    ahead_ns: Arc<AtomicU64>,
}

impl Ticks {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { began: clock.now(), clock, started: Instant::now(), ahead_ns: Arc::default() }
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        // The clock's first second may have been nearly over.
        let told = self.clock.now().saturating_sub(self.began + 1);
        let elapsed = self.started.elapsed();
        let ahead = Duration::from_secs(told).saturating_sub(elapsed);
        let ahead_ns = u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX);
        let before_ns = self.ahead_ns.fetch_max(ahead_ns, Ordering::Relaxed);
        elapsed + Duration::from_nanos(before_ns.max(ahead_ns))
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// The buckets of one installation.
#[derive(Debug)]
pub(super) struct Rates {
    writes: Bucket,
    points: Bucket,
    /// A point is back after so long, and all that were taken at that time.
    point_every: Duration,
    points_back_at: Mutex<Duration>,
    content: Bucket,
    hourly_content: Bucket,
    ticks: Ticks,
}

impl Rates {
    /// All buckets fill at the pace of writes: with a second between those, as GitHub's limits ask. None for a spacing of
    /// zero: then nothing is held back but what GitHub's answers forbid.
    pub fn new(write_spacing: Duration, ticks: &Ticks) -> Option<Self> {
        let bucket = |every: Duration, at_once: u32| {
            let at_once = NonZeroU32::new(at_once).expect("the constants above are not zero");
            Some(RateLimiter::direct_with_clock(Quota::with_period(every)?.allow_burst(at_once), ticks.clone()))
        };
        let point_every = write_spacing / POINTS_A_WRITE_S_TIME;
        Some(Self {
            writes: bucket(write_spacing, WRITES_AT_ONCE)?,
            points: bucket(point_every, POINTS_AT_ONCE)?,
            point_every,
            points_back_at: Mutex::default(),
            content: bucket(write_spacing, CONTENT_AT_ONCE)?,
            hourly_content: bucket(write_spacing * WRITES_FOR_HOURLY_CONTENT, HOURLY_CONTENT_AT_ONCE)?,
            ticks: ticks.clone(),
        })
    }

    /// Takes what a call costs, or says how long it takes until that is there. What one bucket gave before another
    /// refused is lost, so that the bucket that fills fastest comes first, and points, which reads need too, last.
    pub fn take(&self, cost: Cost, priority: Priority) -> Result<(), Duration> {
        if !priority.may_use_the_reserve() {
            self.leaves_what_is_kept(cost)?;
        }
        if matches!(cost, Cost::Content | Cost::Write) {
            self.from(&self.writes, 1)?;
        }
        if cost == Cost::Content {
            self.from(&self.content, 1)?;
            self.from(&self.hourly_content, 1)?;
        }
        self.from(&self.points, cost.points())?;
        let mut back_at = self.points_back_at.lock().unwrap_or_else(PoisonError::into_inner);
        *back_at = self.points_back_after(*back_at, cost);
        Ok(())
    }

    /// A bucket of `governor` does not tell what it holds, so that it is counted beside it, as it counts.
    fn leaves_what_is_kept(&self, cost: Cost) -> Result<(), Duration> {
        let back_at = *self.points_back_at.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.point_every * (POINTS_AT_ONCE - POINTS_KEPT);
        let wait = self.points_back_after(back_at, cost).saturating_sub(self.ticks.now() + free);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn points_back_after(&self, back_at: Duration, cost: Cost) -> Duration {
        back_at.max(self.ticks.now()) + self.point_every * cost.points()
    }

    fn from(&self, bucket: &Bucket, count: u32) -> Result<(), Duration> {
        let count = NonZeroU32::new(count).expect("every cost is at least one");
        let taken = bucket.check_n(count).expect("every bucket holds more than one call costs");
        taken.map_err(|refused| refused.wait_time_from(self.ticks.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Hand(AtomicU64);
    impl Clock for Hand {
        fn now(&self) -> Unix {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// How many calls get through in each of some seconds of the clock, from the end of its first on.
    fn passed(cost: Cost, seconds: usize) -> Vec<usize> {
        let clock = Arc::new(Hand::default());
        let ticks = Ticks::new(clock.clone());
        let rates = Rates::new(Duration::from_secs(1), &ticks).expect("a spacing");
        let in_second = |second: usize| {
            clock.0.store(second as u64 + 1, Ordering::Relaxed);
            (0..1_000).take_while(|_| rates.take(cost, Priority::Publish).is_ok()).count()
        };
        (0..seconds).map(in_second).collect()
    }

    #[test]
    fn twenty_writes_leave_at_once_and_then_one_a_second() {
        let passed = passed(Cost::Write, 60);
        // The bucket was emptied a moment after the first second began, so that the last second may come a moment early.
        let later: usize = passed[1..].iter().sum();
        assert!(passed[0] == 20 && (58..=59).contains(&later), "{passed:?}");
    }

    #[test]
    fn no_minute_has_more_than_eight_hundred_points_or_seventy_comments_and_no_hour_more_than_450() {
        assert!(passed(Cost::Read, 60).iter().sum::<usize>() <= 800);
        assert!(passed(Cost::Mint, 60).iter().sum::<usize>() * 5 <= 800);
        let comments = passed(Cost::Content, 3_600);
        assert!(comments.windows(60).all(|minute| minute.iter().sum::<usize>() <= 70));
        let all: usize = comments.iter().sum();
        assert!((400..=450).contains(&all), "{all}");
    }

    #[test]
    fn sweeps_and_pages_leave_half_of_the_points_to_who_publishes() {
        let clock = Arc::new(Hand::default());
        // So slow that what is back within the test does not count.
        let rates = Rates::new(Duration::from_secs(10_000), &Ticks::new(clock.clone())).expect("a spacing");
        let passed = |priority| (0..1_000).take_while(|_| rates.take(Cost::Read, priority).is_ok()).count();
        assert_eq!(passed(Priority::Sweep), 100);
        assert_eq!(passed(Priority::Pages), 0);
        assert_eq!(passed(Priority::Publish), 100);
        // All that were taken are back after 200,000 s, some moment of the first second later.
        clock.0.store(100_000, Ordering::Relaxed);
        assert_eq!(passed(Priority::Sweep), 0);
        clock.0.store(103_010, Ordering::Relaxed);
        assert_eq!(passed(Priority::Sweep), 3);
    }

    #[test]
    fn time_goes_on_whatever_the_clock_does() {
        use governor::clock::Clock as _;
        let clock = Arc::new(Hand::default());
        let ticks = Ticks::new(clock.clone());
        clock.0.store(101, Ordering::Relaxed);
        let far = ticks.now();
        assert!(far >= Duration::from_secs(100), "{far:?}");
        clock.0.store(50, Ordering::Relaxed);
        let back = ticks.now();
        assert!(back >= far, "{back:?} after {far:?}");
    }

    #[test]
    fn without_a_spacing_there_are_no_buckets() {
        assert!(Rates::new(Duration::ZERO, &Ticks::new(Arc::new(Hand::default()))).is_none());
    }
}
