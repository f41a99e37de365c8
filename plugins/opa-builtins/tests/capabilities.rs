//! `capabilities.json`, which makes `opa build` fail early, and the registry name the same builtins.

use std::collections::BTreeSet;

use palisade_plugin_opa_builtins::names;
use serde_json::Value;

/// What every module that `opa build -t wasm` makes carries inside, or its compiler writes out, and nobody here answers.
const INSIDE: &str = "abs all and any array.concat array.flatten array.reverse array.slice assign bits.and bits.lsh \
    bits.negate bits.or bits.rsh bits.xor ceil concat contains count div endswith eq equal floor format_int gt gte indexof \
    internal.member_2 internal.member_3 intersection is_array is_boolean is_null is_number is_object is_set is_string lower \
    lt lte max min minus mul neq or plus product re_match rego.metadata.chain rego.metadata.rule rem replace round set_diff \
    sort split startswith substring sum to_number trim trim_left trim_prefix trim_right trim_space trim_suffix type_name \
    union upper walk";

#[test]
fn what_opa_is_told_to_build_for_is_what_there_is() {
    let capabilities: Value = serde_json::from_str(include_str!("../capabilities.json")).expect("a JSON document");
    let told: BTreeSet<&str> = capabilities["builtins"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|builtin| builtin["name"].as_str())
        .collect();
    let here: BTreeSet<&str> = names().chain(INSIDE.split_whitespace()).collect();
    let unanswered: Vec<_> = told.difference(&here).collect();
    let untold: Vec<_> = here.difference(&told).collect();
    assert!(unanswered.is_empty(), "told to OPA, and not here: {unanswered:?}");
    assert!(untold.is_empty(), "here, and not told to OPA: {untold:?}");
}
