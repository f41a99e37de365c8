//! Where traces and metrics go: the standard `OTEL_*` variables and Polly's names, as keys. Texts keep the forms that
//! OpenTelemetry gives them.

use super::duration;
use crate::model::Secret;
use serde::Deserialize;
use std::time::Duration;

/// Polly's own default, and the port of OTLP over HTTP.
const LOCAL_COLLECTOR: &str = "http://localhost:4318";

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The collector that gets OTLP over HTTP: `/v1/traces` and `/v1/metrics` below this address. Default none, and then
    /// nothing is sent. `OTEL_EXPORTER_OTLP_ENDPOINT` sets it.
    pub endpoint: Option<String>,
    /// Whole addresses for one of the two, over `endpoint`. Default none.
    pub traces_endpoint: Option<String>,
    pub metrics_endpoint: Option<String>,
    /// Sent with every request, `name=value,…`, values percent-encoded: the collector's credentials. Default none.
    pub headers: Option<Secret>,
    /// `http/protobuf` (default) or `http/json`.
    pub protocol: String,
    /// How long one request may take. Default `10s`.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// How often metrics are sent. Default `60s`.
    #[serde(with = "duration")]
    pub metrics_interval: Duration,
    /// `otlp` (default) or `none`.
    pub traces_exporter: String,
    pub metrics_exporter: String,
    /// False: nothing is sent, whatever else is set. True: to a collector on this machine where no address is set. Default:
    /// where an address is set.
    pub export: Option<bool>,
    /// Default `palisade`.
    pub service_name: String,
    /// Default: this program's version.
    pub service_version: Option<String>,
    /// What else is said of this instance, `name=value,…`, values percent-encoded. Default nothing.
    pub resource_attributes: String,
    /// `always_on`, `always_off`, `traceidratio`, or those with `parentbased_` in front. Default `parentbased_always_on`.
    pub sampler: String,
    /// The share of traces that are kept, for the two ratios. Default 1.
    pub sampler_argument: f64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            endpoint: None,
            traces_endpoint: None,
            metrics_endpoint: None,
            headers: None,
            protocol: "http/protobuf".into(),
            timeout: Duration::from_secs(10),
            metrics_interval: Duration::from_secs(60),
            traces_exporter: "otlp".into(),
            metrics_exporter: "otlp".into(),
            export: None,
            service_name: "palisade".into(),
            service_version: None,
            resource_attributes: String::new(),
            sampler: "parentbased_always_on".into(),
            sampler_argument: 1.0,
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Traces,
    Metrics,
}

impl Telemetry {
    /// Where a signal goes; none if it is not sent.
    pub fn address(&self, signal: Signal) -> Option<String> {
        let (exporter, own, path) = match signal {
            Signal::Traces => (&self.traces_exporter, &self.traces_endpoint, "/v1/traces"),
            Signal::Metrics => (&self.metrics_exporter, &self.metrics_endpoint, "/v1/metrics"),
        };
        if self.export == Some(false) || exporter == "none" {
            return None;
        }
        let local = (self.export == Some(true)).then_some(LOCAL_COLLECTOR);
        let below = || self.endpoint.as_deref().or(local).map(|base| format!("{}{path}", base.trim_end_matches('/')));
        own.clone().or_else(below).map(|address| with_scheme(&address))
    }

    /// Everything that is wrong with it, without the values.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.protocol == "grpc" {
            problems.push(
                "telemetry.protocol: grpc is not supported; use `http/protobuf`, which collectors take on port 4318"
                    .to_owned(),
            );
        } else if !matches!(self.protocol.as_str(), "http/protobuf" | "http/json") {
            problems.push("telemetry.protocol is neither `http/protobuf` nor `http/json`".to_owned());
        }
        for (key, exporter) in [("traces", &self.traces_exporter), ("metrics", &self.metrics_exporter)] {
            if !matches!(exporter.as_str(), "otlp" | "none") {
                problems.push(format!("telemetry.{key}_exporter is neither `otlp` nor `none`"));
            }
        }
        for address in [Signal::Traces, Signal::Metrics].into_iter().filter_map(|signal| self.address(signal)) {
            // The address itself is not told: whoever writes credentials into one should not read them in a log.
            if address.parse::<http::Uri>().is_err() || address.contains('@') {
                problems
                    .push("telemetry.endpoint: no URL without credentials; those belong into telemetry.headers".into());
            }
        }
        for (key, text) in [
            ("headers", self.headers.as_ref().map_or("", Secret::expose)),
            ("resource_attributes", &self.resource_attributes),
        ] {
            if pairs(text).is_none() {
                problems.push(format!("telemetry.{key} is not a list `name=value,…`"));
            }
        }
        if !SAMPLERS.contains(&self.sampler.as_str()) {
            problems.push(format!("telemetry.sampler is none of {}", SAMPLERS.join(", ")));
        }
        if !(0.0..=1.0).contains(&self.sampler_argument) {
            problems.push("telemetry.sampler_argument is not between 0 and 1".to_owned());
        }
        problems.dedup();
        problems
    }
}

const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// Polly's endpoint is host and port alone.
fn with_scheme(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

/// `name=value,…` with percent-encoded values; none if it is no such list.
pub fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_owned(), decoded(value.trim())?)).filter(|(name, _)| !name.is_empty())
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, more)) = rest.split_first() {
        rest = match first {
            b'%' => {
                let (digits, more) = more.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                more
            }
            byte => {
                bytes.push(*byte);
                more
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_unless_somebody_says_where() {
        let none = Telemetry::default();
        assert_eq!(none.address(Signal::Traces), None);
        let local = Telemetry { export: Some(true), ..Telemetry::default() };
        assert_eq!(local.address(Signal::Traces).as_deref(), Some("http://localhost:4318/v1/traces"));
        let polly = Telemetry { endpoint: Some("collector:4318".into()), ..Telemetry::default() };
        assert_eq!(polly.address(Signal::Metrics).as_deref(), Some("http://collector:4318/v1/metrics"));
        let off = Telemetry { export: Some(false), ..polly.clone() };
        assert_eq!(off.address(Signal::Metrics), None);
        let one = Telemetry { metrics_exporter: "none".into(), traces_endpoint: Some("http://t/x".into()), ..polly };
        assert_eq!(one.address(Signal::Metrics), None);
        assert_eq!(one.address(Signal::Traces).as_deref(), Some("http://t/x"));
    }

    #[test]
    fn what_cannot_be_is_named_and_no_value_is_told() {
        let wrong = Telemetry {
            endpoint: Some("http://me:hunter2@collector".into()),
            protocol: "grpc".into(),
            headers: Some(Secret::new("hunter2")),
            sampler: "jaeger_remote".into(),
            traces_exporter: "console".into(),
            sampler_argument: 2.0,
            ..Telemetry::default()
        };
        let problems = wrong.problems().join("\n");
        assert_eq!(problems.lines().count(), 6, "{problems}");
        assert!(problems.contains("grpc is not supported; use `http/protobuf`"), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
        assert_eq!(Telemetry::default().problems(), Vec::<String>::new());
    }

    #[test]
    fn pairs_are_percent_decoded() {
        let read = pairs("authorization=Bearer%20x%3D, a=b=c,").expect("a list");
        assert_eq!(read, [("authorization".into(), "Bearer x=".into()), ("a".into(), "b=c".into())]);
        assert_eq!((pairs("novalue"), pairs("a=%4"), pairs("")), (None, None, Some(Vec::new())));
    }
}
