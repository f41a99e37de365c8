//! What reading costs at least: serde_json into structs with the members that the plugins read of such documents. No
//! judgement of bad members, no notes, no records.
#![allow(dead_code)] // reason: the members are there to be paid for, and nobody looks at them

use crate::documents::Format;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

type Text = Option<String>;

/// Parses the document and forgets it.
pub fn parse(format: Format, bytes: &[u8]) {
    match format {
        Format::Trivy => parse_as::<Trivy>(bytes),
        Format::Spdx => parse_as::<Spdx>(bytes),
        Format::CycloneDx => parse_as::<CycloneDx>(bytes),
        Format::Sarif => parse_as::<Sarif>(bytes),
    }
}

fn parse_as<Document: DeserializeOwned>(bytes: &[u8]) {
    let document: Document = serde_json::from_slice(bytes).expect("generated documents are sound");
    divan::black_box(&document);
}

macro_rules! wire {
    ($case:literal $name:ident { $($(#[$attribute:meta])* $member:ident: $kind:ty),+ $(,)? }) => {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = $case)]
        struct $name { $($(#[$attribute])* $member: $kind),+ }
    };
}

wire!("PascalCase" Trivy { artifact_name: Text, results: Vec<Target> });
wire!("PascalCase" Target { target: Text, class: Text, r#type: Text, vulnerabilities: Vec<Vulnerability> });
wire!("PascalCase" Vulnerability {
    #[serde(rename = "VulnerabilityID")] id: Text,
    #[serde(rename = "PkgID")] package_id: Text,
    pkg_name: Text,
    pkg_identifier: Identifier,
    installed_version: Text,
    fixed_version: Text,
    status: Text,
    layer: Layer,
    severity_source: Text,
    #[serde(rename = "PrimaryURL")] primary_url: Text,
    data_source: DataSource,
    title: Text,
    description: Text,
    severity: Text,
    #[serde(rename = "CweIDs")] cwes: Vec<String>,
    #[serde(rename = "CVSS")] cvss: BTreeMap<String, Rating>,
    references: Vec<String>,
    published_date: Text,
    last_modified_date: Text,
});
wire!("UPPERCASE" Identifier { purl: Text, uid: Text });
wire!("PascalCase" Layer { #[serde(rename = "DiffID")] diff: Text });
wire!("UPPERCASE" DataSource { id: Text });
wire!("PascalCase" Rating { v3_vector: Text, v3_score: Option<f64> });

wire!("camelCase" Spdx { spdx_version: Text, packages: Vec<Package>, relationships: Vec<Relationship> });
wire!("camelCase" Package {
    #[serde(rename = "SPDXID")] id: Text,
    name: Text,
    version_info: Text,
    supplier: Text,
    license_declared: Text,
    license_concluded: Text,
    download_location: Text,
    copyright_text: Text,
    files_analyzed: Option<bool>,
    external_refs: Vec<Reference>,
    checksums: Vec<Checksum>,
});
wire!("camelCase" Reference { reference_category: Text, reference_type: Text, reference_locator: Text });
wire!("camelCase" Checksum { algorithm: Text, checksum_value: Text });
wire!("camelCase" Relationship { relationship_type: Text, spdx_element_id: Text, related_spdx_element: Text });

wire!("camelCase" CycloneDx { spec_version: Text, components: Vec<Component>, dependencies: Vec<Dependency> });
wire!("kebab-case" Component {
    bom_ref: Text,
    r#type: Text,
    group: Text,
    name: Text,
    version: Text,
    purl: Text,
    scope: Text,
    hashes: Vec<Hash>,
    licenses: Vec<License>,
    properties: Vec<Property>,
});
wire!("camelCase" Hash { alg: Text, content: Text });
wire!("camelCase" License { expression: Text });
wire!("camelCase" Property { name: Text, value: Text });
wire!("camelCase" Dependency { r#ref: Text, depends_on: Vec<String> });

wire!("camelCase" Sarif { version: Text, runs: Vec<Run> });
wire!("camelCase" Run { results: Vec<Finding> });
wire!("camelCase" Finding {
    rule_id: Text,
    rule_index: Option<u32>,
    level: Text,
    message: Message,
    locations: Vec<Location>,
    partial_fingerprints: BTreeMap<String, String>,
});
wire!("camelCase" Message { text: Text });
wire!("camelCase" Location { physical_location: Place });
wire!("camelCase" Place { artifact_location: File, region: Region });
wire!("camelCase" File { uri: Text });
wire!("camelCase" Region {
    start_line: Option<u32>, end_line: Option<u32>, start_column: Option<u32>, end_column: Option<u32>,
});
