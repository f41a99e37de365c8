//! The licence policy of `policies/compliance` over inventories of all sizes, five ways: compiled by OPA and wrapped into a
//! component, interpreted by the plugin `rego`, interpreted natively, asked of an OPA server on a kept connection, and
//! beside them the first-party evaluator `license`. Writing the input as JSON is counted wherever there is an input.

mod documents;
mod site;

use documents::Format;
use palisade::correlate;
use palisade::documents::Shape;
use palisade::model::artifact::Source;
use palisade::model::evidence::{Context, Evidence, SourcedReport};
use palisade::rego::bundle::{self, Program};
use palisade::rego::reading::reading;
use palisade::rego::remote::OpaServer;
use palisade::rego::{self, DataLoading, Parts, Policy};
use palisade::runtime::{Call, LimitOverrides, Plugin};
use palisade_plugin_rego::engine::Interpreter;
use palisade_tests::{opa, workspace};
use serde_json::{Value, json};
use site::{fastest, milliseconds};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The goals name these.
const PACKAGES: [usize; 4] = [10, 100, 1_000, 10_000];
const TRIES: usize = 10;
const ENTRYPOINT: &str = "compliance/license_report";
/// Nobody's deadline: what is measured may take as long as it takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// About the size of a licence database.
const DATA_ENTRIES: usize = 12_000;

fn main() {
    let Some(opa) = opa::command() else {
        println!("opa is not installed: nothing to compile and no server to ask; `cargo xtask setup` installs it");
        return;
    };
    let directory = workspace().join("policies/compliance");
    let scratch = tempfile::tempdir().expect("a temporary directory");
    licences(&opa, &directory, scratch.path());
    small(&opa, scratch.path());
    data(&opa, scratch.path());
}

fn licences(opa: &Path, directory: &Path, scratch: &Path) {
    let component = load(&compiled(opa, directory, &[ENTRYPOINT], scratch), DataLoading::Snapshot);
    let sources = bundle::read_sources(directory).expect("the policy can be read");
    let data: Value = serde_json::from_str(&sources.data).expect("data is JSON");
    let settings = json!({"entrypoint": ENTRYPOINT});
    let interpreted = json!({"entrypoint": ENTRYPOINT, "modules": sources.modules, "data": data});
    let rego = site::first_party("rego");
    let license = site::first_party("license");
    // The server would take the cases for data.
    let served = scratch.join("served");
    sources.modules.iter().for_each(|(name, text)| write(&served, name, text));
    write(&served, "data.json", &sources.data);
    let server = opa::Server::start(opa, &served);
    let client = site::TOKIO.block_on(async { OpaServer::new(&server.url) }).expect("an address");
    println!(
        "packages  component ms  server ms  component/server  license ms  server/license  rego ms  native regorus ms"
    );
    for packages in PACKAGES {
        let evidence = Arc::new(inventory(packages));
        let component = evaluate(&component, &evidence, &settings);
        let asked = fastest(TRIES, || ask(&client, &evidence));
        let license = evaluate(&license, &evidence, &json!({}));
        let rego = evaluate(&rego, &evidence, &interpreted);
        let native = fastest(TRIES, || natively(&evidence, &interpreted));
        println!(
            "{packages:>8} {:>13.2} {:>10.2} {:>17.2} {:>11.2} {:>15.1} {:>8.2} {:>18.2}",
            milliseconds(component),
            milliseconds(asked),
            component.as_secs_f64() / asked.as_secs_f64(),
            milliseconds(license),
            asked.as_secs_f64() / license.as_secs_f64(),
            milliseconds(rego),
            milliseconds(native),
        );
    }
}

/// A policy that does next to nothing: what an instance costs.
fn small(opa: &Path, scratch: &Path) {
    let directory = scratch.join("small");
    write(&directory, "policy.rego", "package small\n\ndeny contains \"too many\" if count(input.reports) > 3\n");
    let plugin = load(&compiled(opa, &directory, &["small/deny"], scratch), DataLoading::Snapshot);
    let took = evaluate(&plugin, &empty(), &json!({"entrypoint": "small/deny"}));
    println!("\nfresh instance and small evaluation: {:.0} µs", took.as_secs_f64() * 1e6);
}

