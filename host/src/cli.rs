//! The command line. Data goes to standard output, talk to standard error; exit 0 is clean, 1 findings, 2 could not
//! judge or could not start.

mod create;
mod doctor;
mod evaluate;
mod inspect;
mod opa_data;
mod policy;
mod replay;
mod serve;

use crate::config::Config;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Judges commits by policy: WebAssembly plugins read what scanners wrote, and say what it means.
#[derive(Debug, Parser)]
#[command(name = "palisade", version, about, max_term_width = 100)]
struct Arguments {
    /// The configuration, TOML. Default: `palisade.toml` in this directory, if it is there.
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host: webhooks in, check runs out.
    Serve,
    /// Judge local files with the same plugins and checks, without GitHub.
    ///
    /// Exit 1 if a check fails (it wins over 2), 2 if a file is unreadable, unrecognised or ambiguous or no check had
    /// anything to judge, else 0.
    Evaluate(evaluate::Options),
    /// Work with the GitHub App.
    #[command(subcommand)]
    App(AppCommand),
    /// Look at plugins.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Work with policies in Rego.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Judge a recorded decision again, offline, and say what differs.
    ///
    /// Exit 0 if it is the same decision, 1 if it differs, 2 if it cannot be judged again.
    Replay(replay::Options),
    /// Check configuration, credentials and plugins, and say what mends what is wrong.
    Doctor(doctor::Options),
}

#[derive(Debug, Subcommand)]
enum AppCommand {
    /// Register the App on GitHub with the permissions and events that it needs, and store its credentials.
    Create(create::Options),
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Show what a component or an OPA policy is: exports, imports, what it needs and is refused, its settings, its digest.
    Inspect(inspect::Options),
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Make a component of a directory of Rego files (by the `opa` command), an OPA bundle or an OPA module.
    Build(policy::BuildOptions),
    /// Print what policies may use, for `opa build --capabilities`.
    Capabilities,
    /// Run the tests and the cases that stand beside policies.
    Test(policy::TestOptions),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Terminal,
    Json,
    Sarif,
    Markdown,
}

/// Runs the command that was typed. An error is told here, once.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match &arguments.command {
        Command::Serve => serve::run(config(&arguments)).await,
        Command::Evaluate(options) => evaluate::run(config(&arguments), options).await,
        Command::App(AppCommand::Create(options)) => create::run(config(&arguments), options).await,
        Command::Plugin(PluginCommand::Inspect(options)) => inspect::run(options).await,
        Command::Policy(PolicyCommand::Build(options)) => policy::build(options).await,
        Command::Policy(PolicyCommand::Capabilities) => Ok(policy::capabilities()),
        Command::Policy(PolicyCommand::Test(options)) => policy::test(config(&arguments), options).await,
        Command::Replay(options) => replay::run(config(&arguments), options).await,
        Command::Doctor(options) => doctor::run(config(&arguments), options).await,
    };
    ran.unwrap_or_else(|error| {
        eprintln!("palisade: {error:#}");
        ExitCode::from(2)
    })
}

fn config(arguments: &Arguments) -> anyhow::Result<Config> {
    let here = Path::new("palisade.toml");
    let file = arguments.config.as_deref().or_else(|| here.is_file().then_some(here));
    Config::load(file)
}
