//! The builtin functions that OPA policies need beside what their module carries, as OPA itself would answer them.
//! A component of the world `palisade:opa/library`, and a plain library for tests and for the interpreter of Rego source.
//! Never opens a connection, never reads the environment; time and chance come from the [`Context`].

pub mod context;
mod families;
pub mod fault;
pub mod number;
pub mod operands;
pub mod registry;
pub mod text;
pub mod value;

#[cfg(target_family = "wasm")]
mod guest;

pub use context::Context;
pub use fault::Fault;
pub use number::Number;
pub use registry::{Builtin, call, call_text, names};
pub use value::Value;
