//! Text from outside, made inert: artifacts, plugins and pull requests write it, GitHub and people read it. No mention,
//! no link to an issue or commit, no HTML, no image, no control or direction character survives. Never used on our own
//! words.

use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream,
};

/// Longer words are cut: they stretch every table on the page.
const LONGEST_WORD: usize = 120;

/// A text in one line longer than this is cut: titles and messages, not documents.
const LONGEST_TEXT: usize = 2_000;

/// A plugin's summary is cut to this before it is read: the parser's time is ours.
const LONGEST_MARKDOWN: usize = 64 * 1024;

/// Quotes and lists nested deeper are flattened: each level is repeated on every line that is written.
const DEEPEST_NESTING: usize = 4;

/// Nobody means to show a longer address.
const LONGEST_LINK: usize = 2_000;

/// Where a plugin's Markdown may lead: public catalogues of vulnerabilities, weaknesses and licences. Its words are often
/// made of what stood in an artifact, and a link to anywhere, under our name, is what an attacker wants.
const LINKED: &[&str] = &[
    "https://github.com/advisories/",
    "https://nvd.nist.gov/",
    "https://osv.dev/",
    "https://www.cve.org/",
    "https://cwe.mitre.org/",
    "https://avd.aquasec.com/",
    "https://spdx.org/licenses/",
    "https://opensource.org/",
    "https://slsa.dev/",
];

/// Plain text as inert Markdown in one line. Words that GitHub would act upon stand as code.
pub fn text(outside: &str) -> String {
    guard_start(inline(outside))
}

/// As `text`, where something of ours stands before it in the line.
pub fn inline(outside: &str) -> String {
    let words = plain(outside);
    let inert = |word| if is_active(word) { code(word) } else { spanned(word) };
    words.split(' ').map(inert).collect::<Vec<_>>().join(" ")
}

/// As `text`, for a cell of a table.
pub fn cell(outside: &str) -> String {
    let words = plain(outside);
    let escaped: Vec<String> =
        words.split(' ').map(|word| if is_active(word) { code_cell(word) } else { escaped(word) }).collect();
    escaped.join(" ")
}

/// Plain text as a code span, with a fence longer than the longest run of backticks inside.
pub fn code(outside: &str) -> String {
    let content = plain(outside);
    if content.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&content) + 1);
    let pad = if content.starts_with('`') || content.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{content}{pad}{fence}")
}

/// As `code`, for a cell of a table: there a pipe ends the cell even within code.
pub fn code_cell(outside: &str) -> String {
    if !outside.contains('|') {
        return code(outside);
    }
    // A backslash before a pipe would be read together with ours, and the pipe would end the cell.
    code(&outside.replace('\\', "/")).replace('|', "\\|")
}

/// One line without control and direction characters, for terminals, annotations and JSON's readers.
pub fn plain(outside: &str) -> String {
    let mut line = String::new();
    for word in outside.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !is_invisible(*c)).collect();
        if word.is_empty() {
            continue;
        }
        if line.len() + word.len() > LONGEST_TEXT {
            line.push_str(" …");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shortened(word));
    }
    line
}

/// As `plain`, but whole: for programs, which follow names rather than read them.
pub fn line(outside: &str) -> String {
    let line: String = outside.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible(line.trim())
}

/// A plugin's Markdown: raw HTML, images and links to elsewhere than the public catalogues dropped, their words kept.
pub fn markdown(outside: &str) -> String {
    let visible = visible(outside);
    let (input, was_cut) = super::limits::floor(&visible, LONGEST_MARKDOWN);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut filter = Filter::default();
    // Filtered first and merged then, else a dropped comment inside `@<!-- -->name` would make a mention.
    let kept = Parser::new_ext(input, options).filter_map(|event| filter.pass(event));
    let events = TextMergeStream::new(kept).collect::<Vec<_>>();
    let mut in_code_block = false;
    let inert = events.into_iter().flat_map(|event| {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code_block = true,
            Event::End(TagEnd::CodeBlock) => in_code_block = false,
            _ => {}
        }
        if in_code_block { vec![event] } else { inert_events(event) }
    });
    let mut written = String::new();
    let written_whole = pulldown_cmark_to_cmark::cmark(inert, &mut written, options).is_ok();
    let note = if was_cut || !written_whole { "\n\n… the rest is left out" } else { "" };
    let written = format!("{}{note}", written.trim());
    // The writer is somebody else's: what it wrote is read again, and shown as code should anything have come alive.
    if written_whole && is_inert(&written) { written } else { fenced(input) }
}

