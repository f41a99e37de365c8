//! The SDK for Palisade plugins: normalizers and evaluators in comfortable Rust.
//!
//! A **normalizer** turns a scanner's output file into a report: implement [`Normalizer`] and export it with
//! [`export_normalizer!`]. An **evaluator** judges the evidence of one commit: implement [`Evaluator`] and export it
//! with [`export_evaluator!`]. Both build with `cargo build --release --target wasm32-wasip2`, and both run natively in
//! tests through [`testing`], without WebAssembly.
//!
//! The SDK parses the settings, hides the paging, and reads JSON as scanners really write it ([`json`], [`lenient`]).
//! It never does anything that the contract (`wit/plugin.wit`) does not offer: no network, no files, no environment.
#![warn(missing_docs)]

mod artifact;
#[allow(missing_docs)] // generated; nothing of it is named by authors
mod bindings;
pub mod dates;
mod document;
mod evaluator;
mod evidence;
mod export;
pub mod json;
pub mod lenient;
pub mod log;
mod normalizer;
mod notes;
mod paging;
pub mod purl;
mod ranged;
mod report_builder;
mod settings;
mod skimmer;
pub mod testing;
mod text;
pub mod types;
pub mod words;

pub use artifact::Artifact;
pub use document::Document;
pub use evaluator::Evaluator;
pub use evidence::{Evidence, ReportView, Tool};
pub use json::Json;
pub use normalizer::Normalizer;
pub use ranged::ArtifactReader;
pub use report_builder::ReportBuilder;
pub use settings::NoSettings;
pub use skimmer::{Skimmed, Skimmer};
pub use types::*;

/// So that an author needs no version of their own for the derive of the settings' schema. With the derive macro say
/// `#[schemars(crate = "palisade_plugin::schemars")]`, or depend on `schemars` 1.
pub use schemars;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What the export macros expand to. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{evaluate, normalize, plugin};
    pub use crate::export::{ExportedEvaluator, ExportedNormalizer};
}
