//! Which checks apply, with which plugins and settings: configuration in, Plan out. Pure: it loads nothing and calls no
//! plugin. A wrong name or setting is a plan that says so, so that the check can show it; nothing here ends a job.

mod commits;
mod groups;
pub mod overlay;
pub mod packages;
mod reads;
mod rules;
mod settings;
mod waivers;

pub use commits::judges_commit;
pub use groups::{Group, GroupConfig, Target};
pub use reads::Entrypoints;
pub use rules::{Rules, settings_by_policy};
pub use waivers::{WaiverConfig, waiver};

use crate::config::{EVENTS, nearest};
use crate::model::ids::{CheckName, Digest, PluginName};
use crate::model::plan::{
    BaselineMissing, CheckPlan, Conclusion, Judges, Knobs, Mode, NormalizerPlan, Plan, PolicyPlan, PushedCommits,
    WaitFor, Waiver,
};
use crate::model::provenance::ReferencedWorkflow;
use crate::model::report::{Coverage, Provenance};
use crate::model::{Broken, BrokenKind};
use serde_json::Value;
use std::time::Duration;

/// What the configuration says of checks and evidence. Waivers were held against their rules at start-up.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    pub checks: Vec<CheckConfig>,
    pub waivers: Vec<Waiver>,
    /// Globs over `<artifact name>/<path>` and over the artifact's name: what matches is evidence, recognised or not.
    pub evidence_globs: Vec<String>,
    /// Globs over the workflow file's path: which runs count; empty means all.
    pub workflows: Vec<String>,
    /// GitHub's names of the events whose runs count.
    pub events: Vec<String>,
    pub trusted_workflows: Vec<ReferencedWorkflow>,
    /// How long a check waits for any accepted run, from its opening.
    pub no_run_deadline: Duration,
    /// How long a run that is still going holds a check open.
    pub evidence_deadline: Duration,
    /// For every check that does not say otherwise.
    pub fail_closed: FailClosed,
    pub groups: Vec<Group>,
    /// What repositories and organisations may add; absent where nobody may add anything.
    pub overlay: Option<overlay::Terms>,
    /// Which commits are judged that were only pushed.
    pub commits: PushedCommits,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            waivers: Vec::new(),
            evidence_globs: Vec::new(),
            workflows: Vec::new(),
            events: EVENTS.map(str::to_owned).to_vec(),
            trusted_workflows: Vec::new(),
            // Both from DESIGN's table of conclusions.
            no_run_deadline: Duration::from_secs(15 * 60),
            evidence_deadline: Duration::from_secs(6 * 60 * 60),
            fail_closed: FailClosed::No,
            groups: Vec::new(),
            overlay: None,
            commits: PushedCommits::default(),
        }
    }
}

/// Whether each row of the table that ends neutral or success by default ends in failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailClosed {
    #[default]
    No,
    Yes,
}

#[derive(Clone, Debug)]
pub struct CheckConfig {
    pub name: CheckName,
    pub policies: Vec<PolicyUse>,
    /// Absent: as for all checks.
    pub fail_closed: Option<FailClosed>,
    pub knobs: KnobOverrides,
    /// Absent: all runs where the check fails closed, else until everything is covered.
    pub wait_for: Option<WaitFor>,
    /// Where no group says otherwise.
    pub mode: Mode,
    pub judges: Judges,
    /// Absent: to fail where the check fails closed, else to warn.
    pub baseline_missing: Option<BaselineMissing>,
    /// Absent: the repository's own unchanged workflow where the check fails closed, else none.
    pub min_provenance: Option<Minimum>,
}

/// How far evidence must be trusted to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimum {
    None,
    AtLeast(Provenance),
}

/// One policy in one check.
#[derive(Clone, Debug)]
pub struct PolicyUse {
    pub plugin: PluginName,
    /// An object laid over the plugin's own settings, key by key; null means none.
    pub settings: Value,
    /// What the policy judges, in place of what the plugin says; of an OPA policy, beside what its entrypoint tells.
    pub reads: Option<Vec<Coverage>>,
}

