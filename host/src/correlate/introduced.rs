//! A check that judges only what a change brings in: the same for a policy in any language, by the findings and components
//! that its violations rest on. A violation that rests on nothing in particular stays what it is.

use super::age::{ComponentAges, newer};
use super::judgement::VIOLATIONS_OMITTED;
use super::counted;
use crate::model::baseline::BaselineRecord;
use crate::model::evidence::{Age, Evidence, ItemRef};
use crate::model::plan::{BaselineMissing, CheckPlan, Judges};
use crate::model::verdict::{Effect, EvidenceRef, Outcome, Verdict, Violation};
use crate::model::{Broken, BrokenKind};
use std::collections::HashMap;

/// What a policy's answer is worth in a check that judges only introduced findings; in any other check, and where nothing
/// was to be compared, it stays as it is. Answers what people should know beside it.
pub fn only_introduced(
    check: &CheckPlan,
    evidence: &Evidence,
    baseline: Option<&BaselineRecord>,
    answer: Result<Verdict, Broken>,
) -> (Result<Verdict, Broken>, Vec<String>) {
    let (Judges::Introduced, Some(baseline), Ok(verdict)) = (check.judges, baseline, &answer) else {
        return (answer, Vec::new());
    };
    let mut limited = verdict.clone();
    let counts = limit(&mut limited, &Ages::of(evidence), check.baseline_missing);
    if counts.unknown > 0 && limited.outcome != verdict.outcome
        && let Some(outage) = &baseline.outage
    {
        // Nobody knows whether what would block is new: not the change's fault, and no reason to let it pass.
        let message = format!("the newest evidence of {} could not be read: {outage}", baseline.branch);
        return (Err(Broken::new(BrokenKind::Host, message)), Vec::new());
    }
    (Ok(limited), counts.notices(&baseline.branch))
}

/// How many violations were taken for less, by the age of what they rest on.
#[derive(Default)]
struct Limited {
    existing: u32,
    disclosed: u32,
    unknown: u32,
}

impl Limited {
    fn notices(&self, branch: &str) -> Vec<String> {
        let of = |count, what: &str| {
            (count > 0).then(|| format!("{}: {what}", counted(count, "violation does not block", "violations do not block")))
        };
        let told = [
            of(self.existing, &format!("it was in {branch} before, and this check judges what a change brings in")),
            of(self.disclosed, &format!("newly disclosed, in packages that {branch} has unchanged")),
            of(self.unknown, &format!("no baseline yet: {branch} has no evidence to compare it with")),
        ];
        told.into_iter().flatten().collect()
    }
}

fn limit(verdict: &mut Verdict, ages: &Ages<'_>, missing: BaselineMissing) -> Limited {
    let mut limited = Limited::default();
    let blocked = verdict.violations.iter().any(|violation| violation.effect == Effect::Deny);
    let warned = verdict.violations.iter().any(|violation| violation.effect == Effect::Warn);
    for violation in verdict.violations.iter_mut().filter(|violation| violation.effect != Effect::Info) {
        let (effect, why, count) = match ages.of_violation(violation) {
            Some(Age::Existing) => (Effect::Info, "it was there before", &mut limited.existing),
            Some(Age::Disclosed) => (Effect::Warn, "newly disclosed, not brought in by this change", &mut limited.disclosed),
            Some(Age::Unknown) if missing == BaselineMissing::Warn => {
                (Effect::Warn, "no baseline yet", &mut limited.unknown)
            }
            _ => continue,
        };
        if effect < violation.effect {
            violation.effect = effect;
            violation.message = format!("{} ({why})", violation.message);
            *count += 1;
        }
    }
    soften(verdict, blocked, warned);
    limited
}

/// Only an outcome whose reasons are all listed and all taken for less becomes softer.
fn soften(verdict: &mut Verdict, blocked: bool, warned: bool) {
    let listed_whole = verdict.properties.iter().all(|(name, value)| name != VIOLATIONS_OMITTED || value == "0");
    let any = |effect| verdict.violations.iter().any(|violation: &Violation| violation.effect == effect);
    let reasons_are_gone = match verdict.outcome {
        Outcome::Fail => blocked && !any(Effect::Deny),
        Outcome::Warn => warned && !any(Effect::Warn) && !any(Effect::Deny),
        Outcome::Pass | Outcome::NotApplicable => false,
    };
    if listed_whole && reasons_are_gone {
        verdict.outcome = if any(Effect::Warn) { Outcome::Warn } else { Outcome::Pass };
    }
}

/// Ages by what violations refer to.
struct Ages<'a> {
    evidence: &'a Evidence,
    group_by_finding: HashMap<ItemRef, u32>,
    age_by_group: HashMap<u32, Age>,
    components: ComponentAges,
}

impl<'a> Ages<'a> {
    /// A group is as new as its newest member: a policy may name any of them.
    fn of(evidence: &'a Evidence) -> Self {
        let mut age_by_group = HashMap::new();
        for assessed in &evidence.findings {
            let known = age_by_group.entry(assessed.group).or_insert(assessed.age);
            *known = newer(*known, assessed.age);
        }
        let group_by_finding = evidence.findings.iter().map(|assessed| (assessed.at, assessed.group)).collect();
        Self { evidence, group_by_finding, age_by_group, components: ComponentAges::of(evidence.baseline.as_deref()) }
    }

    /// The newest age of what the violation rests on; none where that is no finding and no component of this commit.
    fn of_violation(&self, violation: &Violation) -> Option<Age> {
        violation.evidence.iter().filter_map(|item| self.of_item(item)).reduce(newer)
    }

    fn of_item(&self, item: &EvidenceRef) -> Option<Age> {
        match item {
            EvidenceRef::Finding(at) => self.age_by_group.get(self.group_by_finding.get(at)?).copied(),
            EvidenceRef::Component(ItemRef { report, index }) => {
                let components = &self.evidence.reports.get(*report as usize)?.report.components;
                Some(self.components.age(components.get(*index as usize)?))
            }
            EvidenceRef::Report(_) | EvidenceRef::BaselineFinding(_) | EvidenceRef::BaselineComponent(_) => None,
        }
    }
}
