//! The one comment of a pull request, with a section for each check: what blocks, what wants consideration, what could
//! not be judged. A check that passes gets a line. Nothing but the marker and the folding is HTML, and both are ours.

mod item;

use super::conclude::{Decision, Row, decide};
use super::page::{self, Section};
use super::wording::{self, Subject, counted, counted_as};
use super::{Presentation, escape};
use crate::model::Digest;
use crate::model::plan::Conclusion;
use crate::model::publication::{CommentPublication, Generation, Marker, Standing};
use crate::model::record::{CheckRecord, Record};
use crate::model::verdict::Violation;

/// GitHub takes 65,536 characters. What stays below in bytes does so in characters, with room for what it may add.
const COMMENT_BYTES: usize = 60_000;

/// Kept for headlines, folding and the tail: what items may not take.
const FRAME_BYTES: usize = 400;

/// Beyond so many checks the others are only counted: with the longest names headlines alone would fill the comment.
const MOST_SECTIONS: usize = 20;

/// Whose comment it is.
#[derive(Clone, Debug)]
pub struct About {
    pub app_id: u64,
    pub pull_request: u64,
    pub generation: Generation,
}

/// What the pull request's comment is to say of this decision.
pub fn comment(record: &Record, about: About, presentation: &Presentation) -> CommentPublication {
    let shown: Vec<(&CheckRecord, Decision)> = record
        .checks
        .iter()
        .filter(|check| !presentation.uncommented.contains(&check.check))
        .map(|check| (check, decide(record, check)))
        .collect();
    let sections: Vec<Part> = shown.iter().map(|(check, decision)| part(record, check, *decision)).collect();
    let standing = standing(&sections);
    let marker = Marker {
        app: about.app_id,
        pull_request: about.pull_request,
        sha: record.commit.sha.clone(),
        generation: about.generation,
    };
    let words = |details: Option<&str>| match standing {
        Standing::Clean => resolved(&shown, &tail(record, details)),
        _ => open(&sections, details, &tail(record, details)),
    };
    CommentPublication {
        standing,
        body: format!("{marker}\n{}", words(presentation.details(&record.job).as_deref())),
        content: Digest::of(words(None).as_bytes()),
        verdict: decided(&shown),
        marker,
    }
}

fn standing(sections: &[Part]) -> Standing {
    let any = |standing| sections.iter().any(|section| section.standing == standing);
    match () {
        () if any(Standing::Open) => Standing::Open,
        () if sections.is_empty() || any(Standing::Unfinished) => Standing::Unfinished,
        () if any(Standing::Noted) => Standing::Noted,
        () => Standing::Clean,
    }
}

/// Titles, and what blocks; neither the commit nor a sentence that changes without the result.
fn decided(shown: &[(&CheckRecord, Decision)]) -> Digest {
    let of_check = |(check, decision): &(&CheckRecord, Decision)| {
        let key = |violation: &&Violation| {
            (violation.rule.clone(), violation.subject.clone(), item::property(violation, "id").map(str::to_owned))
        };
        let blocking: Vec<_> = page::violations(check, Section::Blocking).iter().map(key).collect();
        (check.check.clone(), wording::title(&check.check, *decision), decision.conclusion(), blocking)
    };
    let shown: Vec<_> = shown.iter().map(of_check).collect();
    Digest::of(&serde_json::to_vec(&shown).expect("names and titles are plain data"))
}

/// The section of one check.
struct Part {
    standing: Standing,
    head: String,
    blocks: Vec<Block>,
}

/// A paragraph, and entries that are folded away below it.
struct Block {
    head: String,
    /// What the fold is called; unused without entries.
    fold: &'static str,
    entries: Vec<String>,
}

fn part(record: &Record, check: &CheckRecord, decision: Decision) -> Part {
    let head = format!("### {}\n\n", escape::text(check.check.as_str()));
    let mut blocks = Vec::new();
    match decision.row {
        Row::Failed | Row::Warned | Row::PassedPartial | Row::Passed => {}
        row => blocks.push(undecided(record, check, decision, row)),
    }
    blocks.extend(found(record, check));
    let fails = decision.conclusion() == Some(Conclusion::Failure);
    let standing = match decision.row {
        Row::Waiting => Standing::Unfinished,
        Row::Outage | Row::Missing | Row::Overdue | Row::Workflow | Row::OtherPaths if !fails => Standing::Noted,
        _ if fails || !blocks.is_empty() => Standing::Open,
        _ => Standing::Clean,
    };
    if blocks.is_empty() {
        blocks.push(Block { head: passed(check, decision), fold: "", entries: Vec::new() });
    }
    Part { standing, head: unmarked(head), blocks: blocks.into_iter().map(Block::unmarked).collect() }
}