/// What a check's configuration says of the conclusions; absent ones come from `fail_closed` and the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnobOverrides {
    pub on_partial: Option<Conclusion>,
    pub on_warn: Option<Conclusion>,
    pub on_broken: Option<Conclusion>,
    pub on_outage: Option<Conclusion>,
    pub on_missing: Option<Conclusion>,
    pub on_workflow: Option<Conclusion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvailableKind {
    Normalizer,
    Evaluator,
}

/// What a plan needs to know of a plugin of the catalogue.
#[derive(Clone, Debug)]
pub struct AvailablePlugin {
    pub name: PluginName,
    pub kind: AvailableKind,
    /// Absent where the plugin could not be read.
    pub digest: Option<Digest>,
    /// JSON Schema (2020-12) of its settings; absent for a plugin without settings.
    pub settings_schema: Option<String>,
    /// Normalizers: the formats, each with what an unreadable file of it would have covered.
    pub formats: Vec<(String, Vec<Coverage>)>,
    /// Evaluators: what the policy judges; empty means every kind.
    pub reads: Vec<Coverage>,
    /// OPA policies: the entrypoints that may be asked. What such a policy reads is known by its entrypoint, or the check
    /// says it.
    pub entrypoints: Option<Entrypoints>,
    /// From the plugin's own section of the configuration.
    pub settings: Value,
    /// Globs that bind artifacts to a normalizer.
    pub bind: Vec<String>,
    /// Why the plugin cannot be used.
    pub broken: Option<Broken>,
}

/// The plan of one job, from the host's configuration and the plugins that are there.
pub fn plan(config: &PolicyConfig, available: &[AvailablePlugin]) -> Plan {
    Plan {
        checks: config.checks.iter().map(|check| check_plan(check, config.fail_closed, available)).collect(),
        normalizers: available
            .iter()
            .filter(|plugin| plugin.kind == AvailableKind::Normalizer)
            .map(normalizer_plan)
            .collect(),
        waivers: config.waivers.clone(),
        evidence_globs: config.evidence_globs.clone(),
        workflows: config.workflows.clone(),
        events: config.events.clone(),
        trusted_workflows: config.trusted_workflows.clone(),
        no_run_deadline_s: config.no_run_deadline.as_secs(),
        evidence_deadline_s: config.evidence_deadline.as_secs(),
        notices: Vec::new(),
        proposed_waivers: Vec::new(),
        commits: config.commits.clone(),
    }
}

fn check_plan(check: &CheckConfig, everywhere: FailClosed, available: &[AvailablePlugin]) -> CheckPlan {
    let ending = ending(check, check.fail_closed.unwrap_or(everywhere));
    let mut plan = CheckPlan {
        name: check.name.clone(),
        policies: check.policies.iter().map(|policy| policy_plan(policy, available)).collect(),
        knobs: ending.knobs,
        wait_for: ending.wait_for,
        min_provenance: ending.min_provenance,
        judges: check.judges,
        baseline_missing: ending.baseline_missing,
        mode: check.mode,
        other_paths: None,
    };
    plan.set_mode(check.mode);
    plan
}

/// How a check ends without a judgement, what it waits for, and what it trusts.
struct Ending {
    knobs: Knobs,
    wait_for: WaitFor,
    min_provenance: Option<Provenance>,
    baseline_missing: BaselineMissing,
}

fn ending(check: &CheckConfig, fail_closed: FailClosed) -> Ending {
    let (base, wait_for, minimum, baseline_missing) = match fail_closed {
        FailClosed::No => (Knobs::default(), WaitFor::Covered, Minimum::None, BaselineMissing::Warn),
        FailClosed::Yes => {
            let minimum = Minimum::AtLeast(Provenance::Repository);
            (Knobs::fail_closed(), WaitFor::All, minimum, BaselineMissing::Fail)
        }
    };
    Ending {
        knobs: overridden(base, &check.knobs),
        wait_for: check.wait_for.unwrap_or(wait_for),
        baseline_missing: check.baseline_missing.unwrap_or(baseline_missing),
        min_provenance: match check.min_provenance.unwrap_or(minimum) {
            Minimum::None => None,
            Minimum::AtLeast(provenance) => Some(provenance),
        },
    }
}

