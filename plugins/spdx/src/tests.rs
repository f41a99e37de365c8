//! Documents as tools write them, and as they should not.
#![allow(clippy::unwrap_used)] // a test that unwraps nothing fails, as it should

use palisade_plugin::{
    Completeness, ComponentRelation, ComponentScope, Coverage, Failure, LicenseValue,
    testing::{self, CollectedReport, snapshot},
};
use serde_json::{Value, json};

use crate::Spdx;

fn normalize(bytes: impl AsRef<[u8]>) -> Result<CollectedReport, Failure> {
    testing::normalize::<Spdx>("sbom/demo.spdx", bytes, "{}")
}

fn report(document: &Value) -> CollectedReport {
    normalize(document.to_string()).expect("the document is an SBOM")
}

fn document(changes: Value) -> Value {
    let mut document = json!({
        "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "demo", "dataLicense": "CC0-1.0",
        "documentNamespace": "https://example.com/demo",
        "creationInfo": {"created": "2030-01-02T03:04:05Z", "creators": ["Organization: Example", "Tool: my-tool-1.2.3-rc.1"]}
    });
    for (name, value) in changes.as_object().expect("changes are an object") {
        document[name] = value.clone();
    }
    document
}

fn package(id: &str) -> Value {
    json!({"SPDXID": id, "name": id.to_lowercase(), "versionInfo": "1"})
}

