//! `palisade policy test`, as people and CI call it.

use palisade_tests::{opa, workspace};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn test(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["policy", "test"])
        .args(arguments)
        .current_dir(directory)
        .env("XDG_CACHE_HOME", workspace().join("target/test-cache"))
        .output()
        .expect("palisade starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything that failed, and what it said.
fn failures(output: &Output) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    let policies = answer["policies"].as_array().expect("policies");
    let tests = policies.iter().flat_map(|policy| policy["tests"].as_array().expect("tests"));
    let failed = tests.filter(|test| test["result"] == "failed");
    failed.map(|test| format!("{}: {}", test["name"], test["message"])).collect()
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().expect("a directory above it")).expect("creating it");
    std::fs::write(path, text).expect("writing a file");
}

const POLICY: &str = "package main\n\ndeny contains \"too many\" if count(input) > data.most\n\nunused(x) := x\n";
const TESTS: &str = "package main_test\n\nimport data.main\n\ntest_few if count(main.deny) == 0 with input as [1]\n";
const CASE: &str = r#"{"description": "Too many", "entrypoint": "main/deny", "input": [1, 2], "result": ["too many"],
    "outcome": "fail"}"#;

fn policy() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    write(directory.path(), "few/main.rego", POLICY);
    write(directory.path(), "few/main_test.rego", TESTS);
    write(directory.path(), "few/data.json", "{\"most\": 1}");
    write(directory.path(), "few/cases/too-many.json", CASE);
    directory
}

#[test]
fn the_default_policies_pass_their_cases_and_their_tests_in_the_plugin_rego() {
    let output = test(&workspace(), &["policies", "--format", "json"]);
    assert_eq!(failures(&output), Vec::<String>::new());
}

#[test]
fn the_default_policies_pass_their_tests_in_opa() {
    let Some(opa) = opa::command() else { return };
    for policy in ["compliance", "deny-packages", "cyclonedx-inventory"] {
        opa::run(&opa, &workspace(), &["test", "--bundle", &format!("policies/{policy}")]);
    }
}

#[test]
fn the_default_policies_pass_their_cases_as_opa_compiles_them() {
    let Some(opa) = opa::command() else { return };
    let output = Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["policy", "test", "policies/compliance", "--compiled", "--format", "json", "--run", "c0"])
        .current_dir(workspace())
        .env("PALISADE_OPA", opa)
        .output()
        .expect("palisade starts");
    assert_eq!(failures(&output), Vec::<String>::new());
    assert!(text(&output.stdout).contains("compiled_case"), "{}", text(&output.stderr));
}

#[test]
fn a_directory_of_policies_is_told_as_a_table_with_the_lines_that_no_test_runs() {
    let directory = policy();
    let output = test(directory.path(), &["."]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    assert!(told.contains("few") && told.contains("main.rego:5"), "{told}");
    let output = test(directory.path(), &[".", "--threshold", "90"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("90 % are asked for"), "{}", text(&output.stderr));
}

#[test]
fn what_fails_is_named_with_its_place_and_the_exit_code_is_1() {
    let directory = policy();
    write(directory.path(), "few/data.json", "{\"most\": 0}");
    let wrong = CASE.replace("[\"too many\"]", "[]");
    write(directory.path(), "few/cases/too-many.json", &wrong);
    let output = test(directory.path(), &["few"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("main_test.test_few\n  main_test.rego:5\n    is not true"), "{told}");
    assert!(told.contains("it answers [\"too many\"]\n    expected []"), "{told}");
    let junit = text(&test(directory.path(), &["few", "--format", "junit"]).stdout);
    assert!(junit.contains("tests=\"2\"") && junit.contains("failures=\"2\""), "{junit}");
}

#[test]
fn what_cannot_be_tested_says_why_and_the_exit_code_is_2() {
    let directory = policy();
    write(directory.path(), "broken/main.rego", "package main\n\ndeny contains if {");
    write(directory.path(), "odd/main.rego", POLICY);
    write(directory.path(), "odd/cases/one.json", "{\"description\": \"d\"}");
    for (arguments, said) in [
        (["nowhere"].as_slice(), "nowhere"),
        (&["broken"], "main.rego:3:"),
        (&["odd"], "one.json"),
        (&["few", "--run", "something else"], "whose name contains \"something else\""),
    ] {
        let output = test(directory.path(), arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}
