//! What a scalar means, and how a number is shown again.

use crate::{Fault, Number, Value};

/// What plain text, or text with a tag, stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    /// The key `<<`.
    Merge,
}

impl Scalar {
    /// Plain text without a tag.
    pub fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Self::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Self::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Self::Float(f64::NEG_INFINITY),
            "<<" => Self::Merge,
            _ => number(text).unwrap_or_else(|| Self::Text(text.to_owned())),
        }
    }

    /// As JSON has it, so infinities are a fault.
    pub fn value(self) -> Result<Value, Fault> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => truth.into(),
            Self::Int(number) => Value::Number(decimal(&number.to_string())?),
            Self::Float(float) if float.is_finite() => Value::Number(decimal(&json_float(float))?),
            Self::Float(_) => return Err(Fault::new("JSON has no such number")),
            Self::Text(text) => text.into(),
            Self::Merge => "<<".into(),
        })
    }

    /// As the key of a JSON object; nothing for null.
    pub fn key(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(float) if float.is_nan() => Some(".nan".to_owned()),
            Self::Float(float) if float.is_infinite() => Some(if float > 0.0 { ".inf" } else { "-.inf" }.to_owned()),
            Self::Float(float) => Some(general(&format!("{:e}", float as f32))),
            Self::Text(text) => Some(text),
            Self::Merge => Some("<<".to_owned()),
        }
    }
}

fn decimal(text: &str) -> Result<Number, Fault> {
    Number::parse(text).ok_or_else(|| Fault::new("the number is too large"))
}

fn number(text: &str) -> Option<Scalar> {
    if text.starts_with('.') {
        return float(text);
    }
    text.starts_with(|letter: char| letter == '+' || letter == '-' || letter.is_ascii_digit()).then_some(())?;
    let plain = text.replace('_', "");
    int(&plain).or_else(|| float(&plain))
}

/// With Go's prefixes; a leading zero alone means octal. Only what fits 64 bits is an integer.
fn int(text: &str) -> Option<Scalar> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let is_unsigned = digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    let number = i128::from_str_radix(digits, radix).ok().filter(|_| is_unsigned)?.checked_mul(sign)?;
    let fits = number >= i128::from(i64::MIN) && number <= i128::from(u64::MAX);
    // A sign in front of more than 63 bits is no unsigned number.
    (fits && (number <= i128::from(i64::MAX) || !text.starts_with('+'))).then_some(Scalar::Int(number))
}

fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits_only = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits_only.is_empty() && digits(digits_only)
    });
    if !digits(whole) || !digits(fraction) || whole.is_empty() && fraction.is_empty() || !exponent_fits {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Scalar::Float)
}

/// As Go's JSON writes a float: plainly from 1e-6 to 1e21.
pub fn json_float(float: f64) -> String {
    let magnitude = float.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}

/// As Go's `%g` without a precision: plainly while the exponent is from -4 to 20, but from 10^6 on only where all digits
/// stand before the point; YAML writes its floats so.
pub fn yaml_float(float: f64) -> String {
    general(&format!("{float:e}"))
}

/// From Rust's shortest scientific text.
fn general(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return scientific.parse().map(|float: f64| float.to_string()).unwrap_or_default();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
