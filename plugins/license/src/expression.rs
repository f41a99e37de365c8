//! A licence expression held against three lists. Reads with the library `spdx`, after `repair`; OR takes the best
//! branch, AND the worst, and an exception belongs to its licence. Knows nothing of packages and settings.

use crate::families::Versions;
use crate::repair::{Unparsed, repair};
use spdx::expression::{ExprNode, Operator};
use spdx::{AdditionItem, LicenseItem, LicenseReq, ParseMode};

/// What the lists say, from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Denied,
    Unlisted,
    Conditional,
    Allowed,
}

/// One licence, with its exception: `GPL-2.0-only WITH Classpath-exception-2.0` is one leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub text: String,
    versions: Versions,
    /// In lower case.
    exception: Option<String>,
}

/// The three lists. Deny wins over conditional over allow, and what a package is excepted for over all of them.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// Licences that this package may have, whatever the lists say.
    pub excepted: Vec<Leaf>,
    pub allowed: Vec<Leaf>,
    pub conditional: Vec<Leaf>,
    pub denied: Vec<Leaf>,
    pub deny_ignores_exceptions: bool,
}

/// An expression as read.
#[derive(Clone, Debug)]
pub struct Expression {
    /// In SPDX words.
    pub text: String,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(Leaf),
    And,
    Or,
}

/// What the lists say about an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub class: Class,
    /// The licences that are left after each choice took its best branch.
    pub chosen: String,
    /// Those of them that made the class.
    pub decisive: Vec<String>,
}

/// Words outside SPDX that tools write as if they were ids.
const CUSTOMARY: &[&str] = &["Commercial", "OTHER", "Proprietary", "UNLICENSED"];

/// Lax, but for the library's own guesses at names: those read a bare `GPL` as version 2.0, and prefixes as names.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: false,
    allow_imprecise_license_names: false,
    allow_unknown: true,
    ..ParseMode::LAX
};

impl Expression {
    pub fn read(text: &str) -> Result<Self, Unparsed> {
        let text = repair(text)?;
        let parsed = spdx::Expression::parse_mode(&text, MODE).map_err(|error| Unparsed(error.reason.to_string()))?;
        let nodes = parsed.iter().map(|node| match node {
            ExprNode::Op(Operator::And) => Node::And,
            ExprNode::Op(Operator::Or) => Node::Or,
            ExprNode::Req(found) => {
                let word = &text[found.span.start as usize..found.span.end as usize];
                Node::Leaf(Leaf::of(word, &found.req))
            }
        });
        let nodes = nodes.collect();
        Ok(Self { text, nodes })
    }

    /// The single licence that this is, if it is one.
    pub fn leaf(&self) -> Option<&Leaf> {
        match self.nodes.as_slice() {
            [Node::Leaf(leaf)] => Some(leaf),
            _ => None,
        }
    }

    pub fn judge(&self, lists: &Lists) -> Reading {
        let mut stack = Vec::<Branch>::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let branch = match node {
                Node::Leaf(leaf) => Branch { class: lists.class(leaf), leaves: vec![at] },
                operator => {
                    let right = stack.pop().expect("a parsed expression gives each operator two sides");
                    let left = stack.pop().expect("a parsed expression gives each operator two sides");
                    if matches!(operator, Node::And) { left.and(right) } else { left.or(right) }
                }
            };
            stack.push(branch);
        }
        let branch = stack.pop().expect("a parsed expression has a licence");
        self.reading(branch, lists)
    }

    fn reading(&self, mut branch: Branch, lists: &Lists) -> Reading {
        branch.leaves.sort_unstable();
        let mut chosen = Vec::<&Leaf>::new();
        for at in branch.leaves {
            if let Node::Leaf(leaf) = &self.nodes[at]
                && !chosen.iter().any(|seen| seen.text == leaf.text)
            {
                chosen.push(leaf);
            }
        }
        let decisive = chosen.iter().filter(|leaf| lists.class(leaf) == branch.class);
        let decisive = decisive.map(|leaf| leaf.text.clone()).collect();
        let chosen = chosen.iter().map(|leaf| leaf.text.as_str()).collect::<Vec<_>>().join(" AND ");
        Reading { class: branch.class, chosen, decisive }
    }
}

/// A part of an expression in which every choice is made.
struct Branch {
    class: Class,
    /// Places of the leaves among the nodes.
    leaves: Vec<usize>,
}

