//! `palisade policy test`: the rules whose names begin with `test_`, and the cases beside the policy. Everything runs in
//! the plugin `rego`, and on request in the policy as OPA compiles it, with the limits and the verdicts of the host.

mod stand_in;
mod suite;

use crate::app;
use crate::config::Config;
use crate::report::{Colour, PolicyTests, TestResult};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use suite::{Bench, Compiled};

#[derive(Debug, Args)]
pub struct TestOptions {
    /// Directories of Rego files, or directories of such directories.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value = "terminal")]
    format: TestFormat,
    /// Judge the cases by the policy as the `opa` command compiles it, too.
    #[arg(long)]
    compiled: bool,
    /// Fail where the tests run fewer of the lines, in percent.
    #[arg(long, value_name = "PERCENT")]
    threshold: Option<f64>,
    /// Only the tests and cases whose names contain this.
    #[arg(long, value_name = "TEXT")]
    run: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TestFormat {
    Terminal,
    Json,
    Junit,
}

/// Exit 0 when all is well, 1 when a test failed or too few lines ran, 2 when the policies could not be tested.
pub async fn test(config: Result<Config>, options: &TestOptions) -> Result<ExitCode> {
    let policies = policies(&options.directories)?;
    crate::telemetry::start_logging("warn", crate::telemetry::LogFormat::Text)?;
    let compiled = if options.compiled { Compiled::Too } else { Compiled::No };
    let bench = Bench::new(app::runtime_options(&config?)?, compiled).await?;
    let progress = progress(policies.len(), options.format);
    let mut tests = PolicyTests::default();
    for policy in &policies {
        progress.set_message(policy.display().to_string());
        let tested = bench.test(policy, options.run.as_deref()).await;
        tests.policies.push(tested.with_context(|| format!("testing {}", policy.display()))?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    ensure!(
        tests.policies.iter().any(|policy| !policy.tests.is_empty()),
        "there is no test and no case {}",
        meant(options)
    );
    print!("{}", rendered(&tests, options.format));
    Ok(ExitCode::from(exit_code(&tests, options.threshold)))
}

fn meant(options: &TestOptions) -> String {
    match &options.run {
        Some(text) => format!("whose name contains {text:?}"),
        None => "in these directories: tests are rules whose names begin with `test_`, cases are files in `cases`"
            .to_owned(),
    }
}

fn rendered(tests: &PolicyTests, format: TestFormat) -> String {
    let colour = std::io::stdout().is_terminal() && !crate::config::no_colour();
    match format {
        TestFormat::Terminal => tests.terminal(if colour { Colour::Ansi } else { Colour::Plain }),
        TestFormat::Json => tests.json(),
        TestFormat::Junit => tests.junit(),
    }
}

fn exit_code(tests: &PolicyTests, threshold: Option<f64>) -> u8 {
    let covered = tests.coverage().unwrap_or(0.0);
    let too_few = threshold.filter(|threshold| covered < *threshold);
    if let Some(threshold) = too_few {
        eprintln!("palisade: the tests run {covered:.1} % of the lines, {threshold} % are asked for");
    }
    u8::from(too_few.is_some() || tests.count(TestResult::Failed) > 0)
}

/// Each directory that holds Rego itself; where none does, those of its children that do.
fn policies(directories: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut policies = Vec::new();
    for directory in directories {
        if holds_rego(directory)? {
            policies.push(directory.clone());
            continue;
        }
        let before = policies.len();
        for child in children(directory)? {
            if child.is_dir() && holds_rego(&child)? {
                policies.push(child);
            }
        }
        if policies.len() == before {
            bail!("{} holds no .rego file, and no directory with one", directory.display());
        }
    }
    Ok(policies)
}

fn holds_rego(directory: &Path) -> Result<bool> {
    Ok(children(directory)?.iter().any(|path| path.extension().is_some_and(|extension| extension == "rego")))
}

fn children(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn progress(policies: usize, format: TestFormat) -> ProgressBar {
    if format != TestFormat::Terminal || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos}/{len} {msg}").expect("a fixed template");
    let bar = ProgressBar::new(policies as u64).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
