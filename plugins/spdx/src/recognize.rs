//! Tells SPDX documents from other JSON by the outline and the file's two ends. Never parses the whole.

use palisade_plugin::{Artifact, Failure, Format, Outline, Syntax};

/// The format that is read.
pub const DOCUMENT: &str = "spdx-json";
/// SPDX 3: claimed, so that it fails by name.
pub const GRAPH: &str = "spdx-jsonld";

pub fn format(artifact: &Artifact) -> Option<Format> {
    let outline = artifact.outline();
    if !matches!(outline.syntax, Syntax::Json | Syntax::JsonLines) {
        return None;
    }
    if let Some(version) = version(artifact) {
        return Some(Format::versioned(DOCUMENT, version));
    }
    is_graph(artifact).then(|| Format { name: GRAPH.to_owned(), version: graph_version(artifact) })
}

/// Versions that are known and not read.
pub fn refuse_other_versions(artifact: &Artifact) -> Result<(), Failure> {
    if is_graph(artifact) && version(artifact).is_none() {
        let version = graph_version(artifact).unwrap_or_else(|| "3".to_owned());
        return Err(Failure::unsupported(format!("SPDX {version} as JSON-LD")));
    }
    match version(artifact) {
        Some(version) if version.starts_with("2.") => Ok(()),
        Some(version) => Err(Failure::unsupported(format!("SPDX {version}"))),
        None => Err(Failure::malformed("no spdxVersion, so this is not an SPDX 2 document")),
    }
}

/// GitHub's export: a document as the only member of an object.
pub fn is_wrapped(artifact: &Artifact) -> bool {
    matches!(&artifact.outline().members[..], [(name, _)] if name == "sbom")
}

/// What follows `SPDX-`. That the member is there suffices: much of what the specification demands is missing in practice.
fn version(artifact: &Artifact) -> Option<String> {
    let outline = artifact.outline();
    let text = if is_wrapped(artifact) {
        artifact.skim().text("sbom.spdxVersion").map(str::to_owned)
    } else {
        outline.text("spdxVersion")
    };
    text?.strip_prefix("SPDX-").map(str::to_owned)
}

const CONTEXT: &str = "https://spdx.org/rdf/3.";

/// `@context` as an object is the context file itself.
fn is_graph(artifact: &Artifact) -> bool {
    let outline = artifact.outline();
    context(artifact).is_some() && (outline.has("@graph") || outline.has("type") || outline.has("@type"))
}

fn context(artifact: &Artifact) -> Option<String> {
    let outline: &Outline = artifact.outline();
    if !outline.has("@context") {
        return None;
    }
    let text = match outline.text("@context") {
        Some(text) => Some(text),
        None => artifact.skim().text("@context.0").map(str::to_owned),
    };
    text.filter(|text| text.starts_with(CONTEXT))
}

/// `3.0.1` out of `https://spdx.org/rdf/3.0.1/spdx-context.jsonld`.
fn graph_version(artifact: &Artifact) -> Option<String> {
    let context = context(artifact)?;
    context.strip_prefix("https://spdx.org/rdf/")?.split('/').next().map(str::to_owned)
}
