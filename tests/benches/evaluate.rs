//! Judging evidence of all sizes with the first-party evaluators, records handed over page by page; and the same
//! plugins natively, beside it.

mod documents;
mod site;

use documents::Format;
use palisade::correlate;
use palisade::model::Evidence;
use palisade::model::artifact::Source;
use palisade::model::evidence::{Context, SourcedReport};
use palisade::runtime::{Call, Plugin};
use palisade_plugin::testing::{self, CollectedReport, EvidenceBuilder};
use site::{fastest, milliseconds};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The goals name 1,000 and 10,000 components and 20,000 findings.
const ENTRIES: [usize; 4] = [100, 1_000, 10_000, 20_000];
const TRIES: usize = 10;

fn main() {
    divan::main();
    ratios();
}

#[divan::bench(args = ENTRIES, sample_count = 20, sample_size = 1)]
fn license(bencher: divan::Bencher<'_, '_>, components: usize) {
    let (plugin, evidence) = (site::first_party("license"), evidence(Format::Spdx, components));
    bencher.bench(|| evaluate(&plugin, &evidence));
}

#[divan::bench(args = ENTRIES, sample_count = 20, sample_size = 1)]
fn vulnerability(bencher: divan::Bencher<'_, '_>, findings: usize) {
    let (plugin, evidence) = (site::first_party("vulnerability"), evidence(Format::Trivy, findings));
    bencher.bench(|| evaluate(&plugin, &evidence));
}

fn ratios() {
    println!("\nevaluator       records  wasm ms  native ms  wasm/native  correlate ms");
    for (name, format) in [("license", Format::Spdx), ("vulnerability", Format::Trivy)] {
        let plugin = site::first_party(name);
        for entries in ENTRIES {
            let report = sourced(format, entries);
            let correlate = fastest(TRIES, || drop(correlated(report.clone())));
            let evidence = Arc::new(correlated(report));
            let wasm = fastest(TRIES, || evaluate(&plugin, &evidence));
            let native = native(format, entries);
            println!(
                "{name:<14} {entries:>8} {:>8.2} {:>10.2} {:>12.2} {:>13.2}",
                milliseconds(wasm),
                milliseconds(native),
                wasm.as_secs_f64() / native.as_secs_f64(),
                milliseconds(correlate),
            );
        }
    }
}

fn evaluate(plugin: &Plugin, evidence: &Arc<Evidence>) {
    let call = Call::new(None, "bench");
    let verdict = site::TOKIO.block_on(site::RUNTIME.evaluate(&call, plugin, evidence, "{}"));
    divan::black_box(verdict.expect("the plugin judges"));
}

fn evidence(format: Format, entries: usize) -> Arc<Evidence> {
    Arc::new(correlated(sourced(format, entries)))
}

fn correlated(report: SourcedReport) -> Evidence {
    correlate::evidence(Context::default(), vec![report], Vec::new(), &[])
}

/// What the format's plugin makes of a generated document.
fn sourced(format: Format, entries: usize) -> SourcedReport {
    let artifact = site::artifact(format.entries(entries));
    let report = site::normalize(&site::first_party(format.plugin()), &artifact);
    let source = Source { path: "scan/report.json".to_owned(), ..Source::default() };
    SourcedReport { report: Arc::new(report), source, digest: artifact.digest, normalizer: format.plugin().to_owned() }
}

/// The time of the evaluator alone; putting the evidence together is not its work.
fn native(format: Format, entries: usize) -> Duration {
    let bytes = format.entries(entries);
    let report: CollectedReport = match format {
        Format::Spdx => testing::normalize::<palisade_plugin_spdx::Spdx>("scan/report.json", bytes, "{}"),
        _ => testing::normalize::<palisade_plugin_trivy::Trivy>("scan/report.json", bytes, "{}"),
    }
    .expect("generated documents are sound");
    let timed = (0..TRIES).map(|_| {
        let evidence = EvidenceBuilder::new().report(format.plugin(), report.clone());
        let started = Instant::now();
        let verdict = match format {
            Format::Spdx => testing::evaluate::<palisade_plugin_license::License>(evidence, "{}"),
            _ => testing::evaluate::<palisade_plugin_vulnerability::Vulnerabilities>(evidence, "{}"),
        };
        divan::black_box(verdict.expect("the plugin judges"));
        started.elapsed()
    });
    timed.min().unwrap_or_default()
}
