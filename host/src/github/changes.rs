//! What a pull request changes, and what lies in a directory at a commit: the questions on which trust in evidence rests.

use super::calls::{Call, in_query};
use super::{GitHub, GitHubError, RepositoryAt};
use crate::model::HeadSha;
use crate::model::changes::{ChangedFile, Changes, Extent};
use serde::Deserialize;

/// GitHub lists no more files of a pull request; reaching it means that there may be more.
const MOST_FILES: usize = 3_000;
const FILES_A_PAGE: usize = 100;
/// GitHub lists no more entries of a directory; reaching it means that there may be more.
const MOST_ENTRIES: usize = 1_000;

/// One entry of a directory at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    /// The id of its blob or tree: equal ids are equal contents.
    pub sha: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Directory,
    /// A link or a submodule: what stands behind it is not in the tree.
    Other,
}

impl GitHub {
    /// The files that a pull request changes against the point where it left its base.
    pub async fn pull_request_files(&self, at: &RepositoryAt, number: u64) -> Result<Changes, GitHubError> {
        let path = format!("/pulls/{number}/files?per_page={FILES_A_PAGE}");
        // One page more than there can be: the last one at the ceiling may still name a next.
        let pages = self.pages(Call::of_repository(at, &path), MOST_FILES / FILES_A_PAGE + 1).await;
        let wires: Vec<WireFile> = match pages {
            Err(GitHubError::TooLarge(_)) => {
                return Ok(Changes { files: Vec::new(), extent: Extent::Cut, head_sha: None });
            }
            pages => pages?.into_iter().flat_map(|page: Vec<WireFile>| page).collect(),
        };
        let extent = if wires.len() < MOST_FILES { Extent::Whole } else { Extent::Cut };
        let head_sha = described_head(&wires);
        let file = |wire: WireFile| ChangedFile {
            path: wire.filename,
            previous_path: wire.previous_filename,
            patch: wire.patch,
        };
        Ok(Changes { files: wires.into_iter().map(file).collect(), extent, head_sha })
    }

    /// What lies in a directory at a commit or at a branch's tip; none if there is no such directory.
    pub async fn directory(
        &self,
        at: &RepositoryAt,
        path: &str,
        reference: &str,
    ) -> Result<Option<Vec<Entry>>, GitHubError> {
        let wires: Vec<WireEntry> = match self.read(contents(at, path, reference)).await {
            Err(GitHubError::NotFound(_)) => return Ok(None),
            wires => wires?,
        };
        if wires.len() >= MOST_ENTRIES {
            return Err(GitHubError::TooLarge(format!("{path} at {reference}: {MOST_ENTRIES} entries or more")));
        }
        let entry = |wire: WireEntry| Entry {
            kind: match wire.kind.as_str() {
                "file" => EntryKind::File,
                "dir" => EntryKind::Directory,
                _ => EntryKind::Other,
            },
            name: wire.name,
            sha: wire.sha,
        };
        Ok(Some(wires.into_iter().map(entry).collect()))
    }
}

fn contents(at: &RepositoryAt, path: &str, reference: &str) -> Call {
    let path: Vec<String> = path.split('/').map(in_query).collect();
    Call::of_repository(at, &format!("/contents/{}?ref={}", path.join("/"), in_query(reference)))
}

/// Each entry links to its file at the head that the list was made of. A list that names several heads, or none,
/// describes nobody knows what.
fn described_head(files: &[WireFile]) -> Option<HeadSha> {
    let head = |file: &WireFile| {
        let (_, reference) = file.contents_url.as_deref()?.rsplit_once("?ref=")?;
        HeadSha::parse(reference).ok()
    };
    let first = head(files.first()?)?;
    files.iter().all(|file| head(file).as_ref() == Some(&first)).then_some(first)
}

#[derive(Deserialize)]
struct WireFile {
    filename: String,
    previous_filename: Option<String>,
    patch: Option<String>,
    contents_url: Option<String>,
}

#[derive(Deserialize)]
struct WireEntry {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}
