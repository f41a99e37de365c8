//! Entries of `Licenses` as findings. Never repairs or cuts a licence's name: half a licence is another licence.

use palisade_plugin::{
    Detail, Diagnostic, Finding, LicenseClaim, LicenseSource, LicenseValue, Location, PackageRef, Severity,
    lenient::OneOrMany,
};

use crate::{
    document::{Layer, LicenseEntry},
    target::Target,
    words,
};

/// Where Trivy finds no name it writes the licence's text; so much of it still tells which.
const ID: usize = 100;

pub fn finding(entry: LicenseEntry, target: &Target, origin: String) -> Result<Finding, Diagnostic> {
    let name = words::filled(entry.name).ok_or_else(|| words::nameless(&origin))?;
    let package = words::filled(entry.package_name);
    let id = words::shortened(words::title(Some(&name), None, String::new), ID);
    let title = words::fallback_title(&id, package.as_deref());
    let claim = LicenseClaim { source: source(target), value: value(name) };

    let mut finding = Finding::new(id, title, Detail::License(claim));
    finding.severity_raw = words::filled(entry.severity);
    finding.severity = finding.severity_raw.as_deref().and_then(Severity::from_word);
    let path = words::filled(entry.file_path).unwrap_or_else(|| target.name.clone());
    finding.locations = vec![Location { layer: entry.layer.0.and_then(Layer::digest), ..Location::at(path) }];
    finding.package = package.map(PackageRef::new);
    finding.references = words::references(entry.link, OneOrMany::default());
    finding.origin = Some(origin);
    finding.properties = target.properties();
    let facts = [("license-category", words::filled(entry.category)), ("confidence", words::filled(entry.confidence))];
    finding.properties.extend(words::facts(facts));
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
