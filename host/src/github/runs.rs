//! Workflow runs, what they uploaded, and the pull requests that a commit belongs to.

use super::calls::{Call, in_query};
use super::{GitHub, GitHubError, RepositoryAt};
use crate::model::event::{PullRequest, RunState, workflow_file};
use crate::model::provenance::ReferencedWorkflow;
use crate::model::{Digest, HeadSha, RunId, Unix, WorkflowRun};
use serde::Deserialize;

/// A search for runs ends at 1,000 results; reaching that means that there may be more.
const MOST_RUN_PAGES: usize = 10;
/// Of a branch's runs, newest first: enough to find each of its workflows, and one page.
const NEWEST_RUNS: usize = 50;
/// One run's uploads: 10,000, far beyond what is ever fetched.
const MOST_ARTIFACT_PAGES: usize = 100;
/// 3,000 open pull requests are searched for a head; each page costs a call.
const MOST_PULL_REQUEST_PAGES: usize = 30;
/// A run is created some time after what started it: GitHub's queues take seconds, on bad days minutes.
const CLOCK_SLACK_S: u64 = 10 * 60;

/// One upload of a run. Its identity is `id` and digest, never the name, which may occur twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactListing {
    pub id: u64,
    pub name: String,
    /// As stored, that is compressed.
    pub size_bytes: u64,
    pub expired: bool,
    /// Of the stored bytes. Older uploaders and servers have none.
    pub digest: Option<Digest>,
    pub created_at: Unix,
}

impl GitHub {
    pub async fn workflow_run(&self, at: &RepositoryAt, id: RunId) -> Result<WorkflowRun, GitHubError> {
        let call = Call::of_repository(at, &format!("/actions/runs/{id}")).may_lag();
        Ok(self.read::<WireRun>(call).await?.run())
    }

    /// The newest attempt of each run whose head is this commit.
    pub async fn workflow_runs_of(&self, at: &RepositoryAt, sha: &HeadSha) -> Result<Vec<WorkflowRun>, GitHubError> {
        let call = Call::of_repository(at, &format!("/actions/runs?head_sha={sha}&per_page=100"));
        let pages: Vec<WireRuns> = self.pages(call, MOST_RUN_PAGES).await?;
        let runs = pages.into_iter().flat_map(|page| page.workflow_runs).map(WireRun::run);
        Ok(runs.filter(|run| run.head_sha == *sha).collect())
    }

    /// The newest successful runs that pushes to a branch, or to a tag of its name, started.
    pub async fn successful_pushes(&self, at: &RepositoryAt, branch: &str) -> Result<Vec<WorkflowRun>, GitHubError> {
        let branch = in_query(branch);
        let path = format!("/actions/runs?branch={branch}&event=push&status=success&per_page={NEWEST_RUNS}");
        let page: WireRuns = self.read(Call::of_repository(at, &path)).await?;
        Ok(page.workflow_runs.into_iter().map(WireRun::run).collect())
    }

    /// Whether a branch holds a commit. A tag may have the branch's name.
    pub async fn branch_contains(&self, at: &RepositoryAt, branch: &str, sha: &HeadSha) -> Result<bool, GitHubError> {
        self.holds(at, &format!("refs/heads/{branch}"), sha).await
    }