/// The same policy with much data, loaded when the component is made or when an instance begins.
fn data(opa: &Path, scratch: &Path) {
    let directory = scratch.join("data");
    let licences = (0..DATA_ENTRIES).map(|n| (format!("LicenseRef-{n:05}"), json!({"allowed": n % 3 == 0, "rank": n})));
    let data = json!({"licences": licences.collect::<serde_json::Map<_, _>>()}).to_string();
    write(
        &directory,
        "policy.rego",
        "package data_size\n\ndeny contains \"unknown\" if not data.licences[\"LicenseRef-00003\"].allowed\n",
    );
    write(&directory, "data.json", &data);
    let policy = compiled(opa, &directory, &["data_size/deny"], scratch);
    let settings = json!({"entrypoint": "data_size/deny"});
    let snapshot = evaluate(&load(&policy, DataLoading::Snapshot), &empty(), &settings);
    let instance = evaluate(&load(&policy, DataLoading::PerInstance), &empty(), &settings);
    println!(
        "{} KB of data: in the snapshot {:.2} ms, loaded per instance {:.2} ms, {:.0} times as long",
        data.len() / 1_000,
        milliseconds(snapshot),
        milliseconds(instance),
        instance.as_secs_f64() / snapshot.as_secs_f64(),
    );
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(directory).expect("creating a directory");
    std::fs::write(directory.join(name), text).expect("writing a file");
}

fn compiled(opa: &Path, directory: &Path, entrypoints: &[&str], scratch: &Path) -> Policy {
    let bundle = scratch.join("bundle.tar.gz");
    let mut arguments = vec!["build", "--target", "wasm", "--bundle", "--ignore", "*_test.rego", "--output"];
    let (bundle_path, directory) = (bundle.to_string_lossy().into_owned(), directory.to_string_lossy().into_owned());
    arguments.push(&bundle_path);
    entrypoints.iter().for_each(|entrypoint| arguments.extend(["--entrypoint", entrypoint]));
    arguments.push(&directory);
    opa::run(opa, scratch, &arguments);
    let bundle = bundle::read(&std::fs::read(&bundle).expect("opa wrote it"), None).expect("a bundle");
    let Program::Module { wasm, .. } = bundle.program else { panic!("opa built no module") };
    Policy { wasm, data: Some(bundle.data.into_bytes()) }
}

fn load(policy: &Policy, loading: DataLoading) -> Plugin {
    let parts = palisade_first_party::parts();
    let names: Vec<&str> = palisade_first_party::builtin_names().collect();
    let parts = Parts { glue: parts.opa_glue, builtins: parts.opa_builtins, builtin_names: &names };
    let built = rego::component(&parts, policy, loading).expect("the policy can be wrapped");
    let limits = LimitOverrides { wall: Some(PATIENCE), memory: Some(512 << 20), ..LimitOverrides::default() };
    site::load("policy", &built.component, limits)
}

/// With the writing of the documents: nobody read this evidence before.
fn evaluate(plugin: &Plugin, evidence: &Evidence, settings: &Value) -> Duration {
    let (call, settings) = (Call::new(None, "bench"), settings.to_string());
    let timed = (0..TRIES).map(|_| {
        let evidence = Arc::new(evidence.clone());
        fastest(1, || {
            let verdict = site::TOKIO.block_on(site::RUNTIME.evaluate(&call, plugin, &evidence, &settings));
            divan::black_box(verdict.expect("the policy judges"));
        })
    });
    timed.min().unwrap_or_default()
}

fn documents(evidence: &Evidence) -> Vec<palisade::documents::JsonDocument> {
    let mut documents = Shape::Compliance.write(evidence, usize::MAX).expect("there is room");
    documents.retain(|document| document.name.starts_with("sbom/"));
    documents
}

fn ask(server: &OpaServer, evidence: &Arc<Evidence>) {
    let reading = reading(&json!({"entrypoint": ENTRYPOINT}).to_string(), None).expect("sound settings");
    let (verdict, _) = site::TOKIO.block_on(server.judge(&reading, &documents(evidence), evidence));
    divan::black_box(verdict.expect("the server judges"));
}

fn natively(evidence: &Evidence, settings: &Value) {
    let settings = serde_json::from_value(settings.clone()).expect("sound settings");
    let mut interpreter = Interpreter::new(&settings).expect("the policy parses");
    for document in documents(evidence) {
        divan::black_box(interpreter.answer(ENTRYPOINT, &document.json).expect("the policy answers"));
    }
}

fn inventory(packages: usize) -> Evidence {
    let artifact = site::artifact(Format::Spdx.entries(packages));
    let report = site::normalize(&site::first_party("spdx"), &artifact);
    let source = Source { path: "scan/report.json".to_owned(), ..Source::default() };
    let report =
        SourcedReport { report: Arc::new(report), source, digest: artifact.digest, normalizer: "spdx".to_owned() };
    correlate::evidence(Context::default(), vec![report], Vec::new(), &[])
}

fn empty() -> Evidence {
    correlate::evidence(Context::default(), Vec::new(), Vec::new(), &[])
}
