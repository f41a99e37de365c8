//! What is remembered between events: a trait for the backends, and typed kinds on top of it. State is a help, never
//! the truth: what is lost is found again on GitHub.

mod baselines;
mod comment;
mod heads;
mod installations;
pub mod memory;
pub mod records;
mod swept;
mod turn;

pub use comment::{CommentLock, CommentPlace, CommentState};

pub use baselines::{Kept, Sought, packed, unpacked};
pub use heads::{HeadsOf, KnownHead};
pub use swept::{FailedDelivery, LogRead, LogRest, Looked, Round};
pub use turn::Turn;

use crate::model::event::{MergeGroup, Origin, PullRequest};
use crate::model::plan::Conclusion;
use crate::model::provenance::Acceptance;
use crate::model::publication::{CheckState, PolicyMark};
use crate::model::{CheckName, CommitKey, Digest, HeadSha, JobId, Record, Unix, WorkflowRun};
use crate::telemetry::spans;
use async_trait::async_trait;
use bytes::Bytes;
use records::{Files, Records};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Why the store could not answer. An absent value is `None`, never an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    #[error("unexpected value type for key {0}")]
    Type(String),
    #[error("the value for key {key} has {size} bytes, over the cap of {cap}")]
    TooLarge { key: String, size: usize, cap: usize },
}

/// A key-value store with expiry. Called from many tasks at once; every method answers for itself, and
/// `set_if_absent`, `extend` and `delete_if` are atomic. A time to live of `None` or zero means no expiry.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;
    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), StoreError>;
    /// True if the key was absent and now holds the value.
    async fn set_if_absent(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<bool, StoreError>;
    /// True if the key held this value, which lives so long from now on.
    async fn extend(&self, key: &str, value: &Bytes, ttl: Duration) -> Result<bool, StoreError>;
    /// True if the key held this value, and does not any more.
    async fn delete_if(&self, key: &str, value: &Bytes) -> Result<bool, StoreError>;
    /// True if there was something to delete.
    async fn delete(&self, key: &str) -> Result<bool, StoreError>;
    /// Keys with this prefix, in order.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError>;
    /// A word that shows life; `pong` for memory.
    async fn ping(&self) -> Result<String, StoreError>;
    /// Removes what has expired; returns how many entries.
    async fn sweep(&self) -> Result<usize, StoreError>;
    /// Entries and bytes held in this process; none where they are held elsewhere.
    fn held(&self) -> Option<(usize, usize)> {
        None
    }
}

/// The typed kinds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct State {
    store: Arc<dyn Store>,
    /// Records have a store of their own: however large they are, they never crowd out what keeps checks going.
    records: Arc<dyn Records>,
    /// So have baselines, which GitHub can be asked for again.
    baselines: Arc<dyn Store>,
    /// One look at a pull request's head at a time.
    heads: Arc<Mutex<()>>,
    expiry: Duration,
}

