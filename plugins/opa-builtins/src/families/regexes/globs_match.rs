//! `regex.globs_match`: whether two patterns of characters, dots, sets and the flags `*` and `+` fit a common text.

use crate::{Context, Fault, Value, operands};

/// Steps before a pair of patterns is given up: nested stars make the search exponential.
const MAX_STEPS: usize = 1_000_000;

/// All characters that one set may list: ranges are written out.
const MAX_SET: u32 = 0x11_0000;

pub(super) fn globs_match(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (left, right) = (tokens(operands::string(arguments, 0)?)?, tokens(operands::string(arguments, 1)?)?);
    let Some((left, right)) = trimmed(&left, &right) else { return Ok(false.into()) };
    Search { steps: 0 }.plain(left, right).map(Value::from)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    None,
    Plus,
    Star,
}

struct Token {
    kind: Kind,
    flag: Flag,
}

enum Kind {
    Any,
    /// Ranges, both ends included.
    Set(Vec<(char, char)>),
}

impl Token {
    fn fits(&self, other: &Self) -> bool {
        let (Kind::Set(left), Kind::Set(right)) = (&self.kind, &other.kind) else { return true };
        left.iter()
            .any(|(low, high)| right.iter().any(|(other_low, other_high)| low <= other_high && other_low <= high))
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let kind = match character {
            '.' => Kind::Any,
            '[' => Kind::Set(set(&mut rest)?),
            ']' | '*' | '+' => return Err(Fault::new(format!("{character:?} has nothing before it in {text:?}"))),
            '\\' => single(rest.next().ok_or("the pattern ends with an escape")?),
            other => single(other),
        };
        let flag = match rest.peek() {
            Some('*') => Flag::Star,
            Some('+') => Flag::Plus,
            _ => Flag::None,
        };
        if flag != Flag::None {
            rest.next();
        }
        tokens.push(Token { kind, flag });
    }
    Ok(tokens)
}

fn single(character: char) -> Kind {
    Kind::Set(vec![(character, character)])
}

fn set(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Vec<(char, char)>, Fault> {
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut before = None;
    loop {
        let (character, escaped) = set_character(rest)?;
        match character {
            ']' if !escaped => return Ok(ranges),
            '-' if !escaped => {
                let low = before.take().ok_or("a range in a set begins with nothing")?;
                let (high, escaped) = set_character(rest)?;
                if !escaped && matches!(high, ']' | '-') || high < low {
                    return Err("a range in a set ends with nothing, or before it begins".into());
                }
                ranges.push((low, high));
            }
            other => {
                ranges.push((other, other));
                before = Some(other);
            }
        }
        if ranges.len() as u64 > u64::from(MAX_SET) {
            return Err("a set has more characters than there are".into());
        }
    }
}

fn set_character(rest: &mut impl Iterator<Item = char>) -> Result<(char, bool), Fault> {
    let unclosed = || Fault::new("a set is not closed");
    match rest.next().ok_or_else(unclosed)? {
        '\\' => rest.next().map(|character| (character, true)).ok_or_else(unclosed),
        other => Ok((other, false)),
    }
}

type Pair<'t> = (&'t [Token], &'t [Token]);

/// Without the plain tokens that fit at both ends, one left at each so that nothing becomes empty; nothing when two of
/// them do not fit.
fn trimmed<'t>(left: &'t [Token], right: &'t [Token]) -> Option<Pair<'t>> {
    let plain = |(left, right): &(&Token, &Token)| left.flag == Flag::None && right.flag == Flag::None;
    let head = left.iter().zip(right).take_while(plain).map(|(left, right)| left.fits(right));
    let mut front = 0_usize;
    for fits in head {
        if !fits {
            return None;
        }
        front += 1;
    }
    let front = front.saturating_sub(1);
    let tail = left[front..].iter().rev().zip(right[front..].iter().rev()).take_while(plain);
    let mut back = 0_usize;
    for (left, right) in tail {
        if !left.fits(right) {
            return None;
        }
        back += 1;
    }
    let back = back.saturating_sub(1);
    Some((&left[front..left.len() - back], &right[front..right.len() - back]))
}

struct Search {
    steps: usize,
}

impl Search {
    fn step(&mut self) -> Result<(), Fault> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err("the patterns take too many steps to compare".into()) } else { Ok(()) }
    }

    fn plain(&mut self, left: &[Token], right: &[Token]) -> Result<bool, Fault> {
        for (index, (one, other)) in left.iter().zip(right).enumerate() {
            self.step()?;
            if one.flag != Flag::None || other.flag != Flag::None {
                return self.flagged(&left[index..], &right[index..]);
            }
            if !one.fits(other) {
                return Ok(false);
            }
        }
        Ok(left.len() == right.len())
    }

    /// At least one of both begins with a flag; the left one's comes first.
    fn flagged(&mut self, left: &[Token], right: &[Token]) -> Result<bool, Fault> {
        let (repeated, other) = if left[0].flag == Flag::None { (right, left) } else { (left, right) };
        match repeated[0].flag {
            Flag::Plus if !repeated[0].fits(&other[0]) => Ok(false),
            Flag::Plus => self.star(repeated, &other[1..]),
            _ => self.star(repeated, other),
        }
    }

    /// The first token takes from the other side until the rest of both fit.
    fn star(&mut self, starred: &[Token], other: &[Token]) -> Result<bool, Fault> {
        let next = starred.get(1);
        for (index, token) in other.iter().enumerate() {
            self.step()?;
            if next.is_some_and(|next| token.fits(next)) && self.plain(&starred[1..], &other[index..])? {
                return Ok(true);
            }
            if !token.fits(&starred[0]) {
                return Ok(false);
            }
        }
        Ok(next.is_none())
    }
}
