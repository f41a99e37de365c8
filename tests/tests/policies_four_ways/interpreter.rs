//! The plugin `rego`, natively: the interpreter that its component is made of.

use super::Engine;
use palisade_plugin_rego::engine;
use palisade_plugin_rego::{RegoVersion, Settings};
use palisade_tests::policies::{self, Answer, Case, Policy};

pub struct Interpreter;

impl Engine for Interpreter {
    fn name(&self) -> &'static str {
        "rego"
    }

    fn answer(&mut self, policy: &Policy, case: &Case) -> Result<Answer, String> {
        let settings = Settings {
            modules: policy.modules.clone(),
            data: case.data.as_object().cloned().unwrap_or_default(),
            rego_version: match policy.version {
                policies::RegoVersion::V0 => RegoVersion::V0,
                policies::RegoVersion::V1 => RegoVersion::V1,
            },
            ..Settings::default()
        };
        let told = |fault: &engine::Fault| fault.to_string();
        let mut interpreter = engine::Interpreter::new(&settings)
            .map_err(|faults| faults.iter().map(told).collect::<Vec<_>>().join("; "))?;
        match interpreter.answer(&case.entrypoint, case.input.as_bytes()).map_err(|fault| told(&fault))? {
            None => Ok(Answer::Undefined),
            Some(json) => Answer::parse(&json).map_err(|error| error.to_string()),
        }
    }
}
