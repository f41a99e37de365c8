//! Shell patterns with delimiters.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
