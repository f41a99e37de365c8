//! Jobs that wait: at least once, in order per commit. All that waits for one commit is taken together, so that ten
//! hints about one head are one look at it.

pub mod memory;

use crate::model::{CommitKey, DeliveryId, Job, JobId, Unix};
use async_trait::async_trait;
use std::time::Duration;

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    Queued(JobId),
    /// Seen before, and not failed since.
    Duplicate,
    /// No room; ask again after so many seconds.
    Full {
        retry_after_s: u64,
    },
}

/// All that waited for one commit. Nobody else works on the commit until it is given back.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// The fencing token: a later lease of the same commit has another one.
    pub id: u64,
    pub commit: CommitKey,
    /// In the order in which they were enqueued; never empty.
    pub jobs: Vec<Job>,
}

impl Lease {
    /// The job that the work is done under: the newest one.
    pub fn job(&self) -> &Job {
        self.jobs.last().expect("a lease holds at least one job")
    }

    /// The latest time of its jobs: one that waited for its time may stand before one that came earlier.
    pub fn now(&self) -> Unix {
        self.jobs.iter().map(|job| job.now).max().expect("a lease holds at least one job")
    }
}

/// How a lease ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// The world failed: the same jobs come back after this time, with a higher attempt.
    Retry(Duration),
    /// Something has to pass first: the same jobs come back after this time, and it was no attempt.
    Wait(Duration),
    /// Given up, with the reason: a dead letter. Its deliveries count as failed, so that a redelivery works again.
    Buried(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub waiting: usize,
    pub running: usize,
    pub delayed: usize,
    pub buried: usize,
}

/// Why the queue could not answer.
#[derive(Debug, thiserror::Error)]
#[error("the queue is unavailable: {0}")]
pub struct QueueError(pub String);

/// A queue of jobs with the ledger of deliveries. Called from many tasks at once. Ledger entry and job are written in
/// one atomic step; jobs of one commit are leased together and never to two takers.
#[async_trait]
pub trait JobQueue: Send + Sync + std::fmt::Debug {
    /// A delivery that leads to work. Answers only after it is as durable as the backend can make it.
    async fn accept(&self, delivery: DeliveryId, job: Job) -> Result<Accepted, QueueError>;
    /// The host's own job, not before a time. Never refused for lack of room: it ends a check that is already open.
    async fn schedule(&self, job: Job, not_before: Unix) -> Result<(), QueueError>;
    /// Waits for work. Safe to drop while waiting.
    async fn take(&self) -> Result<Lease, QueueError>;
    async fn give_back(&self, lease: Lease, ended: Ended) -> Result<(), QueueError>;
    /// Whether this lease still holds: checked before each write to GitHub.
    async fn holds(&self, lease: &Lease) -> bool;
    /// Waits until a job has come for the leased commit that makes the work pointless. For ever, if none comes.
    async fn overtaken(&self, lease: &Lease);
    /// Waits until nothing waits and nobody works; what is scheduled for later does not count.
    async fn idle(&self);
    async fn depth(&self) -> Depth;
    /// The newest dead letters: commit, reason.
    async fn buried(&self) -> Vec<(CommitKey, String)>;
}
