//! What a pull request changes, what lies in a directory at a commit, and what somebody may do: the questions on which
//! trust in evidence rests.

use super::calls::Call;
use super::checks::in_query;
use super::{GitHub, GitHubError, RepositoryAt};
use crate::model::HeadSha;
use crate::model::changes::{ChangedFile, Changes, Extent};
use base64::Engine as _;
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

/// A file at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    pub sha: String,
    pub text: String,
}

/// What somebody may do in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Push, and so take responsibility: `write`, `maintain`, `admin`.
    Write,
    Less,
}

impl GitHub {
    /// The files that a pull request changes against the point where it left its base.
    pub async fn pull_request_files(&self, at: &RepositoryAt, number: u64) -> Result<Changes, GitHubError> {
        let path = format!("/pulls/{number}/files?per_page={FILES_A_PAGE}");
        // One page more than there can be: the last one at the ceiling may still name a next.
        let pages = self.pages(Call::of_repository(at, &path), MOST_FILES / FILES_A_PAGE + 1).await;
        let wires: Vec<WireFile> = match pages {
            Err(GitHubError::TooLarge(_)) => return Ok(Changes { files: Vec::new(), extent: Extent::Cut, head_sha: None }),
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

    /// A text file at a commit or at a branch's tip; none if there is no such file. At most 1 MB: GitHub gives no more.
    pub async fn blob(&self, at: &RepositoryAt, path: &str, reference: &str) -> Result<Option<Blob>, GitHubError> {
        let wire: WireBlob = match self.read(contents(at, path, reference)).await {
            Err(GitHubError::NotFound(_)) => return Ok(None),
            wire => wire?,
        };
        let odd = |what: &str| GitHubError::Malformed(format!("{path} at {reference}: {what}"));
        if wire.encoding.as_deref() != Some("base64") {
            return Err(GitHubError::TooLarge(format!("{path} at {reference}: more than 1 MB")));
        }
        let lines: String = wire.content.unwrap_or_default().split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(lines).map_err(|_| odd("no base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| odd("no UTF-8"))?;
        Ok(Some(Blob { sha: wire.sha, text }))
    }

    /// Whether a branch is protected, so that nobody changes it alone. One that is not there is not.
    pub async fn is_protected(&self, at: &RepositoryAt, branch: &str) -> Result<bool, GitHubError> {
        let name: Vec<String> = branch.split('/').map(in_query).collect();
        match self.read::<WireBranch>(Call::of_repository(at, &format!("/branches/{}", name.join("/")))).await {
            Ok(wire) => Ok(wire.protected),
            Err(GitHubError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What somebody may do in a repository. Whoever is unknown to it may do less.
    pub async fn permission(&self, at: &RepositoryAt, login: &str) -> Result<Permission, GitHubError> {
        let path = format!("/collaborators/{}/permission", in_query(login));
        match self.read::<WirePermission>(Call::of_repository(at, &path)).await {
            // `maintain` shows as `write` here; older servers may say the finer word.
            Ok(wire) => Ok(match wire.permission.as_str() {
                "admin" | "maintain" | "write" => Permission::Write,
                _ => Permission::Less,
            }),
            Err(GitHubError::NotFound(_)) => Ok(Permission::Less),
            Err(error) => Err(error),
        }
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

#[derive(Deserialize)]
struct WireBlob {
    sha: String,
    encoding: Option<String>,
    content: Option<String>,
}

#[derive(Deserialize)]
struct WireBranch {
    protected: bool,
}

#[derive(Deserialize)]
struct WirePermission {
    permission: String,
}
