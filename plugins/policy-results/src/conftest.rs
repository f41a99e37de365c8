//! Conftest's form: `deny`, `violation` and `warn`, each a set or array of messages, alone or as members of a package. A
//! name may go on behind an underscore (`deny_root`), and `exception` lists the parts behind it that do not count.

mod entry;

use crate::document::Source;
use crate::problem::Problem;
use crate::settings::last_segment;
use crate::verdict::{Effect, Outcome, VerdictDocument, Violation};
use entry::Entry;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::fmt;

const FORM: &str = "Conftest result";

/// What the rule of this name does; `None` for a name without a meaning.
pub fn effect_of(rule: &str) -> Option<Effect> {
    let means = |word: &str| rule.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    match () {
        () if means("deny") || means("violation") => Some(Effect::Deny),
        () if means("warn") => Some(Effect::Warn),
        () => None,
    }
}

/// Whether an answer is a package with such rules. Cheap: looks at the names alone.
pub fn is_package(json: &str) -> bool {
    matches!(serde_json::from_str(json), Ok(Names(true)))
}

/// The answer of a rule or of a whole package.
pub fn verdict(source: &Source) -> Result<VerdictDocument, Problem> {
    let mut judged = 0;
    let mut violations = Vec::new();
    match source.parse(FORM)? {
        Answer::Rule(entries) => {
            let rule = last_segment(&source.reading.entrypoint);
            let effect = match (effect_of(rule), &entries) {
                (Some(effect), _) => effect,
                // Whoever reads another rule in this form takes what it lists for violations.
                (None, Entries::Messages(_)) => Effect::Deny,
                // `true` of a rule `allow` means the opposite of `true` of a rule `deny`.
                (None, Entries::Holds(holds)) => return Err(source.wrong(FORM, "", no_boolean(rule, *holds))),
            };
            judged += 1;
            violations.extend(entries.violations(rule, effect));
        }
        Answer::Package(package) => {
            if package.rules.is_empty() {
                let message = "expected a member `deny`, `violation` or `warn`";
                return Err(source.wrong(FORM, "", message));
            }
            let excepted: BTreeSet<&str> = package.exceptions.iter().flatten().map(String::as_str).collect();
            for (name, entries) in &package.rules {
                judged += 1;
                let effect = effect_of(name).unwrap_or(Effect::Deny);
                match effect == Effect::Deny && excepted.contains(behind_underscore(name)) {
                    true => violations.extend(entries.violations(name, Effect::Info).map(excepted_by_policy)),
                    false => violations.extend(entries.violations(name, effect)),
                }
            }
        }
    }
    let mut verdict = VerdictDocument::new(outcome(&violations), "");
    verdict.violations = violations;
    verdict.judged.insert("rules".to_owned(), judged);
    Ok(verdict)
}

fn no_boolean(rule: &str, holds: bool) -> String {
    format!("only rules `deny`, `violation` and `warn` may answer a boolean, and `{rule}` answers `{holds}`")
}

fn outcome(violations: &[Violation]) -> Outcome {
    match violations.iter().map(|violation| violation.effect).max() {
        Some(Effect::Deny) => Outcome::Fail,
        Some(Effect::Warn) => Outcome::Warn,
        Some(Effect::Info) | None => Outcome::Pass,
    }
}

fn excepted_by_policy(mut violation: Violation) -> Violation {
    violation.properties.insert("excepted".to_owned(), "by the policy's own rule `exception`".to_owned());
    violation
}

/// `root` for `deny_root`, nothing for `deny`: what `exception` calls a rule.
fn behind_underscore(name: &str) -> &str {
    name.split_once('_').map_or("", |(_, rest)| rest)
}

enum Answer {
    Rule(Entries),
    Package(Package),
}

#[derive(Default)]
struct Package {
    rules: Vec<(String, Entries)>,
    exceptions: Vec<Vec<String>>,
}

/// A set or array of messages, or a rule that is merely true.
enum Entries {
    Messages(Vec<Entry>),
    Holds(bool),
}

impl Entries {
    fn violations<'a>(&'a self, rule: &'a str, effect: Effect) -> Box<dyn Iterator<Item = Violation> + 'a> {
        match self {
            Entries::Messages(entries) => Box::new(entries.iter().map(move |entry| entry.violation(rule, effect))),
            Entries::Holds(true) => {
                let message = format!("`{rule}` is true; the policy gives no message");
                Box::new(std::iter::once(Violation::new(rule, effect, message)))
            }
            Entries::Holds(false) => Box::new(std::iter::empty()),
        }
    }
}

const EXPECTED: &str = "a set or array of messages (strings, or objects with `msg`), or a boolean";

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;
        impl<'de> Visitor<'de> for Rule {
            type Value = Entries;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(EXPECTED)
            }
            fn visit_bool<E: Error>(self, holds: bool) -> Result<Entries, E> {
                Ok(Entries::Holds(holds))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Entries, A::Error> {
                messages(seq)
            }
        }
        deserializer.deserialize_any(Rule)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Answer;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{EXPECTED}, or a package with such rules")
            }
            fn visit_bool<E: Error>(self, holds: bool) -> Result<Answer, E> {
                Ok(Answer::Rule(Entries::Holds(holds)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Answer, A::Error> {
                messages(seq).map(Answer::Rule)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
                package(map).map(Answer::Package)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn messages<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Entries, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = seq.next_element()? {
        entries.push(entry);
    }
    Ok(Entries::Messages(entries))
}

fn package<'de, A: MapAccess<'de>>(mut map: A) -> Result<Package, A::Error> {
    let mut package = Package::default();
    while let Some(name) = map.next_key::<String>()? {
        match name.as_str() {
            "exception" => package.exceptions = map.next_value()?,
            _ if effect_of(&name).is_some() => package.rules.push((name, map.next_value()?)),
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    Ok(package)
}

/// Whether an object has a member with a meaning.
struct Names(bool);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Names;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut found = false;
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    found |= effect_of(&name).is_some();
                }
                Ok(Names(found))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
