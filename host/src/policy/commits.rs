//! Which commits are judged that no pull request has as its head: pushed to a branch or a tag that the operator names.

use crate::model::plan::PushedCommits;
use globset::GlobBuilder;
use std::collections::BTreeSet;

/// Whether a commit is judged for one of the references that were pushed to it, `refs/heads/main` or `refs/tags/v1`.
pub fn judges_commit(references: &BTreeSet<String>, commits: &PushedCommits) -> bool {
    let named = |prefix: &str, patterns: &[String]| {
        references.iter().filter_map(|reference| reference.strip_prefix(prefix)).any(|name| matches(patterns, name))
    };
    named("refs/heads/", &commits.branches) || named("refs/tags/", &commits.tags)
}

/// As GitHub matches names of branches: with case, and a star ends at a slash.
fn matches(patterns: &[String], name: &str) -> bool {
    // A pattern that is not a glob was refused when the configuration was read.
    let globs = patterns.iter().filter_map(|pattern| GlobBuilder::new(pattern).literal_separator(true).build().ok());
    globs.into_iter().any(|glob| glob.compile_matcher().is_match(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(references: &[&str]) -> bool {
        let commits =
            PushedCommits { branches: vec!["main".to_owned(), "release/*".to_owned()], tags: vec!["v*".to_owned()] };
        judges_commit(&references.iter().map(|reference| (*reference).to_owned()).collect(), &commits)
    }

    #[test]
    fn a_commit_is_judged_for_a_branch_or_a_tag_that_is_named() {
        assert!(judged(&["refs/heads/main"]));
        assert!(judged(&["refs/heads/feature", "refs/heads/release/1.2"]));
        assert!(judged(&["refs/tags/v1.0"]));
        assert!(!judged(&["refs/heads/feature"]));
        assert!(!judged(&["refs/tags/main", "refs/heads/v1.0"]), "a tag is no branch");
        assert!(!judged(&["refs/heads/release/1/2"]), "a star ends at a slash");
        assert!(!judged(&["refs/heads/Main"]), "names of branches have a case");
        assert!(!judged(&[]));
    }

    #[test]
    fn nothing_is_judged_that_nobody_named() {
        let pushed = BTreeSet::from(["refs/heads/main".to_owned()]);
        assert!(!judges_commit(&pushed, &PushedCommits::default()));
    }
}
