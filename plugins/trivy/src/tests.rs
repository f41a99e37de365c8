//! Reports as Trivy writes them, and as it should not.
#![allow(clippy::unwrap_used)] // a test that unwraps nothing fails, as it should

use palisade_plugin::{
    Completeness, ComponentRelation, ComponentScope, Coverage, Detail, Failure, Finding, FixState, LicenseValue,
    Severity,
    testing::{self, CollectedReport, snapshot},
};
use serde_json::{Value, json};

use crate::Trivy;

fn normalize(bytes: impl AsRef<[u8]>) -> Result<CollectedReport, Failure> {
    testing::normalize::<Trivy>("scan/trivy.json", bytes, "{}")
}

fn report(document: &Value) -> CollectedReport {
    normalize(document.to_string()).expect("the document is a report")
}

/// A report of one result.
fn of_result(result: Value) -> Value {
    json!({"SchemaVersion": 2, "ArtifactName": "demo", "ArtifactType": "repository", "Results": [result]})
}

/// A report of one vulnerability.
fn of_vulnerability(changes: Value) -> Finding {
    let mut entry =
        json!({"VulnerabilityID": "CVE-2030-1", "PkgName": "left", "InstalledVersion": "1.0.0", "Severity": "HIGH"});
    merge(&mut entry, changes);
    let document =
        of_result(json!({"Target": "Cargo.lock", "Class": "lang-pkgs", "Type": "cargo", "Vulnerabilities": [entry]}));
    report(&document).findings.remove(0)
}

fn merge(entry: &mut Value, changes: Value) {
    for (name, value) in changes.as_object().expect("changes are an object") {
        entry[name] = value.clone();
    }
}

fn recognized(bytes: impl AsRef<[u8]>) -> Option<(String, Option<String>)> {
    testing::recognize::<Trivy>("scan/anything.txt", bytes).map(|format| (format.name, format.version))
}

fn claimed(name: &str, version: &str) -> Option<(String, Option<String>)> {
    Some((name.to_owned(), Some(version.to_owned())))
}

#[test]
fn a_vulnerability_is_read_with_everything_that_trivy_says() {
    let document = json!({
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.70.1"},
        "CreatedAt": "2030-01-02T03:04:05Z",
        "ArtifactName": "example/app:1",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "14.1", "EOSL": true},
            "RepoDigests": ["example/app@sha256:aa", "mirror/app@sha256:aa"],
            "Author": "Somebody <somebody@example.com>"
        },
        "Results": [{
            "Target": "app/package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Packages": [{
                "ID": "left@1.0.0", "Name": "left", "Version": "1.0.0", "Dev": true, "Relationship": "indirect",
                "Identifier": {"PURL": "pkg:npm/left@1.0.0", "UID": "77"}, "Licenses": ["MIT"],
                "Locations": [{"StartLine": 12, "EndLine": 15}]
            }],
            "Vulnerabilities": [{
                "VulnerabilityID": "CVE-2030-1", "VendorIDs": ["GHSA-aaaa-bbbb-cccc", "DSA-1-1"],
                "PkgID": "left@1.0.0", "PkgName": "left", "PkgIdentifier": {"PURL": "pkg:npm/left@1.0.0"},
                "InstalledVersion": "1.0.0", "FixedVersion": "1.0.1, 2.0.0", "Status": "fixed",
                "Layer": {"DiffID": "sha256:bb"},
                "Severity": "CRITICAL", "SeveritySource": "ghsa",
                "PrimaryURL": "https://example.com/1", "References": ["https://example.com/2", "https://example.com/1"],
                "Title": "left pads\nto the right", "Description": "Long words.",
                "CweIDs": ["CWE-79", "NVD-CWE-noinfo"],
                "CVSS": {
                    "ghsa": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8},
                    "nvd": {"V2Vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "V2Score": 7.5}
                },
                "PublishedDate": "2030-01-01T00:00:00Z", "LastModifiedDate": "2030-01-02T00:00:00Z"
            }]
        }]
    });
    let finding = json!({
        "id": "CVE-2030-1",
        "severity": "Critical",
        "severity_raw": "CRITICAL",
        "severity_source": "ghsa",
        "title": "left pads",
        "description": "Long words.",
        "package": {
            "name": "left", "version": "1.0.0", "purl": "pkg:npm/left@1.0.0", "component": "left@1.0.0",
            "scope": "Development", "relation": "Transitive"
        },
        "locations": [{"path": "app/package-lock.json", "start_line": 12, "end_line": 15, "layer": "sha256:bb"}],
        "detail": {"Vulnerability": {
            "aliases": ["GHSA-aaaa-bbbb-cccc"],
            "ratings": [
                {"version": "2.0", "vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "base": 7.5, "source": "nvd"},
                {
                    "version": "3.1", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "base": 9.8,
                    "source": "ghsa"
                }
            ],
            "cwes": [79],
            "fix": {"state": "Fixed", "versions": ["1.0.1", "2.0.0"]},
            "published": "2030-01-01T00:00:00Z",
            "modified": "2030-01-02T00:00:00Z"
        }},
        "references": ["https://example.com/1", "https://example.com/2"],
        "origin": "/Results/0/Vulnerabilities/0",
        "properties": [
            ["ecosystem", "npm"], ["trivy:class", "lang-pkgs"], ["trivy:type", "npm"], ["trivy:erratum", "DSA-1-1"],
            ["fix-raw", "fixed"]
        ]
    });
    let component = json!({
        "id": "left@1.0.0", "name": "left", "version": "1.0.0", "purl": "pkg:npm/left@1.0.0",
        "licenses": [{"source": "Unknown", "value": {"Expression": "MIT"}}],
        "scope": "Development", "relation": "Transitive",
        "locations": [{"path": "app/package-lock.json", "start_line": 12, "end_line": 15}],
        "origin": "/Results/0/Packages/0",
        "properties": [["trivy:class", "lang-pkgs"], ["trivy:type", "npm"]]
    });
    let expected = json!({
        "tool": ["trivy", "0.70.1"],
        "covers": ["Components", "Vulnerabilities"],
        "completeness": "Unknown",
        "properties": [
            ["scan-target", "example/app:1"], ["trivy:artifact-type", "container_image"],
            ["scan-time", "2030-01-02T03:04:05Z"], ["trivy:os-family", "debian"], ["trivy:os-version", "14.1"],
            ["trivy:os-end-of-life", "true"], ["target-digest", "sha256:aa"], ["schema-version", "2"]
        ],
        "findings": [finding],
        "components": [component]
    });
    assert_eq!(snapshot(&report(&document)), expected);
}

