//! Records in a directory: `records/<job>.json`, and `files/<digest>` beside them, each file once however many records name
//! it. One host writes to a directory; others may read it meanwhile. The oldest records go first, with the files that no
//! other record names.

use super::{Files, Records, lose_files};
use crate::model::ids::Unix;
use crate::model::{Clock, Digest, JobId, Record};
use crate::state::StoreError;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Reports and source paths of private repositories: for the host's own user.
const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
const DRAFT_PREFIX: &str = "draft-";

/// How long and how much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub max_age: Duration,
    /// Records and files together.
    pub max_bytes: u64,
}

/// A directory of records that this host writes to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DirectoryRecords {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    files: RecordFiles,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
    index: Mutex<Index>,
}

/// A directory of records to read from.
#[derive(Clone, Debug)]
pub struct RecordFiles {
    directory: PathBuf,
}

#[derive(Debug, Default)]
struct Index {
    records: HashMap<String, Kept>,
    files: HashMap<Digest, Shared>,
    bytes: u64,
}

#[derive(Debug)]
struct Kept {
    at: Unix,
    size: u64,
    files: BTreeSet<Digest>,
}

#[derive(Debug, Default)]
struct Shared {
    size: u64,
    /// Records that name it, those being written included.
    users: usize,
}

/// What has to be known of a record to look after it.
#[derive(Deserialize)]
struct Outline {
    now: Unix,
    #[serde(default)]
    material: Option<MaterialOutline>,
}

#[derive(Deserialize)]
struct MaterialOutline {
    files: Vec<FileOutline>,
    #[serde(default)]
    standpoints: Option<Digest>,
    #[serde(default)]
    files_missing: Option<String>,
}

#[derive(Deserialize)]
struct FileOutline {
    digest: Digest,
}

impl RecordFiles {
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The record of a job. An id that is none is the id of no record.
    pub fn record(&self, job: &JobId) -> Result<Option<Record>> {
        let Some(path) = self.record_path(job) else { return Ok(None) };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        serde_json::from_slice(&bytes).map(Some).with_context(|| format!("reading {}", path.display()))
    }

    /// A file that a record names. One whose content is another counts as gone.
    pub fn file(&self, digest: &Digest) -> Option<Bytes> {
        let bytes = std::fs::read(self.file_path(digest)).ok()?;
        (Digest::of(&bytes) == *digest).then(|| bytes.into())
    }

    fn records(&self) -> PathBuf {
        self.directory.join("records")
    }

    fn files(&self) -> PathBuf {
        self.directory.join("files")
    }

    /// Ids come from outside as well: only what is one becomes a path.
    fn record_path(&self, job: &JobId) -> Option<PathBuf> {
        let id = uuid::Uuid::try_parse(&job.0).ok()?;
        Some(self.records().join(format!("{}.json", id.hyphenated())))
    }

    fn file_path(&self, digest: &Digest) -> PathBuf {
        self.files().join(digest.to_string())
    }
}

impl DirectoryRecords {
    /// Makes the directory if it is not there, keeps what an earlier host left in it, and removes what nobody names.
    pub fn open(directory: &Path, bounds: Bounds, clock: Arc<dyn Clock>) -> Result<Self> {
        let files = RecordFiles::new(directory);
        let opened = || -> Result<Index> {
            for directory in [files.records(), files.files()] {
                std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(&directory)?;
            }
            let mut index = Index::default();
            index.take_stock(&files)?;
            Ok(index)
        };
        let index = opened().with_context(|| format!("opening records.directory {}", directory.display()))?;
        let shelf = Shelf { files, bounds, clock, index: Mutex::new(index) };
        shelf.make_room(None);
        Ok(Self { shelf: Arc::new(shelf) })
    }

    /// Bytes on disk, and records.
    pub fn usage(&self) -> (u64, usize) {
        let index = self.shelf.index();
        (index.bytes, index.records.len())
    }
}

#[async_trait]
impl Records for DirectoryRecords {
    async fn keep(&self, record: &Record, files: &Files) -> Result<(), StoreError> {
        let (shelf, record, files) = (self.shelf.clone(), record.clone(), files.clone());
        on_a_thread_of_its_own(move || shelf.keep(record, &files)).await
    }

    async fn get(&self, job: &JobId) -> Result<Option<Record>, StoreError> {
        let (shelf, job) = (self.shelf.clone(), job.clone());
        on_a_thread_of_its_own(move || shelf.files.record(&job)).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        let shelf = self.shelf.clone();
        on_a_thread_of_its_own(move || Ok(shelf.make_room(None))).await
    }
}

/// Disks keep a thread waiting: not one that serves others.
async fn on_a_thread_of_its_own<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let unavailable = |why: String| StoreError::Unavailable(why);
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| unavailable(error.to_string()))?;
    done.map_err(|error| unavailable(format!("{error:#}")))
}

impl Shelf {
    fn keep(&self, mut record: Record, files: &Files) -> Result<()> {
        let Some(path) = self.files.record_path(&record.job) else {
            anyhow::bail!("the job id {} is no UUID", record.job);
        };
        let mut named = named_files(&record, files);
        let size: u64 = named.values().map(|bytes| bytes.len() as u64).sum();
        if size > self.bounds.max_bytes {
            let most = self.bounds.max_bytes;
            lose_files(&mut record, format!("they have {size} bytes, over records.max_bytes = {most}"));
            tracing::warn!(job = %record.job, size, most, "a record is kept without its files");
            named.clear();
        }
        self.index().use_files(&named);
        let text = self.write(&path, &record, &named);
        let kept = match &text {
            Ok(size) => Some(Kept { at: record.now, size: *size, files: named.keys().copied().collect() }),
            Err(_) => None,
        };
        let stem = stem(&path);
        {
            let mut index = self.index();
            match kept {
                Some(kept) => index.admit(&stem, kept, &self.files),
                None => index.leave_files(named.keys(), &self.files),
            }
        }
        text?;
        self.make_room(Some(&stem));
        Ok(())
    }

