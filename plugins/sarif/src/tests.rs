//! Logs in, whole reports out.

use insta::assert_json_snapshot;
use palisade_plugin::testing::{CollectedReport, normalize, normalize_limited, recognize, snapshot};
use palisade_plugin::{Completeness, Coverage, Detail, Failure, Finding, Format, Severity};
use serde_json::json;

use crate::Sarif;

/// A log of these runs.
fn log(runs: &str) -> String {
    format!(r#"{{"version": "2.1.0", "runs": [{runs}]}}"#)
}

/// A run of a linter with these results.
fn linter(results: &str) -> String {
    format!(r#"{{"tool": {{"driver": {{"name": "Linter"}}}}, "results": [{results}]}}"#)
}

fn read(runs: &str) -> CollectedReport {
    normalize::<Sarif>("scan/log.sarif", log(runs), "{}").expect("a log that can be understood")
}

fn refused(bytes: impl AsRef<[u8]>) -> Failure {
    normalize::<Sarif>("scan/log.sarif", bytes, "{}").expect_err("a log that cannot be understood")
}

fn only(results: &str) -> Finding {
    read(&linter(results)).findings.into_iter().next().expect("a result that is a problem")
}

/// Results stand in front of what they refer to, as tools that sort their members write it.
const LINTED: &str = r#"{
    "automationDetails": {"id": "lint/main"},
    "artifacts": [{"location": {"uri": "src/listed.js", "uriBaseId": "%SRCROOT%"}}],
    "invocations": [{"executionSuccessful": true, "endTimeUtc": "2030-01-02T03:04:05Z"}],
    "originalUriBaseIds": {"%SRCROOT%": {"uri": "file:///build/shop/"}},
    "results": [
        {
            "ruleIndex": 0,
            "message": {"id": "default", "arguments": ["query"]},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 3, "startColumn": 5, "snippet": {"text": "hidden"}}}},
                {"physicalLocation": {"artifactLocation": {"uri": "file:///build/shop/lib/other.js"}, "region": {"startLine": 0}}}
            ],
            "partialFingerprints": {"another": "2", "primaryLocationLineHash": "abc:1"},
            "fixes": [{"description": {"text": "Use parameters"}}],
            "baselineState": "new",
            "codeFlows": [{"message": {"text": "hidden"}}]
        },
        {"ruleId": "eval/direct", "level": "note", "message": {"text": "eval\nis evil"}, "suppressions": [{"kind": "inSource", "justification": "reviewed"}]}
    ],
    "tool": {
        "driver": {
            "name": "Linter", "semanticVersion": "1.2.3",
            "rules": [
                {
                    "id": "sql", "name": "SqlInjection", "shortDescription": {"text": "SQL injection"}, "helpUri": "https://rules.example/sql",
                    "messageStrings": {"default": {"text": "The {0} is built from input."}},
                    "properties": {"security-severity": "8.8", "precision": "high", "tags": ["security", "external/cwe/cwe-089"]}
                },
                {"id": "eval", "defaultConfiguration": {"level": "error"}}
            ]
        }
    }
}"#;

