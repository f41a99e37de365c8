//! The page as HTML. The template escapes every text; control and direction characters are taken out before.

use super::Absent;
use crate::correlate::date;
use crate::model::evidence::HiddenBy;
use crate::model::plan::Conclusion;
use crate::model::record::{CheckRecord, HiddenRecord, InputRecord, Record};
use crate::model::verdict::{Judged, Violation};
use crate::model::{Digest, Judgement};
use crate::report::{self, Section, plain};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("page.css");
/// More violations of one section, files or findings nobody reads on a page; the JSON has all.
const MOST_ROWS: usize = 500;
/// The width of the longest bar, in the picture's own units.
const BAR: u64 = 260;

/// What the policy of the page's content allows as style, and nothing else.
pub fn style_hash() -> &'static str {
    static HASH: LazyLock<String> =
        LazyLock::new(|| format!("sha256-{}", STANDARD.encode(Sha256::digest(STYLE.as_bytes()))));
    &HASH
}

pub fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

pub(super) fn absent(absent: Absent) -> Markup {
    page(absent.title(), &html! { h1 { (absent.title()) } p { (absent.way_out()) } })
}

pub fn decision(record: &Record) -> Markup {
    let commit = &record.commit;
    let title = format!("{} at {}", commit.repository, &commit.sha.as_str()[..12]);
    page(
        &title,
        &html! {
            h1 { (commit.repository.to_string()) " at " code { (&commit.sha.as_str()[..12]) } }
            p.faint {
                @for number in &record.pull_requests { "#" (number) " · " }
                "decided at " time { (date(record.now)) } " · " a href={ "/api/v1/decisions/" (record.job) } { "as JSON" }
            }
            @for check in &record.checks { (check_part(record, check)) }
            (evidence(record))
            (unreadable(record))
            (hidden(record))
            @if !record.notices.is_empty() {
                h2 { "Notices" }
                ul { @for notice in record.notices.iter().take(MOST_ROWS) { li { (plain(notice)) } } }
            }
            (made_from(record))
            (timings(record))
        },
    )
}

fn check_part(record: &Record, check: &CheckRecord) -> Markup {
    let decision = report::decide(record, check);
    let tone = match decision.conclusion() {
        Some(Conclusion::Success) => "check good",
        Some(Conclusion::Failure) => "check bad",
        _ => "check",
    };
    let word = decision.conclusion().map_or("in progress", Conclusion::word);
    html! {
        section class=(tone) {
            h2 { (plain(&report::title(&check.check, decision))) }
            p.faint { (word) " · " (plain(&report::headline(record, check, decision))) }
            div.scroll { table {
                tr { th { "Policy" } th { "Result" } th { "Judged" } th { "What it said" } }
                @for (place, judgement) in check.judgements.iter().enumerate() {
                    (policy_row(record, check, (place, judgement)))
                }
            } }
            @for section in Section::ALL { (violations(record, check, section)) }
        }
    }
}

fn policy_row(record: &Record, check: &CheckRecord, (place, judgement): (usize, &Judgement)) -> Markup {
    let verdict = match &judgement.verdict {
        Judged::Verdict(verdict) => Some(verdict),
        Judged::Broken(_, verdict) | Judged::Outage(_, verdict) => verdict.as_ref(),
    };
    html! {
        tr {
            td { code { (plain(&judgement.plugin)) } }
            td { (report::result_word(report::result_of(record, check, place))) }
            td { (verdict.map(|verdict| judged(&verdict.judged)).unwrap_or_default()) }
            td {
                @match &judgement.verdict {
                    Judged::Verdict(verdict) => (plain(&verdict.title)),
                    Judged::Broken(broken, _) => {
                        (plain(&broken.to_string()))
                        @if let Some(hint) = &broken.hint { " (" (plain(hint)) ")" }
                    }
                    Judged::Outage(why, _) => (plain(why)),
                }
                @for notice in &judgement.notices { br; span.faint { (plain(notice)) } }
            }
        }
    }
}

