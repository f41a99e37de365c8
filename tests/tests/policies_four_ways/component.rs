//! What OPA's compiler and the room `rego` make of a policy, in the host's own runtime. In the glue's place stands a guest
//! that tells what the policy answered.

use super::Engine;
use super::opa::{self, Compiled};
use crate::hostile_guests::{call, evidence, load, roomy, runtime};
use palisade::rego::{self, Built, DataLoading, Parts};
use palisade::runtime::{Plugin, Runtime};
use palisade_tests::policies::{Answer, Case, Policy};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub struct Components {
    opa: PathBuf,
    tokio: tokio::runtime::Runtime,
    runtime: Runtime,
    /// By the policy's name and its data.
    built: BTreeMap<(String, String), Plugin>,
}

impl Components {
    pub fn installed() -> Option<Self> {
        let opa = palisade_tests::opa::command()?;
        let tokio = tokio::runtime::Runtime::new().expect("threads can be started");
        Some(Self { opa, tokio, runtime: runtime(), built: BTreeMap::new() })
    }

    fn plugin(&mut self, policy: &Policy, case: &Case) -> Result<&Plugin, String> {
        let key = (policy.name.clone(), case.data.to_string());
        if !self.built.contains_key(&key) {
            let built = wrapped(&opa::compiled(&self.opa, policy, &case.data))?;
            let plugin = self.tokio.block_on(load(&self.runtime, "policy", &built.component, roomy()));
            self.built.insert(key.clone(), plugin);
        }
        Ok(&self.built[&key])
    }
}

/// The component, with the guest that tells the answers.
pub fn wrapped(compiled: &Compiled) -> Result<Built, String> {
    let names: Vec<&str> = palisade_first_party::builtin_names().collect();
    let builtins = palisade_first_party::parts().opa_builtins;
    let parts = Parts { glue: palisade_guests::OPA_ANSWER, builtins, builtin_names: &names };
    let module = rego::Policy { wasm: compiled.wasm.clone(), data: Some(compiled.data.clone()) };
    rego::component(&parts, &module, DataLoading::Snapshot).map_err(|error| error.to_string())
}

impl Engine for Components {
    fn name(&self) -> &'static str {
        "component"
    }

    fn answer(&mut self, policy: &Policy, case: &Case) -> Result<Answer, String> {
        let plugin = self.plugin(policy, case)?.clone();
        let settings = json!({"entrypoint": case.entrypoint, "input": case.input}).to_string();
        let (call, evidence) = (call(), evidence());
        let verdict = self.tokio.block_on(self.runtime.evaluate(&call, &plugin, &evidence, &settings));
        let verdict = verdict.map_err(|broken| broken.message)?;
        let results: Value = serde_json::from_str(&verdict.summary).map_err(|error| error.to_string())?;
        Ok(results.pointer("/0/result").map_or(Answer::Undefined, |value| Answer::Value(value.clone())))
    }
}
