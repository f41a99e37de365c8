//! Writes a parsed document into the report, in the document's order. Never drops an entry without a word.

use std::collections::HashSet;

use palisade_plugin::{
    Artifact, Coverage, Dependency, Diagnostic, Failure, Finding, ReportBuilder, ToolStatus,
    json::{Kind, Member},
    lenient::{Maybe, Text},
    words,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    document::{Metadata, ModifiedEntry, PackageEntry, ResultEntry, TrivyEntry},
    entry, license, misconfiguration, package, secret,
    target::Target,
    vulnerability,
};

/// One pass over the file. A result is written when it ends, because its lists refer to its other members.
pub fn write(artifact: &Artifact, report: &mut ReportBuilder) -> Result<(), Failure> {
    let mut writer = Writer { report, covers: Covers::default(), component_ids: HashSet::new() };
    let mut tool_version = None;
    let mut schema_version = None;
    let mut results = 0;
    artifact.json()?.members(|name, member| {
        match name {
            "SchemaVersion" => schema_version = member.parse::<Maybe<Text>>()?.and_then(Maybe::filled),
            "Trivy" => tool_version = member.parse::<TrivyEntry>()?.and_then(|trivy| trivy.version.filled()),
            "CreatedAt" => writer.fact("scan-time", member)?,
            "ArtifactName" => writer.fact("scan-target", member)?,
            "ArtifactType" => writer.fact("trivy:artifact-type", member)?,
            "Metadata" => writer.metadata(member.parse::<Maybe<Metadata>>()?.and_then(|metadata| metadata.0)),
            "Results" => results = writer.results(member)?,
            _ => {}
        }
        Ok(())
    })?;
    let Some(schema_version) = schema_version else {
        return Err(Failure::malformed("no SchemaVersion, so this is not a Trivy report"));
    };
    writer.report.property("schema-version", &schema_version);
    writer.report.set_tool("trivy", tool_version.as_deref());
    if results == 0 {
        writer.nothing_listed();
    }
    writer.report.set_covers(writer.covers.0);
    Ok(())
}

struct Writer<'w, 'r> {
    report: &'w mut ReportBuilder<'r>,
    covers: Covers,
    component_ids: HashSet<String>,
}

impl Writer<'_, '_> {
    fn fact(&mut self, name: &str, member: &mut Member) -> Result<(), Failure> {
        if let Some(value) = member.parse::<Maybe<Text>>()?.and_then(Maybe::filled) {
            self.report.property(name, &value);
        }
        Ok(())
    }

    fn metadata(&mut self, metadata: Option<Metadata>) {
        let metadata = metadata.unwrap_or_default();
        let system = metadata.operating_system.0.unwrap_or_default();
        let facts = [
            ("trivy:image-id", metadata.image_id.filled()),
            ("trivy:os-family", system.family.filled()),
            ("trivy:os-version", system.name.filled()),
            ("trivy:os-end-of-life", system.end_of_life.filled()),
        ];
        for (name, value) in entry::facts(facts) {
            self.report.property(&name, &value);
        }
        // `name@sha256:…`: the name is the scan target's, the digest is what identifies it.
        let digests = entry::texts(metadata.repo_digests);
        let digests = digests.iter().map(|digest| digest.rsplit('@').next().unwrap_or(digest).to_owned());
        for digest in words::distinct(digests.filter(|digest| !digest.trim().is_empty())) {
            self.report.property("target-digest", &digest);
        }
    }

    /// Trivy leaves `Results` out when it found nothing to list.
    fn nothing_listed(&mut self) {
        self.covers.add([Coverage::Vulnerabilities, Coverage::Secrets]);
        let message =
            "no results: taken as a clean scan for vulnerabilities and secrets, which Trivy looks for by default";
        self.report.diagnostic(Diagnostic::note(message));
    }

    /// The number of results. A member that holds something else is no clean scan, and neither is a list of nothing that
    /// can be read.
    fn results(&mut self, member: &mut Member) -> Result<usize, Failure> {
        let unreadable = || Failure::malformed("/Results holds nothing that can be read");
        match member.kind()? {
            Kind::Array => {}
            Kind::Null => return Ok(0),
            _ => return Err(unreadable()),
        }
        let (mut seen, mut read) = (0, 0);
        member.elements(|index, element| {
            seen += 1;
            if element.kind()? == Kind::Object {
                read += 1;
            }
            let result = result(element)?;
            self.result(index, result);
            Ok(())
        })?;
        if seen > 0 && read == 0 { Err(unreadable()) } else { Ok(read) }
    }

    fn result(&mut self, index: usize, result: ResultEntry) {
        let mut target = Target::new(result.target, result.class, result.kind, index);
        self.covers.by_lists([
            (!result.packages.is_empty(), Coverage::Components),
            (!result.vulnerabilities.is_empty(), Coverage::Vulnerabilities),
            (!result.misconfigurations.is_empty(), Coverage::Misconfigurations),
            (!result.secrets.is_empty(), Coverage::Secrets),
            (!result.licenses.is_empty(), Coverage::Licenses),
        ]);
        if !self.covers.by_class(&target.class) {
            let message = format!("unknown class {:?}: the result covers what its lists hold", target.class);
            self.report.diagnostic(Diagnostic::note(message).at(target.origin("Class")));
        }
        // First, because the other lists refer to it.
        self.packages(result.packages, &mut target);
        let target = &target;
        self.list(result.vulnerabilities, |entry, index| {
            vulnerability::finding(entry, target, target.entry("Vulnerabilities", index))
        });
        let failures =
            result.misconfigurations.into_iter().filter(|(_, entry)| !misconfiguration::is_no_failure(entry));
        self.list(failures, |entry, index| {
            misconfiguration::finding(entry, target, target.entry("Misconfigurations", index))
        });
        self.list(result.secrets, |entry, index| secret::finding(entry, target, target.entry("Secrets", index)));
        self.list(result.licenses, |entry, index| license::finding(entry, target, target.entry("Licenses", index)));
        self.list(result.modified, |entry, index| {
            hidden(entry, target, target.entry("ExperimentalModifiedFindings", index))
        });
    }

