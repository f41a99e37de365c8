//! The App's private keys: the first that still counts signs, and one that GitHub refuses gives way to the next.

use super::error::GitHubError;
use crate::model::{Secret, Slot, Unix};
use anyhow::Context as _;
use jsonwebtoken::EncodingKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Keyring {
    keys: Vec<Arc<Key>>,
    /// The slot of the key that GitHub took last.
    taken: AtomicUsize,
}

pub(super) struct Key {
    pub key: EncodingKey,
    slot: usize,
    origin: String,
    not_after: Option<Unix>,
}

impl Keyring {
    pub fn new(slots: &[Slot<Secret>]) -> anyhow::Result<Self> {
        let key = |(slot, given): (usize, &Slot<Secret>)| {
            let key = EncodingKey::from_rsa_pem(given.value.expose().as_bytes()).with_context(|| {
                format!("reading the GitHub App's private key ({}): it must be an RSA key in PEM form", given.origin)
            })?;
            Ok(Arc::new(Key { key, slot, origin: given.origin.clone(), not_after: given.not_after }))
        };
        let keys = slots.iter().enumerate().map(key).collect::<anyhow::Result<_>>()?;
        Ok(Self { keys, taken: AtomicUsize::new(0) })
    }

    /// The keys that count, the one that GitHub took last before the others.
    pub fn in_order(&self, now: Unix) -> Result<Vec<Arc<Key>>, GitHubError> {
        let taken = self.taken();
        let holds = |key: &&Arc<Key>| key.not_after.is_none_or(|end| now <= end);
        let mut keys: Vec<Arc<Key>> = self.keys.iter().filter(holds).cloned().collect();
        keys.sort_by_key(|key| key.slot != taken);
        if keys.is_empty() {
            let why = if self.keys.is_empty() { "there is no private key" } else { "every private key has ended" };
            return Err(GitHubError::Unauthorized(format!("signing as the App: {why}")));
        }
        Ok(keys)
    }

    /// GitHub took this one; if it is another than before, somebody should know.
    pub fn took(&self, key: &Key) {
        if self.taken.swap(key.slot, Ordering::Relaxed) != key.slot {
            tracing::warn!(
                slot = key.slot,
                key = key.origin,
                "GitHub takes another of the App's private keys than before: one that it deleted can be removed"
            );
        }
    }

    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::private_key;
    use super::*;

    fn slot(not_after: Option<Unix>) -> Slot<Secret> {
        Slot { origin: "a test".to_owned(), value: private_key(), not_after }
    }

    fn order(ring: &Keyring, now: Unix) -> Vec<usize> {
        ring.in_order(now).map_or_else(|_| Vec::new(), |keys| keys.iter().map(|key| key.slot).collect())
    }

    #[test]
    fn a_key_that_ended_never_signs_and_the_one_that_github_took_comes_first() {
        let ring = Keyring::new(&[slot(Some(10)), slot(Some(30)), slot(Some(20))]).unwrap();
        assert_eq!((order(&ring, 10), order(&ring, 11)), (vec![0, 1, 2], vec![1, 2]));
        ring.took(&ring.in_order(11).unwrap()[1]);
        assert_eq!((order(&ring, 11), order(&ring, 21)), (vec![2, 1], vec![1]));
        let refusal = ring.in_order(31).err();
        assert!(matches!(&refusal, Some(GitHubError::Unauthorized(told)) if told.contains("has ended")), "{refusal:?}");
    }

    #[test]
    fn a_key_that_is_none_is_named_and_not_shown() {
        let broken = Slot { origin: "app.pem".to_owned(), value: Secret::new("hunter2"), not_after: None };
        let told = format!("{:#}", Keyring::new(&[slot(None), broken]).err().unwrap());
        assert!(told.contains("private key (app.pem)") && !told.contains("hunter2"), "{told}");
    }
}
