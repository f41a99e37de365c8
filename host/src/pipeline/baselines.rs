//! The newest evidence of base branches: remembered when a run on such a branch ends, else asked of GitHub, once. Only
//! runs of the repository itself count, on a commit that the branch really holds: a fork's branch may be called `main`
//! too, and so may a tag.

use super::bases::{Base, Standpoint, bases};
use super::branches::Branches;
use super::{Failure, Inputs, Pipeline, at, remember};
use crate::correlate;
use crate::github::{GitHubError, RepositoryAt};
use crate::model::baseline::{BaselineRun, Comparison};
use crate::model::event::RunState;
use crate::model::provenance::Tier;
use crate::model::report::Provenance;
use crate::model::{CommitKey, HeadSha, JobKind, WorkflowRun};
use crate::queue::Lease;
use crate::runtime::Call;
use crate::state::{CommitState, Sought, StoreError};
use futures::future::join_all;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Runs of a branch that stand for its workflows; each costs a call and one more for each artifact.
const MOST_RUNS: usize = 4;
/// Commits that are held against each other where GitHub is asked for a branch's evidence.
const MOST_COMMITS: usize = 3;
/// A branch without evidence is not asked for again so soon.
const ABSENT_FOR: Duration = Duration::from_secs(10 * 60);
/// One with evidence is, in case that a delivery was lost.
const PRESENT_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long it is believed that a branch is protected, or not.
const PROTECTION_FOR: Duration = Duration::from_secs(5 * 60);

/// Whoever looks for a branch's evidence while another does waits for what that one finds.
#[derive(Debug, Default)]
pub struct Seeking(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Seeking {
    fn of(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut branches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        branches.retain(|_, seeking| Arc::strong_count(seeking) > 1);
        branches.entry(key.to_owned()).or_default().clone()
    }
}

/// A branch whose evidence is wanted.
struct Wanted<'a> {
    lease: &'a Lease,
    commit: &'a CommitState,
    branch: &'a str,
    /// A commit that is known to be on it.
    known: Option<&'a HeadSha>,
}

impl Pipeline {
    /// All bases of a commit with what its findings are held against there. What cannot be had is told; only a rate
    /// limit and a lost store make the job wait.
    pub(super) async fn standpoints(
        &self,
        lease: &Lease,
        commit: &CommitState,
        branches: &Branches<'_>,
    ) -> Result<Vec<Standpoint>, Failure> {
        let bases = bases(commit);
        let comparisons = bases.iter().map(|base| self.comparison((lease, commit), base, branches));
        let comparisons = join_all(comparisons).await;
        let standpoints = bases.iter().zip(comparisons);
        standpoints.map(|(base, comparison)| Ok(Standpoint { base: base.clone(), comparison: comparison? })).collect()
    }

    async fn comparison(
        &self,
        (lease, commit): (&Lease, &CommitState),
        base: &Base,
        branches: &Branches<'_>,
    ) -> Result<Option<Comparison>, Failure> {
        let Some(base_branch) = &base.branch else { return Ok(None) };
        let branch = match self.trusted_branch(lease, branches, base_branch).await {
            Ok(Some(branch)) => branch,
            Ok(None) => return Ok(None),
            Err(lost) => return lost.told(base_branch),
        };
        if let Err(lost) = self.prepare(&wanted(lease, commit, base, &branch)).await {
            return lost.told(&branch);
        }
        let baseline = self.state.baseline(&lease.commit.repository, &branch).await?;
        Ok(Some(Comparison { branch, baseline, outage: None }))
    }

    /// While CI runs there is time to look for baselines: when it ends, they are there. What fails is looked for again by
    /// whoever needs it.
    pub(super) async fn prepare_baselines(&self, lease: &Lease, commit: &CommitState) {
        let branches = Branches::new(&self.github, lease, commit);
        for base in bases(commit) {
            let Some(base_branch) = &base.branch else { continue };
            let prepared = async {
                match self.lately_trusted_branch(lease, &branches, base_branch).await? {
                    Some(branch) => self.prepare(&wanted(lease, commit, &base, &branch)).await,
                    None => Ok(()),
                }
            };
            if let Err(error) = prepared.await {
                tracing::warn!(%error, branch = base_branch, "looking for the newest evidence of a branch");
            }
        }
    }

    /// The branch that a base is compared with. That it is protected is remembered, so that runs which end on it are.
    async fn trusted_branch(&self, lease: &Lease, branches: &Branches<'_>, base: &str) -> Result<Option<String>, Lost> {
        let trusted = branches.is_trusted(base).await?;
        if branches.default_branch() != Some(base) {
            self.state.remember_protection((&lease.commit.repository, base), trusted, PROTECTION_FOR).await?;
        }
        Ok(branches.trusted(base).await?)
    }