#[test]
fn a_clean_scan_has_no_results_and_covers_what_trivy_looks_for_by_default() {
    for results in [json!({}), json!({"Results": null}), json!({"Results": []})] {
        let mut document = json!({"SchemaVersion": 2, "ArtifactName": "", "ArtifactType": "repository"});
        merge(&mut document, results);
        assert_eq!(recognized(document.to_string()), claimed("trivy-json", "2"));
        let report = report(&document);
        assert_eq!(report.covers, [Coverage::Vulnerabilities, Coverage::Secrets]);
        assert_eq!(
            (report.findings.len(), report.completeness, report.diagnostics.len()),
            (0, Completeness::Unknown, 1)
        );
    }
}

#[test]
fn a_clean_target_covers_what_its_class_says() {
    for (class, covered) in [
        ("os-pkgs", Coverage::Vulnerabilities),
        ("lang-pkgs", Coverage::Vulnerabilities),
        ("config", Coverage::Misconfigurations),
        ("secret", Coverage::Secrets),
        ("license", Coverage::Licenses),
        ("license-file", Coverage::Licenses),
        ("custom", Coverage::Other),
    ] {
        let report = report(&of_result(json!({"Target": "x", "Class": class})));
        assert_eq!((report.covers, report.findings.len()), (vec![covered], 0), "{class}");
    }
    let unknown = report(&of_result(json!({"Target": "x", "Class": "weather"})));
    assert_eq!((unknown.covers.len(), unknown.diagnostics.len()), (0, 1));
}

#[test]
fn a_failed_scan_is_malformed_and_never_clean() {
    for document in ["", " \n", "{}", "[]", "null", "true", "[{}]", "{\"error\": \"no such image\"}", "<html></html>"] {
        assert!(recognized(document).is_none(), "{document}");
        assert!(matches!(normalize(document), Err(Failure::Malformed(_))), "{document}");
    }
}

#[test]
fn results_that_hold_nothing_readable_are_malformed() {
    for results in [json!("none"), json!(5), json!({}), json!(["a", 1]), json!([[]]), json!([null])] {
        let document = json!({"SchemaVersion": 2, "Results": results}).to_string();
        assert!(matches!(normalize(&document), Err(Failure::Malformed(_))), "{document}");
    }
}

