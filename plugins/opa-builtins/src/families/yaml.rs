//! YAML text.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
