//! Ranges and random numbers.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::{Builtin, Context, Fault, Number, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] =
    &[("numbers.range", range), ("numbers.range_step", range_step), ("rand.intn", rand_intn)];

/// Items of one range: with fewer than 16 bytes each, their text stays within what a builtin may answer.
const MAX_ITEMS: usize = 1 << 20;

fn range(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    between(arguments, BigInt::from(1))
}

fn range_step(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let step = operands::big_int(arguments, 2)?;
    if !step.is_positive() {
        return Err("step must be a positive integer".into());
    }
    between(arguments, step)
}

/// From the first to the second number, up or down; the last one only where the steps meet it.
fn between(arguments: &[Value], step: BigInt) -> Result<Value, Fault> {
    let (from, to) = (operands::big_int(arguments, 0)?, operands::big_int(arguments, 1)?);
    let count = ((&to - &from).abs() / &step).to_usize().filter(|count| *count < MAX_ITEMS);
    let count = count.ok_or_else(|| Fault::new(format!("the range has more than {MAX_ITEMS} items")))?;
    let step = if from > to { -step } else { step };
    let mut items = Vec::with_capacity(count + 1);
    let mut next = from;
    for _ in 0..=count {
        items.push(Value::from(Number::from(next.clone())));
        next += &step;
    }
    Ok(items.into())
}

/// The same number for the same name and bound, all through an evaluation.
fn rand_intn(context: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let name = operands::string(arguments, 0)?;
    let bound = operands::int(arguments, 1)?.unsigned_abs();
    if bound.is_zero() {
        return Ok(Value::from(0_i64));
    }
    let question = Value::from(vec![name.into(), Number::from(BigInt::from(bound)).into()]);
    context.remember("rand.intn", question, || {
        let mut bytes = [0; 16];
        context.fill_random(&mut bytes)?;
        // 128 random bits: what the remainder favours is out of anybody's sight.
        Ok(Number::from(BigInt::from(u128::from_le_bytes(bytes) % u128::from(bound))).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_fills_memory_is_a_fault() {
        let numbers = |numbers: [i64; 3]| numbers.map(Value::from);
        assert!(range_step(&Context::at(0), &numbers([0, i64::MAX, 1])).is_err());
        assert!(range_step(&Context::at(0), &numbers([0, i64::MAX, i64::MAX])).is_ok());
        assert!(range_step(&Context::at(0), &numbers([0, 1, 0])).is_err());
    }

    #[test]
    fn a_random_number_repeats_for_the_same_question() {
        let context = Context::of_this_moment(|_, _| ());
        let ask = |name: &str| rand_intn(&context, &[name.into(), Value::from(i64::MAX)]).expect("a number");
        assert_eq!(ask("dice"), ask("dice"));
        assert_ne!(ask("dice"), ask("coin"));
        assert_eq!(rand_intn(&context, &["dice".into(), Value::from(-1_i64)]), Ok(Value::from(0_i64)));
    }
}
