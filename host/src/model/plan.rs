//! Which checks apply here, with which plugins and settings.

use super::ids::{CheckName, Digest, PluginName, Unix};
use super::provenance::ReferencedWorkflow;
use super::publication::PolicyMark;
use super::report::{Coverage, Provenance};
use super::verdict::Broken;
use schemars::JsonSchema;
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
    /// What people should know about the plan itself: an overlay that is broken, and that it has no effect.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Waivers that the pull request itself would add: they hide nothing before it is merged.
    #[serde(default)]
    pub proposed_waivers: Vec<Waiver>,
    /// Which commits are judged that were only pushed.
    #[serde(default)]
    pub commits: PushedCommits,
}

impl Plan {
    /// What results depend on: other checks, plugins, settings, knobs or waivers are another policy; when and for which
    /// commits something is judged is not part of it.
    pub fn policy(&self) -> PolicyMark {
        let timeless =
            Plan { no_run_deadline_s: 0, evidence_deadline_s: 0, commits: PushedCommits::default(), ..self.clone() };
        PolicyMark::of(&Digest::of(&serde_json::to_vec(&timeless).expect("plans are plain data")))
    }
}

/// Globs over the names of branches and tags: a commit that one of these was pushed to is judged like a pull request's
/// head. `*` ends at a `/`, `**` does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedCommits {
    pub branches: Vec<String>,
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckPlan {
    /// As GitHub shows it; in dry-run not the name that the configuration says, so that it is never required.
    pub name: CheckName,
    pub policies: Vec<PolicyPlan>,
    pub knobs: Knobs,
    pub wait_for: WaitFor,
    /// Evidence below it is no evidence for this check; absent: all counts.
    #[serde(default)]
    pub min_provenance: Option<Provenance>,
    #[serde(default)]
    pub judges: Judges,
    /// What blocks only if it is new, where there is nothing to compare with.
    #[serde(default)]
    pub baseline_missing: BaselineMissing,
    #[serde(default)]
    pub mode: Mode,
    /// Why nothing is judged: the change touches none of the files that these patterns name.
    #[serde(default)]
    pub other_paths: Option<Vec<String>>,
}

/// What a check that is tried out is called beside the one that it may become. No configured name ends like this.
pub const DRY_RUN: &str = " (dry run)";
/// GitHub's names have up to a hundred characters, and the ending needs its own.
pub const DRY_RUN_NAME_CHARACTERS: usize = 90;

impl CheckPlan {
    /// The name that the configuration knows it by.
    pub fn configured_name(&self) -> &str {
        configured_name(&self.name)
    }

    /// Changes what the check may do to a merge, and its name with it.
    pub fn set_mode(&mut self, mode: Mode) {
        let configured = self.configured_name();
        let name = match mode {
            Mode::DryRun => {
                let start: String = configured.chars().take(DRY_RUN_NAME_CHARACTERS).collect();
                format!("{}{DRY_RUN}", start.trim_end())
            }
            Mode::Warn | Mode::Enforce => configured.to_owned(),
        };
        self.mode = mode;
        self.name = CheckName::parse(&name).expect("a name with the ending is as long as GitHub takes");
    }
}

/// A check's name without what dry-run adds to it.
pub fn configured_name(name: &CheckName) -> &str {
    name.as_str().strip_suffix(DRY_RUN).unwrap_or(name.as_str())
}

/// What a check may do to a merge, from least to most strict. Applied after judging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Shown under a name of its own, and never a failure.
    DryRun,
    /// What would block is shown, and concludes as warnings do.
    Warn,
    /// What blocks is a failure.
    #[default]
    Enforce,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::DryRun, Mode::Warn, Mode::Enforce];

    pub fn word(self) -> &'static str {
        match self {
            Mode::DryRun => "dry-run",
            Mode::Warn => "warn",
            Mode::Enforce => "enforce",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}
impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Which findings can block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Judges {
    #[default]
    All,
    /// Those that the change brings in: what was there before is for information, what the world found out since warns.
    Introduced,
}

/// What becomes of what blocks only if it is new, where there is nothing to compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineMissing {
    #[default]
    Warn,
    Fail,
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

/// What a check waits for before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitFor {
    /// Until each kind that the policy reads is covered by a run that ended.
    Covered,
    /// Until all accepted runs ended.
    All,
}

/// What a conclusion becomes. The names and defaults are those of DESIGN's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Success,
    Neutral,
    Failure,
    Cancelled,
}

impl Conclusion {
    /// GitHub's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Conclusion::Success => "success",
            Conclusion::Neutral => "neutral",
            Conclusion::Failure => "failure",
            Conclusion::Cancelled => "cancelled",
        }
    }

    /// How near it is to keeping a merge out: the higher the nearer.
    pub fn strictness(self) -> u8 {
        match self {
            Conclusion::Success => 0,
            Conclusion::Neutral => 1,
            Conclusion::Cancelled => 2,
            Conclusion::Failure => 3,
        }
    }
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

    /// Of each knob the stricter of both.
    pub fn stricter(self, other: Self) -> Self {
        let of = |one: Conclusion, other: Conclusion| if one.strictness() >= other.strictness() { one } else { other };
        Self {
            on_partial: of(self.on_partial, other.on_partial),
            on_warn: of(self.on_warn, other.on_warn),
            on_broken: of(self.on_broken, other.on_broken),
            on_outage: of(self.on_outage, other.on_outage),
            on_missing: of(self.on_missing, other.on_missing),
            on_workflow: of(self.on_workflow, other.on_workflow),
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
    /// The file that it stands in, where that is not the host's own configuration.
    #[serde(default)]
    pub source: Option<String>,
}
