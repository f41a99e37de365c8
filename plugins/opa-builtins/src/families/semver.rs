//! Semantic versions.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
