//! How many calls are under way at once: so many for one installation, so many for the whole host of the API. Who waits is
//! let in by priority, then where the fewest are under way, then in turn.

use crate::github::Priority;
use crate::model::InstallationId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// GitHub allows 100 over everything; ten per installation leaves room for other busy ones.
pub(in crate::github) const AT_ONCE: usize = 10;
/// Half of what GitHub allows: the App may run elsewhere too, and its tokens may be used by others.
pub(in crate::github) const AT_ONCE_IN_ALL: usize = 50;

/// Whose calls they are; the App's own have a lane of their own.
pub(super) type LaneKey = Option<InstallationId>;

/// Cheap to clone; clones share the places.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    crowd: Arc<Mutex<Crowd>>,
}

#[derive(Debug, Default)]
struct Crowd {
    under_way: HashMap<LaneKey, usize>,
    in_all: usize,
    waiting: Vec<Waiting>,
    arrivals: u64,
}

#[derive(Debug)]
struct Waiting {
    lane: LaneKey,
    priority: Priority,
    arrival: u64,
    enter: oneshot::Sender<Place>,
}

/// A call under way. Dropping it lets the next one in.
#[derive(Debug)]
pub(in crate::github) struct Place {
    places: Places,
    lane: LaneKey,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.leave(self.lane);
    }
}

impl Places {
    /// Waits for a place. Safe to drop while waiting.
    pub async fn take(&self, lane: LaneKey, priority: Priority) -> Place {
        let entered = {
            let mut crowd = self.lock();
            // Nobody waits who could enter, so that who finds room takes nobody's turn.
            if crowd.has_room(lane) {
                crowd.enter(lane);
                return Place { places: self.clone(), lane };
            }
            let (enter, entered) = oneshot::channel();
            crowd.arrivals += 1;
            let arrival = crowd.arrivals;
            crowd.waiting.push(Waiting { lane, priority, arrival, enter });
            entered
        };
        entered.await.expect("who waits stays in the list until let in")
    }

    /// Calls that are under way, and that wait.
    pub fn count(&self) -> (usize, usize) {
        let crowd = self.lock();
        (crowd.in_all, crowd.waiting.len())
    }

    fn leave(&self, lane: LaneKey) {
        let mut unclaimed = Vec::new();
        {
            let mut crowd = self.lock();
            crowd.exit(lane);
            while let Some(next) = crowd.next() {
                crowd.enter(next.lane);
                let place = Place { places: self.clone(), lane: next.lane };
                // Who gave up while waiting leaves the place to another; dropped once the lock is free.
                unclaimed.extend(next.enter.send(place).err());
            }
        }
        drop(unclaimed);
    }

    fn lock(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crowd {
    fn of(&self, lane: LaneKey) -> usize {
        self.under_way.get(&lane).copied().unwrap_or(0)
    }

    fn has_room(&self, lane: LaneKey) -> bool {
        self.in_all < AT_ONCE_IN_ALL && self.of(lane) < AT_ONCE
    }

    fn enter(&mut self, lane: LaneKey) {
        *self.under_way.entry(lane).or_default() += 1;
        self.in_all += 1;
    }

    fn exit(&mut self, lane: LaneKey) {
        self.in_all -= 1;
        if let Some(count) = self.under_way.get_mut(&lane) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&lane);
            }
        }
    }

    fn next(&mut self) -> Option<Waiting> {
        let may_enter = self.waiting.iter().enumerate().filter(|(_, waiting)| self.has_room(waiting.lane));
        let order = |waiting: &Waiting| (waiting.priority, self.of(waiting.lane), waiting.arrival);
        let (at, _) = may_enter.min_by_key(|(_, waiting)| order(waiting))?;
        Some(self.waiting.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn lane(id: u64) -> LaneKey {
        Some(InstallationId(id))
    }

    async fn full(places: &Places, lanes: impl Iterator<Item = u64>) -> Vec<Place> {
        let mut taken = Vec::new();
        for id in lanes {
            taken.push(places.take(lane(id), Priority::Evaluate).await);
        }
        taken
    }

    #[tokio::test]
    async fn an_installation_has_ten_places_and_leaves_the_others_theirs() {
        let places = Places::default();
        let _busy = full(&places, std::iter::repeat_n(1, AT_ONCE)).await;
        assert!(places.take(lane(1), Priority::Publish).now_or_never().is_none());
        assert!(places.take(lane(2), Priority::Sweep).now_or_never().is_some());
    }

    #[tokio::test]
    async fn fifty_calls_are_under_way_in_all_and_a_quiet_installation_comes_before_a_busy_one() {
        let places = Places::default();
        let mut busy = full(&places, (0..AT_ONCE_IN_ALL as u64).map(|n| n % 6)).await;
        let mut of_busy = Box::pin(places.take(lane(1), Priority::Evaluate));
        let mut of_quiet = Box::pin(places.take(lane(9), Priority::Evaluate));
        assert!((&mut of_busy).now_or_never().is_none() && (&mut of_quiet).now_or_never().is_none());
        busy.pop();
        assert!(of_busy.now_or_never().is_none(), "it has eight already");
        assert!(of_quiet.now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_publishes_comes_before_who_evaluates_before_who_sweeps() {
        let places = Places::default();
        let mut busy = full(&places, std::iter::repeat_n(1, AT_ONCE)).await;
        let priorities = [Priority::Sweep, Priority::Evaluate, Priority::Pages, Priority::Publish];
        let mut waiting: Vec<_> =
            priorities.map(|priority| (priority, Box::pin(places.take(lane(1), priority)))).into();
        for (_, call) in &mut waiting {
            assert!(call.now_or_never().is_none());
        }
        let mut order = Vec::new();
        while !waiting.is_empty() {
            busy.pop();
            let (at, place) = (0..waiting.len())
                .find_map(|at| Some((at, (&mut waiting[at].1).now_or_never()?)))
                .expect("a free place is taken");
            order.push(waiting.remove(at).0);
            busy.insert(0, place);
        }
        assert_eq!(order, [Priority::Publish, Priority::Evaluate, Priority::Pages, Priority::Sweep]);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_keeps_no_place() {
        let places = Places::default();
        let mut busy = full(&places, std::iter::repeat_n(1, AT_ONCE)).await;
        let mut gave_up = Box::pin(places.take(lane(1), Priority::Publish));
        assert!((&mut gave_up).now_or_never().is_none());
        let mut patient = Box::pin(places.take(lane(1), Priority::Sweep));
        assert!((&mut patient).now_or_never().is_none());
        drop(gave_up);
        busy.pop();
        assert!(patient.now_or_never().is_some());
        drop(busy);
        assert_eq!(places.count(), (0, 0));
    }
}
