//! Tells Trivy's reports from other JSON by the outline and the file's two ends. Never parses the whole.

use palisade_plugin::{Artifact, Failure, Format, Outline, Syntax};

/// The format that is read.
pub const REPORT: &str = "trivy-json";
/// Reports about Kubernetes clusters: claimed, so that they fail by name.
pub const CLUSTER: &str = "trivy-k8s";

pub fn format(artifact: &Artifact) -> Option<Format> {
    let outline = artifact.outline();
    if !matches!(outline.syntax, Syntax::Json | Syntax::JsonLines) {
        return None;
    }
    if is_report(outline) {
        return Some(Format { name: REPORT.to_owned(), version: schema_version(outline) });
    }
    if is_cluster(outline) {
        return Some(Format::new(CLUSTER));
    }
    if outline.members.is_empty() && is_schema_1(artifact) {
        return Some(Format::versioned(REPORT, "1"));
    }
    None
}

/// Dialects that are known and not read.
pub fn refuse_other_dialects(artifact: &Artifact) -> Result<(), Failure> {
    let outline = artifact.outline();
    if is_cluster(outline) {
        return Err(Failure::unsupported("Trivy's report about a Kubernetes cluster"));
    }
    if outline.members.is_empty() && is_schema_1(artifact) {
        return Err(Failure::unsupported("Trivy schema 1, as written before Trivy 0.20"));
    }
    match schema_version(outline) {
        Some(version) if version != "2" => Err(Failure::unsupported(format!("Trivy schema {version}"))),
        _ => Ok(()),
    }
}

/// The capital letters matter: `schemaVersion` is an OCI manifest's. `ArtifactName` may be empty.
fn is_report(outline: &Outline) -> bool {
    let is_version = outline.number("SchemaVersion").is_some();
    is_version && ["ArtifactName", "ArtifactType", "Results"].iter().any(|name| outline.has(name))
}

fn schema_version(outline: &Outline) -> Option<String> {
    outline.number("SchemaVersion").map(|version| version.to_string())
}

fn is_cluster(outline: &Outline) -> bool {
    let lists = ["Resources", "Findings", "Vulnerabilities", "Misconfigurations"];
    outline.has("ClusterName") && lists.iter().any(|name| outline.has(name))
}

fn is_schema_1(artifact: &Artifact) -> bool {
    let ends = artifact.skim();
    ends.has("0.Target") && ends.has("0.Vulnerabilities")
}
