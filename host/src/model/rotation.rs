//! Secrets that are replaced while the old ones still count: several of a kind at a time, each with its end.

use super::Unix;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// How early people are told that nothing follows what ends: time for a change on a working day.
const SOON_S: u64 = 14 * 24 * 3600;

/// One of several secrets of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot<T> {
    /// Where it comes from, for people: a file, or a key of the configuration.
    pub origin: String,
    pub value: T,
    /// The last second in which it counts; without one it has no end.
    pub not_after: Option<Unix>,
}

impl<T> Slot<T> {
    pub fn holds(&self, now: Unix) -> bool {
        self.not_after.is_none_or(|end| now <= end)
    }
}

/// How long the secrets of one kind last together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    Lasting,
    /// The last of them ends then, which is soon, and nothing follows it.
    Ends(Unix),
    /// None counts any more.
    Ended,
}

pub fn outlook<T>(slots: &[Slot<T>], now: Unix) -> Outlook {
    let ends = slots.iter().filter(|slot| slot.holds(now)).map(|slot| slot.not_after.unwrap_or(Unix::MAX));
    match ends.max() {
        None => Outlook::Ended,
        Some(end) if end <= now.saturating_add(SOON_S) => Outlook::Ends(end),
        Some(_) => Outlook::Lasting,
    }
}

/// What counts now, shared with those who use it and replaced as a whole: nobody sees half of a change, and who is at
/// work keeps what it began with.
pub struct Rotating<T>(Arc<RwLock<Arc<T>>>);

impl<T> Rotating<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn replace(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl<T> Clone for Rotating<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Rotating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(not_after: &[Option<Unix>]) -> Vec<Slot<()>> {
        not_after.iter().map(|end| Slot { origin: String::new(), value: (), not_after: *end }).collect()
    }

    #[test]
    fn a_slot_holds_through_its_last_second() {
        let slot = &ending(&[Some(10)])[0];
        assert!(slot.holds(10) && !slot.holds(11));
    }

    #[test]
    fn the_last_of_several_says_how_long_they_last() {
        let now = 1_000;
        assert_eq!(outlook(&ending(&[]), now), Outlook::Ended);
        assert_eq!(outlook(&ending(&[Some(999), Some(1)]), now), Outlook::Ended);
        assert_eq!(outlook(&ending(&[Some(999), Some(1_000)]), now), Outlook::Ends(1_000));
        assert_eq!(outlook(&ending(&[Some(1_000), Some(now + SOON_S + 1)]), now), Outlook::Lasting);
        assert_eq!(outlook(&ending(&[Some(1_000), None]), now), Outlook::Lasting);
    }
}
