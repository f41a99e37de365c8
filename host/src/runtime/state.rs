//! What belongs to one call and dies with it: the closed WASI context, handles, counters of what was used.

use super::limits::Limits;
use super::outcome::{LimitName, LimitReached};
use crate::model::PluginName;
use crate::model::ids::Unix;
use bytes::{Bytes, BytesMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWrite;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// The data of a store.
pub struct State {
    pub plugin: PluginName,
    pub limits: Arc<Limits>,
    pub table: ResourceTable,
    pub usage: Usage,
    pub waiting: Waiting,
    pub log: Head,
    /// The last thing that the guest logged as an error, cut.
    pub last_error: String,
    pub stdout: Output,
    pub stderr: Output,
    wasi: WasiCtx,
}

impl State {
    /// `now` is the only time that the guest sees; `seed` decides its random numbers. Both are inputs, so that a
    /// replay gives the same.
    pub fn new(plugin: PluginName, limits: Arc<Limits>, now: Unix, seed: &[u8]) -> Self {
        let (stdout, stderr) = (Output::new(limits.output), Output::new(limits.output));
        let wasi = WasiCtx::builder()
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .wall_clock(FixedClock(now))
            .monotonic_clock(FixedClock(0))
            .secure_random(Deterministic::new(seed.to_vec()))
            .insecure_random(Deterministic::new(seed.to_vec()))
            .insecure_random_seed(u128::from_le_bytes(*seed.first_chunk().unwrap_or(&[0; 16])))
            .max_random_size(limits.random_bytes)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(limits.resources).unwrap_or(usize::MAX));
        Self {
            usage: Usage::new(&limits),
            log: Head::new(limits.output),
            last_error: String::new(),
            plugin,
            limits,
            table,
            waiting: Waiting::default(),
            stdout,
            stderr,
            wasi,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// How much this call already waited in host functions.
#[derive(Debug, Default)]
pub struct Waiting {
    spent: Duration,
}

impl Waiting {
    /// Runs a host function that waits, for as long as the limits let it. The time it took is remembered.
    pub async fn within<T>(&mut self, limits: &Limits, work: impl Future<Output = T> + Send) -> wasmtime::Result<T> {
        let left = limits.host_calls.saturating_sub(self.spent);
        let (patience, limit) = match left < limits.host_call {
            true => (left, LimitName::HostCalls),
            false => (limits.host_call, LimitName::HostCall),
        };
        let begin = tokio::time::Instant::now();
        let answer = tokio::time::timeout(patience, work).await;
        self.spent += begin.elapsed();
        answer.map_err(|_| LimitReached(limit).into())
    }
}

/// Sums memory and table elements over everything in the store: wasmtime's own limiter compares each on its own.
#[derive(Debug)]
pub struct Usage {
    memory: u64,
    most_memory: u64,
    table_elements: u64,
    most_table_elements: u64,
    /// What the last granted growth added, to be taken back if it still fails.
    granted: u64,
    /// A growth was refused: the guest sees -1 and mostly traps in a way that says nothing of memory.
    pub refused: Option<LimitName>,
    pub peak_memory: u64,
}

impl Usage {
    fn new(limits: &Limits) -> Self {
        Self {
            memory: 0,
            most_memory: limits.memory,
            table_elements: 0,
            most_table_elements: limits.table_elements,
            granted: 0,
            refused: None,
            peak_memory: 0,
        }
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.memory.saturating_add(more) > self.most_memory {
            self.refused = Some(LimitName::Memory);
            return Ok(false);
        }
        self.memory += more;
        self.granted = more;
        self.peak_memory = self.peak_memory.max(self.memory);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory = self.memory.saturating_sub(std::mem::take(&mut self.granted));
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if self.table_elements.saturating_add(more) > self.most_table_elements {
            self.refused = Some(LimitName::TableElements);
            return Ok(false);
        }
        self.table_elements += more;
        self.granted = more;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements = self.table_elements.saturating_sub(std::mem::take(&mut self.granted));
        Ok(())
    }

    fn instances(&self) -> usize {
        super::limits::CORE_INSTANCES as usize
    }
    fn memories(&self) -> usize {
        super::limits::MEMORIES as usize
    }
    fn tables(&self) -> usize {
        super::limits::TABLES as usize
    }
}

/// Counts the CPU time that one call got, poll by poll; a call may move between threads.
#[derive(Debug, Default)]
pub struct CpuMeter {
    spent_ns: AtomicU64,
    poll_began_ns: AtomicU64,
}

impl CpuMeter {
    pub fn begin(&self) {
        self.poll_began_ns.store(thread_cpu_ns(), Ordering::Relaxed);
    }
    pub fn end(&self) {
        let spent = thread_cpu_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        self.spent_ns.fetch_add(spent, Ordering::Relaxed);
    }
    /// Between polls.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed))
    }
    /// During a poll, on its thread.
    pub fn spent_so_far(&self) -> Duration {
        let this_poll = thread_cpu_ns().saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        self.spent() + Duration::from_nanos(this_poll)
    }
}

fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

struct FixedClock(Unix);

impl HostWallClock for FixedClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn now(&self) -> Duration {
        Duration::from_secs(self.0)
    }
}
impl HostMonotonicClock for FixedClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }
    fn now(&self) -> u64 {
        self.0
    }
}

