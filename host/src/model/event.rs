//! What a delivery means, parsed once at the door. Wire structs stay in the webhook room.

use super::ids::{HeadSha, InstallationId, RepositoryName, RunId, Unix};
use super::provenance::ReferencedWorkflow;
use serde::{Deserialize, Serialize};

/// One webhook request's meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    PullRequest(PullRequestEvent),
    WorkflowRun(WorkflowRunEvent),
    CheckRun(CheckRunEvent),
    CheckSuite(CheckSuiteEvent),
    MergeGroup(MergeGroupEvent),
    Push(PushEvent),
    Installation(InstallationEvent),
    Ping,
    /// Known or unknown to GitHub, but nothing that Palisade acts on: answered and counted.
    Other {
        name: String,
        action: Option<String>,
    },
}

/// What every event that leads to work says: who asks, about which repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub installation: InstallationId,
    pub repository: RepositoryName,
    pub repository_id: u64,
    pub default_branch: Option<String>,
    /// In lower case, as GitHub has them.
    #[serde(default)]
    pub topics: Vec<String>,
    /// The language that most of the repository is written in.
    #[serde(default)]
    pub language: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullRequestAction {
    Opened,
    Reopened,
    Synchronize,
    /// Its base branch is another one now.
    Edited,
    ReadyForReview,
    ConvertedToDraft,
    Closed,
    /// Nobody said so: it was seen on GitHub.
    Found,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequestEvent {
    pub origin: Origin,
    pub action: PullRequestAction,
    pub pull_request: PullRequest,
    /// The head before a `synchronize`.
    pub before: Option<HeadSha>,
}

/// A pull request as the last event about it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub number: u64,
    pub open: bool,
    pub draft: bool,
    /// Who opened it.
    pub author: Option<String>,
    pub head_sha: HeadSha,
    pub head_branch: String,
    /// Absent when the fork was deleted.
    pub head_repository_id: Option<u64>,
    pub base_sha: HeadSha,
    pub base_branch: String,
    /// When GitHub last changed it: of two words about it the later one counts, in whatever order they came.
    pub updated_at: Unix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunAction {
    Requested,
    InProgress,
    Completed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowRunEvent {
    pub origin: Origin,
    pub action: RunAction,
    pub run: WorkflowRun,
    /// Numbers in the payload; empty for forks.
    pub pull_requests: Vec<u64>,
}

/// A workflow run as an event or the API said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRun {
    pub id: RunId,
    pub attempt: u32,
    /// The workflow file, `.github/workflows/ci.yml`, without `@ref` and repository.
    pub workflow_path: String,
    pub workflow_name: String,
    /// What started it: `pull_request`, `push`, ….
    pub event: String,
    pub state: RunState,
    pub head_sha: HeadSha,
    /// Absent when the fork was deleted.
    pub head_repository_id: Option<u64>,
    /// Who owns the head's repository.
    pub head_owner: Option<String>,
    /// The head's branch, which may be called `main` in a fork too, and so may a tag.
    pub head_branch: Option<String>,
    /// Who started it.
    pub actor: Option<String>,
    /// Who started this attempt.
    pub triggering_actor: Option<String>,
    pub workflow_id: Option<u64>,
    /// Reusable workflows that it called.
    pub referenced_workflows: Vec<ReferencedWorkflow>,
    pub created_at: Unix,
    /// When the current attempt began.
    pub started_at: Unix,
    pub url: Option<String>,
}

/// Somebody asks for one of our check runs again, or presses one of its buttons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRunEvent {
    pub origin: Origin,
    pub request: CheckRunRequest,
    /// The App that owns the run: others' runs are none of our business.
    pub app_id: Option<u64>,
    pub check_run: u64,
    pub name: String,
    pub external_id: Option<String>,
    pub head_sha: HeadSha,
    /// Numbers in the payload; empty for forks.
    pub pull_requests: Vec<u64>,
    pub sender: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckRunRequest {
    /// GitHub's own *Re-run*, which it offers only to those who may write.
    Rerun,
    /// A button of ours, by its identifier. Whoever sees it can press it.
    Button(String),
}

/// Our check runs of one commit, taken together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSuiteEvent {
    pub origin: Origin,
    pub action: CheckSuiteAction,
    pub app_id: Option<u64>,
    pub suite: u64,
    pub head_sha: HeadSha,
    pub conclusion: Option<String>,
    #[serde(default)]
    pub sender: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckSuiteAction {
    Requested,
    Rerequested,
    Completed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeGroupEvent {
    pub origin: Origin,
    pub change: MergeGroupChange,
    pub group: MergeGroup,
}

/// Pull requests merged on trial, one after the other, by a merge queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeGroup {
    pub head_sha: HeadSha,
    /// `refs/heads/gh-readonly-queue/{base}/pr-{number}-{sha}`.
    pub head_ref: String,
    pub base_sha: HeadSha,
    pub base_branch: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeGroupChange {
    ChecksRequested,
    /// With GitHub's word for the reason: `merged`, `invalidated`, `dequeued`.
    Destroyed(String),
}

/// A branch or tag points to another commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushEvent {
    pub origin: Origin,
    /// `refs/heads/main`, `refs/tags/v1`.
    pub reference: String,
    pub head_sha: HeadSha,
    #[serde(default)]
    pub rules: RulesFile,
}

/// Where a repository's own rules lie.
pub const RULES_PATH: &str = ".palisade.yml";

/// What a push did to the repository's own rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RulesFile {
    #[default]
    Untouched,
    /// Changed, or nobody says that it was not.
    Touched,
}

