//! Ranges and random numbers.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
