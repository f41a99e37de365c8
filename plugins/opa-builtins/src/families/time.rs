//! Instants in nanoseconds since 1970, Go's layouts, and time zones by name from the database that is built in.

mod civil;
mod duration;
mod layout;
mod parse;
mod zone;

use civil::Civil;
use zone::Zone;

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("time.add_date", add_date),
    ("time.clock", clock),
    ("time.date", date),
    ("time.diff", diff),
    ("time.format", format),
    ("time.now_ns", now_ns),
    ("time.parse_duration_ns", parse_duration_ns),
    ("time.parse_ns", parse_ns),
    ("time.parse_rfc3339_ns", parse_rfc3339_ns),
    ("time.weekday", weekday),
];

const NS_PER_SECOND: i128 = 1_000_000_000;

/// An instant as an argument gives it: nanoseconds, a zone where one stands beside them, and a layout behind it.
struct Moment<'a> {
    ns: i64,
    zone: Zone,
    layout: &'a str,
}

impl<'a> Moment<'a> {
    fn of(arguments: &'a [Value], position: usize) -> Result<Self, Fault> {
        let Value::Array(items) = operands::any(arguments, position)? else {
            return Ok(Self { ns: ns(arguments, position)?, zone: Zone::utc(), layout: "" });
        };
        let text = |index: usize| if items.len() > index { operands::string(items, index) } else { Ok("") };
        Ok(Self { ns: ns(items, 0)?, zone: Zone::named(text(1)?)?, layout: text(2)? })
    }

    fn civil(&self) -> Civil {
        let (seconds, ns) =
            (i128::from(self.ns).div_euclid(NS_PER_SECOND), i128::from(self.ns).rem_euclid(NS_PER_SECOND));
        let local = seconds + i128::from(self.zone.offset_at(seconds));
        Civil::at(local, ns as u32)
    }
}

fn ns(arguments: &[Value], position: usize) -> Result<i64, Fault> {
    let whole = operands::big_int(arguments, position)?;
    i64::try_from(whole).map_err(|_| Fault::new("timestamp too big"))
}

/// An instant that 64 bits of nanoseconds can hold: the years 1677 to 2262.
fn instant(seconds: i128, ns: u32) -> Result<Value, Fault> {
    let all = seconds * NS_PER_SECOND + i128::from(ns);
    i64::try_from(all).map(Value::from).map_err(|_| Fault::new("time outside of valid range"))
}

fn now_ns(context: &Context, _: &[Value]) -> Result<Value, Fault> {
    instant(context.now_ns().div_euclid(NS_PER_SECOND), context.now_ns().rem_euclid(NS_PER_SECOND) as u32)
}

fn parse_ns(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (layout, value) = (operands::string(arguments, 0)?, operands::string(arguments, 1)?);
    let (seconds, ns) = parse::parse(layout::by_name(layout), value)?;
    instant(seconds, ns)
}

fn parse_rfc3339_ns(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (seconds, ns) = parse::parse(layout::RFC3339, operands::string(arguments, 0)?)?;
    instant(seconds, ns)
}

fn parse_duration_ns(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    duration::parse(operands::string(arguments, 0)?).map(Value::from)
}

fn format(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let moment = Moment::of(arguments, 0)?;
    let layout = if moment.layout.is_empty() { layout::RFC3339_NANO } else { layout::by_name(moment.layout) };
    let seconds = i128::from(moment.ns).div_euclid(NS_PER_SECOND);
    Ok(layout::format(layout, &moment.civil(), &moment.zone.shown_at(seconds)).into())
}

fn numbers<const N: usize>(numbers: [i64; N]) -> Value {
    numbers.map(Value::from).to_vec().into()
}

fn date(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let civil = Moment::of(arguments, 0)?.civil();
    Ok(numbers([civil.year, civil.month, civil.day]))
}

fn clock(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let civil = Moment::of(arguments, 0)?.civil();
    Ok(numbers([civil.hour, civil.minute, civil.second]))
}

fn weekday(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(layout::WEEKDAYS[Moment::of(arguments, 0)?.civil().weekday()].into())
}

/// Years, months and days on the calendar of the zone; a day that a month does not have is one of the next month.
fn add_date(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let moment = Moment::of(arguments, 0)?;
    let civil = moment.civil();
    let operand = |position: usize| operands::int(arguments, position).map(i128::from);
    let year = i128::from(civil.year) + operand(1)?;
    let month = i128::from(civil.month) + operand(2)?;
    let days = civil::days(year, month, i128::from(civil.day) + operand(3)?);
    instant(moment.zone.to_utc(days * civil::SECONDS_PER_DAY + civil.second_of_day()), civil.nanosecond)
}

/// Years, months, days, hours, minutes and seconds between two instants, on the calendar of the first one's zone.
fn diff(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (first, second) = (Moment::of(arguments, 0)?, Moment::of(arguments, 1)?);
    let second = Moment { zone: first.zone.clone(), ..second };
    let (early, late) = if first.ns > second.ns { (second, first) } else { (first, second) };
    let (early, late) = (early.civil(), late.civil());
    let mut parts = [
        late.year - early.year,
        late.month - early.month,
        late.day - early.day,
        late.hour - early.hour,
        late.minute - early.minute,
        late.second - early.second,
    ];
    for (part, size) in [(5, 60), (4, 60), (3, 24), (2, civil::days_in(early.year, early.month)), (1, 12)] {
        if parts[part] < 0 {
            parts[part] += size;
            parts[part - 1] -= 1;
        }
    }
    Ok(numbers(parts))
}
