//! The file that a normalizer reads.

use std::cell::OnceCell;

use crate::bindings::contract::artifacts;
use crate::json::Json;
use crate::notes::Notes;
use crate::ranged::{ArtifactReader, InMemory, Ranged, read_whole};
use crate::skimmer::Skimmer;
use crate::testing::outline;
use crate::types::{Failure, Outline};

/// A file of a workflow run: immutable, and kept by the host. Only what is asked for is copied.
///
/// Readers leave diagnostics by themselves; they appear in the report when the normalizer returns, and the report
/// becomes partial if an entry was lost.
pub struct Artifact<'a> {
    source: ArtifactSource<'a>,
    outline: OnceCell<Outline>,
    pub(crate) notes: Notes,
}

enum ArtifactSource<'a> {
    Host(&'a artifacts::Artifact),
    Memory { path: String, bytes: InMemory },
}

impl<'a> Artifact<'a> {
    pub(crate) fn of_host(artifact: &'a artifacts::Artifact) -> Artifact<'a> {
        Artifact::new(ArtifactSource::Host(artifact))
    }

    /// A file for tests. Its outline is computed on the spot, as the host would.
    pub fn in_memory(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Artifact<'static> {
        let bytes = InMemory(bytes.into().into());
        Artifact::new(ArtifactSource::Memory { path: path.into(), bytes })
    }

    fn new(source: ArtifactSource<'a>) -> Artifact<'a> {
        Artifact { source, outline: OnceCell::new(), notes: Notes::default() }
    }

    pub(crate) fn ranged(&self) -> &dyn Ranged {
        match &self.source {
            ArtifactSource::Host(artifact) => *artifact,
            ArtifactSource::Memory { bytes, .. } => bytes,
        }
    }

    /// What the file is made of: syntax, encoding, top-level members. Computed once by the host over the whole file,
    /// so a member that stands last is seen too.
    pub fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| match &self.source {
            ArtifactSource::Host(artifact) => artifact.outline(),
            ArtifactSource::Memory { bytes, .. } => outline::of(&bytes.0),
        })
    }

    /// `<artifact name>/<path inside it>`. May break a tie; never trust its extension.
    pub fn path(&self) -> String {
        match &self.source {
            ArtifactSource::Host(artifact) => artifact.path(),
            ArtifactSource::Memory { path, .. } => path.clone(),
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.ranged().size()
    }

    /// Digest of the whole file, lower-case hex.
    pub fn sha256(&self) -> String {
        match &self.source {
            ArtifactSource::Host(artifact) => artifact.sha256(),
            ArtifactSource::Memory { bytes, .. } => crate::testing::sha256_hex(&bytes.0),
        }
    }

    /// Reads in steps of 64 KiB; for formats that are not JSON, such as XML.
    pub fn reader(&self) -> ArtifactReader<'_> {
        ArtifactReader::new(self.ranged())
    }

    /// The whole file, as it is. Mind the plugin's memory (128 MiB by default).
    pub fn bytes(&self) -> Vec<u8> {
        read_whole(self.ranged())
    }

    /// The whole file as text: byte order mark removed, UTF-16 transcoded, broken UTF-8 replaced with a diagnostic.
    pub fn text(&self) -> String {
        crate::text::decode(self.bytes(), &self.notes)
    }

    /// Looks at the first and last 64 KiB, for [`recognize`](crate::Normalizer::recognize) where the outline is not
    /// enough. Tolerates cut text.
    pub fn skim(&self) -> Skimmer {
        Skimmer::over(self.ranged())
    }

    /// Opens the file as JSON, as scanners really write it: see [`json`](crate::json).
    ///
    /// # Errors
    /// `malformed` for an empty file and for HTML, `unsupported` for compressed files. The JSON itself is read later.
    pub fn json(&self) -> Result<Json<'_>, Failure> {
        Json::open(self.ranged(), self.notes.clone())
    }

    /// Leaves a diagnostic from where the report is out of reach.
    pub fn note(&self, diagnostic: crate::types::Diagnostic) {
        self.notes.odd(diagnostic);
    }
}
