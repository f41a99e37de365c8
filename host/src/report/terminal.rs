//! A Record for a terminal: a table for each question, colour only where it was asked for.

use super::conclude::{Row, decide, row};
use super::escape::plain;
use super::page::{Section, hidden_counts, result_word, violations};
use super::wording::{self, verdicts};
use crate::correlate::date;
use crate::model::plan::Conclusion;
use crate::model::record::{CheckRecord, Record};
use crate::model::report::Severity;
use crate::model::verdict::Judged;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

/// Whether escape sequences are written. The caller knows the terminal and `NO_COLOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Plain,
    Ansi,
}

/// Wide enough for a purl and a sentence; narrower terminals wrap the lines themselves.
const WIDTH: u16 = 120;

pub fn terminal(record: &Record, colour: Colour) -> String {
    let mut parts: Vec<String> = record.checks.iter().map(|check| check_part(record, check, colour)).collect();
    parts.extend(evidence(record, colour));
    parts.extend(unreadable(record, colour));
    parts.extend(hidden(record, colour));
    if !record.notices.is_empty() {
        parts.push(
            record.notices.iter().map(|notice| format!("note: {}", plain(notice))).collect::<Vec<_>>().join("\n"),
        );
    }
    parts.join("\n\n") + "\n"
}

fn check_part(record: &Record, check: &CheckRecord, colour: Colour) -> String {
    let decision = decide(record, check);
    let title = wording::title(&check.check, decision);
    let mut part = match colour {
        Colour::Plain => title,
        Colour::Ansi => {
            let code = match decision.conclusion() {
                Some(Conclusion::Success) => "32",
                Some(Conclusion::Failure) => "31",
                _ => "33",
            };
            format!("\u{1b}[1;{code}m{title}\u{1b}[0m")
        }
    };
    for (place, judgement) in check.judgements.iter().enumerate() {
        let reads = check.reads.get(place).map_or(&[][..], Vec::as_slice);
        part.push_str(&format!("\n  {}: {}", judgement.plugin, result_word(row(judgement, reads, record))));
        match &judgement.verdict {
            Judged::Verdict(verdict) if !verdict.title.is_empty() => {
                part.push_str(&format!(", {}", plain(&verdict.title)))
            }
            Judged::Verdict(_) => {}
            Judged::Broken(broken, _) => {
                part.push_str(&format!(", {}", plain(&broken.to_string())));
                part.extend(broken.hint.iter().map(|hint| format!(" ({})", plain(hint))));
            }
            Judged::Outage(why, _) => part.push_str(&format!(", {}", plain(why))),
        }
        part.extend(judgement.notices.iter().map(|notice| format!("\n  note: {}", plain(notice))));
    }
    if decision.row != Row::Missing && verdicts(check).any(|verdict| !verdict.violations.is_empty()) {
        part.push('\n');
        part.push_str(&violation_table(check, colour));
    }
    part
}

fn violation_table(check: &CheckRecord, colour: Colour) -> String {
    let mut table = table(colour, &["", "Severity", "Subject", "Message", "Fix"]);
    for section in Section::ALL {
        for violation in violations(check, section) {
            let (word, tone) = match section {
                Section::Blocking => ("blocks", Color::Red),
                Section::Warning => ("warns", Color::Yellow),
                Section::Waived => ("waived", Color::DarkGrey),
                Section::Information => ("info", Color::Reset),
            };
            let waived = violation.waived.as_ref().map(|waived| {
                let until = waived.until.map(|until| format!(" until {}", date(until))).unwrap_or_default();
                format!(" (waived{until}: {})", plain(&waived.reason))
            });
            table.add_row(vec![
                Cell::new(word).fg(tone),
                severity(violation.severity),
                Cell::new(plain(violation.subject.as_deref().unwrap_or_default())),
                Cell::new(format!("{}{}", plain(&violation.message), waived.unwrap_or_default())),
                Cell::new(plain(violation.how_to_fix.as_deref().unwrap_or_default())),
            ]);
        }
    }
    lines(&table)
}

fn evidence(record: &Record, colour: Colour) -> Option<String> {
    let mut table = table(colour, &["Evidence", "Format", "Tool", "Findings", "Components"]);
    for input in &record.inputs {
        let state = if input.cut {
            ", cut"
        } else if input.partial {
            ", partial"
        } else {
            ""
        };
        table.add_row(vec![
            Cell::new(plain(&input.path)),
            Cell::new(format!("{}{state}", plain(&input.format))),
            Cell::new(plain(input.tool.as_deref().unwrap_or_default())),
            Cell::new(input.findings),
            Cell::new(input.components),
        ]);
    }
    (!record.inputs.is_empty()).then(|| lines(&table))
}

fn unreadable(record: &Record, colour: Colour) -> Option<String> {
    let mut table = table(colour, &["Could not be read", "Why"]);
    for file in &record.unreadable {
        table.add_row(vec![Cell::new(plain(&file.path)).fg(Color::Red), Cell::new(plain(&file.reason))]);
    }
    (!record.unreadable.is_empty()).then(|| lines(&table))
}

fn hidden(record: &Record, colour: Colour) -> Option<String> {
    let mut table = table(colour, &["Hidden", "Package", "By", "Why", "Until"]);
    for hidden in &record.hidden_findings {
        let who = hidden.hidden.who.as_deref().map(|who| format!(" {}", plain(who))).unwrap_or_default();
        table.add_row(vec![
            plain(&hidden.id),
            plain(hidden.package.as_deref().unwrap_or_default()),
            format!("{}{who}", hidden.hidden.by),
            plain(&hidden.hidden.why),
            hidden.hidden.until.map(date).unwrap_or_default(),
        ]);
    }
    let count: u32 = record.hidden.iter().sum();
    (count > 0).then(|| format!("hidden: {}\n{}", hidden_counts(&record.hidden), lines(&table)))
}

pub(super) fn table(colour: Colour, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    match colour {
        Colour::Plain => table.force_no_tty(),
        Colour::Ansi => table.enforce_styling(),
    };
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)).collect::<Vec<_>>());
    table
}

fn severity(severity: Option<Severity>) -> Cell {
    let tone = match severity {
        Some(Severity::Critical | Severity::High) => Color::Red,
        Some(Severity::Medium) => Color::Yellow,
        _ => Color::Reset,
    };
    Cell::new(severity.map_or("", |severity| severity.word())).fg(tone)
}

/// Without the blanks at the ends of lines.
pub(super) fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
