//! Go's `fmt.Sprintf` over Rego values, its complaints included: a policy's message must read the same here as in OPA.
//! A number is a 64-bit integer, else a big integer, else a float; a string is itself; everything else is its Rego text.

mod argument;
mod float;

use argument::Argument;

use crate::{Builtin, Context, Fault, Value, operands, registry::MAX_RESULT_BYTES};

pub const BUILTINS: &[(&str, Builtin)] = &[("sprintf", sprintf)];

/// Go's own bound for a width, a precision and an argument's number.
const MAX_NUMBER: i64 = 1_000_000;

fn sprintf(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let format = operands::string(arguments, 0)?;
    let arguments: Vec<Argument> = operands::array(arguments, 1)?.iter().map(Argument::of).collect();
    Ok(Printer::new(format, &arguments).print()?.into())
}

/// What stands between the percent sign and the verb.
#[derive(Clone, Copy, Debug, Default)]
struct Spec {
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    /// `%#v` and `%+v`, which mean something else than the flags do.
    sharp_v: bool,
    plus_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Spec {
    /// Pads to the width, with zeros where the flag asks for them and they stand on the left.
    fn pad(&self, out: &mut String, text: &str) {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.minus {
            out.push_str(text);
            out.extend(std::iter::repeat_n(' ', missing));
        } else {
            out.extend(std::iter::repeat_n(if self.zero { '0' } else { ' ' }, missing));
            out.push_str(text);
        }
    }

    fn pad_with_blanks(&self, out: &mut String, text: &str) {
        Self { zero: false, ..*self }.pad(out, text);
    }
}

/// Walks the format once; the fields are where it stands.
struct Printer<'f> {
    format: &'f str,
    at: usize,
    arguments: &'f [Argument],
    next: usize,
    /// An explicit index was used, so nobody can tell which arguments are left over.
    reordered: bool,
    good_index: bool,
    after_index: bool,
    out: String,
}

impl<'f> Printer<'f> {
    fn new(format: &'f str, arguments: &'f [Argument]) -> Self {
        Self {
            format,
            at: 0,
            arguments,
            next: 0,
            reordered: false,
            good_index: true,
            after_index: false,
            out: String::new(),
        }
    }

    fn print(mut self) -> Result<String, Fault> {
        while let Some(length) = self.rest().find('%') {
            self.out.push_str(&self.format[self.at..self.at + length]);
            self.at += length + 1;
            if !self.directive() {
                self.at = self.format.len();
                self.out.push_str("%!(NOVERB)");
            }
            if self.out.len() > MAX_RESULT_BYTES {
                return Err(Fault::new(format!("the text is longer than {MAX_RESULT_BYTES} bytes")));
            }
        }
        self.out.push_str(self.rest());
        self.left_over();
        Ok(self.out)
    }

