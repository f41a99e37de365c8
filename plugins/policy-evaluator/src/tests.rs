//! Driven as the host drives it, with a policy that answers what the test wrote down.

use super::{Policy, evaluate, problems};
use insta::assert_snapshot;
use palisade_plugin::testing::{self, CollectedReport, EvidenceBuilder};
use palisade_plugin::{
    Component, Coverage, Detail, Effect, Evaluator, Evidence, Failure, Finding, HiddenBy, Location, PackageRef,
    PluginInfo, SettingProblem, Severity, Verdict, Vulnerability,
};
use palisade_plugin_policy_results::Settings;
use std::cell::RefCell;
use std::collections::BTreeMap;

type Said = Result<Option<String>, String>;

thread_local! {
    /// What the policy answers, by the document's text.
    static ANSWERS: RefCell<BTreeMap<String, Said>> = const { RefCell::new(BTreeMap::new()) };
}

/// Knows two entrypoints and says what the test wrote down for a document.
struct Written;

impl Policy for Written {
    fn entrypoints(&self) -> Option<Vec<String>> {
        Some(vec![
            "compliance/license_report".to_owned(),
            "compliance/vulnerability_report".to_owned(),
            "main".to_owned(),
        ])
    }
    fn ask(&self, entrypoint: &str, document: Vec<u8>) -> Said {
        let asked = format!("{entrypoint} {}", String::from_utf8(document).expect("documents are text"));
        ANSWERS.with_borrow(|answers| answers.get(&asked).cloned()).unwrap_or_else(|| panic!("nobody expects {asked}"))
    }
}

struct Judge;

impl Evaluator for Judge {
    type Settings = Settings;
    fn describe() -> PluginInfo {
        PluginInfo::new("judge", "1.0.0", "Answers what a test wrote down.")
    }
    fn evaluate(evidence: &Evidence, settings: Settings) -> Result<Verdict, Failure> {
        evaluate(&Written, evidence, &settings)
    }
    fn validate(settings: &Settings) -> Vec<SettingProblem> {
        problems(&Written, settings)
    }
}

fn answering<const N: usize>(answers: [(&str, Said); N]) {
    ANSWERS.set(answers.into_iter().map(|(asked, said)| (asked.to_owned(), said)).collect());
}

fn value(json: &str) -> Said {
    Ok(Some(json.to_owned()))
}

fn judge(evidence: EvidenceBuilder, settings: &str) -> Result<Verdict, Failure> {
    testing::evaluate::<Judge>(evidence, settings)
}

/// Outcome, and of each violation what was looked up.
fn told(answer: Result<Verdict, Failure>) -> String {
    let verdict = match answer {
        Ok(verdict) => verdict,
        Err(failure) => return format!("{failure:?}"),
    };
    let mut lines = vec![format!("{:?}: {}", verdict.outcome, verdict.title)];
    for violation in &verdict.violations {
        let evidence: Vec<String> = violation.evidence.iter().map(|reference| format!("{reference:?}")).collect();
        let location = violation.location.as_ref().map(|location| location.path.as_str());
        let (rule, subject, severity) = (&violation.rule, violation.subject.as_deref(), violation.severity);
        lines.push(format!("{rule} {subject:?} {severity:?} {location:?} [{}]", evidence.join(", ")));
    }
    lines.join("\n")
}

fn finding(id: &str, version: &str, path: &str) -> Finding {
    let mut finding = Finding::new(id, "Prototype pollution", Detail::Vulnerability(Vulnerability::default()));
    finding.severity = Some(Severity::High);
    finding.package = Some(PackageRef {
        version: Some(version.to_owned()),
        purl: Some(format!("pkg:npm/lodash@{version}")),
        ..PackageRef::new("lodash")
    });
    finding.locations.push(Location::at(path));
    finding
}

fn scan() -> CollectedReport {
    CollectedReport::covering([Coverage::Vulnerabilities])
        .with_finding(finding("CVE-1", "1", "a/package-lock.json"))
        .with_finding(finding("CVE-1", "1", "b/package-lock.json"))
        .with_finding(finding("CVE-1", "2", "c/package-lock.json"))
        .with_finding(finding("CVE-2", "1", "a/package-lock.json"))
}

