//! Makes plugins of OPA policies: a module becomes a component, once, and is kept for the next start; sources become
//! settings of the plugin `rego`.

use super::source::Origin;
use crate::model::{Broken, BrokenKind, Digest, PluginName};
use crate::rego;
use crate::rego::label::Label;
use crate::runtime::Runtime;
use serde_json::json;
use std::collections::BTreeMap;

/// The first-party plugin that runs Rego sources.
pub const REGO: &str = "rego";

/// The component of a module, from the cache or made now.
pub async fn component(runtime: &Runtime, name: &PluginName, wasm: Vec<u8>, data: String) -> Result<Vec<u8>, Broken> {
    let source = rego::source_digest(&wasm, &data);
    if let Some(component) = runtime.wrapped(&source) {
        return Ok(component);
    }
    let policy = name.clone();
    let made = tokio::task::spawn_blocking(move || rego::make(policy.as_str(), wasm, data)).await;
    let component = made.map_err(|error| {
        Broken::new(BrokenKind::Abi, format!("`{name}` makes the wrapping of OPA modules fail: {error}"))
    })??;
    runtime.keep_wrapped(&source, &component);
    Ok(component)
}

/// What stands in the settings of the plugin `rego` before those of the configuration: the sources and their data. Kept
/// out of plans and records, which name it by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// A JSON object without its closing brace.
    opening: String,
    /// What the configuration may not set beside them: a key that stands there twice is an error.
    pub keys: Vec<&'static str>,
    pub digest: Digest,
}

impl Sources {
    pub fn new(modules: &BTreeMap<String, String>, data: &str, rego_version: Option<u64>) -> Self {
        let mut keys = vec!["modules", "data", "policy"];
        let mut opening = format!("{{\"modules\":{},\"data\":{data}", json!(modules));
        if let Some(version) = rego_version {
            keys.push("rego_version");
            opening.push_str(&format!(",\"rego_version\":{}", json!(format!("v{version}"))));
        }
        let digest = Digest::of(opening.as_bytes());
        Self { opening, keys, digest }
    }

    /// With the settings of the configuration, a JSON object.
    pub fn under(&self, settings: &str) -> String {
        match settings.trim().strip_prefix('{').map(str::trim_start) {
            Some(rest) if !rest.starts_with('}') => format!("{},{rest}", self.opening),
            _ => format!("{}}}", self.opening),
        }
    }

    /// A settings schema without what they set.
    pub fn taken_from(&self, schema: &str) -> String {
        let Ok(mut schema) = serde_json::from_str::<serde_json::Value>(schema) else { return schema.to_owned() };
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.retain(|key, _| !self.keys.contains(&key.as_str()));
        }
        if let Some(required) = schema.get_mut("required").and_then(serde_json::Value::as_array_mut) {
            required.retain(|key| !self.keys.iter().any(|source| key == source));
        }
        schema.to_string()
    }
}

/// What people are told of a policy, beside its component.
pub fn told(origin: &Origin, label: Option<&Label>) -> String {
    let mut told = format!("{} {}", origin.what, origin.parts.join(", "));
    if let Some(label) = label {
        told.push_str(&format!(", ABI {}, entrypoints {}", label.abi, label.entrypoints.join(", ")));
    }
    if let Some(file) = &origin.data_file {
        told.push_str(&format!(", data from {}", file.display()));
    }
    if let Some(signature) = &origin.signature {
        told.push_str(&format!(", {signature}"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stand_before_the_settings_of_the_configuration() {
        let modules = BTreeMap::from([("a.rego".to_owned(), "package a".to_owned())]);
        let sources = Sources::new(&modules, r#"{"x":1.0}"#, None);
        let opening = r#"{"modules":{"a.rego":"package a"},"data":{"x":1.0}"#;
        assert_eq!(sources.under("{}"), format!("{opening}}}"));
        assert_eq!(sources.under(r#"{"entrypoint":"a"}"#), format!(r#"{opening},"entrypoint":"a"}}"#));
    }

    #[test]
    fn the_schema_of_a_directory_does_not_ask_for_its_sources() {
        let schema = r#"{"properties":{"modules":{},"rego_version":{}},"required":["modules"]}"#;
        let sources = |version| Sources::new(&BTreeMap::new(), "{}", version);
        assert_eq!(sources(None).taken_from(schema), r#"{"properties":{"rego_version":{}},"required":[]}"#);
        assert_eq!(sources(Some(0)).taken_from(schema), r#"{"properties":{},"required":[]}"#);
    }
}
