//! What an operator says: the policy's text, its data, and what to ask.

use palisade_plugin_policy_results::{Form, Input, Settings as Asked};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A policy in Rego and what to ask it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Modules by file name, such as `license.rego`. A plugin whose `file` is a folder gets its files here.
    pub modules: BTreeMap<String, String>,
    /// The text of one module, for a policy that needs only one; its name in messages is `policy.rego`.
    pub policy: Option<String>,
    /// What the modules find under `data`.
    pub data: Map<String, Value>,
    /// The language of the modules. A module that imports `rego.v1` is `v1` in either case.
    pub rego_version: RegoVersion,
    /// The rule or package that is asked, such as `compliance/license_report`.
    pub entrypoint: Option<String>,
    /// How the answer is read; by default the entrypoint's name decides.
    pub result: Option<Form>,
    /// What the policy is shown as `input`; by default the entrypoint's name decides.
    pub input: Option<Input>,
    /// Runs the rules whose names begin with `test_` in place of judging: what `palisade policy test` asks for.
    pub run_tests: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegoVersion {
    /// OPA 1.0 and later: `if` and `contains` are keywords.
    #[default]
    V1,
    /// Before OPA 1.0.
    V0,
}

impl Settings {
    /// Every module, by name.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let single = self.policy.as_deref().map(|text| (POLICY_FILE, text));
        self.modules.iter().map(|(name, text)| (name.as_str(), text.as_str())).chain(single)
    }

    /// Where a module stands in the settings, as a JSON pointer.
    pub fn pointer(&self, file: &str) -> String {
        if self.modules.contains_key(file) {
            return format!("/modules/{}", file.replace('~', "~0").replace('/', "~1"));
        }
        match file {
            POLICY_FILE => "/policy".to_owned(),
            "data" => "/data".to_owned(),
            _ => String::new(),
        }
    }

    pub fn asked(&self) -> Asked {
        Asked { entrypoint: self.entrypoint.clone(), result: self.result, input: self.input }
    }
}

const POLICY_FILE: &str = "policy.rego";
