//! Signed statements about files that are named as evidence: looked for by the digest of the artifact and of the file,
//! verified, and held against the run that uploaded them. A file that has a good one is `attested`; a
//! bad one is told and raises nothing. A fork's uploads are never looked at: no workflow of a fork can sign here.

use super::super::judge::Inputs;
use super::super::remember::globs;
use crate::attest::{Claims, Expected, SignedRun, TrustedRoots};
use crate::github::{GitHub, GitHubError, RepositoryAt};
use crate::model::artifact::{RunSource, UnreadableCause};
use crate::model::provenance::Attestation;
use crate::model::report::Provenance;
use crate::model::{Artifact, Digest, Plan, RunId};
use futures::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// Digests that are asked about for one commit, each a call. More evidence than this nobody uploads.
const MOST_LOOKUPS: usize = 32;
/// An answer may have 32 MB, so that these are no more than a few large artifacts.
const LOOKUPS_AT_ONCE: usize = 4;
/// What is wrong with an attestation is one line among others.
const REASON_CHARACTERS: usize = 300;

/// Looks for attestations. One for the process, if the operator named roots of trust.
#[derive(Clone, Debug)]
pub struct Attester {
    pub github: GitHub,
    pub roots: TrustedRoots,
    /// The OIDC issuer of GitHub Actions.
    pub issuer: String,
    /// Kinds of runners on which a signature counts.
    pub runners: Vec<String>,
}

/// The commit whose evidence it is.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub at: &'a RepositoryAt,
    pub default_branch: Option<&'a str>,
    pub plan: &'a Plan,
}

/// What is known of the statements about one digest: each with who signed, or why it does not hold.
type Statements = Result<Vec<Result<Claims, String>>, GitHubError>;

/// What came of looking for one file.
enum Found {
    Verified(String),
    Refused(String),
    Unread(GitHubError),
    /// There was too much else to ask about.
    NotAsked,
    Nothing,
}

impl Attester {
    /// Raises the files that are attested. Fails only where the whole installation has to wait.
    pub async fn attest(&self, seen: Seen<'_>, inputs: &mut Inputs) -> Result<(), GitHubError> {
        let places = named(seen.plan, &inputs.artifacts);
        let uploads = places.iter().filter_map(|place| artifact_digest(&inputs.artifacts[*place]));
        let mut statements = self.statements(seen.at, uploads.collect(), BTreeMap::new()).await?;
        let still: Vec<usize> = places
            .iter()
            .copied()
            .filter(|place| {
                let file = &inputs.artifacts[*place];
                !artifact_digest(file).is_some_and(|upload| self.is_attested(seen, file, &statements, upload))
            })
            .collect();
        let files = still.iter().map(|place| inputs.artifacts[*place].digest);
        statements = self.statements(seen.at, files.collect(), statements).await?;
        for place in places {
            let found = self.found(seen, &inputs.artifacts[place], &statements);
            apply(&mut inputs.artifacts[place], found);
        }
        Ok(())
    }

    /// Asks for what was not asked for yet, a few at a time.
    async fn statements(
        &self,
        at: &RepositoryAt,
        wanted: BTreeSet<Digest>,
        mut known: BTreeMap<Digest, Statements>,
    ) -> Result<BTreeMap<Digest, Statements>, GitHubError> {
        let room = MOST_LOOKUPS.saturating_sub(known.len());
        let new = wanted.into_iter().filter(|digest| !known.contains_key(digest)).take(room);
        let asked: Vec<_> =
            new.map(|digest| async move { (digest, self.statements_about(at, digest).await) }).collect();
        let mut answers = stream::iter(asked).buffer_unordered(LOOKUPS_AT_ONCE);
        while let Some((digest, statements)) = answers.next().await {
            if let Err(limited @ GitHubError::RateLimited { .. }) = statements {
                return Err(limited);
            }
            known.insert(digest, statements);
        }
        Ok(known)
    }

    async fn statements_about(&self, at: &RepositoryAt, digest: Digest) -> Statements {
        let bundles = self.github.attestations(at, &digest).await?;
        if bundles.is_empty() {
            return Ok(Vec::new());
        }
        let roots = self.roots.clone();
        // Tens of signatures, a few milliseconds: not on a thread that others wait for.
        let verified = tokio::task::spawn_blocking(move || {
            bundles.iter().map(|bundle| roots.verify(bundle, &digest)).collect::<Vec<_>>()
        });
        verified.await.map_err(|lost| GitHubError::Malformed(format!("verifying its attestations: {lost}")))
    }

