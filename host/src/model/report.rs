//! One artifact, normalized: findings and components, and what the artifact covers. The same nouns as
//! `wit/plugin.wit`, in the same order; what a field means is documented there.

use serde::{Deserialize, Serialize};

pub type Properties = Vec<(String, String)>;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// The contract's word for it.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words!(
    /// From least to most; "unknown" is an absent severity and has no place in the order.
    Severity { Negligible = "negligible", Low = "low", Medium = "medium", High = "high", Critical = "critical" }
);
words!(Coverage {
    Components = "components", Licenses = "licenses", Vulnerabilities = "vulnerabilities", Secrets = "secrets",
    Misconfigurations = "misconfigurations", Code = "code", Scores = "scores", Changes = "changes", Vex = "vex",
    Attestations = "attestations", Other = "other",
});
words!(ComponentScope {
    Unknown = "unknown", Runtime = "runtime", Optional = "optional", Development = "development", Test = "test",
    Build = "build", Excluded = "excluded",
});
words!(ComponentRelation { Unknown = "unknown", Root = "root", Direct = "direct", Transitive = "transitive" });
words!(FixState {
    Unknown = "unknown", Fixed = "fixed", NotFixed = "not-fixed", Deferred = "deferred", WontFix = "wont-fix",
    EndOfLife = "end-of-life",
});
words!(RuleResult { Failed = "failed", Passed = "passed", NotApplicable = "not-applicable" });
words!(ChangeKind { Added = "added", Removed = "removed", Modified = "modified" });
words!(LicenseSource { Unknown = "unknown", Declared = "declared", Concluded = "concluded", Detected = "detected" });
words!(VexStatus {
    NotAffected = "not-affected", Affected = "affected", Fixed = "fixed", UnderInvestigation = "under-investigation",
});
words!(SignatureState { Unsigned = "unsigned", Unchecked = "unchecked", Verified = "verified", Failed = "failed" });
words!(Completeness { Unknown = "unknown", Complete = "complete", Partial = "partial", Cut = "cut" });
words!(
    /// From least to most trusted.
    Provenance {
        Fork = "fork", ChangedWorkflow = "changed-workflow", Repository = "repository",
        TrustedWorkflow = "trusted-workflow", Attested = "attested",
    }
);
words!(DiagnosticLevel { Note = "note", Warning = "warning" });

/// Guests may hand over what JSON cannot write: it is as good as absent.
fn is_no_number(value: &Option<f64>) -> bool {
    !value.is_some_and(f64::is_finite)
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    pub scope: ComponentScope,
    pub relation: ComponentRelation,
    pub introduced_by: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cvss {
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    #[serde(skip_serializing_if = "is_no_number")]
    pub base: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub state: FixState,
    pub versions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaking: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    pub aliases: Vec<String>,
    pub ratings: Vec<Cvss>,
    #[serde(skip_serializing_if = "is_no_number")]
    pub epss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_exploited: Option<bool>,
    pub cwes: Vec<u32>,
    pub fix: Fix,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misconfiguration {
    pub rule_result: RuleResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakedSecret {
    pub detector: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeIssue {
    pub cwes: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    #[serde(skip_serializing_if = "is_no_number")]
    pub value: Option<f64>,
    pub maximum: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub kind: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LicenseValue {
    Expression(String),
    Name(String),
    NoAssertion,
    NoneStated,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseClaim {
    pub source: LicenseSource,
    pub value: LicenseValue,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    Vulnerability(Vulnerability),
    License(LicenseClaim),
    Secret(LeakedSecret),
    Misconfiguration(Misconfiguration),
    Code(CodeIssue),
    Score(Score),
    Change(Change),
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolStatus {
    pub suppressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_raw: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_source: Option<String>,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageRef>,
    pub locations: Vec<Location>,
    pub detail: Detail,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how_to_fix: Option<String>,
    pub references: Vec<String>,
    pub fingerprints: Properties,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_status: Option<ToolStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    pub properties: Properties,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    pub licenses: Vec<LicenseClaim>,
    pub scope: ComponentScope,
    pub relation: ComponentRelation,
    pub locations: Vec<Location>,
    pub hashes: Vec<String>,
    pub cpes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    pub properties: Properties,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub parent: String,
    pub child: String,
    pub scope: ComponentScope,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexProduct {
    pub product: String,
    pub subcomponents: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexStatement {
    pub vulnerability: String,
    pub aliases: Vec<String>,
    pub products: Vec<VexProduct>,
    pub status: VexStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub name: String,
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    pub predicate_type: String,
    pub subjects: Vec<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub level: DiagnosticLevel,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// A document that a normalizer wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub name: String,
    pub media_type: String,
    pub bytes: bytes_text::Shared,
}

/// The format that `recognize` answered, such as `spdx-json` and `2.3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Format {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What one normalizer made of one artifact. Says nothing of where the artifact came from: that is attached per job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub format: Format,
    /// The tool that produced the artifact, and its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<(String, Option<String>)>,
    pub covers: Vec<Coverage>,
    pub completeness: Completeness,
    pub properties: Properties,
    pub findings: Vec<Finding>,
    pub components: Vec<Component>,
    pub dependencies: Vec<Dependency>,
    pub vex: Vec<VexStatement>,
    pub attestations: Vec<Attestation>,
    pub documents: Vec<Document>,
    pub diagnostics: Vec<Diagnostic>,
    /// Diagnostics beyond those kept.
    pub diagnostics_dropped: u32,
}

/// Bytes that are shared when cloned and written as base16 when serialized.
pub mod bytes_text {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Shared(pub Bytes);
    impl Serialize for Shared {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&hex::encode(&self.0))
        }
    }
    impl<'de> Deserialize<'de> for Shared {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            hex::decode(text).map(|bytes| Self(bytes.into())).map_err(serde::de::Error::custom)
        }
    }
}
