use super::fixtures::*;
use super::*;
use crate::model::plan::Knobs;
use crate::model::publication::AnnotationLevel;
use crate::model::record::Runs;
use crate::model::verdict::{Effect, Outcome, Waived};
use crate::model::{BrokenKind, ChangedLines};

fn shown(publication: &CheckPublication) -> String {
    let state = match publication.state {
        CheckState::InProgress => "in progress".to_owned(),
        CheckState::Completed(conclusion) => format!("{conclusion:?}"),
    };
    let annotations = publication.annotations.iter().map(|annotation| {
        format!(
            "{:?} {}:{} {}: {}\n",
            annotation.level, annotation.path, annotation.start_line, annotation.title, annotation.message
        )
    });
    let annotations: String = annotations.collect();
    format!(
        "{state}: {}\n\n{}\n\n---\n{}\n---\n{annotations}",
        publication.title, publication.summary, publication.text
    )
}

fn rendered(record: &Record) -> Vec<CheckPublication> {
    render(record, &Presentation::default())
}

fn failing() -> Record {
    let mut failing = record(vec![check(vec![answered(Outcome::Fail)])]);
    failing.hidden = [0, 0, 1];
    failing.hidden_findings = vec![hidden()];
    failing.unreadable = vec![unreadable()];
    failing.notices = vec!["the waiver for CVE-1 matches nothing in this evidence".to_owned()];
    failing
}

