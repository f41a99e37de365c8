//! Formats of strings, as lenient as OPA's library is. A format that it does not know fits everything.

use std::net::IpAddr;

use super::pattern;
use crate::families::yaml::date::{is_clock, is_day, is_zone};

pub fn fits(format: &str, text: &str) -> bool {
    match format {
        "date" => is_date(text),
        "time" => is_time(text),
        "date-time" => is_date(text) || is_time(text) || is_date_time(text),
        "hostname" => is_hostname(text),
        "email" | "idn-email" => is_email(text),
        "ipv4" => text.contains('.') && text.parse::<IpAddr>().is_ok(),
        "ipv6" => text.contains(':') && text.parse::<IpAddr>().is_ok(),
        "uri" | "iri" => scheme(text).is_some() && is_uri_reference(text),
        "uri-reference" | "iri-reference" => is_uri_reference(text),
        "uri-template" => is_uri_reference(text) && is_balanced(text),
        "uuid" => is_uuid(text),
        "regex" => pattern::compile(text).is_ok(),
        "json-pointer" => is_pointer(text),
        "relative-json-pointer" => is_relative_pointer(text),
        _ => true,
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && is_day(text)
}

/// The hour may have one digit, a fraction may follow the seconds, and a zone that.
fn is_time(text: &str) -> bool {
    let at = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(at);
    let digits: Vec<usize> = clock.split(['.', ',']).next().unwrap_or_default().split(':').map(str::len).collect();
    matches!(digits[..], [1 | 2, 2, 2]) && is_clock(&clock.replace(',', ".")) && (zone.is_empty() || is_zone(zone))
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    is_date(date) && is_time(time) && time.contains(['Z', '+', '-'])
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() < 256 && text.split('.').all(is_label)
}

/// An address, perhaps behind a name and in angle brackets.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_atom = |text: &str| {
        !text.is_empty()
            && text.split('.').all(|atom| {
                let is_letter = |letter: char| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter);
                !atom.is_empty() && atom.chars().all(|letter| is_letter(letter) || !letter.is_ascii())
            })
    };
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    (is_atom(local) || is_quoted) && (is_atom(domain) || is_literal)
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let is_first = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let is_rest = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (is_first && is_rest).then_some(scheme)
}

fn is_uri_reference(text: &str) -> bool {
    if text.contains('\\') || text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return false;
    }
    let rest = scheme(text).map_or(text, |scheme| &text[scheme.len() + 1..]);
    let first_segment = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_opaque = scheme(text).is_some() && !rest.starts_with('/');
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let path_end = rest.find(['?', '#']).unwrap_or(rest.len());
    let escapes_fit = is_opaque || has_whole_escapes(&rest[..path_end]);
    let fragment_fits = text.split_once('#').is_none_or(|(_, fragment)| has_whole_escapes(fragment));
    let is_path = is_opaque || authority.is_some() || !first_segment.contains(':');
    escapes_fit && fragment_fits && is_path && authority.is_none_or(is_authority)
}

fn is_authority(text: &str) -> bool {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let (name, port) = match host.rfind(']') {
        Some(at) => host.split_at(at + 1),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_fits =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    port_fits
        && (name.starts_with('[') == name.ends_with(']'))
        && !name.contains([' ', '"', '<', '>', '^', '`', '{', '}', '|'])
}

fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether curly brackets open and close in turns.
fn is_balanced(text: &str) -> bool {
    let mut is_open = false;
    for letter in text.chars() {
        match (letter, is_open) {
            ('{', false) => is_open = true,
            ('}', true) => is_open = false,
            _ => {}
        }
    }
    !is_open
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_pointer(text: &str) -> bool {
    let escapes_fit = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_fit
}

fn is_relative_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    !number.is_empty() && (number == "0" || !number.starts_with('0')) && (rest == "#" || is_pointer(rest))
}
