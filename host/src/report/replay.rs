//! Two records of one decision, held against each other: what differs, and what about the host may be the reason.

use super::conclude::{decide, result_of};
use super::escape::plain;
use super::page::result_word;
use super::terminal::{Colour, lines, table};
use super::wording;
use crate::model::record::{CheckRecord, InputRecord, Record};
use crate::model::verdict::{Judged, Violation};
use crate::model::{Digest, Judgement, PluginName};
use comfy_table::{Cell, Color};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which plugins judge now, by name; none for one that is not configured or did not load.
pub type PresentPlugins = BTreeMap<PluginName, Option<Digest>>;

/// What became of a decision that was made again.
#[derive(Debug, Serialize)]
pub struct Replay {
    pub job: String,
    pub repository: String,
    pub sha: String,
    /// Whether nothing differs.
    pub same: bool,
    /// What is not as it was when the decision was made.
    pub causes: Vec<String>,
    pub checks: Vec<CheckReplay>,
    /// Differences of the evidence that all checks share.
    pub evidence: Vec<Difference>,
}

#[derive(Debug, Serialize)]
pub struct CheckReplay {
    pub check: String,
    pub title: Pair,
    pub policies: Vec<PolicyReplay>,
}

#[derive(Debug, Serialize)]
pub struct PolicyReplay {
    pub plugin: String,
    pub result: Pair,
    pub differences: Vec<Difference>,
}

/// The same question answered twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    pub recorded: String,
    pub again: String,
}

/// One thing that is not the same. Absent on the side where it was not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

impl Pair {
    fn of(recorded: impl Into<String>, again: impl Into<String>) -> Self {
        Self { recorded: recorded.into(), again: again.into() }
    }

    pub fn differs(&self) -> bool {
        self.recorded != self.again
    }
}

/// Holds a decision against the same one made again.
pub fn replay(recorded: &Record, again: &Record, present: &PresentPlugins) -> Replay {
    let checks: Vec<CheckReplay> = recorded
        .checks
        .iter()
        .map(|check| {
            let twin = again.checks.iter().find(|other| other.check == check.check);
            check_replay((recorded, check), twin.map(|twin| (again, twin)))
        })
        .collect();
    let evidence = evidence(recorded, again);
    let of_check = |check: &CheckReplay| check.title.differs() || check.policies.iter().any(PolicyReplay::differs);
    Replay {
        job: recorded.job.to_string(),
        repository: recorded.commit.repository.to_string(),
        sha: recorded.commit.sha.to_string(),
        same: evidence.is_empty() && !checks.iter().any(of_check),
        causes: causes(recorded, present),
        checks,
        evidence,
    }
}

impl PolicyReplay {
    fn differs(&self) -> bool {
        self.result.differs() || !self.differences.is_empty()
    }
}

fn check_replay((record, check): (&Record, &CheckRecord), again: Option<(&Record, &CheckRecord)>) -> CheckReplay {
    let title = |record: &Record, check: &CheckRecord| wording::title(&check.check, decide(record, check));
    let policies = check.judgements.iter().enumerate().map(|(place, judgement)| {
        let other = again.and_then(|(record, check)| Some((record, check, check.judgements.get(place)?)));
        let result = |record: &Record, check: &CheckRecord| result_word(result_of(record, check, place)).to_owned();
        PolicyReplay {
            plugin: judgement.plugin.clone(),
            result: Pair::of(
                result(record, check),
                other.map_or_else(|| "not asked".to_owned(), |(record, check, _)| result(record, check)),
            ),
            differences: other.map(|(.., twin)| judgements(judgement, twin)).unwrap_or_default(),
        }
    });
    CheckReplay {
        check: check.check.to_string(),
        title: Pair::of(
            title(record, check),
            again.map_or_else(|| "not judged".to_owned(), |(record, check)| title(record, check)),
        ),
        policies: policies.collect(),
    }
}

fn judgements(recorded: &Judgement, again: &Judgement) -> Vec<Difference> {
    let violations = |judgement: &Judgement| listed(verdict_violations(judgement), violation);
    let mut differences = sets("violation", &violations(recorded), &violations(again));
    differences.extend(sets("notice", &count(&recorded.notices), &count(&again.notices)));
    differences.extend(pair("answer", &answer(recorded), &answer(again)));
    differences
}

fn verdict_violations(judgement: &Judgement) -> &[Violation] {
    match &judgement.verdict {
        Judged::Verdict(verdict) => &verdict.violations,
        Judged::Broken(_, verdict) | Judged::Outage(_, verdict) => {
            verdict.as_ref().map_or(&[][..], |verdict| &verdict.violations)
        }
    }
}

/// Everything else that a policy said.
fn answer(judgement: &Judgement) -> String {
    match &judgement.verdict {
        Judged::Verdict(verdict) => {
            let judged: Vec<String> = verdict.judged.iter().map(|(what, count)| format!("{count} {what}")).collect();
            format!("{}, {}, {}, {}", verdict.outcome, verdict.title, judged.join(", "), verdict.summary)
        }
        Judged::Broken(broken, _) => broken.to_string(),
        Judged::Outage(why, _) => why.clone(),
    }
}