    /// Whether a commit is another, or among those that led to it; so for what a reference stands for.
    pub async fn holds(&self, at: &RepositoryAt, reference: &str, sha: &HeadSha) -> Result<bool, GitHubError> {
        let path = format!("/compare/{sha}...{}?per_page=1", in_query(reference));
        match self.read::<WireComparison>(Call::of_repository(at, &path)).await {
            Ok(comparison) => Ok(matches!(comparison.status.as_str(), "ahead" | "identical")),
            Err(GitHubError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Everything that the run's attempts uploaded, expired ones too.
    pub async fn list_artifacts(&self, at: &RepositoryAt, run: RunId) -> Result<Vec<ArtifactListing>, GitHubError> {
        let call = Call::of_repository(at, &format!("/actions/runs/{run}/artifacts?per_page=100")).may_lag();
        let pages: Vec<WireArtifacts> = self.pages(call, MOST_ARTIFACT_PAGES).await?;
        Ok(pages.into_iter().flat_map(|page| page.artifacts).map(WireArtifact::listing).collect())
    }

    /// A pull request as it is now.
    pub async fn pull_request(&self, at: &RepositoryAt, number: u64) -> Result<PullRequest, GitHubError> {
        let wire: WirePullRequest = self.read(Call::of_repository(at, &format!("/pulls/{number}"))).await?;
        Ok(wire.pull_request())
    }

    /// Whether somebody may write to the repository. Nobody of this name may not.
    pub async fn may_write(&self, at: &RepositoryAt, login: &str) -> Result<bool, GitHubError> {
        #[derive(Deserialize)]
        struct Wire {
            permission: Option<String>,
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'[' | b']');
        if login.is_empty() || !login.bytes().all(plain) {
            return Ok(false);
        }
        let login = login.replace('[', "%5B").replace(']', "%5D");
        let call = Call::of_repository(at, &format!("/collaborators/{login}/permission"));
        match self.read::<Wire>(call).await {
            // GitHub shows `maintain` as write.
            Ok(found) => Ok(matches!(found.permission.as_deref(), Some("admin" | "write" | "maintain"))),
            Err(GitHubError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Every open pull request of a repository.
    pub async fn open_pull_requests(&self, at: &RepositoryAt) -> Result<Vec<PullRequest>, GitHubError> {
        let call = Call::of_repository(at, "/pulls?state=open&sort=updated&direction=desc&per_page=100");
        let pages: Vec<Vec<WirePullRequest>> = self.pages(call, MOST_PULL_REQUEST_PAGES).await?;
        Ok(pages.into_iter().flatten().map(WirePullRequest::pull_request).collect())
    }

    /// The open pull requests whose head is this commit, forks included, by looking at every open one.
    pub async fn open_pull_requests_with_head(
        &self,
        at: &RepositoryAt,
        sha: &HeadSha,
    ) -> Result<Vec<PullRequest>, GitHubError> {
        let call = Call::of_repository(at, "/pulls?state=open&sort=updated&direction=desc&per_page=100");
        self.open_with_head(call, sha).await
    }

    /// The base branches of all pull requests, closed ones too, that were open with this branch of the repository at some
    /// time. What was said about a pull request just before or after may be told with a slightly different time.
    pub async fn bases_at(&self, at: &RepositoryAt, branch: &str, time: Unix) -> Result<Vec<String>, GitHubError> {
        let head = format!("{}:{}", in_query(at.repository.owner()), in_query(branch));
        let call = Call::of_repository(at, &format!("/pulls?state=all&head={head}&per_page=100"));
        let pages: Vec<Vec<WirePullRequest>> = self.pages(call, MOST_PULL_REQUEST_PAGES).await?;
        let was_open = |pull: &WirePullRequest| {
            let closed = pull.closed_at.map(|closed| unix(Some(closed)));
            unix(pull.created_at) <= time + CLOCK_SLACK_S && closed.is_none_or(|closed| closed + CLOCK_SLACK_S >= time)
        };
        Ok(pages.into_iter().flatten().filter(was_open).map(|pull| pull.base.branch).collect())
    }

    /// The open pull requests that a run belongs to, forks' included: those whose head is its commit in its repository.
    /// The head's branch is asked for first; only if that leads nowhere is every open pull request looked at.
    pub async fn pull_requests_for(
        &self,
        at: &RepositoryAt,
        run: &WorkflowRun,
    ) -> Result<Vec<PullRequest>, GitHubError> {
        // A deleted fork has no repository, and nothing can be told to be its own.
        let Some(repository) = run.head_repository_id else { return Ok(Vec::new()) };
        let of_run = |pulls: Vec<PullRequest>| -> Vec<PullRequest> {
            pulls.into_iter().filter(|pull| pull.head_repository_id == Some(repository)).collect()
        };
        if let (Some(owner), Some(branch)) = (&run.head_owner, &run.head_branch) {
            let head = format!("{}:{}", in_query(owner), in_query(branch));
            let call = Call::of_repository(at, &format!("/pulls?state=open&head={head}&per_page=100"));
            let found = of_run(self.open_with_head(call, &run.head_sha).await?);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(of_run(self.open_pull_requests_with_head(at, &run.head_sha).await?))
    }

    async fn open_with_head(&self, call: Call, sha: &HeadSha) -> Result<Vec<PullRequest>, GitHubError> {
        let pages: Vec<Vec<WirePullRequest>> = self.pages(call, MOST_PULL_REQUEST_PAGES).await?;
        let open = pages.into_iter().flatten().filter(|pull| pull.state.as_deref().is_none_or(|state| state == "open"));
        let mut found: Vec<_> = open.filter(|pull| pull.head.sha == *sha).map(WirePullRequest::pull_request).collect();
        found.sort_by_key(|pull| pull.number);
        found.dedup_by_key(|pull| pull.number);
        Ok(found)
    }
}

#[derive(Deserialize)]
struct WireComparison {
    status: String,
}

#[derive(Deserialize)]
struct WireRuns {
    workflow_runs: Vec<WireRun>,
}

#[derive(Deserialize)]
struct WireRun {
    id: u64,
    run_attempt: Option<u32>,
    path: Option<String>,
    name: Option<String>,
    event: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    head_sha: HeadSha,
    head_repository: Option<WireRepository>,
    actor: Option<WireAccount>,
    triggering_actor: Option<WireAccount>,
    head_branch: Option<String>,
    workflow_id: Option<u64>,
    referenced_workflows: Option<Vec<WireReferenced>>,
    created_at: Option<jiff::Timestamp>,
    run_started_at: Option<jiff::Timestamp>,
    html_url: Option<String>,
}
#[derive(Deserialize)]
struct WireRepository {
    id: u64,
    owner: Option<WireAccount>,
}
#[derive(Deserialize)]
struct WireReferenced {
    path: String,
    sha: String,
}
#[derive(Deserialize)]
struct WireAccount {
    login: Option<String>,
}

impl WireRun {
    fn run(self) -> WorkflowRun {
        let created_at = unix(self.created_at);
        let workflow_path = workflow_file(self.path.as_deref().unwrap_or_default()).to_owned();
        let referenced = self.referenced_workflows.unwrap_or_default().into_iter();
        let (head_repository_id, head_owner) = match self.head_repository {
            Some(repository) => (Some(repository.id), repository.owner.and_then(|owner| owner.login)),
            None => (None, None),
        };
        WorkflowRun {
            id: RunId(self.id),
            attempt: self.run_attempt.unwrap_or(1),
            workflow_name: self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| workflow_path.clone()),
            workflow_path,
            event: self.event.unwrap_or_default(),
            state: RunState::of(self.status.as_deref(), self.conclusion.as_deref()),
            head_sha: self.head_sha,
            head_repository_id,
            head_owner,
            head_branch: self.head_branch,
            actor: self.actor.and_then(|actor| actor.login),
            triggering_actor: self.triggering_actor.and_then(|actor| actor.login),
            workflow_id: self.workflow_id,
            referenced_workflows: referenced.map(|one| ReferencedWorkflow::of(&one.path, &one.sha)).collect(),
            created_at,
            started_at: self.run_started_at.map_or(created_at, |at| unix(Some(at))),
            url: self.html_url,
        }
    }
}

#[derive(Deserialize)]
struct WireArtifacts {
    artifacts: Vec<WireArtifact>,
}

#[derive(Deserialize)]
struct WireArtifact {
    id: u64,
    name: String,
    size_in_bytes: Option<u64>,
    expired: Option<bool>,
    digest: Option<String>,
    created_at: Option<jiff::Timestamp>,
}

impl WireArtifact {
    fn listing(self) -> ArtifactListing {
        ArtifactListing {
            id: self.id,
            name: self.name,
            size_bytes: self.size_in_bytes.unwrap_or(0),
            expired: self.expired.unwrap_or(false),
            // Another algorithm than SHA-256 cannot be compared, so it counts as none.
            digest: self.digest.and_then(|digest| Digest::try_from(digest).ok()),
            created_at: unix(self.created_at),
        }
    }
}

#[derive(Deserialize)]
struct WirePullRequest {
    number: u64,
    state: Option<String>,
    draft: Option<bool>,
    user: Option<WireAccount>,
    head: WireHead,
    base: WireBase,
    created_at: Option<jiff::Timestamp>,
    updated_at: Option<jiff::Timestamp>,
    closed_at: Option<jiff::Timestamp>,
}
#[derive(Deserialize)]
struct WireHead {
    sha: HeadSha,
    #[serde(rename = "ref")]
    branch: Option<String>,
    repo: Option<WireRepository>,
}
#[derive(Deserialize)]
struct WireBase {
    sha: HeadSha,
    #[serde(rename = "ref")]
    branch: String,
}

impl WirePullRequest {
    fn pull_request(self) -> PullRequest {
        PullRequest {
            number: self.number,
            open: self.state.as_deref().is_none_or(|state| state == "open"),
            draft: self.draft.unwrap_or(false),
            author: self.user.and_then(|user| user.login),
            head_sha: self.head.sha,
            head_branch: self.head.branch.unwrap_or_default(),
            head_repository_id: self.head.repo.map(|repository| repository.id),
            base_sha: self.base.sha,
            base_branch: self.base.branch,
            updated_at: unix(self.updated_at),
        }
    }
}

fn unix(at: Option<jiff::Timestamp>) -> Unix {
    at.and_then(|at| u64::try_from(at.as_second()).ok()).unwrap_or(0)
}
