//! What people and GitHub are shown of a Record: check runs with annotations, the comment, a terminal's tables, SARIF, Markdown,
//! JSON. Pure: it needs the Record and nothing else, calls nobody, and judges nothing anew. All text from outside goes
//! through `escape`.

mod ages;
mod annotations;
mod comment;
mod conclude;
mod escape;
mod explain;
mod json;
mod limits;
mod page;
mod policy_tests;
mod replay;
mod sarif;
mod terminal;
mod wording;

pub use comment::{About, comment};
pub use conclude::{Decision, Row, conclude, decide, result_of};
pub use escape::plain;
pub use json::json;
pub use page::{Section, reports_of, result_word, violations};
pub use policy_tests::{FileCoverage, PolicyTests, TestKind, TestResult, Tested, TestedPolicy};
pub use replay::{PresentPlugins, Replay, replay, replay_json, replay_terminal};
pub use sarif::sarif;
pub use terminal::{Colour, terminal};
pub use wording::{headline, title};

use crate::config::Pages;
use crate::model::plan::{CheckPlan, Conclusion};
use crate::model::provenance::AcceptKey;
use crate::model::publication::{Button, CheckPublication, CheckState};
use crate::model::record::{CheckRecord, Record};
use crate::model::{CheckName, JobId};
use std::collections::BTreeSet;

/// How results are shown, whatever they are: the operator's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Where people reach this host.
    pub public_url: Option<String>,
    /// Whether each decision has a page below that address.
    pub pages: Pages,
    /// Annotations of one check at most.
    pub annotations: usize,
    /// Checks without a section in the comment.
    pub uncommented: BTreeSet<CheckName>,
}

impl Default for Presentation {
    fn default() -> Self {
        Self { public_url: None, pages: Pages::Off, annotations: limits::ANNOTATIONS, uncommented: BTreeSet::new() }
    }
}

impl Presentation {
    /// The page of a decision.
    pub fn details(&self, decision: &JobId) -> Option<String> {
        let url = self.public_url.as_deref().filter(|_| self.pages == Pages::Public)?;
        Some(format!("{}/decisions/{decision}", url.trim_end_matches('/')))
    }
}

/// Every check of a record as GitHub is to show it.
pub fn render(record: &Record, presentation: &Presentation) -> Vec<CheckPublication> {
    record.checks.iter().map(|check| publication(record, check, presentation)).collect()
}

fn publication(record: &Record, check: &CheckRecord, presentation: &Presentation) -> CheckPublication {
    let decision = decide(record, check);
    let details_url = presentation.details(&record.job);
    let (annotations, buttons) = match decision.state {
        CheckState::InProgress => (Default::default(), Vec::new()),
        CheckState::Completed(_) => {
            let changed = record.changed_lines.as_ref();
            (annotations::annotations(check, changed, presentation.annotations), buttons(check, decision))
        }
    };
    let text = page::text(record, check, decision, &annotations.omitted(details_url.as_deref()));
    CheckPublication {
        check: check.check.clone(),
        state: decision.state,
        title: title(&check.check, decision),
        summary: page::summary(record, check, decision),
        text,
        annotations: annotations.shown,
        buttons,
        details_url,
        policy: None,
    }
}

/// Evidence is accepted where the check failed for the want of trusted evidence, and nowhere else.
fn buttons(check: &CheckRecord, decision: Decision) -> Vec<Button> {
    let evidence = check.waits_for().filter(|_| decision.row == Row::Untrusted);
    let accept = evidence.map(|evidence| Button::Accept(AcceptKey::of(&evidence)));
    Button::ALWAYS.into_iter().chain(accept).collect()
}

/// A check's last result once more, with how it came about in front of it: somebody asked.
pub fn explained(record: &Record, check: &CheckName, presentation: &Presentation) -> Option<CheckPublication> {
    let decided = record.checks.iter().find(|decided| decided.check == *check)?;
    let mut shown = publication(record, decided, presentation);
    shown.text = explain::explanation(record, decided, &shown.text);
    Some(shown)
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
        buttons: Vec::new(),
        details_url: None,
        policy: None,
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
        buttons: vec![Button::Rerun],
        details_url: None,
        policy: None,
    }
}

/// Our own inability, after all retries: neutral unless the check's knob says otherwise.
pub fn outage_of(check: &CheckPlan, why: &str) -> CheckPublication {
    let decision = Decision { state: CheckState::Completed(check.knobs.on_outage), row: Row::Outage };
    let decision = decision.under(check.mode);
    CheckPublication {
        check: check.name.clone(),
        state: decision.state,
        title: title(&check.name, decision),
        summary: format!("{}\n\n{}", wording::OUTAGE, escape::text(why)),
        text: wording::RERUN.to_owned(),
        annotations: Vec::new(),
        buttons: vec![Button::Rerun],
        details_url: None,
        policy: None,
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
    render(record, &Presentation::default()).into_iter().map(section).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
