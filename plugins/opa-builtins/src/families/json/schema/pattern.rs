//! Regular expressions of schemas, bounded.

use regex::{Regex, RegexBuilder};

/// What one compiled expression may weigh. `a{1000}{1000}` would take all memory.
const MAX_COMPILED_BYTES: usize = 1 << 20;

pub fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED_BYTES).build()
}
