//! One document per report, as Polly's policies expect them. Members that Polly had keep name and meaning; what is new
//! stands in members of its own.

use super::capped::Capped;
use super::{JsonDocument, TooLarge, packages, vulnerabilities};
use crate::model::Evidence;
use crate::model::evidence::{Context, SourcedReport};
use crate::model::report::Coverage;
use serde::Serialize;

/// `vulnerability/<report>` for each report that covers vulnerabilities, `sbom/<report>` for each that covers components
/// and their licenses: a scanner's list of packages without licenses is no bill of materials.
pub fn documents(evidence: &Evidence, room: &mut Capped) -> Result<Vec<JsonDocument>, TooLarge> {
    let mut documents = Vec::new();
    for (index, sourced) in evidence.reports.iter().enumerate() {
        let covers = |kind| sourced.report.covers.contains(&kind);
        if covers(Coverage::Vulnerabilities) {
            let payload = vulnerabilities::payload(evidence, index);
            documents.push(room.write(format!("vulnerability/{index}"), &payload)?);
        }
        if covers(Coverage::Components) && covers(Coverage::Licenses) {
            let payload = packages::payload(&evidence.context, sourced);
            documents.push(room.write(format!("sbom/{index}"), &payload)?);
        }
    }
    Ok(documents)
}

/// What both payloads say about their report.
#[derive(Serialize)]
pub struct Metadata<'a> {
    source_format: String,
    tool_name: &'a str,
    tool_version: &'a str,
    scan_time: &'a str,
    repository: String,
    commit_sha: &'a str,
    scan_target: &'a str,
    schema_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pr_number: Option<u64>,
}

pub fn metadata<'a>(context: &'a Context, sourced: &'a SourcedReport) -> Metadata<'a> {
    let report = &*sourced.report;
    let tool = report.tool.as_ref();
    let named = |name: &str| property(&report.properties, name);
    let is_spdx = report.format.name == SPDX;
    Metadata {
        source_format: report.format.name.replace('-', "_"),
        tool_name: if is_spdx { "spdx" } else { tool.map_or("", |(name, _)| name) },
        tool_version: tool.and_then(|(_, version)| version.as_deref()).unwrap_or_default(),
        scan_time: named("scan-time").unwrap_or(if is_spdx { "unknown" } else { "" }),
        repository: match context.owner.is_empty() {
            true => context.repository.clone(),
            false => format!("{}/{}", context.owner, context.repository),
        },
        commit_sha: &context.head_sha,
        scan_target: named("scan-target").filter(|_| !is_spdx).unwrap_or_else(|| file(sourced)),
        schema_version: named("schema-version").or(report.format.version.as_deref()).unwrap_or_default(),
        // Several open pull requests may share a head; the oldest stands for them.
        pr_number: context.pull_requests.iter().min().copied(),
    }
}

/// The format of which Polly knew more than of others.
pub const SPDX: &str = "spdx-json";

/// The file's path inside its upload; a local file's as typed.
fn file(sourced: &SourcedReport) -> &str {
    let path = &sourced.source.path;
    match (&sourced.source.run, path.split_once('/')) {
        (Some(_), Some((_, inside))) => inside,
        _ => path,
    }
}

/// The first property of this name.
pub fn property<'a>(properties: &'a [(String, String)], name: &str) -> Option<&'a str> {
    properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
