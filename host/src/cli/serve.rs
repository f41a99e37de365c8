//! `palisade serve`: start, wait for a signal, drain. SIGHUP reads secrets, keys and certificates again.

use crate::config::Config;
use crate::telemetry::Telemetry;
use anyhow::{Context, Result};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// What the last spans get in any case, within the seconds that Kubernetes grants beyond the drain.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub async fn run(config: Result<Config>) -> Result<ExitCode> {
    let config = config?;
    let drain = config.server.drain;
    let telemetry = Telemetry::start(&config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // Before listening: a signal during start ends it as well.
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut hang_up = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let host = tokio::select! {
        host = crate::app::serve(config) => host?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    eprintln!("palisade listens on {}", host.url());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            // What came of it stands in the log.
            Some(()) = hang_up.recv() => drop(host.reload().await),
        }
    }
    tracing::info!("stopping: jobs at work may end, nothing new is taken");
    let began = Instant::now();
    let lost = host.shut_down().await;
    if lost > 0 {
        tracing::warn!(lost, "jobs are lost: state and queue live in memory; redeliver their webhooks or push again");
    }
    // The last spans are of the jobs that the drain waited for. What is left of its time is theirs.
    telemetry.flush(drain.saturating_sub(began.elapsed()).max(LAST_WORDS)).await;
    Ok(ExitCode::SUCCESS)
}
