//! One unit of work for one commit.

use super::event::{
    CheckRunEvent, CheckSuiteEvent, MergeGroupChange, MergeGroupEvent, PullRequestEvent, PushEvent, WorkflowRunEvent,
};
use super::ids::{CommitKey, DeliveryId, JobId, Unix};
use super::trail::Trail;
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
    /// The request that it came from, and its trace.
    #[serde(default)]
    pub trail: Trail,
    /// How often it was taken before, after failures of the world.
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobKind {
    /// A pull request was opened, reopened or pushed to: remember it, open the checks, judge what is there.
    PullRequest(PullRequestEvent),
    /// A workflow run of this commit moved: remember it, and judge if it ended.
    WorkflowRun(WorkflowRunEvent),
    /// One of our check runs is asked for again, or a button of it was pressed.
    CheckRun(CheckRunEvent),
    /// Our check runs of this commit are asked for again, or GitHub tells that it would like some. Never creates checks.
    CheckSuite(CheckSuiteEvent),
    /// A merge queue wants this commit judged, or does not any more.
    MergeGroup(MergeGroupEvent),
    /// A branch or a tag points to this commit.
    Push(PushEvent),
    /// The commit is no longer the head of this pull request: end its open checks if it is the head of no other.
    Supersede {
        reason: String,
        pull_request: u64,
        /// When the pull request got its newer head: a later word about it outdoes this.
        at: Unix,
    },
    /// The evidence deadline of this commit has come: end what still waits.
    Deadline,
    /// The last look ended without a decision, through our own outage: look once more.
    LookAgain,
    /// A file changed that says which rules hold here: judge again by what it says now.
    RulesChanged,
    /// The checks are told, their comment could not be written: once more.
    Comment {
        /// How often it was tried before.
        tried: u32,
    },
}

impl JobKind {
    /// The word for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            JobKind::PullRequest(_) => "pull_request",
            JobKind::WorkflowRun(_) => "workflow_run",
            JobKind::CheckRun(_) => "check_run",
            JobKind::CheckSuite(_) => "check_suite",
            JobKind::MergeGroup(_) => "merge_group",
            JobKind::Push(_) => "push",
            JobKind::Supersede { .. } => "supersede",
            JobKind::Deadline => "deadline",
            JobKind::LookAgain => "look_again",
            JobKind::RulesChanged => "rules_changed",
            JobKind::Comment { .. } => "comment",
        }
    }
    /// Whether what is at work for the commit need not be finished.
    pub fn overtakes(&self) -> bool {
        match self {
            JobKind::PullRequest(event) => !event.pull_request.open,
            JobKind::MergeGroup(event) => matches!(event.change, MergeGroupChange::Destroyed(_)),
            JobKind::Supersede { .. } => true,
            _ => false,
        }
    }
}
