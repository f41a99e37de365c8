//! The only writes to GitHub: finds, adopts, creates and updates our check runs and the pull request's comment. One run
//! per (repository, sha, check name); ids are stored as soon as they are known, and the fence is checked before each
//! write.

mod comment;

use crate::github::{CheckRunId, CheckRunSummary, CheckRunUpdate, GitHub, GitHubError, NewCheckRun, RepositoryAt};
use crate::model::plan::Conclusion;
use crate::model::publication::{Annotation, CheckPublication, CheckState, PolicyMark, shown_as};
use crate::model::{CheckName, Clock, CommitKey, Digest, Unix};
use crate::queue::{JobQueue, Lease};
use crate::report::{self, Presentation};
use crate::state::{CheckHandle, CommitState, FoundRun, State, StoreError};
use crate::telemetry::audit::{Act, Line, tell};
use crate::telemetry::{Metrics, spans};
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use tracing::instrument::Instrument as _;

/// GitHub takes at most 50 annotations per request; more go into further ones, which append.
const ANNOTATIONS_PER_REQUEST: usize = 50;
/// How often GitHub is asked for a run whose creation it did not answer, before another is created.
const LOOKS: u32 = 3;
/// GitHub's limit for a check run's text.
const TEXT_BYTES: usize = 65_535;

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
    /// A job for another commit of the same pull request.
    #[error("another job writes the comment of pull request {0}")]
    CommentBusy(u64),
    /// It is looked for before it is created again.
    #[error("whether the comment of pull request {0} was created is not known yet")]
    CommentUnanswered(u64),
}

#[derive(Debug)]
pub struct Publisher {
    pub clock: Arc<dyn Clock>,
    pub github: GitHub,
    pub state: State,
    pub queue: Arc<dyn JobQueue>,
    pub metrics: Metrics,
    /// The App's id, to know our own runs by.
    pub app_id: u64,
    /// Whether pull requests get a comment.
    pub comments: bool,
    pub presentation: Presentation,
}

impl Publisher {
    /// Writes each publication whose content is not on GitHub already, all of them at once. One check's failure does
    /// not hold up the others; the first is told at the end. What the commit knows no run of is created: who may have
    /// created it before looks first, with [`Publisher::adopt`].
    pub async fn send(
        &self,
        lease: &Lease,
        commit: &mut CommitState,
        publications: &[CheckPublication],
    ) -> Result<(), PublishError> {
        let writing = Writing { lease, commit: Mutex::new(commit) };
        let sent = join_all(publications.iter().map(|publication| self.send_one(&writing, publication))).await;
        let stored = self.state.remember_commit(&lease.commit, writing.commit.into_inner()).await;
        sent.into_iter().find_map(Result::err).map_or(Ok(()), Err)?;
        Ok(stored?)
    }

    /// Finds our check runs on GitHub that the state does not know: lost, or created by a request whose answer never
    /// came. Of several of one name the newest counts, and an older one that is still open ends. One listing for all.
    pub async fn adopt(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), PublishError> {
        let mut newest: BTreeMap<CheckName, CheckRunSummary> = BTreeMap::new();
        let mut older = Vec::new();
        for run in self.github.own_check_runs(&at(lease), &lease.commit.sha, self.app_id).await? {
            let named = run.external_id.as_deref().and_then(|id| check_of(&lease.commit, id));
            let Some(check) = named.filter(|check| !commit.checks.contains_key(check)) else { continue };
            match newest.get_mut(&check) {
                Some(known) if known.id > run.id => older.push((check, run)),
                Some(known) => older.push((check, std::mem::replace(known, run))),
                None => drop(newest.insert(check, run)),
            }
        }
        for (check, run) in older.into_iter().filter(|(_, run)| run.conclusion.is_none()) {
            self.replace(lease, &check, run.id).await?;
        }
        for (check, run) in newest {
            tracing::info!(%check, id = run.id.0, "adopted a check run");
            commit.checks.insert(check, adopted(&run));
        }
        Ok(())
    }

