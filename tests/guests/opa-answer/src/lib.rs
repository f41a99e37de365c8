//! Stands in for the glue of OPA policies: asks the wrapped policy about the input in its settings, and tells OPA's whole
//! result set in the verdict's summary. So a test sees what a policy answered, before anybody reads it as a verdict.
//! Natively it is empty.
#![cfg(target_arch = "wasm32")]

use palisade_plugin::{Evaluator, Evidence, Failure, PluginInfo, Verdict};
use palisade_plugin_opa_builtins::text;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // reason: generated
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "../../../wit/opa"],
        world: "palisade:opa/glue",
    });
}

use bindings::palisade::opa::policy;

#[derive(Default, Deserialize, JsonSchema)]
struct Settings {
    entrypoint: String,
    /// JSON text.
    input: String,
}

struct Answer;

impl Evaluator for Answer {
    type Settings = Settings;

    fn describe() -> PluginInfo {
        PluginInfo::new("opa-answer", env!("CARGO_PKG_VERSION"), "Tells what a policy answered")
    }

    fn evaluate(_: &Evidence, settings: Settings) -> Result<Verdict, Failure> {
        let ids: BTreeMap<String, i32> =
            serde_json::from_str(&policy::entrypoints()).map_err(|error| Failure::other(error.to_string()))?;
        let id = ids.get(&settings.entrypoint).ok_or_else(|| Failure::settings("no such entrypoint"))?;
        let results = policy::eval(*id, settings.input.as_bytes());
        let results = text::parse(&String::from_utf8_lossy(&results)).map_err(Failure::other)?;
        let summary = text::write_json(&results);
        Ok(Verdict { summary, ..Verdict::pass("answered") })
    }
}

palisade_plugin::export_evaluator!(Answer);