/// The first count says how much there was; of the others those that are none say nothing.
fn judged(counts: &[(String, u64)]) -> String {
    let told = counts.iter().enumerate().filter(|(place, (_, count))| *place == 0 || *count > 0);
    plain(&told.map(|(_, (what, count))| format!("{count} {what}")).collect::<Vec<_>>().join(", "))
}

fn violations(record: &Record, check: &CheckRecord, section: Section) -> Markup {
    let listed = report::violations(check, section);
    let head = match section {
        Section::Blocking => "Blocking",
        Section::Warning => "Warnings",
        Section::Waived => "Waived",
        Section::Information => "For information",
    };
    html! {
        @if !listed.is_empty() {
            h3 { (head) " (" (listed.len()) ")" }
            ul.violations { @for violation in listed.iter().take(MOST_ROWS) { (violation_entry(record, violation)) } }
            (more(listed.len()))
        }
    }
}

fn violation_entry(record: &Record, violation: &Violation) -> Markup {
    html! {
        li {
            @if let Some(severity) = violation.severity {
                span class={ "severity " (severity.word()) } { (severity.word()) } " "
            }
            @if let Some(subject) = &violation.subject { code { (plain(subject)) } " " }
            (plain(&violation.message)) " " span.faint { "rule " code { (plain(&violation.rule)) } }
            @if let Some(fix) = &violation.how_to_fix { p { "Fix: " (plain(fix)) } }
            @if let Some(place) = &violation.location {
                p.faint { "In " code { (plain(&place.path)) @if let Some(line) = place.start_line { ":" (line) } } }
            }
            @for path in report::reports_of(record, violation) { p.faint { "Found in " code { (plain(path)) } } }
            @if let Some(waived) = &violation.waived {
                p.faint {
                    "Waived"
                    @if let Some(owner) = &waived.owner { " by " (plain(owner)) }
                    @if let Some(until) = waived.until { " until " (date(until)) }
                    ": " (plain(&waived.reason))
                }
            }
        }
    }
}

fn evidence(record: &Record) -> Markup {
    html! {
        @if !record.inputs.is_empty() {
            h2 { "Evidence" }
            div.scroll { table {
                tr {
                    th { "Report" } th { "Format" } th { "Tool" } th { "Covers" } th { "Findings" } th { "Components" }
                    th { "Comes from" }
                }
                @for input in record.inputs.iter().take(MOST_ROWS) { (evidence_row(record, input)) }
            } }
            (more(record.inputs.len()))
        }
    }
}

fn evidence_row(record: &Record, input: &InputRecord) -> Markup {
    let covers: Vec<&str> = input.covers.iter().map(|kind| kind.word()).collect();
    let files = record.material.iter().flat_map(|material| &material.files);
    let source = files.into_iter().find(|file| file.digest == input.digest && file.source.path == input.path);
    let run = source.and_then(|file| file.source.run.as_ref());
    html! {
        tr {
            td { code { (plain(&input.path)) } br; span.faint { (digest(&input.digest)) } }
            td {
                (plain(&input.format)) " by " code { (plain(&input.normalizer)) }
                @if input.cut { ", cut at a limit" } @else if input.partial { ", partial" }
                @for diagnostic in &input.diagnostics { br; span.faint { (plain(diagnostic)) } }
            }
            td { (plain(input.tool.as_deref().unwrap_or_default())) }
            td { (covers.join(", ")) }
            td.number { (input.findings) }
            td.number { (input.components) }
            td {
                @if let Some(provenance) = input.provenance { (provenance.word()) br; }
                @if let Some(run) = run {
                    code { (plain(&run.workflow_path)) }
                    span.faint { " run " (run.id.to_string()) ", attempt " (run.attempt) ", on " (plain(&run.event)) }
                }
            }
        }
    }
}

fn digest(digest: &Digest) -> String {
    format!("sha256:{}…", &digest.to_string()[..12])
}

fn unreadable(record: &Record) -> Markup {
    html! {
        @if !record.unreadable.is_empty() {
            h2 { "Could not be read" }
            div.scroll { table {
                tr { th { "File" } th { "Why" } }
                @for file in record.unreadable.iter().take(MOST_ROWS) {
                    tr { td { code { (plain(&file.path)) } } td { (plain(&file.reason)) } }
                }
            } }
            (more(record.unreadable.len()))
        }
    }
}