    /// The same by what was found lately: while CI runs nothing is decided by it.
    async fn lately_trusted_branch(
        &self,
        lease: &Lease,
        branches: &Branches<'_>,
        base: &str,
    ) -> Result<Option<String>, Lost> {
        match self.state.protection(&lease.commit.repository, base).await? {
            Some(true) => Ok(Some(base.to_owned())),
            Some(false) => Ok(branches.default_branch().map(str::to_owned)),
            None => self.trusted_branch(lease, branches, base).await,
        }
    }

    /// Has GitHub asked for the branch's evidence if nobody did lately, or if what was found was evicted since.
    async fn prepare(&self, wanted: &Wanted<'_>) -> Result<(), Lost> {
        let repository = &wanted.lease.commit.repository;
        let seeking = self.seeking.of(&format!("{repository} {}", wanted.branch));
        let _alone = seeking.lock().await;
        match self.state.sought(repository, wanted.branch).await? {
            Some(sought) if !sought.found => return Ok(()),
            Some(_) if !self.state.baseline_runs(repository, wanted.branch).await?.is_empty() => return Ok(()),
            _ => {}
        }
        let found = self.seek(wanted).await? > 0;
        let for_how_long = if found { PRESENT_FOR } else { ABSENT_FOR };
        Ok(self.state.remember_sought((repository, wanted.branch), Sought { found }, for_how_long).await?)
    }

    /// Asks GitHub for the newest successful runs of the branch, and keeps what they brought. Answers how many did.
    async fn seek(&self, wanted: &Wanted<'_>) -> Result<usize, Lost> {
        let at = at(wanted.lease);
        let runs = self.github.successful_pushes(&at, wanted.branch).await?;
        let mut found = 0;
        for runs in self.by_workflow(wanted, runs) {
            if let Some(run) = self.newest_on_branch(&at, wanted, &runs).await?
                && self.keep(wanted, run).await?
            {
                found += 1;
            }
        }
        Ok(found)
    }

    /// The runs of each accepted workflow, the newest first and one of each commit; where there are many workflows, those
    /// that the commit's own evidence comes from.
    fn by_workflow(&self, wanted: &Wanted<'_>, mut runs: Vec<WorkflowRun>) -> Vec<Vec<WorkflowRun>> {
        runs.retain(|run| self.is_of_branch(wanted, run));
        runs.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
        let mut runs_by_workflow: BTreeMap<String, Vec<WorkflowRun>> = BTreeMap::new();
        for run in runs {
            let runs = runs_by_workflow.entry(run.workflow_path.clone()).or_default();
            if !runs.iter().any(|newer| newer.head_sha == run.head_sha) {
                runs.push(run);
            }
        }
        let own = remember::accepted_runs(wanted.commit, &self.plan);
        let is_own = |run: &WorkflowRun| own.iter().any(|own| own.workflow_path == run.workflow_path);
        let mut workflows: Vec<Vec<WorkflowRun>> = runs_by_workflow.into_values().collect();
        workflows.sort_by_key(|runs| (!is_own(&runs[0]), std::cmp::Reverse(runs[0].created_at), runs[0].id));
        workflows.truncate(MOST_RUNS);
        workflows
    }

