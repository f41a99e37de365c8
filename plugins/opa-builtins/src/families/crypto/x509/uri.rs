//! URIs, taken apart as Go does.

use crate::{Fault, Value};

pub fn shown(text: &str) -> Result<Value, Fault> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = scheme(text)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let force_query = text.ends_with('?') && query.is_empty();
    let is_opaque = !scheme.is_empty() && !rest.starts_with('/');
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) if !is_opaque => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        _ => ("", if is_opaque { "" } else { rest }),
    };
    let (user, host) = match authority.rsplit_once('@') {
        Some((_, host)) => (Value::object([]), host),
        None => (Value::Null, authority),
    };
    let (plain_path, raw_path) = decoded(path)?;
    let (plain_fragment, raw_fragment) = decoded(fragment)?;
    let omits_host = !scheme.is_empty() && authority.is_empty() && rest.starts_with('/') && !rest.starts_with("//");
    Ok(Value::object([
        ("ForceQuery", force_query.into()),
        ("Fragment", plain_fragment.into()),
        ("Host", host.into()),
        ("OmitHost", omits_host.into()),
        ("Opaque", if is_opaque { rest.into() } else { "".into() }),
        ("Path", plain_path.into()),
        ("RawFragment", raw_fragment.into()),
        ("RawPath", raw_path.into()),
        ("RawQuery", query.into()),
        ("Scheme", scheme.to_ascii_lowercase().into()),
        ("User", user),
    ]))
}

fn scheme(text: &str) -> Result<(&str, &str), Fault> {
    match text.split_once(':') {
        Some(("", _)) => Err(Fault::new("a URI lacks its scheme")),
        Some((scheme, rest))
            if scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) =>
        {
            Ok((scheme, rest))
        }
        _ => Ok(("", text)),
    }
}

/// The plain text, and the raw one where it is not what Go would write.
fn decoded(raw: &str) -> Result<(String, &str), Fault> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (digits, after) = rest.split_at_checked(2).ok_or("an escape of a URI ends too early")?;
            bytes.extend(hex::decode(digits).map_err(|_| Fault::new("an escape of a URI is no hex"))?);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte);
    let usual: String = bytes
        .iter()
        .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let plain = String::from_utf8(bytes).map_err(|_| Fault::new("a URI is no text"))?;
    Ok((plain, if usual == raw { "" } else { raw }))
}
