//! What the author of a normalizer implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::artifact::Artifact;
use crate::report_builder::ReportBuilder;
use crate::types::{Failure, Format, PluginInfo, SettingProblem};

/// Turns a scanner's output file into a report. Every call happens in a fresh instance: nothing is remembered between
/// two calls, and two calls with the same bytes and settings must give the same report.
///
/// A panic breaks the report, so never `unwrap` what comes from the file.
pub trait Normalizer {
    /// What users may set under `[plugins.<name>.settings]`; [`NoSettings`](crate::NoSettings) or `()` for none. The JSON
    /// Schema that the host checks them with is derived from this type. Give every field a serde default.
    type Settings: DeserializeOwned + JsonSchema + 'static;

    /// Says what this is. Called when the plugin is loaded.
    fn describe() -> PluginInfo;

    /// The format if this plugin understands the artifact, judged by its content. Called for every file of every run,
    /// so look at [`Artifact::outline`] first and at [`Artifact::skim`] if need be; never parse the whole. A broken or
    /// failed report of a known format is claimed too, so that it fails by name in `normalize`.
    fn recognize(artifact: &Artifact) -> Option<Format>;

    /// Reads the artifact into the report. Called for artifacts that `recognize` claimed or the configuration binds.
    ///
    /// # Errors
    /// Only when the document as a whole cannot be understood; one bad entry costs one entry and a diagnostic.
    fn normalize(artifact: &Artifact, report: &mut ReportBuilder, settings: Self::Settings) -> Result<(), Failure>;

    /// Checks what the schema cannot say. Called before the plugin is put to use; empty means that all is well.
    fn validate(_settings: &Self::Settings) -> Vec<SettingProblem> {
        Vec::new()
    }
}
