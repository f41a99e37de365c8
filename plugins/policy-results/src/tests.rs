//! What the forms are turned into, and what wrong answers say.

use crate::{Answer, Answered, Form, Input, Problem, Settings, VerdictDocument, verdict};
use insta::assert_snapshot;

fn answers<'a>(answered: &[(&str, Answered<'a>)]) -> Vec<Answer<'a>> {
    answered.iter().map(|(document, value)| Answer { document: (*document).to_owned(), value: *value }).collect()
}

fn asked(settings: &Settings, answered: &[(&str, Answered)]) -> Result<VerdictDocument, Problem> {
    verdict(&settings.reading_unchecked()?, &answers(answered))
}

fn entrypoint(name: &str) -> Settings {
    Settings { entrypoint: Some(name.to_owned()), ..Settings::default() }
}

/// Title, outcome, counts, summary and violations, one per line.
fn told(answer: Result<VerdictDocument, Problem>) -> String {
    let verdict = match answer {
        Ok(verdict) => verdict,
        Err(problem) => return format!("no verdict: {problem}"),
    };
    let mut lines = vec![format!("{:?}: {} {:?}", verdict.outcome, verdict.title, verdict.judged)];
    lines.extend(verdict.summary.lines().map(str::to_owned));
    for violation in &verdict.violations {
        let severity = violation.severity.map(|severity| format!(" {severity:?}")).unwrap_or_default();
        let fixed = if violation.waivable { "" } else { " (not waivable)" };
        let subject = violation.subject.as_deref().unwrap_or("-");
        let (effect, rule, message) = (violation.effect, &violation.rule, &violation.message);
        lines.push(format!("{effect:?}{severity} {rule} [{subject}]: {message}{fixed}"));
    }
    lines.join("\n")
}

fn tell(entrypoint_name: &str, document: &str, json: &str) -> String {
    told(asked(&entrypoint(entrypoint_name), &[(document, Answered::Value(json))]))
}

const VULNERABILITIES: &str = "compliance/vulnerability_report";
const LICENSES: &str = "compliance/license_report";

const ONE_OF_TWO: &str = r#"{
    "compliant": false, "total_vulnerabilities": 2, "compliant_count": 1, "non_compliant_count": 1,
    "non_compliant_vulnerabilities": [{"id": "CVE-2021-23369", "package": "handlebars", "version": "4.7.6",
        "severity": "CRITICAL", "fixed_version": "4.7.7", "unknown": {}}],
    "a member that nobody knows": [1]
}"#;
const ALL_OF_THREE: &str = r#"{"compliant": true, "total_vulnerabilities": 3, "compliant_count": 3,
    "non_compliant_count": 0, "non_compliant_vulnerabilities": []}"#;

