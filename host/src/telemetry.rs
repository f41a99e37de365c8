//! Logs, traces, metrics and the audit log: the names of all of them in one place. Labels come only from bounded sets; a
//! repository, a digest or an error's text belongs in a log line or a span, never in a label. No secret and no body in any.

pub mod audit;
pub mod catalogue;
mod export;
mod logs;
mod otlp;
mod reports;
pub mod spans;
pub mod steps;
pub mod trace;

pub use export::counts as span_counts;
pub use logs::{LogFormat, Logs, lines, start_logging};
pub use otlp::Telemetry;
pub use reports::Reports;

use anyhow::{Context, Result};
use catalogue::{EVENTS, LIMITS, MetricInfo, TOTALS, bounded, metric};
use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// Every metric of the host, as [`catalogue::METRICS`] says. Prefix `palisade_`; seconds and bytes.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    pub deliveries: IntCounterVec,
    pub queue_depth: IntGaugeVec,
    pub queue_oldest_seconds: Gauge,
    pub jobs: IntCounterVec,
    pub job_seconds: HistogramVec,
    pub plugin_calls: IntCounterVec,
    pub plugin_call_seconds: HistogramVec,
    pub plugin_cpu_seconds: GaugeVec,
    pub plugin_memory_peak_bytes: IntGaugeVec,
    pub limit_hits: IntCounterVec,
    pub checks: IntCounterVec,
    pub comments: IntCounterVec,
    pub report_cache: IntCounterVec,
    pub redelivered: IntCounterVec,
    pub deliveries_read_until: IntGauge,
    pub reconciled: IntCounterVec,
    pub results_older_than_policy: IntGauge,
    pub store_entries: IntGaugeVec,
    pub store_bytes: IntGaugeVec,
    pub totals: IntGaugeVec,
    /// Never by installation: their number has no bound.
    pub github_budget: IntGaugeVec,
    pub connections: IntCounterVec,
    pub connections_open: IntGauge,
    pub requests_shed: IntCounterVec,
    pub webhook_secret_matches: IntCounterVec,
    pub credential_reloads: IntCounterVec,
    pub credential_not_after: IntGaugeVec,
    pub engine_pooling: IntGauge,
}

/// Makes metrics by their name in the catalogue, and registers them.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn info(name: &str) -> Result<(&'static MetricInfo, Vec<&'static str>)> {
        let info = metric(name).with_context(|| format!("the metric {name} is not in the catalogue"))?;
        Ok((info, info.labels.iter().map(|label| label.name).collect()))
    }

    fn counter(&self, name: &str) -> Result<IntCounterVec> {
        let (info, labels) = Self::info(name)?;
        self.registered(IntCounterVec::new(Opts::new(info.name, info.help), &labels)?)
    }

    fn gauges(&self, name: &str) -> Result<IntGaugeVec> {
        let (info, labels) = Self::info(name)?;
        self.registered(IntGaugeVec::new(Opts::new(info.name, info.help), &labels)?)
    }

    fn number(&self, name: &str) -> Result<IntGauge> {
        let (info, _) = Self::info(name)?;
        self.registered(IntGauge::with_opts(Opts::new(info.name, info.help))?)
    }

    fn seconds(&self, name: &str) -> Result<HistogramVec> {
        let (info, labels) = Self::info(name)?;
        // From 100 µs, a small plugin call, to about 100 s, a job that waited for GitHub.
        let buckets = prometheus::exponential_buckets(0.0001, 4.0, 11)?;
        self.registered(HistogramVec::new(HistogramOpts::new(info.name, info.help).buckets(buckets), &labels)?)
    }

    fn registered<T: prometheus::core::Collector + Clone + 'static>(&self, metric: T) -> Result<T> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

impl Metrics {
    pub fn new() -> Result<Self> {
        let registry = Registry::new_custom(Some("palisade".to_owned()), None).context("creating the registry")?;
        let make = Maker(&registry);
        let (oldest, labels) = Maker::info("queue_oldest_seconds")?;
        let queue_oldest_seconds = make.registered(Gauge::with_opts(Opts::new(oldest.name, oldest.help))?)?;
        debug_assert!(labels.is_empty());
        let (cpu, labels) = Maker::info("plugin_cpu_seconds")?;
        let plugin_cpu_seconds = make.registered(GaugeVec::new(Opts::new(cpu.name, cpu.help), &labels)?)?;
        Ok(Self {
            deliveries: make.counter("deliveries_total")?,
            queue_depth: make.gauges("queue_depth")?,
            queue_oldest_seconds,
            jobs: make.counter("jobs_total")?,
            job_seconds: make.seconds("job_seconds")?,
            plugin_calls: make.counter("plugin_calls_total")?,
            plugin_call_seconds: make.seconds("plugin_call_seconds")?,
            plugin_cpu_seconds,
            plugin_memory_peak_bytes: make.gauges("plugin_memory_peak_bytes")?,
            limit_hits: make.counter("limit_hits_total")?,
            checks: make.counter("checks_total")?,
            comments: make.counter("comments_total")?,
            report_cache: make.counter("report_cache_total")?,
            redelivered: make.counter("redelivered_total")?,
            deliveries_read_until: make.number("delivery_log_read_until_seconds")?,
            reconciled: make.counter("reconciled_total")?,
            results_older_than_policy: make.number("results_older_than_policy")?,
            store_entries: make.gauges("store_entries")?,
            store_bytes: make.gauges("store_bytes")?,
            totals: make.gauges("totals")?,
            github_budget: make.gauges("github_budget")?,
            engine_pooling: make.number("engine_pooling")?,
            connections: make.counter("connections_total")?,
            connections_open: make.number("connections_open")?,
            requests_shed: make.counter("requests_shed_total")?,
            webhook_secret_matches: make.counter("webhook_secret_matches_total")?,
            credential_reloads: make.counter("credential_reloads_total")?,
            credential_not_after: make.gauges("credential_not_after_seconds")?,
            registry,
        })
    }

