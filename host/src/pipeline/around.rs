//! What is read of the repository beside the artifacts, at the same time as them.

use super::provenance::{Tiers, question};
use super::{Failure, Pipeline, at};
use crate::github::GitHubError;
use crate::model::WorkflowRun;
use crate::model::changes::Changes;
use crate::queue::Lease;
use crate::state::CommitState;
use std::collections::BTreeMap;

/// The commit's surroundings as a judgement needs them.
#[derive(Debug, Default)]
pub struct Around {
    /// How far the uploads of each run can be trusted.
    pub tiers: Tiers,
    /// What each open pull request changes, by number.
    pub changes: BTreeMap<u64, Result<Changes, GitHubError>>,
}

impl Pipeline {
    /// Reads everything at once. What cannot be had is told in the answer; only a rate limit makes the job wait.
    pub(super) async fn look_around(
        &self,
        lease: &Lease,
        commit: &CommitState,
        runs: &[WorkflowRun],
    ) -> Result<Around, Failure> {
        let at = at(lease);
        let question = question(&at, &lease.commit.sha, commit, (runs, &self.plan.trusted_workflows));
        let compared = self.comparer.compare(&question).await?;
        Ok(Around { tiers: compared.tiers, changes: compared.changes })
    }
}
