//! The only writes to GitHub: finds, adopts, creates and updates our check runs. One run per (repository, sha, check
//! name); ids are stored as soon as they are known, and the fence is checked before each write.

use crate::github::{CheckRunId, CheckRunUpdate, GitHub, GitHubError, NewCheckRun, RepositoryAt};
use crate::model::publication::{Annotation, CheckPublication, CheckState};
use crate::model::{CheckName, CommitKey, Digest, Unix};
use crate::queue::{JobQueue, Lease};
use crate::report;
use crate::state::{CheckHandle, CommitState, State, StoreError};
use crate::telemetry::Metrics;
use std::sync::Arc;

/// GitHub takes at most 50 annotations per request; more go into further ones, which append.
const ANNOTATIONS_PER_REQUEST: usize = 50;

/// Why something could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else has the commit now, and writes what is true.
    #[error("the lease on the commit is lost")]
    Fenced,
}

#[derive(Debug)]
pub struct Publisher {
    pub github: GitHub,
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub metrics: Metrics,
    /// The App's id, to know our own runs by.
    pub app_id: u64,
    /// Where people reach this host; details pages come with a later version.
    pub details_url: Option<String>,
}

impl Publisher {
    /// Writes each publication whose content is not on GitHub already. One check's failure does not hold up the
    /// others; the first is told at the end.
    pub async fn send(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        publications: &[CheckPublication],
    ) -> Result<(), PublishError> {
        let mut first_failure = None;
        for publication in publications {
            let sent = self.send_one(lease, commit, publication).await;
            self.state.remember_commit(&lease.commit, commit).await?;
            if let Err(failure) = sent {
                first_failure.get_or_insert(failure);
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn send_one(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        publication: &CheckPublication,
    ) -> Result<(), PublishError> {
        let content = digest(publication);
        let known = match commit.checks.get(&publication.check) {
            Some(handle) if handle.published == Some(content) => return Ok(()),
            Some(handle) => Some(handle.clone()),
            None => self.find(lease, &publication.check).await?,
        };
        let known = self.without_contradiction(lease, known, publication).await?;
        let mut handle = match known {
            Some(handle) => self.update(lease, commit, handle, publication).await?,
            None => self.create(lease, publication).await?,
        };
        self.keep(lease, commit, &publication.check, &handle).await?;
        while let Some(batch) = next_batch(publication, &handle) {
            self.fence(lease).await?;
            self.github
                .update_check_run(&at(lease), CheckRunId(handle.id), &self.content(publication, batch, None))
                .await?;
            handle.annotated += batch.len() as u32;
            self.keep(lease, commit, &publication.check, &handle).await?;
        }
        handle.published = Some(content);
        commit.checks.insert(publication.check.clone(), handle);
        if let CheckState::Completed(conclusion) = publication.state {
            let label = serde_json::to_value(conclusion).ok().and_then(|word| word.as_str().map(str::to_owned));
            self.metrics.checks.with_label_values(&[label.as_deref().unwrap_or("other")]).inc();
            tracing::info!(check = %publication.check, conclusion = label, title = publication.title, "check completed");
        }
        Ok(())
    }

    /// Stores what is known of a run as soon as it is known: whatever dies next, nobody creates it twice.
    async fn keep(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        check: &CheckName,
        handle: &CheckHandle,
    ) -> Result<(), PublishError> {
        commit.checks.insert(check.clone(), handle.clone());
        Ok(self.state.remember_commit(&lease.commit, commit).await?)
    }

    /// What was annotated cannot be taken back: a result that says something else about lines needs a run of its own.
    /// The run before it ends, so that nothing is left in progress.
    async fn without_contradiction(
        &self,
        lease: &Lease,
        known: Option<CheckHandle>,
        publication: &CheckPublication,
    ) -> Result<Option<CheckHandle>, PublishError> {
        let Some(handle) = known else { return Ok(None) };
        let completes = matches!(publication.state, CheckState::Completed(_));
        if !completes || handle.annotations.is_none() || handle.annotations == annotations_of(publication) {
            return Ok(Some(handle));
        }
        if handle.is_open() {
            self.fence(lease).await?;
            let replaced = report::not_evaluated(&publication.check, "a newer run of this check took its place");
            let content = self.content(&replaced, &[], None);
            self.github.update_check_run(&at(lease), CheckRunId(handle.id), &content).await?;
        }
        self.created_before(lease, handle.id, publication).await
    }

    /// The run that takes an older one's place, if a request whose answer never came has created it already.
    async fn created_before(
        &self,
        lease: &Lease,
        older: u64,
        publication: &CheckPublication,
    ) -> Result<Option<CheckHandle>, PublishError> {
        let Some(found) = self.find(lease, &publication.check).await?.filter(|found| found.id > older) else {
            return Ok(None);
        };
        let annotated = self.github.check_run(&at(lease), CheckRunId(found.id)).await?.annotations_count as u32;
        Ok(Some(CheckHandle { annotations: annotations_of(publication), annotated, ..found }))
    }

    /// Our run of this name on GitHub, when the state does not know it: lost, or created by a request whose answer
    /// never came.
    async fn find(&self, lease: &Lease, check: &CheckName) -> Result<Option<CheckHandle>, PublishError> {
        let ours = external_id(&lease.commit, check);
        let runs = self.github.list_check_runs(&at(lease), &lease.commit.sha, check, self.app_id).await?;
        let newest =
            runs.into_iter().filter(|run| run.external_id.as_deref() == Some(&ours)).max_by_key(|run| run.id.0);
        let Some(run) = newest else { return Ok(None) };
        let annotated = self.github.check_run(&at(lease), run.id).await?.annotations_count > 0;
        tracing::info!(check = %check, id = run.id.0, "adopted a check run");
        Ok(Some(CheckHandle {
            id: run.id.0,
            state: CheckState::InProgress,
            published: None,
            // Unknown ones: they contradict whatever comes, so that the next result opens a run of its own.
            annotations: annotated.then(|| Digest::of(b"unknown")),
            annotated: 0,
        }))
    }

    /// A new run, with the first annotations. If the answer never comes it may exist all the same: the next attempt
    /// looks for it before it creates another.
    async fn create(&self, lease: &Lease, publication: &CheckPublication) -> Result<CheckHandle, PublishError> {
        self.fence(lease).await?;
        let first = first_batch(publication);
        let new = NewCheckRun {
            name: publication.check.clone(),
            head_sha: lease.commit.sha.clone(),
            external_id: external_id(&lease.commit, &publication.check),
            content: self.content(publication, first, Some(lease.job().now)),
        };
        let id = self.github.create_check_run(&at(lease), &new).await?;
        Ok(CheckHandle {
            id: id.0,
            state: publication.state,
            published: None,
            annotations: annotations_of(publication),
            annotated: first.len() as u32,
        })
    }

    /// The same run again. Annotations append, so what is on its way is written down first: a repetition asks GitHub
    /// how many arrived.
    async fn update(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        mut handle: CheckHandle,
        publication: &CheckPublication,
    ) -> Result<CheckHandle, PublishError> {
        self.fence(lease).await?;
        let id = CheckRunId(handle.id);
        let wanted = annotations_of(publication);
        let mut batch: &[Annotation] = &[];
        if wanted.is_some() && handle.annotations == wanted {
            if (handle.annotated as usize) < publication.annotations.len() {
                handle.annotated = self.github.check_run(&at(lease), id).await?.annotations_count as u32;
            }
        } else if wanted.is_some() {
            handle.annotations = wanted;
            handle.annotated = 0;
            self.keep(lease, commit, &publication.check, &handle).await?;
            batch = first_batch(publication);
        }
        self.github.update_check_run(&at(lease), id, &self.content(publication, batch, None)).await?;
        handle.annotated += batch.len() as u32;
        handle.state = publication.state;
        handle.published = None;
        Ok(handle)
    }

    fn content(
        &self,
        publication: &CheckPublication,
        annotations: &[Annotation],
        started_at: Option<Unix>,
    ) -> CheckRunUpdate {
        CheckRunUpdate {
            state: publication.state,
            title: publication.title.clone(),
            summary: publication.summary.clone(),
            text: publication.text.clone(),
            annotations: annotations.to_vec(),
            details_url: self.details_url.clone(),
            started_at,
        }
    }

    async fn fence(&self, lease: &Lease) -> Result<(), PublishError> {
        if self.queue.holds(lease).await { Ok(()) } else { Err(PublishError::Fenced) }
    }
}

/// GitHub enforces no uniqueness; this is how we recognise our own runs. Never a pull request's number: one sha can
/// belong to several.
fn external_id(commit: &CommitKey, check: &CheckName) -> String {
    format!("palisade/v1/{}/{check}", commit.sha)
}

fn at(lease: &Lease) -> RepositoryAt {
    RepositoryAt { installation: lease.commit.installation, repository: lease.commit.repository.clone() }
}

fn annotations_of(publication: &CheckPublication) -> Option<Digest> {
    (!publication.annotations.is_empty()).then(|| digest(&publication.annotations))
}

fn first_batch(publication: &CheckPublication) -> &[Annotation] {
    publication.annotations.chunks(ANNOTATIONS_PER_REQUEST).next().unwrap_or_default()
}

/// The annotations after those that arrived.
fn next_batch<'a>(publication: &'a CheckPublication, handle: &CheckHandle) -> Option<&'a [Annotation]> {
    let rest = publication.annotations.get(handle.annotated as usize..)?;
    rest.chunks(ANNOTATIONS_PER_REQUEST).next()
}

fn digest<T: serde::Serialize>(value: &T) -> Digest {
    Digest::of(&serde_json::to_vec(value).expect("publications are plain data"))
}
