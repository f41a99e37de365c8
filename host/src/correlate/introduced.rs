//! A check that judges only what a change brings in: the same for a policy in any language, by the findings and components
//! that its violations rest on. A violation that rests on nothing in particular stays what it is.

use super::age::{ComponentAges, newer};
use super::counted;
use super::judgement::VIOLATIONS_OMITTED;
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
    if counts.unknown > 0
        && limited.outcome != verdict.outcome
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
            (count > 0)
                .then(|| format!("{}: {what}", counted(count, "violation does not block", "violations do not block")))
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
            Some(Age::Disclosed) => {
                (Effect::Warn, "newly disclosed, not brought in by this change", &mut limited.disclosed)
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::tests::{report, seen, verdict, violation, vulnerability};
    use crate::model::CheckName;
    use crate::model::plan::{Knobs, WaitFor};

    const LODASH: &str = "pkg:npm/lodash@4.17.20";

    fn check(baseline_missing: BaselineMissing) -> CheckPlan {
        CheckPlan {
            name: CheckName::parse("Check").unwrap(),
            policies: Vec::new(),
            knobs: Knobs::default(),
            wait_for: WaitFor::Covered,
            judges: Judges::Introduced,
            baseline_missing,
            min_provenance: None,
            mode: crate::model::plan::Mode::Enforce,
            other_paths: None,
        }
    }

    /// Findings of these ages, each a group of its own.
    fn aged(ages: &[Age]) -> Evidence {
        let findings = (0..ages.len()).map(|number| vulnerability(&format!("CVE-2024-{number}"), &[], LODASH));
        let mut evidence = seen(vec![report("a.json", findings.collect())], &[]);
        for assessed in &mut evidence.findings {
            assessed.age = ages[assessed.at.index as usize];
        }
        evidence
    }

    fn resting_on(effect: Effect, findings: &[u32]) -> Violation {
        let item = |&index| EvidenceRef::Finding(ItemRef { report: 0, index });
        Violation { evidence: findings.iter().map(item).collect(), ..violation("severity", effect) }
    }

    fn limited(ages: &[Age], verdict: Verdict) -> Verdict {
        let (check, baseline) = (check(BaselineMissing::Warn), BaselineRecord::default());
        only_introduced(&check, &aged(ages), Some(&baseline), Ok(verdict)).0.expect("it is a verdict")
    }

    fn outcome(ages: &[Age], findings: &[u32]) -> Outcome {
        limited(ages, verdict(Outcome::Fail, vec![resting_on(Effect::Deny, findings)])).outcome
    }

    #[test]
    fn what_a_violation_rests_on_decides() {
        use Age::{Disclosed, Existing, Introduced, Unknown};
        assert_eq!(outcome(&[Existing], &[0]), Outcome::Pass);
        assert_eq!(outcome(&[Disclosed], &[0]), Outcome::Warn);
        assert_eq!(outcome(&[Unknown], &[0]), Outcome::Warn);
        assert_eq!(outcome(&[Introduced], &[0]), Outcome::Fail);
        assert_eq!(outcome(&[Existing, Introduced], &[0, 1]), Outcome::Fail, "one new finding is enough");
        assert_eq!(outcome(&[Existing, Introduced], &[]), Outcome::Fail, "nobody knows what it rests on");
    }

    #[test]
    fn a_missing_baseline_can_block() {
        let blocking = verdict(Outcome::Fail, vec![resting_on(Effect::Deny, &[0])]);
        let strict = check(BaselineMissing::Fail);
        let (answer, told) =
            only_introduced(&strict, &aged(&[Age::Unknown]), Some(&BaselineRecord::default()), Ok(blocking));
        assert_eq!(answer.unwrap().outcome, Outcome::Fail);
        assert!(told.is_empty());
    }

    #[test]
    fn warnings_about_old_findings_are_for_information() {
        let warning = verdict(Outcome::Warn, vec![resting_on(Effect::Warn, &[0])]);
        let limited = limited(&[Age::Existing], warning);
        assert_eq!((limited.outcome, limited.violations[0].effect), (Outcome::Pass, Effect::Info));
        assert!(limited.violations[0].message.ends_with("(it was there before)"));
    }

    #[test]
    fn a_list_that_is_cut_is_not_softened() {
        let mut cut = verdict(Outcome::Fail, vec![resting_on(Effect::Deny, &[0])]);
        cut.properties = vec![(VIOLATIONS_OMITTED.to_owned(), "3".to_owned())];
        assert_eq!(limited(&[Age::Existing], cut).outcome, Outcome::Fail);
    }

    #[test]
    fn an_outage_is_no_reason_to_let_what_may_be_new_pass() {
        let lost = BaselineRecord { outage: Some("GitHub answered 503".to_owned()), ..BaselineRecord::default() };
        let with = |violations| {
            let answer = Ok(verdict(Outcome::Fail, violations));
            only_introduced(&check(BaselineMissing::Warn), &aged(&[Age::Unknown]), Some(&lost), answer).0
        };
        assert_eq!(with(vec![resting_on(Effect::Deny, &[0])]).unwrap_err().kind, BrokenKind::Host);
        let certain = with(vec![resting_on(Effect::Deny, &[0]), resting_on(Effect::Deny, &[])]);
        assert_eq!(certain.unwrap().outcome, Outcome::Fail, "what blocks anyway stays");
    }

    #[test]
    fn a_check_of_all_findings_and_a_commit_without_a_base_are_left_alone() {
        let blocking = || verdict(Outcome::Fail, vec![resting_on(Effect::Deny, &[0])]);
        let all = CheckPlan { judges: Judges::All, ..check(BaselineMissing::Warn) };
        let evidence = aged(&[Age::Existing]);
        let baseline = BaselineRecord::default();
        assert_eq!(only_introduced(&all, &evidence, Some(&baseline), Ok(blocking())).0.unwrap(), blocking());
        let (answer, _) = only_introduced(&check(BaselineMissing::Warn), &evidence, None, Ok(blocking()));
        assert_eq!(answer.unwrap(), blocking());
    }
}
