//! Packages as components. What SPDX says with a word of its own (`NOASSERTION`, `NONE`) keeps its meaning.

use std::collections::HashMap;

use palisade_plugin::{Component, LicenseClaim, LicenseSource, LicenseValue};

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

/// Everything but scope and relation, which only the relationships tell.
pub fn component(package: Package, names: &LicenseNames, origin: String) -> Result<Component, Nameless> {
    let version = package.version.filled().or(package.draft_version.filled());
    let Some(name) = package.name.filled().or(package.draft_name.filled()) else {
        let is_known = version.is_some() || !package.references.is_empty();
        return Err(if is_known { Nameless::Package } else { Nameless::Placeholder });
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
    for name in license_names(&component.licenses, names) {
        component.property("license-name", name);
    }

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
            let repaired = repaired_purl(locator.trim());
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

/// Slashes behind `pkg:`, upper case in the type, two types by names that nobody else uses, and a bare `@` in front of an
/// npm scope are the mistakes that occur.
fn repaired_purl(purl: &str) -> String {
    let Some((kind, rest)) = purl.strip_prefix("pkg:").and_then(|rest| rest.trim_start_matches('/').split_once('/'))
    else {
        return purl.to_owned();
    };
    let kind = match kind.to_ascii_lowercase().as_str() {
        "alpine" => "apk".to_owned(),
        "dotnet-core" => "nuget".to_owned(),
        kind => kind.to_owned(),
    };
    match rest.strip_prefix('@') {
        Some(scope) if kind == "npm" => format!("pkg:npm/%40{scope}"),
        _ => format!("pkg:{kind}/{rest}"),
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
    let algorithm = checksum.algorithm.filled()?.trim().to_ascii_lowercase();
    Some(format!("{algorithm}:{}", checksum.value.filled()?.trim().to_ascii_lowercase()))
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
