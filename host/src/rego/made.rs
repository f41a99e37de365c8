//! The component of an OPA module as the catalogue wants it: joined with this host's own parts, and with its label.

use super::label::Label;
use super::{Built, DataLoading, Parts, Policy, component};
use crate::model::{Broken, Digest};
use std::sync::LazyLock;

/// Names the way in which components are made; another one makes what is kept of earlier ones useless. A version alone
/// stays the same while this code is being worked on.
static RECIPE: LazyLock<Digest> = LazyLock::new(|| {
    let digests = MAKERS.map(|source| Digest::of(source).to_string()).join(" ");
    Digest::of(format!("opa component {} {digests}", env!("CARGO_PKG_VERSION")).as_bytes())
});

/// All sources that decide about a component's bytes, beside those of its parts.
const MAKERS: [&[u8]; 13] = [
    include_bytes!("../rego.rs"),
    include_bytes!("adapter.rs"),
    include_bytes!("compose.rs"),
    include_bytes!("graft.rs"),
    include_bytes!("interpreter.rs"),
    include_bytes!("label.rs"),
    include_bytes!("luggage.rs"),
    include_bytes!("made.rs"),
    include_bytes!("probe.rs"),
    include_bytes!("shape.rs"),
    include_bytes!("snapshot.rs"),
    include_bytes!("../../../wit/plugin.wit"),
    include_bytes!("../../../wit/opa/opa.wit"),
];

/// Of all that a component is made from.
pub fn source_digest(wasm: &[u8], data: &str) -> Digest {
    let parts = palisade_first_party::parts();
    let digests = [parts.opa_glue, parts.opa_builtins, wasm, data.as_bytes()].map(|part| Digest::of(part).to_string());
    Digest::of(format!("{} {}", *RECIPE, digests.join(" ")).as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_part_of_a_component_and_every_maker_decides_about_its_digest() {
        let digest = source_digest(b"module", "{}");
        assert_eq!(digest, source_digest(b"module", "{}"));
        assert!(digest != source_digest(b"module", "[]") && digest != source_digest(b"other", "{}"));
        let makers: BTreeSet<&[u8]> = MAKERS.into_iter().collect();
        assert_eq!(makers.len(), MAKERS.len(), "one of them is named twice");
    }
}