/// The head of a text that may be longer: keeps what fits, counts the rest.
#[derive(Debug)]
pub struct Head {
    kept: BytesMut,
    room: usize,
    pub dropped: u64,
}

impl Head {
    fn new(room: u64) -> Self {
        Self { kept: BytesMut::new(), room: usize::try_from(room).unwrap_or(usize::MAX), dropped: 0 }
    }
    /// How much of it fitted.
    pub fn add(&mut self, bytes: &[u8]) -> usize {
        let fits = bytes.len().min(self.room - self.kept.len());
        self.kept.extend_from_slice(&bytes[..fits]);
        self.dropped += (bytes.len() - fits) as u64;
        fits
    }
}

/// stdout or stderr of a guest. Takes everything and never fails: `println!` panics where a write does.
#[derive(Clone, Debug)]
pub struct Output(Arc<Mutex<Head>>);

impl Output {
    fn new(room: u64) -> Self {
        Self(Arc::new(Mutex::new(Head::new(room))))
    }
    pub fn text(&self) -> (String, u64) {
        let head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (String::from_utf8_lossy(&head.kept).into_owned(), head.dropped)
    }
    fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(bytes);
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.add(&bytes);
        Ok(())
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_all_memories_and_a_failed_growth_is_taken_back() {
        let mut usage = Usage::new(&Limits { memory: 100, ..Limits::default() });
        assert!(usage.memory_growing(0, 60, None).unwrap());
        assert!(!usage.memory_growing(0, 60, None).unwrap(), "another memory, the same limit");
        assert_eq!(usage.refused, Some(LimitName::Memory));
        assert!(usage.memory_growing(60, 100, None).unwrap());
        usage.memory_grow_failed(wasmtime::format_err!("the machine is out of memory")).unwrap();
        assert!(usage.memory_growing(0, 40, None).unwrap());
        assert_eq!(usage.peak_memory, 100);
    }

    #[test]
    fn table_elements_are_summed_over_all_tables_and_a_failed_growth_is_taken_back() {
        let mut usage = Usage::new(&Limits { table_elements: 100, ..Limits::default() });
        assert!(usage.table_growing(0, 60, None).unwrap());
        assert!(!usage.table_growing(0, 60, None).unwrap(), "another table, the same limit");
        assert_eq!(usage.refused, Some(LimitName::TableElements));
        assert!(usage.table_growing(60, 100, None).unwrap());
        usage.table_grow_failed(wasmtime::format_err!("the pool's slot is full")).unwrap();
        assert!(usage.table_growing(0, 40, None).unwrap());
        assert!(!usage.table_growing(40, 41, None).unwrap());
    }

    #[test]
    fn output_keeps_its_head_and_counts_the_rest() {
        let output = Output::new(4);
        output.add(b"abc");
        output.add(b"defg");
        assert_eq!(output.text(), ("abcd".to_owned(), 3));
    }
}