    fn is_attested(
        &self,
        seen: Seen<'_>,
        file: &Artifact,
        statements: &BTreeMap<Digest, Statements>,
        upload: Digest,
    ) -> bool {
        let about = statements.get(&upload).and_then(|about| about.as_ref().ok());
        about.is_some_and(|about| about.iter().any(|one| self.signer(seen, file, one).is_ok()))
    }

    /// The first that holds; else why one does not, or why nobody knows.
    fn found(&self, seen: Seen<'_>, file: &Artifact, statements: &BTreeMap<Digest, Statements>) -> Found {
        let mut found = Found::Nothing;
        for digest in artifact_digest(file).into_iter().chain([file.digest]) {
            match statements.get(&digest) {
                Some(Ok(about)) => {
                    for one in about {
                        match self.signer(seen, file, one) {
                            Ok(signer) => return Found::Verified(signer),
                            Err(why) if !matches!(found, Found::Unread(_)) => found = Found::Refused(why),
                            Err(_) => {}
                        }
                    }
                }
                Some(Err(error)) => found = Found::Unread(error.clone()),
                None if matches!(found, Found::Nothing) => found = Found::NotAsked,
                None => {}
            }
        }
        found
    }

    fn signer(&self, seen: Seen<'_>, file: &Artifact, statement: &Result<Claims, String>) -> Result<String, String> {
        let claims = statement.as_ref().map_err(Clone::clone)?;
        let run = file.source.run.as_ref().ok_or("nobody knows which run uploaded it")?;
        let expected = Expected {
            issuer: &self.issuer,
            repository: &seen.at.repository,
            repository_id: run.repository_id,
            default_branch: seen.default_branch,
            run: signed_run(run, file.source.provenance),
            trusted: &seen.plan.trusted_workflows,
            runners: &self.runners,
        };
        expected.signer(claims)
    }
}

fn signed_run(run: &RunSource, tier: Option<Provenance>) -> SignedRun<'_> {
    SignedRun { id: RunId(run.id.0), head_sha: &run.head_sha, tier: tier.unwrap_or(Provenance::Fork) }
}

/// The files that are evidence by name, but for a fork's.
fn named(plan: &Plan, files: &[Artifact]) -> Vec<usize> {
    let evidence = globs(&plan.evidence_globs);
    let is_named = |path: &str| evidence.is_match(path) || path.split('/').any(|part| evidence.is_match(part));
    let looked_at = |file: &Artifact| {
        file.source.run.is_some()
            && file.source.provenance.is_some_and(|tier| tier > Provenance::Fork)
            && is_named(&file.source.path)
    };
    (0..files.len()).filter(|place| looked_at(&files[*place])).collect()
}

fn artifact_digest(file: &Artifact) -> Option<Digest> {
    file.source.run.as_ref()?.artifact_digest
}

fn apply(file: &mut Artifact, found: Found) {
    let Some(run) = &mut file.source.run else { return };
    // What is said of the run comes first: it is what people can change.
    let mut say = |because: String| {
        if run.because.is_empty() {
            run.because = because;
        }
    };
    match found {
        Found::Verified(signer) => {
            run.because.clear();
            run.unread = false;
            run.attestation = Some(Attestation::Verified { signer });
            file.source.provenance = Some(Provenance::Attested);
        }
        Found::Refused(why) => {
            let because: String = why.chars().take(REASON_CHARACTERS).collect();
            say(format!("its attestation does not count: {because}"));
            run.attestation = Some(Attestation::Refused { because });
        }
        Found::Unread(error) if error.cause() == UnreadableCause::Outage => {
            say(format!("its attestations could not be read: {error}"));
            run.unread = true;
        }
        Found::Unread(error @ (GitHubError::Permission(_) | GitHubError::Unprocessable(_))) => say(format!(
            "its attestations could not be read: {error}; give the App the permission `attestations: read`"
        )),
        Found::Unread(error) => say(format!("its attestations could not be read: {error}")),
        Found::NotAsked => say(format!(
            "more than {MOST_LOOKUPS} artifacts and files are named as evidence, and GitHub was not asked about all"
        )),
        Found::Nothing => say("GitHub has no attestation of it".to_owned()),
    }
}
