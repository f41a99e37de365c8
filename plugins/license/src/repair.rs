//! Brings a licence text into words that an SPDX parser reads: ids in their own case, names by their ids, commas as
//! AND, slashes as OR. Never guesses: what could mean several things stays unread, with the reason.

use crate::names;

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unparsed(pub String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    With,
    Comma,
    Word(&'a str),
    /// Something that is SPDX already.
    Leaf(String),
}

/// The text in SPDX words.
pub fn repair(text: &str) -> Result<String, Unparsed> {
    let text = text.trim();
    if let Some(id) = spdx::license_id(text).filter(|id| id.name == text && !id.is_deprecated()) {
        return Ok(id.name.to_owned());
    }
    let tokens = tokens(text);
    if !tokens.iter().all(is_plain)
        && balanced(text)
        && let Some(meaning) = names::known(text)
    {
        return Ok(meaning);
    }
    if text.contains("://") {
        return Err(Unparsed("an address is no licence".to_owned()));
    }
    Ok(emit(&resolve(&tokens)?))
}

/// Whether it is SPDX as it stands. Most expressions consist of nothing else, and then nobody asks for names.
fn is_plain(token: &Token) -> bool {
    match token {
        Token::Word(word) => spdx::license_id(word).is_some_and(|id| id.name == *word),
        Token::Comma => false,
        _ => true,
    }
}

fn balanced(text: &str) -> bool {
    let mut depth = 0_i64;
    for at in text.chars() {
        match at {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | ',' | ';' | '/' => 1,
            _ => rest.find(|at: char| at.is_whitespace() || "(),;/".contains(at)).unwrap_or(rest.len()),
        };
        let (word, behind) = rest.split_at(length);
        tokens.push(match word {
            "(" => Token::Open,
            ")" => Token::Close,
            "," | ";" => Token::Comma,
            "/" => Token::Or,
            word if word.eq_ignore_ascii_case("and") => Token::And,
            word if word.eq_ignore_ascii_case("or") => Token::Or,
            word if word.eq_ignore_ascii_case("with") => Token::With,
            word => Token::Word(word),
        });
        rest = behind.trim_start();
    }
    join_or_later(tokens)
}

/// "GPL v2 or later" is one licence, not a choice.
fn join_or_later(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut joined = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let length = match &tokens[at..] {
            [Token::Or, Token::Word(tail), ..] if is_later(tail) => 2,
            [Token::Or, Token::Word(any), Token::Word(tail), ..]
                if any.eq_ignore_ascii_case("any") && is_later(tail) =>
            {
                3
            }
            _ => 0,
        };
        if length > 0 && matches!(joined.last(), Some(Token::Word(_))) {
            joined.push(Token::Word("+"));
            at += length;
        } else {
            joined.push(tokens[at].clone());
            at += 1;
        }
    }
    joined
}

fn is_later(word: &str) -> bool {
    ["later", "newer", "greater"].iter().any(|later| word.eq_ignore_ascii_case(later))
}

/// Words become licences: the longest known name first, then single words.
fn resolve<'a>(tokens: &[Token<'a>]) -> Result<Vec<Token<'a>>, Unparsed> {
    let mut resolved = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if !matches!(tokens[at], Token::Word(_)) {
            resolved.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let run = run_length(&tokens[at..]);
        let (leaf, length) = match resolved.last() {
            Some(Token::With) => exception(&tokens[at..at + run])?,
            Some(Token::Leaf(before)) => return Err(Unparsed(format!("no operator stands behind {before}"))),
            _ => license(&tokens[at..at + run])?,
        };
        resolved.push(Token::Leaf(leaf));
        at += length;
    }
    Ok(resolved)
}

/// How many words and commas follow, at most as many as a name may have.
fn run_length(tokens: &[Token]) -> usize {
    let run = tokens.iter().take_while(|token| matches!(token, Token::Word(_) | Token::Comma)).count();
    run.min(names::LONGEST)
}

fn license(run: &[Token]) -> Result<(String, usize), Unparsed> {
    for length in (2..=run.len()).rev() {
        if matches!(run[length - 1], Token::Word(_))
            && let Some(meaning) = names::known(&text(&run[..length]))
        {
            return Ok((meaning, length));
        }
    }
    match &run[0] {
        Token::Word(word) => one_word(word).map(|leaf| (leaf, 1)),
        _ => Err(Unparsed("a licence is missing".to_owned())),
    }
}

