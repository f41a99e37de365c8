//! What a component is made of, counted before anything is compiled: a thousand bytes of nested components can stand
//! for a billion instances, and one function can keep a compiler busy for hours. Compiles and links nothing.

use super::limits::{self, show_size};
use crate::model::{Broken, BrokenKind};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Instance,
    Parser, Payload,
};

const WASM_PAGE: u64 = 64 << 10;

/// Counts over a whole component, nested ones included as often as they are instantiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// What the calling instance comes to.
    pub instances: Instances,
    /// Over all core modules, each counted once: it is compiled once.
    pub functions: u64,
    pub largest_function: u64,
    /// What the largest memory and the largest table begin with.
    pub memory: u64,
    pub table_elements: u64,
}

/// What instantiating something brings to life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    pub components: u64,
    pub core: u64,
    pub memories: u64,
    pub tables: u64,
}

impl Instances {
    fn add(&mut self, other: Instances) {
        self.components = self.components.saturating_add(other.components);
        self.core = self.core.saturating_add(other.core);
        self.memories = self.memories.saturating_add(other.memories);
        self.tables = self.tables.saturating_add(other.tables);
    }

    /// The worse of both in every respect.
    fn at_worst(self, other: Instances) -> Instances {
        Instances {
            components: self.components.max(other.components),
            core: self.core.max(other.core),
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
        }
    }
}

/// Refuses what is too large to be compiled or instantiated, by the limit's name and with the way out, and what cannot
/// be counted. A file that is torn is left to whoever reads it next, and says how.
pub fn refusal(what: &str, wasm: &[u8]) -> Option<Broken> {
    let structure = match count(wasm) {
        Ok(structure) => structure,
        Err(Uncounted::Nested) => {
            return Some(too_much(what, "nesting", "nests more than", limits::NESTING.to_string()));
        }
        Err(Uncounted::Torn) => return None,
        Err(Uncounted::Unsound) => {
            return Some(Broken::new(BrokenKind::Abi, format!("{what} is not a sound component")));
        }
    };
    let instances = structure.instances;
    let counts = [
        ("component_instances", "instantiates more components than", instances.components, limits::COMPONENT_INSTANCES),
        ("core_instances", "instantiates more core modules than", instances.core, limits::CORE_INSTANCES),
        ("memories", "has more memories than", instances.memories, limits::MEMORIES),
        ("tables", "has more tables than", instances.tables, limits::TABLES),
        ("functions", "has more functions than", structure.functions, limits::FUNCTIONS),
    ];
    if let Some((limit, does, _, most)) = counts.into_iter().find(|(.., found, most)| *found > u64::from(*most)) {
        return Some(too_much(what, limit, does, most.to_string()));
    }
    if structure.largest_function > limits::FUNCTION_SIZE {
        return Some(too_much(what, "function_size", "has a function of more than", show_size(limits::FUNCTION_SIZE)));
    }
    if structure.memory > limits::MAX_MEMORY {
        return Some(too_much(what, "memory", "begins with a memory of more than", show_size(limits::MAX_MEMORY)));
    }
    let elements = limits::MAX_TABLE_ELEMENTS;
    (structure.table_elements > elements)
        .then(|| too_much(what, "table_elements", "begins with a table of more elements than", elements.to_string()))
}

fn too_much(what: &str, limit: &str, does: &str, most: String) -> Broken {
    Broken::new(BrokenKind::Abi, format!("{what} {does} {most}"))
        .limit(limit)
        .hint(format!("build the plugin smaller: the limit `{limit}` is the same for all"))
}

/// Why there are no counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uncounted {
    /// Too deeply.
    Nested,
    /// It names what does not exist.
    Unsound,
    /// It ends early or holds unknown sections.
    Torn,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    Module,
    #[default]
    Component,
}

/// A module or component that is being read.
#[derive(Debug, Default)]
struct Level {
    /// Index spaces: what instantiating each module and component would come to.
    modules: Vec<Instances>,
    components: Vec<Instances>,
    own: Instances,
    kind: Kind,
}

#[derive(Debug, Default)]
struct Counter {
    levels: Vec<Level>,
    /// The worst of what was read to its end: stands for what only an instance's export or an argument could tell.
    worst: Instances,
    structure: Structure,
}

fn count(wasm: &[u8]) -> Result<Structure, Uncounted> {
    let mut counter = Counter { levels: vec![Level::default()], ..Counter::default() };
    for payload in Parser::new(0).parse_all(wasm) {
        counter.read(payload.map_err(|_| Uncounted::Torn)?)?;
    }
    Ok(counter.structure)
}

