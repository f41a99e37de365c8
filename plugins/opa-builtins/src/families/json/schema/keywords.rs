//! What the keywords of a schema hold, read without complaint: a schema has been checked before anything is validated.

use std::collections::BTreeMap;

use num_bigint::BigInt;

use crate::{
    Number, Value,
    families::{json::compact, yaml::scalar::json_float},
};

pub type Members = BTreeMap<Value, Value>;

/// Which keywords there are. OPA's library takes a schema that names no draft as all of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Draft {
    Four,
    Six,
    Seven,
    Hybrid,
}

impl Draft {
    pub fn of(schema: &Members) -> Self {
        match get(schema, "$schema") {
            Some(Value::String(uri)) => match uri.trim_end_matches('#') {
                "http://json-schema.org/draft-04/schema" => Self::Four,
                "http://json-schema.org/draft-06/schema" => Self::Six,
                "http://json-schema.org/draft-07/schema" => Self::Seven,
                _ => Self::Hybrid,
            },
            _ => Self::Hybrid,
        }
    }
}

pub fn get<'v>(members: &'v Members, keyword: &str) -> Option<&'v Value> {
    members.get(&keyword.into())
}

pub fn string<'v>(members: &'v Members, keyword: &str) -> Option<&'v str> {
    match get(members, keyword)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

pub fn number<'v>(members: &'v Members, keyword: &str) -> Option<&'v Number> {
    match get(members, keyword)? {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

pub fn count(members: &Members, keyword: &str) -> Option<usize> {
    let count = number(members, keyword)?.to_big_int()?;
    Some(usize::try_from(count).unwrap_or(usize::MAX))
}

pub fn object<'v>(members: &'v Members, keyword: &str) -> Option<&'v Members> {
    match get(members, keyword)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// The items of an array; none where there is none.
pub fn array<'v>(members: &'v Members, keyword: &str) -> &'v [Value] {
    match get(members, keyword) {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

/// The type of a value as a schema names it; a number without fraction is an integer.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.to_big_int().is_some() => "integer",
        other => other.kind(),
    }
}

/// JSON text in which equal numbers look the same: rounded to floats, as OPA's library compares.
pub fn normal_text(value: &Value) -> String {
    compact(&normal(value))
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            Value::Number(Number::parse(&json_float(number.to_f64())).unwrap_or_else(|| number.clone()))
        }
        Value::Array(items) => Value::Array(items.iter().map(normal).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), normal(value))).collect())
        }
        other => other.clone(),
    }
}

/// Whether a number is a whole multiple of another, exactly.
pub fn is_multiple(number: &Number, of: &Number) -> bool {
    let ((left, left_shift), (right, right_shift)) = (scaled(number), scaled(of));
    let shift = left_shift.min(right_shift);
    let power = |to: i64| BigInt::from(10).pow(u32::try_from(to - shift).unwrap_or(0));
    let (left, right) = (left * power(left_shift), right * power(right_shift));
    right != BigInt::default() && left % right == BigInt::default()
}

/// An integer and the power of ten that it is multiplied with.
fn scaled(number: &Number) -> (BigInt, i64) {
    let (mantissa, exponent) = number.as_str().split_once(['e', 'E']).unwrap_or((number.as_str(), "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}").parse().unwrap_or_default();
    (digits, exponent.parse::<i64>().unwrap_or_default() - fraction.len() as i64)
}
