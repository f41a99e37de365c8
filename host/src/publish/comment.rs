//! The one comment of a pull request: found by its stored id, else by marker and author; written after the checks, in
//! place, and only when it says something new. A failure here never fails a check; what time can heal is tried again.

use super::{PublishError, Publisher, at};
use crate::github::{Comment, CommentId, GitHubError};
use crate::model::publication::{CommentPublication, Generation, Marker, Standing};
use crate::model::{CommitKey, Job, JobId, JobKind, Record};
use crate::queue::Lease;
use crate::report::{self, About};
use crate::state::{CommentLock, CommentPlace, CommentState, CommitState, State, StoreError};
use crate::telemetry::audit::{Act, Line, tell};
use crate::telemetry::spans;
use std::borrow::Cow;

/// How often GitHub is asked for a comment whose creation it did not answer, before another is created: at once, and
/// with the next two attempts, 2 and 6 s later.
const LOOKS: u8 = 3;

/// Attempts after the first, 2, 4, 8, … s apart: four minutes, as long as jobs are tried again.
const ATTEMPTS: u32 = 7;

/// Gives the lock on a comment back, however the writing ends.
struct Held {
    state: State,
    lock: Option<CommentLock>,
}

impl Held {
    async fn give_back(mut self) {
        if let Some(lock) = self.lock.take() {
            unlock(self.state.clone(), lock).await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            tokio::spawn(unlock(self.state.clone(), lock));
        }
    }
}

async fn unlock(state: State, lock: CommentLock) {
    if let Err(error) = state.unlock_comment(lock).await {
        tracing::warn!(%error, "the lock on a comment is left to run out");
    }
}

/// One pull request's comment, about to be written.
struct Thread<'a> {
    lease: &'a Lease,
    shown: &'a CommentPublication,
}

impl Thread<'_> {
    fn number(&self) -> u64 {
        self.shown.marker.pull_request
    }
    fn commit(&self) -> &CommitKey {
        &self.lease.commit
    }
}

/// What became of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Created,
    Updated,
    Resolved,
    Unchanged,
    /// There is none, and nothing to write one for.
    Absent,
    /// What is there stays: it is about something newer, or the checks are still going.
    Kept,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Updated => "updated",
            Outcome::Resolved => "resolved",
            Outcome::Unchanged => "unchanged",
            Outcome::Absent => "none",
            Outcome::Kept => "kept",
        }
    }
}

impl Publisher {
    /// Writes the comment of each open pull request of the commit, after the checks. Cannot fail: what time can heal is
    /// tried again by a job of its own, which finds the decision by `comment_due`.
    pub async fn comment(&self, lease: &Lease, commit: &mut CommitState, record: &Record) {
        commit.comment_due = None;
        if !self.comments {
            return;
        }
        let mut failures = Vec::new();
        let whole = self.with_other_checks(commit, record).await;
        for (&number, pull) in &commit.pull_requests {
            let head = commit.words.get(&number).map(|word| word.at).or(Some(pull.updated_at));
            let generation = Generation { head, decision: record.job.clone() };
            let about = About { app_id: self.app_id, pull_request: number, generation };
            let shown = report::comment(&whole, about, &self.presentation);
            failures.extend(self.comment_on(&Thread { lease, shown: &shown }).await.err());
        }
        if let Some(failure) = failures.into_iter().find(is_healed_by_time) {
            commit.comment_due = Some(record.job.clone());
            self.try_again(lease, &failure).await;
        }
    }

    /// The comment alone, if it is all that a decision lacks: checks are not written anew.
    pub async fn comment_again(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), StoreError> {
        let Some(job) = commit.comment_due.take() else { return Ok(()) };
        if let Some(record) = self.state.decision(&job).await? {
            self.comment(lease, commit, &record).await;
        }
        self.state.remember_commit(&lease.commit, commit).await
    }