impl Counter {
    fn read(&mut self, payload: Payload<'_>) -> Result<(), Uncounted> {
        match payload {
            Payload::ModuleSection { .. } => self.enter(Kind::Module)?,
            Payload::ComponentSection { .. } => self.enter(Kind::Component)?,
            Payload::End(_) => self.leave(),
            Payload::MemorySection(section) => {
                self.level()?.own.memories += u64::from(section.count());
                for memory in section {
                    let pages = memory.map_err(|_| Uncounted::Unsound)?.initial;
                    self.structure.memory = self.structure.memory.max(pages.saturating_mul(WASM_PAGE));
                }
            }
            Payload::TableSection(section) => {
                self.level()?.own.tables += u64::from(section.count());
                for table in section {
                    let elements = table.map_err(|_| Uncounted::Unsound)?.ty.initial;
                    self.structure.table_elements = self.structure.table_elements.max(elements);
                }
            }
            Payload::CodeSectionStart { count, .. } => self.structure.functions += u64::from(count),
            Payload::CodeSectionEntry(body) => {
                let size = body.range().len() as u64;
                self.structure.largest_function = self.structure.largest_function.max(size);
            }
            other => self.read_of_component(other)?,
        }
        Ok(())
    }

    /// What fills the index spaces, and what draws from them.
    fn read_of_component(&mut self, payload: Payload<'_>) -> Result<(), Uncounted> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    match import.map_err(|_| Uncounted::Unsound)?.ty {
                        ComponentTypeRef::Module(_) => self.unknown_module()?,
                        ComponentTypeRef::Component(_) => self.unknown_component()?,
                        _ => {}
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(alias.map_err(|_| Uncounted::Unsound)?)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(|_| Uncounted::Unsound)?;
                    let level = self.level()?;
                    match export.kind {
                        ComponentExternalKind::Module => level.modules.push(at(&level.modules, export.index)?),
                        ComponentExternalKind::Component => level.components.push(at(&level.components, export.index)?),
                        _ => {}
                    }
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    if let Instance::Instantiate { module_index, .. } = instance.map_err(|_| Uncounted::Unsound)? {
                        let level = self.level()?;
                        let module = at(&level.modules, module_index)?;
                        level.own.add(Instances { core: 1, ..module });
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let instance = instance.map_err(|_| Uncounted::Unsound)?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        let level = self.level()?;
                        let component = at(&level.components, component_index)?;
                        level.own.add(component);
                        level.own.add(Instances { components: 1, ..Instances::default() });
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, alias: ComponentAlias<'_>) -> Result<(), Uncounted> {
        match alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => self.unknown_module(),
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => self.unknown_component(),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index } => {
                let module = at(&self.outer(count)?.modules, index)?;
                self.level()?.modules.push(module);
                Ok(())
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let component = at(&self.outer(count)?.components, index)?;
                self.level()?.components.push(component);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unknown_module(&mut self) -> Result<(), Uncounted> {
        let worst = self.worst;
        self.level()?.modules.push(worst);
        Ok(())
    }

    fn unknown_component(&mut self) -> Result<(), Uncounted> {
        let worst = self.worst;
        self.level()?.components.push(worst);
        Ok(())
    }

    fn level(&mut self) -> Result<&mut Level, Uncounted> {
        self.levels.last_mut().ok_or(Uncounted::Unsound)
    }

    fn outer(&self, count: u32) -> Result<&Level, Uncounted> {
        let place = self.levels.len().checked_sub(1 + count as usize).ok_or(Uncounted::Unsound)?;
        self.levels.get(place).ok_or(Uncounted::Unsound)
    }

    fn enter(&mut self, kind: Kind) -> Result<(), Uncounted> {
        if self.levels.len() > limits::NESTING as usize {
            return Err(Uncounted::Nested);
        }
        self.levels.push(Level { kind, ..Level::default() });
        Ok(())
    }

    fn leave(&mut self) {
        let Some(done) = self.levels.pop() else { return };
        self.worst = self.worst.at_worst(done.own);
        match self.levels.last_mut() {
            Some(outer) if done.kind == Kind::Module => outer.modules.push(done.own),
            Some(outer) => outer.components.push(done.own),
            None => self.structure.instances = done.own,
        }
    }
}

fn at(space: &[Instances], index: u32) -> Result<Instances, Uncounted> {
    space.get(index as usize).copied().ok_or(Uncounted::Unsound)
}
