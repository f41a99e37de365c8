//! The engine: compiler settings, the pool of instance slots, and the thread that ticks. Knows nothing of plugins.

use super::functions::Functions;
use super::limits;
use std::sync::Arc;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result};

/// The engine and how it allocates.
#[derive(Debug)]
pub struct Machine {
    pub engine: Engine,
    /// Calls that the pool holds at once; absent where there was no room for any pool.
    pub pool_slots: Option<usize>,
    pub functions: Arc<Functions>,
}

impl Machine {
    /// An engine for so many calls at once. Takes a smaller pool, and at last none, where the address space is short.
    pub fn start(calls: usize) -> anyhow::Result<Self> {
        let functions = Arc::<Functions>::default();
        let machine = match halving(calls.max(1), |slots| Engine::new(&pooling(&functions, slots)?)) {
            Some((engine, slots)) => Self { engine, pool_slots: Some(slots), functions },
            None => Self { engine: on_demand(&functions)?, pool_slots: None, functions },
        };
        match machine.pool_slots {
            Some(slots) if slots >= calls => {}
            slots => tracing::warn!(
                wanted = calls,
                slots = slots.unwrap_or(0),
                "not enough address space for the instance pool: plugin calls are slower or fewer at once"
            ),
        }
        tick(&machine.engine)?;
        Ok(machine)
    }
}

fn on_demand(functions: &Arc<Functions>) -> anyhow::Result<Engine> {
    config(functions)
        .and_then(|config| Engine::new(&config))
        .map_err(|error| anyhow::anyhow!("starting the WebAssembly engine: {error:#}"))
}

/// The first success over `slots`, a half of it, a quarter, …; `None` if not even one is possible.
fn halving<T>(mut slots: usize, mut attempt: impl FnMut(usize) -> Result<T>) -> Option<(T, usize)> {
    while slots > 0 {
        match attempt(slots) {
            Ok(made) => return Some((made, slots)),
            Err(error) => tracing::debug!(slots, %error, "no room for the instance pool"),
        }
        slots /= 2;
    }
    None
}

fn config(functions: &Arc<Functions>) -> Result<Config> {
    let mut config = Config::new();
    let functions = Arc::clone(functions);
    config
        .enable_incremental_compilation(functions)?
        .epoch_interruption(true)
        .max_wasm_stack(limits::WASM_STACK)
        .async_stack_size(limits::ASYNC_STACK)
        // No component-async while plugins are WASI p2: saves state per store.
        .concurrency_support(false)
        // The same answer on every CPU.
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(true)
        // Less surface; threads and GC are not even compiled in.
        .wasm_memory64(false);
    Ok(config)
}

fn pooling(functions: &Arc<Functions>, slots: usize) -> Result<Config> {
    let slots = u32::try_from(slots).unwrap_or(u32::MAX / limits::CORE_INSTANCES);
    let mut pool = PoolingAllocationConfig::new();
    // For each call at once the most that one may have: with less, one plugin could take the slots of its neighbours.
    // Only addresses are reserved.
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(limits::CORE_INSTANCES))
        .total_memories(slots.saturating_mul(limits::MEMORIES))
        .total_tables(slots.saturating_mul(limits::TABLES))
        .total_stacks(slots)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        // One module may have them all, as it may where there is no pool.
        .max_memories_per_module(limits::MEMORIES)
        .max_tables_per_module(limits::TABLES)
        .max_memory_size(limits::MAX_MEMORY as usize)
        .table_elements(limits::MAX_TABLE_ELEMENTS as usize)
        // The default of 1 MiB is too small for large guests.
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        // Reset by memset instead of madvise up to here; more only costs resident memory.
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(512 << 10);
    let mut config = config(functions)?;
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(config)
}

/// Moves the epoch from a thread of its own: a task's ticks would come late and in bursts under load. Ends with the engine.
fn tick(engine: &Engine) -> anyhow::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("palisade-epoch".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(limits::TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_without_room_is_halved_and_at_last_given_up() {
        let small = halving(16, |slots| if slots > 4 { Err(wasmtime::format_err!("no room")) } else { Ok(()) });
        assert_eq!(small, Some(((), 4)));
        assert_eq!(halving(16, |_| Err::<(), _>(wasmtime::format_err!("no room"))), None);
    }

    #[test]
    fn an_engine_starts_with_a_pool_here() {
        assert!(Machine::start(2).is_ok());
    }
}
