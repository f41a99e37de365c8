//! Spans on their way out: a bounded queue that nobody ever waits for, and a task that sends what is in it. What finds no
//! room, and what a collector did not take, is counted and gone.

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Spans that wait at most: a job has about a hundred, a span about a kilobyte.
const QUEUED: usize = 8_192;
/// Spans in one request: OpenTelemetry's own default.
const BATCH: usize = 512;
/// How long a span waits for others: OpenTelemetry's own default.
const DELAY: Duration = Duration::from_secs(5);

/// Of the process, as the subscriber is.
static EXPORTED: AtomicU64 = AtomicU64::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Spans that a collector took, and spans that were lost.
pub fn counts() -> (u64, u64) {
    (EXPORTED.load(Ordering::Relaxed), DROPPED.load(Ordering::Relaxed))
}

/// Where batches go. Answers whether the collector took them, within a time of its own.
pub trait Sink: Send + 'static {
    fn send(&mut self, spans: Vec<SpanData>) -> impl Future<Output = bool> + Send;
}

#[derive(Debug)]
pub struct Queue {
    spans: mpsc::Sender<SpanData>,
}

/// Ends the task, after it has sent what waits.
#[derive(Debug)]
pub struct Flush {
    asked: mpsc::Sender<oneshot::Sender<()>>,
}

impl Flush {
    /// True if everything that waited was dealt with in time.
    pub async fn within(&self, patience: Duration) -> bool {
        let (done, told) = oneshot::channel();
        let flushed = async { self.asked.send(done).await.is_ok() && told.await.is_ok() };
        tokio::time::timeout(patience, flushed).await.unwrap_or(false)
    }
}

/// Starts the task.
pub fn start(sink: impl Sink) -> (Queue, Flush) {
    let (spans, waiting) = mpsc::channel(QUEUED);
    let (asked, wishes) = mpsc::channel(1);
    tokio::spawn(run(sink, waiting, wishes));
    (Queue { spans }, Flush { asked })
}

async fn run(
    mut sink: impl Sink,
    mut spans: mpsc::Receiver<SpanData>,
    mut wishes: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let mut tick = tokio::time::interval(DELAY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let room = BATCH - batch.len();
        tokio::select! {
            taken = spans.recv_many(&mut batch, room) => {
                if taken == 0 {
                    return;
                }
                if batch.len() == BATCH {
                    send(&mut sink, &mut batch).await;
                }
            }
            _ = tick.tick() => send(&mut sink, &mut batch).await,
            wish = wishes.recv() => {
                let Some(done) = wish else { return };
                while let Ok(span) = spans.try_recv() {
                    batch.push(span);
                    if batch.len() == BATCH {
                        send(&mut sink, &mut batch).await;
                    }
                }
                send(&mut sink, &mut batch).await;
                // Nobody waits any more: the time was up.
                let _ = done.send(());
            }
        }
    }
}

async fn send(sink: &mut impl Sink, batch: &mut Vec<SpanData>) {
    if batch.is_empty() {
        return;
    }
    let spans = std::mem::replace(batch, Vec::with_capacity(BATCH));
    let count = spans.len() as u64;
    let counter = if sink.send(spans).await { &EXPORTED } else { &DROPPED };
    counter.fetch_add(count, Ordering::Relaxed);
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    /// Never waits: a host is not slowed by whoever watches it.
    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::{Arc, Mutex};
    use tokio::sync::Semaphore;

    /// A collector that answers when it is let.
    #[derive(Clone)]
    struct Collector {
        answers: Arc<Semaphore>,
        batches: Arc<Mutex<Vec<usize>>>,
    }

    impl Collector {
        fn answering(times: usize) -> Self {
            Self { answers: Arc::new(Semaphore::new(times)), batches: Arc::default() }
        }
    }

    impl Sink for Collector {
        async fn send(&mut self, spans: Vec<SpanData>) -> bool {
            let answer = self.answers.acquire().await.expect("it is never closed");
            answer.forget();
            self.batches.lock().expect("nobody panicked").push(spans.len());
            true
        }
    }

    fn end_spans(queue: Queue, count: usize) -> SdkTracerProvider {
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        for _ in 0..count {
            drop(tracer.start("a step"));
        }
        provider
    }

    /// One test for both: the counters are the process's.
    #[tokio::test]
    async fn a_dead_collector_slows_nobody_and_what_it_costs_is_counted() {
        let alive = Collector::answering(usize::MAX >> 4);
        let (queue, flush) = start(alive.clone());
        let before = counts();
        let _provider = end_spans(queue, 600);
        assert!(flush.within(Duration::from_secs(30)).await);
        assert_eq!(alive.batches.lock().expect("nobody panicked").iter().sum::<usize>(), 600);
        assert_eq!(counts(), (before.0 + 600, before.1));

        let dead = Collector::answering(0);
        let (queue, flush) = start(dead.clone());
        let before = counts();
        // Nobody takes spans out of the queue before this task waits for something: what has no room is lost at once.
        let _provider = end_spans(queue, QUEUED + 100);
        assert_eq!(counts().1 - before.1, 100);
        assert!(!flush.within(Duration::from_millis(20)).await, "a shutdown waits no longer than it may");
        assert!(dead.batches.lock().expect("nobody panicked").is_empty());
    }
}
