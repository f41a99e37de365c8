//! The heads of pull requests that anybody told of: who is to be looked at again when the rules of a repository change.

use super::{CommitKey, PullRequestHead, State, StoreError, commit_key, read};
use crate::model::RepositoryName;
use bytes::Bytes;
use std::time::Duration;

/// Whose pull requests.
#[derive(Clone, Copy, Debug)]
pub enum HeadsOf<'a> {
    Repository(&'a RepositoryName),
    /// All repositories of this owner.
    Owner(&'a str),
}

/// A pull request's newest head, as far as anybody told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHead {
    pub repository: RepositoryName,
    pub pull_request: u64,
    pub head: PullRequestHead,
}

impl State {
    /// Those of closed pull requests too; the newest first.
    pub async fn known_heads(&self, of: HeadsOf<'_>) -> Result<Vec<KnownHead>, StoreError> {
        let prefix = match of {
            HeadsOf::Repository(repository) => format!("{}:{}:pull:", repository.owner(), repository.name()),
            HeadsOf::Owner(owner) => format!("{owner}:"),
        };
        let mut heads = Vec::new();
        for key in self.store.keys(&prefix).await? {
            let Some((repository, pull_request)) = parsed(&key) else { continue };
            let Some(head) = read(&self.store, &key).await? else { continue };
            heads.push(KnownHead { repository, pull_request, head });
        }
        heads.sort_by(|a, b| {
            (b.head.at, &a.repository, b.pull_request).cmp(&(a.head.at, &b.repository, a.pull_request))
        });
        Ok(heads)
    }

    /// True for the first who wants to look at a commit for this reason within this time: one look stands for all.
    pub async fn claim_look(&self, commit: &CommitKey, (why, within): (&str, Duration)) -> Result<bool, StoreError> {
        let key = format!("~look:{why}:{}", commit_key(commit));
        self.store.set_if_absent(&key, Bytes::from_static(b"claimed"), Some(within)).await
    }

    /// Whether a look at the commit is claimed for any of these reasons and still to come.
    pub async fn is_look_claimed(&self, commit: &CommitKey, reasons: &[&str]) -> Result<bool, StoreError> {
        for why in reasons {
            if self.store.get(&format!("~look:{why}:{}", commit_key(commit))).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Repository and number out of `owner:name:pull:number`; other kinds of state have other keys.
fn parsed(key: &str) -> Option<(RepositoryName, u64)> {
    let (repository, number) = key.split_once(":pull:")?;
    let (owner, name) = repository.split_once(':')?;
    Some((RepositoryName::new(owner, name).ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_heads_name_a_pull_request() {
        let shop = RepositoryName::new("acme", "shop").unwrap();
        assert_eq!(parsed("acme:shop:pull:7"), Some((shop, 7)));
        for other in ["acme:shop:commit:7", "acme:shop:pull:7:comment", "acme:pull:7", "~look:acme:shop:pull:7"] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }
}
