//! Looks after what events alone do not bring about: expired state, commits whose check ended through our own outage. Missed deliveries and policy changes come here later.

use crate::model::{Clock, Job, JobId, JobKind};
use crate::queue::JobQueue;
use crate::state::State;
use std::sync::Arc;
use std::time::Duration;

/// How often the sweep looks. An outage is over when somebody looks again, so not much rarer.
pub const INTERVAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Sweep {
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub clock: Arc<dyn Clock>,
}

impl Sweep {
    /// Sweeps for ever; the caller aborts the task.
    pub async fn run(self) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.once().await {
                tracing::warn!(%error, "sweeping");
            }
        }
    }

    /// One look at everything.
    pub async fn once(&self) -> anyhow::Result<()> {
        let expired = self.state.store().sweep().await?;
        let undecided = self.state.undecided(self.clock.now()).await?;
        if expired + undecided.len() > 0 {
            tracing::debug!(expired, undecided = undecided.len(), "swept");
        }
        for commit in undecided {
            self.state.forget_undecided(&commit).await?;
            let now = self.clock.now();
            let id = JobId(uuid::Uuid::now_v7().to_string());
            let job = Job { id, commit, kind: JobKind::LookAgain, now, delivery: None, attempt: 0 };
            self.queue.schedule(job, now).await?;
        }
        Ok(())
    }
}
