//! Runs a policy module before it is a plugin, to ask what it needs and to load its data once. Interpreted, so that
//! nothing is compiled for it, with fuel instead of time, so that the same module always comes to the same. Trusts no
//! address that comes from inside.

use crate::model::BrokenKind;
use crate::runtime::limits;
use wasmi::{
    Caller, CompilationMode, Config, Engine, Extern, ExternType, Func, FuncType, Instance, Linker, Memory, Module,
    Store, StoreLimits, StoreLimitsBuilder, TrapCode, Val,
};

/// How running a module ended that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("it did not come to an end")]
    OutOfFuel,
    #[error("it wanted more than {} of memory", limits::show_size(limits::PROBE_MEMORY))]
    Memory,
    #[error("it aborted: {0}")]
    Aborted(String),
    #[error("it trapped: {0}")]
    Trapped(String),
    #[error("it gave an address outside of its memory")]
    Address,
    #[error("it gave a text without an end")]
    Unterminated,
}

impl Failure {
    pub fn kind(&self) -> BrokenKind {
        match self {
            Failure::OutOfFuel => BrokenKind::Timeout,
            Failure::Memory => BrokenKind::Memory,
            Failure::Aborted(_) | Failure::Trapped(_) => BrokenKind::Trap,
            Failure::Address | Failure::Unterminated => BrokenKind::Abi,
        }
    }
}

/// `error` of `palisade:plugin/logging`.
const LEVEL_ERROR: u32 = 3;

/// An instance that lives as long as this.
pub struct Interpreter {
    store: Store<Inside>,
    instance: Instance,
    memory: Memory,
}

struct Inside {
    limits: StoreLimits,
    memory: Option<Memory>,
    /// What the module said when it aborted.
    last_words: Option<String>,
}

/// A function that the module imports, as far as it matters here.
#[derive(Clone, Copy)]
enum Stub {
    /// Takes the address of a text and does not return.
    Abort,
    /// Takes level, address and length.
    Log,
    Ignore,
    /// Nothing that runs before an evaluation has a reason to call it.
    Refuse,
}

impl Stub {
    fn named(name: &str) -> Self {
        match name {
            "opa_abort" => Stub::Abort,
            "opa_println" => Stub::Ignore,
            "log" => Stub::Log,
            _ => Stub::Refuse,
        }
    }
}

impl Interpreter {
    /// Instantiates the module and runs its start function.
    pub fn start(wasm: &[u8], fuel: u64) -> Result<Self, Failure> {
        let engine = Engine::new(&config());
        let module = Module::new(&engine, wasm).map_err(trapped)?;
        let most = usize::try_from(limits::PROBE_MEMORY).unwrap_or(usize::MAX);
        let table = usize::try_from(limits::MAX_TABLE_ELEMENTS).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new().memory_size(most).table_elements(table).trap_on_grow_failure(true);
        let inside = Inside { limits: limits.build(), memory: None, last_words: None };
        let mut store = Store::new(&engine, inside);
        store.limiter(|inside| &mut inside.limits);
        store.set_fuel(fuel).map_err(trapped)?;
        let imported = link(&engine, &module, &mut store)?;
        let (linker, imported) = imported;
        store.data_mut().memory = imported;
        let instance = linker.instantiate_and_start(&mut store, &module).map_err(|error| explain(&store, &error))?;
        let memory = imported.or_else(|| instance.get_memory(&store, "memory"));
        let memory = memory.ok_or_else(|| Failure::Trapped("it has no memory".to_owned()))?;
        store.data_mut().memory = Some(memory);
        Ok(Self { store, instance, memory })
    }

    /// Calls an exported function that takes and gives at most one `i32` back. All addresses are read unsigned.
    pub fn call(&mut self, name: &str, arguments: &[u32]) -> Result<u32, Failure> {
        let missing = || Failure::Trapped(format!("there is no function `{name}`"));
        let function = self.instance.get_func(&self.store, name).ok_or_else(missing)?;
        let arguments: Vec<Val> = arguments.iter().map(|argument| Val::I32(argument.cast_signed())).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let called = function.call(&mut self.store, &arguments, &mut results);
        called.map_err(|error| explain(&self.store, &error))?;
        Ok(results.first().and_then(Val::i32).unwrap_or(0).cast_unsigned())
    }

