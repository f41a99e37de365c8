//! Metrics by OTLP: what `/metrics` shows, sent every minute and once more at the end.

use super::otlp::{Otlp, attributes, told};
use super::{Metrics, catalogue};
use crate::config::telemetry::{Signal, Telemetry as Settings};
use anyhow::Result;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus::proto::{LabelPair, MetricFamily, MetricType};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Sends a host's metrics.
#[derive(Debug)]
pub struct Reports {
    otlp: Otlp,
    resource: Resource,
    pub interval: Duration,
    began: u64,
    well: bool,
}

impl Reports {
    /// None where metrics are not sent.
    pub fn new(settings: &Settings) -> Result<Option<Self>> {
        let Some(otlp) = Otlp::new(settings, Signal::Metrics)? else { return Ok(None) };
        let resource = Resource { attributes: attributes(settings)?.attributes.0, ..Resource::default() };
        // An interval of nothing would never let go.
        let interval = settings.metrics_interval.max(Duration::from_millis(100));
        Ok(Some(Self { otlp, resource, interval, began: now(), well: true }))
    }

    /// Sends the metrics as they stand. What a collector does not take is in the next report: all of it is cumulative.
    pub async fn send(&mut self, metrics: &Metrics) {
        let at = Times { began: self.began, now: now() };
        let metrics = metrics.families().iter().map(|family| metric(family, at)).collect();
        let scope = InstrumentationScope { name: "palisade".to_owned(), ..InstrumentationScope::default() };
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
        let resource = Some(self.resource.clone());
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }],
        };
        let sent = self.otlp.send(&request).await;
        told(&mut self.well, &self.otlp, "metrics", &sent);
    }
}

#[derive(Clone, Copy)]
struct Times {
    began: u64,
    now: u64,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn metric(family: &MetricFamily, at: Times) -> Metric {
    let temporality = AggregationTemporality::Cumulative as i32;
    let data = match family.get_field_type() {
        MetricType::COUNTER => {
            let data_points =
                family.get_metric().iter().map(|one| number(one.get_label(), one.get_counter().get_value(), at));
            Data::Sum(Sum {
                data_points: data_points.collect(),
                aggregation_temporality: temporality,
                is_monotonic: true,
            })
        }
        MetricType::HISTOGRAM => {
            let data_points = family.get_metric().iter().map(|one| histogram(one.get_label(), one.get_histogram(), at));
            Data::Histogram(Histogram { data_points: data_points.collect(), aggregation_temporality: temporality })
        }
        _ => {
            let data_points =
                family.get_metric().iter().map(|one| number(one.get_label(), one.get_gauge().get_value(), at));
            Data::Gauge(Gauge { data_points: data_points.collect() })
        }
    };
    let unit = unit(family.name()).to_owned();
    Metric {
        name: family.name().to_owned(),
        description: family.help().to_owned(),
        unit,
        data: Some(data),
        ..Metric::default()
    }
}

fn unit(name: &str) -> &'static str {
    debug_assert!(name.strip_prefix("palisade_").is_none_or(|name| catalogue::metric(name).is_some()), "{name}");
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    }
}

fn number(labels: &[LabelPair], value: f64, at: Times) -> NumberDataPoint {
    NumberDataPoint {
        attributes: labels.iter().map(attribute).collect(),
        start_time_unix_nano: at.began,
        time_unix_nano: at.now,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

/// Prometheus counts what is at most as large as a bound, OTLP what lies between two.
fn histogram(labels: &[LabelPair], histogram: &prometheus::proto::Histogram, at: Times) -> HistogramDataPoint {
    let finite = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let (mut bounds, mut counts, mut before) = (Vec::new(), Vec::new(), 0);
    for bucket in finite {
        bounds.push(bucket.upper_bound());
        counts.push(bucket.cumulative_count() - before);
        before = bucket.cumulative_count();
    }
    counts.push(histogram.get_sample_count().saturating_sub(before));
    HistogramDataPoint {
        attributes: labels.iter().map(attribute).collect(),
        start_time_unix_nano: at.began,
        time_unix_nano: at.now,
        count: histogram.get_sample_count(),
        sum: Some(histogram.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

fn attribute(label: &LabelPair) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(label.value().to_owned())) };
    KeyValue { key: label.name().to_owned(), value: Some(value), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_between_two_bounds_and_counters_say_since_when() {
        let metrics = Metrics::new().expect("names are unique");
        metrics.jobs.with_label_values(&["done"]).inc_by(3);
        for seconds in [0.00005, 0.0003, 1e9] {
            metrics.job_seconds.with_label_values(&["whole"]).observe(seconds);
        }
        let at = Times { began: 1, now: 2 };
        let sent: Vec<Metric> = metrics.families().iter().map(|family| metric(family, at)).collect();
        let of = |name: &str| sent.iter().find(|metric| metric.name == name).expect("it is sent").data.clone();
        let Some(Data::Sum(jobs)) = of("palisade_jobs_total") else { panic!("a sum") };
        assert_eq!((jobs.data_points[0].start_time_unix_nano, jobs.is_monotonic), (1, true));
        assert_eq!(jobs.data_points[0].value, Some(number_data_point::Value::AsDouble(3.0)));
        let Some(Data::Histogram(seconds)) = of("palisade_job_seconds") else { panic!("a histogram") };
        let point = &seconds.data_points[0];
        assert_eq!((point.bucket_counts.len(), point.explicit_bounds.len()), (12, 11));
        assert_eq!((point.bucket_counts[0], point.bucket_counts[1], point.bucket_counts[11]), (1, 1, 1));
    }
}
