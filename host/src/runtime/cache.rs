//! Compiled code on disk. It is native code, so whoever can write it owns the host: entries are authenticated in
//! memory, with a key that lies outside the directory, before they are taken for code. A bad entry is never loaded.

use super::limits;
use crate::model::Digest;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::Engine;
use wasmtime::component::Component;

const MAGIC: &[u8] = b"palisade compiled component 1\n";
const MAC_BYTES: usize = 32;

/// The cache, or none where its directory cannot be trusted.
#[derive(Debug)]
pub struct Cache {
    place: Option<Place>,
    compatibility: [u8; 32],
    hits: AtomicU64,
    misses: AtomicU64,
    rejected: AtomicU64,
    wrapped_hits: AtomicU64,
    wrapped_misses: AtomicU64,
}

#[derive(Debug)]
struct Place {
    directory: PathBuf,
    key: [u8; 32],
}

/// How often the cache helped, did not, and held something that it should not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounters {
    pub hits: u64,
    pub misses: u64,
    /// Corrupt, foreign or stale entries; each was compiled again.
    pub rejected: u64,
    /// The same for components that were made of OPA modules.
    pub wrapped_hits: u64,
    pub wrapped_misses: u64,
}

impl Cache {
    pub fn open(directory: Option<&Path>, engine: &Engine) -> Self {
        let place = directory.and_then(|directory| match Place::open(directory) {
            Ok(place) => Some(place),
            Err(error) => {
                tracing::warn!("plugins are compiled at every start: {error:#}");
                None
            }
        });
        Self {
            place,
            compatibility: compatibility(engine),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            wrapped_hits: AtomicU64::new(0),
            wrapped_misses: AtomicU64::new(0),
        }
    }

    pub fn counters(&self) -> CacheCounters {
        CacheCounters {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            wrapped_hits: self.wrapped_hits.load(Ordering::Relaxed),
            wrapped_misses: self.wrapped_misses.load(Ordering::Relaxed),
        }
    }

