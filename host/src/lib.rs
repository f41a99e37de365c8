//! Palisade: a GitHub App host that judges commits by WebAssembly policies. ARCHITECTURE.md has the table of rooms.

pub mod api;
pub mod app;
pub mod artifacts;
pub mod attest;
pub mod cli;
pub mod config;
pub mod correlate;
pub mod documents;
pub mod github;
pub mod listener;
pub mod model;
pub mod pipeline;
pub mod plugins;
pub mod policy;
pub mod publish;
pub mod queue;
pub mod rego;
pub mod report;
pub mod runtime;
pub mod state;
pub mod sweep;
pub mod telemetry;
pub mod webhook;
pub mod worker;
