//! Documents in, whole reports out.

use insta::assert_json_snapshot;
use palisade_plugin::testing::{CollectedReport, normalize, normalize_limited, recognize, snapshot};
use palisade_plugin::{
    Completeness, ComponentRelation, ComponentScope, Coverage, Failure, Format, LicenseValue, Severity,
};
use serde_json::json;

use crate::CycloneDx;

/// A document of these members, in this order.
fn document(members: &str) -> String {
    format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", {members}}}"#)
}

fn read(members: &str) -> CollectedReport {
    normalize::<CycloneDx>("sbom/bom.json", document(members), "{}").expect("a document that can be understood")
}

fn refused(bytes: impl AsRef<[u8]>) -> Failure {
    normalize::<CycloneDx>("sbom/bom.json", bytes, "{}").expect_err("a document that cannot be understood")
}

const SCANNED: &str = r#"
    "vulnerabilities": [{
        "id": "CVE-2030-1111",
        "source": {"name": "NVD", "url": "https://nvd.example/CVE-2030-1111"},
        "references": [{"id": "GHSA-aaaa-bbbb-cccc", "source": {"url": "https://advisories.example/1"}}, {"id": "CVE-2030-1111"}],
        "ratings": [
            {"source": {"name": "Vendor"}, "severity": "medium", "score": 5.0, "method": "CVSSv31"},
            {"source": {"name": "NVD"}, "severity": "High", "method": "CVSSv31", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}
        ],
        "cwes": [79, "CWE-80"],
        "description": "Reads too far.\nIn detail: much too far.",
        "recommendation": "Update to 1.0.1",
        "analysis": {"state": "not_affected", "justification": "code_not_reachable", "response": ["will_not_fix"], "detail": "never called"},
        "affects": [{"ref": "left", "versions": [{"range": "vers:npm/<1.0.1", "status": "affected"}]}]
    }],
    "metadata": {
        "timestamp": "2030-01-02T03:04:05Z",
        "tools": {"components": [{"name": "Scanner", "version": "3.2"}]},
        "authors": [{"name": "Security team", "email": "nobody@example.org"}],
        "component": {"bom-ref": "shop", "type": "application", "name": "shop", "version": "2.0"}
    },
    "components": [
        {"bom-ref": "right", "type": "library", "group": "@side", "name": "right", "version": "3.0.0", "purl": "pkg:npm/@side/right@3.0.0",
         "hashes": [{"alg": "SHA-256", "content": "AB12"}], "supplier": {"name": "Side"}, "cpe": "cpe:2.3:a:side:right:3.0.0:*:*:*:*:*:*:*",
         "licenses": [{"license": {"id": "MIT"}}],
         "components": [{"bom-ref": "left", "type": "library", "name": "left", "version": "1.0.0", "purl": "pkg:npm/left@1.0.0",
             "evidence": {"occurrences": [{"location": ".\\lib\\left.js", "line": 7}]},
             "properties": [{"name": "cdx:npm:package:development", "value": "true"}], "scope": "required"}]}
    ],
    "dependencies": [{"ref": "shop", "dependsOn": ["right"]}, {"ref": "right", "dependsOn": ["left", "gone"]}]
"#;

