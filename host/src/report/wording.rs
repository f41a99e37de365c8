//! Titles and sentences. The titles are facts that other tools match, so they stay; a sentence says only what happened,
//! and a count counts what it names.

use super::conclude::{Decision, Row};
use crate::model::CheckName;
use crate::model::plan::{Conclusion, Mode, configured_name};
use crate::model::record::{CheckRecord, Record};
use crate::model::verdict::{Effect, EvidenceRef, Judged, Outcome, Verdict};
use std::collections::BTreeSet;

pub const OUTAGE: &str =
    "The check could not be decided because a system that it needs is unavailable. This is no policy failure.";
pub const RERUN: &str =
    "Re-run the check to have the commit judged again; open pull requests are looked at again by themselves.";

/// Two checks have a subject that their titles name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Vulnerability,
    License,
    Own,
}

pub fn subject(check: &CheckName) -> Subject {
    match configured_name(check) {
        "Vulnerability Scan Check" => Subject::Vulnerability,
        "License Check" => Subject::License,
        _ => Subject::Own,
    }
}

pub fn title(check: &CheckName, decision: Decision) -> String {
    let verdict = match subject(check) {
        Subject::Vulnerability => check.as_str().replacen("Vulnerability Scan Check", "Vulnerability Check", 1),
        Subject::License | Subject::Own => check.to_string(),
    };
    match decision.row {
        Row::Failed => format!("{verdict} - Failed"),
        Row::Warned | Row::PassedPartial | Row::WouldBlock if decision.conclusion() == Some(Conclusion::Failure) => {
            format!("{verdict} - Failed")
        }
        Row::Warned | Row::PassedPartial | Row::Passed => format!("{verdict} - Passed"),
        Row::WouldBlock => format!("{verdict} - Would Block"),
        Row::OtherPaths => format!("{check} - Not Applicable"),
        Row::Outage => format!("{verdict} - System Unavailable"),
        Row::PolicyError => format!("{verdict} - Policy Error"),
        Row::Unreadable => format!("{check} - Artifacts Unreadable"),
        Row::Untrusted => format!("{check} - Evidence Untrusted"),
        Row::Missing | Row::Overdue => format!("{check} - No Reports Found"),
        Row::Workflow => format!("{check} - Workflow Not Successful"),
        Row::Waiting => format!("{check} - In Progress"),
    }
}

pub fn in_progress(check: &CheckName) -> String {
    match subject(check) {
        Subject::Vulnerability => "Vulnerability scan is in progress".to_owned(),
        Subject::License => "License scan is in progress".to_owned(),
        Subject::Own => "The check is in progress".to_owned(),
    }
}

/// The first paragraph of the summary.
pub fn headline(record: &Record, check: &CheckRecord, decision: Decision) -> String {
    let runs = &record.runs;
    match decision.row {
        Row::Failed => failed(check),
        Row::WouldBlock => format!("{} {}", failed(check), unenforced(check.mode)),
        Row::OtherPaths => other_paths(check),
        Row::Warned | Row::PassedPartial | Row::Passed => processed(record, check),
        Row::Unreadable => "Evidence that this check needs could not be read.".to_owned(),
        Row::Untrusted => untrusted(check),
        Row::PolicyError => "A policy gave no usable result, so nothing can be said for it.".to_owned(),
        Row::Outage => OUTAGE.to_owned(),
        Row::Missing => {
            let looked_at =
                format!("{} and {} were looked at", counted(runs.artifacts, "artifact"), counted(runs.files, "file"));
            format!("{}. {looked_at}; none covers what the check reads.", nothing_found(&check.check))
        }
        Row::Overdue if runs.ended + runs.going == 0 => {
            format!(
                "{}: no workflow run that counts has begun in time. A later run is judged all the same.",
                nothing_found(&check.check)
            )
        }
        Row::Overdue => {
            let still = if runs.going == 1 { "is still going" } else { "are still going" };
            let going = counted(runs.going, "workflow run");
            format!(
                "{}: {going} {still} after the deadline. What comes later is judged all the same.",
                nothing_found(&check.check)
            )
        }
        Row::Workflow => workflow(record),
        Row::Waiting => waiting(record, check),
    }
}

