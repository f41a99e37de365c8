//! What a commit's jobs change in what is known of it. Pure: events may come in any order and repeat.

use crate::model::event::{
    MergeGroupChange, MergeGroupEvent, PullRequest, PullRequestAction, RunState, WorkflowRunEvent,
};
use crate::model::record::Runs;
use crate::model::{HeadSha, Job, JobKind, Plan, Record, Unix, WorkflowRun};
use crate::policy::judges_commit;
use crate::state::{CommitState, Owed, Word};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};

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

/// Works the jobs' events into the commit, in order. Answers the pull requests of which two words of the same second
/// contradict each other: only GitHub knows which came last.
#[must_use]
pub fn remember(commit: &mut CommitState, jobs: &[Job]) -> BTreeSet<u64> {
    let mut unsure = BTreeSet::new();
    for (place, job) in jobs.iter().enumerate() {
        match &job.kind {
            JobKind::PullRequest(event) => {
                commit.origin = Some(event.origin.clone());
                commit.looks = 0;
                // Also of one that is closed: its runs stay.
                commit.bases.insert(event.pull_request.base_branch.clone());
                // What was only seen on GitHub says nothing of what happened before.
                if event.action != PullRequestAction::Found {
                    let heard = event.pull_request.updated_at;
                    commit.heard_since = Some(commit.heard_since.map_or(heard, |since| since.min(heard)));
                }
                let told = Told::of(&event.pull_request, event.pull_request.open);
                if hear(commit, told) == Heard::Unsure {
                    unsure.insert(event.pull_request.number);
                }
            }
            JobKind::WorkflowRun(event) => remember_run(commit, event),
            JobKind::CheckRun(event) => {
                commit.origin.get_or_insert_with(|| event.origin.clone());
                announce(commit, &event.pull_requests);
            }
            JobKind::CheckSuite(event) => {
                commit.origin.get_or_insert_with(|| event.origin.clone());
                commit.suite = Some(event.suite);
            }
            JobKind::MergeGroup(event) => remember_merge_group(commit, event),
            JobKind::Push(event) => {
                commit.origin.get_or_insert_with(|| event.origin.clone());
                commit.pushed.insert(event.reference.clone());
            }
            JobKind::Supersede { reason, pull_request, at } => {
                let told = Told { number: *pull_request, at: *at, head: None, reason };
                if hear(commit, told) == Heard::Unsure {
                    unsure.insert(*pull_request);
                }
            }
            JobKind::RulesChanged => {
                // What was decided by other rules does not count any more, told or not.
                commit.fingerprint = None;
                let since = |owed: &Owed| jobs[place..].iter().any(|later| later.id == owed.job);
                commit.owed = commit.owed.take().filter(since);
            }
            JobKind::Deadline | JobKind::LookAgain | JobKind::Comment { .. } => {}
        }
    }
    unsure
}

/// What GitHub itself says about a pull request: it outdoes every word of an event so far.
pub fn learn(commit: &mut CommitState, number: u64, found: Option<&PullRequest>, sha: &HeadSha) {
    commit.bases.extend(found.map(|pull| pull.base_branch.clone()));
    let known = commit.words.remove(&number).map_or(0, |word| word.at);
    let reason = match found {
        Some(pull) if pull.open => format!("pull request #{number} has a newer head"),
        _ => format!("pull request #{number} was closed"),
    };
    let head = found.filter(|pull| pull.open && pull.head_sha == *sha);
    let at = known.max(found.map_or(0, |pull| pull.updated_at));
    hear(commit, Told { number, at, head, reason: &reason });
}

/// Another commit is known to be a pull request's head since a later time than this one's word for it.
pub fn overtaken(commit: &mut CommitState, number: u64, at: Unix) {
    let reason = format!("pull request #{number} has a newer head");
    hear(commit, Told { number, at, head: None, reason: &reason });
}

/// One word about a pull request.
struct Told<'a> {
    number: u64,
    at: Unix,
    /// The pull request, if it is open and this commit its head.
    head: Option<&'a PullRequest>,
    /// Why this commit is not judged for it.
    reason: &'a str,
}

impl<'a> Told<'a> {
    fn of(pull: &'a PullRequest, is_head: bool) -> Self {
        // Only a closed one is told with this commit as its head and yet is none.
        Self { number: pull.number, at: pull.updated_at, head: is_head.then_some(pull), reason: CLOSED }
    }
}

const CLOSED: &str = "the pull request was closed";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Taken,
    /// An older word, come late.
    Late,
    Unsure,
}

