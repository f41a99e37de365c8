use super::*;
use serde_json::json;

const SCHEMA: &str = r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "maximum_severity": { "enum": ["low", "medium", "high", "critical"] },
    "blocked_ids": { "type": "array", "items": { "type": "string" } },
    "limits": { "$ref": "#/$defs/limits" }
  },
  "$defs": { "limits": { "type": "object", "additionalProperties": false, "properties": { "minimum_score": { "type": "number" } } } }
}"##;

fn plugin(name: &str, kind: AvailableKind) -> AvailablePlugin {
    AvailablePlugin {
        name: PluginName::parse(name).unwrap(),
        kind,
        digest: Some(Digest::of(name.as_bytes())),
        settings_schema: Some(SCHEMA.to_owned()),
        formats: Vec::new(),
        entrypoints: None,
        reads: vec![Coverage::Vulnerabilities],
        settings: json!({ "maximum_severity": "high" }),
        bind: Vec::new(),
        broken: None,
    }
}

fn available() -> Vec<AvailablePlugin> {
    let trivy = AvailablePlugin {
        formats: vec![("trivy-json".to_owned(), vec![Coverage::Vulnerabilities])],
        bind: vec!["scan/*.json".to_owned()],
        settings: Value::Null,
        ..plugin("trivy", AvailableKind::Normalizer)
    };
    vec![plugin("vulnerability", AvailableKind::Evaluator), plugin("license", AvailableKind::Evaluator), trivy]
}

fn check(plugin: &str, settings: Value) -> CheckConfig {
    CheckConfig {
        name: CheckName::parse("Vulnerability Scan Check").unwrap(),
        policies: vec![PolicyUse { plugin: PluginName::parse(plugin).unwrap(), settings, reads: None }],
        fail_closed: None,
        knobs: KnobOverrides::default(),
        wait_for: None,
        min_provenance: None,
        mode: Mode::Enforce,
        judges: Judges::All,
        baseline_missing: None,
    }
}

fn planned(check: CheckConfig) -> CheckPlan {
    let config = PolicyConfig { checks: vec![check], ..PolicyConfig::default() };
    plan(&config, &available()).checks.remove(0)
}

fn problem(check: CheckConfig) -> String {
    let broken = planned(check).policies.remove(0).broken.expect("the settings are wrong");
    assert_eq!(broken.kind, BrokenKind::Settings);
    format!("{} ({})", broken.message, broken.hint.unwrap_or_default())
}

