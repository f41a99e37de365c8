//! `palisade policy …`. `build`: from Rego, an OPA bundle or an OPA module to a component that runs like any plugin;
//! `capabilities`: what such a policy may use; `test`: stands below.

mod test;

pub use test::{TestOptions, test};

use super::opa_data::OpaData;
use crate::app;
use crate::model::{Digest, PluginName};
use crate::plugins::{self, Component, Opened, PluginConfig, PluginSource};
use crate::runtime::{LimitOverrides, PluginOptions, Runtime, RuntimeOptions};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

/// What policies get here, in the form that `opa build --capabilities` takes.
const CAPABILITIES: &str = include_str!("../../../plugins/opa-builtins/capabilities.json");

#[derive(Debug, Args)]
pub struct BuildOptions {
    /// A directory of Rego files, an OPA bundle (`.tar.gz`), or an OPA module (`policy.wasm`).
    policy: PathBuf,
    /// Rules to build from a directory, such as `compliance/license_report`. Default: what its annotations name.
    #[arg(long, short, value_name = "PATH")]
    entrypoint: Vec<String>,
    /// Where to write the component. Default: the policy's name with `.wasm`, here.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    opa: OpaData,
}

pub fn capabilities() -> ExitCode {
    print!("{CAPABILITIES}");
    ExitCode::SUCCESS
}

pub async fn build(options: &BuildOptions) -> Result<ExitCode> {
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let compiled = match options.policy.is_dir() {
        true => Some(compile(&options.policy, &options.entrypoint, scratch.path())?),
        false => None,
    };
    if let (true, Some(version)) = (compiled.is_some(), version(&crate::config::opa_command())) {
        eprintln!("compiled {} with opa {version}", options.policy.display());
    }
    let output = output(options)?;
    let config = config(options, compiled.as_deref().unwrap_or(&options.policy))?;
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let (_, opened) = plugins::open(&runtime, &config, &app::first_party()).await;
    let opened = opened.map_err(|broken| anyhow::anyhow!("{}", told(&broken)))?;
    let Opened::Component(component @ Component { label: Some(_), .. }) = opened else {
        bail!("{} holds no OPA module; there is nothing to build", options.policy.display());
    };
    // What is written can be loaded.
    let loaded = runtime.load(&config.name, &component.wasm, &PluginOptions::default()).await;
    loaded.map_err(|broken| anyhow::anyhow!("{}", told(&broken)))?;
    std::fs::write(&output, &component.wasm).with_context(|| format!("writing {}", output.display()))?;
    tell(&output, &component, &config.name);
    Ok(ExitCode::SUCCESS)
}

fn tell(output: &Path, component: &Component<'_>, name: &PluginName) {
    let (size, digest) = (component.wasm.len(), Digest::of(&component.wasm));
    println!("{}: {size} bytes, sha256 {digest}", output.display());
    let entrypoints = component.label.iter().flat_map(|label| &label.entrypoints);
    entrypoints.for_each(|entrypoint| println!("entrypoint {entrypoint}"));
    eprintln!("it runs like any plugin:\n\n  [plugins.{name}]\n  file = \"{}\"", output.display());
}

/// Compiles a directory by the `opa` command.
fn compile(policy: &Path, entrypoints: &[String], scratch: &Path) -> Result<PathBuf> {
    let opa = crate::config::opa_command();
    let directory = policy.display();
    if version(&opa).is_none() {
        bail!(
            "the command `{}` is not there, and only OPA compiles Rego to WebAssembly; {directory} runs as it is, by the \
             plugin `rego`:\n\n  [plugins.{}]\n  file = \"{directory}\"\n",
            opa.display(),
            name(policy)?
        );
    }
    let (bundle, capabilities) = (scratch.join("bundle.tar.gz"), scratch.join("capabilities.json"));
    std::fs::write(&capabilities, CAPABILITIES).with_context(|| format!("writing {}", capabilities.display()))?;
    let mut command = Command::new(&opa);
    command.args(["build", "--target", "wasm", "--bundle", "--ignore", "*_test.rego"]);
    // What is missing here is then told by line and column.
    command.arg("--capabilities").arg(&capabilities).arg("--output").arg(&bundle);
    for entrypoint in entrypoints {
        command.arg("--entrypoint").arg(entrypoint);
    }
    let Output { status, stdout, stderr } = command.arg(policy).output().context("starting opa")?;
    if !status.success() {
        let said = [stdout, stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let hint =
            if said.contains("entrypoint") { "; name one with -e, such as -e compliance/license_report" } else { "" };
        bail!("opa build: {}{hint}", said.trim());
    }
    Ok(bundle)
}

fn version(opa: &Path) -> Option<String> {
    let output = Command::new(opa).arg("version").output().ok().filter(|output| output.status.success())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().find_map(|line| line.strip_prefix("Version: ")).map(str::to_owned)
}

/// The policy's name without what says how it is packed.
fn name(policy: &Path) -> Result<PluginName> {
    let whole = policy.canonicalize().with_context(|| format!("reading {}", policy.display()))?;
    let file = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let stem = [".tar.gz", ".tgz", ".wasm"].iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(&file);
    Ok(PluginName::parse(stem).or_else(|_| PluginName::parse("policy"))?)
}

fn output(options: &BuildOptions) -> Result<PathBuf> {
    let output = match &options.output {
        Some(output) => output.clone(),
        None => PathBuf::from(format!("{}.wasm", name(&options.policy)?)),
    };
    let itself =
        output.canonicalize().ok().is_some_and(|path| options.policy.canonicalize().is_ok_and(|it| it == path));
    ensure!(!itself, "{} would be overwritten by its own component; name another file with -o", output.display());
    Ok(output)
}

fn config(options: &BuildOptions, file: &Path) -> Result<PluginConfig> {
    Ok(PluginConfig {
        name: name(&options.policy)?,
        source: PluginSource::File(file.to_owned()),
        grants: Default::default(),
        limits: LimitOverrides::default(),
        settings: Value::Null,
        bind: Vec::new(),
        opa: options.opa.options(),
    })
}

fn told(broken: &crate::model::Broken) -> String {
    match &broken.hint {
        Some(hint) => format!("{}; {hint}", broken.message),
        None => broken.message.clone(),
    }
}
