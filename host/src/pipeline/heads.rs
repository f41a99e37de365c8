//! Which pull requests a commit is the head of, and which runs it has: what the jobs say, what was said elsewhere, and
//! what only GitHub knows.

use super::{Failure, Pipeline, at, own_job, remember, requests};
use crate::github::GitHubError;
use crate::model::event::{PullRequest, PullRequestAction};
use crate::model::{CommitKey, HeadSha, Job, JobKind, WorkflowRun};
use crate::queue::Lease;
use crate::state::{CommitState, PullRequestHead};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

impl Pipeline {
    /// What is known of the commit, with what the lease's jobs say.
    pub(super) async fn recollect(&self, lease: &Lease) -> Result<CommitState, Failure> {
        let mut commit = self.state.commit(&lease.commit).await?;
        let begins = remember::begins_a_run(&commit, &lease.jobs);
        let mut unsure = remember::remember(&mut commit, &lease.jobs);
        unsure.extend(self.hear_of_other_heads(lease, &mut commit).await?);
        for number in unsure {
            let found = self.pull_request(lease, number).await?;
            remember::learn(&mut commit, number, found.as_ref(), &lease.commit.sha);
            if let Some(pull) = commit.pull_requests.get(&number) {
                let head = PullRequestHead { sha: lease.commit.sha.clone(), at: pull.updated_at };
                self.state.remember_head(&lease.commit, number, &head).await?;
            }
        }
        if begins && remember::wants_checks(&commit, &self.plan) {
            // Before the run is remembered: an attempt after a failure would not see it begin.
            self.set_deadline(lease, self.plan.evidence_deadline_s).await?;
        }
        self.state.remember_commit(&lease.commit, &commit).await?;
        Ok(commit)
    }

