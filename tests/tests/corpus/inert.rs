//! Text out of artifacts on GitHub's pages: it is there to be read, and it does nothing.

use palisade_github_fake::CheckRun;
use palisade_tests::{TestHost, evidence};
use serde_json::Value;

/// Calls a team, links an issue and a commit, loads a picture, ends code, ends the table, turns the line round.
const HOSTILE: &str = "@acme/team #1 acme/shop#2 <img src=x onerror=alert(1)> ![p](//evil.example/p.png) ``` ` | \
                       <!-- --> </details> \u{202e}gnp.\u{2066}x\u{200b} \u{1b}[31m\r\n# Heading\r\n- [ ] task";

/// Replaces text anywhere in a report.
fn renamed(report: &[u8], from: &str, to: &str) -> Vec<u8> {
    fn walk(value: &mut Value, from: &str, to: &str) {
        match value {
            Value::String(text) => *text = text.replace(from, to),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, from, to)),
            Value::Object(members) => members.values_mut().for_each(|item| walk(item, from, to)),
            _ => {}
        }
    }
    let mut report: Value = serde_json::from_slice(report).expect("our own reports are JSON");
    walk(&mut report, from, to);
    serde_json::to_vec(&report).expect("a value is serializable")
}

/// Markdown without its code: what GitHub would act upon. A fence of so many backticks ends with as many.
fn outside_of_code(markdown: &str) -> String {
    let mut outside = String::new();
    let mut rest = markdown;
    while let Some(start) = rest.find('`') {
        let (before, code) = rest.split_at(start);
        outside.push_str(before);
        let fence = code.len() - code.trim_start_matches('`').len();
        let content = &code[fence..];
        if before.ends_with('\\') {
            rest = &code[1..];
            continue;
        }
        rest = match closing(content, fence) {
            Some(end) => &content[end..],
            None => {
                outside.push_str(&code[..fence]);
                content
            }
        };
    }
    outside + rest
}

/// Where the text behind the closing fence begins. Code does not reach beyond a blank line.
fn closing(content: &str, fence: usize) -> Option<usize> {
    let paragraph = content.find("\n\n").unwrap_or(content.len());
    let mut at = 0;
    while let Some(next) = content[at..paragraph].find('`') {
        let start = at + next;
        let length = content[start..].len() - content[start..].trim_start_matches('`').len();
        at = start + length;
        if length == fence {
            return Some(at);
        }
    }
    None
}

/// Escaped punctuation is punctuation.
fn unescaped(markdown: &str) -> String {
    let mut kept = String::new();
    let mut characters = markdown.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation) {
            characters.next();
            kept.push(' ');
        } else {
            kept.push(character);
        }
    }
    kept
}

fn assert_inert(what: &str, markdown: &str) {
    // The first line of a comment is our own marker.
    let from_outside = match markdown.strip_prefix("<!-- palisade:v1 ") {
        Some(comment) => comment.split_once("-->").expect("the marker ends").1,
        None => markdown,
    };
    // The last line of a check's text is the mark of the policy that judged it.
    let from_outside = match from_outside.rsplit_once("\n<!-- palisade:policy ") {
        Some((told, mark)) if mark.trim_end().strip_suffix(" -->").is_some_and(is_digest) => told,
        _ => from_outside,
    };
    let acted_upon = unescaped(&outside_of_code(from_outside));
    for active in ["@acme", "#1", "#2", "<img", "![", "](//", "<!--", "</details> ", "\n# Heading", "\n- [ ]"] {
        assert!(!acted_upon.contains(active), "{what}: {active:?} is active in\n{markdown}");
    }
    assert_plain(what, markdown);
}

fn is_digest(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn assert_plain(what: &str, text: &str) {
    for invisible in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{1b}', '\r'] {
        assert!(!text.contains(invisible), "{what}: {invisible:?} in\n{text}");
    }
}

fn assert_all_inert(check: &CheckRun) {
    for (what, text) in [("summary", &check.summary), ("text", &check.text)] {
        assert_inert(what, text.as_deref().unwrap_or_default());
    }
    assert_plain("title", check.title.as_deref().unwrap_or_default());
    // Annotations are no Markdown; what they say must only not turn round.
    for annotation in &check.annotations {
        assert_plain("annotation", &format!("{annotation:?}").replace("\\u{", "u{"));
    }
}

