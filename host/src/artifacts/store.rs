//! The content-addressed store: files behind a directory handle, named by their SHA-256 and by nothing else,
//! written once, mapped read-only and shared.

use super::caps::Caps;
use crate::model::Digest;
use anyhow::Context as _;
use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Files up to here are read rather than mapped: a mapping costs a page and one of 65,530 slots.
const MAPPED_FROM: u64 = 32 << 10;
const DRAFT_PREFIX: &str = "draft-";
/// A draft lives no longer than a download; older ones were left behind by a host that died.
const DRAFT_LIFE: Duration = Duration::from_secs(3600);

/// Files by digest. Cheap to clone.
#[derive(Clone)]
pub struct ArtifactStore {
    shelf: Arc<Shelf>,
}

struct Shelf {
    dir: Dir,
    caps: Caps,
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    kept_by_digest: HashMap<Digest, Kept>,
    bytes: u64,
}

struct Kept {
    size: u64,
    used: Instant,
    /// Written or checked by this process. What an earlier one left is hashed before it is trusted.
    checked: bool,
}

impl ArtifactStore {
    /// Makes the directory if it is not there, and keeps what an earlier host left in it.
    pub fn open(path: &Path, caps: Caps) -> anyhow::Result<Self> {
        let opened = || -> io::Result<Self> {
            Dir::create_ambient_dir_all(path, ambient_authority())?;
            let dir = Dir::open_ambient_dir(path, ambient_authority())?;
            let index = Mutex::new(take_stock(&dir)?);
            Ok(Self { shelf: Arc::new(Shelf { dir, caps, index }) })
        };
        opened().with_context(|| format!("opening the artifact store in {}", path.display()))
    }

    pub fn caps(&self) -> &Caps {
        &self.shelf.caps
    }

    /// The file, if the store has it. Bytes stay valid after the file was evicted.
    pub fn get(&self, digest: &Digest) -> Option<Bytes> {
        let checked = {
            let mut index = self.index();
            let kept = index.kept_by_digest.get_mut(digest)?;
            kept.used = Instant::now();
            kept.checked
        };
        let bytes = self.shelf.dir.open(digest.to_string()).and_then(share).ok();
        let sound = bytes.filter(|bytes| checked || Digest::of(bytes) == *digest);
        if sound.is_none() {
            self.remove(digest);
        } else if let Some(kept) = self.index().kept_by_digest.get_mut(digest) {
            kept.checked = true;
        }
        sound
    }

    /// Puts bytes that are at hand into the store.
    pub fn put(&self, bytes: &[u8]) -> io::Result<(Digest, Bytes)> {
        let mut draft = self.draft()?;
        draft.write_all(bytes)?;
        draft.keep()
    }

    /// A file that is being written and has no name yet.
    pub(super) fn draft(&self) -> io::Result<Draft> {
        let name = format!("{DRAFT_PREFIX}{}", uuid::Uuid::new_v4());
        let file = self.shelf.dir.open_with(&name, OpenOptions::new().read(true).write(true).create_new(true))?;
        Ok(Draft { store: self.clone(), name, file, hasher: Sha256::new(), written: 0 })
    }

    /// Bytes on disk, and files, for telemetry.
    pub fn usage(&self) -> (u64, usize) {
        let index = self.index();
        (index.bytes, index.kept_by_digest.len())
    }

    fn admit(&self, digest: Digest, size: u64) {
        let victims = {
            let mut index = self.index();
            let kept = Kept { size, used: Instant::now(), checked: true };
            index.bytes += size;
            if let Some(before) = index.kept_by_digest.insert(digest, kept) {
                index.bytes -= before.size;
            }
            index.victims(&self.shelf.caps, &digest)
        };
        for victim in victims {
            self.remove(&victim);
        }
    }

    fn remove(&self, digest: &Digest) {
        let mut index = self.index();
        if let Some(kept) = index.kept_by_digest.remove(digest) {
            index.bytes -= kept.size;
        }
        // While the index is held, so that nobody who just wrote the same bytes loses them.
        let _ = self.shelf.dir.remove_file(digest.to_string());
    }

    fn index(&self) -> std::sync::MutexGuard<'_, Index> {
        self.shelf.index.lock().expect("nothing panics while it holds the index")
    }
}

impl Index {
    /// What has to go: first what is too old, then the least recently used until the rest fits.
    fn victims(&self, caps: &Caps, newest: &Digest) -> Vec<Digest> {
        let old = |kept: &Kept| kept.used.elapsed() > caps.store_age;
        if self.bytes <= caps.store_bytes && !self.kept_by_digest.values().any(old) {
            return Vec::new();
        }
        let mut by_use: Vec<_> = self.kept_by_digest.iter().filter(|(digest, _)| *digest != newest).collect();
        by_use.sort_by_key(|(_, kept)| kept.used);
        let mut excess = self.bytes.saturating_sub(caps.store_bytes);
        let mut victims = Vec::new();
        for (digest, kept) in by_use {
            if excess == 0 && !old(kept) {
                break;
            }
            excess = excess.saturating_sub(kept.size);
            victims.push(*digest);
        }
        victims
    }
}

