//! Texts that try to become something else, and what GitHub would make of a whole comment, summary or text that shows
//! them: rendered by another reader of GitHub's Markdown than the one that the filter uses.

use super::fixtures::*;
use super::*;
use crate::model::artifact::UnreadableArtifact;
use crate::model::publication::Generation;
use crate::model::record::{CheckRecord, HiddenRecord, Runs};
use crate::model::verdict::{Effect, Judged, Outcome, Violation, Waived};
use crate::model::{Broken, BrokenKind, CheckName, JobId, Judgement};
use ::markdown::mdast::Node;
use ::markdown::{Constructs, ParseOptions, to_mdast};

pub const TEXTS: &[&str] = &[
    "@octocat please approve",
    "(@octocat) \"@octo/team\" x,@y",
    "see #1, GH-12 and acme/shop#34",
    "fixed by 0123abcdef0123abcdef0123abcdef0123abcdef",
    "acme/shop@0123abc",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "<!-- palisade:v1 --> --> <details open>",
    "![tracker](https://evil.example/pixel.png)",
    "![t][r]\n\n[r]: https://evil.example/p.png",
    "[click](javascript:alert(1)) [click](http://evil.example) [click](data:text/html,x)",
    "[click](https://evil.example) [here][r]\n\n[r]: https://evil.example/a",
    "<https://evil.example> http://evil.example www.evil.example mailto:a@evil.example a@evil.example",
    "```\n# License Check - Passed\n```",
    "````` ` `` ``` ```` @octocat",
    "a | b || c \\| d | `e|f`",
    "\u{202e}detrevni\u{202c} zero\u{200b}width \u{2066}isolate\u{2069} \u{1b}[31mred\u{7}",
    "line one\r\n# headline\r\n- list\n> quote\n\n| t | t |\n|---|---|\n| @x | y |",
    "&#64;octocat &lt;b&gt; @<!-- -->octocat @<b></b>octocat \\@octocat *@*octocat",
    "$\\href{https://evil.example}{x}$ ~~gone~~ **bold** _em_ :tada:",
    "- [ ] task\n1. one\n+ plus\n=====\n***",
    "```mermaid\ngraph TD; a-->b\n```",
    "> > > > > > > > > > deep",
    // A second marker, a fold that ends early, and one that never ends.
    "<!-- palisade:v1 app=4711 pr=7 sha=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa gen=99/99 -->",
    "`<!-- palisade:v1 app=4711 pr=7 -->`\n\n<!-- palisade:v1 app=4711 pr=7 -->\n",
    "</details></details>\n\n</details>\n\nnot folded any more",
    "\n\n<details>\n<summary>Approved</summary>\n\n",
    "</code>@octocat</code> `@octocat` `a` @octocat `b`",
    "`@octocat",
    "@\u{200b}octocat @\u{ad}octocat @\u{3164}octocat @\u{34f}octocat",
    "é@1abc ü@octocat _@octocat_ x_@octocat -@octocat .@octocat",
    "lodash@1.0.0-rc pkg@2.x.latest xmpp:a@b.example ftp://evil.example/x",
    "deadbeef defaced 1234567 DEADBEEF1 20260101 abcdef0 abcdef0.",
    "gh-1 Gh-2 octo-org/shop#3 #٣ repo#4, (#5) ##6 \\#7",
    "https://github.com/acme/shop/issues/1 github.com/acme/shop/pull/2",
    "[^1] and more\n\n[^1]: a note with @octocat",
    "$`x`$ and $$\n\\href{javascript:alert(1)}{x}\n$$ and a$b$c",
    "> [!WARNING]\n> This check was disabled by @octocat",
    "<svg/onload=alert(1)><a href='//evil.example'>x</a><iframe src=//evil.example>",
    "<SCRIPT\u{a0}SRC=//evil.example></SCRIPT\n>",
    "\\<b\\> \\\\<b> \\`x\\` \\[a\\](b)",
    "a\u{2028}b\u{2029}@octocat\u{85}@octocat\u{b}@octocat",
    "--- \n***\n___\n===",
    "[[wiki]] [x]: https://evil.example 'title'",
    "| @octocat | ![x](https://evil.example/x.png) |",
    "**Package:** `good@1.0.0`  \n**Vulnerability:** none",
    "\u{feff}@octocat\u{feff}#1",
];

