//! What repositories and organisations add to the host's configuration: `.palisade.yml` over the plan, the organisation's
//! first. Pure. Everything in it is stricter than what holds, but for waivers, which name an owner, a reason and an end; a
//! file that is broken in one place has no effect at all, and the plan says so.

mod file;
mod keys;
mod terms;

pub use file::{OVERLAY_BYTES, OVERLAY_PATH, OverlayCheck, OverlayFile, OverlayWaiver, schema};
pub use terms::{Direction, SUBJECTS, Terms, TermsConfig};

use super::{AvailablePlugin, WaiverConfig, settings, waiver};
use crate::config::nearest;
use crate::model::Unix;
use crate::model::plan::{CheckPlan, Plan, PolicyPlan, Waiver};
use crate::model::{Broken, BrokenKind};
use file::place;
use keys::Key;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// How many problems of one file are told; the first ones are enough to go on.
const PROBLEMS_NAMED: usize = 5;
const DAY_S: u64 = 24 * 60 * 60;

/// One `.palisade.yml`, or why there is none to speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Which file, for people: `.palisade.yml of acme/shop at main`.
    pub place: String,
    pub found: Found,
    /// The file as it last was without fault, where it has one now.
    pub last_good: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Absent,
    Text(String),
    /// It is there and is no file that could be read: a directory, or too large.
    Unusable(String),
    /// GitHub does not let the App look.
    Refused(String),
}

/// All that was read for one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Of the organisation's `.github` repository.
    pub organisation: Option<Layer>,
    /// Of the repository, once for each base branch that its pull requests have.
    pub repository: Vec<Layer>,
    /// As the pull request would leave it, where it changes the file.
    pub proposed: Option<Layer>,
}

/// What overlays are held against.
#[derive(Debug)]
pub(super) struct Overlays<'a> {
    pub terms: &'a Terms,
    pub available: &'a [AvailablePlugin],
    /// Every check of the host by its configured name, whether it applies here or not.
    pub checks: Vec<&'a str>,
    pub now: Unix,
}

