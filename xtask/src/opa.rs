//! What the real `opa` says, kept as data: results of the policies' cases, vectors of the builtins, the capabilities.
//!
//! Each task compares what is checked in with what `opa` gives, or writes it anew. Nothing here runs Palisade.

mod capabilities;
mod cases;
mod rego_text;
mod vectors;

use crate::tools;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[derive(Subcommand)]
pub enum Task {
    /// Hold the `result` of every policy's cases against `opa eval`, or write them.
    Cases(Selection),
    /// Hold the vectors of the builtins against `opa eval`, or write them.
    Vectors(Selection),
    /// Hold `plugins/opa-builtins/capabilities.json` against `opa capabilities`, or write it.
    Capabilities(Selection),
}

#[derive(Args)]
pub struct Selection {
    /// Fail where something differs; the default.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Write what `opa` says.
    #[arg(long)]
    write: bool,
    /// Only the policies or families whose name contains this.
    only: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Check,
    Write,
}

impl Selection {
    fn mode(&self) -> Mode {
        if self.write { Mode::Write } else { Mode::Check }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|part| name.contains(part))
    }
}

pub fn run(task: &Task) -> Result<()> {
    match task {
        Task::Cases(selection) => cases::run(selection),
        Task::Vectors(selection) => vectors::run(selection),
        Task::Capabilities(selection) => capabilities::run(selection),
    }
}

/// One question to `opa eval`: the input goes through standard input.
struct Question {
    query: String,
    files: Vec<PathBuf>,
    flags: Vec<&'static str>,
    input: Option<String>,
}

/// The value of a query, absent where it is undefined.
fn eval(question: &Question) -> Result<Option<Value>> {
    let mut command = Command::new("opa");
    command.args(["eval", "--format", "json"]).args(&question.flags);
    for file in &question.files {
        command.arg("--data").arg(file);
    }
    if question.input.is_some() {
        command.arg("--stdin-input");
    }
    let output = answer(command.arg(&question.query), question.input.as_deref())?;
    let said: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("reading what opa eval says: {}", String::from_utf8_lossy(&output.stderr)))?;
    if !output.status.success() {
        bail!("opa eval {}: {}", question.query, said.get("errors").unwrap_or(&said));
    }
    Ok(said.pointer("/result/0/expressions/0/value").cloned())
}

fn answer(command: &mut Command, input: Option<&str>) -> Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("starting opa: it is not on PATH; `cargo xtask setup` installs it")?;
    let mut stdin = child.stdin.take().expect("standard input is piped above");
    stdin.write_all(input.unwrap_or_default().as_bytes()).context("handing the input to opa")?;
    drop(stdin);
    child.wait_with_output().context("waiting for opa")
}

/// A path inside the workspace.
fn inside(path: &str) -> PathBuf {
    tools::workspace().join(path)
}

/// A path as people know it: from the workspace down.
fn shown(path: &Path) -> String {
    path.strip_prefix(tools::workspace()).unwrap_or(path).display().to_string()
}

/// Files below a directory with this ending, sorted.
fn files_below(directory: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading directory {}", shown(directory)))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path, ending)?);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", shown(path)))
}

/// Writes in one mode; in the other, says whether the file already holds this.
fn settle(path: &Path, wanted: &str, mode: Mode) -> Result<Vec<String>> {
    let held = std::fs::read_to_string(path).unwrap_or_default();
    if held == wanted {
        return Ok(Vec::new());
    }
    match mode {
        Mode::Check => Ok(vec![format!("{} differs from what opa says", shown(path))]),
        Mode::Write => {
            std::fs::write(path, wanted).with_context(|| format!("writing {}", shown(path)))?;
            eprintln!("wrote {}", shown(path));
            Ok(Vec::new())
        }
    }
}

/// All findings at once.
fn conclude(findings: &[String], summary: &str) -> Result<()> {
    if findings.is_empty() {
        println!("{summary}");
        return Ok(());
    }
    bail!("{}\n{}; `--write` takes over what opa says", findings.join("\n"), findings.len())
}
