//! How many requests are at the door at once, and how much of their bodies is in memory. Who finds no place is told to
//! come again; who has one keeps it. Never looks into a body.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places and room, shared by all requests.
#[derive(Debug)]
pub struct Crowd {
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// One request's place and the room that its body takes. Dropping it gives both back.
#[derive(Debug)]
pub struct Place {
    bytes: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

impl Crowd {
    pub fn new(requests: usize, bytes: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(requests)), bytes: Arc::new(Semaphore::new(bytes)) }
    }

    /// A place, if there is one: nobody waits, or those who wait would be the crowd.
    pub fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { bytes: Arc::clone(&self.bytes), held: None, _place: place })
    }
}

impl Place {
    /// Whether there is room for so many bytes in all, with what this place holds already.
    pub fn holds(&mut self, bytes: usize) -> bool {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(more) = u32::try_from(bytes.saturating_sub(held)) else { return false };
        let Ok(permit) = Arc::clone(&self.bytes).try_acquire_many_owned(more) else { return false };
        match &mut self.held {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        true
    }
}