fn relationship(element: &str, kind: &str, related: &str) -> Value {
    json!({"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related})
}

/// Packages `R`, `A`, `B` and `C` with relationships, each as `A KIND B`; `D` is the document.
fn graph(relationships: &[&str]) -> CollectedReport {
    let name = |word: &str| if word == "D" { "SPDXRef-DOCUMENT".to_owned() } else { word.to_owned() };
    let parse = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        relationship(&name(words[0]), words[1], &name(words[2]))
    };
    let packages: Vec<Value> = ["R", "A", "B", "C"].into_iter().map(package).collect();
    let relationships: Vec<Value> = relationships.iter().map(parse).collect();
    report(&document(json!({"packages": packages, "relationships": relationships})))
}

fn relations(report: &CollectedReport) -> String {
    let word = |relation| match relation {
        ComponentRelation::Unknown => '?',
        ComponentRelation::Root => 'r',
        ComponentRelation::Direct => 'd',
        ComponentRelation::Transitive => 't',
    };
    report.components.iter().map(|component| word(component.relation)).collect()
}

fn edges(report: &CollectedReport) -> Vec<String> {
    report.dependencies.iter().map(|edge| format!("{} {} {:?}", edge.parent, edge.child, edge.scope)).collect()
}

fn recognized(bytes: impl AsRef<[u8]>) -> Option<(String, Option<String>)> {
    testing::recognize::<Spdx>("sbom/anything.txt", bytes).map(|format| (format.name, format.version))
}

fn claimed(name: &str, version: &str) -> Option<(String, Option<String>)> {
    Some((name.to_owned(), Some(version.to_owned())))
}

#[test]
fn a_document_is_read_with_everything_that_it_says() {
    let document = document(json!({
        "documentDescribes": ["SPDXRef-app"],
        "files": [{"SPDXID": "SPDXRef-file", "fileName": "a"}],
        "hasExtractedLicensingInfos": [
            {"licenseId": "LicenseRef-1", "name": "House rules", "extractedText": "never to be seen"}
        ],
        "packages": [
            {"SPDXID": "SPDXRef-app", "name": "app", "primaryPackagePurpose": "OPERATING_SYSTEM"},
            {
                "SPDXID": "SPDXRef-lib", "name": "lib", "versionInfo": "1.0",
                "supplier": "Organization: Example, Inc (info@example.com)",
                "licenseDeclared": "MIT OR LicenseRef-1", "licenseConcluded": "NOASSERTION",
                "downloadLocation": "NONE", "sourceInfo": "read from a lock file", "copyrightText": "",
                "filesAnalyzed": false,
                "checksums": [{"algorithm": "SHA256", "checksumValue": "AB"}],
                "externalRefs": [
                    {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
                    {"referenceCategory": "package_manager", "referenceType": "purl", "referenceLocator": "pkg:/NPM/@a/lib@1.0"},
                    {"referenceCategory": "OTHER", "referenceType": "x", "referenceLocator": "y"}
                ]
            }
        ],
        "relationships": [
            relationship("SPDXRef-app", "DEPENDS_ON", "SPDXRef-lib"),
            relationship("SPDXRef-app", "DEPENDS_ON", "SPDXRef-nowhere"),
            relationship("SPDXRef-lib", "CONTAINS", "SPDXRef-file")
        ]
    }));
    let expected = json!({
        "tool": ["my-tool", "1.2.3-rc.1"],
        "covers": ["Components", "Licenses"],
        "completeness": "Unknown",
        "properties": [
            ["schema-version", "SPDX-2.3"], ["scan-time", "2030-01-02T03:04:05Z"], ["scan-target", "demo"],
            ["serial", "https://example.com/demo"]
        ],
        "components": [
            {
                "id": "SPDXRef-app", "name": "app", "component_type": "operating-system", "scope": "Unknown",
                "relation": "Root", "origin": "/packages/0"
            },
            {
                "id": "SPDXRef-lib", "name": "lib", "version": "1.0", "purl": "pkg:npm/%40a/lib@1.0",
                "supplier": "Example, Inc", "scope": "Unknown", "relation": "Direct", "origin": "/packages/1",
                "licenses": [
                    {"source": "Declared", "value": {"Expression": "MIT OR LicenseRef-1"}},
                    {"source": "Concluded", "value": "NoAssertion"}
                ],
                "hashes": ["sha256:ab"],
                "cpes": ["cpe:2.3:a:x"],
                "properties": [
                    ["license-name", "House rules"], ["downloadLocation", "NONE"],
                    ["sourceInfo", "read from a lock file"], ["filesAnalyzed", "false"],
                    ["purl-raw", "pkg:/NPM/@a/lib@1.0"], ["externalRef", "OTHER x y"]
                ]
            }
        ],
        "dependencies": [{"parent": "SPDXRef-app", "child": "SPDXRef-lib", "scope": "Unknown"}]
    });
    assert_eq!(snapshot(&report(&document)), expected);
}

#[test]
fn an_empty_document_is_an_empty_report_with_its_coverage() {
    for packages in [json!(null), json!([])] {
        let report = report(&document(json!({"packages": packages})));
        assert_eq!(report.covers, [Coverage::Components, Coverage::Licenses]);
        assert_eq!((report.components.len(), report.completeness), (0, Completeness::Unknown));
    }
}

#[test]
fn a_failed_scan_is_malformed_and_never_empty() {
    for text in ["", " \n", "{}", "[]", "null", "[{}]", "{\"error\": \"no such image\"}", "<html></html>"] {
        assert_eq!(recognized(text), None, "{text}");
        assert!(matches!(normalize(text), Err(Failure::Malformed(_))), "{text}");
    }
}

#[test]
fn packages_that_hold_nothing_readable_are_malformed() {
    for packages in [json!("none"), json!(5), json!({}), json!(["a", 1]), json!([[]]), json!([null])] {
        let document = document(json!({"packages": packages})).to_string();
        assert!(matches!(normalize(&document), Err(Failure::Malformed(_))), "{document}");
    }
}

#[test]
fn all_versions_of_spdx_2_are_read_and_others_refused_by_name() {
    for version in ["2.1", "2.2", "2.3"] {
        let document = json!({"packages": [], "spdxVersion": format!("SPDX-{version}")}).to_string();
        assert_eq!(recognized(&document), claimed("spdx-json", version));
        assert_eq!(normalize(document).unwrap().diagnostics.len(), 3, "one for each member that SPDX demands");
    }
    let version_3 = r#"{"spdxVersion": "SPDX-3.0"}"#;
    assert_eq!(recognized(version_3), claimed("spdx-json", "3.0"));
    assert_eq!(normalize(version_3).err(), Some(Failure::Unsupported("SPDX 3.0".to_owned())));
    for context in
        [json!("https://spdx.org/rdf/3.0.1/spdx-context.jsonld"), json!(["https://spdx.org/rdf/3.0.1/x", {}])]
    {
        let graph = json!({"@context": context, "@graph": []}).to_string();
        assert_eq!(recognized(&graph), claimed("spdx-jsonld", "3.0.1"));
        assert_eq!(normalize(graph).err(), Some(Failure::Unsupported("SPDX 3.0.1 as JSON-LD".to_owned())));
    }
}

#[test]
fn near_misses_are_not_claimed() {
    for text in [
        r#"{"licenseListVersion": "3.20", "licenses": []}"#,
        r#"{"@context": {"spdx": "https://spdx.org/rdf/3.0.1/terms"}, "@graph": []}"#,
        r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}"#,
        r#"{"sbom": {"bomFormat": "CycloneDX"}}"#,
        r#"{"spdxVersion": 2}"#,
        "SPDXVersion: SPDX-2.3\n",
        "spdxVersion: SPDX-2.3\n",
    ] {
        assert_eq!(recognized(text), None, "{text}");
    }
}

#[test]
fn the_export_of_github_is_unwrapped() {
    let inner = document(json!({"packages": [package("A"), {"SPDXID": "B"}]}));
    let wrapped = json!({"sbom": inner}).to_string();
    assert_eq!(recognized(&wrapped), claimed("spdx-json", "2.3"));
    let report = normalize(wrapped).unwrap();
    assert_eq!(report.components[0].origin.as_deref(), Some("/sbom/packages/0"));
    assert_eq!(report.diagnostics[0].pointer.as_deref(), Some("/sbom/packages/1"));
}

#[test]
fn byte_order_marks_and_utf_16_are_read() {
    let text = document(json!({"packages": [package("A")]})).to_string();
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let utf_16: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [with_mark, utf_16] {
        assert_eq!(recognized(&bytes), claimed("spdx-json", "2.3"));
        assert_eq!(normalize(&bytes).unwrap().components.len(), 1);
    }
}

#[test]
fn a_file_that_breaks_off_is_claimed_and_malformed() {
    let text = r#"{"spdxVersion": "SPDX-2.2", "packages": [{"SPDXID": "A", "name": "a"}], "files": [{}]}"#;
    assert_eq!(normalize(text).unwrap().components.len(), 1);
    for length in 1..text.len() {
        assert!(matches!(normalize(&text[..length]), Err(Failure::Malformed(_))), "{}", &text[..length]);
    }
    for length in text.find("packages").unwrap()..text.len() {
        assert_eq!(recognized(&text[..length]), claimed("spdx-json", "2.2"), "{}", &text[..length]);
    }
}

#[test]
fn a_wrong_type_in_any_member_costs_at_most_its_package() {
    let whole = document(json!({
        "documentDescribes": ["A"],
        "packages": [
            {
                "SPDXID": "A", "name": "a", "versionInfo": "1", "supplier": "Person: x", "licenseDeclared": "MIT",
                "licenseConcluded": "MIT", "downloadLocation": "d", "sourceInfo": "s", "copyrightText": "c",
                "filesAnalyzed": true, "primaryPackagePurpose": "LIBRARY", "packageName": "a", "packageVersion": "1",
                "packageLicenseDeclared": "MIT", "packageLicenseConcluded": "MIT",
                "externalRefs": [{"referenceCategory": "c", "referenceType": "purl", "referenceLocator": "pkg:npm/a"}],
                "checksums": [{"algorithm": "SHA1", "checksumValue": "1"}]
            },
            package("B")
        ],
        "relationships": [relationship("A", "DEPENDS_ON", "B")],
        "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-1", "name": "n"}]
    }));
    for pointer in pointers(&whole, String::new()) {
        if pointer == "/packages" || pointer == "/spdxVersion" {
            continue;
        }
        for wrong in [json!(null), json!(true), json!(-1), json!("word"), json!([[1]]), json!({"a": {"b": []}})] {
            let mut document = whole.clone();
            *document.pointer_mut(&pointer).unwrap() = wrong.clone();
            assert!(!report(&document).components.is_empty(), "{wrong} in {pointer}");
        }
    }
}

