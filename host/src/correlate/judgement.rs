//! What stands for a policy after the host held its answer against waivers and evidence. A fail always stands; neither
//! pass, warn nor not-applicable stands beside unreadable evidence of its kind; a broken plugin stays broken.

use super::groups::{OwnNames, upper};
use super::waivers::{IdMatch, active, date, described, fix_is_available, id_match};
use super::{counted, named};
use crate::model::artifact::UnreadableCause;
use crate::model::evidence::{Evidence, ItemRef};
use crate::model::plan::{PolicyPlan, Waiver};
use crate::model::report::{Completeness, Coverage, DiagnosticLevel, Finding, PackageRef};
use crate::model::verdict::{Effect, EvidenceRef, Judged, Outcome, Violation, Waived};
use crate::model::{Broken, BrokenKind, Judgement, Report, Verdict};
use crate::policy::packages::PackagePattern;

/// A verdict's property that says how many violations are left out. A fail with such a list is never softened,
/// because what is not listed cannot be waived.
pub const VIOLATIONS_OMITTED: &str = "violations-omitted";

/// Waivers for rules first, then the host's rules about evidence.
pub fn judgement(
    policy: &PolicyPlan,
    evidence: &Evidence,
    waivers: &[Waiver],
    answer: Result<Verdict, Broken>,
) -> Judgement {
    let mut notices = Vec::new();
    let verdict = match answer {
        Ok(mut verdict) => {
            notices.extend(waive(&mut verdict, policy, evidence, waivers));
            soften(&mut verdict, &mut notices);
            hold_against_evidence(verdict, policy, evidence, &mut notices)
        }
        Err(broken) => Judged::Broken(broken, None),
    };
    Judgement { plugin: policy.plugin.to_string(), verdict, notices }
}

/// Waivers for rules that no violation of any policy met, so that they can be removed. While a policy has no answer
/// nobody knows.
pub fn unused_rule_waivers(waivers: &[Waiver], judgements: &[&Judgement]) -> Vec<String> {
    let mut broken: Vec<(&str, &str)> = Vec::new();
    for judgement in judgements {
        let verdict = match &judgement.verdict {
            Judged::Verdict(verdict) | Judged::Broken(_, Some(verdict)) | Judged::Outage(_, Some(verdict)) => verdict,
            Judged::Broken(_, None) | Judged::Outage(_, None) => return Vec::new(),
        };
        broken.extend(verdict.violations.iter().map(|violation| (judgement.plugin.as_str(), violation.rule.as_str())));
    }
    broken.sort_unstable();
    broken.dedup();
    let unused = |waiver: &&Waiver| {
        !waiver.rules.is_empty() && !broken.iter().any(|(plugin, rule)| names_rule(waiver, plugin, rule))
    };
    waivers.iter().filter(unused).map(|waiver| format!("{} matches no violation", described(waiver))).collect()
}

/// How many blocking violations these waivers for rules would waive.
pub(super) fn would_waive(evidence: &Evidence, judgements: &[&Judgement], waivers: &[Waiver]) -> usize {
    let verdicts = judgements.iter().filter_map(|judgement| match &judgement.verdict {
        Judged::Verdict(verdict) | Judged::Broken(_, Some(verdict)) | Judged::Outage(_, Some(verdict)) => {
            Some((judgement.plugin.as_str(), verdict))
        }
        Judged::Broken(_, None) | Judged::Outage(_, None) => None,
    });
    let violations = verdicts.flat_map(|(plugin, verdict)| verdict.violations.iter().map(move |one| (plugin, one)));
    let would = |plugin: &str, violation: &Violation| {
        waivers
            .iter()
            .filter(|waiver| names_rule(waiver, plugin, &violation.rule))
            .any(|waiver| matches!(waive_one(&mut violation.clone(), waiver, evidence), Effected::Covered))
    };
    violations.filter(|(plugin, one)| one.waived.is_none() && would(plugin, one)).count()
}

fn waive(verdict: &mut Verdict, policy: &PolicyPlan, evidence: &Evidence, waivers: &[Waiver]) -> Vec<String> {
    let mut notices = Vec::new();
    for waiver in waivers.iter().filter(|waiver| !waiver.rules.is_empty()) {
        let mut outcomes = RuleTally::default();
        for violation in &mut verdict.violations {
            if names_rule(waiver, policy.plugin.as_str(), &violation.rule) {
                outcomes.add(waive_one(violation, waiver, evidence));
            }
        }
        notices.extend(outcomes.notices(waiver));
    }
    notices
}

