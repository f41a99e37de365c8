//! Reads JSON as scanners really write it, fast: values go straight from the text into the author's struct, once.
//!
//! ```
//! # use palisade_plugin::{Artifact, Failure, lenient::{Number, Text}};
//! # fn read(artifact: &Artifact) -> Result<(), Failure> {
//! #[derive(Default, serde::Deserialize)]
//! #[serde(default, rename_all = "PascalCase")]
//! struct Outcome {
//!     target: Text,
//! }
//!
//! let mut version = None;
//! let mut targets = Vec::new();
//! artifact.json()?.members(|name, member| {
//!     match name {
//!         "SchemaVersion" => version = member.parse::<Number>()?,
//!         "Results" => member.each::<Outcome>(|_, outcome| {
//!             targets.push(outcome.target);
//!             Ok(())
//!         })?,
//!         _ => {} // what nobody takes is skipped
//!     }
//!     Ok(())
//! })?;
//! # assert_eq!((version, targets.len()), (Some(Number(2.0)), 1));
//! # Ok(())
//! # }
//! # read(&Artifact::in_memory("a/b", r#"{"SchemaVersion": 2, "Results": [{"Target": "x"}]}"#)).unwrap();
//! ```
//!
//! What is tolerated, each with a diagnostic in the report: an element that does not fit its struct (it is left out, and
//! the report becomes partial), raw control characters and lone surrogates in strings, trailing commas, bytes that are not
//! UTF-8. Nesting deeper than 128 costs the element that nests; skipping has no limit.
//!
//! Malformed as a whole is a text that ends in the middle, that goes on after the document's end, or that names a member
//! twice in an object that is walked or parsed into a struct: readers disagree about which one counts, so either could
//! hide findings. Escapes in a name are no disguise. What is skipped is not looked into. Plain maps and
//! [`serde_json::Value`] keep the last of two silently; [`Table`](crate::lenient::Table) and
//! [`Tree`](crate::lenient::Tree) refuse them.
//!
//! Files up to 16 MiB are read into one buffer; above, a window slides over the file, and memory stays at the window and
//! the largest value that is parsed at once. Both walks can be repeated: call [`Json::members`] twice when a later member
//! is needed first.

mod cursor;
mod pointer;
mod recover;
mod repeats;
pub(crate) mod skim;
mod skip;

use serde::de::DeserializeOwned;

use crate::notes::Notes;
use crate::ranged::{LARGEST_READ, Ranged, read_range, read_whole};
use crate::text;
use crate::types::{Diagnostic, Failure};
use cursor::{Cursor, Feed};

pub(crate) use pointer::pointer_at;

/// Up to here one buffer is cheaper than a window, and a store of 128 MiB has room for it.
const LARGEST_BUFFER: u64 = 16 * 1024 * 1024;

/// A JSON file, opened. Nothing is parsed before a value is asked for.
pub struct Json<'a> {
    source: &'a dyn Ranged,
    notes: Notes,
    buffer: Option<String>,
}

