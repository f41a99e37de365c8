//! Where an engine answers otherwise than `opa eval`, and why we live with it.

/// Engine, case, reason.
const DIFFERENCES: [(&str, &str, &str); 12] = [
    ("rego", "tests/policies/large_numbers/kept-as-text", "numbers of more than 64 bits become floats"),
    (
        "rego",
        "tests/policies/negated_calls/a-missing-argument",
        "OPA looks arguments up before the negation, regorus inside it",
    ),
    (
        "rego",
        "tests/policies/nested_rules/only-what-is-defined",
        "an object rule without members below another rule's path is left out",
    ),
    ("rego", "tests/policies/shadowed_names/all-named", SHADOWED),
    ("rego", "tests/policies/shadowed_names/first", SHADOWED),
    ("rego", "tests/policies/shadowed_names/no-first", SHADOWED),
    ("rego", "tests/policies/text_of_json/zeros", "numbers are kept by value, not as they were written"),
    ("component", "tests/policies/json_documents/text", "OPA's module writes members as its hashes fall, not sorted"),
    ("component", "tests/policies/large_numbers/product", FORMAT),
    ("component", "tests/policies/text_of_json/signs-of-html", HTML),
    ("opa-wasm", "tests/policies/large_numbers/product", FORMAT),
    ("opa-wasm", "tests/policies/text_of_json/signs-of-html", HTML),
];

const SHADOWED: &str = "a name of a comprehension that a later line declares outside is refused";

const FORMAT: &str = "`format_int` of OPA's module aborts beyond 64 bits";
const HTML: &str = "OPA's module leaves `<`, `>` and `&` as they are in JSON text";

pub fn known(engine: &str, case: &str) -> bool {
    of(engine).any(|known| known == case)
}

pub fn of(engine: &str) -> impl Iterator<Item = &'static str> {
    DIFFERENCES.iter().filter(move |(name, _, _)| *name == engine).map(|(_, case, _)| *case)
}
