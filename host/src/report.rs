//! What people and GitHub are shown of a Record: check runs with annotations, a terminal's tables, SARIF, Markdown,
//! JSON. Pure: it needs the Record and nothing else, calls nobody, and judges nothing anew. All text from outside goes
//! through `escape`.

mod annotations;
mod conclude;
mod escape;
mod json;
mod limits;
mod page;
mod policy_tests;
mod replay;
mod sarif;
mod terminal;
mod wording;

pub use conclude::{Decision, Row, conclude, decide, result_of};
pub use escape::plain;
pub use json::json;
pub use page::{Section, reports_of, result_word, violations};
pub use policy_tests::{FileCoverage, PolicyTests, TestKind, TestResult, Tested, TestedPolicy};
pub use replay::{PresentPlugins, Replay, replay, replay_json, replay_terminal};
pub use sarif::sarif;
pub use terminal::{Colour, terminal};
pub use wording::{headline, title};

use crate::model::CheckName;
use crate::model::plan::{CheckPlan, Conclusion};
use crate::model::publication::{CheckPublication, CheckState};
use crate::model::record::{CheckRecord, Record};

/// Every check of a record as GitHub is to show it.
pub fn render(record: &Record) -> Vec<CheckPublication> {
    record.checks.iter().map(|check| publication(record, check)).collect()
}

fn publication(record: &Record, check: &CheckRecord) -> CheckPublication {
    let decision = decide(record, check);
    let annotations = match decision.state {
        CheckState::InProgress => Vec::new(),
        CheckState::Completed(_) => annotations::annotations(check),
    };
    CheckPublication {
        check: check.check.clone(),
        state: decision.state,
        title: title(&check.check, decision),
        summary: page::summary(record, check, decision),
        text: page::text(record, check, decision),
        annotations,
    }
}

/// A check that was just opened: nothing is known yet.
pub fn opening(check: &CheckName) -> CheckPublication {
    let decision = Decision { state: CheckState::InProgress, row: Row::Waiting };
    CheckPublication {
        check: check.clone(),
        state: decision.state,
        title: title(check, decision),
        summary: wording::in_progress(check),
        text: "The result follows as soon as the workflow runs that bring the evidence have ended.".to_owned(),
        annotations: Vec::new(),
    }
}

/// A check that ends without a judgement: a newer head, a closed pull request.
pub fn not_evaluated(check: &CheckName, reason: &str) -> CheckPublication {
    CheckPublication {
        check: check.clone(),
        state: CheckState::Completed(Conclusion::Cancelled),
        title: format!("{check} - Not Evaluated"),
        summary: format!("Not evaluated: {}.", escape::text(reason)),
        text: "Nothing was judged. If this commit is to be judged all the same, re-run the check.".to_owned(),
        annotations: Vec::new(),
    }
}

/// Our own inability, after all retries: neutral unless the check's knob says otherwise.
pub fn outage_of(check: &CheckPlan, why: &str) -> CheckPublication {
    let decision = Decision { state: CheckState::Completed(check.knobs.on_outage), row: Row::Outage };
    CheckPublication {
        check: check.name.clone(),
        state: decision.state,
        title: title(&check.name, decision),
        summary: format!("{}\n\n{}", wording::OUTAGE, escape::text(why)),
        text: wording::RERUN.to_owned(),
        annotations: Vec::new(),
    }
}

/// Why a check of the record ended without a decision: after it nothing counts as unchanged, and the sweep looks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// Our own inability: over as soon as GitHub answers again.
    Outage,
    /// No accepted run came in time, or one is still going: a delivery may have been lost.
    Deadline,
}

/// Whether a check ended without a decision, and the reason to look again soonest.
pub fn undecided(record: &Record) -> Option<Undecided> {
    let rows: Vec<Row> = record.checks.iter().map(|check| decide(record, check).row).collect();
    if rows.contains(&Row::Outage) {
        return Some(Undecided::Outage);
    }
    rows.contains(&Row::Overdue).then_some(Undecided::Deadline)
}

/// All checks as one Markdown document.
pub fn markdown(record: &Record) -> String {
    let section = |shown: CheckPublication| match shown.text.is_empty() {
        true => format!("# {}\n\n{}\n", escape::text(&shown.title), shown.summary),
        false => format!("# {}\n\n{}\n\n{}\n", escape::text(&shown.title), shown.summary, shown.text),
    };
    render(record).into_iter().map(section).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
