//! Takes jobs, runs the line, retries or buries, drains on shutdown. A panic in one job is that job's failure.

use crate::model::InstallationId;
use crate::pipeline::{Failure, Pipeline};
use crate::queue::{Ended, JobQueue, Lease};
use crate::telemetry::{Metrics, spans, steps, trace};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

/// The wait after the queue itself could not answer.
const QUEUE_PAUSE: Duration = Duration::from_secs(2);
/// A commit that GitHub does not know at the third attempt, some six seconds later, is gone and not just new.
const UNKNOWN_COMMIT_ATTEMPTS: u32 = 3;
/// No wait between two attempts is longer.
const RETRY_MAX: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Jobs at once.
    pub workers: usize,
    /// Attempts before a job is buried.
    pub attempts: u32,
    /// The first wait after a failure of the world; each further one doubles it.
    pub retry_base: Duration,
}

impl Workers {
    pub fn start(queue: Arc<dyn JobQueue>, pipeline: Arc<Pipeline>, metrics: Metrics, options: &WorkerOptions) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..options.workers {
            tasks.spawn(work(Worker {
                queue: queue.clone(),
                pipeline: pipeline.clone(),
                metrics: metrics.clone(),
                attempts: options.attempts,
                retry_base: options.retry_base,
                stopped: stopped.clone(),
            }));
        }
        Self { tasks, stop }
    }

    /// Lets the jobs at work end, for at most `patience`; nothing new is taken. True if all ended.
    pub async fn drain(mut self, patience: Duration) -> bool {
        // Nobody listens only if every worker has ended already.
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(patience, all).await.is_ok()
    }
}

struct Worker {
    queue: Arc<dyn JobQueue>,
    pipeline: Arc<Pipeline>,
    metrics: Metrics,
    attempts: u32,
    retry_base: Duration,
    stopped: watch::Receiver<bool>,
}

async fn work(mut worker: Worker) {
    loop {
        let lease = tokio::select! {
            biased;
            _ = worker.stopped.wait_for(|stopped| *stopped) => return,
            lease = worker.queue.take() => lease,
        };
        match lease {
            Ok(lease) => worker.judge(lease).await,
            Err(error) => {
                tracing::error!(%error, "taking a job");
                tokio::time::sleep(QUEUE_PAUSE).await;
            }
        }
    }
}

impl Worker {
    async fn judge(&self, lease: Lease) {
        let span = span_of(&lease);
        let waited = self.pipeline.clock.now().saturating_sub(lease.job().now);
        self.metrics.job_seconds.with_label_values(&["wait"]).observe(waited as f64);
        let started = std::time::Instant::now();
        let ended = self.attempt(&lease).instrument(span.clone()).await;
        let _entered = span.enter();
        let duration_ms = started.elapsed().as_millis() as u64;
        self.metrics.job_seconds.with_label_values(&["whole"]).observe(started.elapsed().as_secs_f64());
        let result = match &ended {
            Ended::Done => "done",
            Ended::Retry(_) => "retried",
            Ended::Wait(_) => "waiting",
            Ended::Buried(_) => "buried",
        };
        self.metrics.jobs.with_label_values(&[result]).inc();
        match &ended {
            Ended::Done => spans::well(&span),
            Ended::Wait(_) => spans::skipped(&span),
            Ended::Retry(_) => spans::failed(&span, &"the world failed: tried again"),
            Ended::Buried(reason) => spans::failed(&span, reason),
        }
        tracing::debug!(duration_ms, hints = lease.jobs.len(), result, "job ended");
        drop(_entered);
        if let Err(error) = self.queue.give_back(lease, ended).await {
            tracing::error!(%error, "giving a job back");
        }
    }

    /// Runs the line in a task of its own, so that a panic ends the job and not the worker.
    async fn attempt(&self, lease: &Lease) -> Ended {
        let (pipeline, owned) = (self.pipeline.clone(), lease.clone());
        let judging = async move {
            match steps::subject(&owned.job().kind) {
                Some(span) => spans::within(span, pipeline.judge(&owned)).await,
                None => pipeline.judge(&owned).await,
            }
        };
        let mut task = AbortOnDrop(tokio::spawn(judging.in_current_span()));
        let ended = tokio::select! {
            biased;
            ended = &mut task.0 => ended,
            () = self.queue.overtaken(lease) => {
                tracing::info!("job is overtaken by a newer event");
                task.stop().await;
                return Ended::Wait(Duration::ZERO);
            }
        };
        let failure = match ended {
            Ok(Ok(())) => return Ended::Done,
            Ok(Err(failure)) => failure,
            Err(panic) => Failure::world(anyhow::anyhow!("a panic: {panic}")),
        };
        let attempt = lease.jobs.iter().map(|job| job.attempt).max().unwrap_or(0) + 1;
        if let Some(patience) = failure.patience(self.pipeline.clock.now()) {
            tracing::info!(reason = %failure, wait_s = patience.as_secs(), "job waits");
            return Ended::Wait(patience);
        }
        if matches!(failure, Failure::UnknownCommit(_)) && attempt >= UNKNOWN_COMMIT_ATTEMPTS {
            tracing::info!(reason = %failure, "the commit was pushed away; nothing is left to be done for it");
            return Ended::Done;
        }
        if attempt < self.attempts {
            let wait = backoff(self.retry_base, attempt, lease.commit.installation);
            tracing::warn!(error = %failure, attempt, wait_s = wait.as_secs(), "job failed and is tried again");
            return Ended::Retry(wait);
        }
        tracing::error!(error = %failure, attempt, "job failed for the last time");
        // The check must end: what can still be said to GitHub is said, and the sweep looks again.
        self.pipeline.give_up(lease, &failure).await;
        Ended::Buried(failure.to_string())
    }
}

/// A part of the newest request's trace, with a link to those of the others.
fn span_of(lease: &Lease) -> tracing::Span {
    let trail = lease.trail();
    let span = steps::job(lease.job(), &lease.commit, (trail, lease.jobs.len()));
    if let Some(trace) = &trail.trace {
        trace::continue_from(&span, trace);
    }
    let others = lease.jobs.iter().filter_map(|job| job.trail.trace.as_ref());
    for other in others.filter(|other| Some(*other) != trail.trace.as_ref()) {
        trace::link(&span, other);
    }
    if let Some(place) = trace::place_of(&span).or_else(|| trail.trace.clone()) {
        span.record("trace_id", place.trace_id());
    }
    span
}

/// A job does not outlive its worker: once the drain is over it must not write any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    /// Ends the task; afterwards it writes nothing any more.
    async fn stop(&mut self) {
        self.0.abort();
        // The answer says only that the task was cancelled, or that it was quicker.
        let _ = (&mut self.0).await;
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Doubling, with a spread per installation and attempt so that many do not come back in the same instant.
fn backoff(base: Duration, attempt: u32, installation: InstallationId) -> Duration {
    let doubled = base.saturating_mul(1 << (attempt - 1).min(16)).min(RETRY_MAX);
    let spread = (installation.0.wrapping_mul(31).wrapping_add(u64::from(attempt) * 17) % 100) as u32;
    doubled + doubled * spread / 400
}
