//! `palisade doctor`: everything that start-up checks, all of it at once, each with what mends it.

mod github;

use crate::app;
use crate::config::Config;
use crate::model::{CheckName, Clock as _};
use crate::plugins::{Catalogue, Engine};
use crate::rego::remote::{Health, OpaServer};
use crate::runtime::Runtime;
use anyhow::Result;
use clap::Args;
use owo_colors::OwoColorize;
use std::io::IsTerminal;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Options {
    /// Do not contact GitHub.
    #[arg(long)]
    offline: bool,
}

/// One thing that was looked at.
struct Examined {
    what: String,
    result: Result<String, String>,
}

pub async fn run(config: Result<Config>, options: &Options) -> Result<ExitCode> {
    let config = match config {
        Ok(config) => config,
        Err(error) => return Ok(tell(&[examined("configuration", Err(format!("{error:#}")))])),
    };
    let mut all: Vec<Examined> = Vec::new();
    all.extend(config.warnings.iter().map(|warning| examined("environment", Err(warning.clone()))));
    let missing = config.missing_for_serve();
    if missing.is_empty() {
        all.push(examined("configuration", Ok("complete".to_owned())));
    }
    all.extend(missing.into_iter().map(|problem| examined("configuration", Err(problem))));
    let now = app::SystemClock.now();
    all.extend(app::examined_credentials(&config, now).into_iter().map(|(what, result)| examined(what, result)));
    all.extend(app::listener_problem(&config).map(|problem| examined("server", Err(problem))));
    let checks = plugins(&config, &mut all).await;
    all.push(examined("state", Ok(format!("{} (forgets everything at a restart)", config.state.backend))));
    // Without an id, a key or an address there is nothing to ask with, and that was told.
    if !options.offline && config.unreachable().is_empty() {
        match (config.names_app(), &config.github.token) {
            (true, _) if config.private_keys().is_ok() => all.extend(github::app(&config, &checks).await),
            (false, Some(_)) => all.push(github::person(&config).await),
            _ => {}
        }
    }
    Ok(tell(&all))
}

fn examined(what: impl Into<String>, result: Result<String, String>) -> Examined {
    Examined { what: what.into(), result }
}

/// The names of the checks, for those who ask GitHub about them.
async fn plugins(config: &Config, all: &mut Vec<Examined>) -> Vec<CheckName> {
    let loaded = async {
        let runtime = Runtime::new(app::runtime_options(config)?)?;
        let catalogue = Catalogue::load(&runtime, app::plugins(config)?, &app::first_party()).await;
        anyhow::Ok((runtime, catalogue))
    };
    let (_runtime, catalogue) = match loaded.await {
        Ok(loaded) => loaded,
        Err(error) => {
            all.push(examined("plugins", Err(format!("{error:#}"))));
            return Vec::new();
        }
    };
    for entry in catalogue.iter() {
        let result = match (entry.engine(), entry.broken()) {
            (Some(Engine::Component(plugin)), _) => {
                let origin = entry.told_origin().map(|origin| format!(", {origin}")).unwrap_or_default();
                let (name, version) = (&plugin.info().name, &plugin.info().version);
                Ok(format!("{name} {version}, sha256 {}{origin}", plugin.digest().short()))
            }
            (Some(Engine::OpaServer(server)), _) => answers(server).await,
            (None, None) => Err("not loaded".to_owned()),
            (None, Some(broken)) => {
                let hint = broken.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
                Err(format!("{}{hint}", broken.message))
            }
        };
        all.push(examined(format!("plugin {}", entry.config.name), result));
    }
    let (rules, problems) = app::rules(config, &catalogue);
    for check in &rules.whole().checks {
        let policies: Vec<String> = check.policies.iter().map(|policy| policy.plugin.to_string()).collect();
        all.push(examined(
            format!("check {:?}", check.name.as_str()),
            Ok(format!("judged by {}", policies.join(", "))),
        ));
    }
    // What a plugin lacks was told beside its name.
    let told: Vec<String> = catalogue
        .iter()
        .filter(|entry| entry.loaded().is_none())
        .map(|entry| format!("plugin {}: ", entry.config.name))
        .collect();
    let untold = problems.into_iter().filter(|problem| !told.iter().any(|plugin| problem.starts_with(plugin)));
    all.extend(untold.map(|problem| examined("plan", Err(problem))));
    rules.whole().checks.iter().map(|check| check.name.clone()).collect()
}

async fn answers(server: &OpaServer) -> Result<String, String> {
    let url = server.url();
    match server.health().await {
        Health::Well => Ok(format!("the OPA server {url} responds")),
        Health::Ill(status) => {
            Err(format!("the OPA server {url} says that it is not well: its health check answers {status}"))
        }
        Health::Away(why) => {
            Err(format!("the OPA server {url} cannot be reached: {why}; start it, or correct its address"))
        }
    }
}

fn tell(all: &[Examined]) -> ExitCode {
    let colour = std::io::stdout().is_terminal() && !crate::config::no_colour();
    for Examined { what, result } in all {
        let (mark, text) = match result {
            Ok(text) => ("ok     ", text),
            Err(text) => ("problem", text),
        };
        match (colour, result.is_ok()) {
            (false, _) => println!("{mark}  {what}: {text}"),
            (true, true) => println!("{}  {what}: {text}", mark.green()),
            (true, false) => println!("{}  {what}: {text}", mark.red().bold()),
        }
    }
    if all.iter().any(|examined| examined.result.is_err()) { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