fn overridden(base: Knobs, overrides: &KnobOverrides) -> Knobs {
    Knobs {
        on_partial: overrides.on_partial.unwrap_or(base.on_partial),
        on_warn: overrides.on_warn.unwrap_or(base.on_warn),
        on_broken: overrides.on_broken.unwrap_or(base.on_broken),
        on_outage: overrides.on_outage.unwrap_or(base.on_outage),
        on_missing: overrides.on_missing.unwrap_or(base.on_missing),
        on_workflow: overrides.on_workflow.unwrap_or(base.on_workflow),
    }
}

fn policy_plan(policy: &PolicyUse, available: &[AvailablePlugin]) -> PolicyPlan {
    let plugin = match evaluator(&policy.plugin, available) {
        Ok(plugin) => plugin,
        Err(broken) => return unusable(policy, broken),
    };
    let (settings, problem) = settings::settings(plugin, &policy.settings);
    let said = policy.reads.as_deref();
    let (reads, unclear) = match &plugin.entrypoints {
        None => (said.unwrap_or(&plugin.reads).to_vec(), None),
        Some(entrypoints) => match reads::reads(&plugin.name, &settings, entrypoints, said) {
            Ok(reads) => (reads, None),
            Err(unclear) => (Vec::new(), Some(unclear)),
        },
    };
    let for_tests = plugin.entrypoints.as_ref().and_then(|_| for_tests_only(&plugin.name, &settings));
    PolicyPlan {
        plugin: policy.plugin.clone(),
        plugin_digest: plugin.digest,
        settings,
        reads,
        broken: plugin.broken.clone().or(problem).or(for_tests).or(unclear),
    }
}

/// What an OPA policy may be set to while it is tested: a check with such settings would never fail.
fn for_tests_only(plugin: &PluginName, settings: &str) -> Option<Broken> {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let (key, said) = match (settings["run_tests"].as_bool(), settings["result"].as_str()) {
        (Some(true), _) => ("run_tests", "runs the policy's tests in place of judging"),
        (_, Some("value")) => ("result", "is `value`, which shows the answer and judges nothing"),
        _ => return None,
    };
    let hint = format!("remove `{key}`; it is for `palisade policy test`, which sets it itself");
    Some(Broken::new(BrokenKind::Settings, format!("settings of `{plugin}`: `/{key}` {said}")).hint(hint))
}

/// A policy that names no evaluator: the plan keeps what it asked for, and why it cannot be had.
fn unusable(policy: &PolicyUse, broken: Broken) -> PolicyPlan {
    PolicyPlan {
        plugin: policy.plugin.clone(),
        plugin_digest: None,
        settings: "{}".to_owned(),
        reads: policy.reads.clone().unwrap_or_default(),
        broken: Some(broken),
    }
}

fn evaluator<'a>(name: &PluginName, available: &'a [AvailablePlugin]) -> Result<&'a AvailablePlugin, Broken> {
    let evaluators = || available.iter().filter(|plugin| plugin.kind == AvailableKind::Evaluator);
    let meant = nearest(name.as_str(), evaluators().map(|plugin| plugin.name.as_str()));
    let hint = match meant {
        Some(meant) => format!("is `{meant}` meant?"),
        None => {
            let names: Vec<&str> = evaluators().map(|plugin| plugin.name.as_str()).collect();
            format!("evaluators that are there: {}", names.join(", "))
        }
    };
    match available.iter().find(|plugin| plugin.name == *name) {
        // A plugin that did not load has no kind of its own: what is told is why it did not load.
        Some(plugin) if plugin.kind == AvailableKind::Evaluator || plugin.broken.is_some() => Ok(plugin),
        Some(_) => {
            let message = format!("plugin `{name}` is a normalizer, and a check needs an evaluator");
            Err(Broken::new(BrokenKind::Settings, message).hint(hint))
        }
        None => Err(Broken::new(BrokenKind::Settings, format!("there is no plugin `{name}`")).hint(hint)),
    }
}

fn normalizer_plan(plugin: &AvailablePlugin) -> NormalizerPlan {
    let (settings, problem) = settings::settings(plugin, &Value::Null);
    NormalizerPlan {
        plugin: plugin.name.clone(),
        plugin_digest: plugin.digest,
        settings,
        bind: plugin.bind.clone(),
        formats: plugin.formats.clone(),
        broken: plugin.broken.clone().or(problem),
    }
}

#[cfg(test)]
mod tests;