fn pointers(value: &Value, at: String) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
        }
        _ => Vec::new(),
    };
    inner.into_iter().flat_map(|(at, value)| [vec![at.clone()], pointers(value, at)].concat()).collect()
}

#[test]
fn a_package_without_a_name_costs_itself() {
    let nameless = json!({"SPDXID": "X", "versionInfo": "1"});
    let report = report(&document(json!({"packages": [package("A"), nameless, "garbage", package("B")]})));
    let origins: Vec<_> = report.components.iter().map(|component| component.origin.as_deref().unwrap()).collect();
    assert_eq!(origins, ["/packages/0", "/packages/3"]);
    assert_eq!((report.completeness, report.diagnostics.len()), (Completeness::Partial, 2));
}

#[test]
fn a_root_that_only_stands_for_the_scanned_thing_is_no_loss() {
    let placeholder = json!({"SPDXID": "SPDXRef-DocumentRoot-Unknown-", "name": "", "supplier": "NOASSERTION"});
    let report = report(&document(json!({"packages": [placeholder, package("A")]})));
    assert_eq!((report.components.len(), report.completeness), (1, Completeness::Unknown));
    assert_eq!(report.diagnostics.len(), 1);
}

#[test]
fn names_of_early_drafts_are_understood() {
    let draft = json!({"SPDXID": "A", "packageName": "a", "packageVersion": "2", "packageLicenseDeclared": "MIT"});
    let report = report(&document(json!({"packages": [draft]})));
    let component = &report.components[0];
    assert_eq!((component.name.as_str(), component.version.as_deref()), ("a", Some("2")));
    assert_eq!(component.licenses[0].value, LicenseValue::Expression("MIT".to_owned()));
}

