use super::*;
use crate::model::artifact::{Source, UnreadableCause};
use crate::model::evidence::ItemRef;
use crate::model::plan::PolicyPlan;
use crate::model::report::{
    Completeness, ComponentRelation, ComponentScope, Coverage, Detail, Fix, FixState, Format, PackageRef, Provenance,
    Report, Severity, ToolStatus, Vulnerability,
};
use crate::model::verdict::{Effect, EvidenceRef, Judged, Outcome, Violation};
use crate::model::{Broken, BrokenKind, Digest, Judgement, PluginName, Unix, Verdict};
use std::sync::Arc;

/// 2026-03-01, 00:00 UTC.
const MARCH: Unix = 1_772_323_200;

pub(super) fn vulnerability(id: &str, aliases: &[&str], purl: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        severity: Some(Severity::High),
        severity_raw: None,
        severity_source: None,
        title: format!("{id} in {purl}"),
        description: None,
        package: Some(PackageRef {
            name: purl.rsplit('/').next().unwrap_or_default().split('@').next().unwrap_or_default().to_owned(),
            version: purl.rsplit_once('@').map(|(_, version)| version.to_owned()),
            purl: Some(purl.to_owned()),
            component: None,
            scope: ComponentScope::Unknown,
            relation: ComponentRelation::Unknown,
            introduced_by: Vec::new(),
        }),
        locations: Vec::new(),
        detail: Detail::Vulnerability(Vulnerability {
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            ratings: Vec::new(),
            epss: None,
            known_exploited: None,
            cwes: Vec::new(),
            fix: Fix { state: FixState::Unknown, versions: Vec::new(), suggested: None, breaking: None },
            published: None,
            modified: None,
        }),
        how_to_fix: None,
        references: Vec::new(),
        fingerprints: Vec::new(),
        tool_status: None,
        origin: None,
        properties: Vec::new(),
    }
}

fn fixable(mut finding: Finding) -> Finding {
    if let Detail::Vulnerability(vulnerability) = &mut finding.detail {
        vulnerability.fix.state = FixState::Fixed;
    }
    finding
}

pub(super) fn report(path: &str, findings: Vec<Finding>) -> SourcedReport {
    SourcedReport {
        report: Arc::new(Report {
            format: Format { name: "trivy-json".to_owned(), version: Some("2".to_owned()) },
            tool: Some(("trivy".to_owned(), None)),
            covers: vec![Coverage::Vulnerabilities],
            completeness: Completeness::Unknown,
            properties: Vec::new(),
            findings,
            components: Vec::new(),
            dependencies: Vec::new(),
            vex: Vec::new(),
            attestations: Vec::new(),
            documents: Vec::new(),
            diagnostics: Vec::new(),
            diagnostics_dropped: 0,
        }),
        source: Source { provenance: None, path: path.to_owned(), run: None },
        digest: Digest::of(path.as_bytes()),
        normalizer: "trivy".to_owned(),
    }
}

pub(super) fn context() -> Context {
    Context { now: MARCH - 1, ..Context::default() }
}

pub(super) fn seen(reports: Vec<SourcedReport>, waivers: &[Waiver]) -> Evidence {
    evidence(context(), reports, Vec::new(), waivers)
}

fn waiver(id: &str) -> Waiver {
    Waiver { id: Some(id.to_owned()), reason: "not reachable".to_owned(), until: Some(MARCH), ..Waiver::default() }
}

/// All that plugins are told.
fn written(evidence: &Evidence) -> Vec<crate::documents::JsonDocument> {
    crate::documents::Shape::Evidence.write(evidence, usize::MAX).unwrap()
}

