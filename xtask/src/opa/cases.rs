//! Cases of policies: `policies/<name>/cases/*.json` and `tests/policies/<name>/cases/*.json`.
//!
//! The form is `policies/case.schema.json`. What this never touches: the input, as its author wrote it. Reads the files by
//! itself, for it writes them back, and is built without the host, whose reader is `rego::case`.

use super::{Mode, Question, Selection, conclude, eval, files_below, inside, read, settle, shown};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// Where policies with cases lie.
const ROOTS: [&str; 2] = ["policies", "tests/policies"];

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Case {
    description: String,
    entrypoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    /// As written: numbers may be larger than any of Rust's.
    input: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undefined: Option<bool>,
}

/// Tells `"result": null` from no result.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

struct Policy {
    name: String,
    rego: Vec<PathBuf>,
    data: Value,
    flags: Vec<&'static str>,
    cases: Vec<PathBuf>,
}

pub(super) fn run(selection: &Selection) -> Result<()> {
    let mut findings = Vec::new();
    let (mut policies, mut cases) = (0, 0);
    for directory in directories()? {
        let policy = Policy::read(&directory)?;
        if !selection.wants(&policy.name) {
            continue;
        }
        policies += 1;
        cases += policy.cases.len();
        for case in &policy.cases {
            findings.extend(judge(&policy, case, selection.mode()).with_context(|| shown(case))?);
        }
    }
    conclude(&findings, &format!("{cases} cases of {policies} policies are as opa says"))
}

fn directories() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for root in ROOTS.map(inside) {
        for entry in std::fs::read_dir(&root).with_context(|| format!("reading directory {}", shown(&root)))? {
            let path = entry?.path();
            if path.join("cases").is_dir() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

impl Policy {
    fn read(directory: &Path) -> Result<Self> {
        let rego = files_below(directory, ".rego")?;
        let rego = rego.into_iter().filter(|path| !path.to_string_lossy().ends_with("_test.rego")).collect();
        let data = directory.join("data.json");
        let data =
            if data.is_file() { serde_json::from_str(&read(&data)?)? } else { Value::Object(Default::default()) };
        Ok(Self {
            name: shown(directory),
            rego,
            data,
            flags: if speaks_v0(directory)? { vec!["--v0-compatible"] } else { Vec::new() },
            cases: files_below(&directory.join("cases"), ".json")?,
        })
    }
}

/// A bundle says its version of Rego in its manifest; 1 if it says nothing.
fn speaks_v0(directory: &Path) -> Result<bool> {
    let manifest = directory.join(".manifest");
    if !manifest.is_file() {
        return Ok(false);
    }
    let manifest: Value = serde_json::from_str(&read(&manifest)?)?;
    Ok(manifest.get("rego_version").and_then(Value::as_u64) == Some(0))
}

fn judge(policy: &Policy, path: &Path, mode: Mode) -> Result<Vec<String>> {
    let text = read(path)?;
    let mut case: Case = serde_json::from_str(&text)?;
    let value = ask(policy, &case)?;
    if mode == Mode::Check {
        return Ok(differences(&case, value.as_ref())
            .map(|why| format!("{}: {why}", shown(path)))
            .into_iter()
            .collect());
    }
    case.undefined = value.is_none().then_some(true);
    case.result = value;
    settle(path, &format!("{}\n", serde_json::to_string_pretty(&case)?), mode)
}

fn differences(case: &Case, value: Option<&Value>) -> Option<String> {
    match (&case.result, case.undefined, value) {
        (Some(held), None, Some(value)) if held == value => None,
        (None, Some(true), None) => None,
        (Some(_), Some(_), _) | (None, None | Some(false), _) => {
            Some("a case has either a result or `undefined: true`".to_owned())
        }
        (_, _, Some(value)) => Some(format!("opa eval gives {value}")),
        (_, _, None) => Some("opa eval gives nothing: undefined".to_owned()),
    }
}

fn ask(policy: &Policy, case: &Case) -> Result<Option<Value>> {
    let mut data = policy.data.clone();
    if let Some(above) = case.data.clone() {
        overlay(&mut data, above);
    }
    let directory = tempfile::tempdir().context("making a directory for the data")?;
    let data_file = directory.path().join("data.json");
    std::fs::write(&data_file, data.to_string()).context("writing the data")?;
    eval(&Question {
        query: query(&case.entrypoint)?,
        files: policy.rego.iter().cloned().chain([data_file]).collect(),
        flags: policy.flags.clone(),
        input: Some(case.input.get().to_owned()),
    })
}

/// `main/deny` is `data["main"]["deny"]`.
fn query(entrypoint: &str) -> Result<String> {
    if entrypoint.is_empty() || entrypoint.contains('"') {
        bail!("{entrypoint:?} is no entrypoint; it looks like `compliance/license_report`");
    }
    Ok(format!("data{}", entrypoint.split('/').map(|part| format!("[{part:?}]")).collect::<String>()))
}

/// Objects are merged member by member; anything else replaces what stood there.
fn overlay(data: &mut Value, above: Value) {
    match (data, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                overlay(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_overlay_merges_objects_and_replaces_the_rest() {
        let mut data = json!({"limits": {"high": 1, "low": 9}, "names": ["a"]});
        overlay(&mut data, json!({"limits": {"high": 2, "low": null}, "names": ["b"], "new": 1}));
        assert_eq!(data, json!({"limits": {"high": 2, "low": null}, "names": ["b"], "new": 1}));
    }

    #[test]
    fn an_entrypoint_is_a_path_into_data() {
        assert_eq!(query("main/deny").expect("an entrypoint"), r#"data["main"]["deny"]"#);
        assert!(query(r#"a"]; x["#).is_err());
    }

    #[test]
    fn a_case_with_result_and_undefined_is_a_finding() {
        let both = r#"{"description":"d","entrypoint":"a","input":{},"result":null,"undefined":true}"#;
        let case: Case = serde_json::from_str(both).expect("a case");
        assert!(differences(&case, Some(&Value::Null)).is_some());
    }
}
