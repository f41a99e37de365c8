//! Small questions whose honest answer would fill the memory or take for ever are undefined, and texts that break their
//! readers are too. What is random stands in `hostile.rs`.

use std::collections::{BTreeMap, BTreeSet};

use palisade_plugin_opa_builtins::{Context, Number, Value, call, names};

fn text(content: &str) -> Value {
    content.into()
}

/// Each kind of value, and what breaks readers of text: ends in the middle, wrong escapes, letters of several bytes.
fn oddities() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        true.into(),
        Value::Array(Vec::new()),
        Value::Object(BTreeMap::new()),
        Value::Set(BTreeSet::new()),
        Value::Array(vec![text("a"), 1_i64.into(), Value::Null]),
        Value::object([("a", Value::Array(vec![1_i64.into(), text("b")])), ("é", Value::Null)]),
        Value::Set([text("a"), 2_i64.into()].into()),
    ];
    for number in ["-1", "0", "1.5", "-0.0", "1e300", "9223372036854775808", "123456789012345678901234567890", "1e-300"]
    {
        values.extend(Number::parse(number).map(Value::Number));
    }
    for content in [
        "",
        " ",
        "é",
        "\0",
        "%",
        "%v",
        "%[9]d",
        "{",
        "[",
        "\"",
        "{\"a\":",
        "a: b: c",
        "&a [*a]",
        "- !!int x",
        "%zz",
        "..",
        "::",
        "/",
        "//",
        "/a/0",
        "10.0.0.0/8",
        "::/0",
        "1/1/1",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "MAA=",
        "e30.e30.e30",
        "eyJhbGciOiJFUzI1NiJ9.e30.é",
        "(",
        "[a-",
        "a{1000}",
        "2006-01-02",
        "1h",
        "P1D",
        "v1.0.0-é",
        "10KiB",
        "{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQ\"}",
        "http://[::1",
        "{{",
        "{a,b",
        "é-*",
    ] {
        values.push(text(content));
    }
    values
}

#[test]
fn no_builtin_panics_over_texts_that_break_readers() {
    let context = Context::at(0);
    let oddities = oddities();
    for name in names() {
        let _ = call(&context, name, &[]);
        for first in &oddities {
            let _ = call(&context, name, std::slice::from_ref(first));
            for second in &oddities {
                let _ = call(&context, name, &[first.clone(), second.clone()]);
            }
        }
    }
}

fn is_undefined(name: &str, arguments: &[Value]) -> bool {
    call(&Context::at(0), name, arguments).is_err()
}

#[test]
fn a_network_that_is_too_large_to_expand_is_undefined() {
    assert!(is_undefined("net.cidr_expand", &[text("::/0")]));
    assert!(is_undefined("net.cidr_expand", &[text("10.0.0.0/15")]));
}

#[test]
fn aliases_that_stand_for_billions_of_values_are_undefined() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(is_undefined("yaml.unmarshal", &[text(&bomb)]));
}

#[test]
fn a_patch_that_copies_a_document_into_itself_over_and_over_is_undefined() {
    let copy =
        |index: usize| Value::object([("op", text("copy")), ("from", text("")), ("path", format!("/{index}").into())]);
    let operations = Value::Array((0..64).map(copy).collect());
    assert!(is_undefined("json.patch", &[Value::object([]), operations]));
}

#[test]
fn a_schema_that_refers_to_itself_for_ever_is_undefined() {
    let loops = Value::object([("$ref", text("#"))]);
    assert!(is_undefined("json.match_schema", &[Value::object([]), loops]));
}

#[test]
fn a_pattern_that_would_fill_the_memory_is_no_pattern() {
    let schema = Value::object([("pattern", text("(a{1000}){1000}"))]);
    assert!(is_undefined("json.match_schema", &[text("\"a\""), schema]));
}

#[test]
fn text_that_nests_without_end_is_undefined() {
    let deep = "[".repeat(100_000);
    for name in ["json.unmarshal", "yaml.unmarshal"] {
        assert!(is_undefined(name, &[text(&deep)]), "{name}");
        assert!(is_undefined(name, &[text(&(deep.clone() + &"]".repeat(100_000)))]), "{name}");
    }
}

#[test]
fn paths_that_grow_exponentially_are_undefined() {
    let node = |index: usize| {
        let neighbours = (0..12_usize).filter(|other| *other != index).map(Value::from).collect();
        (Value::from(index), Value::Array(neighbours))
    };
    let graph = Value::Object((0..12).map(node).collect());
    assert!(is_undefined("graph.reachable_paths", &[graph, Value::Array(vec![0_usize.into()])]));
}

#[test]
fn a_query_that_nests_without_end_is_undefined() {
    for open in ["{a", "query ($a: [", "{a(b: [", "{a(b: {c: "] {
        assert!(is_undefined("graphql.parse_query", &[text(&open.repeat(100_000))]), "{open}");
    }
    let deep = "{a".repeat(1_000) + &"}".repeat(1_000);
    assert!(is_undefined("graphql.parse_query", &[text(&deep)]));
    assert!(is_undefined("graphql.parse_schema", &[text(&("type T { a: ".to_owned() + &"[".repeat(100_000)))]));
}

#[test]
fn fragments_whose_fields_double_with_each_are_no_valid_query() {
    let mut query = "{ ...F0 ...G0 }".to_owned();
    for level in 0..40 {
        for name in ["F", "G"] {
            let next = level + 1;
            query.push_str(&format!(" fragment {name}{level} on Query {{ o {{ ...F{next} x ...G{next} }} }}"));
        }
    }
    query.push_str(" fragment F40 on Query { x } fragment G40 on Query { x }");
    let schema = "type Query { o: Query x: Int }";
    assert_eq!(call(&Context::at(0), "graphql.is_valid", &[text(&query), text(schema)]), Ok(false.into()));
}

#[test]
fn the_same_question_gets_the_same_uuid_of_version_four() {
    let context = Context::at(0);
    let ask = |question: &str| call(&context, "uuid.rfc4122", &[text(question)]);
    assert_eq!(ask("a"), ask("a"));
    assert_eq!(ask("a"), Ok(text("07070707-0707-4707-8707-070707070707")));
}
