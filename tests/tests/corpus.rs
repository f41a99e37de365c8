//! Files that nobody would write, and files that everybody writes: each has a clear end that names the file, and none
//! passes of which something was lost.

mod archives;
mod inert;

use palisade_tests::evidence;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Far beyond what any of these files takes on a slow machine, and far below what a person waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// As deep as no document is.
const DEPTH: usize = 10_000;
const NOW: &str = "1767225600";

/// One report of each format: its file, with a violation, and without.
struct Format {
    file: &'static str,
    violating: Vec<u8>,
    clean: Vec<u8>,
}

fn formats() -> Vec<Format> {
    let (high, low) = ("CVE-2026-0001", "CVE-2026-0002");
    vec![
        Format {
            file: "trivy.json",
            violating: evidence::trivy(&[(high, "CRITICAL")]),
            clean: evidence::trivy(&[(low, "LOW")]),
        },
        Format {
            file: "spdx.json",
            violating: evidence::spdx(&[("left-pad", "GPL-3.0-only")]),
            clean: evidence::spdx(&[("left-pad", "MIT")]),
        },
        Format {
            file: "cyclonedx.json",
            violating: evidence::cyclonedx(&[("left-pad", "GPL-3.0-only")], &[(high, "critical", "left-pad")]),
            clean: evidence::cyclonedx(&[("left-pad", "MIT")], &[(low, "low", "left-pad")]),
        },
        Format {
            file: "audit.sarif",
            violating: evidence::vulnerability_sarif(&[(high, "9.8")]),
            clean: evidence::vulnerability_sarif(&[(low, "1.0")]),
        },
    ]
}

struct End {
    code: i32,
    /// Standard output.
    answer: String,
    /// Both outputs.
    said: String,
}

impl End {
    fn title(&self, check: &str) -> String {
        let document: Value = serde_json::from_str(&self.answer).expect("JSON on standard output");
        let checks = document["checks"].as_array().expect("a list of checks");
        let found = checks.iter().find(|answer| answer["check"] == check).expect("the check was judged");
        found["title"].as_str().expect("a title").to_owned()
    }
}

/// What `palisade evaluate` makes of a file.
fn judged(name: &str, content: &[u8]) -> End {
    judged_with(&[], name, content)
}

fn judged_with(options: &[&str], name: &str, content: &[u8]) -> End {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join(name), content).expect("writing a file");
    let began = Instant::now();
    let end = evaluate(directory.path(), &palisade_tests::compiled_code(), &[options, &[name]].concat());
    assert!(began.elapsed() < PATIENCE, "{name} took {:?}", began.elapsed());
    end
}

fn evaluate(directory: &Path, cache: &Path, arguments: &[&str]) -> End {
    let output = Command::new(env!("CARGO_BIN_EXE_palisade-cli"))
        .args(["evaluate", "--now", NOW])
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PALISADE_CACHE_DIRECTORY", cache)
        .output()
        .expect("the program starts");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = format!("{answer}\n{}", String::from_utf8_lossy(&output.stderr));
    End { code: output.status.code().unwrap_or_else(|| panic!("it was killed: {said}")), answer, said }
}

/// Nothing was judged, and the answer says which file is to blame.
fn assert_unreadable(case: &str, name: &str, content: &[u8]) {
    let end = judged(name, content);
    assert_eq!(end.code, 2, "{name}, {case}\n{}", end.said);
    assert!(end.said.contains(name), "{name}, {case}: it is not named\n{}", end.said);
}

/// The violation was found, or the file was not read; in no case a pass.
fn assert_no_pass(case: &str, name: &str, content: &[u8]) {
    let end = judged(name, content);
    assert!(matches!(end.code, 1 | 2), "{name}, {case}: {}\n{}", end.code, end.said);
    assert!(end.said.contains(name), "{name}, {case}: it is not named\n{}", end.said);
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("our own reports are UTF-8")
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Proves R23.
#[test]
fn each_format_passes_clean_and_fails_violating() {
    for Format { file, violating, clean } in formats() {
        let end = judged(file, &clean);
        assert_eq!(end.code, 0, "{file}\n{}", end.said);
        let end = judged(file, &violating);
        assert_eq!(end.code, 1, "{file}\n{}", end.said);
    }
}

#[test]
fn a_malformed_file_is_unreadable() {
    for Format { file, clean, .. } in formats() {
        let clean = text(&clean);
        let last = clean.rfind(']').expect("every report has a list");
        assert_unreadable("another bracket", file, format!("{}){}", &clean[..last], &clean[last + 1..]).as_bytes());
        assert_unreadable("no colons", file, clean.replace("\": ", "\" ").as_bytes());
        assert_unreadable("single quotes", file, clean.replace('"', "'").as_bytes());
        assert_unreadable("a page of HTML", file, b"<!DOCTYPE html><html><body>Sign in</body></html>");
        assert_unreadable("an error message", file, b"FATAL: could not reach the database\n");
    }
}

#[test]
fn a_file_that_breaks_off_anywhere_is_unreadable() {
    for Format { file, clean, .. } in formats() {
        let length = clean.trim_ascii_end().len();
        for cut in [1, length / 8, length / 4, length / 2, length * 3 / 4, length * 7 / 8, length - 2, length - 1] {
            assert_unreadable(&format!("cut at {cut} of {length}"), file, &clean[..cut]);
        }
    }
}

#[test]
fn an_empty_file_is_unreadable() {
    for Format { file, .. } in formats() {
        for (case, content) in
            [("empty", "".as_bytes()), ("blank", b" \n\t\n"), ("a byte order mark", b"\xef\xbb\xbf"), ("null", b"null")]
        {
            assert_unreadable(case, file, content);
        }
    }
}

#[test]
fn a_file_over_the_cap_is_refused_by_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = std::fs::File::create(directory.path().join("huge.json")).expect("creating a file");
    file.set_len(palisade::artifacts::Caps::default().entry_bytes + 1).expect("a file of holes");
    let end = evaluate(directory.path(), &palisade_tests::compiled_code(), &["huge.json"]);
    assert_eq!(end.code, 2);
    assert!(end.said.contains("huge.json"), "{}", end.said);
}

