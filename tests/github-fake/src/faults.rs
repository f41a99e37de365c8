//! Failure on request: what goes wrong, for which requests, how often. It never decides by itself.

use crate::journal::matches;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Something that goes wrong with requests that match a pattern: by default with the next one only.
#[derive(Clone, Debug)]
pub struct Fault {
    pattern: String,
    /// The first match that fails, counted from 1.
    first: usize,
    /// How many matches fail from there on.
    times: usize,
    /// One in so many matches fails, by a generator of our own; 1 is each.
    one_in: u64,
    random: u64,
    seen: usize,
    struck: usize,
    class: Option<&'static str>,
    pub(crate) effect: Effect,
}

/// How a request fails.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Answered with this status, nothing happened.
    Status { status: u16, headers: Vec<(String, String)> },
    /// It happened, yet the answer is this status.
    StatusAfter(u16),
    /// The connection drops, nothing happened.
    DropBefore,
    /// It happened, then the connection drops.
    DropAfter,
    /// Nothing happens until the gate opens.
    Delay(Gate),
    /// Nothing happens for so long.
    Slow(Duration),
    /// Nothing happens, and no answer ever comes.
    Silent,
    /// It happened, and no answer ever comes.
    SilentAfter,
    /// Nothing happened: the hour's budget is used up, and comes again after so long.
    Exhausted(Duration),
}

impl Effect {
    /// The class of trouble, for people.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Effect::Status { .. } => "refused without effect",
            Effect::StatusAfter(_) => "refused after the effect",
            Effect::DropBefore => "cut before the effect",
            Effect::DropAfter => "cut after the effect",
            Effect::Delay(_) | Effect::Slow(_) => "slow",
            Effect::Silent => "no answer before the effect",
            Effect::SilentAfter => "no answer after the effect",
            Effect::Exhausted(_) => "out of budget",
        }
    }

    /// Whether the request does what it asks for.
    pub(crate) fn lets_happen(&self) -> bool {
        match self {
            Effect::Status { .. } | Effect::DropBefore | Effect::Silent | Effect::Exhausted(_) => false,
            Effect::StatusAfter(_) | Effect::DropAfter | Effect::SilentAfter => true,
            Effect::Delay(_) | Effect::Slow(_) => true,
        }
    }
}

impl Fault {
    /// A fault on requests such as `PATCH /repos/*/check-runs/*`; until told more, a 502 without effect, once.
    pub fn on(pattern: &str) -> Self {
        let effect = Effect::Status { status: 502, headers: Vec::new() };
        Self {
            pattern: pattern.to_owned(),
            first: 1,
            times: 1,
            one_in: 1,
            random: 0,
            seen: 0,
            struck: 0,
            class: None,
            effect,
        }
    }

    /// Counted under a name of its own.
    pub fn named(self, class: &'static str) -> Self {
        Self { class: Some(class), ..self }
    }

    /// The class of trouble that it is counted under.
    pub(crate) fn class(&self) -> &'static str {
        self.class.unwrap_or_else(|| self.effect.class())
    }

    /// Fails the `nth` match, counted from 1, instead of the first.
    pub fn nth(self, nth: usize) -> Self {
        Self { first: nth, ..self }
    }

    /// Fails so many matches in a row.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Fails every match until `Fake::clear_faults`.
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Fails one in `one_in` matches, the same ones for the same seed.
    pub fn randomly(self, one_in: u64, seed: u64) -> Self {
        // An xorshift generator stays at zero for ever.
        Self { one_in: one_in.max(1), random: seed | 1, ..self }.always()
    }

    /// Answers with this status; nothing happens.
    pub fn status(self, status: u16) -> Self {
        Self { effect: Effect::Status { status, headers: Vec::new() }, ..self }
    }

    /// Adds a header to the answer of `status`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Effect::Status { headers, .. } = &mut self.effect {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The effect happens, the answer is this status.
    pub fn status_after(self, status: u16) -> Self {
        Self { effect: Effect::StatusAfter(status), ..self }
    }

    /// The connection drops before anything happens.
    pub fn drop_before(self) -> Self {
        Self { effect: Effect::DropBefore, ..self }
    }

    /// The effect happens, then the connection drops.
    pub fn drop_after(self) -> Self {
        Self { effect: Effect::DropAfter, ..self }
    }

    /// Waits for the gate before anything happens.
    pub fn delay(self, gate: &Gate) -> Self {
        Self { effect: Effect::Delay(gate.clone()), ..self }
    }

    /// Takes its time.
    pub fn slow(self, time: Duration) -> Self {
        Self { effect: Effect::Slow(time), ..self }
    }

    /// No answer ever comes, and nothing happens.
    pub fn silent(self) -> Self {
        Self { effect: Effect::Silent, ..self }
    }

    /// The effect happens, and no answer ever comes.
    pub fn silent_after(self) -> Self {
        Self { effect: Effect::SilentAfter, ..self }
    }

    /// Answers that the primary limit is reached, until so long from then.
    pub fn exhausted(self, wait: Duration) -> Self {
        Self { effect: Effect::Exhausted(wait), ..self }
    }

    /// The pattern, if not one request has failed by it.
    pub(crate) fn in_vain(&self) -> Option<&str> {
        (self.struck == 0).then_some(self.pattern.as_str())
    }

    /// Whether this request fails; counts it if it matches.
    pub(crate) fn strikes(&mut self, method: &str, path: &str) -> bool {
        if !matches(&self.pattern, method, path) {
            return false;
        }
        self.seen += 1;
        let in_turn = self.seen >= self.first && self.seen - self.first < self.times;
        let strikes = in_turn && (self.one_in == 1 || self.next_random().is_multiple_of(self.one_in));
        self.struck += usize::from(strikes);
        strikes
    }

    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 11
    }
}

/// Something waits here until a test opens it: slowness without sleeping.
#[derive(Clone, Debug)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::closed()
    }
}

impl Gate {
    /// A gate that holds whoever comes.
    pub fn closed() -> Self {
        Self { open: Arc::new(watch::Sender::new(false)), waiting: Arc::new(watch::Sender::new(0)) }
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Returns once somebody has come to the gate.
    pub async fn reached(&self) {
        // The sender lives in this very gate, so waiting cannot end in an error.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    pub(crate) async fn pass(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nth_match_fails() {
        let mut fault = Fault::on("GET /a").nth(2);
        let strikes: Vec<bool> = ["/a", "/b", "/a", "/a"].iter().map(|path| fault.strikes("GET", path)).collect();
        assert_eq!(strikes, [false, false, true, false]);
    }

    #[test]
    fn a_random_fault_is_the_same_for_the_same_seed() {
        let draw = |seed| {
            let mut fault = Fault::on("*").randomly(5, seed);
            (0..200).map(|_| fault.strikes("GET", "/")).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        let struck = draw(7).iter().filter(|hit| **hit).count();
        assert!((15..=70).contains(&struck), "{struck} of 200 struck, expected about 40");
    }
}
