//! From outcome to conclusion: DESIGN's table. The knobs are applied to each policy first; then fail > broken > outage
//! > warn > pass > not-applicable, and a failure that comes from a knob ranks as broken.

use crate::model::plan::{Conclusion, Mode, WaitFor};
use crate::model::publication::CheckState;
use crate::model::record::{CheckRecord, Record};
use crate::model::report::Coverage;
use crate::model::verdict::{Judged, Outcome};
use crate::model::{BrokenKind, Judgement};
use std::cmp::Reverse;

/// The rows of the table, most telling first: where conclusions meet, the first row names the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Failed,
    Unreadable,
    /// All evidence that a policy could have judged is below the check's minimum of trust.
    Untrusted,
    PolicyError,
    Outage,
    /// A policy failed, and the check's mode keeps that from blocking.
    WouldBlock,
    Warned,
    PassedPartial,
    Passed,
    Missing,
    /// No accepted run came in time, or one is still going after the deadline.
    Overdue,
    /// A workflow run ended without success.
    Workflow,
    /// Accepted runs are going, or wait for approval.
    Waiting,
    /// The change touches none of the files that the check is about.
    OtherPaths,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub state: CheckState,
    pub row: Row,
}

impl Decision {
    fn ended(conclusion: Conclusion, row: Row) -> Self {
        Self { state: CheckState::Completed(conclusion), row }
    }
    /// What is only tried out keeps no merge out, whatever happens to it.
    pub fn under(self, mode: Mode) -> Self {
        match (mode, self.state) {
            (Mode::DryRun, CheckState::Completed(Conclusion::Failure | Conclusion::Cancelled)) => {
                Self::ended(Conclusion::Neutral, self.row)
            }
            _ => self,
        }
    }
    /// Absent while the check is in progress.
    pub fn conclusion(self) -> Option<Conclusion> {
        match self.state {
            CheckState::Completed(conclusion) => Some(conclusion),
            CheckState::InProgress => None,
        }
    }
}

/// Whether the check ends now, and how. A fail is published at once; a later run judges again.
pub fn decide(record: &Record, check: &CheckRecord) -> Decision {
    decide_enforced(record, check).under(check.mode)
}

fn decide_enforced(record: &Record, check: &CheckRecord) -> Decision {
    if check.other_paths.is_some() {
        return Decision::ended(Conclusion::Neutral, Row::OtherPaths);
    }
    let judged = conclude(check, record);
    if judged.row == Row::Failed {
        return judged;
    }
    let runs = &record.runs;
    let complete = everything_is_here(record, check);
    if runs.awaiting_approval > 0 && !complete {
        return Decision { state: CheckState::InProgress, row: Row::Waiting };
    }
    if !complete {
        return match (runs.overdue, judged.row) {
            (false, _) => Decision { state: CheckState::InProgress, row: Row::Waiting },
            // A run kept going beyond the deadline is no way round evidence that nobody could read.
            (true, Row::Unreadable | Row::Untrusted | Row::PolicyError) => judged,
            // Nor is it one round a run that failed.
            (true, _) if !runs.unsuccessful.is_empty() => Decision::ended(check.knobs.on_workflow, Row::Workflow),
            (true, _) if runs.in_merge_group => Decision::ended(Conclusion::Failure, Row::Overdue),
            (true, _) => Decision::ended(check.knobs.on_missing, Row::Overdue),
        };
    }
    if !runs.unsuccessful.is_empty() {
        return Decision::ended(check.knobs.on_workflow, Row::Workflow);
    }
    judged
}

/// The check's conclusion from its policies' answers alone.
pub fn conclude(check: &CheckRecord, record: &Record) -> Decision {
    let answers = check.judgements.iter().enumerate().map(|(place, judgement)| {
        let reads = check.reads.get(place).map_or(&[][..], Vec::as_slice);
        answer(judgement, reads, check, record)
    });
    match answers.min_by_key(|answer| (answer.rank, Reverse(answer.conclusion.strictness()), answer.row)) {
        Some(worst) => Decision::ended(worst.conclusion, worst.row),
        None => Decision::ended(check.knobs.on_missing, Row::Missing),
    }
    .under(check.mode)
}