/// Counts and hashes what is written; vanishes unless it is kept.
pub(super) struct Draft {
    store: ArtifactStore,
    name: String,
    file: File,
    hasher: Sha256,
    written: u64,
}

impl Draft {
    pub fn written(&self) -> u64 {
        self.written
    }

    pub fn digest(&self) -> Digest {
        Digest::from_bytes(self.hasher.clone().finalize().into())
    }

    /// The bytes so far. Nothing may be written afterwards.
    pub fn read(&self) -> io::Result<Bytes> {
        self.store.shelf.dir.open(&self.name).and_then(share)
    }

    /// Gives the file its name. Equal files become one.
    pub fn keep(self) -> io::Result<(Digest, Bytes)> {
        let digest = self.digest();
        let bytes = self.read()?;
        self.store.shelf.dir.rename(&self.name, &self.store.shelf.dir, digest.to_string())?;
        self.store.admit(digest, self.written);
        Ok((digest, bytes))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already if the draft was kept.
        let _ = self.store.shelf.dir.remove_file(&self.name);
    }
}

fn take_stock(dir: &Dir) -> io::Result<Index> {
    let mut index = Index::default();
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let metadata = entry.metadata()?;
        if let Ok(digest) = Digest::try_from(name.clone()) {
            let kept = Kept { size: metadata.len(), used: Instant::now(), checked: false };
            index.bytes += kept.size;
            index.kept_by_digest.insert(digest, kept);
        } else if name.starts_with(DRAFT_PREFIX) && older_than(&metadata, DRAFT_LIFE) {
            let _ = dir.remove_file(&name);
        }
    }
    Ok(index)
}

fn older_than(metadata: &cap_std::fs::Metadata, life: Duration) -> bool {
    let modified = metadata.modified().map(cap_std::time::SystemTime::into_std).ok();
    modified.and_then(|then| SystemTime::now().duration_since(then).ok()).is_some_and(|age| age > life)
}

fn share(mut file: File) -> io::Result<Bytes> {
    let size = file.metadata()?.len();
    if size < MAPPED_FROM {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        return Ok(bytes.into());
    }
    #[allow(unsafe_code)] // A mapping is sound while nobody changes the file: files of the store are complete
    // before they are mapped, are never written or cut again, and removing one leaves its mapping intact.
    let mapping = unsafe { memmap2::Mmap::map(&file.into_std())? };
    Ok(Bytes::from_owner(mapping))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(change: impl FnOnce(&mut Caps)) -> (tempfile::TempDir, ArtifactStore) {
        let dir = tempfile::tempdir().unwrap();
        let mut caps = Caps::default();
        change(&mut caps);
        let store = ArtifactStore::open(&dir.path().join("artifacts"), caps).unwrap();
        (dir, store)
    }

    #[test]
    fn equal_files_are_kept_once_under_their_digest() {
        let (dir, store) = store(|_| {});
        let large = vec![7; 100_000];
        for bytes in [&b"small"[..], b"", &large, b"small"] {
            let (digest, kept) = store.put(bytes).unwrap();
            assert_eq!((digest, &kept[..]), (Digest::of(bytes), bytes));
            assert_eq!(store.get(&digest).unwrap(), bytes);
        }
        assert_eq!(store.usage(), (100_005, 3));
        let names: Vec<_> =
            std::fs::read_dir(dir.path().join("artifacts")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name.len() == 64), "{names:?}");
    }

    #[test]
    fn a_draft_that_is_not_kept_leaves_nothing() {
        let (dir, store) = store(|_| {});
        let mut draft = store.draft().unwrap();
        draft.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(std::fs::read_dir(dir.path().join("artifacts")).unwrap().count(), 0);
    }

    #[test]
    fn the_least_recently_used_files_go_first_and_stay_readable_for_their_readers() {
        let (_dir, store) = store(|caps| caps.store_bytes = 100_000);
        let (first, first_bytes) = store.put(&[1; 40_000]).unwrap();
        let (second, _) = store.put(&[2; 40_000]).unwrap();
        store.get(&first).unwrap();
        let (third, _) = store.put(&[3; 40_000]).unwrap();
        assert!(store.get(&second).is_none());
        assert!(store.get(&first).is_some() && store.get(&third).is_some());
        store.put(&[4; 90_000]).unwrap();
        assert!(store.get(&first).is_none());
        assert_eq!(first_bytes, vec![1; 40_000]);
    }

    #[test]
    fn files_outlive_the_host_and_changed_ones_are_not_trusted() {
        let (dir, store) = store(|_| {});
        let (good, _) = store.put(b"good").unwrap();
        let (bad, _) = store.put(b"bad").unwrap();
        let path = dir.path().join("artifacts");
        std::fs::write(path.join(bad.to_string()), b"tampered").unwrap();
        let again = ArtifactStore::open(&path, Caps::default()).unwrap();
        assert_eq!(again.get(&good).unwrap(), &b"good"[..]);
        assert!(again.get(&bad).is_none());
        assert_eq!(again.usage(), (4, 1));
    }
}