    /// Of the newest runs that of the newest commit: a tag of the branch's name starts runs of old ones.
    async fn newest_on_branch<'r>(
        &self,
        at: &RepositoryAt,
        wanted: &Wanted<'_>,
        runs: &'r [WorkflowRun],
    ) -> Result<Option<&'r WorkflowRun>, Lost> {
        let mut newest: Option<&WorkflowRun> = None;
        for run in runs.iter().take(MOST_COMMITS) {
            let follows = match newest {
                Some(known) => self.github.holds(at, run.head_sha.as_str(), &known.head_sha).await?,
                None => true,
            };
            if follows && self.is_on_branch(at, wanted, &run.head_sha).await? {
                newest = Some(run);
            }
            if newest.is_some_and(|run| Some(&run.head_sha) == wanted.known) {
                break;
            }
        }
        Ok(newest)
    }

    /// Whether the branch has moved on since the run's commit, as far as what is kept of it tells. What is kept of a commit
    /// that the branch does not hold any more, because somebody forced it, tells nothing.
    async fn is_overtaken(&self, wanted: &Wanted<'_>, run: &WorkflowRun) -> Result<bool, Lost> {
        let kept = self.state.baseline_runs(&wanted.lease.commit.repository, wanted.branch).await?;
        let Some(kept) = kept.into_iter().find(|kept| kept.workflow_path == run.workflow_path) else {
            return Ok(false);
        };
        let at = at(wanted.lease);
        if kept.sha == run.head_sha || self.github.holds(&at, run.head_sha.as_str(), &kept.sha).await? {
            return Ok(false);
        }
        Ok(self.github.branch_contains(&at, wanted.branch, &kept.sha).await?)
    }

    /// A successful run of the repository itself that the branch's own state started.
    fn is_of_branch(&self, wanted: &Wanted<'_>, run: &WorkflowRun) -> bool {
        let repository_id = wanted.commit.origin.as_ref().map(|origin| origin.repository_id);
        remember::is_accepted(&self.plan, run)
            && run.state == RunState::Succeeded
            && matches!(run.event.as_str(), "push" | "schedule" | "workflow_dispatch")
            && run.head_branch.as_deref() == Some(wanted.branch)
            && run.head_repository_id.is_some()
            && run.head_repository_id == repository_id
    }

    /// A tag of the branch's name gives its runs the same name.
    async fn is_on_branch(&self, at: &RepositoryAt, wanted: &Wanted<'_>, sha: &HeadSha) -> Result<bool, Lost> {
        if wanted.known == Some(sha) {
            return Ok(true);
        }
        let key = CommitKey { sha: sha.clone(), ..wanted.lease.commit.clone() };
        let pushed = self.state.commit(&key).await?.pushed;
        if pushed.contains(&format!("refs/heads/{}", wanted.branch)) {
            return Ok(true);
        }
        Ok(self.github.branch_contains(at, wanted.branch, sha).await?)
    }

    /// Reads what a run of the branch uploaded, and keeps it reduced. Answers whether there was any evidence.
    async fn keep(&self, wanted: &Wanted<'_>, run: &WorkflowRun) -> Result<bool, Lost> {
        let key = &wanted.lease.commit;
        let repository_id = wanted.commit.origin.as_ref().map(|origin| origin.repository_id);
        let fetched = self.fetcher.fetch(&self.github, &at(wanted.lease), run).await?;
        let mut inputs = Inputs::default();
        // Only the repository's own runs on a commit of the branch itself come here.
        let tier =
            Tier { provenance: Provenance::Repository, because: String::new(), unread: false, workflow_sha: None };
        inputs.add(run, repository_id, &tier, &fetched);
        let call = Call::new(Some(key.installation), &wanted.lease.job().id.0);
        let readings = self.judge.read(&call, &self.plan, inputs.artifacts, &key.installation.to_string()).await;
        if readings.reports.is_empty() {
            return Ok(false);
        }
        let reports: Vec<_> = readings.reports.iter().map(correlate::reduced).collect();
        let kept = BaselineRun {
            workflow_path: run.workflow_path.clone(),
            id: run.id,
            attempt: run.attempt,
            sha: run.head_sha.clone(),
            created_at: run.created_at,
        };
        self.state.remember_baseline((&key.repository, wanted.branch), &kept, &reports).await?;
        Ok(true)
    }

    /// A run of the default branch, or of one that is known to be protected, ended: what it brought is the branch's newest
    /// evidence. A failure is told and costs nothing: whoever needs the evidence asks again.
    pub(super) async fn remember_baselines(&self, lease: &Lease, commit: &CommitState) {
        for job in &lease.jobs {
            let JobKind::WorkflowRun(event) = &job.kind else { continue };
            let Some(branch) = &event.run.head_branch else { continue };
            let wanted = Wanted { lease, commit, branch, known: None };
            if let Err(error) = self.remember_baseline(&wanted, &event.run).await {
                tracing::warn!(%error, branch, "the newest evidence of a branch is not remembered");
            }
        }
    }

    async fn remember_baseline(&self, wanted: &Wanted<'_>, run: &WorkflowRun) -> Result<(), Lost> {
        let origin = wanted.commit.origin.as_ref();
        if !self.is_of_branch(wanted, run) {
            return Ok(());
        }
        // Whether a branch is protected is asked for when a pull request into it comes, not at each push.
        let is_default = origin.and_then(|origin| origin.default_branch.as_deref()) == Some(wanted.branch);
        let repository = &wanted.lease.commit.repository;
        if !is_default && self.state.protection(repository, wanted.branch).await? != Some(true) {
            return Ok(());
        }
        // Runs of two commits may end at once: each is kept before the other asks what is newer.
        let seeking = self.seeking.of(&format!("{repository} {}", wanted.branch));
        let _alone = seeking.lock().await;
        if self.is_on_branch(&at(wanted.lease), wanted, &run.head_sha).await? && !self.is_overtaken(wanted, run).await?
        {
            self.keep(wanted, run).await?;
        }
        Ok(())
    }
}

/// Why a branch's evidence is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lost {
    /// A rate limit and a lost store make the job wait; everything else is an outage that the result tells.
    fn told(self, branch: &str) -> Result<Option<Comparison>, Failure> {
        match self {
            Lost::Store(error) => Err(error.into()),
            Lost::GitHub(limited @ GitHubError::RateLimited { .. }) => Err(limited.into()),
            Lost::GitHub(error) => {
                let outage = Some(error.to_string());
                Ok(Some(Comparison { branch: branch.to_owned(), baseline: None, outage }))
            }
        }
    }
}

/// The base's own commit is known to be on it, and on no other branch.
fn wanted<'a>(lease: &'a Lease, commit: &'a CommitState, base: &'a Base, branch: &'a str) -> Wanted<'a> {
    let known = base.sha.as_ref().filter(|_| base.branch.as_deref() == Some(branch));
    Wanted { lease, commit, branch, known }
}