impl<'a> Json<'a> {
    pub(crate) fn open(source: &'a dyn Ranged, notes: Notes) -> Result<Json<'a>, Failure> {
        Json::open_buffering(source, notes, LARGEST_BUFFER)
    }

    fn open_buffering(source: &'a dyn Ranged, notes: Notes, largest_buffer: u64) -> Result<Json<'a>, Failure> {
        refuse_other_files(source)?;
        let buffer = (source.size() <= largest_buffer).then(|| text::decode(read_whole(source), &notes));
        Ok(Json { source, notes, buffer })
    }

    /// Walks the top-level object: `visit` gets each member's name and value, in the file's order.
    ///
    /// # Errors
    /// `malformed` if the file is no JSON object, breaks off, goes on after its end or repeats a member; whatever `visit` returns.
    pub fn members(
        &mut self,
        mut visit: impl FnMut(&str, &mut Member<'_, '_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.walk(|member| {
            if member.kind()? != Kind::Object {
                return Err(Failure::malformed("a JSON object was expected at the top level"));
            }
            member.members(&mut visit)
        })
    }

    /// Walks the top-level array. See [`Member::elements`].
    ///
    /// # Errors
    /// `malformed` if the file is no JSON array or breaks off; whatever `visit` returns.
    pub fn elements(
        &mut self,
        visit: impl FnMut(usize, &mut Member<'_, '_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.walk(|member| match member.kind()? {
            Kind::Array => member.elements(visit),
            _ => Err(Failure::malformed("a JSON array was expected at the top level")),
        })
    }

    /// Parses each element of the top-level array. See [`Member::each`].
    ///
    /// # Errors
    /// As [`elements`](Json::elements).
    pub fn each<T: DeserializeOwned>(
        &mut self,
        visit: impl FnMut(usize, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.walk(|member| match member.kind()? {
            Kind::Array => member.each(visit),
            _ => Err(Failure::malformed("a JSON array was expected at the top level")),
        })
    }

    /// Walks values that stand one after the other: JSON lines, or pretty-printed and concatenated. Text between them, such
    /// as a log line, and a last value that breaks off are diagnostics.
    ///
    /// # Errors
    /// Whatever `visit` returns.
    pub fn values(
        &mut self,
        mut visit: impl FnMut(usize, &mut Member<'_, '_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut cursor = self.cursor();
        let mut index = 0;
        while cursor.find_value()? {
            if cursor.notes.is_full() {
                break;
            }
            let taken = cursor.at_index(index, |member| visit(index, member));
            match taken {
                // The visitor's own failure is its word; ours about a cut text is a diagnostic, as promised.
                Err(_) if cursor.broke_off() => cursor.lose("the last value breaks off"),
                other => other?,
            }
            index += 1;
        }
        Ok(())
    }

    /// Parses the whole document. For small files, and for formats that need everything at once.
    ///
    /// # Errors
    /// `malformed` if the document does not fit or breaks off.
    pub fn parse<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let mut parsed = None;
        self.walk(|member| {
            parsed = Some(member.parse_or_fail()?);
            Ok(())
        })?;
        Ok(parsed.expect("the walk fails if it does not visit the value"))
    }

    fn walk(&mut self, visit: impl FnOnce(&mut Member<'_, '_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut cursor = self.cursor();
        let mut member = Member { cursor: &mut cursor, taken: false };
        visit(&mut member)?;
        member.skip_unless_taken()?;
        cursor.expect_the_end()
    }

    fn cursor(&self) -> Cursor<'_> {
        match &self.buffer {
            Some(text) => Cursor::over(text, self.notes.clone()),
            None => Cursor::sliding(Feed::new(self.source, self.notes.clone()), self.notes.clone()),
        }
    }
}

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // JSON's own six
pub enum Kind {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

/// A value that a walk stands before. Take it with one of the functions; what is not taken is skipped.
pub struct Member<'c, 't> {
    cursor: &'c mut Cursor<'t>,
    taken: bool,
}

impl Member<'_, '_> {
    /// What the value is, by its first character.
    ///
    /// # Errors
    /// `malformed` if there is no value.
    pub fn kind(&mut self) -> Result<Kind, Failure> {
        self.cursor.kind()
    }

    /// JSON pointer of the value, such as `/Results/3/Vulnerabilities`.
    pub fn pointer(&self) -> String {
        self.cursor.pointer()
    }

    /// Parses the value; `None` with a diagnostic if it does not fit, and `None` for a value that was taken before.
    ///
    /// # Errors
    /// `malformed` if the text breaks off, repeats a member or cannot be followed any further.
    pub fn parse<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        if std::mem::replace(&mut self.taken, true) {
            return Ok(None);
        }
        self.cursor.parse()
    }

    /// Parses the value; a misfit is `malformed` and says where.
    ///
    /// # Errors
    /// `malformed` if the value does not fit or breaks off.
    pub fn parse_or_fail<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        self.taken = true;
        self.cursor.parse_or_fail()
    }

    /// The value's own JSON text, whatever is in it; for those who want `&RawValue` or to parse later.
    ///
    /// # Errors
    /// `malformed` if the text breaks off.
    pub fn text(&mut self) -> Result<String, Failure> {
        self.taken = true;
        self.cursor.take_text()
    }

    /// Walks an object's members, in the file's order. Anything but an object is a diagnostic (`null` not even that), and
    /// nothing is visited.
    ///
    /// # Errors
    /// `malformed` if the text breaks off or repeats a member; whatever `visit` returns.
    pub fn members(
        &mut self,
        visit: impl FnMut(&str, &mut Member<'_, '_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if std::mem::replace(&mut self.taken, true) || !self.cursor.is(Kind::Object)? {
            return Ok(());
        }
        self.cursor.members(visit)
    }

    /// Walks an array's elements. Anything but an array is a diagnostic (`null` not even that), and nothing is visited.
    /// Stops by itself once the report is full.
    ///
    /// # Errors
    /// `malformed` if the text breaks off; whatever `visit` returns.
    pub fn elements(
        &mut self,
        visit: impl FnMut(usize, &mut Member<'_, '_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if std::mem::replace(&mut self.taken, true) || !self.cursor.is(Kind::Array)? {
            return Ok(());
        }
        self.cursor.elements(visit)
    }

    /// Parses each element of an array, straight into its type. An element that does not fit is left out with a diagnostic
    /// that names its pointer, and the report becomes partial. Else as [`elements`](Member::elements).
    ///
    /// # Errors
    /// `malformed` if the text breaks off; whatever `visit` returns.
    pub fn each<T: DeserializeOwned>(
        &mut self,
        mut visit: impl FnMut(usize, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.elements(|index, member| match member.parse::<T>()? {
            Some(element) => visit(index, element),
            None => Ok(()),
        })
    }

    fn skip_unless_taken(&mut self) -> Result<(), Failure> {
        if self.taken { Ok(()) } else { self.cursor.skip() }
    }
}

/// Files that are no JSON for a reason that has a name.
fn refuse_other_files(source: &dyn Ranged) -> Result<(), Failure> {
    /// Enough for a mark, blanks and a magic number.
    const HEAD: usize = 1024;
    let head = read_range(source, 0, HEAD);
    match &head[..] {
        [0x1f, 0x8b, ..] => return Err(Failure::unsupported("gzip")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err(Failure::unsupported("zstd")),
        [b'P', b'K', 3, 4, ..] => return Err(Failure::unsupported("zip")),
        _ => {}
    }
    let text = text::decode(head, &Notes::default());
    match text.trim_start_matches(is_blank).chars().next() {
        None if source.size() <= HEAD as u64 => Err(Failure::malformed("empty")),
        Some('<') => Err(Failure::malformed("HTML or XML where JSON was expected, such as a saved error page")),
        _ => Ok(()),
    }
}

/// JSON's white space, and the NULs that some tools pad with.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\r' | '\t' | '\0')
}

impl<'a> Feed<'a> {
    fn new(source: &'a dyn Ranged, notes: Notes) -> Feed<'a> {
        Feed { source, offset: 0, decoder: text::ChunkDecoder::new(notes), ended: false }
    }

    /// Appends what comes next, at least as much as there is already, so that a large value is tried only a few times.
    fn append(&mut self, window: &mut String) {
        let enough = window.len() * 2 + 1;
        while window.len() < enough && !self.ended {
            let chunk = self.source.read(self.offset, LARGEST_READ);
            self.offset += chunk.len() as u64;
            self.ended = chunk.is_empty() || self.offset >= self.source.size();
            let place = if self.ended { text::Place::Last } else { text::Place::Before };
            self.decoder.append(window, &chunk, place);
        }
    }
}

/// Walks a text's top-level object for the outline: `see` gets name, kind and, for scalars, the text. Returns what stands
/// behind the document.
pub(crate) fn outline_of(text: &str, mut see: impl FnMut(&str, Kind, Option<String>)) -> Result<&str, Failure> {
    let mut cursor = Cursor::over(text, Notes::default()).visiting_repeats();
    let mut member = Member { cursor: &mut cursor, taken: false };
    if member.kind()? == Kind::Object {
        member.members(|name, value| {
            let kind = value.kind()?;
            let scalar = (!matches!(kind, Kind::Object | Kind::Array)).then(|| value.text()).transpose()?;
            see(name, kind, scalar);
            Ok(())
        })?;
    }
    member.skip_unless_taken()?;
    Ok(text[cursor.position()..].trim_matches(is_blank))
}

fn misfit(message: &str, pointer: String) -> Diagnostic {
    Diagnostic::warning(format!("left out: {message}")).at(pointer)
}

#[cfg(test)]
mod tests;