/// What is known of one commit: enough to judge it, in whatever order the events came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommitState {
    pub origin: Option<Origin>,
    /// Open pull requests whose head this commit is, by number.
    pub pull_requests: BTreeMap<u64, PullRequest>,
    /// Numbers that a run's payload named; their pull request event may still come.
    pub announced: Vec<u64>,
    /// The newest word about each pull request: whether it is open and this commit its head.
    pub words: BTreeMap<u64, Word>,
    /// The merge queue's trial merge that this commit is the head of.
    #[serde(default)]
    pub merge_group: Option<MergeGroup>,
    /// Branches and tags that were pushed to this commit, as `refs/…`.
    #[serde(default)]
    pub pushed: BTreeSet<String>,
    /// GitHub's suite of our check runs.
    #[serde(default)]
    pub suite: Option<u64>,
    /// The newest attempt of every run seen, by id.
    pub runs: BTreeMap<u64, WorkflowRun>,
    /// When the checks were opened.
    pub opened_at: Option<Unix>,
    pub checks: BTreeMap<CheckName, CheckHandle>,
    /// Why the checks were ended without a judgement: a newer head, a closed pull request.
    pub superseded: Option<String>,
    /// Its open checks were ended for that reason.
    #[serde(default)]
    pub ended: bool,
    /// The job of the last decision.
    pub decision: Option<JobId>,
    /// The job that last decided about each check, which a re-run of one check does for that one alone.
    #[serde(default)]
    pub decisions: BTreeMap<CheckName, JobId>,
    /// How often the sweep looked again without a decision, since the last event.
    pub looks: u32,
    /// What the last decision was made from; equal inputs need no second one.
    pub fingerprint: Option<Digest>,
    /// The policy that the last decision about all checks was made by.
    #[serde(default)]
    pub policy: Option<PolicyMark>,
    /// A decision that is recorded and not told in full: it is told, and not made again.
    #[serde(default)]
    pub owed: Option<Owed>,
    /// Checks whose run was to be created by a request that nobody answered: it may be there.
    #[serde(default)]
    pub unanswered: BTreeSet<CheckName>,
    /// The decision whose comment could not be written yet, though its checks were.
    #[serde(default)]
    pub comment_due: Option<JobId>,
    /// Who accepted evidence below a check's minimum, and which: for this commit only.
    #[serde(default)]
    pub accepted: BTreeMap<CheckName, Acceptance>,
    /// What each check waits for that has nothing else to judge, by the last decision: the evidence that its button is for.
    #[serde(default)]
    pub waiting: BTreeMap<CheckName, Digest>,
    /// The base branches of all pull requests that ever had this head: a run may have been made for any of them.
    #[serde(default)]
    pub bases: BTreeSet<String>,
    /// Since when, by GitHub's clock, everything about its pull requests was heard: a restart forgets what was before.
    #[serde(default)]
    pub heard_since: Option<Unix>,
    /// Checks that a merge group has from a pull request's head with the same tree, and whether one was looked for.
    #[serde(default)]
    pub inherited: BTreeSet<CheckName>,
    #[serde(default)]
    pub sought_same_tree: bool,
    /// Runs from before that time of which GitHub was asked whom they may have been made for.
    #[serde(default)]
    pub asked_bases_of: BTreeSet<u64>,
}

/// What is left to be told of a decision, whatever kept its checks from being written: a limit, an outage, a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Under which the record is kept.
    pub job: JobId,
    /// What it was made from.
    pub fingerprint: Digest,
    /// The checks that somebody asked for.
    pub asked: BTreeSet<CheckName>,
    /// Only those were judged.
    pub partly: bool,
    /// Open checks that are not planned any more, and end with it.
    pub left_over: Vec<CheckName>,
}

/// What was last said about a pull request and this commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// When GitHub changed the pull request.
    pub at: Unix,
    pub is_head: bool,
}

/// A pull request's head, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestHead {
    pub sha: HeadSha,
    pub at: Unix,
}

/// A check run on GitHub that is ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckHandle {
    pub id: u64,
    pub state: CheckState,
    /// What was written last, so that equal content is not written again.
    pub published: Option<Digest>,
    /// The annotations that the run carries, or is being given. They cannot be taken back.
    pub annotations: Option<Digest>,
    /// How many of them are known to have arrived.
    pub annotated: u32,
    /// What GitHub showed of it when it was found there, until something is written.
    #[serde(default)]
    pub found: Option<FoundRun>,
}

/// A run of ours of which only GitHub knew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRun {
    /// Of its title and texts.
    pub shown: Digest,
    /// It says by which policy it was decided: so it is neither an outage nor given up.
    pub is_decided: bool,
}

impl CheckHandle {
    /// As GitHub shows it: by its conclusion, or because it says so.
    pub fn is_decided(&self) -> bool {
        let speaks = matches!(self.state, CheckState::Completed(Conclusion::Success | Conclusion::Failure));
        speaks || self.found.as_ref().is_some_and(|found| found.is_decided)
    }

    /// Not ended yet on GitHub.
    pub fn is_open(&self) -> bool {
        self.state == CheckState::InProgress
    }
}

