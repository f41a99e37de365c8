//! One unit of work for one commit.

use super::event::{PullRequestEvent, WorkflowRunEvent};
use super::ids::{CommitKey, DeliveryId, JobId, Unix};
use serde::{Deserialize, Serialize};

/// Work for one commit. Jobs of one commit run in the order in which they were enqueued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub commit: CommitKey,
    pub kind: JobKind,
    /// Unix seconds; fixed when the job is enqueued, so that a replay judges the same.
    pub now: Unix,
    /// The delivery that it came from; absent for the host's own jobs.
    pub delivery: Option<DeliveryId>,
    /// How often it was taken before, after failures of the world.
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobKind {
    /// A pull request was opened, reopened or pushed to: remember it, open the checks, judge what is there.
    PullRequest(PullRequestEvent),
    /// A workflow run of this commit moved: remember it, and judge if it ended.
    WorkflowRun(WorkflowRunEvent),
    /// The commit is no longer the head of this pull request: end its open checks if it is the head of no other.
    Supersede {
        reason: String,
        pull_request: u64,
        /// The job whose event said so: a later word about the pull request outdoes it.
        by: JobId,
    },
    /// The evidence deadline of this commit has come: end what still waits.
    Deadline,
    /// The last look ended without a decision, through our own outage: look once more.
    LookAgain,
}

impl JobKind {
    /// The word for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            JobKind::PullRequest(_) => "pull_request",
            JobKind::WorkflowRun(_) => "workflow_run",
            JobKind::Supersede { .. } => "supersede",
            JobKind::Deadline => "deadline",
            JobKind::LookAgain => "look_again",
        }
    }
}