    /// A decision about some checks alone says nothing of the others: each keeps the section of its own last decision.
    async fn with_other_checks<'a>(&self, commit: &CommitState, record: &'a Record) -> Cow<'a, Record> {
        let mut whole = Cow::Borrowed(record);
        for (check, job) in &commit.decisions {
            let is_shown = record.checks.iter().any(|known| known.check == *check);
            if is_shown || !commit.checks.contains_key(check) {
                continue;
            }
            let Ok(Some(last)) = self.state.decision(job).await else { continue };
            whole.to_mut().checks.extend(last.checks.into_iter().filter(|decided| decided.check == *check));
        }
        if let Cow::Owned(whole) = &mut whole {
            whole.checks.sort_by(|a, b| a.check.cmp(&b.check));
        }
        whole
    }

    /// Not the same job again: what asked for it may ask for checks anew.
    async fn try_again(&self, lease: &Lease, failure: &PublishError) {
        let tried = |job: &Job| if let JobKind::Comment { tried } = job.kind { tried } else { 0 };
        let tried = lease.jobs.iter().map(tried).max().unwrap_or(0);
        let now = self.clock.now();
        let (tried, due) = match failure {
            PublishError::GitHub(GitHubError::RateLimited { until }) => (tried, (*until).max(now + 1)),
            _ => (tried + 1, now + (2 << tried)),
        };
        if tried > ATTEMPTS {
            tracing::error!(error = %failure, "a comment is given up");
            return;
        }
        let id = JobId(uuid::Uuid::now_v7().to_string());
        let kind = JobKind::Comment { tried };
        let job =
            Job { id, commit: lease.commit.clone(), kind, now, delivery: None, trail: Default::default(), attempt: 0 };
        if let Err(error) = self.queue.schedule(job, due).await {
            tracing::error!(%error, "a comment that failed is not tried again");
        }
    }

    async fn comment_on(&self, thread: &Thread<'_>) -> Result<(), PublishError> {
        let pull_request = thread.number();
        let span = spans::comment_write();
        span.record("pr.number", pull_request);
        span.record("comment.length", thread.shown.body.len());
        let written = spans::within(span, self.write_alone(thread)).await;
        let result = written.as_ref().map_or("failed", |outcome| outcome.word());
        self.metrics.comments.with_label_values(&[result]).inc();
        match &written {
            Ok(Outcome::Created | Outcome::Updated | Outcome::Resolved) => {
                let line =
                    Line { result, commit: Some(thread.commit()), pull_request: Some(pull_request), ..Line::default() };
                tell(Act::CommentWritten, &line);
            }
            Ok(_) => tracing::debug!(pull_request, result, "comment left as it is"),
            Err(error) => tracing::warn!(pull_request, %error, "a comment could not be written"),
        }
        written.map(drop)
    }

    /// Two commits of one pull request are worked on side by side: one at a time writes its comment.
    async fn write_alone(&self, thread: &Thread<'_>) -> Result<Outcome, PublishError> {
        if thread.shown.standing == Standing::Unfinished {
            return Ok(Outcome::Kept);
        }
        let (repository, number) = (&thread.commit().repository, thread.number());
        let lock = self.state.lock_comment(repository, number).await?.ok_or(PublishError::CommentBusy(number))?;
        // A newer event may stop this task at any await: what follows it must not wait for the lock to run out.
        let held = Held { state: self.state.clone(), lock: Some(lock) };
        let written = self.write(thread).await;
        held.give_back().await;
        written
    }

    async fn write(&self, thread: &Thread<'_>) -> Result<Outcome, PublishError> {
        let shown = thread.shown;
        if self.is_overtaken(thread).await? {
            return Ok(Outcome::Kept);
        }
        let mut known = self.state.comment(&thread.commit().repository, thread.number()).await?;
        if known.generation.as_ref().is_some_and(|known| known.is_newer_than(&shown.marker.generation)) {
            return Ok(Outcome::Kept);
        }
        if known.content == Some(shown.content) {
            return self.wrote(thread, known, Outcome::Unchanged).await;
        }
        if known.place == CommentPlace::Deleted && known.verdict == Some(shown.verdict) {
            return Ok(Outcome::Absent);
        }
        if let CommentPlace::Unknown | CommentPlace::Unanswered { .. } = known.place {
            match self.look(thread, &mut known).await? {
                Some(there) if is_newer(&there, shown) => return Ok(Outcome::Kept),
                Some(there) if says_the_same(&there, shown) => {
                    return self.wrote(thread, known, Outcome::Unchanged).await;
                }
                _ => {}
            }
        }
        match known.place {
            CommentPlace::At { id } => self.update_comment(thread, known, CommentId(id)).await,
            _ if shown.standing == Standing::Open => self.create_comment(thread, known).await,
            _ => self.wrote(thread, known, Outcome::Absent).await,
        }
    }

    /// Whether another commit became the pull request's head since, as far as anybody told.
    async fn is_overtaken(&self, thread: &Thread<'_>) -> Result<bool, StoreError> {
        let newest = self.state.head(thread.commit(), thread.number()).await?;
        let since = thread.shown.marker.generation.head;
        Ok(newest.is_some_and(|newest| newest.sha != thread.commit().sha && since.is_some_and(|at| newest.at > at)))
    }

    async fn update_comment(
        &self,
        thread: &Thread<'_>,
        mut known: CommentState,
        id: CommentId,
    ) -> Result<Outcome, PublishError> {
        self.fence(thread.lease).await?;
        match self.github.update_comment(&at(thread.lease), id, &thread.shown.body).await {
            Ok(()) if thread.shown.standing == Standing::Clean => self.wrote(thread, known, Outcome::Resolved).await,
            Ok(()) => self.wrote(thread, known, Outcome::Updated).await,
            Err(GitHubError::NotFound(_) | GitHubError::Gone(_)) => {
                // Somebody deleted it. The same verdict would be unwelcome; another one is news.
                let is_news = known.verdict.is_some_and(|verdict| verdict != thread.shown.verdict);
                (known.place, known.content) = (CommentPlace::Deleted, None);
                if is_news && thread.shown.standing == Standing::Open {
                    return self.create_comment(thread, known).await;
                }
                known.verdict = Some(thread.shown.verdict);
                self.remember(thread, &known).await?;
                Ok(Outcome::Absent)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// If the answer never comes it may exist all the same: that is written down first, so that whoever comes next looks
    /// for it before creating another.
    async fn create_comment(&self, thread: &Thread<'_>, mut known: CommentState) -> Result<Outcome, PublishError> {
        self.fence(thread.lease).await?;
        (known.place, known.content) = (CommentPlace::Unanswered { looks: 0 }, None);
        self.remember(thread, &known).await?;
        match self.github.create_comment(&at(thread.lease), thread.number(), &thread.shown.body).await {
            Ok(id) => known.place = CommentPlace::At { id: id.0 },
            Err(error @ GitHubError::Unavailable(_)) => {
                tracing::info!(pull_request = thread.number(), %error, "looking whether a comment was created");
                self.look(thread, &mut known).await?;
            }
            Err(refused) => {
                known.place = CommentPlace::Absent;
                self.remember(thread, &known).await?;
                return Err(refused.into());
            }
        }
        self.wrote(thread, known, Outcome::Created).await
    }

    /// Looks for our comment among all of the pull request, and deletes what is there twice: the oldest one stays.
    async fn look(&self, thread: &Thread<'_>, known: &mut CommentState) -> Result<Option<Comment>, PublishError> {
        let mut ours = Vec::new();
        for comment in self.github.list_comments(&at(thread.lease), thread.number()).await? {
            if self.is_ours(&comment, thread.number()).await? {
                ours.push(comment);
            }
        }
        let mut ours = ours.into_iter();
        let Some(oldest) = ours.next() else {
            known.place = match known.place {
                CommentPlace::Unanswered { looks } if looks + 1 < LOOKS => {
                    known.place = CommentPlace::Unanswered { looks: looks + 1 };
                    self.remember(thread, known).await?;
                    return Err(PublishError::CommentUnanswered(thread.number()));
                }
                _ => CommentPlace::Absent,
            };
            return Ok(None);
        };
        for duplicate in ours {
            self.fence(thread.lease).await?;
            self.github.delete_comment(&at(thread.lease), duplicate.id).await?;
            self.metrics.comments.with_label_values(&["deleted"]).inc();
            let line = Line {
                result: "deleted",
                commit: Some(thread.commit()),
                pull_request: Some(thread.number()),
                id: Some(duplicate.id.0),
                ..Line::default()
            };
            tell(Act::CommentWritten, &line);
        }
        known.place = CommentPlace::At { id: oldest.id.0 };
        Ok(Some(oldest))
    }

    /// Marker and author both: anybody can write a marker.
    async fn is_ours(&self, comment: &Comment, pull_request: u64) -> Result<bool, GitHubError> {
        let marked = |marker: Marker| marker.app == self.app_id && marker.pull_request == pull_request;
        if !Marker::of_body(&comment.body).is_some_and(marked) {
            return Ok(false);
        }
        match (comment.app_id, &comment.bot) {
            (Some(app_id), _) => Ok(app_id == self.app_id),
            (None, Some(login)) => Ok(*login == format!("{}[bot]", self.github.identity().await?.slug)),
            (None, None) => Ok(false),
        }
    }

    async fn wrote(
        &self,
        thread: &Thread<'_>,
        mut known: CommentState,
        outcome: Outcome,
    ) -> Result<Outcome, PublishError> {
        known.content = Some(thread.shown.content);
        known.verdict = Some(thread.shown.verdict);
        known.generation = Some(thread.shown.marker.generation.clone());
        self.remember(thread, &known).await?;
        Ok(outcome)
    }

    async fn remember(&self, thread: &Thread<'_>, known: &CommentState) -> Result<(), StoreError> {
        self.state.remember_comment(&thread.commit().repository, thread.number(), known).await
    }
}

fn is_newer(there: &Comment, shown: &CommentPublication) -> bool {
    let marker = Marker::of_body(&there.body);
    marker.is_some_and(|marker| marker.generation.is_newer_than(&shown.marker.generation))
}

/// Whatever the markers say.
fn says_the_same(there: &Comment, shown: &CommentPublication) -> bool {
    let words = |body: &str| body.split_once('\n').map(|(_, words)| words.to_owned());
    words(&there.body) == words(&shown.body)
}

/// What GitHub refused once, such as a comment on a locked conversation, it refuses again; who took the lease writes too.
fn is_healed_by_time(failure: &PublishError) -> bool {
    match failure {
        PublishError::GitHub(error) => matches!(
            error,
            GitHubError::Unavailable(_) | GitHubError::RateLimited { .. } | GitHubError::Unauthorized(_)
        ),
        PublishError::Store(_) | PublishError::CommentBusy(_) | PublishError::CommentUnanswered(_) => true,
        PublishError::Fenced => false,
    }
}
