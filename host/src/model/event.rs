//! What a delivery means, parsed once at the door. Wire structs stay in the webhook room.

use super::ids::{HeadSha, InstallationId, RepositoryName, RunId, Unix};
use serde::{Deserialize, Serialize};

/// One webhook request's meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    PullRequest(PullRequestEvent),
    WorkflowRun(WorkflowRunEvent),
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullRequestAction {
    Opened,
    Reopened,
    Synchronize,
    Closed,
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
    pub head_sha: HeadSha,
    /// Absent when the fork was deleted.
    pub head_repository_id: Option<u64>,
    pub base_sha: HeadSha,
    pub base_branch: String,
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
    pub actor: Option<String>,
    pub created_at: Unix,
    /// When the current attempt began.
    pub started_at: Unix,
    pub url: Option<String>,
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