/// One line for each finding: group, id, file, and why it is hidden.
fn shown(evidence: &Evidence) -> String {
    let line = |assessed: &AssessedFinding| {
        let finding = finding_at(&evidence.reports, assessed);
        let path = &evidence.reports[assessed.at.report as usize].source.path;
        let hidden = assessed.hidden.as_ref().map(|hidden| format!(" hidden by {}: {}", hidden.by, hidden.why));
        format!("{} {} {path}{}", assessed.group, finding.id, hidden.unwrap_or_default())
    };
    let mut lines: Vec<String> = evidence.findings.iter().map(line).collect();
    lines.push(format!("{} groups, {} live", evidence.groups, evidence.live_groups));
    lines.extend(evidence.notices.iter().map(|notice| format!("! {notice}")));
    lines.join("\n")
}

const LODASH: &str = "pkg:npm/lodash@4.17.20";

#[test]
fn one_problem_under_two_names_from_two_tools_is_one_group() {
    let reports = vec![
        report("trivy.json", vec![vulnerability("CVE-2021-23337", &[], LODASH)]),
        report("npm.json", vec![vulnerability("GHSA-35jh-r3h4-6jhm", &["CVE-2021-23337"], "pkg:NPM/lodash@4.17.20")]),
    ];
    insta::assert_snapshot!(shown(&seen(reports, &[])), @r"
    0 GHSA-35jh-r3h4-6jhm npm.json
    0 CVE-2021-23337 trivy.json
    1 groups, 1 live
    ");
}

#[test]
fn aliases_do_not_link_two_packages() {
    let reports = vec![report(
        "trivy.json",
        vec![vulnerability("CVE-2021-1", &[], LODASH), vulnerability("CVE-2021-1", &[], "pkg:npm/lodash@4.17.19")],
    )];
    assert_eq!(seen(reports, &[]).groups, 2);
}

#[test]
fn two_cves_never_share_a_group_and_what_links_them_stands_by_itself() {
    let reports = vec![
        report("a.json", vec![vulnerability("CVE-2024-1", &["GHSA-aaaa"], LODASH)]),
        report("b.json", vec![vulnerability("CVE-2024-2", &["GHSA-aaaa"], LODASH)]),
        report("c.json", vec![vulnerability("GHSA-aaaa", &[], LODASH)]),
    ];
    insta::assert_snapshot!(shown(&seen(reports, &[])), @r"
    0 CVE-2024-1 a.json
    1 CVE-2024-2 b.json
    2 GHSA-aaaa c.json
    3 groups, 3 live
    ");
}

#[test]
fn an_erratum_with_several_cves_links_nothing() {
    let reports = vec![report(
        "a.json",
        vec![
            vulnerability("CVE-2024-1", &[], LODASH),
            vulnerability("RHSA-2024:1", &["CVE-2024-1", "CVE-2024-2"], LODASH),
            vulnerability("CVE-2024-2", &[], LODASH),
        ],
    )];
    insta::assert_snapshot!(shown(&seen(reports, &[waiver("CVE-2024-1")])), @r"
    0 CVE-2024-1 a.json hidden by waiver: not reachable
    1 CVE-2024-2 a.json
    2 RHSA-2024:1 a.json
    3 groups, 2 live
    ! the waiver for CVE-2024-1 does not cover RHSA-2024:1: it stands for several CVEs. Add RHSA-2024:1 if it is meant
    ");
}

#[test]
fn groups_stand_by_highest_known_severity_then_best_name() {
    let severe = |severity, finding: Finding| Finding { severity, ..finding };
    let reports = vec![report(
        "a.json",
        vec![
            severe(None, vulnerability("CVE-2024-9", &[], "pkg:npm/a@1")),
            severe(Some(Severity::Low), vulnerability("CVE-2024-8", &[], "pkg:npm/b@1")),
            severe(Some(Severity::Critical), vulnerability("SNYK-JS-1", &[], "pkg:npm/c@1")),
            severe(Some(Severity::Critical), vulnerability("GHSA-cccc", &[], "pkg:npm/d@1")),
            severe(None, vulnerability("SNYK-JS-1", &[], "pkg:npm/e@1")),
        ],
    )];
    insta::assert_snapshot!(shown(&seen(reports, &[])), @r"
    0 GHSA-cccc a.json
    1 SNYK-JS-1 a.json
    2 CVE-2024-8 a.json
    3 CVE-2024-9 a.json
    4 SNYK-JS-1 a.json
    5 groups, 5 live
    ");
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let reports = || {
        vec![
            report(
                "b.json",
                vec![vulnerability("CVE-2024-2", &["GHSA-b"], LODASH), vulnerability("GHSA-b", &[], LODASH)],
            ),
            report("a.json", vec![vulnerability("CVE-2024-1", &[], LODASH)]),
            report("c.json", vec![vulnerability("GHSA-b", &["PYSEC-1"], LODASH)]),
        ]
    };
    let reversed = reports().into_iter().rev().collect();
    let waivers = [waiver("CVE-2024-1"), waiver("CVE-1999-1")];
    assert_eq!(written(&seen(reports(), &waivers)), written(&seen(reversed, &waivers)));
}

#[test]
fn the_same_file_twice_counts_once() {
    let twice = report("b/scan.json", vec![vulnerability("CVE-2024-1", &[], LODASH)]);
    let copy =
        SourcedReport { source: Source { path: "a/scan.json".to_owned(), ..twice.source.clone() }, ..twice.clone() };
    insta::assert_snapshot!(shown(&seen(vec![twice, copy], &[])), @r"
    0 CVE-2024-1 a/scan.json
    1 groups, 1 live
    ");
}

#[test]
fn a_waiver_covers_until_its_last_second_and_not_on_its_day() {
    let at = |now| {
        let reports = vec![report("a.json", vec![vulnerability("GHSA-aaaa", &["CVE-2024-1"], LODASH)])];
        shown(&evidence(Context { now, ..Context::default() }, reports, Vec::new(), &[waiver("cve-2024-1")]))
    };
    insta::assert_snapshot!(at(MARCH - 1), @r"
    0 GHSA-aaaa a.json hidden by waiver: not reachable
    1 groups, 0 live
    ");
    insta::assert_snapshot!(at(MARCH), @r"
    0 GHSA-aaaa a.json
    1 groups, 1 live
    ! the waiver for cve-2024-1 expired on 2026-03-01: 1 finding counts again
    ");
}

#[test]
fn an_unused_waiver_and_an_expired_one_that_matches_nothing_are_told() {
    let expired = Waiver { until: Some(1), ..waiver("CVE-2024-8") };
    let reports = vec![report("a.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])];
    insta::assert_snapshot!(shown(&seen(reports, &[waiver("CVE-2024-9"), expired])), @r"
    0 CVE-2024-1 a.json
    1 groups, 1 live
    ! the waiver for CVE-2024-9 matches nothing in this evidence
    ! the waiver for CVE-2024-8 expired on 1970-01-01T00:00:01Z: it matches nothing and can be removed
    ");
}

#[test]
fn a_decoy_file_does_not_pull_a_real_finding_under_a_waiver() {
    let reports = vec![
        report("trivy.json", vec![vulnerability("CVE-2024-3094", &[], LODASH)]),
        report("decoy.json", vec![vulnerability("GHSA-harm-less", &["CVE-2024-3094"], LODASH)]),
    ];
    insta::assert_snapshot!(shown(&seen(reports, &[waiver("GHSA-harm-less")])), @r"
    0 GHSA-harm-less decoy.json hidden by waiver: not reachable
    0 CVE-2024-3094 trivy.json
    1 groups, 1 live
    ! the waiver for GHSA-harm-less does not cover CVE-2024-3094: only another artifact says that the two are the same. Add CVE-2024-3094 if it is meant
    ");
}

#[test]
fn a_waiver_covers_only_the_packages_that_it_names() {
    let both = || {
        vec![report(
            "a.json",
            vec![
                vulnerability("CVE-2024-1", &[], LODASH),
                vulnerability("CVE-2024-1", &[], "pkg:npm/%40corp/ui@2.0.0"),
            ],
        )]
    };
    let only = |package: &str| Waiver { package: Some(package.to_owned()), ..waiver("CVE-2024-1") };
    insta::assert_snapshot!(shown(&seen(both(), &[only("pkg:npm/@corp/*")])), @r"
    0 CVE-2024-1 a.json
    1 CVE-2024-1 a.json hidden by waiver: not reachable
    2 groups, 1 live
    ");
    assert_eq!(seen(both(), &[only("pkg:npm/lodash@4.17.20")]).live_groups, 1);
    assert_eq!(seen(both(), &[only("pkg:npm/lodash@4.17.21")]).live_groups, 2);
    assert_eq!(seen(both(), &[only("pkg:pypi/lodash")]).live_groups, 2);
    assert_eq!(seen(both(), &[Waiver { id: None, ..only("pkg:npm/lodash") }]).live_groups, 1);
}

#[test]
fn a_waiver_unless_fixed_lapses_when_a_fix_is_there() {
    let unless_fixed = Waiver { unless_fixed: true, ..waiver("CVE-2024-1") };
    let reports = vec![report(
        "a.json",
        vec![vulnerability("CVE-2024-1", &[], "pkg:npm/a@1"), fixable(vulnerability("CVE-2024-1", &[], LODASH))],
    )];
    insta::assert_snapshot!(shown(&seen(reports, &[unless_fixed])), @r"
    0 CVE-2024-1 a.json hidden by waiver: not reachable
    1 CVE-2024-1 a.json
    2 groups, 1 live
    ! the waiver for CVE-2024-1 no longer covers 1 finding: a fix is available
    ");
}

#[test]
fn a_waiver_for_a_rule_hides_no_finding() {
    let rule = Waiver { rules: vec!["severity".to_owned()], ..waiver("CVE-2024-1") };
    let reports = vec![report("a.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])];
    insta::assert_snapshot!(shown(&seen(reports, &[rule])), @r"
    0 CVE-2024-1 a.json
    1 groups, 1 live
    ");
}

fn suppressed(provenance: Option<Provenance>) -> SourcedReport {
    let status = ToolStatus {
        suppressed: true,
        status: Some("ignored".to_owned()),
        by: None,
        reason: Some("test data".to_owned()),
        until: None,
    };
    let finding = Finding { tool_status: Some(status), ..vulnerability("CVE-2024-1", &[], LODASH) };
    let mut report = report("a.json", vec![finding]);
    report.source.provenance = provenance;
    report
}

#[test]
fn what_a_tool_suppresses_is_hidden_in_local_files_and_only_shown_on_github() {
    insta::assert_snapshot!(shown(&seen(vec![suppressed(None)], &[])), @r"
    0 CVE-2024-1 a.json hidden by tool: test data
    1 groups, 0 live
    ");
    insta::assert_snapshot!(shown(&seen(vec![suppressed(Some(Provenance::Fork))], &[])), @r"
    0 CVE-2024-1 a.json
    1 groups, 1 live
    ! a.json: 1 finding is suppressed by the tool; this is shown and not applied
    ");
}

#[test]
fn a_tool_hides_only_its_own_entry() {
    let other = report("b.json", vec![vulnerability("CVE-2024-1", &[], LODASH)]);
    assert_eq!(seen(vec![suppressed(None), other], &[]).live_groups, 1);
}

// ---- judgement

fn policy() -> PolicyPlan {
    PolicyPlan {
        plugin: PluginName::parse("vulnerability").unwrap(),
        plugin_digest: None,
        settings: "{}".to_owned(),
        reads: vec![Coverage::Vulnerabilities],
        broken: None,
    }
}

pub(super) fn violation(rule: &str, effect: Effect) -> Violation {
    Violation {
        rule: rule.to_owned(),
        effect,
        severity: Some(Severity::High),
        message: "CVE-2024-1 is high".to_owned(),
        subject: Some(LODASH.to_owned()),
        evidence: vec![EvidenceRef::Finding(ItemRef { report: 0, index: 0 })],
        waivable: true,
        how_to_fix: None,
        location: None,
        properties: Vec::new(),
        waived: None,
    }
}

pub(super) fn verdict(outcome: Outcome, violations: Vec<Violation>) -> Verdict {
    Verdict {
        outcome,
        title: String::new(),
        summary: String::new(),
        violations,
        judged: Vec::new(),
        valid_until: None,
        properties: Vec::new(),
    }
}

fn scan() -> Vec<SourcedReport> {
    vec![report("a.json", vec![vulnerability("CVE-2024-1", &[], LODASH)])]
}

fn unreadable(covers: &[Coverage], cause: UnreadableCause) -> UnreadableArtifact {
    UnreadableArtifact {
        path: "scan/broken.json".to_owned(),
        digest: None,
        format: None,
        covers: covers.to_vec(),
        reason: "it breaks off after 12 bytes".to_owned(),
        cause,
        provenance: None,
    }
}

fn told(judgement: &Judgement) -> String {
    let word = match &judgement.verdict {
        Judged::Verdict(verdict) => verdict.outcome.to_string(),
        Judged::Broken(broken, _) => broken.to_string(),
        Judged::Outage(why, _) => format!("outage: {why}"),
    };
    let notices = judgement.notices.iter().map(|notice| format!("\n! {notice}"));
    std::iter::once(word).chain(notices).collect()
}

fn judged(evidence: &Evidence, waivers: &[Waiver], verdict: Verdict) -> String {
    told(&judgement(&policy(), evidence, waivers, Ok(verdict)))
}

fn beside(unreadable: UnreadableArtifact, outcome: Outcome) -> String {
    let evidence = evidence(context(), scan(), vec![unreadable], &[]);
    judged(&evidence, &[], verdict(outcome, Vec::new()))
}

#[test]
fn neither_pass_warn_nor_not_applicable_stands_beside_unreadable_evidence_of_its_kind() {
    use Coverage::{Components, Vulnerabilities};
    let file = |covers: &[Coverage]| unreadable(covers, UnreadableCause::File);
    let broken = "unreadable: scan/broken.json: it breaks off after 12 bytes";
    for outcome in [Outcome::Pass, Outcome::Warn, Outcome::NotApplicable] {
        assert_eq!(beside(file(&[Vulnerabilities]), outcome), broken);
        assert_eq!(beside(file(&[]), outcome), broken);
        assert_eq!(beside(unreadable(&[Vulnerabilities], UnreadableCause::Ambiguous), outcome), broken);
        assert_eq!(beside(unreadable(&[Vulnerabilities], UnreadableCause::Cut), outcome), broken);
        assert_eq!(beside(unreadable(&[Vulnerabilities], UnreadableCause::Plugin), outcome), broken);
        assert_eq!(beside(file(&[Components]), outcome), outcome.to_string());
    }
}

#[test]
fn what_could_not_be_fetched_is_an_outage() {
    insta::assert_snapshot!(beside(unreadable(&[], UnreadableCause::Outage), Outcome::Pass), @"outage: scan/broken.json: it breaks off after 12 bytes");
}

#[test]
fn a_fail_stands_beside_anything() {
    insta::assert_snapshot!(beside(unreadable(&[], UnreadableCause::File), Outcome::Fail), @r"
    fail
    ! there may be more: scan/broken.json could not be read
    ");
    insta::assert_snapshot!(beside(unreadable(&[], UnreadableCause::Outage), Outcome::Fail), @r"
    fail
    ! there may be more: scan/broken.json could not be read
    ");
}

#[test]
fn a_report_that_was_cut_at_a_limit_is_no_ground_for_a_pass() {
    let mut cut = scan().remove(0);
    Arc::make_mut(&mut cut.report).completeness = Completeness::Cut;
    let evidence = seen(vec![cut], &[]);
    insta::assert_snapshot!(judged(&evidence, &[], verdict(Outcome::Pass, Vec::new())), @"unreadable: a.json: a limit was reached while reading it");
}

#[test]
fn where_nothing_covers_what_the_policy_reads_it_is_not_applicable_but_may_fail() {
    let mut sbom = scan().remove(0);
    Arc::make_mut(&mut sbom.report).covers = vec![Coverage::Components];
    let evidence = seen(vec![sbom], &[]);
    insta::assert_snapshot!(judged(&evidence, &[], verdict(Outcome::Pass, Vec::new())), @r"
    not-applicable
    ! no report covers what this policy reads: pass becomes not-applicable
    ");
    insta::assert_snapshot!(judged(&evidence, &[], verdict(Outcome::Warn, Vec::new())), @r"
    not-applicable
    ! no report covers what this policy reads: warn becomes not-applicable
    ");
    insta::assert_snapshot!(judged(&evidence, &[], verdict(Outcome::Fail, Vec::new())), @"fail");
}

#[test]
fn a_broken_plugin_stays_broken() {
    let broken = Broken::new(BrokenKind::Host, "`vulnerability`: the host refused a call");
    let judgement = judgement(&policy(), &seen(scan(), &[]), &[], Err(broken.clone()));
    assert_eq!(judgement.verdict, Judged::Broken(broken, None));
}

fn rule_waiver(rule: &str) -> Waiver {
    Waiver { id: None, rules: vec![rule.to_owned()], owner: Some("@team".to_owned()), ..waiver("") }
}

fn waived(waivers: &[Waiver], verdict: Verdict) -> String {
    judged(&seen(scan(), waivers), waivers, verdict)
}

#[test]
fn a_fail_whose_blocking_violations_are_all_waived_becomes_softer() {
    let deny = violation("severity", Effect::Deny);
    let warn = violation("unknown-severity", Effect::Warn);
    let waiver = rule_waiver("severity");
    insta::assert_snapshot!(waived(std::slice::from_ref(&waiver), verdict(Outcome::Fail, vec![deny.clone()])), @r"
    pass
    ! the waiver for rule severity covers 1 violation
    ! every blocking violation is waived: fail becomes pass
    ");
    insta::assert_snapshot!(waived(std::slice::from_ref(&waiver), verdict(Outcome::Fail, vec![deny.clone(), warn])), @r"
    warn
    ! the waiver for rule severity covers 1 violation
    ! every blocking violation is waived: fail becomes warn
    ");
    let other = violation("blocked-id", Effect::Deny);
    insta::assert_snapshot!(waived(&[waiver], verdict(Outcome::Fail, vec![deny, other])), @r"
    fail
    ! the waiver for rule severity covers 1 violation
    ");
}

#[test]
fn a_fail_without_a_violation_or_with_violations_left_out_is_never_softened() {
    let waiver = [rule_waiver("severity")];
    assert_eq!(waived(&waiver, verdict(Outcome::Fail, Vec::new())), "fail");
    let mut cut = verdict(Outcome::Fail, vec![violation("severity", Effect::Deny)]);
    cut.properties = vec![(VIOLATIONS_OMITTED.to_owned(), "12".to_owned())];
    insta::assert_snapshot!(waived(&waiver, cut), @r"
    fail
    ! the waiver for rule severity covers 1 violation
    ");
}

#[test]
fn a_rule_that_nobody_may_waive_and_an_expired_waiver_change_nothing() {
    let unwaivable = Violation { waivable: false, ..violation("severity", Effect::Deny) };
    insta::assert_snapshot!(waived(&[rule_waiver("severity")], verdict(Outcome::Fail, vec![unwaivable])), @r"
    fail
    ! the waiver for rule severity has no effect on 1 violation: this rule may not be waived
    ");
    let expired = Waiver { until: Some(MARCH - 1), ..rule_waiver("severity") };
    insta::assert_snapshot!(waived(&[expired], verdict(Outcome::Fail, vec![violation("severity", Effect::Deny)])), @r"
    fail
    ! the waiver for rule severity expired on 2026-02-28T23:59:59Z: 1 violation counts again
    ");
}

#[test]
fn a_waiver_for_a_rule_and_an_id_or_package_covers_only_those() {
    let deny = || verdict(Outcome::Fail, vec![violation("severity", Effect::Deny)]);
    let with = |id: Option<&str>, package: Option<&str>| Waiver {
        id: id.map(str::to_owned),
        package: package.map(str::to_owned),
        ..rule_waiver("severity")
    };
    assert!(waived(&[with(Some("CVE-2024-1"), Some("pkg:npm/lodash"))], deny()).starts_with("pass"));
    assert_eq!(waived(&[with(Some("CVE-2024-2"), None)], deny()), "fail");
    assert_eq!(waived(&[with(None, Some("pkg:pypi/lodash"))], deny()), "fail");
}

#[test]
fn a_rule_may_be_named_with_its_plugin() {
    let deny = || verdict(Outcome::Fail, vec![violation("severity", Effect::Deny)]);
    assert!(waived(&[rule_waiver("vulnerability/severity")], deny()).starts_with("pass"));
    assert_eq!(waived(&[rule_waiver("license/severity")], deny()), "fail");
}

#[test]
fn a_softened_fail_does_not_pass_beside_unreadable_evidence() {
    let waivers = [rule_waiver("severity")];
    let unreadable = vec![unreadable(&[], UnreadableCause::File)];
    let evidence = evidence(context(), scan(), unreadable, &waivers);
    insta::assert_snapshot!(judged(&evidence, &waivers, verdict(Outcome::Fail, vec![violation("severity", Effect::Deny)])), @r"
    unreadable: scan/broken.json: it breaks off after 12 bytes
    ! the waiver for rule severity covers 1 violation
    ! every blocking violation is waived: fail becomes pass
    ");
}

#[test]
fn a_waiver_for_a_rule_that_no_policy_broke_is_told() {
    let judgement = judgement(&policy(), &seen(scan(), &[]), &[], Ok(verdict(Outcome::Pass, Vec::new())));
    let waivers = [rule_waiver("severity")];
    insta::assert_snapshot!(unused_rule_waivers(&waivers, &[&judgement]).join("\n"), @"the waiver for rule severity matches no violation");
}

#[test]
fn the_record_keeps_what_is_hidden() {
    let evidence = seen(scan(), &[waiver("CVE-2024-1")]);
    assert_eq!(hidden_counts(&evidence), [0, 0, 1]);
    insta::assert_json_snapshot!(hidden_findings(&evidence), @r#"
    [
      {
        "id": "CVE-2024-1",
        "package": "pkg:npm/lodash@4.17.20",
        "severity": "high",
        "path": "a.json",
        "hidden": {
          "by": "waiver",
          "why": "not reachable",
          "until": 1772323200
        },
        "kind": "vulnerabilities"
      }
    ]
    "#);
    insta::assert_json_snapshot!(inputs(&evidence)[0].tool, @r#""trivy""#);
}

#[test]
fn a_file_made_to_be_slow_is_not() {
    // 20,000 CVEs, all tied together by one alias, beside 200 waivers: what is quadratic takes minutes here.
    let findings =
        (0..20_000).map(|number| vulnerability(&format!("CVE-2024-{number}"), &["GHSA-one"], LODASH)).collect();
    let waivers: Vec<Waiver> = (0..200).map(|number| waiver(&format!("CVE-1999-{number}"))).collect();
    let evidence = seen(vec![report("a.json", findings)], &waivers);
    assert_eq!(evidence.groups, 20_000);
}
