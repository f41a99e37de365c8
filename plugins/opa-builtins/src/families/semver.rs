//! Semantic versions, a leading `v` allowed.

use std::cmp::Ordering;

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("semver.compare", compare), ("semver.is_valid", is_valid)];

/// Its build metadata never counts.
struct Version<'t> {
    numbers: [i64; 3],
    pre_release: &'t str,
}

fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(operands::string(arguments, 0).is_ok_and(|text| parse(text).is_some()).into())
}

fn compare(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (left, right) = (version(arguments, 0)?, version(arguments, 1)?);
    let order = left.numbers.cmp(&right.numbers).then_with(|| pre_releases(left.pre_release, right.pre_release));
    Ok(Value::from(order as i64))
}

fn version(arguments: &[Value], position: usize) -> Result<Version<'_>, Fault> {
    let text = operands::string(arguments, position)?;
    parse(text).ok_or_else(|| Fault::new(format!("operand {}: string {text:?} is not a valid SemVer", position + 1)))
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, metadata) = text.split_once('+').map_or((text, None), |(text, metadata)| (text, Some(metadata)));
    let (text, pre_release) = text.split_once('-').map_or((text, None), |(text, pre)| (text, Some(pre)));
    if !metadata.is_none_or(are_identifiers) || !pre_release.is_none_or(is_pre_release) {
        return None;
    }
    let mut parts = text.split('.').map(number);
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(Version { numbers, pre_release: pre_release.unwrap_or("") })
}

fn number(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn are_identifiers(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

fn is_pre_release(text: &str) -> bool {
    are_identifiers(text) && !text.split('.').any(|part| part.len() > 1 && part.starts_with('0') && is_numeric(part))
}

fn is_numeric(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// No pre-release is greater than any; numbers are less than words; more parts are greater than fewer.
fn pre_releases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (left, right): (Vec<_>, Vec<_>) = (left.split('.').collect(), right.split('.').collect());
    let differing = left.iter().zip(&right).map(|(left, right)| part(left, right)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn part(left: &str, right: &str) -> Ordering {
    match (is_numeric(left), is_numeric(right)) {
        (true, true) => digits(left).cmp(&digits(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

/// Numbers of any length in their order: the longer one is the greater.
fn digits(number: &str) -> (usize, &str) {
    let significant = number.trim_start_matches('0');
    (significant.len(), significant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_64_bits_have_an_order() {
        assert_eq!(pre_releases("99999999999999999998", "99999999999999999999"), Ordering::Less);
        assert_eq!(pre_releases("rc.100000000000000000000", "rc.99999999999999999999"), Ordering::Greater);
        assert_eq!(pre_releases("9223372036854775807", "9223372036854775808"), Ordering::Less);
        assert_eq!(pre_releases("0", "1"), Ordering::Less);
        assert_eq!(pre_releases("99999999999999999999", "99999999999999999999"), Ordering::Equal);
    }
}