/// A rule by its own name, or as `<plugin>/<rule>`, which is how SARIF shows it.
fn names_rule(waiver: &Waiver, plugin: &str, rule: &str) -> bool {
    let qualified = |named: &String| named.strip_prefix(plugin).and_then(|rest| rest.strip_prefix('/')) == Some(rule);
    waiver.rules.iter().any(|named| named == rule || qualified(named))
}

/// What a waiver for rules did to one violation.
enum Effected {
    Covered,
    NotItsSubject,
    NotWaivable,
    Expired,
    FixAvailable,
}

fn waive_one(violation: &mut Violation, waiver: &Waiver, evidence: &Evidence) -> Effected {
    let findings: Vec<&Finding> = violation.evidence.iter().filter_map(|item| finding(evidence, item)).collect();
    if !id_covers(waiver, &findings) || !package_covers(waiver, violation, evidence) {
        return Effected::NotItsSubject;
    }
    if !active(waiver, evidence.context.now) {
        return Effected::Expired;
    }
    if !violation.waivable {
        return Effected::NotWaivable;
    }
    if waiver.unless_fixed && findings.iter().any(|finding| fix_is_available(finding)) {
        return Effected::FixAvailable;
    }
    violation.waived.get_or_insert_with(|| Waived {
        owner: waiver.owner.clone(),
        reason: waiver.reason.clone(),
        until: waiver.until,
    });
    Effected::Covered
}

/// All findings that a violation rests on must be the waiver's, else it would hide the others as well.
fn id_covers(waiver: &Waiver, findings: &[&Finding]) -> bool {
    match &waiver.id {
        None => true,
        Some(id) => {
            let id = upper(id);
            let matches = |finding: &&Finding| id_match(&id, &OwnNames::of(finding)) == IdMatch::Matches;
            !findings.is_empty() && findings.iter().all(matches)
        }
    }
}

fn package_covers(waiver: &Waiver, violation: &Violation, evidence: &Evidence) -> bool {
    let Some(pattern) = &waiver.package else { return true };
    let Ok(pattern) = PackagePattern::parse(pattern) else { return false };
    let purls: Vec<Option<&str>> = violation.evidence.iter().filter_map(|item| purl(evidence, item)).collect();
    if purls.is_empty() {
        return violation.subject.as_deref().is_some_and(|subject| pattern.matches(subject));
    }
    purls.iter().all(|purl| purl.is_some_and(|purl| pattern.matches(purl)))
}

fn finding<'a>(evidence: &'a Evidence, item: &EvidenceRef) -> Option<&'a Finding> {
    match item {
        EvidenceRef::Finding(ItemRef { report, index }) => {
            evidence.reports.get(*report as usize)?.report.findings.get(*index as usize)
        }
        _ => None,
    }
}

/// Outer `None`: the reference is to no package.
fn purl<'a>(evidence: &'a Evidence, item: &EvidenceRef) -> Option<Option<&'a str>> {
    match item {
        EvidenceRef::Finding(_) => {
            let package: Option<&PackageRef> = finding(evidence, item)?.package.as_ref();
            Some(package.and_then(|package| package.purl.as_deref()))
        }
        EvidenceRef::Component(ItemRef { report, index }) => {
            let component = evidence.reports.get(*report as usize)?.report.components.get(*index as usize)?;
            Some(component.purl.as_deref())
        }
        _ => None,
    }
}

#[derive(Default)]
struct RuleTally {
    covered: u32,
    not_waivable: u32,
    expired: u32,
    fix_available: u32,
}

impl RuleTally {
    fn add(&mut self, effected: Effected) {
        match effected {
            Effected::Covered => self.covered += 1,
            Effected::NotWaivable => self.not_waivable += 1,
            Effected::Expired => self.expired += 1,
            Effected::FixAvailable => self.fix_available += 1,
            Effected::NotItsSubject => {}
        }
    }

    fn notices(&self, waiver: &Waiver) -> Vec<String> {
        let subject = described(waiver);
        let violations = |count| counted(count, "violation", "violations");
        let mut notices = Vec::new();
        if self.covered > 0 {
            notices.push(format!("{subject} covers {}", violations(self.covered)));
        }
        if self.not_waivable > 0 {
            notices.push(format!(
                "{subject} has no effect on {}: this rule may not be waived",
                violations(self.not_waivable)
            ));
        }
        if self.expired > 0 {
            let day = waiver.until.map(date).unwrap_or_default();
            notices.push(format!(
                "{subject} expired on {day}: {} again",
                counted(self.expired, "violation counts", "violations count")
            ));
        }
        if self.fix_available > 0 {
            notices.push(format!("{subject} no longer covers {}: a fix is available", violations(self.fix_available)));
        }
        notices
    }
}

