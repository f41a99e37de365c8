//! Signed statements that GitHub keeps about bytes, by their digest. Whether one holds is nobody's word here.

use super::auth::Access;
use super::calls::{Call, Identity, in_repository};
use super::{GitHub, GitHubError, RepositoryAt};
use crate::model::Digest;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One run attests a file once; re-runs and several workflows add a few. Older ones than these are not looked at.
const MOST_ATTESTATIONS: usize = 10;

impl GitHub {
    /// The newest attestations of build provenance about what has this digest, each a Sigstore bundle as JSON; none where
    /// the server does not know attestations. Needs the App's permission `attestations: read`.
    pub async fn attestations(&self, at: &RepositoryAt, subject: &Digest) -> Result<Vec<String>, GitHubError> {
        let path = format!("/attestations/sha256:{subject}?per_page={MOST_ATTESTATIONS}&predicate_type=provenance");
        let identity = Identity::Repository(at.clone(), Access::Attestations);
        match self.read::<Wire>(Call::get(in_repository(at, &path), identity)).await {
            Ok(wire) => Ok(wire.bundles()),
            Err(GitHubError::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    attestations: Vec<WireAttestation>,
}

#[derive(Deserialize)]
struct WireAttestation {
    bundle: Option<Box<RawValue>>,
}

impl Wire {
    fn bundles(self) -> Vec<String> {
        let bundles = self.attestations.into_iter().filter_map(|attestation| attestation.bundle);
        bundles.take(MOST_ATTESTATIONS).map(|bundle| bundle.get().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_handed_on_as_they_came_and_only_so_many() {
        let answer = r#"{"attestations":[{"bundle":{"mediaType":"x"},"repository_id":1},{"bundle":null}]}"#;
        let wire: Wire = serde_json::from_str(answer).unwrap();
        assert_eq!(wire.bundles(), [r#"{"mediaType":"x"}"#]);
        let many = format!(r#"{{"attestations":[{}]}}"#, vec![r#"{"bundle":{}}"#; 50].join(","));
        assert_eq!(serde_json::from_str::<Wire>(&many).unwrap().bundles().len(), MOST_ATTESTATIONS);
    }
}
