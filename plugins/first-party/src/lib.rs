//! The first-party plugins as bytes, built for wasm32-wasip2 by this crate's build script. Never runs or inspects them:
//! that is the host's work.

/// A plugin that comes with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstParty {
    /// The folder in `plugins/`, and the name that configurations use: `trivy`, `spdx`, ….
    pub name: &'static str,
    /// A WebAssembly component that targets one of the contract's worlds.
    pub wasm: &'static [u8],
}

/// All of them: normalizers first, then evaluators.
pub fn all() -> &'static [FirstParty] {
    &ALL
}

/// What an OPA policy is joined with to become a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Turns evidence into input documents and a policy's answers into a verdict.
    pub opa_glue: &'static [u8],
    /// The builtins that OPA's modules leave to their host.
    pub opa_builtins: &'static [u8],
}

/// The components that are no plugins by themselves.
pub fn parts() -> Parts {
    let [glue, builtins] = &PARTS;
    Parts { opa_glue: glue.wasm, opa_builtins: builtins.wasm }
}

/// The names of what [`Parts::opa_builtins`] has.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    palisade_plugin_opa_builtins::names()
}

/// In the order of the build script's list.
static PARTS: [FirstParty; 2] = include!(concat!(env!("OUT_DIR"), "/parts.rs"));

static ALL: [FirstParty; 7] = include!(concat!(env!("OUT_DIR"), "/first_party.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_is_a_component() {
        // The magic number, then version 13 of layer 1: a component and no core module.
        const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 13, 0, 1, 0];
        for plugin in all().iter().chain(&PARTS) {
            assert_eq!(plugin.wasm.first_chunk(), Some(&COMPONENT), "{}", plugin.name);
        }
    }

    #[test]
    fn the_parts_are_what_their_names_say() {
        assert_eq!(PARTS.map(|part| part.name), ["opa-glue", "opa-builtins"]);
    }

    #[test]
    fn the_names_are_those_that_configurations_use() {
        let names: Vec<_> = all().iter().map(|plugin| plugin.name).collect();
        assert_eq!(names, ["trivy", "spdx", "cyclonedx", "sarif", "vulnerability", "license", "rego"]);
    }
}
