//! Metrics on their way to a collector, for as long as the host lives.

use crate::api::Api;
use crate::telemetry::Reports;
use std::time::Duration;
use tokio::sync::watch;

/// Sends this host's metrics to a collector.
#[derive(Debug)]
pub struct Reporting {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reporting {
    pub fn start(mut reports: Reports, api: Api) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut ended = false;
            while !ended {
                // An error means that the host is gone.
                ended = tokio::time::timeout(reports.interval, stopped.wait_for(|stopped| *stopped)).await.is_ok();
                api.fill_gauges().await;
                reports.send(&api.metrics).await;
            }
        });
        Self { stop, task }
    }

    /// What was counted last is told, for as long as there is time.
    pub async fn end(mut self, patience: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            tracing::warn!("the last metrics could not be sent in time");
        }
    }
}
