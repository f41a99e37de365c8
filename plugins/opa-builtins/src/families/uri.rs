//! URIs, taken apart as Go's `url.Parse` does: lenient in paths and queries, strict about hosts.

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("uri.parse", parse), ("uri.is_valid", is_valid)];

/// The parts of a URI. Path and fragment are decoded; their raw forms are there where Go would write them otherwise.
#[derive(Debug, Default)]
pub struct Uri {
    pub scheme: String,
    pub opaque: String,
    pub has_user: bool,
    /// With the port, and with the brackets of an address.
    pub host: String,
    pub path: String,
    pub raw_path: String,
    pub omits_host: bool,
    pub forces_query: bool,
    pub query: String,
    pub fragment: String,
    pub raw_fragment: String,
}

fn parse(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let uri = Uri::parse(operands::string(arguments, 0)?)?;
    let (hostname, port) = uri.hostname_and_port();
    let raw_path = if uri.raw_path.is_empty() { &uri.path } else { &uri.raw_path };
    let parts = [
        ("scheme", uri.scheme.as_str()),
        ("hostname", hostname),
        ("port", port),
        ("path", &uri.path),
        ("raw_path", raw_path),
        ("raw_query", &uri.query),
        ("fragment", &uri.fragment),
    ];
    let parts = parts.into_iter().filter(|(_, part)| !part.is_empty());
    Ok(Value::Object(parts.map(|(name, part)| (name.into(), part.into())).collect()))
}

fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0);
    Ok(text.is_ok_and(|text| !text.is_empty() && Uri::parse(text).is_ok()).into())
}

impl Uri {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(Fault::new("a URI holds a control character"));
        }
        let (scheme, rest) = scheme(text)?;
        let forces_query = rest.ends_with('?') && rest.matches('?').count() == 1;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri =
            Self { scheme: scheme.to_ascii_lowercase(), forces_query, query: query.to_owned(), ..Self::default() };
        (uri.fragment, uri.raw_fragment) = decoded(fragment)?;
        if !rest.starts_with('/') && !scheme.is_empty() {
            rest.clone_into(&mut uri.opaque);
            return Ok(uri);
        }
        if !rest.starts_with('/') && rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err(Fault::new("the first segment of a URI without scheme has a colon"));
        }
        let has_authority = rest.starts_with("//") && (!scheme.is_empty() || !rest.starts_with("///"));
        let path = if has_authority {
            let rest = &rest[2..];
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (uri.has_user, uri.host) = user_and_host(authority)?;
            path
        } else {
            uri.omits_host = !scheme.is_empty() && rest.starts_with('/');
            rest
        };
        (uri.path, uri.raw_path) = decoded(path)?;
        Ok(uri)
    }

    /// The host without its brackets.
    pub fn hostname_and_port(&self) -> (&str, &str) {
        if let Some((address, port)) = self.host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            return (address, port.trim_start_matches(':'));
        }
        self.host.split_once(':').unwrap_or((&self.host, ""))
    }
}

/// Nothing where the text begins otherwise.
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

fn user_and_host(authority: &str) -> Result<(bool, String), Fault> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if user.is_some_and(|user| !user.bytes().all(is_allowed) || unescaped(user).is_err()) {
        return Err(Fault::new("the user of a URI holds a character that has no place there"));
    }
    Ok((user.is_some(), checked_host(host)?))
}

fn checked_host(host: &str) -> Result<String, Fault> {
    let wrong = || Fault::new("the host of a URI is none");
    let port = match host.strip_prefix('[') {
        Some(address) => address.rsplit_once(']').ok_or_else(wrong)?.1,
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let is_allowed =
        |byte: u8| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    // Only what is beyond ASCII, and the percent sign itself, may be escaped in a host.
    let is_beyond_ascii = |escape: &str| escape.starts_with(|digit: char| digit.to_digit(16).is_some_and(|d| d >= 8));
    let escapes_fit = host.split('%').skip(1).all(|escape| escape.starts_with("25") || is_beyond_ascii(escape));
    if !is_port || !host.bytes().all(is_allowed) || !escapes_fit {
        return Err(wrong());
    }
    Ok(text_of(unescaped(host)?))
}

/// The plain text, and the raw one where it is not what Go would write.
fn decoded(raw: &str) -> Result<(String, String), Fault> {
    let bytes = unescaped(raw)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte);
    let usual: String = bytes
        .iter()
        .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let raw = if usual == raw { "" } else { raw };
    Ok((text_of(bytes), raw.to_owned()))
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn unescaped(text: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or("an escape of a URI ends too early")?;
        bytes.extend(hex::decode(digits).map_err(|_| Fault::new("an escape of a URI is no hex"))?);
        rest = after;
    }
    Ok(bytes)
}
