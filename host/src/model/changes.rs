//! What a pull request changes, as GitHub lists it.

use super::ids::HeadSha;
use serde::{Deserialize, Serialize};

/// One file of a pull request's diff against its base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    pub path: String,
    /// Before a renaming.
    pub previous_path: Option<String>,
    /// Unified diff hunks; absent for binary and very large files.
    pub patch: Option<String>,
}

/// The files of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    pub files: Vec<ChangedFile>,
    pub extent: Extent,
    /// The commit that the list describes, as its own links say; absent where it is empty or contradicts itself.
    pub head_sha: Option<HeadSha>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// Every file that the pull request changes.
    Whole,
    /// GitHub's ceiling was reached: whatever is not listed is unknown, not unchanged.
    Cut,
}

impl Changes {
    /// Every path that is touched, names before a renaming too.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|file| [Some(file.path.as_str()), file.previous_path.as_deref()]).flatten()
    }
}
