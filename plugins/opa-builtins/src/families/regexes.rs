//! Regular expressions with RE2's syntax and Go's replacement templates.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
