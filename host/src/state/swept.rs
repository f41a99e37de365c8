//! How far the sweeps have come: which part of the delivery log was read, which deliveries failed, which repositories are
//! still to be compared. Another instance, or the same one after a restart, goes on from here.

use super::{State, StoreError, commit_key, read};
use crate::model::event::Origin;
use crate::model::publication::PolicyMark;
use crate::model::{CommitKey, DeliveryId, InstallationId, Unix};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// What was seen to be in order needs no second look for so long: nobody but us changes our check runs, and GitHub
/// redelivers for as long.
const LOOKED_KEPT: Duration = Duration::from_secs(3 * 24 * 3600);
/// Longer than any pause after which an instance should still go on and not begin anew.
const PROGRESS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How far the App's log of deliveries was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRead {
    /// What was delivered before was read, but for the rest.
    pub until: Unix,
    /// What is older and still to be read: there were more pages than calls.
    pub rest: Option<LogRest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRest {
    /// GitHub's own word for the page.
    pub cursor: String,
    pub since: Unix,
}

/// A delivery that did not reach us, as far as the log was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedDelivery {
    pub guid: DeliveryId,
    pub event: String,
    /// One of its attempts: GitHub is asked for another by this.
    pub attempt: u64,
    /// When that one was made.
    pub at: Unix,
    /// Those of its attempts that are redeliveries, whoever asked.
    pub redeliveries: BTreeSet<u64>,
    /// How often we asked, and when last.
    pub asked: u32,
    pub asked_at: Unix,
    /// Nothing more is to be done: it arrived, or never will.
    pub settled: bool,
}

/// One round over the repositories of an installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    pub began: Unix,
    /// Those that are still to be compared, the most recently active first.
    pub rest: VecDeque<Origin>,
    /// Pull requests that somebody looks at now.
    pub found: u32,
    /// Of these, those whose results were older than the policy.
    pub again: u32,
    /// Results older than the policy that have to wait for a later round.
    pub left: u32,
}

/// What GitHub said of a commit of which nothing else is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The policy at that time.
    pub policy: PolicyMark,
    /// The results were older than that.
    pub older: bool,
}

impl State {
    pub async fn log_read(&self) -> Result<LogRead, StoreError> {
        Ok(read(&self.store, LOG).await?.unwrap_or_default())
    }

    pub async fn remember_log_read(&self, log: &LogRead) -> Result<(), StoreError> {
        self.keep(LOG, log, PROGRESS_KEPT).await
    }

    pub async fn failed_deliveries(&self) -> Result<Vec<FailedDelivery>, StoreError> {
        let mut failed = Vec::new();
        for key in self.store.keys(FAILED).await? {
            failed.extend(read(&self.store, &key).await?);
        }
        Ok(failed)
    }

    /// Kept as long as GitHub redelivers.
    pub async fn remember_failed(&self, failed: &FailedDelivery, window: Duration) -> Result<(), StoreError> {
        self.keep(&format!("{FAILED}{}", failed.guid), failed, window).await
    }

    pub async fn round(&self, installation: InstallationId) -> Result<Option<Round>, StoreError> {
        read(&self.store, &round_key(installation)).await
    }

    pub async fn remember_round(&self, installation: InstallationId, round: &Round) -> Result<(), StoreError> {
        self.keep(&round_key(installation), round, PROGRESS_KEPT).await
    }

    /// When the open pull requests are to be compared next.
    pub async fn next_round(&self) -> Result<Unix, StoreError> {
        Ok(read(&self.store, NEXT_ROUND).await?.unwrap_or_default())
    }

    pub async fn remember_next_round(&self, at: Unix) -> Result<(), StoreError> {
        self.keep(NEXT_ROUND, &at, PROGRESS_KEPT).await
    }

    pub async fn looked(&self, commit: &CommitKey) -> Result<Option<Looked>, StoreError> {
        read(&self.store, &looked_key(commit)).await
    }

    pub async fn remember_looked(&self, commit: &CommitKey, looked: &Looked) -> Result<(), StoreError> {
        self.keep(&looked_key(commit), looked, LOOKED_KEPT).await
    }

    async fn keep<T: Serialize>(&self, key: &str, value: &T, ttl: Duration) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(value).map_err(|_| StoreError::Type(key.to_owned()))?;
        self.store.set(key, bytes.into(), Some(ttl)).await
    }
}

// No owner's name begins like these.
const LOG: &str = "~deliveries";
const FAILED: &str = "~failed:";
const NEXT_ROUND: &str = "~next-round";

fn round_key(installation: InstallationId) -> String {
    format!("~round:{installation}")
}

fn looked_key(commit: &CommitKey) -> String {
    format!("~looked:{}", commit_key(commit))
}