#[test]
fn every_encoding_with_a_byte_order_mark_is_read_whole() {
    type Encode = fn(&str) -> Vec<u8>;
    let encodings: [(&str, Encode); 3] = [
        ("UTF-8", |text| [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16 LE", |text| {
            "\u{feff}".chars().chain(text.chars()).flat_map(utf16).flat_map(u16::to_le_bytes).collect()
        }),
        ("UTF-16 BE", |text| {
            "\u{feff}".chars().chain(text.chars()).flat_map(utf16).flat_map(u16::to_be_bytes).collect()
        }),
    ];
    for Format { file, violating, clean } in formats() {
        for (encoding, encode) in encodings {
            let end = judged(file, &encode(text(&clean)));
            assert_eq!(end.code, 0, "{file} in {encoding}\n{}", end.said);
            let end = judged(file, &encode(text(&violating)));
            assert_eq!(end.code, 1, "{file} in {encoding}\n{}", end.said);
        }
    }
}

fn utf16(character: char) -> Vec<u16> {
    character.encode_utf16(&mut [0; 2]).to_vec()
}

/// A report whose package is called `left-päd`, in Windows-1252.
fn in_windows_1252(report: &[u8]) -> Vec<u8> {
    let (before, after) = ("left-p", "d");
    let mut bytes = Vec::new();
    for (index, piece) in text(report).split("left-pad").enumerate() {
        if index > 0 {
            bytes.extend([before.as_bytes(), b"\xe4", after.as_bytes()].concat());
        }
        bytes.extend(piece.as_bytes());
    }
    bytes
}

#[test]
fn bytes_that_are_no_text_hide_no_violation() {
    for Format { file, violating, .. } in formats() {
        assert_no_pass("Windows-1252", file, &in_windows_1252(&violating));
        assert_no_pass("NUL at the end", file, &[violating.as_slice(), &[0; 512]].concat());
    }
}

#[test]
fn nesting_of_ten_thousand_levels_hides_no_violation() {
    let deep = nested(DEPTH);
    for Format { file, violating, .. } in formats() {
        let report = text(&violating);
        assert_unreadable("nothing but nesting", file, deep.as_bytes());
        assert_unreadable("nesting that never ends", file, "[{\"a\":".repeat(DEPTH).as_bytes());
        let beside = report.replacen('{', &format!("{{\"zzz\": {deep},"), 1);
        assert_no_pass("an unknown member nests", file, beside.as_bytes());
        let inside = report.replacen("left-pad\"", &format!("left-pad\", \"zzz\": {deep}"), 1);
        assert_ne!(inside, report);
        assert_no_pass("the violation's own entry nests", file, inside.as_bytes());
    }
}

#[test]
fn what_speaks_of_something_else_is_no_report_on_vulnerabilities() {
    let sbom = [("left-pad", "MIT")];
    let cases = [
        ("spdx.json", evidence::spdx(&sbom)),
        ("cyclonedx.json", evidence::cyclonedx(&sbom, &[])),
        ("lint.sarif", evidence::lint_sarif()),
    ];
    for (file, content) in cases {
        let end = judged_with(&["--format", "json"], file, &content);
        let title = end.title("Vulnerability Scan Check");
        assert_eq!(title, "Vulnerability Scan Check - No Reports Found", "{file}");
    }
}

#[test]
fn what_covers_vulnerabilities_fails_with_them_and_passes_without() {
    for Format { file, violating, clean } in formats().into_iter().filter(|format| format.file != "spdx.json") {
        for (content, expected) in [(violating, "Failed"), (clean, "Passed")] {
            let end = judged_with(&["--format", "json"], file, &content);
            let title = end.title("Vulnerability Scan Check");
            assert_eq!(title, format!("Vulnerability Check - {expected}"), "{file}");
        }
    }
    let end = judged_with(&["--format", "json"], "trivy.json", &evidence::clean_trivy());
    assert_eq!(end.title("Vulnerability Scan Check"), "Vulnerability Check - Passed");
}