    /// One request to the webhook. The event's name comes from outside: only those that are acted on are labels.
    pub fn delivery(&self, event: Option<&str>, result: &str) {
        let event = bounded(EVENTS, event.unwrap_or("other"));
        self.deliveries.with_label_values(&[event, bounded(catalogue::DELIVERY_RESULTS, result)]).inc();
    }

    /// A counter or size that a room keeps itself.
    pub fn total(&self, name: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.totals.with_label_values(&[bounded(TOTALS, name)]).set(value);
    }

    /// One guest call: what it was, how it ended, how long it took.
    pub fn plugin_call(&self, call: &PluginCall<'_>, took: std::time::Duration) {
        self.plugin_calls.with_label_values(&[call.plugin, call.kind, call.verdict, call.outcome]).inc();
        self.plugin_call_seconds.with_label_values(&[call.plugin, call.kind]).observe(took.as_secs_f64());
        if let Some(limit) = call.limit {
            self.limit_hits.with_label_values(&[call.plugin, bounded(LIMITS, limit)]).inc();
        }
    }

    /// What is registered, as it stands, for an export by another protocol.
    fn families(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.registry.gather()
    }

    /// Counts a connection as open until what is returned is dropped.
    pub fn open_connection(&self) -> OpenConnection {
        self.connections_open.inc();
        OpenConnection(self.connections_open.clone())
    }

    /// The text that `/metrics` answers.
    pub fn render(&self) -> Result<String> {
        let mut buffer = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut buffer).context("writing the metrics")?;
        String::from_utf8(buffer).context("metrics are text")
    }
}

/// One open connection, as `connections_open` counts it.
#[derive(Debug)]
pub struct OpenConnection(IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
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

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::core::Collector;

    #[test]
    fn metrics_carry_the_prefix() {
        let metrics = Metrics::new().expect("names are unique");
        metrics.jobs.with_label_values(&["done"]).inc();
        assert!(metrics.render().expect("text").contains("palisade_jobs_total{result=\"done\"} 1"));
    }

    #[test]
    fn everything_in_the_catalogue_is_there() {
        let metrics = Metrics::new().expect("names are unique");
        let registered: std::collections::BTreeSet<String> = [
            metrics.deliveries.desc(),
            metrics.queue_depth.desc(),
            metrics.queue_oldest_seconds.desc(),
            metrics.jobs.desc(),
            metrics.job_seconds.desc(),
            metrics.plugin_calls.desc(),
            metrics.plugin_call_seconds.desc(),
            metrics.plugin_cpu_seconds.desc(),
            metrics.plugin_memory_peak_bytes.desc(),
            metrics.limit_hits.desc(),
            metrics.checks.desc(),
            metrics.comments.desc(),
            metrics.report_cache.desc(),
            metrics.redelivered.desc(),
            metrics.deliveries_read_until.desc(),
            metrics.reconciled.desc(),
            metrics.results_older_than_policy.desc(),
            metrics.connections.desc(),
            metrics.connections_open.desc(),
            metrics.requests_shed.desc(),
            metrics.webhook_secret_matches.desc(),
            metrics.credential_reloads.desc(),
            metrics.credential_not_after.desc(),
            metrics.github_budget.desc(),
            metrics.store_entries.desc(),
            metrics.store_bytes.desc(),
            metrics.totals.desc(),
            metrics.engine_pooling.desc(),
        ]
        .into_iter()
        .flatten()
        .map(|description| description.fq_name.clone())
        .collect();
        let listed: std::collections::BTreeSet<String> =
            catalogue::METRICS.iter().map(|metric| metric.name.to_owned()).collect();
        assert_eq!(registered, listed);
    }

    #[test]
    fn no_label_says_what_came_from_outside() {
        let metrics = Metrics::new().expect("names are unique");
        metrics.delivery(Some("evil\"} 1"), "queued");
        metrics.total("evil", 7);
        let text = metrics.render().expect("text");
        assert!(!text.contains("evil") && text.contains("event=\"other\""), "{text}");
    }
}
