//! The queue in memory, for one instance. It loses what waits when the process ends.

#[cfg(test)]
mod tests;

use super::{Accepted, Coalescing, Depth, Ended, JobQueue, Lease, Outcome, Pressure, QueueError};
use crate::model::{Clock, CommitKey, DeliveryId, InstallationId, Job, JobId, Unix};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// github.com redelivers for three days.
const LEDGER_TTL: Duration = Duration::from_secs(3 * 24 * 3600);
/// Ledger entries kept at most: an hour at 300 deliveries a second; about 100 bytes each.
const LEDGER_ENTRIES: usize = 1 << 20;
/// Dead letters kept for people to look at.
const BURIED_KEPT: usize = 1000;

#[derive(Debug)]
pub struct MemoryQueue {
    inner: Mutex<Inner>,
    changed: Notify,
    /// Jobs that wait and commits that are leased.
    busy: watch::Sender<usize>,
    clock: Arc<dyn Clock>,
    capacity: usize,
    coalescing: Coalescing,
    pressure: Option<Arc<dyn Pressure>>,
    /// How long deliveries are known.
    ledger_ttl: Duration,
}

#[derive(Debug, Default)]
struct Inner {
    /// What waits, per commit; a commit that is leased gathers its next jobs here.
    waiting: HashMap<CommitKey, Waiting>,
    /// Commits by the instant from which they may be taken. Counters keep the order of equal instants.
    ready: BTreeMap<(Instant, u64), CommitKey>,
    /// Commits at work, with the lease that holds them.
    leased: HashMap<CommitKey, Leased>,
    delayed: BTreeMap<(Unix, u64), Job>,
    ledger: HashMap<DeliveryId, Outcome>,
    ledger_order: VecDeque<(Instant, DeliveryId)>,
    buried: VecDeque<(CommitKey, String)>,
    buried_total: usize,
    jobs: usize,
    counter: u64,
}

#[derive(Debug)]
struct Leased {
    id: u64,
    /// Told when a job comes that makes the work pointless.
    overtaken: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    jobs: Vec<Job>,
    /// Its place in `ready`, if it has one.
    place: Option<(Instant, u64)>,
    /// When the first of its jobs came.
    since: Instant,
    /// Until when its hints are gathered.
    gathered: Instant,
    /// One of its jobs is due, so that no hint delays it.
    due: bool,
    /// What was given back is not taken again before.
    not_before: Instant,
}

impl Waiting {
    fn from(now: Instant) -> Self {
        Self { jobs: Vec::new(), place: None, since: now, gathered: now, due: false, not_before: now }
    }
}

/// How long what waits for a commit goes on waiting, now that a job joins it.
#[derive(Clone, Copy, Debug)]
enum Joins {
    /// Its time has come.
    Due,
    /// A hint: others may follow.
    Hint(Coalescing),
    /// A hint, while the installation is limited.
    HintUnderPressure(Coalescing),
}

impl Joins {
    fn until(self, since: Instant, now: Instant) -> Instant {
        match self {
            Joins::Due => now,
            Joins::Hint(coalescing) => (now + coalescing.quiet).min(since + coalescing.most),
            Joins::HintUnderPressure(coalescing) => since + coalescing.while_limited,
        }
    }
}

impl MemoryQueue {
    /// `capacity`: jobs that wait at most. `quiet`: how long hints about one commit are gathered after the last one.
    pub fn new(clock: Arc<dyn Clock>, capacity: usize, quiet: Duration) -> Self {
        let (inner, changed, busy) = (Mutex::default(), Notify::new(), watch::Sender::new(0));
        let coalescing = Coalescing::after(quiet);
        Self { inner, changed, busy, clock, capacity, coalescing, pressure: None, ledger_ttl: LEDGER_TTL }
    }

    /// The same, but deliveries are known for as long as this GitHub redelivers.
    pub fn knowing_deliveries_for(self, window: Duration) -> Self {
        Self { ledger_ttl: window, ..self }
    }

    /// Gathers longer what an installation can do nothing about.
    pub fn under(self, pressure: Arc<dyn Pressure>) -> Self {
        Self { pressure: Some(pressure), ..self }
    }

