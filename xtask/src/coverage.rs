//! Which tests prove which requirement. An id counts only through a test that ran and passed in the run that was recorded
//! last: what nobody ran, or somebody ignores, proves nothing.

mod results;
mod sources;
mod table;

pub use results::Recorder;

use crate::stages::Outcome;
use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use results::Results;
use serde::Deserialize;
use sources::TaggedTest;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// A test that claims more proves none of it well.
const MOST_IDS: usize = 3;

/// The list of ids, as `tests/coverage.toml` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Ids of this issue and of earlier ones must be proven.
    current: u32,
    id: BTreeMap<String, Requirement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    issue: u32,
    asks: String,
}

/// Whether an id is proven, or need not be yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Proven,
    Missing,
    Later,
}

/// An id, and the tests that name it and passed.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    id: &'a str,
    issue: u32,
    asks: &'a str,
    tests: Vec<&'a str>,
    standing: Standing,
}

pub fn results_file() -> PathBuf {
    tools::target_directory().join("test-results.txt")
}

/// Prints the table, and fails for what is wrong with the tags and for what lacks a test.
pub fn check() -> Result<Outcome> {
    let workspace = tools::workspace();
    let asked = read_asked(&workspace.join("tests").join("coverage.toml"))?;
    let files = sources::files(&workspace)?;
    let results = Results::read(&results_file())?;
    results.ensure_newer_than(&files)?;
    let (tests, mut problems) = tagged_tests(&workspace, &files)?;
    problems.extend(wrong_tags(&asked, &tests));
    let lines = lines(&asked, &tests, &results);
    println!("{}", table::table(&lines, std::io::stdout().is_terminal()));
    problems.extend(tests.iter().filter(|test| !results.passed(test)).map(|test| {
        format!("{}: `{}` names {} and did not pass in this run", test.file, test.name(), test.ids.join(", "))
    }));
    problems.extend(lines.iter().filter(|line| line.standing == Standing::Missing).map(|line| {
        format!("{} has no test that passed: {}; name it in a line `/// Proves {}.`", line.id, line.asks, line.id)
    }));
    if problems.is_empty() { Ok(Outcome::Done) } else { bail!("{}", problems.join("\n  ")) }
}

fn read_asked(file: &Path) -> Result<Asked> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    toml::from_str(&text).with_context(|| format!("reading {}", file.display()))
}

fn tagged_tests(workspace: &Path, files: &[PathBuf]) -> Result<(Vec<TaggedTest>, Vec<String>)> {
    let (mut tests, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        if !text.contains(sources::MARK) {
            continue;
        }
        let shown = file.strip_prefix(workspace).unwrap_or(file).display().to_string();
        let (found, wrong) = sources::tagged(&shown, &text)?;
        tests.extend(found);
        problems.extend(wrong);
    }
    ensure!(!tests.is_empty(), "no test names an id in a line `/// {} R1.`", sources::MARK);
    Ok((tests, problems))
}

fn wrong_tags(asked: &Asked, tests: &[TaggedTest]) -> Vec<String> {
    let mut problems = Vec::new();
    for test in tests {
        let named = format!("{}: `{}`", test.file, test.name());
        if test.ids.len() > MOST_IDS {
            problems.push(format!("{named} names {} ids; at most {MOST_IDS} are taken", test.ids.len()));
        }
        let unknown = test.ids.iter().filter(|id| !asked.id.contains_key(id.as_str()));
        problems.extend(unknown.map(|id| format!("{named} names {id}, which tests/coverage.toml does not list")));
    }
    problems
}

fn lines<'a>(asked: &'a Asked, tests: &'a [TaggedTest], results: &Results) -> Vec<Line<'a>> {
    let passed: Vec<&TaggedTest> = tests.iter().filter(|test| results.passed(test)).collect();
    let line = |(id, requirement): (&'a String, &'a Requirement)| {
        let naming = passed.iter().filter(|test| test.ids.contains(id));
        let tests: Vec<&str> = naming.map(|test| test.name()).collect();
        let standing = match (tests.is_empty(), requirement.issue <= asked.current) {
            (false, _) => Standing::Proven,
            (true, true) => Standing::Missing,
            (true, false) => Standing::Later,
        };
        Line { id, issue: requirement.issue, asks: &requirement.asks, tests, standing }
    };
    let mut lines: Vec<Line<'a>> = asked.id.iter().map(line).collect();
    lines.sort_by_key(|line| order(line.id));
    lines
}

/// R1 to R40, W01 to W43, C1 to C12.
fn order(id: &str) -> (usize, u32) {
    let kind = ["R", "W", "C"].iter().position(|kind| id.starts_with(kind)).unwrap_or(usize::MAX);
    (kind, id.get(1..).and_then(|number| number.parse().ok()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        let text = "current = 5\n[id]\nR10 = { issue = 4, asks = \"ten\" }\nR2 = { issue = 5, asks = \"two\" }\n\
                    W01 = { issue = 6, asks = \"one\" }\n";
        toml::from_str(text).expect("a list")
    }

    fn test(name: &str, ids: &[&str]) -> TaggedTest {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        TaggedTest { file: "tests/tests/line.rs".to_owned(), paths: vec![format!("line::{name}")], ids }
    }

    #[test]
    fn an_id_counts_through_a_test_that_passed_and_through_no_other() {
        let (asked, tests) =
            (asked(), [test("passes", &["R2"]), test("fails", &["R10"]), test("is_ignored", &["W01"])]);
        let results = Results::parse(
            "test line::passes ... ok\ntest line::fails ... FAILED\ntest line::is_ignored ... ignored, slow\n",
        );
        let lines = lines(&asked, &tests, &results);
        let standings: Vec<_> = lines.iter().map(|line| (line.id, line.standing)).collect();
        assert_eq!(standings, [("R2", Standing::Proven), ("R10", Standing::Missing), ("W01", Standing::Later)]);
        assert_eq!(lines[0].tests, ["line::passes"]);
    }

    #[test]
    fn too_many_and_unknown_ids_are_refused() {
        let tests = [test("greedy", &["R2", "R10", "W01", "R2"]), test("wild", &["R99"])];
        assert_eq!(
            wrong_tags(&asked(), &tests),
            [
                "tests/tests/line.rs: `line::greedy` names 4 ids; at most 3 are taken",
                "tests/tests/line.rs: `line::wild` names R99, which tests/coverage.toml does not list",
            ]
        );
    }

    #[test]
    fn the_list_has_every_id_once() {
        let asked = read_asked(&tools::workspace().join("tests").join("coverage.toml")).expect("the list");
        let of = |kind: &str| asked.id.keys().filter(|id| id.starts_with(kind)).count();
        assert_eq!((of("R"), of("W"), of("C"), asked.id.len()), (40, 37, 12, 89));
    }
}
