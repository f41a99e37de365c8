use super::*;
use crate::model::ids::{CheckName, Digest, PluginName};
use crate::model::plan::{BaselineMissing, Conclusion, Judges, Knobs, Mode, WaitFor};
use crate::model::report::Coverage;
use crate::model::report::Provenance;
use crate::policy::rules::settings_by_policy;
use crate::policy::{AvailableKind, CheckConfig, FailClosed, KnobOverrides, PolicyConfig, PolicyUse, Rules};
use serde_json::json;

/// 2026-01-01.
const NOW: Unix = 1_767_225_600;
const CHECK: &str = "Vulnerability Scan Check";

const SCHEMA: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "maximum_severity": { "enum": ["none", "low", "medium", "high", "critical"], "default": "medium" },
    "blocked_ids": { "type": "array", "items": { "type": "string" }, "default": [] },
    "minimum_score": { "type": ["number", "null"], "default": null },
    "deny_known_exploited": { "type": "boolean", "default": false },
    "grace_days": { "type": "integer", "default": 0 },
    "own": { "type": "string" },
    "undeclared": { "type": "number" }
  }
}"#;

fn available() -> Vec<AvailablePlugin> {
    vec![AvailablePlugin {
        name: PluginName::parse("vulnerability").unwrap(),
        kind: AvailableKind::Evaluator,
        digest: Some(Digest::of(b"vulnerability")),
        settings_schema: Some(SCHEMA.to_owned()),
        formats: Vec::new(),
        entrypoints: None,
        reads: vec![Coverage::Vulnerabilities],
        settings: json!({ "grace_days": 7, "blocked_ids": ["CVE-2026-1"] }),
        bind: Vec::new(),
        broken: None,
    }]
}

fn terms(change: impl FnOnce(&mut TermsConfig)) -> Result<Terms, Vec<String>> {
    let mut config = TermsConfig {
        allow: SUBJECTS.iter().map(|subject| (*subject).to_owned()).collect(),
        max_waiver_days: 90,
        settings: BTreeMap::new(),
    };
    change(&mut config);
    Terms::parse(&config, &settings_by_policy(&available()))
}

fn rules_with(terms: Terms, mode: Mode) -> Rules {
    rules_of(terms, mode, |_| ())
}

fn rules_of(terms: Terms, mode: Mode, change: impl FnOnce(&mut CheckConfig)) -> Rules {
    let mut check = CheckConfig {
        name: CheckName::parse(CHECK).unwrap(),
        policies: vec![PolicyUse {
            plugin: PluginName::parse("vulnerability").unwrap(),
            settings: Value::Null,
            reads: None,
        }],
        fail_closed: Some(FailClosed::No),
        knobs: KnobOverrides::default(),
        wait_for: None,
        min_provenance: None,
        mode,
        judges: Default::default(),
        baseline_missing: None,
    };
    change(&mut check);
    let config = PolicyConfig { checks: vec![check], overlay: Some(terms), ..PolicyConfig::default() };
    Rules::new(config, available())
}

fn rules() -> Rules {
    rules_with(terms(|_| ()).unwrap(), Mode::Warn)
}

fn layer(place: &str, text: &str) -> Layer {
    Layer { place: place.to_owned(), found: Found::Text(text.to_owned()), last_good: None }
}

fn repository(text: &str) -> Layers {
    Layers { repository: vec![layer("acme/shop", text)], ..Layers::default() }
}

fn over(rules: &Rules, layers: &Layers) -> Plan {
    rules.overlaid(rules.whole().clone(), layers, NOW)
}

fn settings_of(plan: &Plan) -> Value {
    serde_json::from_str(&plan.checks[0].policies[0].settings).unwrap()
}

fn setting(line: &str) -> String {
    format!("version: 1\nchecks:\n  {CHECK}:\n    settings:\n      vulnerability:\n        {line}\n")
}

