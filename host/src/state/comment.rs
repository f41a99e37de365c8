//! What is known of a pull request's comment, and the lock under which it is written: two heads of one pull request are
//! judged side by side.

use super::{State, StoreError, read};
use crate::model::publication::Generation;
use crate::model::{Digest, RepositoryName};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longer than finding, writing and tidying up take when GitHub is slow; whoever died with the lock is waited for no
/// longer than attempts last.
const LOCK: Duration = Duration::from_secs(60);

/// As long as people come back to a pull request: with it is forgotten that somebody deleted the comment.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is known of the comment on one pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentState {
    pub place: CommentPlace,
    /// What was written last, or found to need no comment.
    pub content: Option<Digest>,
    pub verdict: Option<Digest>,
    /// Which decision that was.
    pub generation: Option<Generation>,
}

/// Where the comment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommentPlace {
    /// Nobody looked yet, or what was known is lost.
    #[default]
    Unknown,
    /// Its creation was sent and no answer came; so many looks since then did not find it.
    Unanswered {
        looks: u8,
    },
    /// There is none.
    Absent,
    At {
        id: u64,
    },
    /// Somebody deleted it.
    Deleted,
}

/// Whoever holds it writes the comment; nobody else does meanwhile.
#[derive(Debug)]
#[must_use]
pub struct CommentLock {
    key: String,
    holder: Bytes,
}

impl State {
    pub async fn comment(&self, repository: &RepositoryName, number: u64) -> Result<CommentState, StoreError> {
        Ok(read(&self.store, &comment_key(repository, number)).await?.unwrap_or_default())
    }

    pub async fn remember_comment(
        &self,
        repository: &RepositoryName,
        number: u64,
        comment: &CommentState,
    ) -> Result<(), StoreError> {
        let key = comment_key(repository, number);
        let bytes = serde_json::to_vec(comment).map_err(|_| StoreError::Type(key.clone()))?;
        self.store.set(&key, bytes.into(), Some(self.expiry.max(KEPT))).await
    }

    /// None while somebody else holds it.
    pub async fn lock_comment(
        &self,
        repository: &RepositoryName,
        number: u64,
    ) -> Result<Option<CommentLock>, StoreError> {
        let key = format!("{}:lock", comment_key(repository, number));
        let holder = Bytes::from(uuid::Uuid::new_v4().to_string());
        let taken = self.store.set_if_absent(&key, holder.clone(), Some(LOCK)).await?;
        Ok(taken.then_some(CommentLock { key, holder }))
    }

    /// Gives the lock back, unless it ran out and is somebody else's by now.
    pub async fn unlock_comment(&self, lock: CommentLock) -> Result<(), StoreError> {
        self.store.delete_if(&lock.key, &lock.holder).await.map(drop)
    }
}

fn comment_key(repository: &RepositoryName, number: u64) -> String {
    format!("{}:{}:comment:{number}", repository.owner(), repository.name())
}
