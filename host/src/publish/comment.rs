//! The one comment of a pull request: found by its stored id, else by marker and author; written after the checks, in
//! place, and only when it says something new. A failure here never fails a check; what time can heal is tried again.

use super::{PublishError, Publisher, at};
use crate::github::{Comment, CommentId, GitHubError};
use crate::model::publication::{CommentPublication, Generation, Marker, Standing};
use crate::model::{CommitKey, Record};
use crate::queue::Lease;
use crate::report::{self, About};
use crate::state::{CommentPlace, CommentState, CommitState, StoreError};

/// How often GitHub is asked for a comment whose creation it did not answer, before another is created: at once, and
/// with the job's next two attempts, 2 and 6 s later.
const LOOKS: u8 = 3;

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
    /// Writes the comment of each open pull request of the commit. One's failure does not hold up the others; the first
    /// that time can heal is told at the end, and the decision is remembered for `comment_again`.
    pub async fn comment(&self, lease: &Lease, commit: &mut CommitState, record: &Record) -> Result<(), PublishError> {
        commit.comment_due = None;
        if !self.comments {
            return Ok(());
        }
        let mut first_failure = None;
        for pull_request in record.pull_requests.iter().copied().filter(|number| is_open(commit, *number)) {
            let head = commit.head_since.get(&pull_request).cloned();
            let generation = Generation { head, decision: record.job.clone() };
            let about = About { app_id: self.app_id, pull_request, generation };
            let shown = report::comment(record, about, &self.presentation);
            if let Err(failure) = self.comment_on(&Thread { lease, shown: &shown }).await
                && is_healed_by_time(&failure)
            {
                first_failure.get_or_insert(failure);
            }
        }
        commit.comment_due = first_failure.is_some().then(|| record.job.clone());
        first_failure.map_or(Ok(()), Err)
    }

    /// The comment alone, if it is all that a decision lacks: checks are not written anew.
    pub async fn comment_again(&self, lease: &Lease, commit: &mut CommitState) -> Result<(), PublishError> {
        let Some(job) = commit.comment_due.clone() else { return Ok(()) };
        match self.state.decision(&lease.commit, &job).await? {
            Some(record) => self.comment(lease, commit, &record).await?,
            None => commit.comment_due = None,
        }
        Ok(self.state.remember_commit(&lease.commit, commit).await?)
    }

    async fn comment_on(&self, thread: &Thread<'_>) -> Result<(), PublishError> {
        let pull_request = thread.number();
        let written = self.write_alone(thread).await;
        let result = written.as_ref().map_or("failed", |outcome| outcome.word());
        self.metrics.comments.with_label_values(&[result]).inc();
        match &written {
            Ok(Outcome::Created | Outcome::Updated | Outcome::Resolved) => {
                tracing::info!(pull_request, result, "comment written")
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
        let written = self.write(thread).await;
        if let Err(error) = self.state.unlock_comment(lock).await {
            tracing::warn!(pull_request = number, %error, "the lock on a comment is left to run out");
        }
        written
    }

    async fn write(&self, thread: &Thread<'_>) -> Result<Outcome, PublishError> {
        let shown = thread.shown;
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
            tracing::info!(pull_request = thread.number(), id = duplicate.id.0, "deleted a second comment");
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

/// The comment of a closed pull request stays as it is.
fn is_open(commit: &CommitState, number: u64) -> bool {
    commit.pull_requests.contains_key(&number) || commit.announced.contains(&number)
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

/// What GitHub refused once, such as a comment on a locked conversation, it refuses again.
fn is_healed_by_time(failure: &PublishError) -> bool {
    match failure {
        PublishError::GitHub(error) => matches!(
            error,
            GitHubError::Unavailable(_) | GitHubError::RateLimited { .. } | GitHubError::Unauthorized(_)
        ),
        PublishError::Store(_)
        | PublishError::Fenced
        | PublishError::CommentBusy(_)
        | PublishError::CommentUnanswered(_) => true,
    }
}
