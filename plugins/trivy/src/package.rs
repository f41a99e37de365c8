//! Entries of `Packages` as components. Never repairs a licence or a version.

use palisade_plugin::{
    Component, ComponentRelation, ComponentScope, Diagnostic, LicenseClaim, LicenseSource, LicenseValue,
    lenient::{Maybe, Text},
};

use crate::{
    document::{Lines, PackageEntry},
    entry,
    target::{ListedPackage, Target},
};

/// A component and what it depends on, in the ids that the producer uses inside one result.
pub struct Listed {
    pub component: Component,
    /// The id by which entries and other packages of the result name this one.
    pub own_id: Option<String>,
    pub depends_on: Vec<String>,
    pub lines: Vec<Lines>,
}

impl Listed {
    pub fn summary(&self) -> ListedPackage {
        ListedPackage {
            component: self.component.id.clone(),
            scope: self.component.scope,
            relation: self.component.relation,
            lines: self.lines.clone(),
        }
    }
}

pub fn component(entry: PackageEntry, target: &Target, origin: String) -> Result<Listed, Diagnostic> {
    let own_id = entry.id.filled();
    let name = entry.name.filled().ok_or_else(|| entry::nameless(&origin))?;
    let version = version(entry.epoch, entry.version, entry.release);
    let identifier = entry.identifier.0.unwrap_or_default();
    let id = own_id.clone().or(identifier.uid.filled());
    let id = id.unwrap_or_else(|| version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}@{version}")));

    let lines: Vec<_> = entry.locations.into_iter().collect();
    let mut component = Component::new(id, name);
    component.version = version;
    component.purl = identifier.purl.filled();
    component.licenses = licenses(entry::texts(entry.licenses));
    component.scope = if is_true(entry.development) { ComponentScope::Development } else { ComponentScope::Unknown };
    component.relation = relation(entry.relationship.filled().as_deref(), is_true(entry.indirect));
    component.locations = target.locations(entry.file_path.filled(), &lines, entry.layer);
    component.hashes = entry.digest.filled().into_iter().collect();
    component.origin = Some(origin);
    component.properties = target.properties();
    Ok(Listed { component, own_id, depends_on: entry::texts(entry.depends_on), lines })
}

/// As Trivy composes `InstalledVersion`, so that components and findings agree.
fn version(epoch: Maybe<Text>, version: Maybe<Text>, release: Maybe<Text>) -> Option<String> {
    let mut text = version.filled()?;
    if let Some(epoch) = epoch.filled().filter(|epoch| epoch != "0") {
        text = format!("{epoch}:{text}");
    }
    if let Some(release) = release.filled() {
        text = format!("{text}-{release}");
    }
    Some(text)
}

fn is_true(text: Maybe<Text>) -> bool {
    text.0.is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Members of a workspace are the scanned project itself, like the root.
fn relation(word: Option<&str>, is_indirect: bool) -> ComponentRelation {
    match word {
        Some("root") | Some("workspace") => ComponentRelation::Root,
        Some("direct") => ComponentRelation::Direct,
        Some("indirect") => ComponentRelation::Transitive,
        _ if is_indirect => ComponentRelation::Transitive,
        _ => ComponentRelation::Unknown,
    }
}

/// One claim for the whole list, because all of it holds. Choices are put in brackets, or `AND` would tear them apart;
/// comma lists and everything else stay as they are.
fn licenses(list: Vec<String>) -> Vec<LicenseClaim> {
    let list = entry::others(list, "");
    let value = match &list[..] {
        [] => return Vec::new(),
        [only] if only == "NONE" => LicenseValue::NoneStated,
        [only] if only == "NOASSERTION" => LicenseValue::NoAssertion,
        [only] => LicenseValue::Expression(only.clone()),
        all => LicenseValue::Expression(all.iter().map(|one| bracketed(one)).collect::<Vec<_>>().join(" AND ")),
    };
    vec![LicenseClaim { source: LicenseSource::Unknown, value }]
}

fn bracketed(license: &str) -> String {
    let is_choice = license.to_ascii_lowercase().contains(" or ") || license.contains('/');
    if is_choice { format!("({license})") } else { license.to_owned() }
}
