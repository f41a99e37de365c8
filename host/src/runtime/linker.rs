//! What a plugin is linked with: Palisade's interfaces, and WASI p2 served closed. One linker for all plugins; what a
//! plugin may not import is refused before (`imports`). `wasi:http` is not here.

use super::contract;
use super::limits::Limits;
use super::state::{State, Waiting};
use std::sync::Arc;
use wasmtime::component::{HasData, HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{Engine, Result};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll;

/// A linker with everything that this host serves.
pub fn linker(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    // The only functions of WASI that wait, once directories and sockets are closed: ours count the time.
    linker.allow_shadowing(true);
    poll::add_to_linker::<State, TimedPolls>(&mut linker, |state| TimedPoll {
        table: &mut state.table,
        waiting: &mut state.waiting,
        limits: Arc::clone(&state.limits),
    })?;
    linker.allow_shadowing(false);
    contract::Host_::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

struct TimedPolls;

impl HasData for TimedPolls {
    type Data<'a> = TimedPoll<'a>;
}

struct TimedPoll<'a> {
    table: &'a mut ResourceTable,
    waiting: &'a mut Waiting,
    limits: Arc<Limits>,
}

impl poll::Host for TimedPoll<'_> {
    async fn poll(&mut self, list: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        self.waiting.within(&self.limits, poll::Host::poll(self.table, list)).await?
    }
}

impl poll::HostPollable for TimedPoll<'_> {
    async fn block(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        self.waiting.within(&self.limits, poll::HostPollable::block(self.table, pollable)).await?
    }
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> Result<bool> {
        poll::HostPollable::ready(self.table, pollable).await
    }
    fn drop(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        poll::HostPollable::drop(self.table, pollable)
    }
}