impl Overlays<'_> {
    /// The plan with the layers over it.
    pub fn over(&self, mut plan: Plan, layers: &Layers) -> Plan {
        if let Some(organisation) = &layers.organisation {
            let base = plan.clone();
            let waivers = self.lay(organisation, &base, &mut plan);
            plan.waivers.extend(waivers);
        }
        let base = plan.clone();
        let waivers = layers.repository.iter().map(|layer| self.lay(layer, &base, &mut plan)).collect();
        plan.waivers.extend(in_all(waivers));
        if let Some(proposed) = &layers.proposed {
            self.propose(proposed, &base, &mut plan);
        }
        plan
    }

    /// Lays one file over `plan`, as far as it is stricter than `base`; answers its waivers. A file that is broken changes
    /// nothing but the notices.
    fn lay(&self, layer: &Layer, base: &Plan, plan: &mut Plan) -> Vec<Waiver> {
        let place = &layer.place;
        match self.read(layer, base) {
            Ok(None) => Vec::new(),
            Ok(Some(Reading { changes, waivers })) => {
                changes.into_iter().for_each(|change| change.apply(plan));
                waivers
            }
            Err(Unread::Refused(why)) => {
                plan.notices.push(format!("{place} was not read, and counts as absent: {why}"));
                Vec::new()
            }
            Err(Unread::Broken(problems)) => {
                // What was stricter stays so; what was excepted is not any more.
                let before = layer.last_good.clone().map(Found::Text);
                let before = before.map(|found| Layer { place: place.clone(), found, last_good: None });
                let reading = before.and_then(|before| self.read(&before, base).ok().flatten());
                let holds = match reading {
                    None => "What the host's configuration says holds until it is corrected",
                    Some(Reading { changes, .. }) => {
                        changes.into_iter().for_each(|change| change.apply(plan));
                        "The settings of its last good version hold until it is corrected, and none of its waivers"
                    }
                };
                plan.notices.push(format!("{place} is broken and has no effect: {}. {holds}", named(problems)));
                Vec::new()
            }
        }
    }

    /// Whether a file can be laid over a plan as it stands.
    pub fn is_good(&self, layer: &Layer, base: &Plan) -> bool {
        matches!(layer.found, Found::Text(_)) && self.read(layer, base).is_ok()
    }

    /// What the pull request itself would add hides nothing yet.
    fn propose(&self, layer: &Layer, base: &Plan, plan: &mut Plan) {
        match self.read(layer, base) {
            Ok(reading) => {
                let known: Vec<Waiver> = plan.waivers.iter().map(without_source).collect();
                let waivers = reading.map(|reading| reading.waivers).unwrap_or_default();
                plan.proposed_waivers =
                    waivers.into_iter().filter(|waiver| !known.contains(&without_source(waiver))).collect();
            }
            Err(Unread::Broken(problems)) => plan.notices.push(format!(
                "{} is broken, and would have no effect after the merge: {}. Correct it in this pull request",
                layer.place,
                named(problems)
            )),
            Err(Unread::Refused(why)) => plan.notices.push(format!("{} was not read: {why}", layer.place)),
        }
    }

    fn read(&self, layer: &Layer, base: &Plan) -> Result<Option<Reading>, Unread> {
        let text = match &layer.found {
            Found::Absent => return Ok(None),
            Found::Text(text) => text,
            Found::Unusable(why) => return Err(Unread::Broken(vec![why.clone()])),
            Found::Refused(why) => return Err(Unread::Refused(why.clone())),
        };
        let file = OverlayFile::parse(text).map_err(|problem| Unread::Broken(vec![problem]))?;
        let mut problems = Vec::new();
        let mut changes = Vec::new();
        for (name, check) in &file.checks {
            problems.extend(self.check(name, check, base, &mut changes));
        }
        let waivers = file.waivers.iter().filter_map(|waiver| match self.waiver(waiver, &layer.place) {
            Ok(waiver) => Some(waiver),
            Err(problem) => {
                problems.push(format!("{}{problem}", place(waiver.referenced)));
                None
            }
        });
        let waivers = waivers.collect();
        if problems.is_empty() { Ok(Some(Reading { changes, waivers })) } else { Err(Unread::Broken(problems)) }
    }

    /// The changes to one check; answers what is wrong with them. A check that does not apply here is none to change.
    fn check(&self, name: &str, overlay: &OverlayCheck, base: &Plan, changes: &mut Vec<Change>) -> Vec<String> {
        if !self.checks.contains(&name) {
            return vec![match nearest(name, self.checks.iter().copied()) {
                Some(near) => format!("there is no check {name:?}; did you mean {near:?}?"),
                None => format!("there is no check {name:?}; there are: {}", self.checks.join(", ")),
            }];
        }
        let Some(check) = base.checks.iter().find(|check| check.configured_name() == name) else { return Vec::new() };
        let mut problems = Vec::new();
        for (at, result) in self.keys(check, overlay) {
            match result {
                Ok(change) => changes.extend(change.map(|key| Change { check: name.to_owned(), to: To::Key(key) })),
                Err(problem) => problems.push(format!("{}check {name:?}: {problem}", place(at))),
            }
        }
        for (plugin, wanted) in &overlay.settings {
            match self.settings(check, plugin, wanted) {
                Ok(to) => changes.extend(to.into_iter().map(|to| Change { check: name.to_owned(), to })),
                Err(told) => problems.extend(told.into_iter().map(|problem| format!("{problem} (check {name:?})"))),
            }
        }
        problems
    }

    /// The settings of one policy that change, or everything that is wrong with them.
    fn settings(
        &self,
        check: &CheckPlan,
        plugin: &str,
        wanted: &BTreeMap<String, Spanned<Value>>,
    ) -> Result<Vec<To>, Vec<String>> {
        let Some(policy) = check.policies.iter().find(|policy| policy.plugin.as_str() == plugin) else {
            let known: Vec<&str> = check.policies.iter().map(|policy| policy.plugin.as_str()).collect();
            return Err(vec![format!("the check has no policy {plugin:?}; it has: {}", known.join(", "))]);
        };
        let Some(available) = self.available.iter().find(|available| available.name == policy.plugin) else {
            return Ok(Vec::new()); // The host's own plan says what is missing.
        };
        let holds = held(policy);
        let mut merged = holds.clone();
        merged.extend(wanted.iter().map(|(key, wanted)| (key.clone(), wanted.value.clone())));
        let first = wanted.values().next().map(|wanted| place(wanted.referenced)).unwrap_or_default();
        let mut problems: Vec<String> = settings::problems(available, &merged)
            .into_iter()
            .map(|problem| format!("{first}settings of {plugin}: {problem}"))
            .collect();
        let mut changes = Vec::new();
        for (key, wanted) in wanted {
            let direction = self.terms.direction(plugin, key);
            let base = holds.get(key).cloned().or_else(|| settings::default_of(available, key));
            let to = direction.and_then(|direction| {
                direction.allows_over(base.as_ref(), &wanted.value)?;
                Ok(To::Setting {
                    policy: plugin.to_owned(),
                    key: key.clone(),
                    value: wanted.value.clone(),
                    direction: direction.clone(),
                })
            });
            match to {
                Ok(to) => changes.push(to),
                Err(problem) => problems.push(format!("{}`{plugin}.{key}`: {problem}", place(wanted.referenced))),
            }
        }
        if problems.is_empty() { Ok(changes) } else { Err(problems) }
    }

    fn waiver(&self, written: &Spanned<OverlayWaiver>, source: &str) -> Result<Waiver, String> {
        let OverlayWaiver { id, package, rules, reason, owner, until, unless_fixed } = written.value.clone();
        self.allowed("waivers")?;
        if owner.trim().is_empty() {
            return Err("the waiver has no owner: say in `owner` who answers for it".to_owned());
        }
        let config = WaiverConfig { id, package, rules, reason, owner: Some(owner), until: Some(until), unless_fixed };
        let waiver = waiver(&config)?;
        let days = u64::from(self.terms.max_waiver_days);
        if waiver.until.is_some_and(|until| until > self.now.saturating_add(days * DAY_S)) {
            let until = config.until.unwrap_or_default();
            return Err(format!("the waiver ends on {until}, and here one may end at most {days} days ahead"));
        }
        Ok(Waiver { source: Some(source.to_owned()), ..waiver })
    }
}

