//! What `/metrics` says after a run through the line, whatever names came from outside; and what TELEMETRY.md says of it.

use palisade::telemetry::audit::Act;
use palisade::telemetry::catalogue::{LabelInfo, METRICS, MetricInfo, MetricKind, Values, metric};
use palisade::telemetry::spans::{SPANS, WITHOUT_COUNTERPART};
use palisade_tests::{TestHost, evidence, http};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A sample: name, labels.
type Series = (String, BTreeMap<String, String>);

fn series(text: &str) -> BTreeSet<Series> {
    let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    samples.map(|line| sample(line.rsplit_once(' ').expect("a value").0)).collect()
}

/// `name{label="value",…}`; values have no commas or quotes in them, as the test below holds.
fn sample(text: &str) -> Series {
    let Some((name, labels)) = text.split_once('{') else { return (text.to_owned(), BTreeMap::new()) };
    let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
    (name.to_owned(), labels.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect())
}

/// The metric that a sample belongs to: a histogram has three kinds of samples.
fn declared(name: &str) -> Option<&'static MetricInfo> {
    let name = name.strip_prefix("palisade_")?;
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|ending| metric(name.strip_suffix(ending)?));
    metric(name).or(of_histogram.filter(|metric| metric.kind == MetricKind::Histogram))
}

/// As many series as the declared sets allow: histograms have eleven buckets, a last one, a sum and a count.
fn most(metric: &MetricInfo, plugins: usize) -> usize {
    let values = |label: &LabelInfo| match label.values {
        Values::Of(words) => words.len(),
        Values::Plugins => plugins,
    };
    let samples = if metric.kind == MetricKind::Histogram { 14 } else { 1 };
    samples * metric.labels.iter().map(values).product::<usize>()
}

fn uploads(palisade: &TestHost, name: &str) -> palisade_github_fake::PullRequest {
    let pull_request = palisade.github.repository(name).open_pull_request("\"} 1\npalisade_evil{x=\"<script>");
    let run = pull_request.start_run("ci.yml");
    let hostile = "evil\"} 1\npalisade_evil 1";
    run.upload("sbom", &[("sbom.json", &evidence::spdx(&[(hostile, hostile)]))]);
    run.upload("trivy", &[("trivy.json", &evidence::trivy(&[(hostile, "CRITICAL")]))]);
    run.upload("vulnerabilities-evil", &[("x,y=\"z\".json", b"{\"evil\": \"{}\"}")]);
    run.complete("success");
    pull_request
}

/// Proves R34, W40.
#[tokio::test(flavor = "multi_thread")]
async fn labels_come_from_declared_sets_whatever_names_come_from_outside() {
    let palisade = TestHost::start().await;
    for name in ["acme/shop", "acme/evil--x", "evil-corp/a.b_c"] {
        uploads(&palisade, name).check_run_completed("License Check").await;
    }
    for event in ["evil_event", "a\"} 1", "workflow_job", "deployment"] {
        palisade.github.repository("acme/shop");
        let body = json!({ "action": "evil\"} 1", "installation": { "id": 1 } }).to_string();
        let signature = palisade.github.sign(body.as_bytes());
        let headers = [
            ("content-type", "application/json"),
            ("x-github-event", event),
            ("x-github-delivery", "evil-1"),
            ("x-hub-signature-256", signature.as_str()),
        ];
        http::post(&palisade.url("/webhook"), &headers, body).await.expect("an answer");
    }
    palisade.settled().await;
    http::get(&palisade.url("/metrics")).await.expect("an answer");
    let text = http::get(&palisade.url("/metrics")).await.expect("an answer").body;
    assert!(!text.contains("evil") && !text.contains("acme"), "{text}");

    let plugins: Vec<&str> = palisade_first_party::all().iter().map(|plugin| plugin.name).collect();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, labels) in series(&text) {
        let metric = declared(&name).unwrap_or_else(|| panic!("{name} is not declared"));
        *count.entry(metric.name).or_default() += 1;
        for (label, value) in labels.iter().filter(|(label, _)| *label != "le") {
            let declared = metric.labels.iter().find(|declared| declared.name == label);
            let declared = declared.unwrap_or_else(|| panic!("{name} has the label {label}, which is not declared"));
            assert!(declared.values.allow(value, &plugins), "{name}{{{label}={value:?}}} is not declared");
        }
    }
    for (name, count) in &count {
        let metric = metric(name).expect("declared");
        assert!(*count <= most(metric, plugins.len()), "{name} has {count} series");
    }
    let asked_for = [
        "report_cache_total",
        "queue_depth",
        "queue_oldest_seconds",
        "job_seconds",
        "plugin_call_seconds",
        "plugin_cpu_seconds",
        "plugin_memory_peak_bytes",
        "store_entries",
        "store_bytes",
    ];
    for name in asked_for {
        assert!(count.contains_key(name), "{name} is missing: {text}");
    }
    let value = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start} is missing"));
        line.rsplit_once(' ').expect("a value").1.parse::<f64>().expect("a number")
    };
    for positive in [
        "palisade_plugin_cpu_seconds{plugin=\"spdx\"}",
        "palisade_plugin_memory_peak_bytes{plugin=\"spdx\"}",
        "palisade_store_bytes{store=\"state\"}",
        "palisade_job_seconds_count{step=\"wait\"}",
        "palisade_job_seconds_count{step=\"publish\"}",
    ] {
        assert!(value(positive) > 0.0, "{positive}");
    }
}

/// The tables of TELEMETRY.md, as the code has them.
fn tables() -> String {
    let mut text = String::from("| metric | kind | labels | says |\n|---|---|---|---|\n");
    for metric in METRICS {
        let values = |label: &LabelInfo| match label.values {
            Values::Of(words) => {
                let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
                format!("`{}`: {}", label.name, words.join(", "))
            }
            Values::Plugins => format!("`{}`: plugins by name", label.name),
        };
        let labels: Vec<String> = metric.labels.iter().map(values).collect();
        let (name, kind, labels, help) = (metric.name, metric.kind.word(), labels.join("; "), metric.help);
        text.push_str(&format!("| `palisade_{name}` | {kind} | {labels} | {help} |\n"));
    }
    text.push_str("\n| span | attributes |\n|---|---|\n");
    for span in SPANS {
        let attributes: Vec<String> = span.attributes.iter().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!("| `{}` | {} |\n", span.name, attributes.join(", ")));
    }
    text.push_str("\n| span of Polly's | not here because |\n|---|---|\n");
    for (name, why) in WITHOUT_COUNTERPART {
        text.push_str(&format!("| `{name}` | {why} |\n"));
    }
    let acts: Vec<String> = Act::ALL.iter().map(|act| format!("`{}`", act.word())).collect();
    text.push_str(&format!("\nActs: {}.\n", acts.join(", ")));
    text
}

#[test]
fn the_document_lists_every_metric_span_and_act() {
    let file = palisade_tests::workspace().join("TELEMETRY.md");
    let document = std::fs::read_to_string(&file).expect("TELEMETRY.md is there");
    for line in tables().lines().filter(|line| !line.is_empty()) {
        assert!(document.lines().any(|there| there == line), "TELEMETRY.md lacks the line\n{line}");
    }
    let rows = |text: &str| text.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows(&document), rows(&tables()), "TELEMETRY.md has a row that says what is not there");
}
