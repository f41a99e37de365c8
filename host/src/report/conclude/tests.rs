use super::*;
use crate::model::plan::Knobs;
use crate::model::record::{InputRecord, Runs};
use crate::report::fixtures::*;
use crate::report::wording;

/// The decision as `conclusion: title`, or `in progress`.
fn told(record: &Record) -> String {
    let check = &record.checks[0];
    let decision = decide(record, check);
    let title = wording::title(&check.check, decision);
    match decision.conclusion() {
        Some(conclusion) => format!("{conclusion:?}: {title}"),
        None => format!("in progress: {title}"),
    }
}

fn of(answers: Vec<Judged>) -> String {
    told(&record(vec![check(answers)]))
}

fn with_knobs(answers: Vec<Judged>, change: impl FnOnce(&mut Knobs)) -> String {
    let mut check = check(answers);
    change(&mut check.knobs);
    told(&record(vec![check]))
}

fn closed(answers: Vec<Judged>) -> String {
    with_knobs(answers, |knobs| *knobs = Knobs::fail_closed())
}

#[test]
fn pass_is_success() {
    assert_eq!(of(vec![answered(Outcome::Pass)]), "Success: Vulnerability Check - Passed");
    assert_eq!(closed(vec![answered(Outcome::Pass)]), "Success: Vulnerability Check - Passed");
}

#[test]
fn a_pass_over_a_partial_report_is_success_unless_the_knob_says_otherwise() {
    let told = |change: fn(&mut Knobs)| {
        let mut check = check(vec![answered(Outcome::Pass)]);
        change(&mut check.knobs);
        let mut record = record(vec![check]);
        record.inputs[0].partial = true;
        told(&record)
    };
    assert_eq!(told(|_| {}), "Success: Vulnerability Check - Passed");
    assert_eq!(told(|knobs| knobs.on_partial = Conclusion::Neutral), "Neutral: Vulnerability Check - Passed");
    assert_eq!(told(|knobs| *knobs = Knobs::fail_closed()), "Failure: Vulnerability Check - Failed");
}

#[test]
fn a_partial_report_of_another_kind_does_not_matter() {
    let mut check = check(vec![answered(Outcome::Pass)]);
    check.knobs = Knobs::fail_closed();
    let mut record = record(vec![check]);
    record.inputs.push(InputRecord { partial: true, covers: vec![Coverage::Components], ..input("sbom.json") });
    assert_eq!(told(&record), "Success: Vulnerability Check - Passed");
}

#[test]
fn a_warning_is_success_unless_the_knob_says_otherwise() {
    assert_eq!(of(vec![answered(Outcome::Warn)]), "Success: Vulnerability Check - Passed");
    assert_eq!(
        with_knobs(vec![answered(Outcome::Warn)], |knobs| knobs.on_warn = Conclusion::Neutral),
        "Neutral: Vulnerability Check - Passed"
    );
    assert_eq!(closed(vec![answered(Outcome::Warn)]), "Failure: Vulnerability Check - Failed");
}

#[test]
fn fail_is_failure() {
    assert_eq!(of(vec![answered(Outcome::Fail)]), "Failure: Vulnerability Check - Failed");
}

#[test]
fn unreadable_evidence_and_broken_policies_are_failures_unless_the_knob_says_otherwise() {
    let neutral = |knobs: &mut Knobs| knobs.on_broken = Conclusion::Neutral;
    let unreadable = || vec![broken(BrokenKind::Unreadable)];
    let timeout = || vec![broken(BrokenKind::Timeout)];
    assert_eq!(of(unreadable()), "Failure: Vulnerability Scan Check - Artifacts Unreadable");
    assert_eq!(with_knobs(unreadable(), neutral), "Neutral: Vulnerability Scan Check - Artifacts Unreadable");
    assert_eq!(of(timeout()), "Failure: Vulnerability Check - Policy Error");
    assert_eq!(with_knobs(timeout(), neutral), "Neutral: Vulnerability Check - Policy Error");
}

#[test]
fn our_outage_is_neutral_unless_the_check_fails_closed() {
    assert_eq!(of(vec![unavailable()]), "Neutral: Vulnerability Check - System Unavailable");
    assert_eq!(closed(vec![unavailable()]), "Failure: Vulnerability Check - System Unavailable");
}

#[test]
fn nothing_to_judge_is_neutral_unless_the_check_fails_closed() {
    assert_eq!(of(vec![answered(Outcome::NotApplicable)]), "Neutral: Vulnerability Scan Check - No Reports Found");
    assert_eq!(closed(vec![answered(Outcome::NotApplicable)]), "Failure: Vulnerability Scan Check - No Reports Found");
}

#[test]
fn a_run_without_success_cancels_everything_but_a_fail() {
    let told = |answer: Judged, change: fn(&mut Knobs)| {
        let mut check = check(vec![answer]);
        change(&mut check.knobs);
        let mut record = record(vec![check]);
        record.runs.unsuccessful = vec![("CI".to_owned(), "failure".to_owned())];
        told(&record)
    };
    let cancelled = "Cancelled: Vulnerability Scan Check - Workflow Not Successful";
    assert_eq!(told(answered(Outcome::Pass), |_| {}), cancelled);
    assert_eq!(told(answered(Outcome::NotApplicable), |_| {}), cancelled);
    assert_eq!(told(broken(BrokenKind::Unreadable), |_| {}), cancelled);
    assert_eq!(told(answered(Outcome::Fail), |_| {}), "Failure: Vulnerability Check - Failed");
    assert_eq!(
        told(answered(Outcome::Pass), |knobs| knobs.on_workflow = Conclusion::Neutral),
        "Neutral: Vulnerability Scan Check - Workflow Not Successful"
    );
}