impl Branch {
    fn and(self, other: Self) -> Self {
        let class = self.class.min(other.class);
        // The shorter list moves: long chains stay linear.
        let (mut leaves, moved) = if self.leaves.len() < other.leaves.len() {
            (other.leaves, self.leaves)
        } else {
            (self.leaves, other.leaves)
        };
        leaves.extend(moved);
        Self { class, leaves }
    }

    /// At a tie the branch that was written first.
    fn or(self, other: Self) -> Self {
        if other.class > self.class { other } else { self }
    }
}

impl Leaf {
    fn of(word: &str, required: &LicenseReq) -> Self {
        let (mut text, versions) = match &required.license {
            LicenseItem::Spdx { id, or_later } => {
                let plus = if *or_later && !id.name.ends_with("-or-later") { "+" } else { "" };
                (format!("{}{plus}", id.name), Versions::of(id.name, *or_later))
            }
            LicenseItem::Other(_) => (word.to_owned(), Versions::of(word, false)),
        };
        let exception = required.addition.as_ref().map(|addition| match addition {
            AdditionItem::Spdx(exception) => exception.name.to_owned(),
            AdditionItem::Other(reference) => reference.add_ref.clone(),
        });
        if let Some(exception) = &exception {
            text.push_str(" WITH ");
            text.push_str(exception);
        }
        Self { text, versions, exception: exception.map(|exception| exception.to_ascii_lowercase()) }
    }

    /// Whether SPDX knows it, or it is openly a reference to something outside SPDX.
    pub fn is_known(&self) -> bool {
        let license = self.text.split(" WITH ").next().unwrap_or(&self.text);
        spdx::license_id(license).is_some() || license.contains("LicenseRef-") || CUSTOMARY.contains(&license)
    }

    /// Whether an entry of the allowed or conditional list covers this: some version belongs to both.
    fn is_covered_by(&self, entry: &Self) -> bool {
        self.exception == entry.exception && self.versions.intersects(&entry.versions)
    }
}

impl Lists {
    /// What the lists say about one licence.
    fn class(&self, leaf: &Leaf) -> Class {
        if self.excepted.iter().any(|entry| leaf.is_covered_by(entry)) {
            Class::Allowed
        } else if self.denied.iter().any(|entry| self.is_hit(leaf, entry)) {
            Class::Denied
        } else if self.conditional.iter().any(|entry| leaf.is_covered_by(entry)) {
            Class::Conditional
        } else if self.allowed.iter().any(|entry| leaf.is_covered_by(entry)) {
            Class::Allowed
        } else {
            Class::Unlisted
        }
    }

    /// Only the lowest version counts: who may take a later one is not bound to the denied one.
    fn is_hit(&self, leaf: &Leaf, entry: &Leaf) -> bool {
        let exception =
            leaf.exception == entry.exception || (self.deny_ignores_exceptions && entry.exception.is_none());
        exception && leaf.versions.begins_within(&entry.versions)
    }

