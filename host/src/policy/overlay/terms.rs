//! What the operator lets an overlay say, and for each setting what stricter means. Never guesses: a setting without a
//! direction cannot be set by an overlay.

use crate::config::nearest;
use serde_json::Value;
use std::collections::BTreeMap;

/// What an overlay may say, in the words of `overlay.allow`.
pub const SUBJECTS: &[&str] = &[
    "settings",
    "mode",
    "fail_closed",
    "min_provenance",
    "judge",
    "wait_for",
    "baseline_missing",
    "conclusions",
    "waivers",
];

/// An overlay's terms as the configuration has them.
#[derive(Clone, Debug, Default)]
pub struct TermsConfig {
    /// `settings`, `settings.<plugin>`, `settings.<plugin>.<setting>`, `mode`, `fail_closed`, `min_provenance`,
    /// `judge`, `wait_for`, `baseline_missing`, `conclusions` (every `on_…`), `waivers`.
    pub allow: Vec<String>,
    /// How far ahead the end of a waiver may lie.
    pub max_waiver_days: u32,
    /// By `<plugin>.<setting>`: the word for the direction, and for `order` the values, the strictest first.
    pub settings: BTreeMap<String, (String, Vec<Value>)>,
}

/// What overlays may say.
#[derive(Clone, Debug)]
pub struct Terms {
    allow: Vec<String>,
    pub(super) max_waiver_days: u32,
    directions: BTreeMap<String, Direction>,
}

/// Which way a setting goes when it becomes stricter.
#[derive(Clone, Debug, PartialEq)]
pub enum Direction {
    /// One of these, the strictest first.
    Order(Vec<Value>),
    /// A smaller number; any where there was none.
    Lower,
    /// A greater number; any where there was none.
    Higher,
    /// A list that has all that it had, and may have more.
    Grow,
    /// A list that has nothing new, and may have less.
    Shrink,
    /// Only this.
    Only(bool),
    /// Whatever it says: the operator leaves it to the repository.
    Any,
}

/// The words of `direction`.
const WORDS: &[&str] = &["order", "lower", "higher", "grow", "shrink", "true", "false", "any"];

/// These decide what a policy reads, which is settled when the host starts.
const SETTLED: &[&str] = &["entrypoint", "result", "input"];

impl Terms {
    /// The terms, or everything that is wrong with them. `known` has each policy's settings.
    pub fn parse(config: &TermsConfig, known: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        let mut problems: Vec<String> = config
            .allow
            .iter()
            .filter_map(|word| unknown_subject(word, known))
            .map(|told| format!("allow: {told}"))
            .collect();
        let mut directions = defaults();
        for (setting, (word, order)) in &config.settings {
            match direction(word, order)
                .and_then(|direction| unknown_setting(setting, known).map_or(Ok(direction), Err))
            {
                Ok(direction) => drop(directions.insert(setting.clone(), direction)),
                Err(problem) => problems.push(format!("settings.{setting:?}: {problem}")),
            }
        }
        if problems.is_empty() {
            Ok(Self { allow: config.allow.clone(), max_waiver_days: config.max_waiver_days, directions })
        } else {
            Err(problems)
        }
    }

