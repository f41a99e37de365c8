//! Reads Trivy JSON reports of schema 2: vulnerabilities, misconfigurations, secrets, licences and packages. Never reads
//! what Trivy writes of a secret, a source file or the people behind a commit.

mod document;
mod entry;
mod license;
mod misconfiguration;
mod package;
mod recognize;
mod report;
mod secret;
mod target;
mod vulnerability;

use palisade_plugin::{Artifact, Coverage, Failure, Format, NoSettings, Normalizer, PluginInfo, ReportBuilder};

palisade_plugin::export_normalizer!(Trivy);

/// The normalizer.
#[derive(Debug)]
pub struct Trivy;

/// What an unreadable report may have spoken about.
const COVERS: [Coverage; 5] = [
    Coverage::Components,
    Coverage::Licenses,
    Coverage::Vulnerabilities,
    Coverage::Secrets,
    Coverage::Misconfigurations,
];

impl Normalizer for Trivy {
    type Settings = NoSettings;

    fn describe() -> PluginInfo {
        PluginInfo::new("trivy", env!("CARGO_PKG_VERSION"), "Reads Trivy JSON reports")
            .homepage("https://trivy.dev")
            .format(recognize::REPORT, COVERS)
            .format(recognize::CLUSTER, COVERS)
    }

    fn recognize(artifact: &Artifact) -> Option<Format> {
        recognize::format(artifact)
    }

    fn normalize(artifact: &Artifact, report: &mut ReportBuilder, _: NoSettings) -> Result<(), Failure> {
        recognize::refuse_other_dialects(artifact)?;
        report::write(artifact, report)
    }
}

#[cfg(test)]
mod tests;
