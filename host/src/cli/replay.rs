//! `palisade replay`: a recorded decision made again, offline, with the plugins of the present configuration.

use crate::app;
use crate::config::Config;
use crate::model::{JobId, Record};
use crate::pipeline::{Asked, Case, judge_from, standpoints_of};
use crate::plugins::Catalogue;
use crate::report::{self, PresentPlugins};
use crate::runtime::Call;
use crate::state::records::directory::RecordFiles;
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Options {
    /// The decision, as the address of its page ends and as logs name its job.
    #[arg(value_name = "ID")]
    id: String,
    /// Where records are kept. Default: `records.directory` of the configuration.
    #[arg(long, value_name = "DIR")]
    records: Option<PathBuf>,
    /// Answer with JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// Exit code 0: the same decision.
const SAME: u8 = 0;
/// Exit code 1: another one.
const DIFFERS: u8 = 1;

pub async fn run(config: Result<Config>, options: &Options) -> Result<ExitCode> {
    let config = config?;
    crate::telemetry::start_logging("warn", crate::telemetry::LogFormat::Text)?;
    let directory = options.records.as_ref().or(config.records.directory.as_ref()).ok_or_else(|| {
        anyhow!(
            "nothing says where records are kept: name the directory with --records, or set records.directory and run \
             the host with it; records that a host keeps in memory cannot be judged again"
        )
    })?;
    let files = RecordFiles::new(directory);
    let recorded = record(&files, directory, &options.id)?;
    let case = Case::of_record(&recorded, |digest| files.file(digest)).map_err(|gone| {
        anyhow!("decision {} cannot be judged again: {gone}; raise records.max_age or records.max_bytes", options.id)
    })?;
    let bench = app::bench(&config).await?;
    let call = Call::new(Some(recorded.commit.installation), &recorded.job.0);
    let standpoints = standpoints_of(&recorded, |digest| files.file(digest))
        .map_err(|gone| anyhow!("decision {} cannot be judged again: {gone}", options.id))?;
    let asked = Asked { judge: &bench.judge, call: &call, answers: Some(&recorded.remote_answers) };
    let again = judge_from(asked, case, &standpoints).await;
    let replayed = report::replay(&recorded, &again, &present(&bench.catalogue));
    let text = if options.json { report::replay_json(&replayed) } else { report::replay_terminal(&replayed, colour()) };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // `palisade replay … | head` is nobody's error.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        other => other.context("writing the answer")?,
    }
    Ok(ExitCode::from(if replayed.same { SAME } else { DIFFERS }))
}

fn record(files: &RecordFiles, directory: &Path, id: &str) -> Result<Record> {
    files.record(&JobId(id.to_owned()))?.ok_or_else(|| {
        anyhow!(
            "there is no decision {id} in {}: it never was, or it went by records.max_age or records.max_bytes; \
             --records names another directory",
            directory.display()
        )
    })
}

fn present(catalogue: &Catalogue) -> PresentPlugins {
    catalogue.iter().map(|entry| (entry.config.name.clone(), entry.digest())).collect()
}

fn colour() -> report::Colour {
    if std::io::stdout().is_terminal() && !crate::config::no_colour() {
        report::Colour::Ansi
    } else {
        report::Colour::Plain
    }
}