/// One policy's row, what the knobs make of it, and where it stands beside others.
struct Answer {
    rank: u8,
    conclusion: Conclusion,
    row: Row,
}

const RANK_BROKEN: u8 = 1;

fn answer(judgement: &Judgement, reads: &[Coverage], check: &CheckRecord, record: &Record) -> Answer {
    let knobs = &check.knobs;
    let row = match row(judgement, reads, record) {
        Row::Failed if check.mode != Mode::Enforce => Row::WouldBlock,
        row => row,
    };
    let (rank, conclusion) = match row {
        Row::Failed => (0, Conclusion::Failure),
        // No knob softens it: whoever may take responsibility for the evidence accepts it by a button.
        Row::Untrusted => (RANK_BROKEN, Conclusion::Failure),
        Row::WouldBlock if check.mode == Mode::DryRun => (3, Conclusion::Neutral),
        Row::WouldBlock => (3, knobs.on_warn),
        Row::Unreadable | Row::PolicyError => (RANK_BROKEN, knobs.on_broken),
        Row::Outage => (2, knobs.on_outage),
        Row::Warned => (3, knobs.on_warn),
        Row::PassedPartial => (4, knobs.on_partial),
        Row::Passed => (4, Conclusion::Success),
        _ => (5, knobs.on_missing),
    };
    let from_knob = conclusion == Conclusion::Failure && rank > RANK_BROKEN;
    Answer { rank: if from_knob { RANK_BROKEN } else { rank }, conclusion, row }
}

/// The row of the policy at this place of the check.
pub fn result_of(record: &Record, check: &CheckRecord, place: usize) -> Row {
    let reads = check.reads.get(place).map_or(&[][..], Vec::as_slice);
    row(&check.judgements[place], reads, record)
}

/// The row of one policy's answer.
pub fn row(judgement: &Judgement, reads: &[Coverage], record: &Record) -> Row {
    match &judgement.verdict {
        Judged::Broken(broken, _) if broken.kind == BrokenKind::Unreadable => Row::Unreadable,
        Judged::Broken(broken, _) if broken.kind == BrokenKind::Untrusted => Row::Untrusted,
        Judged::Broken(..) => Row::PolicyError,
        Judged::Outage(..) => Row::Outage,
        Judged::Verdict(verdict) => match verdict.outcome {
            Outcome::Fail => Row::Failed,
            Outcome::Warn => Row::Warned,
            Outcome::Pass if is_partial(reads, record) => Row::PassedPartial,
            Outcome::Pass => Row::Passed,
            Outcome::NotApplicable => Row::Missing,
        },
    }
}

fn is_partial(reads: &[Coverage], record: &Record) -> bool {
    let read = |covers: &[Coverage]| reads.is_empty() || covers.iter().any(|kind| reads.contains(kind));
    record.inputs.iter().any(|input| input.partial && read(&input.covers))
}

/// No accepted run is going, or what is going adds nothing that the check waits for.
fn everything_is_here(record: &Record, check: &CheckRecord) -> bool {
    let runs = &record.runs;
    let nothing_is_going = runs.going == 0 && runs.awaiting_approval == 0;
    if nothing_is_going {
        return runs.ended > 0;
    }
    check.wait_for == WaitFor::Covered && check.reads.iter().all(|reads| covered(record, check, reads))
}

/// Each kind that the policy reads is covered by a run that ended. A policy that reads every kind is never sure.
fn covered(record: &Record, check: &CheckRecord, reads: &[Coverage]) -> bool {
    let counting = || record.inputs.iter().filter(|input| check.counts(input.provenance));
    let covers = |kind: &Coverage| counting().any(|input| input.covers.contains(kind));
    !reads.is_empty() && reads.iter().all(covers)
}

#[cfg(test)]
mod tests;
