//! Whose turn it is: of all instances that share a store one sweeps at a time. Whoever has the turn keeps it before each
//! thing that it does, so that one who was away for too long does nothing any more.

use super::{State, StoreError};
use bytes::Bytes;
use std::time::Duration;

/// Longer than one call with all its repetitions takes, two minutes and a few seconds; whoever died with the turn is
/// waited for no longer.
const TURN: Duration = Duration::from_secs(180);

/// The right to sweep, until somebody else has it.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    key: String,
    holder: Bytes,
}

impl State {
    /// None while another instance has it.
    pub async fn take_turn(&self, what: &str) -> Result<Option<Turn>, StoreError> {
        let turn = Turn { key: format!("~turn:{what}"), holder: Bytes::from(uuid::Uuid::new_v4().to_string()) };
        let taken = self.store.set_if_absent(&turn.key, turn.holder.clone(), Some(TURN)).await?;
        Ok(taken.then_some(turn))
    }

    /// Asked before each effect: false where the turn ran out and is nobody's, or somebody else's, by now.
    pub async fn keep_turn(&self, turn: &Turn) -> Result<bool, StoreError> {
        self.store.extend(&turn.key, &turn.holder, TURN).await
    }

    pub async fn end_turn(&self, turn: Turn) -> Result<(), StoreError> {
        self.store.delete_if(&turn.key, &turn.holder).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Clock, Unix};
    use crate::state::State;
    use crate::state::memory::MemoryStore;
    use crate::state::records::StoredRecords;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    #[derive(Debug, Default)]
    struct Hand(AtomicU64);
    impl Clock for Hand {
        fn now(&self) -> Unix {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_turn_is_one_s_alone_until_it_ends_or_runs_out() {
        let clock = Arc::new(Hand::default());
        let store = || Arc::new(MemoryStore::new(clock.clone(), 100, 1 << 20));
        let day = Duration::from_secs(24 * 3600);
        let state = State::new(store(), Arc::new(StoredRecords::new(store(), day)), store(), day);
        let first = state.take_turn("sweep").await.expect("take").expect("free");
        assert!(state.take_turn("sweep").await.expect("take").is_none());
        assert!(state.take_turn("another").await.expect("take").is_some());
        clock.0.store(100, Ordering::Relaxed);
        assert!(state.keep_turn(&first).await.expect("keep"));
        clock.0.store(200, Ordering::Relaxed);
        assert!(state.take_turn("sweep").await.expect("take").is_none(), "it was kept in between");
        clock.0.store(280, Ordering::Relaxed);
        let second = state.take_turn("sweep").await.expect("take").expect("the first ran out");
        assert!(!state.keep_turn(&first).await.expect("keep"), "who was away too long has it no more");
        state.end_turn(first).await.expect("end");
        assert!(state.keep_turn(&second).await.expect("keep"), "nor ends it for the other");
        state.end_turn(second).await.expect("end");
        assert!(state.take_turn("sweep").await.expect("take").is_some());
    }
}
