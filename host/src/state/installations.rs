//! What installations may see, as far as anybody said. Words come late and twice: of two about one thing the later counts.

use super::{State, StoreError, read};
use crate::model::event::{InstallationChange, InstallationEvent};
use crate::model::{CommitKey, InstallationId, RepositoryName, Unix};
use std::collections::BTreeSet;

/// When it was said, and whether it is out of sight.
type Word = (Unix, bool);

impl State {
    /// Remembers what an installation may see. What is known of what it may not see any more is dropped.
    pub async fn note_installation(&self, event: &InstallationEvent) -> Result<(), StoreError> {
        match &event.change {
            InstallationChange::Repositories { added, removed } => {
                for repository in added {
                    self.take_word(&hidden_key(event.installation, repository), (event.at, false)).await?;
                }
                for repository in removed {
                    if self.take_word(&hidden_key(event.installation, repository), (event.at, true)).await? {
                        self.forget(&format!("{}:{}:", repository.owner(), repository.name())).await?;
                    }
                }
            }
            InstallationChange::Gone | InstallationChange::Back => {
                let gone = event.change == InstallationChange::Gone;
                if self.take_word(&gone_key(event.installation), (event.at, gone)).await? && gone {
                    self.forget(&format!("{}:", event.account)).await?;
                }
            }
        }
        Ok(())
    }

    /// GitHub itself lists these repositories at this time: what hid one of them before does so no more.
    pub async fn note_listed<'a>(
        &self,
        installation: InstallationId,
        listed: impl Iterator<Item = &'a RepositoryName>,
        at: Unix,
    ) -> Result<(), StoreError> {
        let noted: BTreeSet<String> = self.store.keys(&hidden_prefix(installation)).await?.into_iter().collect();
        for key in listed.map(|repository| hidden_key(installation, repository)) {
            if noted.contains(&key) {
                self.take_word(&key, (at, false)).await?;
            }
        }
        Ok(())
    }

    /// Whether the commit's repository may still be seen through its installation, as far as anybody said.
    pub async fn serves(&self, commit: &CommitKey) -> Result<bool, StoreError> {
        let gone: Option<Word> = read(&self.store, &gone_key(commit.installation)).await?;
        let hidden: Option<Word> = read(&self.store, &hidden_key(commit.installation, &commit.repository)).await?;
        Ok(![gone, hidden].into_iter().flatten().any(|(_, out_of_sight)| out_of_sight))
    }

    /// False if a later word is known.
    async fn take_word(&self, key: &str, word: Word) -> Result<bool, StoreError> {
        let known: Option<Word> = read(&self.store, key).await?;
        if known.is_some_and(|(at, _)| at > word.0) {
            return Ok(false);
        }
        self.write(key, &word).await?;
        Ok(true)
    }
}

fn gone_key(installation: InstallationId) -> String {
    format!("~installation:{installation}")
}

fn hidden_prefix(installation: InstallationId) -> String {
    format!("~hidden:{installation}:")
}

fn hidden_key(installation: InstallationId, repository: &RepositoryName) -> String {
    format!("{}{repository}", hidden_prefix(installation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clock, HeadSha};
    use crate::state::memory::MemoryStore;
    use crate::state::records::StoredRecords;
    use std::sync::Arc;
    use std::time::Duration;

    #[derive(Debug)]
    struct Still;
    impl Clock for Still {
        fn now(&self) -> Unix {
            0
        }
    }

    fn state() -> State {
        let store = || Arc::new(MemoryStore::new(Arc::new(Still), 100, 1 << 20));
        let day = Duration::from_secs(24 * 3600);
        State::new(store(), Arc::new(StoredRecords::new(store(), day)), store(), day)
    }

    fn shop() -> RepositoryName {
        RepositoryName::new("acme", "shop").expect("valid")
    }

    fn head() -> CommitKey {
        let sha = HeadSha::parse(&"a".repeat(40)).expect("valid");
        CommitKey { installation: InstallationId(1), repository: shop(), sha }
    }

    async fn hear(state: &State, at: Unix, added: &[RepositoryName], removed: &[RepositoryName]) {
        let change = InstallationChange::Repositories { added: added.to_vec(), removed: removed.to_vec() };
        let event = InstallationEvent { installation: InstallationId(1), account: "acme".to_owned(), change, at };
        state.note_installation(&event).await.expect("the store is there");
    }

    #[tokio::test]
    async fn a_removal_that_is_told_again_after_the_return_hides_nothing() {
        let state = state();
        hear(&state, 10, &[], &[shop()]).await;
        assert!(!state.serves(&head()).await.expect("an answer"));
        hear(&state, 20, &[shop()], &[]).await;
        hear(&state, 10, &[], &[shop()]).await;
        assert!(state.serves(&head()).await.expect("an answer"), "the later word counts");
        hear(&state, 30, &[], &[shop()]).await;
        assert!(!state.serves(&head()).await.expect("an answer"), "and the next one again");
    }

    #[tokio::test]
    async fn what_github_lists_is_visible_until_a_later_removal() {
        let state = state();
        hear(&state, 10, &[], &[shop()]).await;
        let (one, another) = (shop(), RepositoryName::new("acme", "site").expect("valid"));
        state.note_listed(InstallationId(1), [&another].into_iter(), 20).await.expect("the store is there");
        assert!(!state.serves(&head()).await.expect("an answer"), "another one is listed");
        state.note_listed(InstallationId(1), [&one].into_iter(), 9).await.expect("the store is there");
        assert!(!state.serves(&head()).await.expect("an answer"), "it was listed before it was removed");
        state.note_listed(InstallationId(1), [&one].into_iter(), 20).await.expect("the store is there");
        assert!(state.serves(&head()).await.expect("an answer"));
        hear(&state, 21, &[], &[shop()]).await;
        assert!(!state.serves(&head()).await.expect("an answer"));
    }
}