fn sbom() -> CollectedReport {
    let mut lodash = Component::new("npm_lodash", "lodash");
    lodash.purl = Some("pkg:npm/lodash@1".to_owned());
    let report = CollectedReport::covering([Coverage::Components, Coverage::Licenses]);
    report.with_component(Component::new("SPDXRef-app", "app")).with_component(lodash)
}

/// A scan, the same again, and an SBOM.
fn evidence() -> EvidenceBuilder {
    EvidenceBuilder::new()
        .report("trivy-json", scan())
        .report("trivy-json", scan())
        .report("cyclonedx-json", sbom())
        .document("compliance", "vulnerability/0", "first scan")
        .document("compliance", "vulnerability/1", "second scan")
        .document("compliance", "sbom/2", "sbom")
        .document("evidence", "evidence", "all")
}

const VULNERABILITIES: &str = r#"{"entrypoint": "compliance/vulnerability_report"}"#;
const CLEAN: &str = r#"{"compliant": true}"#;

#[test]
fn each_report_is_asked_about_and_findings_are_found_by_id_package_and_version() {
    let one = r#"{"compliant": false, "total_vulnerabilities": 4, "compliant_count": 2, "non_compliant_count": 2,
        "non_compliant_vulnerabilities": [{"id": "CVE-1", "package": "lodash", "version": "1", "severity": "CRITICAL"}]}"#;
    answering([
        ("compliance/vulnerability_report first scan", value(CLEAN)),
        ("compliance/vulnerability_report second scan", value(one)),
    ]);
    assert_snapshot!(told(judge(evidence(), VULNERABILITIES)), @r#"
    Outcome::Fail: Not compliant: 2 of 4 vulnerabilities
    vulnerability Some("pkg:npm/lodash@1") Some(Severity::Critical) Some("a/package-lock.json") [EvidenceRef::Finding(ItemRef { report: 1, index: 0 }), EvidenceRef::Finding(ItemRef { report: 1, index: 1 })]
    "#);
    let hidden = evidence().hide("CVE-1", HiddenBy::Waiver, "known");
    assert_snapshot!(told(judge(hidden, VULNERABILITIES)), @r#"
    Outcome::Fail: Not compliant: 2 of 4 vulnerabilities
    vulnerability Some("lodash") Some(Severity::Critical) None []
    "#);
}

#[test]
fn ten_thousand_violations_of_one_identifier_are_found_in_ten_thousand_findings() {
    const COUNT: usize = 10_000;
    let scan = (0..COUNT).fold(CollectedReport::covering([Coverage::Vulnerabilities]), |scan, number| {
        scan.with_finding(finding("CVE-1", &number.to_string(), "package-lock.json"))
    });
    let evidence = EvidenceBuilder::new().report("trivy-json", scan).document("evidence", "evidence", "all");
    let message = |number| format!(r#"{{"msg": "m", "id": "CVE-1", "package": "pkg:npm/lodash@{number}"}}"#);
    let messages: Vec<String> = (0..COUNT).map(message).collect();
    answering([("main all", value(&format!(r#"{{"deny": [{}]}}"#, messages.join(","))))]);
    let verdict = judge(evidence, r#"{"entrypoint": "main"}"#).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(verdict.violations.len(), COUNT);
    assert!(verdict.violations.iter().all(|violation| violation.evidence.len() == 1));
}

#[test]
fn components_are_found_by_the_spdx_id_that_the_document_gave_them() {
    let two = r#"{"compliant": false, "total_components": 2, "compliant_components": 0, "non_compliant_components": [
        {"SPDXID": "SPDXRef-npm-lodash", "name": "lodash"}, {"SPDXID": "SPDXRef-app", "name": "app"},
        {"SPDXID": "SPDXRef-gone", "name": "gone"}]}"#;
    answering([("compliance/license_report sbom", value(two))]);
    assert_snapshot!(told(judge(evidence(), r#"{"entrypoint": "compliance/license_report"}"#)), @r#"
    Outcome::Fail: Not compliant: 2 of 2 components
    license Some("pkg:npm/lodash@1") None None [EvidenceRef::Component(ItemRef { report: 2, index: 1 })]
    license Some("app") None None [EvidenceRef::Component(ItemRef { report: 2, index: 0 })]
    license Some("gone") None None []
    "#);
}

#[test]
fn messages_are_tied_to_the_evidence_that_their_metadata_names() {
    let package = r#"{"deny": [
        {"msg": "by id", "id": "CVE-2", "package": "lodash"}, {"msg": "by purl", "purl": "pkg:npm/lodash@1"},
        {"msg": "by reference", "id": "CVE-1", "evidence": [{"finding": {"report": 1, "index": 2}}]}, "by nothing"]}"#;
    answering([("main all", value(package))]);
    assert_snapshot!(told(judge(evidence(), r#"{"entrypoint": "main"}"#)), @r#"
    Outcome::Fail: 4 violations
    deny Some("pkg:npm/lodash@1") Some(Severity::High) Some("a/package-lock.json") [EvidenceRef::Finding(ItemRef { report: 0, index: 3 }), EvidenceRef::Finding(ItemRef { report: 1, index: 3 })]
    deny Some("pkg:npm/lodash@1") None None [EvidenceRef::Component(ItemRef { report: 2, index: 1 })]
    deny None None None [EvidenceRef::Finding(ItemRef { report: 1, index: 2 })]
    deny None None None []
    "#);
}

#[test]
fn without_a_report_of_the_kind_the_policy_is_not_asked() {
    answering([]);
    let evidence = EvidenceBuilder::new().document("compliance", "sbom/0", "sbom");
    assert_snapshot!(told(judge(evidence, VULNERABILITIES)), @"Outcome::NotApplicable: No report covers vulnerabilities");
}

#[test]
fn undefined_and_failed_answers_are_no_verdict() {
    answering([
        ("compliance/vulnerability_report first scan", value(CLEAN)),
        ("compliance/vulnerability_report second scan", Ok(None)),
    ]);
    assert_snapshot!(told(judge(evidence(), VULNERABILITIES)), @r#"Failure::Other("`compliance/vulnerability_report` is undefined for the document `vulnerability/1`: the policy expects another input, or its data is missing")"#);
    answering([("main all", Err("it recursed too deeply".to_owned()))]);
    assert_snapshot!(told(judge(evidence(), r#"{"entrypoint": "main"}"#)), @r#"Failure::Other("`main` could not be asked about the document `evidence`: it recursed too deeply")"#);
}

#[test]
fn settings_are_held_against_the_entrypoints() {
    let said = |settings: &str| {
        let problems = testing::evaluator_settings_problems::<Judge>(settings);
        problems
            .iter()
            .map(|problem| format!("{}: {}", problem.pointer, problem.message))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_snapshot!(said(r#"{"entrypoint": "compliance/licence_report"}"#), @"/entrypoint: the policy has no entrypoint `compliance/licence_report`; it has `compliance/license_report`, `compliance/vulnerability_report`, `main`");
    assert_snapshot!(said(r#"{"entrypoint": "main", "result": "compliance"}"#), @"/input: a compliance report is about one kind of report; set `input` to `vulnerability` or `sbom`");
    assert_snapshot!(said(r#"{"result": "compliance", "input": "evidence"}"#), @"/input: a compliance report is about `vulnerability` or `sbom` documents");
    assert_snapshot!(said(r#"{"result": "rego"}"#), @"/result: unknown variant `rego`, expected one of `compliance`, `conftest`, `verdict`, `value`");
    assert_snapshot!(said(r#"{"entry_point": "main"}"#), @"/entry_point: unknown field `entry_point`, expected one of `entrypoint`, `result`, `input`");
    assert_eq!(said("{}"), "", "a check may still name it");
    answering([]);
    assert_snapshot!(told(judge(evidence(), "{}")), @r#"Failure::Settings("`entrypoint`: name one of the policy's entrypoints: `compliance/license_report`, `compliance/vulnerability_report`, `main`")"#);
}

#[test]
fn a_policy_that_denies_everything_is_cut_with_one_that_nobody_can_waive() {
    let messages: Vec<String> = (0..20_000).map(|number| format!("\"{number}\"")).collect();
    let package = format!(r#"{{"warn": [{0}], "deny": [{0}]}}"#, messages.join(","));
    answering([("main all", value(&package))]);
    let verdict = judge(evidence(), r#"{"entrypoint": "main"}"#).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(verdict.violations.len(), 10_000);
    assert!(verdict.violations.iter().all(|violation| violation.effect == Effect::Deny));
    let last = verdict.violations.last().expect("there are some");
    assert_eq!((last.message.as_str(), last.waivable), ("30001 more violations are not listed", false));
}
