//! Whatever a policy hands a builtin, it answers or is undefined: it never panics, and never answers more than it may.

use std::collections::BTreeSet;

use palisade_plugin_opa_builtins::{Context, Number, Value, call_text, names, text};

/// Calls per builtin: enough to meet each pair of kinds, few enough for an unoptimised build.
const CALLS: usize = 150;

/// What a builtin may answer, as the library has it.
const MAX_RESULT_BYTES: usize = 16 << 20;

#[test]
fn no_builtin_panics_whatever_it_is_given() {
    let context = Context::at(1_700_000_000_123_456_789);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for name in names() {
        for _ in 0..CALLS {
            let count = dice.below(6);
            let arguments: Vec<String> = (0..count).map(|_| text::write(&dice.value(0))).collect();
            let answer = call_text(&context, name, &arguments);
            if let Some(answer) = answer {
                assert!(answer.len() <= MAX_RESULT_BYTES, "{name} {arguments:?}");
                assert!(text::parse(&answer).is_ok(), "{name} {arguments:?} answers {answer}");
            }
        }
    }
}

#[test]
fn arguments_that_are_no_values_are_undefined() {
    for argument in ["", "{", "[1, }", "\"", "nul", "{1: 2, 3}", &"[".repeat(1_000_000), &"{".repeat(1_000_000)] {
        for name in names() {
            assert_eq!(call_text(&Context::at(0), name, &[argument.to_owned()]), None, "{name}");
        }
    }
}

#[test]
fn values_nested_as_deep_as_they_may_be_do_not_break_any_builtin() {
    let nested = "[".repeat(500) + &"]".repeat(500);
    let objects = "{\"a\": ".repeat(500) + "1" + &"}".repeat(500);
    for name in names() {
        for argument in [&nested, &objects] {
            for count in 1..4 {
                call_text(&Context::at(0), name, &vec![argument.clone(); count]);
            }
        }
    }
}

/// A small generator with a fixed seed: a failure repeats.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth < 3 { 12 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 | 3 => Value::Number(Number::parse(self.pick(NUMBERS)).expect("a number")),
            4..8 => self.string().into(),
            8 | 9 => (0..self.below(4)).map(|_| self.value(depth + 1)).collect::<Vec<_>>().into(),
            10 => Value::Object((0..self.below(4)).map(|_| (self.key(depth), self.value(depth + 1))).collect()),
            _ => Value::Set((0..self.below(4)).map(|_| self.value(depth + 1)).collect::<BTreeSet<_>>()),
        }
    }

    fn key(&mut self, depth: usize) -> Value {
        if self.below(4) == 0 { self.value(depth + 1) } else { self.string().into() }
    }

    fn string(&mut self) -> String {
        (0..self.below(4)).map(|_| self.pick(STRINGS)).collect()
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "10",
    "-0",
    "1.5",
    "1e3",
    "1e-3",
    "0.1",
    "1e30000",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e308",
    "5e-324",
    "4294967296",
    "1000000",
    "-100000",
];

const STRINGS: &[&str] = &[
    "",
    "a",
    "é",
    "日本",
    "😀",
    "\u{0}",
    "\u{7f}",
    "\u{10ffff}",
    " ",
    "\n",
    "\"",
    "\\",
    "/",
    ".",
    "..",
    "-",
    "+",
    "%",
    "%v",
    "%d",
    "%*[1]d",
    "%.999999999f",
    "%1000000d",
    "%q",
    "$1",
    "${a}",
    "$",
    "{{",
    "}}",
    "{{.a}}",
    "{{range .a}}",
    "{{end}}",
    "{{define \"t\"}}{{template \"t\"}}{{end}}",
    "[",
    "]",
    "[a-z]",
    "[!",
    "(",
    ")",
    "(?P<n>a)",
    "(a|b)*",
    "a{1000}",
    "{2}",
    "*",
    "**",
    "?",
    "^",
    "\\Q",
    "\\pL",
    "0",
    "1",
    "1e999999",
    "-1.5",
    "Ki",
    "MiB",
    "1.2.3",
    "v1.0.0-alpha+b",
    "0x1F",
    "2006-01-02T15:04:05Z07:00",
    "2021-02-29T24:61:61Z",
    "RFC1123",
    "Mon Jan _2",
    "America/New_York",
    "1h30m",
    "1y2w3d",
    "aGVsbG8=",
    "a.b.c",
    "eyJhbGciOiJub25lIn0.e30.",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "10.0.0.0/8",
    "::/0",
    "255.255.255.255/33",
    "fe80::1%eth0",
    "{\"a\": 1}",
    "[1, 2",
    "a: &x [*x]",
    "? {a: b}\n: c",
    "---",
    "query { a(b: [1, {c: $d}]) { ...e } }",
    "type Query { a: Int }",
    "http://u:p@[::1]:8/p?q=1&q=2#f",
    "%zz",
    "a=b&c",
    "add",
    "remove",
    "/a/0/-",
    "~1~0~2",
    "path",
    "op",
    "value",
    "string",
    "type",
    "$ref",
    "#/definitions/a",
];
