//! Trivy's wire format, schema 2, as far as it is read. Every member is optional and of any type: what does not fit is
//! absent and noted. Secrets (`Match`, `Code`), snippets and the commit's people are not read at all.

use std::collections::BTreeSet;
use std::fmt;

use palisade_plugin::{
    Location,
    lenient::{Maybe, Number, OneOrMany, Text, Tree},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

/// One element of `Results`, each list with the indices of its entries.
#[derive(Debug, Default)]
pub struct ResultEntry {
    pub target: Option<String>,
    pub class: Option<String>,
    pub kind: Option<String>,
    pub packages: Vec<(usize, PackageEntry)>,
    pub vulnerabilities: Vec<(usize, VulnerabilityEntry)>,
    pub misconfigurations: Vec<(usize, MisconfigurationEntry)>,
    pub secrets: Vec<(usize, SecretEntry)>,
    pub licenses: Vec<(usize, LicenseEntry)>,
    pub modified: Vec<(usize, ModifiedEntry)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TrivyEntry {
    pub version: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Metadata {
    #[serde(rename = "OS")]
    pub operating_system: Maybe<OperatingSystem>,
    pub repo_digests: OneOrMany<Text>,
    #[serde(rename = "ImageID")]
    pub image_id: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct OperatingSystem {
    pub family: Maybe<Text>,
    pub name: Maybe<Text>,
    #[serde(rename = "EOSL")]
    pub end_of_life: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PackageEntry {
    #[serde(rename = "ID")]
    pub id: Maybe<Text>,
    pub name: Maybe<Text>,
    pub identifier: Maybe<Identifier>,
    pub version: Maybe<Text>,
    pub release: Maybe<Text>,
    pub epoch: Maybe<Text>,
    pub licenses: OneOrMany<Text>,
    pub relationship: Maybe<Text>,
    pub indirect: Maybe<Text>,
    #[serde(rename = "Dev")]
    pub development: Maybe<Text>,
    pub depends_on: OneOrMany<Text>,
    pub locations: OneOrMany<Lines>,
    pub file_path: Maybe<Text>,
    pub layer: Maybe<Layer>,
    pub digest: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Identifier {
    #[serde(rename = "PURL")]
    pub purl: Maybe<Text>,
    #[serde(rename = "UID")]
    pub uid: Maybe<Text>,
}

/// The container layer that holds a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Layer {
    pub digest: Maybe<Text>,
    #[serde(rename = "DiffID")]
    pub diff_id: Maybe<Text>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Lines {
    #[serde(rename = "StartLine")]
    pub start: Maybe<Number>,
    #[serde(rename = "EndLine")]
    pub end: Maybe<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VulnerabilityEntry {
    #[serde(rename = "VulnerabilityID")]
    pub id: Maybe<Text>,
    #[serde(rename = "VendorIDs")]
    pub vendor_ids: OneOrMany<Text>,
    #[serde(rename = "PkgID")]
    pub package_id: Maybe<Text>,
    #[serde(rename = "PkgName")]
    pub package_name: Maybe<Text>,
    #[serde(rename = "PkgPath")]
    pub package_path: Maybe<Text>,
    /// Where older versions put the purl.
    #[serde(rename = "Ref")]
    pub reference: Maybe<Text>,
    #[serde(rename = "PkgIdentifier")]
    pub identifier: Maybe<Identifier>,
    pub installed_version: Maybe<Text>,
    pub fixed_version: Maybe<Text>,
    pub status: Maybe<Text>,
    pub layer: Maybe<Layer>,
    pub severity: Maybe<Text>,
    pub severity_source: Maybe<Text>,
    #[serde(rename = "PrimaryURL")]
    pub primary_url: Maybe<Text>,
    pub data_source: Maybe<DataSource>,
    pub fingerprint: Maybe<Text>,
    pub title: Maybe<Text>,
    pub description: Maybe<Text>,
    #[serde(rename = "CweIDs")]
    pub cwes: OneOrMany<Text>,
    #[serde(rename = "CVSS")]
    pub cvss: Maybe<Ratings>,
    pub references: OneOrMany<Text>,
    #[serde(rename = "PublishedDate")]
    pub published: Maybe<Text>,
    #[serde(rename = "LastModifiedDate")]
    pub modified: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DataSource {
    #[serde(rename = "ID")]
    pub id: Maybe<Text>,
}

/// What one source says, by CVSS version.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Rating {
    pub v2_vector: Maybe<Text>,
    pub v3_vector: Maybe<Text>,
    pub v40_vector: Maybe<Text>,
    pub v2_score: Maybe<Number>,
    pub v3_score: Maybe<Number>,
    pub v40_score: Maybe<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MisconfigurationEntry {
    #[serde(rename = "Type")]
    pub kind: Maybe<Text>,
    #[serde(rename = "ID")]
    pub id: Maybe<Text>,
    #[serde(rename = "AVDID")]
    pub avd_id: Maybe<Text>,
    pub title: Maybe<Text>,
    pub description: Maybe<Text>,
    pub message: Maybe<Text>,
    pub resolution: Maybe<Text>,
    pub severity: Maybe<Text>,
    #[serde(rename = "PrimaryURL")]
    pub primary_url: Maybe<Text>,
    pub references: OneOrMany<Text>,
    pub status: Maybe<Text>,
    pub layer: Maybe<Layer>,
    #[serde(rename = "CauseMetadata")]
    pub cause: Maybe<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Cause {
    pub resource: Maybe<Text>,
    pub provider: Maybe<Text>,
    pub service: Maybe<Text>,
    #[serde(rename = "StartLine")]
    pub start: Maybe<Number>,
    #[serde(rename = "EndLine")]
    pub end: Maybe<Number>,
    pub occurrences: OneOrMany<Occurrence>,
}

/// Where the thing that the cause lies in is used, such as the call of a Terraform module.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Occurrence {
    pub filename: Maybe<Text>,
    #[serde(rename = "Location")]
    pub lines: Maybe<Lines>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SecretEntry {
    #[serde(rename = "RuleID")]
    pub rule_id: Maybe<Text>,
    pub category: Maybe<Text>,
    pub severity: Maybe<Text>,
    pub title: Maybe<Text>,
    #[serde(rename = "StartLine")]
    pub start: Maybe<Number>,
    #[serde(rename = "EndLine")]
    pub end: Maybe<Number>,
    pub layer: Maybe<Layer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LicenseEntry {
    pub name: Maybe<Text>,
    pub severity: Maybe<Text>,
    pub category: Maybe<Text>,
    #[serde(rename = "PkgName")]
    pub package_name: Maybe<Text>,
    pub file_path: Maybe<Text>,
    pub confidence: Maybe<Text>,
    pub link: Maybe<Text>,
    pub layer: Maybe<Layer>,
}

/// What an ignore file or a VEX document took out of the lists above.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ModifiedEntry {
    #[serde(rename = "Type")]
    pub kind: Maybe<Text>,
    pub status: Maybe<Text>,
    pub statement: Maybe<Text>,
    pub source: Maybe<Text>,
    pub finding: Maybe<Tree>,
}

/// Ratings by source, in the document's order.
#[derive(Debug, Default)]
pub struct Ratings(pub Vec<(String, Rating)>);

impl<'de> Deserialize<'de> for Ratings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ratings, D::Error> {
        deserializer.deserialize_map(RatingsVisitor)
    }
}

struct RatingsVisitor;

impl<'de> Visitor<'de> for RatingsVisitor {
    type Value = Ratings;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ratings by source")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ratings, A::Error> {
        let mut ratings = Vec::new();
        let mut sources = BTreeSet::new();
        while let Some((source, rating)) = map.next_entry::<String, Maybe<Rating>>()? {
            if !sources.insert(source.clone()) {
                return Err(A::Error::custom(format_args!("duplicate field `{source}`")));
            }
            ratings.extend(rating.0.map(|rating| (source, rating)));
        }
        Ok(Ratings(ratings))
    }
}

impl Layer {
    /// The digest that registries know, else the one of the unpacked layer.
    pub fn digest(self) -> Option<String> {
        self.digest.filled().or(self.diff_id.filled())
    }
}

impl Lines {
    /// Zero and negative lines say "nowhere in particular"; a missing end is the start.
    pub fn at(&self, path: String, layer: Option<String>) -> Location {
        let line = |number: &Maybe<Number>| number.0.and_then(Number::as_u32).filter(|line| *line > 0);
        let start_line = line(&self.start);
        let end_line = start_line.map(|start| line(&self.end).map_or(start, |end| end.max(start)));
        Location { path, start_line, end_line, start_column: None, end_column: None, layer }
    }
}
