//! Runs the tests that stand beside a policy. The answer is a verdict like any other, one violation per test: a `deny` is a
//! test that did not pass, an `info` one that did or was skipped; after them stand the lines that ran, per module.

use crate::engine::{Interpreter, Lines, TestRule};
use palisade_plugin::{Effect, Location, Outcome, Verdict, Violation};

/// The rule names of these violations; `palisade policy test` reads them.
const PASSED: &str = "passed";
const FAILED: &str = "failed";
const SKIPPED: &str = "skipped";
const COVERED: &str = "covered";
const NOT_COVERED: &str = "not-covered";

/// Two interpreters of the same policy: while it watches coverage, regorus 0.14 takes every `every` for false.
pub fn verdict(mut interpreter: Interpreter, mut watching: Interpreter) -> Verdict {
    let tests = interpreter.test_rules();
    let mut violations: Vec<Violation> = tests.iter().map(|test| run(&mut interpreter, test)).collect();
    let failed = violations.iter().filter(|violation| violation.effect == Effect::Deny).count();
    watching.watch_coverage();
    for test in tests.iter().filter(|test| !test.skipped) {
        // What it answers was asked before, of the other one.
        let _ = watching.passes(test);
    }
    violations.extend(watching.coverage().iter().flat_map(coverage));
    let outcome = match (tests.is_empty(), failed) {
        (true, _) => Outcome::NotApplicable,
        (false, 0) => Outcome::Pass,
        (false, _) => Outcome::Fail,
    };
    let title = format!("{failed} of {} tests failed", tests.len());
    let verdict = Verdict { violations, ..Verdict::new(outcome, title) };
    verdict.judged("tests", tests.len() as u64)
}

fn run(interpreter: &mut Interpreter, test: &TestRule) -> Violation {
    let ran = (!test.skipped).then(|| interpreter.passes(test));
    let prints = interpreter.take_prints().join("\n");
    let violation = match ran {
        None => Violation::info(SKIPPED, prints),
        Some(Ok(true)) => Violation::info(PASSED, prints),
        Some(Ok(false)) => Violation::deny(FAILED, with(prints, "is not true")),
        Some(Err(fault)) => Violation::deny(FAILED, with(prints, &fault.to_string())),
    };
    let location = Some(Location::line(&test.file, test.line));
    Violation { location, ..violation.about(test.query.trim_start_matches("data.")) }
}

fn with(prints: String, why: &str) -> String {
    if prints.is_empty() { why.to_owned() } else { format!("{why}\n{prints}") }
}

fn coverage(lines: &Lines) -> [Violation; 2] {
    let about = |rule: &str, numbers: &[u32]| Violation::info(rule, Lines::ranges(numbers)).about(&lines.file);
    [about(COVERED, &lines.covered), about(NOT_COVERED, &lines.not_covered)]
}
