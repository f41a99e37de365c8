//! Opens zip archives that an attacker may have made: everything about their structure and names is vetted before
//! the first byte is inflated, and what is inflated is counted. Entries go into the store, named by digest.

use super::caps::Caps;
use super::outline;
use super::store::ArtifactStore;
use crate::model::{Digest, Outline};
use bytes::Bytes;
use std::collections::HashSet;
use std::io::{Cursor, Read, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use unicode_normalization::UnicodeNormalization as _;
use zip::read::Config;
use zip::{CompressionMethod, ZipArchive};

/// Why an artifact, or a file of it, cannot be taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// The artifact's own fault. The first is a word for metrics, the second a sentence's end for people.
    File(&'static str, String),
    /// The disk's.
    Store(std::io::Error),
}

/// One file that is in the store now.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    /// Inside the artifact.
    pub path: String,
    pub digest: Digest,
    pub bytes: Bytes,
    pub outline: Outline,
}

/// What may still be spent: by one artifact until its deadline, and by all artifacts of its run together.
pub(super) struct Budget<'a> {
    pub deadline: Instant,
    pub run: &'a RunBudget,
}

/// Shared by the artifacts of one run.
#[derive(Debug)]
pub(super) struct RunBudget {
    bytes: AtomicU64,
    files: AtomicU64,
}

impl RunBudget {
    pub fn new(caps: &Caps) -> Self {
        Self { bytes: AtomicU64::new(caps.run_bytes), files: AtomicU64::new(caps.entries) }
    }
}

impl Budget<'_> {
    fn spend_bytes(&self, bytes: u64) -> Result<(), Refused> {
        if Instant::now() > self.deadline {
            return Err(refused("time", "took too long to unpack"));
        }
        spend(&self.run.bytes, bytes).ok_or_else(|| refused("run-size", "all files of the run together are too large"))
    }
    fn spend_file(&self) -> Result<(), Refused> {
        spend(&self.run.files, 1).ok_or_else(|| refused("run-entries", "the run uploaded too many files"))
    }
}

fn spend(purse: &AtomicU64, amount: u64) -> Option<()> {
    purse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount)).ok().map(drop)
}

fn refused(reason: &'static str, text: impl Into<String>) -> Refused {
    Refused::File(reason, text.into())
}

/// All files of a zip, or none: whoever contradicts himself once is not believed elsewhere.
pub(super) fn unpack(stored: &Bytes, store: &ArtifactStore, budget: &Budget<'_>) -> Result<Vec<Unpacked>, Refused> {
    let mut archive = open(stored, store.caps())?;
    vet_entries(&mut archive, store.caps())?;
    let mut total = Inflated { bytes: 0, stored: stored.len() as u64 };
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| malformed(&error))?;
        let path = name(entry.name_raw(), store.caps())?.to_owned();
        if !entry.is_dir() {
            budget.spend_file()?;
            files.push(inflate(&mut entry, path, store, budget, &mut total)?);
        }
    }
    Ok(files)
}

/// A file that was uploaded as it is.
pub(super) fn take_raw(
    stored: &Bytes,
    name_of_artifact: &str,
    store: &ArtifactStore,
    budget: &Budget<'_>,
) -> Result<Unpacked, Refused> {
    let path = name(name_of_artifact.as_bytes(), store.caps())?.to_owned();
    if stored.len() as u64 > store.caps().entry_bytes {
        return Err(refused("entry-size", format!("{path} is larger than {} bytes", store.caps().entry_bytes)));
    }
    budget.spend_file()?;
    budget.spend_bytes(stored.len() as u64)?;
    let (digest, bytes) = store.put(stored).map_err(Refused::Store)?;
    Ok(Unpacked { path, digest, outline: outline(&bytes), bytes })
}

struct Inflated {
    bytes: u64,
    stored: u64,
}

