//! Groups and the terms of overlays: from the configuration as typed to what `policy` takes.

use crate::config::{Config, nearest};
use crate::model::CheckName;
use crate::model::plan::Mode;
use crate::policy::overlay::{Terms, TermsConfig};
use crate::policy::{AvailablePlugin, FailClosed, Group, GroupConfig, settings_by_policy};
use anyhow::{Result, anyhow};

/// The groups; problems are added to the list.
pub fn groups(config: &Config, checks: &[CheckName], problems: &mut Vec<String>) -> Vec<Group> {
    let mut groups = Vec::new();
    for (name, group) in &config.groups {
        let group = group.clone();
        let mode = mode(&group.mode).map_err(|problem| problem.to_string());
        let parsed = mode.map_err(|problem| vec![problem]).and_then(|mode| {
            let typed = GroupConfig {
                repositories: group.repositories,
                owners: group.owners,
                topics: group.topics,
                languages: group.languages,
                paths: group.paths,
                checks: group.checks,
                mode,
                fail_closed: group.fail_closed.map(fail_closed),
            };
            Group::parse(&typed, checks)
        });
        match parsed {
            Ok(group) => groups.push(group),
            Err(found) => problems.extend(found.into_iter().map(|problem| format!("groups.{name}: {problem}"))),
        }
    }
    groups
}

/// What overlays may say, if anything; problems are added to the list.
pub fn overlay(config: &Config, available: &[AvailablePlugin], problems: &mut Vec<String>) -> Option<Terms> {
    let overlay = &config.overlay;
    let settings = overlay.settings.iter();
    let typed = TermsConfig {
        allow: overlay.allow.clone(),
        max_waiver_days: overlay.max_waiver_days,
        settings: settings.map(|(name, it)| (name.clone(), (it.direction.clone(), it.order.clone()))).collect(),
    };
    match Terms::parse(&typed, &settings_by_policy(available)) {
        Ok(terms) => Some(terms).filter(|_| overlay.enabled),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| format!("overlay.{problem}")));
            None
        }
    }
}

pub fn mode(word: &Option<String>) -> Result<Option<Mode>> {
    let Some(word) = word else { return Ok(None) };
    let known = || Mode::ALL.iter().map(|mode| mode.word());
    Mode::from_word(word).map(Some).ok_or_else(|| match nearest(word, known()) {
        Some(near) => anyhow!("mode: there is no {word:?}; did you mean `{near}`?"),
        None => anyhow!("mode: {word:?} is none of `enforce`, `warn`, `dry-run`"),
    })
}

pub fn fail_closed(closed: bool) -> FailClosed {
    if closed { FailClosed::Yes } else { FailClosed::No }
}
