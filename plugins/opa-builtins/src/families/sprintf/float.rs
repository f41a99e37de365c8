//! How Go shows a 64-bit float: `%e`, `%f`, `%g`, and the binary forms `%b` and `%x`.

use super::Spec;

/// More fraction digits than any 64-bit float has; what is asked beyond is zeros.
const MAX_DIGITS: usize = 1_100;

/// False when the verb is none for floats.
pub(super) fn print(out: &mut String, spec: Spec, verb: char, float: f64) -> bool {
    let (form, default) = match verb {
        'v' => ('g', None),
        'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
        'f' | 'e' | 'E' => (verb, Some(6)),
        'F' => ('f', Some(6)),
        _ => return false,
    };
    let precision = spec.precision.or(default);
    let mut digits = unsigned(float.abs(), form, precision);
    if spec.sharp && form != 'b' {
        digits = with_point(&digits, form, precision);
    }
    put(out, spec, float.is_sign_negative(), &digits);
    true
}

/// Zeros asked for stand between the sign and the digits.
fn put(out: &mut String, spec: Spec, negative: bool, digits: &str) {
    let sign = match (negative, spec.plus, spec.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    match spec.width.filter(|width| spec.zero && !spec.minus && *width > sign.len() + digits.len()) {
        Some(width) if !sign.is_empty() => {
            out.push_str(sign);
            Spec { width: Some(width - sign.len()), ..spec }.pad(out, digits);
        }
        _ => spec.pad(out, &format!("{sign}{digits}")),
    }
}

fn unsigned(float: f64, form: char, precision: Option<usize>) -> String {
    match form {
        'b' => binary(float),
        'x' => hexadecimal(float, precision),
        'X' => hexadecimal(float, precision).to_ascii_uppercase(),
        'f' => fixed(float, precision),
        'e' => scientific(&Digits::of(float, precision.map(|precision| precision + 1)), precision, 'e'),
        'E' => scientific(&Digits::of(float, precision.map(|precision| precision + 1)), precision, 'E'),
        _ => general(float, precision, if form == 'G' { 'E' } else { 'e' }),
    }
}

fn fixed(float: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else { return format!("{float}") };
    let text = format!("{float:.*}", precision.min(MAX_DIGITS));
    text + &"0".repeat(precision.saturating_sub(MAX_DIGITS))
}

/// Significant digits without trailing zeros, and the decimal exponent of the first. Zero has no digits.
struct Digits {
    digits: Vec<u8>,
    exponent: i32,
}

impl Digits {
    /// As many digits as asked for, rounded; without a number the fewest that tell the float from its neighbours.
    fn of(float: f64, count: Option<usize>) -> Self {
        if float == 0.0 {
            return Self { digits: Vec::new(), exponent: 0 };
        }
        let text = match count {
            Some(count) => format!("{float:.*e}", count.saturating_sub(1).min(MAX_DIGITS)),
            None => format!("{float:e}"),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.trim_end_matches('0').bytes().filter(u8::is_ascii_digit).collect();
        Self { digits, exponent: exponent.parse().unwrap_or(0) }
    }

    /// The digit at a place, zero where there is none.
    fn at(&self, place: usize) -> char {
        self.digits.get(place).map_or('0', |digit| char::from(*digit))
    }
}

/// `precision` digits after the point, or as many as there are.
fn scientific(digits: &Digits, precision: Option<usize>, letter: char) -> String {
    let mut text = String::from(digits.at(0));
    let fraction = precision.unwrap_or(digits.digits.len().saturating_sub(1));
    if fraction > 0 {
        text.push('.');
        text.extend((1..=fraction).map(|place| digits.at(place)));
    }
    let sign = if digits.exponent < 0 { '-' } else { '+' };
    text + &format!("{letter}{sign}{:02}", digits.exponent.unsigned_abs())
}

/// `%g`: scientific for what is very small or large, and never a trailing zero.
fn general(float: f64, precision: Option<usize>, letter: char) -> String {
    let asked = precision.map(|precision| precision.max(1));
    let digits = Digits::of(float, asked);
    let count = digits.digits.len();
    let point = if count == 0 { 0 } else { i64::from(digits.exponent) + 1 };
    let mut limit = asked.unwrap_or(6) as i64;
    if asked.is_some() && limit > count as i64 && count as i64 >= point {
        limit = count as i64;
    }
    if point - 1 < -4 || point > limit {
        return scientific(&digits, Some(count.saturating_sub(1)), letter);
    }
    let fraction = usize::try_from(count as i64 - point).unwrap_or(0);
    let whole: String = match usize::try_from(point) {
        Ok(point) if point > 0 => (0..point).map(|place| digits.at(place)).collect(),
        _ => "0".to_owned(),
    };
    let skipped = usize::try_from(-point).unwrap_or(0);
    let from = usize::try_from(point).unwrap_or(0);
    let fraction: String =
        (0..fraction).map(|place| if place < skipped { '0' } else { digits.at(place - skipped + from) }).collect();
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// The flag `#`: a point in any case, and the zeros that `%g` leaves out.
fn with_point(text: &str, form: char, precision: Option<usize>) -> String {
    let tail_at = text.find(|letter| match form {
        'x' | 'X' => matches!(letter, 'p' | 'P'),
        _ => matches!(letter, 'e' | 'E'),
    });
    let (head, tail) = text.split_at(tail_at.unwrap_or(text.len()));
    let wanted = if matches!(form, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let shown = head.bytes().filter(|byte| *byte != b'.').skip_while(|byte| *byte == b'0').count();
    let zero = usize::from(head == "0");
    let point = if head.contains('.') { "" } else { "." };
    format!("{head}{point}{}{tail}", "0".repeat(wanted.saturating_sub(shown + zero)))
}

/// The 53 bits of the mantissa, and the exponent for them as a whole number.
fn parts(float: f64) -> (u64, i32) {
    let bits = float.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn binary(float: f64) -> String {
    let (mantissa, exponent) = parts(float);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}p{sign}{}", exponent.abs())
}

/// `0x1.yyyp±dd`, rounded to even where a precision says how many digits.
fn hexadecimal(float: f64, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(float);
    exponent = if mantissa == 0 { 0 } else { exponent + 52 };
    while mantissa != 0 && mantissa >> 52 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    // From here on 60 bits of fraction: fifteen hexadecimal digits.
    mantissa <<= 8;
    if let Some(kept) = precision.filter(|kept| *kept < 15) {
        let dropped = 60 - 4 * kept as u32;
        let (unit, rest) = (1_u64 << dropped, mantissa & ((1 << dropped) - 1));
        mantissa -= rest;
        let odd = mantissa & unit != 0;
        if rest > unit / 2 || rest == unit / 2 && odd {
            mantissa += unit;
        }
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let all = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        Some(precision) => {
            format!("{all:0<precision$.precision$}", precision = precision.min(MAX_DIGITS))
                + &"0".repeat(precision.saturating_sub(MAX_DIGITS))
        }
        None => all.trim_end_matches('0').to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exponent.abs())
}
