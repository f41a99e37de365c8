//! The two sides of a comparison: which tools looked at what, in which versions, and what makes them differ.

use super::identity::tool;
use crate::model::UnreadableArtifact;
use crate::model::evidence::SourcedReport;
use crate::model::report::{Completeness, Coverage};
use std::collections::{BTreeMap, BTreeSet};

/// Names of report properties that tell the version of a scanner's database begin or end like this.
const DATABASES: [&str; 3] = ["db", "database", "vulnerability-db"];

/// Who looked at what.
pub(super) struct Side {
    /// Versions of each tool, and of its database.
    versions: BTreeMap<String, BTreeSet<String>>,
    databases: BTreeMap<String, BTreeSet<String>>,
    covers: BTreeSet<Coverage>,
    /// Kinds of which something could not be read: what is not seen there is not gone.
    blind: BTreeSet<Coverage>,
    blind_everywhere: bool,
}

impl Side {
    pub(super) fn of(reports: &[SourcedReport], unreadable: &[UnreadableArtifact]) -> Self {
        let mut side = Self {
            versions: BTreeMap::new(),
            databases: BTreeMap::new(),
            covers: BTreeSet::new(),
            blind: unreadable.iter().flat_map(|file| &file.covers).copied().collect(),
            blind_everywhere: unreadable.iter().any(|file| file.covers.is_empty()),
        };
        for sourced in reports {
            let report = &sourced.report;
            let version = report.tool.as_ref().and_then(|(_, version)| version.clone());
            side.versions.entry(tool(sourced)).or_default().extend(version);
            let databases = report.properties.iter().filter(|(name, _)| is_of_database(name));
            let databases = databases.map(|(name, value)| format!("{name} {value}"));
            side.databases.entry(tool(sourced)).or_default().extend(databases);
            side.covers.extend(&report.covers);
            if matches!(report.completeness, Completeness::Cut | Completeness::Partial) {
                side.blind.extend(&report.covers);
            }
        }
        side
    }

    pub(super) fn has_tool(&self, tool: &str) -> bool {
        self.versions.contains_key(tool)
    }

    pub(super) fn covers(&self, kind: Coverage) -> bool {
        self.covers.contains(&kind)
    }

    /// Whether something that is not reported is not there.
    pub(super) fn tells_of_absence(&self, kind: Coverage) -> bool {
        self.covers(kind) && !self.blind.contains(&kind) && !self.blind_everywhere
    }
}

fn is_of_database(name: &str) -> bool {
    let name = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    DATABASES
        .iter()
        .any(|word| name.starts_with(&format!("{word}-")) || name.ends_with(&format!("-{word}")) || name == *word)
}

/// What makes the two sides less comparable, as sentences.
pub(super) fn differences(here: &Side, there: &Side) -> Vec<String> {
    let mut differences = Vec::new();
    for (tool, versions) in &here.versions {
        match there.versions.get(tool) {
            None => differences.push(format!("{tool} has no report in the baseline")),
            Some(before) if before != versions => {
                differences.push(format!("{tool} is {} here and {} in the baseline", all(versions), all(before)));
            }
            Some(_) if here.databases.get(tool) != there.databases.get(tool) => {
                let of = |side: &Side| side.databases.get(tool).map(all).unwrap_or_else(|| all(&BTreeSet::new()));
                let (now, before) = (of(here), of(there));
                differences.push(format!("the database of {tool} is {now} here and {before} in the baseline"));
            }
            Some(_) => {}
        }
    }
    let missing = there.versions.keys().filter(|tool| !here.has_tool(tool));
    differences.extend(missing.map(|tool| format!("{tool} has a report in the baseline and none here")));
    differences
}

fn all(versions: &BTreeSet<String>) -> String {
    match versions.is_empty() {
        true => "of unknown version".to_owned(),
        false => versions.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}