/// Texts with how often each is there: two equal violations are two.
type Counted = BTreeMap<String, usize>;

fn listed<T>(items: &[T], told: impl Fn(&T) -> String) -> Counted {
    count(&items.iter().map(told).collect::<Vec<_>>())
}

fn count(texts: &[String]) -> Counted {
    let mut counted = Counted::new();
    for text in texts {
        *counted.entry(text.clone()).or_default() += 1;
    }
    counted
}

fn violation(violation: &Violation) -> String {
    let severity = violation.severity.map_or("no severity", |severity| severity.word());
    let subject = violation.subject.as_deref().unwrap_or("no subject");
    let waived = violation.waived.as_ref().map(|waived| format!(", waived: {}", waived.reason)).unwrap_or_default();
    let evidence = serde_json::to_string(&(&violation.evidence, &violation.location, &violation.properties))
        .expect("plain data with text keys always serializes");
    let fix = violation.how_to_fix.as_deref().unwrap_or("no fix");
    format!(
        "{} {severity} {subject}: {} (rule {}, {fix}{waived}) {evidence}",
        violation.effect, violation.message, violation.rule
    )
}

fn evidence(recorded: &Record, again: &Record) -> Vec<Difference> {
    let reports = |record: &Record| record.inputs.iter().map(|input| (named(input), described(input))).collect();
    let mut differences = maps("report", &reports(recorded), &reports(again));
    let unreadable = |record: &Record| {
        listed(&record.unreadable, |file| format!("{}: {} ({:?})", file.path, file.reason, file.cause))
    };
    differences.extend(sets("unreadable file", &unreadable(recorded), &unreadable(again)));
    let hidden = |record: &Record| {
        listed(&record.hidden_findings, |hidden| {
            let package = hidden.package.as_deref().unwrap_or("no package");
            format!("{} in {package}, {}: {}", hidden.id, hidden.hidden.by, hidden.hidden.why)
        })
    };
    differences.extend(sets("hidden finding", &hidden(recorded), &hidden(again)));
    differences.extend(pair("hidden findings", &format!("{:?}", recorded.hidden), &format!("{:?}", again.hidden)));
    differences.extend(sets("notice", &count(&recorded.notices), &count(&again.notices)));
    differences
}

fn named(input: &InputRecord) -> String {
    format!("{} {}", input.path, input.digest)
}

fn described(input: &InputRecord) -> String {
    let covers: Vec<&str> = input.covers.iter().map(|kind| kind.word()).collect();
    let state = match (input.cut, input.partial) {
        (true, _) => ", cut",
        (false, true) => ", partial",
        (false, false) => "",
    };
    format!(
        "{} by {}{state}: {} findings, {} components, covers {}; {}",
        input.format,
        input.normalizer,
        input.findings,
        input.components,
        covers.join(", "),
        input.diagnostics.join("; ")
    )
}

fn pair(what: &str, recorded: &str, again: &str) -> Option<Difference> {
    (recorded != again).then(|| Difference {
        what: what.to_owned(),
        recorded: Some(recorded.to_owned()),
        again: Some(again.to_owned()),
    })
}

fn sets(what: &str, recorded: &Counted, again: &Counted) -> Vec<Difference> {
    let texts: BTreeSet<&String> = recorded.keys().chain(again.keys()).collect();
    let told = |text: &str, times: usize| {
        (times > 0).then(|| if times == 1 { text.to_owned() } else { format!("{times} × {text}") })
    };
    let one = |text: &String| {
        let (before, now) = (*recorded.get(text).unwrap_or(&0), *again.get(text).unwrap_or(&0));
        (before != now).then(|| Difference {
            what: what.to_owned(),
            recorded: told(text, before),
            again: told(text, now),
        })
    };
    texts.into_iter().filter_map(one).collect()
}

fn maps(what: &str, recorded: &BTreeMap<String, String>, again: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: BTreeSet<&String> = recorded.keys().chain(again.keys()).collect();
    let one = |name: &String| {
        let (before, now) = (recorded.get(name).cloned(), again.get(name).cloned());
        (before != now).then(|| Difference { what: format!("{what} {name}"), recorded: before, again: now })
    };
    names.into_iter().filter_map(one).collect()
}

