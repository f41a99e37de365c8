//! Sigstore bundles, verified offline against the roots of trust that the operator gave: signature, certificate, time,
//! transparency log, subject; and whether whoever signed may speak for a file. Pure: fetches nothing, and a bundle that
//! does not hold is an answer.

mod provider;
mod signer;
#[cfg(test)]
mod tests;

pub use signer::{Expected, SignedRun};

use crate::model::Digest;
use serde::Deserialize;
use sigstore_verify::bundle::{ValidationOptions, validate_bundle_with_options};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::bundle::VerificationMaterialContent;
use sigstore_verify::types::{Bundle, Sha256Hash, SignatureContent};
use sigstore_verify::{VerificationPolicy, Verifier};
use std::sync::Arc;

/// GitHub's bundles have 8 to 40 KB; a statement may list many subjects.
const LARGEST_BUNDLE: usize = 1 << 20;
/// Certificates, log entries and timestamps of one bundle; GitHub's have one or two of each. Each costs signatures.
const MOST_PROOFS: usize = 8;
/// Instances of Sigstore that one file of roots names; GitHub's has two.
const MOST_ROOTS: usize = 8;
/// What `actions/attest-build-provenance` states.
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const STATEMENT: &str = "https://in-toto.io/Statement/";

/// The instances of Sigstore that the operator trusts. Cheap to clone.
#[derive(Clone)]
pub struct TrustedRoots {
    instances: Arc<Vec<Instance>>,
}

struct Instance {
    verifier: Verifier,
    policy: VerificationPolicy,
}

/// Why a file of roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableRoots {
    #[error("it is no Sigstore trusted root: {0}")]
    Malformed(String),
    #[error("it names no root")]
    Empty,
    #[error("it names more than {MOST_ROOTS} roots")]
    TooMany,
}

/// What a verified certificate says of whoever signed, as far as anybody here decides by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub issuer: Option<String>,
    /// `https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main`, and the commit of that file.
    pub signer: Option<String>,
    pub signer_sha: Option<String>,
    pub runner: Option<String>,
    pub repository: Option<String>,
    pub repository_id: Option<String>,
    /// The commit that the run checked out by default; of a pull request it is the trial merge.
    pub sha: Option<String>,
    /// `https://github.com/acme/shop/actions/runs/17/attempts/1`.
    pub run: Option<String>,
}

impl TrustedRoots {
    /// From one `trusted_root.json`, or several after each other as `gh attestation trusted-root` prints them.
    pub fn parse(text: &str) -> Result<Self, UnusableRoots> {
        provider::install();
        let malformed = |problem: &dyn std::fmt::Display| UnusableRoots::Malformed(problem.to_string());
        let mut instances = Vec::new();
        for root in serde_json::Deserializer::from_str(text).into_iter::<TrustedRoot>() {
            if instances.len() == MOST_ROOTS {
                return Err(UnusableRoots::TooMany);
            }
            let root = root.map_err(|problem| malformed(&problem))?;
            if root.certificate_authorities.is_empty() {
                return Err(malformed(&"it names no certificate authority"));
            }
            let verifier = Verifier::new(&root).map_err(|problem| malformed(&problem))?;
            instances.push(Instance { verifier, policy: policy(&root) });
        }
        match instances.is_empty() {
            true => Err(UnusableRoots::Empty),
            false => Ok(Self { instances: Arc::new(instances) }),
        }
    }

    /// Who signed a statement about what has this digest. Else why nobody is believed, as the rest of a sentence.
    pub fn verify(&self, bundle: &str, subject: &Digest) -> Result<Claims, String> {
        let bundle = read(bundle)?;
        states_provenance(&bundle)?;
        self.signed_by(&bundle, subject)
    }

    /// The first root under which everything holds.
    fn signed_by(&self, bundle: &Bundle, subject: &Digest) -> Result<Claims, String> {
        let digest = Sha256Hash::new(*subject.as_bytes());
        let mut refused: Vec<String> = Vec::new();
        for instance in self.instances.iter() {
            match instance.verifier.verify(digest, bundle, &instance.policy) {
                Ok(verified) if verified.certificate_verified() => return Ok(claims(&verified)),
                Ok(_) => refused.push("its certificate was not verified".to_owned()),
                Err(why) => refused.push(why.to_string()),
            }
        }
        refused.dedup();
        Err(refused.join("; or "))
    }
}

impl std::fmt::Debug for TrustedRoots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustedRoots({})", self.instances.len())
    }
}

/// What a root has a key for must be there. GitHub's own instance keeps no logs: there a timestamp says when.
fn policy(root: &TrustedRoot) -> VerificationPolicy {
    let mut policy = VerificationPolicy::any_identity();
    if root.tlogs.is_empty() {
        policy = policy.skip_tlog_unsafe();
    }
    if root.ctlogs.is_empty() {
        policy = policy.skip_sct();
    }
    policy
}

/// A bundle of bounded size. Nothing of it is verified.
fn read(text: &str) -> Result<Bundle, String> {
    if text.len() > LARGEST_BUNDLE {
        return Err(format!("its bundle has more than {LARGEST_BUNDLE} bytes"));
    }
    let bundle = Bundle::from_json(text).map_err(|problem| format!("its bundle cannot be read: {problem}"))?;
    // Whether a log has to prove anything is decided for each root.
    let shape = ValidationOptions::new().with_require_inclusion_proof(false);
    validate_bundle_with_options(&bundle, &shape).map_err(|problem| problem.to_string())?;
    if proofs(&bundle) > MOST_PROOFS {
        return Err(format!("its bundle has more than {MOST_PROOFS} certificates, log entries and timestamps"));
    }
    Ok(bundle)
}

/// Whether it holds a statement of the one kind that we understand.
fn states_provenance(bundle: &Bundle) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Statement {
        #[serde(rename = "_type")]
        kind: String,
        predicate_type: String,
    }
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err("its bundle holds no statement".to_owned());
    };
    let statement: Statement = serde_json::from_slice(envelope.payload.as_bytes())
        .map_err(|problem| format!("its statement cannot be read: {problem}"))?;
    match statement.kind.starts_with(STATEMENT) && statement.predicate_type == PROVENANCE {
        true => Ok(()),
        false => Err(format!("it states `{}`, not `{PROVENANCE}`", statement.predicate_type)),
    }
}

fn proofs(bundle: &Bundle) -> usize {
    let material = &bundle.verification_material;
    let certificates = match &material.content {
        VerificationMaterialContent::X509CertificateChain { certificates } => certificates.len(),
        _ => 1,
    };
    certificates + material.tlog_entries.len() + material.timestamp_verification_data.rfc3161_timestamps.len()
}

fn claims(verified: &sigstore_verify::VerificationResult) -> Claims {
    let Some(certificate) = verified.certificate() else { return Claims::default() };
    let claimed = &certificate.ci_claims;
    Claims {
        issuer: verified.issuer().map(str::to_owned),
        signer: claimed.build_signer_uri.clone(),
        signer_sha: claimed.build_signer_digest.clone(),
        runner: claimed.runner_environment.clone(),
        repository: claimed.source_repository_uri.clone(),
        repository_id: claimed.source_repository_identifier.clone(),
        sha: claimed.source_repository_digest.clone(),
        run: claimed.run_invocation_uri.clone(),
    }
}
