//! The documents that policies are shown, and the one that they may answer with: what the host writes of real and of
//! generated evidence fits the schemas in `wit/documents`, every member is described there, and the examples beside them
//! are what the host writes.

mod generated;

use palisade::artifacts;
use palisade::correlate;
use palisade::documents::{JsonDocument, Shape};
use palisade::model::artifact::{RunSource, Source, UnreadableCause};
use palisade::model::evidence::{Context, SourcedReport};
use palisade::model::ids::RunId;
use palisade::model::plan::Waiver;
use palisade::model::report::{Coverage, Provenance};
use palisade::model::{Artifact, Digest, Evidence, PluginName, UnreadableArtifact};
use palisade::runtime::{Call, PluginOptions, Runtime, RuntimeOptions};
use palisade_tests::evidence;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// 2026-01-02, 03:04:05 UTC.
const NOW: u64 = 1_767_323_045;

fn folder() -> PathBuf {
    palisade_tests::workspace().join("wit/documents")
}

fn read(name: &str) -> Value {
    let path = folder().join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema(name: &str) -> Value {
    read(&format!("{name}.schema.json"))
}

/// The same schema without room for members that it does not describe. Readers have to bear new members, so the schema
/// itself allows them; the host has to describe what it writes.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            for member in members.values_mut() {
                *member = strict(member.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = strict(item.take())),
        _ => {}
    }
    schema
}

/// What is wrong with a document, each with its place.
fn problems(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{error}"));
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// `vulnerability` for `vulnerability/3`.
fn schema_of(document: &JsonDocument) -> &str {
    document.name.split('/').next().unwrap_or_default()
}

fn documents(evidence: &Evidence) -> Vec<JsonDocument> {
    let write = |shape: Shape| shape.write(evidence, usize::MAX).expect("there is room");
    [write(Shape::Evidence), write(Shape::Compliance)].concat()
}

fn assert_described(evidence: &Evidence, what: &str) {
    for document in documents(evidence) {
        let json: Value = serde_json::from_slice(&document.json).expect("JSON");
        let problems = problems(&strict(schema(schema_of(&document))), &json);
        assert!(problems.is_empty(), "{what}, {}: {problems:#?}", document.name);
    }
}

/// Files as CI uploads them, by the plugin that reads them.
fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("sbom/spdx.json", "spdx", spdx()),
        ("scan/trivy.json", "trivy", trivy()),
        ("more/cyclonedx.json", "cyclonedx", cyclonedx()),
        ("more/audit.sarif", "sarif", evidence::vulnerability_sarif(&[("CVE-2026-0003", "9.8")])),
        ("more/clean.json", "trivy", evidence::clean_trivy()),
        ("more/lint.sarif", "sarif", evidence::lint_sarif()),
    ]
}

fn trivy() -> Vec<u8> {
    let vulnerability = |id: &str, severity: &str| {
        json!({ "VulnerabilityID": id, "PkgName": "lodash", "InstalledVersion": "4.17.20", "Severity": severity,
            "PkgIdentifier": { "PURL": "pkg:npm/lodash@4.17.20" }, "FixedVersion": "4.17.21, 5.0.0",
            "Title": "Command injection", "Description": "Templates are not escaped.", "Status": "fixed",
            "References": ["https://example.com/advisories/1"], "PublishedDate": "2026-01-01T00:00:00Z",
            "CweIDs": ["CWE-94"],
            "CVSS": { "nvd": { "V3Score": 7.2, "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H" } } })
    };
    let document = json!({ "SchemaVersion": 2, "Trivy": { "Version": "0.70.0" }, "CreatedAt": "2026-01-02T03:00:00Z",
        "ArtifactName": "shop", "ArtifactType": "repository",
        "Results": [{ "Target": "package-lock.json", "Class": "lang-pkgs", "Type": "npm",
            "Vulnerabilities": [vulnerability("CVE-2026-0001", "HIGH"), vulnerability("CVE-2026-0002", "LOW")] }] });
    serde_json::to_vec(&document).expect("plain JSON")
}

