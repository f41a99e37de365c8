//! Writes a value in block style as OPA's library does: two blanks per level, keys in natural order, and the quotes that
//! keep a string from being read as something else.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    date::{is_clock, is_day, is_zone},
    scalar::{Scalar, yaml_float},
};
use crate::{Fault, Value, families::json::key_text};

/// A key longer than this is written after a question mark, on its own line.
const MAX_SIMPLE_KEY: usize = 128;

pub fn document(value: &Value) -> Result<String, Fault> {
    let mut writer = Writer { text: String::new() };
    writer.node(value, Place { indent: 0, after: After::Nothing })?;
    if !writer.text.ends_with('\n') {
        writer.text.push('\n');
    }
    Ok(writer.text)
}

/// What stands in front of a value on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    /// `- `, `? ` or `: ` at the start of a line: a collection may begin right there.
    Dash,
    /// `key:`: a collection begins on the next line.
    Key,
}

#[derive(Clone, Copy)]
struct Place {
    /// Where the lines of a collection begin.
    indent: usize,
    after: After,
}

struct Writer {
    text: String,
}

impl Writer {
    fn node(&mut self, value: &Value, place: Place) -> Result<(), Fault> {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let mut members: Vec<(Cow<'_, str>, &Value)> =
                    members.iter().map(|(key, value)| (key_text(key), value)).collect();
                members.sort_by(|(left, _), (right, _)| natural(left, right));
                self.mapping(&members, place)
            }
            Value::Array(items) if !items.is_empty() => self.sequence(items.iter(), place),
            Value::Set(items) if !items.is_empty() => self.sequence(items.iter(), place),
            scalar => self.scalar(scalar, place),
        }
    }

    /// The line of an item of a collection: the first may share a line with the dash in front of it.
    fn line(&mut self, place: Place, index: usize) {
        if index == 0 && place.after == After::Dash {
            return;
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.extend(std::iter::repeat_n(' ', place.indent));
    }

    fn mapping(&mut self, members: &[(Cow<'_, str>, &Value)], place: Place) -> Result<(), Fault> {
        for (index, (key, value)) in members.iter().enumerate() {
            self.line(place, index);
            let inner = place.indent + 2;
            if key.len() <= MAX_SIMPLE_KEY && !key.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
                self.text.push_str(&inline(key)?);
                self.text.push(':');
                self.node(value, Place { indent: inner, after: After::Key })?;
            } else {
                self.text.push_str("? ");
                self.string(key, inner)?;
                self.line(place, 1);
                self.text.push_str(": ");
                self.node(value, Place { indent: inner, after: After::Dash })?;
            }
        }
        Ok(())
    }

    fn sequence<'v>(&mut self, items: impl Iterator<Item = &'v Value>, place: Place) -> Result<(), Fault> {
        for (index, item) in items.enumerate() {
            self.line(place, index);
            self.text.push_str("- ");
            self.node(item, Place { indent: place.indent + 2, after: After::Dash })?;
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Value, place: Place) -> Result<(), Fault> {
        if place.after == After::Key {
            self.text.push(' ');
        }
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            Value::Number(number) => match Scalar::plain(number.as_str()) {
                Scalar::Int(number) => self.text.push_str(&number.to_string()),
                Scalar::Float(float) => self.text.push_str(&yaml_float(float)),
                _ => self.text.push_str(number.as_str()),
            },
            Value::String(content) => {
                let indent = if place.after == After::Nothing { 2 } else { place.indent };
                self.string(content, indent)?;
            }
            Value::Object(_) => self.text.push_str("{}"),
            Value::Array(_) | Value::Set(_) => self.text.push_str("[]"),
        }
        Ok(())
    }

    fn string(&mut self, content: &str, indent: usize) -> Result<(), Fault> {
        match content.contains('\n') && may_be_literal(content) {
            true => self.literal(content, indent),
            false => self.text.push_str(&inline(content)?),
        }
        Ok(())
    }

    /// A block after a bar. The sign says what becomes of the line breaks at the end, the digit that blanks are content.
    fn literal(&mut self, content: &str, indent: usize) {
        self.text.push('|');
        if content.starts_with([' ', '\n']) {
            self.text.push('2');
        }
        self.text.push_str(match content.strip_suffix('\n') {
            None => "-",
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
            Some(_) => "",
        });
        self.text.push('\n');
        for line in content.split_inclusive('\n') {
            if line != "\n" {
                self.text.extend(std::iter::repeat_n(' ', indent));
            }
            self.text.push_str(line);
        }
    }
}

/// What OPA's library can show as it is: neither control characters nor anything beyond the basic plane.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

fn may_be_literal(content: &str) -> bool {
    content.chars().all(|letter| letter == '\t' || is_printable(letter))
        && !content.ends_with(' ')
        && !content.contains(" \n")
}

