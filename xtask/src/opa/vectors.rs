//! Vectors of the builtins: `plugins/opa-builtins/tests/vectors/<family>.json`.
//!
//! A list of `{"builtin", "args", "result" | "undefined" | "matches"}`. `args` is a Rego array, written by hand; `result`
//! is the value's Rego text as `opa` prints it, so that sets and keys that are no strings survive, with JSON's escapes
//! inside strings. `matches` stands in the place of a result that no two runs share: a pattern for its text.

use super::{Mode, Question, Selection, conclude, eval, files_below, inside, read, rego_text, settle, shown};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const DIRECTORY: &str = "plugins/opa-builtins/tests/vectors";

/// The one builtin of which five inputs cannot be had.
const WITHOUT_ARGUMENTS: &str = "time.now_ns";

/// Builtins that answer whatever they are asked: nothing makes them undefined.
const TOTAL: [&str; 15] = [
    "base64.is_valid",
    "graphql.is_valid",
    "graphql.parse_and_verify",
    "graphql.schema_is_valid",
    "json.is_valid",
    "json.marshal",
    "json.verify_schema",
    "net.cidr_is_valid",
    "regex.is_valid",
    "semver.is_valid",
    "time.now_ns",
    "uri.is_valid",
    "uuid.rfc4122",
    "yaml.is_valid",
    "yaml.marshal",
];

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    builtin: String,
    args: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undefined: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<String>,
    /// Why it is here, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

pub(super) fn run(selection: &Selection) -> Result<()> {
    let (mut findings, mut all) = (Vec::new(), Vec::new());
    let mut families = 0;
    for path in files_below(&inside(DIRECTORY), ".json")? {
        let family = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !selection.wants(&family) {
            continue;
        }
        let vectors: Vec<Vector> = serde_json::from_str(&read(&path)?).with_context(|| shown(&path))?;
        families += 1;
        let (wanted, found) = answers(&path, &vectors, selection.mode()).with_context(|| shown(&path))?;
        findings.extend(found);
        all.extend(wanted);
    }
    // A family's edges stand in a file of their own, so only all of them together can be too few.
    if selection.only.is_none() {
        findings.extend(thin(&all));
    }
    let count = all.len();
    conclude(&findings, &format!("{count} vectors of {families} families are as opa says"))
}

/// The names of all builtins that have vectors.
pub(super) fn builtins() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for path in files_below(&inside(DIRECTORY), ".json")? {
        let vectors: Vec<Vector> = serde_json::from_str(&read(&path)?).with_context(|| shown(&path))?;
        names.extend(vectors.into_iter().map(|vector| vector.builtin));
    }
    Ok(names)
}

/// A file's vectors as `opa` answers them, and what differs from them.
fn answers(path: &Path, vectors: &[Vector], mode: Mode) -> Result<(Vec<Vector>, Vec<String>)> {
    let mut findings = Vec::new();
    let mut wanted = Vec::new();
    for (vector, text) in vectors.iter().zip(ask(vectors)?) {
        match answered(vector, text) {
            Ok(vector) => wanted.push(vector),
            Err(error) => findings.push(format!("{}: {} {}: {error:#}", shown(path), vector.builtin, vector.args)),
        }
    }
    if findings.is_empty() {
        findings = match mode {
            Mode::Check => differences(path, vectors, &wanted),
            Mode::Write => settle(path, &written(&wanted)?, mode)?,
        };
    }
    Ok((wanted, findings))
}