    async fn pull_request(&self, lease: &Lease, number: u64) -> Result<Option<PullRequest>, Failure> {
        match self.github.pull_request(&at(lease), number).await {
            Ok(pull) => Ok(Some(pull)),
            Err(GitHubError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A push moves the pull request's head: the head before it is told, unless another pull request has it too.
    pub(super) async fn supersede_older_heads(&self, lease: &Lease) -> Result<(), Failure> {
        for job in &lease.jobs {
            let JobKind::PullRequest(event) = &job.kind else { continue };
            if let (PullRequestAction::Synchronize, Some(before)) = (event.action, &event.before) {
                self.supersede(lease, &event.pull_request, before).await?;
            }
        }
        Ok(())
    }

    async fn supersede(&self, lease: &Lease, pull: &PullRequest, before: &HeadSha) -> Result<(), Failure> {
        if *before == lease.commit.sha {
            return Ok(());
        }
        let number = pull.number;
        let reason = format!("pull request #{number} has a newer head, {}", &lease.commit.sha.as_str()[..12]);
        let kind = JobKind::Supersede { reason, pull_request: number, at: pull.updated_at };
        let commit = CommitKey { sha: before.clone(), ..lease.commit.clone() };
        Ok(self.queue.schedule(own_job(&commit, kind, lease.job().now), 0).await?)
    }

    /// Compares what the jobs say of pull requests' heads with what was said elsewhere: deliveries overtake each other,
    /// and get lost. Answers those of which only GitHub knows.
    async fn hear_of_other_heads(&self, lease: &Lease, commit: &mut CommitState) -> Result<BTreeSet<u64>, Failure> {
        let mut unsure = BTreeSet::new();
        let open: Vec<PullRequest> = commit.pull_requests.values().cloned().collect();
        for pull in open {
            let head = PullRequestHead { sha: lease.commit.sha.clone(), at: pull.updated_at };
            let Some(known) = self.state.advance_head(&lease.commit, pull.number, &head).await? else { continue };
            if known.sha == head.sha {
                continue;
            }
            match known.at.cmp(&head.at) {
                Ordering::Less => self.supersede(lease, &pull, &known.sha).await?,
                Ordering::Equal => drop(unsure.insert(pull.number)),
                Ordering::Greater => remember::overtaken(commit, pull.number, known.at),
            }
        }
        Ok(unsure)
    }

    /// A fork's runs do not name their pull request, and a delivery may be lost: GitHub is asked when evidence is there
    /// and nobody is known to want it, and for what was only named.
    pub(super) async fn find_pull_requests(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), Failure> {
        let mut changed = false;
        for number in commit.announced.clone() {
            let found = self.pull_request(lease, number).await?;
            remember::learn(commit, number, found.as_ref(), &lease.commit.sha);
            changed = true;
        }
        let ended = |run: &WorkflowRun| run.event.starts_with("pull_request") && run.state.ended();
        let orphaned = commit.words.is_empty() && commit.merge_group.is_none() && commit.runs.values().any(ended);
        let asked = lease.jobs.iter().any(|job| requests::is_request(&job.kind));
        if orphaned || (asked && commit.words.is_empty()) {
            for pull in self.pull_requests_of_runs(lease, commit).await? {
                remember::learn(commit, pull.number, Some(&pull), &lease.commit.sha);
                changed = true;
            }
        }
        if changed {
            self.state.remember_commit(&lease.commit, commit).await?;
        }
        Ok(())
    }

    /// The open pull requests that the commit's runs belong to; without runs, whichever has it as its head.
    async fn pull_requests_of_runs(&self, lease: &Lease, commit: &CommitState) -> Result<Vec<PullRequest>, Failure> {
        let mut one_by_head = BTreeMap::new();
        for run in commit.runs.values().filter(|run| run.event.starts_with("pull_request")) {
            one_by_head.entry((run.head_repository_id, &run.head_branch)).or_insert(run);
        }
        if one_by_head.is_empty() {
            return Ok(self.github.open_pull_requests_with_head(&at(lease), &lease.commit.sha).await?);
        }
        let mut found = Vec::new();
        for run in one_by_head.into_values() {
            found.extend(self.github.pull_requests_for(&at(lease), run).await?);
        }
        Ok(found)
    }

    /// What was heard of the commit before a restart is forgotten, closed pull requests above all: a run from that time may
    /// have been made for a base that lets anything in, and be repeated now.
    pub(super) async fn find_forgotten_bases(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), Failure> {
        let runs = remember::of_forgotten_pull_requests(commit);
        if runs.is_empty() {
            return Ok(());
        }
        for run in runs {
            if let Some(branch) = &run.head_branch {
                commit.bases.extend(self.github.bases_at(&at(lease), branch, run.created_at).await?);
            }
            commit.asked_bases_of.insert(run.id.0);
        }
        Ok(self.state.remember_commit(&lease.commit, commit).await?)
    }

    /// At a deadline, and when somebody asks while nothing is known, GitHub is asked for the runs: a delivery may have
    /// been lost, and the state too. A failure changes nothing; only a rate limit makes the job wait, since whoever judged
    /// without looking might find no run where there is one.
    pub(super) async fn look_for_missed_runs(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), Failure> {
        let look = |job: &Job| match &job.kind {
            JobKind::Deadline | JobKind::LookAgain => true,
            JobKind::PullRequest(event) => event.action == PullRequestAction::Found,
            kind => requests::is_request(kind) && commit.runs.is_empty(),
        };
        if lease.jobs.iter().any(look) {
            self.look_for_runs(lease, commit).await?;
        }
        Ok(())
    }

    pub(super) async fn look_for_runs(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), Failure> {
        match self.github.workflow_runs_of(&at(lease), &lease.commit.sha).await {
            Ok(runs) => runs.iter().for_each(|run| remember::remember_run_state(commit, run)),
            Err(limited @ GitHubError::RateLimited { .. }) => return Err(limited.into()),
            Err(error) => tracing::warn!(%error, "looking for missed workflow runs"),
        }
        Ok(())
    }
}
