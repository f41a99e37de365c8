//! `cargo xtask demo`: a small GitHub and the real host on loopback, a pull request with evidence that real tools write
//! on the spot, and the check runs as GitHub would show them. Names what could not be had.

use anyhow::{Context, Result, bail};
use palisade_github_fake::{Fake, FakeOptions, PullRequest, Run};
use palisade_tests::process::HostProcess;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const CHECKS: [&str; 2] = ["Vulnerability Scan Check", "License Check"];

/// Versions are pinned, so that the demo shows the same tomorrow.
const RETIRE: &str = "retire@5.7.0";
const BANDIT: [&str; 2] = ["bandit==1.8.6", "bandit-sarif-formatter==1.1.1"];

/// The shop whose pull request is judged: one dependency has a known vulnerability.
const PACKAGE: &str = r#"{ "name": "shop", "version": "1.0.0", "license": "MIT", "private": true,
  "dependencies": { "lodash": "4.17.15", "minimist": "1.2.8" } }
"#;

/// A script for the SARIF-writing scanner to look at.
const SCRIPT: &str = "import subprocess\n\n\ndef run(command):\n    return subprocess.call(command, shell=True)\n";

/// retire.js reads a list of advisories; the public one is not in a registry, so that the demo brings one entry.
const ADVISORIES: &str = r#"{ "lodash": {
  "vulnerabilities": [{ "atOrAbove": "0", "below": "4.17.21", "severity": "high", "cwe": ["CWE-77"],
    "identifiers": { "summary": "A template can run commands", "CVE": ["CVE-2021-23337"], "githubID": "GHSA-35jh-r3h4-6jhm" },
    "info": ["https://github.com/advisories/GHSA-35jh-r3h4-6jhm"] }],
  "extractors": { "filecontent": ["Lodash <https:[\\s\\S]+var VERSION = '(§§version§§)';"] } } }
"#;

#[tokio::main]
async fn main() -> Result<()> {
    let keep = std::env::args().any(|argument| argument == "--keep");
    let show = Show::new();
    let directory = tempfile::Builder::new().prefix("palisade-demo-").tempdir().context("making a directory")?;
    show.step("starting a small GitHub on loopback");
    let github = Fake::start(FakeOptions { schemas: None, ..FakeOptions::default() }).await?;
    show.step("starting the host, with App credentials and nothing else");
    let host = HostProcess::start(&github, directory.path(), "warn").await?;
    github.deliver_to(&format!("{}/webhook", host.address));
    let outcome = pull_request(&github, directory.path(), &show).await;
    if outcome.is_ok() && keep {
        show.step(&format!("staying up: host {} (/health, /metrics), GitHub {}", host.address, github.api_url()));
        show.step("stop with Ctrl-C");
        tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    }
    host.kill().await?;
    outcome
}

async fn pull_request(github: &Fake, directory: &Path, show: &Show) -> Result<()> {
    let shop = directory.join("shop");
    std::fs::create_dir(&shop).context("making the shop")?;
    show.step("opening a pull request in acme/shop");
    let repository = github.repository("acme/shop");
    let pull_request = repository.open_pull_request("Use templates for the receipt");
    for check in CHECKS {
        show.check(&pull_request.check_run_opened(check).await.to_string());
    }
    show.step("CI runs: real tools write real evidence");
    let run = pull_request.start_run("ci.yml");
    run.in_progress();
    collect(&run, &shop, show)?;
    run.complete("success");
    show.step("CI is done; the host fetches, judges, publishes");
    let started = Instant::now();
    for check in CHECKS {
        // The wait is woken by the check run itself and ends with a panic that shows the journal.
        pull_request.check_run_completed(check).await;
    }
    show.step(&format!("judged {:.1} s after CI ended", started.elapsed().as_secs_f64()));
    show_checks(&pull_request, show)
}

