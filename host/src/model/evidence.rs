//! The reports of a commit, seen together. Computed once per job by `correlate`, pure.

use super::artifact::{Source, UnreadableArtifact};
use super::ids::{Digest, Unix};
use super::report::{Properties, Report, words};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the evaluators of one job see. Shared, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evidence {
    pub context: Context,
    /// In the order of their paths, so that equal inputs give equal evidence.
    pub reports: Vec<SourcedReport>,
    pub unreadable: Vec<UnreadableArtifact>,
    /// Every finding of every report, members of a group side by side.
    pub findings: Vec<AssessedFinding>,
    /// Number of groups, and how many have a member that is not hidden.
    pub groups: u32,
    pub live_groups: u32,
    /// The newest reports of the base branch, if there are any, reduced to what findings and components are known by.
    pub baseline: Option<Vec<SourcedReport>>,
    pub changed_paths: Option<Vec<String>>,
    /// What people should know about the waivers: expired, unused, not applicable, an id to add.
    pub notices: Vec<String>,
}

/// A report with where its artifact came from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourcedReport {
    #[serde(with = "shared")]
    pub report: Arc<Report>,
    pub source: Source,
    pub digest: Digest,
    /// The plugin that wrote it.
    pub normalizer: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    pub owner: String,
    pub repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<u64>,
    pub head_sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    pub pull_requests: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    pub now: Unix,
    pub properties: Properties,
}

/// An item of one of `Evidence::reports`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemRef {
    pub report: u32,
    pub index: u32,
}

words!(HiddenBy { Tool = "tool", Vex = "vex", Waiver = "waiver" });
words!(Age { Unknown = "unknown", Existing = "existing", Introduced = "introduced", Disclosed = "disclosed" });

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    pub by: HiddenBy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    pub why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Unix>,
}

/// A finding by reference, with what the host found out about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessedFinding {
    pub at: ItemRef,
    pub group: u32,
    pub age: Age,
    pub hidden: Option<Hidden>,
}

/// A shared report is written as the report itself.
mod shared {
    use super::{Arc, Report};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(report: &Arc<Report>, serializer: S) -> Result<S::Ok, S::Error> {
        report.as_ref().serialize(serializer)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Report>, D::Error> {
        Report::deserialize(deserializer).map(Arc::new)
    }
}
