//! `.palisade.yml` as it counts for a commit: of the base branch if that is the default or a protected one, else of the
//! default branch, and of the organisation's `.github` repository. Never of a branch that somebody made for the purpose;
//! what the pull request itself says is read only to tell what it would do.

use super::at;
use super::branches::Branches;
use crate::github::{FileAt, GitHub, GitHubError, RepositoryAt};
use crate::model::artifact::UnreadableCause;
use crate::model::{InstallationId, JobKind, RepositoryName, Unix};
use crate::policy::overlay::{Found, Layer, Layers, OVERLAY_PATH};
use crate::queue::Lease;
use crate::state::CommitState;
use futures::future::try_join_all;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// An organisation's file is asked for once in so many seconds: who changes it waits no longer than for a build.
pub(super) const ORGANISATION_S: u64 = 60;
/// Beyond so many organisations those that were not asked for of late are forgotten.
const ORGANISATIONS_KEPT: usize = 1024;

/// Reads overlays; one for the process.
#[derive(Debug, Default)]
pub struct OverlayReader {
    organisations: Mutex<HashMap<(InstallationId, String), (Unix, Layer)>>,
}

/// What there is for a commit.
#[derive(Debug)]
pub enum Overlay {
    Layers {
        layers: Layers,
        base: Base,
    },
    /// GitHub could not be asked: nobody knows which rules hold.
    Outage(String),
}

/// Whether the branch that the commit is to be merged into is among those that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Counts,
    DoesNot,
}

impl OverlayReader {
    /// Everything that counts for the commit; only a rate limit is a failure.
    pub async fn read(
        &self,
        github: &GitHub,
        (lease, commit): (&Lease, &CommitState),
        branches: &Branches<'_>,
    ) -> Result<Overlay, GitHubError> {
        let own = async {
            let references = references(commit, branches).await?;
            let layers = references.iter().map(|reference| layer(github, lease, reference.as_deref()));
            let repository = try_join_all(layers).await?;
            Ok((repository, references))
        };
        match futures::try_join!(self.organisation(github, lease), own) {
            Ok((organisation, (repository, references))) => {
                let counts = bases(commit).into_iter().any(|base| references.contains(&Some(base.to_owned())));
                let base = if counts { Base::Counts } else { Base::DoesNot };
                Ok(Overlay::Layers { layers: Layers { organisation, repository, proposed: None }, base })
            }
            Err(error) => outage(error),
        }
    }

    /// The same with what the pull request would make of the file, where it touches it and its base counts.
    pub async fn propose(
        &self,
        github: &GitHub,
        lease: &Lease,
        overlay: Overlay,
        changed: Option<&[String]>,
    ) -> Result<Overlay, GitHubError> {
        let touches = changed.is_some_and(|paths| paths.iter().any(|path| path == OVERLAY_PATH));
        match overlay {
            Overlay::Layers { layers, base: base @ Base::Counts } if touches => {
                let file = github.file(&at(lease), OVERLAY_PATH, Some(lease.commit.sha.as_str())).await;
                let place = format!("{OVERLAY_PATH} as this pull request leaves it");
                match found(file) {
                    Ok(found) => {
                        let proposed = Some(Layer { place, found, last_good: None });
                        Ok(Overlay::Layers { layers: Layers { proposed, ..layers }, base })
                    }
                    Err(error) => outage(error),
                }
            }
            overlay => Ok(overlay),
        }
    }