/// Nobody else's words begin what looks like a marker, not even within code.
fn unmarked(words: String) -> String {
    words.replace("<!--", "<! --")
}

/// A check of which nothing is listed: it passed, or it failed without naming a violation.
fn passed(check: &CheckRecord, decision: Decision) -> String {
    let title = escape::text(&wording::title(&check.check, decision));
    match decision.conclusion() {
        Some(Conclusion::Failure) => {
            format!("❌ **{title}**\n\nWhat failed names no violation; the check says why.\n\n")
        }
        _ => format!("✅ **{title}**: no violations are open.\n\n"),
    }
}

/// A check that came to no judgement, and why.
fn undecided(record: &Record, check: &CheckRecord, decision: Decision, row: Row) -> Block {
    let title = escape::text(&wording::title(&check.check, decision));
    let sign = match (row, decision.conclusion()) {
        (Row::Waiting, _) => "⏳",
        (_, Some(Conclusion::Failure)) => "❌",
        _ => "ℹ️",
    };
    let why = match row {
        // The check names the runs; there may be many.
        Row::Workflow => {
            "A workflow run ended without success. What it uploaded broke no policy, but it may not be all.".to_owned()
        }
        _ => wording::headline(record, check, decision),
    };
    let entries = match row {
        Row::Unreadable => page::unreadable(record).chain(page::problems(check)).collect(),
        Row::PolicyError | Row::Outage => page::problems(check),
        _ => Vec::new(),
    };
    Block { head: format!("{sign} **{title}**\n\n{why}\n\n"), fold: "Click to view the reasons", entries }
}

/// What the policies of a check found: what blocks, what they warn of, and licences under conditions.
fn found(record: &Record, check: &CheckRecord) -> Vec<Block> {
    let subject = wording::subject(&check.check);
    let mut blocks = Vec::new();
    for section in [Section::Blocking, Section::Warning, Section::Information] {
        let mut listed = page::violations(check, section);
        if section == Section::Information {
            listed.retain(|violation| subject == Subject::License && violation.rule.starts_with("conditional"));
        }
        if listed.is_empty() {
            continue;
        }
        let items = item::items(record, &listed, section, subject);
        let count = Count { things: items.things, violations: listed.len() as u32 };
        let (head, fold) = headline(check, section, subject, count);
        blocks.push(Block { head, fold, entries: items.entries });
    }
    let waived = page::violations(check, Section::Waived).len() as u32;
    if waived > 0 && !blocks.is_empty() {
        let head = format!(
            "{} besides; the check lists what is waived, by whom and why.\n\n",
            counted(waived, "waived violation")
        );
        blocks.push(Block { head, fold: "", entries: Vec::new() });
    }
    blocks
}

/// How many vulnerabilities or packages, and how many violations in all.
struct Count {
    things: u32,
    violations: u32,
}

/// The paragraph above a list and the name of its fold. The two default checks have those that people know from Polly.
fn headline(check: &CheckRecord, section: Section, subject: Subject, count: Count) -> (String, &'static str) {
    let vulnerabilities = counted_as(count.things, "vulnerability", "vulnerabilities");
    let packages = counted(count.things, "package");
    let violations = "Click to view policy violation details";
    let warnings = "Click to view the warnings";
    let (headline, sentence, fold) = match (subject, section) {
        (Subject::Vulnerability, Section::Blocking) if count.things > 0 => {
            (format!("❌ **Vulnerability Policy Violation - {vulnerabilities} blocked**"), "", violations)
        }
        (Subject::License, Section::Blocking) if count.things > 0 => (
            format!("❌ **License Violations Found - {packages}**"),
            "The licenses of these packages violate the policy and must be addressed.",
            "Click to view license violations",
        ),
        (Subject::License, Section::Information) => (
            format!("ℹ️ **Conditionally Allowed Licenses Found - {} consideration**", require(count.things, &packages)),
            "The licenses of these packages are allowed under conditions; see that you keep them.",
            "Click to view conditionally allowed licenses",
        ),
        (Subject::Vulnerability, Section::Warning) if count.things > 0 => {
            (format!("⚠️ **Vulnerability Warnings - {vulnerabilities} to look at**"), "", warnings)
        }
        (Subject::License, Section::Warning) if count.things > 0 => {
            (format!("⚠️ **License Warnings - {packages} to look at**"), "", warnings)
        }
        (_, Section::Blocking) => {
            let name = escape::text(check.check.as_str());
            (format!("❌ **{name} - {}**", counted(count.violations, "blocking violation")), "", violations)
        }
        _ => {
            let name = escape::text(check.check.as_str());
            (format!("⚠️ **{name} - {}**", counted(count.violations, "warning")), "", warnings)
        }
    };
    let sentence = if sentence.is_empty() { String::new() } else { format!("{sentence}\n\n") };
    (format!("{headline}\n\n{sentence}"), fold)
}

