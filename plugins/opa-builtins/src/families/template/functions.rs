//! The functions that Go's templates have by themselves.

use std::cmp::Ordering;

use super::{super::sprintf, datum::Datum};
use crate::{Fault, text};

const KNOWN: [&str; 19] = [
    "and", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println",
    "slice", "urlquery", "call",
];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

pub(super) fn call(name: &str, arguments: &[Datum]) -> Result<Datum, Fault> {
    match (name, arguments) {
        ("not", [value]) => Ok(Datum::Bool(!value.is_true())),
        ("len", [value]) => length(value).map(|length| Datum::Int(length as i64)),
        ("index", [value, keys @ ..]) => keys.iter().try_fold(value.clone(), index),
        ("slice", [value, bounds @ ..]) if bounds.len() <= 2 => slice(value, bounds),
        ("eq", [value, others @ ..]) if !others.is_empty() => {
            let mut same = false;
            for other in others {
                same |= equal(value, other)?;
                if same {
                    break;
                }
            }
            Ok(Datum::Bool(same))
        }
        ("ne", [left, right]) => equal(left, right).map(|same| Datum::Bool(!same)),
        ("lt", [left, right]) => ordered(left, right).map(|order| Datum::Bool(order.is_lt())),
        ("le", [left, right]) => ordered(left, right).map(|order| Datum::Bool(order.is_le())),
        ("gt", [left, right]) => ordered(left, right).map(|order| Datum::Bool(order.is_gt())),
        ("ge", [left, right]) => ordered(left, right).map(|order| Datum::Bool(order.is_ge())),
        ("print", values) => Ok(Datum::Text(print(values))),
        ("println", values) => {
            let shown: Vec<_> = values.iter().map(printed).collect();
            Ok(Datum::Text(shown.join(" ") + "\n"))
        }
        ("printf", [Datum::Text(format), values @ ..]) => {
            let values: Vec<_> = values.iter().map(Datum::argument).collect();
            sprintf::printed(format, &values).map(Datum::Text)
        }
        ("html", values) => Ok(Datum::Text(html(&print(values)))),
        ("js", values) => Ok(Datum::Text(js(&print(values)))),
        ("urlquery", values) => Ok(Datum::Text(urlquery(&print(values)))),
        _ => Err(format!("{name} does not take these arguments").into()),
    }
}

fn length(value: &Datum) -> Result<usize, Fault> {
    match value {
        Datum::Text(text) | Datum::Digits(text) => Ok(text.len()),
        Datum::List(items) => Ok(items.len()),
        Datum::Map(members) => Ok(members.len()),
        other => Err(format!("len of {}", other.shown()).into()),
    }
}

fn index(value: Datum, key: &Datum) -> Result<Datum, Fault> {
    let wrong = || Fault::new(format!("cannot index with {}", key.shown()));
    match (value, key) {
        (Datum::Map(mut members), Datum::Text(key)) => Ok(members.remove(key).unwrap_or(Datum::Nil)),
        (Datum::List(items), Datum::Int(at)) => {
            let at = usize::try_from(*at).map_err(|_| wrong())?;
            items.into_iter().nth(at).ok_or_else(wrong)
        }
        (Datum::Text(text) | Datum::Digits(text), Datum::Int(at)) => {
            let byte = usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at).copied());
            byte.map(|byte| Datum::Int(byte.into())).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn slice(value: &Datum, bounds: &[Datum]) -> Result<Datum, Fault> {
    let wrong = || Fault::new("a slice is out of range");
    let whole = [0, length(value)?];
    let mut range = whole;
    for (bound, given) in range.iter_mut().zip(bounds) {
        let Datum::Int(given) = given else { return Err(wrong()) };
        *bound = usize::try_from(*given).map_err(|_| wrong())?;
    }
    let [from, to] = range;
    match value {
        Datum::Text(text) | Datum::Digits(text) => {
            // By bytes: what is cut in the middle of a character shows as the replacement of it.
            let bytes = text.as_bytes().get(from..to).ok_or_else(wrong)?;
            Ok(Datum::Text(String::from_utf8_lossy(bytes).into_owned()))
        }
        Datum::List(items) => items.get(from..to).map(|items| Datum::List(items.to_vec())).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// Numbers of the data are strings to Go, and compare as such.
fn equal(left: &Datum, right: &Datum) -> Result<bool, Fault> {
    match (left, right) {
        (Datum::Missing | Datum::Nil, Datum::Missing | Datum::Nil) => Ok(true),
        (Datum::Missing | Datum::Nil, _) | (_, Datum::Missing | Datum::Nil) => Ok(false),
        (Datum::Bool(left), Datum::Bool(right)) => Ok(left == right),
        _ => ordered(left, right).map(Ordering::is_eq),
    }
}

fn ordered(left: &Datum, right: &Datum) -> Result<Ordering, Fault> {
    match (left, right) {
        (Datum::Int(left), Datum::Int(right)) => Ok(left.cmp(right)),
        (Datum::Float(left), Datum::Float(right)) => left.partial_cmp(right).ok_or_else(|| "not a number".into()),
        (Datum::Text(left) | Datum::Digits(left), Datum::Text(right) | Datum::Digits(right)) => Ok(left.cmp(right)),
        _ => Err("incompatible types for comparison".into()),
    }
}

fn printed(value: &Datum) -> String {
    if matches!(value, Datum::Missing) { Datum::Nil.shown() } else { value.shown() }
}

/// A blank stands between two operands that are both no strings.
fn print(values: &[Datum]) -> String {
    let is_text = |value: &Datum| matches!(value, Datum::Text(_) | Datum::Digits(_));
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        out.push_str(if at > 0 && !is_text(value) && !is_text(&values[at - 1]) { " " } else { "" });
        out.push_str(&printed(value));
    }
    out
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '\'' | '"' => out.extend(['\\', character]),
            '<' | '>' | '&' | '=' | '\0'..' ' => out.push_str(&format!("\\u{:04X}", u32::from(character))),
            other if other.is_ascii() || text::is_printable(other) => out.push(other),
            other => out.push_str(&format!("\\u{:04X}", u32::from(other))),
        }
    }
    out
}

fn urlquery(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