fn hidden(record: &Record) -> Markup {
    let count: u32 = record.hidden.iter().sum();
    html! {
        @if count > 0 {
            h2 { "Hidden (" (count) ")" }
            div.scroll { table {
                tr { th { "Finding" } th { "Package" } th { "Severity" } th { "By" } th { "Why" } th { "Until" } th { "In" } }
                @for hidden in record.hidden_findings.iter().take(MOST_ROWS) { (hidden_row(hidden)) }
            } }
            (more(count as usize))
        }
    }
}

fn hidden_row(hidden: &HiddenRecord) -> Markup {
    let by = match hidden.hidden.by {
        HiddenBy::Tool => "tool",
        HiddenBy::Vex => "VEX",
        HiddenBy::Waiver => "waiver",
    };
    html! {
        tr {
            td { code { (plain(&hidden.id)) } }
            td { code { (plain(hidden.package.as_deref().unwrap_or_default())) } }
            td { (hidden.severity.map_or("unknown", |severity| severity.word())) }
            td { (by) @if let Some(who) = &hidden.hidden.who { " " (plain(who)) } }
            td { (plain(&hidden.hidden.why)) }
            td { (hidden.hidden.until.map(date).unwrap_or_default()) }
            td { code { (plain(&hidden.path)) } }
        }
    }
}

/// Plugins with their digests and settings, and what servers answered.
fn made_from(record: &Record) -> Markup {
    let policies = record.plan.checks.iter().flat_map(|check| &check.policies);
    let policies = policies.map(|policy| (&policy.plugin, policy.plugin_digest, &policy.settings));
    let normalizers = record.plan.normalizers.iter();
    let normalizers = normalizers.map(|plan| (&plan.plugin, plan.plugin_digest, &plan.settings));
    html! {
        h2 { "Made from" }
        @if let Some(material) = &record.material {
            p.faint {
                "Palisade " (material.host) " judged " (material.files.len()) " files"
                @if material.passed_over > 0 { " and passed over " (material.passed_over) " that nobody claims" }
                ". Judge it again with " code { "palisade replay " (record.job) } "."
            }
        }
        details {
            summary { "Plugins, digests and settings" }
            @for (plugin, code_digest, settings) in policies.chain(normalizers) {
                p { code { (plugin.to_string()) } " " span.faint { (code_digest.as_ref().map(digest).unwrap_or_default()) } }
                @if settings.as_str() != "{}" { pre { (plain(settings)) } }
            }
        }
        @if !record.remote_answers.is_empty() {
            details {
                summary { "What policy servers answered" }
                @for answer in &record.remote_answers {
                    p { code { (plain(&answer.plugin)) } " about " code { (plain(&answer.document)) } }
                    pre { (plain(answer.text.as_deref().or(answer.error.as_deref()).unwrap_or("undefined"))) }
                }
            }
        }
    }
}

/// One bar for each step, with what it took beside it.
fn timings(record: &Record) -> Markup {
    let longest = record.timings_ms.iter().map(|(_, took)| *took).max().unwrap_or_default().max(1);
    let height = record.timings_ms.len() * 24;
    html! {
        @if !record.timings_ms.is_empty() {
            h2 { "How long it took" }
            svg viewBox={ "0 0 480 " (height) } role="img" aria-label="milliseconds of each step" {
                @for (place, (step, took)) in record.timings_ms.iter().enumerate() {
                    @let bar = (took * BAR / longest).max(2);
                    text x="0" y=(place * 24 + 16) { (plain(step)) }
                    rect x="110" y=(place * 24 + 4) width=(bar) height="16" rx="3" {}
                    text x=(118 + bar) y=(place * 24 + 16) { (took) " ms" }
                }
            }
        }
    }
}

fn more(count: usize) -> Markup {
    html! { @if count > MOST_ROWS { p.faint { "… and " (count - MOST_ROWS) " more, as JSON" } } }
}