    fn hint(&self, installation: InstallationId) -> Joins {
        match self.pressure.as_ref().is_some_and(|pressure| pressure.is_limited(installation)) {
            true => Joins::HintUnderPressure(self.coalescing),
            false => Joins::Hint(self.coalescing),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells takers and those who wait for silence that something changed.
    fn tell(&self) {
        let busy = {
            let inner = self.lock();
            inner.jobs + inner.leased.len()
        };
        self.busy.send_replace(busy);
        self.changed.notify_one();
    }

    /// What can be taken now, or when to look again.
    fn poll(&self) -> Result<Lease, Option<Duration>> {
        let mut inner = self.lock();
        inner.wake_delayed(self.clock.now());
        let now = Instant::now();
        let first = inner.ready.first_key_value().map(|(place, commit)| (*place, commit.clone()));
        let until_ready = match first {
            Some((place, commit)) if place.0 <= now => {
                inner.ready.remove(&place);
                let waiting = inner.waiting.remove(&commit).expect("a ready commit has jobs");
                inner.jobs -= waiting.jobs.len();
                let id = inner.next();
                inner.leased.insert(commit.clone(), Leased { id, overtaken: Arc::default() });
                return Ok(Lease { id, commit, jobs: waiting.jobs });
            }
            Some((place, _)) => Some(place.0 - now),
            None => None,
        };
        let until_delayed = inner
            .delayed
            .first_key_value()
            .map(|((due, _), _)| Duration::from_secs(due.saturating_sub(self.clock.now()).max(1)));
        Err(until_ready.into_iter().chain(until_delayed).min())
    }
}

impl Inner {
    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Puts a job behind the others of its commit; those of a free commit have a place in line.
    fn push(&mut self, job: Job, joins: Joins) {
        let now = Instant::now();
        let commit = job.commit.clone();
        let counter = self.next();
        self.jobs += 1;
        let leased = self.leased.get(&commit);
        if let Some(leased) = leased.filter(|_| job.kind.overtakes()) {
            leased.overtaken.notify_one();
        }
        let leased = leased.is_some();
        let waiting = self.waiting.entry(commit.clone()).or_insert_with(|| Waiting::from(now));
        waiting.jobs.push(job);
        if !waiting.due {
            waiting.gathered = joins.until(waiting.since, now);
        }
        waiting.due |= matches!(joins, Joins::Due);
        let at = waiting.gathered.max(waiting.not_before);
        if leased || waiting.place.is_some_and(|place| place.0 == at) {
            return;
        }
        if let Some(place) = waiting.place.replace((at, counter)) {
            self.ready.remove(&place);
        }
        self.ready.insert((at, counter), commit);
    }

    /// What comes back goes before what came since: order per commit.
    fn put_back(&mut self, commit: &CommitKey, mut jobs: Vec<Job>) {
        self.jobs += jobs.len();
        let waiting = self.waiting.entry(commit.clone()).or_insert_with(|| Waiting::from(Instant::now()));
        jobs.append(&mut waiting.jobs);
        waiting.jobs = jobs;
    }

    /// Gives a commit that is free again its place, if something waits for it. What comes back is due at its time.
    fn release(&mut self, commit: &CommitKey, comes_back: Option<Instant>) {
        self.leased.remove(commit);
        let counter = self.next();
        if let Some(waiting) = self.waiting.get_mut(commit)
            && waiting.place.is_none()
        {
            waiting.not_before = comes_back.unwrap_or(waiting.not_before);
            let at = comes_back.unwrap_or(waiting.gathered);
            waiting.place = Some((at, counter));
            self.ready.insert((at, counter), commit.clone());
        }
    }

    fn wake_delayed(&mut self, now: Unix) {
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let mut job = entry.remove();
            job.now = job.now.max(now);
            // Ids sort by time, and decisions by them: this one begins now.
            job.id = JobId(uuid::Uuid::now_v7().to_string());
            self.push(job, Joins::Due);
        }
    }

    fn settle(&mut self, jobs: &[Job], outcome: Outcome) {
        for delivery in jobs.iter().filter_map(|job| job.delivery.as_ref()) {
            if let Some(entry) = self.ledger.get_mut(delivery) {
                *entry = outcome;
            }
        }
    }

    fn forget_old_deliveries(&mut self, ttl: Duration) {
        let now = Instant::now();
        while self.ledger_order.front().is_some_and(|(at, _)| *at + ttl < now)
            || self.ledger_order.len() > LEDGER_ENTRIES
        {
            if let Some((_, delivery)) = self.ledger_order.pop_front() {
                self.ledger.remove(&delivery);
            }
        }
    }
}

#[async_trait]
impl JobQueue for MemoryQueue {
    async fn accept(&self, delivery: DeliveryId, job: Job) -> Result<Accepted, QueueError> {
        let id = job.id.clone();
        let joins = self.hint(job.commit.installation);
        {
            let mut inner = self.lock();
            if matches!(inner.ledger.get(&delivery), Some(Outcome::Queued | Outcome::Done)) {
                return Ok(Accepted::Duplicate);
            }
            if inner.jobs >= self.capacity {
                // A minute is what a full queue of the default size takes to drain at 1,000 jobs a second.
                return Ok(Accepted::Full { retry_after_s: 60 });
            }
            if inner.ledger.insert(delivery.clone(), Outcome::Queued).is_none() {
                inner.ledger_order.push_back((Instant::now(), delivery));
            }
            inner.forget_old_deliveries(self.ledger_ttl);
            inner.push(job, joins);
        }
        self.tell();
        Ok(Accepted::Queued(id))
    }