impl State {
    pub fn new(store: Arc<dyn Store>, records: Arc<dyn Records>, baselines: Arc<dyn Store>, expiry: Duration) -> Self {
        Self { store, records, baselines, heads: Arc::default(), expiry }
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Entries and bytes of each store that is in this process.
    pub fn sizes(&self) -> Vec<(&'static str, usize, usize)> {
        let stores =
            [("state", self.store.held()), ("records", self.records.held()), ("baselines", self.baselines.held())];
        let held =
            |(name, held): (&'static str, Option<(usize, usize)>)| held.map(|(entries, bytes)| (name, entries, bytes));
        stores.into_iter().filter_map(held).collect()
    }

    pub async fn commit(&self, key: &CommitKey) -> Result<CommitState, StoreError> {
        let span = spans::state_get();
        span.record("state.key_type", "commit");
        let known = async {
            let known = read::<CommitState>(&self.store, &commit_key(key)).await?;
            tracing::Span::current().record("state.has_value", known.is_some());
            Ok(known.unwrap_or_default())
        };
        spans::within(span, known).await
    }

    pub async fn remember_commit(&self, key: &CommitKey, commit: &CommitState) -> Result<(), StoreError> {
        let span = spans::state_store();
        span.record("state.key_type", "commit");
        spans::within(span, self.write(&commit_key(key), commit)).await
    }

    /// Keeps the Record with the files that it was judged from, before anything that it decides is published. One that is
    /// too large is not worth a check that hangs: it is told and left out.
    pub async fn record(&self, record: &Record, files: &Files) -> Result<(), StoreError> {
        match self.records.keep(record, files).await {
            Err(error @ StoreError::TooLarge { .. }) => {
                tracing::warn!(%error, "a record is not kept");
                Ok(())
            }
            kept => kept,
        }
    }

    /// What this job decided; none if it decided nothing, or so long ago that its record is gone.
    pub async fn decision(&self, job: &JobId) -> Result<Option<Record>, StoreError> {
        self.records.get(job).await
    }

    pub fn records(&self) -> &Arc<dyn Records> {
        &self.records
    }

    /// An overlay's text as it last was without fault.
    pub async fn good_overlay(&self, place: &str) -> Result<Option<String>, StoreError> {
        read(&self.store, &format!("~overlay:{place}")).await
    }

    pub async fn remember_good_overlay(&self, place: &str, text: &str) -> Result<(), StoreError> {
        let key = format!("~overlay:{place}");
        let bytes = serde_json::to_vec(text).map_err(|_| StoreError::Type(key.clone()))?;
        self.store.set(&key, bytes.into(), Some(GOOD_OVERLAY_KEPT)).await
    }

    /// The newest head of a pull request that anybody told of.
    pub async fn head(&self, commit: &CommitKey, number: u64) -> Result<Option<PullRequestHead>, StoreError> {
        read(&self.store, &pull_key(commit, number)).await
    }

    /// What GitHub itself says is the head, whatever was told before.
    pub async fn remember_head(
        &self,
        commit: &CommitKey,
        number: u64,
        head: &PullRequestHead,
    ) -> Result<(), StoreError> {
        let _alone = self.heads.lock().await;
        self.write(&pull_key(commit, number), head).await
    }

    /// Remembers a pull request's head unless a newer one is known, in one step: two heads of one pull request are worked on
    /// at the same time. Answers what was known before.
    pub async fn advance_head(
        &self,
        commit: &CommitKey,
        number: u64,
        head: &PullRequestHead,
    ) -> Result<Option<PullRequestHead>, StoreError> {
        let _alone = self.heads.lock().await;
        let known = self.head(commit, number).await?;
        if known.as_ref().is_none_or(|known| known.at < head.at) {
            self.write(&pull_key(commit, number), head).await?;
        }
        Ok(known)
    }

    /// Notes that a commit ended without a decision: the sweep looks at it again, not before this second.
    pub async fn remember_undecided(&self, key: &CommitKey, not_before: Unix) -> Result<(), StoreError> {
        self.write(&undecided_key(key), &(key, not_before)).await
    }

    pub async fn forget_undecided(&self, key: &CommitKey) -> Result<(), StoreError> {
        self.store.delete(&undecided_key(key)).await.map(|_| ())
    }

    /// Whether the sweep will look at the commit by itself.
    pub async fn is_looked_after(&self, key: &CommitKey) -> Result<bool, StoreError> {
        Ok(self.store.get(&undecided_key(key)).await?.is_some())
    }

    /// Commits without a decision that are due.
    pub async fn undecided(&self, now: Unix) -> Result<Vec<CommitKey>, StoreError> {
        let mut commits = Vec::new();
        for key in self.store.keys(UNDECIDED).await? {
            match read::<(CommitKey, Unix)>(&self.store, &key).await {
                Ok(entry) => commits.extend(entry.filter(|(_, due)| *due <= now).map(|(commit, _)| commit)),
                Err(error) => tracing::warn!(%error, "an undecided commit cannot be read"),
            }
        }
        Ok(commits)
    }

    async fn forget(&self, prefix: &str) -> Result<(), StoreError> {
        for prefix in [prefix.to_owned(), format!("{UNDECIDED}{prefix}")] {
            for key in self.store.keys(&prefix).await? {
                self.store.delete(&key).await?;
            }
        }
        Ok(())
    }

    async fn write<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(value).map_err(|_| StoreError::Type(key.to_owned()))?;
        self.store.set(key, bytes.into(), Some(self.expiry)).await
    }
}

async fn read<T: DeserializeOwned>(store: &Arc<dyn Store>, key: &str) -> Result<Option<T>, StoreError> {
    match store.get(key).await? {
        Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| StoreError::Type(key.to_owned())),
        None => Ok(None),
    }
}

