//! The crate `opa-wasm`, another host of OPA modules, as an oracle for ours. It is asked only about modules that need no
//! builtin from their host: of its own builtins most are stubs, and those that are none lose sets.

use super::{Engine, component, opa};
use opa_wasm::wasmtime::{self, Module, Store};
use palisade_tests::policies::{Answer, Case, Policy};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub struct OpaWasm {
    opa: PathBuf,
    tokio: tokio::runtime::Runtime,
    engine: wasmtime::Engine,
    /// By the policy's name and its data; absent for a module that needs its host.
    modules: BTreeMap<(String, String), Option<(Module, Value)>>,
    /// Cases that it was not asked about.
    pub left_out: usize,
}

impl OpaWasm {
    pub fn installed() -> Option<Self> {
        let opa = palisade_tests::opa::command()?;
        let tokio = tokio::runtime::Runtime::new().expect("threads can be started");
        let (engine, modules) = (wasmtime::Engine::default(), BTreeMap::new());
        Some(Self { opa, tokio, engine, modules, left_out: 0 })
    }

    fn module(&mut self, policy: &Policy, case: &Case) -> Result<Option<(Module, Value)>, String> {
        let key = (policy.name.clone(), case.data.to_string());
        if !self.modules.contains_key(&key) {
            let compiled = opa::compiled(&self.opa, policy, &case.data);
            let needs_its_host = !component::wrapped(&compiled)?.builtins.is_empty();
            let module = match needs_its_host {
                true => None,
                false => Some(Module::new(&self.engine, &compiled.wasm).map_err(|error| error.to_string())?),
            };
            let data = serde_json::from_slice(&compiled.data).map_err(|error| error.to_string())?;
            self.modules.insert(key.clone(), module.map(|module| (module, data)));
        }
        Ok(self.modules[&key].clone())
    }

    async fn evaluate(&self, module: &Module, data: &Value, case: &Case) -> anyhow::Result<Answer> {
        let mut store = Store::new(&self.engine, ());
        let runtime = opa_wasm::Runtime::new(&mut store, module).await?;
        let policy = runtime.with_data(&mut store, data).await?;
        let input = RawValue::from_string(case.input.clone())?;
        let results: Value = policy.evaluate(&mut store, &case.entrypoint, &input).await?;
        Ok(results.pointer("/0/result").map_or(Answer::Undefined, |value| Answer::Value(value.clone())))
    }
}

impl Engine for OpaWasm {
    fn name(&self) -> &'static str {
        "opa-wasm"
    }

    fn answer(&mut self, policy: &Policy, case: &Case) -> Result<Answer, String> {
        let Some((module, data)) = self.module(policy, case)? else {
            self.left_out += 1;
            return Ok(case.answer.clone());
        };
        let answer = self.tokio.block_on(self.evaluate(&module, &data, case)).map_err(|error| format!("{error:#}"))?;
        // The crate tells a set in the order of its hashes: as good as any.
        Ok(if unordered(&answer) == unordered(&case.answer) { case.answer.clone() } else { answer })
    }
}

/// With every array sorted.
fn unordered(answer: &Answer) -> Answer {
    match answer {
        Answer::Undefined => Answer::Undefined,
        Answer::Value(value) => Answer::Value(sorted(value)),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => members.iter().map(|(key, member)| (key.clone(), sorted(member))).collect(),
        scalar => scalar.clone(),
    }
}
