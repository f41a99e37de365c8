//! Go's replacement templates: `$1`, `$name`, `${name}`, `$$`.

use regex::Captures;

/// Group numbers beyond this are names, as in Go.
const MAX_GROUP_NUMBER: usize = 100_000_000;

pub(super) fn expand(out: &mut String, template: &str, captures: &Captures<'_>, names: &[Option<String>]) {
    let mut rest = template;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            out.push_str(group(name, captures, names));
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
}

/// The name behind a dollar sign, in braces or as long as it goes, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (text, braced) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let length = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    let (name, after) = text.split_at(length);
    if name.is_empty() {
        return None;
    }
    Some((name, if braced { after.strip_prefix('}')? } else { after }))
}

fn group<'t>(name: &str, captures: &Captures<'t>, names: &[Option<String>]) -> &'t str {
    if let Some(number) = number(name) {
        return captures.get(number).map_or("", |group| group.as_str());
    }
    let mut named = names.iter().enumerate().filter(|(_, known)| known.as_deref() == Some(name));
    named.find_map(|(index, _)| captures.get(index)).map_or("", |group| group.as_str())
}

fn number(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|byte| byte.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    name.parse().ok().filter(|number| plain && *number < MAX_GROUP_NUMBER)
}