/// What CI would upload. A tool that cannot be had is named; without any SBOM there is nothing to show.
fn collect(run: &Run, shop: &Path, show: &Show) -> Result<()> {
    std::fs::write(shop.join("package.json"), PACKAGE).context("writing package.json")?;
    std::fs::write(shop.join("receipt.py"), SCRIPT).context("writing receipt.py")?;
    std::fs::write(shop.join("advisories.json"), ADVISORIES).context("writing advisories.json")?;
    let npm = tool(shop, "npm", &["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    if let Err(reason) = npm {
        bail!("the demo needs npm and its registry: {reason:#}");
    }
    let spdx = tool(shop, "npm", &["sbom", "--sbom-format", "spdx", "--loglevel=error"])?;
    run.upload("sbom", &[("shop.spdx.json", &spdx)]);
    show.evidence("npm sbom", "sbom/shop.spdx.json", spdx.len());
    match retire(shop) {
        Ok(report) => {
            run.upload("retire", &[("retire.cdx.json", &report)]);
            show.evidence("retire.js, with one advisory of the demo's own", "retire/retire.cdx.json", report.len());
        }
        Err(reason) => show.missing("retire.js", &reason),
    }
    match bandit(shop) {
        Ok(report) => {
            run.upload("bandit", &[("bandit.sarif", &report)]);
            show.evidence("bandit", "bandit/bandit.sarif", report.len());
        }
        Err(reason) => show.missing("bandit", &reason),
    }
    match tool(shop, "npm", &["audit", "--json", "--loglevel=silent"]) {
        Ok(_) => show.missing("npm audit", &anyhow::anyhow!("its report is not among the formats that are read yet")),
        Err(_) => show.missing("npm audit", &anyhow::anyhow!("the registry does not answer audits")),
    }
    show.missing("trivy, grype", &anyhow::anyhow!("their vulnerability databases are in no package registry"));
    Ok(())
}

fn retire(shop: &Path) -> Result<Vec<u8>> {
    let report = shop.join("retire.cdx.json");
    tool(
        shop,
        "npx",
        &[
            "--yes",
            RETIRE,
            "--path",
            ".",
            "--jsrepo",
            "advisories.json",
            "--outputformat",
            "cyclonedxJSON1_6_VEX",
            "--outputpath",
            "retire.cdx.json",
            "--exitwith",
            "0",
        ],
    )?;
    std::fs::read(&report).context("reading retire's report")
}

/// Bandit lives in an environment of its own, kept between demos: installing it is most of the time.
fn bandit(shop: &Path) -> Result<Vec<u8>> {
    let environment = palisade_tests::workspace().join("target").join("demo-bandit");
    let program = environment.join("bin").join("bandit");
    if !program.is_file() {
        tool(shop, "python3", &["-m", "venv", &environment.to_string_lossy()])?;
        let pip = environment.join("bin").join("pip");
        let mut arguments = vec!["install", "--quiet"];
        arguments.extend(BANDIT);
        tool(shop, &pip.to_string_lossy(), &arguments)?;
    }
    tool(
        shop,
        &program.to_string_lossy(),
        &["--quiet", "--exit-zero", "-f", "sarif", "-o", "bandit.sarif", "receipt.py"],
    )?;
    std::fs::read(shop.join("bandit.sarif")).context("reading bandit's report")
}

/// Runs a tool and gives what it printed.
fn tool(directory: &Path, program: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned();
    bail!("{program} {} ended with {}: {last}", arguments.first().unwrap_or(&""), output.status)
}

fn show_checks(pull_request: &PullRequest, show: &Show) -> Result<()> {
    let mut conclusions = Vec::new();
    for check in CHECKS {
        let run = pull_request.check_run(check).with_context(|| format!("{check} is missing"))?;
        show.whole(&run);
        conclusions.push(run.conclusion.unwrap_or_default());
    }
    let failing = conclusions.iter().filter(|conclusion| *conclusion == "failure").count();
    let passing = conclusions.iter().filter(|conclusion| *conclusion == "success").count();
    show.step(&format!("{failing} failing, {passing} passing"));
    if (failing, passing) == (1, 1) {
        return Ok(());
    }
    bail!("the demo expects one failing and one passing check; was a tool missing?")
}

/// Progress on standard error, results on standard output; colour where that is a terminal.
struct Show {
    started: Instant,
    colour: bool,
}

impl Show {
    fn new() -> Self {
        Self { started: Instant::now(), colour: std::io::stdout().is_terminal() }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn step(&self, text: &str) {
        eprintln!("{:>5.1} s  {text}", self.started.elapsed().as_secs_f64());
    }

    fn check(&self, text: &str) {
        eprintln!("         ● {text}");
    }

    fn evidence(&self, tool: &str, path: &str, bytes: usize) {
        eprintln!("         + {path}, {bytes} bytes, by {tool}");
    }

    fn missing(&self, tool: &str, reason: &anyhow::Error) {
        eprintln!("         - {tool} cannot be had: {reason:#}");
    }

    fn whole(&self, run: &palisade_github_fake::CheckRun) {
        let (mark, code) = match run.conclusion.as_deref() {
            Some("success") => ("✔", "1;32"),
            Some("failure") => ("✘", "1;31"),
            _ => ("◆", "1;33"),
        };
        let title = run.title.as_deref().unwrap_or("");
        println!("\n{} {} — {}", self.paint(code, mark), self.paint("1", &run.name), self.paint(code, title));
        for part in [&run.summary, &run.text].into_iter().flatten() {
            for line in part.lines() {
                println!("  │ {line}");
            }
            println!("  │");
        }
        for annotation in &run.annotations {
            let place = format!("{}:{}", annotation.path, annotation.start_line);
            println!("  │ {} {place}: {}", annotation.level, annotation.message);
        }
    }
}
