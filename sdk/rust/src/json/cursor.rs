//! A place in a JSON text, and the moves from there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Deserializer;

use super::pointer::{Step, render};
use super::recover::{Repeat, recover};
use super::skip::Skip;
use super::{Kind, Member, is_blank, misfit};
use crate::lenient::strictly;
use crate::notes::Notes;
use crate::ranged::Ranged;
use crate::text::ChunkDecoder;
use crate::types::{Diagnostic, Failure};

pub(super) struct Cursor<'t> {
    /// The whole text, or a window that slides over it.
    window: Cow<'t, str>,
    position: usize,
    feed: Option<Feed<'t>>,
    path: Vec<Step>,
    is_cut: bool,
    repeats: Repeats,
    pub notes: Notes,
}

/// What becomes of a member whose name stood before in the same object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Readers would disagree about the document.
    Refused,
    /// For an outline, which only says what is there.
    Visited,
}

/// Where a sliding window gets its text from.
pub(super) struct Feed<'t> {
    pub source: &'t dyn Ranged,
    pub offset: u64,
    pub decoder: ChunkDecoder,
    pub ended: bool,
}

impl<'t> Cursor<'t> {
    pub fn over(text: &'t str, notes: Notes) -> Cursor<'t> {
        Cursor {
            window: Cow::Borrowed(text),
            position: 0,
            feed: None,
            path: Vec::new(),
            is_cut: false,
            repeats: Repeats::Refused,
            notes,
        }
    }

    pub fn sliding(feed: Feed<'t>, notes: Notes) -> Cursor<'t> {
        Cursor {
            window: Cow::Owned(String::new()),
            position: 0,
            feed: Some(feed),
            path: Vec::new(),
            is_cut: false,
            repeats: Repeats::Refused,
            notes,
        }
    }

    pub fn visiting_repeats(self) -> Cursor<'t> {
        Cursor { repeats: Repeats::Visited, ..self }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    pub fn pointer(&self) -> String {
        render(&self.path)
    }

    /// Parses the value here; `None` with a diagnostic if it does not fit.
    pub fn parse<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        match self.attempt() {
            Ok(value) => Ok(Some(value)),
            Err(_) => self.second_attempt(),
        }
    }

    /// Parses the value here; a misfit is a failure.
    pub fn parse_or_fail<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        match self.attempt() {
            Ok(value) => Ok(value),
            Err(error) => match self.second_attempt()? {
                Some(value) => Ok(value),
                None => Err(self.malformed(&error.to_string())),
            },
        }
    }

    /// The fast way: straight from the text into the type. Moves only if it succeeds.
    fn attempt<T: DeserializeOwned>(&mut self) -> Result<T, serde_json::Error> {
        loop {
            let mut values = Deserializer::from_str(&self.window[self.position..]).into_iter::<T>();
            let next = strictly(|| values.next());
            let end = self.position + values.byte_offset();
            match next {
                // A number at the end of the window may go on behind it.
                Some(Ok(_)) if end == self.window.len() && self.more() => {}
                Some(Ok(value)) => {
                    self.position = end;
                    return Ok(value);
                }
                Some(Err(error)) if error.is_eof() && self.more() => {}
                Some(Err(error)) => return Err(error),
                None if self.more() => {}
                None => return Err(serde::de::Error::custom("a value is missing")),
            }
        }
    }

