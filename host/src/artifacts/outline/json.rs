//! A scanner for JSON and JSON lines that checks the grammar, builds nothing and keeps its own stack.

use super::{BLANKS, DEEPEST, blank, remember};
use crate::model::{Outline, Syntax};

/// `text` begins with `[`: an array, or a log line in brackets?
pub(super) fn may_be_array(text: &str) -> bool {
    let next = text[1..].trim_start_matches(BLANKS).as_bytes().first();
    next.is_none_or(|next| matches!(next, b'{' | b'[' | b']' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
}

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = blank(Syntax::Json);
    let mut scanner = Scanner { text, at: 0 };
    let mut shown = Some(&mut outline);
    let mut documents = 0;
    let mut several_lines = false;
    let ended = loop {
        let before = scanner.at;
        scanner.blanks();
        let new_line = text[before..scanner.at].contains('\n');
        if scanner.peek().is_none() {
            break Ok(());
        }
        if documents > 0 && !new_line {
            break Err(Wrong::Grammar);
        }
        several_lines |= documents > 0;
        documents += 1;
        // The members of the first document stand for all lines.
        if let Err(wrong) = scanner.document(shown.take()) {
            break Err(wrong);
        }
    };
    if several_lines {
        outline.syntax = Syntax::JsonLines;
    }
    outline.well_formed = ended.is_ok();
    outline.cut |= matches!(ended, Err(Wrong::TooDeep));
    outline
}

enum Wrong {
    Grammar,
    TooDeep,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// One value with everything in it. Members of the outermost object are shown as soon as they are known.
    fn document(&mut self, mut shown: Option<&mut Outline>) -> Result<(), Wrong> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.blanks();
            if open.last() == Some(&b'{') {
                let name = self.name()?;
                let outermost = if open.len() == 1 { shown.as_deref_mut() } else { None };
                self.show(outermost, name)?;
            }
            let opened = match self.peek() {
                Some(bracket @ (b'{' | b'[')) => Some(bracket),
                _ => {
                    self.scalar()?;
                    None
                }
            };
            if let Some(bracket) = opened {
                self.at += 1;
                open.push(bracket);
                if open.len() > DEEPEST {
                    return Err(Wrong::TooDeep);
                }
                self.blanks();
                if self.peek() != Some(closing(bracket)) {
                    continue;
                }
                // Nothing in it: closed below.
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Behind a value: closes what ends here, up to a comma (there is more) or the end of everything (true).
    fn close(&mut self, open: &mut Vec<u8>) -> Result<bool, Wrong> {
        while let Some(bracket) = open.last() {
            self.blanks();
            match self.next() {
                Some(b',') => {
                    self.blanks();
                    // A comma promises another value.
                    return if self.peek() == Some(closing(*bracket)) { Err(Wrong::Grammar) } else { Ok(false) };
                }
                Some(byte) if byte == closing(*bracket) => open.pop(),
                _ => return Err(Wrong::Grammar),
            };
        }
        Ok(true)
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Result<(usize, usize), Wrong> {
        let start = self.at;
        self.string()?;
        let end = self.at;
        self.blanks();
        if self.next() != Some(b':') {
            return Err(Wrong::Grammar);
        }
        self.blanks();
        Ok((start, end))
    }

    /// Looks ahead at the value without moving past it.
    fn show(&mut self, outline: Option<&mut Outline>, (start, end): (usize, usize)) -> Result<(), Wrong> {
        let Some(outline) = outline else { return Ok(()) };
        let value_start = self.at;
        let value_end = match self.peek() {
            Some(b'{' | b'[') => value_start + 1,
            _ => {
                self.scalar()?;
                self.at
            }
        };
        self.at = value_start;
        // Lone surrogates are grammar, but no text: such a name recognises nothing.
        match serde_json::from_str::<String>(&self.text[start..end]) {
            Ok(name) => remember(outline, &name, Some(&self.text[value_start..value_end])),
            Err(_) => outline.cut = true,
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Wrong> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let word = ["true", "false", "null"].into_iter().find(|word| self.text[self.at..].starts_with(word));
                self.at += word.ok_or(Wrong::Grammar)?.len();
                Ok(())
            }
        }
    }

    fn string(&mut self) -> Result<(), Wrong> {
        if self.next() != Some(b'"') {
            return Err(Wrong::Grammar);
        }
        loop {
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.next() {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                    Some(b'u') => {
                        for _ in 0..4 {
                            if !self.next().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                return Err(Wrong::Grammar);
                            }
                        }
                    }
                    _ => return Err(Wrong::Grammar),
                },
                None | Some(0..0x20) => return Err(Wrong::Grammar),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Result<(), Wrong> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let start = self.at;
        let digits = self.digits()?;
        if digits > 1 && self.text.as_bytes()[start] == b'0' {
            return Err(Wrong::Grammar);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Wrong> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(Wrong::Grammar) } else { Ok(self.at - start) }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

fn closing(bracket: u8) -> u8 {
    if bracket == b'{' { b'}' } else { b']' }
}