    /// The place in the conditional list of the entry that covers `license`.
    pub fn condition(&self, license: &str) -> Option<usize> {
        let expression = Expression::read(license).ok()?;
        let leaf = expression.leaf()?;
        self.conditional.iter().position(|entry| leaf.is_covered_by(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(licenses: &[&str]) -> Vec<Leaf> {
        licenses
            .iter()
            .map(|text| Expression::read(text).expect("it is read").leaf().expect("it is one licence").clone())
            .collect()
    }

    fn lists() -> Lists {
        Lists {
            allowed: leaves(&["MIT", "Apache-2.0"]),
            conditional: leaves(&["MPL-2.0"]),
            denied: leaves(&["GPL-3.0-or-later"]),
            ..Lists::default()
        }
    }

    fn judge(text: &str, lists: &Lists) -> (Class, String) {
        let reading = Expression::read(text).unwrap_or_else(|unparsed| panic!("{text}: {unparsed:?}")).judge(lists);
        (reading.class, reading.chosen)
    }

    #[test]
    fn the_table_of_the_semantics_holds() {
        for (text, class, chosen) in [
            ("mit", Class::Allowed, "MIT"),
            ("MIT OR GPL-3.0-only", Class::Allowed, "MIT"),
            ("MIT AND MPL-2.0", Class::Conditional, "MIT AND MPL-2.0"),
            ("Apache-2.0 AND GPL-3.0", Class::Denied, "Apache-2.0 AND GPL-3.0-only"),
            ("GPL-2.0+", Class::Unlisted, "GPL-2.0-or-later"),
            ("GPL-3.0-only WITH GCC-exception-3.1", Class::Unlisted, "GPL-3.0-only WITH GCC-exception-3.1"),
            ("MIT, GPL-3.0", Class::Denied, "MIT AND GPL-3.0-only"),
            ("MIT OR LicenseRef-x", Class::Allowed, "MIT"),
            ("LicenseRef-x", Class::Unlisted, "LicenseRef-x"),
            ("OTHER", Class::Unlisted, "OTHER"),
        ] {
            assert_eq!(judge(text, &lists()), (class, chosen.to_owned()), "{text}");
        }
        assert!(Expression::read("(MIT").is_err());
        assert!(Expression::read("MIT)").is_err());
        assert!(Expression::read("MIT AND").is_err());
    }

    #[test]
    fn operators_bind_as_spdx_says() {
        assert_eq!(judge("MIT OR GPL-3.0 AND Apache-2.0", &lists()), (Class::Allowed, "MIT".to_owned()));
        assert_eq!(judge("(MIT OR GPL-3.0) AND GPL-3.0", &lists()).0, Class::Denied);
        assert_eq!(judge("GPL-3.0 OR (MIT AND MPL-2.0)", &lists()), (Class::Conditional, "MIT AND MPL-2.0".to_owned()));
        assert_eq!(judge("Apache-2.0 OR MIT", &lists()).1, "Apache-2.0", "at a tie the first branch");
    }

    #[test]
    fn an_or_later_licence_is_satisfied_by_an_allowed_later_version() {
        let allow_three = Lists { allowed: leaves(&["GPL-3.0"]), ..Lists::default() };
        assert_eq!(judge("GPL-2.0+", &allow_three).0, Class::Allowed);
        assert_eq!(judge("GPL-2.0-only", &allow_three).0, Class::Unlisted);
        let allow_from_two = Lists { allowed: leaves(&["GPL-2.0-or-later"]), ..Lists::default() };
        assert_eq!(judge("GPL-3.0-only", &allow_from_two).0, Class::Allowed);
    }

    #[test]
    fn the_lowest_version_decides_on_the_deny_list() {
        let deny_two = Lists { denied: leaves(&["GPL-2.0"]), ..Lists::default() };
        assert_eq!(judge("GPL-2.0+", &deny_two).0, Class::Denied);
        let deny_three = Lists { denied: leaves(&["GPL-3.0"]), ..Lists::default() };
        assert_eq!(judge("GPL-2.0+", &deny_three).0, Class::Unlisted);
    }

    #[test]
    fn an_exception_makes_another_licence() {
        let mut lists = Lists { denied: leaves(&["GPL-2.0-or-later"]), ..lists() };
        assert_eq!(judge("GPL-2.0-only WITH Classpath-exception-2.0", &lists).0, Class::Unlisted);
        lists.deny_ignores_exceptions = true;
        assert_eq!(judge("GPL-2.0-only WITH Classpath-exception-2.0", &lists).0, Class::Denied);
        lists.deny_ignores_exceptions = false;
        lists.allowed = leaves(&["GPL-2.0-only WITH Classpath-exception-2.0"]);
        assert_eq!(judge("gpl-2.0-with-classpath-exception", &lists).0, Class::Allowed);
        assert_eq!(judge("GPL-2.0-only", &lists).0, Class::Denied);
    }

    #[test]
    fn deny_wins_over_conditional_over_allowed() {
        let all = leaves(&["MIT"]);
        let mut lists = Lists { allowed: all.clone(), conditional: all.clone(), denied: all, ..Lists::default() };
        assert_eq!(judge("MIT", &lists).0, Class::Denied);
        lists.denied.clear();
        assert_eq!(judge("MIT", &lists).0, Class::Conditional);
    }

    #[test]
    fn a_reading_names_the_licences_that_made_the_class() {
        let reading = Expression::read("MIT AND MPL-2.0 AND GPL-3.0 AND MIT").expect("it is read").judge(&lists());
        assert_eq!(reading.decisive, ["GPL-3.0-only"]);
        assert_eq!(reading.chosen, "MIT AND MPL-2.0 AND GPL-3.0-only");
    }

    #[test]
    fn a_very_long_expression_takes_no_stack_and_little_time() {
        let text = vec!["MIT"; 20_000].join(" AND ");
        assert_eq!(judge(&text, &lists()), (Class::Allowed, "MIT".to_owned()));
        let deep = format!("{}MIT{}", "(".repeat(20_000), ")".repeat(20_000));
        assert_eq!(judge(&deep, &lists()).0, Class::Allowed);
    }
}
