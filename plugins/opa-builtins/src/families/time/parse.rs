//! Reading a time by a layout, as lenient and as strict as Go: a fraction of a second may stand where the layout has
//! none, a zone that is only a name counts as UTC, a weekday is not held against the date.

use super::{
    civil::{self, SECONDS_PER_DAY},
    layout::{MONTHS, Offset, Pad, Part, WEEKDAYS, next_part},
};
use crate::Fault;

/// What the value has said so far.
#[derive(Default)]
struct Read {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: u32,
    afternoon: Option<bool>,
    is_utc: bool,
    offset: Option<i64>,
}

type Rest<'v> = Option<&'v str>;

/// Seconds since 1970 and nanoseconds.
pub(super) fn parse(layout: &str, value: &str) -> Result<(i128, u32), Fault> {
    let wrong = |at: &str| Fault::new(format!("parsing time {value:?} as {layout:?}: cannot parse {at:?}"));
    let mut read = Read::default();
    let (mut layout_rest, mut rest) = (layout, value);
    loop {
        let (before, part, after) = next_part(layout_rest);
        rest = skip(rest, before).ok_or_else(|| wrong(rest))?;
        let Some(part) = part else { break };
        rest = read.part(part, rest, after).ok_or_else(|| wrong(rest))?;
        layout_rest = after;
    }
    if !rest.is_empty() {
        return Err(wrong(rest));
    }
    let seconds = read.seconds().ok_or_else(|| Fault::new(format!("parsing time {value:?}: day out of range")))?;
    Ok((seconds, read.nanosecond))
}

/// The value behind the layout's literal text. A blank stands for any number of them.
fn skip<'v>(mut value: &'v str, mut literal: &str) -> Rest<'v> {
    while let Some(first) = literal.chars().next() {
        if first == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return None;
            }
            literal = literal.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
        } else {
            value = value.strip_prefix(first)?;
            literal = &literal[first.len_utf8()..];
        }
    }
    Some(value)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// One or two digits; two where the layout pads with zeros.
