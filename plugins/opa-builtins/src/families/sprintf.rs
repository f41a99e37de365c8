//! Go's `fmt.Sprintf` over Rego values.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
