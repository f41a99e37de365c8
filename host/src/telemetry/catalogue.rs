//! Every metric of the host: its name, its labels with the values that they may take, and what it says. `Metrics` is made
//! of this list, and TELEMETRY.md is held against it.

/// A metric as `/metrics` shows it, without the prefix `palisade_`.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    pub name: &'static str,
    pub kind: MetricKind,
    pub labels: &'static [LabelInfo],
    pub help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

impl MetricKind {
    pub fn word(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct LabelInfo {
    pub name: &'static str,
    pub values: Values,
}

/// What a label may say. Nothing that comes from a payload, an artifact or a plugin's answer.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    Of(&'static [&'static str]),
    /// The names of configured plugins.
    Plugins,
}

impl Values {
    pub fn allow(&self, value: &str, plugins: &[&str]) -> bool {
        match self {
            Values::Of(words) => words.contains(&value),
            Values::Plugins => plugins.contains(&value),
        }
    }
}

const fn label(name: &'static str, values: &'static [&'static str]) -> LabelInfo {
    LabelInfo { name, values: Values::Of(values) }
}

const PLUGIN: LabelInfo = LabelInfo { name: "plugin", values: Values::Plugins };
const CALL: LabelInfo = label("kind", &["recognize", "normalize", "evaluate"]);

/// Events that are acted on; the names of all others come from outside.
pub const EVENTS: &[&str] = &[
    "pull_request",
    "workflow_run",
    "check_run",
    "check_suite",
    "merge_group",
    "push",
    "installation",
    "installation_repositories",
    "ping",
    "other",
];

/// What became of a request to the webhook.
pub const DELIVERY_RESULTS: &[&str] = &[
    "queued",
    "duplicate",
    "ignored",
    "noted",
    "ping",
    "full",
    "crowded",
    "unavailable",
    "unauthorized",
    "malformed",
    "too-large",
    "timeout",
    "unsupported",
    "other",
];

/// `ok`, or the word of what broke.
pub const OUTCOMES: &[&str] = &[
    "ok",
    "timeout",
    "memory",
    "trap",
    "stack",
    "denied",
    "unreadable",
    "untrusted",
    "malformed",
    "unsupported",
    "settings",
    "abi",
    "host",
    "other",
];

/// Limits that end a call, by their keys.
pub const LIMITS: &[&str] = &[
    "wall",
    "host_call",
    "host_calls",
    "memory",
    "table_elements",
    "hostcall_bytes",
    "resources",
    "handles",
    "random_bytes",
    "wasm_stack",
    "evidence_documents",
    "breaker",
    "other",
];

/// Counters and sizes that rooms keep themselves.
pub const TOTALS: &[&str] = &[
    "github_reads",
    "github_writes",
    "github_mints",
    "github_repetitions",
    "github_unauthorized",
    "github_rate_limited",
    "github_postponed",
    "github_waits",
    "github_waited_ms",
    "github_downloads",
    "artifact_bytes",
    "artifact_files",
    "compiled_code_hits",
    "compiled_code_misses",
    "compiled_code_rejected",
    "private_key_slot",
    "open_circuits",
    "guest_calls_in_flight",
    "spans_exported",
    "spans_dropped",
    "other",
];

const fn counter(name: &'static str, labels: &'static [LabelInfo], help: &'static str) -> MetricInfo {
    MetricInfo { name, kind: MetricKind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [LabelInfo], help: &'static str) -> MetricInfo {
    MetricInfo { name, kind: MetricKind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [LabelInfo], help: &'static str) -> MetricInfo {
    MetricInfo { name, kind: MetricKind::Histogram, labels, help }
}

pub const METRICS: &[MetricInfo] = &[
    counter(
        "deliveries_total",
        &[label("event", EVENTS), label("result", DELIVERY_RESULTS)],
        "Webhook deliveries by event and result",
    ),
    gauge("queue_depth", &[label("state", &["waiting", "running", "delayed", "buried"])], "Jobs by state"),
    gauge("queue_oldest_seconds", &[], "Age of the oldest job that waits and could be taken"),
    counter("jobs_total", &[label("result", &["done", "retried", "waiting", "buried"])], "Jobs by result"),
    histogram(
        "job_seconds",
        &[label("step", &["wait", "fetch", "normalize", "correlate", "evaluate", "publish", "whole", "other"])],
        "Time of each step of a job",
    ),
    counter(
        "plugin_calls_total",
        &[
            PLUGIN,
            CALL,
            label("verdict", &["", "pass", "warn", "fail", "not-applicable", "other"]),
            label("outcome", OUTCOMES),
        ],
        "Guest calls by plugin, kind, verdict and outcome",
    ),
    histogram("plugin_call_seconds", &[PLUGIN, CALL], "Time of guest calls"),
    gauge(
        "plugin_cpu_seconds",
        &[PLUGIN],
        "Processor time of a plugin's calls since the start, which limits it as fuel would",
    ),
    gauge("plugin_memory_peak_bytes", &[PLUGIN], "The most memory that one call of a plugin has had since the start"),
    counter("limit_hits_total", &[PLUGIN, label("limit", LIMITS)], "Limits that ended a call"),
    counter(
        "checks_total",
        &[label("conclusion", &["success", "neutral", "failure", "cancelled", "other"])],
        "Check runs completed, by conclusion",
    ),
    counter(
        "comments_total",
        &[label(
            "result",
            &["created", "updated", "resolved", "unchanged", "none", "kept", "failed", "deleted", "other"],
        )],
        "What became of pull request comments",
    ),
    counter("report_cache_total", &[label("result", &["hit", "miss"])], "Normalized reports found or made"),
    counter(
        "redelivered_total",
        &[label("result", &["asked", "arrived", "unneeded", "refused", "given_up"])],
        "Deliveries that failed, by what became of them",
    ),
    gauge("delivery_log_read_until_seconds", &[], "Up to which second the log of deliveries was read"),
    counter(
        "reconciled_total",
        &[label("standing", &["current", "looked_after", "older", "undecided", "incomplete", "missing"])],
        "Open pull requests compared, by where they stood",
    ),
    gauge("results_older_than_policy", &[], "Open pull requests that are still to be judged by the policy that holds"),
    gauge(
        "github_budget",
        &[label("figure", &["limited_installations", "lowest_percent_left", "calls_under_way", "calls_waiting"])],
        "What GitHub leaves to the App's installations; the percentage is that of whichever has least",
    ),
    gauge("store_entries", &[label("store", STORES)], "Entries of the stores in memory"),
    gauge("store_bytes", &[label("store", STORES)], "Bytes of the stores in memory"),
    counter(
        "connections_total",
        &[label(
            "result",
            &[
                "ended",
                "idle",
                "slow",
                "broken",
                "handshake",
                "source-full",
                "source-rate",
                "strangers-full",
                "waited",
                "not-accepted",
            ],
        )],
        "Connections by how they ended; `waited` for a place, or could not be accepted",
    ),
    gauge("connections_open", &[], "Connections that are open"),
    counter("requests_shed_total", &[label("reason", &["rate", "refusals"])], "Requests answered 429, by reason"),
    counter(
        "webhook_secret_matches_total",
        &[label("slot", SLOTS)],
        "Deliveries by the secret that verified them, counted from 0",
    ),
    counter(
        "credential_reloads_total",
        &[label("result", &["changed", "unchanged", "failed"])],
        "Times that secrets, keys and certificates were read again",
    ),
    gauge(
        "credential_not_after_seconds",
        &[label("kind", &["webhook secret", "private key"]), label("slot", SLOTS)],
        "When a secret or key ends, Unix time; absent without an end",
    ),
    gauge("totals", &[label("name", TOTALS)], "Counters and sizes that rooms keep themselves"),
    gauge("engine_pooling", &[], "1 with the pooling allocator, 0 on demand"),
];

/// As many as the configuration takes of a kind.
const SLOTS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7"];

const STORES: &[&str] = &["state", "records", "baselines"];

/// The one with this name.
pub fn metric(name: &str) -> Option<&'static MetricInfo> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// The word if it is one of the set, else `other`: no label says anything that the set does not.
pub fn bounded<'a>(set: &[&str], word: &'a str) -> &'a str {
    if set.contains(&word) { word } else { "other" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BrokenKind;

    #[test]
    fn every_way_to_break_is_a_known_outcome() {
        for kind in BrokenKind::ALL {
            assert!(OUTCOMES.contains(&kind.word()), "{kind}");
        }
    }

    #[test]
    fn names_are_unique_and_words_from_outside_are_other() {
        for (place, metric) in METRICS.iter().enumerate() {
            assert!(METRICS[..place].iter().all(|other| other.name != metric.name), "{}", metric.name);
        }
        assert_eq!((bounded(EVENTS, "push"), bounded(EVENTS, "evil\"} 1")), ("push", "other"));
    }
}