    fn second_attempt<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        let text = self.take_text()?;
        let recovered = recover(&text).map_err(|repeat| self.repeated(&repeat))?;
        for oddity in recovered.oddities {
            self.notes.odd(Diagnostic::warning(oddity).at(self.pointer()));
        }
        for loss in &recovered.losses {
            self.notes.lost(misfit(loss, self.pointer()));
        }
        Ok(recovered.value)
    }

    /// The value's text, as it is.
    pub fn take_text(&mut self) -> Result<String, Failure> {
        loop {
            self.skip_blanks();
            let rest = &self.window[self.position..];
            let mut skip = Skip::default();
            let end = skip.advance(rest.as_bytes());
            let end = end.or_else(|| (skip.is_whole_at_the_end() && self.is_at_the_end()).then_some(rest.len()));
            if let Some(end) = end {
                let text = rest[..end].to_owned();
                self.position += end;
                return Ok(text);
            }
            if !self.more() {
                return Err(self.cut());
            }
        }
    }

    /// Moves behind the value without keeping it.
    pub fn skip(&mut self) -> Result<(), Failure> {
        let mut skip = Skip::default();
        loop {
            let rest = &self.window.as_bytes()[self.position..];
            if let Some(end) = skip.advance(rest) {
                self.position += end;
                return Ok(());
            }
            self.position = self.window.len();
            if !self.more() {
                return if skip.is_whole_at_the_end() { Ok(()) } else { Err(self.cut()) };
            }
        }
    }

    pub fn members(
        &mut self,
        mut visit: impl FnMut(&str, &mut Member<'_, 't>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.position += 1; // the brace, by which the caller knew the kind
        let mut names = BTreeSet::new(); // a hash set would make every plugin import a source of randomness
        while self.has_next(b'}', names.len())? {
            let Some(name) = self.parse::<String>()? else {
                return Err(self.malformed("a member's name is missing"));
            };
            self.expect(b':')?;
            self.path.push(Step::Name(name.clone()));
            if !names.insert(name.clone()) && self.repeats == Repeats::Refused {
                return Err(self.repeated(&Repeat { name, path: Vec::new() }));
            }
            self.visit_one(|member| visit(&name, member))?;
        }
        Ok(())
    }

    pub fn elements(
        &mut self,
        mut visit: impl FnMut(usize, &mut Member<'_, 't>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.position += 1; // the bracket, by which the caller knew the kind
        let mut index = 0;
        while self.has_next(b']', index)? {
            if self.notes.is_full() {
                self.skip()?;
            } else {
                self.at_index(index, |member| visit(index, member))?;
            }
            index += 1;
        }
        Ok(())
    }

    /// Visits the value here as the element of this number.
    pub fn at_index(
        &mut self,
        index: usize,
        visit: impl FnOnce(&mut Member<'_, 't>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.path.push(Step::Index(index));
        self.visit_one(visit)
    }

    /// The step was pushed by the caller; on failure it stays, because the failure may still want to say where.
    fn visit_one(&mut self, visit: impl FnOnce(&mut Member<'_, 't>) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut member = Member { cursor: self, taken: false };
        visit(&mut member)?;
        member.skip_unless_taken()?;
        self.path.pop();
        Ok(())
    }

    /// Steps over a comma, if there are members or elements behind. False, and behind the closing bracket, at the end of the object or array.
    fn has_next(&mut self, close: u8, behind: usize) -> Result<bool, Failure> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.position += 1;
                Ok(false)
            }
            Some(b',') => {
                self.position += 1;
                if self.peek() == Some(close) {
                    self.notes.odd_once(Diagnostic::note("trailing comma").at(self.pointer()));
                    self.position += 1;
                    return Ok(false);
                }
                Ok(true)
            }
            Some(_) if behind == 0 => Ok(true),
            Some(_) => Err(self.malformed("a comma is missing")),
            None => Err(self.cut()),
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Failure> {
        match self.peek() {
            Some(byte) if byte == wanted => {
                self.position += 1;
                Ok(())
            }
            Some(_) => Err(self.malformed(&format!("`{}` is missing", char::from(wanted)))),
            None => Err(self.cut()),
        }
    }

    pub fn kind(&mut self) -> Result<Kind, Failure> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(_) => Err(self.malformed("a JSON value was expected")),
            None => Err(self.cut()),
        }
    }

    /// Whether the value is of this kind; anything but `null` in its place is skipped with a diagnostic.
    pub fn is(&mut self, wanted: Kind) -> Result<bool, Failure> {
        let kind = self.kind()?;
        if kind == wanted {
            return Ok(true);
        }
        if kind != Kind::Null {
            let message = format!("{wanted:?} was expected, found {kind:?}").to_lowercase();
            self.notes.lost(misfit(&message, self.pointer()));
        }
        self.skip()?;
        Ok(false)
    }

    /// Moves to the next value of a sequence; lines that cannot start one are skipped with a diagnostic. False at the end.
    pub fn find_value(&mut self) -> Result<bool, Failure> {
        self.path.clear();
        loop {
            match self.peek() {
                None => return Ok(false),
                Some(b'{' | b'[') => return Ok(true),
                Some(_) => {
                    self.notes.odd(Diagnostic::warning("a line that is no JSON object or array was skipped"));
                    self.skip_line();
                }
            }
        }
    }

    fn skip_line(&mut self) {
        loop {
            if let Some(end) = self.window[self.position..].find('\n') {
                self.position += end + 1;
                return;
            }
            self.position = self.window.len();
            if !self.more() {
                return;
            }
        }
    }

    /// Whether the text turned out to end in the middle of a value.
    pub fn broke_off(&self) -> bool {
        self.is_cut
    }

    /// Gives the rest of the text up.
    pub fn lose(&mut self, message: &str) {
        self.notes.lost(Diagnostic::warning(message).at(self.pointer()));
        self.position = self.window.len();
    }

    /// Whoever reads the last document of two sees another report than we do.
    pub fn expect_the_end(&mut self) -> Result<(), Failure> {
        match self.peek() {
            Some(_) => Err(Failure::malformed("text stands after the end of the JSON document")),
            None => Ok(()),
        }
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        loop {
            self.skip_blanks();
            if let Some(byte) = self.window.as_bytes().get(self.position) {
                return Some(*byte);
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn skip_blanks(&mut self) {
        let bytes = self.window.as_bytes();
        while bytes.get(self.position).is_some_and(|byte| is_blank(char::from(*byte))) {
            self.position += 1;
        }
    }

    fn is_at_the_end(&self) -> bool {
        self.feed.as_ref().is_none_or(|feed| feed.ended)
    }

    /// Slides the window on. False at the end of the text.
    fn more(&mut self) -> bool {
        let Some(feed) = &mut self.feed else { return false };
        if feed.ended {
            return false;
        }
        let window = self.window.to_mut();
        window.drain(..self.position);
        self.position = 0;
        feed.append(window);
        true
    }

    fn cut(&mut self) -> Failure {
        self.is_cut = true;
        self.malformed("the text breaks off")
    }

    fn repeated(&self, repeat: &Repeat) -> Failure {
        let (name, pointer) = (&repeat.name, self.pointer() + &render(&repeat.path));
        Failure::malformed(format!("`{name}` stands twice at {pointer}; readers disagree about which one counts"))
    }

    fn malformed(&self, message: &str) -> Failure {
        let pointer = self.pointer();
        if pointer.is_empty() {
            Failure::malformed(message)
        } else {
            Failure::malformed(format!("{pointer}: {message}"))
        }
    }
}
