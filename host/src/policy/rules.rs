//! From the configuration, which is one for the host, to the plan, which is one for each job. Pure: what a repository is
//! and what its `.palisade.yml` says is handed in.

use super::groups::{Place, Target, asks_for_paths, place};
use super::overlay::{Layer, Layers, Overlays};
use super::{AvailableKind, AvailablePlugin, PolicyConfig, ending, settings};
use crate::model::Unix;
use crate::model::plan::{CheckPlan, Plan};
use std::collections::BTreeMap;

/// What the operator's configuration says for all repositories.
#[derive(Clone, Debug)]
pub struct Rules {
    config: PolicyConfig,
    available: Vec<AvailablePlugin>,
    /// With every check, as if there were no groups.
    whole: Plan,
}

impl Rules {
    pub fn new(config: PolicyConfig, available: Vec<AvailablePlugin>) -> Self {
        let whole = super::plan(&config, &available);
        Self { config, available, whole }
    }

    /// Every check as it is where no group lists it: for files on a command line, and for what is the same everywhere.
    pub fn whole(&self) -> &Plan {
        &self.whole
    }

    /// The checks that apply to a target, as the operator wants them there.
    pub fn plan(&self, target: &Target<'_>) -> Plan {
        let checks = self.config.checks.iter().zip(&self.whole.checks).filter_map(|(config, check)| {
            let fail_closed = config.fail_closed.unwrap_or(self.config.fail_closed);
            let own = (config.mode, fail_closed);
            let mut check: CheckPlan = check.clone();
            match place(&self.config.groups, config.name.as_str(), own, target) {
                Place::OtherRepository => return None,
                Place::OtherPaths(paths) => check.other_paths = Some(paths),
                Place::Applies { mode, fail_closed } => {
                    let ending = ending(config, fail_closed);
                    check.knobs = ending.knobs;
                    check.wait_for = ending.wait_for;
                    check.min_provenance = ending.min_provenance;
                    check.baseline_missing = ending.baseline_missing;
                    check.set_mode(mode);
                }
            }
            Some(check)
        });
        Plan { checks: checks.collect(), ..self.whole.clone() }
    }

    /// Whether it matters for this target which files changed.
    pub fn asks_for_paths(&self, target: &Target<'_>) -> bool {
        asks_for_paths(&self.config.groups, target)
    }

    /// Whether repositories and organisations may add anything.
    pub fn reads_overlays(&self) -> bool {
        self.config.overlay.is_some()
    }

    /// The plan with what repository and organisation add.
    pub fn overlaid(&self, plan: Plan, layers: &Layers, now: Unix) -> Plan {
        match self.overlays(now) {
            Some(overlays) => overlays.over(plan, layers),
            None => plan,
        }
    }

    /// Whether a file has no fault: then its text is worth keeping for the day when it has one.
    pub fn is_good(&self, plan: &Plan, layer: &Layer, now: Unix) -> bool {
        self.overlays(now).is_some_and(|overlays| overlays.is_good(layer, plan))
    }

    fn overlays(&self, now: Unix) -> Option<Overlays<'_>> {
        let terms = self.config.overlay.as_ref()?;
        let checks = self.config.checks.iter().map(|check| check.name.as_str()).collect();
        Some(Overlays { terms, available: &self.available, checks, now })
    }
}

/// The settings of every policy, by its name: what an overlay may be allowed to set.
pub fn settings_by_policy(available: &[AvailablePlugin]) -> BTreeMap<String, Vec<String>> {
    let evaluators = available.iter().filter(|plugin| plugin.kind == AvailableKind::Evaluator);
    evaluators.map(|plugin| (plugin.name.to_string(), settings::keys(plugin))).collect()
}
