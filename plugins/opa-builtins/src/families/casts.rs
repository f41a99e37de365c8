//! The casts that version 0 of Rego still knows: what is of the type stays, arrays and sets become each other, and
//! anything else is undefined.

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("cast_array", array),
    ("cast_boolean", boolean),
    ("cast_null", null),
    ("cast_object", object),
    ("cast_set", set),
    ("cast_string", string),
];

fn array(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Array(operands::items(arguments, 0)?.into_iter().cloned().collect()))
}

fn set(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Set(operands::items(arguments, 0)?.into_iter().cloned().collect()))
}

fn boolean(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    operands::boolean(arguments, 0).map(Value::from)
}

fn null(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    match operands::any(arguments, 0)? {
        Value::Null => Ok(Value::Null),
        other => Err(Fault::operand(1, "null", other.kind())),
    }
}

fn object(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    operands::object(arguments, 0).map(|members| Value::Object(members.clone()))
}

fn string(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    operands::string(arguments, 0).map(Value::from)
}
