//! Which lines a pull request changes, read from the patches that GitHub lists with its files.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Ranges of lines of the new files, by path. A file without a patch, because it is binary or too large, counts as
/// changed throughout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedLines {
    ranges_by_path: BTreeMap<String, Vec<Range>>,
}

/// First and last line, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub first: u32,
    pub last: u32,
}

const WHOLE_FILE: Range = Range { first: 1, last: u32::MAX };

impl ChangedLines {
    /// Of files by path and patch.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let ranges = |patch: Option<&str>| patch.map_or_else(|| vec![WHOLE_FILE], added_lines);
        Self { ranges_by_path: files.into_iter().map(|(path, patch)| (path.to_owned(), ranges(patch))).collect() }
    }

    /// Whether any of these lines was added or changed.
    pub fn touches(&self, path: &str, first: u32, last: u32) -> bool {
        let ranges = self.ranges_by_path.get(path);
        ranges.is_some_and(|ranges| ranges.iter().any(|range| range.first <= last && first <= range.last))
    }
}

/// The lines that a unified diff adds. What is no diff adds none: the text is GitHub's, yet nothing hangs on it but the
/// order of remarks.
fn added_lines(patch: &str) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut at = None;
    for line in patch.lines() {
        if line.starts_with("@@") {
            at = first_new_line(line);
            continue;
        }
        let Some(here) = at else { continue };
        match line.as_bytes().first() {
            Some(b'+') => {
                match ranges.last_mut() {
                    Some(range) if range.last.checked_add(1) == Some(here) => range.last = here,
                    _ => ranges.push(Range { first: here, last: here }),
                }
                at = here.checked_add(1);
            }
            // `\ No newline at end of file` is about the line before it.
            Some(b'-' | b'\\') => {}
            _ => at = here.checked_add(1),
        }
    }
    ranges
}

/// `@@ -3,7 +3,8 @@ fn main()` begins at the new file's line 3.
fn first_new_line(head: &str) -> Option<u32> {
    let new = head.split_whitespace().find_map(|word| word.strip_prefix('+'))?;
    new.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(patch: &str) -> Vec<(u32, u32)> {
        added_lines(patch).iter().map(|range| (range.first, range.last)).collect()
    }

    #[test]
    fn the_lines_that_a_patch_adds_are_those_of_the_new_file() {
        let patch = "@@ -1,4 +1,5 @@\n one\n-two\n+2\n+2b\n three\n four\n@@ -20,2 +21,3 @@ fn main() {\n a\n+b\n c";
        assert_eq!(ranges(patch), [(2, 3), (22, 22)]);
        assert_eq!(ranges("@@ -0,0 +1 @@\n+only\n\\ No newline at end of file"), [(1, 1)]);
        assert_eq!(ranges("@@ -1,2 +0,0 @@\n-a\n-b"), []);
    }

    #[test]
    fn what_is_no_patch_changes_nothing() {
        for odd in ["", "+a\n+b", "@@", "@@ -1 +x @@\n+a", "@@ -1 +4294967295 @@\n+a\n+b\n+c"] {
            assert!(ranges(odd).len() <= 1, "{odd:?}");
        }
    }

    #[test]
    fn a_file_without_a_patch_is_changed_throughout_and_an_unlisted_one_nowhere() {
        let changed = ChangedLines::of([("a.rs", Some("@@ -1 +1,2 @@\n a\n+b")), ("logo.png", None)]);
        assert!(changed.touches("a.rs", 2, 2) && changed.touches("a.rs", 1, 9) && !changed.touches("a.rs", 3, 9));
        assert!(changed.touches("logo.png", 700, 700));
        assert!(!changed.touches("b.rs", 1, u32::MAX));
    }
}
