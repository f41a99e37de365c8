//! What a plugin says about itself.

use crate::bindings::contract::types as contract;
use crate::types::{Coverage, FormatInfo};

/// The answer of `describe`. The schema of the settings is not here: the SDK derives it from the `Settings` type.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginInfo {
    /// Short name, such as `trivy`.
    pub name: String,
    /// Semantic version of the plugin; `env!("CARGO_PKG_VERSION")` is a good answer.
    pub version: String,
    /// One sentence for the list of plugins.
    pub description: String,
    /// Where a person reads more.
    pub homepage: Option<String>,
    /// Normalizers: the formats that `recognize` may answer.
    pub formats: Vec<FormatInfo>,
    /// Evaluators: what the policy judges; empty means every kind.
    pub reads: Vec<Coverage>,
    /// Facts without a field of their own.
    pub properties: Vec<(String, String)>,
}

impl PluginInfo {
    /// A plugin without homepage, formats, coverage and properties.
    pub fn new(name: impl Into<String>, version: impl Into<String>, description: impl Into<String>) -> PluginInfo {
        PluginInfo {
            name: name.into(),
            version: version.into(),
            description: description.into(),
            homepage: None,
            formats: Vec::new(),
            reads: Vec::new(),
            properties: Vec::new(),
        }
    }

    /// Says where a person reads more.
    #[must_use]
    pub fn homepage(mut self, address: impl Into<String>) -> PluginInfo {
        self.homepage = Some(address.into());
        self
    }

    /// Announces a format that `recognize` may answer, and what an unreadable file of it would have covered
    /// (nothing named: anything).
    #[must_use]
    pub fn format(mut self, name: impl Into<String>, covers: impl IntoIterator<Item = Coverage>) -> PluginInfo {
        self.formats.push(FormatInfo { name: name.into(), covers: covers.into_iter().collect() });
        self
    }

    /// Says what an evaluator judges. If no report covers one of them the host answers "not applicable".
    #[must_use]
    pub fn reads(mut self, kinds: impl IntoIterator<Item = Coverage>) -> PluginInfo {
        self.reads.extend(kinds);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> PluginInfo {
        self.properties.push((name.into(), value.into()));
        self
    }

    pub(crate) fn with_schema(self, settings_schema: Option<String>) -> contract::PluginInfo {
        contract::PluginInfo {
            name: self.name,
            version: self.version,
            description: self.description,
            homepage: self.homepage,
            settings_schema,
            formats: self.formats,
            reads: self.reads,
            properties: self.properties,
        }
    }
}
