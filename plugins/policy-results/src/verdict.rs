//! Palisade's verdict as plain data: what a policy may write as JSON, and what every form is turned into. The words are
//! those of the plugin contract, in snake case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One policy's answer. `deny` needs the outcome `fail`, `warn` at least `warn`; `not_applicable` goes with `info` only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Palisade verdict")]
pub struct VerdictDocument {
    pub outcome: Outcome,
    /// One line, plain text. Left out, the number of violations stands in its place.
    #[serde(default)]
    pub title: String,
    /// Markdown; the host sanitises it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The reasons. A `fail` without any cannot be waived.
    #[serde(default)]
    pub violations: Vec<Violation>,
    /// How much was looked at, by the policy's own words: `{"packages": 312}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub judged: BTreeMap<String, u64>,
    /// The verdict depends on `context.now` and holds until this second (Unix time).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
    /// Facts without a member of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// Twice what the host takes by default, which cuts them further: a policy that denies everything stays within what one
/// answer may hold, and says the same from a component and from a server.
const VIOLATIONS: usize = 10_000;

impl VerdictDocument {
    /// Keeps the worst violations, and says how many are left out in one that nobody can waive.
    pub fn cut(&mut self) {
        if self.violations.len() <= VIOLATIONS {
            return;
        }
        self.violations.sort_by_key(|violation| std::cmp::Reverse(violation.effect));
        let left_out = self.violations.split_off(VIOLATIONS - 1);
        let message = format!("{} more violations are not listed", left_out.len());
        self.violations.extend(
            left_out
                .first()
                .map(|worst| Violation { waivable: false, ..Violation::new("limit-reached", worst.effect, message) }),
        );
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing to judge: no report covers what this policy reads.
    #[serde(alias = "not-applicable")]
    NotApplicable,
    Pass,
    Warn,
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// For people to know.
    Info,
    Warn,
    /// Blocks.
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

/// One reason for the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a violation as an object")]
pub struct Violation {
    /// The policy's own name of the rule; waivers use it.
    pub rule: String,
    pub effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Plain text.
    pub message: String,
    /// What it is about: a purl, a package name, a resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What it rests on: `{"finding": {"report": 0, "index": 3}}`, where the inner object is an `at` of the evidence
    /// document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRef>,
    /// Whether a person with the right may waive it.
    #[serde(default = "yes")]
    pub waivable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_to_fix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// What the evidence may be looked up by, where the policy gave no reference.
    #[serde(skip)]
    pub about: Option<About>,
}

/// What a violation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceRef {
    Finding(ItemRef),
    Component(ItemRef),
    /// A whole report, by its number.
    Report(u32),
    BaselineFinding(ItemRef),
    BaselineComponent(ItemRef),
}

/// An item of one of the reports, as `at` in the evidence document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `report` and `index`")]
pub struct ItemRef {
    pub report: u32,
    pub index: u32,
}

/// A place in the repository. Lines and columns count from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a location as an object")]
pub struct Location {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_column: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// What to look for in the evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Findings of this identifier, in this package where one is named.
    Finding { report: Option<u32>, id: String, package: Option<String>, version: Option<String> },
    /// The component whose SPDXID in the `sbom` document this is.
    Component { report: Option<u32>, spdx_id: String },
    /// Components with this package URL.
    Purl(String),
}

impl VerdictDocument {
    /// Nothing but an outcome and its title.
    pub fn new(outcome: Outcome, title: impl Into<String>) -> VerdictDocument {
        VerdictDocument {
            outcome,
            title: title.into(),
            summary: String::new(),
            violations: Vec::new(),
            judged: BTreeMap::new(),
            valid_until: None,
            properties: BTreeMap::new(),
        }
    }
}

impl Violation {
    /// A violation that says nothing of what it is about.
    pub fn new(rule: impl Into<String>, effect: Effect, message: impl Into<String>) -> Violation {
        Violation {
            rule: rule.into(),
            effect,
            severity: None,
            message: message.into(),
            subject: None,
            evidence: Vec::new(),
            waivable: true,
            how_to_fix: None,
            location: None,
            properties: BTreeMap::new(),
            about: None,
        }
    }
}

impl Severity {
    /// A scanner's word in any case. Nothing is guessed: an unknown word is no severity.
    pub fn from_word(word: &str) -> Option<Severity> {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Some(Severity::Critical),
            "high" | "important" | "error" => Some(Severity::High),
            "medium" | "moderate" | "warning" => Some(Severity::Medium),
            "low" | "note" => Some(Severity::Low),
            "negligible" | "info" | "informational" | "none" => Some(Severity::Negligible),
            _ => None,
        }
    }
}

fn yes() -> bool {
    true
}

/// JSON Schema (2020-12) of the verdict document.
pub fn verdict_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<VerdictDocument>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_violations_are_cut_to_the_worst_with_one_that_nobody_can_waive() {
        let said = |effect, count| std::iter::repeat_n(Violation::new("rule", effect, "message"), count);
        let mut document = VerdictDocument {
            outcome: Outcome::Fail,
            title: String::new(),
            summary: String::new(),
            violations: said(Effect::Warn, VIOLATIONS).chain(said(Effect::Deny, 5)).collect(),
            judged: BTreeMap::new(),
            valid_until: None,
            properties: BTreeMap::new(),
        };
        document.cut();
        let violations = document.violations;
        assert_eq!(violations.len(), VIOLATIONS);
        assert!(violations[..5].iter().all(|violation| violation.effect == Effect::Deny));
        let last = violations.last().expect("there are violations");
        assert!(!last.waivable && last.effect == Effect::Warn, "{last:?}");
        assert_eq!(last.message, "6 more violations are not listed");
    }
}
