//! Looks after what events alone do not bring about: expired state, commits whose check ended through our own outage,
//! open checks that nobody feeds, pull requests whose deliveries nobody saw.

mod deliveries;
mod reconcile;

pub use deliveries::Deliveries;
pub use reconcile::Reconcile;

use crate::model::{Clock, Job, JobId, JobKind};
use crate::queue::JobQueue;
use crate::state::State;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the sweep looks. An outage is over when somebody looks again, so not much rarer.
pub const INTERVAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Sweep {
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub clock: Arc<dyn Clock>,
    /// What a host that starts without memory looks at once.
    pub reconcile: Option<Reconcile>,
    /// Told when that is done.
    pub reconciled: watch::Sender<bool>,
}

impl Sweep {
    /// Sweeps for ever; the caller aborts the task.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Some(reconcile) = self.reconcile.take() {
                match reconcile.once().await {
                    Ok(()) => drop(self.reconciled.send_replace(true)),
                    Err(error) => {
                        tracing::warn!(%error, "looking at the open pull requests; the next sweep tries again");
                        self.reconcile = Some(reconcile);
                    }
                }
            }
            if let Err(error) = self.once().await {
                tracing::warn!(%error, "sweeping");
            }
        }
    }

    /// One look at everything that is known.
    pub async fn once(&self) -> anyhow::Result<()> {
        let expired = self.state.store().sweep().await? + self.state.records().sweep().await?;
        let undecided = self.state.undecided(self.clock.now()).await?;
        if expired + undecided.len() > 0 {
            tracing::debug!(expired, undecided = undecided.len(), "swept");
        }
        for commit in undecided {
            let now = self.clock.now();
            let id = JobId(uuid::Uuid::now_v7().to_string());
            let job = Job { id, commit: commit.clone(), kind: JobKind::LookAgain, now, delivery: None, attempt: 0 };
            // First the look, then the note: whatever dies in between, somebody looks, once more at worst.
            self.queue.schedule(job, now).await?;
            self.state.forget_undecided(&commit).await?;
        }
        Ok(())
    }
}