fn hear(commit: &mut CommitState, told: Told<'_>) -> Heard {
    let is_head = told.head.is_some();
    match commit.words.get(&told.number) {
        Some(known) if known.at > told.at => return Heard::Late,
        Some(known) if known.at == told.at && known.is_head != is_head => return Heard::Unsure,
        _ => commit.words.insert(told.number, Word { at: told.at, is_head }),
    };
    commit.announced.retain(|announced| *announced != told.number);
    match told.head {
        Some(pull) => {
            commit.pull_requests.insert(told.number, pull.clone());
            // Reopened, or pushed back to: what was given up is wanted again, and its last decision does not count.
            if commit.superseded.take().is_some() {
                commit.fingerprint = None;
            }
        }
        None => {
            commit.pull_requests.remove(&told.number);
            if commit.pull_requests.is_empty() && commit.merge_group.is_none() {
                commit.superseded = Some(told.reason.to_owned());
            }
        }
    }
    Heard::Taken
}

/// A group that was destroyed stays so: its head is a commit that no other group has.
fn remember_merge_group(commit: &mut CommitState, event: &MergeGroupEvent) {
    const DESTROYED: &str = "the merge group was destroyed";
    commit.origin = Some(event.origin.clone());
    commit.looks = 0;
    // Also of one that is destroyed: its runs stay.
    commit.bases.insert(event.group.base_branch.clone());
    match &event.change {
        MergeGroupChange::ChecksRequested => {
            if !commit.superseded.as_deref().is_some_and(|reason| reason.starts_with(DESTROYED)) {
                commit.merge_group = Some(event.group.clone());
                commit.superseded = None;
            }
        }
        MergeGroupChange::Destroyed(word) => {
            commit.merge_group = None;
            if commit.pull_requests.is_empty() {
                commit.superseded = Some(match word.is_empty() {
                    true => DESTROYED.to_owned(),
                    false => format!("{DESTROYED}: {word}"),
                });
            }
        }
    }
}

fn announce(commit: &mut CommitState, numbers: &[u64]) {
    for number in numbers {
        if !commit.words.contains_key(number) && !commit.announced.contains(number) {
            commit.announced.push(*number);
        }
    }
}

/// A run replaces only its own predecessor: the same id with an older attempt, or an earlier state of this attempt.
fn remember_run(commit: &mut CommitState, event: &WorkflowRunEvent) {
    commit.origin.get_or_insert_with(|| event.origin.clone());
    commit.looks = 0;
    announce(commit, &event.pull_requests);
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

/// GitHub creates a run at the second of the event that starts it, give or take a few.
const SAME_MOMENT_S: u64 = 10;

/// The repository's own runs that began before anything was heard of their commit: nobody knows for which of its pull
/// requests, some of which may be closed again.
pub fn of_forgotten_pull_requests(commit: &CommitState) -> Vec<WorkflowRun> {
    let own = commit.origin.as_ref().map(|origin| origin.repository_id);
    let is_older = |run: &WorkflowRun| commit.heard_since.is_none_or(|since| run.created_at + SAME_MOMENT_S < since);
    let forgotten = |run: &&WorkflowRun| {
        run.event == "pull_request"
            && run.head_repository_id == own
            && is_older(run)
            && !commit.asked_bases_of.contains(&run.id.0)
    };
    commit.runs.values().filter(forgotten).cloned().collect()
}

/// Whether checks belong on this commit: a pull request or a merge group is known. Commits that were only pushed get
/// none, unless the operator names their branch or tag.
pub fn wants_checks(commit: &CommitState, plan: &Plan) -> bool {
    let is_asked_for = !commit.pull_requests.is_empty()
        || !commit.announced.is_empty()
        || commit.merge_group.is_some()
        || judges_commit(&commit.pushed, &plan.commits);
    commit.superseded.is_none() && is_asked_for
}

/// Whether the operator counts runs of this workflow.
pub fn is_accepted(plan: &Plan, run: &WorkflowRun) -> bool {
    plan.workflows.is_empty() || globs(&plan.workflows).is_match(&run.workflow_path)
}

/// The runs that count: the newest of every accepted (workflow, event) whose event the plan allows and whose head
/// repository is the pull request's.
pub fn accepted_runs<'a>(commit: &'a CommitState, plan: &Plan) -> Vec<&'a WorkflowRun> {
    let workflows = globs(&plan.workflows);
    let mut newest: BTreeMap<(&str, &str, Option<u64>), &WorkflowRun> = BTreeMap::new();
    for run in commit.runs.values() {
        let accepted = (plan.workflows.is_empty() || workflows.is_match(&run.workflow_path))
            && plan.events.contains(&run.event)
            && is_of_head(commit, run);
        if !accepted {
            continue;
        }
        let slot = newest.entry((&run.workflow_path, &run.event, run.head_repository_id)).or_insert(run);
        // A run that was skipped did nothing: it takes no place from one that did something.
        let rank = |run: &WorkflowRun| (!was_skipped(run), run.created_at, run.id);
        if rank(run) > rank(slot) {
            *slot = run;
        }
    }
    newest.into_values().collect()
}

fn was_skipped(run: &WorkflowRun) -> bool {
    matches!(&run.state, RunState::Unsuccessful(conclusion) if conclusion == "skipped")
}

