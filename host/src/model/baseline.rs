//! What a commit's findings are compared with: the newest evidence of the branch that it is to be merged into.

use super::evidence::SourcedReport;
use super::ids::{Digest, HeadSha, RunId, Unix};
use super::report::Coverage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest evidence of a branch, reduced to what a comparison needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Baseline {
    /// One for each workflow of the branch, in the order of their paths.
    pub runs: Vec<BaselineRun>,
    pub reports: Vec<SourcedReport>,
}

/// The newest run of one workflow on the branch that brought evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineRun {
    pub workflow_path: String,
    pub id: RunId,
    pub attempt: u32,
    /// The commit of the branch that it ran on.
    pub sha: HeadSha,
    pub created_at: Unix,
}

/// What was looked for, and what was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// The base branch if it is the default or a protected one, else the default branch.
    pub branch: String,
    /// Absent while the branch has no evidence.
    pub baseline: Option<Baseline>,
    /// Why nobody can say whether it has any: GitHub or the store could not be reached.
    pub outage: Option<String>,
}

/// What the comparison came to, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineRecord {
    pub branch: String,
    /// Empty: there is no baseline yet.
    pub runs: Vec<BaselineRun>,
    pub outage: Option<String>,
    /// What it was compared with: path, digest of the file, and the plugin that read it.
    pub reports: Vec<(String, Digest, String)>,
    /// Live groups of findings on this side, and those of the other side that are gone.
    pub counts: BTreeMap<Coverage, AgeCounts>,
    /// Findings that are gone, as many as people can read; `counts` has all of them.
    pub fixed: Vec<FixedRecord>,
    /// What makes the two sides less comparable: other versions of a tool or of its database, a kind without evidence.
    pub differences: Vec<String>,
}

impl BaselineRecord {
    /// The newest commit of the branch that has evidence.
    pub fn newest(&self) -> Option<&BaselineRun> {
        self.runs.iter().max_by_key(|run| (run.created_at, run.id))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeCounts {
    pub introduced: u32,
    pub disclosed: u32,
    pub existing: u32,
    /// Nothing of this kind to compare with.
    pub unknown: u32,
    pub fixed: u32,
}

impl std::ops::AddAssign for AgeCounts {
    fn add_assign(&mut self, other: Self) {
        self.introduced += other.introduced;
        self.disclosed += other.disclosed;
        self.existing += other.existing;
        self.unknown += other.unknown;
        self.fixed += other.fixed;
    }
}

/// A finding of the baseline that is no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FixedRecord {
    pub kind: Coverage,
    pub id: String,
    /// The package's purl, or its name and version.
    pub package: Option<String>,
    pub path: Option<String>,
}
