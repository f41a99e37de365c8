//! How far the uploads of each run can be trusted: who owns the head, and whether the procedure that made them is the
//! base branch's. Pure; what it compares is read in `reading`. What cannot be compared counts as changed.

mod attested;
mod procedure;
mod reading;
#[cfg(test)]
mod tests;

pub use attested::{Attester, Seen};
pub use procedure::Procedure;
pub use reading::{Candidate, Comparer, Question};

use super::branches::Branches;
use crate::github::RepositoryAt;
use crate::model::event::PullRequest;
use crate::model::provenance::{ReferencedWorkflow, Tier};
use crate::model::report::Provenance;
use crate::model::{HeadSha, RunId, WorkflowRun};
use crate::state::CommitState;
use std::collections::BTreeMap;

/// What is asked about the runs of a commit, from what is known of it.
pub fn question<'a>(
    (at, branches): (&'a RepositoryAt, &'a Branches<'a>),
    head: &'a HeadSha,
    commit: &'a CommitState,
    (runs, trusted): (&'a [WorkflowRun], &'a [ReferencedWorkflow]),
) -> Question<'a> {
    let candidate = |pull: &PullRequest| Candidate {
        number: pull.number,
        head_repository_id: pull.head_repository_id,
        base_sha: pull.base_sha.clone(),
        base_branch: pull.base_branch.clone(),
    };
    let origin = commit.origin.as_ref();
    Question {
        at,
        head,
        repository_id: origin.map(|origin| origin.repository_id),
        branches,
        pull_requests: commit.pull_requests.values().map(candidate).collect(),
        bases: commit.bases.clone(),
        group: commit.merge_group.as_ref(),
        runs,
        trusted,
    }
}

/// The tier of each run.
#[derive(Clone, Debug, Default)]
pub struct Tiers(BTreeMap<RunId, Tier>);

impl Tiers {
    pub fn new(tiers: impl IntoIterator<Item = (RunId, Tier)>) -> Self {
        Self(tiers.into_iter().collect())
    }

    /// Whatever nobody looked at is the least.
    pub fn of(&self, run: RunId) -> Tier {
        self.0.get(&run).cloned().unwrap_or_else(|| Tier {
            provenance: Provenance::Fork,
            because: "nothing is known of its run".to_owned(),
            unread: false,
            workflow_sha: None,
        })
    }
}

/// The tier of one run, from whose its head is and what became of its procedure.
pub fn tier(
    run: &WorkflowRun,
    repository_id: Option<u64>,
    procedure: &Procedure,
    trusted: &[ReferencedWorkflow],
) -> Tier {
    let below = |provenance, because: &str| Tier {
        provenance,
        because: because.to_owned(),
        unread: matches!(procedure, Procedure::Unread(_)),
        workflow_sha: None,
    };
    if is_foreign(run, repository_id) {
        let because = match run.head_repository_id {
            Some(_) => "its run belongs to a fork",
            None => "nobody knows to which repository its run belongs",
        };
        return Tier { unread: false, ..below(Provenance::Fork, because) };
    }
    let workflow_sha = match procedure {
        Procedure::Unchanged { workflow_sha } => workflow_sha.clone(),
        Procedure::Changed(because) | Procedure::Incomparable(because) | Procedure::Unread(because) => {
            return below(Provenance::ChangedWorkflow, because);
        }
    };
    let calls_trusted = run.referenced_workflows.iter().any(|called| trusted.contains(called));
    let provenance = if calls_trusted { Provenance::TrustedWorkflow } else { Provenance::Repository };
    Tier { provenance, because: String::new(), unread: false, workflow_sha }
}

/// Whether a run's head belongs to another repository, or nobody knows to which.
pub fn is_foreign(run: &WorkflowRun, repository_id: Option<u64>) -> bool {
    run.head_repository_id.is_none() || run.head_repository_id != repository_id
}
