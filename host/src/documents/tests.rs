//! Field by field what a policy sees, and what happens where there is no room.

use super::*;
use crate::model::artifact::{RunSource, Source};
use crate::model::evidence::{Age, Context, Hidden, HiddenBy, ItemRef, SourcedReport};
use crate::model::ids::{Digest, RunId};
use crate::model::report::{
    Completeness, Component, ComponentRelation, ComponentScope, Coverage, Cvss, Detail, Fix, FixState, Format,
    LicenseClaim, LicenseSource, LicenseValue, Location, PackageRef, Report, Severity, Vulnerability,
};
use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::Value;
use std::sync::Arc;

fn finding(id: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        severity: Some(Severity::High),
        severity_raw: None,
        severity_source: None,
        title: "Command injection".to_owned(),
        description: None,
        package: None,
        locations: Vec::new(),
        detail: Detail::Vulnerability(Vulnerability {
            aliases: Vec::new(),
            ratings: Vec::new(),
            epss: None,
            known_exploited: None,
            cwes: Vec::new(),
            fix: Fix { state: FixState::Unknown, versions: Vec::new(), suggested: None, breaking: None },
            published: None,
            modified: None,
        }),
        how_to_fix: None,
        references: Vec::new(),
        fingerprints: Vec::new(),
        tool_status: None,
        origin: None,
        properties: Vec::new(),
    }
}

/// With everything that the payload of a policy shows.
fn full(id: &str) -> Finding {
    let mut finding = finding(id);
    finding.severity_raw = Some("CRITICAL".to_owned());
    finding.description = Some("Templates are not escaped.".to_owned());
    finding.package = Some(package("pkg:npm/lodash@4.17.20"));
    finding.locations.push(Location {
        path: "package-lock.json".to_owned(),
        start_line: Some(12),
        ..Location::default()
    });
    finding.references.push("https://example.com/1".to_owned());
    finding.properties.push(pair("ecosystem", "npm"));
    if let Detail::Vulnerability(vulnerability) = &mut finding.detail {
        vulnerability.fix.versions = vec!["4.17.21".to_owned(), "5.0.0".to_owned()];
        let rating = |base| Cvss { version: "3.1".to_owned(), vector: None, base: Some(base), source: None };
        vulnerability.ratings = vec![rating(7.2), rating(9.8)];
    }
    finding
}

fn package(purl: &str) -> PackageRef {
    PackageRef {
        name: "lodash".to_owned(),
        version: Some("4.17.20".to_owned()),
        purl: Some(purl.to_owned()),
        component: None,
        scope: ComponentScope::Unknown,
        relation: ComponentRelation::Unknown,
        introduced_by: Vec::new(),
    }
}

