//! Loads a policy's data once and for all: runs the module to the point where the data is parsed, and writes down its
//! memory as the module's initial one. Every instance then begins there, with pages that instances share until they
//! write to them.

use super::graft::ADOPT;
use super::interpreter::{Failure, Interpreter};
use super::luggage::Luggage;
use crate::runtime::limits;
use futures::FutureExt;
use wasmtime_wizer::Wizer;

/// Why there is no snapshot.
pub enum NoSnapshot {
    /// The module or its data are too much for one; loading the data in each instance still works.
    Unfit(String),
    /// It fails in every instance.
    Failed(Failure),
}

/// The module with its luggage adopted.
pub fn snapshot(grafted: &[u8], luggage: &Luggage) -> Result<Vec<u8>, NoSnapshot> {
    let mut wizer = Wizer::new();
    wizer.init_func(ADOPT);
    // Refuses modules that change their tables or drop segments: such state has no place in a module.
    let (context, instrumented) = wizer.instrument(grafted).map_err(|error| NoSnapshot::Unfit(error.to_string()))?;
    let mut instance = loaded(&instrumented, luggage).map_err(|failure| match failure {
        Failure::OutOfFuel | Failure::Memory => NoSnapshot::Unfit(failure.to_string()),
        failure => NoSnapshot::Failed(failure),
    })?;
    let snapshot = wizer.snapshot(&context, &mut instance).now_or_never();
    let snapshot = snapshot.expect("reading an interpreter's memory waits for nothing");
    let snapshot = snapshot.map_err(|error| NoSnapshot::Unfit(error.to_string()))?;
    match snapshot.len() as u64 > limits::SNAPSHOT_SIZE {
        true => Err(NoSnapshot::Unfit(format!("it has {}", limits::show_size(snapshot.len() as u64)))),
        false => Ok(snapshot),
    }
}

fn loaded(instrumented: &[u8], luggage: &Luggage) -> Result<Interpreter, Failure> {
    let length = u32::try_from(luggage.bytes.len()).map_err(|_| Failure::Memory)?;
    let fuel = limits::PROBE_FUEL.saturating_add(u64::from(length).saturating_mul(limits::DATA_FUEL_PER_BYTE));
    let mut instance = Interpreter::start(instrumented, fuel)?;
    let block = instance.call("cabi_realloc", &[0, 0, 1, length])?;
    instance.write(block, &luggage.bytes)?;
    instance.call(ADOPT, &[block])?;
    Ok(instance)
}