    /// A component that was made of a module, by the digest of all that it was made from. No native code, but a policy:
    /// whoever could change it could make it pass.
    pub fn find_wrapped(&self, source: &Digest) -> Option<Vec<u8>> {
        let found = self.place.as_ref().and_then(|place| {
            let name = wrapped_name(source);
            let entry = place.read(&name).ok()?;
            place.authenticated(&name, &entry).map(<[u8]>::to_vec)
        });
        let counter = if found.is_some() { &self.wrapped_hits } else { &self.wrapped_misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    pub fn keep_wrapped(&self, source: &Digest, component: &[u8]) {
        let Some(place) = &self.place else { return };
        if let Err(error) = place.write(&wrapped_name(source), component) {
            tracing::warn!("a wrapped policy could not be kept: {error:#}");
        }
    }

    /// The compiled form of a component, if it lies here and is ours.
    pub fn find(&self, engine: &Engine, wasm: &Digest) -> Option<Component> {
        let place = self.place.as_ref()?;
        let name = self.name(wasm);
        let entry = match place.read(&name) {
            Ok(entry) => entry,
            Err(error) => {
                let counter = if error.kind() == ErrorKind::NotFound { &self.misses } else { &self.rejected };
                counter.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        };
        let code = place.authenticated(&name, &entry);
        match code.and_then(|code| deserialize(engine, code)) {
            Some(component) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                Some(component)
            }
            None => {
                tracing::warn!(
                    entry = name,
                    "a compiled plugin in the cache is corrupt or foreign; it is compiled again"
                );
                self.rejected.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Keeps a compiled component. A full disk costs the next start some time, nothing else.
    pub fn keep(&self, wasm: &Digest, component: &Component) {
        let Some(place) = &self.place else { return };
        let code = component.serialize().map_err(|error| anyhow::anyhow!("{error:#}"));
        let kept = code.and_then(|code| place.write(&self.name(wasm), &code));
        if let Err(error) = kept {
            tracing::warn!("a compiled plugin could not be kept: {error:#}");
        }
    }

    /// One name per wasm, engine and host version: what differs in any of them is another entry.
    fn name(&self, wasm: &Digest) -> String {
        let mut hash = Sha256::new();
        hash.update(wasm.as_bytes());
        hash.update(self.compatibility);
        hash.update(env!("CARGO_PKG_VERSION"));
        hex::encode(hash.finalize())
    }
}

/// Another name than compiled code has: what authenticates one never authenticates the other.
fn wrapped_name(source: &Digest) -> String {
    format!("wrapped-{source}")
}

#[allow(unsafe_code)] // reason: the bytes carry our own key's authentication code, made when we compiled them
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: `authenticated` held these very bytes against an HMAC whose key only this user can read.
    unsafe { Component::deserialize(engine, code) }.ok()
}

impl Place {
    fn open(directory: &Path) -> anyhow::Result<Self> {
        let shown = directory.display();
        match DirBuilder::new().recursive(true).mode(0o700).create(directory) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => anyhow::bail!("creating the cache directory {shown}: {error}"),
        }
        let found = fs::symlink_metadata(directory)?;
        anyhow::ensure!(found.is_dir(), "the cache directory {shown} is a link or a file");
        anyhow::ensure!(found.uid() == rustix::process::geteuid().as_raw(), "the cache directory {shown} is not ours");
        anyhow::ensure!(found.mode() & 0o077 == 0, "the cache directory {shown} is open to others; run `chmod 700`");
        Ok(Self { directory: directory.to_owned(), key: key(directory)? })
    }

    fn read(&self, name: &str) -> std::io::Result<Vec<u8>> {
        let mut entry = Vec::new();
        File::open(self.directory.join(name))?.take(limits::CACHE_SIZE).read_to_end(&mut entry)?;
        Ok(entry)
    }

    /// The code of an entry: magic, code, authentication code over the name and both.
    fn authenticated<'a>(&self, name: &str, entry: &'a [u8]) -> Option<&'a [u8]> {
        let (signed, mac) = entry.split_at_checked(entry.len().checked_sub(MAC_BYTES)?)?;
        self.mac(name, signed).verify_slice(mac).ok()?;
        signed.strip_prefix(MAGIC)
    }

    fn mac(&self, name: &str, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(name.as_bytes());
        mac.update(signed);
        mac
    }

    fn write(&self, name: &str, code: &[u8]) -> anyhow::Result<()> {
        self.make_room(code.len() as u64)?;
        let signed = [MAGIC, code].concat();
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(&signed)?;
        file.write_all(&self.mac(name, &signed).finalize().into_bytes())?;
        file.as_file().sync_all()?;
        file.persist(self.directory.join(name))?;
        Ok(())
    }

    /// Removes the oldest entries until the new one fits.
    fn make_room(&self, more: u64) -> std::io::Result<()> {
        let mut entries: Vec<_> = fs::read_dir(&self.directory)?
            .filter_map(|entry| entry.ok())
            .filter_map(|entry| entry.metadata().ok().map(|found| (found.modified().ok(), found.len(), entry.path())))
            .collect();
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in entries {
            if total + more <= limits::CACHE_SIZE {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

/// The key beside the directory, never in it, made at the first start. A short or open key file is not used.
fn key(directory: &Path) -> anyhow::Result<[u8; 32]> {
    let path = directory.with_extension("key");
    let shown = path.display();
    let mut key = [0; 32];
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("making the cache's key: {error}"))?;
            file.write_all(&key)?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(&path)?;
            anyhow::ensure!(found.is_file() && found.mode() & 0o077 == 0, "the cache's key {shown} is open to others");
            File::open(&path)?
                .read_exact(&mut key)
                .map_err(|error| anyhow::anyhow!("reading the cache's key {shown}: {error}"))?;
        }
        Err(error) => anyhow::bail!("making the cache's key {shown}: {error}"),
    }
    Ok(key)
}

/// What the engine says decides whether compiled code fits it.
fn compatibility(engine: &Engine) -> [u8; 32] {
    struct Sink(Sha256);
    impl Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0 // nobody asks: the whole digest is taken
        }
    }
    let mut sink = Sink(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sink);
    sink.0.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// The smallest component there is: empty.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> Engine {
        super::super::engine::Machine::start(1).unwrap().engine
    }

    fn filled(directory: &Path, engine: &Engine) -> (Cache, Digest, PathBuf) {
        let cache = Cache::open(Some(directory), engine);
        let digest = Digest::of(EMPTY);
        cache.keep(&digest, &Component::from_binary(engine, EMPTY).unwrap());
        let entry = directory.join(cache.name(&digest));
        (cache, digest, entry)
    }

    #[test]
    fn what_was_kept_is_found_again() {
        let (scratch, engine) = (tempfile::tempdir().unwrap(), engine());
        let directory = scratch.path().join("cache");
        let (cache, digest, _) = filled(&directory, &engine);
        assert!(cache.find(&engine, &digest).is_some());
        assert!(Cache::open(Some(&directory), &engine).find(&engine, &digest).is_some());
        assert_eq!(cache.counters(), CacheCounters { hits: 1, ..CacheCounters::default() });
    }

    #[test]
    fn a_corrupt_entry_is_rejected_and_counted() {
        let (scratch, engine) = (tempfile::tempdir().unwrap(), engine());
        let (cache, digest, entry) = filled(&scratch.path().join("cache"), &engine);
        let mut bytes = fs::read(&entry).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&entry, bytes).unwrap();
        assert!(cache.find(&engine, &digest).is_none());
        fs::write(&entry, b"short").unwrap();
        assert!(cache.find(&engine, &digest).is_none());
        assert_eq!(cache.counters().rejected, 2);
    }

    #[test]
    fn a_wrapped_policy_is_found_again_and_a_changed_one_is_not() {
        let (scratch, engine) = (tempfile::tempdir().unwrap(), engine());
        let directory = scratch.path().join("cache");
        let (cache, digest, compiled) = filled(&directory, &engine);
        cache.keep_wrapped(&digest, EMPTY);
        assert_eq!(cache.find_wrapped(&digest).as_deref(), Some(EMPTY));
        let wrapped = directory.join(wrapped_name(&digest));
        // Compiled code is authentic too, and no wrapped policy.
        fs::copy(compiled, wrapped).unwrap();
        assert_eq!(cache.find_wrapped(&digest), None);
        assert_eq!((cache.counters().wrapped_hits, cache.counters().wrapped_misses), (1, 1));
    }

    #[test]
    fn an_entry_of_another_key_is_foreign() {
        let (scratch, engine) = (tempfile::tempdir().unwrap(), engine());
        let (_, digest, theirs) = filled(&scratch.path().join("theirs"), &engine);
        let (cache, _, ours) = filled(&scratch.path().join("ours"), &engine);
        fs::copy(theirs, ours).unwrap();
        assert!(cache.find(&engine, &digest).is_none());
        assert_eq!(cache.counters().rejected, 1);
    }

    #[test]
    fn a_directory_that_others_can_write_is_done_without() {
        let (scratch, engine) = (tempfile::tempdir().unwrap(), engine());
        let open = scratch.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(Some(&open), &engine).place.is_none());
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink(scratch.path(), &link).unwrap();
        assert!(Cache::open(Some(&link), &engine).place.is_none());
    }
}
