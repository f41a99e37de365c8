//! From packages to a verdict: which effect each has, and the sentences that people read. Every package is judged, no
//! rule stops another.

use crate::claims::{Meaning, Selected, Unknown};
use crate::expression::{Class, Reading};
use crate::inventory::{Inventory, Package};
use crate::policy::Policy;
use crate::settings::{ClaimSource, Scope};
use palisade_plugin::{Effect, Verdict, Violation};
use std::collections::BTreeMap;

/// Violations in one verdict. The host takes 5,000 and 4 MiB; one has about 1 KiB at most, and nobody reads more.
const MOST_VIOLATIONS: usize = 2_000;

/// Characters of a licence that people are shown: some producers put the whole text there.
const LONGEST_SHOWN: usize = 200;

/// How the packages fared.
#[derive(Default)]
struct Counts {
    judged: u64,
    allowed: u64,
    conditional: u64,
    unlisted: u64,
    denied: u64,
    unknown: u64,
    out_of_scope: u64,
    blocked: u64,
    warned: u64,
}

pub fn verdict(inventory: &Inventory, policy: &Policy) -> Verdict {
    let mut counts = Counts::default();
    let mut violations = Vec::new();
    let mut contradictions = BTreeMap::<(String, String), Vec<&Package>>::new();
    let mut valid_until = None::<u64>;
    for package in &inventory.packages {
        if !policy.settings.scopes.contains(&Scope::of(package.scope)) {
            counts.out_of_scope += 1;
            continue;
        }
        counts.count(package);
        if let Some(contradiction) = contradiction(&package.claim) {
            contradictions.entry(contradiction).or_default().push(package);
        }
        let ends = package.excepted.iter().filter_map(|&at| policy.exceptions[at].until);
        valid_until = valid_until.into_iter().chain(ends).min();
        violations.extend(violation(package, policy));
    }
    counts.blocked = violations.iter().filter(|violation| violation.effect == Effect::Deny).count() as u64;
    counts.warned = violations.iter().filter(|violation| violation.effect == Effect::Warn).count() as u64;
    let licenses = blocked_licenses(&violations);
    violations.extend(contradictions.into_iter().map(|(claims, packages)| differing(&claims, &packages)));
    sort(&mut violations);
    cut(&mut violations);
    let mut verdict = Verdict::of(counts.title(), violations).summary(counts.summary(inventory, &licenses));
    verdict.judged = counts.judged(inventory);
    verdict.valid_until = valid_until;
    verdict.properties = vec![
        ("total_components".to_owned(), counts.judged.to_string()),
        ("compliant_components".to_owned(), (counts.judged - counts.blocked).to_string()),
        ("non_compliant_licenses".to_owned(), licenses.join(", ")),
    ];
    verdict
}

impl Counts {
    fn count(&mut self, package: &Package) {
        self.judged += 1;
        *match package.claim.meaning.class() {
            Some(Class::Allowed) => &mut self.allowed,
            Some(Class::Conditional) => &mut self.conditional,
            Some(Class::Unlisted) => &mut self.unlisted,
            Some(Class::Denied) => &mut self.denied,
            None => &mut self.unknown,
        } += 1;
    }

    fn title(&self) -> String {
        let total = packages(self.judged);
        match (self.blocked, self.warned, self.conditional) {
            _ if self.judged == 0 => "No packages to judge".to_owned(),
            (0, 0, 0) => format!("{total} with allowed licences"),
            (0, 0, conditional) => format!("{total} with allowed licences, {conditional} of them under conditions"),
            (0, warned, _) => format!("{warned} of {total} with a licence to look at"),
            (blocked, 0, _) => format!("{blocked} of {total} non-compliant"),
            (blocked, warned, _) => format!("{blocked} of {total} non-compliant, {warned} more to look at"),
        }
    }

    fn summary(&self, inventory: &Inventory, licenses: &[String]) -> String {
        let mut lines = Vec::new();
        lines.push(match (self.blocked, self.warned) {
            (0, 0) => "All license policies passed.".to_owned(),
            (0, warned) => format!("Nothing blocks. {} to look at.", packages(warned)),
            (blocked, _) => {
                format!("SBOM policy violation: {blocked} non-compliant components out of {} total", self.judged)
            }
        });
        if !licenses.is_empty() {
            let shown: Vec<_> = licenses.iter().map(|license| format!("`{license}`")).collect();
            lines.push(format!("Non-compliant licences: {}", shown.join(", ")));
        }
        lines.push(format!(
            "Licences of {}: {} allowed, {} conditional, {} on no list, {} denied, {} unknown.",
            packages(self.judged),
            self.allowed,
            self.conditional,
            self.unlisted,
            self.denied,
            self.unknown
        ));
        let passed_over = [
            (self.out_of_scope, "in a scope that is not judged"),
            (inventory.roots, "the scanned thing itself"),
            (inventory.removed, "taken away by this change"),
        ];
        for (count, why) in passed_over.into_iter().filter(|(count, _)| *count > 0) {
            lines.push(format!("Not judged: {count}, {why}."));
        }
        lines.join("\n\n")
    }