#[test]
fn other_dialects_are_claimed_and_refused_by_name() {
    let schema_1 = r#"[{"Target": "demo (alpine 3.9)", "Type": "alpine", "Vulnerabilities": null}]"#;
    assert_eq!(recognized(schema_1), claimed("trivy-json", "1"));
    assert_eq!(
        normalize(schema_1).err(),
        Some(Failure::Unsupported("Trivy schema 1, as written before Trivy 0.20".to_owned()))
    );

    let schema_3 = r#"{"ArtifactName": "demo", "SchemaVersion": 3}"#;
    assert_eq!(recognized(schema_3), claimed("trivy-json", "3"));
    assert_eq!(normalize(schema_3).err(), Some(Failure::Unsupported("Trivy schema 3".to_owned())));

    let cluster = r#"{"ClusterName": "demo", "Findings": []}"#;
    assert_eq!(recognized(cluster), Some(("trivy-k8s".to_owned(), None)));
    assert!(matches!(normalize(cluster), Err(Failure::Unsupported(_))));
}

#[test]
fn near_misses_are_not_claimed() {
    let manifest = r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}"#;
    let others =
        [manifest, r#"{"SchemaVersion": 2}"#, r#"{"ArtifactName": "x", "Results": []}"#, r#"[{"Target": "x"}]"#];
    for document in others {
        assert_eq!(recognized(document), None, "{document}");
    }
}

#[test]
fn byte_order_marks_and_utf_16_are_read() {
    let document =
        of_result(json!({"Target": "a", "Class": "lang-pkgs", "Vulnerabilities": [{"VulnerabilityID": "CVE-1"}]}))
            .to_string();
    let with_mark = [b"\xef\xbb\xbf", document.as_bytes()].concat();
    let utf_16: Vec<u8> = "\u{feff}".encode_utf16().chain(document.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [with_mark, utf_16] {
        assert_eq!(recognized(&bytes), claimed("trivy-json", "2"));
        assert_eq!(normalize(&bytes).unwrap().findings.len(), 1);
    }
}

#[test]
fn a_file_that_breaks_off_is_claimed_and_malformed() {
    let document = r#"{"SchemaVersion": 2, "ArtifactName": "a", "Results": [
        {"Target": "a", "Class": "os-pkgs", "Vulnerabilities": [{"VulnerabilityID": "CVE-1"}]}]}"#;
    assert_eq!(normalize(document).unwrap().findings.len(), 1);
    for length in 1..document.len() {
        assert!(matches!(normalize(&document[..length]), Err(Failure::Malformed(_))), "{}", &document[..length]);
    }
    let behind_the_name = document.find("Results").unwrap();
    for length in behind_the_name..document.len() {
        assert_eq!(recognized(&document[..length]), claimed("trivy-json", "2"), "{}", &document[..length]);
    }
}

