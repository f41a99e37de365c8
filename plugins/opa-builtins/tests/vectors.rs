//! Every builtin answers as `opa eval` did when the vectors were written. `cargo xtask opa vectors` holds the vectors
//! against the real `opa`; this test holds the builtins against the vectors.

use std::{fs, path::Path};

use palisade_plugin_opa_builtins::{Context, call, text};
use regex::Regex;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    builtin: String,
    args: String,
    result: Option<String>,
    #[serde(default)]
    undefined: bool,
    matches: Option<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

/// 2027-01-01T00:00:00Z: vectors hold from then on until 2099, and those that depend on another time name it.
const NOW_NS: i128 = 1_798_761_600_000_000_000;

#[test]
fn every_builtin_answers_as_opa_does() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut findings = Vec::new();
    for entry in fs::read_dir(&directory).expect("the vectors stand beside this test") {
        let path = entry.expect("an entry").path();
        let vectors: Vec<Vector> =
            serde_json::from_str(&fs::read_to_string(&path).expect("a readable file")).expect("a list of vectors");
        findings.extend(vectors.iter().filter_map(finding));
    }
    assert!(findings.is_empty(), "{} differ from opa:\n{}", findings.len(), findings.join("\n"));
}

/// What a vector's builtin answers, where that is not what `opa` answered.
fn finding(vector: &Vector) -> Option<String> {
    let arguments = match text::parse(&vector.args).expect("arguments are Rego text") {
        palisade_plugin_opa_builtins::Value::Array(arguments) => arguments,
        _ => panic!("arguments are an array: {}", vector.args),
    };
    let answer = call(&Context::at(NOW_NS), &vector.builtin, &arguments);
    let is_same = match (&answer, &vector.result) {
        (Ok(value), Some(result)) => {
            text::parse(result).is_ok_and(|expected| text::write(value) == text::write(&expected))
        }
        (Ok(value), None) => vector.matches.as_deref().is_some_and(|pattern| fits(pattern, &text::write(value))),
        (Err(_), result) => result.is_none() && vector.undefined,
    };
    let shown = match &answer {
        Ok(value) => text::write(value),
        Err(fault) => format!("undefined: {fault}"),
    };
    let expected = vector.result.as_deref().or(vector.matches.as_deref()).unwrap_or("undefined");
    (!is_same).then(|| format!("{} {}\n  is  {shown}\n  not {expected}", vector.builtin, vector.args))
}

fn fits(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).expect("`matches` is a pattern").is_match(text)
}
