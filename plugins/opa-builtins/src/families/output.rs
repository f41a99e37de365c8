//! What a policy says to the log.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
