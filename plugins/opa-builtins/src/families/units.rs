//! Amounts with a unit.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
