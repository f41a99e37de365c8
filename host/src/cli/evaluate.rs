//! `palisade evaluate`: the same plugins, checks and waivers over local files.

mod run;

use super::Format;
use crate::app;
use crate::artifacts;
use crate::config::Config;
use crate::model::artifact::Source;
use crate::model::evidence::Context;
use crate::model::plan::Conclusion;
use crate::model::record::{Record, Runs};
use crate::model::verdict::{Judged, Outcome};
use crate::model::{Artifact, Clock, CommitKey, Digest, HeadSha, InstallationId, JobId, RepositoryName};
use crate::pipeline::{Case, Inputs, Unclaimed};
use crate::report::{self, Row};
use crate::runtime::Call;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Nobody's installation, repository and commit: local files belong to none.
const LOCAL_SHA: &str = "0000000000000000000000000000000000000000";

#[derive(Debug, Args)]
pub struct Options {
    /// Files to judge: SBOMs, vulnerability reports, SARIF, …; a directory means the files in it.
    #[arg(required_unless_present = "run")]
    files: Vec<PathBuf>,
    /// Judge what a workflow run on GitHub uploaded, in place of files: OWNER/REPOSITORY/RUN, or its page's address. Reads
    /// with `github.token` or as the App, and writes nothing.
    #[arg(long, value_name = "RUN", conflicts_with = "files")]
    run: Option<run::Named>,
    /// How to answer.
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Let a warning count as a failure.
    #[arg(long)]
    strict: bool,
    /// The time that the policies are told, Unix seconds. Default: now.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// What is logged to the standard error, as `log.level` says it: `palisade=debug` shows what policies trace and print.
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

pub async fn run(config: Result<Config>, options: &Options) -> Result<ExitCode> {
    let config = config?;
    for warning in &config.warnings {
        eprintln!("palisade: {warning}");
    }
    crate::telemetry::start_logging(&options.log, crate::telemetry::LogFormat::Text)?;
    let paths = if options.run.is_some() { Vec::new() } else { files(&options.files)? };
    let progress = progress(options.format);
    progress.set_message("loading plugins");
    let bench = app::bench(&config).await?;
    let (inputs, unclaimed) = match &options.run {
        Some(named) => {
            progress.set_message("fetching what the run uploaded");
            (run::inputs(&config, named).await?, Unclaimed::IsListed)
        }
        None => {
            let artifacts = paths.iter().map(|path| artifact(path)).collect::<Result<Vec<_>>>()?;
            (Inputs { artifacts, ..Inputs::default() }, Unclaimed::IsUnreadable)
        }
    };
    progress.set_message(format!("judging {} files", inputs.artifacts.len()));
    let now = options.now.unwrap_or_else(|| app::SystemClock.now());
    let case = Case { unclaimed, ..case(bench.rules.whole(), inputs, now)? };
    let record = bench.judge.record(&Call::new(None, "local"), case).await;
    progress.finish_and_clear();
    let text = match options.format {
        Format::Terminal => report::terminal(&record, colour()),
        Format::Json => report::json(&record),
        Format::Sarif => report::sarif(&record),
        Format::Markdown => report::markdown(&record),
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // `palisade evaluate … | head` is nobody's error.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        other => other.context("writing the answer")?,
    }
    Ok(ExitCode::from(exit_code(&record, options.strict)))
}

/// 1 on fail (it wins over 2), 2 when a file is unreadable, unrecognised or ambiguous, a policy is broken, or no check
/// had anything to judge, 0 otherwise; with `strict` a warning is a failure.
fn exit_code(record: &Record, strict: bool) -> u8 {
    let mut judged = false;
    let mut broken = !record.unreadable.is_empty();
    let mut failed = false;
    for check in &record.checks {
        let decision = report::decide(record, check);
        let violated = matches!(decision.row, Row::Failed | Row::WouldBlock | Row::Warned | Row::PassedPartial);
        failed |= violated && decision.conclusion() == Some(Conclusion::Failure);
        failed |= strict && matches!(decision.row, Row::Warned | Row::WouldBlock);
        for judgement in &check.judgements {
            match &judgement.verdict {
                Judged::Verdict(verdict) => {
                    judged |= verdict.outcome != Outcome::NotApplicable;
                    failed |= strict && verdict.outcome == Outcome::Warn;
                }
                Judged::Broken(..) | Judged::Outage(..) => broken = true,
            }
        }
    }
    match (failed, broken || !judged) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }
}

/// The files named, and those directly in the directories named; each once, in order.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
            let mut inside = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
            inside.retain(|path| path.is_file());
            inside.sort();
            files.append(&mut inside);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            bail!("reading {}: there is no such file", path.display());
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    if files.is_empty() {
        bail!(
            "there is no file in {}",
            named.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(files)
}

fn artifact(path: &Path) -> Result<Artifact> {
    let cap = artifacts::Caps::default().entry_bytes;
    let size = std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
    if size > cap {
        bail!("reading {}: {size} bytes, over the cap of {}", path.display(), cap);
    }
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Artifact {
        source: Source { provenance: None, path: path.display().to_string(), run: None },
        digest: Digest::of(&bytes),
        outline: artifacts::outline(&bytes),
        bytes: bytes.into(),
    })
}

fn case(plan: &crate::model::Plan, inputs: Inputs, now: u64) -> Result<Case<'_>> {
    Ok(Case {
        job: JobId("local".to_owned()),
        commit: CommitKey {
            installation: InstallationId(0),
            repository: RepositoryName::new("local", "files")?,
            sha: HeadSha::parse(LOCAL_SHA)?,
        },
        context: Context {
            owner: "local".to_owned(),
            repository: "files".to_owned(),
            head_sha: LOCAL_SHA.to_owned(),
            now,
            ..Context::default()
        },
        plan,
        runs: Runs::of_local_files(inputs.artifacts.len() as u32),
        inputs,
        comparison: None,
        unclaimed: Unclaimed::IsUnreadable,
        tenant: "local".to_owned(),
        accepted: Default::default(),
        changed_paths: None,
    })
}

fn colour() -> report::Colour {
    if std::io::stdout().is_terminal() && !crate::config::no_colour() {
        report::Colour::Ansi
    } else {
        report::Colour::Plain
    }
}

/// A spinner on standard error where that is a terminal; else nothing.
fn progress(format: Format) -> ProgressBar {
    if format != Format::Terminal || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