    /// Ends a run whose place another one takes.
    async fn replace(&self, lease: &Lease, check: &CheckName, id: CheckRunId) -> Result<(), PublishError> {
        self.fence(lease).await?;
        let replaced = report::not_evaluated(check, REPLACED);
        self.github.update_check_run(&at(lease), id, &self.content(&replaced, &[], None)).await?;
        self.tell(Act::CheckCompleted, lease, (&replaced, id.0));
        Ok(())
    }

    fn tell(&self, act: Act, lease: &Lease, (publication, id): (&CheckPublication, u64)) {
        let result = match publication.state {
            CheckState::InProgress => "in_progress",
            CheckState::Completed(conclusion) => conclusion.word(),
        };
        let line = Line {
            result,
            commit: Some(&lease.commit),
            check: Some(&publication.check),
            id: Some(id),
            ..Line::default()
        };
        tell(act, &line);
    }

    async fn send_one(&self, writing: &Writing<'_>, publication: &CheckPublication) -> Result<(), PublishError> {
        let lease = writing.lease;
        let content = digest(publication);
        let known = match writing.handle(&publication.check).await {
            Some(handle) if handle.published == Some(content) => return Ok(()),
            Some(handle) if shows(&handle, publication) => {
                return self.keep(writing, &publication.check, &as_published(handle, publication)).await;
            }
            known => known,
        };
        let older = known.as_ref().map_or(0, |handle| handle.id);
        let reopened = known.as_ref().filter(|handle| !handle.is_open()).map(|handle| handle.id);
        let known = self.without_contradiction(lease, known, publication).await?;
        let mut handle = match known {
            Some(handle) => {
                let span = of_check(publication, Some(handle.id));
                spans::within(span, self.update(writing, handle, publication)).await?
            }
            None => {
                let span = spans::check_create();
                let created = self.create(writing, publication, older).instrument(span.clone()).await;
                described(&span, publication, &created);
                created?
            }
        };
        self.keep(writing, &publication.check, &handle).await?;
        while let Some(batch) = next_batch(publication, &handle) {
            self.fence(lease).await?;
            self.github
                .update_check_run(&at(lease), CheckRunId(handle.id), &self.content(publication, batch, None))
                .await?;
            handle.annotated += batch.len() as u32;
            self.keep(writing, &publication.check, &handle).await?;
        }
        handle.published = Some(content);
        self.keep(writing, &publication.check, &handle).await?;
        if let CheckState::Completed(conclusion) = publication.state {
            self.metrics.checks.with_label_values(&[conclusion.word()]).inc();
            self.tell(Act::CheckCompleted, lease, (publication, handle.id));
        } else if reopened == Some(handle.id) {
            self.tell(Act::CheckReopened, lease, (publication, handle.id));
        }
        Ok(())
    }

