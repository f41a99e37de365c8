//! Whether whoever signed may speak for a file: GitHub vouches for the workflow, it is of this repository, this commit or
//! run, on a runner that counts, and nobody who asks to be merged could have written it.

use super::Claims;
use crate::model::provenance::ReferencedWorkflow;
use crate::model::report::Provenance;
use crate::model::{RepositoryName, RunId};

/// What is expected of the one who signed.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who vouches for identities: the OIDC issuer of GitHub Actions.
    pub issuer: &'a str,
    pub repository: &'a RepositoryName,
    pub repository_id: Option<u64>,
    pub default_branch: Option<&'a str>,
    pub run: SignedRun<'a>,
    /// Reusable workflows that are trusted, each in one version.
    pub trusted: &'a [ReferencedWorkflow],
    /// Kinds of runners that count.
    pub runners: &'a [String],
}

/// The run that uploaded the file.
#[derive(Clone, Copy, Debug)]
pub struct SignedRun<'a> {
    pub id: RunId,
    pub head_sha: &'a str,
    /// How far it can be trusted without a signature.
    pub tier: Provenance,
}

impl Expected<'_> {
    /// The workflow that signed, without the host; else why it does not count, as the rest of a sentence.
    pub fn signer(&self, claims: &Claims) -> Result<String, String> {
        if claims.issuer.as_deref() != Some(self.issuer) {
            return Err(format!("it was signed by an identity of {}", shown(&claims.issuer)));
        }
        let id = self.repository_id.map(|id| id.to_string());
        if id.is_none() || claims.repository_id != id {
            return Err(format!("it was signed in another repository, {}", shown(&claims.repository)));
        }
        if claims.sha.as_deref() != Some(self.run.head_sha) && !self.is_of_run(claims) {
            return Err(format!("it was signed for another commit, {}", shown(&claims.sha)));
        }
        let runner = claims.runner.as_deref();
        if !runner.is_some_and(|runner| self.runners.iter().any(|allowed| allowed == runner)) {
            return Err(format!("it was signed on a runner of the kind {}", shown(&claims.runner)));
        }
        let signer = claims.signer.as_deref().and_then(workflow).ok_or("no workflow signed it")?;
        match self.may_sign(signer, claims) {
            true => Ok(signer.to_owned()),
            false => Err(format!("it was signed by `{signer}`, which may be whatever the pull request makes of it")),
        }
    }

    /// A workflow that the operator named in this version, whoever calls it. Where the run's own is the base's, also that,
    /// and one of this repository as its default branch has it: one that attests whatever its caller hands in says no more
    /// than its caller.
    fn may_sign(&self, signer: &str, claims: &Claims) -> bool {
        let in_version = claims.signer_sha.as_deref().map(|sha| ReferencedWorkflow::of(signer, sha));
        if in_version.is_some_and(|signer| self.trusted.contains(&signer)) {
            return true;
        }
        if self.run.tier < Provenance::Repository {
            return false;
        }
        let home = format!("{}/.github/workflows/", self.repository);
        let Some((path, reference)) = signer.split_once('@') else { return false };
        if !path.to_ascii_lowercase().starts_with(&home) {
            return false;
        }
        let of_default =
            self.default_branch.is_some_and(|branch| reference.strip_prefix("refs/heads/") == Some(branch));
        of_default || self.is_of_run(claims)
    }

    fn is_of_run(&self, claims: &Claims) -> bool {
        claims.run.as_deref().and_then(run_id) == Some(self.run.id)
    }
}

/// `https://github.com/acme/shop/.github/workflows/ci.yml@ref` without the host.
fn workflow(uri: &str) -> Option<&str> {
    Some(uri.strip_prefix("https://")?.split_once('/')?.1)
}

/// The run of `https://github.com/acme/shop/actions/runs/17/attempts/1`.
fn run_id(uri: &str) -> Option<RunId> {
    let rest = uri.split_once("/actions/runs/")?.1;
    rest.split('/').next()?.parse().ok().map(RunId)
}

fn shown(claim: &Option<String>) -> &str {
    claim.as_deref().unwrap_or("nobody knows which")
}
