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

/// What a compiled pattern may take, in bytes: the smallest of these that it fits into is what it weighs. Measured: a
/// pattern of ASCII takes less than 128 KiB even in long repetitions, `.{1,1000}` and `\p{Lu}\p{Ll}{1,40}` about 1 MiB,
/// `\p{L}{1,64}` 2.7 MiB, `[\p{L}\p{N} .,'-]{1,100}` 4.6 MiB. Building one takes four times as much for a moment.
const COMPILED_BYTES: [usize; 3] = [128 << 10, 1200 << 10, 5 << 20];

/// Patterns that are kept compiled, because a policy asks for the same few over and over, and what they weigh together.
/// The crate may hold each twice (forwards and backwards), beside up to 1 MiB of a faster form and twice the cache
/// below: 48 MiB at the worst, where an instance has 64 MiB or more.
const MAX_KEPT: usize = 16;
const MAX_KEPT_BYTES: usize = 8 << 20;

/// What a search may remember of its states, in each direction; where it is too little the search is slower.
const SEARCH_CACHE_BYTES: usize = 512 << 10;

/// A pattern and the names of its groups, which may be more than the `regex` crate takes as names.
pub(super) struct Pattern {
    pub(super) regex: Regex,
    names: Vec<Option<String>>,
    /// One of [`COMPILED_BYTES`].
    bytes: usize,
}

#[derive(Default)]
struct Kept {
    patterns: BTreeMap<String, Rc<Pattern>>,
    bytes: usize,
}

impl Kept {
    /// Makes room one by one: a policy with a few patterns more than fit finds most of them still here.
    fn keep(&mut self, key: &str, pattern: Rc<Pattern>) {
        while self.patterns.len() >= MAX_KEPT || self.bytes + pattern.bytes > MAX_KEPT_BYTES {
            let Some((_, dropped)) = self.patterns.pop_first() else { break };
            self.bytes -= dropped.bytes;
        }
        self.bytes += pattern.bytes;
        self.patterns.insert(key.to_owned(), pattern);
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
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
    if let Some(known) = KEPT.with_borrow(|kept| kept.patterns.get(key).cloned()) {
        return Ok(known);
    }
    let (regex, names) = translate(key)?;
    let compiled = compile(&regex);
    let (regex, bytes) =
        compiled.map_err(|error| Fault::new(format!("the pattern {key:?} does not compile: {error}")))?;
    let pattern = Rc::new(Pattern { regex, names, bytes });
    KEPT.with_borrow_mut(|kept| kept.keep(key, pattern.clone()));
    Ok(pattern)
}

/// With what it weighs.
fn compile(text: &str) -> Result<(Regex, usize), regex::Error> {
    let [lighter @ .., heaviest] = COMPILED_BYTES;
    for bytes in lighter {
        match compile_within(text, bytes) {
            Err(regex::Error::CompiledTooBig(_)) => {}
            answer => return answer.map(|regex| (regex, bytes)),
        }
    }
    compile_within(text, heaviest).map(|regex| (regex, heaviest))
}

fn compile_within(text: &str, bytes: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(bytes).dfa_size_limit(SEARCH_CACHE_BYTES).build()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_kept_up_to_a_number_and_a_weight() {
        for count in 1..40 {
            pattern(&format!("a{{{count}}}")).expect("a pattern");
        }
        assert_eq!(KEPT.with_borrow(|kept| kept.patterns.len()), MAX_KEPT);
        for count in 60..63 {
            pattern(&format!(r"^\p{{L}}{{1,{count}}}$")).expect("a pattern");
        }
        KEPT.with_borrow(|kept| {
            assert!(kept.bytes <= MAX_KEPT_BYTES);
            assert_eq!(kept.bytes, kept.patterns.values().map(|pattern| pattern.bytes).sum::<usize>());
        });
    }

    #[test]
    fn classes_of_all_letters_may_be_repeated_and_not_without_end() {
        for text in [r"^\p{L}{1,64}$", r"^[\p{L}\p{N}_-]{1,63}$", r"^[\p{L}\p{N} .,'-]{1,100}$", "^.{1,1000}$"] {
            assert!(pattern(text).is_ok_and(|pattern| pattern.regex.is_match("Übung")), "{text}");
        }
        assert!(pattern(r"^[\p{L}\p{N}\p{M}]{1,1000}$").is_err());
    }
}
