//! Compares GitHub's open pull requests with our checks on their heads: what has none, or one that did not end, is looked
//! at. A host that forgot everything finds its work again this way.

use super::deliveries::Deliveries;
use crate::github::{CheckRunSummary, GitHub, GitHubError, RepositoryAt};
use crate::model::event::{Origin, PullRequest, PullRequestAction, PullRequestEvent};
use crate::model::{CheckName, Clock, CommitKey, Job, JobId, JobKind};
use crate::policy::{Rules, Target};
use crate::publish::check_of;
use crate::queue::JobQueue;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Reconcile {
    pub github: GitHub,
    pub queue: Arc<dyn JobQueue>,
    pub clock: Arc<dyn Clock>,
    pub rules: Arc<Rules>,
    pub deliveries: Deliveries,
    /// The App's id, to know our own runs by.
    pub app_id: u64,
}

impl Reconcile {
    /// One look at every open pull request of every repository. A repository that cannot be read is told and left out;
    /// a rate limit ends the look, since what follows would fail as well.
    pub async fn once(&self) -> anyhow::Result<()> {
        // First what was said, then what is there: words have an order, and explain what is no head any more.
        self.deliveries.once().await?;
        let mut found = 0;
        for installation in self.github.installations().await? {
            for origin in self.github.repositories_of(installation).await? {
                match self.repository(&origin).await {
                    Ok(count) => found += count,
                    Err(error @ GitHubError::RateLimited { .. }) => return Err(error.into()),
                    Err(error) => tracing::warn!(%error, repository = %origin.repository, "not reconciled"),
                }
            }
        }
        if found > 0 {
            tracing::info!(found, "open pull requests without a finished check are looked at");
        }
        Ok(())
    }

    async fn repository(&self, origin: &Origin) -> Result<usize, GitHubError> {
        let at = RepositoryAt { installation: origin.installation, repository: origin.repository.clone() };
        let plan = self.rules.plan(&Target {
            repository: &origin.repository,
            topics: &origin.topics,
            language: origin.language.as_deref(),
            changed: None,
        });
        let mut found = 0;
        for pull in self.github.open_pull_requests(&at).await? {
            let commit = CommitKey {
                installation: origin.installation,
                repository: origin.repository.clone(),
                sha: pull.head_sha.clone(),
            };
            let runs = self.github.own_check_runs(&at, &commit.sha, self.app_id).await?;
            if plan.checks.iter().all(|check| is_decided(&commit, &check.name, &runs)) {
                continue;
            }
            found += 1;
            if let Err(error) = self.queue.schedule(self.job(origin, commit, pull), 0).await {
                return Err(GitHubError::Unavailable(error.to_string()));
            }
        }
        Ok(found)
    }

    fn job(&self, origin: &Origin, commit: CommitKey, pull: PullRequest) -> Job {
        let event = PullRequestEvent {
            origin: origin.clone(),
            action: PullRequestAction::Found,
            pull_request: pull,
            before: None,
        };
        Job {
            id: JobId(uuid::Uuid::now_v7().to_string()),
            commit,
            kind: JobKind::PullRequest(event),
            now: self.clock.now(),
            delivery: None,
            attempt: 0,
        }
    }
}

/// Neutral ends may be outages and deadlines, cancelled ones nothing judged: both are looked at again.
fn is_decided(commit: &CommitKey, check: &CheckName, runs: &[CheckRunSummary]) -> bool {
    let ours =
        |run: &&CheckRunSummary| run.external_id.as_deref().and_then(|id| check_of(commit, id)).as_ref() == Some(check);
    let newest = runs.iter().filter(ours).max_by_key(|run| run.id);
    newest.is_some_and(|run| matches!(run.conclusion.as_deref(), Some("success" | "failure")))
}
