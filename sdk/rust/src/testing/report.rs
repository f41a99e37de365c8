//! What a normalizer wrote in a test.

use serde::Serialize;
use serde_json::Value;

use crate::document::Document;
use crate::types::{
    Attestation, CheckedAttestation, Completeness, Component, Coverage, Dependency, Diagnostic, Finding,
    SignatureState, VexStatement,
};

/// A report as the host would have received it. All fields are public, so a test may also write one by hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the names are those of `ReportBuilder`
pub struct CollectedReport {
    /// Name and version.
    pub tool: Option<(String, Option<String>)>,
    pub covers: Vec<Coverage>,
    pub completeness: Completeness,
    pub properties: Vec<(String, String)>,
    pub findings: Vec<Finding>,
    pub components: Vec<Component>,
    pub dependencies: Vec<Dependency>,
    pub vex: Vec<VexStatement>,
    pub attestations: Vec<Attestation>,
    pub documents: Vec<CollectedDocument>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Default for CollectedReport {
    fn default() -> CollectedReport {
        CollectedReport {
            tool: None,
            covers: Vec::new(),
            completeness: Completeness::Unknown,
            properties: Vec::new(),
            findings: Vec::new(),
            components: Vec::new(),
            dependencies: Vec::new(),
            vex: Vec::new(),
            attestations: Vec::new(),
            documents: Vec::new(),
            diagnostics: Vec::new(),
        }
    }
}

impl CollectedReport {
    /// An empty report that covers these kinds.
    pub fn covering(covers: impl IntoIterator<Item = Coverage>) -> CollectedReport {
        CollectedReport { covers: covers.into_iter().collect(), ..CollectedReport::default() }
    }

    /// Adds a finding.
    #[must_use]
    pub fn with_finding(mut self, finding: Finding) -> CollectedReport {
        self.findings.push(finding);
        self
    }

    /// Adds a component.
    #[must_use]
    pub fn with_component(mut self, component: Component) -> CollectedReport {
        self.components.push(component);
        self
    }

    /// The report as JSON without empty values, for snapshots that a person can read.
    pub fn snapshot(&self) -> Value {
        snapshot(self)
    }

    pub(crate) fn documents(&self) -> Vec<Document> {
        let open = |d: &CollectedDocument| Document::in_memory(&*d.name, &*d.media_type, d.bytes.clone());
        self.documents.iter().map(open).collect()
    }

    pub(crate) fn checked_attestations(&self) -> Vec<CheckedAttestation> {
        let unsigned =
            |attestation| CheckedAttestation { attestation, signature: SignatureState::Unsigned, signer: None };
        self.attestations.iter().cloned().map(unsigned).collect()
    }
}

/// Any value of the contract (a report, a verdict, a finding) as JSON without empty values.
pub fn snapshot(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).expect("values of the contract have string keys only");
    drop_empty(&mut value);
    value
}

fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(drop_empty);
            members.retain(|_, value| !is_empty(value));
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A document that a normalizer wrote in a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectedDocument {
    /// Chunks of one name are joined.
    pub name: String,
    /// Such as `application/json`.
    pub media_type: String,
    /// The whole; left out of snapshots.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl CollectedDocument {
    pub(crate) fn append(documents: &mut Vec<CollectedDocument>, (name, media_type): (&str, &str), chunk: &[u8]) {
        match documents.iter_mut().find(|document| document.name == name) {
            Some(document) => document.bytes.extend_from_slice(chunk),
            None => documents.push(CollectedDocument {
                name: name.to_owned(),
                media_type: media_type.to_owned(),
                bytes: chunk.to_vec(),
            }),
        }
    }
}
