//! Runs plugins natively, with everything in memory. For `#[test]`s; never part of what a plugin does.
//!
//! ```ignore
//! let report = testing::normalize::<Trivy>("scan/trivy.json", include_bytes!("trivy.json"), "{}")?;
//! insta::assert_json_snapshot!(report.snapshot());
//!
//! let evidence = EvidenceBuilder::new().report("trivy-json", report);
//! assert_eq!(testing::evaluate::<Vulnerability>(evidence, "{}")?.outcome, Outcome::Fail);
//! ```

mod evidence_builder;
pub(crate) mod outline;
mod parts;
mod report;

use sha2::{Digest, Sha256};

use crate::artifact::Artifact;
use crate::evaluator::Evaluator;
use crate::evidence::Evidence;
use crate::export::{evaluate_with, normalize_with};
use crate::normalizer::Normalizer;
use crate::report_builder::ReportBuilder;
use crate::types::{Failure, Format, SettingProblem, Verdict};

pub use evidence_builder::EvidenceBuilder;
pub(crate) use evidence_builder::InMemoryReport;
pub(crate) use parts::{only_component_parts, only_finding_parts};
pub use report::{CollectedDocument, CollectedReport, snapshot};

/// Asks a normalizer whether it understands a file.
pub fn recognize<N: Normalizer>(path: &str, bytes: impl AsRef<[u8]>) -> Option<Format> {
    N::recognize(&Artifact::in_memory(path, bytes.as_ref()))
}

/// Normalizes a file as the host would, with settings as JSON (`"{}"` for none).
///
/// # Errors
/// What the plugin answered, or `settings` for settings that do not parse.
pub fn normalize<N: Normalizer>(
    path: &str,
    bytes: impl AsRef<[u8]>,
    settings_json: &str,
) -> Result<CollectedReport, Failure> {
    normalize_limited::<N>(path, bytes, settings_json, usize::MAX)
}

/// Normalizes a file with a host that takes at most `limit` items of a kind.
///
/// # Errors
/// As [`normalize`].
pub fn normalize_limited<N: Normalizer>(
    path: &str,
    bytes: impl AsRef<[u8]>,
    settings_json: &str,
    limit: usize,
) -> Result<CollectedReport, Failure> {
    let artifact = Artifact::in_memory(path, bytes.as_ref());
    let report = normalize_with::<N>(&artifact, ReportBuilder::in_memory(limit), settings_json)?;
    Ok(report.into_collected().0)
}

/// Judges evidence as the host would have it judged, with settings as JSON (`"{}"` for none). The host's own checks of
/// the verdict are not part of it.
///
/// # Errors
/// What the plugin answered, or `settings` for settings that do not parse.
pub fn evaluate<E: Evaluator>(evidence: EvidenceBuilder, settings_json: &str) -> Result<Verdict, Failure> {
    evaluate_with::<E>(&Evidence::in_memory(evidence), settings_json)
}

/// What a normalizer says about settings; empty means that all is well.
pub fn normalizer_settings_problems<N: Normalizer>(settings_json: &str) -> Vec<SettingProblem> {
    crate::settings::check(settings_json, N::validate)
}

/// What an evaluator says about settings; empty means that all is well.
pub fn evaluator_settings_problems<E: Evaluator>(settings_json: &str) -> Vec<SettingProblem> {
    crate::settings::check(settings_json, E::validate)
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
