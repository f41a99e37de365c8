//! Entries of `Licenses` as findings. Never repairs or cuts a licence's name: half a licence is another licence.

use palisade_plugin::{
    Detail, Diagnostic, Finding, LicenseClaim, LicenseSource, LicenseValue, Location, PackageRef, Severity,
    lenient::OneOrMany, words,
};

use crate::{
    document::{Layer, LicenseEntry},
    entry,
    target::Target,
};

/// Where Trivy finds no name it writes the licence's text; so much of it still tells which.
const ID: usize = 100;

pub fn finding(entry: LicenseEntry, target: &Target, origin: String) -> Result<Finding, Diagnostic> {
    let name = entry.name.filled().ok_or_else(|| entry::nameless(&origin))?;
    let package = entry.package_name.filled().map(PackageRef::new);
    let id = words::shortened(words::title(&[Some(&name)], String::new), ID);
    let title = entry::fallback_title(&id, package.as_ref());
    let claim = LicenseClaim { source: source(target), value: value(name) };

    let mut finding = Finding::new(id, title, Detail::License(claim));
    finding.severity_raw = entry.severity.filled();
    finding.severity = finding.severity_raw.as_deref().and_then(Severity::from_word);
    let path = entry.file_path.filled().unwrap_or_else(|| target.name.clone());
    finding.locations = vec![Location { layer: entry.layer.0.and_then(Layer::digest), ..Location::at(path) }];
    finding.package = package;
    finding.references = entry::references(entry.link, OneOrMany::default());
    finding.origin = Some(origin);
    finding.properties = target.properties();
    let facts = [("license-category", entry.category.filled()), ("confidence", entry.confidence.filled())];
    finding.properties.extend(entry::facts(facts));
    Ok(finding)
}

/// A class `license-file` names what a classifier recognised in a text; of packages Trivy does not say who claims it.
fn source(target: &Target) -> LicenseSource {
    if target.class == "license-file" { LicenseSource::Detected } else { LicenseSource::Unknown }
}

/// Several lines can only be a text.
fn value(name: String) -> LicenseValue {
    if name.trim().contains('\n') { LicenseValue::Name(name) } else { LicenseValue::Expression(name) }
}
