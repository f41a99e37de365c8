//! `palisade serve`: start, wait for a signal, drain.

use crate::config::Config;
use crate::telemetry::{LogFormat, start_logging};
use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

pub async fn run(config: Result<Config>) -> Result<ExitCode> {
    let config = config?;
    start_logging(&config.log.level, if config.log.json { LogFormat::Json } else { LogFormat::Text })?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // Before listening: a signal during start ends it as well.
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let host = tokio::select! {
        host = crate::app::serve(config) => host?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    eprintln!("palisade listens on http://{}", host.address);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: jobs at work may end, nothing new is taken");
    let lost = host.shut_down().await;
    if lost > 0 {
        tracing::warn!(lost, "jobs are lost: state and queue live in memory; redeliver their webhooks or push again");
    }
    Ok(ExitCode::SUCCESS)
}
