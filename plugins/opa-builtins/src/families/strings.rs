//! Strings: prefixes, suffixes, counting, reversing, replacing.

use crate::{Builtin, Context, Fault, Value, operands, registry::MAX_RESULT_BYTES};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("indexof_n", indexof_n),
    ("strings.any_prefix_match", any_prefix_match),
    ("strings.any_suffix_match", any_suffix_match),
    ("strings.count", count),
    ("strings.replace_n", replace_n),
    ("strings.reverse", reverse),
    ("strings.split_n", split_n),
];

/// Where the search string begins, counted in characters; matches may overlap.
fn indexof_n(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (base, search) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    if search.is_empty() {
        return Err("empty search character".into());
    }
    let mut found = Vec::new();
    for (position, (byte, _)) in base.char_indices().enumerate() {
        if base[byte..].starts_with(search) {
            found.push(Value::from(position));
        }
    }
    Ok(found.into())
}

fn any_prefix_match(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    any_match(arguments, |text, prefix| text.starts_with(prefix))
}

fn any_suffix_match(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    any_match(arguments, |text, suffix| text.ends_with(suffix))
}

fn any_match(arguments: &[Value], fits: fn(&str, &str) -> bool) -> Result<Value, Fault> {
    let (texts, bases) = (one_or_more(arguments, 0)?, one_or_more(arguments, 1)?);
    Ok(texts.iter().any(|text| bases.iter().any(|base| fits(text, base))).into())
}

fn one_or_more(arguments: &[Value], position: usize) -> Result<Vec<&str>, Fault> {
    match operands::any(arguments, position)? {
        Value::String(text) => Ok(vec![text]),
        _ => operands::strings(arguments, position),
    }
}

/// An empty string stands before each character and at the end.
fn count(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (base, search) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    Ok(base.matches(search).count().into())
}

fn reverse(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(operands::string(arguments, 0)?.chars().rev().collect::<String>().into())
}

fn split_n(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (base, delimiter) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let count = operands::int(arguments, 2)?;
    let parts = split(base, delimiter, count);
    Ok(parts.into_iter().map(Value::from).collect::<Vec<_>>().into())
}

/// The first `count` parts, or the last ones when it is negative. An empty delimiter splits into characters.
fn split<'t>(base: &'t str, delimiter: &str, count: i64) -> Vec<&'t str> {
    let mut parts: Vec<&str> = if delimiter.is_empty() {
        base.char_indices().map(|(at, character)| &base[at..at + character.len_utf8()]).collect()
    } else {
        base.split(delimiter).collect()
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        return parts.split_off(parts.len().saturating_sub(wanted));
    }
    parts.truncate(wanted);
    parts
}

/// All patterns at once, from left to right; where two fit, the smaller one in Rego's order wins.
fn replace_n(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut pairs = Vec::new();
    for pair in operands::object(arguments, 0)? {
        let (Value::String(old), Value::String(new)) = pair else {
            return Err("operand 1 non-string key or value found in pattern object".into());
        };
        pairs.push((old.as_str(), new.as_str()));
    }
    Ok(replaced(operands::string(arguments, 1)?, &pairs)?.into())
}

fn replaced(text: &str, pairs: &[(&str, &str)]) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_match = false;
    loop {
        // An empty pattern fits everywhere, except directly behind another match.
        let fit = pairs.iter().find(|(old, _)| rest.starts_with(old) && !(old.is_empty() && after_match));
        after_match = false;
        if let Some((old, new)) = fit {
            out.push_str(new);
            rest = &rest[old.len()..];
            after_match = !old.is_empty();
        }
        if fit.is_none_or(|(old, _)| old.is_empty()) {
            let Some(next) = rest.chars().next() else { return Ok(out) };
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
        if out.len() > MAX_RESULT_BYTES {
            return Err(Fault::new(format!("the text is longer than {MAX_RESULT_BYTES} bytes")));
        }
    }
}
