//! Logs and metrics: the names of all of them in one place. Labels come only from bounded sets; a repository, a digest
//! or an error's text belongs in a log line, never in a label.

use anyhow::{Context, Result};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Every metric of the host. Prefix `palisade_`; seconds and bytes.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// `deliveries_total{event,result}`: queued, duplicate, ignored, refused, full, unavailable.
    pub deliveries: IntCounterVec,
    /// `queue_depth{state}`: waiting, running, delayed.
    pub queue_depth: IntGaugeVec,
    /// `jobs_total{result}`: done, retried, waiting, buried.
    pub jobs: IntCounterVec,
    /// `job_seconds{step}`: fetch, normalize, correlate, evaluate, publish, whole.
    pub job_seconds: HistogramVec,
    /// `plugin_calls_total{plugin,kind,verdict,outcome}`.
    pub plugin_calls: IntCounterVec,
    /// `plugin_call_seconds{plugin,kind}`.
    pub plugin_call_seconds: HistogramVec,
    /// `limit_hits_total{plugin,limit}`.
    pub limit_hits: IntCounterVec,
    /// `checks_total{conclusion}`: published completions.
    pub checks: IntCounterVec,
    /// `comments_total{result}`: created, updated, resolved, unchanged, none, kept, failed; `deleted` counts duplicates.
    pub comments: IntCounterVec,
    /// `report_cache_total{result}`: hit, miss.
    pub report_cache: IntCounterVec,
    /// `redelivered_total{result}`: asked, arrived, unneeded, refused, given_up.
    pub redelivered: IntCounterVec,
    /// `delivery_log_read_until_seconds`: up to which second of the clock the log of deliveries was read.
    pub deliveries_read_until: IntGauge,
    /// `reconciled_total{standing}`: current, looked_after, older, undecided, incomplete, missing.
    pub reconciled: IntCounterVec,
    /// `results_older_than_policy`: open pull requests that are still to be judged by the policy that holds.
    pub results_older_than_policy: IntGauge,
    /// `totals{name}`: counters that other rooms keep themselves: downloads, mints, GitHub requests, compiled code.
    pub totals: IntGaugeVec,
    /// `github_budget{figure}`: limited_installations, lowest_percent_left (of the hour, of whichever installation has
    /// least), calls_under_way, calls_waiting. Never by installation: their number has no bound.
    pub github_budget: IntGaugeVec,
    /// `engine_pooling`: 1 with the pooling allocator, 0 on demand.
    pub engine_pooling: IntGauge,
}

impl Metrics {
    pub fn new() -> Result<Self> {
        let registry = Registry::new_custom(Some("palisade".to_owned()), None).context("creating the registry")?;
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec> {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let seconds = |name: &str, help: &str, labels: &[&str]| -> Result<HistogramVec> {
            // From 100 µs, a small plugin call, to about 100 s, a job that waited for GitHub.
            let buckets = prometheus::exponential_buckets(0.0001, 4.0, 11)?;
            let metric = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| -> Result<IntGaugeVec> {
            let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let number = |name: &str, help: &str| -> Result<IntGauge> {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        Ok(Self {
            deliveries: counter("deliveries_total", "Webhook deliveries by event and result", &["event", "result"])?,
            queue_depth: gauge("queue_depth", "Jobs by state", &["state"])?,
            jobs: counter("jobs_total", "Jobs by result", &["result"])?,
            job_seconds: seconds("job_seconds", "Time of each step of a job", &["step"])?,
            plugin_calls: counter(
                "plugin_calls_total",
                "Guest calls by plugin, kind, verdict and outcome",
                &["plugin", "kind", "verdict", "outcome"],
            )?,
            plugin_call_seconds: seconds("plugin_call_seconds", "Time of guest calls", &["plugin", "kind"])?,
            limit_hits: counter("limit_hits_total", "Limits that ended a call", &["plugin", "limit"])?,
            checks: counter("checks_total", "Check runs completed, by conclusion", &["conclusion"])?,
            comments: counter("comments_total", "What became of pull request comments", &["result"])?,
            report_cache: counter("report_cache_total", "Normalized reports found or made", &["result"])?,
            redelivered: counter("redelivered_total", "Deliveries that failed, by what became of them", &["result"])?,
            deliveries_read_until: number(
                "delivery_log_read_until_seconds",
                "Up to which second the log of deliveries was read",
            )?,
            reconciled: counter("reconciled_total", "Open pull requests compared, by where they stood", &["standing"])?,
            results_older_than_policy: number(
                "results_older_than_policy",
                "Open pull requests that are still to be judged by the policy that holds",
            )?,
            totals: gauge("totals", "Counters that rooms keep themselves", &["name"])?,
            github_budget: gauge("github_budget", "What GitHub leaves to the App's installations", &["figure"])?,
            engine_pooling: number("engine_pooling", "1 with the pooling allocator, 0 on demand")?,
            registry,
        })
    }

    /// One guest call: what it was, how it ended, how long it took.
    pub fn plugin_call(&self, call: &PluginCall<'_>, took: std::time::Duration) {
        self.plugin_calls.with_label_values(&[call.plugin, call.kind, call.verdict, call.outcome]).inc();
        self.plugin_call_seconds.with_label_values(&[call.plugin, call.kind]).observe(took.as_secs_f64());
        if let Some(limit) = call.limit {
            self.limit_hits.with_label_values(&[call.plugin, limit]).inc();
        }
    }

    /// The text that `/metrics` answers.
    pub fn render(&self) -> Result<String> {
        let mut buffer = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut buffer).context("writing the metrics")?;
        String::from_utf8(buffer).context("metrics are text")
    }
}

/// What is counted of a guest call. All of it comes from bounded sets.
#[derive(Clone, Copy, Debug)]
pub struct PluginCall<'a> {
    pub plugin: &'a str,
    /// `recognize`, `normalize` or `evaluate`.
    pub kind: &'a str,
    /// `pass`, `warn`, `fail`, `not-applicable`, or empty.
    pub verdict: &'a str,
    /// `ok` or the word of what broke.
    pub outcome: &'a str,
    pub limit: Option<&'a str>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// Sends log lines to standard error, once per process. A second call keeps the first.
pub fn start_logging(filter: &str, format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("log.level: {filter:?} is not a filter"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process (tests) is not worth an error.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal() && !crate::config::no_colour())
            .compact()
            .without_time()
            .try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_carry_the_prefix() {
        let metrics = Metrics::new().expect("names are unique");
        metrics.jobs.with_label_values(&["done"]).inc();
        assert!(metrics.render().expect("text").contains("palisade_jobs_total{result=\"done\"} 1"));
    }
}