/// Proves W05.
#[tokio::test(flavor = "multi_thread")]
async fn text_out_of_artifacts_is_shown_and_does_nothing() {
    let palisade = TestHost::start().await;
    let scan = evidence::trivy(&[("CVE-2026-0001", "CRITICAL")]);
    let sbom = evidence::spdx(&[("left-pad", "GPL-3.0-only")]);
    let both = evidence::cyclonedx(&[("left-pad", "GPL-3.0-only")], &[("CVE-2026-0001", "critical", "left-pad")]);
    let audit = evidence::vulnerability_sarif(&[("CVE-2026-0001", "9.8")]);
    let cases = [
        ("a title", "Vulnerability Scan Check", renamed(&scan, "CVE-2026-0001 in", HOSTILE)),
        ("a package", "Vulnerability Scan Check", renamed(&scan, "left-pad", HOSTILE)),
        ("a version", "Vulnerability Scan Check", renamed(&scan, "1.0.0", HOSTILE)),
        ("an id", "Vulnerability Scan Check", renamed(&scan, "CVE-2026-0001", HOSTILE)),
        ("a file", "Vulnerability Scan Check", renamed(&scan, "package-lock.json", HOSTILE)),
        ("a message", "Vulnerability Scan Check", renamed(&audit, "in left-pad", HOSTILE)),
        ("a place", "Vulnerability Scan Check", renamed(&audit, "package-lock.json", HOSTILE)),
        ("a tool", "Vulnerability Scan Check", renamed(&audit, "example-audit", HOSTILE)),
        ("a component", "Vulnerability Scan Check", renamed(&both, "left-pad", HOSTILE)),
        ("a package's name", "License Check", renamed(&sbom, "left-pad", HOSTILE)),
        ("a licence", "License Check", renamed(&sbom, "GPL-3.0-only", HOSTILE)),
        ("a licence's expression", "License Check", renamed(&both, "GPL-3.0-only", HOSTILE)),
        ("a document's name", "License Check", renamed(&sbom, "shop", HOSTILE)),
    ];
    let mut shown = 0;
    for (case, check, report) in cases {
        let pull_request = palisade.repository().open_pull_request("Add a feature");
        let run = pull_request.start_run("ci.yml");
        run.upload("sbom", &[("report.json", &report)]);
        run.complete("success");
        let check = pull_request.check_run_completed(check).await;
        assert_all_inert(&check);
        shown += usize::from(check.summary.iter().chain(&check.text).any(|text| text.contains("acme/team")));
        for comment in pull_request.comments() {
            assert_inert(case, &comment.body);
        }
    }
    assert!(shown >= 6, "only {shown} cases show the text at all");
}

/// Proves W05.
#[tokio::test(flavor = "multi_thread")]
async fn names_of_files_and_artifacts_are_shown_and_do_nothing() {
    let palisade = TestHost::start().await;
    let pull_request = palisade.repository().open_pull_request("Add a feature");
    let run = pull_request.start_run("ci.yml");
    let sbom = evidence::spdx(&[("left-pad", "GPL-3.0-only")]);
    run.upload(
        "sbom @acme/team #1 ``` <img src=x> | \u{202e}x",
        &[("a @acme/team #1 ` <img src=x> \u{202e}.json", &sbom)],
    );
    run.upload_zip("sbom-2 @acme/team #1 <img src=x>", b"no archive".as_slice());
    run.complete("success");
    let check = pull_request.check_run_completed("License Check").await;
    assert_eq!(check.to_string(), "failure: License Check - Failed");
    assert!(check.summary.iter().chain(&check.text).any(|text| text.contains("acme/team")));
    assert_all_inert(&check);
}

#[test]
fn the_reader_of_markdown_sees_what_is_active() {
    for active in ["a @acme b", "\\\\#1", "`code` <img src=x>", "``a` @acme", "`a\n\n@acme`"] {
        let seen = unescaped(&outside_of_code(active));
        assert!(["@acme", "#1", "<img"].iter().any(|word| seen.contains(word)), "{active} gave {seen}");
    }
    for inert in ["`@acme`", "`` ` @acme ``", "\\<img", "\\#1", "\\` \\@acme `@acme`"] {
        let seen = unescaped(&outside_of_code(inert));
        assert!(!["@acme", "#1", "<img"].iter().any(|word| seen.contains(word)), "{inert} gave {seen}");
    }
}
