//! Judges by policies in Rego source.
pub mod engine;
#[cfg(test)]
mod tests {
    use super::engine::*;
    use std::collections::BTreeMap;
    fn policy(text: &str) -> Result<Policy, Vec<Fault>> {
        Policy::new(&BTreeMap::from([("p.rego".to_owned(), text.to_owned())]), Version::V1)
    }
    fn ask(text: &str, e: &str, input: &str) -> Result<Answer, Fault> {
        policy(text).map_err(|f| f[0].clone())?.answer(e, to_value(input.as_bytes()).unwrap())
    }
    #[test]
    fn tries() {
        println!("{:?}", ask("package a.b\nimport rego.v1\ndeny contains x if { some x in input.xs; x > 1 }", "a/b/deny", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nimport rego.v1\nallow if { input.x }\nf(x) := x", "a/b/allow", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow if { input.x }\nf(x) := x\nb := 1\nc contains 3", "a/b", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow if { input.x }", "a/b/nope", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow if { input.x }", "nope/x", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow if { http.send({}) }", "a/b/allow", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow if {\n  x := \n}", "a/b/allow", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow := x if {\n  x := 1/0\n}", "a/b/allow", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow := {1:2, \"a\":{3,4}, [1]:{}}", "a/b/allow", r#"{"xs":[1,2,3]}"#));
        println!("{:?}", ask("package a.b\nallow := 12345678901234567890123 + input.x", "a/b/allow", r#"{"x":9007199254740993}"#));
        println!("{:?}", ask("package a.b\nf(x) := f(x)\nallow := f(1)", "a/b/allow", r#"{"x":9007199254740993}"#));
        println!("{:?}", ask("package a.b\nallow := sprintf(\"%v %d\", [{1,2}, 3.5])", "a/b/allow", r#"{"x":9007199254740993}"#));
        println!("{:?}", ask("package a.b\nallow contains 1 if x\nx := y if {y := z}", "a/b/allow", r#"{"x":9007199254740993}"#));
        println!("{:?}", ask("package a.b\nx := 1\nx := 2", "a/b/x", r#"{"x":9007199254740993}"#));
    }
}
