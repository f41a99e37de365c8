//! OPA policies: read from modules, bundles and directories, made into components, or asked of an OPA server. Runs no
//! OPA code in the host.

pub mod bundle;
mod caps;
pub mod label;
pub mod reading;
pub mod remote;

use crate::model::{Broken, BrokenKind, Digest};
use wasmparser::{Operator, Parser, Payload};

/// The version of OPA's own calling convention that a module was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abi {
    pub major: i32,
    pub minor: i32,
}

impl std::fmt::Display for Abi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// How many answers of a remote engine a record keeps of one policy.
pub const ANSWERS_KEPT: usize = caps::REMOTE_ANSWERS_KEPT;

/// The first-party components that a module is composed with.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub glue: &'static [u8],
    pub builtins: &'static [u8],
}

pub fn parts() -> Parts {
    Parts { glue: b"", builtins: b"" }
}

/// Of all that a component is made from.
pub fn source_digest(parts: &Parts, wasm: &[u8], data: &str) -> Digest {
    let digests = [parts.glue, parts.builtins, wasm, data.as_bytes()].map(|part| Digest::of(part).to_string());
    Digest::of(format!("{} {}", env!("CARGO_PKG_VERSION"), digests.join(" ")).as_bytes())
}

/// The component of a module, with its label.
pub fn make(_parts: &Parts, policy: &str, wasm: &[u8], data: &str) -> Result<Vec<u8>, Broken> {
    let _ = (wasm, data);
    Err(Broken::new(BrokenKind::Unsupported, format!("`{policy}` is an OPA module; this host cannot run OPA modules yet")))
}

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
