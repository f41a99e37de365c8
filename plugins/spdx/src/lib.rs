//! Reads SPDX 2.1 to 2.3 as JSON, also as GitHub exports it. Never repairs a licence, and never takes what a document
//! merely contains for a dependency.

mod component;
mod document;
mod graph;
mod recognize;
mod report;

use palisade_plugin::{Artifact, Coverage, Failure, Format, NoSettings, Normalizer, PluginInfo, ReportBuilder};

palisade_plugin::export_normalizer!(Spdx);

/// The normalizer.
#[derive(Debug)]
pub struct Spdx;

/// A document speaks about both, even where it states no licence.
const COVERS: [Coverage; 2] = [Coverage::Components, Coverage::Licenses];

impl Normalizer for Spdx {
    type Settings = NoSettings;

    fn describe() -> PluginInfo {
        PluginInfo::new("spdx", env!("CARGO_PKG_VERSION"), "Reads SPDX 2 JSON documents")
            .homepage("https://spdx.dev")
            .format(recognize::DOCUMENT, COVERS)
            .format(recognize::GRAPH, COVERS)
    }

    fn recognize(artifact: &Artifact) -> Option<Format> {
        recognize::format(artifact)
    }

    fn normalize(artifact: &Artifact, report: &mut ReportBuilder, _: NoSettings) -> Result<(), Failure> {
        recognize::refuse_other_versions(artifact)?;
        report::write(artifact, report)
    }
}

#[cfg(test)]
mod tests;
