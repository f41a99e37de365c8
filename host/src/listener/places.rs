//! How many connections each source has open. No more sources are remembered than there are connections.

use super::Source;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Debug)]
pub(super) struct PlacesBySource {
    most: usize,
    open: Arc<Mutex<HashMap<Source, usize>>>,
}

/// One connection's place. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    source: Source,
    places: PlacesBySource,
}

impl PlacesBySource {
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    pub fn enter(&self, source: Source) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&source).copied().unwrap_or_default();
        (count < self.most).then(|| {
            open.insert(source, count + 1);
            Place { source, places: self.clone() }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get(&self.source).copied() {
            Some(count) if count > 1 => drop(open.insert(self.source, count - 1)),
            _ => drop(open.remove(&self.source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_places_and_no_more_and_others_have_theirs() {
        let places = PlacesBySource::new(2);
        let [one, other] = [Source::V6(1), Source::V6(2)];
        let first = places.enter(one).unwrap();
        let _second = places.enter(one).unwrap();
        assert!(places.enter(one).is_none());
        let elsewhere = places.enter(other);
        assert!(elsewhere.is_some());
        drop((first, elsewhere));
        assert!(places.enter(one).is_some());
        assert_eq!(places.open.lock().unwrap().len(), 1, "who left is forgotten");
    }
}