/// A run of a fork is evidence for the fork's pull request only, and the repository's own runs for its own.
fn is_of_head(commit: &CommitState, run: &WorkflowRun) -> bool {
    // A merge queue's commit is the repository's own, whoever has it as a head besides.
    if commit.pull_requests.is_empty() || commit.merge_group.is_some() {
        let own = commit.origin.as_ref().map(|origin| origin.repository_id);
        return run.head_repository_id.is_some() && run.head_repository_id == own;
    }
    commit
        .pull_requests
        .values()
        .any(|pull| pull.head_repository_id.is_some() && pull.head_repository_id == run.head_repository_id)
}

/// What each judged check waits for that somebody may accept.
pub fn remember_waiting(commit: &mut CommitState, record: &Record) {
    for check in &record.checks {
        match check.waits_for() {
            Some(evidence) => commit.waiting.insert(check.check.clone(), evidence),
            None => commit.waiting.remove(&check.check),
        };
    }
}

/// Where the accepted runs stand, for the decision and for people.
pub fn standing(commit: &CommitState, runs: &[&WorkflowRun], plan: &Plan, now: Unix) -> Runs {
    let mut standing = Runs { in_merge_group: commit.merge_group.is_some(), ..Runs::default() };
    for run in runs {
        match &run.state {
            RunState::Going => standing.going += 1,
            RunState::AwaitingApproval if now.saturating_sub(run.started_at) >= APPROVAL_S => {
                standing.ended += 1;
                standing.unsuccessful.push((run.workflow_name.clone(), "never approved".to_owned()));
            }
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

/// GitHub deletes runs that nobody approved for so long.
const APPROVAL_S: u64 = 30 * 24 * 3600;

/// After how many seconds an open commit is looked at again. Where nothing but somebody's approval is waited for, after as
/// long again as it has waited, within the time that open checks live in the state.
pub fn patience(commit: &CommitState, plan: &Plan, now: Unix) -> u64 {
    let shortest = plan.no_run_deadline_s.max(1);
    let runs = accepted_runs(commit, plan);
    let only_approval = runs.iter().all(|run| run.state == RunState::AwaitingApproval);
    match runs.iter().map(|run| run.started_at).max().filter(|_| only_approval) {
        Some(since) => now.saturating_sub(since).clamp(shortest, plan.evidence_deadline_s.max(shortest)),
        None => shortest,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Origin;
    use crate::model::{InstallationId, RepositoryName, RunId};

    const HOUR: u64 = 3600;

    fn awaiting_approval(started_at: Unix) -> CommitState {
        let run = WorkflowRun {
            id: RunId(1),
            attempt: 1,
            workflow_path: ".github/workflows/ci.yml".to_owned(),
            workflow_name: "ci".to_owned(),
            event: "pull_request".to_owned(),
            state: RunState::AwaitingApproval,
            head_sha: HeadSha::parse(&"a".repeat(40)).unwrap(),
            head_repository_id: Some(1),
            head_owner: None,
            head_branch: None,
            actor: None,
            triggering_actor: None,
            workflow_id: None,
            referenced_workflows: Vec::new(),
            created_at: started_at,
            started_at,
            url: None,
        };
        let origin = Origin {
            installation: InstallationId(1),
            repository: RepositoryName::new("acme", "shop").unwrap(),
            repository_id: 1,
            default_branch: None,
            topics: Vec::new(),
            language: None,
        };
        CommitState { runs: [(1, run)].into(), origin: Some(origin), ..CommitState::default() }
    }

    #[test]
    fn a_run_that_nobody_approves_is_looked_at_less_and_less_and_counts_as_failed_in_the_end() {
        let plan = Plan {
            checks: Vec::new(),
            normalizers: Vec::new(),
            waivers: Vec::new(),
            evidence_globs: Vec::new(),
            workflows: Vec::new(),
            events: vec!["pull_request".to_owned()],
            trusted_workflows: Vec::new(),
            no_run_deadline_s: HOUR / 4,
            evidence_deadline_s: 6 * HOUR,
            notices: Vec::new(),
            proposed_waivers: Vec::new(),
            commits: Default::default(),
        };
        let commit = awaiting_approval(0);
        let after = |now: Unix| patience(&commit, &plan, now);
        assert_eq!([after(0), after(2 * HOUR), after(100 * HOUR)], [HOUR / 4, 2 * HOUR, 6 * HOUR]);
        let standing = |now: Unix| standing(&commit, &accepted_runs(&commit, &plan), &plan, now);
        assert_eq!(standing(100 * HOUR).awaiting_approval, 1);
        let given_up = standing(APPROVAL_S);
        assert_eq!((given_up.awaiting_approval, given_up.ended, given_up.unsuccessful.len()), (0, 1, 1));
        // A run that goes is looked at as before.
        let mut going = awaiting_approval(0);
        going.runs.get_mut(&1).unwrap().state = RunState::Going;
        assert_eq!(patience(&going, &plan, 100 * HOUR), HOUR / 4);
    }
}
