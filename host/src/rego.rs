//! OPA's compiled policies. For now this room only recognises them, so that people read what the file is instead of a
//! puzzling error; it wraps and runs none. Whoever does that adds it here.

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

/// What to tell somebody who configured an OPA module as a plugin; `None` for any other file.
pub fn explain(wasm: &[u8]) -> Option<String> {
    let abi = abi(wasm)?;
    Some(format!("this is an OPA policy module (ABI {abi}); this host cannot run OPA modules yet"))
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
        assert_eq!(
            explain(&policy).unwrap(),
            "this is an OPA policy module (ABI 1.3); this host cannot run OPA modules yet"
        );
    }

    #[test]
    fn any_other_file_is_not_an_opa_module() {
        assert_eq!(abi(&module(&[("memory_size", 0)])), None);
        assert_eq!(abi(b"not wasm at all"), None);
        assert_eq!(abi(b"\0asm\x0d\0\x01\0"), None);
    }
}