fn number(text: &str, pad: Pad) -> Option<(i64, &str)> {
    let length = digits(text).min(2);
    if length == 0 || pad == Pad::Zeros && length != 2 {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

fn number_in(text: &str, pad: Pad, range: std::ops::Range<i64>) -> Option<(i64, &str)> {
    number(text, pad).filter(|(number, _)| range.contains(number))
}

/// Which of the names the text begins with, in any case of letters.
fn name<'t>(text: &'t str, names: &[&str], length: Option<usize>) -> Option<(i64, &'t str)> {
    let found = names.iter().position(|name| {
        let name = &name[..length.unwrap_or(name.len())];
        text.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
    })?;
    Some((found as i64, &text[length.unwrap_or(names[found].len())..]))
}

/// A mark and digits, as nanoseconds; what is beyond nine digits is cut.
fn nanoseconds(text: &str) -> Option<u32> {
    let digits = text.strip_prefix(['.', ','])?;
    let kept = &digits[..digits.len().min(9)];
    format!("{kept:0<9}").parse().ok()
}

impl Read {
    fn part<'v>(&mut self, part: Part, value: &'v str, layout: &str) -> Rest<'v> {
        let rest;
        match part {
            Part::Year => {
                let year = value.get(..4).filter(|year| digits(year) == 4)?;
                (self.year, rest) = (year.parse().ok()?, &value[4..]);
            }
            Part::ShortYear => {
                let (year, after) = number(value, Pad::Zeros)?;
                (self.year, rest) = (if year >= 69 { 1900 + year } else { 2000 + year }, after);
            }
            Part::MonthName | Part::ShortMonthName => {
                let (month, after) = name(value, &MONTHS, (part == Part::ShortMonthName).then_some(3))?;
                (self.month, rest) = (Some(month + 1), after);
            }
            Part::Month(pad) => {
                let (month, after) = number_in(value, pad, 1..13)?;
                (self.month, rest) = (Some(month), after);
            }
            Part::WeekdayName | Part::ShortWeekdayName => {
                (_, rest) = name(value, &WEEKDAYS, (part == Part::ShortWeekdayName).then_some(3))?;
            }
            Part::Day(pad) => {
                let value = if pad == Pad::Blanks { value.strip_prefix(' ').unwrap_or(value) } else { value };
                let (day, after) = number(value, pad)?;
                (self.day, rest) = (Some(day), after);
            }
            Part::DayOfYear(pad) => rest = self.day_of_year(value, pad)?,
            Part::Hour => (self.hour, rest) = number_in(value, Pad::None, 0..24)?,
            Part::Hour12(pad) => (self.hour, rest) = number_in(value, pad, 0..13)?,
            Part::Minute(pad) => (self.minute, rest) = number_in(value, pad, 0..60)?,
            Part::Second(pad) => rest = self.second(value, pad, layout)?,
            Part::HalfDay(names) => {
                let half = names.iter().position(|name| value.starts_with(name))?;
                (self.afternoon, rest) = (Some(half == 1), &value[2..]);
            }
            Part::ZoneName => rest = self.zone_name(value)?,
            Part::ZoneOrZ(_) if value.starts_with('Z') => (self.is_utc, rest) = (true, &value[1..]),
            Part::ZoneOrZ(form) | Part::Zone(form) => rest = self.zone(value, form)?,
            Part::Fraction(_, count) => {
                let text = value.get(..=count).filter(|text| digits(&text[1..]) == count)?;
                (self.nanosecond, rest) = (nanoseconds(text)?, &value[text.len()..]);
            }
            Part::TrimmedFraction(..) => rest = self.fraction(value)?,
        }
        Some(rest)
    }

    fn day_of_year<'v>(&mut self, value: &'v str, pad: Pad) -> Rest<'v> {
        let blanks =
            if pad == Pad::Blanks { value.bytes().take(2).take_while(|byte| *byte == b' ').count() } else { 0 };
        let value = &value[blanks..];
        let length = digits(value).min(3);
        if length == 0 || pad == Pad::Zeros && length != 3 {
            return None;
        }
        self.day_of_year = Some(value[..length].parse().ok()?);
        Some(&value[length..])
    }

    fn second<'v>(&mut self, value: &'v str, pad: Pad, layout: &str) -> Rest<'v> {
        let rest;
        (self.second, rest) = number_in(value, pad, 0..60)?;
        // Unless the next part of the layout is the fraction: literal text before it does not matter to Go.
        match next_part(layout).1 {
            Some(Part::Fraction(..) | Part::TrimmedFraction(..)) => Some(rest),
            _ => self.fraction(rest),
        }
    }

    /// A fraction where one stands.
    fn fraction<'v>(&mut self, value: &'v str) -> Rest<'v> {
        let count = value.strip_prefix(['.', ',']).map_or(0, digits);
        if count == 0 {
            return Some(value);
        }
        self.nanosecond = nanoseconds(&value[..=count])?;
        Some(&value[count + 1..])
    }

    fn zone<'v>(&mut self, value: &'v str, form: Offset) -> Rest<'v> {
        let (length, colons): (usize, &[usize]) = match form {
            Offset::Hours => (3, &[]),
            Offset::Minutes => (5, &[]),
            Offset::ColonMinutes => (6, &[3]),
            Offset::Seconds => (7, &[]),
            Offset::ColonSeconds => (9, &[3, 6]),
        };
        let text = value.get(..length)?;
        let sign = match text.as_bytes()[0] {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        if !colons.iter().all(|at| text.as_bytes()[*at] == b':') {
            return None;
        }
        let plain: String = text[1..]
            .bytes()
            .enumerate()
            .filter(|(at, _)| !colons.contains(&(at + 1)))
            .map(|(_, byte)| char::from(byte))
            .collect();
        let mut parts = [0_i64; 3];
        for (part, pair) in parts.iter_mut().zip(plain.as_bytes().chunks(2)) {
            *part = std::str::from_utf8(pair).ok().filter(|pair| digits(pair) == 2)?.parse().ok()?;
        }
        let [hours, minutes, seconds] = parts;
        if hours > 24 || minutes > 60 || seconds > 60 {
            return None;
        }
        self.offset = Some(sign * (hours * 3600 + minutes * 60 + seconds));
        Some(&value[length..])
    }

    /// A name that looks like a zone's. Only `GMT+3` says what it means; every other one counts as UTC.
    fn zone_name<'v>(&mut self, value: &'v str) -> Rest<'v> {
        if let Some(rest) = value.strip_prefix("UTC") {
            self.is_utc = true;
            return Some(rest);
        }
        if value.starts_with("ChST") || value.starts_with("MeST") {
            return Some(&value[4..]);
        }
        if let Some(after) = value.strip_prefix("GMT") {
            let (hours, length) = signed_hours(after).unwrap_or((0, 0));
            // An offset in digits that stands elsewhere wins.
            self.offset = self.offset.or((length > 0).then_some(hours * 3600));
            return Some(&after[length..]);
        }
        if value.starts_with(['+', '-']) {
            let (_, length) = signed_hours(value).filter(|_| value.len() >= 3)?;
            return Some(&value[length..]);
        }
        let upper = value.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
        let is_zone = match upper {
            3 => true,
            4 => value.as_bytes()[3] == b'T' || value.starts_with("WITA"),
            5 => value.as_bytes()[4] == b'T',
            _ => false,
        };
        is_zone.then(|| &value[upper..])
    }

    fn seconds(&self) -> Option<i128> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = match self.day_of_year {
            Some(day_of_year) => self.month_and_day(day_of_year)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > civil::days_in(self.year, month) {
            return None;
        }
        let days = civil::days(self.year.into(), month.into(), day.into());
        let second_of_day = i128::from(hour * 3600 + self.minute * 60 + self.second);
        let offset = if self.is_utc { 0 } else { self.offset.unwrap_or(0) };
        Some(days * SECONDS_PER_DAY + second_of_day - i128::from(offset))
    }

    /// A month or day that stands beside the day of the year must be the same.
    fn month_and_day(&self, day_of_year: i64) -> Option<(i64, i64)> {
        let mut day = day_of_year;
        for month in 1..=12 {
            let length = civil::days_in(self.year, month);
            if day < 1 {
                return None;
            }
            if day <= length {
                let agrees = self.month.is_none_or(|read| read == month) && self.day.is_none_or(|read| read == day);
                return agrees.then_some((month, day));
            }
            day -= length;
        }
        None
    }
}

/// A sign and hours up to 23, and how long they are.
fn signed_hours(text: &str) -> Option<(i64, usize)> {
    let unsigned = text.strip_prefix(['+', '-'])?;
    let length = digits(unsigned);
    let hours = unsigned[..length].parse::<i64>().ok().filter(|hours| *hours <= 23)?;
    Some((if text.starts_with('-') { -hours } else { hours }, length + 1))
}