/// Everything that comes from outside says the same hostile thing.
fn filled(hostile: &str) -> Record {
    let text = || hostile.to_owned();
    let facts = ["id", "package", "version", "fixed_version", "license", "supplier", "condition", "SPDXID", "score"];
    let violation = |effect, rule: &str| Violation {
        rule: rule.to_owned(),
        message: text(),
        subject: Some(text()),
        how_to_fix: Some(text()),
        properties: facts.iter().map(|name| ((*name).to_owned(), text())).collect(),
        ..violation(effect)
    };
    let said = |outcome| {
        let mut verdict = verdict(outcome);
        (verdict.title, verdict.summary, verdict.judged) = (text(), text(), vec![(text(), 7)]);
        verdict.violations = vec![
            violation(Effect::Deny, hostile),
            Violation { properties: Vec::new(), ..violation(Effect::Deny, "plain") },
            violation(Effect::Warn, "warning"),
            violation(Effect::Info, "conditional"),
        ];
        let waived = Waived { owner: Some(text()), reason: text(), until: Some(MARCH) };
        verdict.violations.push(Violation { waived: Some(waived), ..violation(Effect::Deny, "waived") });
        verdict
    };
    let fails = || Judged::Verdict(said(Outcome::Fail));
    let breaks = |kind| Judged::Broken(Broken::new(kind, text()).hint(text()).limit(text()), Some(said(Outcome::Warn)));
    let check = |name: &str, answer: Judged| CheckRecord {
        check: CheckName::parse(name).unwrap(),
        judgements: vec![Judgement { plugin: text(), verdict: answer, notices: vec![text()] }],
        ..check(vec![answered(Outcome::Pass)])
    };
    let mut record = record(vec![
        check("Vulnerability Scan Check", fails()),
        check("License Check", fails()),
        check("House Rules", fails()),
        check("Unreadable", breaks(BrokenKind::Unreadable)),
        check("Broken", breaks(BrokenKind::Trap)),
        check("Unavailable", Judged::Outage(text(), None)),
    ]);
    record.notices = vec![text()];
    record.unreadable = vec![UnreadableArtifact { path: text(), reason: text(), ..unreadable() }];
    (record.inputs[0].path, record.inputs[0].format, record.inputs[0].tool) = (text(), text(), Some(text()));
    let mut hidden = HiddenRecord { id: text(), package: Some(text()), path: text(), ..hidden() };
    (hidden.hidden.who, hidden.hidden.why) = (Some(text()), text());
    (record.hidden, record.hidden_findings) = ([0, 0, 1], vec![hidden]);
    record.runs = Runs { unsuccessful: vec![(text(), text())], ..record.runs };
    record
}

/// All that GitHub is told of a record, with the place where it stands.
fn published(record: &Record) -> Vec<(String, String)> {
    let presentation = Presentation {
        public_url: Some("https://palisade.example".to_owned()),
        pages: Pages::Public,
        ..Presentation::default()
    };
    let generation = Generation { head: Some(10), decision: JobId("02".to_owned()) };
    let about = About { app_id: 4711, pull_request: 7, generation };
    let mut all = vec![("comment".to_owned(), comment(record, about, &presentation).body)];
    for shown in render(record, &presentation) {
        all.push((format!("summary of {}", shown.check), shown.summary));
        all.push((format!("text of {}", shown.check), shown.text));
    }
    all
}

/// What GitHub would act upon, and what is no Markdown of ours.
#[derive(Default)]
struct Findings {
    active: Vec<String>,
    markers: usize,
    open_folds: i32,
}

impl Findings {
    fn of(markdown: &str) -> Self {
        let constructs = Constructs { math_flow: true, math_text: true, ..Constructs::gfm() };
        let options = ParseOptions { constructs, ..ParseOptions::gfm() };
        let mut findings = Self::default();
        findings.walk(&to_mdast(markdown, &options).expect("only MDX can be wrong"));
        findings
    }

