//! Digests, HMAC and X.509.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
