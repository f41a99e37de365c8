//! Go's layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` written as one wants to see it.

use super::{civil::Civil, zone::Shown};

pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
pub(super) const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The layouts that OPA knows by name; anything else is a layout itself.
pub(super) fn by_name(layout: &str) -> &str {
    match layout {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => RFC3339_NANO,
        other => other,
    }
}

/// How many digits a number has at least, or what stands in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pad {
    None,
    Zeros,
    Blanks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offset {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

/// One part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    ShortYear,
    MonthName,
    ShortMonthName,
    Month(Pad),
    WeekdayName,
    ShortWeekdayName,
    Day(Pad),
    DayOfYear(Pad),
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    /// `PM` or `pm`.
    HalfDay([&'static str; 2]),
    ZoneName,
    /// With `Z` for no offset, or digits always.
    ZoneOrZ(Offset),
    Zone(Offset),
    /// As many digits as the layout has.
    Fraction(char, usize),
    /// Without trailing zeros.
    TrimmedFraction(char, usize),
}

use Offset::{ColonMinutes, ColonSeconds, Hours, Minutes, Seconds};

/// The spellings, longer ones before those that they begin with.
const SPELLINGS: [(&str, Part); 37] = [
    ("January", Part::MonthName),
    ("Monday", Part::WeekdayName),
    ("MST", Part::ZoneName),
    ("01", Part::Month(Pad::Zeros)),
    ("02", Part::Day(Pad::Zeros)),
    ("03", Part::Hour12(Pad::Zeros)),
    ("04", Part::Minute(Pad::Zeros)),
    ("05", Part::Second(Pad::Zeros)),
    ("06", Part::ShortYear),
    ("002", Part::DayOfYear(Pad::Zeros)),
    ("15", Part::Hour),
    ("1", Part::Month(Pad::None)),
    ("2006", Part::Year),
    ("2", Part::Day(Pad::None)),
    ("_2", Part::Day(Pad::Blanks)),
    ("__2", Part::DayOfYear(Pad::Blanks)),
    ("3", Part::Hour12(Pad::None)),
    ("4", Part::Minute(Pad::None)),
    ("5", Part::Second(Pad::None)),
    ("PM", Part::HalfDay(["AM", "PM"])),
    ("pm", Part::HalfDay(["am", "pm"])),
    ("-070000", Part::Zone(Seconds)),
    ("-07:00:00", Part::Zone(ColonSeconds)),
    ("-0700", Part::Zone(Minutes)),
    ("-07:00", Part::Zone(ColonMinutes)),
    ("-07", Part::Zone(Hours)),
    ("Z070000", Part::ZoneOrZ(Seconds)),
    ("Z07:00:00", Part::ZoneOrZ(ColonSeconds)),
    ("Z0700", Part::ZoneOrZ(Minutes)),
    ("Z07:00", Part::ZoneOrZ(ColonMinutes)),
    ("Z07", Part::ZoneOrZ(Hours)),
    ("Jan", Part::ShortMonthName),
    ("Mon", Part::ShortWeekdayName),
    // Their number of digits is read from the layout.
    (".0", Part::Fraction('.', 0)),
    (",0", Part::Fraction(',', 0)),
    (".9", Part::TrimmedFraction('.', 0)),
    (",9", Part::TrimmedFraction(',', 0)),
];

/// The text before the next part, the part, and what follows it.
pub(super) fn next_part(layout: &str) -> (&str, Option<Part>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        // An underscore before the year is one, and no blank before a day.
        if rest.starts_with("_2006") {
            return (&layout[..=at], Some(Part::Year), &rest[5..]);
        }
        if let Some((part, length)) = part_at(rest) {
            return (&layout[..at], Some(part), &rest[length..]);
        }
    }
    (layout, None, "")
}

fn part_at(text: &str) -> Option<(Part, usize)> {
    let (spelling, part) = SPELLINGS.iter().find(|(spelling, _)| text.starts_with(spelling))?;
    let length = spelling.len();
    match part {
        // A month's short name may not run on into a word.
        Part::ShortMonthName | Part::ShortWeekdayName
            if text[length..].starts_with(|next: char| next.is_ascii_lowercase()) =>
        {
            None
        }
        Part::Fraction(mark, _) => fraction(text, '0').map(|digits| (Part::Fraction(*mark, digits), digits + 1)),
        Part::TrimmedFraction(mark, _) => {
            fraction(text, '9').map(|digits| (Part::TrimmedFraction(*mark, digits), digits + 1))
        }
        part => Some((*part, length)),
    }
}

/// How many of one digit follow the mark; none when another digit follows them.
fn fraction(text: &str, digit: char) -> Option<usize> {
    let rest = text[1..].trim_start_matches(digit);
    (!rest.starts_with(|next: char| next.is_ascii_digit())).then(|| text.len() - 1 - rest.len())
}

pub(super) fn format(layout: &str, civil: &Civil, zone: &Shown) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (before, part, after) = next_part(rest);
        out.push_str(before);
        let Some(part) = part else { return out };
        put(&mut out, part, civil, zone);
        rest = after;
    }
}

