//! Holds an evaluator's answer against the contract: the outcome has to fit its violations, references have to point at
//! something, texts and counts have their limits. Changes no outcome; waivers come later, elsewhere.

use super::builder::shorten;
use super::limits::Limits;
use crate::model::evidence::{ItemRef, SourcedReport};
use crate::model::verdict::{Effect, EvidenceRef, Violation};
use crate::model::{Evidence, Outcome, Verdict};

/// The answer within its limits, or what is wrong with it.
pub fn hold(mut verdict: Verdict, evidence: &Evidence, limits: &Limits) -> Result<Verdict, String> {
    fits(&verdict)?;
    for violation in &verdict.violations {
        for reference in &violation.evidence {
            exists(*reference, evidence)
                .ok_or_else(|| format!("its violation of `{}` refers to {}", violation.rule, show(*reference)))?;
        }
    }
    shorten_texts(&mut verdict, limits);
    cut(&mut verdict, limits);
    Ok(verdict)
}

/// `deny` needs `fail`, `warn` at least `warn`; `not-applicable` goes with `info` only.
fn fits(verdict: &Verdict) -> Result<(), String> {
    let Some(worst) = verdict.violations.iter().map(|violation| violation.effect).max() else { return Ok(()) };
    let fits = match worst {
        Effect::Info => true,
        Effect::Warn => matches!(verdict.outcome, Outcome::Warn | Outcome::Fail),
        Effect::Deny => verdict.outcome == Outcome::Fail,
    };
    match fits {
        true => Ok(()),
        false => Err(format!("it says `{}` and lists a violation with effect `{worst}`", verdict.outcome)),
    }
}

fn exists(reference: EvidenceRef, evidence: &Evidence) -> Option<()> {
    let baseline = || evidence.baseline.as_deref().unwrap_or_default();
    let report = |reports: &'_ [SourcedReport], at: ItemRef, list: fn(&SourcedReport) -> usize| {
        let report = reports.get(at.report as usize)?;
        ((at.index as usize) < list(report)).then_some(())
    };
    let findings: fn(&SourcedReport) -> usize = |report| report.report.findings.len();
    let components: fn(&SourcedReport) -> usize = |report| report.report.components.len();
    match reference {
        EvidenceRef::Finding(at) => report(&evidence.reports, at, findings),
        EvidenceRef::Component(at) => report(&evidence.reports, at, components),
        EvidenceRef::Report(index) => evidence.reports.get(index as usize).map(|_| ()),
        EvidenceRef::BaselineFinding(at) => report(baseline(), at, findings),
        EvidenceRef::BaselineComponent(at) => report(baseline(), at, components),
    }
}

fn show(reference: EvidenceRef) -> String {
    let item = |what: &str, at: ItemRef| format!("{what} {} of report {}, which does not exist", at.index, at.report);
    match reference {
        EvidenceRef::Finding(at) => item("finding", at),
        EvidenceRef::Component(at) => item("component", at),
        EvidenceRef::Report(index) => format!("report {index}, which does not exist"),
        EvidenceRef::BaselineFinding(at) => item("the baseline's finding", at),
        EvidenceRef::BaselineComponent(at) => item("the baseline's component", at),
    }
}

fn shorten_texts(verdict: &mut Verdict, limits: &Limits) {
    let texts = limits.texts;
    shorten(&mut verdict.title, texts.title);
    shorten(&mut verdict.summary, texts.summary);
    verdict.judged.truncate(texts.others);
    for (name, _) in &mut verdict.judged {
        shorten(name, texts.title);
    }
    shorten_pairs(&mut verdict.properties, limits);
    for violation in &mut verdict.violations {
        shorten(&mut violation.rule, texts.id);
        shorten(&mut violation.message, texts.message);
        for (text, most) in [(&mut violation.subject, texts.purl), (&mut violation.how_to_fix, texts.description)] {
            text.as_mut().map(|text| shorten(text, most));
        }
        // Half a path is another path.
        violation.location = violation.location.take().filter(|location| location.path.len() <= texts.path);
        violation.evidence.truncate(texts.others);
        shorten_pairs(&mut violation.properties, limits);
    }
}

fn shorten_pairs(pairs: &mut Vec<(String, String)>, limits: &Limits) {
    pairs.truncate(limits.texts.properties);
    for (name, value) in pairs {
        shorten(name, limits.texts.id);
        shorten(value, limits.texts.property);
    }
}

