//! What a commit's jobs change in what is known of it. Pure: events may come in any order and repeat.

use crate::model::event::{PullRequestAction, PullRequestEvent, RunState, WorkflowRunEvent};
use crate::model::record::Runs;
use crate::model::{Job, JobId, JobKind, Plan, Unix, WorkflowRun};
use crate::state::CommitState;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeMap;

/// Whether a run attempt is going of which nothing was known: it needs a deadline of its own.
pub fn begins_a_run(commit: &CommitState, jobs: &[Job]) -> bool {
    jobs.iter().any(|job| match &job.kind {
        JobKind::WorkflowRun(event) => {
            let known = commit.runs.get(&event.run.id.0);
            event.run.state == RunState::Going && known.is_none_or(|known| known.attempt < event.run.attempt)
        }
        _ => false,
    })
}

/// Works the jobs' events into the commit, in order.
pub fn remember(commit: &mut CommitState, jobs: &[Job]) {
    for job in jobs {
        match &job.kind {
            JobKind::PullRequest(event) => remember_pull_request(commit, event, &job.id),
            JobKind::WorkflowRun(event) => remember_run(commit, event),
            JobKind::Supersede { pull_request, by, .. } if commit.head_since.get(pull_request) > Some(by) => {}
            JobKind::Supersede { reason, pull_request, .. } => {
                commit.pull_requests.remove(pull_request);
                commit.announced.retain(|number| number != pull_request);
                if commit.pull_requests.is_empty() {
                    commit.superseded = Some(reason.clone());
                }
            }
            JobKind::Deadline | JobKind::LookAgain => {}
        }
    }
}

fn remember_pull_request(commit: &mut CommitState, event: &PullRequestEvent, job: &JobId) {
    commit.origin = Some(event.origin.clone());
    let number = event.pull_request.number;
    commit.head_since.insert(number, job.clone());
    commit.looks = 0;
    if event.action == PullRequestAction::Closed {
        commit.pull_requests.remove(&number);
        commit.announced.retain(|announced| *announced != number);
        if commit.pull_requests.is_empty() {
            commit.superseded = Some(format!("pull request #{number} was closed"));
        }
        return;
    }
    commit.pull_requests.insert(number, event.pull_request.clone());
    // Reopened, or pushed back to: what was given up is wanted again, and its last decision does not count.
    if commit.superseded.take().is_some() {
        commit.fingerprint = None;
    }
}

/// A run replaces only its own predecessor: the same id with an older attempt, or an earlier state of this attempt.
fn remember_run(commit: &mut CommitState, event: &WorkflowRunEvent) {
    commit.origin.get_or_insert_with(|| event.origin.clone());
    commit.looks = 0;
    for number in &event.pull_requests {
        if commit.superseded.is_none() && !commit.announced.contains(number) {
            commit.announced.push(*number);
        }
    }
    remember_run_state(commit, &event.run);
}

/// The same for a run that GitHub's API told of.
pub fn remember_run_state(commit: &mut CommitState, run: &WorkflowRun) {
    match commit.runs.get(&run.id.0) {
        Some(known) if known.attempt > run.attempt => {}
        // Events arrive out of order: a start after the end of the same attempt says nothing new.
        Some(known) if known.attempt == run.attempt && known.state.ended() && !run.state.ended() => {}
        _ => {
            commit.runs.insert(run.id.0, run.clone());
        }
    }
}

/// Whether checks belong on this commit: a pull request is known. Commits that were only pushed get none.
pub fn wants_checks(commit: &CommitState) -> bool {
    commit.superseded.is_none() && !(commit.pull_requests.is_empty() && commit.announced.is_empty())
}

/// The runs that count: the newest of every accepted (workflow, event) whose head repository is the pull request's.
pub fn accepted_runs<'a>(commit: &'a CommitState, plan: &Plan) -> Vec<&'a WorkflowRun> {
    let workflows = globs(&plan.workflows);
    let mut newest: BTreeMap<(&str, &str, Option<u64>), &WorkflowRun> = BTreeMap::new();
    for run in commit.runs.values() {
        let accepted = (plan.workflows.is_empty() || workflows.is_match(&run.workflow_path)) && is_of_head(commit, run);
        if !accepted {
            continue;
        }
        let slot = newest.entry((&run.workflow_path, &run.event, run.head_repository_id)).or_insert(run);
        if (run.created_at, run.id) > (slot.created_at, slot.id) {
            *slot = run;
        }
    }
    newest.into_values().collect()
}

/// A run of a fork is evidence for the fork's pull request only, and the repository's own runs for its own.
fn is_of_head(commit: &CommitState, run: &WorkflowRun) -> bool {
    if commit.pull_requests.is_empty() {
        let own = commit.origin.as_ref().map(|origin| origin.repository_id);
        return run.head_repository_id.is_some() && run.head_repository_id == own;
    }
    commit
        .pull_requests
        .values()
        .any(|pull| pull.head_repository_id.is_some() && pull.head_repository_id == run.head_repository_id)
}

/// Where the accepted runs stand, for the decision and for people.
pub fn standing(commit: &CommitState, runs: &[&WorkflowRun], plan: &Plan, now: Unix) -> Runs {
    let mut standing = Runs::default();
    for run in runs {
        match &run.state {
            RunState::Going => standing.going += 1,
            RunState::AwaitingApproval => standing.awaiting_approval += 1,
            RunState::Succeeded => standing.ended += 1,
            RunState::Unsuccessful(conclusion) => {
                standing.ended += 1;
                // A skipped run is no failure: nobody asked it to do anything.
                if conclusion != "skipped" {
                    standing.unsuccessful.push((run.workflow_name.clone(), conclusion.clone()));
                }
            }
        }
    }
    let waited = |since: Unix| now.saturating_sub(since);
    let opened = commit.opened_at.unwrap_or(now);
    // A run of a later attempt has its own time: what failed does not turn neutral because somebody ran it again.
    let too_long = |run: &&WorkflowRun| {
        run.state == RunState::Going && waited(opened.max(run.started_at)) >= plan.evidence_deadline_s
    };
    standing.overdue =
        (runs.is_empty() && waited(opened) >= plan.no_run_deadline_s) || runs.iter().copied().any(|run| too_long(&run));
    standing
}

/// Globs over paths and names, compared without case; `*` crosses `/`, as people expect of artifact names.
pub fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        // A pattern that is not a glob was refused when the configuration was read.
        if let Ok(glob) = GlobBuilder::new(pattern).case_insensitive(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}