#[test]
fn a_scan_becomes_components_findings_and_statements_whatever_the_order_of_its_members() {
    assert_json_snapshot!(read(SCANNED).snapshot(), @r#"
    {
      "completeness": "Unknown",
      "components": [
        {
          "component_type": "library",
          "cpes": [
            "cpe:2.3:a:side:right:3.0.0:*:*:*:*:*:*:*"
          ],
          "hashes": [
            "sha256:ab12"
          ],
          "id": "right",
          "licenses": [
            {
              "source": "Declared",
              "value": {
                "Expression": "MIT"
              }
            }
          ],
          "name": "@side/right",
          "origin": "/components/0",
          "properties": [
            [
              "purl-raw",
              "pkg:npm/@side/right@3.0.0"
            ]
          ],
          "purl": "pkg:npm/%40side/right@3.0.0",
          "relation": "Direct",
          "scope": "Runtime",
          "supplier": "Side",
          "version": "3.0.0"
        },
        {
          "component_type": "library",
          "id": "left",
          "locations": [
            {
              "end_line": 7,
              "path": "lib/left.js",
              "start_line": 7
            }
          ],
          "name": "left",
          "origin": "/components/0/components/0",
          "properties": [
            [
              "cdx:npm:package:development",
              "true"
            ],
            [
              "scope-raw",
              "required"
            ]
          ],
          "purl": "pkg:npm/left@1.0.0",
          "relation": "Transitive",
          "scope": "Development",
          "version": "1.0.0"
        },
        {
          "component_type": "application",
          "id": "shop",
          "name": "shop",
          "origin": "/metadata/component",
          "relation": "Root",
          "scope": "Runtime",
          "version": "2.0"
        }
      ],
      "covers": [
        "Components",
        "Licenses",
        "Vulnerabilities",
        "Vex"
      ],
      "dependencies": [
        {
          "child": "right",
          "parent": "shop",
          "scope": "Runtime"
        },
        {
          "child": "left",
          "parent": "right",
          "scope": "Development"
        }
      ],
      "diagnostics": [
        {
          "level": "Note",
          "message": "1 dependencies between things that are no listed components are left out",
          "pointer": "/dependencies"
        }
      ],
      "findings": [
        {
          "description": "Reads too far.\nIn detail: much too far.",
          "detail": {
            "Vulnerability": {
              "aliases": [
                "GHSA-aaaa-bbbb-cccc"
              ],
              "cwes": [
                79,
                80
              ],
              "fix": {
                "state": "WontFix"
              },
              "ratings": [
                {
                  "base": 7.5,
                  "source": "nvd",
                  "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
                  "version": "3.1"
                },
                {
                  "base": 5.0,
                  "source": "vendor",
                  "version": "3.1"
                }
              ]
            }
          },
          "how_to_fix": "Update to 1.0.1",
          "id": "CVE-2030-1111",
          "locations": [
            {
              "end_line": 7,
              "path": "lib/left.js",
              "start_line": 7
            }
          ],
          "origin": "/vulnerabilities/0/affects/0",
          "package": {
            "component": "left",
            "introduced_by": [
              "shop",
              "@side/right"
            ],
            "name": "left",
            "purl": "pkg:npm/left@1.0.0",
            "relation": "Transitive",
            "scope": "Development",
            "version": "1.0.0"
          },
          "properties": [
            [
              "cyclonedx:analysis-state",
              "not_affected"
            ],
            [
              "cyclonedx:analysis-justification",
              "code_not_reachable"
            ],
            [
              "affected-range",
              "vers:npm/<1.0.1"
            ]
          ],
          "references": [
            "https://nvd.example/CVE-2030-1111",
            "https://advisories.example/1"
          ],
          "severity": "High",
          "severity_raw": "High",
          "severity_source": "nvd",
          "title": "Reads too far."
        }
      ],
      "properties": [
        [
          "schema-version",
          "1.6"
        ],
        [
          "scan-time",
          "2030-01-02T03:04:05Z"
        ],
        [
          "scan-target",
          "shop"
        ]
      ],
      "tool": [
        "scanner",
        "3.2"
      ],
      "vex": [
        {
          "aliases": [
            "GHSA-aaaa-bbbb-cccc"
          ],
          "author": "Security team",
          "justification": "vulnerable_code_not_in_execute_path",
          "products": [
            {
              "product": "pkg:npm/left@1.0.0"
            }
          ],
          "statement": "never called (response: will_not_fix)",
          "status": "NotAffected",
          "timestamp": "2030-01-02T03:04:05Z",
          "vulnerability": "CVE-2030-1111"
        }
      ]
    }
    "#);
}

#[test]
fn a_document_is_recognised_by_its_format_wherever_it_stands() {
    let found =
        recognize::<CycloneDx>("x.txt", r#"{"components": [], "specVersion": "1.4", "bomFormat": "CycloneDX"}"#);
    assert_eq!(found, Some(Format::versioned("cyclonedx-json", "1.4")));
    for other in [
        r#"{"bomFormat": "cyclone"}"#,
        r#"{"name": "CycloneDX", "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json"}"#,
        "{}",
        "[]",
        "null",
        "",
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"/>",
    ] {
        assert_eq!(recognize::<CycloneDx>("bom.cdx.json", other), None, "{other}");
    }
    // A document that breaks off is claimed, so that it fails by name.
    assert!(recognize::<CycloneDx>("x", r#"{"bomFormat": "CycloneDX", "components": [{"#).is_some());
}

#[test]
fn a_bill_of_materials_says_nothing_about_vulnerabilities() {
    let covers = |members: &str| read(members).covers;
    assert_eq!(covers(r#""components": []"#), [Coverage::Components, Coverage::Licenses]);
    assert_eq!(covers(r#""components": [], "vulnerabilities": []"#), [Coverage::Components, Coverage::Licenses]);
    assert_eq!(covers(r#""components": null, "vulnerabilities": null"#), [Coverage::Components, Coverage::Licenses]);
    let scanned = r#""components": [{"name": "a"}], "vulnerabilities": [{"id": "CVE-2030-1"}]"#;
    assert_eq!(covers(scanned), [Coverage::Components, Coverage::Licenses, Coverage::Vulnerabilities]);
    // A bad entry is an entry: the list spoke about vulnerabilities, and something is missing.
    let bad = read(r#""components": [{"name": "a"}], "vulnerabilities": [7]"#);
    assert_eq!((bad.covers.contains(&Coverage::Vulnerabilities), bad.completeness), (true, Completeness::Partial));
}

#[test]
fn statements_alone_are_no_scan() {
    let report = read(
        r#""vulnerabilities": [
            {"id": "CVE-2030-1", "analysis": {"state": "resolved"}, "affects": [{"ref": "urn:cdx:0/1#pkg%3Anpm%2Fleft@1.0.0"}]},
            {"id": "CVE-2030-2", "analysis": {"state": "exploitable"}, "recommendation": "Wait", "affects": [{"ref": "urn:cdx:0/1#left"}]}
        ]"#,
    );
    assert_json_snapshot!(report.snapshot(), @r#"
    {
      "completeness": "Unknown",
      "covers": [
        "Vex"
      ],
      "properties": [
        [
          "schema-version",
          "1.6"
        ]
      ],
      "vex": [
        {
          "products": [
            {
              "product": "pkg:npm/left@1.0.0"
            }
          ],
          "status": "Fixed",
          "vulnerability": "CVE-2030-1"
        },
        {
          "action": "Wait",
          "products": [
            {
              "product": "urn:cdx:0/1#left"
            }
          ],
          "status": "Affected",
          "vulnerability": "CVE-2030-2"
        }
      ]
    }
    "#);
}

#[test]
fn a_vulnerability_without_an_analysis_is_a_finding_even_where_no_component_is_listed() {
    let report = read(
        r#""vulnerabilities": [{"id": "CVE-2030-1", "affects": [{"ref": "urn:cdx:0/1#pkg:maven/org.a/b@1"}, {"ref": "gone"}]}, {"id": "CVE-2030-2"}]"#,
    );
    let packages: Vec<_> =
        report.findings.iter().map(|f| f.package.as_ref().map(|p| (&*p.name, p.version.as_deref()))).collect();
    assert_eq!(packages, [Some(("org.a:b", Some("1"))), None, None]);
    assert_eq!((report.covers, report.vex.len()), (vec![Coverage::Vulnerabilities], 0));
    assert_eq!(report.findings[0].title, "CVE-2030-1 in org.a:b");
}

#[test]
fn what_the_producer_withdrew_or_calls_unaffected_is_shown_as_suppressed() {
    let report = read(
        r#""components": [{"bom-ref": "a", "name": "a"}], "vulnerabilities": [
            {"id": "CVE-2030-1", "rejected": "2030-02-01", "affects": [{"ref": "a"}, {"ref": "a"}]},
            {"id": "CVE-2030-2", "affects": [{"ref": "a", "versions": [{"version": "1", "status": "unaffected"}]}]},
            {"id": "CVE-2030-3", "affects": [{"ref": "a", "versions": [{"version": "1"}, {"version": "2", "status": "unaffected"}]}]}
        ]"#,
    );
    let statuses: Vec<_> = report
        .findings
        .iter()
        .map(|f| (&*f.id, f.tool_status.as_ref().and_then(|status| status.status.as_deref())))
        .collect();
    assert_eq!(statuses, [("CVE-2030-1", Some("rejected")), ("CVE-2030-2", Some("unaffected")), ("CVE-2030-3", None)]);
    assert_eq!(report.findings[2].package.as_ref().unwrap().version.as_deref(), Some("1"));
}

#[test]
fn a_state_that_nobody_knows_states_nothing_and_hides_nothing() {
    let entry = r#"{"id": "CVE-2030-1", "analysis": {"state": "harmless"}}"#;
    let report = read(&format!(r#""components": [{{"name": "a"}}], "vulnerabilities": [{entry}]"#));
    assert_eq!((report.findings.len(), report.vex.len(), report.diagnostics.len()), (1, 0, 1));
}

#[test]
fn repetitions_by_the_thousand_end_in_time() {
    let components = vec![r#"{"bom-ref": "a", "name": "a"}"#; 20_000].join(",");
    let affects = vec![r#"{"ref": "a"}"#; 20_000].join(",");
    let report = read(&format!(
        r#""components": [{components}], "vulnerabilities": [{{"id": "CVE-2030-1", "affects": [{affects}]}}]"#
    ));
    assert_eq!((report.components.len(), report.findings.len()), (20_000, 1));
    assert_eq!(report.components[19_999].id, "a#20000");
}

#[test]
fn severities_come_from_words_then_from_the_newest_score() {
    let severity = |ratings: &str| {
        let report = read(&format!(
            r#""components": [{{"name": "a"}}], "vulnerabilities": [{{"id": "X", "ratings": {ratings}}}]"#
        ));
        let finding = report.findings.into_iter().next().unwrap();
        let first = finding.vulnerability().unwrap().ratings.first().map(|cvss| (cvss.version.clone(), cvss.base));
        (finding.severity, finding.severity_raw, finding.severity_source, first)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(severity("[]"), (None, None, None, None));
    assert_eq!(severity(r#"[{"severity": "unknown"}]"#), (None, text("unknown"), None, None));
    assert_eq!(
        severity(
            r#"[{"severity": "low", "score": 9.9, "method": "CVSSv31"}, {"severity": "critical", "source": {"name": "NVD"}}]"#
        ),
        (Some(Severity::Critical), text("critical"), text("nvd"), Some(("3.1".to_owned(), Some(9.9))))
    );
    assert_eq!(
        severity(
            r#"[{"score": "9.8", "method": "CVSSv2"}, {"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]"#
        ),
        (Some(Severity::High), None, text("derived:CVSS:3.1"), Some(("3.1".to_owned(), Some(7.5))))
    );
    assert_eq!(severity(r#"[{"score": 9.8, "method": "CVSSv2"}]"#).0, Some(Severity::High));
    assert_eq!(severity(r#"[{"score": 4.2}]"#), (Some(Severity::Medium), None, text("derived:score"), None));
    assert_eq!(
        severity(r#"[{"score": 0, "method": "CVSSv31"}, {"score": 8, "method": "OWASP"}]"#),
        (None, None, None, None)
    );
    assert_eq!(severity(r#"[{"vector": "nonsense", "method": "CVSSv4"}]"#).3, Some(("4.0".to_owned(), None)));
}

#[test]
fn licences_of_one_list_become_one_claim_for_each_source() {
    let claims = |component: &str| {
        let report = read(&format!(r#""components": [{{"name": "a", {component}}}]"#));
        report.components[0]
            .licenses
            .iter()
            .map(|claim| format!("{:?} {:?}", claim.source, claim.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(claims(r#""licenses": []"#), [""; 0]);
    assert_eq!(
        claims(r#""licenses": [{"license": {"id": "MIT"}}]"#),
        [r#"LicenseSource::Declared LicenseValue::Expression("MIT")"#]
    );
    assert_eq!(
        claims(
            r#""licenses": [{"license": {"id": "MIT"}}, {"expression": "ISC OR 0BSD"}, {"license": {"id": "MIT"}}]"#
        ),
        [r#"LicenseSource::Declared LicenseValue::Expression("MIT AND (ISC OR 0BSD)")"#]
    );
    assert_eq!(
        claims(r#""licenses": [{"license": {"name": "Our own"}}, {"license": {}}, {"license": {"name": "Theirs"}}]"#),
        [r#"LicenseSource::Declared LicenseValue::Name("Our own AND Theirs")"#]
    );
    assert_eq!(
        claims(
            r#""licenses": [{"license": {"id": "MIT", "acknowledgement": "declared"}}, {"expression": "ISC", "acknowledgement": "concluded"}],
               "evidence": {"licenses": [{"license": {"name": "BSD"}}]}"#
        ),
        [
            r#"LicenseSource::Declared LicenseValue::Expression("MIT")"#,
            r#"LicenseSource::Concluded LicenseValue::Expression("ISC")"#,
            r#"LicenseSource::Detected LicenseValue::Name("BSD")"#
        ]
    );
    let stated = read(r#""components": [{"name": "a", "licenses": {"expression": "NOASSERTION"}}]"#);
    assert_eq!(stated.components[0].licenses[0].value, LicenseValue::NoAssertion);
}

#[test]
fn scopes_are_the_specifications_unless_npm_says_development() {
    let scope = |members: &str| read(&format!(r#""components": [{{"name": "a" {members}}}]"#)).components[0].scope;
    assert_eq!(scope(""), ComponentScope::Runtime);
    assert_eq!(scope(r#", "scope": "optional""#), ComponentScope::Optional);
    assert_eq!(scope(r#", "scope": "excluded""#), ComponentScope::Excluded);
    assert_eq!(scope(r#", "scope": "later""#), ComponentScope::Unknown);
    assert_eq!(
        scope(r#", "properties": [{"name": "cdx:npm:package:development", "value": true}]"#),
        ComponentScope::Development
    );
}

#[test]
fn ids_are_unique_and_the_first_of_the_same_id_is_meant() {
    let report = read(
        r#""components": [{"bom-ref": "a", "name": "x"}, {"bom-ref": "a", "name": "y"}, {"name": "z", "components": [{"name": "q"}]}]"#,
    );
    let ids: Vec<_> = report.components.iter().map(|component| &*component.id).collect();
    assert_eq!(ids, ["a", "a#2", "/components/2", "/components/2/components/0"]);
    assert_eq!(report.diagnostics.len(), 1);
}

#[test]
fn a_lock_file_between_the_root_and_a_package_keeps_it_direct_and_cycles_end() {
    let report = read(
        r#""metadata": {"component": {"bom-ref": "root", "name": "root"}},
           "components": [{"bom-ref": "lock", "type": "application", "name": "package-lock.json"}, {"bom-ref": "a", "name": "a", "purl": "pkg:npm/a@1"},
               {"bom-ref": "b", "name": "b", "purl": "pkg:npm/b@1"}, {"bom-ref": "alone", "name": "alone"}],
           "dependencies": [{"ref": "root", "dependsOn": ["lock"]}, {"ref": "lock", "dependsOn": "a"}, {"ref": "a", "dependsOn": ["b", "a"]}, {"ref": "b", "dependsOn": ["a"]}]"#,
    );
    let relations: Vec<_> = report.components.iter().map(|component| (&*component.id, component.relation)).collect();
    assert_eq!(
        relations,
        [
            ("lock", ComponentRelation::Direct),
            ("a", ComponentRelation::Direct),
            ("b", ComponentRelation::Transitive),
            ("alone", ComponentRelation::Unknown),
            ("root", ComponentRelation::Root),
        ]
    );
}

#[test]
fn versions_are_read_where_they_are_known_or_newer_and_refused_elsewhere() {
    let of = |version: &str| {
        let text = format!(r#"{{"bomFormat": "CycloneDX", "specVersion": {version}, "components": []}}"#);
        normalize::<CycloneDx>("bom.json", text, "{}").map(|report| report.diagnostics.len())
    };
    for known in ["\"1.2\"", "\"1.7\"", "1.5"] {
        assert_eq!(of(known), Ok(0), "{known}");
    }
    for odd in ["\"1.8\"", "\"1.10\"", "\"1.1\"", "\"one\"", "null"] {
        assert_eq!(of(odd), Ok(1), "{odd}");
    }
    assert_eq!(of("\"2.0\""), Err(Failure::unsupported("CycloneDX 2.0")));
}

#[test]
fn npm_is_named_by_its_vendor_and_incomplete_by_its_own_word() {
    let report = read(
        r#""metadata": {"tools": [{"vendor": "npm", "name": "cli", "version": "11"}]}, "compositions": [{"aggregate": "incomplete_third_party_only"}]"#,
    );
    assert_eq!(report.tool, Some(("npm-cli".to_owned(), Some("11".to_owned()))));
    assert_eq!(report.completeness, Completeness::Partial);
}

#[test]
fn marks_and_encodings_are_no_obstacle() {
    let plain = document(r#""components": [{"name": "größe"}]"#);
    let expected = normalize::<CycloneDx>("bom.json", &plain, "{}").unwrap();
    let marked = [b"\xef\xbb\xbf", plain.as_bytes()].concat();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(plain.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [marked, wide] {
        assert!(recognize::<CycloneDx>("bom.json", &bytes).is_some());
        assert_eq!(normalize::<CycloneDx>("bom.json", bytes, "{}").unwrap(), expected);
    }
}

#[test]
fn files_that_are_no_document_are_malformed() {
    for bytes in ["", "  \n", "{}", "[]", "null", "true", "<html></html>", r#"{"bomFormat": "SPDX"}"#] {
        assert!(matches!(refused(bytes), Failure::Malformed(_)), "{bytes}");
    }
    let whole = document(SCANNED);
    for end in (1..whole.len()).step_by(97) {
        assert!(matches!(refused(&whole[..end]), Failure::Malformed(_)), "cut at {end}");
    }
}

#[test]
fn a_wrong_type_anywhere_costs_at_most_its_entry() {
    let whole: serde_json::Value = serde_json::from_str(&document(SCANNED)).unwrap();
    let mut pointers = Vec::new();
    collect(&whole, String::new(), &mut pointers);
    assert!(pointers.len() > 60);
    for pointer in pointers {
        for wrong in [json!({"wrong": [1]}), json!([[{}]]), json!(-1.5), json!("wrong"), json!(true), json!(null)] {
            let mut spoilt = whole.clone();
            *spoilt.pointer_mut(&pointer).unwrap() = wrong.clone();
            let answer = normalize::<CycloneDx>("bom.json", spoilt.to_string(), "{}");
            let is_head = pointer == "/bomFormat" || pointer == "/specVersion";
            assert!(answer.is_ok() || is_head, "{pointer} = {wrong}: {answer:?}");
        }
    }
}

fn collect(value: &serde_json::Value, pointer: String, pointers: &mut Vec<String>) {
    if !pointer.is_empty() {
        pointers.push(pointer.clone());
    }
    match value {
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, format!("{pointer}/{name}"), pointers));
        }
        serde_json::Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(at, value)| collect(value, format!("{pointer}/{at}"), pointers));
        }
        _ => {}
    }
}

#[test]
fn bad_entries_are_left_out_and_named() {
    let report = read(
        r#""components": ["x", {"version": "1"}, {"name": "a", "version": {}}, {"name": "b"}], "vulnerabilities": [{"description": "no id"}]"#,
    );
    let names: Vec<_> = report.components.iter().map(|component| &*component.name).collect();
    assert_eq!((names, report.completeness), (vec!["a", "b"], Completeness::Partial));
    let pointers: Vec<_> = report.diagnostics.iter().filter_map(|diagnostic| diagnostic.pointer.as_deref()).collect();
    for pointer in ["/components/0", "/components/1", "/components/2", "/vulnerabilities/0"] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
}

#[test]
fn twenty_thousand_components_keep_their_order_and_a_full_report_ends_in_time() {
    let components: Vec<String> = (0..20_000).map(|at| format!(r#"{{"bom-ref": "{at}", "name": "n{at}"}}"#)).collect();
    let members = format!(r#""components": [{}]"#, components.join(","));
    let report = read(&members);
    assert!(report.components.iter().enumerate().all(|(at, component)| component.id == at.to_string()));
    assert_eq!(report.components.len(), 20_000);
    let cut = normalize_limited::<CycloneDx>("bom.json", document(&members), "{}", 700).unwrap();
    assert_eq!((cut.components.len(), cut.completeness), (700, Completeness::Cut));
}

#[test]
fn nesting_without_end_costs_only_what_nests() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let nested = format!(
        r#"{{"name": "a", "components": {}}}"#,
        deep(r#"[{"name": "x", "components": "#, "}]").replace(": }", ": []}")
    );
    let report = read(&format!(r#""signature": {}, "components": [{nested}, {{"name": "b"}}]"#, deep("[", "]")));
    assert_eq!(report.components.last().map(|component| &*component.name), Some("b"));
    assert_eq!(report.completeness, Completeness::Partial);
}

#[test]
fn equal_bytes_give_equal_reports() {
    assert_eq!(snapshot(&read(SCANNED)).to_string(), snapshot(&read(SCANNED)).to_string());
}

#[test]
fn a_member_that_stands_twice_makes_the_document_malformed() {
    let hiding = [
        (r#""components": [{"name": "a"}], "components": []"#, "/components"),
        (r#""vulnerabilities": [{"id": "CVE-1"}], "vulnerabilities": []"#, "/vulnerabilities"),
        (
            r#""vulnerabilities": [{"id": "CVE-1", "ratings": [{"severity": "critical", "severity": "low"}]}]"#,
            "/vulnerabilities/0/ratings/0/severity",
        ),
    ];
    for (members, pointer) in hiding {
        let answer = refused(document(members));
        let place = format!("stands twice at {pointer};");
        assert!(matches!(&answer, Failure::Malformed(why) if why.contains(&place)), "{members} {answer:?}");
    }
    let behind = document("\"components\": []") + r#" {"x": 1}"#;
    assert!(matches!(refused(behind), Failure::Malformed(why) if why.contains("after the end")));
}

#[test]
fn a_manufacturer_under_both_of_its_names_is_no_repetition() {
    let report = read(r#""metadata": {"manufacture": {"name": "A"}, "manufacturer": {"name": "B"}}, "components": []"#);
    assert_eq!(report.diagnostics.len(), 0, "{:?}", report.diagnostics);
}
