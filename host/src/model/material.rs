//! What a decision was made from, beside its plan: enough to make it again without GitHub.

use super::artifact::{Source, UnreadableArtifact};
use super::evidence::Context;
use super::ids::{CheckName, Digest, RunId};
use super::provenance::Acceptance;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The input of a judgement as its record keeps it. The files themselves are kept beside the record, by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// The version of the host that judged.
    pub host: String,
    pub context: Context,
    /// Whose cached reports were used.
    pub tenant: String,
    pub unclaimed: Unclaimed,
    /// Who had accepted evidence below a check's minimum, and which.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accepted: BTreeMap<CheckName, Acceptance>,
    /// The files that decided something, in the order of their paths.
    pub files: Vec<JudgedFile>,
    /// Files that nobody claimed and that no name calls evidence: listed, nothing more, and never kept.
    pub passed_over: u32,
    /// What could not be opened, with the name of its artifact, also where it counts for nothing.
    pub unopened: Vec<(String, UnreadableArtifact)>,
    /// Runs whose uploads could not be listed.
    pub unlisted: Vec<UnreadableArtifact>,
    /// Paths that the pull requests change, as policies saw them; absent where they were not all known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_paths: Option<Vec<String>>,
    /// The file with the bases that it was judged from, and what its findings were held against there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standpoints: Option<Digest>,
    /// Why the files are not kept beside the record, where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_missing: Option<String>,
}

/// One file that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedFile {
    pub source: Source,
    pub digest: Digest,
    pub size_bytes: u64,
}

impl JudgedFile {
    /// By path, then run, then content: whatever came first must not show.
    pub fn order(&self) -> (&str, Option<RunId>, Digest) {
        (&self.source.path, self.source.run.as_ref().map(|run| run.id), self.digest)
    }
}

/// What a file is that no normalizer claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unclaimed {
    /// Somebody named it as evidence: then it is unreadable.
    IsUnreadable,
    /// One of many uploads: nothing, unless its artifact's name says that it is evidence.
    IsListed,
}