    fn judged(&self, inventory: &Inventory) -> Vec<(String, u64)> {
        let all = [
            ("packages", self.judged),
            ("allowed", self.allowed),
            ("conditional", self.conditional),
            ("unlisted", self.unlisted),
            ("denied", self.denied),
            ("unknown", self.unknown),
            ("out-of-scope", self.out_of_scope),
            ("roots", inventory.roots),
            ("removed", inventory.removed),
        ];
        all.into_iter().map(|(what, count)| (what.to_owned(), count)).collect()
    }
}

/// What one package gives rise to, if anything.
fn violation(package: &Package, policy: &Policy) -> Option<Violation> {
    let (rule, effect, message) = match &*package.claim.meaning {
        Meaning::Known { reading, .. } => {
            let (rule, effect) = match reading.class {
                Class::Denied => ("denied", Effect::Deny),
                Class::Unlisted => ("unlisted", policy.unlisted?),
                Class::Conditional => ("conditional", Effect::Info),
                Class::Allowed => return None,
            };
            (rule, effect, known_message(package, reading, policy))
        }
        Meaning::Unknown { kind, reason, claimed } => {
            let (rule, knob) = match kind {
                Unknown::Absent => ("absent", policy.settings.absent),
                Unknown::NoAssertion => ("no-assertion", policy.settings.no_assertion),
                Unknown::NoneStated => ("none-stated", policy.settings.none_stated),
                Unknown::Unparsed => ("unparsed", policy.settings.unparsed),
            };
            (rule, knob.effect()?, unknown_message(package, *kind, claimed, reason.as_deref()))
        }
    };
    let mut violation = match effect {
        Effect::Deny => Violation::deny(rule, message),
        Effect::Warn => Violation::warn(rule, message),
        Effect::Info => Violation::info(rule, message),
    };
    violation.subject = Some(subject(package));
    violation.evidence = package.evidence.clone();
    violation.how_to_fix = how_to_fix(package, effect, rule);
    violation.properties = properties(package, policy);
    Some(violation)
}

fn known_message(package: &Package, reading: &Reading, policy: &Policy) -> String {
    let decisive = shown(&reading.decisive.join(", "));
    let what = match reading.class {
        Class::Denied => format!("{decisive} is denied"),
        Class::Unlisted => format!("{decisive} is on no list"),
        _ => match conditions(reading, policy) {
            conditions if conditions.is_empty() => format!("{decisive} is allowed under conditions"),
            conditions => format!("{decisive} is allowed under conditions: {}", conditions.join("; ")),
        },
    };
    let mut message = format!("{}: {what}", label(package));
    if let Meaning::Known { claimed, .. } = &*package.claim.meaning
        && claimed.trim() != decisive
    {
        message.push_str(&format!(" ({} `{}`)", source(&package.claim), shown(claimed)));
    }
    if let Some(&ended) = package.expired.first() {
        let until = policy.settings.exceptions[ended].until.as_deref().unwrap_or_default();
        message.push_str(&format!("; its exception ended on {until}"));
    }
    message
}

fn unknown_message(package: &Package, kind: Unknown, claimed: &str, reason: Option<&str>) -> String {
    let label = label(package);
    match kind {
        Unknown::Absent => format!("{label}: no report claims a licence"),
        Unknown::NoAssertion => format!("{label}: the producer of the report asserts no licence (NOASSERTION)"),
        Unknown::NoneStated => format!("{label}: the report says that there is no licence (NONE)"),
        Unknown::Unparsed => {
            let reason = reason.map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
            format!("{label}: the licence `{}` cannot be read{reason}", shown(claimed))
        }
    }
}

/// The conditions of the licences that made it conditional, each once.
fn conditions(reading: &Reading, policy: &Policy) -> Vec<String> {
    let mut conditions = Vec::new();
    for license in &reading.decisive {
        let condition = policy.lists.condition(license).and_then(|at| policy.conditions[at].clone());
        conditions.extend(condition.filter(|condition| !conditions.contains(condition)));
    }
    conditions
}

fn how_to_fix(package: &Package, effect: Effect, rule: &str) -> Option<String> {
    if effect == Effect::Info {
        return None;
    }
    let name = &package.name;
    Some(match rule {
        "denied" => format!("replace {name} by a package under an allowed licence, or add an exception with a reason"),
        "unlisted" => format!("put the licence on a list, or add an exception for {name} with a reason"),
        _ => format!("find out the licence of {name} and state it in an exception, or fix it where the report is made"),
    })
}

