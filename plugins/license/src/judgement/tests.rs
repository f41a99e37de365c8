//! The policy from outside: evidence in, verdict out.

use crate::License;
use palisade_plugin::testing::{self, CollectedReport, EvidenceBuilder, snapshot};
use palisade_plugin::{
    Component, ComponentRelation, ComponentScope, Coverage, Detail, Failure, Finding, HiddenBy, LicenseClaim,
    LicenseSource, LicenseValue, Outcome, PackageRef, Verdict,
};

/// The lists of the semantics' table.
const LISTS: &str = r#""allowed": ["MIT", "Apache-2.0"], "conditional": ["MPL-2.0"], "denied": ["GPL-3.0-or-later"]"#;

fn component(name: &str, license: &str) -> Component {
    let mut component = Component::new(format!("SPDXRef-{name}"), name);
    component.version = Some("1.0.0".to_owned());
    component.purl = Some(format!("pkg:npm/{name}@1.0.0"));
    component.licenses = vec![LicenseClaim::expression(LicenseSource::Declared, license)];
    component
}

fn sbom(components: impl IntoIterator<Item = Component>) -> CollectedReport {
    let covers = CollectedReport::covering([Coverage::Components, Coverage::Licenses]);
    CollectedReport { components: components.into_iter().collect(), ..covers }
}

fn evidence(components: impl IntoIterator<Item = Component>) -> EvidenceBuilder {
    EvidenceBuilder::new().report("spdx-json", sbom(components))
}

