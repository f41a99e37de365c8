//! The component: what the glue imports beside the contract, and what it exports.

use crate::{Module, OpaPolicy};
use palisade_plugin::{Evaluator, Evidence, Failure, PluginInfo, SettingProblem, Verdict};
use palisade_plugin_policy_results::Settings;

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)] // generated
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../../wit/opa"],
        world: "palisade:opa/glue",
    });
}

/// The module that is composed with this component.
struct Wrapped;

impl Module for Wrapped {
    fn entrypoints(&self) -> String {
        bindings::palisade::opa::policy::entrypoints()
    }
    fn eval(&self, entrypoint: i32, input: &[u8]) -> Vec<u8> {
        bindings::palisade::opa::policy::eval(entrypoint, input)
    }
}

struct Glue;

impl Evaluator for Glue {
    type Settings = Settings;

    fn describe() -> PluginInfo {
        match OpaPolicy::new(Wrapped) {
            Ok(policy) => policy.describe(),
            // `describe` cannot fail; settings that nobody can check name the reason.
            Err(_) => PluginInfo::new("opa", env!("CARGO_PKG_VERSION"), "A policy in Rego without usable entrypoints."),
        }
    }

    fn evaluate(evidence: &Evidence, settings: Settings) -> Result<Verdict, Failure> {
        palisade_plugin_policy_evaluator::evaluate(&OpaPolicy::new(Wrapped)?, evidence, &settings)
    }

    fn validate(settings: &Settings) -> Vec<SettingProblem> {
        match OpaPolicy::new(Wrapped) {
            Ok(policy) => palisade_plugin_policy_evaluator::problems(&policy, settings),
            Err(Failure::Other(message)) => vec![SettingProblem::new("", message)],
            Err(other) => vec![SettingProblem::new("", format!("{other:?}"))],
        }
    }
}

palisade_plugin::export_evaluator!(Glue);
