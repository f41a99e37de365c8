//! Reachability in graphs.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