#[test]
fn a_vulnerability_report_becomes_violations_with_what_to_do() {
    assert_snapshot!(tell(VULNERABILITIES, "vulnerability/0", ONE_OF_TWO), @r#"
    Fail: Not compliant: 1 of 2 vulnerabilities {"compliant": 1, "non_compliant": 1, "vulnerabilities": 2}
    - `vulnerability/0`: 1 of 2 vulnerabilities compliant
    Deny Critical vulnerability [handlebars]: CVE-2021-23369 (CRITICAL) in handlebars 4.7.6 is not compliant
    "#);
    assert_snapshot!(tell(VULNERABILITIES, "vulnerability/0", ALL_OF_THREE), @r#"
    Pass: Compliant: 3 vulnerabilities {"compliant": 3, "non_compliant": 0, "vulnerabilities": 3}
    - `vulnerability/0`: 3 of 3 vulnerabilities compliant
    "#);
    let verdict = asked(&entrypoint(VULNERABILITIES), &[("vulnerability/4", Answered::Value(ONE_OF_TWO))]).unwrap();
    assert_snapshot!(format!("{:?}", verdict.violations[0].about), @r#"Some(Finding { report: Some(4), id: "CVE-2021-23369", package: Some("handlebars"), version: Some("4.7.6") })"#);
    assert_snapshot!(format!("{:?} {:?}", verdict.violations[0].how_to_fix, verdict.violations[0].properties), @r#"Some("Update handlebars to 4.7.7") {"document": "vulnerability/4", "id": "CVE-2021-23369", "version": "4.7.6"}"#);
}

#[test]
fn a_license_report_shows_conditional_components_as_notices() {
    let report = r#"{
        "compliant": false, "total_components": 3, "compliant_components": 1,
        "non_compliant_licenses": ["GPL-2.0-only"], "allowed_licenses": ["MIT"],
        "non_compliant_components": [
            {"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1", "supplier": "Example",
             "licenseConcluded": "NOASSERTION", "licenseDeclared": "GPL-2.0-only", "filesAnalyzed": true},
            {"SPDXID": "SPDXRef-b", "name": "b", "versionInfo": "", "licenseDeclared": "NONE"}],
        "conditional_components": [
            {"SPDXID": "SPDXRef-c", "name": "c", "versionInfo": "3", "licenseConcluded": "CC-BY-ND-4.0"}]
    }"#;
    assert_snapshot!(tell(LICENSES, "sbom/0", report), @r#"
    Fail: Not compliant: 2 of 3 components {"compliant": 1, "components": 3, "non_compliant": 2}
    - `sbom/0`: 1 of 3 components compliant; not allowed: `GPL-2.0-only`
    Deny license [a]: a 1: the license GPL-2.0-only is not allowed
    Deny license [b]: b states no license
    Info conditional_license [c]: c 3: CC-BY-ND-4.0 is allowed under conditions
    "#);
    let only_conditional = r#"{"compliant": true, "total_components": 1, "compliant_components": 1,
        "conditional_components": [{"SPDXID": "x", "name": "c", "licenseConcluded": "CC-BY-ND-4.0"}]}"#;
    assert_snapshot!(tell(LICENSES, "sbom/0", only_conditional), @r#"
    Pass: Compliant: 1 component {"compliant": 1, "components": 1, "non_compliant": 0}
    - `sbom/0`: 1 of 1 components compliant
    Info conditional_license [c]: c: CC-BY-ND-4.0 is allowed under conditions
    "#);
}

#[test]
fn not_compliant_without_a_reason_cannot_be_waived() {
    let nothing = r#"{"compliant": false, "total_components": 0, "compliant_components": 0,
        "non_compliant_components": null}"#;
    assert_snapshot!(tell(LICENSES, "sbom/1", nothing), @r#"
    Fail: Not compliant {"compliant": 0, "components": 0, "non_compliant": 0}
    - `sbom/1`: 0 of 0 components compliant
    Deny not_compliant [sbom/1]: sbom/1 is not compliant; the policy lists no reason (not waivable)
    "#);
}

#[test]
fn undefined_is_no_verdict_whatever_the_form() {
    for entrypoint_name in [VULNERABILITIES, "main/deny", "main", "main/verdict"] {
        let told = told(asked(&entrypoint(entrypoint_name), &[("evidence", Answered::Undefined)]));
        assert!(told.starts_with(&format!("no verdict: `{entrypoint_name}` is undefined")), "{told}");
    }
    let twice = [("sbom/0", Answered::Undefined), ("sbom/1", Answered::Value(r#"{"compliant": true}"#))];
    assert_snapshot!(told(asked(&entrypoint(LICENSES), &twice)), @"no verdict: `compliance/license_report` is undefined for the document `sbom/0`: the policy expects another input, or its data is missing");
}

#[test]
fn a_report_of_another_shape_is_named_by_its_pointer() {
    let wrong = [
        "{}",
        r#"{"compliant": null}"#,
        r#"{"compliant": "yes"}"#,
        r#"{"compliant": true, "total_vulnerabilities": "3"}"#,
        r#"{"compliant": true, "total_vulnerabilities": -1}"#,
        r#"{"compliant": false, "non_compliant_vulnerabilities": [{"id": "CVE-1"}, {"id": "CVE-2", "package": {"name": "a"}}]}"#,
        r#"{"compliant": false, "non_compliant_vulnerabilities": {"CVE-1": {}}}"#,
        "[]",
        "[true]",
        "true",
        r#"{"compliant": true} x"#,
        r#"{"compliant": tru"#,
    ];
    let all: Vec<String> = wrong.iter().map(|json| tell(VULNERABILITIES, "vulnerability/0", json)).collect();
    let prefix = "no verdict: `compliance/vulnerability_report` answered for the document `vulnerability/0` what is no vulnerability report: ";
    assert!(all.iter().all(|told| told.starts_with(prefix)), "{all:#?}");
    let all: Vec<&str> = all.iter().map(|told| &told[prefix.len()..]).collect();
    assert_snapshot!(all.join("\n"), @r#"
    missing field `compliant`
    at `/compliant`: invalid type: null, expected a boolean
    at `/compliant`: invalid type: string "yes", expected a boolean
    at `/total_vulnerabilities`: invalid type: string "3", expected a whole number
    at `/total_vulnerabilities`: invalid value: integer `-1`, expected a whole number
    at `/non_compliant_vulnerabilities/1/package`: invalid type: map, expected a string
    at `/non_compliant_vulnerabilities`: invalid type: map, expected a sequence
    expected an object, and the answer is `[]`
    expected an object, and the answer is `[true]`
    expected an object, and the answer is `true`
    text follows behind the JSON value
    at `/compliant`: EOF while parsing a value
    "#);
    assert_snapshot!(tell(LICENSES, "sbom/0", r#"{"compliant": true, "conditional_components": [{"filesAnalyzed": "no"}]}"#), @r#"no verdict: `compliance/license_report` answered for the document `sbom/0` what is no license report: at `/conditional_components/0/filesAnalyzed`: invalid type: string "no", expected a boolean"#);
    assert_snapshot!(tell(LICENSES, "sbom/0", r#"{"compliant": true, "allowed_licenses": "MIT"}"#), @r#"no verdict: `compliance/license_report` answered for the document `sbom/0` what is no license report: at `/allowed_licenses`: invalid type: string "MIT", expected a sequence"#);
}

#[test]
fn documents_are_judged_one_by_one_and_the_worst_wins() {
    let both = [("vulnerability/0", Answered::Value(ALL_OF_THREE)), ("vulnerability/2", Answered::Value(ONE_OF_TWO))];
    assert_snapshot!(told(asked(&entrypoint(VULNERABILITIES), &both)), @r#"
    Fail: Not compliant: 1 of 5 vulnerabilities {"compliant": 4, "non_compliant": 1, "vulnerabilities": 5}
    - `vulnerability/0`: 3 of 3 vulnerabilities compliant
    - `vulnerability/2`: 1 of 2 vulnerabilities compliant
    Deny Critical vulnerability [handlebars]: CVE-2021-23369 (CRITICAL) in handlebars 4.7.6 is not compliant
    "#);
    assert_snapshot!(told(asked(&entrypoint(VULNERABILITIES), &[])), @"NotApplicable: No report covers vulnerabilities {}");
}

#[test]
fn a_violation_wins_over_a_document_that_could_not_be_judged() {
    let down = Answered::Failed("the server does not answer");
    let both = [("vulnerability/0", down), ("vulnerability/1", Answered::Value(ONE_OF_TWO))];
    assert_snapshot!(told(asked(&entrypoint(VULNERABILITIES), &both)), @r#"
    Fail: Not compliant: 1 of 2 vulnerabilities {"compliant": 1, "non_compliant": 1, "vulnerabilities": 2}
    - `vulnerability/1`: 1 of 2 vulnerabilities compliant
    Deny Critical vulnerability [handlebars]: CVE-2021-23369 (CRITICAL) in handlebars 4.7.6 is not compliant
    Deny not_judged [-]: `compliance/vulnerability_report` could not be asked about the document `vulnerability/0`: the server does not answer (not waivable)
    "#);
    let passing = [("vulnerability/0", Answered::Value(ALL_OF_THREE)), ("vulnerability/1", down)];
    assert_snapshot!(told(asked(&entrypoint(VULNERABILITIES), &passing)), @"no verdict: `compliance/vulnerability_report` could not be asked about the document `vulnerability/1`: the server does not answer");
}

#[test]
fn a_rule_of_conftest_lists_strings_or_objects() {
    let deny = r#"["no root user", {"msg": "too old", "severity": "HIGH", "code": "OLD", "package": "lodash",
        "id": "CVE-2024-1", "how_to_fix": "update", "details": {"since": 3}, "waivable": false}]"#;
    assert_snapshot!(tell("main/deny", "evidence", deny), @r#"
    Fail: 2 violations {"rules": 1}
    Deny deny [-]: no root user
    Deny High OLD [lodash]: too old (not waivable)
    "#);
    assert_snapshot!(tell("main/warn_old", "evidence", deny), @r#"
    Warn: 2 warnings {"rules": 1}
    Warn warn_old [-]: no root user
    Warn High OLD [lodash]: too old (not waivable)
    "#);
    assert_snapshot!(tell("main/violation", "evidence", "[]"), @r#"Pass: No violations {"rules": 1}"#);
    let verdict = asked(&entrypoint("main/deny"), &[("evidence", Answered::Value(deny))]).unwrap();
    assert_snapshot!(format!("{:?} {:?}", verdict.violations[1].about, verdict.violations[1].properties), @r#"Some(Finding { report: None, id: "CVE-2024-1", package: Some("lodash"), version: None }) {"details": "{\"since\":3}", "id": "CVE-2024-1", "package": "lodash", "severity": "HIGH"}"#);
}

#[test]
fn a_rule_that_is_merely_true_is_a_violation_without_a_message() {
    assert_snapshot!(tell("main/deny", "evidence", "true"), @r#"
    Fail: 1 violation {"rules": 1}
    Deny deny [-]: `deny` is true; the policy gives no message
    "#);
    assert_snapshot!(tell("main/warn", "evidence", "false"), @r#"Pass: No violations {"rules": 1}"#);
}

#[test]
fn a_boolean_of_a_rule_without_a_meaning_is_no_answer_and_a_list_is() {
    let conftest = Settings { result: Some(Form::Conftest), ..entrypoint("authz/allow") };
    let tell = |json: &str| told(asked(&conftest, &[("evidence", Answered::Value(json))]));
    assert_snapshot!(tell("true"), @"no verdict: `authz/allow` answered for the document `evidence` what is no Conftest result: only rules `deny`, `violation` and `warn` may answer a boolean, and `allow` answers `true`");
    assert_snapshot!(tell("false"), @"no verdict: `authz/allow` answered for the document `evidence` what is no Conftest result: only rules `deny`, `violation` and `warn` may answer a boolean, and `allow` answers `false`");
    assert_snapshot!(tell(r#"["no"]"#), @r#"
    Fail: 1 violation {"rules": 1}
    Deny allow [-]: no
    "#);
    assert_snapshot!(tell("[]"), @r#"Pass: No violations {"rules": 1}"#);
}

#[test]
fn a_package_of_conftest_is_known_by_its_members() {
    let package = r#"{"deny": ["a"], "deny_root": ["b"], "violation_x": [{"msg": "c"}], "warn": ["d"], "warn_root": ["e"],
        "exception": [["root", "other"]], "helper": 3, "denylist": ["f"]}"#;
    assert_snapshot!(tell("main", "evidence", package), @r#"
    Fail: 2 violations, 2 warnings {"rules": 5}
    Deny deny [-]: a
    Info deny_root [-]: b
    Deny violation_x [-]: c
    Warn warn [-]: d
    Warn warn_root [-]: e
    "#);
    assert_snapshot!(tell("main", "evidence", r#"{"deny": [], "warn": []}"#), @r#"Pass: No violations {"rules": 2}"#);
    assert_snapshot!(tell("main", "evidence", r#"{"helper": 3}"#), @"no verdict: `result`: nothing tells how the answer of `main` is to be read; set `result` to `compliance`, `conftest` or `verdict`");
    let conftest = Settings { result: Some(Form::Conftest), ..entrypoint("main") };
    assert_snapshot!(told(asked(&conftest, &[("evidence", Answered::Value(r#"{"helper": 3}"#))])), @"no verdict: `main` answered for the document `evidence` what is no Conftest result: expected a member `deny`, `violation` or `warn`");
}

#[test]
fn a_conftest_answer_of_another_shape_is_named_by_its_pointer() {
    let wrong = [
        r#""a message""#,
        "3",
        r#"{"deny": "a"}"#,
        r#"{"deny": [], "warn": [3]}"#,
        r#"{"deny": [{"severity": "high"}]}"#,
        r#"{"deny": ["x", {"msg": 3}]}"#,
        r#"{"deny": ["x", {"msg": "m", "evidence": [{"finding": 3}]}]}"#,
        r#"{"deny": [], "exception": ["root"]}"#,
    ];
    let all: Vec<String> = wrong.iter().map(|json| tell("main/deny", "evidence", json)).collect();
    let prefix = "no verdict: `main/deny` answered for the document `evidence` what is no Conftest result: ";
    assert!(all.iter().all(|told| told.starts_with(prefix)), "{all:#?}");
    let all: Vec<&str> = all.iter().map(|told| &told[prefix.len()..]).collect();
    assert_snapshot!(all.join("\n"), @r#"
    invalid type: string "a message", expected a set or array of messages (strings, or objects with `msg`), or a boolean, or a package with such rules
    invalid type: integer `3`, expected a set or array of messages (strings, or objects with `msg`), or a boolean, or a package with such rules
    at `/deny`: invalid type: string "a", expected a set or array of messages (strings, or objects with `msg`), or a boolean
    at `/warn/0`: invalid type: integer `3`, expected a message: a string, or an object with `msg`
    at `/deny/0`: missing field `msg`
    at `/deny/1/msg`: invalid type: integer `3`, expected a string
    at `/deny/1/evidence/0/finding`: invalid type: integer `3`, expected an object with `report` and `index`
    at `/exception/0`: invalid type: string "root", expected a sequence
    "#);
}

#[test]
fn a_verdict_document_is_taken_as_it_is() {
    let document = r#"{"outcome": "fail", "title": "1 package is denied", "judged": {"packages": 312}, "valid_until": 7,
        "violations": [{"rule": "denied-package", "effect": "deny", "severity": "high", "message": "left-pad is denied",
            "subject": "pkg:npm/left-pad@1.0.0", "evidence": [{"component": {"report": 0, "index": 4}}],
            "location": {"path": "package.json", "start_line": 3}, "properties": {"reason": "unmaintained"}}]}"#;
    assert_snapshot!(tell("main/verdict", "evidence", document), @r#"
    Fail: 1 package is denied {"packages": 312}
    Deny High denied-package [pkg:npm/left-pad@1.0.0]: left-pad is denied
    "#);
    let verdict = asked(&entrypoint("main/verdict"), &[("evidence", Answered::Value(document))]).unwrap();
    let again = serde_json::to_string(&verdict).unwrap();
    let read_again = asked(&entrypoint("main/verdict"), &[("evidence", Answered::Value(&again))]).unwrap();
    assert_eq!(read_again, verdict);
    assert_snapshot!(tell("main/verdict", "evidence", r#"{"outcome": "not-applicable", "title": "Nothing to judge"}"#), @"NotApplicable: Nothing to judge {}");
    assert_snapshot!(tell("main/verdict", "evidence", r#"{"outcome": "pass"}"#), @"Pass: No violations {}");
}

#[test]
fn a_verdict_document_that_contradicts_itself_or_misspells_a_member_is_refused() {
    let violation = |effect: &str| format!(r#"{{"rule": "r", "effect": "{effect}", "message": "m"}}"#);
    let wrong = [
        "{}".to_owned(),
        r#"["pass"]"#.to_owned(),
        r#"{"outcome": "passed"}"#.to_owned(),
        r#"{"outcome": "pass", "voilations": []}"#.to_owned(),
        r#"{"outcome": "fail", "violations": [{"rule": "r", "effect": "deny"}]}"#.to_owned(),
        r#"{"outcome": "fail", "violations": [{"rule": "r", "effect": "deny", "message": "m", "evidence": [{"finding": {"report": -1, "index": 0}}]}]}"#.to_owned(),
        format!(r#"{{"outcome": "pass", "violations": [{}, {}]}}"#, violation("info"), violation("warn")),
        format!(r#"{{"outcome": "warn", "violations": [{}]}}"#, violation("deny")),
    ];
    let all: Vec<String> = wrong.iter().map(|json| tell("main/verdict", "evidence", json)).collect();
    let prefix = "no verdict: `main/verdict` answered for the document `evidence` what is no verdict document: ";
    assert!(all.iter().all(|told| told.starts_with(prefix)), "{all:#?}");
    let all: Vec<&str> = all.iter().map(|told| &told[prefix.len()..]).collect();
    assert_snapshot!(all.join("\n"), @r#"
    missing field `outcome`
    expected an object, and the answer is `["pass"]`
    at `/outcome`: unknown variant `passed`, expected one of `not-applicable`, `not_applicable`, `pass`, `warn`, `fail`
    at `/voilations`: unknown field `voilations`, expected one of `outcome`, `title`, `summary`, `violations`, `judged`, `valid_until`, `properties`
    at `/violations/0`: missing field `message`
    at `/violations/0/evidence/0/finding/report`: invalid value: integer `-1`, expected a whole number
    at `/violations/1/effect`: the effect is `warn`, and the outcome is `pass`
    at `/violations/0/effect`: the effect is `deny`, and the outcome is `warn`
    "#);
}

#[test]
fn verdicts_on_several_documents_become_one() {
    let sbom = Settings { input: Some(Input::Sbom), ..entrypoint("main/verdict") };
    let warn = r#"{"outcome": "warn", "title": "Old", "summary": "one", "judged": {"packages": 1}, "valid_until": 9}"#;
    let fail =
        r#"{"outcome": "fail", "title": "Denied", "summary": "two", "judged": {"packages": 2}, "valid_until": 5}"#;
    let both = asked(&sbom, &[("sbom/0", Answered::Value(warn)), ("sbom/1", Answered::Value(fail))]);
    assert_eq!(both.as_ref().unwrap().valid_until, Some(5));
    assert_snapshot!(told(both), @r#"
    Fail: Denied {"packages": 3}
    one
    two
    "#);
}

// ---- settings

fn reading(settings: &Settings, known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
    match settings.reading(&known) {
        Ok(reading) => {
            format!("{} {:?} {:?} reads {:?}", reading.entrypoint, reading.form, reading.input, reading.input.reads())
        }
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn the_name_of_the_entrypoint_decides_what_is_not_set() {
    let names = [
        VULNERABILITIES,
        "data.acme.compliance.license_report",
        "main/deny",
        "main/deny_root",
        "main/verdict",
        "main",
        "noncompliance/license_report",
    ];
    let all: Vec<String> = names
        .iter()
        .map(|name| {
            let reading = entrypoint(name).reading_unchecked().unwrap();
            format!("{} {:?} {:?}", reading.entrypoint, reading.form, reading.input)
        })
        .collect();
    assert_snapshot!(all.join("\n"), @"
    compliance/vulnerability_report Some(Compliance) Vulnerability
    acme/compliance/license_report Some(Compliance) Sbom
    main/deny Some(Conftest) Evidence
    main/deny_root Some(Conftest) Evidence
    main/verdict Some(Verdict) Evidence
    main None Evidence
    noncompliance/license_report None Evidence
    ");
}

#[test]
fn an_entrypoint_that_does_not_exist_is_answered_with_those_that_do() {
    assert_snapshot!(reading(&Settings::default(), &[LICENSES]), @r#"compliance/license_report Some(Compliance) Sbom reads ["licenses"]"#);
    assert_snapshot!(reading(&entrypoint("compliance.license_report"), &[VULNERABILITIES, LICENSES]), @r#"compliance/license_report Some(Compliance) Sbom reads ["licenses"]"#);
    assert_snapshot!(reading(&Settings::default(), &[VULNERABILITIES, LICENSES]), @"`entrypoint`: name one of the policy's entrypoints: `compliance/vulnerability_report`, `compliance/license_report`");
    assert_snapshot!(reading(&entrypoint("main/deny"), &[VULNERABILITIES, LICENSES]), @"`entrypoint`: the policy has no entrypoint `main/deny`; it has `compliance/vulnerability_report`, `compliance/license_report`");
    assert_snapshot!(reading(&Settings::default(), &[]), @"`entrypoint`: name the rule or package to ask, such as `compliance/license_report`");
    let compliance = Settings { result: Some(Form::Compliance), ..entrypoint("acme/check") };
    assert_snapshot!(reading(&compliance, &["acme/check"]), @"`input`: a compliance report is about one kind of report; set `input` to `vulnerability` or `sbom`");
    let compliance = Settings { input: Some(Input::Sbom), ..compliance };
    assert_snapshot!(reading(&compliance, &["acme/check"]), @r#"acme/check Some(Compliance) Sbom reads ["licenses"]"#);
}

#[test]
fn ids_of_other_formats_become_spdx_ids() {
    assert_eq!(crate::spdx_id("SPDXRef-a_b"), "SPDXRef-a_b");
    assert_eq!(crate::spdx_id("pkg:npm/%40a/b@1"), "SPDXRef-pkg-npm--40a-b-1");
}
