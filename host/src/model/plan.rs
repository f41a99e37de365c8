//! Which checks apply here, with which plugins and settings.

use super::ids::{CheckName, Digest, PluginName, Unix};
use super::provenance::ReferencedWorkflow;
use super::report::{Coverage, Provenance};
use super::verdict::Broken;
use serde::{Deserialize, Serialize};

/// Everything that the configuration decides about one job. A bad setting is a plan that says so, never an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub checks: Vec<CheckPlan>,
    pub normalizers: Vec<NormalizerPlan>,
    pub waivers: Vec<Waiver>,
    /// Globs over `<artifact name>/<path>` and over the artifact's name: what matches is evidence, recognised or not.
    pub evidence_globs: Vec<String>,
    /// Which workflow runs count: globs over the workflow file's path; empty means all.
    pub workflows: Vec<String>,
    /// GitHub's names of the events whose runs count.
    pub events: Vec<String>,
    /// Reusable workflows, each in one version, that the operator trusts.
    pub trusted_workflows: Vec<ReferencedWorkflow>,
    /// Seconds after the opening at which a check without any accepted run ends.
    pub no_run_deadline_s: u64,
    /// Seconds after which a run that is still going no longer holds the check open.
    pub evidence_deadline_s: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckPlan {
    pub name: CheckName,
    pub policies: Vec<PolicyPlan>,
    pub knobs: Knobs,
    pub wait_for: WaitFor,
    /// Evidence below it is no evidence for this check; absent: all counts.
    #[serde(default)]
    pub min_provenance: Option<Provenance>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyPlan {
    pub plugin: PluginName,
    pub plugin_digest: Option<Digest>,
    /// A JSON object, valid by the plugin's schema.
    pub settings: String,
    /// What the policy judges; empty means every kind.
    pub reads: Vec<Coverage>,
    /// Why the policy cannot be asked at all: its plugin did not load, its settings are wrong.
    pub broken: Option<Broken>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalizerPlan {
    pub plugin: PluginName,
    pub plugin_digest: Option<Digest>,
    pub settings: String,
    /// Globs over `<artifact name>/<path>`: an explicit binding wins over recognition.
    pub bind: Vec<String>,
    /// What an unreadable file of each of its formats would have covered.
    pub formats: Vec<(String, Vec<Coverage>)>,
    pub broken: Option<Broken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitFor {
    /// Until each kind that the policy reads is covered by a run that ended.
    Covered,
    /// Until all accepted runs ended.
    All,
}

/// What a conclusion becomes. The names and defaults are those of DESIGN's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Success,
    Neutral,
    Failure,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knobs {
    pub on_partial: Conclusion,
    pub on_warn: Conclusion,
    pub on_broken: Conclusion,
    pub on_outage: Conclusion,
    pub on_missing: Conclusion,
    pub on_workflow: Conclusion,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            on_partial: Conclusion::Success,
            on_warn: Conclusion::Success,
            on_broken: Conclusion::Failure,
            on_outage: Conclusion::Neutral,
            on_missing: Conclusion::Neutral,
            on_workflow: Conclusion::Cancelled,
        }
    }
}

impl Knobs {
    /// `fail_closed`: every row that ends neutral or success by default ends in failure.
    pub fn fail_closed() -> Self {
        Self {
            on_partial: Conclusion::Failure,
            on_warn: Conclusion::Failure,
            on_broken: Conclusion::Failure,
            on_outage: Conclusion::Failure,
            on_missing: Conclusion::Failure,
            on_workflow: Conclusion::Cancelled,
        }
    }
}

/// An exception with a reason and an end. Matches a finding's own id and aliases, a package pattern, a policy's rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    pub id: Option<String>,
    /// A purl pattern: `pkg:npm/lodash`, `pkg:npm/%40corp/*`, with a version or without.
    pub package: Option<String>,
    pub rules: Vec<String>,
    pub reason: String,
    pub owner: Option<String>,
    /// The first second that is no longer covered.
    pub until: Option<Unix>,
    pub unless_fixed: bool,
}
