//! How policies did in their tests: for a terminal, for CI (JUnit), for programs (JSON).

use super::escape::plain;
use super::terminal::{Colour, lines, table};
use comfy_table::{Cell, Color};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use std::time::Duration;

/// What `palisade policy test` found out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PolicyTests {
    pub policies: Vec<TestedPolicy>,
}

#[derive(Clone, Debug, Serialize)]
pub struct TestedPolicy {
    pub name: String,
    pub tests: Vec<Tested>,
    /// Lines that the tests in Rego ran, per file.
    pub coverage: Vec<FileCoverage>,
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

/// One test.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    pub name: String,
    pub kind: TestKind,
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    pub result: TestResult,
    /// Why it failed, and what it printed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What is tested, and how it was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    /// A rule whose name begins with `test_`.
    Rule,
    /// A file of `cases`, judged by the plugin `rego`.
    Case,
    /// The same, judged by the policy compiled with OPA.
    CompiledCase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    Passed,
    Failed,
    Skipped,
}

#[derive(Clone, Debug, Serialize)]
pub struct FileCoverage {
    pub file: String,
    pub covered: Vec<u32>,
    pub not_covered: Vec<u32>,
}

impl PolicyTests {
    pub fn count(&self, result: TestResult) -> usize {
        self.policies.iter().map(|policy| policy.count(result)).sum()
    }

    /// Percent of all lines that can run; nothing where no line can.
    pub fn coverage(&self) -> Option<f64> {
        percent(self.policies.iter().flat_map(|policy| &policy.coverage))
    }

    pub fn terminal(&self, colour: Colour) -> String {
        let mut parts: Vec<String> = self.policies.iter().filter_map(failures).collect();
        let mut summary = table(colour, &["Policy", "Passed", "Failed", "Skipped", "Coverage", "Not covered"]);
        for policy in &self.policies {
            let failed = policy.count(TestResult::Failed);
            let tone = if failed == 0 { Color::Green } else { Color::Red };
            summary.add_row(vec![
                Cell::new(plain(&policy.name)).fg(tone),
                Cell::new(policy.count(TestResult::Passed)),
                Cell::new(failed).fg(if failed == 0 { Color::Reset } else { Color::Red }),
                Cell::new(policy.count(TestResult::Skipped)),
                Cell::new(percent(policy.coverage.iter()).map_or("-".to_owned(), |percent| format!("{percent:.1} %"))),
                Cell::new(uncovered(policy)),
            ]);
        }
        parts.push(lines(&summary));
        parts.join("\n\n") + "\n"
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data with text keys always serializes") + "\n"
    }

    /// As CI systems read it: a suite per policy.
    pub fn junit(&self) -> String {
        let mut report = Report::new("palisade policy test");
        report.add_test_suites(self.policies.iter().map(|policy| {
            let mut suite = TestSuite::new(policy.name.clone());
            suite.set_time(policy.took);
            suite.add_test_cases(policy.tests.iter().map(Tested::junit));
            suite
        }));
        report.to_string().expect("text without control characters always serializes")
    }
}

impl TestedPolicy {
    fn count(&self, result: TestResult) -> usize {
        self.tests.iter().filter(|test| test.result == result).count()
    }
}

impl Tested {
    fn junit(&self) -> TestCase {
        let status = match self.result {
            TestResult::Passed => TestCaseStatus::success(),
            TestResult::Skipped => TestCaseStatus::skipped(),
            TestResult::Failed => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(plain(&self.message));
                status
            }
        };
        let mut case = TestCase::new(plain(&self.name), status);
        case.set_classname(plain(&self.file));
        case
    }

    fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

/// A line for each failed test, with what it said below.
fn failures(policy: &TestedPolicy) -> Option<String> {
    let failed = policy.tests.iter().filter(|test| test.result == TestResult::Failed);
    let told = failed.map(|test| {
        let how = if test.kind == TestKind::CompiledCase { " (compiled)" } else { "" };
        let message: Vec<String> = test.message.lines().map(|line| format!("    {}", plain(line))).collect();
        format!("failed: {}{how}\n  {}\n{}", plain(&test.name), plain(&test.place()), message.join("\n"))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

fn percent<'a>(files: impl Iterator<Item = &'a FileCoverage>) -> Option<f64> {
    let (covered, all) = files.fold((0, 0), |(covered, all), file| {
        (covered + file.covered.len(), all + file.covered.len() + file.not_covered.len())
    });
    (all > 0).then(|| 100.0 * covered as f64 / all as f64)
}

fn uncovered(policy: &TestedPolicy) -> String {
    let files = policy.coverage.iter().filter(|file| !file.not_covered.is_empty());
    let told: Vec<String> = files.map(|file| format!("{}:{}", plain(&file.file), ranges(&file.not_covered))).collect();
    told.join(" ")
}

/// `1-3,7`, as people read lines.
fn ranges(lines: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &line in lines {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(line) => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(",")
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested() -> PolicyTests {
        let test = |name: &str, result, message: &str| Tested {
            name: name.to_owned(),
            kind: TestKind::Rule,
            file: "main_test.rego".to_owned(),
            line: Some(7),
            result,
            message: message.to_owned(),
        };
        let coverage =
            vec![FileCoverage { file: "main.rego".to_owned(), covered: vec![3, 4, 5], not_covered: vec![7, 8, 11] }];
        let tests = vec![
            test("main_test.test_good", TestResult::Passed, ""),
            test("main_test.test_bad", TestResult::Failed, "is not true\nmain_test.rego:7: <seen>"),
            test("main_test.todo_test_later", TestResult::Skipped, ""),
        ];
        PolicyTests {
            policies: vec![TestedPolicy {
                name: "licenses".to_owned(),
                tests,
                coverage,
                took: Duration::from_millis(1500),
            }],
        }
    }

    #[test]
    fn a_terminal_shows_what_failed_where_and_which_lines_nothing_ran() {
        insta::assert_snapshot!(tested().terminal(Colour::Plain));
    }

    #[test]
    fn junit_names_each_test_and_escapes_what_it_said() {
        insta::assert_snapshot!(tested().junit());
    }

    #[test]
    fn coverage_is_counted_in_lines() {
        assert_eq!(tested().coverage(), Some(50.0));
        assert_eq!(PolicyTests::default().coverage(), None);
    }
}
