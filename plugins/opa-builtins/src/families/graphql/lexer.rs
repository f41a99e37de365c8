//! A text as tokens.

use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of `! $ & ( ) : = @ [ ] { } |`.
    Sign(u8),
    /// `...`
    Spread,
    Name,
    Int,
    Float,
    String,
    Block,
    Comment,
    End,
    /// What is no token; nothing is read behind it.
    Invalid,
}

#[derive(Clone, Debug)]
pub struct Token<'t> {
    pub kind: Kind,
    /// A string without quotes and escapes; anything else as it is written.
    pub text: Cow<'t, str>,
}

pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub fn token(&mut self) -> Token<'t> {
        self.pass_blanks();
        let rest = self.rest();
        let Some(first) = rest.bytes().next() else { return self.take(Kind::End, 0) };
        match first {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'}' | b'|' => {
                self.take(Kind::Sign(first), 1)
            }
            b'.' if rest.starts_with("...") => self.take(Kind::Spread, 3),
            b'#' => self.take(Kind::Comment, comment(rest)),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.take(Kind::Name, name(rest)),
            b'-' | b'0'..=b'9' => match number(rest) {
                Some((kind, length)) => self.take(kind, length),
                None => self.invalid(),
            },
            b'"' => self.string(),
            _ => self.invalid(),
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, kind: Kind, length: usize) -> Token<'t> {
        let text = &self.rest()[..length];
        self.at += length;
        Token { kind, text: text.into() }
    }

    fn invalid(&mut self) -> Token<'t> {
        let letter = self.rest().chars().next().map_or(0, char::len_utf8);
        self.take(Kind::Invalid, letter)
    }

    /// Commas are blanks, and so is a byte order mark anywhere.
    fn pass_blanks(&mut self) {
        let rest = self.rest();
        let after = rest.trim_start_matches(['\t', ' ', ',', '\n', '\r', '\u{feff}']);
        self.at += rest.len() - after.len();
    }

    fn string(&mut self) -> Token<'t> {
        let block = self.rest().strip_prefix("\"\"\"");
        let read = match block {
            Some(inside) => block_string(inside).map(|(text, length)| (Kind::Block, Cow::Owned(text), length + 6)),
            None => string(&self.rest()[1..]).map(|(text, length)| (Kind::String, text, length + 2)),
        };
        match read {
            Some((kind, text, length)) => {
                self.at += length;
                Token { kind, text }
            }
            None => self.invalid(),
        }
    }
}

fn comment(text: &str) -> usize {
    text.find(|letter: char| letter < ' ' && letter != '\t').unwrap_or(text.len())
}

fn name(text: &str) -> usize {
    text.find(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric()).unwrap_or(text.len())
}

/// How long a number is; nothing where it breaks off or has a zero in front.
fn number(text: &str) -> Option<(Kind, usize)> {
    let digits = |at: usize| text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let at = usize::from(text.starts_with('-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && text[at..].starts_with('0')) {
        return None;
    }
    let (mut kind, mut at) = (Kind::Int, at + whole);
    let mut broken = false;
    if text[at..].starts_with('.') {
        let fraction = digits(at + 1);
        broken |= fraction == 0;
        (kind, at) = (Kind::Float, at + 1 + fraction);
    }
    if text[at..].starts_with(['e', 'E']) {
        let sign = usize::from(text[at + 1..].starts_with(['-', '+']));
        let exponent = digits(at + 1 + sign);
        broken |= exponent == 0;
        (kind, at) = (Kind::Float, at + 1 + sign + exponent);
    }
    (!broken).then_some((kind, at))
}

/// What a string stands for, up to its closing quote, and how long it is written.
fn string(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let end = text.find(['"', '\\'])?;
    if text[..end].contains(|letter: char| letter < ' ' && letter != '\t') {
        return None;
    }
    if text[end..].starts_with('"') {
        return Some((text[..end].into(), end));
    }
    let (escape, length) = escape(&text[end + 1..])?;
    let mut read = text[..end].to_owned();
    read.push(escape);
    let mut at = end + 1 + length;
    // A loop and not a call per escape: a string may have a million of them.
    loop {
        let rest = &text[at..];
        let letter = rest.chars().next()?;
        match letter {
            '"' => return Some((read.into(), at)),
            '\\' => {
                let (letter, length) = self::escape(&rest[1..])?;
                read.push(letter);
                at += 1 + length;
            }
            '\t' | ' '.. => {
                read.push(letter);
                at += letter.len_utf8();
            }
            _ => return None,
        }
    }
}

/// The letter behind a backslash, and the length of what says it. Half of a pair of surrogates is no letter.
fn escape(text: &str) -> Option<(char, usize)> {
    let letter = match text.bytes().next()? {
        quoted @ (b'"' | b'/' | b'\\') => char::from(quoted),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let digits = text.get(1..5).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            let code = u32::from_str_radix(digits, 16).ok()?;
            return Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 5));
        }
        _ => return None,
    };
    Some((letter, 1))
}

/// Up to the closing quotes, of which the last three count.
fn block_string(text: &str) -> Option<(String, usize)> {
    let (mut raw, mut at) = (String::new(), 0);
    loop {
        let rest = &text[at..];
        let quotes = rest.bytes().take_while(|byte| *byte == b'"').count();
        if quotes >= 3 {
            raw.push_str(&rest[..quotes - 3]);
            return Some((without_indentation(&raw), at + quotes - 3));
        }
        if let Some(after) = rest.strip_prefix("\\\"\"\"") {
            raw.push_str("\"\"\"");
            at = text.len() - after.len();
            continue;
        }
        let letter = rest.chars().next()?;
        match letter {
            '\r' => raw.push('\n'),
            '\t' | '\n' | ' '.. => raw.push(letter),
            _ => return None,
        }
        at += if rest.starts_with("\r\n") { 2 } else { letter.len_utf8() };
    }
}

/// Without what all lines have in front, the first line excepted, and without blank lines at both ends.
fn without_indentation(raw: &str) -> String {
    let mut lines: Vec<&str> = raw.split('\n').collect();
    let indentation = |line: &str| line.find(|letter| letter != ' ' && letter != '\t');
    if let Some(common) = lines.iter().filter_map(|line| indentation(line)).min() {
        for line in lines.iter_mut().skip(1) {
            *line = line.get(common..).unwrap_or_default();
        }
    }
    let written = |line: &&str| indentation(line).is_some();
    let first = lines.iter().position(written).unwrap_or(lines.len());
    let end = lines.iter().rposition(written).map_or(first, |last| last + 1);
    lines[first..end].join("\n")
}