fn component(id: &str, licenses: Vec<(LicenseSource, &str)>) -> Component {
    let value = |text: &str| match text {
        "NOASSERTION" => LicenseValue::NoAssertion,
        "NONE" => LicenseValue::NoneStated,
        _ => LicenseValue::Expression(text.to_owned()),
    };
    Component {
        id: id.to_owned(),
        name: "lodash".to_owned(),
        version: None,
        purl: None,
        component_type: None,
        supplier: None,
        licenses: licenses.into_iter().map(|(source, text)| LicenseClaim { source, value: value(text) }).collect(),
        scope: ComponentScope::Unknown,
        relation: ComponentRelation::Unknown,
        locations: Vec::new(),
        hashes: Vec::new(),
        cpes: Vec::new(),
        published: None,
        deprecated: None,
        origin: None,
        properties: Vec::new(),
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn report(format: &str, covers: &[Coverage]) -> Report {
    Report {
        format: Format { name: format.to_owned(), version: Some("2.3".to_owned()) },
        tool: Some(("example".to_owned(), Some("1.4".to_owned()))),
        covers: covers.to_vec(),
        completeness: Completeness::Unknown,
        properties: Vec::new(),
        findings: Vec::new(),
        components: Vec::new(),
        dependencies: Vec::new(),
        vex: Vec::new(),
        attestations: Vec::new(),
        documents: Vec::new(),
        diagnostics: Vec::new(),
        diagnostics_dropped: 0,
    }
}

fn scan(findings: Vec<Finding>) -> Report {
    Report { findings, ..report("trivy-json", &[Coverage::Vulnerabilities]) }
}

fn sbom(format: &str, components: Vec<Component>) -> Report {
    Report { components, ..report(format, &[Coverage::Components, Coverage::Licenses]) }
}

/// A commit with these reports; findings of the id `hidden` are hidden.
fn evidence(reports: Vec<Report>) -> Evidence {
    let run = RunSource {
        id: RunId(7),
        attempt: 1,
        workflow_path: ".github/workflows/ci.yml".to_owned(),
        event: "pull_request".to_owned(),
        actor: None,
        head_sha: "abc".to_owned(),
        created_at: 1,
        ..RunSource::default()
    };
    let sourced = |report: Report| SourcedReport {
        report: Arc::new(report),
        source: Source { provenance: None, path: "upload/in/a.json".to_owned(), run: Some(run.clone()) },
        digest: Digest::of(b"a"),
        normalizer: "trivy".to_owned(),
    };
    let hidden = Hidden { by: HiddenBy::Waiver, who: None, why: "not reachable".to_owned(), until: Some(9) };
    let reports: Vec<SourcedReport> = reports.into_iter().map(sourced).collect();
    let places = reports.iter().enumerate().flat_map(|(report, sourced)| {
        sourced.report.findings.iter().enumerate().map(move |(index, finding)| (report, index, finding.id == "hidden"))
    });
    let findings: Vec<AssessedFinding> = places
        .zip(0..)
        .map(|((report, index, is_hidden), group)| AssessedFinding {
            at: ItemRef { report: report as u32, index: index as u32 },
            group,
            age: Age::Unknown,
            hidden: is_hidden.then(|| hidden.clone()),
        })
        .collect();
    Evidence {
        context: Context {
            owner: "acme".to_owned(),
            repository: "shop".to_owned(),
            head_sha: "abc".to_owned(),
            pull_requests: vec![9, 4],
            ..Context::default()
        },
        groups: findings.len() as u32,
        live_groups: 0,
        reports,
        unreadable: Vec::new(),
        findings,
        baseline: None,
        changed_paths: None,
        notices: Vec::new(),
    }
}

fn compliance(reports: Vec<Report>) -> Vec<(String, Value)> {
    let documents = Shape::Compliance.write(&evidence(reports), usize::MAX).unwrap();
    let read = |document: JsonDocument| (document.name, serde_json::from_slice(&document.json).unwrap());
    documents.into_iter().map(read).collect()
}

fn only(reports: Vec<Report>) -> Value {
    let [(_, document)] = compliance(reports).try_into().expect("one document");
    document
}

/// Proves R24, W19.
#[test]
fn a_vulnerability_is_shown_field_by_field() {
    let document = only(vec![scan(vec![full("CVE-2026-0001"), full("hidden")])]);
    assert_json_snapshot!(document, @r#"
    {
      "hidden_vulnerabilities": [
        {
          "description": "Templates are not escaped.",
          "fixed_version": "4.17.21, 5.0.0",
          "hidden": {
            "by": "waiver",
            "until": 9,
            "why": "not reachable"
          },
          "id": "hidden",
          "location": {
            "file": "package-lock.json",
            "line": 12
          },
          "package": {
            "ecosystem": "npm",
            "name": "lodash",
            "version": "4.17.20"
          },
          "references": [
            "https://example.com/1"
          ],
          "score": 7.2,
          "severity": "CRITICAL"
        }
      ],
      "metadata": {
        "commit_sha": "abc",
        "pr_number": 4,
        "repository": "acme/shop",
        "scan_target": "in/a.json",
        "scan_time": "",
        "schema_version": "2.3",
        "source_format": "trivy_json",
        "tool_name": "example",
        "tool_version": "1.4"
      },
      "summary": {
        "critical": 1,
        "high": 0,
        "info": 0,
        "low": 0,
        "medium": 0,
        "total_vulnerabilities": 1
      },
      "type": "vulnerability_scan",
      "vulnerabilities": [
        {
          "description": "Templates are not escaped.",
          "fixed_version": "4.17.21, 5.0.0",
          "id": "CVE-2026-0001",
          "location": {
            "file": "package-lock.json",
            "line": 12
          },
          "package": {
            "ecosystem": "npm",
            "name": "lodash",
            "version": "4.17.20"
          },
          "references": [
            "https://example.com/1"
          ],
          "score": 7.2,
          "severity": "CRITICAL"
        }
      ]
    }
    "#);
}

#[test]
fn what_a_scanner_does_not_say_is_empty_unknown_or_left_out() {
    let mut plain = finding("CVE-2026-0002");
    plain.severity = None;
    let mut go = finding("CVE-2026-0003");
    (go.severity, go.package) = (Some(Severity::Negligible), Some(package("pkg:golang/example.com/m@1")));
    let mut other = finding("a-secret");
    other.detail = Detail::Other;
    let document = only(vec![scan(vec![plain, go, other])]);
    assert_snapshot!(document["vulnerabilities"][0], @r#"{"description":"","id":"CVE-2026-0002","location":{"file":""},"package":{"ecosystem":"unknown","name":"","version":""},"severity":"UNKNOWN"}"#);
    assert_snapshot!(document["vulnerabilities"][1], @r#"{"description":"","id":"CVE-2026-0003","location":{"file":""},"package":{"ecosystem":"go","name":"lodash","version":"4.17.20"},"severity":"NEGLIGIBLE"}"#);
    assert_snapshot!(document["summary"], @r#"{"critical":0,"high":0,"info":0,"low":0,"medium":0,"total_vulnerabilities":2}"#);
    assert_snapshot!(document["hidden_vulnerabilities"], @"[]");
}

#[test]
fn the_severity_is_the_scanners_word_only_where_polly_knew_it() {
    let word = |raw: &str| {
        let mut finding = finding("CVE-2026-0001");
        finding.severity_raw = Some(raw.to_owned());
        only(vec![scan(vec![finding])])["vulnerabilities"][0]["severity"].clone()
    };
    assert_eq!([word("UNKNOWN"), word("LOW")], ["UNKNOWN", "LOW"]);
    assert_eq!([word("Important"), word("low"), word("9.8")], ["HIGH", "HIGH", "HIGH"]);
}

/// Proves R24, W19.
#[test]
fn a_package_is_shown_field_by_field() {
    let mut lodash =
        component("SPDXRef-lodash", vec![(LicenseSource::Declared, "MIT"), (LicenseSource::Concluded, "NOASSERTION")]);
    lodash.version = Some("4.17.20".to_owned());
    lodash.supplier = Some("Example".to_owned());
    lodash.purl = Some("pkg:npm/lodash@4.17.20".to_owned());
    lodash.cpes = vec!["cpe:2.3:a:lodash:lodash:4.17.20".to_owned(), "cpe:/a:lodash:lodash".to_owned()];
    lodash.properties = vec![
        pair("downloadLocation", "https://example.com/lodash.tgz"),
        pair("sourceInfo", "from a lock file"),
        pair("copyrightText", "Example"),
        pair("filesAnalyzed", "false"),
        pair("externalRef", "OTHER website https://example.com/a b"),
    ];
    let mut report = sbom("spdx-json", vec![lodash]);
    report.properties = vec![pair("schema-version", "SPDX-2.3"), pair("scan-target", "the document's name")];
    assert_json_snapshot!(only(vec![report]), @r#"
    {
      "metadata": {
        "commit_sha": "abc",
        "pr_number": 4,
        "repository": "acme/shop",
        "scan_target": "in/a.json",
        "scan_time": "unknown",
        "schema_version": "SPDX-2.3",
        "source_format": "spdx_json",
        "tool_name": "spdx",
        "tool_version": "1.4"
      },
      "packages": [
        {
          "SPDXID": "SPDXRef-lodash",
          "copyrightText": "Example",
          "downloadLocation": "https://example.com/lodash.tgz",
          "externalRefs": [
            {
              "referenceCategory": "PACKAGE-MANAGER",
              "referenceLocator": "pkg:npm/lodash@4.17.20",
              "referenceType": "purl"
            },
            {
              "referenceCategory": "SECURITY",
              "referenceLocator": "cpe:2.3:a:lodash:lodash:4.17.20",
              "referenceType": "cpe23Type"
            },
            {
              "referenceCategory": "SECURITY",
              "referenceLocator": "cpe:/a:lodash:lodash",
              "referenceType": "cpe22Type"
            },
            {
              "referenceCategory": "OTHER",
              "referenceLocator": "https://example.com/a b",
              "referenceType": "website"
            }
          ],
          "licenseConcluded": "NOASSERTION",
          "licenseDeclared": "MIT",
          "name": "lodash",
          "sourceInfo": "from a lock file",
          "supplier": "Example",
          "versionInfo": "4.17.20"
        }
      ],
      "summary": {
        "all_licenses": [
          "MIT"
        ],
        "license_distribution": {
          "MIT": 1
        },
        "packages_without_license": 0,
        "total_packages": 1
      }
    }
    "#);
}

#[test]
fn licenses_are_those_of_polly_and_others_find_their_place() {
    use LicenseSource::{Concluded, Declared, Detected, Unknown};
    let licensed = |claims| {
        let package = only(vec![sbom("cyclonedx-json", vec![component("a", claims)])])["packages"][0].clone();
        format!("{} {}", package["licenseConcluded"], package["licenseDeclared"])
    };
    assert_snapshot!(licensed(vec![]), @"null null");
    assert_snapshot!(licensed(vec![(Concluded, "NONE"), (Declared, "GPL-2.0-only")]), @r#""NONE" "GPL-2.0-only""#);
    assert_snapshot!(licensed(vec![(Unknown, "MIT")]), @r#"null "MIT""#);
    assert_snapshot!(licensed(vec![(Detected, "ISC"), (Unknown, "MIT"), (Declared, "0BSD")]), @r#"null "0BSD""#);
    assert_snapshot!(licensed(vec![(Declared, "MIT OR ISC"), (Declared, "0BSD")]), @r#"null "(MIT OR ISC) AND 0BSD""#);
}

#[test]
fn the_summary_counts_the_license_that_policies_look_at() {
    use LicenseSource::{Concluded, Declared};
    let packages = vec![
        component("a", vec![(Concluded, "MIT"), (Declared, "ISC")]),
        component("b", vec![(Concluded, "NOASSERTION"), (Declared, "0BSD")]),
        component("c", vec![(Declared, "MIT")]),
        component("d", vec![(Concluded, "NONE")]),
    ];
    assert_snapshot!(only(vec![sbom("spdx-json", packages)])["summary"], @r#"{"all_licenses":["MIT","0BSD"],"license_distribution":{"0BSD":1,"MIT":2},"packages_without_license":1,"total_packages":4}"#);
}

#[test]
fn an_id_of_another_format_becomes_an_spdx_id_and_the_document_is_no_package() {
    let mut nameless = component("b", vec![]);
    nameless.name = String::new();
    let components = vec![component("pkg:npm/a@1", vec![]), component("SPDXRef-DOCUMENT", vec![]), nameless];
    let document = only(vec![sbom("cyclonedx-json", components)]);
    assert_snapshot!(document["packages"], @r#"[{"SPDXID":"SPDXRef-pkg-npm-a-1","name":"lodash","versionInfo":""}]"#);
}

#[test]
fn documents_carry_the_number_of_their_report_and_only_inventories_with_licenses_are_boms() {
    let packages_only = report("trivy-json", &[Coverage::Components, Coverage::Vulnerabilities]);
    let both = report("cyclonedx-json", &[Coverage::Components, Coverage::Licenses, Coverage::Vulnerabilities]);
    let documents = compliance(vec![report("sarif", &[Coverage::Code]), packages_only, both]);
    let names: Vec<String> = documents.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["vulnerability/1", "vulnerability/2", "sbom/2"]);
}

#[test]
fn the_metadata_of_an_spdx_document_is_pollys() {
    let metadata = |report| only(vec![report])["metadata"].to_string();
    assert_snapshot!(metadata(sbom("spdx-json", vec![])), @r#"{"commit_sha":"abc","pr_number":4,"repository":"acme/shop","scan_target":"in/a.json","scan_time":"unknown","schema_version":"2.3","source_format":"spdx_json","tool_name":"spdx","tool_version":"1.4"}"#);
    let mut trivy = scan(vec![]);
    trivy.properties =
        vec![pair("scan-target", "shop"), pair("scan-time", "2026-01-02T03:04:05Z"), pair("schema-version", "2")];
    trivy.tool = None;
    assert_snapshot!(metadata(trivy), @r#"{"commit_sha":"abc","pr_number":4,"repository":"acme/shop","scan_target":"shop","scan_time":"2026-01-02T03:04:05Z","schema_version":"2","source_format":"trivy_json","tool_name":"","tool_version":""}"#);
}

#[test]
fn the_evidence_is_one_document_with_hidden_findings_apart() {
    let reports =
        vec![scan(vec![finding("CVE-1"), finding("hidden")]), sbom("spdx-json", vec![component("c", vec![])])];
    let documents = Shape::Evidence.write(&evidence(reports), usize::MAX).unwrap();
    assert_eq!(documents[0].name, "evidence");
    let mut document: Value = serde_json::from_slice(&documents[0].json).unwrap();
    assert!(!document.to_string().contains("null"), "what is absent is left out");
    assert_snapshot!(document["findings"][0]["finding"].take(), @r#"{"detail":{"vulnerability":{"aliases":[],"cwes":[],"fix":{"state":"unknown","versions":[]},"ratings":[]}},"fingerprints":[],"id":"CVE-1","locations":[],"properties":[],"references":[],"severity":"high","title":"Command injection"}"#);
    assert_snapshot!(document["findings"], @r#"[{"age":"unknown","at":{"index":0,"report":0},"finding":null,"group":0}]"#);
    document["hidden_findings"][0]["finding"].take();
    assert_snapshot!(document["hidden_findings"], @r#"[{"age":"unknown","at":{"index":1,"report":0},"finding":null,"group":1,"hidden":{"by":"waiver","until":9,"why":"not reachable"}}]"#);
    assert_snapshot!(document["components"][0]["at"], @r#"{"index":0,"report":1}"#);
    assert_snapshot!(document["reports"][0], @r#"{"attestations":[],"completeness":"unknown","component_count":0,"covers":["vulnerabilities"],"dependencies":[],"diagnostics":[],"finding_count":2,"format":{"name":"trivy-json","version":"2.3"},"properties":[],"source":{"created_at":1,"event":"pull_request","head_sha":"abc","is_fork":true,"path":"upload/in/a.json","run_attempt":1,"run_id":7,"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","workflow_path":".github/workflows/ci.yml"},"tool":{"name":"example","version":"1.4"},"vex":[]}"#);
    let members: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_snapshot!(format!("{members:?}"), @r#"["components", "context", "findings", "groups", "hidden_findings", "live_groups", "reports", "unreadable"]"#);
}

#[test]
fn documents_that_do_not_fit_are_refused_and_not_cut() {
    let evidence = evidence(vec![scan(vec![finding("CVE-1")]), scan(vec![finding("CVE-2")])]);
    for shape in [Shape::Evidence, Shape::Compliance] {
        let size = shape.write(&evidence, usize::MAX).unwrap().iter().map(|document| document.json.len()).sum();
        assert!(shape.write(&evidence, size).is_ok());
        assert_eq!(shape.write(&evidence, size - 1), Err(TooLarge));
    }
}

#[test]
fn a_shape_that_nobody_knows_is_none() {
    assert_eq!(Shape::from_word("evidence"), Some(Shape::Evidence));
    assert_eq!(Shape::from_word("compliance"), Some(Shape::Compliance));
    assert_eq!(Shape::from_word("Evidence"), None);
}
