//! Reads CycloneDX JSON documents, 1.2 to 1.7: components with their licences and dependencies, and vulnerabilities with
//! what was found out about them. Never claims CycloneDX XML, and never takes a bill of materials for a vulnerability scan:
//! only a document that lists a vulnerability speaks about vulnerabilities.

mod analysis;
mod component;
mod document;
mod graph;
mod license;
mod purl;
mod rating;
mod vulnerability;

use palisade_plugin::lenient::{Maybe, Text};
use palisade_plugin::{
    Artifact, Completeness, ComponentRelation, Coverage, Dependency, Diagnostic, Failure, Format, NoSettings,
    Normalizer, PluginInfo, ReportBuilder, export_normalizer,
};

use analysis::Speaker;
use component::Inventory;
use document::{ComponentEntry, Composition, DependencyEntry, Metadata, ToolEntry, VulnerabilityEntry};
use graph::Graph;
use vulnerability::{Reading, Surroundings};

/// The newest version that this plugin was written for.
const NEWEST: (u32, u32) = (1, 7);
/// The oldest version that exists as JSON.
const OLDEST: (u32, u32) = (1, 2);

/// The normalizer.
pub struct CycloneDx;

export_normalizer!(CycloneDx);

impl Normalizer for CycloneDx {
    type Settings = NoSettings;

    fn describe() -> PluginInfo {
        PluginInfo::new("cyclonedx", env!("CARGO_PKG_VERSION"), "Reads CycloneDX JSON documents, 1.2 to 1.7")
            .homepage("https://cyclonedx.org")
            // What an unreadable file would have covered, vulnerabilities included: it may have listed some.
            .format(
                "cyclonedx-json",
                [Coverage::Components, Coverage::Licenses, Coverage::Vulnerabilities, Coverage::Vex],
            )
    }

    fn recognize(artifact: &Artifact) -> Option<Format> {
        let outline = artifact.outline();
        if outline.text("bomFormat").as_deref() != Some("CycloneDX") {
            return None;
        }
        Some(Format { name: "cyclonedx-json".to_owned(), version: outline.text("specVersion") })
    }

    fn normalize(artifact: &Artifact, report: &mut ReportBuilder, _: NoSettings) -> Result<(), Failure> {
        let document = Document::read(artifact, report)?;
        document.write(report);
        Ok(())
    }
}

/// A document as it is read, before the references between its parts are followed.
#[derive(Default)]
struct Document {
    format: Maybe<Text>,
    spec_version: Maybe<Text>,
    serial_number: Maybe<Text>,
    metadata: Metadata,
    inventory: Inventory,
    lists_components: bool,
    dependencies: Vec<DependencyEntry>,
    vulnerabilities: Vec<(usize, VulnerabilityEntry)>,
    lists_vulnerabilities: bool,
    is_incomplete: bool,
}