/// Each builtin is shown at least five inputs, one of them undefined.
fn thin(vectors: &[Vector]) -> Vec<String> {
    let mut names: Vec<&str> = vectors.iter().map(|vector| vector.builtin.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let few = |name: &&str| {
        let of: Vec<&Vector> = vectors.iter().filter(|vector| vector.builtin == *name).collect();
        let undefined = of.iter().any(|vector| vector.undefined == Some(true));
        (of.len() < 5 && *name != WITHOUT_ARGUMENTS) || !(undefined || TOTAL.contains(name))
    };
    let said = |name: &str| format!("{name} has fewer than five vectors, or none that is undefined");
    names.into_iter().filter(few).map(said).collect()
}

/// One vector a line: what changed shows in a diff.
fn written(vectors: &[Vector]) -> Result<String> {
    let lines = vectors.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[\n  {}\n]\n", lines.join(",\n  ")))
}

fn differences(path: &Path, held: &[Vector], wanted: &[Vector]) -> Vec<String> {
    let differ = held.iter().zip(wanted).filter(|(held, wanted)| held != wanted);
    let said = |(held, wanted): (&Vector, &Vector)| {
        let told = wanted.result.as_deref().unwrap_or("undefined");
        format!("{}: {} {}: opa says {told}", shown(path), held.builtin, held.args)
    };
    differ.map(said).collect()
}

/// The vector as `opa` answers it.
fn answered(vector: &Vector, text: Option<String>) -> Result<Vector> {
    let mut vector = vector.clone();
    match (&vector.matches, text) {
        (Some(_), None) => bail!("undefined, though a pattern is expected"),
        (Some(pattern), Some(text)) => {
            if !matches_pattern(pattern, &text)? {
                bail!("{text} does not match {pattern}");
            }
        }
        (None, text) => {
            vector.undefined = text.is_none().then_some(true);
            vector.result = text;
        }
    }
    Ok(vector)
}

fn matches_pattern(pattern: &str, text: &str) -> Result<bool> {
    let question = Question {
        query: "regex.match(input.pattern, input.text)".to_owned(),
        files: Vec::new(),
        flags: Vec::new(),
        input: Some(serde_json::json!({"pattern": pattern, "text": text}).to_string()),
    };
    Ok(eval(&question)? == Some(Value::Bool(true)))
}

/// Asks for all of a family at once; absent where a call is undefined.
fn ask(vectors: &[Vector]) -> Result<Vec<Option<String>>> {
    let directory = tempfile::tempdir().context("making a directory for the questions")?;
    let module = directory.path().join("vectors.rego");
    std::fs::write(&module, questions(vectors)).context("writing the questions")?;
    // Version 1 of Rego refuses to call them.
    let is_of_version_0 = vectors.iter().any(|vector| vector.builtin.starts_with("cast_"));
    let flags = if is_of_version_0 { vec!["--v0-compatible"] } else { Vec::new() };
    let question = Question { query: "data.vectors.texts".to_owned(), files: vec![module], flags, input: None };
    let texts = eval(&question)?.context("opa gave no answers")?;
    let text = |index: usize| {
        let text = texts.get(index.to_string())?.as_str()?;
        Some(rego_text::with_json_escapes(&text[1..text.len() - 1]))
    };
    (0..vectors.len()).map(|index| text(index).transpose()).collect()
}

/// A module that calls each builtin. Through a function, whose arguments are of any type to the compiler: wrong types are
/// then the builtin's own failure, as in a policy that reads them from its input. `%v` of an array is Rego text.
fn questions(vectors: &[Vector]) -> String {
    let mut module = "package vectors\n\n".to_owned();
    for (index, Vector { builtin, args, .. }) in vectors.iter().enumerate() {
        let call = (0..rego_text::elements(args)).map(|at| format!("a[{at}]")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(module, "f{index}(a) := {builtin}({call})");
        let _ = writeln!(module, "texts[\"{index}\"] := sprintf(\"%v\", [[f{index}({args})]])");
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(builtin: &str, args: &str, result: Option<&str>) -> Vector {
        let undefined = result.is_none().then_some(true);
        let (builtin, args, result) = (builtin.to_owned(), args.to_owned(), result.map(str::to_owned));
        Vector { builtin, args, result, undefined, matches: None, note: None }
    }

    #[test]
    fn a_builtin_without_an_undefined_vector_is_a_finding() {
        let defined = vector("upper", r#"["a"]"#, Some(r#""A""#));
        let five = vec![defined.clone(); 5];
        assert_eq!(thin(&five).len(), 1);
        let six: Vec<Vector> = five.into_iter().chain([vector("upper", "[1]", None)]).collect();
        assert!(thin(&six).is_empty());
    }

    #[test]
    fn each_vector_is_a_call_with_its_own_arguments() {
        let module = questions(&[vector("sprintf", r#"["%d, %d", [1, 2]]"#, None)]);
        assert!(module.contains("f0(a) := sprintf(a[0], a[1])"), "{module}");
    }
}