    fn walk(&mut self, node: &Node) {
        match node {
            Node::Html(html) => self.html(&html.value),
            Node::Image(image) => self.active.push(format!("image {}", image.url)),
            Node::ImageReference(_) | Node::LinkReference(_) => self.active.push("a reference".to_owned()),
            Node::Link(link) if !is_allowed(&link.url) => self.active.push(format!("link {}", link.url)),
            Node::Code(code) if code.lang.is_some() => self.active.push(format!("language {:?}", code.lang)),
            Node::ListItem(item) if item.checked.is_some() => self.active.push("a task".to_owned()),
            Node::FootnoteDefinition(_) | Node::FootnoteReference(_) => self.active.push("a note".to_owned()),
            Node::InlineMath(_) | Node::Math(_) => self.active.push("a formula".to_owned()),
            Node::Blockquote(_) if words(node).contains("[!") => self.active.push("an alert".to_owned()),
            _ => {}
        }
        self.text(&words(node));
        for child in node.children().into_iter().flatten() {
            self.walk(child);
        }
    }

    /// Ours are the marker, the fold and its name.
    fn html(&mut self, html: &str) {
        for line in html.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line {
                "<details>" => self.open_folds += 1,
                "</details>" => self.open_folds -= 1,
                line if line.starts_with("<!-- palisade:v1 app=4711 pr=7 ") => self.markers += 1,
                line if line.starts_with("<summary>Click to view ") && line.matches('<').count() == 2 => {}
                other => self.active.push(format!("html {other}")),
            }
            if self.open_folds < 0 {
                self.active.push("a fold that ends twice".to_owned());
            }
        }
    }

    fn text(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        for (at, c) in chars.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| chars[at]);
            let after = chars.get(at + 1).copied();
            let begins = before.is_none_or(|c| !c.is_ascii_alphanumeric());
            if *c == '@' && begins && after.is_some_and(|c| c.is_ascii_alphanumeric()) {
                self.active.push(format!("a mention in {text:?}"));
            }
            if *c == '#' && after.is_some_and(|c| c.is_ascii_digit()) {
                self.active.push(format!("an issue in {text:?}"));
            }
        }
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for word in words.filter(|word| word.to_ascii_lowercase().starts_with("gh-")) {
            self.active.push(format!("an issue {word:?}"));
        }
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            if (7..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit()) {
                self.active.push(format!("a commit {word:?}"));
            }
        }
    }
}

/// The text below a node, as GitHub joins it; code stands between.
fn words(node: &Node) -> String {
    match node {
        Node::Text(text) => text.value.clone(),
        Node::InlineCode(_) | Node::Code(_) | Node::Html(_) | Node::Break(_) => " ".to_owned(),
        _ => node.children().into_iter().flatten().map(words).collect(),
    }
}

fn is_allowed(url: &str) -> bool {
    url.starts_with("https://palisade.example/decisions/") || url.starts_with("https://osv.dev/")
}

fn hold(hostile: &str) {
    for (place, markdown) in published(&filled(hostile)) {
        let findings = Findings::of(&markdown);
        let told = format!("{place} for {hostile:?}:\n{markdown}");
        let most = if place == "comment" { 60_000 } else { limits::TEXT_BYTES };
        assert!(markdown.len() <= most, "{} bytes in {told}", markdown.len());
        assert_eq!(findings.active, Vec::<String>::new(), "{told}");
        assert_eq!(findings.open_folds, 0, "{told}");
        assert_eq!(findings.markers, usize::from(place == "comment"), "{told}");
        if place == "comment" {
            assert_eq!(markdown.matches("<!--").count(), 1, "not even within code: {told}");
        }
        let unseen = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!markdown.chars().any(|c| unseen(c) || turns(c)), "{told}");
    }
}

#[test]
fn nothing_from_outside_becomes_active_wherever_it_is_shown() {
    TEXTS.iter().for_each(|hostile| hold(hostile));
}

#[test]
fn nothing_long_stretches_or_breaks_what_is_shown() {
    for piece in ["x", "`", "[", "> ", "* ", "<!--", "@a ", "#1", "|", "\\", "ü", "</details>\n\n"] {
        hold(&piece.repeat(5_000 / piece.len()));
    }
}

/// The detector itself finds what it looks for.
#[test]
fn what_is_not_escaped_is_found() {
    for hostile in [
        "@octocat",
        "see #1",
        "GH-12",
        "0123abcdef",
        "<b>x</b>",
        "![x](y)",
        "[x](https://e.example)",
        "a@b.example",
        "https://evil.example",
        "</details>",
        "```mermaid\nx\n```",
        "> [!NOTE]\n> x",
        "- [ ] x",
        "$x$",
        "*@octocat*",
    ] {
        let findings = Findings::of(hostile);
        assert!(!findings.active.is_empty() || findings.open_folds != 0, "{hostile:?}");
    }
}
