//! One argument of `sprintf` and how each verb shows it.

use num_bigint::{BigInt, Sign};
use num_traits::Zero;

use super::{Spec, float};
use crate::{Number, Value, text};

pub(super) enum Argument {
    Text(String),
    Int(i64),
    Big(BigInt),
    Float(f64),
}

impl Argument {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => Self::of_number(number),
            other => Self::Text(other.to_string()),
        }
    }

    fn of_number(number: &Number) -> Self {
        if number.is_spelled_as_float() {
            let float = number.to_f64();
            return if float.is_finite() { Self::Float(float) } else { Self::Text(number.to_string()) };
        }
        match number.as_i64() {
            Some(int) => Self::Int(int),
            None => number.to_big_int().map_or_else(|| Self::Text(number.to_string()), Self::Big),
        }
    }

    /// The type as Go names it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Int(_) => "int64",
            Self::Big(_) => "*big.Int",
            Self::Float(_) => "float64",
        }
    }

    pub(super) fn print(&self, out: &mut String, spec: Spec, verb: char) {
        if verb == 'T' {
            return put_text(out, spec, self.type_name());
        }
        let fits = match self {
            Self::Text(text) => print_text(out, spec, verb, text),
            Self::Int(int) => print_int(out, spec, verb, *int),
            Self::Big(int) => print_big(out, spec, verb, int),
            Self::Float(number) => float::print(out, spec, verb, *number),
        };
        if !fits {
            out.push_str(&format!("%!{verb}({}=", self.type_name()));
            self.print(out, spec, 'v');
            out.push(')');
        }
    }
}

fn truncated(spec: Spec, text: &str) -> &str {
    let end = spec.precision.and_then(|precision| text.char_indices().nth(precision));
    end.map_or(text, |(end, _)| &text[..end])
}

fn put_text(out: &mut String, spec: Spec, text: &str) {
    spec.pad(out, truncated(spec, text));
}

fn print_text(out: &mut String, spec: Spec, verb: char, text: &str) -> bool {
    match verb {
        'v' if spec.sharp_v => put_quoted(out, spec, text),
        'v' | 's' => put_text(out, spec, text),
        'x' => put_hex(out, spec, text.as_bytes(), HexCase::Lower),
        'X' => put_hex(out, spec, text.as_bytes(), HexCase::Upper),
        'q' => put_quoted(out, spec, text),
        _ => return false,
    }
    true
}

fn put_quoted(out: &mut String, spec: Spec, text: &str) {
    let text = truncated(spec, text);
    if spec.sharp && can_backquote(text) {
        return spec.pad(out, &format!("`{text}`"));
    }
    let mut quoted = text::quote(text);
    if spec.plus {
        quoted = in_ascii(&quoted);
    }
    spec.pad(out, &quoted);
}

/// Whether Go's raw string can hold it: nothing that controls but a tab, no backquote, no byte order mark.
fn can_backquote(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\t' => true,
        '`' | '\u{7f}' | '\u{feff}' => false,
        other => other >= ' ',
    })
}

fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character) {
            0..0x80 => ascii.push(character),
            point @ 0x80..0x10000 => ascii.push_str(&format!("\\u{point:04x}")),
            point => ascii.push_str(&format!("\\U{point:08x}")),
        }
    }
    ascii
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HexCase {
    Lower,
    Upper,
}

fn put_hex(out: &mut String, spec: Spec, bytes: &[u8], case: HexCase) {
    let bytes = &bytes[..bytes.len().min(spec.precision.unwrap_or(usize::MAX))];
    let prefix = match (spec.sharp, case) {
        (false, _) => "",
        (true, HexCase::Lower) => "0x",
        (true, HexCase::Upper) => "0X",
    };
    let mut hex = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        hex.push_str(if spec.space && index > 0 { " " } else { "" });
        hex.push_str(if spec.space || index == 0 { prefix } else { "" });
        hex.push_str(&if case == HexCase::Lower { format!("{byte:02x}") } else { format!("{byte:02X}") });
    }
    spec.pad(out, &hex);
}

