//! The plugin as the host calls it, natively.

use crate::Rego;
use palisade_plugin::testing::{EvidenceBuilder, evaluate, evaluator_settings_problems};
use palisade_plugin::{Effect, Failure, Outcome, Verdict, Violation};
use serde_json::{Value, json};

fn judge(settings: Value, input: Value) -> Result<Verdict, Failure> {
    let evidence = EvidenceBuilder::new().document("evidence", "evidence", input.to_string());
    evaluate::<Rego>(evidence, &settings.to_string())
}

/// One module that is asked for `main/deny`.
fn deny(policy: &str, input: Value) -> Result<Verdict, Failure> {
    judge(json!({"policy": policy, "entrypoint": "main/deny"}), input)
}

fn messages(verdict: &Verdict) -> Vec<&str> {
    verdict.violations.iter().map(|violation| violation.message.as_str()).collect()
}

fn other(answer: Result<Verdict, Failure>) -> String {
    match answer {
        Err(Failure::Other(message)) => message,
        unexpected => panic!("{unexpected:?}"),
    }
}

const TOO_BIG: &str = r#"package main

deny contains msg if {
    some name, size in input.sizes
    size > data.most
    msg := sprintf("%s has %d, at most %d are allowed", [name, size, data.most])
}
"#;

#[test]
fn a_policy_denies_by_its_data() {
    let settings = json!({"policy": TOO_BIG, "entrypoint": "main/deny", "data": {"most": 3}});
    let verdict = judge(settings.clone(), json!({"sizes": {"a": 4, "b": 2, "c": 9}})).unwrap();
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(messages(&verdict), ["a has 4, at most 3 are allowed", "c has 9, at most 3 are allowed"]);
    let verdict = judge(settings, json!({"sizes": {"b": 2}})).unwrap();
    assert_eq!((verdict.outcome, verdict.violations.len()), (Outcome::Pass, 0));
}

/// As large as `every` is, for the interpreter loses rules that lean on each other.
#[test]
fn a_package_in_two_modules_is_whole_to_whoever_imports_it() {
    let module = |name: &str| {
        format!(
            "package sizes\n{name} := {{\"ok\": {name}_ok}} if is_array(input.sizes)\n\
             default {name}_ok := false\n{name}_ok if every size in input.sizes {{ size > 0 }}\n"
        )
    };
    let asking =
        "package main\nimport data.sizes\ndeny contains \"a\" if sizes.a.ok\ndeny contains \"b\" if sizes.b.ok";
    let modules = json!({"a.rego": module("a"), "b.rego": module("b"), "main.rego": asking});
    let settings = json!({"modules": modules, "entrypoint": "main/deny"});
    let verdict = judge(settings, json!({"sizes": [1]})).unwrap();
    assert_eq!(messages(&verdict), ["a", "b"]);
    let tests = "package main_test\nimport data.sizes\n\
        test_a if sizes.a.ok with input as {\"sizes\": [1]}\ntest_b if sizes.b.ok with input as {\"sizes\": [1]}\n";
    let modules = json!({"a.rego": module("a"), "b.rego": module("b"), "main_test.rego": tests});
    let verdict = judge(json!({"modules": modules, "run_tests": true}), json!({})).unwrap();
    assert_eq!((verdict.outcome, verdict.title.as_str()), (Outcome::Pass, "0 of 2 tests failed"));
    let about = verdict.violations.iter().filter_map(|violation| violation.subject.as_deref());
    assert!(about.clone().any(|file| file == "a.rego") && about.clone().all(|file| !file.starts_with('<')));
}

#[test]
fn undefined_is_broken_and_names_the_entrypoint() {
    let message = other(judge(
        json!({"policy": "package main\nallow if input.good", "entrypoint": "main/allow", "result": "verdict"}),
        json!({}),
    ));
    assert!(message.contains("main/allow") && message.contains("undefined"), "{message}");
}

#[test]
fn a_builtin_that_fails_is_undefined_as_in_opa() {
    let policy = "package main\ndeny contains \"divided\" if { x := 1 / input.zero; x > 0 }\ndeny contains \"kept\"";
    let verdict = deny(policy, json!({"zero": 0})).unwrap();
    assert_eq!(messages(&verdict), ["kept"]);
}

#[test]
fn builtins_are_those_of_compiled_policies() {
    let policy = "package main\ndeny contains sprintf(\"%v %v %d\", [{2, 1}, [\"a\"], 3.5])";
    assert_eq!(messages(&deny(policy, json!({})).unwrap()), ["{1, 2} [\"a\"] %!d(float64=3.5)"]);
}

#[test]
fn modules_of_several_files_see_each_other() {
    let modules = json!({
        "lib/names.rego": "package lib.names\nlong(name) if count(name) > 5",
        "main.rego": "package main\nimport data.lib.names\ndeny contains name if { some name in input; names.long(name) }",
    });
    let verdict =
        judge(json!({"modules": modules, "entrypoint": "main/deny"}), json!(["short", "much longer"])).unwrap();
    assert_eq!(messages(&verdict), ["much longer"]);
}