/// A file that is broken for longer was given up by its owners.
const GOOD_OVERLAY_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// No owner's name begins like this.
const UNDECIDED: &str = "~undecided:";

fn pull_key(commit: &CommitKey, number: u64) -> String {
    format!("{}:{}:pull:{number}", commit.repository.owner(), commit.repository.name())
}

fn undecided_key(key: &CommitKey) -> String {
    format!("{UNDECIDED}{}", commit_key(key))
}

fn commit_key(key: &CommitKey) -> String {
    format!("{}:{}:commit:{}", key.repository.owner(), key.repository.name(), key.sha)
}

/// The contract of a `Store`. Every backend's tests call it.
#[cfg(test)]
pub(crate) async fn hold_to_the_contract(store: Arc<dyn Store>) {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    assert_eq!(store.get("absent").await.expect("get"), None, "an absent value is none, not an error");
    store.set("a:1", bytes("one"), None).await.expect("set");
    assert_eq!(store.get("a:1").await.expect("get"), Some(bytes("one")));
    assert!(!store.set_if_absent("a:1", bytes("two"), None).await.expect("set"), "the key is taken");
    assert!(store.set_if_absent("a:2", bytes("two"), None).await.expect("set"));
    assert_eq!(store.keys("a:").await.expect("keys"), ["a:1", "a:2"]);
    assert!(store.delete("a:1").await.expect("delete"));
    assert!(!store.delete("a:1").await.expect("delete"));
    let minute = Duration::from_secs(60);
    assert!(store.extend("a:2", &bytes("two"), minute).await.expect("extend"));
    assert!(!store.extend("a:2", &bytes("three"), minute).await.expect("extend"), "it holds another value");
    assert!(!store.extend("a:3", &bytes("three"), minute).await.expect("extend"), "what is absent is not made");
    assert!(!store.delete_if("a:2", &bytes("three")).await.expect("delete"), "it holds another value");
    assert_eq!(store.get("a:2").await.expect("get"), Some(bytes("two")));
    assert!(store.delete_if("a:2", &bytes("two")).await.expect("delete"));
    assert_eq!(store.get("a:2").await.expect("get"), None);
    let takers: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.set_if_absent("lock", Bytes::from_static(b"x"), None).await })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(taker.await.expect("no panic").expect("set"));
    }
    assert_eq!(taken, 1, "exactly one of many takes a lock");
    assert!(!store.ping().await.expect("ping").is_empty());
}
