//! Stands between an OPA policy and the evaluator contract: hands the host's documents to the wrapped policy and its
//! answers to the reader of results. Never parses an input, never looks into a module: that was done when it was wrapped.

#[cfg(target_arch = "wasm32")]
mod component;

use palisade_plugin::{Coverage, Failure, PluginInfo};
use palisade_plugin_opa_builtins::{Value, text};
use palisade_plugin_policy_evaluator::Policy;
use std::collections::BTreeMap;

/// The wrapped OPA module, as `wit/opa/opa.wit` has it.
pub trait Module {
    /// Names and ids as a JSON object.
    fn entrypoints(&self) -> String;
    /// OPA's result set as its value text.
    fn eval(&self, entrypoint: i32, input: &[u8]) -> Vec<u8>;
}

/// An OPA module that can be asked.
pub struct OpaPolicy<M> {
    module: M,
    /// Ids, in the order of the names.
    id_by_entrypoint: BTreeMap<String, i32>,
}

impl<M: Module> OpaPolicy<M> {
    /// # Errors
    /// `other` for a module whose list of entrypoints makes no sense.
    pub fn new(module: M) -> Result<Self, Failure> {
        let listed = module.entrypoints();
        let id_by_entrypoint = serde_json::from_str(&listed)
            .map_err(|error| Failure::other(format!("the policy's list of entrypoints cannot be read: {error}")))?;
        Ok(Self { module, id_by_entrypoint })
    }

    /// What the host shows of it. `reads` stays empty: what is read depends on the entrypoint, which a check names.
    pub fn describe(&self) -> PluginInfo {
        let description = "A policy in Rego, compiled by OPA.";
        let info = PluginInfo::new("opa", env!("CARGO_PKG_VERSION"), description).reads([] as [Coverage; 0]);
        self.id_by_entrypoint.keys().fold(info, |info, name| info.property("entrypoint", name))
    }
}

impl<M: Module> Policy for OpaPolicy<M> {
    fn entrypoints(&self) -> Option<Vec<String>> {
        Some(self.id_by_entrypoint.keys().cloned().collect())
    }

    fn ask(&self, entrypoint: &str, document: Vec<u8>) -> Result<Option<String>, String> {
        let id = self.id_by_entrypoint.get(entrypoint).ok_or("the policy has no such entrypoint")?;
        let answer = self.module.eval(*id, &document);
        drop(document);
        first_result(&answer)
    }
}

/// OPA answers a set of one object, `{{"result": …}}`, and an empty one for undefined.
fn first_result(answer: &[u8]) -> Result<Option<String>, String> {
    let no_result_set = |why: &dyn std::fmt::Display| format!("the policy's answer is no result set: {why}");
    let answer = std::str::from_utf8(answer).map_err(|error| no_result_set(&error))?;
    let first = match text::parse(answer).map_err(|fault| no_result_set(&fault))? {
        Value::Set(rows) => rows.into_iter().next(),
        Value::Array(rows) => rows.into_iter().next(),
        other => return Err(no_result_set(&format!("it is of the type {}", other.kind()))),
    };
    match first {
        None => Ok(None),
        Some(Value::Object(row)) => match row.get(&Value::from("result")) {
            Some(result) => Ok(Some(text::write_json(result))),
            None => Err(no_result_set(&"its row has no member `result`")),
        },
        Some(other) => Err(no_result_set(&format!("its row is of the type {}", other.kind()))),
    }
}

#[cfg(test)]
mod tests;