#[test]
fn a_whole_package_may_be_the_entrypoint() {
    let policy = "package main\ndeny contains \"no\"\nwarn contains \"well\"\nhelper(x) := x";
    let verdict = judge(json!({"policy": policy, "entrypoint": "main"}), json!({})).unwrap();
    assert_eq!((verdict.outcome, messages(&verdict)), (Outcome::Fail, vec!["no", "well"]));
}

#[test]
fn rego_of_before_opa_1_is_understood_when_told_so() {
    let policy = "package main\ndeny[msg] { input.x > 1; msg := \"old\" }";
    let settings = |version: &str| json!({"policy": policy, "entrypoint": "main/deny", "rego_version": version});
    assert_eq!(messages(&judge(settings("v0"), json!({"x": 2})).unwrap()), ["old"]);
    assert!(matches!(judge(settings("v1"), json!({"x": 2})), Err(Failure::Settings(_))));
}

#[test]
fn every_module_that_does_not_parse_is_named_with_line_and_column() {
    let settings = json!({"modules": {
        "good.rego": "package good\nx := 1",
        "sub/first.rego": "package first\nallow if {\n  x := \n}",
        "second.rego": "package second\ndeny contains",
    }});
    let problems = evaluator_settings_problems::<Rego>(&settings.to_string());
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(places, ["/modules/second.rego", "/modules/sub~1first.rego"]);
    assert!(
        problems[1].message.starts_with("sub/first.rego:4:1: ") || problems[1].message.starts_with("sub/first.rego:3:")
    );
}

#[test]
fn the_network_and_the_host_are_not_there() {
    for call in [
        "http.send({\"method\": \"get\", \"url\": \"http://localhost\"})",
        "opa.runtime()",
        "net.lookup_ip_addr(\"a\")",
    ] {
        let message = other(deny(&format!("package main\ndeny contains x if x := {call}"), json!({})));
        assert!(message.contains("could not find function"), "{message}");
    }
}

#[test]
fn a_plugin_without_a_policy_is_loaded_and_says_what_is_missing_when_it_judges() {
    assert!(evaluator_settings_problems::<Rego>("{}").is_empty());
    assert!(matches!(judge(json!({}), json!({})), Err(Failure::Settings(message)) if message.contains("policy")));
}

#[test]
fn tests_beside_a_policy_are_run_with_their_coverage() {
    let modules = json!({
        "main.rego": "package main\n\nallow if input.good\n\nnever(x) := 2 * x\n",
        "main_test.rego": "package main_test\n\nimport data.main\n\ntest_good if main.allow with input as {\"good\": true}\n\ntest_bad if main.allow with input as {}\n\ntodo_test_later if false\n",
    });
    let verdict = judge(json!({"modules": modules, "run_tests": true}), json!({})).unwrap();
    assert_eq!((verdict.outcome, verdict.title.as_str()), (Outcome::Fail, "1 of 3 tests failed"));
    let shown = |violation: &Violation| {
        let line = violation.location.as_ref().and_then(|location| location.start_line);
        (violation.rule.clone(), violation.subject.clone().unwrap(), line)
    };
    let tests: Vec<_> = verdict.violations.iter().filter(|violation| violation.location.is_some()).map(shown).collect();
    let test = |rule: &str, name: &str, line| (rule.to_owned(), format!("main_test.{name}"), Some(line));
    assert_eq!(
        tests,
        [test("passed", "test_good", 5), test("failed", "test_bad", 7), test("skipped", "todo_test_later", 9)]
    );
    assert_eq!(verdict.violations.iter().filter(|violation| violation.effect == Effect::Deny).count(), 1);
    let lines = |rule: &str| {
        let of_main =
            |violation: &&Violation| violation.rule == rule && violation.subject.as_deref() == Some("main.rego");
        verdict.violations.iter().find(of_main).unwrap().message.clone()
    };
    assert_eq!((lines("covered").as_str(), lines("not-covered").as_str()), ("3", "5"));
}

#[test]
fn a_test_that_cannot_be_evaluated_fails_with_the_reason() {
    let policy = "package main_test\ntest_clash if f(1) == 1\nf(x) := 1\nf(x) := 2\n";
    let verdict = judge(json!({"policy": policy, "run_tests": true}), json!({})).unwrap();
    assert_eq!(verdict.violations[0].rule, "failed");
    assert!(verdict.violations[0].message.contains("policy.rego:"), "{}", verdict.violations[0].message);
}

#[test]
fn a_test_over_every_passes_although_coverage_is_watched() {
    let policy = "package main_test\ntest_all if every x in [1, 2] { x > 0 }\n";
    let verdict = judge(json!({"policy": policy, "run_tests": true}), json!({})).unwrap();
    assert_eq!((verdict.outcome, verdict.title.as_str()), (Outcome::Pass, "0 of 1 tests failed"));
}
