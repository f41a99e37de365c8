//! OPA's compiled policies. A module that `opa build -t wasm` made speaks a calling convention of its own; here it becomes
//! a component of the world `palisade:plugin/evaluator`, composed with two first-party components, and from then on it is
//! a plugin like every other. Never evaluates a policy.
//!
//! 1. [`shape`] looks at the module's outside, [`probe`] asks it for its entrypoints and builtins, in an interpreter.
//! 2. [`graft`] makes its memory its own and appends the functions of [`adapter`], which speak the canonical ABI.
//! 3. [`snapshot`] runs it to where its data is loaded and keeps that state.
//! 4. [`compose`] lifts it into a component and joins it with glue and builtins.
//!
//! Beside this: [`bundle`] reads what policies are packed in, [`remote`] asks an OPA server instead.

mod adapter;
pub mod bundle;
mod caps;
pub mod case;
mod compose;
mod error;
mod graft;
mod interpreter;
pub mod label;
mod luggage;
mod made;
mod probe;
pub mod reading;
pub mod remote;
mod shape;
mod snapshot;

pub use error::{MissingBuiltins, RegoError};
pub use made::{make, source_digest};

use graft::Luggaged;
use luggage::Luggage;
use probe::Facts;
use shape::Shape;
use snapshot::NoSnapshot;
use std::collections::BTreeMap;
use wasmparser::{Operator, Parser, Payload};

/// The first-party components that a policy is joined with.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Of the world `palisade:opa/glue`, an evaluator beside.
    pub glue: &'a [u8],
    /// Of the world `palisade:opa/library`.
    pub builtins: &'a [u8],
    /// What `builtins` has.
    pub builtin_names: &'a [&'a str],
}

/// What OPA's compiler gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// A core module.
    pub wasm: Vec<u8>,
    /// One JSON object; without it the policy sees an empty one.
    pub data: Option<Vec<u8>>,
}

/// When a policy's data is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLoading {
    /// Once, while the component is built; each instance begins with it.
    Snapshot,
    /// At the first use in each instance. Where a snapshot is impossible it comes to this.
    PerInstance,
}

/// A policy as a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Of the world `palisade:plugin/evaluator`. The same policy and parts give the same bytes.
    pub component: Vec<u8>,
    pub abi: Abi,
    /// Ids by entrypoint.
    pub entrypoints: BTreeMap<String, i32>,
    /// The builtins that it gets from us, sorted.
    pub builtins: Vec<String>,
    /// How its data is loaded, whatever was asked for.
    pub loading: DataLoading,
}

/// Builtins that reach outside of the sandbox, or make tokens that others trust.
const REFUSED: [&str; 7] = [
    "http.send",
    "io.jwt.encode_sign",
    "io.jwt.encode_sign_raw",
    "net.lookup_ip_addr",
    "opa.runtime",
    "providers.aws.sign_req",
    "rego.parse_module",
];

/// Wraps a policy and joins it with its parts. Takes as long as parsing the data in an interpreter takes; the caller
/// keeps it off the threads that serve.
pub fn component(parts: &Parts<'_>, policy: &Policy, loading: DataLoading) -> Result<Built, RegoError> {
    let shape = Shape::of(&policy.wasm)?;
    let facts = probe::probe(&policy.wasm)?;
    let builtins = available(&facts, parts.builtin_names)?;
    let data = policy.data.as_deref().unwrap_or(b"{}");
    serde_json::from_slice::<BTreeMap<String, serde::de::IgnoredAny>>(data)
        .map_err(|error| RegoError::Data(error.to_string()))?;
    let (module, loading) = wrapped(policy, &shape, &Luggage::pack(&facts, data), loading)?;
    let needed = if builtins.is_empty() { compose::Builtins::NotNeeded } else { compose::Builtins::Needed };
    let component = compose::compose(parts, compose::lift(module)?, needed)?;
    Ok(Built { component, abi: shape.abi, entrypoints: facts.entrypoints, builtins, loading })
}

fn wrapped(
    policy: &Policy,
    shape: &Shape,
    luggage: &Luggage,
    loading: DataLoading,
) -> Result<(Vec<u8>, DataLoading), RegoError> {
    if loading == DataLoading::Snapshot {
        let grafted = graft::graft(&policy.wasm, shape, luggage, Luggaged::Apart)?;
        match snapshot::snapshot(&grafted, luggage) {
            Ok(module) => return Ok((module, DataLoading::Snapshot)),
            Err(NoSnapshot::Failed(failure)) => return Err(RegoError::Failed { asked: "loading its data", failure }),
            Err(NoSnapshot::Unfit(reason)) => {
                tracing::info!(
                    reason,
                    "an OPA policy loads its data in each instance, because a snapshot does not fit"
                );
            }
        }
    }
    let module = graft::graft(&policy.wasm, shape, luggage, Luggaged::Inside)?;
    Ok((module, DataLoading::PerInstance))
}

