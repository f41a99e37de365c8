//! A bundle's archive, unpacked into memory under caps. Follows no link, keeps no path that leads out of the bundle.

use crate::rego::caps;
use anyhow::{Context, Result, bail, ensure};
use flate2::bufread::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use tar::EntryType;

/// Files by their path: relative, with `/` between the parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The files of a gzipped tar archive.
pub fn unpack(archive: &[u8]) -> Result<Files> {
    let size = archive.len() as u64;
    ensure!(size <= caps::ARCHIVE_BYTES, "it has {size} bytes, a bundle has at most {}", caps::ARCHIVE_BYTES);
    let mut bounded = Bounded { inner: GzDecoder::new(archive), read: 0, most: most(size) };
    let files = files(&mut bounded)?;
    let mut rest = Vec::new();
    bounded.read_to_end(&mut rest).context("reading its end")?;
    ensure!(rest.iter().all(|byte| *byte == 0), "there is something behind the end of its archive");
    let behind = bounded.inner.into_inner().len();
    ensure!(behind == 0, "there are {behind} bytes behind the end of its gzip stream");
    Ok(files)
}

/// What so many compressed bytes may become.
fn most(compressed: u64) -> u64 {
    compressed.saturating_mul(caps::RATIO).clamp(caps::RATIO_FLOOR_BYTES, caps::UNPACKED_BYTES)
}

fn files(bounded: &mut impl Read) -> Result<Files> {
    let mut files = Files::new();
    let mut archive = tar::Archive::new(bounded);
    for (place, entry) in archive.entries().context("reading its archive")?.enumerate() {
        ensure!(place < caps::ENTRIES, "it has more than {} entries", caps::ENTRIES);
        let mut entry = entry.context("reading its archive")?;
        let kind = entry.header().entry_type();
        // What `git archive` writes first: a comment, no file.
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let path = path(&entry.path_bytes())?;
        match kind {
            EntryType::Directory => continue,
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Symlink | EntryType::Link => bail!("{path:?} is a link; a bundle holds files only"),
            _ => bail!("{path:?} is neither a file nor a directory"),
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).with_context(|| format!("unpacking {path}"))?;
        if files.insert(path.clone(), bytes).is_some() {
            bail!("{path:?} is there twice");
        }
    }
    Ok(files)
}

/// OPA writes its paths with a leading `/`, other tools with `./`. Nothing else may lead anywhere else.
pub fn path(bytes: &[u8]) -> Result<String> {
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
    ensure!(bytes.len() <= caps::PATH_BYTES, "the path {:?}… is longer than {} bytes", shown(), caps::PATH_BYTES);
    let path = std::str::from_utf8(bytes).with_context(|| format!("the path {:?} is not UTF-8", shown()))?;
    let path = path.strip_prefix("./").or_else(|| path.strip_prefix('/')).unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let leads_away = |part: &str| matches!(part, "" | "." | "..") || part.contains(['\\', '\0']);
    // The archive's own root: `./`.
    if path.is_empty() || path == "." {
        return Ok(String::new());
    }
    ensure!(!path.split('/').any(leads_away), "the path {:?} leads out of the bundle", shown());
    Ok(path.to_owned())
}

/// Ends with an error where more comes out than may.
struct Bounded<R> {
    inner: R,
    read: u64,
    most: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        if self.read > self.most {
            return Err(std::io::Error::other(format!("it unpacks to more than {} bytes", self.most)));
        }
        Ok(read)
    }
}
