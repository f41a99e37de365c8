//! A file out of a workflow run's uploads: content-addressed, immutable, fetched once, shared by every plugin call.

use super::ids::{Digest, RunId, Unix};
use super::provenance::Attestation;
use super::report::{Coverage, Provenance};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One file. Cloning shares the bytes, which may be a read-only mapping.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub source: Source,
    pub digest: Digest,
    pub bytes: Bytes,
    pub outline: Outline,
}

/// Where an artifact comes from. Attached per job and never cached: a fork's copy of a trusted file stays a fork's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Absent for files given on the command line.
    pub provenance: Option<Provenance>,
    /// `<artifact name>/<path inside it>`, or the path as typed for a local file.
    pub path: String,
    pub run: Option<RunSource>,
}

/// The workflow run that uploaded it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSource {
    pub id: RunId,
    pub attempt: u32,
    pub workflow_id: Option<u64>,
    pub workflow_path: String,
    /// The git blob id of the workflow file that ran, where it is known.
    pub workflow_sha: Option<String>,
    pub event: String,
    /// The repository that was judged, and the one that the head belongs to (absent when the fork was deleted).
    pub repository_id: Option<u64>,
    pub head_repository_id: Option<u64>,
    pub head_sha: String,
    pub actor: Option<String>,
    /// Who started this attempt.
    pub triggering_actor: Option<String>,
    pub created_at: Unix,
    pub artifact_id: Option<u64>,
    /// Of the artifact as it was uploaded, before it was unpacked.
    pub artifact_digest: Option<Digest>,
    /// Uploaded before this attempt began: what an earlier attempt of the same run left.
    pub stale_attempt: bool,
    /// Why its provenance is no better, as the rest of a sentence; empty where nothing is to be said.
    pub because: String,
    /// GitHub could not be asked how far the run can be trusted: it may be better than it is said to be.
    pub unread: bool,
    /// What came of its attestations; absent where none was found or looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
}

impl RunSource {
    /// Its head belongs to another repository than the one that was judged, or nobody knows to which.
    pub fn is_fork(&self) -> bool {
        self.head_repository_id.is_none() || self.head_repository_id != self.repository_id
    }

    /// The workflow that signed a statement about it which holds.
    pub fn signer(&self) -> Option<&str> {
        match &self.attestation {
            Some(Attestation::Verified { signer }) => Some(signer),
            Some(Attestation::Refused { .. }) | None => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    Json,
    JsonLines,
    Xml,
    Text,
    Binary,
}

/// What a file is made of: one streaming pass, at most 256 members of 256 bytes and depth 128.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub syntax: Syntax,
    /// `utf-8`, `utf-16le`, `utf-16be`, `binary`.
    pub encoding: String,
    /// JSON: members of the top-level object with the JSON text of short scalars, `{` or `[` for objects and
    /// arrays, `None` where it is too long. XML: the root element's attributes.
    pub members: Vec<(String, Option<String>)>,
    /// XML: the root element's local name.
    pub root: Option<String>,
    /// There are more members, or longer values, than are shown.
    pub cut: bool,
    /// False for a file that breaks off or goes wrong.
    pub well_formed: bool,
}

/// An artifact, or a file of one, that cannot be opened, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableArtifact {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The format that it was taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What it would have covered, as far as known; empty means unknown.
    pub covers: Vec<Coverage>,
    pub reason: String,
    pub cause: UnreadableCause,
    /// How far it could be trusted; absent for files given on the command line, and where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

/// Whose doing it is. Decides between broken (failure) and outage (neutral).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnreadableCause {
    /// Malformed, over a limit, gone (404, 410), wrong digest, time cap.
    File,
    /// Two normalizers claim it and no binding decides.
    Ambiguous,
    /// What was read is incomplete because a limit was reached.
    Cut,
    /// The plugin that should have read it trapped, ran too long or answered nonsense.
    Plugin,
    /// GitHub or the store could not be reached after all retries: our outage.
    Outage,
}
