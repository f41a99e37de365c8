//! Packages as components. What SPDX says with a word of its own (`NOASSERTION`, `NONE`) keeps its meaning.

use std::borrow::Cow;
use std::collections::HashMap;

use palisade_plugin::{Component, LicenseClaim, LicenseSource, LicenseValue, purl};

use crate::document::{Checksum, ExternalReference, ExtractedLicense, Package};

/// Names of the licences that the document defines itself, by their `LicenseRef-…`.
#[derive(Default)]
pub struct LicenseNames(HashMap<String, String>);

impl LicenseNames {
    pub fn of(extracted: Vec<ExtractedLicense>) -> LicenseNames {
        let named = |license: ExtractedLicense| {
            let name = license.name.filled().filter(|name| name != "NOASSERTION" && name != "NONE")?;
            Some((license.id.filled()?, name))
        };
        LicenseNames(extracted.into_iter().filter_map(named).collect())
    }

    /// In front of the component's other properties, once each.
    pub fn add_to(&self, component: &mut Component) {
        if self.0.is_empty() {
            return;
        }
        let names = license_names(&component.licenses, self);
        component.properties.splice(0..0, names.into_iter().map(|name| ("license-name".to_owned(), name)));
    }

    fn in_expression(&self, expression: &str) -> impl Iterator<Item = &str> {
        let words = expression.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '/'));
        words.filter_map(|word| self.0.get(word).map(String::as_str))
    }
}

/// Why a package is no component.
#[derive(Debug)]
pub enum Nameless {
    /// Stands for the scanned thing, of which the tool knows nothing; Syft writes such roots. Nothing is lost with it.
    Placeholder,
    Package,
}

/// Everything but scope and relation, which only the relationships tell, and the names of licences. On failure the origin
/// comes back.
pub fn component(package: Package, origin: String) -> Result<Component, (Nameless, String)> {
    let version = package.version.filled().or(package.draft_version.filled());
    let Some(name) = package.name.filled().or(package.draft_name.filled()) else {
        let is_known = version.is_some() || !package.references.is_empty();
        return Err((if is_known { Nameless::Package } else { Nameless::Placeholder }, origin));
    };
    let mut component = Component::new(package.id.filled().unwrap_or_else(|| origin.clone()), name);
    component.version = version;
    component.component_type = package.purpose.filled().map(|word| word.trim().to_ascii_lowercase().replace('_', "-"));
    component.supplier = package.supplier.filled().as_deref().and_then(supplier);
    component.hashes = package.checksums.into_iter().filter_map(hash).collect();
    component.origin = Some(origin);

    let declared = claim(LicenseSource::Declared, package.declared.filled().or(package.draft_declared.filled()));
    let concluded = claim(LicenseSource::Concluded, package.concluded.filled().or(package.draft_concluded.filled()));
    component.licenses = declared.into_iter().chain(concluded).collect();
    let facts = [
        ("downloadLocation", package.download_location),
        ("sourceInfo", package.source_info),
        ("copyrightText", package.copyright),
        ("filesAnalyzed", package.files_analyzed),
    ];
    component.properties.extend(facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact.filled()?))));
    for reference in package.references {
        refer(&mut component, reference);
    }
    Ok(component)
}

/// The first purl is the component's; other references keep their three words.
fn refer(component: &mut Component, reference: ExternalReference) {
    let Some(locator) = reference.locator.filled() else { return };
    let kind = reference.kind.filled().unwrap_or_default();
    match kind.trim().to_ascii_lowercase().as_str() {
        "purl" if component.purl.is_none() => {
            let repaired = purl::repaired(&locator).map_or_else(|| locator.trim().to_owned(), Cow::into_owned);
            if repaired != locator {
                component.property("purl-raw", locator);
            }
            component.purl = Some(repaired);
        }
        "cpe22type" | "cpe23type" => component.cpes.push(locator),
        _ => {
            let category = reference.category.filled().unwrap_or_default();
            component.property("externalRef", format!("{category} {kind} {locator}"));
        }
    }
}

/// `Organization: Example, Inc (mail@example.com)` as `Example, Inc`: addresses of people stay behind.
fn supplier(text: &str) -> Option<String> {
    let text =
        ["Organization:", "Person:", "Tool:"].iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text).trim();
    let name = match text.rsplit_once('(') {
        Some((name, address)) if address.contains('@') || address.trim() == ")" => name.trim_end(),
        _ => text,
    };
    (!name.is_empty()).then(|| name.to_owned())
}

fn hash(checksum: Checksum) -> Option<String> {
    let (algorithm, value) = (checksum.algorithm.filled()?, checksum.value.filled()?);
    let mut hash = [algorithm.trim(), ":", value.trim()].concat();
    hash.make_ascii_lowercase();
    Some(hash)
}

fn claim(source: LicenseSource, text: Option<String>) -> Option<LicenseClaim> {
    let text = text?;
    let value = match text.trim() {
        "NOASSERTION" => LicenseValue::NoAssertion,
        "NONE" => LicenseValue::NoneStated,
        _ => LicenseValue::Expression(text),
    };
    Some(LicenseClaim { source, value })
}

fn license_names(claims: &[LicenseClaim], names: &LicenseNames) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for claim in claims {
        let LicenseValue::Expression(expression) = &claim.value else { continue };
        for name in names.in_expression(expression) {
            if !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
        }
    }
    found
}
