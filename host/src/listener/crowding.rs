//! How full the listener is. Strangers never have all of its places, and when there are few left they keep none between
//! two requests: who holds connections only to hold them shuts out nobody who is known.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// An eighth is for those who are known: 128 by default, more than GitHub delivers over at a time.
const KEPT_FOR_KNOWN: usize = 8;
/// From less than a quarter on: what is left is what comes while those that rest are closed.
const FEW_LEFT: usize = 4;

#[derive(Debug)]
pub(super) struct Crowding {
    places: Arc<Semaphore>,
    places_of_strangers: Arc<Semaphore>,
    most: usize,
    told: watch::Sender<()>,
}

impl Crowding {
    pub fn new(connections: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(connections)),
            places_of_strangers: Arc::new(Semaphore::new(connections - connections / KEPT_FOR_KNOWN)),
            most: connections,
            told: watch::Sender::new(()),
        }
    }

    /// A place, once there is one. Safe to drop while waiting.
    pub async fn place(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.places).acquire_owned().await.expect("the semaphore is never closed")
    }

    /// What a stranger needs beside a place.
    pub fn place_of_stranger(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places_of_strangers).try_acquire_owned().ok()
    }

    pub fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    pub fn has_few_left(&self) -> bool {
        self.places.available_permits() < self.most.div_ceil(FEW_LEFT)
    }

    /// One more is there: those that rest are asked to leave if few places are left.
    pub fn tell(&self) {
        if self.has_few_left() {
            self.told.send_replace(());
        }
    }

    /// Changes whenever those that rest are asked to leave.
    pub fn news(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn strangers_leave_an_eighth_and_few_are_left_from_a_quarter_on() {
        let crowding = Crowding::new(16);
        let mut held = Vec::new();
        for _ in 0..12 {
            held.push(crowding.place().await);
            assert!(!crowding.has_few_left());
        }
        held.push(crowding.place().await);
        assert!(crowding.has_few_left() && !crowding.is_full());
        let strangers: Vec<_> = std::iter::from_fn(|| crowding.place_of_stranger()).collect();
        assert_eq!(strangers.len(), 14);
        let few = Crowding::new(3);
        assert_eq!(
            std::iter::from_fn(|| few.place_of_stranger()).collect::<Vec<_>>().len(),
            3,
            "of so few none is kept"
        );
    }
}