#[test]
fn the_settings_of_a_check_lie_over_those_of_the_plugin() {
    let policy = &planned(check("vulnerability", json!({ "blocked_ids": ["CVE-2024-1"] }))).policies[0];
    insta::assert_snapshot!(policy.settings, @r#"{"blocked_ids":["CVE-2024-1"],"maximum_severity":"high"}"#);
    assert_eq!(policy.broken, None);
    assert_eq!(policy.reads, vec![Coverage::Vulnerabilities]);
    let policy = &planned(check("vulnerability", json!({ "maximum_severity": "low" }))).policies[0];
    insta::assert_snapshot!(policy.settings, @r#"{"maximum_severity":"low"}"#);
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    insta::assert_snapshot!(problem(check("vulnerability", json!({ "maximum_severty": "low" }))), @"settings of `vulnerability`: `/maximum_severty` is not a setting: is `maximum_severity` meant? (correct them in the check or under the plugin; `palisade plugin inspect vulnerability` lists them)");
    insta::assert_snapshot!(problem(check("vulnerability", json!({ "limits": { "minimum_scor": 7 } }))), @"settings of `vulnerability`: `/limits/minimum_scor` is not a setting: is `minimum_score` meant? (correct them in the check or under the plugin; `palisade plugin inspect vulnerability` lists them)");
    insta::assert_snapshot!(problem(check("vulnerability", json!({ "colour": "red" }))), @"settings of `vulnerability`: `/colour` is not a setting: known are blocked_ids, limits, maximum_severity (correct them in the check or under the plugin; `palisade plugin inspect vulnerability` lists them)");
}

#[test]
fn a_wrong_value_names_its_key() {
    insta::assert_snapshot!(problem(check("vulnerability", json!({ "blocked_ids": [1] }))), @r#"settings of `vulnerability`: `/blocked_ids/0`: 1 is not of type "string" (correct them in the check or under the plugin; `palisade plugin inspect vulnerability` lists them)"#);
    insta::assert_snapshot!(problem(check("vulnerability", json!(["not", "an", "object"]))), @"settings of `vulnerability`: settings are not a table of keys and values (correct them in the check or under the plugin; `palisade plugin inspect vulnerability` lists them)");
}

#[test]
fn a_plugin_that_is_not_there_names_the_nearest_one() {
    insta::assert_snapshot!(problem(check("vulnerabilty", Value::Null)), @"there is no plugin `vulnerabilty` (is `vulnerability` meant?)");
    insta::assert_snapshot!(problem(check("opa", Value::Null)), @"there is no plugin `opa` (evaluators that are there: vulnerability, license)");
}

#[test]
fn a_normalizer_cannot_judge() {
    insta::assert_snapshot!(problem(check("trivy", Value::Null)), @"plugin `trivy` is a normalizer, and a check needs an evaluator (evaluators that are there: vulnerability, license)");
}

#[test]
fn a_plugin_that_did_not_load_says_why_it_did_not() {
    let why = Broken::new(BrokenKind::Abi, "`vulnerability` was built for another contract");
    let failed = AvailablePlugin { settings_schema: None, broken: Some(why.clone()), ..available().remove(0) };
    let config = PolicyConfig { checks: vec![check("vulnerability", Value::Null)], ..PolicyConfig::default() };
    assert_eq!(plan(&config, &[failed]).checks[0].policies[0].broken, Some(why));
}

#[test]
fn the_defaults_are_those_of_the_table() {
    let plan = planned(check("vulnerability", Value::Null));
    assert_eq!(plan.knobs, Knobs::default());
    assert_eq!(plan.wait_for, WaitFor::Covered);
    let whole = super::plan(&PolicyConfig::default(), &available());
    assert_eq!((whole.no_run_deadline_s, whole.evidence_deadline_s), (900, 21_600));
}

#[test]
fn fail_closed_turns_every_knob_and_a_check_may_take_one_back() {
    let closed = CheckConfig {
        knobs: KnobOverrides { on_warn: Some(Conclusion::Success), ..KnobOverrides::default() },
        ..check("vulnerability", Value::Null)
    };
    let config = PolicyConfig { checks: vec![closed], fail_closed: FailClosed::Yes, ..PolicyConfig::default() };
    let check = plan(&config, &available()).checks.remove(0);
    assert_eq!(check.knobs, Knobs { on_warn: Conclusion::Success, ..Knobs::fail_closed() });
    assert_eq!(check.wait_for, WaitFor::All);
    assert_eq!(check.baseline_missing, BaselineMissing::Fail);
}

#[test]
fn normalizers_are_planned_with_their_bindings() {
    let plan = plan(&PolicyConfig::default(), &available());
    assert_eq!(plan.normalizers.len(), 1);
    assert_eq!(plan.normalizers[0].bind, ["scan/*.json"]);
    assert_eq!(plan.normalizers[0].formats[0].1, [Coverage::Vulnerabilities]);
}

fn waiver_of(change: impl FnOnce(&mut WaiverConfig)) -> Result<Waiver, String> {
    let mut config = WaiverConfig {
        id: Some("CVE-2024-1".to_owned()),
        reason: "not reachable".to_owned(),
        until: Some("2026-03-01".to_owned()),
        ..WaiverConfig::default()
    };
    change(&mut config);
    waiver(&config)
}

#[test]
fn a_date_means_midnight_utc_of_that_day() {
    assert_eq!(waiver_of(|_| {}).unwrap().until, Some(1_772_323_200));
    assert_eq!(
        waiver_of(|waiver| waiver.until = Some("2026-03-01T01:00:00+01:00".to_owned())).unwrap().until,
        Some(1_772_323_200)
    );
}

#[test]
fn a_waiver_without_reason_or_subject_or_with_a_wrong_date_is_refused() {
    insta::assert_snapshot!(waiver_of(|waiver| waiver.reason = " ".to_owned()).unwrap_err(), @"waiver for CVE-2024-1 has no reason: say why in `reason`");
    insta::assert_snapshot!(waiver_of(|waiver| waiver.id = None).unwrap_err(), @r#"waiver with the reason "not reachable" covers nothing: name an `id`, a `package` or `rules`"#);
    insta::assert_snapshot!(waiver_of(|waiver| waiver.until = Some("next week".to_owned())).unwrap_err(), @r#"waiver for CVE-2024-1: `until` is "next week", not a date such as 2026-03-01 or an instant such as 2026-03-01T12:00:00Z"#);
    insta::assert_snapshot!(waiver_of(|waiver| waiver.package = Some("lodash".to_owned())).unwrap_err(), @r#"waiver for CVE-2024-1: "lodash" is not a package pattern such as `pkg:npm/lodash` or `pkg:npm/%40corp/*`: missing scheme"#);
}
