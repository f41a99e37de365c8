//! Strings: prefixes, suffixes, counting, reversing, replacing.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
