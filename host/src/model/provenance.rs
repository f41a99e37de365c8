//! How far evidence can be trusted, and who accepted it all the same. The tiers themselves are `report::Provenance`.

use super::ids::{Digest, Unix};
use super::report::{Coverage, Provenance};
use serde::{Deserialize, Serialize};

/// A reusable workflow that a run called, in the version that ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReferencedWorkflow {
    /// `owner/repository/.github/workflows/scan.yml`, without `@ref`.
    pub path: String,
    pub sha: String,
}

impl ReferencedWorkflow {
    /// From GitHub's path, which may end in `@ref`.
    pub fn of(path: &str, sha: &str) -> Self {
        // A ref may hold slashes and `@`, so the file ends at the first `@` behind its directory.
        let file = path.find(".github/").and_then(|start| path[start..].find('@').map(|end| &path[..start + end]));
        Self { path: file.unwrap_or(path).to_owned(), sha: sha.to_owned() }
    }
}

/// The tier of one run's uploads, and how it came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    pub provenance: Provenance,
    /// Why it is no better, as the rest of a sentence; empty where nothing is to be said.
    pub because: String,
    /// GitHub could not be asked: the run may be better than this.
    pub unread: bool,
    /// The git blob id of the workflow file that ran, where it is known.
    pub workflow_sha: Option<String>,
}

/// What came of the signed statements that GitHub keeps about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attestation {
    /// One holds: who signed it, as the certificate names the workflow.
    Verified { signer: String },
    /// There are some, and none holds: why, as the rest of a sentence.
    Refused { because: String },
}

/// Evidence that does not count for a check, because it is below the check's minimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub path: String,
    pub digest: Option<Digest>,
    pub provenance: Provenance,
    /// Why it is no better, as the rest of a sentence.
    pub because: String,
    /// GitHub could not be asked how far it can be trusted.
    pub unread: bool,
    /// What it covers; empty means unknown.
    pub covers: Vec<Coverage>,
}

/// Somebody with write access took responsibility for evidence below the minimum, for one commit and check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    pub by: String,
    pub at: Unix,
    /// Of exactly the evidence that was accepted.
    pub evidence: Digest,
}

/// What a button carries of the evidence that it was shown for, so that a press accepts that and no other: 78 bits, since
/// GitHub takes 20 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AcceptKey([u8; KEY_LENGTH]);

const KEY_LENGTH: usize = 13;
const ACCEPT: &str = "accept:";

impl AcceptKey {
    pub fn of(evidence: &Digest) -> Self {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(evidence.as_bytes());
        Self(text.as_bytes()[..KEY_LENGTH].try_into().expect("a digest has 43 characters"))
    }

    /// The button's identifier, or what one says.
    pub fn identifier(self) -> String {
        format!("{ACCEPT}{}", String::from_utf8_lossy(&self.0))
    }

    pub fn from_identifier(identifier: &str) -> Option<Self> {
        identifier.strip_prefix(ACCEPT)?.as_bytes().try_into().ok().map(Self)
    }
}

impl std::fmt::Debug for AcceptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.identifier())
    }
}

/// What stands for this evidence and no other: its names and its bytes, in whatever order.
pub fn digest_of(left_out: &[LeftOut]) -> Digest {
    let mut parts: Vec<(&str, Option<Digest>)> =
        left_out.iter().map(|evidence| (evidence.path.as_str(), evidence.digest)).collect();
    parts.sort_unstable();
    Digest::of(&serde_json::to_vec(&parts).expect("texts and digests are serializable"))
}

/// Whether evidence of this provenance is enough. Files given on the command line are their owner's own.
pub fn meets(provenance: Option<Provenance>, minimum: Option<Provenance>) -> bool {
    match (provenance, minimum) {
        (Some(provenance), Some(minimum)) => provenance >= minimum,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_names_its_evidence_within_githubs_twenty_characters() {
        let key = AcceptKey::of(&Digest::of(b"evidence"));
        assert_eq!(key.identifier().len(), 20);
        assert_eq!(AcceptKey::from_identifier(&key.identifier()), Some(key));
        assert_ne!(key, AcceptKey::of(&Digest::of(b"other evidence")));
        assert_eq!(AcceptKey::from_identifier("accept"), None);
    }

    #[test]
    fn a_referenced_workflow_loses_its_ref() {
        let referenced = ReferencedWorkflow::of("acme/ci/.github/workflows/scan.yml@refs/heads/a@b", "1");
        assert_eq!(referenced.path, "acme/ci/.github/workflows/scan.yml");
        assert_eq!(ReferencedWorkflow::of("acme/ci/.github/workflows/scan.yml", "1"), referenced);
    }

    #[test]
    fn tiers_are_in_order_and_local_files_meet_every_minimum() {
        assert!(Provenance::ALL.is_sorted());
        assert!(meets(Some(Provenance::Repository), Some(Provenance::ChangedWorkflow)));
        assert!(!meets(Some(Provenance::Fork), Some(Provenance::ChangedWorkflow)));
        assert!(meets(None, Some(Provenance::TrustedWorkflow)) && meets(Some(Provenance::Fork), None));
    }
}