fn at(runs: Runs, answer: Judged, change: impl FnOnce(&mut Record)) -> String {
    let mut record = record(vec![check(vec![answer])]);
    record.runs = runs;
    change(&mut record);
    told(&record)
}

const IN_PROGRESS: &str = "in progress: Vulnerability Scan Check - In Progress";

#[test]
fn no_run_in_time_is_neutral_and_before_the_deadline_in_progress() {
    let nothing = || answered(Outcome::NotApplicable);
    let none = |record: &mut Record| record.inputs.clear();
    assert_eq!(at(Runs::default(), nothing(), none), IN_PROGRESS);
    let overdue = Runs { overdue: true, ..Runs::default() };
    assert_eq!(at(overdue.clone(), nothing(), none), "Neutral: Vulnerability Scan Check - No Reports Found");
    assert_eq!(
        at(overdue, nothing(), |record| {
            record.inputs.clear();
            record.checks[0].knobs = Knobs::fail_closed();
        }),
        "Failure: Vulnerability Scan Check - No Reports Found"
    );
}

#[test]
fn a_check_waits_for_a_run_that_may_bring_what_is_not_covered_yet() {
    let going = || Runs { ended: 1, going: 1, ..Runs::default() };
    let nothing = || answered(Outcome::NotApplicable);
    let none = |record: &mut Record| record.inputs.clear();
    assert_eq!(at(going(), nothing(), none), IN_PROGRESS);
    assert_eq!(at(going(), broken(BrokenKind::Unreadable), none), IN_PROGRESS);
    assert_eq!(at(going(), answered(Outcome::Pass), |_| {}), "Success: Vulnerability Check - Passed");
    assert_eq!(at(going(), answered(Outcome::Pass), |record| record.checks[0].wait_for = WaitFor::All), IN_PROGRESS);
    assert_eq!(at(going(), answered(Outcome::Pass), |record| record.checks[0].reads = vec![Vec::new()]), IN_PROGRESS);
    let overdue = Runs { overdue: true, ..going() };
    assert_eq!(at(overdue.clone(), nothing(), none), "Neutral: Vulnerability Scan Check - No Reports Found");
    let unreadable = "Failure: Vulnerability Scan Check - Artifacts Unreadable";
    assert_eq!(at(overdue, broken(BrokenKind::Unreadable), none), unreadable);
}

#[test]
fn a_fail_is_published_at_once() {
    let going = Runs { ended: 1, going: 1, ..Runs::default() };
    let wait_for_all = |record: &mut Record| record.checks[0].wait_for = WaitFor::All;
    assert_eq!(at(going, answered(Outcome::Fail), wait_for_all), "Failure: Vulnerability Check - Failed");
}

#[test]
fn a_run_that_waits_for_approval_keeps_the_check_in_progress() {
    let awaiting = Runs { awaiting_approval: 1, overdue: true, ..Runs::default() };
    assert_eq!(at(awaiting, answered(Outcome::NotApplicable), |record| record.inputs.clear()), IN_PROGRESS);
}

#[test]
fn of_several_policies_the_worst_decides() {
    use Outcome::{Fail, NotApplicable, Pass, Warn};
    let order = [
        answered(Fail),
        broken(BrokenKind::Trap),
        unavailable(),
        answered(Warn),
        answered(Pass),
        answered(NotApplicable),
    ];
    for (worse, first) in order.iter().enumerate() {
        for second in &order[worse + 1..] {
            assert_eq!(of(vec![second.clone(), first.clone()]), of(vec![first.clone()]));
        }
    }
}

#[test]
fn a_failure_that_comes_from_a_knob_ranks_as_broken() {
    let change = |knobs: &mut Knobs| knobs.on_missing = Conclusion::Failure;
    let answers = vec![answered(Outcome::Pass), answered(Outcome::NotApplicable), unavailable()];
    assert_eq!(with_knobs(answers, change), "Failure: Vulnerability Scan Check - No Reports Found");
    let answers = vec![answered(Outcome::Fail), answered(Outcome::NotApplicable)];
    assert_eq!(with_knobs(answers, change), "Failure: Vulnerability Check - Failed");
    let softened = |knobs: &mut Knobs| {
        knobs.on_broken = Conclusion::Neutral;
        knobs.on_warn = Conclusion::Failure;
    };
    let answers = vec![broken(BrokenKind::Trap), answered(Outcome::Warn)];
    assert_eq!(with_knobs(answers, softened), "Failure: Vulnerability Check - Failed");
}

#[test]
fn a_check_of_another_name_has_titles_of_its_own() {
    let mut other = check(vec![answered(Outcome::Pass)]);
    other.check = crate::model::CheckName::parse("Secrets").unwrap();
    assert_eq!(told(&record(vec![other.clone()])), "Success: Secrets - Passed");
    other.check = crate::model::CheckName::parse("License Check").unwrap();
    other.judgements[0].verdict = unavailable();
    assert_eq!(told(&record(vec![other])), "Neutral: License Check - System Unavailable");
}
