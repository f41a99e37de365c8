//! A check run's summary and text: what was decided, why, on what evidence, and what does not count. Whatever is hidden
//! stays in the output with who, why and until when.

use super::ages;
use super::conclude::{Decision, Row, row};
use super::escape;
use super::limits::Page;
use super::wording::{self, counted, report_of, verdicts};
use crate::correlate::date;
use crate::model::Judgement;
use crate::model::evidence::HiddenBy;
use crate::model::plan::{Conclusion, Mode};
use crate::model::provenance::LeftOut;
use crate::model::record::{CheckRecord, HiddenRecord, Record};
use crate::model::report::Coverage;
use crate::model::verdict::{Effect, Judged, Verdict, Violation};
use std::cmp::Reverse;

pub fn summary(record: &Record, check: &CheckRecord, decision: Decision) -> String {
    let mut page = Page::default();
    page.paragraph(&wording::headline(record, check, decision));
    page.entries(
        "| Policy | Result | Blocking | Warnings | Waived | Judged |\n|---|---|--:|--:|--:|---|\n",
        check.judgements.iter().enumerate().map(|(place, judgement)| policy_row(record, check, place, judgement)),
        "policies",
    );
    page.entries("", problems(check).into_iter(), "problems");
    page.entries(
        "**Could not be read**\n\n| File | Why |\n|---|---|\n",
        record
            .unreadable
            .iter()
            .map(|file| format!("| {} | {} |\n", escape::code_cell(&file.path), escape::cell(&file.reason))),
        "files",
    );
    page.entries(&left_out_head(check), check.left_out.iter().map(left_out_row), "files");
    page.entries("**Notices**\n\n", notices(record, check, decision).into_iter(), "notices");
    page.entries(
        "**Evidence**\n\n| Report | Format | Tool | Covers | Findings | Components |\n|---|---|---|---|--:|--:|\n",
        record.inputs.iter().map(evidence_row),
        "reports",
    );
    page.finish()
}

/// `remarks` tells of annotations that are not shown.
pub fn text(record: &Record, check: &CheckRecord, decision: Decision, remarks: &str) -> String {
    let mut page = Page::default();
    page.paragraph(&wording::explanation(check, decision));
    page.paragraph(remarks);
    if matches!(decision.row, Row::Waiting | Row::OtherPaths) {
        return page.finish();
    }
    for section in Section::ALL {
        let listed = violations(check, section);
        page.entries(
            section.head(check.mode),
            listed.iter().map(|violation| violation_entry(record, violation, section)),
            "violations",
        );
    }
    hidden(record, check, &mut page);
    ages::fixed(record, check, &mut page);
    for judgement in &check.judgements {
        if let Some(verdict) = verdict(judgement).filter(|verdict| !verdict.summary.trim().is_empty()) {
            page.paragraph(&format!("### {}", escape::text(&judgement.plugin)));
            page.markdown(&escape::markdown(&verdict.summary));
        }
    }
    page.finish()
}

/// Findings of the kinds that the check reads; of those beyond the ones that the record keeps nobody knows the kind.
fn hidden(record: &Record, check: &CheckRecord, page: &mut Page) {
    let read = |kind: Coverage| check.reads.iter().any(|reads| reads.is_empty() || reads.contains(&kind));
    let listed: Vec<_> = record.hidden_findings.iter().filter(|hidden| hidden.kind.is_none_or(read)).collect();
    let count = counted(listed.len() as u32, "finding");
    let head = format!(
        "### Hidden: {count}\n\n| Finding | Package | Severity | By | Why | Until | In |\n|---|---|---|---|---|---|---|\n"
    );
    page.entries(&head, listed.into_iter().map(hidden_row), "hidden findings");
    let unlisted = record.hidden.iter().sum::<u32>().saturating_sub(record.hidden_findings.len() as u32);
    if unlisted > 0 {
        page.paragraph(&format!("… {} that the record only counts", counted(unlisted, "more hidden finding")));
    }
}

fn verdict(judgement: &Judgement) -> Option<&Verdict> {
    match &judgement.verdict {
        Judged::Verdict(verdict) => Some(verdict),
        Judged::Broken(_, verdict) | Judged::Outage(_, verdict) => verdict.as_ref(),
    }
}

fn policy_row(record: &Record, check: &CheckRecord, place: usize, judgement: &Judgement) -> String {
    let reads = check.reads.get(place).map_or(&[][..], Vec::as_slice);
    let count = |section: Section| {
        verdict(judgement).map_or(0, |verdict| verdict.violations.iter().filter(|one| section.holds(one)).count())
    };
    let judged = verdict(judgement).map(|verdict| &verdict.judged[..]).unwrap_or_default();
    let judged: Vec<String> = judged.iter().map(|(name, count)| format!("{count} {}", escape::cell(name))).collect();
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        escape::code_cell(&judgement.plugin),
        result_word(row(judgement, reads, record)),
        count(Section::Blocking),
        count(Section::Warning),
        count(Section::Waived),
        judged.join(", "),
    )
}

