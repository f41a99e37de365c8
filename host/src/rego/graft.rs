//! Rewrites a policy module into one that a component can be made of: its imported memory becomes its own, the functions
//! that it imports become ours, and it exports what `wit/opa` asks for. Every other instruction stays as it is.

use super::RegoError;
use super::adapter::{self, Adapter, Arrival, Inner, Outer};
use super::luggage::Luggage;
use super::shape::Shape;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, Module, StartSection, TableSection,
    TypeSection, ValType,
};
use wasmparser::{Parser, Payload};

/// Where the snapshot puts the luggage down; no component exports it.
pub const ADOPT: &str = "palisade-adopt";

/// A module of the world `palisade:opa/wrapped`, with the luggage aside or in a passive segment.
pub fn graft(wasm: &[u8], shape: &Shape, luggage: &Luggage, own: Luggaged) -> Result<Vec<u8>, RegoError> {
    let numbers = count(wasm).map_err(|error| RegoError::Wrapping(error.to_string()))?;
    let outer: &[Outer] = if luggage.builtins.is_empty() { &[Outer::Log] } else { &[Outer::Log, Outer::Call] };
    let arrival = match own {
        Luggaged::Apart => Arrival::Before,
        Luggaged::Inside => Arrival::FirstUse(numbers.data),
    };
    let first_function = outer.len() as u32 + numbers.functions;
    let adapter = Adapter { shape, luggage, arrival, outer, first_function, first_global: numbers.globals };
    let grafting = Grafting { adapter, sections: Sections::default() };
    grafting.run(wasm, &numbers).map_err(|error| RegoError::Wrapping(error.to_string()))
}

/// Whether the module carries its luggage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luggaged {
    Apart,
    Inside,
}

/// How many of each the policy defines itself.
#[derive(Default)]
struct Numbers {
    types: u32,
    functions: u32,
    globals: u32,
    data: u32,
}

fn count(wasm: &[u8]) -> wasmparser::Result<Numbers> {
    let mut numbers = Numbers::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                // The shape allows no recursive groups, so each entry is one type.
                numbers.types = section.count();
            }
            Payload::FunctionSection(section) => numbers.functions = section.count(),
            Payload::GlobalSection(section) => numbers.globals = section.count(),
            Payload::DataSection(section) => numbers.data = section.count(),
            _ => {}
        }
    }
    Ok(numbers)
}

#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    exports: ExportSection,
    start: Option<u32>,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
}

struct Grafting<'a> {
    adapter: Adapter<'a>,
    sections: Sections,
}

/// Only functions get other numbers; ours stand behind those of the policy.
impl Reencode for Adapter<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        Ok(self.renumbered(function))
    }
}

type Rewritten<T> = Result<T, Error<std::convert::Infallible>>;

impl Grafting<'_> {
    fn run(mut self, wasm: &[u8], numbers: &Numbers) -> Rewritten<Vec<u8>> {
        self.sections.memories.memory(self.adapter.memory_type(self.adapter.shape.memory)?);
        for payload in Parser::new(0).parse_all(wasm) {
            self.copy(payload?)?;
        }
        self.append(numbers.types);
        Ok(self.sections.encode())
    }

    /// What the policy has of each section. Its imports and exports are replaced, custom sections left out.
    fn copy(&mut self, payload: Payload<'_>) -> Rewritten<()> {
        let (sections, adapter) = (&mut self.sections, &mut self.adapter);
        match payload {
            Payload::TypeSection(section) => adapter.parse_type_section(&mut sections.types, section),
            Payload::FunctionSection(section) => adapter.parse_function_section(&mut sections.functions, section),
            Payload::TableSection(section) => adapter.parse_table_section(&mut sections.tables, section),
            Payload::GlobalSection(section) => adapter.parse_global_section(&mut sections.globals, section),
            Payload::ElementSection(section) => adapter.parse_element_section(&mut sections.elements, section),
            Payload::CodeSectionEntry(body) => adapter.parse_function_body(&mut sections.code, body),
            Payload::DataSection(section) => adapter.parse_data_section(&mut sections.data, section),
            Payload::StartSection { func, .. } => {
                sections.start = Some(adapter.renumbered(func));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn append(&mut self, types: u32) {
        let (sections, adapter) = (&mut self.sections, &self.adapter);
        let mut ty = types;
        let mut add_type = |sections: &mut Sections, (parameters, results): (usize, usize)| {
            sections.types.ty().function(vec![ValType::I32; parameters], vec![ValType::I32; results]);
            ty += 1;
            ty - 1
        };
        for outer in adapter.outer {
            let ty = add_type(sections, (outer.parameters(), 0));
            let (module, name) = match outer {
                Outer::Log => ("palisade:plugin/logging@0.1.0", "log"),
                Outer::Call => ("palisade:opa/builtins@0.1.0", "call"),
            };
            sections.imports.import(module, name, EntityType::Function(ty));
        }
        for inner in adapter::ALL {
            let ty = add_type(sections, inner.signature());
            sections.functions.function(ty);
            sections.code.function(&adapter.body(inner));
        }
        let variable = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        for _ in 0..adapter::GLOBALS {
            sections.globals.global(variable, &ConstExpr::i32_const(0));
        }
        if let Arrival::FirstUse(_) = adapter.arrival {
            sections.data.passive(adapter.luggage.bytes.iter().copied());
        }
        self.export();
    }

    fn export(&mut self) {
        let mut export = |name: &str, inner: Inner| {
            self.sections.exports.export(name, ExportKind::Func, self.adapter.inner(inner));
        };
        export("cabi_realloc", Inner::Realloc);
        export("palisade:opa/policy@0.1.0#entrypoints", Inner::Entrypoints);
        export("palisade:opa/policy@0.1.0#eval", Inner::Eval);
        export("cabi_post_palisade:opa/policy@0.1.0#eval", Inner::AfterEval);
        if self.adapter.arrival == Arrival::Before {
            export(ADOPT, Inner::Adopt);
        }
        self.sections.exports.export("memory", ExportKind::Memory, 0);
    }
}

impl Sections {
    fn encode(&self) -> Vec<u8> {
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        if !self.tables.is_empty() {
            module.section(&self.tables);
        }
        module.section(&self.memories).section(&self.globals).section(&self.exports);
        if let Some(function_index) = self.start {
            module.section(&StartSection { function_index });
        }
        if !self.elements.is_empty() {
            module.section(&self.elements);
        }
        // `memory.init` is valid only behind this.
        module.section(&DataCountSection { count: self.data.len() });
        module.section(&self.code).section(&self.data);
        module.finish()
    }
}
