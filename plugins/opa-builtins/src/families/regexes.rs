//! Regular expressions with RE2's syntax, on the `regex` crate, and Go's replacement templates.

mod globs_match;
mod syntax;
mod template;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use regex::{Captures, Regex, RegexBuilder};

use crate::{Builtin, Context, Fault, Value, operands, registry::MAX_RESULT_BYTES};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("regex.find_all_string_submatch_n", find_all_string_submatch_n),
    ("regex.find_n", find_n),
    ("regex.globs_match", globs_match::globs_match),
    ("regex.is_valid", is_valid),
    ("regex.match", is_match),
    ("regex.replace", replace),
    ("regex.split", split),
    ("regex.template_match", template_match),
];

/// A compiled pattern, in bytes. The default of the `regex` crate; one instance may use 64 MiB in all.
const MAX_COMPILED_BYTES: usize = 10 << 20;

/// Patterns that are kept compiled: a policy asks for the same few over and over. OPA keeps as many.
const MAX_KEPT: usize = 100;

/// A pattern and the names of its groups, which may be more than the `regex` crate takes as names.
pub(super) struct Pattern {
    pub(super) regex: Regex,
    names: Vec<Option<String>>,
}

thread_local! {
    static KEPT: RefCell<BTreeMap<String, Rc<Pattern>>> = RefCell::default();
}

/// Compiles a pattern as Go reads it, or finds it among those kept.
fn pattern(text: &str) -> Result<Rc<Pattern>, Fault> {
    kept(text, |text| {
        let syntax::Translated { regex, names } = syntax::translate(text)?;
        Ok((regex, names))
    })
}

/// A pattern by its key, compiled from what `translate` makes of the key.
pub(super) fn kept(
    key: &str,
    translate: impl FnOnce(&str) -> Result<(String, Vec<Option<String>>), Fault>,
) -> Result<Rc<Pattern>, Fault> {
    if let Some(known) = KEPT.with_borrow(|kept| kept.get(key).cloned()) {
        return Ok(known);
    }
    let (regex, names) = translate(key)?;
    let regex = RegexBuilder::new(&regex).size_limit(MAX_COMPILED_BYTES).build();
    let regex = regex.map_err(|error| Fault::new(format!("the pattern {key:?} does not compile: {error}")))?;
    let pattern = Rc::new(Pattern { regex, names });
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key.to_owned(), pattern.clone());
    });
    Ok(pattern)
}

fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(operands::string(arguments, 0).is_ok_and(|text| pattern(text).is_ok()).into())
}

fn is_match(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (text, value) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    Ok(pattern(text)?.regex.is_match(value).into())
}

/// A limit below zero is none.
fn limit(arguments: &[Value], position: usize) -> Result<usize, Fault> {
    Ok(usize::try_from(operands::int(arguments, position)?).unwrap_or(usize::MAX))
}

fn find_n(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (text, value) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let limit = limit(arguments, 2)?;
    let pattern = pattern(text)?;
    let found = pattern.regex.find_iter(value).take(limit).map(|found| found.as_str().into());
    Ok(found.collect::<Vec<Value>>().into())
}

fn find_all_string_submatch_n(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (text, value) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let limit = limit(arguments, 2)?;
    let pattern = pattern(text)?;
    let found = pattern.regex.captures_iter(value).take(limit).map(|captures| groups(&captures));
    Ok(found.collect::<Vec<Value>>().into())
}

fn groups(captures: &Captures<'_>) -> Value {
    let texts = captures.iter().map(|group| group.map_or("", |group| group.as_str()).into());
    texts.collect::<Vec<Value>>().into()
}

fn split(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (text, value) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let pattern = pattern(text)?;
    Ok(parts(&pattern.regex, value, text.is_empty()).into_iter().map(Value::from).collect::<Vec<_>>().into())
}

/// As Go splits: an empty match at the very beginning splits nothing off, one at the end ends the list.
fn parts<'t>(regex: &Regex, text: &'t str, empty_pattern: bool) -> Vec<&'t str> {
    if text.is_empty() && !empty_pattern {
        return vec![""];
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    for found in regex.find_iter(text) {
        end = found.start();
        if found.end() != 0 {
            parts.push(&text[begin..end]);
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    parts
}

fn replace(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (base, text) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let replacement = operands::string(arguments, 2)?;
    let pattern = pattern(text)?;
    let mut out = String::new();
    let mut end = 0;
    for captures in pattern.regex.captures_iter(base) {
        let whole = captures.get_match();
        out.push_str(&base[end..whole.start()]);
        template::expand(&mut out, replacement, &captures, &pattern.names);
        end = whole.end();
        if out.len() > MAX_RESULT_BYTES {
            return Err(Fault::new(format!("the text is longer than {MAX_RESULT_BYTES} bytes")));
        }
    }
    Ok((out + &base[end..]).into())
}

/// Regular expressions between delimiters, and literal text around them.
fn template_match(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (template, value) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let delimiters = [delimiter(arguments, 2)?, delimiter(arguments, 3)?];
    Ok(pattern(&template_pattern(template, delimiters)?)?.regex.is_match(value).into())
}

fn delimiter(arguments: &[Value], position: usize) -> Result<u8, Fault> {
    match operands::string(arguments, position)?.as_bytes() {
        [byte] => Ok(*byte),
        other => Err(Fault::new(format!("a delimiter has to be one character long but is {} long", other.len()))),
    }
}

fn template_pattern(template: &str, [open, close]: [u8; 2]) -> Result<String, Fault> {
    let mut regex = String::from("^");
    let (mut level, mut from) = (0_usize, 0);
    for (at, byte) in template.bytes().enumerate() {
        if byte == open {
            level += 1;
            if level == 1 {
                regex.push_str(&quoted(&template[from..at]));
                from = at + 1;
            }
        } else if byte == close {
            level = level.checked_sub(1).ok_or("unbalanced braces in the template")?;
            if level == 0 {
                let inner = &template[from..at];
                pattern(&format!("^{inner}$"))?;
                regex.push_str(&format!("({inner})"));
                from = at + 1;
            }
        }
    }
    if level != 0 {
        return Err("unbalanced braces in the template".into());
    }
    Ok(regex + &quoted(&template[from..]) + "$")
}

/// Literal text as a pattern in Go's syntax.
fn quoted(text: &str) -> String {
    let mut regex = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            regex.push('\\');
        }
        regex.push(character);
    }
    regex
}
