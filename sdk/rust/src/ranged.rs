//! Bytes that are read in ranges, wherever they are kept: by the host or, in tests, in memory.

use std::io::{self, Read, Seek, SeekFrom};

use crate::bindings::contract::{artifacts, documents};

/// The host gives at most this much for one call.
pub(crate) const LARGEST_READ: u32 = 1024 * 1024;
/// What a reader asks for at a time: large enough that the call does not count, small enough to look at a file's head.
const READ_STEP: u32 = 64 * 1024;

/// A file-like value.
pub(crate) trait Ranged {
    fn size(&self) -> u64;
    /// Up to `length` bytes; fewer at the end, none behind it.
    fn read(&self, offset: u64, length: u32) -> Vec<u8>;
}

impl Ranged for artifacts::Artifact {
    fn size(&self) -> u64 {
        artifacts::Artifact::size(self)
    }
    fn read(&self, offset: u64, length: u32) -> Vec<u8> {
        artifacts::Artifact::read(self, offset, length)
    }
}

impl Ranged for documents::Document {
    fn size(&self) -> u64 {
        documents::Document::size(self)
    }
    fn read(&self, offset: u64, length: u32) -> Vec<u8> {
        documents::Document::read(self, offset, length)
    }
}

/// Bytes in memory, as tests have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct InMemory(pub std::sync::Arc<[u8]>);

impl Ranged for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn read(&self, offset: u64, length: u32) -> Vec<u8> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(length.min(LARGEST_READ) as usize).min(self.0.len());
        self.0[start..end].to_vec()
    }
}

/// The whole, in one buffer of the right size.
pub(crate) fn read_whole(source: &dyn Ranged) -> Vec<u8> {
    read_range(source, 0, usize::try_from(source.size()).unwrap_or(usize::MAX))
}

/// A range, in as many calls as the host's cap makes necessary.
pub(crate) fn read_range(source: &dyn Ranged, offset: u64, length: usize) -> Vec<u8> {
    let available = usize::try_from(source.size().saturating_sub(offset)).unwrap_or(usize::MAX);
    let wanted = length.min(available);
    let mut whole = Vec::new();
    while whole.len() < wanted {
        let step = u32::try_from(wanted - whole.len()).unwrap_or(u32::MAX).min(LARGEST_READ);
        let mut chunk = source.read(offset + whole.len() as u64, step);
        if chunk.is_empty() {
            break;
        }
        if whole.is_empty() && chunk.len() == wanted {
            return chunk;
        }
        if whole.is_empty() {
            whole.reserve_exact(wanted);
        }
        whole.append(&mut chunk);
    }
    whole
}

/// Reads an artifact or document from front to back or from anywhere (`Read` + `Seek`), 64 KiB at a time.
/// Never fails: the host keeps the bytes.
pub struct ArtifactReader<'a> {
    source: &'a dyn Ranged,
    buffer: Vec<u8>,
    /// Where the buffer's first byte stands in the file.
    buffer_offset: u64,
    position: u64,
}

impl<'a> ArtifactReader<'a> {
    pub(crate) fn new(source: &'a dyn Ranged) -> ArtifactReader<'a> {
        ArtifactReader { source, buffer: Vec::new(), buffer_offset: 0, position: 0 }
    }

    fn buffered(&self) -> &[u8] {
        let skip = self.position.checked_sub(self.buffer_offset).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.buffer.get(skip..)).unwrap_or_default()
    }
}

impl Read for ArtifactReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() {
            let step = u32::try_from(out.len()).unwrap_or(LARGEST_READ).clamp(READ_STEP, LARGEST_READ);
            self.buffer = self.source.read(self.position, step);
            self.buffer_offset = self.position;
        }
        let buffered = self.buffered();
        let count = buffered.len().min(out.len());
        out[..count].copy_from_slice(&buffered[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ArtifactReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.source.size().checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_reads_across_its_steps_and_seeks_back() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let source = InMemory(bytes.clone().into());
        let mut reader = ArtifactReader::new(&source);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
        reader.seek(SeekFrom::End(-3)).unwrap();
        let mut tail = Vec::new();
        reader.read_to_end(&mut tail).unwrap();
        assert_eq!(tail, bytes[199_997..]);
    }
}
