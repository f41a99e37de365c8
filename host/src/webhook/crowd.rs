//! How many requests are at the door at once, and how much of their bodies is in memory. Who finds no place is told to
//! come again; who has one keeps it. Strangers share a part of the room, so that they never fill all of it. Never looks
//! into a body.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places and room, shared by all requests.
#[derive(Debug)]
pub struct Crowd {
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// The part of these bytes that strangers may take.
    bytes_of_strangers: Arc<Semaphore>,
}

/// Whose request it is, as far as the listener knows before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    Known,
    Stranger,
}

/// One request's place and the room that its body takes. Dropping it gives both back.
#[derive(Debug)]
pub struct Place {
    /// A body needs its bytes in each.
    rooms: Vec<Room>,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Room {
    bytes: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Crowd {
    pub fn new(requests: usize, bytes: usize, bytes_of_strangers: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { places: semaphore(requests), bytes: semaphore(bytes), bytes_of_strangers: semaphore(bytes_of_strangers) }
    }

    /// A place, if there is one: nobody waits, or those who wait would be the crowd.
    pub fn enter(&self, sender: Sender) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let rooms = match sender {
            Sender::Known => vec![&self.bytes],
            Sender::Stranger => vec![&self.bytes_of_strangers, &self.bytes],
        };
        let rooms = rooms.into_iter().map(|bytes| Room { bytes: Arc::clone(bytes), held: None }).collect();
        Some(Place { rooms, _place: place })
    }
}

impl Place {
    /// Whether there is room for so many bytes in all, with what this place holds already.
    pub fn holds(&mut self, bytes: usize) -> bool {
        self.rooms.iter_mut().all(|room| room.holds(bytes))
    }
}

impl Room {
    fn holds(&mut self, bytes: usize) -> bool {
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
