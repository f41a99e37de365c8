//! Each policy of the repository answers each of its cases alike, whoever is asked: `opa eval` where it is installed, the
//! plugin `rego`'s interpreter, the component that OPA's compiler and Palisade make of it, and the crate `opa-wasm`
//! where it can. Differences stand in a list here, each with its reason; one that went away is a finding too.

mod capabilities;
mod component;
mod differences;
mod interpreter;
mod opa;
mod oracle;
mod outcomes;

use palisade_tests::policies::{self, Answer, Case, Policy};
use std::collections::BTreeSet;

/// Somebody who can be asked.
trait Engine {
    /// As the list of differences calls it.
    fn name(&self) -> &'static str;

    /// The raw answer of an entrypoint. The error is for people.
    fn answer(&mut self, policy: &Policy, case: &Case) -> Result<Answer, String>;
}

/// Asks about every case of every policy and fails once, with all that differs.
fn hold(engine: &mut dyn Engine) {
    let mut findings = Vec::new();
    let mut differed = BTreeSet::new();
    let mut asked = 0;
    for policy in policies::all() {
        for case in &policy.cases {
            asked += 1;
            let told = engine.answer(&policy, case);
            let id = format!("{}/{}", policy.name, case.name);
            if matches!(&told, Ok(answer) if *answer == case.answer) {
                continue;
            }
            let told = told.map_or_else(|error| error, |answer| answer.to_string());
            if differences::known(engine.name(), &id) {
                differed.insert(id);
            } else {
                findings.push(format!("{id}: {} says {told}, expected {}", engine.name(), case.answer));
            }
        }
    }
    let stale = differences::of(engine.name()).filter(|id| !differed.contains(*id));
    findings.extend(stale.map(|id| format!("{id}: {} no longer differs; strike it from the list", engine.name())));
    assert!(findings.is_empty(), "{} of {asked} cases:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn every_policy_answers_as_opa_eval_does() {
    if let Some(mut opa) = opa::Eval::installed() {
        hold(&mut opa);
    }
}

/// Proves R27.
#[test]
fn every_policy_answers_alike_in_the_interpreter_of_the_plugin_rego() {
    hold(&mut interpreter::Interpreter);
}

/// Proves R27.
#[test]
fn every_policy_answers_alike_as_a_component() {
    if let Some(mut component) = component::Components::installed() {
        hold(&mut component);
    }
}

#[test]
fn every_policy_that_needs_no_builtin_of_its_host_answers_alike_in_the_crate_opa_wasm() {
    let Some(mut oracle) = oracle::OpaWasm::installed() else { return };
    hold(&mut oracle);
    let cases: usize = policies::all().iter().map(|policy| policy.cases.len()).sum();
    let asked = cases - oracle.left_out;
    assert!(asked > 100, "only {asked} of {cases} cases were asked");
}

#[test]
fn there_are_thirty_policies_and_each_has_an_answer_and_none() {
    let policies = policies::all();
    assert!(policies.len() >= 30, "only {}", policies.len());
    for policy in &policies {
        let undefined = |case: &&Case| case.answer == Answer::Undefined;
        assert!(policy.cases.len() >= 3, "{} has fewer than three cases", policy.name);
        assert!(policy.cases.iter().any(|case| undefined(&case)), "{} has no undefined case", policy.name);
        assert!(!policy.cases.iter().all(|case| undefined(&case)), "{} has no answer", policy.name);
    }
}

#[test]
fn every_case_fits_the_schema() {
    let root = palisade_tests::workspace();
    let text = std::fs::read_to_string(root.join("policies/case.schema.json")).expect("the schema");
    let schema = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    for policy in policies::all() {
        for case in &policy.cases {
            let path = root.join(&policy.name).join("cases").join(format!("{}.json", case.name));
            let text = std::fs::read_to_string(&path).expect("the case");
            let instance = serde_json::from_str(&text).expect("JSON");
            let problems: Vec<String> = validator.iter_errors(&instance).map(|problem| problem.to_string()).collect();
            assert!(problems.is_empty(), "{}/{}: {}", policy.name, case.name, problems.join("; "));
        }
    }
}
