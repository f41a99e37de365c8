//! Instants in nanoseconds since 1970, Go's layouts, and time zones by name.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
