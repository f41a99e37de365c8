//! Files of a repository as they are at a branch or commit, and what is known of a branch.

use super::calls::{Call, in_query};
use super::{GitHub, GitHubError, RepositoryAt};
use crate::model::HeadSha;
use base64::Engine as _;
use serde::Deserialize;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAt {
    /// Of its content, as git counts: equal ones have equal content.
    pub blob: String,
    pub content: Vec<u8>,
}

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    pub head_sha: HeadSha,
    /// Somebody decided who may push to it, by a classic rule or a ruleset.
    pub protected: bool,
}

impl GitHub {
    /// A file at a branch, tag or commit; none given is the default branch. A file beyond 1 MB, which GitHub does not
    /// hand out this way, is `TooLarge`; a directory or a submodule of this name is `Unprocessable`.
    pub async fn file(
        &self,
        at: &RepositoryAt,
        path: &str,
        reference: Option<&str>,
    ) -> Result<Option<FileAt>, GitHubError> {
        let query = reference.map(|reference| format!("?ref={}", in_query(reference))).unwrap_or_default();
        let path: Vec<String> = path.split('/').map(in_query).collect();
        let call = Call::of_repository(at, &format!("/contents/{}{query}", path.join("/")));
        let what = call.to_string();
        match self.read::<Wire>(call).await {
            Ok(wire) => wire.file(&what).map(Some),
            Err(GitHubError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The git id of all files of a commit: equal ones are the same files. None for a commit that is not there.
    pub async fn tree(&self, at: &RepositoryAt, sha: &HeadSha) -> Result<Option<String>, GitHubError> {
        let call = Call::of_repository(at, &format!("/commits/{sha}?per_page=1")).may_lag();
        match self.read::<WireWithTree>(call).await {
            Ok(wire) => Ok(Some(wire.commit.tree.sha)),
            Err(GitHubError::NotFound(_) | GitHubError::Unprocessable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A moment, after which GitHub's copies may have learnt of what was pushed just now.
    pub async fn wait_for_replication(&self, repetition: u32) {
        self.pause(repetition).await;
    }

    pub async fn branch(&self, at: &RepositoryAt, branch: &str) -> Result<Option<Branch>, GitHubError> {
        let call = Call::of_repository(at, &format!("/branches/{}", in_query(branch)));
        match self.read::<WireBranch>(call).await {
            Ok(wire) => Ok(Some(Branch { head_sha: wire.commit.sha, protected: wire.protected.unwrap_or(false) })),
            Err(GitHubError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A file, or the entries of a directory.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    File(WireFile),
    Directory(Vec<serde::de::IgnoredAny>),
}

#[derive(Deserialize)]
struct WireFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    sha: String,
    encoding: Option<String>,
    content: Option<String>,
}

impl Wire {
    fn file(self, what: &str) -> Result<FileAt, GitHubError> {
        let file = match self {
            Wire::Directory(entries) => {
                let count = entries.len();
                return Err(GitHubError::Unprocessable(format!("{what}: it is a directory of {count} entries")));
            }
            Wire::File(file) => file,
        };
        match (file.kind.as_deref(), file.encoding.as_deref()) {
            (Some("file") | None, Some("base64")) => {}
            (Some("file") | None, _) => return Err(GitHubError::TooLarge(format!("{what}: it has more than 1 MB"))),
            (Some(kind), _) => return Err(GitHubError::Unprocessable(format!("{what}: it is a {kind} and no file"))),
        }
        // In lines, as mail has it.
        let content: String = file.content.unwrap_or_default().split_ascii_whitespace().collect();
        let content = base64::engine::general_purpose::STANDARD
            .decode(content)
            .map_err(|error| GitHubError::Malformed(format!("{what}: its content is not base64: {error}")))?;
        Ok(FileAt { blob: file.sha, content })
    }
}

#[derive(Deserialize)]
struct WireBranch {
    commit: WireCommit,
    protected: Option<bool>,
}
#[derive(Deserialize)]
struct WireCommit {
    sha: HeadSha,
}

#[derive(Deserialize)]
struct WireWithTree {
    commit: WireInner,
}
#[derive(Deserialize)]
struct WireInner {
    tree: WireTree,
}
#[derive(Deserialize)]
struct WireTree {
    sha: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> Result<FileAt, GitHubError> {
        serde_json::from_str::<Wire>(json).expect("an answer").file("GET x")
    }

    #[test]
    fn content_comes_in_lines_of_base64() {
        let found = file(r#"{"type":"file","sha":"abc","encoding":"base64","content":"dmVyc2lv\nbjogMQo=\n"}"#);
        assert_eq!(found, Ok(FileAt { blob: "abc".to_owned(), content: b"version: 1\n".to_vec() }));
    }

    #[test]
    fn what_is_no_file_or_too_large_is_told_apart() {
        assert!(matches!(file("[]"), Err(GitHubError::Unprocessable(_))));
        assert!(matches!(file(r#"{"type":"submodule","sha":"a"}"#), Err(GitHubError::Unprocessable(_))));
        let large = r#"{"type":"file","sha":"a","encoding":"none","content":""}"#;
        assert!(matches!(file(large), Err(GitHubError::TooLarge(_))));
    }
}
