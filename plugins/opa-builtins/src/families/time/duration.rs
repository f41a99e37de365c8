//! Durations as Go writes them (`1h15m30.918s`), and OPA's days, weeks and years beside.

use crate::{Fault, Number};

/// More whole digits than any duration of 64 bits has.
const MAX_DIGITS: usize = 19;

pub(super) fn parse(text: &str) -> Result<i64, Fault> {
    let invalid = || Fault::new(format!("time: invalid duration {text:?}"));
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    let segments = segments(unsigned).ok_or_else(invalid)?;
    let mut total = 0_i128;
    for (amount, unit) in segments {
        total += nanoseconds(amount, unit).ok_or_else(invalid)?;
        if total > 1 << 63 {
            return Err(invalid());
        }
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

/// Each amount with its unit; nothing when the text is empty or an amount has none.
fn segments(mut text: &str) -> Option<Vec<(&str, &str)>> {
    let is_amount = |letter: char| letter.is_ascii_digit() || letter == '.';
    let days_or_more = text.contains(['d', 'w', 'y']);
    let mut segments = Vec::new();
    while !text.is_empty() {
        let (amount, rest) = text.split_at(text.find(|letter| !is_amount(letter))?);
        let known = ["ms", "us", "µs", "ns"].into_iter().find(|unit| days_or_more && rest.starts_with(unit));
        let length = match known {
            Some(unit) => unit.len(),
            None if days_or_more => 1,
            None => rest.find(is_amount).unwrap_or(rest.len()),
        };
        let unit = rest.get(..length)?;
        segments.push((amount, unit));
        text = &rest[length..];
    }
    (!segments.is_empty()).then_some(segments)
}

fn nanoseconds(amount: &str, unit: &str) -> Option<i128> {
    let hours = match unit {
        "d" => 24.0,
        "w" => 7.0 * 24.0,
        "y" => 365.0 * 24.0,
        _ => return in_go(amount, unit),
    };
    // OPA writes the hours of these down as a decimal number and reads that.
    let float: f64 = amount.parse().ok()?;
    Number::from_f64(float * hours)?;
    in_go(&format!("{}", float * hours), "h")
}

fn in_go(amount: &str, unit: &str) -> Option<i128> {
    let unit: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole: i128 = if whole.is_empty() { 0 } else { whole.get(..whole.len().min(MAX_DIGITS + 1))?.parse().ok()? };
    if whole > (1 << 63) / unit {
        return None;
    }
    Some(whole * unit + part(fraction, unit))
}

/// A fraction of a unit, cut as Go cuts it: in floats, after as many digits as 63 bits hold.
fn part(fraction: &str, unit: i128) -> i128 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let Some(next) =
            value.checked_mul(10).map(|next| next + u64::from(digit - b'0')).filter(|next| *next <= 1 << 63)
        else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as i128
}
