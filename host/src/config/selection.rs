//! Where checks apply and what repositories may add, as an operator types it.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Repositories and pull requests that some checks are about. Lists that are empty ask for nothing; all others must match,
/// each with one entry. A check that no group lists applies everywhere; of several groups that match the stricter wins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Globs over `owner/name`, or without a `/` over the name, compared without case.
    pub repositories: Vec<String>,
    /// Globs over owners.
    pub owners: Vec<String>,
    /// Topics of the repository, which its administrators choose.
    pub topics: Vec<String>,
    /// The language that most of the repository is written in, by GitHub's count.
    pub languages: Vec<String>,
    /// Globs over changed files: `*` stays within a directory, `**` does not. While the files are not known it matches.
    pub paths: Vec<String>,
    /// The checks that the group is about, by name. At least one.
    pub checks: Vec<String>,
    /// Their mode here, in place of their own.
    pub mode: Option<String>,
    pub fail_closed: Option<bool>,
}

/// What `.palisade.yml` may say, in a repository and in the `.github` repository of its organisation.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overlay {
    /// Default true.
    pub enabled: bool,
    /// `settings`, `settings.<plugin>`, `settings.<plugin>.<setting>`, `mode`, `fail_closed`, `min_provenance`,
    /// `judge`, `wait_for`, `baseline_missing`, `conclusions` (every `on_…` of a check), `waivers`. Default: all, each only stricter than what holds, but for waivers.
    pub allow: Vec<String>,
    /// How many days ahead a waiver may end. Default 90.
    pub max_waiver_days: u32,
    /// What stricter means for a setting, by `<plugin>.<setting>`; those of first-party policies are known.
    pub settings: BTreeMap<String, OverlaySetting>,
}

impl Default for Overlay {
    fn default() -> Self {
        let keys = ["mode", "fail_closed", "min_provenance", "judge", "wait_for", "baseline_missing", "conclusions"];
        let allow = ["settings"].into_iter().chain(keys).chain(["waivers"]).map(str::to_owned).collect();
        Self { enabled: true, allow, max_waiver_days: 90, settings: BTreeMap::new() }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OverlaySetting {
    /// `order`, `lower`, `higher`, `grow`, `shrink`, `true`, `false`, or `any` for what repositories decide themselves.
    pub direction: String,
    /// With `order`: the values, the strictest first.
    pub order: Vec<serde_json::Value>,
}