    /// Stores what is known of a run as soon as it is known: whatever dies next, nobody creates it twice.
    async fn keep(&self, writing: &Writing<'_>, check: &CheckName, handle: &CheckHandle) -> Result<(), PublishError> {
        let mut commit = writing.commit.lock().await;
        commit.checks.insert(check.clone(), handle.clone());
        commit.unanswered.remove(check);
        Ok(self.state.remember_commit(&writing.lease.commit, &commit).await?)
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
        // What was not judged says nothing about lines.
        let judged =
            matches!(publication.state, CheckState::Completed(conclusion) if conclusion != Conclusion::Cancelled);
        if !judged || handle.annotations.is_none() || handle.annotations == annotations_of(publication) {
            return Ok(Some(handle));
        }
        if handle.is_open() {
            self.replace(lease, &publication.check, CheckRunId(handle.id)).await?;
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
        let ours = external_id(&lease.commit, &publication.check);
        let runs = self.github.own_check_runs(&at(lease), &lease.commit.sha, self.app_id).await?;
        let newer = runs.into_iter().filter(|run| run.external_id.as_deref() == Some(&ours) && run.id.0 > older);
        let Some(found) = newer.max_by_key(|run| run.id) else { return Ok(None) };
        let annotated = found.annotations_count as u32;
        Ok(Some(CheckHandle { annotations: annotations_of(publication), annotated, ..adopted(&found) }))
    }

    /// A new run, with the first annotations. If the answer never comes it may exist all the same: that is written down
    /// first, so that whoever comes next looks for it before creating another.
    async fn create(
        &self,
        writing: &Writing<'_>,
        publication: &CheckPublication,
        older: u64,
    ) -> Result<CheckHandle, PublishError> {
        let lease = writing.lease;
        if !self.begin_creation(writing, &publication.check).await?
            && let Some(found) = self.look_for_creation(lease, older, publication).await?
        {
            return self.update(writing, found, publication).await;
        }
        self.fence(lease).await?;
        let first = first_batch(publication);
        let new = NewCheckRun {
            name: publication.check.clone(),
            head_sha: lease.commit.sha.clone(),
            external_id: external_id(&lease.commit, &publication.check),
            content: self.content(publication, first, Some(lease.job().now)),
        };
        match self.github.create_check_run(&at(lease), &new).await {
            Ok(id) => {
                self.tell(Act::CheckCreated, lease, (publication, id.0));
                Ok(CheckHandle {
                    id: id.0,
                    state: publication.state,
                    published: None,
                    annotations: annotations_of(publication),
                    annotated: first.len() as u32,
                    found: None,
                })
            }
            Err(unanswered @ GitHubError::Unavailable(_)) => {
                tracing::info!(check = %publication.check, error = %unanswered, "looking whether a check run was created");
                match self.look_for_creation(lease, older, publication).await? {
                    Some(found) => {
                        self.tell(Act::CheckCreated, lease, (publication, found.id));
                        self.update(writing, found, publication).await
                    }
                    // The next attempt creates it.
                    None => Err(writing.give_up_creation(&publication.check, unanswered).await),
                }
            }
            Err(refused) => Err(writing.give_up_creation(&publication.check, refused).await),
        }
    }

    /// Writes down that a run is about to be created; false if that was so before, and nobody knows what came of it.
    async fn begin_creation(&self, writing: &Writing<'_>, check: &CheckName) -> Result<bool, PublishError> {
        let mut commit = writing.commit.lock().await;
        let is_first = commit.unanswered.insert(check.clone());
        if is_first {
            self.state.remember_commit(&writing.lease.commit, &commit).await?;
        }
        Ok(is_first)
    }

    /// Three looks, further and further apart: lists lag behind.
    async fn look_for_creation(
        &self,
        lease: &Lease,
        older: u64,
        publication: &CheckPublication,
    ) -> Result<Option<CheckHandle>, PublishError> {
        for look in 0..LOOKS {
            self.github.wait_for_effect(look).await;
            if let Some(found) = self.created_before(lease, older, publication).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The same run again. Annotations append, so what is on its way is written down first: a repetition asks GitHub
    /// how many arrived.
    async fn update(
        &self,
        writing: &Writing<'_>,
        mut handle: CheckHandle,
        publication: &CheckPublication,
    ) -> Result<CheckHandle, PublishError> {
        let lease = writing.lease;
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
            self.keep(writing, &publication.check, &handle).await?;
            batch = first_batch(publication);
        }
        self.github.update_check_run(&at(lease), id, &self.content(publication, batch, None)).await?;
        handle.annotated += batch.len() as u32;
        handle.state = publication.state;
        handle.published = None;
        handle.found = None;
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
            text: marked(publication),
            annotations: annotations.to_vec(),
            buttons: publication.buttons.clone(),
            details_url: publication.details_url.clone().or_else(|| self.presentation.public_url.clone()),
            started_at,
        }
    }

    async fn fence(&self, lease: &Lease) -> Result<(), PublishError> {
        if self.queue.holds(lease).await { Ok(()) } else { Err(PublishError::Fenced) }
    }
}

/// One lease's writes to GitHub, several at once; what they make is stored one after the other.
struct Writing<'a> {
    lease: &'a Lease,
    commit: Mutex<&'a mut CommitState>,
}