/// Without control and direction characters.
fn visible(outside: &str) -> String {
    outside.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(*c))).collect()
}

/// Whether nothing in the Markdown does more than stand there.
fn is_inert(markdown: &str) -> bool {
    let mut in_code_block = false;
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    TextMergeStream::new(Parser::new_ext(markdown, options)).all(|event| match event {
        Event::Start(Tag::CodeBlock(kind)) => {
            in_code_block = true;
            !matches!(kind, CodeBlockKind::Fenced(language) if !language.is_empty())
        }
        Event::End(TagEnd::CodeBlock) => {
            in_code_block = false;
            true
        }
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Image { .. }) => false,
        Event::Start(Tag::Link { dest_url, .. }) => is_safe(&dest_url),
        Event::Text(text) => in_code_block || !text.split_whitespace().any(is_active),
        _ => true,
    })
}

/// The text as it is, behind a fence longer than any inside.
fn fenced(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end())
}

#[derive(Default)]
struct Filter {
    /// For each open tag, whether it was let through.
    open: Vec<bool>,
    nesting: usize,
}

impl Filter {
    fn pass<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Start(tag) => {
                let tag = self.tag(tag);
                self.open.push(tag.is_some());
                tag.map(Event::Start)
            }
            Event::End(tag) => {
                let passed = self.open.pop().unwrap_or(false);
                if passed && matches!(tag, TagEnd::BlockQuote(_) | TagEnd::List(_)) {
                    self.nesting -= 1;
                }
                passed.then(|| Event::End(demoted(tag)))
            }
            Event::Html(_) | Event::InlineHtml(_) | Event::FootnoteReference(_) => None,
            event => Some(event),
        }
    }

    fn tag<'a>(&mut self, tag: Tag<'a>) -> Option<Tag<'a>> {
        match tag {
            Tag::HtmlBlock | Tag::Image { .. } => None,
            Tag::BlockQuote(_) if self.nest() => Some(Tag::BlockQuote(None)),
            Tag::List(start) if self.nest() => Some(Tag::List(start)),
            Tag::BlockQuote(_) | Tag::List(_) => None,
            Tag::Link { dest_url, .. } if is_safe(&dest_url) => Some(Tag::Link {
                link_type: LinkType::Inline,
                dest_url,
                title: CowStr::Borrowed(""),
                id: CowStr::Borrowed(""),
            }),
            Tag::Link { .. } => None,
            // A plugin's headline does not look like the host's.
            Tag::Heading { .. } => {
                Some(Tag::Heading { level: HeadingLevel::H5, id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            // GitHub draws some languages (`mermaid`, `geojson`, `math`), so none is named.
            Tag::CodeBlock(_) => Some(Tag::CodeBlock(CodeBlockKind::Fenced(CowStr::Borrowed("")))),
            tag => Some(tag),
        }
    }

    fn nest(&mut self) -> bool {
        let fits = self.nesting < DEEPEST_NESTING;
        self.nesting += usize::from(fits);
        fits
    }
}

fn demoted(tag: TagEnd) -> TagEnd {
    match tag {
        TagEnd::Heading(_) => TagEnd::Heading(HeadingLevel::H5),
        TagEnd::BlockQuote(_) => TagEnd::BlockQuote(None),
        tag => tag,
    }
}

fn is_safe(address: &str) -> bool {
    let visible = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | '\\' | '"' | '|' | '`');
    let leads = LINKED.iter().any(|start| address.starts_with(start));
    address.len() <= LONGEST_LINK && leads && address.chars().all(visible)
}