fn inflate<R: Read>(
    entry: &mut zip::read::ZipFile<'_, R>,
    path: String,
    store: &ArtifactStore,
    budget: &Budget<'_>,
    total: &mut Inflated,
) -> Result<Unpacked, Refused> {
    let caps = store.caps();
    let declared = entry.size();
    let stored = entry.compressed_size();
    let mut draft = store.draft().map_err(Refused::Store)?;
    let mut piece = vec![0; 64 << 10];
    loop {
        // The reader checks the CRC when it comes to the end.
        let length = entry.read(&mut piece).map_err(|error| malformed(&error))?;
        if length == 0 {
            break;
        }
        budget.spend_bytes(length as u64)?;
        draft.write_all(&piece[..length]).map_err(Refused::Store)?;
        total.bytes += length as u64;
        within_caps(draft.written(), stored, &path, caps)?;
        if total.bytes > caps.total_bytes {
            return Err(refused("size", format!("its files are larger than {} bytes together", caps.total_bytes)));
        }
        within_ratio(total.bytes, total.stored, "it", caps)?;
    }
    if draft.written() != declared {
        return Err(refused(
            "contradiction",
            format!("{path} is {} bytes, not {declared} as declared", draft.written()),
        ));
    }
    let (digest, bytes) = draft.keep().map_err(Refused::Store)?;
    Ok(Unpacked { path, digest, outline: outline(&bytes), bytes })
}

fn within_caps(inflated: u64, stored: u64, path: &str, caps: &Caps) -> Result<(), Refused> {
    if inflated > caps.entry_bytes {
        return Err(refused("entry-size", format!("{path} is larger than {} bytes", caps.entry_bytes)));
    }
    within_ratio(inflated, stored, path, caps)
}

fn within_ratio(inflated: u64, stored: u64, what: &str, caps: &Caps) -> Result<(), Refused> {
    if inflated > caps.ratio_floor_bytes && inflated / caps.ratio > stored {
        return Err(refused("ratio", format!("{what} inflates to more than {} times its size", caps.ratio)));
    }
    Ok(())
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads the directory, after looking for ourselves at how large it claims to be.
fn open<'a>(stored: &'a Bytes, caps: &Caps) -> Result<Archive<'a>, Refused> {
    let directory = Directory::find(stored).ok_or_else(|| refused("malformed", "is not a sound zip archive"))?;
    if directory.entries > caps.entries {
        return Err(refused("entries", format!("claims {} entries; {} are taken", directory.entries, caps.entries)));
    }
    let config = Config { archive_offset: zip::read::ArchiveOffset::Known(0) };
    let mut archive = ZipArchive::with_config(config, Cursor::new(&stored[..])).map_err(|error| malformed(&error))?;
    if archive.has_duplicate_names() {
        return Err(refused("duplicate", "has two entries of one name"));
    }
    // Two readings of one directory that differ are what hides files from a scanner.
    if archive.len() as u64 != directory.entries || archive.central_directory_start() != directory.start {
        return Err(refused("contradiction", "has two directories"));
    }
    if archive.has_overlapping_entries().map_err(|error| malformed(&error))? {
        return Err(refused("overlap", "has entries that overlap"));
    }
    archive.validate_header_consistency().map_err(|error| refused("contradiction", error.to_string()))?;
    Ok(archive)
}

fn vet_entries(archive: &mut Archive<'_>, caps: &Caps) -> Result<(), Refused> {
    let mut seen = HashSet::new();
    let mut declared = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| malformed(&error))?;
        let path = name(entry.name_raw(), caps)?;
        if !seen.insert(folded(path)) {
            return Err(refused("duplicate", format!("has two entries that some systems call {path}")));
        }
        if entry.encrypted() {
            return Err(refused("encrypted", format!("{path} is encrypted")));
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(refused("method", format!("{path} is packed by a method other than stored and deflate")));
        }
        // Types of Unix: 0 is not said, 4 a directory, 8 a file; all others are links and devices.
        let kind = entry.unix_mode().unwrap_or(0) >> 12 & 0xf;
        if !matches!((kind, entry.is_dir()), (0, _) | (4, true) | (8, false)) {
            return Err(refused("special", format!("{path} is a link or a special file")));
        }
        if entry.is_dir() && entry.size() > 0 {
            return Err(refused("contradiction", format!("{path} is a directory with content")));
        }
        // Declared sizes only allow an early end; the real ones are counted.
        within_caps(entry.size(), entry.compressed_size(), path, caps)?;
        declared = declared.saturating_add(entry.size());
    }
    if declared > caps.total_bytes {
        return Err(refused("size", format!("its files are larger than {} bytes together", caps.total_bytes)));
    }
    Ok(())
}