#[test]
fn a_wrong_type_in_any_member_costs_at_most_its_entry() {
    let whole = json!({
        "Target": "a", "Class": "lang-pkgs", "Type": "npm",
        "Packages": [{
            "ID": "a", "Name": "a", "Identifier": {"PURL": "pkg:npm/a", "UID": "1"}, "Version": "1", "Release": "1",
            "Epoch": 1, "Licenses": ["MIT"], "Relationship": "direct", "Indirect": true, "Dev": true, "DependsOn": ["b"],
            "Locations": [{"StartLine": 1, "EndLine": 2}], "FilePath": "x", "Layer": {"Digest": "d"}, "Digest": "sha1:1"
        }],
        "Vulnerabilities": [{
            "VulnerabilityID": "CVE-1", "VendorIDs": ["x"], "PkgID": "a", "PkgName": "a", "PkgPath": "p", "Ref": "r",
            "PkgIdentifier": {"PURL": "pkg:npm/a"}, "InstalledVersion": "1", "FixedVersion": "2", "Status": "fixed",
            "Layer": {"DiffID": "d"}, "Severity": "LOW", "SeveritySource": "nvd", "PrimaryURL": "u",
            "DataSource": {"ID": "x"}, "Fingerprint": "f", "Title": "t", "Description": "d", "CweIDs": ["CWE-1"],
            "CVSS": {"nvd": {"V3Score": 5.0, "V3Vector": "v", "V2Score": 1, "V2Vector": "v", "V40Score": 1, "V40Vector": "v"}},
            "References": ["r"], "PublishedDate": "p", "LastModifiedDate": "m"
        }],
        "Misconfigurations": [{
            "Type": "t", "ID": "M1", "AVDID": "A1", "Title": "t", "Description": "d", "Message": "m", "Resolution": "r",
            "Severity": "LOW", "PrimaryURL": "u", "References": ["r"], "Status": "FAIL", "Layer": {"Digest": "d"},
            "CauseMetadata": {
                "Resource": "r", "Provider": "p", "Service": "s", "StartLine": 1, "EndLine": 2,
                "Occurrences": [{"Filename": "f", "Location": {"StartLine": 1, "EndLine": 1}}]
            }
        }],
        "Secrets": [{
            "RuleID": "s1", "Category": "c", "Severity": "HIGH", "Title": "t", "StartLine": 1, "EndLine": 1,
            "Layer": {"Digest": "d"}
        }],
        "Licenses": [{
            "Name": "MIT", "Severity": "LOW", "Category": "notice", "PkgName": "a", "FilePath": "f", "Confidence": 1,
            "Link": "l", "Layer": {"Digest": "d"}
        }],
        "ExperimentalModifiedFindings": [{
            "Type": "secret", "Status": "ignored", "Statement": "s", "Source": "i", "Finding": {"RuleID": "s2"}
        }]
    });
    assert_eq!(count(&report(&of_result(whole.clone()))), 6);
    for pointer in pointers(&whole, String::new()) {
        for wrong in [json!(null), json!(true), json!(-1), json!("word"), json!([[1]]), json!({"a": {"b": []}})] {
            let mut result = whole.clone();
            *result.pointer_mut(&pointer).unwrap() = wrong.clone();
            let report = report(&of_result(result));
            assert!(count(&report) >= 5, "{wrong} in {pointer}");
            assert!(!report.covers.is_empty(), "{wrong} in {pointer}");
        }
    }
}

