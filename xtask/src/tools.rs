//! The tools that the stages call: cargo, rustup, npm, cargo-deny, opa.

use crate::stages::Outcome;
use anyhow::{Context, Result, anyhow, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The release of OPA that the tests were written with.
const OPA: &str = "github.com/open-policy-agent/opa@v1.22.2";

const WASM_TARGET: &str = "wasm32-wasip2";

pub fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

pub fn cargo(arguments: &[&str]) -> Result<Outcome> {
    run(Command::new(cargo_program()).args(arguments))
}

/// Runs a command in the workspace, shows it, and fails if it fails.
pub fn run(command: &mut Command) -> Result<Outcome> {
    let shown = show(command);
    eprintln!("$ {shown}");
    let status = command.current_dir(workspace()).status().with_context(|| format!("starting {shown}"))?;
    if status.success() { Ok(Outcome::Done) } else { bail!("{shown} ended with {status}") }
}

pub fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let program = words[0].rsplit('/').next().unwrap_or_default().to_owned();
    std::iter::once(program).chain(words[1..].iter().cloned()).collect::<Vec<_>>().join(" ")
}

pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

pub fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Whether a program can be started.
pub fn available(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Something could not be had. Locally a loud line; in CI, where the registries hold it, a failure.
pub fn skipped(what: &str) -> Result<Outcome> {
    if std::env::var_os("CI").is_some() {
        bail!("{what} (a skip is a failure in CI)");
    }
    eprintln!("SKIPPED {what}");
    Ok(Outcome::Skipped)
}

/// Adds the target that plugins are built for, if it is missing.
pub fn wasm_target() -> Result<Outcome> {
    let sysroot =
        Command::new("rustc").args(["--print", "sysroot"]).output().context("asking rustc for its sysroot")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    if sysroot.join("lib/rustlib").join(WASM_TARGET).join("lib").is_dir() {
        eprintln!("{WASM_TARGET} is there");
        return Ok(Outcome::Done);
    }
    run(Command::new("rustup").args(["target", "add", WASM_TARGET])).map_err(|error| {
        anyhow!("the target {WASM_TARGET} is missing and could not be added ({error:#}); plugins cannot be built")
    })
}

/// Where `opa` is: named by `PALISADE_OPA`, on the search path, or installed here before.
pub fn opa() -> Option<PathBuf> {
    let named = std::env::var_os("PALISADE_OPA").map(PathBuf::from);
    [named, Some("opa".into()), Some(installed_opa())].into_iter().flatten().find(|opa| {
        let mut version = Command::new(opa);
        version.arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })
}

fn installed_opa() -> PathBuf {
    target_directory().join("tools").join("bin").join("opa")
}

/// Installs `opa` where it is missing and Go is there.
pub fn install_opa() -> Result<Outcome> {
    if let Some(opa) = opa() {
        eprintln!("{} is there", opa.display());
        return Ok(Outcome::Done);
    }
    let without = "tests that compare with OPA, compile Rego or ask an OPA server are skipped";
    let go = Command::new("go").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !go.is_ok_and(|status| status.success()) {
        return skipped(&format!("OPA: neither `opa` nor `go`, which could install it, is there; {without}"));
    }
    eprintln!("opa is missing; installing {OPA} (some minutes)");
    let directory = target_directory().join("tools").join("bin");
    // A tool for tests needs no C compiler.
    let mut install = Command::new("go");
    install.args(["install", OPA]).env("GOBIN", &directory).env("CGO_ENABLED", "0");
    run(&mut install).or_else(|error| skipped(&format!("OPA: {error:#}; {without}")))
}

/// Licences, bans and sources; advisories too, if their database can be reached.
pub fn deny() -> Result<Outcome> {
    if !available("cargo-deny") {
        eprintln!("cargo-deny is missing; installing it from crates.io (some minutes)");
        if let Err(error) = cargo(&["install", "--quiet", "--locked", "--no-default-features", "cargo-deny"]) {
            return skipped(&format!("cargo deny: {error:#}"));
        }
    }
    cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"])?;
    let advisories = Command::new("cargo")
        .args(["deny", "--log-level", "error", "check", "advisories"])
        .current_dir(workspace())
        .output()
        .context("starting cargo deny")?;
    let said = String::from_utf8_lossy(&advisories.stderr).into_owned();
    if advisories.status.success() {
        eprintln!("advisories: none");
        Ok(Outcome::Done)
    } else if said.contains("failed to fetch") || said.contains("failed to load advisory database") {
        // Their database is a git repository, not a registry's package: out of reach in many a CI.
        eprintln!("SKIPPED advisories: the advisory database cannot be reached");
        Ok(Outcome::Skipped)
    } else {
        bail!("advisories:\n{said}")
    }
}