/// Only a fail whose blocking violations are all listed and all waived becomes softer.
fn soften(verdict: &mut Verdict, notices: &mut Vec<String>) {
    let listed_whole = verdict.properties.iter().all(|(name, value)| name != VIOLATIONS_OMITTED || value == "0");
    let blocking = || verdict.violations.iter().filter(|violation| violation.effect == Effect::Deny);
    let all_waived = blocking().next().is_some() && blocking().all(|violation| violation.waived.is_some());
    if verdict.outcome != Outcome::Fail || !listed_whole || !all_waived {
        return;
    }
    let warns = |violation: &Violation| violation.effect == Effect::Warn && violation.waived.is_none();
    verdict.outcome = if verdict.violations.iter().any(warns) { Outcome::Warn } else { Outcome::Pass };
    notices.push(format!("every blocking violation is waived: fail becomes {}", verdict.outcome));
}

fn hold_against_evidence(
    mut verdict: Verdict,
    policy: &PolicyPlan,
    evidence: &Evidence,
    notices: &mut Vec<String>,
) -> Judged {
    let gaps = Gaps::of(policy, evidence);
    if verdict.outcome == Outcome::Fail {
        let files: Vec<&str> = gaps.broken.iter().chain(&gaps.outages).map(|gap| gap.path).collect();
        if !files.is_empty() {
            notices.push(format!("there may be more: {} could not be read", named(&files)));
        }
        return Judged::Verdict(verdict);
    }
    if let Some(first) = gaps.broken.first() {
        let files: Vec<&str> = gaps.broken.iter().map(|gap| gap.path).collect();
        let said = verdict.outcome;
        let message = format!("{}: {}", named(&files), first.reason);
        let hint = format!("the policy answered {said}, which cannot stand beside evidence that nobody could read");
        return Judged::Broken(Broken::new(BrokenKind::Unreadable, message).hint(hint), Some(verdict));
    }
    if let Some(first) = gaps.outages.first() {
        let files: Vec<&str> = gaps.outages.iter().map(|gap| gap.path).collect();
        return Judged::Outage(format!("{}: {}", named(&files), first.reason), Some(verdict));
    }
    if matches!(verdict.outcome, Outcome::Pass | Outcome::Warn) && !covered(policy, evidence) {
        notices.push(format!("no report covers what this policy reads: {} becomes not-applicable", verdict.outcome));
        verdict.outcome = Outcome::NotApplicable;
    }
    Judged::Verdict(verdict)
}

/// Evidence of the policy's kinds, or of unknown kind, that nobody could read.
struct Gaps<'a> {
    broken: Vec<Gap<'a>>,
    outages: Vec<Gap<'a>>,
}

struct Gap<'a> {
    path: &'a str,
    reason: &'a str,
}

impl<'a> Gaps<'a> {
    fn of(policy: &PolicyPlan, evidence: &'a Evidence) -> Self {
        let concerns = |covers: &[Coverage]| covers.is_empty() || reads_one_of(policy, covers);
        let mut gaps = Self { broken: Vec::new(), outages: Vec::new() };
        for file in evidence.unreadable.iter().filter(|file| concerns(&file.covers)) {
            let gap = Gap { path: &file.path, reason: &file.reason };
            match file.cause {
                UnreadableCause::Outage => gaps.outages.push(gap),
                _ => gaps.broken.push(gap),
            }
        }
        for sourced in &evidence.reports {
            if sourced.report.completeness == Completeness::Cut && concerns(&sourced.report.covers) {
                gaps.broken.push(Gap { path: &sourced.source.path, reason: why_cut(&sourced.report) });
            }
        }
        gaps
    }
}

/// The host's own words stand last in a report that it cut, and name the limit.
fn why_cut(report: &Report) -> &str {
    let last_warning = report.diagnostics.iter().rfind(|odd| odd.level == DiagnosticLevel::Warning);
    last_warning.map_or("a limit was reached while reading it", |odd| &odd.message)
}

fn covered(policy: &PolicyPlan, evidence: &Evidence) -> bool {
    evidence.reports.iter().any(|sourced| reads_one_of(policy, &sourced.report.covers))
}

pub(super) fn reads_one_of(policy: &PolicyPlan, covers: &[Coverage]) -> bool {
    policy.reads.is_empty() || covers.iter().any(|kind| policy.reads.contains(kind))
}
