//! Templates: Go's `text/template` as far as OPA offers it, and template strings.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