    async fn outcome(&self, delivery: &DeliveryId) -> Result<Option<Outcome>, QueueError> {
        Ok(self.lock().ledger.get(delivery).copied())
    }

    async fn schedule(&self, job: Job, not_before: Unix) -> Result<(), QueueError> {
        {
            let mut inner = self.lock();
            let counter = inner.next();
            if not_before <= self.clock.now() {
                inner.push(job, Joins::Due);
            } else {
                inner.delayed.insert((not_before, counter), job);
            }
        }
        self.tell();
        Ok(())
    }

    async fn take(&self) -> Result<Lease, QueueError> {
        loop {
            let changed = self.changed.notified();
            match self.poll() {
                Ok(lease) => {
                    // Another taker may sleep although more is ready: one notification stands for many changes.
                    self.tell();
                    return Ok(lease);
                }
                Err(Some(wait)) => {
                    let _ = tokio::time::timeout(wait, changed).await;
                }
                Err(None) => changed.await,
            }
        }
    }

    async fn give_back(&self, lease: Lease, ended: Ended) -> Result<(), QueueError> {
        {
            let mut inner = self.lock();
            let now = Instant::now();
            let mut comes_back = None;
            match ended {
                Ended::Done => inner.settle(&lease.jobs, Outcome::Done),
                Ended::Retry(after) => {
                    comes_back = Some(now + after);
                    let again = lease.jobs.into_iter().map(|job| Job { attempt: job.attempt + 1, ..job });
                    inner.put_back(&lease.commit, again.collect());
                }
                Ended::Wait(after) => {
                    comes_back = Some(now + after);
                    inner.put_back(&lease.commit, lease.jobs);
                }
                Ended::Buried(reason) => {
                    inner.settle(&lease.jobs, Outcome::Failed);
                    inner.buried_total += 1;
                    inner.buried.push_back((lease.commit.clone(), reason));
                    if inner.buried.len() > BURIED_KEPT {
                        inner.buried.pop_front();
                    }
                }
            }
            inner.release(&lease.commit, comes_back);
        }
        self.tell();
        Ok(())
    }

    async fn holds(&self, lease: &Lease) -> bool {
        self.lock().leased.get(&lease.commit).is_some_and(|leased| leased.id == lease.id)
    }

    async fn overtaken(&self, lease: &Lease) {
        let leased = self
            .lock()
            .leased
            .get(&lease.commit)
            .filter(|leased| leased.id == lease.id)
            .map(|leased| leased.overtaken.clone());
        match leased {
            Some(overtaken) => overtaken.notified().await,
            None => std::future::pending().await,
        }
    }

    async fn is_busy(&self, commit: &CommitKey) -> bool {
        let inner = self.lock();
        inner.waiting.contains_key(commit) || inner.leased.contains_key(commit)
    }

    async fn idle(&self) {
        // What has become due counts, though no taker has looked at the clock since.
        self.lock().wake_delayed(self.clock.now());
        self.tell();
        let mut busy = self.busy.subscribe();
        // The sender lives as long as the queue.
        let _ = busy.wait_for(|busy| *busy == 0).await;
    }

    async fn depth(&self) -> Depth {
        let inner = self.lock();
        Depth {
            waiting: inner.jobs,
            running: inner.leased.len(),
            delayed: inner.delayed.len(),
            buried: inner.buried_total,
            oldest: inner.ready.first_key_value().map_or(Duration::ZERO, |((since, _), _)| since.elapsed()),
        }
    }

    async fn buried(&self) -> Vec<(CommitKey, String)> {
        self.lock().buried.iter().rev().cloned().collect()
    }
}
