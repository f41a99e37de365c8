//! `plugins/opa-builtins/capabilities.json`: OPA's own, less what neither its modules carry nor Palisade provides.
//!
//! What a module carries is found out, not listed: a policy that calls every builtin is compiled, and those whose names
//! stand in the module are the ones that it asks its host for. What Palisade provides is what has vectors; a test of the
//! builtins' crate holds its registry against these.

use super::{Selection, answer, conclude, inside, settle, vectors};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const FILE: &str = "plugins/opa-builtins/capabilities.json";

/// What OPA's compiler writes out itself; as calls they do not compile.
const CONSTRUCTS: [&str; 5] = ["assign", "eq", "print", "internal.print", "internal.test_case"];

/// The versions of the module interface that the room `rego` of the host reads: 1.0 to 1.3.
const MINOR_VERSIONS: [u32; 4] = [0, 1, 2, 3];

pub(super) fn run(selection: &Selection) -> Result<()> {
    let mut capabilities = current()?;
    let provided = vectors::builtins()?;
    let asked = asked_of_the_host(builtins(&capabilities)?)?;
    let known = |builtin: &Value| {
        let name = name(builtin);
        !asked.contains(name) || provided.contains(name)
    };
    let kept: Vec<Value> = builtins(&capabilities)?.iter().filter(|builtin| known(builtin)).cloned().collect();
    let summary = format!(
        "{} builtins: {} inside every module, {} of Palisade; refused: {}",
        kept.len(),
        kept.iter().filter(|builtin| !asked.contains(name(builtin))).count(),
        kept.iter().filter(|builtin| asked.contains(name(builtin))).count(),
        asked.iter().filter(|name| !provided.contains(*name)).cloned().collect::<Vec<_>>().join(", "),
    );
    capabilities["builtins"] = kept.iter().map(without_prose).collect();
    capabilities["allow_net"] = json!([]);
    capabilities["wasm_abi_versions"] =
        MINOR_VERSIONS.iter().map(|minor| json!({"version": 1, "minor_version": minor})).collect();
    conclude(&settle(&inside(FILE), &written(&capabilities)?, selection.mode())?, &summary)
}

/// What only people read is most of the file, and stands in OPA's manual.
fn without_prose(declaration: &Value) -> Value {
    match declaration {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !matches!(key.as_str(), "description" | "categories"));
            kept.map(|(key, value)| (key.clone(), without_prose(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_prose).collect(),
        other => other.clone(),
    }
}

/// One builtin a line: what another version of OPA brings shows in a diff.
fn written(capabilities: &Value) -> Result<String> {
    let lines = builtins(capabilities)?.iter().map(|builtin| format!("    {builtin}")).collect::<Vec<_>>();
    let mut rest = capabilities.as_object().context("opa's capabilities are no object")?.clone();
    rest.remove("builtins");
    let rest: Vec<String> = rest.iter().map(|(key, value)| format!("  {key:?}: {value}")).collect();
    Ok(format!("{{\n  \"builtins\": [\n{}\n  ],\n{}\n}}\n", lines.join(",\n"), rest.join(",\n")))
}

fn current() -> Result<Value> {
    let output = answer(Command::new("opa").args(["capabilities", "--current"]), None)?;
    serde_json::from_slice(&output.stdout).context("reading what opa capabilities says")
}

fn builtins(capabilities: &Value) -> Result<&Vec<Value>> {
    capabilities["builtins"].as_array().context("opa's capabilities have no list of builtins")
}

fn name(builtin: &Value) -> &str {
    builtin["name"].as_str().unwrap_or_default()
}

/// The builtins that a module which calls all of them imports.
fn asked_of_the_host(builtins: &[Value]) -> Result<BTreeSet<String>> {
    let directory = tempfile::tempdir().context("making a directory for the probe")?;
    std::fs::write(directory.path().join("probe.rego"), probe(builtins)).context("writing the probe")?;
    let module = module(directory.path())?;
    let stands = |name: &str| {
        let text = [b"\0", name.as_bytes(), b"\0"].concat();
        module.windows(text.len()).any(|window| window == text)
    };
    Ok(builtins.iter().map(name).filter(|name| stands(name)).map(str::to_owned).collect())
}

/// In version 0 of Rego, which still knows the deprecated ones.
fn probe(builtins: &[Value]) -> String {
    let mut text = "package probe\n\n".to_owned();
    let callable = builtins.iter().filter(|builtin| !CONSTRUCTS.contains(&name(builtin)));
    for (index, builtin) in callable.enumerate() {
        let count = builtin["decl"]["args"].as_array().map_or(0, Vec::len);
        let arguments = (0..count).map(|at| format!("input.a{at}")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "r{index} = x {{ x := {}({arguments}) }}", name(builtin));
    }
    text
}

fn module(directory: &Path) -> Result<Vec<u8>> {
    let bundle = directory.join("probe.tar.gz");
    let mut build = Command::new("opa");
    build.args(["build", "--target", "wasm", "--v0-compatible", "--entrypoint", "probe", "--output"]);
    let output = answer(build.arg(&bundle).arg(directory.join("probe.rego")), None)?;
    if !output.status.success() {
        bail!("opa build of the probe: {}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    let mut tar = Command::new("tar");
    let unpacked = answer(tar.arg("-xzOf").arg(&bundle).arg("/policy.wasm"), None)?;
    Ok(unpacked.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_holds_each_builtin_on_a_line_and_nothing_to_read() {
        let one = without_prose(&json!({"name": "a", "description": "d", "decl": {"args": [{"description": "d"}]}}));
        let text = written(&json!({"builtins": [one], "features": ["x"]})).expect("a text");
        let line = r#"{"decl":{"args":[{}]},"name":"a"}"#;
        assert_eq!(text, format!("{{\n  \"builtins\": [\n    {line}\n  ],\n  \"features\": [\"x\"]\n}}\n"));
    }

    #[test]
    fn the_probe_calls_each_builtin_with_as_many_arguments_as_it_takes() {
        let builtins = [
            json!({"name": "assign", "decl": {"args": [{}, {}]}}),
            json!({"name": "time.now_ns", "decl": {}}),
            json!({"name": "indexof_n", "decl": {"args": [{}, {}]}}),
        ];
        let text = probe(&builtins);
        assert!(text.contains("r0 = x { x := time.now_ns() }\nr1 = x { x := indexof_n(input.a0, input.a1) }"), "{text}");
        assert!(!text.contains("assign"));
    }
}
