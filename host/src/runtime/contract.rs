//! The bindings that are generated from `wit/`, and which host type stands behind each resource. Nothing outside
//! this room names them: they end in `convert`.

#![allow(unsafe_code)] // reason: the generated code takes typed functions without a second type check
#![allow(unused_qualifications, clippy::all)] // reason: generated

pub use super::builder::ReportBuilder;
pub use super::host::{ArtifactHandle, DocumentHandle, EvidenceHandle, ReportHandle};

wasmtime::component::bindgen!({
    // One world over both, so that the types are generated once; which exports a plugin has is asked per plugin.
    inline: "
        package palisade:host@0.1.0;
        world host {
            include palisade:plugin/normalizer@0.1.0;
            include palisade:plugin/evaluator@0.1.0;
        }
    ",
    path: "../wit",
    world: "palisade:host/host",
    imports: {
        // Written once per job, which can take long for big evidence; everything else is in memory.
        "palisade:plugin/evidence.[method]commit-evidence.documents": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "palisade:plugin/artifacts.artifact": ArtifactHandle,
        "palisade:plugin/documents.document": DocumentHandle,
        "palisade:plugin/reports.report": ReportHandle,
        "palisade:plugin/reports.report-builder": ReportBuilder,
        "palisade:plugin/evidence.commit-evidence": EvidenceHandle,
    },
});

pub use exports::palisade::plugin as guest;
pub use palisade::plugin::{artifacts, documents, evidence, logging, reports, types, verdicts};