/// A string on one line: plain where it would be read as itself, else in quotes.
fn inline(content: &str) -> Result<String, Fault> {
    if let Some(letter) = content.chars().find(|letter| matches!(letter, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}')) {
        return Err(Fault::new(format!("YAML has no place for the character U+{:04X}", u32::from(letter))));
    }
    let is_text = matches!(Scalar::plain(content), Scalar::Text(_) | Scalar::Merge);
    let needs_escapes = content.contains('\n') || !content.chars().all(is_printable);
    if needs_escapes || !is_text || is_old_bool(content) || is_base_60(content) || is_date(content) {
        return Ok(double_quoted(content));
    }
    Ok(match may_be_plain(content) {
        true => content.to_owned(),
        false => format!("'{}'", content.replace('\'', "''")),
    })
}

/// Booleans of YAML 1.1, which other readers still know.
fn is_old_bool(content: &str) -> bool {
    const WORDS: [&str; 16] =
        ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    WORDS.contains(&content)
}

/// Numbers of YAML 1.1 like `12:30:45`.
fn is_base_60(content: &str) -> bool {
    let unsigned = content.strip_prefix(['+', '-']).unwrap_or(content);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let is_part = |part: &str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens @ b'0'..=b'5', ones] => tens.is_ascii_digit() && ones.is_ascii_digit(),
        _ => false,
    };
    let rest: Vec<&str> = parts.collect();
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && !rest.is_empty()
        && rest.iter().all(|part| is_part(part))
}

/// Dates of YAML 1.1, alone or with a time behind them.
fn is_date(content: &str) -> bool {
    let Some(at) = content.find(['T', 't', ' ']) else { return is_day(content) };
    let (day, time) = (&content[..at], &content[at + 1..]);
    let (clock, zone) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
    let zone_fits = if content[at..].starts_with(' ') { zone.is_empty() } else { is_zone(zone) };
    is_day(day) && is_clock(clock) && zone_fits
}

/// Whether no sign of YAML's own would be read in it.
fn may_be_plain(content: &str) -> bool {
    let mut before = ' ';
    let mut letters = content.chars().peekable();
    let mut is_first = true;
    if content.starts_with(' ') || content.ends_with(' ') || content.starts_with("---") || content.starts_with("...") {
        return false;
    }
    while let Some(letter) = letters.next() {
        let ends_word = letters.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
        let is_sign = match letter {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
                if is_first =>
            {
                true
            }
            '?' | '-' if is_first => ends_word,
            ':' => ends_word,
            '#' => before == ' ',
            '\u{2028}' | '\u{2029}' => true,
            _ => false,
        };
        if is_sign {
            return false;
        }
        (before, is_first) = (letter, false);
    }
    true
}

fn double_quoted(content: &str) -> String {
    let mut text = String::from("\"");
    for letter in content.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0' => text.push_str("\\0"),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\u{1b}' => text.push_str("\\e"),
            '\u{85}' => text.push_str("\\N"),
            '\u{2028}' => text.push_str("\\L"),
            '\u{2029}' => text.push_str("\\P"),
            '\u{feff}' => text.push_str("\\uFEFF"),
            letter if is_printable(letter) => text.push(letter),
            letter if u32::from(letter) <= 0xff => text.push_str(&format!("\\x{:02X}", u32::from(letter))),
            letter if u32::from(letter) <= 0xffff => text.push_str(&format!("\\u{:04X}", u32::from(letter))),
            letter => text.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    text.push('"');
    text
}

/// As people sort: numbers inside a key count as numbers, letters stand behind everything else.
fn natural(left: &str, right: &str) -> Ordering {
    let common: usize = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (before, left_rest, right_rest) = (&left[..common], &left[common..], &right[common..]);
    let (Some(a), Some(b)) = (left_rest.chars().next(), right_rest.chars().next()) else {
        return left.len().cmp(&right.len());
    };
    let in_number = before.ends_with(|letter: char| letter.is_ascii_digit());
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => a.cmp(&b),
        (true, false) if in_number => Ordering::Less,
        (false, true) if in_number => Ordering::Greater,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => number(before, left_rest).cmp(&number(before, right_rest)).then(a.cmp(&b)),
    }
}

/// The digits at the start of the rest as something that compares as their number does: how many digits count, which, and
/// how many there are.
fn number<'t>(before: &str, rest: &'t str) -> (usize, &'t str, usize) {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let run = &rest[..length];
    let digits_before = before.bytes().rev().take_while(u8::is_ascii_digit);
    let goes_on = digits_before.into_iter().any(|digit| digit != b'0');
    let counting = if goes_on { run } else { run.trim_start_matches('0') };
    (counting.len(), counting, length)
}
