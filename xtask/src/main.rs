//! Set-up, demo, test and bench: `cargo xtask …`. Installs what it can, names what it cannot, never skips silently.

mod coverage;
mod opa;
mod secrets;
mod stages;
mod tools;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use stages::{Stage, Stages};
use std::process::{Command, ExitCode};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, demo, test and bench of Palisade")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what is missing and run every test. Prints the seconds of each stage.
    Test {
        /// Seeds for each randomised test, in place of the number that each of them affords; `--seeds 1000` is a full run.
        #[arg(long)]
        seeds: Option<u32>,
        /// Only this stage: target, build, schemas, opa, behaviour, format, test, coverage, secrets, clippy, deny.
        #[arg(long)]
        only: Option<String>,
    },
    /// Start a small GitHub and the host, open a pull request with real evidence, show the check runs.
    Demo {
        /// Stay up with the addresses until interrupted.
        #[arg(long)]
        keep: bool,
    },
    /// Run the benchmarks, or the load driver against a running host. Release builds: the first one takes its time.
    Bench {
        /// `runtime`, `normalize`, `evaluate`, `policies`, `webhook`, `neighbours`, `lifecycle`, `load`; all but `load` by default.
        which: Option<String>,
    },
    /// Show which tests prove which requirement, by the last run of the tests; fails where one is missing.
    Coverage,
    /// Only set up: the wasm target, the schemas and OPA.
    Setup,
    /// Hold what is checked in of OPA's behaviour against the real `opa`, or write it anew.
    #[command(subcommand)]
    Opa(opa::Task),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Test { seeds, only } => test(seeds, only.as_deref()),
        Task::Demo { keep } => demo(keep),
        Task::Bench { which } => bench(which.as_deref()),
        Task::Coverage => coverage::check().map(drop),
        Task::Setup => setup(),
        Task::Opa(task) => opa::run(&task),
    }
}

fn test(seeds: Option<u32>, only: Option<&str>) -> Result<()> {
    Stages::new(only).run(vec![
        target(),
        // All of it at once: selecting single packages would build their dependencies again with other features.
        Stage::new("build", || tools::cargo(&["test", "--workspace", "--locked", "--quiet", "--no-run"])),
        schemas(),
        opa(),
        Stage::new("behaviour", opa::check),
        Stage::new("format", || tools::cargo(&["fmt", "--all", "--check"])),
        Stage::new("test", move || {
            secrets::begin()?;
            let mut tests = Command::new(tools::cargo_program());
            // Not quiet: the names of the tests that passed are what `coverage` reads.
            tests.args(["test", "--workspace", "--locked"]);
            if let Some(seeds) = seeds {
                tests.env("PALISADE_SEEDS", seeds.to_string());
            }
            if let Some(opa) = tools::opa() {
                tests.env("PALISADE_OPA", opa);
            }
            coverage::Recorder::new(coverage::results_file()).run(&mut tests)
        }),
        Stage::new("coverage", coverage::check),
        Stage::new("secrets", || secrets::check(&coverage::results_file())),
        Stage::new("clippy", || {
            tools::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"])
        }),
        Stage::new("deny", tools::deny),
    ])
}

fn setup() -> Result<()> {
    let build = Stage::new("build", || tools::cargo(&["build", "--workspace", "--locked", "--quiet", "--bins"]));
    Stages::new(None).run(vec![target(), build, schemas(), opa()])
}

fn target() -> Stage {
    Stage::new("target", tools::wasm_target)
}

fn opa() -> Stage {
    Stage::new("opa", tools::install_opa)
}

/// GitHub's own schemas and example payloads, out of npm packages, into `target/github-schemas`.
fn schemas() -> Stage {
    Stage::new("schemas", || {
        if !tools::available("npm") {
            return tools::skipped("GitHub's schemas: npm is not installed; the schema tests are skipped");
        }
        let fetch = tools::target_directory().join("debug").join("fetch-schemas");
        tools::run(&mut Command::new(fetch))
            .or_else(|error| tools::skipped(&format!("GitHub's schemas: {error:#}; the schema tests are skipped")))
    })
}

fn demo(keep: bool) -> Result<()> {
    Stages::new(None).run(vec![
        target(),
        Stage::new("build", || tools::cargo(&["build", "--quiet", "--locked", "--workspace", "--bins"])),
    ])?;
    let binary = |name: &str| tools::target_directory().join("debug").join(name);
    let mut demo = Command::new(binary("demo"));
    demo.env("PALISADE_BINARY", binary("palisade"));
    if keep {
        demo.arg("--keep");
    }
    tools::run(&mut demo)?;
    Ok(())
}

fn bench(which: Option<&str>) -> Result<()> {
    tools::wasm_target()?;
    const BENCHES: [&str; 7] = ["runtime", "normalize", "evaluate", "policies", "webhook", "neighbours", "lifecycle"];
    match which {
        Some("load") => {
            tools::cargo(&["build", "--release", "--locked", "--workspace", "--bins"])?;
            let binary = |name: &str| tools::target_directory().join("release").join(name);
            tools::run(Command::new(binary("load")).env("PALISADE_BINARY", binary("palisade")))?;
            Ok(())
        }
        Some(name) if BENCHES.contains(&name) => {
            tools::cargo(&["bench", "--locked", "-p", "palisade-tests", "--bench", name])?;
            Ok(())
        }
        Some(other) => bail!("there is no benchmark {other:?}; known: {}, load", BENCHES.join(", ")),
        None => BENCHES.iter().try_for_each(|name| {
            tools::cargo(&["bench", "--locked", "-p", "palisade-tests", "--bench", name]).map(drop)
        }),
    }
}