impl Document {
    fn read(artifact: &Artifact, report: &mut ReportBuilder) -> Result<Document, Failure> {
        let mut document = Document::default();
        artifact.json()?.members(|name, member| {
            match name {
                "bomFormat" => document.format = member.parse()?.unwrap_or_default(),
                "specVersion" => document.spec_version = member.parse()?.unwrap_or_default(),
                "serialNumber" => document.serial_number = member.parse()?.unwrap_or_default(),
                "metadata" => document.metadata = member.parse()?.unwrap_or_default(),
                "components" => member.elements(|index, element| {
                    document.lists_components = true;
                    if let Some(entry) = element.parse::<ComponentEntry>()? {
                        let pointer = format!("/components/{index}");
                        document.inventory.add(entry, pointer, ComponentRelation::Unknown, report);
                    }
                    Ok(())
                })?,
                "dependencies" => member.each(|_, entry| {
                    document.dependencies.push(entry);
                    Ok(())
                })?,
                "vulnerabilities" => member.elements(|index, element| {
                    document.lists_vulnerabilities = true;
                    document.vulnerabilities.extend(element.parse()?.map(|entry| (index, entry)));
                    Ok(())
                })?,
                "compositions" => member.each(|_, entry: Composition| {
                    let aggregate = entry.aggregate.filled().unwrap_or_default();
                    document.is_incomplete |= aggregate.to_ascii_lowercase().starts_with("incomplete");
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })?;
        document.check_version(report)?;
        Ok(document)
    }

    fn check_version(&self, report: &mut ReportBuilder) -> Result<(), Failure> {
        if self.format.as_deref() != Some("CycloneDX") {
            return Err(Failure::malformed("no CycloneDX document: its bomFormat is not `CycloneDX`"));
        }
        let Some(version) = self.spec_version.as_deref() else {
            report.diagnostic(Diagnostic::warning("no specVersion; read as 1.7").at("/specVersion"));
            return Ok(());
        };
        let parts = version.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        match parts {
            Some(known) if (OLDEST..=NEWEST).contains(&known) => {}
            Some((major, _)) if major != NEWEST.0 => return Err(Failure::unsupported(format!("CycloneDX {version}"))),
            _ => report.diagnostic(
                Diagnostic::warning(format!("CycloneDX {version} is not known; read as 1.7")).at("/specVersion"),
            ),
        }
        Ok(())
    }

    fn write(mut self, report: &mut ReportBuilder) {
        let product = self.metadata.component.0.take();
        self.write_facts(product.as_ref(), report);
        if let Some(product) = product {
            self.inventory.add_root(product, "/metadata/component".to_owned(), report);
        }
        let graph = self.write_dependencies(report);
        self.write_vulnerabilities(&graph, report);
        for component in self.inventory.components {
            report.component(component);
        }
    }

    fn write_facts(&self, product: Option<&ComponentEntry>, report: &mut ReportBuilder) {
        if let Some((name, version)) = self.metadata.tools.iter().find_map(tool) {
            report.set_tool(&name, version.as_deref());
        }
        let facts = [
            ("schema-version", &self.spec_version),
            ("scan-time", &self.metadata.timestamp),
            ("serial", &self.serial_number),
        ];
        for (name, text) in facts {
            if let Some(value) = text.clone().filled() {
                report.property(name, &value);
            }
        }
        if let Some(target) = product.and_then(|product| product.name.clone().filled()) {
            report.property("scan-target", &target);
        }
        if self.is_incomplete {
            report.set_completeness(Completeness::Partial);
        }
    }

    fn write_dependencies(&mut self, report: &mut ReportBuilder) -> Graph {
        let mut edges = Vec::new();
        let mut dangling = 0;
        for entry in std::mem::take(&mut self.dependencies) {
            let parent = entry.parent.filled().and_then(|parent| self.inventory.index(&parent));
            for child in entry.children {
                match (parent, self.inventory.index(&child)) {
                    (Some(parent), Some(child)) => edges.push((parent, child)),
                    _ => dangling += 1,
                }
            }
        }
        if dangling > 0 {
            let message = format!("{dangling} dependencies between things that are no listed components are left out");
            report.diagnostic(Diagnostic::note(message).at("/dependencies"));
        }
        let graph = Graph::relate(&mut self.inventory.components, &edges);
        let components = &self.inventory.components;
        for (parent, child) in edges {
            let scope = components[child].scope;
            let dependency = Dependency::new(&*components[parent].id, &*components[child].id);
            report.dependency(Dependency { scope, ..dependency });
        }
        graph
    }

    fn write_vulnerabilities(&mut self, graph: &Graph, report: &mut ReportBuilder) {
        let entries = std::mem::take(&mut self.vulnerabilities);
        let has_analysis = |entry: &VulnerabilityEntry| entry.analysis.as_ref().is_some_and(|a| a.state.is_some());
        let is_pure_vex =
            !self.lists_components && !entries.is_empty() && entries.iter().all(|(_, entry)| has_analysis(entry));
        let reading = if is_pure_vex { Reading::StatementsOnly } else { Reading::Findings };
        let mut covers = Vec::new();
        // A list of vulnerabilities alone says nothing about what a product is made of.
        if self.lists_components || !self.lists_vulnerabilities {
            covers.extend([Coverage::Components, Coverage::Licenses]);
        }
        covers.extend((self.lists_vulnerabilities && !is_pure_vex).then_some(Coverage::Vulnerabilities));
        covers.extend(entries.iter().any(|(_, entry)| has_analysis(entry)).then_some(Coverage::Vex));
        report.set_covers(covers);
        let surroundings = Surroundings { inventory: &self.inventory, graph, speaker: speaker(&self.metadata) };
        for (index, entry) in entries {
            vulnerability::add(entry, index, reading, &surroundings, report);
        }
    }
}

/// Tool of the list up to 1.4, or first component or service of the object since 1.5.
fn tool(entry: &ToolEntry) -> Option<(String, Option<String>)> {
    let Some(name) = entry.name.clone().filled() else {
        return entry.components.iter().chain(&entry.services).find_map(|entry| {
            Some((entry.name.clone().filled()?.to_ascii_lowercase(), entry.version.clone().filled()))
        });
    };
    // npm calls its tool `cli`, which says something only behind the vendor's name.
    let name = match entry.vendor.clone().filled() {
        Some(vendor) if name.eq_ignore_ascii_case("cli") => format!("{vendor}-{name}"),
        _ => name,
    };
    Some((name.to_ascii_lowercase(), entry.version.clone().filled()))
}

fn speaker(metadata: &Metadata) -> Speaker {
    let companies = [&metadata.supplier, &metadata.manufacturer, &metadata.manufacture];
    let mut contacts = metadata.authors.iter().chain(companies.into_iter().filter_map(|company| company.as_ref()));
    Speaker {
        author: contacts.find_map(|contact| contact.name.clone().filled()),
        timestamp: metadata.timestamp.clone().filled(),
    }
}

#[cfg(test)]
mod tests;
