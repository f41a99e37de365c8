//! Reports, seen together: aliases over tools, what is hidden and by whom, and what an answer is worth beside
//! unreadable evidence. Pure: the same inputs give the same bytes, `now` comes from the context. Never calls a plugin,
//! never reads a clock, and never drops a finding: what is hidden stays in the evidence with who, why and until when.

mod age;
mod groups;
mod introduced;
mod judgement;
mod minimum;
mod records;
mod waivers;

pub use age::{compare, reduced};
pub use introduced::only_introduced;
pub use judgement::{VIOLATIONS_OMITTED, judgement, unused_rule_waivers};
pub use minimum::{View, at_least, of_low_provenance, refused_attestations};
pub use records::{hidden_counts, hidden_findings, inputs, oddities, stale_attempts};
pub use waivers::date;

use crate::model::Judgement;
use crate::model::artifact::UnreadableArtifact;
use crate::model::evidence::{AssessedFinding, Context, Evidence, Hidden, HiddenBy, SourcedReport};
use crate::model::plan::Waiver;
use crate::model::report::Finding;

/// What the evaluators of one job see. Filters run in a fixed order: the tool's own suppression, VEX, waivers; then
/// `compare` holds what there is against the baseline.
pub fn evidence(
    context: Context,
    reports: Vec<SourcedReport>,
    unreadable: Vec<UnreadableArtifact>,
    waivers: &[Waiver],
) -> Evidence {
    let reports = in_order(reports);
    let (mut findings, groups) = groups::assess(&reports);
    let mut notices = hide_what_tools_suppress(&reports, &mut findings);
    // VEX: statements of `report.vex` are matched here once their authors can be trusted.
    notices.extend(waivers::apply(&reports, &mut findings, waivers, context.now));
    let live_groups = live_groups(&findings);
    Evidence {
        context,
        reports,
        unreadable: sorted(unreadable),
        findings,
        groups,
        live_groups,
        baseline: None,
        changed_paths: None,
        notices,
    }
}

/// What waivers that the pull request itself would add come to. They hide nothing before it is merged.
pub fn after_merge(evidence: &Evidence, judgements: &[&Judgement], proposed: &[Waiver]) -> Option<String> {
    if proposed.is_empty() {
        return None;
    }
    let findings = waivers::would_hide(&evidence.reports, &evidence.findings, proposed, evidence.context.now);
    let violations = judgement::would_waive(evidence, judgements, proposed);
    let waivers = counted(proposed.len() as u32, "waiver", "waivers");
    let waived = match violations {
        0 => String::new(),
        count => format!(" and waive {}", counted(count as u32, "violation", "violations")),
    };
    Some(format!(
        "this pull request adds {waivers}: after merge this would hide {}{waived}; until then it hides nothing",
        counted(findings as u32, "finding", "findings")
    ))
}

/// By path, then digest. The same file twice counts once, with the better provenance of the two.
fn in_order(mut reports: Vec<SourcedReport>) -> Vec<SourcedReport> {
    let key = |report: &SourcedReport| (report.source.path.clone(), report.digest, report.normalizer.clone());
    reports.sort_by_cached_key(key);
    let mut kept: Vec<SourcedReport> = Vec::with_capacity(reports.len());
    let mut place_by_digest = std::collections::HashMap::new();
    for report in reports {
        match place_by_digest.get(&(report.digest, report.normalizer.clone())) {
            Some(&place) => {
                let first: &mut SourcedReport = &mut kept[place];
                if report.source.provenance > first.source.provenance {
                    *first = report;
                }
            }
            None => {
                place_by_digest.insert((report.digest, report.normalizer.clone()), kept.len());
                kept.push(report);
            }
        }
    }
    kept
}

fn sorted(mut unreadable: Vec<UnreadableArtifact>) -> Vec<UnreadableArtifact> {
    unreadable.sort_by(|a, b| (&a.path, &a.digest, &a.reason).cmp(&(&b.path, &b.digest, &b.reason)));
    unreadable
}

/// Local files are their owner's: what the tool suppressed is hidden. An upload's ignore file may be the pull
/// request's own, so there it is shown and not applied until provenance is established.
fn hide_what_tools_suppress(reports: &[SourcedReport], findings: &mut [AssessedFinding]) -> Vec<String> {
    let mut not_applied = vec![0_u32; reports.len()];
    for assessed in findings {
        let sourced = &reports[assessed.at.report as usize];
        let Some(status) = finding_at(reports, assessed).tool_status.as_ref().filter(|status| status.suppressed) else {
            continue;
        };
        if sourced.source.provenance.is_some() {
            not_applied[assessed.at.report as usize] += 1;
            continue;
        }
        let why = status.reason.clone().or_else(|| status.status.clone());
        assessed.hidden = Some(Hidden {
            by: HiddenBy::Tool,
            who: status.by.clone().or_else(|| sourced.report.tool.as_ref().map(|(name, _)| name.clone())),
            why: why.unwrap_or_else(|| "suppressed by the tool, which gives no reason".to_owned()),
            until: status.until.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok()).and_then(unix),
        });
    }
    let notice = |(sourced, count): (&SourcedReport, u32)| {
        let subject = counted(count, "finding is", "findings are");
        format!("{}: {subject} suppressed by the tool; this is shown and not applied", sourced.source.path)
    };
    reports.iter().zip(not_applied).filter(|(_, count)| *count > 0).map(notice).collect()
}

fn live_groups(findings: &[AssessedFinding]) -> u32 {
    let live: std::collections::HashSet<u32> =
        findings.iter().filter(|assessed| assessed.hidden.is_none()).map(|assessed| assessed.group).collect();
    live.len() as u32
}

fn finding_at<'a>(reports: &'a [SourcedReport], assessed: &AssessedFinding) -> &'a Finding {
    &reports[assessed.at.report as usize].report.findings[assessed.at.index as usize]
}

fn unix(time: jiff::Timestamp) -> Option<u64> {
    u64::try_from(time.as_second()).ok()
}

/// How many files a notice or a broken message names.
const FILES_NAMED: usize = 5;

fn named(files: &[&str]) -> String {
    let first = files[..files.len().min(FILES_NAMED)].join(", ");
    match files.len().saturating_sub(FILES_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// `1 finding`, `2 findings`.
fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