/// What is said of a file that must have no effect.
fn refused(rules: &Rules, text: &str) -> String {
    let plan = over(rules, &repository(text));
    let mut told = plan.notices.clone();
    assert_eq!(Plan { notices: Vec::new(), ..plan }, *rules.whole(), "{text}");
    told.remove(0)
}

#[test]
fn a_stricter_setting_takes_effect() {
    let rules = rules();
    for (line, key, value) in [
        ("maximum_severity: low", "maximum_severity", json!("low")),
        ("blocked_ids: [CVE-2026-2, CVE-2026-1]", "blocked_ids", json!(["CVE-2026-1", "CVE-2026-2"])),
        ("minimum_score: 7", "minimum_score", json!(7)),
        ("deny_known_exploited: true", "deny_known_exploited", json!(true)),
        ("grace_days: 0", "grace_days", json!(0)),
    ] {
        let plan = over(&rules, &repository(&setting(line)));
        assert_eq!((plan.notices.len(), &settings_of(&plan)[key]), (0, &value), "{:?}", plan.notices);
        assert_eq!(plan.checks[0].policies[0].broken, None);
    }
}

#[test]
fn a_laxer_setting_breaks_the_file_and_has_no_effect() {
    let rules = rules();
    for (line, told) in [
        (
            "maximum_severity: high",
            "\"high\"` is not stricter than `\"medium\"`, which holds: from strict to lax it goes",
        ),
        ("blocked_ids: []", "the list may only grow"),
        ("deny_known_exploited: false\n        grace_days: 8", "`8` is not stricter than `7`, which holds: smaller"),
    ] {
        let said = refused(&rules, &setting(line));
        assert!(said.contains(told) && said.starts_with("acme/shop is broken and has no effect: line "), "{said}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_nearest_word() {
    let rules = rules();
    for (text, told) in [
        ("version: 1\nwaiver: []\n".to_owned(), "line 2, column 1: unknown key `waiver`; did you mean `waivers`?"),
        ("version: 1\nchecks: [\n".to_owned(), "line "),
        ("version: 2\n".to_owned(), "`version` is 2, and only 1 is known"),
        ("checks: {}\n".to_owned(), "version"),
        (
            "version: 1\nchecks: {Vulnerability Check: {mode: enforce}}\n".to_owned(),
            "did you mean \"Vulnerability Scan Check\"?",
        ),
        (setting("maximum_severty: low"), "`/maximum_severty` is not a setting: is `maximum_severity` meant?"),
        (setting("maximum_severity: lo"), "settings of vulnerability: `/maximum_severity`"),
        (setting("own: x"), "the host does not know what stricter means for it"),
        (
            format!("version: 1\nchecks: {{{CHECK}: {{mode: enforced}}}}\n"),
            "unknown word `enforced`; did you mean `enforce`?",
        ),
        (
            format!("version: 1\nchecks: {{{CHECK}: {{settings: {{license: {{}}}}}}}}\n"),
            "the check has no policy \"license\"",
        ),
    ] {
        let said = refused(&rules, &text);
        assert!(said.contains(told), "{text}\n{said}");
    }
}

#[test]
fn a_mode_and_fail_closed_become_stricter_only() {
    let rules = rules();
    let check = |said: &str| format!("version: 1\nchecks: {{{CHECK}: {{{said}}}}}\n");
    let plan = over(&rules, &repository(&check("mode: enforce, fail_closed: true")));
    let strict = &plan.checks[0];
    assert_eq!((strict.mode, strict.knobs, strict.wait_for), (Mode::Enforce, Knobs::fail_closed(), WaitFor::All));
    assert_eq!(strict.min_provenance, Some(Provenance::Repository));
    let plan = over(&rules, &repository(&check("min_provenance: attested")));
    assert_eq!(plan.checks[0].min_provenance, Some(Provenance::Attested));
    assert!(refused(&rules, &check("mode: dry-run")).contains("mode `dry-run` is laxer than `warn`, which holds"));
    assert!(over(&rules, &repository(&check("fail_closed: false"))).notices.is_empty(), "it holds already");
}

/// The rules of a check that is as lax as a host may make it.
fn lax() -> Rules {
    rules_of(terms(|_| ()).unwrap(), Mode::Warn, |check| {
        check.judges = Judges::Introduced;
        check.knobs.on_missing = Some(Conclusion::Success);
    })
}

#[test]
fn what_a_check_judges_waits_for_and_ends_in_becomes_stricter_only() {
    let check = |said: &str| format!("version: 1\nchecks: {{{CHECK}: {{{said}}}}}\n");
    let said = "judge: all, wait_for: all, baseline_missing: fail, on_warn: failure, on_missing: neutral";
    let plan = over(&lax(), &repository(&check(said)));
    let strict = &plan.checks[0];
    assert_eq!(
        (strict.judges, strict.wait_for, strict.baseline_missing),
        (Judges::All, WaitFor::All, BaselineMissing::Fail),
        "{:?}",
        plan.notices
    );
    let knobs = Knobs { on_warn: Conclusion::Failure, on_missing: Conclusion::Neutral, ..Knobs::default() };
    assert_eq!(strict.knobs, knobs);
    for (said, told) in [
        ("judge: introduced", "judge `introduced` is laxer than `all`, which holds"),
        ("on_broken: neutral", "on_broken `neutral` is laxer than `failure`, which holds"),
        ("on_warn: cancelled", "`cancelled` is for `on_workflow` alone"),
        ("judge: al", "unknown word `al`; did you mean `all`?"),
    ] {
        let heard = refused(&rules(), &check(said));
        assert!(heard.contains(told), "{heard}");
    }
}

#[test]
fn of_two_files_the_stricter_key_holds_and_fail_closed_means_baselines_too() {
    let file = |said: &str| layer("a branch", &format!("version: 1\nchecks: {{{CHECK}: {{{said}}}}}\n"));
    let repository = vec![file("on_missing: failure, judge: all"), file("on_missing: neutral, fail_closed: true")];
    let plan = over(&lax(), &Layers { repository, ..Layers::default() });
    let strict = &plan.checks[0];
    assert_eq!((strict.judges, strict.baseline_missing), (Judges::All, BaselineMissing::Fail));
    assert_eq!(strict.knobs.on_missing, Conclusion::Failure);
}

#[test]
fn what_leaves_dry_run_gets_its_own_name_back() {
    let rules = rules_with(terms(|_| ()).unwrap(), Mode::DryRun);
    assert_eq!(rules.whole().checks[0].name.as_str(), "Vulnerability Scan Check (dry run)");
    let plan = over(&rules, &repository(&format!("version: 1\nchecks: {{{CHECK}: {{mode: warn}}}}\n")));
    assert_eq!(plan.checks[0].name.as_str(), CHECK);
}

#[test]
fn the_organisation_comes_first_and_its_repositories_only_add_to_it() {
    let rules = rules();
    let layers = |own: &str| Layers {
        organisation: Some(layer("acme/.github", &setting("maximum_severity: low"))),
        ..repository(&setting(own))
    };
    let plan = over(&rules, &layers("maximum_severity: none"));
    assert_eq!((plan.notices.len(), &settings_of(&plan)["maximum_severity"]), (0, &json!("none")));
    let plan = over(&rules, &layers("maximum_severity: medium"));
    assert_eq!(settings_of(&plan)["maximum_severity"], json!("low"));
    assert!(plan.notices[0].starts_with("acme/shop is broken"), "{:?}", plan.notices);
}

#[test]
fn with_several_base_branches_the_stricter_setting_and_the_common_waivers_hold() {
    let waiver = |id: &str| format!("  - {{id: {id}, reason: ok, owner: me, until: 2026-02-01}}\n");
    let base = |severity: &str, id: &str, blocked: &str| {
        let settings = format!("maximum_severity: {severity}\n        blocked_ids: [CVE-2026-1, {blocked}]");
        layer("a branch", &format!("{}waivers:\n{}{}", setting(&settings), waiver("CVE-2026-9"), waiver(id)))
    };
    let one = base("low", "CVE-2026-7", "CVE-2026-3");
    let other = base("medium", "CVE-2026-8", "CVE-2026-4");
    for repository in [vec![one.clone(), other.clone()], vec![other, one]] {
        let plan = over(&rules(), &Layers { repository, ..Layers::default() });
        assert_eq!((plan.notices.len(), plan.waivers.len()), (0, 1));
        assert_eq!(plan.waivers[0].id.as_deref(), Some("CVE-2026-9"));
        assert_eq!(settings_of(&plan)["maximum_severity"], json!("low"));
        assert_eq!(settings_of(&plan)["blocked_ids"].as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn a_waiver_has_an_owner_a_reason_and_an_end_in_reach() {
    let rules = rules();
    let waiver = |said: &str| format!("version: 1\nwaivers:\n  - {{{said}}}\n");
    let plan = over(&rules, &repository(&waiver("id: CVE-2026-9, reason: ok, owner: me, until: 2026-04-01")));
    assert_eq!(plan.waivers[0].source.as_deref(), Some("acme/shop"));
    for (said, told) in [
        ("id: CVE-2026-9, reason: ok, until: 2026-02-01", "owner"),
        ("id: CVE-2026-9, owner: me, until: 2026-02-01", "reason"),
        ("id: CVE-2026-9, reason: ok, owner: me", "until"),
        ("id: CVE-2026-9, reason: ' ', owner: me, until: 2026-02-01", "has no reason"),
        ("id: CVE-2026-9, reason: ok, owner: ' ', until: 2026-02-01", "has no owner"),
        ("reason: ok, owner: me, until: 2026-02-01", "covers nothing"),
        ("id: CVE-2026-9, reason: ok, owner: me, until: tomorrow", "not a date"),
        ("id: CVE-2026-9, reason: ok, owner: me, until: 2026-04-02", "at most 90 days ahead"),
    ] {
        let said = refused(&rules, &waiver(said));
        assert!(said.contains(told) && said.contains("line 3"), "{said}");
    }
}

#[test]
fn an_overlay_says_what_the_operator_allows_and_no_more() {
    let narrow = terms(|terms| terms.allow = vec!["settings.vulnerability.grace_days".to_owned()]).unwrap();
    let rules = rules_with(narrow, Mode::Warn);
    assert_eq!(over(&rules, &repository(&setting("grace_days: 1"))).notices, Vec::<String>::new());
    for text in [
        setting("maximum_severity: low"),
        format!("version: 1\nchecks: {{{CHECK}: {{mode: enforce}}}}\n"),
        "version: 1\nwaivers: [{id: CVE-2026-9, reason: ok, owner: me, until: 2026-02-01}]\n".to_owned(),
    ] {
        let said = refused(&rules, &text);
        assert!(said.contains("`overlay.allow` does not have it"), "{said}");
    }
    let open = terms(|terms| {
        terms.settings.insert("vulnerability.own".to_owned(), ("any".to_owned(), Vec::new()));
    });
    let rules = rules_with(open.unwrap(), Mode::Warn);
    assert_eq!(settings_of(&over(&rules, &repository(&setting("own: x"))))["own"], json!("x"));
}

#[test]
fn a_number_of_which_nobody_knows_what_holds_is_set_by_no_overlay() {
    let lower = || {
        terms(|terms| {
            terms.settings.insert("vulnerability.undeclared".to_owned(), ("lower".to_owned(), Vec::new()));
        })
        .unwrap()
    };
    let said = refused(&rules_with(lower(), Mode::Warn), &setting("undeclared: 99"));
    assert!(said.contains("nobody knows whether `99` is stricter"), "{said}");
    let named = rules_of(lower(), Mode::Warn, |check| check.policies[0].settings = json!({ "undeclared": 5 }));
    assert_eq!(settings_of(&over(&named, &repository(&setting("undeclared: 4"))))["undeclared"], json!(4));
    assert!(refused(&named, &setting("undeclared: 6")).contains("not stricter than `5`"));
    // By its schema nothing is asked for where nobody names a number: any number is stricter.
    let said_null = over(&rules(), &repository(&setting("minimum_score: 9")));
    assert_eq!(settings_of(&said_null)["minimum_score"], json!(9));
}

#[test]
fn wrong_terms_are_told_with_the_nearest_word() {
    let told = |change: &dyn Fn(&mut TermsConfig)| terms(change).unwrap_err().join("; ");
    let allow = |word: &str| told(&|terms| terms.allow = vec![word.to_owned()]);
    assert_eq!(allow("waiver"), "allow: unknown `waiver`; did you mean `waivers`?");
    assert_eq!(allow("settings.vulnerabilty"), "allow: unknown `vulnerabilty`; did you mean `vulnerability`?");
    assert_eq!(allow("settings.vulnerability.grace_day"), "allow: unknown `grace_day`; did you mean `grace_days`?");
    let set = |name: &str, word: &str| {
        told(&|terms| drop(terms.settings.insert(name.to_owned(), (word.to_owned(), Vec::new()))))
    };
    assert!(set("vulnerability.own", "hihger").contains("direction: unknown `hihger`; did you mean `higher`?"));
    assert!(set("vulnerability.own", "order").contains("needs `order`"));
}

#[test]
fn what_a_pull_request_would_add_is_told_from_what_is_there() {
    let waiver = |id: &str| format!("  - {{id: {id}, reason: ok, owner: me, until: 2026-02-01}}\n");
    let file = |waivers: &str| layer("acme/shop", &format!("version: 1\nwaivers:\n{waivers}"));
    let layers = Layers {
        repository: vec![file(&waiver("CVE-2026-1"))],
        proposed: Some(file(&format!("{}{}", waiver("CVE-2026-1"), waiver("CVE-2026-2")))),
        ..Layers::default()
    };
    let plan = over(&rules(), &layers);
    let ids = |waivers: &[Waiver]| waivers.iter().filter_map(|waiver| waiver.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        (ids(&plan.waivers), ids(&plan.proposed_waivers)),
        (vec!["CVE-2026-1".to_owned()], vec!["CVE-2026-2".to_owned()])
    );
    let broken = Layers { proposed: Some(layer("this one", "version: 7")), ..layers };
    let plan = over(&rules(), &broken);
    assert!(plan.notices[0].starts_with("this one is broken, and would have no effect after the merge"));
    assert_eq!((plan.waivers.len(), plan.proposed_waivers.len()), (1, 0));
}

#[test]
fn a_file_that_is_absent_refused_or_no_file_loosens_nothing() {
    let rules = rules();
    let found = |found| {
        over(
            &rules,
            &Layers {
                repository: vec![Layer { place: "acme/shop".to_owned(), found, last_good: None }],
                ..Layers::default()
            },
        )
    };
    assert_eq!(found(Found::Absent), *rules.whole());
    assert!(found(Found::Refused("GitHub says no".to_owned())).notices[0].contains("was not read"));
    assert!(found(Found::Unusable("it is a directory".to_owned())).notices[0].contains("it is a directory"));
}

#[test]
fn a_file_that_grows_by_aliases_or_depth_is_refused() {
    let bomb = (0..9).fold("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let again = vec![format!("*a{n}"); 9].join(", ");
        format!("{text}a{}: &a{} [{again}]\n", n + 1, n + 1)
    });
    for text in [bomb, format!("version: 1\nwaivers: {}", "[".repeat(10_000)), "x".repeat(OVERLAY_BYTES + 1)] {
        assert!(OverlayFile::parse(&text).is_err());
    }
    let deep = format!("version: 1\nchecks: {{x: {{settings: {{p: {{k: {}1{}}}}}}}}}", "[".repeat(40), "]".repeat(40));
    assert!(OverlayFile::parse(&deep).is_err());
}