    /// The text that ends with a NUL, at most `most` bytes of it.
    pub fn text(&self, address: u32, most: usize) -> Result<&str, Failure> {
        text(self.memory.data(&self.store), address, most)
    }

    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Failure> {
        self.memory.write(&mut self.store, address as usize, bytes).map_err(|_| Failure::Address)
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.consume_fuel(true).compilation_mode(CompilationMode::LazyTranslation).ignore_custom_sections(true);
    config
}

/// Everything that the module imports; the memory, if it imports one.
fn link(
    engine: &Engine,
    module: &Module,
    store: &mut Store<Inside>,
) -> Result<(Linker<Inside>, Option<Memory>), Failure> {
    let (mut linker, mut memory) = (Linker::new(engine), None);
    for import in module.imports() {
        let item = match import.ty() {
            ExternType::Func(ty) => Extern::Func(stub(store, ty.clone(), Stub::named(import.name()))),
            ExternType::Memory(ty) => {
                let made = Memory::new(&mut *store, *ty).map_err(|_| Failure::Memory)?;
                Extern::Memory(*memory.insert(made))
            }
            _ => continue,
        };
        linker.define(import.module(), import.name(), item).map_err(trapped)?;
    }
    Ok((linker, memory))
}

fn stub(store: &mut Store<Inside>, ty: FuncType, stub: Stub) -> Func {
    Func::new(store, ty, move |mut caller: Caller<'_, Inside>, arguments, _| {
        let number = |at: usize| arguments.get(at).and_then(Val::i32).unwrap_or(0).cast_unsigned();
        let heard = |caller: &Caller<'_, Inside>, address: u32, most: usize| {
            let memory = caller.data().memory.map(|memory| memory.data(caller)).unwrap_or_default();
            let rest = memory.get(address as usize..).unwrap_or_default();
            let words = &rest[..rest.len().min(most).min(limits::Texts::default().message)];
            super::said(&String::from_utf8_lossy(words.split(|byte| *byte == 0).next().unwrap_or_default()))
        };
        match stub {
            Stub::Ignore => Ok(()),
            Stub::Abort => {
                caller.data_mut().last_words = Some(heard(&caller, number(0), usize::MAX));
                Err(wasmi::Error::new("the module aborted"))
            }
            Stub::Log => {
                if number(0) == LEVEL_ERROR {
                    caller.data_mut().last_words = Some(heard(&caller, number(1), number(2) as usize));
                }
                Ok(())
            }
            Stub::Refuse => Err(wasmi::Error::new("it called a builtin before any evaluation")),
        }
    })
}

/// Out of the module's memory: nothing of its address, its length or its bytes is believed.
fn text(memory: &[u8], address: u32, most: usize) -> Result<&str, Failure> {
    let rest = memory.get(address as usize..).filter(|rest| !rest.is_empty()).ok_or(Failure::Address)?;
    let rest = &rest[..rest.len().min(most)];
    let end = rest.iter().position(|byte| *byte == 0).ok_or(Failure::Unterminated)?;
    std::str::from_utf8(&rest[..end]).map_err(|_| Failure::Trapped("it gave a text that is not UTF-8".to_owned()))
}

fn trapped(error: impl std::fmt::Display) -> Failure {
    Failure::Trapped(super::said(&error.to_string()))
}

fn explain(store: &Store<Inside>, error: &wasmi::Error) -> Failure {
    if let Some(words) = &store.data().last_words {
        return Failure::Aborted(words.clone());
    }
    match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => Failure::OutOfFuel,
        Some(TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => Failure::Memory,
        _ => trapped(error),
    }
}

/// For the snapshot: globals by name and the whole memory.
impl wasmtime_wizer::InstanceState for Interpreter {
    async fn global_get(&mut self, name: &str, _: wasmtime_wizer::ValType) -> wasmtime_wizer::SnapshotVal {
        use wasmtime_wizer::SnapshotVal;
        let global = self.instance.get_global(&self.store, name).expect("the instrumentation exports every global");
        match global.get(&self.store) {
            Val::I32(value) => SnapshotVal::I32(value),
            Val::I64(value) => SnapshotVal::I64(value),
            Val::F32(value) => SnapshotVal::F32(value.to_bits()),
            Val::F64(value) => SnapshotVal::F64(value.to_bits()),
            _ => unreachable!("the instrumentation refuses globals of other types"),
        }
    }

    async fn memory_contents(&mut self, _: &str, contents: impl FnOnce(&[u8]) + Send) {
        contents(self.memory.data(&self.store));
    }
}