fn judge(evidence: EvidenceBuilder, settings: &str) -> Verdict {
    testing::evaluate::<License>(evidence, settings).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn with_lists(more: &str) -> String {
    format!("{{{LISTS}{more}}}")
}

/// Outcome and messages, one per line.
fn told(verdict: &Verdict) -> String {
    let mut all = vec![format!("{:?}: {}", verdict.outcome, verdict.title)];
    all.extend(
        verdict
            .violations
            .iter()
            .map(|violation| format!("{:?} {}: {}", violation.effect, violation.rule, violation.message)),
    );
    all.join("\n")
}

fn tell(license: &str, settings: &str) -> String {
    told(&judge(evidence([component("a", license)]), settings))
}

#[test]
fn allowed_licences_pass() {
    let all = ["MIT", "Apache-2.0", "BSD-3-Clause", "ISC"].into_iter().enumerate();
    let components = all.map(|(at, license)| component(&format!("p{at}"), license));
    insta::assert_json_snapshot!(snapshot(&judge(evidence(components), "{}")), @r#"
    {
      "judged": [
        [
          "packages",
          4
        ],
        [
          "allowed",
          4
        ],
        [
          "conditional",
          0
        ],
        [
          "unlisted",
          0
        ],
        [
          "denied",
          0
        ],
        [
          "unknown",
          0
        ],
        [
          "out-of-scope",
          0
        ],
        [
          "roots",
          0
        ],
        [
          "removed",
          0
        ]
      ],
      "outcome": "Pass",
      "properties": [
        [
          "total_components",
          "4"
        ],
        [
          "compliant_components",
          "4"
        ],
        [
          "non_compliant_licenses",
          ""
        ]
      ],
      "summary": "All license policies passed.\n\nLicences of 4 packages: 4 allowed, 0 conditional, 0 on no list, 0 denied, 0 unknown.",
      "title": "4 packages with allowed licences"
    }
    "#);
}

#[test]
fn no_report_of_licences_is_not_applicable() {
    let scan = CollectedReport::covering([Coverage::Vulnerabilities, Coverage::Components]);
    for evidence in [EvidenceBuilder::new(), EvidenceBuilder::new().report("trivy-json", scan)] {
        assert_eq!(judge(evidence, "{}").outcome, Outcome::NotApplicable);
    }
    assert_eq!(judge(evidence([]), "{}").outcome, Outcome::Pass, "an empty list of packages passes");
}

#[test]
fn a_violation_says_all_that_people_are_shown() {
    let mut denied = component("readline", "MIT and gpl-3.0");
    denied.supplier = Some("GNU".to_owned());
    insta::assert_json_snapshot!(snapshot(&judge(evidence([denied]), &with_lists(""))), @r#"
    {
      "judged": [
        [
          "packages",
          1
        ],
        [
          "allowed",
          0
        ],
        [
          "conditional",
          0
        ],
        [
          "unlisted",
          0
        ],
        [
          "denied",
          1
        ],
        [
          "unknown",
          0
        ],
        [
          "out-of-scope",
          0
        ],
        [
          "roots",
          0
        ],
        [
          "removed",
          0
        ]
      ],
      "outcome": "Fail",
      "properties": [
        [
          "total_components",
          "1"
        ],
        [
          "compliant_components",
          "0"
        ],
        [
          "non_compliant_licenses",
          "GPL-3.0-only"
        ]
      ],
      "summary": "SBOM policy violation: 1 non-compliant components out of 1 total\n\nNon-compliant licences: `GPL-3.0-only`\n\nLicences of 1 package: 0 allowed, 0 conditional, 0 on no list, 1 denied, 0 unknown.",
      "title": "1 of 1 package non-compliant",
      "violations": [
        {
          "effect": "Deny",
          "evidence": [
            {
              "Component": {
                "index": 0,
                "report": 0
              }
            }
          ],
          "how_to_fix": "replace readline by a package under an allowed licence, or add an exception with a reason",
          "message": "readline@1.0.0: GPL-3.0-only is denied (declared `MIT and gpl-3.0`)",
          "properties": [
            [
              "package",
              "readline"
            ],
            [
              "version",
              "1.0.0"
            ],
            [
              "license",
              "MIT and gpl-3.0"
            ],
            [
              "chosen",
              "MIT AND GPL-3.0-only"
            ],
            [
              "decided_by",
              "GPL-3.0-only"
            ],
            [
              "source",
              "declared"
            ],
            [
              "supplier",
              "GNU"
            ],
            [
              "id",
              "SPDXRef-readline"
            ]
          ],
          "rule": "denied",
          "subject": "pkg:npm/readline@1.0.0",
          "waivable": true
        }
      ]
    }
    "#);
}

/// Proves W24.
#[test]
fn the_table_of_the_semantics_holds_for_packages() {
    let tell = |license: &str| tell(license, &with_lists(""));
    insta::assert_snapshot!(tell("mit"), @"Outcome::Pass: 1 package with allowed licences");
    insta::assert_snapshot!(tell("MIT OR GPL-3.0-only"), @"Outcome::Pass: 1 package with allowed licences");
    insta::assert_snapshot!(tell("MIT AND MPL-2.0"), @r"
    Outcome::Pass: 1 package with allowed licences, 1 of them under conditions
    Effect::Info conditional: a@1.0.0: MPL-2.0 is allowed under conditions (declared `MIT AND MPL-2.0`)
    ");
    insta::assert_snapshot!(tell("Apache-2.0 AND GPL-3.0"), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny denied: a@1.0.0: GPL-3.0-only is denied (declared `Apache-2.0 AND GPL-3.0`)
    ");
    insta::assert_snapshot!(tell("GPL-2.0+"), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny unlisted: a@1.0.0: GPL-2.0-or-later is on no list (declared `GPL-2.0+`)
    ");
    insta::assert_snapshot!(tell("GPL-3.0-only WITH GCC-exception-3.1"), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny unlisted: a@1.0.0: GPL-3.0-only WITH GCC-exception-3.1 is on no list
    ");
    insta::assert_snapshot!(tell("MIT, GPL-3.0"), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny denied: a@1.0.0: GPL-3.0-only is denied (declared `MIT, GPL-3.0`)
    ");
    insta::assert_snapshot!(tell("NOASSERTION"), @r"
    Outcome::Warn: 1 of 1 package with a licence to look at
    Effect::Warn no-assertion: a@1.0.0: the producer of the report asserts no licence (NOASSERTION)
    ");
    insta::assert_snapshot!(tell("(MIT"), @r"
    Outcome::Warn: 1 of 1 package with a licence to look at
    Effect::Warn unparsed: a@1.0.0: the licence `(MIT` cannot be read: unclosed parens
    ");
}

#[test]
fn each_kind_of_not_knowing_has_its_own_knob() {
    let claims: [(&str, Vec<LicenseClaim>); 4] = [
        ("absent", Vec::new()),
        ("no_assertion", vec![LicenseClaim { source: LicenseSource::Declared, value: LicenseValue::NoAssertion }]),
        ("none_stated", vec![LicenseClaim { source: LicenseSource::Declared, value: LicenseValue::NoneStated }]),
        ("unparsed", vec![LicenseClaim::name(LicenseSource::Declared, "see the file COPYING")]),
    ];
    for (kind, licenses) in claims {
        let judged = |settings: &str| {
            let package = Component { licenses: licenses.clone(), ..component("a", "MIT") };
            let verdict = judge(evidence([package]), settings);
            (verdict.outcome, verdict.violations.first().map(|violation| violation.rule.replace('-', "_")))
        };
        let with = |knob: &str| judged(&format!(r#"{{"{kind}": "{knob}"}}"#));
        assert_eq!(with("deny"), (Outcome::Fail, Some(kind.to_owned())));
        assert_eq!(with("warn"), (Outcome::Warn, Some(kind.to_owned())));
        assert_eq!(with("ignore"), (Outcome::Pass, None));
        assert_eq!(judged("{}").0, Outcome::Warn, "{kind} warns by default");
        let others = ["absent", "no_assertion", "none_stated", "unparsed"].into_iter().filter(|other| *other != kind);
        for other in others {
            let settings = format!(r#"{{"{other}": "deny"}}"#);
            assert_eq!(judged(&settings).0, Outcome::Warn, "{kind} is not {other}");
        }
    }
}

#[test]
fn a_fresh_installation_denies_strong_copyleft_and_warns_about_the_rest() {
    let outcome = |license: &str| judge(evidence([component("a", license)]), "{}").outcome;
    assert_eq!(outcome("MIT"), Outcome::Pass);
    assert_eq!(outcome("LGPL-2.1-or-later"), Outcome::Pass);
    assert_eq!(outcome("GPL-2.0-only WITH Classpath-exception-2.0"), Outcome::Pass);
    assert_eq!(outcome("LicenseRef-Corp"), Outcome::Warn);
    assert_eq!(outcome("GPL-3.0-or-later"), Outcome::Fail);
    assert_eq!(outcome("CC-BY-NC-4.0"), Outcome::Fail);
}

#[test]
fn what_is_on_no_list_follows_the_lists_or_the_knob() {
    let outcome = |settings: &str| judge(evidence([component("a", "Zlib")]), settings).outcome;
    assert_eq!(outcome(r#"{"allowed": ["MIT"]}"#), Outcome::Fail);
    assert_eq!(outcome(r#"{"denied": ["GPL-3.0"]}"#), Outcome::Pass);
    assert_eq!(outcome(r#"{"allowed": ["MIT"], "unlisted": "warn"}"#), Outcome::Warn);
    assert_eq!(outcome(r#"{"allowed": ["MIT"], "unlisted": "allow"}"#), Outcome::Pass);
    assert_eq!(outcome(r#"{"denied": ["GPL-3.0"], "unlisted": "deny"}"#), Outcome::Fail);
}

#[test]
fn a_condition_is_told_with_each_package() {
    let settings = r#"{"conditional": ["EPL-2.0", {"license": "MPL-2.0", "condition": "offer the changed files"}]}"#;
    insta::assert_snapshot!(tell("MPL-2.0 AND EPL-2.0", settings), @r"
    Outcome::Pass: 1 package with allowed licences, 1 of them under conditions
    Effect::Info conditional: a@1.0.0: MPL-2.0, EPL-2.0 is allowed under conditions: offer the changed files (declared `MPL-2.0 AND EPL-2.0`)
    ");
}

#[test]
fn the_claim_that_counts_is_a_setting_and_a_contradiction_is_told() {
    let package = || {
        let mut package = component("a", "MIT");
        package.licenses.push(LicenseClaim::expression(LicenseSource::Concluded, "GPL-3.0-only"));
        package
    };
    insta::assert_snapshot!(told(&judge(evidence([package()]), &with_lists(""))), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny denied: a@1.0.0: GPL-3.0-only is denied
    Effect::Info claims-differ: a@1.0.0: concluded GPL-3.0-only counts, declared MIT differs
    ");
    let declared_first = with_lists(r#", "claim_order": ["declared", "concluded"]"#);
    insta::assert_snapshot!(told(&judge(evidence([package()]), &declared_first)), @r"
    Outcome::Pass: 1 package with allowed licences
    Effect::Info claims-differ: a@1.0.0: declared MIT counts, concluded GPL-3.0-only differs
    ");
}

#[test]
fn roots_removed_components_and_scopes_that_nobody_asked_for_are_not_judged() {
    let mut root = component("root", "GPL-3.0");
    root.relation = ComponentRelation::Root;
    let mut tool = component("tool", "GPL-3.0");
    tool.scope = ComponentScope::Development;
    let mut gone = component("gone", "GPL-3.0");
    gone.property("change", "removed");
    let mut changes = sbom([gone]);
    changes.covers.push(Coverage::Changes);
    let evidence = || evidence([root.clone(), tool.clone()]).report("dependency-diff", changes.clone());
    let verdict = judge(evidence(), "{}");
    insta::assert_snapshot!(told(&verdict), @"Outcome::Pass: No packages to judge");
    insta::assert_snapshot!(verdict.summary, @r"
    All license policies passed.

    Licences of 0 packages: 0 allowed, 0 conditional, 0 on no list, 0 denied, 0 unknown.

    Not judged: 1, in a scope that is not judged.

    Not judged: 1, the scanned thing itself.

    Not judged: 1, taken away by this change.
    ");
    assert_eq!(judge(evidence(), r#"{"scopes": ["development"]}"#).outcome, Outcome::Fail);
}

#[test]
fn one_package_in_two_reports_counts_once_and_the_worse_claim_stands() {
    let silent = Component { licenses: Vec::new(), ..component("a", "MIT") };
    let mut qualified = component("a", "GPL-3.0");
    qualified.purl = Some("pkg:npm/a@1.0.0?arch=x64".to_owned());
    let two = |one: &Component, other: &Component| {
        let evidence = evidence([one.clone()]).report("cyclonedx-json", sbom([other.clone()]));
        told(&judge(evidence, &with_lists("")))
    };
    insta::assert_snapshot!(two(&component("a", "MIT"), &qualified), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny denied: a@1.0.0: GPL-3.0-only is denied (declared `GPL-3.0`)
    ");
    insta::assert_snapshot!(two(&silent, &component("a", "MIT")), @"Outcome::Pass: 1 package with allowed licences");
    let mut excluded = component("b", "GPL-3.0");
    excluded.scope = ComponentScope::Development;
    let runtime = Component { scope: ComponentScope::Runtime, ..excluded.clone() };
    insta::assert_snapshot!(two(&excluded, &runtime), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny denied: b@1.0.0: GPL-3.0-only is denied (declared `GPL-3.0`)
    ");
}

#[test]
fn a_package_of_another_ecosystem_is_another_package() {
    let mut python = component("a", "GPL-3.0");
    python.purl = Some("pkg:pypi/a@1.0.0".to_owned());
    let exceptions = r#", "exceptions": [{"package": "pkg:npm/a", "allowed": ["GPL-3.0"], "reason": "ADR-7"}]"#;
    let verdict = judge(evidence([component("a", "GPL-3.0"), python]), &with_lists(exceptions));
    insta::assert_snapshot!(told(&verdict), @r"
    Outcome::Fail: 1 of 2 packages non-compliant
    Effect::Deny denied: a@1.0.0: GPL-3.0-only is denied (declared `GPL-3.0`)
    ");
}

#[test]
fn an_exception_holds_until_its_last_second() {
    // The evidence's clock stands at 2026-01-01T00:00:00Z.
    let judged = |until: &str| {
        let exception = format!(
            r#", "exceptions": [{{"package": "pkg:npm/a", "allowed": ["GPL-3.0"], "reason": "ADR-7", "until": "{until}"}}]"#
        );
        judge(evidence([component("a", "GPL-3.0")]), &with_lists(&exception))
    };
    let active = judged("2026-01-01T00:00:01Z");
    assert_eq!((active.outcome, active.valid_until), (Outcome::Pass, Some(1_767_225_601)));
    assert_eq!(judged("2026-01-02").valid_until, Some(1_767_312_000));
    let over = judged("2026-01-01");
    assert_eq!((over.outcome, over.valid_until), (Outcome::Fail, None), "the day itself is no longer covered");
    insta::assert_snapshot!(told(&over), @r"
    Outcome::Fail: 1 of 1 package non-compliant
    Effect::Deny denied: a@1.0.0: GPL-3.0-only is denied (declared `GPL-3.0`); its exception ended on 2026-01-01
    ");
}

#[test]
fn a_clarification_replaces_the_claim_of_one_version() {
    let clarified = r#", "exceptions": [{"package": "pkg:npm/a@1.0.0", "license": "MIT", "reason": "read LICENSE"}]"#;
    let verdict = judge(evidence([component("a", "see LICENSE")]), &with_lists(clarified));
    assert_eq!(verdict.outcome, Outcome::Pass);
    let other = r#", "exceptions": [{"package": "pkg:npm/a@2.0.0", "license": "MIT", "reason": "read LICENSE"}]"#;
    assert_eq!(judge(evidence([component("a", "see LICENSE")]), &with_lists(other)).outcome, Outcome::Warn);
}

#[test]
fn licences_that_a_scanner_finds_count_as_claims() {
    let found = |license: &str, package: &str| {
        let claim = LicenseClaim::expression(LicenseSource::Detected, license);
        let mut finding = Finding::new(license, license, Detail::License(claim));
        finding.package = Some(PackageRef::new(package));
        finding
    };
    let report = CollectedReport {
        findings: vec![found("MIT", "a"), found("GPL-3.0", "a"), found("MIT", "b"), found("AGPL-3.0", "c")],
        ..CollectedReport::covering([Coverage::Licenses])
    };
    let evidence = EvidenceBuilder::new().report("trivy-json", report);
    insta::assert_snapshot!(told(&judge(evidence.clone(), &with_lists(""))), @r"
    Outcome::Fail: 2 of 3 packages non-compliant
    Effect::Deny denied: a: GPL-3.0-only is denied (detected `GPL-3.0, MIT`)
    Effect::Deny unlisted: c: AGPL-3.0-only is on no list (detected `AGPL-3.0`)
    ");
    let waived = evidence.hide("GPL-3.0", HiddenBy::Waiver, "not shipped").hide("AGPL-3.0", HiddenBy::Tool, "ignored");
    insta::assert_snapshot!(told(&judge(waived, &with_lists(""))), @"Outcome::Pass: 2 packages with allowed licences");
}

#[test]
fn wrong_settings_are_a_failure_that_names_them() {
    let refused = testing::evaluate::<License>(EvidenceBuilder::new(), r#"{"allowed": ["MTI"]}"#);
    let Err(Failure::Settings(message)) = refused else { panic!("{refused:?}") };
    insta::assert_snapshot!(message, @"/allowed/0: SPDX knows no `MTI`; a licence outside SPDX is written `LicenseRef-…`");
    assert_eq!(testing::evaluator_settings_problems::<License>(r#"{"alowed": []}"#).len(), 1);
    assert!(testing::evaluator_settings_problems::<License>("{}").is_empty());
}

#[test]
fn ten_runs_give_equal_bytes() {
    let licenses = ["MIT", "GPL-3.0", "see COPYING", "MPL-2.0", "NOASSERTION", "LicenseRef-x"];
    let components: Vec<_> =
        (0..600).map(|at| component(&format!("p{}", at * 7919 % 600), licenses[at % licenses.len()])).collect();
    let run = || snapshot(&judge(evidence(components.clone()), "{}")).to_string();
    let first = run();
    assert!((0..9).all(|_| run() == first));
}

#[test]
fn fifty_thousand_packages_make_a_verdict_of_bounded_size() {
    let long = "word ".repeat(2_000);
    let components = (0..50_000).map(|at| match at {
        0..500 => component(&format!("p{at}"), &long),
        _ => component(&format!("p{at}"), "GPL-3.0"),
    });
    let verdict = judge(evidence(components), "{}");
    assert_eq!(verdict.violations.len(), super::MOST_VIOLATIONS);
    assert!(snapshot(&verdict).to_string().len() < 4 * 1024 * 1024, "the host takes 4 MiB");
    assert_eq!(verdict.title, "49500 of 50000 packages non-compliant, 500 more to look at");
}