    fn rest(&self) -> &'f str {
        &self.format[self.at..]
    }

    fn byte(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    /// One directive after its percent sign; false when the format ends before its verb.
    fn directive(&mut self) -> bool {
        self.good_index = true;
        self.after_index = false;
        let mut spec = self.flags();
        self.index();
        self.width(&mut spec);
        self.precision(&mut spec);
        if !self.after_index {
            self.index();
        }
        let Some(verb) = self.rest().chars().next() else { return false };
        self.at += verb.len_utf8();
        self.verb(spec, verb);
        true
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        while let Some(flag) = self.byte() {
            match flag {
                b'#' => spec.sharp = true,
                b'0' => spec.zero = true,
                b'+' => spec.plus = true,
                b'-' => spec.minus = true,
                b' ' => spec.space = true,
                _ => break,
            }
            self.at += 1;
        }
        spec
    }

    /// An explicit index, `[2]`, where one stands.
    fn index(&mut self) {
        self.after_index = false;
        if self.byte() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.rest();
        let Some(end) = rest.find(']').filter(|_| rest.len() >= 3) else {
            self.at += 1;
            self.good_index = false;
            return;
        };
        self.at += end + 1;
        let number = whole(&rest[1..end]);
        self.after_index = number.is_some();
        match number.and_then(|number| number.checked_sub(1)).filter(|index| *index < self.arguments.len()) {
            Some(index) => self.next = index,
            None => self.good_index = false,
        }
    }

    fn width(&mut self, spec: &mut Spec) {
        if self.byte() != Some(b'*') {
            spec.width = self.number();
            self.good_index &= !(self.after_index && spec.width.is_some());
            return;
        }
        self.at += 1;
        self.after_index = false;
        match self.taken_number() {
            None => self.out.push_str("%!(BADWIDTH)"),
            Some(width) => {
                if width < 0 {
                    spec.minus = true;
                    spec.zero = false;
                }
                spec.width = usize::try_from(width.unsigned_abs()).ok();
            }
        }
    }

    fn precision(&mut self, spec: &mut Spec) {
        if self.byte() != Some(b'.') || self.at + 1 >= self.format.len() {
            return;
        }
        self.at += 1;
        self.good_index &= !self.after_index;
        self.index();
        if self.byte() != Some(b'*') {
            spec.precision = Some(self.number().unwrap_or(0));
            return;
        }
        self.at += 1;
        self.after_index = false;
        spec.precision = self.taken_number().and_then(|precision| usize::try_from(precision).ok());
        if spec.precision.is_none() {
            self.out.push_str("%!(BADPREC)");
        }
    }

    /// Digits at this place. Too large a number swallows the rest of the format, as it does in Go.
    fn number(&mut self) -> Option<usize> {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let digits = &self.rest()[..length];
        if length > 0 && whole(digits).is_none() {
            self.at = self.format.len();
            return None;
        }
        self.at += length;
        whole(digits)
    }

    /// The next argument as a width or a precision.
    fn taken_number(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        match argument {
            Argument::Int(number) if (-MAX_NUMBER..=MAX_NUMBER).contains(number) => Some(*number),
            _ => None,
        }
    }

    fn verb(&mut self, mut spec: Spec, verb: char) {
        if verb == '%' {
            self.out.push('%');
        } else if !self.good_index {
            self.complain(verb, "BADINDEX");
        } else if let Some(argument) = self.arguments.get(self.next) {
            if matches!(verb, 'v' | 'w') {
                (spec.sharp_v, spec.plus_v) = (spec.sharp, spec.plus);
                (spec.sharp, spec.plus) = (false, false);
            }
            argument.print(&mut self.out, spec, verb);
            self.next += 1;
        } else {
            self.complain(verb, "MISSING");
        }
    }

    fn complain(&mut self, verb: char, complaint: &str) {
        self.out.push_str(&format!("%!{verb}({complaint})"));
    }

    fn left_over(&mut self) {
        let Some(rest) = self.arguments.get(self.next..).filter(|rest| !self.reordered && !rest.is_empty()) else {
            return;
        };
        self.out.push_str("%!(EXTRA ");
        for (index, argument) in rest.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            self.out.push_str(argument.type_name());
            self.out.push('=');
            argument.print(&mut self.out, Spec::default(), 'v');
        }
        self.out.push(')');
    }
}

/// Digits as a number, up to what Go takes: it stops reading once it is past a million.
fn whole(digits: &str) -> Option<usize> {
    let limit = MAX_NUMBER as usize;
    let mut number = 0;
    for digit in digits.bytes() {
        if number > limit || !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + usize::from(digit - b'0');
    }
    (!digits.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn shown(format: &str, arguments: &str) -> String {
        let arguments = [format.into(), text::parse(arguments).expect(arguments)];
        match sprintf(&Context::at(0), &arguments).expect(format) {
            Value::String(text) => text,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn everything_that_is_no_number_or_string_prints_as_rego_text() {
        assert_eq!(
            shown("%v %v %v %v %s %v", r#"["x", true, null, ["a", 1], {"k": 1}, set()]"#),
            r#"x true null ["a", 1] {"k": 1} set()"#
        );
    }

    #[test]
    fn a_verb_that_does_not_fit_complains_as_go_does() {
        assert_eq!(shown("%d %d %t", r#"[3.5, "x", true]"#), "%!d(float64=3.5) %!d(string=x) %!t(string=true)");
        assert_eq!(shown("%d", "[]"), "%!d(MISSING)");
        assert_eq!(shown("%d", r#"[1, "x", 2.5]"#), "1%!(EXTRA string=x, float64=2.5)");
        assert_eq!(shown("%[3]d|%[2]*.[1]*d|%", "[2, 9]"), "%!d(BADINDEX)|       09|%!(NOVERB)");
    }

    #[test]
    fn a_width_that_fills_memory_is_a_fault() {
        let many = "%1000000d".repeat(20);
        let arguments = [many.into(), Value::Array(vec![Value::from(1_i64); 20])];
        assert!(sprintf(&Context::at(0), &arguments).is_err());
    }
}