fn print_int(out: &mut String, spec: Spec, verb: char, int: i64) -> bool {
    match verb {
        'v' | 'd' => put_int(out, spec, verb, (int < 0, format!("{}", int.unsigned_abs()))),
        'b' => put_int(out, spec, verb, (int < 0, format!("{:b}", int.unsigned_abs()))),
        'o' | 'O' => put_int(out, spec, verb, (int < 0, format!("{:o}", int.unsigned_abs()))),
        'x' => put_int(out, spec, verb, (int < 0, format!("{:x}", int.unsigned_abs()))),
        'X' => put_int(out, spec, verb, (int < 0, format!("{:X}", int.unsigned_abs()))),
        'c' => spec.pad(out, &character(int).to_string()),
        'q' => put_quoted_character(out, spec, character(int)),
        'U' => put_code_point(out, spec, int),
        _ => return false,
    }
    true
}

fn put_int(out: &mut String, spec: Spec, verb: char, (negative, mut digits): (bool, String)) {
    if spec.precision == Some(0) && digits == "0" {
        return spec.pad_with_blanks(out, "");
    }
    let signed = negative || spec.plus || spec.space;
    let by_width =
        spec.width.filter(|_| spec.zero && !spec.minus).map(|width| width - usize::from(signed && width > 0));
    let least = spec.precision.or(by_width).unwrap_or(0);
    digits.insert_str(0, &"0".repeat(least.saturating_sub(digits.len())));
    if spec.sharp {
        digits.insert_str(0, radix_prefix(verb, &digits));
    }
    if verb == 'O' {
        digits.insert_str(0, "0o");
    }
    digits.insert_str(0, sign(negative, spec));
    spec.pad_with_blanks(out, &digits);
}

fn radix_prefix(verb: char, digits: &str) -> &'static str {
    match verb {
        'b' => "0b",
        'o' | 'O' if !digits.starts_with('0') => "0",
        'x' => "0x",
        'X' => "0X",
        _ => "",
    }
}

fn sign(negative: bool, spec: Spec) -> &'static str {
    if negative {
        "-"
    } else if spec.plus {
        "+"
    } else if spec.space {
        " "
    } else {
        ""
    }
}

fn character(int: i64) -> char {
    u32::try_from(int).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn put_quoted_character(out: &mut String, spec: Spec, character: char) {
    let mut quoted = String::from("'");
    text::put_go_character(&mut quoted, character, '\'');
    quoted.push('\'');
    spec.pad(out, &if spec.plus { in_ascii(&quoted) } else { quoted });
}

fn put_code_point(out: &mut String, spec: Spec, int: i64) {
    let point = int as u64; // as Go does: a negative number shows as the 64 bits that it is made of
    let least = spec.precision.unwrap_or(4).max(4);
    let digits = format!("{point:X}");
    let mut shown = format!("U+{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
    let printable = u32::try_from(point).ok().and_then(char::from_u32).filter(|point| text::is_printable(*point));
    if let Some(character) = printable.filter(|_| spec.sharp) {
        shown.push_str(&format!(" '{character}'"));
    }
    spec.pad_with_blanks(out, &shown);
}

fn print_big(out: &mut String, spec: Spec, verb: char, int: &BigInt) -> bool {
    let radix = match verb {
        'b' => 2,
        'o' | 'O' => 8,
        'd' | 's' | 'v' => 10,
        'x' | 'X' => 16,
        _ => {
            out.push_str(&format!("%!{verb}(big.Int={int})"));
            return true;
        }
    };
    let mut digits = int.magnitude().to_str_radix(radix);
    if verb == 'X' {
        digits.make_ascii_uppercase();
    }
    if spec.precision == Some(0) && int.is_zero() {
        return true;
    }
    let flags = Spec { plus: spec.plus || spec.plus_v, ..spec };
    let mut head = sign(int.sign() == Sign::Minus, flags).to_owned();
    match verb {
        'O' => head.push_str("0o"),
        'o' if spec.sharp => head.push('0'),
        _ if spec.sharp => head.push_str(radix_prefix(verb, "")),
        _ => {}
    }
    let least = spec
        .precision
        .or(spec.width.filter(|_| spec.zero && !spec.minus).map(|width| width.saturating_sub(head.len())));
    let zeros = "0".repeat(least.unwrap_or(0).saturating_sub(digits.len()));
    spec.pad_with_blanks(out, &format!("{head}{zeros}{digits}"));
    true
}