/// One word for a policy's answer.
pub fn result_word(row: Row) -> &'static str {
    match row {
        Row::Failed => "fail",
        Row::WouldBlock => "fail, would block",
        Row::Unreadable => "broken: unreadable evidence",
        Row::Untrusted => "untrusted evidence",
        Row::PolicyError => "broken",
        Row::Outage => "unavailable",
        Row::Warned => "warn",
        Row::PassedPartial => "pass, partial",
        Row::Passed => "pass",
        Row::Missing | Row::Overdue | Row::Workflow | Row::Waiting | Row::OtherPaths => "nothing to judge",
    }
}

/// Policies that gave no answer, and why.
pub fn problems(check: &CheckRecord) -> Vec<String> {
    let told = |judgement: &Judgement| match &judgement.verdict {
        Judged::Verdict(_) => None,
        Judged::Broken(broken, _) => {
            let hint = broken.hint.as_deref().map(|hint| format!(" ({})", escape::text(hint))).unwrap_or_default();
            let limit =
                broken.limit.as_deref().map(|limit| format!(", limit {}", escape::code(limit))).unwrap_or_default();
            Some(format!(
                "- {} gave no result, {}{limit}: {}{hint}\n",
                escape::code(&judgement.plugin),
                broken.kind,
                escape::text(&broken.message)
            ))
        }
        Judged::Outage(why, _) => Some(format!(
            "- {} could not be asked or answered: {}\n",
            escape::code(&judgement.plugin),
            escape::text(why)
        )),
    };
    check.judgements.iter().filter_map(told).collect()
}

/// Files that could not be read, and why.
pub fn unreadable(record: &Record) -> impl Iterator<Item = String> {
    record.unreadable.iter().map(|file| format!("- {}: {}\n", escape::code(&file.path), escape::text(&file.reason)))
}

fn notices(record: &Record, check: &CheckRecord, decision: Decision) -> Vec<String> {
    let mut notices = if decision.row == Row::Waiting { Vec::new() } else { ages::notices(record, check) };
    if decision.row == Row::Warned && decision.conclusion() == Some(Conclusion::Success) {
        notices.push("- warnings do not block here: `on_warn` decides that\n".to_owned());
    }
    if decision.row == Row::PassedPartial {
        let partial = record.inputs.iter().filter(|input| input.partial).map(|input| escape::code(&input.path));
        notices.push(format!("- partial by its own word: {}\n", partial.collect::<Vec<_>>().join(", ")));
    }
    for judgement in &check.judgements {
        notices.extend(
            judgement
                .notices
                .iter()
                .map(|notice| format!("- {}: {}\n", escape::code(&judgement.plugin), escape::text(notice))),
        );
    }
    notices.extend(record.notices.iter().map(|notice| format!("- {}\n", escape::text(notice))));
    notices
}

fn left_out_head(check: &CheckRecord) -> String {
    let minimum = check.min_provenance.map_or("", |minimum| minimum.word());
    let what = match &check.accepted {
        Some(accepted) => format!("**Below `{minimum}`, accepted by {}**", escape::code(&accepted.by)),
        None => format!("**Not counted, because it is below `{minimum}`**"),
    };
    format!("{what}\n\n| File | Trust | Why |\n|---|---|---|\n")
}

fn left_out_row(low: &LeftOut) -> String {
    format!("| {} | {} | {} |\n", escape::code_cell(&low.path), low.provenance, escape::cell(&low.because))
}

fn evidence_row(input: &crate::model::record::InputRecord) -> String {
    let mut path = escape::code_cell(&input.path);
    if let Some(provenance) = input.provenance {
        path = format!("{path} ({provenance})");
    }
    let state = match (input.cut, input.partial) {
        (true, _) => ", cut at a limit",
        (false, true) => ", partial",
        (false, false) => "",
    };
    format!(
        "| {path} | {}{state} | {} | {} | {} | {} |\n",
        escape::cell(&input.format),
        escape::cell(input.tool.as_deref().unwrap_or_default()),
        covers(&input.covers),
        input.findings,
        input.components
    )
}

fn covers(covers: &[Coverage]) -> String {
    covers.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
}

/// The parts of the text, in the order of what people should do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Blocking,
    Warning,
    Waived,
    Information,
}