fn properties(package: &Package, policy: &Policy) -> Vec<(String, String)> {
    let mut properties = vec![("package".to_owned(), package.name.clone())];
    let mut add = |name: &str, value: Option<String>| {
        properties.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
    };
    add("version", package.version.clone());
    match &*package.claim.meaning {
        Meaning::Known { claimed, reading, .. } => {
            add("license", Some(shown(claimed)));
            add("chosen", Some(shown(&reading.chosen)));
            add("decided_by", Some(shown(&reading.decisive.join(", "))));
            if reading.class == Class::Conditional {
                add("condition", Some(conditions(reading, policy).join("; ")));
            }
        }
        Meaning::Unknown { claimed, .. } => add("license", Some(shown(claimed))),
    }
    add("source", package.claim.source.map(|source| word(source).to_owned()));
    add("supplier", package.supplier.as_deref().map(shown));
    add("id", package.id.as_deref().map(shown));
    let until = |at: &usize| policy.settings.exceptions[*at].until.as_deref().unwrap_or_default();
    add("exception_ended", package.expired.first().map(|at| until(at).to_owned()));
    add("exception", package.excepted.first().map(|&at| shown(&policy.exceptions[at].reason)));
    properties
}

/// Two known claims that say different things, as what people see: the one that counts first.
fn contradiction(claim: &Selected) -> Option<(String, String)> {
    let (other_source, other) = claim.contradicted_by.as_ref()?;
    let (Meaning::Known { expression, .. }, Meaning::Known { expression: other, .. }) = (&*claim.meaning, &**other)
    else {
        return None;
    };
    let counts = format!("{} {}", claim.source.map_or("claimed", word), shown(expression));
    Some((counts, format!("{} {}", word(*other_source), shown(other))))
}

/// One note for all packages of which two claims differ in the same way.
fn differing((counts, other): &(String, String), packages: &[&Package]) -> Violation {
    const NAMED: usize = 3;
    let mut names = packages.iter().take(NAMED).map(|package| label(package)).collect::<Vec<_>>().join(", ");
    if packages.len() > NAMED {
        names.push_str(&format!(" and {} more", packages.len() - NAMED));
    }
    let mut violation = Violation::info("claims-differ", format!("{names}: {counts} counts, {other} differs"));
    violation.subject = packages.first().map(|package| subject(package));
    violation.evidence = packages.iter().take(NAMED).flat_map(|package| package.evidence.iter().copied()).collect();
    violation
}

fn blocked_licenses(violations: &[Violation]) -> Vec<String> {
    let blocking = violations.iter().filter(|violation| violation.effect == Effect::Deny);
    let decided = blocking.filter_map(|violation| {
        let property = violation.properties.iter().find(|(name, _)| name == "decided_by");
        property.map(|(_, licenses)| licenses.replace('`', "'"))
    });
    let mut licenses: Vec<_> = decided.collect();
    licenses.sort_unstable();
    licenses.dedup();
    licenses.truncate(50);
    licenses
}

/// Blocking first; then by rule, package and place in the reports, so that equal evidence gives equal bytes.
fn sort(violations: &mut [Violation]) {
    violations.sort_by(|one, other| {
        (other.effect.cmp(&one.effect))
            .then_with(|| one.rule.cmp(&other.rule))
            .then_with(|| one.subject.cmp(&other.subject))
            .then_with(|| one.message.cmp(&other.message))
    });
}

/// What is left out keeps its weight: nobody can waive it away unseen.
fn cut(violations: &mut Vec<Violation>) {
    if violations.len() <= MOST_VIOLATIONS {
        return;
    }
    let left_out = violations.split_off(MOST_VIOLATIONS - 1);
    let message = format!("{} more, not listed one by one", left_out.len());
    let mut rest = match left_out[0].effect {
        Effect::Deny => Violation::deny("more", message),
        Effect::Warn => Violation::warn("more", message),
        Effect::Info => Violation::info("more", message),
    };
    rest.waivable = false;
    violations.push(rest);
}

fn subject(package: &Package) -> String {
    package.purl.clone().unwrap_or_else(|| label(package))
}

fn label(package: &Package) -> String {
    match &package.version {
        Some(version) => format!("{}@{version}", package.name),
        None => package.name.clone(),
    }
}

fn packages(count: u64) -> String {
    if count == 1 { "1 package".to_owned() } else { format!("{count} packages") }
}

fn source(claim: &Selected) -> &'static str {
    claim.source.map_or("by an exception", word)
}

fn word(source: ClaimSource) -> &'static str {
    match source {
        ClaimSource::Concluded => "concluded",
        ClaimSource::Declared => "declared",
        ClaimSource::Detected => "detected",
    }
}

/// One line of bounded length.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
        if shown.len() > LONGEST_SHOWN {
            let end = shown.char_indices().nth(LONGEST_SHOWN).map_or(shown.len(), |(end, _)| end);
            shown.truncate(end);
            shown.push('…');
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests;