    pub(super) fn allows(&self, subject: &str) -> bool {
        self.allow.iter().any(|allowed| {
            subject == allowed || subject.strip_prefix(allowed.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// The direction of a setting that may be set.
    pub(super) fn direction(&self, plugin: &str, setting: &str) -> Result<&Direction, String> {
        let name = format!("{plugin}.{setting}");
        if !self.allows(&format!("settings.{name}")) {
            return Err("the host's `overlay.allow` does not have it".to_owned());
        }
        self.directions.get(&name).ok_or_else(|| {
            format!(
                "the host does not know what stricter means for it; its operator says so in `overlay.settings.{name:?}`"
            )
        })
    }
}

fn unknown_subject(word: &str, known: &BTreeMap<String, Vec<String>>) -> Option<String> {
    if SUBJECTS.contains(&word) {
        return None;
    }
    match word.strip_prefix("settings.") {
        Some(rest) if known.contains_key(rest) => None,
        Some(rest) => unknown_setting(rest, known),
        None => Some(not_known(word, SUBJECTS.iter().copied())),
    }
}

fn unknown_setting(name: &str, known: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let Some((plugin, setting)) = name.split_once('.') else {
        return Some(not_known(name, known.keys().map(String::as_str)));
    };
    match known.get(plugin) {
        None => Some(not_known(plugin, known.keys().map(String::as_str))),
        Some(_) if SETTLED.contains(&setting) => {
            Some(format!("`{setting}` decides what the policy reads: only the host's configuration sets it"))
        }
        Some(settings) if settings.iter().any(|known| known == setting) => None,
        Some(settings) => Some(not_known(setting, settings.iter().map(String::as_str))),
    }
}

fn not_known<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("unknown `{word}`; did you mean `{near}`?"),
        None => format!("unknown `{word}`; known here: {}", known.collect::<Vec<_>>().join(", ")),
    }
}

fn direction(word: &str, order: &[Value]) -> Result<Direction, String> {
    match (word, order.len()) {
        ("order", 0 | 1) => Err("direction = \"order\" needs `order`: the values, the strictest first".to_owned()),
        ("order", _) => Ok(Direction::Order(order.to_vec())),
        (_, 1..) => Err("`order` goes with direction = \"order\"".to_owned()),
        ("lower", _) => Ok(Direction::Lower),
        ("higher", _) => Ok(Direction::Higher),
        ("grow", _) => Ok(Direction::Grow),
        ("shrink", _) => Ok(Direction::Shrink),
        ("true", _) => Ok(Direction::Only(true)),
        ("false", _) => Ok(Direction::Only(false)),
        ("any", _) => Ok(Direction::Any),
        _ => Err(format!("direction: {}", not_known(word, WORDS.iter().copied()))),
    }
}

impl Direction {
    /// Whether the setting may be what is wanted. Where nobody knows what holds, because neither the host nor the plugin's
    /// schema names a value, only what is strictest of all is known to be no laxer.
    pub(super) fn allows_over(&self, holds: Option<&Value>, wanted: &Value) -> Result<(), String> {
        match (self, holds) {
            (_, Some(holds)) => self.allows(holds, wanted),
            (Direction::Any, None) => Ok(()),
            (Direction::Only(only), None) if wanted == &Value::Bool(*only) => Ok(()),
            (Direction::Order(order), None) if order.first() == Some(wanted) => Ok(()),
            (_, None) => Err(format!(
                "nobody knows whether `{wanted}` is stricter than what holds: neither the host's settings nor the \
                 plugin's schema name a value; the host's operator sets one"
            )),
        }
    }

    /// Whether the setting may go from what holds to what is wanted, or why not.
    pub(super) fn allows(&self, holds: &Value, wanted: &Value) -> Result<(), String> {
        if holds == wanted {
            return Ok(());
        }
        let laxer = |stricter: &str| Err(format!("`{wanted}` is not stricter than `{holds}`, which holds: {stricter}"));
        match self {
            Direction::Any => Ok(()),
            Direction::Only(only) if wanted == &Value::Bool(*only) => Ok(()),
            Direction::Only(only) => laxer(&format!("only `{only}` is")),
            Direction::Lower => self.number(holds, wanted, "smaller numbers are"),
            Direction::Higher => self.number(holds, wanted, "greater numbers are"),
            Direction::Order(order) => {
                let place = |value: &Value| order.iter().position(|known| known == value);
                match (place(wanted), place(holds)) {
                    (Some(0), _) => Ok(()),
                    (Some(wanted), Some(holds)) if wanted <= holds => Ok(()),
                    _ => laxer(&format!("from strict to lax it goes {}", listed(order))),
                }
            }
            Direction::Grow => match (holds.as_array(), wanted.as_array()) {
                (Some(holds), Some(wanted)) if holds.iter().all(|item| wanted.contains(item)) => Ok(()),
                (Some(_), _) => laxer("the list may only grow"),
                (None, _) => Err("the host sets no list that could grow".to_owned()),
            },
            Direction::Shrink => match (holds.as_array(), wanted.as_array()) {
                (Some(holds), Some(wanted)) if !wanted.is_empty() && wanted.iter().all(|item| holds.contains(item)) => {
                    Ok(())
                }
                (Some(_), _) => laxer("the list may only lose entries, and one must stay"),
                (None, _) => Err("the host sets no list that could shrink".to_owned()),
            },
        }
    }

    fn number(&self, holds: &Value, wanted: &Value, stricter: &str) -> Result<(), String> {
        let Some(number) = wanted.as_f64() else { return Err(format!("`{wanted}` is not a number")) };
        let fits = match (self, holds.as_f64()) {
            (_, None) => true,
            (Direction::Lower, Some(holds)) => number <= holds,
            (_, Some(holds)) => number >= holds,
        };
        if fits { Ok(()) } else { Err(format!("`{wanted}` is not stricter than `{holds}`, which holds: {stricter}")) }
    }

    /// Of two values that are both allowed one that is as strict as either.
    pub(super) fn stricter(&self, one: &Value, other: &Value) -> Value {
        match (self, one.as_array(), other.as_array()) {
            (Direction::Grow, Some(one), Some(other)) => {
                let more = other.iter().filter(|item| !one.contains(item));
                one.iter().chain(more).cloned().collect()
            }
            (Direction::Shrink, Some(one), Some(other)) if one.iter().any(|item| other.contains(item)) => {
                one.iter().filter(|item| other.contains(item)).cloned().collect()
            }
            _ if self.allows(one, other).is_ok() => other.clone(),
            _ => one.clone(),
        }
    }
}

fn listed(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

/// What stricter means for the settings of the first-party policies.
fn defaults() -> BTreeMap<String, Direction> {
    let words = |words: &[&str]| Direction::Order(words.iter().map(|word| Value::from(*word)).collect());
    let knob = || words(&["deny", "warn", "ignore"]);
    let vulnerability = [
        ("maximum_severity", words(&["none", "negligible", "low", "medium", "high", "critical"])),
        ("unknown_severity", knob()),
        ("blocked_ids", Direction::Grow),
        ("minimum_score", Direction::Lower),
        ("unknown_score", knob()),
        ("maximum_epss", Direction::Lower),
        ("unknown_epss", knob()),
        ("deny_known_exploited", Direction::Only(true)),
        ("unknown_exploited", knob()),
        ("fix_available_only", Direction::Only(false)),
        ("unknown_fix", knob()),
        ("only_introduced", Direction::Only(false)),
        ("baseline_missing", words(&["fail", "warn"])),
        ("grace_days", Direction::Lower),
        ("scopes", Direction::Grow),
        ("unwaivable", Direction::Grow),
    ];
    // Where the host names no licences, built-in lists stand, and naming any would replace them: such a list cannot grow.
    let license = [
        ("allowed", Direction::Shrink),
        ("denied", Direction::Grow),
        ("unlisted", words(&["deny", "warn", "allow"])),
        ("absent", knob()),
        ("no_assertion", knob()),
        ("none_stated", knob()),
        ("unparsed", knob()),
        ("deny_ignores_exceptions", Direction::Only(true)),
        ("scopes", Direction::Grow),
    ];
    let named = |plugin: &'static str| move |(setting, direction)| (format!("{plugin}.{setting}"), direction);
    vulnerability.into_iter().map(named("vulnerability")).chain(license.into_iter().map(named("license"))).collect()
}
