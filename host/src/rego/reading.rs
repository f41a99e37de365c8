//! The settings that all OPA policies have in common, out of those of one plugin.

use palisade_plugin_policy_results::{Problem, Settings};
use serde_json::Value;

pub use palisade_plugin_policy_results::{Input as InputKind, Reading};

/// Which entrypoint is asked, with which documents, and how its answer is read. `known` are the policy's entrypoints;
/// none where nobody can list them.
pub fn reading(settings: &str, known: Option<&[String]>) -> Result<Reading, Problem> {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let common = ["entrypoint", "result", "input"].into_iter().filter_map(|key| Some((key, settings.get(key)?.clone())));
    // A value that is none was told by the settings' schema already.
    let common: Settings = serde_json::from_value(common.collect()).unwrap_or_default();
    match known {
        Some(known) => common.reading(known),
        None => common.reading_unchecked(),
    }
}

/// JSON Schema of these settings.
pub fn schema() -> String {
    schemars::schema_for!(Settings).as_value().to_string()
}
