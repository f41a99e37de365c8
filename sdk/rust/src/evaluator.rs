//! What the author of an evaluator implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::evidence::Evidence;
use crate::types::{Failure, PluginInfo, SettingProblem, Verdict};

/// Judges the evidence of one commit. Every call happens in a fresh instance: nothing is remembered between two calls,
/// and the same evidence and settings must give the same verdict. The clock is `evidence.context().now`.
pub trait Evaluator {
    /// What users may set under `[plugins.<name>.settings]`, or for one check under `[checks."…".settings.<name>]`;
    /// [`NoSettings`](crate::NoSettings) or `()` for none. The JSON Schema that the host checks them with is derived from
    /// this type. Give every field a serde default.
    type Settings: DeserializeOwned + JsonSchema + 'static;

    /// Says what this is and what it reads. Called when the plugin is loaded.
    fn describe() -> PluginInfo;

    /// Judges. Called once per job and policy, also when nothing covers what the policy reads, so that a policy can
    /// fail for missing evidence. The host has the last word: see `reads` in [`PluginInfo`].
    ///
    /// # Errors
    /// When the policy could not do its work; never as a judgement of the evidence.
    fn evaluate(evidence: &Evidence, settings: Self::Settings) -> Result<Verdict, Failure>;

    /// Checks what the schema cannot say. Called before the plugin is put to use; empty means that all is well.
    fn validate(_settings: &Self::Settings) -> Vec<SettingProblem> {
        Vec::new()
    }
}
