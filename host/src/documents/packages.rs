//! Polly's `SBOMPayload`.

use super::compliance::{Metadata, SPDX, metadata, property};
use crate::model::evidence::{Context, SourcedReport};
use crate::model::report::{Component, LicenseClaim, LicenseSource, LicenseValue};
use palisade_plugin_policy_results::spdx_id;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Payload<'a> {
    metadata: Metadata<'a>,
    packages: Vec<Package<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    name: &'a str,
    #[serde(rename = "SPDXID")]
    spdx_id: Cow<'a, str>,
    version_info: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    supplier: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    download_location: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    source_info: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    copyright_text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    license_concluded: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    license_declared: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    files_analyzed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    reference_category: &'a str,
    reference_type: &'a str,
    reference_locator: &'a str,
}

#[derive(Serialize)]
struct Summary {
    license_distribution: BTreeMap<String, usize>,
    all_licenses: Vec<String>,
    total_packages: usize,
    packages_without_license: usize,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The payload of one report.
pub fn payload<'a>(context: &'a Context, sourced: &'a SourcedReport) -> impl Serialize + 'a {
    let is_spdx = sourced.report.format.name == SPDX;
    let components = sourced.report.components.iter();
    // The document itself is no package of it.
    let listed = components.filter(|component| !component.name.is_empty() && component.id != "SPDXRef-DOCUMENT");
    let packages: Vec<Package> = listed.map(|component| package(component, is_spdx)).collect();
    Payload { metadata: metadata(context, sourced), summary: summary(&packages), packages }
}

fn package(component: &Component, is_spdx: bool) -> Package<'_> {
    let fact = |name: &str| property(&component.properties, name);
    Package {
        name: &component.name,
        spdx_id: spdx_id(&component.id),
        version_info: component.version.as_deref().unwrap_or_default(),
        supplier: component.supplier.as_deref().unwrap_or_default(),
        download_location: fact("downloadLocation").unwrap_or_default(),
        source_info: fact("sourceInfo").unwrap_or_default(),
        copyright_text: fact("copyrightText").unwrap_or_default(),
        license_concluded: license(&component.licenses, &[LicenseSource::Concluded]),
        license_declared: declared(&component.licenses),
        external_refs: external_refs(component),
        files_analyzed: match fact("filesAnalyzed") {
            Some(said) => said == "true",
            // SPDX says so of a package that says nothing.
            None => is_spdx,
        },
    }
}

/// What the producer declared, else what it said without a word for it, else what a tool detected.
fn declared(claims: &[LicenseClaim]) -> Cow<'_, str> {
    let sources = [LicenseSource::Declared, LicenseSource::Unknown, LicenseSource::Detected];
    let stated = sources.map(|source| license(claims, &[source])).into_iter().find(|license| !license.is_empty());
    stated.unwrap_or_default()
}

/// All claims of these sources; several hold together.
fn license<'a>(claims: &'a [LicenseClaim], sources: &[LicenseSource]) -> Cow<'a, str> {
    let texts: Vec<&str> = claims.iter().filter(|claim| sources.contains(&claim.source)).map(text).collect();
    match texts.as_slice() {
        [] => Cow::Borrowed(""),
        [only] => Cow::Borrowed(only),
        _ => {
            let in_brackets =
                |text: &&str| if text.contains(" OR ") { format!("({text})") } else { (*text).to_owned() };
            Cow::Owned(texts.iter().map(in_brackets).collect::<Vec<_>>().join(" AND "))
        }
    }
}

fn text(claim: &LicenseClaim) -> &str {
    match &claim.value {
        LicenseValue::Expression(text) | LicenseValue::Name(text) => text,
        LicenseValue::NoAssertion => "NOASSERTION",
        LicenseValue::NoneStated => "NONE",
    }
}

/// The package URL first, then CPEs, then what a normalizer kept as `category type locator`.
fn external_refs(component: &Component) -> Vec<ExternalRef<'_>> {
    let purl = component.purl.as_deref().map(|purl| ExternalRef {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl",
        reference_locator: purl,
    });
    let cpes = component.cpes.iter().map(|cpe| ExternalRef {
        reference_category: "SECURITY",
        reference_type: if cpe.starts_with("cpe:2.3:") { "cpe23Type" } else { "cpe22Type" },
        reference_locator: cpe,
    });
    let others = component.properties.iter().filter(|(name, _)| name == "externalRef");
    let others = others.filter_map(|(_, words)| {
        let (category, rest) = words.split_once(' ')?;
        let (kind, locator) = rest.split_once(' ')?;
        Some(ExternalRef { reference_category: category, reference_type: kind, reference_locator: locator })
    });
    purl.into_iter().chain(cpes).chain(others).collect()
}

fn summary(packages: &[Package]) -> Summary {
    let mut summary = Summary {
        license_distribution: BTreeMap::new(),
        all_licenses: Vec::new(),
        total_packages: packages.len(),
        packages_without_license: 0,
    };
    for package in packages {
        let Some(license) = effective(package) else {
            summary.packages_without_license += 1;
            continue;
        };
        match summary.license_distribution.get_mut(license) {
            Some(count) => *count += 1,
            None => {
                summary.all_licenses.push(license.to_owned());
                summary.license_distribution.insert(license.to_owned(), 1);
            }
        }
    }
    summary
}

/// The concluded license, else the declared one; words for "unknown" are none.
fn effective<'a>(package: &'a Package) -> Option<&'a str> {
    let stated = |text: &&str| !matches!(*text, "" | "NOASSERTION" | "NONE");
    [&*package.license_concluded, &*package.license_declared].into_iter().find(stated)
}
