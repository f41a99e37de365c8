//! YAML text, with the scalars of YAML 1.2 as OPA's library has them: `yes` is a string, `0o17` and `017` are fifteen.

pub(crate) mod date;
mod read;
pub(crate) mod scalar;
mod write;

use crate::{Builtin, Context, Fault, Value, operands};

pub const BUILTINS: &[(&str, Builtin)] =
    &[("yaml.marshal", marshal), ("yaml.unmarshal", unmarshal), ("yaml.is_valid", is_valid)];

fn marshal(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(write::document(operands::any(arguments, 0)?)?.into())
}

fn unmarshal(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    read::document(operands::string(arguments, 0)?)
}

fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(operands::string(arguments, 0).and_then(read::document).is_ok().into())
}
