//! Why a job comes back, and when.

use crate::github::GitHubError;
use crate::model::Unix;
use crate::publish::PublishError;
use crate::queue::QueueError;
use crate::state::StoreError;
use std::time::Duration;

/// Why a job has to come back. A plugin's or a file's failure is not among them: that is an answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0:#}")]
    World(anyhow::Error),
    /// Not a failure: something has to pass first.
    #[error("{reason}")]
    Wait { reason: String, patience: Duration },
    /// Not a failure either.
    #[error("this installation's rate is limited")]
    RateLimited { until: Unix },
    /// Nothing can be said about a commit that GitHub does not know.
    #[error("{0}")]
    UnknownCommit(String),
}

impl Failure {
    pub fn world(error: anyhow::Error) -> Self {
        Failure::World(error)
    }

    /// How long the job waits from `now` on; none if it failed.
    pub fn patience(&self, now: Unix) -> Option<Duration> {
        match self {
            Failure::World(_) | Failure::UnknownCommit(_) => None,
            Failure::Wait { patience, .. } => Some(*patience),
            Failure::RateLimited { until } => Some(Duration::from_secs(until.saturating_sub(now).clamp(1, 3600))),
        }
    }
}
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::World(error.into())
    }
}
impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Failure::World(error.into())
    }
}
impl From<GitHubError> for Failure {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::RateLimited { until } => Failure::RateLimited { until },
            error if error.is_unknown_commit() => Failure::UnknownCommit(error.to_string()),
            error => Failure::World(error.into()),
        }
    }
}
impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::GitHub(error) => error.into(),
            error => Failure::World(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_waited_for_by_the_job_s_own_clock() {
        let limited = Failure::from(GitHubError::RateLimited { until: 1_000 });
        let waits = |now| limited.patience(now).map(|patience| patience.as_secs());
        assert_eq!([waits(940), waits(1_000), waits(2_000)], [Some(60), Some(1), Some(1)]);
        assert_eq!(
            Failure::from(GitHubError::RateLimited { until: 9_000 }).patience(0),
            Some(Duration::from_secs(3600))
        );
        assert_eq!(Failure::world(anyhow::anyhow!("the disk is full")).patience(0), None);
    }
}