/// What we may see changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallationEvent {
    pub installation: InstallationId,
    /// Whose repositories it is about, in lower case.
    pub account: String,
    pub change: InstallationChange,
    /// When GitHub last changed the installation.
    pub at: Unix,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstallationChange {
    /// Suspended or deleted.
    Gone,
    Back,
    Repositories {
        added: Vec<RepositoryName>,
        removed: Vec<RepositoryName>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    Going,
    /// A fork's run that waits for approval: conclusion `action_required`.
    AwaitingApproval,
    Succeeded,
    /// Ended with GitHub's word for it: `failure`, `cancelled`, `skipped`, `timed_out`, ….
    Unsuccessful(String),
}

impl RunState {
    /// What GitHub's two words mean. A conclusion is trusted even where the status lags behind it.
    pub fn of(status: Option<&str>, conclusion: Option<&str>) -> Self {
        match (conclusion, status) {
            (Some("success"), _) => RunState::Succeeded,
            (Some("action_required"), _) => RunState::AwaitingApproval,
            (Some(word), _) => RunState::Unsuccessful(word.to_owned()),
            (None, Some("completed")) => RunState::Unsuccessful("unknown".to_owned()),
            (None, _) => RunState::Going,
        }
    }
    /// No more evidence comes from a run that ended.
    pub fn ended(&self) -> bool {
        matches!(self, RunState::Succeeded | RunState::Unsuccessful(_))
    }
}

/// The workflow file of a run's `path`, which may be bare (`.github/workflows/ci.yml`) or qualified
/// (`owner/repository/.github/workflows/ci.yml@ref`).
pub fn workflow_file(path: &str) -> &str {
    // A ref may hold slashes and `@`, so the file ends at the first `@` behind its directory.
    let start = path.find(".github/").filter(|&at| at == 0 || path[..at].ends_with('/')).unwrap_or(0);
    let file = &path[start..];
    file.split_once('@').map_or(file, |(file, _)| file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_path_loses_its_repository_and_its_ref() {
        for path in [
            ".github/workflows/ci.yml",
            ".github/workflows/ci.yml@refs/heads/main",
            "acme/shop/.github/workflows/ci.yml@refs/heads/feature@2",
        ] {
            assert_eq!(workflow_file(path), ".github/workflows/ci.yml");
        }
        assert_eq!(workflow_file("dynamic/pages/build"), "dynamic/pages/build");
    }

    #[test]
    fn a_run_that_waits_for_approval_has_not_ended() {
        assert!(!RunState::of(Some("completed"), Some("action_required")).ended());
        assert!(RunState::of(Some("completed"), Some("skipped")).ended());
        assert_eq!(RunState::of(Some("in_progress"), None), RunState::Going);
        assert_eq!(RunState::of(Some("in_progress"), Some("success")), RunState::Succeeded);
    }
}