fn one_word(word: &str) -> Result<String, Unparsed> {
    if let Some(id) = names::id(word) {
        return Ok(id);
    }
    if let Some(meaning) = names::known(word) {
        return Ok(meaning);
    }
    if names::ambiguous(word) {
        return Err(Unparsed(format!("{word} could mean several licences")));
    }
    reference(word).ok_or_else(|| Unparsed(format!("{word} is neither an SPDX id nor a known name")))
}

/// A reference to a licence outside SPDX, or an id that SPDX does not know: a licence all the same, on no list unless
/// a list names it.
fn reference(word: &str) -> Option<String> {
    let word = word.replace('_', "-");
    let shaped = word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.chars().all(|at| at.is_ascii_alphanumeric() || "-.:".contains(at));
    shaped.then_some(word)
}

fn exception(run: &[Token]) -> Result<(String, usize), Unparsed> {
    for length in (1..=run.len().min(2)).rev() {
        if let Some(name) = names::exception(&text(&run[..length])) {
            return Ok((name.to_owned(), length));
        }
    }
    match &run[0] {
        Token::Word(word) => match reference(word) {
            Some(unknown) => Ok((unknown, 1)),
            None => Err(Unparsed(format!("{word} is no licence exception"))),
        },
        _ => Err(Unparsed("an exception is missing behind WITH".to_owned())),
    }
}

fn text(run: &[Token]) -> String {
    let words = run.iter().map(|token| match token {
        Token::Word(word) => *word,
        _ => ",",
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Writes the tokens out. A comma binds weaker than any operator, so each part of a comma list is put in brackets.
fn emit(tokens: &[Token]) -> String {
    let levels = comma_levels(tokens);
    let mut written = String::from(if levels[0] { "(" } else { "" });
    let mut opened = 0;
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::Open => {
                opened += 1;
                open.push(levels[opened]);
                written.push_str(if levels[opened] { "((" } else { "(" });
            }
            Token::Close => written.push_str(if open.pop() == Some(true) { "))" } else { ")" }),
            Token::And => written.push_str(" AND "),
            Token::Or => written.push_str(" OR "),
            Token::With => written.push_str(" WITH "),
            Token::Comma => written.push_str(") AND ("),
            Token::Leaf(leaf) if leaf.contains(" OR ") => written.push_str(&format!("({leaf})")),
            Token::Leaf(leaf) => written.push_str(leaf),
            Token::Word(word) => written.push_str(word),
        }
    }
    written.push_str(if levels[0] { ")" } else { "" });
    written
}

/// Whether a comma stands directly in the whole (first), and in each bracket, in the order in which they open.
fn comma_levels(tokens: &[Token]) -> Vec<bool> {
    let mut levels = vec![false];
    let mut open = vec![0];
    for token in tokens {
        match token {
            Token::Open => {
                open.push(levels.len());
                levels.push(false);
            }
            Token::Close if open.len() > 1 => drop(open.pop()),
            Token::Comma => levels[open[open.len() - 1]] = true,
            _ => {}
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_repaired() {
        for (text, expected) in [
            ("mit", "MIT"),
            ("MIT or apache-2.0", "MIT OR Apache-2.0"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            ("MIT, GPL-3.0", "(MIT) AND (GPL-3.0-only)"),
            ("MIT, Apache License, Version 2.0", "(MIT) AND (Apache-2.0)"),
            ("MIT or ISC, BSD-3-Clause", "(MIT OR ISC) AND (BSD-3-Clause)"),
            ("(MIT, ISC) OR Zlib", "((MIT) AND (ISC)) OR Zlib"),
            ("GPLv2+ and LGPLv2+", "GPL-2.0-or-later AND LGPL-2.0-or-later"),
            ("MIT or GPL v2 or later", "MIT OR GPL-2.0-or-later"),
            ("gpl-2.0 with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("MIT OR LicenseRef-scancode_x", "MIT OR LicenseRef-scancode-x"),
            ("OTHER", "OTHER"),
            ("GPL+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
            ("MIT AND Same as Perl", "MIT AND (GPL-1.0-or-later OR Artistic-1.0-Perl)"),
            ("MIT AND ((GPL-2.0+))", "MIT AND ((GPL-2.0-or-later))"),
        ] {
            assert_eq!(repair(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn prose_and_ambiguous_names_stay_unread() {
        for text in [
            "BSD",
            "GPL",
            "Artistic",
            "Public Domain",
            "MIT BSD",
            "see the file COPYING",
            "MIT OR BSD",
            "https://example.org/licence",
            "Permission is hereby granted, free of charge",
            "§ 1",
        ] {
            assert!(repair(text).is_err(), "{text}: {:?}", repair(text));
        }
    }
}
