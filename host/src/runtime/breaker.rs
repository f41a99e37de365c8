//! Opens after broken calls in a row of one plugin for one installation, so that its jobs wait instead of burning
//! time; lets one call through after a while. Never looks at other installations.

use super::limits;
use crate::model::{Digest, InstallationId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// One plugin's code in one installation: a new version of a plugin starts afresh.
pub type Key = (InstallationId, Digest);

/// All circuits of a host. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Breaker(Arc<Mutex<HashMap<Key, Circuit>>>);

#[derive(Debug, Default)]
struct Circuit {
    broken_in_a_row: u32,
    open_until: Option<Instant>,
    trial: bool,
}

/// How a call ended, as far as the circuit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Answered,
    Broken,
    /// A malformed file, wrong settings, our own fault: says nothing of the plugin.
    Neutral,
}

impl Breaker {
    /// Lets a call through, or says how long to wait. Tell the admission how the call ended.
    pub fn admit(&self, key: Key) -> Result<Admission, Duration> {
        self.admit_at(key, Instant::now())
    }

    fn admit_at(&self, key: Key, now: Instant) -> Result<Admission, Duration> {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(circuit) = circuits.get_mut(&key) else {
            return Ok(Admission { breaker: self.clone(), key, trial: false });
        };
        match wait(circuit, now) {
            Some(wait) => Err(wait),
            None => {
                circuit.trial = circuit.open_until.is_some();
                Ok(Admission { breaker: self.clone(), key, trial: circuit.trial })
            }
        }
    }

    /// How long calls of this plugin are still refused.
    pub fn blocked(&self, key: Key) -> Option<Duration> {
        self.blocked_at(key, Instant::now())
    }

    fn blocked_at(&self, key: Key, now: Instant) -> Option<Duration> {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.get(&key).and_then(|circuit| wait(circuit, now))
    }

    pub fn open_until(&self, key: Key) -> Option<Instant> {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.get(&key)?.open_until.filter(|until| *until > Instant::now())
    }

    /// How many circuits are open now.
    pub fn open_count(&self) -> usize {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.values().filter(|circuit| wait(circuit, Instant::now()).is_some()).count()
    }

    fn settle(&self, admission: &Admission, ending: Ending, now: Instant) {
        let Admission { key, trial, .. } = *admission;
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ending {
            Ending::Answered => {
                circuits.remove(&key);
            }
            // A trial that came to an answer of any kind closes the circuit.
            Ending::Neutral if trial => {
                circuits.remove(&key);
            }
            Ending::Neutral => {}
            Ending::Broken => {
                let circuit = circuits.entry(key).or_default();
                circuit.broken_in_a_row += 1;
                circuit.trial &= !trial;
                if trial || circuit.broken_in_a_row >= limits::BREAKER_CALLS {
                    circuit.open_until = Some(now + limits::BREAKER_OPEN);
                }
            }
        }
    }

    fn abandon(&self, key: Key) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circuit) = circuits.get_mut(&key) {
            circuit.trial = false;
        }
    }
}

fn wait(circuit: &Circuit, now: Instant) -> Option<Duration> {
    let left = circuit.open_until?.saturating_duration_since(now);
    match left {
        // Another call is the trial; it ends within a call's time.
        Duration::ZERO if circuit.trial => Some(Duration::from_secs(1)),
        Duration::ZERO => None,
        left => Some(left),
    }
}

/// A call that was let through.
#[derive(Debug)]
pub struct Admission {
    breaker: Breaker,
    key: Key,
    trial: bool,
}

impl Admission {
    pub fn ended(self, ending: Ending) {
        self.ended_at(ending, Instant::now());
    }

    fn ended_at(mut self, ending: Ending, now: Instant) {
        self.breaker.settle(&self, ending, now);
        self.trial = false;
    }
}

impl Drop for Admission {
    /// A trial whose job went away leaves the place to the next one.
    fn drop(&mut self) {
        if self.trial {
            self.breaker.abandon(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(installation: u64) -> Key {
        (InstallationId(installation), Digest::of(b"plugin"))
    }
    fn broken(breaker: &Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            breaker.admit_at(key(1), now).unwrap().ended_at(Ending::Broken, now);
        }
    }
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn five_broken_calls_open_the_circuit_of_this_installation_only() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        broken(&breaker, 4, now);
        assert_eq!(breaker.blocked_at(key(1), now), None);
        broken(&breaker, 1, now);
        assert_eq!(breaker.blocked_at(key(1), now), Some(MINUTE));
        assert_eq!(breaker.blocked_at(key(2), now), None);
        assert!(breaker.admit_at(key(2), now).is_ok());
    }

    #[test]
    fn malformed_files_never_open_it() {
        let breaker = Breaker::default();
        for _ in 0..50 {
            breaker.admit(key(1)).unwrap().ended(Ending::Neutral);
        }
        assert_eq!(breaker.blocked(key(1)), None);
    }

    #[test]
    fn after_a_minute_one_trial_decides() {
        let (breaker, begin) = (Breaker::default(), Instant::now());
        broken(&breaker, 5, begin);
        let now = begin + MINUTE;
        let trial = breaker.admit_at(key(1), now).unwrap();
        assert!(breaker.admit_at(key(1), now).is_err(), "only one trial at a time");
        trial.ended_at(Ending::Broken, now);
        assert_eq!(breaker.blocked_at(key(1), now), Some(MINUTE));
        let now = now + MINUTE;
        drop(breaker.admit_at(key(1), now).unwrap());
        breaker.admit_at(key(1), now).expect("an abandoned trial leaves its place").ended_at(Ending::Answered, now);
        assert_eq!(breaker.blocked_at(key(1), now), None);
    }
}
