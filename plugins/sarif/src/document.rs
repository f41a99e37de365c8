//! SARIF's wire format, 2.1.0, as far as it is read. Every member is optional and of any type: what does not fit is absent
//! and noted. Snippets, code flows, web requests and most of the free property bags can hold secrets and are not read at all.

use palisade_plugin::lenient::{List, Maybe, Number, OneOrMany, Table, Text};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool {
    pub driver: Maybe<ToolComponent>,
    /// Positions count, so a bad one stays as a gap.
    pub extensions: Maybe<Vec<Maybe<ToolComponent>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ToolComponent {
    pub name: Maybe<Text>,
    pub version: Maybe<Text>,
    pub semantic_version: Maybe<Text>,
    /// Positions count, so a bad one stays as a gap.
    pub rules: Maybe<Vec<Maybe<Rule>>>,
    pub global_message_strings: Maybe<Messages>,
}

pub type Messages = Table<Maybe<Message>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    pub id: Maybe<Text>,
    pub deprecated_ids: List<Text>,
    pub name: Maybe<Text>,
    pub short_description: Maybe<Message>,
    pub full_description: Maybe<Message>,
    pub help_uri: Maybe<Text>,
    pub message_strings: Maybe<Messages>,
    pub default_configuration: Maybe<Configuration>,
    pub relationships: List<Relationship>,
    pub properties: Maybe<RuleProperties>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Configuration {
    pub level: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Relationship {
    pub target: Maybe<DescriptorReference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RuleProperties {
    #[serde(rename = "security-severity")]
    pub security_severity: Maybe<Text>,
    pub tags: OneOrMany<Text>,
    pub precision: Maybe<Text>,
    pub cwe: OneOrMany<Text>,
    /// Written by Grype.
    pub purls: OneOrMany<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DescriptorReference {
    pub id: Maybe<Text>,
    pub index: Maybe<Number>,
    pub tool_component: Maybe<ComponentReference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentReference {
    pub name: Maybe<Text>,
    pub index: Maybe<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    pub text: Maybe<Text>,
    pub markdown: Maybe<Text>,
    pub id: Maybe<Text>,
    pub arguments: List<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResultEntry {
    pub rule_id: Maybe<Text>,
    pub rule_index: Maybe<Number>,
    pub rule: Maybe<DescriptorReference>,
    pub kind: Maybe<Text>,
    pub level: Maybe<Text>,
    pub message: Maybe<Message>,
    pub locations: List<LocationEntry>,
    pub partial_fingerprints: Maybe<Table<Maybe<Text>>>,
    pub fingerprints: Maybe<Table<Maybe<Text>>>,
    pub suppressions: List<Suppression>,
    pub baseline_state: Maybe<Text>,
    pub taxa: List<DescriptorReference>,
    pub fixes: List<FixEntry>,
    pub properties: Maybe<ResultProperties>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResultProperties {
    pub tags: OneOrMany<Text>,
    pub precision: Maybe<Text>,
    pub cwe: OneOrMany<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LocationEntry {
    pub physical_location: Maybe<PhysicalLocation>,
    pub logical_locations: OneOrMany<LogicalLocation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PhysicalLocation {
    pub artifact_location: Maybe<ArtifactLocation>,
    pub region: Maybe<Region>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactLocation {
    pub uri: Maybe<Text>,
    pub uri_base_id: Maybe<Text>,
    pub index: Maybe<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Region {
    pub start_line: Maybe<Number>,
    pub end_line: Maybe<Number>,
    pub start_column: Maybe<Number>,
    pub end_column: Maybe<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogicalLocation {
    pub fully_qualified_name: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Suppression {
    pub kind: Maybe<Text>,
    pub status: Maybe<Text>,
    pub justification: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FixEntry {
    pub description: Maybe<Message>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ArtifactEntry {
    pub location: Maybe<ArtifactLocation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Invocation {
    pub execution_successful: Maybe<bool>,
    pub start_time_utc: Maybe<Text>,
    pub end_time_utc: Maybe<Text>,
    pub working_directory: Maybe<ArtifactLocation>,
    pub tool_execution_notifications: List<Notification>,
    pub tool_configuration_notifications: List<Notification>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Notification {
    pub level: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AutomationDetails {
    pub id: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VersionControl {
    pub mapped_to: Maybe<ArtifactLocation>,
}