impl Writing<'_> {
    /// It is known that nothing was created.
    async fn give_up_creation(&self, check: &CheckName, why: GitHubError) -> PublishError {
        self.commit.lock().await.unanswered.remove(check);
        why.into()
    }

    async fn handle(&self, check: &CheckName) -> Option<CheckHandle> {
        self.commit.lock().await.checks.get(check).cloned()
    }
}

/// The span of what is written into a run.
fn of_check(publication: &CheckPublication, id: Option<u64>) -> tracing::Span {
    let span = match publication.state {
        CheckState::InProgress => spans::check_start(),
        CheckState::Completed(conclusion) => {
            let span = spans::check_complete();
            span.record("check.conclusion", conclusion.word());
            span.record("check.success", conclusion == Conclusion::Success);
            span
        }
    };
    span.record("check.type", publication.check.as_str());
    span.record("github.check_run_id", id);
    span
}

fn described(span: &tracing::Span, publication: &CheckPublication, created: &Result<CheckHandle, PublishError>) {
    span.record("check.type", publication.check.as_str());
    if let CheckState::Completed(conclusion) = publication.state {
        span.record("check.conclusion", conclusion.word());
    }
    match created {
        Ok(handle) => {
            span.record("github.check_run_id", handle.id);
            spans::well(span);
        }
        Err(error) => spans::failed(span, error),
    }
}

const REPLACED: &str = "a newer run of this check took its place";

/// A run of ours that GitHub told of. What was written to it last is not known.
fn adopted(run: &CheckRunSummary) -> CheckHandle {
    CheckHandle {
        id: run.id.0,
        state: match run.conclusion.as_deref() {
            None => CheckState::InProgress,
            Some("success") => CheckState::Completed(Conclusion::Success),
            Some("failure") => CheckState::Completed(Conclusion::Failure),
            Some("cancelled") => CheckState::Completed(Conclusion::Cancelled),
            // What GitHub itself ends, after two weeks, is no decision of ours.
            Some(_) => CheckState::Completed(Conclusion::Neutral),
        },
        published: None,
        // Unknown ones: they contradict whatever comes, so that the next result opens a run of its own.
        annotations: (run.annotations_count > 0).then(|| Digest::of(b"unknown")),
        annotated: 0,
        found: Some(FoundRun { shown: run.shown, is_decided: run.policy.is_some() }),
    }
}

/// Whether a run that was found on GitHub says already what is to be said.
fn shows(handle: &CheckHandle, publication: &CheckPublication) -> bool {
    let annotations = publication.annotations.len() as u64;
    let shown = || shown_as(&publication.title, &publication.summary, &marked(publication), annotations);
    handle.state == publication.state && handle.found.as_ref().is_some_and(|found| found.shown == shown())
}

fn as_published(handle: CheckHandle, publication: &CheckPublication) -> CheckHandle {
    CheckHandle {
        published: Some(digest(publication)),
        annotations: annotations_of(publication),
        annotated: publication.annotations.len() as u32,
        found: None,
        ..handle
    }
}

/// The check that one of our runs on this commit is for.
pub fn check_of(commit: &CommitKey, external_id: &str) -> Option<CheckName> {
    let check = external_id.strip_prefix("palisade/v1/")?.strip_prefix(commit.sha.as_str())?.strip_prefix('/')?;
    CheckName::parse(check).ok()
}

/// GitHub enforces no uniqueness; this is how we recognise our own runs. Never a pull request's number: one sha can
/// belong to several.
fn external_id(commit: &CommitKey, check: &CheckName) -> String {
    format!("palisade/v1/{}/{check}", commit.sha)
}

fn at(lease: &Lease) -> RepositoryAt {
    RepositoryAt { installation: lease.commit.installation, repository: lease.commit.repository.clone() }
}

/// Only where it fits: a result without the mark is judged once more by a host that forgot it.
fn marked(publication: &CheckPublication) -> String {
    match &publication.policy {
        Some(policy) if publication.text.len() + PolicyMark::BYTES <= TEXT_BYTES => policy.on(&publication.text),
        _ => publication.text.clone(),
    }
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