fn require(count: u32, packages: &str) -> String {
    format!("{packages} {}", if count == 1 { "requires" } else { "require" })
}

fn resolved(shown: &[(&CheckRecord, Decision)], tail: &str) -> String {
    let lines = shown.iter().take(MOST_SECTIONS).map(|(check, decision)| {
        unmarked(format!("- ✅ {}\n", escape::text(&wording::title(&check.check, *decision))))
    });
    let more = more_checks(shown.len());
    format!("✅ **Resolved - no violations are open**\n\n{}{more}\n{tail}", lines.collect::<String>())
}

fn more_checks(count: usize) -> String {
    match count.saturating_sub(MOST_SECTIONS) {
        0 => String::new(),
        more => format!("\n… and {}\n", counted(more as u32, "more check")),
    }
}

fn open(sections: &[Part], details: Option<&str>, tail: &str) -> String {
    // Those that say something come first, should there be more than are shown.
    let mut shown: Vec<&Part> = sections.iter().collect();
    if sections.len() > MOST_SECTIONS {
        shown.sort_by_key(|section| std::cmp::Reverse(section.standing));
        shown.truncate(MOST_SECTIONS);
    }
    let blocks = || shown.iter().flat_map(|section| &section.blocks);
    let needs: Vec<usize> = blocks().map(|block| block.entries.iter().map(String::len).sum()).collect();
    let heads = shown.iter().map(|section| section.head.len()).sum::<usize>();
    let frames = blocks().map(|block| block.head.len() + FRAME_BYTES).sum::<usize>();
    let room = COMMENT_BYTES.saturating_sub(heads + frames + tail.len() + FRAME_BYTES);
    let mut shares = shares(&needs, room).into_iter();
    let mut words = String::new();
    for section in shown {
        words.push_str(&section.head);
        for block in &section.blocks {
            words.push_str(&block.within(shares.next().unwrap_or(0), details));
        }
    }
    words.push_str(&more_checks(sections.len()));
    words + tail
}

/// Who needs little gets all of it; the others share the rest evenly.
fn shares(needs: &[usize], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|&place| needs[place]);
    let (mut shares, mut left) = (vec![0; needs.len()], room);
    for (served, place) in order.into_iter().enumerate() {
        shares[place] = needs[place].min(left / (needs.len() - served));
        left -= shares[place];
    }
    shares
}

impl Block {
    fn unmarked(self) -> Self {
        Self { head: unmarked(self.head), entries: self.entries.into_iter().map(unmarked).collect(), ..self }
    }

    /// As much as fits; what does not is counted.
    fn within(&self, bytes: usize, details: Option<&str>) -> String {
        if self.entries.is_empty() {
            return self.head.clone();
        }
        let mut listed = String::new();
        let mut shown = 0;
        for entry in &self.entries {
            if listed.len() + entry.len() > bytes {
                break;
            }
            listed.push_str(entry);
            shown += 1;
        }
        let more = match self.entries.len() - shown {
            0 => String::new(),
            more => {
                format!("\n\n… and {more} more{}", details.map(|url| format!(": [details]({url})")).unwrap_or_default())
            }
        };
        format!(
            "{}<details>\n<summary>{}</summary>\n\n{}{more}\n\n</details>\n\n",
            self.head,
            self.fold,
            listed.trim_end()
        )
    }
}

/// Which commit this is about, and where more is told.
fn tail(record: &Record, details: Option<&str>) -> String {
    let details = details.map(|url| format!(" · [Details]({url})")).unwrap_or_default();
    format!("Judged at commit `{}`{details}\n", &record.commit.sha.as_str()[..12])
}

#[cfg(test)]
mod tests;
