//! Judges licences: the evaluator behind `License Check`. Reads the packages of every report that covers licences, and
//! holds what they claim against lists of allowed, conditional and denied licences. Reads nothing but licences, and
//! asks no clock but the evidence's.

mod claims;
mod expression;
mod families;
mod inventory;
mod judgement;
mod names;
mod patterns;
mod policy;
mod repair;
mod settings;

use inventory::Inventory;
use palisade_plugin::{Coverage, Evaluator, Evidence, Failure, PluginInfo, SettingProblem, Verdict};
use policy::Policy;
pub use settings::Settings;

pub struct License;

impl Evaluator for License {
    type Settings = Settings;

    fn describe() -> PluginInfo {
        let description = "Judges the licences of packages by lists of allowed, conditional and denied SPDX licences.";
        PluginInfo::new("license", env!("CARGO_PKG_VERSION"), description).reads([Coverage::Licenses])
    }

    fn evaluate(evidence: &Evidence, settings: Settings) -> Result<Verdict, Failure> {
        let policy = Policy::of(&settings).map_err(|problems| match problems.first() {
            Some(problem) => Failure::settings(format!("{}: {}", problem.pointer, problem.message)),
            None => Failure::settings("the settings are wrong"),
        })?;
        if evidence.reports_covering(Coverage::Licenses).next().is_none() {
            return Ok(Verdict::not_applicable("No report covers licences"));
        }
        Ok(judgement::verdict(&Inventory::of(evidence, &policy), &policy))
    }

    fn validate(settings: &Settings) -> Vec<SettingProblem> {
        Policy::of(settings).err().unwrap_or_default()
    }
}

palisade_plugin::export_evaluator!(License);
