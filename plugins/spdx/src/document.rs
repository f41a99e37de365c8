//! SPDX 2's wire format as far as it is read. Every member is optional and of any type: what does not fit is absent and
//! noted. Files, snippets, annotations and licence texts are skipped without being parsed into anything.

use palisade_plugin::lenient::{Maybe, OneOrMany, Text};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreationInfo {
    pub created: Maybe<Text>,
    pub creators: OneOrMany<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Package {
    #[serde(rename = "SPDXID")]
    pub id: Maybe<Text>,
    pub name: Maybe<Text>,
    #[serde(rename = "versionInfo")]
    pub version: Maybe<Text>,
    pub supplier: Maybe<Text>,
    #[serde(rename = "licenseDeclared")]
    pub declared: Maybe<Text>,
    #[serde(rename = "licenseConcluded")]
    pub concluded: Maybe<Text>,
    pub download_location: Maybe<Text>,
    pub source_info: Maybe<Text>,
    #[serde(rename = "copyrightText")]
    pub copyright: Maybe<Text>,
    pub files_analyzed: Maybe<Text>,
    #[serde(rename = "primaryPackagePurpose")]
    pub purpose: Maybe<Text>,
    #[serde(rename = "externalRefs")]
    pub references: OneOrMany<ExternalReference>,
    pub checksums: OneOrMany<Checksum>,
    // Early drafts and some hand-written documents repeat "package" in each name.
    #[serde(rename = "packageName")]
    pub draft_name: Maybe<Text>,
    #[serde(rename = "packageVersion")]
    pub draft_version: Maybe<Text>,
    #[serde(rename = "packageLicenseDeclared")]
    pub draft_declared: Maybe<Text>,
    #[serde(rename = "packageLicenseConcluded")]
    pub draft_concluded: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExternalReference {
    #[serde(rename = "referenceCategory")]
    pub category: Maybe<Text>,
    #[serde(rename = "referenceType")]
    pub kind: Maybe<Text>,
    #[serde(rename = "referenceLocator")]
    pub locator: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Checksum {
    pub algorithm: Maybe<Text>,
    #[serde(rename = "checksumValue")]
    pub value: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Relationship {
    #[serde(rename = "relationshipType")]
    pub kind: Maybe<Text>,
    #[serde(rename = "spdxElementId")]
    pub element: Maybe<Text>,
    #[serde(rename = "relatedSpdxElement")]
    pub related: Maybe<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExtractedLicense {
    #[serde(rename = "licenseId")]
    pub id: Maybe<Text>,
    pub name: Maybe<Text>,
}
