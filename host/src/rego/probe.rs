//! Asks a policy module what it offers and what it needs. The answers come from untrusted code: bounded, parsed, and
//! only the parsed form goes on.

use super::RegoError;
use super::interpreter::Interpreter;
use crate::runtime::limits;
use std::collections::BTreeMap;

/// What a module says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Ids by entrypoint.
    pub entrypoints: BTreeMap<String, i32>,
    /// The builtins that this policy calls and the module lacks, by the id under which it calls them.
    pub builtins: BTreeMap<i32, String>,
}

/// Runs the module's own `entrypoints` and `builtins`.
pub fn probe(wasm: &[u8]) -> Result<Facts, RegoError> {
    let failed = |asked| move |failure| RegoError::Failed { asked, failure };
    let mut module = Interpreter::start(wasm, limits::PROBE_FUEL).map_err(failed("starting the module"))?;
    let entrypoints = ids(&mut module, "entrypoints", "asking for its entrypoints")?;
    let mut builtins = BTreeMap::new();
    for (name, id) in ids(&mut module, "builtins", "asking for its builtins")? {
        builtins.entry(id).or_insert(name);
    }
    Ok(Facts { entrypoints, builtins })
}

/// A JSON object of names and numbers that one of the module's functions makes.
fn ids(module: &mut Interpreter, function: &str, asked: &'static str) -> Result<BTreeMap<String, i32>, RegoError> {
    let failed = |failure| RegoError::Failed { asked, failure };
    let problem = |problem: String| RegoError::Answer { asked, problem };
    let value = module.call(function, &[]).map_err(failed)?;
    let text = module.call("opa_json_dump", &[value]).map_err(failed)?;
    let text = module.text(text, limits::PROBE_ANSWER).map_err(failed)?;
    let ids: BTreeMap<String, i32> = serde_json::from_str(text).map_err(|error| problem(error.to_string()))?;
    let long = |name: &&String| name.len() > limits::PROBE_NAME;
    match (ids.len() > limits::PROBE_NAMES, ids.keys().find(long)) {
        (true, _) => Err(problem(format!("it lists {}, the most is {}", ids.len(), limits::PROBE_NAMES))),
        (_, Some(name)) => Err(problem(format!("the name {} is too long", super::said(name)))),
        _ => Ok(ids),
    }
}
