//! Jobs that wait: at least once, in order per commit. All that waits for one commit is taken together, so that ten
//! hints about one head are one look at it.

pub mod memory;

use crate::github::GitHub;
use crate::model::{CommitKey, DeliveryId, InstallationId, Job, JobId, Trail, Unix};
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

    /// Whose request the work is done for: the newest that came from one, since the host's own jobs come between.
    pub fn trail(&self) -> &Trail {
        let asked = self.jobs.iter().rev().find(|job| job.trail != Trail::default());
        &asked.unwrap_or_else(|| self.job()).trail
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

/// Where the work of a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Queued,
    Done,
    /// Given up: the same delivery is taken again.
    Failed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub waiting: usize,
    pub running: usize,
    pub delayed: usize,
    pub buried: usize,
    /// How long the oldest job has waited that could have been taken.
    pub oldest: Duration,
}

/// How long hints about one commit are gathered before they are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coalescing {
    /// After the last one.
    pub quiet: Duration,
    /// After the first one, however many follow.
    pub most: Duration,
    /// After the first one, while its installation cannot do anything about it anyway.
    pub while_limited: Duration,
}

impl Coalescing {
    /// 200 ms, 2 s and 10 s stand in one ratio, so that one figure says all three.
    pub fn after(quiet: Duration) -> Self {
        Self { quiet, most: quiet * 10, while_limited: quiet * 50 }
    }
}

/// Says which installations have to wait for GitHub. Asked with every hint, so that it must be quick.
pub trait Pressure: Send + Sync + std::fmt::Debug {
    fn is_limited(&self, installation: InstallationId) -> bool;
}

impl Pressure for GitHub {
    fn is_limited(&self, installation: InstallationId) -> bool {
        GitHub::is_limited(self, installation)
    }
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
    /// What became of a delivery; none of one that was never accepted, or so long ago that nobody remembers.
    async fn outcome(&self, delivery: &DeliveryId) -> Result<Option<Outcome>, QueueError>;
    /// The host's own job, not before a time. Never refused for lack of room: it ends a check that is already open.
    async fn schedule(&self, job: Job, not_before: Unix) -> Result<(), QueueError>;
    /// Waits for work. Safe to drop while waiting.
    async fn take(&self) -> Result<Lease, QueueError>;
    async fn give_back(&self, lease: Lease, ended: Ended) -> Result<(), QueueError>;
    /// Whether this lease still holds: checked before each write to GitHub.
    async fn holds(&self, lease: &Lease) -> bool;
    /// Whether something waits for a commit, or somebody works on it; what is scheduled for later does not count.
    async fn is_busy(&self, commit: &CommitKey) -> bool;
    /// Waits until a job has come for the leased commit that makes the work pointless. For ever, if none comes.
    async fn overtaken(&self, lease: &Lease);
    /// Waits until nothing waits and nobody works; what is scheduled for later than now does not count.
    async fn idle(&self);
    async fn depth(&self) -> Depth;
    /// The newest dead letters: commit, reason.
    async fn buried(&self) -> Vec<(CommitKey, String)>;
}