fn untrusted(check: &CheckRecord) -> String {
    let minimum = check.min_provenance.map_or("more", |minimum| minimum.word());
    format!("All evidence that covers what this check reads can be trusted less than it asks for, `{minimum}`.")
}

fn nothing_found(check: &CheckName) -> &'static str {
    match subject(check) {
        Subject::Vulnerability => "No vulnerability scan reports were found to analyze",
        Subject::License => "No license scan reports were found to analyze",
        Subject::Own => "No reports were found to analyze",
    }
}

fn failed(check: &CheckRecord) -> String {
    let kind = match subject(&check.check) {
        Subject::Vulnerability => "vulnerability ",
        Subject::License => "license ",
        Subject::Own => "",
    };
    let blocking = || {
        verdicts(check)
            .flat_map(|verdict| &verdict.violations)
            .filter(|violation| violation.effect == Effect::Deny && violation.waived.is_none())
    };
    let count = blocking().count() as u32;
    let results: BTreeSet<u32> = blocking().flat_map(|violation| &violation.evidence).filter_map(report_of).collect();
    match (count, results.len() as u32) {
        (0, _) => "A policy failed without naming a violation; its summary says why.".to_owned(),
        (count, 0) if check.mode != Mode::Enforce => {
            format!("Found {} that would block.", counted(count, &format!("{kind}violation")))
        }
        (count, 0) => format!("Found {}.", counted(count, &format!("blocking {kind}violation"))),
        (count, results) => {
            let results = counted(results, "scan result");
            match check.mode {
                Mode::Enforce => {
                    format!("Found {} in {results}.", counted(count, &format!("blocking {kind}violation")))
                }
                Mode::Warn | Mode::DryRun => {
                    format!("Found {} in {results} that would block.", counted(count, &format!("{kind}violation")))
                }
            }
        }
    }
}

fn unenforced(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "",
        Mode::Warn => "The check only warns here: its mode is `warn`.",
        Mode::DryRun => "The check is only tried out here: its mode is `dry-run`, and it keeps no merge out.",
    }
}

fn other_paths(check: &CheckRecord) -> String {
    let patterns = check.other_paths.iter().flatten().map(|pattern| super::escape::code(pattern));
    format!(
        "None of the changed files is one that this check is about. It looks at: {}.",
        patterns.collect::<Vec<_>>().join(", ")
    )
}

pub fn report_of(evidence: &EvidenceRef) -> Option<u32> {
    match evidence {
        EvidenceRef::Finding(item) | EvidenceRef::Component(item) => Some(item.report),
        EvidenceRef::Report(report) => Some(*report),
        EvidenceRef::BaselineFinding(_) | EvidenceRef::BaselineComponent(_) => None,
    }
}

/// What every text begins with, so that it is never empty: GitHub keeps an older one in its place.
pub fn explanation(check: &CheckRecord, decision: Decision) -> String {
    match decision.row {
        Row::Failed | Row::WouldBlock => format!("{}:", capitalised(&violations_found(&check.check))),
        Row::OtherPaths => "Nothing was judged, and nothing has to be.".to_owned(),
        Row::Warned | Row::PassedPartial | Row::Passed => passed(check, decision.row),
        Row::Unreadable => {
            "Nothing passes beside evidence that could not be read. Repair or remove the file and upload it again."
                .to_owned()
        }
        Row::Untrusted => {
            "Nothing of it was judged. Somebody with write access who neither opened the pull request nor started the run \
             may look at it and press *Accept evidence*: then it is judged, for this commit and this evidence only, and \
             the record says who accepted it."
                .to_owned()
        }
        Row::PolicyError => {
            "This says nothing about the change. Whoever runs the policies should look at it.".to_owned()
        }
        Row::Outage => RERUN.to_owned(),
        Row::Missing | Row::Overdue => missing(check),
        Row::Workflow => "Re-run the workflow: its new attempt replaces what this one uploaded.".to_owned(),
        Row::Waiting => "The result follows as soon as the evidence is there.".to_owned(),
    }
}

fn violations_found(check: &CheckName) -> String {
    match subject(check) {
        Subject::Vulnerability => "vulnerability violations found".to_owned(),
        Subject::License => "license violations found".to_owned(),
        Subject::Own => "violations found".to_owned(),
    }
}