/// A plan of which nobody knows whether it holds: the file that may change it could not be read. Each policy is an
/// outage, so that nothing is judged by half of the rules.
pub fn unreachable(plan: Plan, why: &str) -> Plan {
    broken(plan, &Broken::new(BrokenKind::Host, why))
}

/// A plan under which nothing can pass, for a reason that somebody has to remove.
pub fn refused(plan: Plan, why: &str) -> Plan {
    broken(plan, &Broken::new(BrokenKind::Settings, why))
}

fn broken(mut plan: Plan, why: &Broken) -> Plan {
    for policy in plan.checks.iter_mut().flat_map(|check| &mut check.policies) {
        policy.broken = Some(why.clone());
    }
    plan
}

/// What one good file says.
struct Reading {
    changes: Vec<Change>,
    waivers: Vec<Waiver>,
}

enum Unread {
    Broken(Vec<String>),
    Refused(String),
}

/// One thing that becomes stricter.
struct Change {
    check: String,
    to: To,
}

enum To {
    Key(Key),
    Setting { policy: String, key: String, value: Value, direction: Direction },
}

impl Change {
    /// Over what other files have changed already: the stricter of both holds.
    fn apply(self, plan: &mut Plan) {
        let Some(check) = plan.checks.iter_mut().find(|check| check.configured_name() == self.check) else { return };
        match self.to {
            To::Key(key) => key.apply(check),
            To::Setting { policy, key, value, direction } => {
                let policy = check.policies.iter_mut().find(|known| known.plugin.as_str() == policy);
                let Some(policy) = policy else { return };
                let mut settings = held(policy);
                let stricter = match settings.get(&key) {
                    Some(other) => direction.stricter(other, &value),
                    None => value,
                };
                settings.insert(key, stricter);
                policy.settings = Value::Object(settings).to_string();
            }
        }
    }
}

fn held(policy: &PolicyPlan) -> Map<String, Value> {
    serde_json::from_str(&policy.settings).unwrap_or_default()
}

/// With several base branches a waiver counts that all of them have.
fn in_all(waivers: Vec<Vec<Waiver>>) -> Vec<Waiver> {
    let mut waivers = waivers.into_iter();
    let first = waivers.next().unwrap_or_default();
    waivers.fold(first, |kept, others| {
        let others: Vec<Waiver> = others.iter().map(without_source).collect();
        kept.into_iter().filter(|waiver| others.contains(&without_source(waiver))).collect()
    })
}

fn without_source(waiver: &Waiver) -> Waiver {
    Waiver { source: None, ..waiver.clone() }
}

fn named(mut problems: Vec<String>) -> String {
    let more = problems.len().saturating_sub(PROBLEMS_NAMED);
    problems.truncate(PROBLEMS_NAMED);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    problems.join("; ")
}

#[cfg(test)]
mod tests;