#[test]
fn twenty_thousand_packages_are_all_read() {
    let packages: Vec<Value> = (0..20_000).map(|number| package(&format!("P{number}"))).collect();
    let relationships: Vec<Value> =
        (1..20_000).map(|number| relationship("P0", "DEPENDS_ON", &format!("P{number}"))).collect();
    let report =
        report(&document(json!({"packages": packages, "relationships": relationships, "documentDescribes": ["P0"]})));
    assert_eq!((report.components.len(), report.dependencies.len()), (20_000, 19_999));
    assert_eq!(relations(&report), format!("r{}", "d".repeat(19_999)));
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let packages = format!(
        r#"[{{"SPDXID": "A", "name": "a", "hasFiles": {deep}}}, {{"SPDXID": "B", "name": {deep}}}, {{"SPDXID": "C", "name": "c"}}]"#
    );
    let text = format!(r#"{{"spdxVersion": "SPDX-2.3", "files": {deep}, "packages": {packages}}}"#);
    let report = normalize(text).unwrap();
    assert_eq!(report.components.last().map(|component| component.id.as_str()), Some("C"));
    assert_eq!(report.completeness, Completeness::Partial);
}

#[test]
fn repeated_ids_become_unique_and_edges_mean_the_first() {
    let packages = json!([package("A"), package("A"), package("A#2"), package("A"), package("B")]);
    let relationships = json!([relationship("B", "DEPENDS_ON", "A")]);
    let report = report(&document(json!({"packages": packages, "relationships": relationships})));
    let ids: Vec<_> = report.components.iter().map(|component| component.id.as_str()).collect();
    assert_eq!(ids, ["A", "A#3", "A#2", "A#4", "B"]);
    assert_eq!(edges(&report), ["B A ComponentScope::Unknown"]);
    assert_eq!(report.diagnostics.len(), 1);
}

#[test]
fn the_root_is_found_however_the_document_says_it() {
    for described in ["D DESCRIBES R", "D DESCRIBE R", "R DESCRIBED_BY D"] {
        let report = graph(&[described, "R DEPENDS_ON A", "A DEPENDS_ON B"]);
        assert_eq!(relations(&report), "rdt?", "{described}");
    }
    assert_eq!(relations(&graph(&["X DESCRIBES R", "R DEPENDS_ON A"])), "?t??");
}

#[test]
fn a_list_of_all_packages_describes_no_root() {
    assert_eq!(relations(&graph(&["D DESCRIBES R", "D DESCRIBES A", "D DESCRIBES B", "D DESCRIBES C"])), "????");
    let with_edges =
        ["D DESCRIBES R", "D DESCRIBES A", "D DESCRIBES B", "D DESCRIBES C", "R DEPENDS_ON A", "A DEPENDS_ON B"];
    assert_eq!(relations(&graph(&with_edges)), "rdt?");
}

#[test]
fn containing_is_no_dependency_but_marks_what_is_direct() {
    let contained = graph(&["D DESCRIBES R", "R CONTAINS A", "B CONTAINED_BY R"]);
    assert_eq!((relations(&contained).as_str(), contained.dependencies.len()), ("rdd?", 0));
    let better = graph(&["D DESCRIBES R", "R CONTAINS A", "R CONTAINS B", "A DEPENDENCY_OF R"]);
    assert_eq!(relations(&better), "rd??");
}

#[test]
fn edges_point_from_the_dependent_whichever_way_they_are_written() {
    let report = graph(&["R DEPENDS_ON A", "B DEPENDENCY_OF A", "A DEPENDS_ON A", "B DEPENDS_ON A", "C OTHER A"]);
    let expected = ["R A ComponentScope::Unknown", "A B ComponentScope::Unknown", "B A ComponentScope::Unknown"];
    assert_eq!(edges(&report), expected);
}

#[test]
fn a_scope_holds_only_where_nothing_wider_is_said() {
    for (kind, scope) in [
        ("DEV_DEPENDENCY_OF", ComponentScope::Development),
        ("TEST_DEPENDENCY_OF", ComponentScope::Test),
        ("BUILD_DEPENDENCY_OF", ComponentScope::Build),
        ("OPTIONAL_DEPENDENCY_OF", ComponentScope::Optional),
        ("RUNTIME_DEPENDENCY_OF", ComponentScope::Runtime),
    ] {
        let alone = graph(&[&format!("A {kind} R")]);
        assert_eq!(alone.components[1].scope, scope);
        assert!(alone.components[1].properties.contains(&("scope-raw".to_owned(), kind.to_owned())));
    }
    let also_plain = graph(&["A DEV_DEPENDENCY_OF R", "B DEPENDS_ON A"]);
    assert_eq!(also_plain.components[1].scope, ComponentScope::Unknown);
    let also_runtime = graph(&["A DEPENDENCY_OF R", "A RUNTIME_DEPENDENCY_OF B"]);
    assert_eq!(also_runtime.components[1].scope, ComponentScope::Runtime);
}

#[test]
fn licenses_keep_their_words() {
    let values = |declared: Value| {
        let package = json!({"SPDXID": "A", "name": "a", "licenseDeclared": declared});
        let report = report(&document(json!({"packages": [package]})));
        report.components[0].licenses.iter().map(|claim| claim.value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(values(json!("GPL-2+, MIT, BSD-3")), [LicenseValue::Expression("GPL-2+, MIT, BSD-3".to_owned())]);
    assert_eq!(values(json!("NOASSERTION")), [LicenseValue::NoAssertion]);
    assert_eq!(values(json!("NONE")), [LicenseValue::NoneStated]);
    assert_eq!(values(json!("")), []);
    assert_eq!(values(json!(null)), []);
}

#[test]
fn tools_are_told_by_name_and_version() {
    let tool = |creator: &str| report(&document(json!({"creationInfo": {"creators": [creator]}}))).tool;
    let named = |name: &str, version: Option<&str>| Some((name.to_owned(), version.map(str::to_owned)));
    assert_eq!(tool("Tool: syft-0.60.1"), named("syft", Some("0.60.1")));
    assert_eq!(tool("Tool: Example-SBOM-v2.0"), named("example-sbom", Some("v2.0")));
    assert_eq!(tool("Tool: GitHub.com-Dependency-Graph"), named("github.com-dependency-graph", None));
    assert_eq!(tool("Tool: -"), None);
    assert_eq!(tool("Person: Somebody (somebody@example.com)"), None);
}

#[test]
fn addresses_of_people_stay_behind() {
    let package = json!({"SPDXID": "A", "name": "a", "supplier": "Person: Some Body (somebody@example.com)"});
    let report = report(&document(json!({"packages": [package]})));
    assert_eq!(report.components[0].supplier.as_deref(), Some("Some Body"));
}

#[test]
fn purls_are_repaired_where_the_mistake_is_known() {
    let purl = |text: &str| {
        let reference =
            json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text});
        let package = json!({"SPDXID": "A", "name": "a", "externalRefs": [reference]});
        report(&document(json!({"packages": [package]}))).components[0].purl.clone().unwrap()
    };
    assert_eq!(purl("pkg:npm/%40a/b@1"), "pkg:npm/%40a/b@1");
    assert_eq!(purl("pkg:npm/@a/b@1"), "pkg:npm/%40a/b@1");
    assert_eq!(purl("pkg:///alpine/a@1"), "pkg:apk/a@1");
    assert_eq!(purl("pkg:Maven/A/b@1"), "pkg:maven/A/b@1");
    assert_eq!(purl("not a purl"), "not a purl");
}

#[test]
fn a_member_that_stands_twice_makes_the_document_malformed() {
    let whole = |package: &str| format!(r#"{{"spdxVersion": "SPDX-2.3", "packages": [{package}]}}"#);
    let licensed = r#"{"SPDXID": "SPDXRef-a", "name": "a", "licenseDeclared": "MIT"}"#;
    let hiding = [
        (whole(licensed).replace(r#""packages""#, r#""packages": [], "packages""#), "/packages"),
        (whole(&licensed.replace('}', r#", "licenseDeclared": "GPL-3.0-only"}"#)), "/packages/0/licenseDeclared"),
    ];
    for (document, pointer) in hiding {
        let answer = normalize(&document);
        let place = format!("stands twice at {pointer};");
        assert!(matches!(&answer, Err(Failure::Malformed(why)) if why.contains(&place)), "{document} {answer:?}");
    }
    let answer = normalize(whole(licensed) + " trailing");
    assert!(matches!(&answer, Err(Failure::Malformed(why)) if why.contains("after the end")), "{answer:?}");
}
