//! What a builtin may know of the world: the time, chance, and where to say something. One context serves one evaluation,
//! and within it the same question gets the same answer.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{Fault, Value};

/// How loud a message is, as in `palisade:plugin/logging`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Why a builtin failed.
    Debug,
    /// What `trace` and `print` say.
    Info,
}

type Random = fn(&mut [u8]) -> Result<(), Fault>;
type Log = fn(Level, &str);

/// The world of one evaluation.
pub struct Context {
    now_ns: i128,
    random: Random,
    log: Log,
    remembered: RefCell<BTreeMap<(&'static str, Value), Value>>,
}

impl Context {
    /// Time and chance from the operating system, or from the host where it runs in one.
    pub fn of_this_moment(log: Log) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { random: from_system, log, ..Self::at(i128::try_from(since.as_nanos()).unwrap_or_default()) }
    }

    /// A context at `now_ns` whose random bytes are all the same: for tests.
    pub fn at(now_ns: i128) -> Self {
        Self { now_ns, random: always_seven, log: |_, _| (), remembered: RefCell::default() }
    }

    /// Nanoseconds since 1970, one value per evaluation.
    pub fn now_ns(&self) -> i128 {
        self.now_ns
    }

    pub fn fill_random(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        (self.random)(bytes)
    }

    pub fn log(&self, level: Level, message: &str) {
        (self.log)(level, message);
    }

    /// The answer given before to this question of this builtin, else a new one.
    pub fn remember(
        &self,
        builtin: &'static str,
        question: Value,
        answer: impl FnOnce() -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let key = (builtin, question);
        if let Some(known) = self.remembered.borrow().get(&key) {
            return Ok(known.clone());
        }
        let answer = answer()?;
        self.remembered.borrow_mut().insert(key, answer.clone());
        Ok(answer)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("now_ns", &self.now_ns).finish_non_exhaustive()
    }
}

fn from_system(bytes: &mut [u8]) -> Result<(), Fault> {
    getrandom::fill(bytes).map_err(|error| Fault::new(format!("asking for random bytes: {error}")))
}

fn always_seven(bytes: &mut [u8]) -> Result<(), Fault> {
    bytes.fill(7);
    Ok(())
}
