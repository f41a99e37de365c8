//! Components as the contract names them: flattened, each with an id of its own. Never decides what counts; the described
//! product itself is there as the root.

use std::borrow::Cow;
use std::collections::HashMap;

use palisade_plugin::lenient::Number;
use palisade_plugin::purl::{repaired, type_of};
use palisade_plugin::words::distinct;
use palisade_plugin::{Component, ComponentRelation, ComponentScope, Diagnostic, Location, ReportBuilder};

use crate::document::{ComponentEntry, ComponentEvidence, Hash, Occurrence, pairs};
use crate::{license, purl};

/// What npm's tools write, almost always without a scope or beside `required`.
const NPM_DEVELOPMENT: &str = "cdx:npm:package:development";
/// The contract's cap on locations.
const LOCATIONS: usize = 20;
/// Properties in which producers name the file that a component was found in.
const PATHS: [&str; 3] = ["SrcFile", "aquasecurity:trivy:FilePath", "location"];

/// All components of a document, in its order.
#[derive(Debug, Default)]
pub struct Inventory {
    pub components: Vec<Component>,
    index_by_id: HashMap<String, usize>,
    /// The next number to try for an id that occurs again.
    next_by_id: HashMap<String, usize>,
}

impl Inventory {
    /// Adds a component and all that nest in it. The pointer is the component's own.
    pub fn add(
        &mut self,
        entry: ComponentEntry,
        pointer: String,
        relation: ComponentRelation,
        report: &mut ReportBuilder,
    ) {
        if entry.components.is_empty() {
            return self.add_one(entry, pointer, relation, report); // as in most documents
        }
        // A stack in place of recursion; children are put on it in reverse, so that they come off in order.
        let mut waiting = vec![(entry, pointer)];
        while let Some((mut entry, pointer)) = waiting.pop() {
            let nested = std::mem::take(&mut entry.components).0;
            let pointed =
                nested.into_iter().enumerate().map(|(at, entry)| (entry, format!("{pointer}/components/{at}")));
            waiting.extend(pointed.rev());
            self.add_one(entry, pointer, relation, report);
        }
    }

    /// Adds the described product, unless a producer lists it among the components as well: then that one is the root.
    pub fn add_root(&mut self, entry: ComponentEntry, pointer: String, report: &mut ReportBuilder) {
        match entry.bom_ref.as_deref().and_then(|id| self.index(id)) {
            Some(listed) => self.components[listed].relation = ComponentRelation::Root,
            None => self.add(entry, pointer, ComponentRelation::Root, report),
        }
    }

    fn add_one(
        &mut self,
        entry: ComponentEntry,
        pointer: String,
        relation: ComponentRelation,
        report: &mut ReportBuilder,
    ) {
        let Some(mut component) = component(entry, &pointer) else {
            report.lost(Diagnostic::warning("left out: a component without a name").at(pointer));
            return;
        };
        component.origin = Some(pointer);
        component.relation = relation;
        self.keep_ids_apart(&mut component, report);
        self.index_by_id.insert(component.id.clone(), self.components.len());
        self.components.push(component);
    }

    /// Ids must be unique in a report; references mean the first of the same id.
    fn keep_ids_apart(&mut self, component: &mut Component, report: &mut ReportBuilder) {
        if !self.index_by_id.contains_key(&component.id) {
            return;
        }
        let stated = component.id.clone();
        while self.index_by_id.contains_key(&component.id) {
            let number = self.next_by_id.entry(stated.clone()).or_insert(2);
            component.id = format!("{stated}#{number}");
            *number += 1;
        }
        let message = format!("a repeated bom-ref; this component is called {}", component.id);
        report.diagnostic(Diagnostic::warning(message).at(component.origin.clone().unwrap_or_default()));
    }

    pub fn index(&self, id: &str) -> Option<usize> {
        self.index_by_id.get(id).copied()
    }
}