    /// Of the repository `.github` of the owner, which the App need not see.
    async fn organisation(&self, github: &GitHub, lease: &Lease) -> Result<Option<Layer>, GitHubError> {
        let owner = lease.commit.repository.owner();
        let Ok(repository) = RepositoryName::new(owner, ".github") else { return Ok(None) };
        if repository == lease.commit.repository {
            return Ok(None);
        }
        let key = (lease.commit.installation, owner.to_owned());
        let now = lease.job().now;
        // Who looks because the rules changed must see the change: no later look is made for it.
        let changed = lease.jobs.iter().any(|job| job.kind == JobKind::RulesChanged);
        if let Some(known) = self.known(&key, now).filter(|_| !changed) {
            return Ok(Some(known));
        }
        let place = format!("{OVERLAY_PATH} of {repository}");
        let at = RepositoryAt { installation: lease.commit.installation, repository };
        let found = match github.file(&at, OVERLAY_PATH, None).await {
            // No token is made for a repository that the App does not see.
            Err(GitHubError::Unprocessable(_) | GitHubError::Permission(_)) => Found::Absent,
            answer => found(answer)?,
        };
        let layer = Layer { place, found, last_good: None };
        let mut organisations = self.organisations.lock().unwrap_or_else(PoisonError::into_inner);
        if organisations.len() >= ORGANISATIONS_KEPT {
            organisations.retain(|_, (read_at, _)| now < *read_at + ORGANISATION_S);
        }
        organisations.insert(key, (now, layer.clone()));
        Ok(Some(layer))
    }

    fn known(&self, key: &(InstallationId, String), now: Unix) -> Option<Layer> {
        let organisations = self.organisations.lock().unwrap_or_else(PoisonError::into_inner);
        organisations.get(key).filter(|(read_at, _)| now < *read_at + ORGANISATION_S).map(|(_, layer)| layer.clone())
    }
}

/// The branches whose files count, each once; none stands for the default branch of a repository that did not name it.
async fn references(commit: &CommitState, branches: &Branches<'_>) -> Result<BTreeSet<Option<String>>, GitHubError> {
    let bases = bases(commit);
    if bases.is_empty() {
        return Ok(BTreeSet::from([branches.default_branch().map(str::to_owned)]));
    }
    let counting = bases.into_iter().map(|base| branches.trusted(base));
    Ok(try_join_all(counting).await?.into_iter().collect())
}

/// The branches that the commit is to be merged into.
fn bases(commit: &CommitState) -> BTreeSet<&str> {
    let pulls = commit.pull_requests.values().map(|pull| pull.base_branch.as_str());
    match &commit.merge_group {
        Some(group) => BTreeSet::from([group.base_branch.as_str()]),
        None => pulls.collect(),
    }
}

async fn layer(github: &GitHub, lease: &Lease, reference: Option<&str>) -> Result<Layer, GitHubError> {
    let at_branch = reference.map(|reference| format!(" at {reference}")).unwrap_or_default();
    let place = format!("{OVERLAY_PATH} of {}{at_branch}", lease.commit.repository);
    // A tag may have the branch's name.
    let branch = reference.map(|reference| format!("refs/heads/{reference}"));
    let found = found(github.file(&at(lease), OVERLAY_PATH, branch.as_deref()).await)?;
    Ok(Layer { place, found, last_good: None })
}

/// A rate limit makes the job wait; anything else is an outage of the checks.
fn outage(error: GitHubError) -> Result<Overlay, GitHubError> {
    match error {
        limited @ GitHubError::RateLimited { .. } => Err(limited),
        error => Ok(Overlay::Outage(format!("{OVERLAY_PATH} could not be read: {error}"))),
    }
}

/// What a look at a file came to; an error is our own inability to look.
fn found(answer: Result<Option<FileAt>, GitHubError>) -> Result<Found, GitHubError> {
    match answer {
        Ok(None) => Ok(Found::Absent),
        Ok(Some(file)) => Ok(match String::from_utf8(file.content) {
            Ok(text) => Found::Text(text),
            Err(_) => Found::Unusable("it is not UTF-8".to_owned()),
        }),
        Err(error @ GitHubError::Permission(_)) => Ok(Found::Refused(error.to_string())),
        Err(error) if error.cause() == UnreadableCause::Outage => Err(error),
        Err(error) => Ok(Found::Unusable(error.to_string())),
    }
}