#[test]
fn a_linters_log_becomes_findings_whatever_the_order_of_its_members() {
    assert_json_snapshot!(read(LINTED).snapshot(), @r#"
    {
      "completeness": "Unknown",
      "covers": [
        "Code"
      ],
      "findings": [
        {
          "description": "The query is built from input.",
          "detail": {
            "Code": {
              "cwes": [
                89
              ],
              "precision": "high"
            }
          },
          "fingerprints": [
            [
              "primaryLocationLineHash",
              "abc:1"
            ],
            [
              "another",
              "2"
            ]
          ],
          "how_to_fix": "Use parameters",
          "id": "sql",
          "locations": [
            {
              "end_line": 3,
              "path": "src/listed.js",
              "start_column": 5,
              "start_line": 3
            },
            {
              "path": "lib/other.js"
            }
          ],
          "origin": "/runs/0/results/0",
          "properties": [
            [
              "baseline-state",
              "new"
            ],
            [
              "rule-name",
              "SqlInjection"
            ]
          ],
          "references": [
            "https://rules.example/sql"
          ],
          "severity": "High",
          "severity_raw": "8.8",
          "severity_source": "security-severity",
          "title": "SQL injection"
        },
        {
          "description": "eval\nis evil",
          "id": "eval/direct",
          "origin": "/runs/0/results/1",
          "severity": "Low",
          "severity_raw": "note",
          "title": "eval",
          "tool_status": {
            "by": "inSource",
            "reason": "reviewed",
            "status": "accepted",
            "suppressed": true
          }
        }
      ],
      "properties": [
        [
          "schema-version",
          "2.1.0"
        ],
        [
          "scan-time",
          "2030-01-02T03:04:05Z"
        ],
        [
          "automation-id",
          "lint/main"
        ]
      ],
      "tool": [
        "linter",
        "1.2.3"
      ]
    }
    "#);
}

#[test]
fn nothing_of_a_snippet_or_flow_crosses_over() {
    assert!(!read(LINTED).snapshot().to_string().contains("hidden"));
}

#[test]
fn logs_are_recognised_by_version_and_runs() {
    let recognized = |text: &str| recognize::<Sarif>("report.json", text);
    assert_eq!(recognized(r#"{"runs": [], "version": "2.1.0"}"#), Some(Format::versioned("sarif", "2.1.0")));
    assert_eq!(recognized(r#"{"version": "2.1.0-rtm.5", "runs": [{"#), Some(Format::versioned("sarif", "2.1.0-rtm.5")));
    assert!(
        recognized(r#"{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": null}"#)
            .is_some()
    );
    for other in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"version": "2.1.0"}"#,
        r#"{"version": "1.0.0", "runs": [{"id": 1}]}"#,
        r#"{"version": "3.0.0", "runs": [{"tool": {}}]}"#,
    ] {
        assert_eq!(recognized(other), None, "{other}");
    }
}

#[test]
fn other_dialects_are_claimed_and_refused_by_name() {
    for version in ["1.0.0", "2.0.0", "2.0.0-csd.2.beta.2019-01-24", "2.2"] {
        let text = format!(r#"{{"version": "{version}", "runs": [{{"tool": {{"driver": {{}}}}, "results": []}}]}}"#);
        assert!(recognize::<Sarif>("log.sarif", &text).is_some(), "{version}");
        assert_eq!(refused(&text), Failure::unsupported(format!("SARIF {version}")));
    }
}

#[test]
fn no_results_are_clean_and_absent_results_are_a_scan_that_did_not_run() {
    let clean = read(&linter(""));
    assert_eq!(
        (clean.findings.len(), &clean.covers[..], clean.completeness),
        (0, &[Coverage::Code][..], Completeness::Unknown)
    );
    for failed in [
        "",
        r#"{"tool": {"driver": {"name": "Linter"}}}"#,
        r#"{"tool": {"driver": {"name": "Linter"}}, "results": null}"#,
    ] {
        assert_eq!(
            refused(log(failed)),
            Failure::other("the scan did not run: no run of the log has results"),
            "{failed}"
        );
    }
    let mixed = read(&format!(r#"{}, {{"tool": {{"driver": {{"name": "Grype"}}}}}}"#, linter("")));
    assert_eq!((&mixed.covers[..], mixed.completeness), (&[Coverage::Code][..], Completeness::Partial));
}

#[test]
fn a_tool_that_failed_leaves_a_partial_report() {
    for invocation in [
        r#"{"executionSuccessful": false}"#,
        r#"{"executionSuccessful": true, "toolExecutionNotifications": [{"level": "error", "message": {"text": "x"}}]}"#,
        r#"{"toolConfigurationNotifications": [{"level": "Error"}]}"#,
    ] {
        let report = read(&format!(
            r#"{{"tool": {{"driver": {{"name": "Linter"}}}}, "results": [], "invocations": [{invocation}]}}"#
        ));
        assert_eq!((report.completeness, report.diagnostics.len()), (Completeness::Partial, 1), "{invocation}");
    }
    let warned = read(
        r#"{"results": [], "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": [{"level": "warning"}]}]}"#,
    );
    assert_eq!(warned.completeness, Completeness::Unknown);
}

#[test]
fn severities_come_from_the_score_then_the_level_then_the_rule() {
    let severity = |rule: &str, result: &str| {
        let report = read(&format!(
            r#"{{"tool": {{"driver": {{"name": "Linter", "rules": [{{"id": "r" {rule}}}]}}}}, "results": [{{"ruleId": "r" {result}}}]}}"#
        ));
        let finding = report.findings.into_iter().next().unwrap();
        (finding.severity.unwrap(), finding.severity_raw)
    };
    let score = |score: &str| format!(r#", "properties": {{"security-severity": {score}}}"#);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(severity(&score("9"), r#", "level": "note""#), (Severity::Critical, text("9")));
    assert_eq!(severity(&score("\"7.0\""), ""), (Severity::High, text("7.0")));
    assert_eq!(severity(&score("\"0.1\""), ""), (Severity::Low, text("0.1")));
    assert_eq!(severity(&score("\"0.0\""), r#", "level": "error""#), (Severity::High, text("error")));
    assert_eq!(severity(&score("\"high\""), r#", "level": "none""#), (Severity::Negligible, text("none")));
    assert_eq!(severity(r#", "defaultConfiguration": {"level": "note"}"#, ""), (Severity::Low, text("note")));
    assert_eq!(
        severity(r#", "defaultConfiguration": {"level": "note"}"#, r#", "level": "error""#),
        (Severity::High, text("error"))
    );
    assert_eq!(severity("", ""), (Severity::Medium, None));
    assert_eq!(severity("", r#", "level": "dire""#), (Severity::Medium, text("dire")));
}

#[test]
fn rules_are_found_by_id_by_prefix_by_index_and_in_extensions() {
    let report = read(
        r#"{"tool": {"driver": {"name": "Linter", "rules": [7, {"id": "a", "name": "A"}, {"id": "a/b", "name": "AB"}]},
                     "extensions": [null, {"rules": [{"id": "x", "name": "X"}, {"id": "y", "name": "Y"}]}]},
            "results": [{"ruleId": "a"}, {"ruleId": "a/b/c"}, {"ruleId": "a/z"}, {"ruleIndex": 1}, {"rule": {"id": "y"}},
                        {"rule": {"index": 0, "toolComponent": {"index": 1}}}, {"ruleIndex": 99}, {"ruleIndex": -1}, {}]}"#,
    );
    let found: Vec<_> = report.findings.iter().map(|finding| (&*finding.id, &*finding.title)).collect();
    let expected = [("a", "A"), ("a/b/c", "AB"), ("a/z", "A"), ("a", "A"), ("y", "Y"), ("x", "X")];
    assert_eq!(found[..6], expected);
    assert_eq!(found[6..], [("unknown", "unknown"); 3]);
}

#[test]
fn what_reports_no_problem_is_no_finding() {
    for kind in ["pass", "notApplicable", "informational", "review", "open"] {
        assert_eq!(read(&linter(&format!(r#"{{"ruleId": "r", "kind": "{kind}"}}"#))).findings.len(), 0, "{kind}");
    }
    assert_eq!(read(&linter(r#"{"ruleId": "r", "baselineState": "absent"}"#)).findings.len(), 0);
    assert_eq!(
        read(&linter(r#"{"ruleId": "r", "kind": "fail"}, {"ruleId": "r", "kind": "new-word"}"#)).findings.len(),
        2
    );
}

#[test]
fn only_accepted_suppressions_suppress() {
    let suppressed =
        |suppressions: &str| only(&format!(r#"{{"ruleId": "r", "suppressions": {suppressions}}}"#)).tool_status;
    assert_eq!(suppressed("[]"), None);
    assert_eq!(suppressed("null"), None);
    assert_eq!(suppressed(r#"[{"kind": "external", "status": "underReview"}]"#), None);
    assert_eq!(suppressed(r#"[{"status": "accepted"}, {"status": "rejected"}]"#), None);
    assert_json_snapshot!(snapshot(&suppressed(r#"[{"kind": "external", "status": "accepted", "justification": "a test"}]"#)), @r#"
    {
      "by": "external",
      "reason": "a test",
      "status": "accepted",
      "suppressed": true
    }
    "#);
}

#[test]
fn a_dependency_scanners_log_covers_vulnerabilities_and_tells_its_packages() {
    let report = read(
        r#"{"tool": {"driver": {"name": "Grype", "version": "0.90", "rules": [{"id": "CVE-2030-12345-left", "properties": {"security-severity": "9.1"}}]}},
            "results": [{"ruleId": "CVE-2030-12345-left", "message": {"text": "A critical vulnerability in npm package: left, version 1.0.0 was found at: /package-lock.json"}}]}"#,
    );
    assert_json_snapshot!(report.snapshot(), @r#"
    {
      "completeness": "Unknown",
      "covers": [
        "Vulnerabilities"
      ],
      "findings": [
        {
          "description": "A critical vulnerability in npm package: left, version 1.0.0 was found at: /package-lock.json",
          "detail": {
            "Vulnerability": {
              "aliases": [
                "CVE-2030-12345"
              ],
              "fix": {
                "state": "Unknown"
              }
            }
          },
          "id": "CVE-2030-12345-left",
          "origin": "/runs/0/results/0",
          "package": {
            "name": "left",
            "relation": "Unknown",
            "scope": "Unknown",
            "version": "1.0.0"
          },
          "severity": "Critical",
          "severity_raw": "9.1",
          "severity_source": "security-severity",
          "title": "A critical vulnerability in npm package: left, version 1.0.0 was found at: /package-lock.json"
        }
      ],
      "properties": [
        [
          "schema-version",
          "2.1.0"
        ]
      ],
      "tool": [
        "grype",
        "0.90"
      ]
    }
    "#);
}

#[test]
fn a_linters_log_never_covers_vulnerabilities() {
    let covers = |driver: &str, rules: &str| {
        read(&format!(r#"{{"tool": {{"driver": {{"name": "{driver}", "rules": [{rules}]}}}}, "results": []}}"#)).covers
    };
    assert_eq!(covers("Linter", ""), [Coverage::Code]);
    assert_eq!(covers("Linter", r#"{"id": "r", "properties": {"tags": ["vulnerability"]}}"#), [Coverage::Code]);
    assert_eq!(covers("Linter", r#"{"id": "r", "properties": {"tags": "secret"}}"#), [Coverage::Secrets]);
    assert_eq!(
        covers("Unheard of", r#"{"id": "GHSA-aaaa-bbbb-cccc"}, {"id": "style"}"#),
        [Coverage::Vulnerabilities, Coverage::Code]
    );
    assert_eq!(covers("gitleaks", ""), [Coverage::Secrets]);
    assert_eq!(covers("Snyk IaC", r#"{"id": "SNYK-CC-TF-1"}"#), [Coverage::Misconfigurations]);
    assert_eq!(covers("Trivy", ""), [Coverage::Vulnerabilities, Coverage::Secrets]);
    assert_eq!(
        covers("Trivy", r#"{"id": "DS002", "properties": {"tags": ["misconfiguration", "security"]}}"#),
        [Coverage::Misconfigurations]
    );
}

#[test]
fn what_may_quote_a_secret_or_name_a_person_is_not_copied() {
    let report = read(
        r#"{"tool": {"driver": {"name": "gitleaks", "rules": [{"id": "key", "shortDescription": {"text": "A key"}}]}},
            "results": [{"ruleId": "key", "message": {"text": "found quoted-value"},
                "partialFingerprints": {"commitSha": "12ab", "author": "quoted-value", "email": "quoted-value", "commitMessage": "quoted-value"}}]},
           {"tool": {"driver": {"name": "Bandit", "rules": [{"id": "B105", "name": "hardcoded_password_string"}]}},
            "results": [{"ruleId": "B105", "message": {"text": "Possible hardcoded password: 'quoted-value'"}}]}"#,
    );
    assert!(!report.snapshot().to_string().contains("quoted-value"));
    assert_eq!(report.findings[0].fingerprints, [("commitSha".to_owned(), "12ab".to_owned())]);
    assert!(
        matches!(report.findings[0].detail, Detail::Secret(_)) && matches!(report.findings[1].detail, Detail::Code(_))
    );
    assert_eq!((&*report.findings[0].title, &*report.findings[1].title), ("A key", "hardcoded_password_string"));
    assert_eq!(report.findings[1].properties.last(), Some(&("tool".to_owned(), "Bandit".to_owned())));
}

#[test]
fn marks_and_encodings_are_no_obstacle() {
    let plain = log(&linter(r#"{"ruleId": "größe", "message": {"text": "zu groß"}}"#));
    let expected = normalize::<Sarif>("log.sarif", &plain, "{}").unwrap();
    let marked = [b"\xef\xbb\xbf", plain.as_bytes()].concat();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(plain.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [marked, wide] {
        assert!(recognize::<Sarif>("log.sarif", &bytes).is_some());
        assert_eq!(normalize::<Sarif>("log.sarif", bytes, "{}").unwrap(), expected);
    }
}

#[test]
fn files_that_are_no_log_are_malformed() {
    for bytes in ["", "  \n", "{}", "[]", "null", "<html></html>", "7"] {
        assert!(matches!(refused(bytes), Failure::Malformed(_)), "{bytes}");
    }
    let whole = log(LINTED);
    for end in (1..whole.len()).step_by(97) {
        assert!(matches!(refused(&whole[..end]), Failure::Malformed(_)), "cut at {end}");
    }
}

#[test]
fn a_wrong_type_anywhere_costs_at_most_its_entry() {
    let whole: serde_json::Value =
        serde_json::from_str(&log(&format!("{LINTED}, {}", linter(r#"{"ruleId": "r"}"#)))).unwrap();
    let mut pointers = Vec::new();
    collect(&whole, String::new(), &mut pointers);
    assert!(pointers.len() > 60);
    for pointer in pointers.iter().filter(|pointer| pointer.starts_with("/runs/")) {
        for wrong in [json!({"wrong": [1]}), json!([[{}]]), json!(-1.5), json!("wrong"), json!(true), json!(null)] {
            let mut spoilt = whole.clone();
            *spoilt.pointer_mut(pointer).unwrap() = wrong.clone();
            let answer = normalize::<Sarif>("log.sarif", spoilt.to_string(), "{}");
            assert!(answer.is_ok_and(|report| !report.findings.is_empty()), "{pointer} = {wrong}");
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
fn bad_results_are_left_out_and_named() {
    let report = read(&linter(r#""x", {"ruleId": "a", "level": {}}, 7, {"ruleId": "b"}"#));
    let ids: Vec<_> =
        report.findings.iter().map(|finding| (&*finding.id, finding.origin.as_deref().unwrap())).collect();
    assert_eq!(ids, [("a", "/runs/0/results/1"), ("b", "/runs/0/results/3")]);
    let pointers: Vec<_> = report.diagnostics.iter().filter_map(|diagnostic| diagnostic.pointer.as_deref()).collect();
    assert_eq!(pointers, ["/runs/0/results/0", "/runs/0/results/1", "/runs/0/results/2"]);
    assert_eq!(report.completeness, Completeness::Partial);
}

#[test]
fn a_member_that_stands_twice_makes_the_log_malformed() {
    let hiding = [
        linter(r#"{"ruleId": "a", "ruleId": "b"}"#),
        r#"{"results": [{"ruleId": "a"}], "results": []}"#.to_owned(),
        linter(r#"{"ruleId": "a", "fingerprints": {"x": "1", "x": "2"}}"#),
    ];
    for run in hiding {
        let why = refused(log(&run));
        assert!(matches!(&why, Failure::Malformed(why) if why.contains("stands twice at /runs/0/")), "{why:?}");
    }
    let two = log("").replacen('{', r#"{"runs": [{"results": [{"ruleId": "a"}]}], "#, 1);
    assert!(matches!(refused(two), Failure::Malformed(why) if why.contains("stands twice at /runs;")));
    let behind = log(&linter("")) + r#" {"x": 1}"#;
    assert!(matches!(refused(behind), Failure::Malformed(why) if why.contains("after the end")));
}

#[test]
fn twenty_thousand_results_keep_their_order_and_a_full_report_ends_in_time() {
    let results: Vec<String> = (0..20_000).map(|at| format!(r#"{{"ruleId": "r{at}"}}"#)).collect();
    let run = linter(&results.join(","));
    let report = read(&run);
    assert!(report.findings.iter().enumerate().all(|(at, finding)| finding.id == format!("r{at}")));
    assert_eq!(report.findings.len(), 20_000);
    let cut = normalize_limited::<Sarif>("log.sarif", log(&run), "{}", 700).unwrap();
    assert_eq!((cut.findings.len(), cut.completeness), (700, Completeness::Cut));
}

#[test]
fn nesting_without_end_costs_only_what_nests() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let report = read(&linter(&format!(
        r#"{{"ruleId": "a", "message": {deep}}}, {{"ruleId": "b", "codeFlows": {deep}}}, {{"ruleId": "c"}}"#
    )));
    assert_eq!(report.findings.last().map(|finding| &*finding.id), Some("c"));
    assert_eq!(
        read(&linter("").replacen('{', &format!(r#"{{"graphs": {deep},"#), 1)).completeness,
        Completeness::Unknown
    );
}

#[test]
fn a_full_report_still_covers_what_the_runs_behind_it_speak_about() {
    let linter = json!({"tool": {"driver": {"name": "ESLint"}}, "results": [
        {"ruleId": "no-eval", "message": {"text": "a"}}, {"ruleId": "no-eval", "message": {"text": "b"}},
    ]});
    let scanner = json!({"tool": {"driver": {"name": "grype"}}, "results": []});
    let log = json!({"version": "2.1.0", "runs": [linter, scanner]}).to_string();
    let report = normalize_limited::<Sarif>("a/b", log, "{}", 1).unwrap();
    assert_eq!((report.findings.len(), report.completeness), (1, Completeness::Cut));
    assert_eq!(report.covers, [Coverage::Vulnerabilities, Coverage::Code]);
}

#[test]
fn a_log_that_is_walked_twice_is_noted_once() {
    let log = r#"{"version": "2.1.0", "runs": [{"results": [{"ruleId": "a"},], "tool": {"driver": {"name": "x"}},},]}"#;
    let report = normalize::<Sarif>("a/b", log, "{}").unwrap();
    let pointers: Vec<_> = report.diagnostics.iter().filter_map(|note| note.pointer.as_deref()).collect();
    assert_eq!(pointers, ["/runs/0", "/runs", "/runs/0/results"]);
}