/// Leaves out the mildest violations of too many, and says so in one more that nobody can waive: a `fail` of which not
/// everything is listed must not become softer.
fn cut(verdict: &mut Verdict, limits: &Limits) {
    let fitting = fitting(verdict, limits);
    if fitting == verdict.violations.len() {
        return;
    }
    verdict.violations.sort_by_key(|violation| std::cmp::Reverse(violation.effect));
    // One place and its bytes go to the sentence that says so.
    let left_out = verdict.violations.split_off(self::fitting(verdict, limits).saturating_sub(1));
    let effect = left_out.iter().map(|violation| violation.effect).max().unwrap_or(Effect::Info);
    let message = format!("{} more violations are not listed: the verdict is over its limit", left_out.len());
    verdict.violations.push(Violation {
        rule: "limit-reached".to_owned(),
        effect,
        severity: None,
        message,
        subject: None,
        evidence: Vec::new(),
        waivable: false,
        how_to_fix: None,
        location: None,
        properties: Vec::new(),
        waived: None,
    });
}

/// How many of the first violations are within both limits.
fn fitting(verdict: &Verdict, limits: &Limits) -> usize {
    let mut left = limits.verdict.saturating_sub((verdict.title.len() + verdict.summary.len()) as u64);
    let within_bytes = verdict.violations.iter().take_while(|violation| {
        let size = size(violation);
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    });
    within_bytes.count().min(limits.violations as usize)
}

fn size(violation: &Violation) -> u64 {
    let maybe = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let pairs: usize = violation.properties.iter().map(|(name, value)| name.len() + value.len()).sum();
    let location = violation.location.as_ref().map_or(0, |location| location.path.len());
    let texts =
        violation.rule.len() + violation.message.len() + maybe(&violation.subject) + maybe(&violation.how_to_fix);
    (size_of::<Violation>() + texts + pairs + location + 12 * violation.evidence.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::evidence::Context;

    fn evidence() -> Evidence {
        Evidence {
            context: Context::default(),
            reports: Vec::new(),
            unreadable: Vec::new(),
            findings: Vec::new(),
            groups: 0,
            live_groups: 0,
            baseline: None,
            changed_paths: None,
            notices: Vec::new(),
        }
    }
    fn violation(effect: Effect) -> Violation {
        Violation {
            rule: "rule".to_owned(),
            effect,
            severity: None,
            message: "message".to_owned(),
            subject: None,
            evidence: Vec::new(),
            waivable: true,
            how_to_fix: None,
            location: None,
            properties: Vec::new(),
            waived: None,
        }
    }
    fn verdict(outcome: Outcome, violations: Vec<Violation>) -> Verdict {
        Verdict {
            outcome,
            title: "title".to_owned(),
            summary: String::new(),
            violations,
            judged: Vec::new(),
            valid_until: None,
            properties: Vec::new(),
        }
    }
    fn held(verdict: Verdict) -> Result<Verdict, String> {
        hold(verdict, &evidence(), &Limits::default())
    }

    #[test]
    fn an_outcome_has_to_fit_its_violations() {
        assert!(held(verdict(Outcome::Fail, Vec::new())).is_ok());
        assert!(held(verdict(Outcome::Warn, vec![violation(Effect::Warn)])).is_ok());
        assert!(held(verdict(Outcome::NotApplicable, vec![violation(Effect::Info)])).is_ok());
        assert!(held(verdict(Outcome::Pass, vec![violation(Effect::Warn)])).is_err());
        assert!(held(verdict(Outcome::NotApplicable, vec![violation(Effect::Warn)])).is_err());
        let error = held(verdict(Outcome::Warn, vec![violation(Effect::Deny)])).unwrap_err();
        assert_eq!(error, "it says `warn` and lists a violation with effect `deny`");
    }

    #[test]
    fn a_reference_to_nothing_is_refused() {
        let mut lost = violation(Effect::Deny);
        lost.evidence.push(EvidenceRef::Finding(ItemRef { report: 0, index: 7 }));
        let error = held(verdict(Outcome::Fail, vec![lost])).unwrap_err();
        assert_eq!(error, "its violation of `rule` refers to finding 7 of report 0, which does not exist");
    }

    #[test]
    fn too_many_violations_are_cut_with_one_that_nobody_can_waive() {
        let many =
            (0..6000).map(|number| violation(if number == 5999 { Effect::Deny } else { Effect::Info })).collect();
        let verdict = held(verdict(Outcome::Fail, many)).unwrap();
        assert_eq!(verdict.violations.len(), 5000);
        assert_eq!(verdict.violations[0].effect, Effect::Deny);
        let last = verdict.violations.last().unwrap();
        assert!(!last.waivable && last.message.starts_with("1001 more violations"), "{last:?}");
    }

    #[test]
    fn a_verdict_stays_within_its_bytes() {
        let mut fat = violation(Effect::Deny);
        fat.message = "m".repeat(10_000);
        let verdict = held(verdict(Outcome::Fail, vec![fat; 3000])).unwrap();
        assert!(verdict.violations[0].message.len() <= 4096);
        let total: u64 = verdict.violations.iter().map(size).sum();
        assert!(total <= Limits::default().verdict, "{total}");
        assert_eq!(verdict.violations.last().unwrap().rule, "limit-reached");
    }
}
