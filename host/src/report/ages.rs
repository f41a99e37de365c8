//! What a check says of its baseline: which commit the findings were compared with, how many are new, and that there is
//! none where there is none.

use super::escape;
use super::limits::Page;
use super::wording::counted;
use crate::model::baseline::{AgeCounts, BaselineRecord, FixedRecord};
use crate::model::record::{CheckRecord, Record};
use crate::model::report::Coverage;

/// Of the kinds that the check reads. Text from outside is escaped.
pub fn notices(record: &Record, check: &CheckRecord) -> Vec<String> {
    let own = check.notices.iter().map(|notice| format!("- {}\n", escape::text(notice)));
    let Some(baseline) = baseline(record, check) else { return own.collect() };
    let mut notices: Vec<String> = own.chain([format!("- {}\n", compared(baseline, check))]).collect();
    if baseline.newest().is_some() {
        let differences = baseline.differences.iter().map(|difference| escape::text(difference));
        notices.extend(differences.map(|difference| format!("- less comparable: {difference}\n")));
    }
    notices
}

/// Findings that are gone, as a table.
pub fn fixed(record: &Record, check: &CheckRecord, page: &mut Page) {
    let Some(baseline) = baseline(record, check) else { return };
    let read: Vec<&FixedRecord> = baseline.fixed.iter().filter(|fixed| reads(check, fixed.kind)).collect();
    let count = counts(baseline, check).fixed;
    let head = format!("### Fixed: {}\n\n| Finding | Package | In |\n|---|---|---|\n", counted(count, "finding"));
    page.entries(&head, read.iter().map(|fixed| row(fixed)), "fixed findings");
}

/// `compared with main at 0123456789ab: 1 introduced, 2 existing`.
fn compared(baseline: &BaselineRecord, check: &CheckRecord) -> String {
    let branch = escape::code(&baseline.branch);
    if let Some(outage) = &baseline.outage {
        let outage = escape::text(outage);
        return format!(
            "no baseline: the newest evidence of {branch} could not be read ({outage}), so nothing is called new or existing"
        );
    }
    let Some(newest) = baseline.newest() else {
        return format!("no baseline yet: no evidence of {branch} is known, so nothing is called new or existing");
    };
    let commits: std::collections::BTreeSet<_> = baseline.runs.iter().map(|run| &run.sha).collect();
    let others = match commits.len() {
        1 => String::new(),
        more => format!(" and {}", counted(more as u32 - 1, "older commit")),
    };
    let counts = counts(baseline, check);
    let named = [
        (counts.introduced, "introduced"),
        (counts.disclosed, "newly disclosed"),
        (counts.existing, "existing"),
        (counts.fixed, "fixed"),
        (counts.unknown, "of a kind that the baseline has no evidence of"),
    ];
    let named: Vec<String> =
        named.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let said = if named.is_empty() { "nothing found on either side".to_owned() } else { named.join(", ") };
    format!("compared with {branch} at {}{others}: {said}", escape::code(&newest.sha.as_str()[..12]))
}

fn baseline<'a>(record: &'a Record, check: &CheckRecord) -> Option<&'a BaselineRecord> {
    record.baselines.get(check.baseline? as usize)
}

fn counts(baseline: &BaselineRecord, check: &CheckRecord) -> AgeCounts {
    let mut sum = AgeCounts::default();
    for (_, counts) in baseline.counts.iter().filter(|(kind, _)| reads(check, **kind)) {
        sum += *counts;
    }
    sum
}

fn reads(check: &CheckRecord, kind: Coverage) -> bool {
    check.reads.iter().any(|reads| reads.is_empty() || reads.contains(&kind))
}

fn row(fixed: &FixedRecord) -> String {
    format!(
        "| {} | {} | {} |\n",
        escape::code_cell(&fixed.id),
        escape::code_cell(fixed.package.as_deref().unwrap_or_default()),
        escape::code_cell(fixed.path.as_deref().unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::model::baseline::BaselineRun;
    use crate::model::verdict::Outcome;
    use crate::model::{HeadSha, RunId};

    fn told(baseline: BaselineRecord) -> String {
        let mut check = fixtures::check(vec![fixtures::answered(Outcome::Pass)]);
        check.baseline = Some(0);
        let record = Record { baselines: vec![baseline], ..fixtures::record(vec![check.clone()]) };
        let mut page = Page::default();
        fixed(&record, &check, &mut page);
        format!("{}{}", notices(&record, &check).concat(), page.finish())
    }

    #[test]
    fn the_baseline_is_named_with_what_came_and_went() {
        let run = BaselineRun {
            workflow_path: "ci.yml".to_owned(),
            id: RunId(1),
            attempt: 1,
            sha: HeadSha::parse(&"b".repeat(40)).unwrap(),
            created_at: 1,
        };
        let counts = AgeCounts { introduced: 1, disclosed: 2, fixed: 1, ..AgeCounts::default() };
        let gone = FixedRecord {
            kind: Coverage::Vulnerabilities,
            id: "CVE-2024-1".to_owned(),
            package: Some("pkg:npm/lodash@4.17.20".to_owned()),
            path: None,
        };
        let secrets = AgeCounts { introduced: 7, ..AgeCounts::default() };
        insta::assert_snapshot!(told(BaselineRecord {
            branch: "main".to_owned(),
            runs: vec![run],
            reports: Vec::new(),
            counts: [(Coverage::Vulnerabilities, counts), (Coverage::Secrets, secrets)].into(),
            fixed: vec![gone],
            differences: vec!["trivy is 2 here and 1 in the baseline".to_owned()],
            outage: None,
        }), @r"
        - compared with `main` at `bbbbbbbbbbbb`: 1 introduced, 2 newly disclosed, 1 fixed
        - less comparable: trivy is 2 here and 1 in the baseline
        ### Fixed: 1 finding

        | Finding | Package | In |
        |---|---|---|
        | `CVE-2024-1` | `pkg:npm/lodash@4.17.20` |  |
        ");
    }

    #[test]
    fn a_missing_baseline_is_said() {
        let missing = || BaselineRecord { branch: "main".to_owned(), ..BaselineRecord::default() };
        insta::assert_snapshot!(told(missing()), @"- no baseline yet: no evidence of `main` is known, so nothing is called new or existing");
        let outage = BaselineRecord { outage: Some("GitHub answered 503".to_owned()), ..missing() };
        insta::assert_snapshot!(told(outage), @"- no baseline: the newest evidence of `main` could not be read (GitHub answered 503), so nothing is called new or existing");
    }
}