    /// The files first, so that no record is there without them.
    fn write(&self, path: &Path, record: &Record, named: &HashMap<Digest, &Bytes>) -> Result<u64> {
        for (digest, bytes) in named {
            let path = self.files.file_path(digest);
            if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes.len() as u64) {
                continue;
            }
            write_whole(&path, bytes, Sync::Later).with_context(|| format!("writing {}", path.display()))?;
        }
        let text = serde_json::to_vec(record).context("writing a record as JSON")?;
        write_whole(path, &text, Sync::Now).with_context(|| format!("writing {}", path.display()))?;
        Ok(text.len() as u64)
    }

    /// Removes what is too old, then the oldest until the rest fits; never the newest. Returns how many records went.
    fn make_room(&self, newest: Option<&str>) -> usize {
        let oldest_kept = self.clock.now().saturating_sub(self.bounds.max_age.as_secs());
        let mut index = self.index();
        let mut by_age: Vec<(Unix, String)> =
            index.records.iter().map(|(stem, kept)| (kept.at, stem.clone())).collect();
        by_age.sort();
        let mut gone = 0;
        for (at, stem) in by_age {
            if (at >= oldest_kept && index.bytes <= self.bounds.max_bytes) || newest == Some(stem.as_str()) {
                continue;
            }
            index.remove(&stem, &self.files);
            gone += 1;
        }
        gone
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn take_stock(&mut self, files: &RecordFiles) -> io::Result<()> {
        for entry in std::fs::read_dir(files.records())? {
            let path = entry?.path();
            let read = std::fs::read(&path)?;
            match (path.extension(), serde_json::from_slice::<Outline>(&read)) {
                (Some(_), Ok(outline)) => self.count(&stem(&path), outline, read.len() as u64),
                (None, _) => std::fs::remove_file(&path)?,
                (Some(_), Err(error)) => tracing::warn!(%error, path = %path.display(), "a record cannot be read"),
            }
        }
        for entry in std::fs::read_dir(files.files())? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            match Digest::try_from(name).ok().and_then(|digest| self.files.get_mut(&digest)) {
                Some(shared) => shared.size = entry.metadata()?.len(),
                None => std::fs::remove_file(entry.path())?,
            }
        }
        self.bytes += self.files.values().map(|shared| shared.size).sum::<u64>();
        Ok(())
    }

    fn count(&mut self, stem: &str, outline: Outline, size: u64) {
        let material = outline.material.filter(|material| material.files_missing.is_none());
        let files: BTreeSet<Digest> = material
            .into_iter()
            .flat_map(|material| material.files.into_iter().map(|file| file.digest).chain(material.standpoints))
            .collect();
        for digest in &files {
            self.files.entry(*digest).or_default().users += 1;
        }
        self.bytes += size;
        self.records.insert(stem.to_owned(), Kept { at: outline.now, size, files });
    }

    /// Before they are written, so that nobody removes them meanwhile.
    fn use_files(&mut self, named: &HashMap<Digest, &Bytes>) {
        for (digest, bytes) in named {
            let shared = self.files.entry(*digest).or_default();
            shared.users += 1;
            if shared.size == 0 {
                shared.size = bytes.len() as u64;
                self.bytes += shared.size;
            }
        }
    }

    fn leave_files<'a>(&mut self, digests: impl Iterator<Item = &'a Digest>, files: &RecordFiles) {
        for digest in digests {
            let Some(shared) = self.files.get_mut(digest) else { continue };
            shared.users -= 1;
            if shared.users == 0 {
                self.bytes -= shared.size;
                self.files.remove(digest);
                // While the index is held, so that nobody who writes the same file loses it.
                let _ = std::fs::remove_file(files.file_path(digest));
            }
        }
    }

    /// Its files are in use already. A job that is done again replaces its record.
    fn admit(&mut self, stem: &str, kept: Kept, files: &RecordFiles) {
        self.bytes += kept.size;
        if let Some(before) = self.records.insert(stem.to_owned(), kept) {
            self.bytes -= before.size;
            self.leave_files(before.files.iter(), files);
        }
    }

    fn remove(&mut self, stem: &str, files: &RecordFiles) {
        let Some(kept) = self.records.remove(stem) else { return };
        // The record first: a file that lies about is removed at the next start, a record without its files is a riddle.
        let _ = std::fs::remove_file(files.records().join(format!("{stem}.json")));
        self.bytes -= kept.size;
        self.leave_files(kept.files.iter(), files);
    }
}

/// The files that a record names, once each.
fn named_files<'a>(record: &Record, files: &'a Files) -> HashMap<Digest, &'a Bytes> {
    let material = record.material.iter().filter(|material| material.files_missing.is_none());
    let judged =
        material.flat_map(|material| material.files.iter().map(|file| file.digest).chain(material.standpoints));
    judged.filter_map(|digest| Some((digest, files.get(&digest)?))).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// On the disk before it has its name.
    Now,
    /// Its digest tells whether it is whole.
    Later,
}

/// The file has its name when it is whole. A draft that a dying host leaves has no ending, and goes at the next start.
fn write_whole(path: &Path, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let draft = path.with_file_name(format!("{DRAFT_PREFIX}{}", uuid::Uuid::new_v4()));
    let written = || -> io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&draft)?;
        file.write_all(bytes)?;
        if sync == Sync::Now {
            file.sync_all()?;
        }
        std::fs::rename(&draft, path)
    };
    written().inspect_err(|_| {
        let _ = std::fs::remove_file(&draft);
    })
}

#[cfg(test)]
mod tests;
