//! The policies of this repository and their cases, as `policies/case.schema.json` has them. Whoever asks an engine gets
//! here what it is asked and what it should say.

use palisade::rego::case::{self, Expected};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where policies with cases lie.
const ROOTS: [&str; 2] = ["policies", "tests/policies"];

/// A policy: a directory laid out as a bundle.
#[derive(Debug)]
pub struct Policy {
    /// From the workspace down, such as `policies/compliance`.
    pub name: String,
    /// Sources by path inside the directory; tests are left out.
    pub modules: BTreeMap<String, String>,
    pub data: Value,
    pub version: RegoVersion,
    pub cases: Vec<Case>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegoVersion {
    V0,
    V1,
}

#[derive(Debug)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    pub entrypoint: String,
    /// The policy's data with the case's own laid over.
    pub data: Value,
    /// As written: numbers may be larger than any of Rust's.
    pub input: String,
    pub answer: Answer,
    /// What Palisade makes of it: `pass`, `warn`, `fail`, `not-applicable`, `broken`.
    pub outcome: Option<String>,
}

/// What an engine says.
#[derive(Clone, Debug)]
pub enum Answer {
    Undefined,
    Value(Value),
}

impl Answer {
    /// From JSON text.
    pub fn parse(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json).map(Self::Value)
    }
}

/// By value: `1.0` is `1`.
impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) => true,
            (Self::Value(left), Self::Value(right)) => case::same(left, right),
            _ => false,
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Value(value) => value.fmt(f),
        }
    }
}

/// Every policy, sorted by name.
pub fn all() -> Vec<Policy> {
    let mut found = Vec::new();
    for root in ROOTS {
        let directories = std::fs::read_dir(crate::workspace().join(root)).expect("the policies are there");
        let directories = directories.map(|entry| entry.expect("a readable entry").path());
        found.extend(directories.filter(|path| path.join("cases").is_dir()).map(|path| policy(&path)));
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}

fn policy(directory: &Path) -> Policy {
    let name = directory.strip_prefix(crate::workspace()).expect("inside the workspace").display().to_string();
    let read =
        |path: &PathBuf| std::fs::read_to_string(path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()));
    let inside = |path: &Path| path.strip_prefix(directory).expect("inside the policy").display().to_string();
    let sources = files(directory, ".rego").into_iter().filter(|path| !inside(path).ends_with("_test.rego"));
    let modules = sources.map(|path| (inside(&path), read(&path))).collect();
    let data_file = directory.join("data.json");
    let data = if data_file.is_file() { parse(&data_file, &read(&data_file)) } else { Value::Object(Map::new()) };
    let cases = case::cases(directory).unwrap_or_else(|error| panic!("{error:#}"));
    let cases = cases.into_iter().map(|written| case(written, &data)).collect();
    Policy { name, modules, data, version: version(directory), cases }
}

/// A bundle's manifest says it; without one it is the newest.
fn version(directory: &Path) -> RegoVersion {
    let manifest = directory.join(".manifest");
    let text = std::fs::read_to_string(&manifest).unwrap_or_else(|_| "{}".to_owned());
    let manifest: Value = parse(&manifest, &text);
    if manifest.get("rego_version").and_then(Value::as_u64) == Some(0) { RegoVersion::V0 } else { RegoVersion::V1 }
}

fn case(written: case::Case, data: &Value) -> Case {
    let case::Case { name, entrypoint, input, expected, outcome, .. } = written;
    let answer = match expected {
        Expected::Value(value) => Answer::Value(value),
        Expected::Undefined => Answer::Undefined,
    };
    let data = case::overlaid(data.clone(), &written.data);
    Case { name, entrypoint, data, input: input.get().to_owned(), answer, outcome }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}
