use super::*;
use crate::correlate::tests::{report, seen, vulnerability};
use crate::model::baseline::BaselineRun;
use crate::model::report::{
    CodeIssue, Component, ComponentRelation, ComponentScope, Detail, LeakedSecret, LicenseClaim, LicenseSource,
    LicenseValue, Location, Misconfiguration, RuleResult,
};
use crate::model::{HeadSha, RunId};
use std::sync::Arc;

const LODASH: &str = "pkg:npm/lodash@4.17.20";

fn located(mut finding: Finding, path: &str, line: u32) -> Finding {
    finding.locations = vec![Location { path: path.to_owned(), start_line: Some(line), ..Location::default() }];
    finding
}

fn of_kind(id: &str, detail: Detail, (path, line): (&str, u32), message: &str) -> Finding {
    let finding =
        Finding { package: None, detail, description: Some(message.to_owned()), ..vulnerability(id, &[], "") };
    located(finding, path, line)
}

fn code(rule: &str, place: (&str, u32), message: &str) -> Finding {
    of_kind(rule, Detail::Code(CodeIssue { cwes: Vec::new(), precision: None }), place, message)
}

fn secret(place: (&str, u32)) -> Finding {
    let secret = LeakedSecret { detector: "gitleaks".to_owned(), verified: None };
    of_kind("generic-api-key", Detail::Secret(secret), place, "")
}

fn component(name: &str, version: &str, license: &str) -> Component {
    Component {
        id: name.to_owned(),
        name: name.to_owned(),
        version: Some(version.to_owned()),
        purl: Some(format!("pkg:npm/{name}@{version}")),
        component_type: None,
        supplier: None,
        licenses: vec![LicenseClaim {
            source: LicenseSource::Declared,
            value: LicenseValue::Expression(license.to_owned()),
        }],
        scope: ComponentScope::Unknown,
        relation: ComponentRelation::Unknown,
        locations: Vec::new(),
        hashes: Vec::new(),
        cpes: Vec::new(),
        published: None,
        deprecated: None,
        origin: None,
        properties: Vec::new(),
    }
}

const EVERY_KIND: [Coverage; 4] =
    [Coverage::Vulnerabilities, Coverage::Secrets, Coverage::Misconfigurations, Coverage::Code];

/// A report that covers all kinds.
fn scan_of(path: &str, findings: Vec<Finding>) -> SourcedReport {
    let mut sourced = report(path, findings);
    Arc::make_mut(&mut sourced.report).covers = EVERY_KIND.to_vec();
    sourced
}

fn by_tool(mut sourced: SourcedReport, name: &str, version: &str) -> SourcedReport {
    Arc::make_mut(&mut sourced.report).tool = Some((name.to_owned(), Some(version.to_owned())));
    sourced
}

fn baseline(reports: Vec<SourcedReport>) -> Comparison {
    let run = BaselineRun {
        workflow_path: ".github/workflows/ci.yml".to_owned(),
        id: RunId(1),
        attempt: 1,
        sha: HeadSha::parse(&"b".repeat(40)).unwrap(),
        created_at: 1,
    };
    let reports = reports.iter().map(reduced).collect();
    Comparison { branch: "main".to_owned(), baseline: Some(Baseline { runs: vec![run], reports }), outage: None }
}

fn compared(before: Vec<SourcedReport>, now: Vec<SourcedReport>) -> (Evidence, BaselineRecord) {
    let mut evidence = seen(now, &[]);
    let record = compare(&mut evidence, baseline(before));
    (evidence, record)
}

/// One line for each finding, then what is gone.
fn told(before: Vec<Finding>, now: Vec<Finding>) -> String {
    shown(&compared(vec![scan_of("before.json", before)], vec![scan_of("now.json", now)]))
}