#[test]
fn a_failed_check_shows_what_blocks_how_to_fix_it_and_what_does_not_count() {
    insta::assert_snapshot!(shown(&rendered(&failing())[0]), @r"
    Failure: Vulnerability Check - Failed

    Found 1 blocking vulnerability violation in 1 scan result.

    | Policy | Result | Blocking | Warnings | Waived | Judged |
    |---|---|--:|--:|--:|---|
    | `vulnerability` | fail | 1 | 1 | 0 | 7 vulnerabilities |

    **Could not be read**

    | File | Why |
    |---|---|
    | `scan/sbom.json` | it breaks off after 12 bytes |

    **Notices**

    - the waiver for CVE-1 matches nothing in this evidence

    **Evidence**

    | Report | Format | Tool | Covers | Findings | Components |
    |---|---|---|---|--:|--:|
    | `scan/trivy.json` | trivy-json 2 | trivy 0.60.0 | vulnerabilities | 7 | 0 |

    ---
    Vulnerability violations found:

    ### Blocking

    - **high** `pkg:npm/lodash@4.17.20`: CVE-2021-23337 is high, the limit is medium (rule `severity`)  
      Fix: take 4.17.21  
      Found in `scan/trivy.json`

    ### Warnings

    - **high** `pkg:npm/lodash@4.17.20`: CVE-2021-23337 is high, the limit is medium (rule `severity`)  
      Fix: take 4.17.21  
      Found in `scan/trivy.json`

    ### Hidden: 1 finding

    | Finding | Package | Severity | By | Why | Until | In |
    |---|---|---|---|---|---|---|
    | `CVE-2020-8203` | `pkg:npm/lodash@4.17.20` | high | waiver `@team-payments` | not reachable, see ADR-12 | 2026-03-01 | `scan/trivy.json` |
    ---
    Failure package-lock.json:12 severity: pkg:npm/lodash@4.17.20: CVE-2021-23337 is high, the limit is medium
    Fix: take 4.17.21
    Warning package-lock.json:12 severity: pkg:npm/lodash@4.17.20: CVE-2021-23337 is high, the limit is medium
    Fix: take 4.17.21
    ");
}

/// Proves W20.
#[test]
fn a_passed_check_says_what_was_processed() {
    insta::assert_snapshot!(shown(&rendered(&record(vec![check(vec![answered(Outcome::Pass)])]))[0]), @r"
    Success: Vulnerability Check - Passed

    Processed 7 vulnerability findings in 1 report.

    | Policy | Result | Blocking | Warnings | Waived | Judged |
    |---|---|--:|--:|--:|---|
    | `vulnerability` | pass | 0 | 0 | 0 | 7 vulnerabilities |

    **Evidence**

    | Report | Format | Tool | Covers | Findings | Components |
    |---|---|---|---|--:|--:|
    | `scan/trivy.json` | trivy-json 2 | trivy 0.60.0 | vulnerabilities | 7 | 0 |

    ---
    All vulnerability policies passed.
    ---
    ");
}

/// Proves W20.
#[test]
fn a_license_check_counts_packages() {
    let mut check = check(vec![answered(Outcome::Pass)]);
    check.check = CheckName::parse("License Check").unwrap();
    let mut record = record(vec![check]);
    record.inputs[0].components = 312;
    assert_eq!(rendered(&record)[0].summary.lines().next(), Some("Processed 312 packages in 1 report."));
    assert_eq!(rendered(&record)[0].text, "All license policies passed.");
}

#[test]
fn a_broken_policy_shows_its_reason_its_limit_and_the_way_out() {
    insta::assert_snapshot!(rendered(&record(vec![check(vec![broken(BrokenKind::Timeout)])]))[0].summary, @r"
    A policy gave no usable result, so nothing can be said for it.

    | Policy | Result | Blocking | Warnings | Waived | Judged |
    |---|---|--:|--:|--:|---|
    | `vulnerability` | broken | 0 | 0 | 0 |  |

    - `vulnerability` gave no result, timeout, limit `wall`: `vulnerability` ran longer than 2 s (raise `limits.wall`)

    **Evidence**

    | Report | Format | Tool | Covers | Findings | Components |
    |---|---|---|---|--:|--:|
    | `scan/trivy.json` | trivy-json 2 | trivy 0.60.0 | vulnerabilities | 7 | 0 |
    ");
}

#[test]
fn an_outage_says_that_it_is_no_failure_of_the_policy() {
    insta::assert_snapshot!(rendered(&record(vec![check(vec![unavailable()])]))[0].summary, @r"
    The check could not be decided because a system that it needs is unavailable. This is no policy failure.

    | Policy | Result | Blocking | Warnings | Waived | Judged |
    |---|---|--:|--:|--:|---|
    | `vulnerability` | unavailable | 0 | 0 | 0 |  |

    - `vulnerability` could not be asked or answered: scan: GitHub answered 503

    **Evidence**

    | Report | Format | Tool | Covers | Findings | Components |
    |---|---|---|---|--:|--:|
    | `scan/trivy.json` | trivy-json 2 | trivy 0.60.0 | vulnerabilities | 7 | 0 |
    ");
    insta::assert_snapshot!(shown(&outage_of(&plan(Knobs::default()), "GitHub answered 503 to @octocat")), @r"
    Neutral: License Check - System Unavailable

    The check could not be decided because a system that it needs is unavailable. This is no policy failure.

    GitHub answered 503 to `@octocat`

    ---
    Re-run the check to have the commit judged again; open pull requests are looked at again by themselves.
    ---
    ");
}

/// Proves W20.
#[test]
fn where_nothing_was_found_the_summary_says_what_was_looked_at() {
    let mut record = record(vec![check(vec![answered(Outcome::NotApplicable)])]);
    record.inputs.clear();
    insta::assert_snapshot!(rendered(&record)[0].summary, @r"
    No vulnerability scan reports were found to analyze. 1 artifact and 1 file were looked at; none covers what the check reads.

    | Policy | Result | Blocking | Warnings | Waived | Judged |
    |---|---|--:|--:|--:|---|
    | `vulnerability` | nothing to judge | 0 | 0 | 0 | 7 vulnerabilities |
    ");
    record.runs = Runs { overdue: true, ..Runs::default() };
    insta::assert_snapshot!(rendered(&record)[0].summary.lines().next().unwrap_or_default(), @"No vulnerability scan reports were found to analyze: no workflow run that counts has begun in time. A later run is judged all the same.");
    record.runs = Runs { overdue: true, going: 2, ..Runs::default() };
    insta::assert_snapshot!(rendered(&record)[0].summary.lines().next().unwrap_or_default(), @"No vulnerability scan reports were found to analyze: 2 workflow runs are still going after the deadline. What comes later is judged all the same.");
    record.runs = Runs { going: 2, awaiting_approval: 1, ..Runs::default() };
    insta::assert_snapshot!(rendered(&record)[0].summary.lines().next().unwrap_or_default(), @"Vulnerability scan is in progress. It waits for 2 workflow runs to end and for 1 workflow run to be approved by somebody with write access.");
}

#[test]
fn a_run_without_success_is_named_with_its_conclusion() {
    let mut record = record(vec![check(vec![answered(Outcome::Pass)])]);
    record.runs.unsuccessful = vec![("CI @here".to_owned(), "timed_out".to_owned())];
    insta::assert_snapshot!(rendered(&record)[0].summary.lines().next().unwrap_or_default(), @"`CI @here` ended with `timed_out`. What was uploaded broke no policy, but it may not be all. Re-run the workflow to have it judged anew.");
}

#[test]
fn a_waived_violation_is_listed_apart_with_who_why_and_until() {
    let mut record = failing();
    let judged = &mut record.checks[0].judgements[0].verdict;
    let crate::model::verdict::Judged::Verdict(verdict) = judged else { panic!("the fixture is a verdict") };
    verdict.outcome = Outcome::Warn;
    verdict.violations[1].waived = Some(Waived {
        owner: Some("@team".to_owned()),
        reason: "until the *next* release".to_owned(),
        until: Some(MARCH),
    });
    let text = rendered(&record).remove(0).text;
    let start = text.find("### Waived").unwrap();
    insta::assert_snapshot!(text[start..].split("\n\n").nth(1).unwrap_or_default(), @r"
    - **high** `pkg:npm/lodash@4.17.20`: CVE-2021-23337 is high, the limit is medium (rule `severity`)  
      Fix: take 4.17.21  
      Found in `scan/trivy.json`  
      Waived by `@team` until 2026-03-01: until the \*next\* release
    ");
}

#[test]
fn opening_and_ending_without_a_judgement_say_so() {
    let check = CheckName::parse("Vulnerability Scan Check").unwrap();
    insta::assert_snapshot!(shown(&opening(&check)), @r"
    in progress: Vulnerability Scan Check - In Progress

    Vulnerability scan is in progress

    ---
    The result follows as soon as the workflow runs that bring the evidence have ended.
    ---
    ");
    insta::assert_snapshot!(shown(&not_evaluated(&check, "pull request #7 has a newer head")), @r"
    Cancelled: Vulnerability Scan Check - Not Evaluated

    Not evaluated: pull request `#7` has a newer head.

    ---
    Nothing was judged. If this commit is to be judged all the same, re-run the check.
    ---
    ");
}

fn plan(knobs: Knobs) -> CheckPlan {
    CheckPlan {
        name: CheckName::parse("License Check").unwrap(),
        policies: Vec::new(),
        knobs,
        wait_for: crate::model::plan::WaitFor::All,
        min_provenance: None,
        mode: Default::default(),
        other_paths: None,
        judges: crate::model::plan::Judges::All,
        baseline_missing: crate::model::plan::BaselineMissing::Warn,
    }
}

#[test]
fn a_check_that_fails_closed_fails_on_our_outage_too() {
    assert_eq!(
        outage_of(&plan(Knobs::fail_closed()), "GitHub answered 503").state,
        CheckState::Completed(Conclusion::Failure)
    );
}

#[test]
fn an_outage_and_a_deadline_are_no_decisions() {
    let outage = record(vec![check(vec![answered(Outcome::Pass)]), check(vec![unavailable()])]);
    assert_eq!(undecided(&outage), Some(Undecided::Outage));
    assert_eq!(undecided(&failing()), None);
    let mut overdue = record(vec![check(vec![answered(Outcome::NotApplicable)])]);
    overdue.inputs.clear();
    assert_eq!(undecided(&overdue), None);
    overdue.runs = Runs { overdue: true, ..Runs::default() };
    assert_eq!(undecided(&overdue), Some(Undecided::Deadline));
}

/// A policy that found a great deal, all of it in words that grow when they are escaped.
fn flood() -> Record {
    let mut record = failing();
    let crate::model::verdict::Judged::Verdict(verdict) = &mut record.checks[0].judgements[0].verdict else {
        panic!("the fixture is a verdict")
    };
    let one = |number: usize| crate::model::verdict::Violation {
        message: format!("{number} *ü* @octocat {}", "<b>|".repeat(40)),
        subject: Some(format!("pkg:npm/package-{number}@1")),
        ..violation(if number.is_multiple_of(2) { Effect::Deny } else { Effect::Warn })
    };
    verdict.violations = (0..5_000).map(one).collect();
    verdict.summary = format!("````\n{}", "ü and more\n".repeat(20_000));
    record.inputs = (0..3_000).map(|number| input(&format!("scan/ü{number}.json"))).collect();
    record.notices = (0..3_000).map(|number| format!("notice {number} about @octocat and #1")).collect();
    record.hidden = [0, 0, 5_000];
    record.hidden_findings = (0..500).map(|_| hidden()).collect();
    record
}

/// Proves W38, R16.
#[test]
fn whatever_a_policy_finds_stays_within_githubs_limits() {
    let publication = rendered(&flood()).remove(0);
    assert!(publication.summary.len() <= 65_535 && publication.text.len() <= 65_535);
    assert_eq!(publication.annotations.len(), 300);
    assert!(publication.annotations.iter().all(|annotation| annotation.level == AnnotationLevel::Failure));
    assert!(
        publication
            .annotations
            .iter()
            .all(|annotation| annotation.title.len() <= 255 && annotation.message.len() <= 64 * 1024)
    );
    let omitted = publication.text.lines().last().unwrap_or_default();
    assert!(omitted.starts_with("… ") && omitted.ends_with(" more violations are not shown"), "{omitted}");
}

#[test]
fn a_long_summary_of_a_plugin_is_cut_with_its_fence_closed() {
    let mut record = flood();
    let crate::model::verdict::Judged::Verdict(verdict) = &mut record.checks[0].judgements[0].verdict else {
        panic!("the fixture is a verdict")
    };
    verdict.violations.truncate(2);
    record.hidden_findings.truncate(1);
    record.hidden = [0, 0, 1];
    let text = rendered(&record).remove(0).text;
    assert!(text.len() <= 65_535);
    assert_eq!(text.lines().filter(|line| line.starts_with("```")).count() % 2, 0);
    assert!(text.ends_with("… the rest is left out"), "{}", &text[text.len() - 60..]);
}

#[test]
fn annotations_name_only_files_of_the_repository() {
    for path in ["/etc/passwd", "../up", "a/../b", "C:\\x", "", "a\nb", "https://evil.example"] {
        let mut record = failing();
        let crate::model::verdict::Judged::Verdict(verdict) = &mut record.checks[0].judgements[0].verdict else {
            panic!("the fixture is a verdict")
        };
        for violation in &mut verdict.violations {
            violation.location.as_mut().unwrap().path = path.to_owned();
        }
        assert_eq!(rendered(&record)[0].annotations, [], "{path:?}");
    }
}

#[test]
fn annotations_on_changed_lines_come_first_and_those_left_out_are_counted() {
    let mut record = failing();
    let crate::model::verdict::Judged::Verdict(verdict) = &mut record.checks[0].judgements[0].verdict else {
        panic!("the fixture is a verdict")
    };
    verdict.violations.push(violation(Effect::Warn));
    let lines = [(Effect::Warn, 40), (Effect::Deny, 12), (Effect::Warn, 41)];
    for (violation, (effect, line)) in verdict.violations.iter_mut().zip(lines) {
        violation.effect = effect;
        violation.location.as_mut().unwrap().start_line = Some(line);
    }
    let lines = |record: &Record, most: usize| {
        let presentation = Presentation {
            annotations: most,
            public_url: Some("https://palisade.example".to_owned()),
            pages: Pages::Public,
            ..Presentation::default()
        };
        let shown = render(record, &presentation).remove(0);
        (shown.annotations.iter().map(|one| one.start_line).collect::<Vec<_>>(), shown.text)
    };
    assert_eq!(lines(&record, 3).0, [12, 40, 41]);
    let patch = "@@ -40,2 +40,3 @@\n a\n+b\n c";
    record.changed_lines = Some(ChangedLines::of([("package-lock.json", Some(patch))]));
    let (shown, text) = lines(&record, 1);
    assert_eq!(shown, [41]);
    let told =
        "… and 2 more annotations not shown beside their lines; [details](https://palisade.example/decisions/job)";
    assert!(text.contains(told), "{text}");
    assert_eq!(lines(&record, 3), (vec![41, 12, 40], text.replace(&format!("{told}\n\n"), "")));
}

#[test]
fn a_terminal_shows_tables_and_colour_only_where_it_was_asked_for() {
    let plain = terminal(&failing(), Colour::Plain);
    assert!(!plain.contains('\u{1b}'));
    assert!(terminal(&failing(), Colour::Ansi).contains("\u{1b}[1;31mVulnerability Check - Failed"));
    insta::assert_snapshot!(plain, @r"
    Vulnerability Check - Failed
      vulnerability: fail, 1 of 7 vulnerabilities blocks
    ┌─────────────────────────────────────────────────────────────────────────────────────────────────────────┐
    │          Severity   Subject                  Message                                       Fix          │
    ╞═════════════════════════════════════════════════════════════════════════════════════════════════════════╡
    │ blocks   high       pkg:npm/lodash@4.17.20   CVE-2021-23337 is high, the limit is medium   take 4.17.21 │
    │ warns    high       pkg:npm/lodash@4.17.20   CVE-2021-23337 is high, the limit is medium   take 4.17.21 │
    └─────────────────────────────────────────────────────────────────────────────────────────────────────────┘

    ┌───────────────────────────────────────────────────────────────────────┐
    │ Evidence          Format         Tool           Findings   Components │
    ╞═══════════════════════════════════════════════════════════════════════╡
    │ scan/trivy.json   trivy-json 2   trivy 0.60.0   7          0          │
    └───────────────────────────────────────────────────────────────────────┘

    ┌──────────────────────────────────────────────────┐
    │ Could not be read   Why                          │
    ╞══════════════════════════════════════════════════╡
    │ scan/sbom.json      it breaks off after 12 bytes │
    └──────────────────────────────────────────────────┘

    hidden: 1 finding (1 by waivers)
    ┌─────────────────────────────────────────────────────────────────────────────────────────────────────────┐
    │ Hidden          Package                  By                      Why                         Until      │
    ╞═════════════════════════════════════════════════════════════════════════════════════════════════════════╡
    │ CVE-2020-8203   pkg:npm/lodash@4.17.20   waiver @team-payments   not reachable, see ADR-12   2026-03-01 │
    └─────────────────────────────────────────────────────────────────────────────────────────────────────────┘

    note: the waiver for CVE-1 matches nothing in this evidence
    ");
}

#[test]
fn sarif_holds_the_violations_with_their_rules_and_places() {
    insta::assert_snapshot!(sarif(&failing()), @r#"
    {
      "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
      "runs": [
        {
          "columnKind": "unicodeCodePoints",
          "invocations": [
            {
              "executionSuccessful": false,
              "toolExecutionNotifications": [
                {
                  "level": "error",
                  "message": {
                    "text": "scan/sbom.json: it breaks off after 12 bytes"
                  }
                }
              ]
            }
          ],
          "results": [
            {
              "level": "warning",
              "locations": [
                {
                  "logicalLocations": [
                    {
                      "fullyQualifiedName": "pkg:npm/lodash@4.17.20"
                    }
                  ],
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "package-lock.json"
                    },
                    "region": {
                      "startLine": 12
                    }
                  }
                }
              ],
              "message": {
                "text": "CVE-2021-23337 is high, the limit is medium Fix: take 4.17.21"
              },
              "properties": {
                "check": "Vulnerability Scan Check",
                "severity": "high",
                "waivable": true
              },
              "ruleId": "vulnerability/severity",
              "ruleIndex": 0
            },
            {
              "level": "error",
              "locations": [
                {
                  "logicalLocations": [
                    {
                      "fullyQualifiedName": "pkg:npm/lodash@4.17.20"
                    }
                  ],
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "package-lock.json"
                    },
                    "region": {
                      "startLine": 12
                    }
                  }
                }
              ],
              "message": {
                "text": "CVE-2021-23337 is high, the limit is medium Fix: take 4.17.21"
              },
              "properties": {
                "check": "Vulnerability Scan Check",
                "severity": "high",
                "waivable": true
              },
              "ruleId": "vulnerability/severity",
              "ruleIndex": 0
            }
          ],
          "tool": {
            "driver": {
              "name": "Palisade",
              "rules": [
                {
                  "id": "vulnerability/severity"
                }
              ],
              "version": "0.1.0"
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    "#);
}

#[test]
fn sarif_shows_a_waiver_as_a_suppression_and_a_broken_policy_as_a_failed_invocation() {
    let mut record = record(vec![check(vec![answered(Outcome::Warn), broken(BrokenKind::Trap)])]);
    let crate::model::verdict::Judged::Verdict(verdict) = &mut record.checks[0].judgements[0].verdict else {
        panic!("the fixture is a verdict")
    };
    verdict.violations[0].waived = Some(Waived { owner: None, reason: "accepted".to_owned(), until: None });
    let document: serde_json::Value = serde_json::from_str(&sarif(&record)).unwrap();
    let run = &document["runs"][0];
    insta::assert_snapshot!(run["results"][0]["suppressions"].to_string(), @r#"[{"justification":"accepted","kind":"external","status":"accepted"}]"#);
    insta::assert_snapshot!(run["invocations"][0].to_string(), @r#"{"executionSuccessful":false,"toolExecutionNotifications":[{"level":"error","message":{"text":"vulnerability: trap: `vulnerability` ran longer than 2 s"}}]}"#);
}

#[test]
fn markdown_holds_every_check_under_its_title() {
    let two = record(vec![check(vec![answered(Outcome::Pass)]), check(vec![unavailable()])]);
    let markdown = markdown(&two);
    let titles: Vec<&str> = markdown.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(titles, ["# Vulnerability Check - Passed", "# Vulnerability Check - System Unavailable"]);
}

#[test]
fn json_holds_the_conclusions_and_the_whole_record() {
    let answer: serde_json::Value = serde_json::from_str(&json(&failing())).unwrap();
    insta::assert_json_snapshot!(answer["checks"], @r#"
    [
      {
        "check": "Vulnerability Scan Check",
        "conclusion": "failure",
        "result": "fail",
        "title": "Vulnerability Check - Failed"
      }
    ]
    "#);
    let record: Record = serde_json::from_value(answer["record"].clone()).unwrap();
    assert_eq!(record, failing());
}

#[test]
fn a_record_renders_the_same_every_time() {
    let first = rendered(&flood());
    assert!((0..10).all(|_| rendered(&flood()) == first));
}
