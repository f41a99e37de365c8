//! Where decisions are kept: in memory, for the details page while the host lives, or in a directory with the files that
//! they were judged from, for a replay.

pub mod directory;

use super::{Store, StoreError};
use crate::model::{Digest, JobId, Record};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The bytes of a case's files. More than a record names may be among them.
pub type Files = HashMap<Digest, Bytes>;

/// Keeps records by the job that decided. Called from many tasks at once.
#[async_trait]
pub trait Records: Send + Sync + std::fmt::Debug {
    /// Keeps a record, whole or not at all. Older ones may have to go for it.
    async fn keep(&self, record: &Record, files: &Files) -> Result<(), StoreError>;
    async fn get(&self, job: &JobId) -> Result<Option<Record>, StoreError>;
    /// Removes what is too old; returns how many records.
    async fn sweep(&self) -> Result<usize, StoreError>;
    /// Records and bytes held in this process's memory; none where they are files.
    fn held(&self) -> Option<(usize, usize)> {
        None
    }
}

/// Records without their files, in a store that gives up the oldest.
#[derive(Debug)]
pub struct StoredRecords {
    store: Arc<dyn Store>,
    expiry: Duration,
}

impl StoredRecords {
    pub fn new(store: Arc<dyn Store>, expiry: Duration) -> Self {
        Self { store, expiry }
    }
}

#[async_trait]
impl Records for StoredRecords {
    async fn keep(&self, record: &Record, _files: &Files) -> Result<(), StoreError> {
        let mut record = record.clone();
        let why = "without records.directory a host keeps its records in memory, without files";
        lose_files(&mut record, why.to_owned());
        let bytes = serde_json::to_vec(&record).map_err(|_| StoreError::Type(key(&record.job)))?;
        self.store.set(&key(&record.job), bytes.into(), Some(self.expiry)).await
    }

    async fn get(&self, job: &JobId) -> Result<Option<Record>, StoreError> {
        super::read(&self.store, &key(job)).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.store.sweep().await
    }

    fn held(&self) -> Option<(usize, usize)> {
        self.store.held()
    }
}

fn key(job: &JobId) -> String {
    format!("record:{job}")
}

/// Never a record without its files that does not say so.
fn lose_files(record: &mut Record, why: String) {
    if let Some(material) = &mut record.material {
        material.files_missing = Some(why);
    }
}
