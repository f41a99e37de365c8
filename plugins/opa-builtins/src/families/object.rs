//! Objects.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
