//! The constants that a wrapped module carries: names of builtins, its entrypoints, its data. One block of bytes, with
//! the place of each text in it. Knows nothing of where the block will lie.

use super::probe::Facts;
use std::collections::BTreeMap;

/// A text, counted from the block's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub length: u32,
}

#[derive(Debug)]
pub struct Luggage {
    pub bytes: Vec<u8>,
    /// Names of builtins by id.
    pub builtins: BTreeMap<i32, Span>,
    /// A JSON object of entrypoints and their ids.
    pub entrypoints: Span,
    /// A JSON object.
    pub data: Span,
    pub unknown_builtin: Span,
    pub bad_data: Span,
}

impl Luggage {
    pub fn pack(facts: &Facts, data: &[u8]) -> Self {
        let mut bytes = Vec::new();
        let mut add = |text: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(text);
            // Below 2 GiB: a policy with its data is capped far below.
            Span { start: start as u32, length: text.len() as u32 }
        };
        let entrypoints = serde_json::to_vec(&facts.entrypoints).expect("names and numbers are JSON");
        let builtins = facts.builtins.iter().map(|(id, name)| (*id, add(name.as_bytes()))).collect();
        let entrypoints = add(&entrypoints);
        let unknown_builtin = add(b"the policy calls a builtin that it does not list");
        let bad_data = add(b"the policy cannot read its data");
        let data = add(data);
        Self { builtins, entrypoints, unknown_builtin, bad_data, data, bytes }
    }
}