/// Text in which active words became code; everything else as it is.
fn inert_events(event: Event<'_>) -> Vec<Event<'_>> {
    let text = match event {
        // What begins a quotation like this, GitHub draws as a warning of its own.
        Event::Text(text) => text.replace("[!", "[ !"),
        // Backticks at the ends of a code span would become part of its fence.
        Event::Code(code) => return vec![Event::Code(shortened(code.replace('`', "'")).into())],
        event => return vec![event],
    };
    let mut events = Vec::new();
    let mut calm = String::new();
    for piece in text.split_inclusive(' ') {
        let word = piece.trim_end_matches(' ');
        if is_active(word) {
            if !calm.is_empty() {
                events.push(Event::Text(std::mem::take(&mut calm).into()));
            }
            events.push(Event::Code(shortened(word.replace('|', "/").replace('`', "'")).into()));
            calm.push_str(&piece[word.len()..]);
        } else {
            calm.push_str(&shortened(word.to_owned()));
            calm.push_str(&piece[word.len()..]);
        }
    }
    if !calm.is_empty() {
        events.push(Event::Text(calm.into()));
    }
    events
}

/// Whether GitHub would make something of the word: a mention, a reference to an issue or a commit, a link, a formula.
fn is_active(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    mentions(word)
        || lower.contains("gh-")
        || lower.contains("://")
        || lower.contains("www.")
        || lower.contains("mailto:")
        // GitHub looks for formulas before it reads Markdown, escaped or not.
        || word.contains('$')
        || refers_to_issue(word)
        || has_sha(word)
}

/// `@name` at the start of a word or after what is no part of one, and what looks like an address. `lodash@4.17.21` is
/// neither; `lodash@4.17.21-rc` becomes a link to mail.
fn mentions(word: &str) -> bool {
    let mut before = None;
    for (at, c) in word.char_indices() {
        let rest = &word[at + c.len_utf8()..];
        let after = rest.chars().next();
        // Letters beyond ASCII are no part of a word to whoever looks for names.
        let begins = before.is_none_or(|before: char| !before.is_ascii_alphanumeric());
        let names = after.is_some_and(|after| after.is_alphanumeric());
        let is_address = !begins && (after.is_some_and(|after| after.is_alphabetic()) || is_host(rest));
        if c == '@' && ((begins && names) || is_address) {
            return true;
        }
        before = Some(c);
    }
    false
}

/// As the autolinks of GitHub's Markdown take it: points between, and a letter at the end.
fn is_host(rest: &str) -> bool {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(rest.len());
    let host = rest[..end].trim_end_matches(['.', '-', '_']);
    host.contains('.') && host.ends_with(char::is_alphabetic)
}

fn refers_to_issue(word: &str) -> bool {
    word.char_indices().any(|(at, c)| c == '#' && word[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
}

/// Seven to forty hex digits: GitHub links them if there is such a commit. Some words and numbers are such.
fn has_sha(word: &str) -> bool {
    word.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| (7..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A word that stands in single backticks is code already, as in the host's own sentences.
fn spanned(word: &str) -> String {
    let parts: Vec<&str> = word.split('`').collect();
    match parts[..] {
        [before, inside, after] if !inside.is_empty() => {
            format!("{}{}{}", escaped(before), code(inside), escaped(after))
        }
        _ => escaped(word),
    }
}

fn escaped(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What would begin a list, a rule or a headline at the start of a line.
fn guard_start(line: String) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line[digits..].chars().next() {
        Some('-' | '+' | '=' | ':') if digits == 0 => format!("\\{line}"),
        Some('.' | ')') if digits > 0 => format!("{}\\{}", &line[..digits], &line[digits..]),
        _ => line,
    }
}

fn shortened(word: String) -> String {
    match word.char_indices().nth(LONGEST_WORD) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word,
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Zero-width and direction characters, joiners, fillers, tags: they change what is read without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
