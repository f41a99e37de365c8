//! Reading a document three ways: by the plugin in WebAssembly with its records handed over, by the same plugin
//! natively, and by plain serde_json. Divan shows the first; the table below it holds the ratios that the goals are about.

mod documents;
mod plain;
mod site;

use documents::Format;
use palisade_plugin::{Artifact, Normalizer, testing};
use site::{fastest, milliseconds};
use std::time::Duration;

const MEGABYTES: [usize; 3] = [1, 10, 50];
/// Enough that a quiet moment is among them, few enough that 50 MB do not take minutes.
const TRIES: usize = 5;

fn main() {
    divan::main();
    ratios();
}

#[divan::bench(args = cases(), sample_count = 5, sample_size = 1)]
fn webassembly(bencher: divan::Bencher<'_, '_>, (format, megabytes): &(Format, usize)) {
    let plugin = site::first_party(format.plugin());
    let artifact = site::artifact(format.megabytes(*megabytes));
    let bytes = divan::counter::BytesCount::new(artifact.bytes.len());
    bencher.counter(bytes).bench(|| site::normalize(&plugin, &artifact));
}

fn cases() -> impl Iterator<Item = (Format, usize)> {
    Format::ALL.into_iter().flat_map(|format| MEGABYTES.map(|megabytes| (format, megabytes)))
}

fn ratios() {
    println!("\nformat      MB   records  wasm ms  native ms  plain ms  wasm/plain  wasm/native");
    for format in Format::ALL {
        let plugin = site::first_party(format.plugin());
        for megabytes in MEGABYTES {
            let artifact = site::artifact(format.megabytes(megabytes));
            let report = site::normalize(&plugin, &artifact);
            let records = report.findings.len() + report.components.len() + report.dependencies.len();
            drop(report);
            let wasm = fastest(TRIES, || drop(site::normalize(&plugin, &artifact)));
            let native = native(format, &artifact.bytes);
            let plain = fastest(TRIES, || plain::parse(format, &artifact.bytes));
            println!(
                "{:<10} {megabytes:>3} {records:>9} {:>8.1} {:>10.1} {:>9.1} {:>11.2} {:>12.2}",
                format.plugin(),
                milliseconds(wasm),
                milliseconds(native),
                milliseconds(plain),
                wasm.as_secs_f64() / plain.as_secs_f64(),
                wasm.as_secs_f64() / native.as_secs_f64(),
            );
        }
    }
}

/// Without what only the in-memory stand-in does: the host has a file's bytes and outline at hand before the call.
fn native(format: Format, bytes: &[u8]) -> Duration {
    let normalize = match format {
        Format::Trivy => natively::<palisade_plugin_trivy::Trivy>,
        Format::Spdx => natively::<palisade_plugin_spdx::Spdx>,
        Format::CycloneDx => natively::<palisade_plugin_cyclonedx::CycloneDx>,
        Format::Sarif => natively::<palisade_plugin_sarif::Sarif>,
    };
    let whole = fastest(TRIES, || normalize(bytes));
    let stand_in = fastest(TRIES, || {
        let artifact = Artifact::in_memory("scan/report.json", bytes);
        divan::black_box(artifact.outline());
    });
    whole.saturating_sub(stand_in)
}

fn natively<N: Normalizer>(bytes: &[u8]) {
    let report = testing::normalize::<N>("scan/report.json", bytes, "{}").expect("generated documents are sound");
    divan::black_box(&report);
}
