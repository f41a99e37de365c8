//! Writes a document into the report. Components are kept until the end, because only the relationships, which usually
//! stand behind the packages, tell what they are.

use std::collections::HashMap;

use palisade_plugin::{
    Artifact, Component, Dependency, Diagnostic, Failure, ReportBuilder,
    json::{Kind, Member},
    lenient::{List, Maybe, Text},
};

use crate::{
    COVERS,
    component::{self, LicenseNames, Nameless},
    document::{CreationInfo, ExtractedLicense, Package, Relationship},
    graph::{Described, Graph, Links},
    recognize,
};

/// What stands in a document, but for the files.
#[derive(Default)]
struct Document {
    version: Option<String>,
    id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    data_license: Option<String>,
    creation: CreationInfo,
    describes: Vec<String>,
    components: Vec<Component>,
    nameless: Vec<(Nameless, String)>,
    links: Links,
    extracted: Vec<ExtractedLicense>,
}

pub fn write(artifact: &Artifact, report: &mut ReportBuilder) -> Result<(), Failure> {
    let is_wrapped = recognize::is_wrapped(artifact);
    let mut document = Document::default();
    artifact.json()?.members(|name, member| match name {
        "sbom" if is_wrapped => member.members(|name, member| document.take(name, member)),
        _ => document.take(name, member),
    })?;
    document.head(report);
    document.body(report);
    report.set_covers(COVERS);
    Ok(())
}

impl Document {
    fn take(&mut self, name: &str, member: &mut Member) -> Result<(), Failure> {
        let text =
            |member: &mut Member| -> Result<_, Failure> { Ok(member.parse::<Maybe<Text>>()?.and_then(Maybe::filled)) };
        match name {
            "spdxVersion" => self.version = text(member)?,
            "SPDXID" => self.id = text(member)?,
            "name" => self.name = text(member)?,
            "documentNamespace" => self.namespace = text(member)?,
            "dataLicense" => self.data_license = text(member)?,
            "creationInfo" => {
                self.creation = member.parse::<Maybe<CreationInfo>>()?.and_then(|info| info.0).unwrap_or_default()
            }
            "documentDescribes" => {
                let ids = member.parse::<List<Text>>()?.unwrap_or_default();
                self.describes = ids.into_iter().map(|id| id.0).collect();
            }
            "packages" => self.packages(member)?,
            "relationships" => member.each(|_, relationship: Relationship| {
                self.links.add(relationship);
                Ok(())
            })?,
            "hasExtractedLicensingInfos" => member.each(|_, license| {
                self.extracted.push(license);
                Ok(())
            })?,
            // Files above all, which are most of a document's size.
            _ => {}
        }
        Ok(())
    }
}

impl Document {
    /// A member that holds something else is no empty document, and neither is a list of nothing that can be read.
    fn packages(&mut self, member: &mut Member) -> Result<(), Failure> {
        let unreadable = || Failure::malformed("packages holds nothing that can be read");
        match member.kind()? {
            Kind::Array => {}
            Kind::Null => return Ok(()),
            _ => return Err(unreadable()),
        }
        let (mut seen, mut read) = (0, 0);
        member.elements(|_, element| {
            seen += 1;
            let origin = element.pointer();
            if element.kind()? != Kind::Object {
                return element.members(|_, _| Ok(())); // which notes what it is
            }
            if let Some(package) = element.parse::<Package>()? {
                read += 1;
                match component::component(package, origin) {
                    Ok(component) => self.components.push(component),
                    Err(nameless) => self.nameless.push(nameless),
                }
            }
            Ok(())
        })?;
        if seen > 0 && read == 0 { Err(unreadable()) } else { Ok(()) }
    }

    fn head(&self, report: &mut ReportBuilder) {
        if let Some((name, version)) = self.tool() {
            report.set_tool(&name, version.as_deref());
        }
        let facts = [
            ("schema-version", &self.version),
            ("scan-time", &self.creation.created.0.clone().map(|created| created.0)),
            ("scan-target", &self.name),
            ("serial", &self.namespace),
        ];
        for (name, value) in facts {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                report.property(name, value);
            }
        }
        let demanded =
            [("name", &self.name), ("documentNamespace", &self.namespace), ("dataLicense", &self.data_license)];
        for (name, _) in demanded.into_iter().filter(|(_, value)| value.is_none()) {
            report.diagnostic(Diagnostic::note(format!("{name} is missing, which SPDX demands")));
        }
    }

    /// The first creator that is a tool: `Tool: name-version`, and names may hold hyphens themselves.
    fn tool(&self) -> Option<(String, Option<String>)> {
        let tools = self.creation.creators.iter().filter_map(|creator| creator.strip_prefix("Tool:"));
        let tool = tools.map(|tool| tool.trim().to_lowercase()).find(|tool| tool.chars().any(char::is_alphanumeric))?;
        let is_version = |text: &str| text.strip_prefix('v').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit());
        let split = tool.match_indices('-').find(|(at, _)| *at > 0 && is_version(&tool[at + 1..]));
        Some(match split {
            Some((at, _)) => (tool[..at].to_owned(), Some(tool[at + 1..].to_owned())),
            None => (tool.trim_end_matches('-').to_owned(), None),
        })
    }

    fn body(self, report: &mut ReportBuilder) {
        let document_id = self.id.as_deref().unwrap_or("SPDXRef-DOCUMENT");
        for (nameless, origin) in self.nameless {
            match nameless {
                Nameless::Placeholder => {
                    report.diagnostic(Diagnostic::note("left out: a package without name, version and purl").at(origin))
                }
                Nameless::Package => {
                    report.lost(Diagnostic::warning("left out: a package without a name").at(origin));
                }
            }
        }
        let names = LicenseNames::of(self.extracted);
        let mut components = self.components;
        components.iter_mut().for_each(|component| names.add_to(component));
        // Before ids become unique: what relationships name is the first package of an id.
        let mut index_by_id: HashMap<&str, usize> = HashMap::new();
        for (index, component) in components.iter().enumerate() {
            index_by_id.entry(&component.id).or_insert(index);
        }
        let described = Described { document_id, describes: &self.describes };
        let graph = Graph::of(&self.links, &described, &index_by_id, components.len());
        if index_by_id.len() < components.len() {
            note_repeated_ids(&mut components, report);
        }

        for edge in &graph.dependencies {
            let (parent, child) = (&components[edge.parent].id, &components[edge.child].id);
            report.dependency(Dependency { parent: parent.clone(), child: child.clone(), scope: edge.scope });
        }
        for ((mut component, relation), (scope, word)) in components.into_iter().zip(graph.relations).zip(graph.scopes)
        {
            component.relation = relation;
            component.scope = scope;
            if let Some(word) = word {
                component.property("scope-raw", word);
            }
            report.component(component);
        }
    }
}

/// Some tools give one id to every place of a package. The contract wants ids that are unique.
fn note_repeated_ids(components: &mut [Component], report: &mut ReportBuilder) {
    let mut count_by_id: HashMap<String, usize> = HashMap::new();
    let taken: std::collections::HashSet<String> = components.iter().map(|component| component.id.clone()).collect();
    let mut repeated = 0;
    for component in components {
        let count = count_by_id.entry(component.id.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            continue;
        }
        repeated += 1;
        // A document may hold `x` twice and `x#2` as well.
        while taken.contains(&format!("{}#{count}", component.id)) {
            *count += 1;
        }
        component.id = format!("{}#{count}", component.id);
    }
    let message = format!("{repeated} packages repeat the SPDXID of another; #2 and so on are added");
    report.diagnostic(Diagnostic::note(message));
}