fn shown((evidence, record): &(Evidence, BaselineRecord)) -> String {
    let line = |assessed: &crate::model::evidence::AssessedFinding| {
        let finding = finding(&evidence.reports, assessed.at);
        let place = finding.locations.first().map(|place| format!(" in {}", place.path)).unwrap_or_default();
        format!("{}{place}: {}", finding.id, assessed.age)
    };
    let gone = record.fixed.iter().map(|fixed| format!("{}: fixed", fixed.id));
    evidence.findings.iter().map(line).chain(gone).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_was_there_is_existing_what_came_is_introduced_and_what_went_is_fixed() {
    let before = vec![vulnerability("CVE-2024-1", &[], LODASH), vulnerability("CVE-2024-3", &[], LODASH)];
    let now =
        vec![vulnerability("CVE-2024-1", &[], LODASH), vulnerability("CVE-2024-2", &[], "pkg:npm/left-pad@1.0.0")];
    insta::assert_snapshot!(told(before, now), @r"
    CVE-2024-1: existing
    CVE-2024-2: introduced
    CVE-2024-3: fixed
    ");
}

#[test]
fn a_finding_that_is_new_in_an_unchanged_package_is_disclosed() {
    let before = vec![vulnerability("CVE-2024-1", &[], LODASH)];
    let now = vec![vulnerability("CVE-2024-1", &[], LODASH), vulnerability("CVE-2024-2", &[], LODASH)];
    insta::assert_snapshot!(told(before, now), @r"
    CVE-2024-1: existing
    CVE-2024-2: disclosed
    ");
}

#[test]
fn a_package_that_only_an_sbom_of_the_baseline_names_is_unchanged_too() {
    let mut sbom = scan_of("sbom.json", Vec::new());
    Arc::make_mut(&mut sbom.report).components = vec![component("lodash", "4.17.20", "MIT")];
    let now = vec![scan_of("now.json", vec![vulnerability("CVE-2024-2", &[], LODASH)])];
    insta::assert_snapshot!(shown(&compared(vec![sbom], now)), @"CVE-2024-2: disclosed");
}

#[test]
fn a_bump_from_one_vulnerable_version_to_another_stays_existing() {
    let before = vec![vulnerability("CVE-2024-1", &[], "pkg:npm/lodash@4.17.19")];
    let now = vec![vulnerability("CVE-2024-1", &[], LODASH)];
    insta::assert_snapshot!(told(before, now), @"CVE-2024-1: existing");
}

#[test]
fn of_two_where_one_was_before_the_other_one_is_new() {
    let before = vec![vulnerability("CVE-2024-1", &[], LODASH)];
    let now = vec![vulnerability("CVE-2024-1", &[], "pkg:npm/lodash@4.17.1"), vulnerability("CVE-2024-1", &[], LODASH)];
    insta::assert_snapshot!(told(before, now), @r"
    CVE-2024-1: introduced
    CVE-2024-1: existing
    ");
}

#[test]
fn a_second_manifest_is_new_and_a_moved_one_is_not() {
    let at = |path: &str| located(vulnerability("CVE-2024-1", &[], LODASH), path, 1);
    insta::assert_snapshot!(told(vec![at("a/package-lock.json")], vec![at("a/package-lock.json"), at("b/package-lock.json")]), @r"
    CVE-2024-1 in a/package-lock.json: existing
    CVE-2024-1 in b/package-lock.json: introduced
    ");
    insta::assert_snapshot!(told(vec![at("a/package-lock.json")], vec![at("b/package-lock.json")]), @"CVE-2024-1 in b/package-lock.json: existing");
}

#[test]
fn lines_and_numbers_in_messages_do_not_matter() {
    let before = vec![code("unused", ("src/a.js", 3), "x is unused since line 2"), secret(("config.py", 9))];
    let now = vec![code("unused", ("src/a.js", 40), "x is unused since line 39"), secret(("config.py", 90))];
    insta::assert_snapshot!(told(before, now), @r"
    generic-api-key in config.py: existing
    unused in src/a.js: existing
    ");
}

#[test]
fn a_stable_fingerprint_wins_over_the_message() {
    let marked = |message: &str| Finding {
        fingerprints: vec![("primaryLocationLineHash".to_owned(), "39fa:1".to_owned())],
        ..code("unused", ("src/a.js", 3), message)
    };
    insta::assert_snapshot!(told(vec![marked("x is unused")], vec![marked("y is unused")]), @"unused in src/a.js: existing");
    insta::assert_snapshot!(told(vec![code("unused", ("src/a.js", 3), "x is unused")], vec![code("unused", ("src/a.js", 3), "y is unused")]), @r"
    unused in src/a.js: introduced
    unused: fixed
    ");
}

#[test]
fn a_misconfiguration_is_known_by_its_resource() {
    let on = |resource: &str, message: &str| {
        let detail = Detail::Misconfiguration(Misconfiguration {
            rule_result: RuleResult::Failed,
            resource: Some(resource.to_owned()),
            provider: None,
        });
        of_kind("AVD-1", detail, ("main.tf", 1), message)
    };
    let before = vec![on("bucket.logs", "it is public")];
    let now = vec![on("bucket.logs", "anybody can read it"), on("bucket.data", "it is public")];
    insta::assert_snapshot!(told(before, now), @r"
    AVD-1 in main.tf: existing
    AVD-1 in main.tf: introduced
    ");
}

#[test]
fn a_secret_in_another_file_is_another_secret() {
    insta::assert_snapshot!(told(vec![secret(("a.py", 1))], vec![secret(("b.py", 1))]), @r"
    generic-api-key in b.py: introduced
    generic-api-key: fixed
    ");
}

#[test]
fn names_of_one_problem_find_each_other_over_time_and_two_cves_never_do() {
    let before = vec![vulnerability("GHSA-aaaa", &["CVE-2024-1"], LODASH)];
    insta::assert_snapshot!(told(before.clone(), vec![vulnerability("CVE-2024-1", &[], LODASH)]), @"CVE-2024-1: existing");
    insta::assert_snapshot!(told(before, vec![vulnerability("CVE-2024-9", &["GHSA-aaaa"], LODASH)]), @r"
    CVE-2024-9: disclosed
    GHSA-aaaa: fixed
    ");
}

#[test]
fn what_only_another_artifact_calls_the_same_as_an_old_problem_stays_new() {
    let before = vec![scan_of("a.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])];
    let decoy = scan_of("decoy.json", vec![vulnerability("CVE-2024-1", &["GHSA-new"], LODASH)]);
    let real = scan_of("real.json", vec![vulnerability("GHSA-new", &[], LODASH)]);
    let (evidence, record) = compared(before, vec![decoy, real]);
    assert_eq!(evidence.groups, 1);
    let counts = record.counts[&Coverage::Vulnerabilities];
    assert_eq!((counts.existing, counts.introduced + counts.disclosed), (0, 1), "the group is as new as its newest");
}

#[test]
fn members_of_one_group_count_once() {
    let one =
        |path: &str, tool: &str| by_tool(scan_of(path, vec![vulnerability("CVE-2024-1", &[], LODASH)]), tool, "1");
    let two = || vec![one("a.json", "grype"), one("b.json", "trivy")];
    let (_, record) = compared(two(), two());
    assert_eq!(record.counts[&Coverage::Vulnerabilities], AgeCounts { existing: 1, ..AgeCounts::default() });
    let (_, record) = compared(two(), vec![scan_of("now.json", Vec::new()), one_clean("grype"), one_clean("trivy")]);
    assert_eq!(record.counts[&Coverage::Vulnerabilities], AgeCounts { fixed: 1, ..AgeCounts::default() });
}

fn one_clean(tool: &str) -> SourcedReport {
    by_tool(scan_of(tool, Vec::new()), tool, "1")
}

#[test]
fn another_tool_finds_old_problems_again() {
    let at = |path: &str| located(vulnerability("CVE-2024-1", &[], LODASH), path, 1);
    let before = vec![by_tool(scan_of("a.json", vec![at("package-lock.json")]), "trivy", "0.60.0")];
    let now = vec![by_tool(scan_of("b.json", vec![at("/app")]), "grype", "0.90.0")];
    let compared = compared(before, now);
    insta::assert_snapshot!(shown(&compared), @"CVE-2024-1 in /app: existing");
    insta::assert_snapshot!(compared.1.differences.join("\n"), @r"
    grype has no report in the baseline
    trivy has a report in the baseline and none here
    ");
}

#[test]
fn other_versions_of_tools_and_databases_are_named() {
    let with = |version: &str, database: &str| {
        let mut sourced = by_tool(scan_of("a.json", Vec::new()), "trivy", version);
        Arc::make_mut(&mut sourced.report).properties = vec![("db-built".to_owned(), database.to_owned())];
        vec![sourced]
    };
    let differences = |before, now| compared(before, now).1.differences.join("\n");
    insta::assert_snapshot!(differences(with("0.60.0", "May"), with("0.61.0", "May")), @"trivy is 0.61.0 here and 0.60.0 in the baseline");
    insta::assert_snapshot!(differences(with("0.60.0", "May"), with("0.60.0", "June")), @"the database of trivy is db-built June here and db-built May in the baseline");
    assert_eq!(differences(with("0.60.0", "May"), with("0.60.0", "May")), "");
}

#[test]
fn without_a_baseline_nothing_is_new_and_nothing_existing() {
    let mut evidence = seen(vec![scan_of("a.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])], &[]);
    let record = compare(&mut evidence, Comparison { branch: "main".to_owned(), ..Comparison::default() });
    assert!(record.newest().is_none() && evidence.baseline.is_none());
    assert_eq!(record.counts[&Coverage::Vulnerabilities], AgeCounts { unknown: 1, ..AgeCounts::default() });
}

#[test]
fn a_kind_that_the_baseline_says_nothing_about_is_neither_new_nor_existing() {
    let lint = report("lint.json", Vec::new());
    let mut linted = lint.clone();
    Arc::make_mut(&mut linted.report).covers = vec![Coverage::Code];
    let now = vec![scan_of("now.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])];
    insta::assert_snapshot!(shown(&compared(vec![linted], now)), @"CVE-2024-1: unknown");
}

#[test]
fn nothing_is_fixed_that_nobody_looked_for_or_could_not_be_read() {
    let before = || vec![scan_of("before.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])];
    let mut lint = scan_of("lint.json", Vec::new());
    Arc::make_mut(&mut lint.report).covers = vec![Coverage::Code];
    assert_eq!(shown(&compared(before(), vec![lint])), "");
    let mut cut = scan_of("now.json", Vec::new());
    Arc::make_mut(&mut cut.report).completeness = crate::model::report::Completeness::Cut;
    assert_eq!(shown(&compared(before(), vec![cut])), "");
    insta::assert_snapshot!(shown(&compared(before(), vec![scan_of("now.json", Vec::new())])), @"CVE-2024-1: fixed");
}

#[test]
fn components_are_known_by_package_and_licence() {
    let mut sbom = scan_of("sbom.json", Vec::new());
    Arc::make_mut(&mut sbom.report).components = vec![component("lodash", "4.17.20", "MIT")];
    let ages = ComponentAges::of(Some(&[reduced(&sbom)]));
    let age = |name, version, license| ages.age(&component(name, version, license));
    assert_eq!(age("lodash", "4.17.21", "mit"), Age::Existing, "a bump with the same licence");
    assert_eq!(age("lodash", "4.17.20", "GPL-3.0-only"), Age::Disclosed, "the same package, another claim");
    assert_eq!(age("lodash", "5.0.0", "GPL-3.0-only"), Age::Introduced);
    assert_eq!(age("left-pad", "1.0.0", "MIT"), Age::Introduced);
    assert_eq!(ComponentAges::of(None).age(&component("lodash", "4.17.20", "MIT")), Age::Unknown);
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Constants of Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// Few names, packages and places, so that they meet often.
    fn finding(&mut self) -> Finding {
        let path = format!("dir-{}/lock.json", self.roll(3));
        match self.roll(3) {
            0 => code(&format!("rule-{}", self.roll(2)), (&path, self.roll(100) as u32), "line 1 is odd"),
            1 => secret((&path, self.roll(100) as u32)),
            _ => {
                let purl = format!("pkg:npm/p{}@1.{}", self.roll(2), self.roll(3));
                located(vulnerability(&format!("CVE-2024-{}", self.roll(3)), &[], &purl), &path, 1)
            }
        }
    }

    fn findings(&mut self) -> Vec<Finding> {
        (0..self.roll(12)).map(|_| self.finding()).collect()
    }
}

#[test]
fn compared_with_itself_everything_is_existing_and_nothing_fixed() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let findings = dice.findings();
        let (evidence, record) = compared(vec![scan_of("a.json", findings.clone())], vec![scan_of("a.json", findings)]);
        assert!(evidence.findings.iter().all(|assessed| assessed.age == Age::Existing), "seed {seed}");
        assert!(record.fixed.is_empty() && record.differences.is_empty(), "seed {seed}");
    }
}

#[test]
fn neither_lines_nor_the_order_of_findings_change_an_age() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let (before, now) = (dice.findings(), dice.findings());
        let mut shifted = now.clone();
        for place in shifted.iter_mut().flat_map(|finding| &mut finding.locations) {
            place.start_line = place.start_line.map(|line| line + 7);
        }
        let summed = |before: &[Finding], now: &[Finding]| {
            let compared = compared(vec![scan_of("a.json", before.to_vec())], vec![scan_of("b.json", now.to_vec())]);
            compared.1.counts.values().fold(AgeCounts::default(), |mut sum, counts| {
                sum += *counts;
                sum
            })
        };
        let expected = summed(&before, &now);
        assert_eq!(summed(&before, &shifted), expected, "seed {seed}: lines");
        let reversed: Vec<Finding> = now.iter().rev().cloned().collect();
        assert_eq!(summed(&before, &reversed), expected, "seed {seed}: order");
    }
}

#[test]
fn nothing_is_fixed_where_findings_are_only_added() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let before = dice.findings();
        let now: Vec<Finding> = before.iter().cloned().chain(dice.findings()).collect();
        let (_, record) = compared(vec![scan_of("a.json", before)], vec![scan_of("b.json", now)]);
        assert!(record.fixed.is_empty(), "seed {seed}");
    }
}

#[test]
fn a_file_made_to_be_slow_is_not() {
    // 20,000 CVEs of one package, tied together by one alias, on both sides: what is quadratic takes minutes here.
    let findings =
        || (0..20_000).map(|number| vulnerability(&format!("CVE-2024-{number}"), &["GHSA-one"], LODASH)).collect();
    let (_, record) = compared(vec![scan_of("a.json", findings())], vec![scan_of("b.json", findings())]);
    assert_eq!(record.counts[&Coverage::Vulnerabilities], AgeCounts { existing: 20_000, ..AgeCounts::default() });
}
