//! Judges by policies in Rego source: an interpreter, compiled to WebAssembly, with the builtins of compiled policies. For
//! trying, and for small inputs; a policy that is judged often is better compiled (`palisade policy build`). Never reads
//! a file: the modules come as settings.

pub mod engine;
mod settings;
mod test_run;

use engine::{Fault, Interpreter};
use palisade_plugin::{Evaluator, Evidence, Failure, PluginInfo, SettingProblem, Verdict};
use palisade_plugin_policy_evaluator::Policy;
pub use settings::{RegoVersion, Settings};
use std::cell::RefCell;

pub struct Rego;

impl Evaluator for Rego {
    type Settings = Settings;

    fn describe() -> PluginInfo {
        PluginInfo::new("rego", env!("CARGO_PKG_VERSION"), "Judges by policies in Rego source.")
    }

    fn evaluate(evidence: &Evidence, settings: Settings) -> Result<Verdict, Failure> {
        if settings.sources().next().is_none() {
            return Err(Failure::settings(
                "there is no policy: set `policy` or `modules`, or a folder as the plugin's `file`",
            ));
        }
        let interpreter = Interpreter::new(&settings).map_err(|faults| Failure::settings(all(&faults)))?;
        if settings.run_tests {
            let watching = Interpreter::new(&settings).map_err(|faults| Failure::settings(all(&faults)))?;
            return Ok(test_run::verdict(interpreter, watching));
        }
        let source = Source(RefCell::new(interpreter));
        palisade_plugin_policy_evaluator::evaluate(&source, evidence, &settings.asked())
    }

    fn validate(settings: &Settings) -> Vec<SettingProblem> {
        if settings.sources().next().is_none() {
            // The plugin itself is always loaded; whoever uses it in a check has a policy.
            return Vec::new();
        }
        match Interpreter::new(settings) {
            Ok(interpreter) => {
                palisade_plugin_policy_evaluator::problems(&Source(RefCell::new(interpreter)), &settings.asked())
            }
            Err(faults) => {
                let problem = |fault: &Fault| SettingProblem::new(settings.pointer(&fault.file), fault.to_string());
                faults.iter().map(problem).collect()
            }
        }
    }
}

palisade_plugin::export_evaluator!(Rego);

fn all(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// Modules that can be asked.
struct Source(RefCell<Interpreter>);

impl Policy for Source {
    /// Every rule and package may be asked; which there are, only asking tells.
    fn entrypoints(&self) -> Option<Vec<String>> {
        None
    }

    fn ask(&self, entrypoint: &str, document: Vec<u8>) -> Result<Option<String>, String> {
        let mut interpreter = self.0.borrow_mut();
        let answer = interpreter.answer(entrypoint, &document).map_err(|fault| fault.to_string());
        for line in interpreter.take_prints() {
            palisade_plugin::log::info(line);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
