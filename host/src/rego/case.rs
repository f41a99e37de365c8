//! Cases of a policy: an input document, and what an entrypoint answers. `policies/case.schema.json` describes the files.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::path::Path;

/// One file of a policy's directory `cases`.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's name without `.json`.
    pub name: String,
    pub description: String,
    pub entrypoint: String,
    /// Laid over the policy's own data.
    pub data: Map<String, Value>,
    /// As written: numbers may be larger than any of Rust's.
    pub input: Box<RawValue>,
    pub expected: Expected,
    /// What Palisade makes of it: `pass`, `warn`, `fail`, `not-applicable` or `broken`.
    pub outcome: Option<String>,
}

/// What an entrypoint answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    Undefined,
    /// As JSON; a set is an array in order.
    Value(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: String,
    entrypoint: String,
    #[serde(default)]
    data: Map<String, Value>,
    input: Box<RawValue>,
    /// A result of null is a result.
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    undefined: Option<bool>,
    outcome: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The cases that stand in `directory/cases`, by name; none where there is no such directory.
pub fn cases(directory: &Path) -> Result<Vec<Case>> {
    let directory = directory.join("cases");
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))? {
        let path = entry.with_context(|| format!("reading {}", directory.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            cases.push(case(&path).with_context(|| format!("reading {}", path.display()))?);
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

fn case(path: &Path) -> Result<Case> {
    let bytes = super::bundle::read_file(path, super::caps::UNPACKED_BYTES)?;
    let file: File = serde_json::from_slice(&bytes)?;
    let expected = match (file.result, file.undefined) {
        (Some(result), None) => Expected::Value(result),
        (None, Some(true)) => Expected::Undefined,
        _ => bail!("it says neither `result` nor `undefined: true`, or both"),
    };
    let known = ["pass", "warn", "fail", "not-applicable", "broken"];
    if let Some(outcome) = &file.outcome {
        ensure!(known.contains(&outcome.as_str()), "`outcome` is {outcome:?}, none of {}", known.join(", "));
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let File { description, entrypoint, data, input, outcome, .. } = file;
    Ok(Case { name, description, entrypoint, data, input, expected, outcome })
}

/// Data with an overlay: objects member by member, anything else in the place of what stood there.
pub fn overlaid(mut data: Value, overlay: &Map<String, Value>) -> Value {
    let Value::Object(members) = &mut data else { return Value::Object(overlay.clone()) };
    for (key, value) in overlay {
        let merged = match (members.remove(key), value) {
            (Some(below @ Value::Object(_)), Value::Object(above)) => overlaid(below, above),
            _ => value.clone(),
        };
        members.insert(key.clone(), merged);
    }
    data
}

/// Whether two answers say the same: numbers by value, everything else as it stands.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (fits_a_float(one) && one.as_f64() == other.as_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|known| same(value, known)))
        }
        _ => one == other,
    }
}

/// Larger whole numbers are compared exactly.
fn fits_a_float(number: &Number) -> bool {
    number.as_f64().is_some_and(|value| value.abs() < 2_f64.powi(53))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_overlay_replaces_what_it_names_and_keeps_the_rest() {
        let data = json!({"limits": {"high": 1, "low": [1, 2]}, "other": true});
        let overlay = json!({"limits": {"low": [3]}, "new": {"a": 1}});
        let expected = json!({"limits": {"high": 1, "low": [3]}, "other": true, "new": {"a": 1}});
        assert_eq!(overlaid(data, overlay.as_object().unwrap()), expected);
    }

    #[test]
    fn answers_are_compared_by_value_and_large_numbers_exactly() {
        assert!(same(&json!([1, 2.0]), &json!([1.0, 2])));
        assert!(!same(&json!(9007199254740993_u64), &json!(9007199254740992_u64)));
    }

    #[test]
    fn a_case_says_either_a_result_or_undefined() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("cases");
        std::fs::create_dir(&folder).unwrap();
        let write = |text: &str| std::fs::write(folder.join("one.json"), text).unwrap();
        write(r#"{"description": "d", "entrypoint": "a/b", "input": {}, "result": null}"#);
        assert_eq!(cases(directory.path()).unwrap()[0].expected, Expected::Value(Value::Null));
        write(r#"{"description": "d", "entrypoint": "a/b", "input": {}, "undefined": true}"#);
        assert_eq!(cases(directory.path()).unwrap()[0].expected, Expected::Undefined);
        for wrong in [r#"{"description": "d", "entrypoint": "a/b", "input": {}}"#, r#"{"entrypoint": 3}"#] {
            write(wrong);
            let error = format!("{:#}", cases(directory.path()).unwrap_err());
            assert!(error.contains("one.json"), "{error}");
        }
    }
}
