//! The glue with modules made by hand.

use crate::{Module, OpaPolicy};
use palisade_plugin::Failure;
use palisade_plugin_policy_evaluator::Policy;

/// Answers each input with the text of it, whatever the entrypoint.
struct Echo(&'static str);

impl Module for Echo {
    fn entrypoints(&self) -> String {
        self.0.to_owned()
    }
    fn eval(&self, entrypoint: i32, input: &[u8]) -> Vec<u8> {
        assert_eq!(entrypoint, 7);
        input.to_vec()
    }
}

fn ask(input: &str) -> Result<Option<String>, String> {
    let policy = OpaPolicy::new(Echo(r#"{"main/deny": 7}"#)).unwrap_or_else(|failure| panic!("{failure:?}"));
    policy.ask("main/deny", input.as_bytes().to_vec())
}

#[test]
fn the_entrypoints_of_the_module_are_shown_as_properties() {
    let policy = OpaPolicy::new(Echo(r#"{"b/deny": 1, "a/deny": 0}"#)).unwrap_or_else(|failure| panic!("{failure:?}"));
    let entrypoint = |name: &str| ("entrypoint".to_owned(), name.to_owned());
    assert_eq!(policy.describe().properties, [entrypoint("a/deny"), entrypoint("b/deny")]);
    assert_eq!(policy.entrypoints(), Some(vec!["a/deny".to_owned(), "b/deny".to_owned()]));
}

#[test]
fn an_empty_result_set_is_undefined_and_null_is_a_value() {
    assert_eq!(ask("[]"), Ok(None));
    assert_eq!(ask(r#"[{"result": null}]"#), Ok(Some("null".to_owned())));
    assert_eq!(ask(r#"[{"result": {"compliant":  true}}]"#), Ok(Some(r#"{"compliant":true}"#.to_owned())));
    assert_eq!(ask("set()"), Ok(None));
    assert_eq!(ask(r#"{{"result": {"b", "a", [2, 1]}}}"#), Ok(Some(r#"["a","b",[2,1]]"#.to_owned())));
}

#[test]
fn an_answer_that_is_no_result_set_is_a_sentence() {
    for nonsense in ["", "{}", "[3]", r#"[{"answer": 1}]"#, "\u{0}"] {
        let error = ask(nonsense).unwrap_err();
        assert!(error.starts_with("the policy's answer is no result set: "), "{nonsense:?}: {error}");
    }
}

#[test]
fn entrypoints_that_are_no_numbers_are_refused() {
    for nonsense in ["", "[]", r#"{"main": "0"}"#, r#"{"main": 4294967296}"#] {
        let refused = OpaPolicy::new(Echo(nonsense)).err();
        assert!(matches!(refused, Some(Failure::Other(_))), "{nonsense}: {refused:?}");
    }
}

#[test]
fn an_entrypoint_that_the_module_lacks_is_not_asked() {
    let policy = OpaPolicy::new(Echo(r#"{"main/deny": 7}"#)).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(policy.ask("main/warn", Vec::new()), Err("the policy has no such entrypoint".to_owned()));
}
