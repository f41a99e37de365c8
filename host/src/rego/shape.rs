//! The outside of an OPA module: its ABI, what it imports, which functions it exports under which types. Looks and
//! refuses; runs and changes nothing.

use super::{Abi, RegoError};
use std::collections::BTreeMap;
use wasmparser::types::TypesRef;
use wasmparser::{ExternalKind, MemoryType, Parser, Payload, TypeRef, ValType, Validator, WasmFeatures};

/// A function that OPA's modules import from `env`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Import {
    Abort,
    Println,
    /// By the number of arguments that follow id and context.
    Builtin(u32),
}

impl Import {
    fn named(name: &str) -> Option<Self> {
        match name {
            "opa_abort" => Some(Import::Abort),
            "opa_println" => Some(Import::Println),
            _ => name.strip_prefix("opa_builtin")?.parse().ok().filter(|count| *count <= 4).map(Import::Builtin),
        }
    }

    /// Numbers of parameters and results, all of them `i32`.
    fn signature(self) -> (usize, usize) {
        match self {
            Import::Abort | Import::Println => (1, 0),
            Import::Builtin(count) => (2 + count as usize, 1),
        }
    }
}

/// What must be known of a module before anything in it runs or is rewritten. Everything in it has been validated.
#[derive(Debug)]
pub struct Shape {
    pub abi: Abi,
    /// The imported functions in their order.
    pub imports: Vec<Import>,
    pub memory: MemoryType,
    /// The functions of the ABI, by name, in the module's own numbering.
    pub functions: BTreeMap<&'static str, u32>,
}

/// Functions of every ABI, with the numbers of their parameters and results.
const COMMON: [(&str, usize, usize); 10] = [
    ("opa_malloc", 1, 1),
    ("opa_free", 1, 0),
    ("opa_json_parse", 2, 1),
    ("opa_json_dump", 1, 1),
    ("opa_value_parse", 2, 1),
    ("opa_value_dump", 1, 1),
    ("opa_heap_ptr_get", 0, 1),
    ("opa_heap_ptr_set", 1, 0),
    ("builtins", 0, 1),
    ("entrypoints", 0, 1),
];

/// The evaluation in one call, since ABI 1.2.
const ONE_CALL: [(&str, usize, usize); 1] = [("opa_eval", 7, 1)];

/// The evaluation before ABI 1.2.
const BY_CONTEXT: [(&str, usize, usize); 6] = [
    ("opa_eval_ctx_new", 0, 1),
    ("opa_eval_ctx_set_input", 2, 0),
    ("opa_eval_ctx_set_data", 2, 0),
    ("opa_eval_ctx_set_entrypoint", 2, 0),
    ("opa_eval_ctx_get_result", 1, 1),
    ("eval", 1, 1),
];

/// What OPA's compiler emits and the interpreter runs.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2.difference(WasmFeatures::SIMD)
}

impl Shape {
    pub fn of(wasm: &[u8]) -> Result<Self, RegoError> {
        let abi = known(wasm)?;
        let types = Validator::new_with_features(features())
            .validate_all(wasm)
            .map_err(|error| RegoError::Unreadable(error.message().to_owned()))?;
        let types = types.as_ref();
        let outside = Outside::of(wasm).map_err(|error| RegoError::Unreadable(error.message().to_owned()))?;
        let (imports, memory) = imports(&outside, types)?;
        let evaluation: &[_] = if abi.has_opa_eval() { &ONE_CALL } else { &BY_CONTEXT };
        let mut functions = BTreeMap::new();
        for (name, parameters, results) in COMMON.iter().chain(evaluation) {
            let index = outside.exports.get(name).ok_or_else(|| shape(format!("it exports no function `{name}`")))?;
            check(types, *index, name, (*parameters, *results))?;
            functions.insert(*name, *index);
        }
        Ok(Shape { abi, imports, memory, functions })
    }

    /// In the module's own numbering.
    pub fn function(&self, name: &str) -> u32 {
        *self.functions.get(name).expect("`of` found every function of the ABI")
    }
}

fn shape(problem: String) -> RegoError {
    RegoError::Shape(problem)
}

/// The ABI, if it is one that this host reads.
fn known(wasm: &[u8]) -> Result<Abi, RegoError> {
    match super::abi(wasm) {
        Some(abi) if abi.major == 1 && (0..=3).contains(&abi.minor) => Ok(abi),
        Some(abi) => Err(RegoError::UnknownAbi(abi)),
        None if super::imports_opa(wasm) => Err(RegoError::TooOld),
        None => Err(RegoError::Unreadable("it names no OPA ABI".to_owned())),
    }
}

/// Imports and exported functions as they stand in the file.
struct Outside<'a> {
    imports: Vec<wasmparser::Import<'a>>,
    exports: BTreeMap<&'a str, u32>,
    memories: u32,
}

impl<'a> Outside<'a> {
    fn of(wasm: &'a [u8]) -> wasmparser::Result<Self> {
        let mut outside = Outside { imports: Vec::new(), exports: BTreeMap::new(), memories: 0 };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(section) => {
                    outside.imports = section.into_imports().collect::<wasmparser::Result<_>>()?;
                }
                Payload::MemorySection(section) => outside.memories = section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            outside.exports.insert(export.name, export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(outside)
    }
}

fn imports(outside: &Outside<'_>, types: TypesRef<'_>) -> Result<(Vec<Import>, MemoryType), RegoError> {
    let (mut functions, mut memory) = (Vec::new(), None);
    for import in &outside.imports {
        let name = format!("`{}.{}`", super::said(import.module), super::said(import.name));
        match import.ty {
            TypeRef::Func(_) if import.module == "env" => {
                let known = Import::named(import.name).ok_or_else(|| shape(format!("it imports {name}")))?;
                let index = u32::try_from(functions.len()).expect("the validator caps imports");
                check(types, index, &name, known.signature())?;
                functions.push(known);
            }
            TypeRef::Memory(ty) if import.module == "env" && import.name == "memory" && memory.is_none() => {
                memory = Some(ty);
            }
            _ => return Err(shape(format!("it imports {name}"))),
        }
    }
    let memory = memory.ok_or_else(|| shape("it does not import `env.memory`".to_owned()))?;
    if outside.memories > 0 {
        return Err(shape("it has more than one memory".to_owned()));
    }
    Ok((functions, memory))
}

fn check(types: TypesRef<'_>, index: u32, name: &str, (parameters, results): (usize, usize)) -> Result<(), RegoError> {
    let signature = types[types.core_function_at(index)].unwrap_func();
    let fits = |types: &[ValType], count: usize| types.len() == count && types.iter().all(|ty| *ty == ValType::I32);
    match fits(signature.params(), parameters) && fits(signature.results(), results) {
        true => Ok(()),
        false => Err(shape(format!("{} has another type than OPA gives it", name.trim_matches('`')))),
    }
}
