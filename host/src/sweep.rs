//! Looks after what events alone do not bring about: expired state, commits whose check ended through our own outage,
//! open checks that nobody feeds, deliveries that did not arrive, pull requests without a check, results that are older
//! than the policy. Whatever several instances share is swept by one at a time.

mod budget;
mod deliveries;
mod heads;
mod reconcile;

pub use budget::Budget;
pub use deliveries::Deliveries;
pub use reconcile::{Reconcile, When};

use crate::model::{Clock, Job, JobId, JobKind};
use crate::queue::JobQueue;
use crate::state::State;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Interval, MissedTickBehavior};

/// How often somebody looks whether something is due. An outage is over when somebody looks again, so not much rarer.
pub const INTERVAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Sweep {
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub clock: Arc<dyn Clock>,
    pub deliveries: Deliveries,
    pub reconcile: Reconcile,
    /// Told when both have looked for the first time.
    pub reconciled: watch::Sender<bool>,
    /// Within one instance one look waits for the other.
    pub looking: Arc<Mutex<()>>,
    pub keeping_house: Arc<Mutex<()>>,
}

impl Sweep {
    /// Sweeps for ever; the caller aborts the task.
    pub async fn run(self) {
        tokio::join!(self.keep_house(), self.keep_looking());
    }

    async fn keep_house(&self) {
        let mut tick = ticks();
        loop {
            tick.tick().await;
            if let Err(error) = self.once().await {
                tracing::warn!(%error, "sweeping");
            }
        }
    }

    /// Beside the other, because it may have to wait for GitHub.
    async fn keep_looking(&self) {
        let mut tick = ticks();
        loop {
            tick.tick().await;
            match self.look_if_due().await {
                Ok(()) => drop(self.reconciled.send_replace(true)),
                Err(error) => {
                    tracing::warn!(%error, "looking at deliveries and pull requests; the next sweep tries again")
                }
            }
        }
    }

    /// First what was said, then what is there: words have an order, and explain what is no head any more.
    pub async fn look_if_due(&self) -> Result<()> {
        let _alone = self.looking.lock().await;
        let heard = self.deliveries.if_due().await;
        // Also where the log cannot be read, as that of a repository's own webhook: all the more is to be found.
        let found = self.reconcile.once(When::Due).await;
        heard.and(found)
    }

    /// The same, whatever the time.
    pub async fn look_now(&self) -> Result<()> {
        let _alone = self.looking.lock().await;
        let heard = self.deliveries.once().await;
        let found = self.reconcile.once(When::Now).await;
        heard.and(found)
    }

    /// The deliveries alone, whatever the time.
    pub async fn redeliver_now(&self) -> Result<()> {
        let _alone = self.looking.lock().await;
        self.deliveries.once().await
    }

    /// One look at everything that is known.
    pub async fn once(&self) -> Result<()> {
        let _alone = self.keeping_house.lock().await;
        let expired = self.state.store().sweep().await? + self.state.records().sweep().await?;
        let Some(turn) = self.state.take_turn("undecided").await? else { return Ok(()) };
        let looked = self.look_at_undecided().await;
        self.state.end_turn(turn).await?;
        let undecided = looked?;
        if expired + undecided > 0 {
            tracing::debug!(expired, undecided, "swept");
        }
        Ok(())
    }

    async fn look_at_undecided(&self) -> Result<usize> {
        let undecided = self.state.undecided(self.clock.now()).await?;
        for commit in &undecided {
            let now = self.clock.now();
            let id = JobId(uuid::Uuid::now_v7().to_string());
            let job = Job {
                id,
                commit: commit.clone(),
                kind: JobKind::LookAgain,
                now,
                delivery: None,
                trail: Default::default(),
                attempt: 0,
            };
            // First the look, then the note: whatever dies in between, somebody looks, once more at worst.
            self.queue.schedule(job, now).await?;
            self.state.forget_undecided(commit).await?;
        }
        Ok(undecided.len())
    }
}

fn ticks() -> Interval {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}
