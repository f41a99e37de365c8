//! Compiles components: a few at once, each on threads of its own, with a deadline. A compiler cannot be interrupted:
//! what is given up goes on by itself, holds its place until it ends, and keeps nobody else's work waiting but that of
//! its place. Never loads code that it did not compile.

use super::limits;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Places for compilations.
#[derive(Debug)]
pub struct Compiler {
    places: Arc<Semaphore>,
    /// How long one waits for a place.
    turn: Duration,
}

impl Default for Compiler {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(limits::COMPILES_AT_ONCE)), turn: limits::COMPILE_TURN }
    }
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCompiled {
    /// Not within its own time.
    Overdue,
    /// Others did not make room in time.
    NoPlace(Duration),
    /// The compiler says why.
    Refused(String),
    /// The compiler panicked, or could not be started.
    Failed(String),
}

impl Compiler {
    /// Compiles within so much time. `keep` gets the code, also of a compilation that ends after it was given up.
    pub async fn compile(
        &self,
        engine: &Engine,
        wasm: Vec<u8>,
        patience: Duration,
        keep: impl FnOnce(&Component) + Send + 'static,
    ) -> Result<Component, NotCompiled> {
        let place = tokio::time::timeout(self.turn, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| NotCompiled::NoPlace(self.turn))?;
        let place = place.map_err(|error| NotCompiled::Failed(error.to_string()))?;
        let engine = engine.clone();
        let (done, compiled) = oneshot::channel();
        threads()?.spawn(move || {
            let component = Component::from_binary(&engine, &wasm);
            if let Ok(component) = &component {
                keep(component);
            }
            drop(place);
            // Nobody waits any more for what was given up.
            let _ = done.send(component);
        });
        match tokio::time::timeout(patience, compiled).await {
            Ok(Ok(component)) => component.map_err(|error| NotCompiled::Refused(error.root_cause().to_string())),
            Ok(Err(_)) => Err(NotCompiled::Failed("it panicked".to_owned())),
            Err(_) => Err(NotCompiled::Overdue),
        }
    }
}

/// Threads for one compilation: in a pool for all, a function that takes minutes would keep every other plugin's
/// functions waiting. They end with their work, and the process does not wait for them.
fn threads() -> Result<rayon::ThreadPool, NotCompiled> {
    rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("palisade-compile-{number}"))
        // What the compiler has to say stands in its panic, which the hook prints; its answer is never sent.
        .panic_handler(|_| {})
        .build()
        .map_err(|error| NotCompiled::Failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component there is: empty.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> Engine {
        super::super::engine::Machine::start(1).unwrap().engine
    }

    async fn compile(compiler: &Compiler, wasm: &[u8]) -> Result<(), NotCompiled> {
        compiler.compile(&engine(), wasm.to_vec(), Duration::from_secs(60), |_| {}).await.map(drop)
    }

    #[tokio::test]
    async fn places_that_are_never_given_back_are_not_waited_for_without_end() {
        let compiler = Compiler { places: Arc::new(Semaphore::new(1)), turn: Duration::from_millis(1) };
        let held = Arc::clone(&compiler.places).acquire_owned().await.unwrap();
        assert_eq!(compile(&compiler, EMPTY).await, Err(NotCompiled::NoPlace(Duration::from_millis(1))));
        drop(held);
        assert_eq!(compile(&compiler, EMPTY).await, Ok(()));
        assert_eq!(compiler.places.available_permits(), 1);
    }

    #[tokio::test]
    async fn what_the_compiler_refuses_is_told_in_its_words() {
        let refused = compile(&Compiler::default(), b"\0asm\x0d\0\x01\0\xff").await;
        assert!(matches!(refused, Err(NotCompiled::Refused(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_compiler_that_panics_gives_its_place_back() {
        let compiler = Compiler { places: Arc::new(Semaphore::new(1)), ..Compiler::default() };
        let keep = |_: &Component| panic!("as a compiler may");
        let failed = compiler.compile(&engine(), EMPTY.to_vec(), Duration::from_secs(60), keep).await.map(drop);
        assert!(matches!(failed, Err(NotCompiled::Failed(_))), "{failed:?}");
        assert_eq!(compile(&compiler, EMPTY).await, Ok(()));
    }
}
