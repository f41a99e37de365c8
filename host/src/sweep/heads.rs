//! Where the head of an open pull request stands: by what is remembered of it, else by its check runs on GitHub. Pure.

use crate::github::CheckRunSummary;
use crate::model::event::PullRequest;
use crate::model::plan::{CheckPlan, configured_name};
use crate::model::publication::PolicyMark;
use crate::model::{CheckName, CommitKey, Plan};
use crate::publish::check_of;
use crate::state::{CheckHandle, CommitState};

/// In the order in which one of several checks speaks for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Decided, by the policy that holds.
    Current,
    /// Somebody is at it, or will be without being asked.
    LookedAfter,
    /// Decided by another policy than the one that holds.
    Older,
    /// Ended without a decision: our own outage, a deadline, a head that was given up.
    Undecided,
    /// Open, and nobody feeds it.
    Incomplete,
    /// A check is not there at all, or nobody knows of the pull request.
    Missing,
}

impl Standing {
    /// The word for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Current => "current",
            Standing::LookedAfter => "looked_after",
            Standing::Older => "older",
            Standing::Undecided => "undecided",
            Standing::Incomplete => "incomplete",
            Standing::Missing => "missing",
        }
    }
}

/// By what is remembered; none if that is nothing. What stands open may be looked after all the same.
pub fn by_state(known: &CommitState, pull: &PullRequest, plan: &Plan) -> Option<Standing> {
    if known.words.is_empty() && known.checks.is_empty() && known.opened_at.is_none() {
        return None;
    }
    let told = known.pull_requests.get(&pull.number);
    if told.is_none_or(|told| told.base_branch != pull.base_branch) {
        return Some(Standing::Missing);
    }
    if known.checks.values().any(CheckHandle::is_open) {
        return Some(Standing::Incomplete);
    }
    let has = |check: &CheckName| known.checks.keys().any(|one| configured_name(one) == configured_name(check));
    let is_whole = plan.checks.iter().all(|check| has(&check.name));
    Some(match (known.fingerprint, known.policy == Some(plan.policy())) {
        // A check that the new policy adds is part of its change.
        (Some(_), false) => Standing::Older,
        _ if !is_whole => Standing::Missing,
        (Some(_), true) => Standing::Current,
        (None, _) => Standing::Undecided,
    })
}

/// By our check runs on the commit: of each name the newest counts.
pub fn by_runs(commit: &CommitKey, plan: &Plan, runs: &[CheckRunSummary]) -> Standing {
    let policy = plan.policy();
    let of = |check: &CheckName| {
        let named = |run: &&CheckRunSummary| {
            let found = run.external_id.as_deref().and_then(|id| check_of(commit, id));
            found.is_some_and(|found| configured_name(&found) == configured_name(check))
        };
        runs.iter().filter(named).max_by_key(|run| run.id)
    };
    let stands = |check: &CheckPlan| of(&check.name).map_or(Standing::Missing, |run| by_run(run, &policy));
    let standings: Vec<Standing> = plan.checks.iter().map(stands).collect();
    let another_policy = standings.contains(&Standing::Older);
    // A check that the new policy adds is part of its change.
    let told = standings.into_iter().map(|one| match one {
        Standing::Missing if another_policy => Standing::Older,
        one => one,
    });
    told.max().unwrap_or(Standing::Current)
}

/// What was decided carries the policy's mark; a success without one is of an older release.
fn by_run(run: &CheckRunSummary, policy: &PolicyMark) -> Standing {
    match (run.conclusion.as_deref(), &run.policy) {
        (None, _) => Standing::Incomplete,
        (Some(_), Some(mark)) if mark == policy => Standing::Current,
        (Some(_), Some(_)) | (Some("success"), None) => Standing::Older,
        (Some(_), None) => Standing::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::CheckRunId;
    use crate::model::plan::{BaselineMissing, Judges, Knobs, Mode, PushedCommits, WaitFor};
    use crate::model::{Digest, HeadSha, InstallationId, RepositoryName};

    fn plan() -> Plan {
        let check = |name: &str| CheckPlan {
            name: CheckName::parse(name).expect("a name"),
            policies: Vec::new(),
            knobs: Knobs::default(),
            wait_for: WaitFor::Covered,
            min_provenance: None,
            judges: Judges::All,
            baseline_missing: BaselineMissing::Warn,
            mode: Mode::Enforce,
            other_paths: None,
        };
        Plan {
            checks: vec![check("One"), check("Two")],
            normalizers: Vec::new(),
            waivers: Vec::new(),
            evidence_globs: Vec::new(),
            workflows: Vec::new(),
            events: Vec::new(),
            trusted_workflows: Vec::new(),
            no_run_deadline_s: 900,
            evidence_deadline_s: 21_600,
            notices: Vec::new(),
            proposed_waivers: Vec::new(),
            commits: PushedCommits::default(),
        }
    }

    fn commit() -> CommitKey {
        CommitKey {
            installation: InstallationId(1),
            repository: RepositoryName::new("acme", "shop").expect("valid"),
            sha: HeadSha::parse(&"a".repeat(40)).expect("valid"),
        }
    }

    fn run(id: u64, check: &str, conclusion: Option<&str>, policy: Option<PolicyMark>) -> CheckRunSummary {
        CheckRunSummary {
            id: CheckRunId(id),
            external_id: Some(format!("palisade/v1/{}/{check}", commit().sha)),
            status: String::new(),
            conclusion: conclusion.map(str::to_owned),
            started_at: None,
            annotations_count: 0,
            policy,
            shown: Digest::of(b"a text"),
        }
    }

    #[test]
    fn a_result_counts_by_the_mark_that_it_carries() {
        let plan = plan();
        let ours = || Some(plan.policy());
        let other = || Some(PolicyMark::of(&Digest::of(b"another policy")));
        let two = || run(2, "Two", Some("failure"), ours());
        let standing = |one: CheckRunSummary| by_runs(&commit(), &plan, &[one, two()]);
        assert_eq!(standing(run(1, "One", Some("success"), ours())), Standing::Current);
        assert_eq!(standing(run(1, "One", Some("neutral"), ours())), Standing::Current, "no reports: a decision");
        assert_eq!(standing(run(1, "One", Some("neutral"), None)), Standing::Undecided, "an outage or a deadline");
        assert_eq!(standing(run(1, "One", Some("cancelled"), None)), Standing::Undecided, "not evaluated");
        assert_eq!(standing(run(1, "One", Some("success"), other())), Standing::Older);
        assert_eq!(standing(run(1, "One", Some("success"), None)), Standing::Older);
        assert_eq!(standing(run(1, "One", None, None)), Standing::Incomplete);
        assert_eq!(standing(run(1, "Three", Some("success"), ours())), Standing::Missing);
        let added = [run(2, "Two", Some("failure"), other())];
        assert_eq!(by_runs(&commit(), &plan, &added), Standing::Older, "the new policy has one more check");
        let newer = [run(1, "One", Some("success"), ours()), two(), run(3, "One", None, None)];
        assert_eq!(by_runs(&commit(), &plan, &newer), Standing::Incomplete, "the newest of a name counts");
    }
}
