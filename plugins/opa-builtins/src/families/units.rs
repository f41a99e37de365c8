//! Amounts with a unit: `10Ki`, `1.5GB`, `200m`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use crate::{Builtin, Context, Fault, Number, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[("units.parse", parse), ("units.parse_bytes", parse_bytes)];

/// OPA's bound for the digits of an exponent.
const MAX_EXPONENT_DIGITS: usize = 6;

/// Powers of ten beyond this are refused: a number of a million digits is nobody's amount. OPA's numbers end there too.
const MAX_EXPONENT: i64 = 30_103;

/// The digits behind the point that OPA gives for an amount that is not whole.
const FRACTION_DIGITS: usize = 10;

/// A mantissa of Go's `big.Float`.
const MANTISSA_BITS: u64 = 64;

/// An exact quotient; the denominator is positive.
struct Ratio {
    over: BigInt,
    under: BigInt,
}

fn parse(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?.replace('"', "");
    let (amount, unit) = split(&text)?;
    let unit = unit.chars().next().map_or(String::new(), |first| {
        let rest = &unit[first.len_utf8()..];
        format!("{first}{}", rest.to_lowercase())
    });
    let mut amount = ratio(amount)?;
    if unit == "m" {
        // OPA multiplies with the float nearest to 0.001, which is this quotient.
        amount.over *= BigInt::from(1_152_921_504_606_847_u64);
        amount.under <<= 60;
    } else {
        amount.over *= factor(&unit)?;
    }
    Ok(decimal(&amount).into())
}

fn factor(unit: &str) -> Result<BigInt, Fault> {
    let power = match unit {
        "" => return Ok(BigInt::one()),
        "k" | "K" | "ki" | "Ki" => 1,
        "M" | "mi" | "Mi" => 2,
        "g" | "G" | "gi" | "Gi" => 3,
        "t" | "T" | "ti" | "Ti" => 4,
        "p" | "P" | "pi" | "Pi" => 5,
        "e" | "E" | "ei" | "Ei" => 6,
        other => return Err(Fault::new(format!("unit {other} not recognized"))),
    };
    Ok(BigInt::from(if unit.ends_with('i') { 1024 } else { 1000 }).pow(power))
}

fn parse_bytes(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let text = operands::string(arguments, 0)?.to_lowercase().replace('"', "");
    let (amount, unit) = split(&text)?;
    let prefix = unit.strip_suffix('b').unwrap_or(unit);
    let unit = match prefix {
        "m" => "M",
        "" if !unit.is_empty() => return Err(Fault::new(format!("byte unit {unit} not recognized"))),
        other => other,
    };
    let amount = rounded(&ratio(amount)?);
    let total = rounded(&Ratio { over: amount.over * factor(unit)?, under: amount.under });
    Ok(Number::from(&total.over / &total.under).into())
}

/// The number and the unit behind it. An `e` belongs to the number where an exponent follows.
fn split(text: &str) -> Result<(&str, &str), Fault> {
    if text.contains(' ') {
        return Err("spaces not allowed in resource strings".into());
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'e' | b'E') {
            let next = bytes.get(at + 1);
            let signed = matches!(next, Some(b'+' | b'-'));
            if !signed && !next.is_some_and(u8::is_ascii_digit) {
                break;
            }
            at += usize::from(signed);
            let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits > MAX_EXPONENT_DIGITS {
                return Err("exponent too large".into());
            }
        } else if !byte.is_ascii_digit() && !matches!(byte, b'.' | b'+' | b'-') {
            break;
        }
        at += 1;
    }
    if at == 0 {
        return Err("no amount provided".into());
    }
    Ok(text.split_at(at))
}

/// A decimal number as Go reads one: a sign, digits with or without a point, an exponent.
fn ratio(text: &str) -> Result<Ratio, Fault> {
    let wrong = || Fault::new("could not parse amount to a number");
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| wrong())?;
    let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    if exponent.abs() > MAX_EXPONENT || digits.len() as i64 > MAX_EXPONENT {
        return Err("exponent too large".into());
    }
    let mut over = BigInt::parse_bytes(digits.as_bytes(), 10).ok_or_else(wrong)?;
    if mantissa.starts_with('-') {
        over = -over;
    }
    let power = exponent - fraction.len() as i64;
    let scale = BigInt::from(10).pow(u32::try_from(power.unsigned_abs()).map_err(|_| wrong())?);
    Ok(if power < 0 { Ratio { over, under: scale } } else { Ratio { over: over * scale, under: BigInt::one() } })
}

/// As `big.Float` holds it: 64 bits of mantissa, to the nearest, ties to even.
fn rounded(exact: &Ratio) -> Ratio {
    if exact.over.is_zero() {
        return Ratio { over: BigInt::zero(), under: BigInt::one() };
    }
    // Scaled so that the quotient has 64 bits or one more.
    let shift = MANTISSA_BITS as i64 + 1 - (exact.over.bits() as i64 - exact.under.bits() as i64);
    let (mut over, mut under) = (exact.over.abs(), exact.under.clone());
    if shift >= 0 {
        over <<= shift
    } else {
        under <<= -shift
    }
    let (quotient, rest) = over.div_rem(&under);
    let dropped = quotient.bits() - MANTISSA_BITS;
    let unit = BigInt::one() << dropped;
    let (mut kept, lost) = quotient.div_rem(&unit);
    let half = &unit >> 1_u32;
    let beyond = lost > half || lost == half && !rest.is_zero();
    if beyond || lost == half && dropped > 0 && kept.is_odd() {
        kept += 1_u32;
    }
    let signed = if exact.over.is_negative() { -kept } else { kept };
    let exponent = dropped as i64 - shift;
    if exponent >= 0 {
        Ratio { over: signed << exponent, under: BigInt::one() }
    } else {
        Ratio { over: signed, under: BigInt::one() << -exponent }
    }
}

/// Whole where it is whole, else with ten digits behind the point, half away from zero.
fn decimal(exact: &Ratio) -> Number {
    let (whole, rest) = exact.over.div_rem(&exact.under);
    if rest.is_zero() {
        return whole.into();
    }
    let scaled = exact.over.abs() * BigInt::from(10).pow(FRACTION_DIGITS as u32);
    let digits = ((scaled * 2_u32 + &exact.under) / (&exact.under * 2_u32)).to_string();
    let digits = format!("{digits:0>width$}", width = FRACTION_DIGITS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - FRACTION_DIGITS);
    let sign = if exact.over.is_negative() { "-" } else { "" };
    Number::parse(&format!("{sign}{whole}.{fraction}")).unwrap_or_else(|| 0_i64.into())
}