impl Section {
    pub const ALL: [Section; 4] = [Section::Blocking, Section::Warning, Section::Waived, Section::Information];

    pub fn holds(self, violation: &Violation) -> bool {
        let section = match (violation.waived.is_some(), violation.effect) {
            (true, _) => Section::Waived,
            (false, Effect::Deny) => Section::Blocking,
            (false, Effect::Warn) => Section::Warning,
            (false, Effect::Info) => Section::Information,
        };
        self == section
    }

    fn head(self, mode: Mode) -> &'static str {
        match self {
            Section::Blocking if mode != Mode::Enforce => "### Would block\n\n",
            Section::Blocking => "### Blocking\n\n",
            Section::Warning => "### Warnings\n\n",
            Section::Waived => "### Waived\n\n",
            Section::Information => "### For information\n\n",
        }
    }
}

/// One section's violations over all policies: the most severe first, those of one subject side by side.
pub fn violations(check: &CheckRecord, section: Section) -> Vec<&Violation> {
    let mut listed: Vec<&Violation> =
        verdicts(check).flat_map(|verdict| &verdict.violations).filter(|violation| section.holds(violation)).collect();
    listed.sort_by_key(|one| (Reverse(one.severity), one.subject.clone(), one.rule.clone(), one.message.clone()));
    listed
}

/// One violation as an entry of a list.
pub fn violation_entry(record: &Record, violation: &Violation, section: Section) -> String {
    let mut entry = String::from("- ");
    if let Some(severity) = violation.severity {
        entry.push_str(&format!("**{severity}** "));
    }
    if let Some(subject) = &violation.subject {
        entry.push_str(&format!("{}: ", escape::code(subject)));
    }
    entry.push_str(&format!("{} (rule {})", escape::text(&violation.message), escape::code(&violation.rule)));
    if let Some(how) = &violation.how_to_fix {
        entry.push_str(&format!("  \n  Fix: {}", escape::text(how)));
    }
    let files = files(record, violation);
    if !files.is_empty() {
        entry.push_str(&format!("  \n  Found in {files}"));
    }
    match &violation.waived {
        Some(waived) => {
            let owner = waived.owner.as_deref().map(|owner| format!(" by {}", escape::code(owner))).unwrap_or_default();
            let until = waived.until.map(|until| format!(" until {}", date(until))).unwrap_or_default();
            entry.push_str(&format!("  \n  Waived{owner}{until}: {}", escape::text(&waived.reason)));
        }
        None if section == Section::Blocking && !violation.waivable => {
            entry.push_str("  \n  Nobody may waive this rule")
        }
        None => {}
    }
    entry + "\n"
}

/// Paths of the artifacts that a violation rests on, each once.
pub fn reports_of<'a>(record: &'a Record, violation: &Violation) -> Vec<&'a str> {
    let mut reports: Vec<u32> = violation.evidence.iter().filter_map(report_of).collect();
    reports.sort_unstable();
    reports.dedup();
    let known = reports.iter().filter_map(|&report| record.inputs.get(report as usize));
    known.map(|input| input.path.as_str()).collect()
}

/// The first of them for a check run.
fn files(record: &Record, violation: &Violation) -> String {
    const NAMED: usize = 3;
    let reports = reports_of(record, violation);
    let named = reports.iter().map(|path| escape::code(path));
    let more = match reports.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.take(NAMED).collect::<Vec<_>>().join(", "))
}

/// `3 findings (1 by a tool, 2 by waivers)`.
pub fn hidden_counts(hidden: &[u32; 3]) -> String {
    let by = ["by a tool", "by VEX", "by waivers"];
    let parts: Vec<String> =
        hidden.iter().zip(by).filter(|(count, _)| **count > 0).map(|(count, by)| format!("{count} {by}")).collect();
    format!("{} ({})", counted(hidden.iter().sum(), "finding"), parts.join(", "))
}

fn hidden_row(hidden: &HiddenRecord) -> String {
    let by = match hidden.hidden.by {
        HiddenBy::Tool => "tool",
        HiddenBy::Vex => "VEX",
        HiddenBy::Waiver => "waiver",
    };
    let who = hidden.hidden.who.as_deref().map(|who| format!(" {}", escape::code_cell(who))).unwrap_or_default();
    format!(
        "| {} | {} | {} | {by}{who} | {} | {} | {} |\n",
        escape::code_cell(&hidden.id),
        escape::code_cell(hidden.package.as_deref().unwrap_or_default()),
        hidden.severity.map_or("unknown", |severity| severity.word()),
        escape::cell(&hidden.hidden.why),
        hidden.hidden.until.map(date).unwrap_or_default(),
        escape::code_cell(&hidden.path),
    )
}