/// The builtins that the policy gets, or all that it does not get.
fn available(facts: &Facts, names: &[&str]) -> Result<Vec<String>, RegoError> {
    let mut missing = MissingBuiltins::default();
    let mut builtins: Vec<_> = facts.builtins.values().cloned().collect();
    builtins.sort();
    for name in builtins.iter().filter(|name| !names.contains(&name.as_str())) {
        match REFUSED.contains(&name.as_str()) {
            true => missing.refused.push(name.clone()),
            false => missing.unknown.push(said(name)),
        }
    }
    match missing == MissingBuiltins::default() {
        true => Ok(builtins),
        false => Err(RegoError::Builtins(missing)),
    }
}

/// Text out of a module, for an error: short, and on one line.
fn said(text: &str) -> String {
    // As much of it as a title holds.
    const LONGEST: usize = 300;
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push('…');
    }
    line
}

/// The version of OPA's own calling convention that a module was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abi {
    pub major: i32,
    pub minor: i32,
}

impl Abi {
    /// Whether one call evaluates.
    fn has_opa_eval(self) -> bool {
        self.minor >= 2
    }
}

impl std::fmt::Display for Abi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// How many answers of a remote engine a record keeps of one policy.
pub const ANSWERS_KEPT: usize = caps::REMOTE_ANSWERS_KEPT;
/// How many bytes of answers a record keeps of one policy.
pub const ANSWERS_KEPT_BYTES: usize = caps::REMOTE_ANSWERS_KEPT_BYTES;

/// Whether a file is a core module that OPA's compiler made, also one of an ABI that nobody reads.
pub fn is_opa_module(wasm: &[u8]) -> bool {
    let evaluates = |export: &wasmparser::Export<'_>| export.name == "opa_eval_ctx_new";
    Parser::is_core_wasm(wasm)
        && Parser::new(0).parse_all(wasm).any(|payload| match payload {
            Ok(Payload::ExportSection(section)) => section.into_iter().filter_map(Result::ok).any(|it| evaluates(&it)),
            _ => false,
        })
}

/// The ABI that a core module names in its globals `opa_wasm_abi_version` and `opa_wasm_abi_minor_version`.
pub fn abi(wasm: &[u8]) -> Option<Abi> {
    if !Parser::is_core_wasm(wasm) {
        return None;
    }
    let mut globals = Vec::new();
    let mut imported = 0;
    let (mut major, mut minor) = (None, None);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.ok()? {
            Payload::ImportSection(section) => {
                let imports = section.into_imports().filter_map(Result::ok);
                imported = imports.filter(|import| matches!(import.ty, wasmparser::TypeRef::Global(_))).count();
            }
            Payload::GlobalSection(section) => {
                globals = section.into_iter().map(|global| constant(&global.ok()?.init_expr)).collect();
            }
            Payload::ExportSection(section) => {
                for export in section.into_iter().filter_map(Result::ok) {
                    let value = || globals.get((export.index as usize).checked_sub(imported)?).copied().flatten();
                    match export.name {
                        "opa_wasm_abi_version" => major = value(),
                        "opa_wasm_abi_minor_version" => minor = value(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(Abi { major: major?, minor: minor.unwrap_or(0) })
}

/// Whether a core module asks for what only OPA's host offers.
fn imports_opa(wasm: &[u8]) -> bool {
    Parser::is_core_wasm(wasm)
        && Parser::new(0).parse_all(wasm).map_while(Result::ok).any(|payload| match payload {
            Payload::ImportSection(section) => section
                .into_imports()
                .map_while(Result::ok)
                .any(|import| import.module == "env" && import.name.starts_with("opa_")),
            _ => false,
        })
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<i32> {
    match expression.get_operators_reader().read().ok()? {
        Operator::I32Const { value } => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(module (global i32 1) (global i32 3) (export "opa_wasm_abi_version" …) (export "opa_wasm_abi_minor_version" …))`
    fn module(exports: &[(&str, u8)]) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.extend([6, 11, 2, 0x7f, 0, 0x41, 1, 0x0b, 0x7f, 0, 0x41, 3, 0x0b]);
        let mut body = vec![exports.len() as u8];
        for (name, index) in exports {
            body.push(name.len() as u8);
            body.extend(name.bytes());
            body.extend([3, *index]);
        }
        wasm.push(7);
        wasm.push(body.len() as u8);
        wasm.extend(body);
        wasm
    }

    #[test]
    fn an_opa_module_is_recognised_by_its_globals() {
        let policy = module(&[("opa_wasm_abi_version", 0), ("opa_wasm_abi_minor_version", 1)]);
        assert_eq!(abi(&policy), Some(Abi { major: 1, minor: 3 }));
        assert!(is_opa_module(&module(&[("opa_eval_ctx_new", 0)])) && !is_opa_module(b"not wasm at all"));
    }

    #[test]
    fn any_other_file_is_not_an_opa_module() {
        assert_eq!(abi(&module(&[("memory_size", 0)])), None);
        assert_eq!(abi(b"not wasm at all"), None);
        assert_eq!(abi(b"\0asm\x0d\0\x01\0"), None);
    }
}