/// What is not as it was: it may be the reason, or change nothing.
fn causes(recorded: &Record, present: &PresentPlugins) -> Vec<String> {
    let policies = recorded.plan.checks.iter().flat_map(|check| &check.policies);
    let judged_by = policies.map(|policy| (&policy.plugin, policy.plugin_digest));
    let read_by = recorded.plan.normalizers.iter().map(|normalizer| (&normalizer.plugin, normalizer.plugin_digest));
    let then: BTreeMap<&PluginName, Option<Digest>> = judged_by.chain(read_by).collect();
    let mut causes = Vec::new();
    for (plugin, digest) in &then {
        match (present.get(*plugin), digest) {
            (None, _) => causes.push(format!("plugin {plugin} is not in this configuration")),
            (Some(None), _) => causes.push(format!("plugin {plugin} did not load")),
            (Some(now), then) if now != then => {
                let shown = |digest: &Option<Digest>| digest.map_or("none".to_owned(), |digest| digest.to_string());
                causes.push(format!("plugin {plugin} is another one: {} then, {} now", shown(then), shown(now)));
            }
            _ => {}
        }
    }
    let here = env!("CARGO_PKG_VERSION");
    if let Some(material) = recorded.material.as_ref() {
        if material.host != here {
            causes.push(format!("the host is another one: {} then, {here} now", material.host));
        }
        if material.passed_over > 0 && !causes.is_empty() {
            let passed_over = material.passed_over;
            causes.push(format!("{passed_over} files that nobody claimed then are not kept: now somebody might"));
        }
    }
    causes
}

pub fn replay_json(replay: &Replay) -> String {
    serde_json::to_string_pretty(replay).expect("plain data with text keys always serializes") + "\n"
}

/// Tables for a terminal. Text from outside is made plain.
pub fn replay_terminal(replay: &Replay, colour: Colour) -> String {
    let mut parts = vec![format!("decision {} about {} at {}", replay.job, replay.repository, replay.sha)];
    parts.push(results(replay, colour));
    parts.extend(differences(replay, colour));
    if !replay.causes.is_empty() {
        let head = if replay.same { "not as it was, without a difference:" } else { "not as it was:" };
        let told: Vec<String> = replay.causes.iter().map(|cause| format!("  {}", plain(cause))).collect();
        parts.push(format!("{head}\n{}", told.join("\n")));
    }
    parts.push(match (replay.same, replay.causes.is_empty()) {
        (true, _) => "the same decision".to_owned(),
        (false, false) => "another decision".to_owned(),
        (false, true) => "another decision, though plugins, settings and host are those of the record".to_owned(),
    });
    parts.join("\n\n") + "\n"
}

fn results(replay: &Replay, colour: Colour) -> String {
    let mut table = table(colour, &["Check", "Policy", "Recorded", "Again"]);
    for check in &replay.checks {
        let mut row = |policy: &str, pair: &Pair| {
            let tone = if pair.differs() { Color::Red } else { Color::Green };
            table.add_row(vec![
                Cell::new(plain(&check.check)),
                Cell::new(plain(policy)),
                Cell::new(plain(&pair.recorded)),
                Cell::new(plain(&pair.again)).fg(tone),
            ]);
        };
        row("", &check.title);
        check.policies.iter().for_each(|policy| row(&policy.plugin, &policy.result));
    }
    lines(&table)
}

fn differences(replay: &Replay, colour: Colour) -> Option<String> {
    let mut table = table(colour, &["Where", "What", "Recorded", "Again"]);
    let policies = replay.checks.iter().flat_map(|check| check.policies.iter().map(move |policy| (check, policy)));
    let of_policies = policies.flat_map(|(check, policy)| {
        policy.differences.iter().map(move |difference| (format!("{}, {}", check.check, policy.plugin), difference))
    });
    let all: Vec<_> =
        of_policies.chain(replay.evidence.iter().map(|difference| ("evidence".to_owned(), difference))).collect();
    for (place, difference) in &all {
        let told = |text: &Option<String>| plain(text.as_deref().unwrap_or("—"));
        table.add_row(vec![
            Cell::new(plain(place)),
            Cell::new(plain(&difference.what)),
            Cell::new(told(&difference.recorded)),
            Cell::new(told(&difference.again)).fg(Color::Red),
        ]);
    }
    (!all.is_empty()).then(|| lines(&table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::Outcome;
    use crate::report::fixtures::{answered, check, record};

    #[test]
    fn equal_records_are_the_same_decision() {
        let decision = record(vec![check(vec![answered(Outcome::Fail)])]);
        let replayed = replay(&decision, &decision, &PresentPlugins::new());
        assert!(replayed.same && replayed.causes.is_empty());
        assert!(replay_terminal(&replayed, Colour::Plain).ends_with("the same decision\n"));
    }

    #[test]
    fn what_differs_is_named_with_both_sides() {
        let (before, mut now) =
            (record(vec![check(vec![answered(Outcome::Fail)])]), record(vec![check(vec![answered(Outcome::Warn)])]));
        now.inputs[0].findings = 8;
        let replayed = replay(&before, &now, &PresentPlugins::new());
        assert!(!replayed.same);
        let policy = &replayed.checks[0].policies[0];
        assert_eq!(policy.result, Pair::of("fail", "warn"));
        let violation = policy.differences.iter().find(|difference| difference.what == "violation").expect("one less");
        assert!(violation.recorded.as_ref().is_some_and(|text| text.starts_with("deny high")), "{violation:?}");
        assert_eq!(violation.again, None);
        assert!(replayed.evidence[0].what.starts_with("report scan/trivy.json"), "{:?}", replayed.evidence);
        let told = replay_terminal(&replayed, Colour::Plain);
        assert!(told.contains("another decision, though plugins, settings and host are those of the record"), "{told}");
    }
}