/// The answer without its timings, the one thing in it that may differ.
fn without_timings(json: &str) -> String {
    let mut inside = None;
    let kept = json.lines().filter(|line| {
        let indentation = line.len() - line.trim_start().len();
        match inside {
            Some(outside) => {
                inside = (indentation > outside).then_some(outside);
                false
            }
            None if line.trim_start().starts_with("\"timings_ms\"") => {
                inside = Some(indentation);
                false
            }
            None => true,
        }
    });
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_files_give_the_same_record_on_a_cold_and_on_a_warm_cache() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut arguments = vec!["--format", "json"];
    for Format { file, violating, .. } in formats() {
        std::fs::write(directory.path().join(file), violating).expect("writing a file");
        arguments.push(file);
    }
    std::fs::write(directory.path().join("broken.json"), &evidence::clean_trivy()[..20]).expect("writing a file");
    arguments.push("broken.json");
    let mut answers = Vec::new();
    for _ in 0..2 {
        let cold = tempfile::tempdir().expect("a directory");
        for _ in 0..5 {
            // Made by the program: a directory that is open to others is no cache.
            let end = evaluate(directory.path(), &cold.path().join("compiled"), &arguments);
            assert_eq!(end.code, 1, "{}", end.said);
            answers.push(without_timings(&end.answer));
        }
    }
    assert!(answers[0].contains("CVE-2026-0001") && !answers[0].contains("timings_ms"));
    assert!(answers[0].contains("broken.json") && answers[0].contains("\"record\""));
    for (run, answer) in answers.iter().enumerate() {
        let differing = answer.lines().zip(answers[0].lines()).find(|(line, first)| line != first);
        assert_eq!((run, differing), (run, None));
        assert!(*answer == answers[0], "run {run} is longer or shorter");
    }
}

/// A clean report before whose member the same member stands with the violating report's value.
fn with_an_earlier(clean: &[u8], member: &str, violating: &[u8], pointer: &str) -> String {
    let violating: Value = serde_json::from_slice(violating).expect("our own reports are JSON");
    let earlier = violating.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is in the report"));
    let name = format!("\"{member}\":");
    let doubled = text(clean).replacen(&name, &format!("{name} {earlier}, {name}"), 1);
    assert_eq!(
        doubled.matches(&name).count(),
        text(clean).matches(&name).count() + earlier.to_string().matches(&name).count() + 1
    );
    doubled
}

#[test]
fn a_member_that_occurs_twice_hides_no_violation() {
    let doubled = [
        ("trivy.json", "Results", "/Results"),
        ("trivy.json", "Vulnerabilities", "/Results/0/Vulnerabilities"),
        ("spdx.json", "packages", "/packages"),
        ("spdx.json", "licenseDeclared", "/packages/0/licenseDeclared"),
        ("cyclonedx.json", "components", "/components"),
        ("cyclonedx.json", "licenses", "/components/0/licenses"),
        ("cyclonedx.json", "vulnerabilities", "/vulnerabilities"),
        ("audit.sarif", "runs", "/runs"),
        ("audit.sarif", "results", "/runs/0/results"),
    ];
    let formats = formats();
    let mut passed = Vec::new();
    for (file, member, pointer) in doubled {
        let Format { violating, clean, .. } = formats.iter().find(|format| format.file == file).expect("a format");
        let end = judged(file, with_an_earlier(clean, member, violating, pointer).as_bytes());
        assert!(matches!(end.code, 0..=2), "{file}, {member}\n{}", end.said);
        if end.code == 0 {
            passed.push(format!("{file} {member}"));
        }
    }
    assert!(passed.is_empty(), "these pass although their first member holds a violation: {passed:?}");
}

#[test]
fn a_pass_over_bytes_that_are_no_text_says_so() {
    let mut silent = Vec::new();
    for Format { file, clean, .. } in formats() {
        let end = judged_with(&["--format", "json"], file, &in_windows_1252(&clean));
        assert!(matches!(end.code, 0 | 2), "{file}\n{}", end.said);
        if !end.said.contains("UTF-8") {
            silent.push(file);
        }
    }
    assert!(silent.is_empty(), "read with replaced bytes, and the record does not say so: {silent:?}");
}

#[test]
fn a_report_in_utf_16_without_a_mark_hides_no_violation() {
    type Bytes = fn(u16) -> [u8; 2];
    let mut passed = Vec::new();
    for Format { file, violating, .. } in formats() {
        for (order, bytes) in [("LE", u16::to_le_bytes as Bytes), ("BE", u16::to_be_bytes)] {
            let unmarked: Vec<u8> = text(&violating).encode_utf16().flat_map(bytes).collect();
            let end = judged(file, &unmarked);
            if !matches!(end.code, 1 | 2) {
                passed.push(format!("{file} {order}"));
            }
        }
    }
    assert!(passed.is_empty(), "these pass although they hold a violation: {passed:?}");
}
