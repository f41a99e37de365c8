//! The nouns of the contract as plain records, with constructors so that nobody fills fifteen fields to say three things.
//!
//! All fields are public: construct with `new`, then set what the producer said. What the producer did not say stays
//! `None` or empty; nothing is ever invented. Lists of pairs keep their order.

mod constructors;
mod plugin_info;
mod severity;

pub use crate::bindings::contract::artifacts::{Outline, Syntax};
pub use crate::bindings::contract::evidence::{Age, AssessedFinding, Context, Hidden, HiddenBy, ItemRef, Unreadable};
pub use crate::bindings::contract::types::{
    Attestation, Change, ChangeKind, CheckedAttestation, CodeIssue, Completeness, Component, ComponentParts,
    ComponentRelation, ComponentScope, Coverage, Cvss, Dependency, Detail, Diagnostic, DiagnosticLevel, Failure,
    Finding, FindingParts, Fix, FixState, FormatInfo, LicenseClaim, LicenseSource, LicenseValue, Location,
    Misconfiguration, PackageRef, Provenance, RuleResult, Score, Secret, Severity, SignatureState, Source, Subject,
    ToolStatus, VexProduct, VexStatement, VexStatus, Vulnerability,
};
pub use crate::bindings::contract::verdicts::{Effect, EvidenceRef, Outcome, Verdict, Violation};
pub use plugin_info::PluginInfo;

/// What an artifact is: the answer of [`Normalizer::recognize`](crate::Normalizer::recognize).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Format {
    /// One of the names that [`PluginInfo::format`] announced, such as `spdx-json`.
    pub name: String,
    /// The version that the file itself claims, such as `2.3`.
    pub version: Option<String>,
}

impl Format {
    /// A format without a version.
    pub fn new(name: impl Into<String>) -> Format {
        Format { name: name.into(), version: None }
    }

    /// A format with the version that the file claims.
    pub fn versioned(name: impl Into<String>, version: impl Into<String>) -> Format {
        Format { name: name.into(), version: Some(version.into()) }
    }
}

/// A setting that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SettingProblem {
    /// JSON pointer into the settings, such as `/allow/3`; empty for the whole.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl SettingProblem {
    /// A problem at a JSON pointer; an empty pointer means the settings as a whole.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> SettingProblem {
        SettingProblem { pointer: pointer.into(), message: message.into() }
    }
}
