//! Writes JSON up to a number of bytes, over several documents.

use super::{JsonDocument, TooLarge};
use serde::Serialize;
use std::io;

/// What is left to write.
pub struct Capped {
    left: usize,
}

impl Capped {
    pub fn new(most_bytes: usize) -> Self {
        Self { left: most_bytes }
    }

    pub fn write(&mut self, name: String, value: &impl Serialize) -> Result<JsonDocument, TooLarge> {
        let mut sink = Sink { bytes: Vec::new(), left: self.left };
        // Plain data with text keys always serializes: only the sink can refuse.
        serde_json::to_writer(&mut sink, value).map_err(|_| TooLarge)?;
        self.left = sink.left;
        Ok(JsonDocument { name, json: sink.bytes.into() })
    }
}

struct Sink {
    bytes: Vec<u8>,
    left: usize,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
