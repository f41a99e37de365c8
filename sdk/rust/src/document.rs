//! A file-like value that the host keeps: a normalizer's rich output, or the evidence as JSON.

use crate::bindings::contract::documents;
use crate::json::Json;
use crate::notes::Notes;
use crate::ranged::{ArtifactReader, InMemory, Ranged, read_whole};
use crate::types::Failure;

/// Bytes by name, read in ranges. Reads like an [`Artifact`](crate::Artifact).
pub struct Document {
    source: DocumentSource,
}

enum DocumentSource {
    Host(documents::Document),
    Memory { name: String, media_type: String, bytes: InMemory },
}

impl Document {
    pub(crate) fn of_host(document: documents::Document) -> Document {
        Document { source: DocumentSource::Host(document) }
    }

    /// A document for tests.
    pub fn in_memory(name: impl Into<String>, media_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Document {
        let bytes = InMemory(bytes.into().into());
        Document { source: DocumentSource::Memory { name: name.into(), media_type: media_type.into(), bytes } }
    }

    fn ranged(&self) -> &dyn Ranged {
        match &self.source {
            DocumentSource::Host(document) => document,
            DocumentSource::Memory { bytes, .. } => bytes,
        }
    }

    /// Such as `vulnerability/0`.
    pub fn name(&self) -> String {
        match &self.source {
            DocumentSource::Host(document) => document.name(),
            DocumentSource::Memory { name, .. } => name.clone(),
        }
    }

    /// Such as `application/json`.
    pub fn media_type(&self) -> String {
        match &self.source {
            DocumentSource::Host(document) => document.media_type(),
            DocumentSource::Memory { media_type, .. } => media_type.clone(),
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.ranged().size()
    }

    /// Reads in steps of 64 KiB.
    pub fn reader(&self) -> ArtifactReader<'_> {
        ArtifactReader::new(self.ranged())
    }

    /// The whole document.
    pub fn bytes(&self) -> Vec<u8> {
        read_whole(self.ranged())
    }

    /// Opens it as JSON. Diagnostics of the reader go nowhere: the host wrote the document.
    ///
    /// # Errors
    /// `malformed` for an empty document; the JSON itself is read later.
    pub fn json(&self) -> Result<Json<'_>, Failure> {
        Json::open(self.ranged(), Notes::default())
    }
}
