//! A number as OPA keeps one: its decimal text, of any size, compared by value. Never rounded on its way through.

use std::{cmp::Ordering, fmt};

use num_bigint::BigInt;

/// OPA refuses numbers whose binary exponent is beyond 100,000; that many bits are this many decimal digits.
const MAX_EXPONENT: i64 = 30_103;

/// Text that follows JSON's grammar for numbers. `1`, `1.0` and `1e0` are equal and keep their spelling.
#[derive(Clone, Debug)]
pub struct Number(String);

/// Sign, digits without leading and trailing zeros, and the power of ten in front of which they stand: 0.digits × 10^point.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Number {
    /// Nothing when the text is no JSON number, or beyond the exponents that OPA allows.
    pub fn parse(text: &str) -> Option<Self> {
        if scan(text.as_bytes()) != text.len() || text.is_empty() {
            return None;
        }
        let number = Self(text.to_owned());
        let has_exponent = text.contains(['e', 'E']);
        (!has_exponent || number.decimal().point.abs() <= MAX_EXPONENT).then_some(number)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the spelling has a fraction or an exponent, which decides how `sprintf` takes it.
    pub fn is_spelled_as_float(&self) -> bool {
        self.0.contains(['.', 'e', 'E'])
    }

    /// As OPA reads an integer: at most 19 digits, a fraction of zeros is none, no exponent.
    pub fn as_i64(&self) -> Option<i64> {
        let (whole, fraction) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let length = self.0.trim_start_matches('-').len();
        if length > 19 || !fraction.bytes().all(|digit| digit == b'0') {
            return None;
        }
        whole.parse().ok()
    }

    /// The exact integer, whatever its spelling; nothing when it has a fraction.
    pub fn to_big_int(&self) -> Option<BigInt> {
        if let Ok(plain) = self.0.parse() {
            return Some(plain);
        }
        let Decimal { negative, mut digits, point } = self.decimal();
        let length = usize::try_from(point).ok().filter(|length| digits.len() <= *length);
        let Some(length) = length else { return digits.is_empty().then(BigInt::default) };
        digits.resize(length, b'0');
        let magnitude = BigInt::parse_bytes(&digits, 10).unwrap_or_default();
        Some(if negative { -magnitude } else { magnitude })
    }

    /// The nearest 64-bit float; infinite where it does not fit.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The shortest text that gives the same float again, as OPA writes one. Nothing for infinities and NaN.
    pub fn from_f64(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        let scientific = format!("{float:e}");
        let (mantissa, exponent) = scientific.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        if (-4..21).contains(&exponent) {
            return Some(Self(format!("{float}")));
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        Some(Self(format!("{mantissa}e{sign}{:02}", exponent.abs())))
    }

    fn decimal(&self) -> Decimal {
        let (negative, text) = match self.0.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, self.0.as_str()),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent =
            exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 });
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let trailing = digits[leading..].iter().rev().take_while(|digit| **digit == b'0').count();
        let significant = digits[leading..digits.len() - trailing].to_vec();
        if significant.is_empty() {
            return Decimal { negative: false, digits: significant, point: 0 };
        }
        let point = exponent.saturating_add(whole.len() as i64 - leading as i64);
        Decimal { negative, digits: significant, point }
    }
}

/// How many of the bytes are one JSON number; zero when they begin otherwise.
pub(crate) fn scan(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || whole > 1 && bytes[at] == b'0' {
        return 0;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return 0;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return 0;
        }
        at += 1 + sign + exponent;
    }
    at
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Ok(left), Ok(right)) = (self.0.parse::<i64>(), other.0.parse::<i64>()) {
            return left.cmp(&right);
        }
        let (left, right) = (self.decimal(), other.decimal());
        match (left.negative, right.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => left.magnitude(&right),
            (true, true) => right.magnitude(&left),
        }
    }
}

impl Decimal {
    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}

impl From<BigInt> for Number {
    fn from(number: BigInt) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect(text)
    }

    #[test]
    fn numbers_compare_by_value_and_not_by_spelling() {
        for (smaller, greater) in
            [("-2", "-1"), ("-1", "0"), ("0", "0.1"), ("0.1", "0.11"), ("9", "10"), ("99", "1e2"), ("1e-3", "0.01")]
        {
            assert!(number(smaller) < number(greater), "{smaller} < {greater}");
        }
        for (left, right) in [("1", "1.0"), ("100", "1e2"), ("0.0", "-0"), ("0e5", "0"), ("1.50e1", "15")] {
            assert_eq!(number(left), number(right));
        }
    }

    #[test]
    fn numbers_beyond_a_float_keep_every_digit() {
        let (left, right) = (number("123456789012345678901234567890"), number("123456789012345678901234567891"));
        assert!(left < right);
        assert_eq!(left.to_big_int().map(|int| int.to_string()).as_deref(), Some(left.as_str()));
        assert_eq!(number("1e30").to_big_int(), Some(BigInt::from(10).pow(30)));
        assert_eq!(number("1.5").to_big_int(), None);
        assert_eq!(number("-12.50e1").to_big_int(), Some(BigInt::from(-125)));
    }

    #[test]
    fn what_is_no_json_number_or_too_large_is_refused() {
        for text in ["", "-", "01", "1.", ".5", "1e", "+1", "1e99999999", "1e-99999999", "NaN", "0x1", "1 "] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn floats_are_written_as_opa_writes_them() {
        let cases = [(1.5, "1.5"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-7, "1e-07"), (-0.25, "-0.25")];
        for (float, text) in cases {
            assert_eq!(Number::from_f64(float).expect(text).as_str(), text);
        }
        assert!(Number::from_f64(f64::INFINITY).is_none());
    }

    #[test]
    fn integers_are_read_as_opa_reads_them() {
        assert_eq!(number("1.0").as_i64(), Some(1));
        assert_eq!(number("1e1").as_i64(), None);
        assert_eq!(number("9223372036854775807").as_i64(), Some(i64::MAX));
        assert_eq!(number("9223372036854775808").as_i64(), None);
    }
}