fn capitalised(sentence: &str) -> String {
    let (first, rest) = sentence.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn missing(check: &CheckRecord) -> String {
    let mut kinds: Vec<&str> = check.reads.iter().flatten().map(|kind| kind.word()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let what = if kinds.is_empty() { "anything that a normalizer reads".to_owned() } else { kinds.join(", ") };
    format!("The check reads reports that cover: {what}. Upload one as an artifact of a workflow run.")
}

fn passed(check: &CheckRecord, row: Row) -> String {
    let kind = match subject(&check.check) {
        Subject::Vulnerability => "vulnerability ",
        Subject::License => "license ",
        Subject::Own => "",
    };
    let how = match row {
        Row::Warned => ", with warnings",
        Row::PassedPartial => ", over a report that is partial by its own word",
        _ => "",
    };
    match verdicts(check).filter(|verdict| verdict.outcome == Outcome::NotApplicable).count() as u32 {
        0 => format!("All {kind}policies passed{how}."),
        1 => format!("All {kind}policies but one passed{how}; that one had nothing to judge."),
        count => format!("All {kind}policies but {count} passed{how}; those had nothing to judge."),
    }
}

/// What was looked at, by the policies' own count where they give one.
fn processed(record: &Record, check: &CheckRecord) -> String {
    let read = |input: &&crate::model::record::InputRecord| {
        check.reads.iter().any(|reads| reads.is_empty() || input.covers.iter().any(|kind| reads.contains(kind)))
    };
    let inputs: Vec<_> = record.inputs.iter().filter(read).collect();
    let reports = counted(inputs.len() as u32, "report");
    let judged = |names: &[&str]| {
        verdicts(check)
            .flat_map(|verdict| &verdict.judged)
            .find(|(name, _)| names.contains(&name.as_str()))
            .map(|(_, n)| *n)
    };
    let findings = || inputs.iter().map(|input| u64::from(input.findings)).sum();
    let components = || inputs.iter().map(|input| u64::from(input.components)).sum();
    match subject(&check.check) {
        Subject::Vulnerability => {
            let count = judged(&["vulnerabilities", "findings"]).unwrap_or_else(findings);
            format!("Processed {} in {reports}.", counted_as(count, "vulnerability finding", "vulnerability findings"))
        }
        Subject::License => {
            let count = judged(&["packages", "components"]).unwrap_or_else(components);
            format!("Processed {} in {reports}.", counted_as(count, "package", "packages"))
        }
        Subject::Own => format!("Processed {reports}."),
    }
}

fn workflow(record: &Record) -> String {
    let told = |(name, conclusion): &(String, String)| {
        format!("{} ended with {}", super::escape::code(name), super::escape::code(conclusion))
    };
    let runs: Vec<String> = record.runs.unsuccessful.iter().map(told).collect();
    format!(
        "{}. What was uploaded broke no policy, but it may not be all. Re-run the workflow to have it judged anew.",
        runs.join(", ")
    )
}

fn waiting(record: &Record, check: &CheckRecord) -> String {
    let runs = &record.runs;
    let mut waits = Vec::new();
    if runs.going > 0 {
        waits.push(format!("{} to end", counted(runs.going, "workflow run")));
    }
    if runs.awaiting_approval > 0 {
        let run = counted(runs.awaiting_approval, "workflow run");
        waits.push(format!("{run} to be approved by somebody with write access"));
    }
    if waits.is_empty() {
        waits.push("a workflow run to begin".to_owned());
    }
    format!("{}. It waits for {}.", in_progress(&check.check), waits.join(" and for "))
}

pub fn verdicts(check: &CheckRecord) -> impl Iterator<Item = &Verdict> {
    check.judgements.iter().filter_map(|judgement| match &judgement.verdict {
        Judged::Verdict(verdict) => Some(verdict),
        Judged::Broken(_, verdict) | Judged::Outage(_, verdict) => verdict.as_ref(),
    })
}

pub fn counted(count: u32, one: &str) -> String {
    counted_as(count, one, &format!("{one}s"))
}

pub fn counted_as(count: impl Into<u64>, one: &str, many: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