fn spdx() -> Vec<u8> {
    let document = json!({ "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": "shop", "documentNamespace": "https://example.com/spdx/shop",
        "creationInfo": { "created": "2026-01-02T02:00:00Z", "creators": ["Tool: example-sbom-1.4.0"] },
        "packages": [
            { "SPDXID": "SPDXRef-lodash", "name": "lodash", "versionInfo": "4.17.20", "supplier": "Organization: Example",
              "downloadLocation": "https://example.com/lodash.tgz", "filesAnalyzed": false,
              "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT", "copyrightText": "Example",
              "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                 "referenceLocator": "pkg:npm/lodash@4.17.20" }] },
            { "SPDXID": "SPDXRef-chart", "name": "chart", "downloadLocation": "NOASSERTION",
              "licenseConcluded": "GPL-3.0-only", "licenseDeclared": "GPL-3.0-only" },
            { "SPDXID": "SPDXRef-quiet", "name": "quiet", "downloadLocation": "NOASSERTION" }],
        "relationships": [{ "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                            "relatedSpdxElement": "SPDXRef-lodash" }] });
    serde_json::to_vec(&document).expect("plain JSON")
}

fn cyclonedx() -> Vec<u8> {
    evidence::cyclonedx(&[("left-pad", "MIT OR Apache-2.0")], &[("CVE-2026-0004", "medium", "left-pad")])
}

/// What the first-party plugins make of the first files, a waiver for the second vulnerability, and a file that nobody
/// could read.
async fn evidence_of(files: &[(&str, &str, Vec<u8>)]) -> Evidence {
    let options = RuntimeOptions { cache_dir: Some(palisade_tests::compiled_code()), ..RuntimeOptions::default() };
    let runtime = Runtime::new(options).expect("the engine starts");
    let mut reports = Vec::new();
    for (path, plugin, bytes) in files {
        reports.push(normalized(&runtime, plugin, artifact(path, bytes)).await);
    }
    let waiver = Waiver {
        id: Some("CVE-2026-0002".to_owned()),
        reason: "templates come from us".to_owned(),
        owner: Some("security".to_owned()),
        until: Some(NOW + 86_400),
        ..Waiver::default()
    };
    let unreadable = UnreadableArtifact {
        path: "scan/broken.json".to_owned(),
        digest: Some(Digest::of(b"{")),
        format: Some("trivy-json".to_owned()),
        covers: vec![Coverage::Vulnerabilities],
        reason: "it breaks off after 1 byte".to_owned(),
        cause: UnreadableCause::File,
        provenance: None,
    };
    correlate::evidence(context(), reports, vec![unreadable], &[waiver])
}

fn context() -> Context {
    Context {
        owner: "acme".to_owned(),
        repository: "shop".to_owned(),
        repository_id: Some(11),
        head_sha: "8f14e45fceea167a5a36dedd4bea2543ca1f8b52".to_owned(),
        base_sha: None,
        base_branch: Some("main".to_owned()),
        pull_requests: vec![7, 4],
        event: Some("pull_request".to_owned()),
        now: NOW,
        properties: Vec::new(),
    }
}

fn artifact(path: &str, bytes: &[u8]) -> Artifact {
    let run = RunSource {
        workflow_id: Some(5),
        workflow_sha: Some("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".to_owned()),
        repository_id: Some(11),
        head_repository_id: Some(11),
        triggering_actor: Some("octo".to_owned()),
        artifact_id: Some(99),
        artifact_digest: Some(Digest::of(b"the artifact as it was uploaded")),
        id: RunId(77),
        attempt: 1,
        workflow_path: ".github/workflows/ci.yml".to_owned(),
        event: "pull_request".to_owned(),
        actor: Some("octo".to_owned()),
        head_sha: context().head_sha,
        created_at: NOW - 600,
        ..RunSource::default()
    };
    let source = Source { provenance: Some(Provenance::Repository), path: path.to_owned(), run: Some(run) };
    let bytes = bytes.to_vec();
    Artifact { source, digest: Digest::of(&bytes), outline: artifacts::outline(&bytes), bytes: bytes.into() }
}

async fn normalized(runtime: &Runtime, name: &str, artifact: Artifact) -> SourcedReport {
    let first_party = palisade_first_party::all().iter().find(|plugin| plugin.name == name);
    let wasm = first_party.expect("it comes with the host").wasm;
    let name = PluginName::parse(name).expect("a valid name");
    let plugin = runtime.load(&name, wasm, &PluginOptions::default()).await.expect("the plugin loads");
    let report = runtime.normalize(&Call::new(None, "documents"), &plugin, &artifact, "{}").await;
    SourcedReport {
        report: Arc::new(report.expect("the file is sound")),
        source: artifact.source,
        digest: artifact.digest,
        normalizer: name.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_writes_of_real_reports_is_described_by_the_schemas() {
    let evidence = evidence_of(&files()).await;
    let names: Vec<String> = documents(&evidence).into_iter().map(|document| document.name).collect();
    insta::assert_snapshot!(names.join(" "), @"evidence vulnerability/0 vulnerability/1 vulnerability/2 sbom/2 sbom/4 vulnerability/5");
    assert_described(&evidence, "real reports");
}

#[test]
fn what_the_host_writes_of_any_evidence_is_described_by_the_schemas() {
    // Each seed is a millisecond; fewer than fifty would leave members out.
    for seed in 0..palisade_tests::seeds().max(50) {
        assert_described(&generated::evidence(seed), &format!("seed {seed}"));
    }
}

/// Written anew with `UPDATE_EXAMPLES=1`, as the message says.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_are_what_the_host_writes() {
    let evidence = evidence_of(&files()[..2]).await;
    for document in documents(&evidence) {
        let json: Value = serde_json::from_slice(&document.json).expect("JSON");
        let name = schema_of(&document);
        let path = folder().join(format!("examples/{name}.json"));
        if std::env::var_os("UPDATE_EXAMPLES").is_some() {
            let text = serde_json::to_string_pretty(&json).expect("JSON") + "\n";
            std::fs::write(&path, text).expect("writing an example");
        }
        let example = read(&format!("examples/{name}.json"));
        assert_eq!(example, json, "{} is not what the host writes; run again with UPDATE_EXAMPLES=1", path.display());
    }
}

#[test]
fn every_schema_is_one_and_has_an_example_that_fits() {
    for name in ["evidence", "vulnerability", "sbom", "verdict"] {
        let (schema, example) = (schema(name), read(&format!("examples/{name}.json")));
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(problems(&strict(schema.clone()), &example), Vec::<String>::new(), "{name}");
        assert!(!problems(&schema, &json!({})).is_empty(), "{name}: an empty object is no document");
    }
}

#[test]
fn a_member_that_is_not_described_is_found_wherever_it_stands() {
    let place =
        ["/context", "/findings/0/finding/detail/vulnerability/fix", "/hidden_findings/0/hidden", "/reports/0/source"];
    let schema = strict(schema("evidence"));
    for pointer in place {
        let mut document = read("examples/evidence.json");
        let object = document.pointer_mut(pointer).expect("the example has it").as_object_mut().expect("an object");
        object.insert("unheard_of".to_owned(), json!(1));
        assert!(!problems(&schema, &document).is_empty(), "{pointer}");
    }
}

#[test]
fn the_schema_of_the_verdict_is_that_of_what_is_read() {
    let written = palisade_plugin_policy_results::verdict_schema();
    let path = folder().join("verdict.schema.json");
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        let text = serde_json::to_string_pretty(&written).expect("JSON") + "\n";
        std::fs::write(&path, text).expect("writing the schema");
    }
    assert_eq!(schema("verdict"), written, "{}: run again with UPDATE_EXAMPLES=1", path.display());
    let example = read("examples/verdict.json").to_string();
    let verdict: palisade_plugin_policy_results::VerdictDocument = serde_json::from_str(&example).expect("it is read");
    assert_eq!(serde_json::to_value(&verdict).expect("JSON"), read("examples/verdict.json"));
}