/// The name, if it is one that stays inside and looks the same everywhere.
fn name<'a>(raw: &'a [u8], caps: &Caps) -> Result<&'a str, Refused> {
    let shown = String::from_utf8_lossy(&raw[..raw.len().min(80)]).escape_debug().to_string();
    let bad = |why: &str| Err(refused("name", format!("has an entry whose name {why}: {shown}")));
    let Ok(name) = std::str::from_utf8(raw) else { return bad("is not UTF-8") };
    let inside = name.strip_suffix('/').unwrap_or(name);
    if name.len() > caps.name_bytes {
        return bad("is too long");
    }
    if name.contains('\\') || name.chars().any(char::is_control) {
        return bad("holds a backslash or control character");
    }
    if name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic() {
        return bad("begins with a drive");
    }
    if inside.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return bad("does not lead to a place inside");
    }
    Ok(name)
}

/// Equal for names that some file system takes for the same.
fn folded(name: &str) -> String {
    name.trim_end_matches('/').nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

fn malformed(error: &dyn std::fmt::Display) -> Refused {
    refused("malformed", error.to_string())
}

/// Where the directory of a zip is, and how many entries it claims: read before the library may reserve memory
/// for them, and only in the one layout in which nothing can hide (the directory abuts its end record, no comment).
struct Directory {
    entries: u64,
    start: u64,
}

impl Directory {
    fn find(bytes: &[u8]) -> Option<Self> {
        let end = bytes.len().checked_sub(22)?;
        let record = &bytes[end..];
        let one_disk = number(record, 4, 4) == Some(0) && number(record, 8, 2) == number(record, 10, 2);
        if !record.starts_with(b"PK\x05\x06") || !one_disk || number(record, 20, 2) != Some(0) {
            return None;
        }
        let (entries, size, start) = (number(record, 10, 2)?, number(record, 12, 4)?, number(record, 16, 4)?);
        if entries != 0xffff && size != 0xffff_ffff && start != 0xffff_ffff {
            return (start.checked_add(size)? == end as u64).then_some(Self { entries, start });
        }
        let large = Self::find_large(bytes, end)?;
        // Where the small record is not saturated it must say the same.
        let agrees = |small: u64, limit: u64, large: u64| small == limit || small == large;
        (agrees(entries, 0xffff, large.entries) && agrees(start, 0xffff_ffff, large.start)).then_some(large)
    }

    fn find_large(bytes: &[u8], end: usize) -> Option<Self> {
        let locator_at = end.checked_sub(20)?;
        let locator = &bytes[locator_at..end];
        let record_at = number(locator, 8, 8)?;
        let record = bytes.get(usize::try_from(record_at).ok()?..locator_at)?;
        let sound = locator.starts_with(b"PK\x06\x07")
            && record.starts_with(b"PK\x06\x06")
            && number(record, 4, 8)?.checked_add(12)? == record.len() as u64
            && number(record, 16, 8) == Some(0)
            && number(record, 24, 8) == number(record, 32, 8);
        let (entries, size, start) = (number(record, 32, 8)?, number(record, 40, 8)?, number(record, 48, 8)?);
        (sound && start.checked_add(size)? == record_at).then_some(Self { entries, start })
    }
}

/// Little-endian, of 2, 4 or 8 bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + length)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