    fn list<T>(
        &mut self,
        entries: impl IntoIterator<Item = (usize, T)>,
        finding: impl Fn(T, usize) -> Result<Finding, Diagnostic>,
    ) {
        for (index, entry) in entries {
            match finding(entry, index) {
                Ok(finding) => self.report.finding(finding),
                Err(diagnostic) => self.report.lost(diagnostic),
            }
        }
    }

    /// Ids are unique inside one result only, and findings and dependencies use them there.
    fn packages(&mut self, packages: Vec<(usize, PackageEntry)>, target: &mut Target) {
        let mut depends_on_by_component = Vec::new();
        for (index, entry) in packages {
            match package::component(entry, target, target.entry("Packages", index)) {
                Ok(mut listed) => {
                    self.make_unique(&mut listed.component.id);
                    if let Some(own_id) = listed.own_id.clone() {
                        target.remember(own_id, listed.summary());
                    }
                    depends_on_by_component.push((listed.component.id.clone(), listed.depends_on));
                    self.report.component(listed.component);
                }
                Err(diagnostic) => self.report.lost(diagnostic),
            }
        }
        for (parent, depends_on) in depends_on_by_component {
            // What is not listed is no component of this report.
            for child in depends_on.iter().filter_map(|id| target.package(id)) {
                self.report.dependency(Dependency::new(parent.clone(), child.component.clone()));
            }
        }
    }

    fn make_unique(&mut self, id: &mut String) {
        if self.component_ids.contains(id.as_str()) {
            let free = (2..).map(|number| format!("{id}#{number}")).find(|id| !self.component_ids.contains(id));
            *id = free.expect("numbers do not run out");
        }
        self.component_ids.insert(id.clone());
    }
}

fn result(element: &mut Member) -> Result<ResultEntry, Failure> {
    let mut result = ResultEntry::default();
    element.members(|name, member| {
        match name {
            "Target" => result.target = member.parse::<Maybe<Text>>()?.and_then(Maybe::filled),
            "Class" => result.class = member.parse::<Maybe<Text>>()?.and_then(Maybe::filled),
            "Type" => result.kind = member.parse::<Maybe<Text>>()?.and_then(Maybe::filled),
            "Packages" => result.packages = entries(member)?,
            "Vulnerabilities" => result.vulnerabilities = entries(member)?,
            "Misconfigurations" => result.misconfigurations = entries(member)?,
            "Secrets" => result.secrets = entries(member)?,
            "Licenses" => result.licenses = entries(member)?,
            "ExperimentalModifiedFindings" => result.modified = entries(member)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(result)
}

fn entries<T: DeserializeOwned>(member: &mut Member) -> Result<Vec<(usize, T)>, Failure> {
    let mut entries = Vec::new();
    member.each(|index, entry| {
        entries.push((index, entry));
        Ok(())
    })?;
    Ok(entries)
}

/// A finding that an ignore file or a VEX document took out of the other lists, with the tool's reason.
fn hidden(entry: ModifiedEntry, target: &Target, origin: String) -> Result<Finding, Diagnostic> {
    let value = entry.finding.0.unwrap_or_default().0;
    let mut finding = match entry.kind.filled().as_deref() {
        Some("vulnerability") => vulnerability::finding(again(value, &origin)?, target, origin),
        Some("misconfiguration") => misconfiguration::finding(again(value, &origin)?, target, origin),
        Some("secret") => secret::finding(again(value, &origin)?, target, origin),
        Some("license") => license::finding(again(value, &origin)?, target, origin),
        kind => Err(Diagnostic::warning(format!("left out: a finding of an unknown kind {kind:?}")).at(origin)),
    }?;
    let status = entry.status.filled();
    // VEX also knows words for "this does concern us"; whoever wrote one of those hid nothing.
    let is_hidden = !matches!(status.as_deref(), Some("affected" | "under_investigation" | "unknown"));
    finding.tool_status = Some(ToolStatus {
        suppressed: is_hidden,
        status,
        by: entry.source.filled(),
        reason: entry.statement.filled(),
        until: None,
    });
    Ok(finding)
}

fn again<T: DeserializeOwned>(value: Value, origin: &str) -> Result<T, Diagnostic> {
    T::deserialize(value).map_err(|error| Diagnostic::warning(format!("left out: {error}")).at(origin))
}

/// What the report speaks about, each kind once, in the order of first mention.
#[derive(Default)]
struct Covers(Vec<Coverage>);

impl Covers {
    fn add(&mut self, kinds: impl IntoIterator<Item = Coverage>) {
        for kind in kinds {
            if !self.0.contains(&kind) {
                self.0.push(kind);
            }
        }
    }

    /// A result without any list is a clean target of its class. False for an unknown one.
    fn by_class(&mut self, class: &str) -> bool {
        match class {
            "os-pkgs" | "lang-pkgs" => self.add([Coverage::Vulnerabilities]),
            "config" => self.add([Coverage::Misconfigurations]),
            "secret" => self.add([Coverage::Secrets]),
            "license" | "license-file" => self.add([Coverage::Licenses]),
            "custom" => self.add([Coverage::Other]),
            _ => return false,
        }
        true
    }

    fn by_lists(&mut self, lists: impl IntoIterator<Item = (bool, Coverage)>) {
        self.add(lists.into_iter().filter(|(is_there, _)| *is_there).map(|(_, kind)| kind));
    }
}