fn component(entry: ComponentEntry, pointer: &str) -> Option<Component> {
    let (purl, purl_raw) = purls(entry.purl.filled());
    let name = entry.name.filled().or_else(|| purl.as_deref().and_then(purl::package).map(|package| package.name))?;
    let group = entry.group.filled();
    let evidence = entry.evidence.0.unwrap_or_default();
    let stated_scope = entry.scope.filled();
    let mut properties: Vec<_> = pairs(entry.properties).collect();

    let id = entry.bom_ref.filled().unwrap_or_else(|| pointer.to_owned());
    let mut component =
        Component::new(id, purl::full_name(purl.as_deref().map_or("", type_of), group.as_deref(), &name));
    component.version = entry.version.filled();
    component.component_type = entry.kind.filled();
    component.supplier = entry.supplier.0.and_then(|supplier| supplier.name.filled()).or(entry.publisher.filled());
    component.scope = scope(stated_scope.as_deref(), &properties);
    component.locations = locations(&evidence, &properties);
    component.licenses = license::claims(entry.licenses);
    component.licenses.extend(license::detected(evidence.licenses));
    component.hashes = entry.hashes.into_iter().filter_map(hash).collect();
    component.cpes = entry.cpe.filled().into_iter().collect();
    properties.extend(stated_scope.map(|word| ("scope-raw".to_owned(), word)));
    properties.extend(purl_raw.map(|raw| ("purl-raw".to_owned(), raw)));
    component.properties = properties;
    component.purl = purl;
    Some(component)
}

/// The package URL, and what stood in its place if that is something else.
fn purls(raw: Option<String>) -> (Option<String>, Option<String>) {
    match raw.as_deref().and_then(repaired) {
        Some(Cow::Borrowed(_)) => (raw, None),
        Some(Cow::Owned(repaired)) => (Some(repaired), raw),
        None => (None, raw),
    }
}

/// By the specification no scope means `required`. npm's own mark wins over everything.
fn scope(word: Option<&str>, properties: &[(String, String)]) -> ComponentScope {
    if properties.iter().any(|(name, value)| name == NPM_DEVELOPMENT && value == "true") {
        return ComponentScope::Development;
    }
    let is = |known: &str| word.is_some_and(|word| word.trim().eq_ignore_ascii_case(known));
    match () {
        () if word.is_none() || is("required") => ComponentScope::Runtime,
        () if is("optional") => ComponentScope::Optional,
        () if is("excluded") => ComponentScope::Excluded,
        () => ComponentScope::Unknown,
    }
}

fn locations(evidence: &ComponentEvidence, properties: &[(String, String)]) -> Vec<Location> {
    let mut locations: Vec<Location> = evidence.occurrences.iter().filter_map(occurrence).take(LOCATIONS).collect();
    let paths = properties.iter().filter(|(name, _)| PATHS.contains(&name.as_str())).map(|(_, path)| relative(path));
    for path in distinct(paths).into_iter().take(LOCATIONS - locations.len()) {
        if locations.iter().all(|known| known.path != path) {
            locations.push(Location::at(path));
        }
    }
    locations
}

fn occurrence(occurrence: &Occurrence) -> Option<Location> {
    let path = occurrence.location.as_deref().filter(|path| !path.trim().is_empty())?;
    let line = occurrence.line.and_then(Number::as_u32).filter(|line| *line > 0);
    Some(Location { start_line: line, end_line: line, ..Location::at(relative(path)) })
}

/// Forward slashes, and no sign for "here" in front.
fn relative(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    path.strip_prefix("./").map(str::to_owned).unwrap_or(path)
}

/// `SHA-256` and its content as `sha256:…`.
fn hash(hash: Hash) -> Option<String> {
    let (mut text, content) = (hash.algorithm.filled()?, hash.content.filled()?);
    text.make_ascii_lowercase();
    if text.starts_with("sha-") {
        text.remove("sha".len());
    }
    let digest = text.len();
    text.push(':');
    text.push_str(&content);
    text[digest..].make_ascii_lowercase();
    Some(text)
}
