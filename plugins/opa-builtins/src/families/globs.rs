//! Shell patterns with delimiters, as OPA's library for them reads them: `*` and `?` stop at a delimiter, `**` does not.

use super::regexes;
use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("glob.match", glob_match), ("glob.quote_meta", quote_meta)];

fn quote_meta(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut quoted = String::new();
    for character in operands::string(arguments, 0)?.chars() {
        if r"*?\[]{}".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    Ok(quoted.into())
}

/// Without delimiters given it is the dot; with `null` there are none.
fn glob_match(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let pattern = operands::string(arguments, 0)?;
    let mut delimiters = match operands::any(arguments, 1)? {
        Value::Null => Vec::new(),
        _ => characters(operands::array(arguments, 1)?)?,
    };
    if delimiters.is_empty() && !matches!(arguments[1], Value::Null) {
        delimiters.push('.');
    }
    let value = operands::string(arguments, 2)?;
    let regex = Glob { rest: pattern, delimiters: &delimiters }.regex()?;
    // A key that no regular expression has: its text begins with a character that stands in none.
    let kept = regexes::kept(&format!("\u{10fffe}{regex}"), |_| Ok((regex.clone(), Vec::new())))?;
    Ok(kept.regex.is_match(value).into())
}

fn characters(items: &[Value]) -> Result<Vec<char>, Fault> {
    let one = |item: &Value| match item {
        Value::String(text) => text.chars().next().filter(|first| first.len_utf8() == text.len()),
        _ => None,
    };
    items.iter().map(|item| one(item).ok_or("operand 2 must be array of single characters".into())).collect()
}

struct Glob<'p> {
    rest: &'p str,
    delimiters: &'p [char],
}

impl Glob<'_> {
    fn regex(mut self) -> Result<String, Fault> {
        let mut regex = String::from(r"\A(?s:");
        let mut depth = 0_usize;
        while let Some(character) = self.next() {
            match character {
                '*' if self.rest.starts_with('*') => {
                    self.next();
                    regex.push_str(".*");
                }
                '*' => regex.push_str(&format!("{}*", self.no_delimiter())),
                '?' => regex.push_str(&self.no_delimiter()),
                '[' => regex.push_str(&self.class()?),
                '{' => {
                    depth += 1;
                    regex.push_str("(?:");
                }
                '}' if depth > 0 => {
                    depth -= 1;
                    regex.push(')');
                }
                ',' if depth > 0 => regex.push('|'),
                '\\' => put(&mut regex, self.next().ok_or("the pattern ends with an escape")?),
                other => put(&mut regex, other),
            }
        }
        if depth > 0 {
            return Err("a brace in the pattern is not closed".into());
        }
        Ok(regex + r")\z")
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn no_delimiter(&self) -> String {
        if self.delimiters.is_empty() {
            return ".".to_owned();
        }
        let mut class = String::from("[^");
        self.delimiters.iter().for_each(|delimiter| put(&mut class, *delimiter));
        class + "]"
    }

    /// One range or a list of characters, never both: `[a-c]`, `[abc]`, `[!abc]`.
    fn class(&mut self) -> Result<String, Fault> {
        let unclosed = || Fault::new("a bracket in the pattern is not closed");
        let mut class = String::from("[");
        if self.rest.starts_with('!') {
            self.next();
            class.push('^');
        }
        let low = self.rest.chars().next().ok_or_else(unclosed)?;
        if let Some(after) = self.rest[low.len_utf8()..].strip_prefix('-') {
            let high = after.chars().next().ok_or_else(unclosed)?;
            self.rest = after[high.len_utf8()..].strip_prefix(']').ok_or("a range has more than two ends")?;
            if high < low {
                return Err("a range ends before it begins".into());
            }
            put(&mut class, low);
            class.push('-');
            put(&mut class, high);
            return Ok(class + "]");
        }
        let mut empty = true;
        loop {
            match self.next().ok_or_else(unclosed)? {
                ']' if empty => return Err("a bracket in the pattern is empty".into()),
                ']' => return Ok(class + "]"),
                '\\' => put(&mut class, self.next().ok_or_else(unclosed)?),
                other => put(&mut class, other),
            }
            empty = false;
        }
    }
}

fn put(regex: &mut String, character: char) {
    regex.push_str(&format!("\\x{{{:X}}}", u32::from(character)));
}
