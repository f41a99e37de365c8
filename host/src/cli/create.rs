//! `palisade app create`: registers the App by GitHub's manifest flow. A browser confirms, GitHub hands out a code, and the
//! code is exchanged, once, for credentials that go into a file and nowhere else.

mod keep;

use crate::api::registration::{Form, document};
use crate::app::{self, Registrar};
use crate::config::{Addresses, Config};
use crate::github::{Converted, GitHub, GitHubError, Manifest};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use keep::Destination;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct Options {
    /// Register it for this organisation. Default: for yourself.
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// What the App is called; GitHub wants a name that nobody has, and lets you change it on its page.
    #[arg(long, default_value = "Palisade")]
    name: String,
    /// Where GitHub reaches this host. Default: `server.public_url`.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where the page is shown and the code received.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", conflicts_with_all = ["print", "code"])]
    serve: String,
    /// How long to wait for the browser.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = crate::config::duration::parse)]
    wait: Duration,
    /// Print the page, to be opened as a file in any browser, and listen on nothing.
    #[arg(long, conflicts_with = "code")]
    print: bool,
    /// The code that GitHub added to the address it sent the browser to. Good once, for an hour.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Where the credentials go: a configuration file with a [github] section, for its owner only.
    #[arg(long, value_name = "FILE", default_value = "palisade-app.toml")]
    out: PathBuf,
    /// Replace that file.
    #[arg(long)]
    force: bool,
}

pub async fn run(config: Result<Config>, options: &Options) -> Result<ExitCode> {
    let config = config?;
    let addresses = Addresses::parse(&config.github.base_url)?;
    if options.print {
        return print(&config, options, &addresses);
    }
    // Before GitHub is asked: credentials that cannot be stored are lost.
    let destination = Destination::new(&options.out, options.force)?;
    let code = match &options.code {
        Some(code) => code.clone(),
        None => in_browser(&config, options, &addresses).await?,
    };
    let converted = convert(&config, &code).await?;
    let page = &converted.html_url;
    destination.keep(&config.github.base_url, &converted).with_context(|| {
        format!("the App exists, but its credentials could not be stored; make a new key and secret in the settings of {page}")
    })?;
    tell(options, &converted);
    Ok(ExitCode::SUCCESS)
}

fn print(config: &Config, options: &Options, addresses: &Addresses) -> Result<ExitCode> {
    let home = home(config, options)?;
    let form = form(config, options, (addresses, &home))?;
    println!("{}", document(&form));
    eprintln!(
        "Open this page in a browser and press its button. GitHub then sends you to {home}?code=…&state=…: whatever is shown \
         there, see that the state is {} and run, within the hour:\n  palisade app create --code CODE",
        form.state
    );
    Ok(ExitCode::SUCCESS)
}

async fn in_browser(config: &Config, options: &Options, addresses: &Addresses) -> Result<String> {
    let registrar = Registrar::listen(&options.serve).await?;
    let form = form(config, options, (addresses, &registrar.return_url()))?;
    eprintln!(
        "Open {} in a browser; what GitHub answers is awaited for {} s.",
        registrar.page(),
        options.wait.as_secs()
    );
    registrar.code(form, options.wait).await
}

fn form(config: &Config, options: &Options, (addresses, redirect_url): (&Addresses, &str)) -> Result<Form> {
    let home = home(config, options)?;
    let hook_url = format!("{}/webhook", home.trim_end_matches('/'));
    let manifest = Manifest { name: &options.name, url: &home, hook_url: &hook_url, redirect_url: Some(redirect_url) };
    let below = match &options.org {
        None => String::new(),
        Some(org) if org.chars().all(|char| char.is_ascii_alphanumeric() || char == '-') && !org.is_empty() => {
            format!("/organizations/{org}")
        }
        Some(org) => bail!("--org {org:?} is no organisation's name"),
    };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(Form {
        action: format!("{}{below}/settings/apps/new", addresses.site),
        manifest: manifest.json(),
        state: hex::encode(random),
    })
}

/// Where GitHub and people reach this host.
fn home(config: &Config, options: &Options) -> Result<String> {
    let url = options.url.as_ref().or(config.server.public_url.as_ref());
    let url =
        url.context("GitHub must be told where to send webhooks: set server.public_url, or give --url https://HOST")?;
    let parsed = url.parse::<http::Uri>().ok().filter(|url| matches!(url.scheme_str(), Some("https" | "http")));
    if parsed.is_none_or(|parsed| parsed.query().is_some()) {
        bail!("{url:?} is no address such as https://palisade.example.com");
    }
    Ok(url.clone())
}

async fn convert(config: &Config, code: &str) -> Result<Converted> {
    let github = GitHub::new(app::visitor_options(config, Arc::new(app::SystemClock))?)?;
    github.convert_manifest(code).await.map_err(|error| match error {
        GitHubError::NotFound(_) => anyhow!(
            "{} does not know the code: it is good once, and for an hour; begin again with `palisade app create`",
            config.github.base_url
        ),
        // The code is as good as the credentials while nobody has used it.
        error => anyhow!("{}", error.to_string().replace(code, "…")),
    })
}

fn tell(options: &Options, converted: &Converted) {
    let file = options.out.display();
    let app = converted.slug.as_deref().unwrap_or(&options.name);
    println!("GitHub registered the App {app}, id {}.", converted.id);
    println!(
        "Its credentials are in {file}, which only you can read. Either start with it, or move its [github] section"
    );
    println!("to where the rest of your configuration stands:");
    println!("  palisade --config {file} doctor");
    println!("  palisade --config {file} serve");
    println!("Install it on repositories: {}/installations/new", converted.html_url.trim_end_matches('/'));
    if converted.webhook_secret.is_none() {
        println!(
            "GitHub gave no webhook secret: set one in the App's settings, and as github.webhook_secrets in {file}."
        );
    }
}
