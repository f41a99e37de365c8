//! The component of an OPA module as the catalogue wants it: joined with this host's own parts, and with its label.

use super::label::Label;
use super::{Built, DataLoading, Parts, Policy, component};
use crate::model::{Broken, Digest};

/// Names the way in which components are made; another one makes what is kept of earlier ones useless.
const RECIPE: &str = concat!("opa component ", env!("CARGO_PKG_VERSION"));

/// Of all that a component is made from.
pub fn source_digest(wasm: &[u8], data: &str) -> Digest {
    let parts = palisade_first_party::parts();
    let digests = [parts.opa_glue, parts.opa_builtins, wasm, data.as_bytes()].map(|part| Digest::of(part).to_string());
    Digest::of(format!("{RECIPE} {} {}", program(), digests.join(" ")).as_bytes())
}

/// While the host is being worked on its version says nothing: what an older build made must not be taken for ours.
fn program() -> String {
    let built = || std::env::current_exe().and_then(|program| program.metadata()).and_then(|found| found.modified());
    if cfg!(debug_assertions) { format!("{:?}", built().ok()) } else { String::new() }
}

/// Makes the component. Takes its time; the caller keeps it off the threads that serve.
pub fn make(name: &str, wasm: Vec<u8>, data: String) -> Result<Vec<u8>, Broken> {
    let parts = palisade_first_party::parts();
    let names: Vec<&str> = palisade_first_party::builtin_names().collect();
    let parts = Parts { glue: parts.opa_glue, builtins: parts.opa_builtins, builtin_names: &names };
    let (module, data_bytes) = (Digest::of(&wasm).to_string(), data.len() as u64);
    let policy = Policy { wasm, data: Some(data.into_bytes()) };
    let built = component(&parts, &policy, DataLoading::Snapshot).map_err(|error| error.broken(name))?;
    let Built { component, abi, entrypoints, builtins, .. } = built;
    let entrypoints = entrypoints.into_keys().collect();
    Ok(Label { abi: abi.to_string(), entrypoints, builtins, data_bytes, module }.attach(component))
}
