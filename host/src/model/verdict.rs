//! One policy's answer for one check, or why there is none.

use super::evidence::ItemRef;
use super::ids::Unix;
use super::report::{Location, Properties, Severity, words};
use serde::{Deserialize, Serialize};

words!(Outcome { Pass = "pass", Warn = "warn", Fail = "fail", NotApplicable = "not-applicable" });
words!(Effect { Info = "info", Warn = "warn", Deny = "deny" });

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceRef {
    Finding(ItemRef),
    Component(ItemRef),
    Report(u32),
    BaselineFinding(ItemRef),
    BaselineComponent(ItemRef),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    pub rule: String,
    pub effect: Effect,
    pub severity: Option<Severity>,
    /// Plain text, from outside: escape it before anybody sees it.
    pub message: String,
    pub subject: Option<String>,
    pub evidence: Vec<EvidenceRef>,
    pub waivable: bool,
    pub how_to_fix: Option<String>,
    pub location: Option<Location>,
    pub properties: Properties,
    /// Set by the host: the waiver that covers it.
    pub waived: Option<Waived>,
}

/// Which waiver covers a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    pub owner: Option<String>,
    pub reason: String,
    pub until: Option<Unix>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: Outcome,
    pub title: String,
    /// Markdown from outside: sanitise it.
    pub summary: String,
    pub violations: Vec<Violation>,
    pub judged: Vec<(String, u64)>,
    pub valid_until: Option<Unix>,
    pub properties: Properties,
}

words!(
    /// Why a plugin gave no usable answer.
    BrokenKind {
        Timeout = "timeout", Memory = "memory", Trap = "trap", Stack = "stack", Denied = "denied",
        /// An answer that cannot stand: evidence of its kind is unreadable, ambiguous or cut.
        Unreadable = "unreadable",
        /// All evidence that the policy could have judged is below the check's minimum of trust.
        Untrusted = "untrusted",
        Malformed = "malformed", Unsupported = "unsupported", Settings = "settings", Abi = "abi", Host = "host",
        Other = "other",
    }
);

/// A broken plugin is an answer with a kind and a hint, and never a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    pub kind: BrokenKind,
    /// A sentence for people, with the thing's name.
    pub message: String,
    /// The way out: the key to change, the thing to do.
    pub hint: Option<String>,
    /// The limit that was hit, by its name in the configuration.
    pub limit: Option<String>,
}

impl Broken {
    pub fn new(kind: BrokenKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, limit: None }
    }
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    pub fn limit(mut self, limit: impl Into<String>) -> Self {
        self.limit = Some(limit.into());
        self
    }
    /// The plugin's own fault, which opens the circuit after five in a row; a malformed file is the file's fault.
    pub fn counts_for_breaker(&self) -> bool {
        matches!(
            self.kind,
            BrokenKind::Timeout | BrokenKind::Memory | BrokenKind::Trap | BrokenKind::Stack | BrokenKind::Abi
        )
    }
}
impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

/// What stands for one policy in one check, after the host held the answer against the contract and the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub plugin: String,
    pub verdict: Judged,
    /// What the host did to the answer, as sentences for people: waivers applied, a pass that could not stand.
    pub notices: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    Verdict(Verdict),
    /// Keeps the verdict's violations where the plugin gave one that could not stand.
    Broken(Broken, Option<Verdict>),
    /// Our inability: GitHub, the store, or a remote engine whose own health check fails too.
    Outage(String, Option<Verdict>),
}