fn count(report: &CollectedReport) -> usize {
    report.findings.len() + report.components.len()
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
fn a_bad_entry_costs_itself_and_makes_the_report_partial() {
    let entries =
        json!([{"VulnerabilityID": "CVE-1"}, "garbage", {"PkgName": "nameless"}, {"VulnerabilityID": "CVE-2"}]);
    let report = report(&of_result(json!({"Target": "a", "Class": "lang-pkgs", "Vulnerabilities": entries})));
    let origins: Vec<_> = report.findings.iter().map(|finding| finding.origin.as_deref().unwrap()).collect();
    assert_eq!(origins, ["/Results/0/Vulnerabilities/0", "/Results/0/Vulnerabilities/3"]);
    assert_eq!(report.completeness, Completeness::Partial);
    let mut places: Vec<_> =
        report.diagnostics.iter().map(|diagnostic| diagnostic.pointer.as_deref().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/Results/0/Vulnerabilities/1", "/Results/0/Vulnerabilities/2"]);
}

#[test]
fn twenty_thousand_vulnerabilities_are_all_read() {
    let entries: Vec<Value> =
        (0..20_000).map(|number| json!({"VulnerabilityID": format!("CVE-2030-{number}"), "PkgName": "a"})).collect();
    let report = report(&of_result(json!({"Vulnerabilities": entries, "Target": "Cargo.lock", "Class": "lang-pkgs"})));
    assert_eq!(report.findings.len(), 20_000);
    assert!(
        report.findings.iter().all(|finding| finding.locations[0].path == "Cargo.lock"),
        "the order of members is free"
    );
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let entries = format!(
        r#"[{{"VulnerabilityID": "CVE-1", "Unread": {deep}, "Title": {deep}}}, {{"VulnerabilityID": "CVE-2"}}]"#
    );
    let unread = format!(
        r#"{{"SchemaVersion": 2, "Unread": {deep}, "Results": [{{"Class": "os-pkgs", "Vulnerabilities": {entries}}}]}}"#
    );
    let report = normalize(unread).unwrap();
    assert_eq!(report.findings.last().map(|finding| finding.id.as_str()), Some("CVE-2"));
    assert_eq!(report.completeness, Completeness::Partial);
}

#[test]
fn a_host_that_takes_no_more_ends_the_reading() {
    let entries: Vec<Value> = (0..2_000).map(|number| json!({"VulnerabilityID": format!("CVE-{number}")})).collect();
    let document = of_result(json!({"Target": "a", "Class": "lang-pkgs", "Vulnerabilities": entries})).to_string();
    let report = testing::normalize_limited::<Trivy>("a", document, "{}", 700).unwrap();
    assert_eq!((report.findings.len(), report.completeness), (700, Completeness::Cut));
}

#[test]
fn the_rating_to_show_comes_from_nvd_then_redhat_then_ghsa_then_the_highest() {
    let shown = |cvss: Value| {
        let finding = of_vulnerability(json!({"CVSS": cvss}));
        let first = finding.vulnerability().unwrap().ratings[0].clone();
        (first.source.unwrap(), first.version, first.base.unwrap())
    };
    let answer = |source: &str, version: &str, base| (source.to_owned(), version.to_owned(), base);
    let all = json!({"bitnami": {"V3Score": 9.9}, "ghsa": {"V3Score": 9.0}, "nvd": {"V2Score": 5.0, "V3Score": 6.1}, "redhat": {"V3Score": 8.0}});
    assert_eq!(shown(all), answer("nvd", "3.1", 6.1));
    let zero = json!({"ghsa": {"V3Score": 9.0}, "nvd": {"V3Score": 0}, "redhat": {"V40Score": 8.4, "V3Score": 8.0}});
    assert_eq!(shown(zero), answer("redhat", "4.0", 8.4));
    let others = json!({"azure": {"V3Score": 5.5}, "bitnami": {"V3Score": 9.9}, "photon": {"V3Score": 9.9}});
    assert_eq!(shown(others), answer("bitnami", "3.1", 9.9));
    let vector = json!({"nvd": {"V3Vector": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}});
    assert_eq!(shown(vector), answer("nvd", "3.0", 9.8));
}

#[test]
fn a_severity_is_derived_only_where_there_is_no_word() {
    let severity = |changes| {
        let finding = of_vulnerability(changes);
        (finding.severity, finding.severity_raw, finding.severity_source)
    };
    let cvss = json!({"nvd": {"V2Score": 10.0, "V3Score": 7.5, "V3Vector": "CVSS:3.1/x"}});
    let derived = (Some(Severity::High), None, Some("derived:CVSS:3.1".to_owned()));
    assert_eq!(severity(json!({"Severity": "", "CVSS": cvss})), derived);
    assert_eq!(severity(json!({"Severity": "UNKNOWN", "CVSS": cvss})), (None, Some("UNKNOWN".to_owned()), None));
    assert_eq!(severity(json!({"Severity": null})), (None, None, None));
}

#[test]
fn a_fix_follows_versions_first_and_the_status_then() {
    let fix = |version: &str, status: &str| {
        let fix =
            of_vulnerability(json!({"FixedVersion": version, "Status": status})).vulnerability().unwrap().fix.clone();
        (fix.state, fix.versions.join("|"))
    };
    assert_eq!(fix("1.2.3, 2.0.0-rc.1", "affected"), (FixState::Fixed, "1.2.3|2.0.0-rc.1".to_owned()));
    for (status, state) in [
        ("fixed", FixState::Fixed),
        ("affected", FixState::NotFixed),
        ("will_not_fix", FixState::WontFix),
        ("fix_deferred", FixState::Deferred),
        ("end_of_life", FixState::EndOfLife),
        ("under_investigation", FixState::Unknown),
        ("", FixState::Unknown),
    ] {
        assert_eq!(fix("", status), (state, String::new()), "{status}");
    }
}

#[test]
fn ecosystems_follow_the_file_name_and_then_the_type() {
    for (target, kind, expected) in [
        ("web/yarn.lock", "yarn", "npm"),
        ("Pipfile.lock", "pipenv", "pypi"),
        ("go.sum", "gomod", "go"),
        ("demo (alpine 3.20)", "alpine", "alpine"),
        ("package.json", "", "unknown"),
    ] {
        let result = json!({"Target": target, "Class": "lang-pkgs", "Type": kind, "Vulnerabilities": [{"VulnerabilityID": "C"}]});
        let report = report(&of_result(result));
        assert_eq!(report.findings[0].properties[0], ("ecosystem".to_owned(), expected.to_owned()));
    }
}

#[test]
fn only_failed_checks_are_misconfigurations() {
    let checks = json!([
        {"ID": "D1", "Status": "PASS"},
        {"ID": "D2", "Status": "EXCEPTION"},
        {
            "ID": "D3", "AVDID": "AVD-D-3", "Title": "No user", "Description": "General words.", "Message": "Say USER",
            "Resolution": "Add a user", "Severity": "HIGH", "PrimaryURL": "https://example.com/d3", "Status": "FAIL",
            "CauseMetadata": {
                "Resource": "web", "Provider": "Dockerfile", "StartLine": 3, "EndLine": 4,
                "Code": {"Lines": [{"Content": "PASSWORD=hunter2"}]},
                "Occurrences": [{"Filename": "main.tf", "Location": {"StartLine": 9}}]
            }
        }
    ]);
    let report = report(&of_result(
        json!({"Target": "Dockerfile", "Class": "config", "Type": "dockerfile", "Misconfigurations": checks}),
    ));
    let expected = json!([{
        "id": "D3", "severity": "High", "severity_raw": "HIGH", "title": "No user", "description": "Say USER",
        "locations": [
            {"path": "Dockerfile", "start_line": 3, "end_line": 4}, {"path": "main.tf", "start_line": 9, "end_line": 9}
        ],
        "detail": {"Misconfiguration": {"rule_result": "Failed", "resource": "web", "provider": "dockerfile"}},
        "how_to_fix": "Add a user",
        "references": ["https://example.com/d3", "AVD-D-3"],
        "origin": "/Results/0/Misconfigurations/2",
        "properties": [["trivy:class", "config"], ["trivy:type", "dockerfile"]]
    }]);
    assert_eq!(snapshot(&report.findings), expected);
}

#[test]
fn a_secret_is_told_without_itself() {
    let secrets = json!([{
        "RuleID": "example-token", "Category": "Example", "Severity": "CRITICAL", "Title": "Example token",
        "StartLine": 7, "EndLine": 0, "Match": "token = do-not-tell", "Code": {"Lines": [{"Content": "do-not-tell"}]}
    }]);
    let report = report(&of_result(json!({"Target": "a.env", "Class": "secret", "Secrets": secrets})));
    assert!(!snapshot(&report).to_string().contains("do-not-tell"));
    let finding = &report.findings[0];
    assert_eq!((finding.id.as_str(), finding.severity), ("example-token", Some(Severity::Critical)));
    assert_eq!((finding.locations[0].start_line, finding.locations[0].end_line), (Some(7), Some(7)));
    assert!(matches!(&finding.detail, Detail::Secret(secret) if secret.detector == "example-token"));
}

#[test]
fn licenses_keep_their_words() {
    let text = format!("First line\n{}", "x".repeat(5_000));
    let licenses = json!([
        {"Name": "GPL-2.0-only OR MIT", "Severity": "HIGH", "Category": "restricted", "PkgName": "a", "Confidence": 0.9},
        {"Name": text, "Severity": "UNKNOWN", "FilePath": "COPYING"}
    ]);
    let report = report(&of_result(json!({"Target": "OS Packages", "Class": "license", "Licenses": licenses})));
    let [expression, name] = &report.findings[..] else { panic!("two findings") };
    assert_eq!(
        (expression.id.as_str(), expression.title.as_str()),
        ("GPL-2.0-only OR MIT", "GPL-2.0-only OR MIT in a")
    );
    assert!(expression.properties.contains(&("license-category".to_owned(), "restricted".to_owned())));
    assert_eq!(name.id, "First line");
    assert!(matches!(&name.license().unwrap().value, LicenseValue::Name(whole) if *whole == text));
}

#[test]
fn packages_of_several_targets_keep_apart() {
    let packages = json!([
        {"ID": "app@1", "Name": "app", "Version": "1", "Relationship": "root", "DependsOn": ["lib@2", "gone@3"]},
        {"ID": "lib@2", "Name": "lib", "Version": "2", "Release": "r1", "Epoch": 3, "Licenses": ["MIT", "A or B", "GPL-2, BSD"]}
    ]);
    let result = json!({"Target": "a", "Class": "lang-pkgs", "Packages": packages});
    let document = json!({"SchemaVersion": 2, "ArtifactType": "x", "Results": [result, result]});
    let report = report(&document);
    let ids: Vec<_> = report.components.iter().map(|component| component.id.as_str()).collect();
    assert_eq!(ids, ["app@1", "lib@2", "app@1#2", "lib@2#2"]);
    let edges: Vec<_> = report.dependencies.iter().map(|edge| format!("{} {}", edge.parent, edge.child)).collect();
    assert_eq!(edges, ["app@1 lib@2", "app@1#2 lib@2#2"]);
    let (app, lib) = (&report.components[0], &report.components[1]);
    assert_eq!((app.relation, app.scope), (ComponentRelation::Root, ComponentScope::Unknown));
    assert_eq!(lib.version.as_deref(), Some("3:2-r1"));
    let expected = LicenseValue::Expression("MIT AND (A or B) AND GPL-2, BSD".to_owned());
    assert_eq!(lib.licenses.iter().map(|claim| &claim.value).collect::<Vec<_>>(), [&expected]);
}

#[test]
fn what_an_ignore_file_took_out_is_shown_with_its_reason() {
    let modified = json!([
        {
            "Type": "vulnerability", "Status": "ignored", "Statement": "not reachable", "Source": ".trivyignore",
            "Finding": {"VulnerabilityID": "CVE-2030-9", "PkgName": "a", "Severity": "LOW"}
        },
        {"Type": "vulnerability", "Status": "affected", "Finding": {"VulnerabilityID": "CVE-2030-8"}},
        {"Type": "weather", "Finding": {}}
    ]);
    let report =
        report(&of_result(json!({"Target": "a", "Class": "lang-pkgs", "ExperimentalModifiedFindings": modified})));
    let statuses: Vec<Value> = report.findings.iter().map(|finding| snapshot(&finding.tool_status)).collect();
    let expected = [
        json!({"suppressed": true, "status": "ignored", "by": ".trivyignore", "reason": "not reachable"}),
        json!({"suppressed": false, "status": "affected"}),
    ];
    assert_eq!(statuses, expected);
    assert_eq!(report.completeness, Completeness::Partial);
}

#[test]
fn a_member_that_stands_twice_makes_the_report_malformed() {
    let whole = |results: &str| format!(r#"{{"SchemaVersion": 2, "Results": [{results}]}}"#);
    let listed =
        |entry: &str| whole(&format!(r#"{{"Target": "t", "Class": "lang-pkgs", "Vulnerabilities": [{entry}]}}"#));
    let bad = r#"{"VulnerabilityID": "CVE-1", "PkgName": "a", "Severity": "CRITICAL"}"#;
    let modified = r#"{"Type": "vulnerability", "Status": "affected", "Finding": {"VulnerabilityID": "CVE-1", "Severity": "CRITICAL", "Severity": "LOW"}}"#;
    let hiding = [
        (listed(bad).replace(r#""Results": ["#, r#""Results": [], "Results": ["#), "/Results"),
        (listed(bad).replacen(r#""Results""#, r#""Results": [], "Res\u0075lts""#, 1), "/Results"),
        (whole(&format!(r#"{{"Vulnerabilities": [{bad}], "Vulnerabilities": []}}"#)), "/Results/0/Vulnerabilities"),
        (listed(&bad.replace('}', r#", "Severity": "LOW"}"#)), "/Results/0/Vulnerabilities/0/Severity"),
        (listed(&bad.replace('}', r#", "Title": {}, "Severity": "LOW"}"#)), "/Results/0/Vulnerabilities/0/Severity"),
        (
            listed(&bad.replace('}', r#", "CVSS": {"nvd": {"V3Score": 9.8}, "nvd": {}}}"#)),
            "/Results/0/Vulnerabilities/0/CVSS/nvd",
        ),
        (
            whole(&format!(r#"{{"ExperimentalModifiedFindings": [{modified}]}}"#)),
            "/Results/0/ExperimentalModifiedFindings/0/Finding/Severity",
        ),
    ];
    for (document, pointer) in hiding {
        let answer = normalize(&document);
        let place = format!("stands twice at {pointer};");
        assert!(matches!(&answer, Err(Failure::Malformed(why)) if why.contains(&place)), "{document} {answer:?}");
    }
}

#[test]
fn text_after_the_report_makes_it_malformed() {
    for behind in [" trailing", r#" {"x": 1}"#] {
        let answer = normalize(format!(r#"{{"SchemaVersion": 2, "Results": []}}{behind}"#));
        assert!(matches!(&answer, Err(Failure::Malformed(why)) if why.contains("after the end")), "{answer:?}");
    }
}
