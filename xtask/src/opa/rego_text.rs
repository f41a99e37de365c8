//! Just enough of Rego's value text to count an array's elements and to turn Go's escapes into JSON's.

use anyhow::{Context, Result, bail};

/// How many elements an array's text has: commas outside strings and inner brackets.
pub(super) fn elements(array: &str) -> usize {
    let inner = array.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    let (mut depth, mut commas, mut quote) = (0_i32, 0, None);
    let mut characters = array.trim().chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('"'), '\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(character),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') => depth -= 1,
            (None, ',') if depth == 1 => commas += 1,
            (None, _) => {}
        }
    }
    if inner.trim().is_empty() { 0 } else { commas + 1 }
}

/// OPA quotes strings as Go does: `\a`, `\v`, `\x..` and `\U........` are not JSON's.
pub(super) fn with_json_escapes(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let escape = characters.next().context("a text that ends in a backslash")?;
        match escape {
            'a' => out.push_str("\\u0007"),
            'v' => out.push_str("\\u000b"),
            'x' => out.push_str(&json_escape(code(&mut characters, 2)?)?),
            'U' => out.push_str(&json_escape(code(&mut characters, 8)?)?),
            other => out.extend(['\\', other]),
        }
    }
    Ok(out)
}

fn code(characters: &mut std::str::Chars, digits: usize) -> Result<u32> {
    let text: String = characters.take(digits).collect();
    u32::from_str_radix(&text, 16).with_context(|| format!("{text:?} is no escape of {digits} digits"))
}

fn json_escape(code: u32) -> Result<String> {
    match code {
        0..0x80 => Ok(format!("\\u{code:04x}")),
        0x80..0x100 => bail!("a string that is not UTF-8: no JSON text can say it"),
        _ => char::from_u32(code).map(String::from).with_context(|| format!("{code:x} is no character")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_strings_and_brackets_do_not_count() {
        assert_eq!(elements("[]"), 0);
        assert_eq!(elements("[[]]"), 1);
        assert_eq!(elements(r#"["a, \"b", [1, 2], {"k": {1, 2}}]"#), 3);
        assert_eq!(elements("[`[,`, 1]"), 2);
    }

    #[test]
    fn escapes_of_go_become_escapes_of_json() {
        let text = with_json_escapes(r#"["\a\x00\n\"é\U000e0001"]"#).expect("a text");
        assert_eq!(text, "[\"\\u0007\\u0000\\n\\\"é\u{e0001}\"]");
        assert!(with_json_escapes(r#""\xff""#).is_err());
    }
}
