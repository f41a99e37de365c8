//! Evaluators written by hand as WebAssembly text and fitted to the contract: what no compiler would ever write.

use std::fmt::Write as _;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// An evaluator of which two places are free: module fields, and the instructions that `evaluate` runs before it
/// answers with an empty pass. Every other answer is zeroes, which the contract reads as empty lists and no problem.
pub fn evaluator(fields: &str, instructions: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            (import "palisade:plugin/evidence@0.1.0" "[resource-drop]commit-evidence" (func $drop (param i32)))
            (memory (export "memory") 1)
            {fields}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
            (func (export "palisade:plugin/plugin@0.1.0#describe") (result i32) i32.const 64)
            (func (export "palisade:plugin/plugin@0.1.0#validate-settings") (param i32 i32) (result i32) i32.const 64)
            (func (export "palisade:plugin/evaluate@0.1.0#evaluate") (param i32 i32 i32) (result i32)
                {instructions}
                local.get 0
                call $drop
                i32.const 64))"#
    );
    let mut module = wat::parse_str(&module).expect("the text is WebAssembly");
    let mut wit = Resolve::default();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = wit.push_path(contract).expect("the contract is WIT");
    let world = wit.select_world(&[package], Some("evaluator")).expect("the contract has an evaluator");
    embed_component_metadata(&mut module, &wit, world, StringEncoding::UTF8).expect("the module can carry its world");
    let encoder = ComponentEncoder::default().module(&module).expect("the module names its world");
    encoder.validate(true).encode().expect("the module fits its world")
}

/// So many core instances side by side.
pub fn instances(count: usize) -> Vec<u8> {
    component(&format!("(core module $empty) {}", "(core instance (instantiate $empty)) ".repeat(count)))
}

/// So many components side by side, each of which instantiates the one before it twice.
pub fn doubling(levels: usize) -> Vec<u8> {
    let mut fields = "(component $level0 (core module $empty) (core instance (instantiate $empty)))".to_owned();
    for level in 1..=levels {
        let twice = format!("(instance (instantiate $level{}))", level - 1).repeat(2);
        let _ = write!(fields, "(component $level{level} {twice})");
    }
    component(&format!("{fields} (instance (instantiate $level{levels}))"))
}

/// So many components inside each other.
pub fn nested(levels: usize) -> Vec<u8> {
    // Written as bytes: the text's own parser has a limit.
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    (0..levels).fold(empty.clone(), |inner, _| {
        let mut outer = empty.clone();
        outer.push(4); // a component section of this length
        let mut length = inner.len();
        while length > 0x7f {
            outer.push(length as u8 & 0x7f | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(inner);
        outer
    })
}

/// A component that calls itself an evaluator, which is all that is looked at before it is counted.
fn component(fields: &str) -> Vec<u8> {
    let evaluate = r#"(instance $evaluate) (export "palisade:plugin/evaluate@0.1.0" (instance $evaluate))"#;
    wat::parse_str(format!("(component {fields} {evaluate})")).expect("the text is WebAssembly")
}

/// A function of so many bytes that keeps a compiler busy: many locals, all alive over one chain of branches.
pub fn long_function(bytes: usize) -> String {
    const LOCALS: usize = 1_000;
    let mut body = format!("(func $long (param i32) (result i32) (local {})\n", "i32 ".repeat(LOCALS));
    // Fifteen bytes of code each.
    for step in 0..bytes / 15 {
        let (from, to) = (step * 7 % LOCALS + 1, step * 13 % LOCALS + 1);
        let _ = writeln!(body, "local.get {from} (if (then local.get {to} local.get {from} i32.add local.set {to}))");
    }
    body + "local.get 0)"
}
