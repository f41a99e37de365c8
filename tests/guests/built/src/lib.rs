//! The hostile guests as bytes. Only tests name this crate.

/// Misbehaves in `evaluate` as its settings say.
pub const EVALUATOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/evaluator.wasm"));
/// Misbehaves in `normalize` as its settings say, in `recognize` as the artifact says.
pub const NORMALIZER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/normalizer.wasm"));
/// Stands in for the glue of OPA policies and tells in its summary what the policy answered.
pub const OPA_ANSWER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/opa-answer.wasm"));
