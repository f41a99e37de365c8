//! A module of OPA's outside and nothing behind it: every function of the ABI does the least that is right. Tests put
//! their own instructions in the place of one of them.

use std::collections::BTreeMap;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemoryType, Module, TypeSection, ValType,
};

/// Imported functions, in order; their place is their number. The one builtin that a test may call takes no argument.
pub const ABORT: u32 = 0;
pub const PRINTLN: u32 = 1;
pub const BUILTIN: u32 = 2;
const IMPORTS: [(&str, usize, usize); 3] = [("opa_abort", 1, 0), ("opa_println", 1, 0), ("opa_builtin0", 2, 1)];

/// Mutable globals: where the heap stands, and two that tests count with.
pub const HEAP: u32 = 2;
pub const COUNT: u32 = 3;

/// Where the texts lie. A value's address is the address of its JSON.
pub const BUILTINS_AT: i32 = 1024;
pub const ENTRYPOINTS_AT: i32 = 2048;
pub const PASS_AT: i32 = 3072;
pub const DENY_AT: i32 = 4096;
pub const WORDS_AT: i32 = 5120;
const CONTEXT_AT: i32 = 512;
const HEAP_AT: i32 = 65_536;
/// Pages at first: the texts, and 15 of heap.
pub const PAGES: u64 = 16;

type Code = Box<dyn Fn(&mut InstructionSink<'_>)>;

pub struct Policy {
    functions: BTreeMap<&'static str, Code>,
    texts: BTreeMap<i32, Vec<u8>>,
    abi: (i32, i32),
}

/// Name, parameters, results.
const FUNCTIONS: [(&str, usize, usize); 17] = [
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
    ("opa_eval", 7, 1),
    ("opa_eval_ctx_new", 0, 1),
    ("opa_eval_ctx_set_input", 2, 0),
    ("opa_eval_ctx_set_data", 2, 0),
    ("opa_eval_ctx_set_entrypoint", 2, 0),
    ("opa_eval_ctx_get_result", 1, 1),
    ("eval", 1, 1),
];

/// A policy whose set `deny` is empty.
pub fn harmless() -> Policy {
    let texts = [
        (BUILTINS_AT, r#"{"time.now_ns": 7}"#),
        (ENTRYPOINTS_AT, r#"{"test/deny": 0}"#),
        (PASS_AT, r#"[{"result": []}]"#),
        (DENY_AT, r#"[{"result": ["something of before is here"]}]"#),
        (WORDS_AT, "the policy has had enough"),
    ];
    let policy = Policy {
        functions: BTreeMap::new(),
        texts: texts.into_iter().map(|(at, text)| (at, [text.as_bytes(), &[0]].concat())).collect(),
        abi: (1, 3),
    };
    policy
        .with("opa_malloc", |code| {
            code.global_get(HEAP).global_get(HEAP).local_get(0).i32_add().i32_const(8).i32_add().global_set(HEAP);
        })
        .with("opa_free", |_| {})
        .with("opa_json_parse", identity)
        .with("opa_json_dump", identity)
        .with("opa_value_parse", identity)
        .with("opa_value_dump", identity)
        .with("opa_heap_ptr_get", |code| {
            code.global_get(HEAP);
        })
        .with("opa_heap_ptr_set", |code| {
            code.local_get(0).global_set(HEAP);
        })
        .with("builtins", |code| {
            code.i32_const(BUILTINS_AT);
        })
        .with("entrypoints", |code| {
            code.i32_const(ENTRYPOINTS_AT);
        })
        .with("opa_eval", |code| {
            code.i32_const(PASS_AT);
        })
        .with("opa_eval_ctx_new", |code| {
            code.i32_const(CONTEXT_AT);
        })
        .with("opa_eval_ctx_set_input", |_| {})
        .with("opa_eval_ctx_set_data", |_| {})
        .with("opa_eval_ctx_set_entrypoint", |_| {})
        .with("opa_eval_ctx_get_result", |code| {
            code.i32_const(PASS_AT);
        })
        .with("eval", |code| {
            code.i32_const(0);
        })
}

fn identity(code: &mut InstructionSink<'_>) {
    code.local_get(0);
}

impl Policy {
    /// The body of one function; its parameters are the first locals, and two `i32` follow.
    pub fn with(mut self, function: &'static str, code: impl Fn(&mut InstructionSink<'_>) + 'static) -> Self {
        self.functions.insert(function, Box::new(code));
        self
    }

    pub fn without(mut self, function: &str) -> Self {
        self.functions.remove(function);
        self
    }

    pub fn text(mut self, at: i32, text: impl Into<Vec<u8>>) -> Self {
        self.texts.insert(at, text.into());
        self
    }

    pub fn abi(mut self, major: i32, minor: i32) -> Self {
        self.abi = (major, minor);
        self
    }

    pub fn wasm(&self) -> Vec<u8> {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        let mut signature = |parameters: usize, results: usize| {
            types.ty().function(vec![ValType::I32; parameters], vec![ValType::I32; results]);
            types.len() - 1
        };
        for (name, parameters, results) in IMPORTS {
            imports.import("env", name, EntityType::Function(signature(parameters, results)));
        }
        let memory = MemoryType { minimum: PAGES, maximum: None, memory64: false, shared: false, page_size_log2: None };
        imports.import("env", "memory", EntityType::Memory(memory));
        let (mut functions, mut exports, mut code) = (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (name, parameters, results) in FUNCTIONS {
            let Some(body) = self.functions.get(name) else { continue };
            exports.export(name, ExportKind::Func, IMPORTS.len() as u32 + functions.len());
            functions.function(signature(parameters, results));
            code.function(&function(body));
        }
        exports.export("opa_wasm_abi_version", ExportKind::Global, 0);
        exports.export("opa_wasm_abi_minor_version", ExportKind::Global, 1);
        let mut data = DataSection::new();
        for (at, text) in &self.texts {
            data.active(0, &ConstExpr::i32_const(*at), text.iter().copied());
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&self.globals());
        module.section(&exports).section(&code).section(&data);
        module.finish()
    }

    fn globals(&self) -> GlobalSection {
        let mut globals = GlobalSection::new();
        for (mutable, value) in [(false, self.abi.0), (false, self.abi.1), (true, HEAP_AT), (true, 0), (true, 0)] {
            let ty = GlobalType { val_type: ValType::I32, mutable, shared: false };
            globals.global(ty, &ConstExpr::i32_const(value));
        }
        globals
    }
}

fn function(body: &Code) -> Function {
    let mut function = Function::new([(2, ValType::I32)]);
    let mut code = function.instructions();
    body(&mut code);
    code.end();
    function
}

/// Four bytes of memory.
pub fn word() -> MemArg {
    MemArg { offset: 0, align: 2, memory_index: 0 }
}
