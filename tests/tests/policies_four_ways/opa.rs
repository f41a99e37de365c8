//! The real `opa`: as an evaluator, and as the compiler of bundles.

use super::Engine;
use palisade_tests::opa;
use palisade_tests::policies::{Answer, Case, Policy, RegoVersion};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// `opa eval`, one process for each case.
pub struct Eval(PathBuf);

impl Eval {
    pub fn installed() -> Option<Self> {
        opa::command().map(Self)
    }
}

impl Engine for Eval {
    fn name(&self) -> &'static str {
        "opa eval"
    }

    fn answer(&mut self, policy: &Policy, case: &Case) -> Result<Answer, String> {
        let directory = laid_out(policy, &case.data);
        let mut eval = Command::new(&self.0);
        eval.args(["eval", "--format", "json", "--stdin-input", "--bundle"]).arg(directory.path());
        eval.args(flags(policy)).arg(query(&case.entrypoint));
        eval.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = eval.spawn().expect("opa starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        stdin.write_all(case.input.as_bytes()).expect("opa reads its input");
        drop(stdin);
        let output = child.wait_with_output().expect("opa ends");
        let said: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(said["errors"].to_string());
        }
        let value = said.pointer("/result/0/expressions/0/value");
        Ok(value.map_or(Answer::Undefined, |value| Answer::Value(value.clone())))
    }
}

/// What `opa build` makes of a policy, with all entrypoints that its cases ask.
pub struct Compiled {
    pub wasm: Vec<u8>,
    pub data: Vec<u8>,
}

type Key = (String, String);

/// What was compiled before, by the policy's name and its data: two engines ask for the same.
static COMPILED: Mutex<BTreeMap<Key, Arc<Compiled>>> = Mutex::new(BTreeMap::new());

/// Compiles a policy with the data of a case, once.
pub fn compiled(opa: &Path, policy: &Policy, data: &Value) -> Arc<Compiled> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let built = compiled.entry((policy.name.clone(), data.to_string()));
    Arc::clone(built.or_insert_with(|| Arc::new(build(opa, policy, data))))
}

fn build(opa: &Path, policy: &Policy, data: &Value) -> Compiled {
    let directory = laid_out(policy, data);
    let bundle = directory.path().with_extension("tar.gz");
    let mut arguments = vec!["build", "--target", "wasm", "--bundle", "."];
    arguments.extend(flags(policy));
    let entrypoints: BTreeSet<&str> = policy.cases.iter().map(|case| case.entrypoint.as_str()).collect();
    arguments.extend(entrypoints.iter().flat_map(|entrypoint| ["--entrypoint", entrypoint]));
    let capabilities = palisade_tests::workspace().join("plugins/opa-builtins/capabilities.json");
    let (capabilities, output) = (capabilities.display().to_string(), bundle.display().to_string());
    arguments.extend(["--capabilities", &capabilities, "--output", &output]);
    opa::run(opa, directory.path(), &arguments);
    let archive = std::fs::read(&bundle).expect("opa wrote a bundle");
    std::fs::remove_file(&bundle).expect("the bundle can be removed");
    unpacked(&archive)
}

fn unpacked(archive: &[u8]) -> Compiled {
    let mut compiled = Compiled { wasm: Vec::new(), data: Vec::new() };
    let mut entries = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in entries.entries().expect("a tar archive") {
        let mut entry = entry.expect("a whole archive");
        let path = entry.path().expect("a path").display().to_string();
        let bytes = match path.as_str() {
            "/policy.wasm" => &mut compiled.wasm,
            "/data.json" => &mut compiled.data,
            _ => continue,
        };
        std::io::copy(&mut entry, bytes).expect("a whole entry");
    }
    compiled
}

/// The policy in a directory of its own: cases and tests are left out, and the data is the case's.
fn laid_out(policy: &Policy, data: &Value) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file in the directory")).expect("a directory");
        std::fs::write(path, text).expect("a written file");
    };
    policy.modules.iter().for_each(|(name, text)| write(name, text));
    write("data.json", &data.to_string());
    directory
}

fn flags(policy: &Policy) -> Option<&'static str> {
    (policy.version == RegoVersion::V0).then_some("--v0-compatible")
}

/// `main/deny` is `data["main"]["deny"]`.
fn query(entrypoint: &str) -> String {
    format!("data{}", entrypoint.split('/').map(|part| format!("[{part:?}]")).collect::<String>())
}