fn put(out: &mut String, part: Part, civil: &Civil, zone: &Shown) {
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    let month = MONTHS[civil.month as usize - 1];
    let weekday = WEEKDAYS[civil.weekday()];
    match part {
        Part::Year if civil.year < 0 => out.push_str(&format!("-{:04}", -civil.year)),
        Part::Year => put_number(out, civil.year, Pad::Zeros, 4),
        Part::ShortYear => put_number(out, civil.year.abs() % 100, Pad::Zeros, 2),
        Part::MonthName => out.push_str(month),
        Part::ShortMonthName => out.push_str(&month[..3]),
        Part::Month(pad) => put_number(out, civil.month, pad, 2),
        Part::WeekdayName => out.push_str(weekday),
        Part::ShortWeekdayName => out.push_str(&weekday[..3]),
        Part::Day(pad) => put_number(out, civil.day, pad, 2),
        Part::DayOfYear(pad) => put_number(out, civil.day_of_year(), pad, 3),
        Part::Hour => put_number(out, civil.hour, Pad::Zeros, 2),
        Part::Hour12(pad) => put_number(out, hour12, pad, 2),
        Part::Minute(pad) => put_number(out, civil.minute, pad, 2),
        Part::Second(pad) => put_number(out, civil.second, pad, 2),
        Part::HalfDay(names) => out.push_str(names[usize::from(civil.hour >= 12)]),
        Part::ZoneName if zone.abbreviation.is_empty() => put_offset(out, zone.offset, Minutes),
        Part::ZoneName => out.push_str(&zone.abbreviation),
        Part::ZoneOrZ(_) if zone.offset == 0 => out.push('Z'),
        Part::ZoneOrZ(offset) | Part::Zone(offset) => put_offset(out, zone.offset, offset),
        Part::Fraction(mark, digits) => {
            out.push(mark);
            out.push_str(&fraction_digits(civil.nanosecond, digits));
        }
        Part::TrimmedFraction(mark, digits) => {
            let all = fraction_digits(civil.nanosecond, digits);
            let kept = all.trim_end_matches('0');
            if !kept.is_empty() {
                out.push(mark);
                out.push_str(kept);
            }
        }
    }
}

fn put_number(out: &mut String, number: i64, pad: Pad, width: usize) {
    match pad {
        Pad::None => out.push_str(&number.to_string()),
        Pad::Zeros => out.push_str(&format!("{number:0width$}")),
        Pad::Blanks => out.push_str(&format!("{number:width$}")),
    }
}

fn fraction_digits(nanosecond: u32, digits: usize) -> String {
    let all = format!("{nanosecond:09}");
    all.get(..digits).map_or_else(|| format!("{all}{}", "0".repeat(digits - all.len())), str::to_owned)
}

fn put_offset(out: &mut String, offset: i64, form: Offset) {
    let seconds = offset.abs();
    // Go decides by whole minutes, so that less than one is never negative.
    out.push(if offset / 60 < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}", seconds / 3600));
    let colon = if matches!(form, ColonMinutes | ColonSeconds) { ":" } else { "" };
    if form != Hours {
        out.push_str(&format!("{colon}{:02}", seconds / 60 % 60));
    }
    if matches!(form, Seconds | ColonSeconds) {
        out.push_str(&format!("{colon}{:02}", seconds % 60));
    }
}
