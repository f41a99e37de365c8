//! Where checks apply: groups choose repositories by name, owner, topic and language, and pull requests by the files
//! that they change. Whoever is listed by no group applies everywhere; of several groups that match the stricter wins.

use super::FailClosed;
use crate::config::nearest;
use crate::model::RepositoryName;
use crate::model::ids::CheckName;
use crate::model::plan::Mode;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A group as the configuration has it. What is empty asks for nothing; within one list one entry is enough, and all
/// lists that have entries must match.
#[derive(Clone, Debug, Default)]
pub struct GroupConfig {
    /// Globs over `owner/name`, or without a `/` over the name, compared without case.
    pub repositories: Vec<String>,
    /// Globs over the owner's name.
    pub owners: Vec<String>,
    pub topics: Vec<String>,
    pub languages: Vec<String>,
    /// Globs over changed files; `*` stays within a directory, `**` does not.
    pub paths: Vec<String>,
    pub checks: Vec<String>,
    pub mode: Option<Mode>,
    pub fail_closed: Option<FailClosed>,
}

/// A group that was held against the checks that there are.
#[derive(Clone, Debug)]
pub struct Group {
    repositories: Patterns,
    owners: Patterns,
    topics: Vec<String>,
    languages: Vec<String>,
    paths: Patterns,
    checks: Vec<String>,
    pub(super) mode: Option<Mode>,
    pub(super) fail_closed: Option<FailClosed>,
}

/// Globs, of which none asks for nothing.
#[derive(Clone, Debug)]
struct Patterns {
    texts: Vec<String>,
    globs: GlobSet,
}

/// What a group looks at: a repository, and the files of a pull request.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub repository: &'a RepositoryName,
    pub topics: &'a [String],
    pub language: Option<&'a str>,
    /// Paths of changed files, the former ones of renamed files among them. Absent where they are not known, or are too
    /// many for GitHub to tell: then what looks at paths applies.
    pub changed: Option<&'a [String]>,
}

/// Whether a check applies to a target, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Applies {
        mode: Mode,
        fail_closed: FailClosed,
    },
    /// No group that lists the check is about this repository.
    OtherRepository,
    /// The groups that are about this repository are about other files.
    OtherPaths(Vec<String>),
}

impl Group {
    /// The group, or everything that is wrong with it.
    pub fn parse(config: &GroupConfig, checks: &[CheckName]) -> Result<Self, Vec<String>> {
        let mut problems: Vec<String> = config.checks.iter().filter_map(|name| unknown_check(name, checks)).collect();
        if config.checks.is_empty() {
            problems.push("checks is empty: name the checks that apply here".to_owned());
        }
        let (repositories, owners, paths) = (
            patterns("repositories", &config.repositories, Case::Ignored, &mut problems),
            patterns("owners", &config.owners, Case::Ignored, &mut problems),
            patterns("paths", &config.paths, Case::Counts, &mut problems),
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            repositories,
            owners,
            topics: config.topics.clone(),
            languages: config.languages.clone(),
            paths,
            checks: config.checks.clone(),
            mode: config.mode,
            fail_closed: config.fail_closed,
        })
    }

    fn lists(&self, check: &str) -> bool {
        self.checks.iter().any(|listed| listed == check)
    }

    fn is_about(&self, target: &Target<'_>) -> bool {
        let repository = target.repository;
        let named = self.repositories.texts.is_empty()
            || self.repositories.globs.is_match(repository.to_string())
            || self.repositories.globs.is_match(repository.name());
        let owned = self.owners.texts.is_empty() || self.owners.globs.is_match(repository.owner());
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let topics = self.topics.is_empty()
            || self.topics.iter().any(|wanted| target.topics.iter().any(|topic| same(wanted, topic)));
        let languages = self.languages.is_empty()
            || self.languages.iter().any(|wanted| target.language.is_some_and(|language| same(wanted, language)));
        named && owned && topics && languages
    }

    fn touches(&self, changed: Option<&[String]>) -> bool {
        let matches = |paths: &[String]| paths.iter().any(|path| self.paths.globs.is_match(path));
        self.paths.texts.is_empty() || changed.is_none_or(matches)
    }
}

/// Where a check stands, by the groups that list it. `mode` and `fail_closed` are its own.
pub(super) fn place(
    groups: &[Group],
    check: &str,
    (mode, fail_closed): (Mode, FailClosed),
    target: &Target<'_>,
) -> Place {
    let mut listing = groups.iter().filter(|group| group.lists(check)).peekable();
    if listing.peek().is_none() {
        return Place::Applies { mode, fail_closed };
    }
    let here: Vec<&Group> = listing.filter(|group| group.is_about(target)).collect();
    let matching: Vec<&Group> = here.iter().copied().filter(|group| group.touches(target.changed)).collect();
    let modes = matching.iter().map(|group| group.mode.unwrap_or(mode));
    match (modes.max(), here.is_empty()) {
        (Some(mode), _) => {
            let closed = matching.iter().map(|group| group.fail_closed.unwrap_or(fail_closed)).max();
            Place::Applies { mode, fail_closed: closed.unwrap_or(fail_closed) }
        }
        (None, true) => Place::OtherRepository,
        (None, false) => {
            let mut paths: Vec<String> = here.iter().flat_map(|group| group.paths.texts.iter().cloned()).collect();
            paths.sort_unstable();
            paths.dedup();
            Place::OtherPaths(paths)
        }
    }
}

/// Whether a check of this target is chosen by the files that changed.
pub(super) fn asks_for_paths(groups: &[Group], target: &Target<'_>) -> bool {
    groups.iter().any(|group| !group.paths.texts.is_empty() && group.is_about(target))
}

fn unknown_check(name: &str, checks: &[CheckName]) -> Option<String> {
    let known = || checks.iter().map(CheckName::as_str);
    if known().any(|check| check == name) {
        return None;
    }
    Some(match nearest(name, known()) {
        Some(near) => format!("checks: there is no check {name:?}; did you mean {near:?}?"),
        None => {
            format!("checks: there is no check {name:?}; there are: {}", known().collect::<Vec<_>>().join(", "))
        }
    })
}

#[derive(Clone, Copy)]
enum Case {
    Counts,
    Ignored,
}

fn patterns(key: &str, texts: &[String], case: Case, problems: &mut Vec<String>) -> Patterns {
    let mut set = GlobSetBuilder::new();
    for text in texts {
        let mut glob = GlobBuilder::new(text);
        match glob.case_insensitive(matches!(case, Case::Ignored)).literal_separator(true).build() {
            Ok(glob) => drop(set.add(glob)),
            Err(error) => problems.push(format!("{key}: {error}")),
        }
    }
    let globs = set.build().unwrap_or_else(|error| {
        problems.push(format!("{key}: {error}"));
        GlobSet::empty()
    });
    Patterns { texts: texts.to_vec(), globs }
}

#[cfg(test)]
mod tests;
