//! CycloneDX's wire format, 1.2 to 1.7, as far as it is read. Every member is optional and of any type: what does not fit
//! is absent and noted. People's mail addresses, licence texts, patches and cryptographic material are not read at all.

use palisade_plugin::lenient::{List, Maybe, Number, OneOrMany, Text};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    pub timestamp: Maybe<Text>,
    /// A list up to 1.4, an object with `components` and `services` since 1.5.
    pub tools: OneOrMany<ToolEntry>,
    pub component: Maybe<ComponentEntry>,
    pub authors: List<Contact>,
    pub supplier: Maybe<Contact>,
    pub manufacturer: Maybe<Contact>,
    /// The name of `manufacturer` before 1.6. A document may have both, so this is no alias.
    pub manufacture: Maybe<Contact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolEntry {
    pub vendor: Maybe<Text>,
    pub name: Maybe<Text>,
    pub version: Maybe<Text>,
    pub components: List<ToolEntry>,
    pub services: List<ToolEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    pub name: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentEntry {
    #[serde(rename = "bom-ref")]
    pub bom_ref: Maybe<Text>,
    #[serde(rename = "type")]
    pub kind: Maybe<Text>,
    pub group: Maybe<Text>,
    pub name: Maybe<Text>,
    pub version: Maybe<Text>,
    pub purl: Maybe<Text>,
    pub cpe: Maybe<Text>,
    pub supplier: Maybe<Contact>,
    pub publisher: Maybe<Text>,
    pub scope: Maybe<Text>,
    pub hashes: List<Hash>,
    pub licenses: OneOrMany<LicenseEntry>,
    pub evidence: Maybe<ComponentEvidence>,
    pub properties: List<Property>,
    pub components: List<ComponentEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hash {
    #[serde(rename = "alg")]
    pub algorithm: Maybe<Text>,
    pub content: Maybe<Text>,
}

/// Either an object `license` or an `expression`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LicenseEntry {
    pub license: Maybe<License>,
    pub expression: Maybe<Text>,
    pub acknowledgement: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct License {
    pub id: Maybe<Text>,
    pub name: Maybe<Text>,
    pub acknowledgement: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentEvidence {
    pub licenses: OneOrMany<LicenseEntry>,
    pub occurrences: List<Occurrence>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Occurrence {
    pub location: Maybe<Text>,
    pub line: Maybe<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Property {
    pub name: Maybe<Text>,
    pub value: Maybe<Text>,
}

/// Properties that have both a name and a value.
pub fn pairs(properties: List<Property>) -> impl Iterator<Item = (String, String)> {
    properties.into_iter().filter_map(|property| Some((property.name.filled()?, property.value.filled()?)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DependencyEntry {
    #[serde(rename = "ref")]
    pub parent: Maybe<Text>,
    #[serde(rename = "dependsOn")]
    pub children: OneOrMany<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Composition {
    pub aggregate: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VulnerabilityEntry {
    pub id: Maybe<Text>,
    pub source: Maybe<Source>,
    /// The same problem under other names.
    pub references: List<Reference>,
    pub ratings: List<RatingEntry>,
    pub cwes: OneOrMany<Text>,
    pub description: Maybe<Text>,
    pub detail: Maybe<Text>,
    pub recommendation: Maybe<Text>,
    pub workaround: Maybe<Text>,
    pub advisories: List<Advisory>,
    pub published: Maybe<Text>,
    pub updated: Maybe<Text>,
    /// When the record was withdrawn.
    pub rejected: Maybe<Text>,
    pub analysis: Maybe<Analysis>,
    pub affects: OneOrMany<Affect>,
    pub properties: List<Property>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    pub name: Maybe<Text>,
    pub url: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    pub id: Maybe<Text>,
    pub source: Maybe<Source>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Advisory {
    pub url: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RatingEntry {
    pub source: Maybe<Source>,
    pub score: Maybe<Number>,
    pub severity: Maybe<Text>,
    pub method: Maybe<Text>,
    pub vector: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Analysis {
    pub state: Maybe<Text>,
    pub justification: Maybe<Text>,
    pub response: OneOrMany<Text>,
    pub detail: Maybe<Text>,
    #[serde(rename = "firstIssued")]
    pub first_issued: Maybe<Text>,
    #[serde(rename = "lastUpdated")]
    pub last_updated: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Affect {
    #[serde(rename = "ref")]
    pub target: Maybe<Text>,
    pub versions: OneOrMany<AffectedVersion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AffectedVersion {
    pub version: Maybe<Text>,
    pub range: Maybe<Text>,
    pub status: Maybe<Text>,
}
