//! GraphQL documents and schemas.

use crate::Builtin;

pub const BUILTINS: &[(&str, Builtin)] = &[];
