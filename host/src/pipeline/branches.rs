//! Which branches nobody changes as they like: the default one and protected ones. GitHub is asked once for each branch
//! in one job, whoever wants to know; the answer is not kept for the next job.

use super::at;
use crate::github::{GitHub, GitHubError, RepositoryAt};
use crate::queue::Lease;
use crate::state::CommitState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// What one job asks about branches.
#[derive(Debug)]
pub struct Branches<'a> {
    github: &'a GitHub,
    at: RepositoryAt,
    default: Option<&'a str>,
    protection_by_branch: Mutex<HashMap<String, Arc<Answer>>>,
}

/// Whether a branch is protected; those who ask at the same time wait for one call.
type Answer = OnceCell<Result<bool, GitHubError>>;

impl<'a> Branches<'a> {
    pub fn new(github: &'a GitHub, lease: &Lease, commit: &'a CommitState) -> Self {
        let default = commit.origin.as_ref().and_then(|origin| origin.default_branch.as_deref());
        Self { github, at: at(lease), default, protection_by_branch: Mutex::default() }
    }

    /// The default branch, where it is known.
    pub fn default_branch(&self) -> Option<&'a str> {
        self.default
    }

    /// Whether what lies on a branch was let in by somebody.
    pub async fn is_trusted(&self, branch: &str) -> Result<bool, GitHubError> {
        if self.default == Some(branch) {
            return Ok(true);
        }
        let answer = self.answer(branch);
        let asked = answer.get_or_init(|| async {
            let found = self.github.branch(&self.at, branch).await?;
            Ok(found.is_some_and(|branch| branch.protected))
        });
        asked.await.clone()
    }

    /// The branch if it is trusted, else the default one: a lax branch made for the purpose decides nothing. None where
    /// the default branch is unknown.
    pub async fn trusted(&self, branch: &str) -> Result<Option<String>, GitHubError> {
        match self.is_trusted(branch).await? {
            true => Ok(Some(branch.to_owned())),
            false => Ok(self.default.map(str::to_owned)),
        }
    }

    fn answer(&self, branch: &str) -> Arc<Answer> {
        let mut answers = self.protection_by_branch.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(branch.to_owned()).or_default().clone()
    }
}
