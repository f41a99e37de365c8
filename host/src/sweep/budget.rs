//! What the sweeps may spend of an installation's calls: a share of what it has in an hour, in any sixty minutes.

use crate::model::{InstallationId, Unix};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Each installation has at least so many calls an hour; larger ones have more and are told, a GitHub Enterprise Server
/// often has no limit.
const LEAST_CALLS_AN_HOUR: u64 = 5_000;
const HOUR_S: u64 = 3_600;

/// What calls are spent for. Each has a share of its own, so that a change of the policy does not keep anybody from finding
/// pull requests without a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To find what is missing.
    Look,
    /// To judge again what is older than the policy.
    JudgeAgain,
}

#[derive(Debug)]
pub struct Budget {
    percent: u64,
    spent: Mutex<HashMap<(Purpose, InstallationId), Spent>>,
}

/// When how many were spent, by the minute.
type Spent = VecDeque<(Unix, u64)>;

impl Budget {
    pub fn of_percent(percent: u64) -> Self {
        Self { percent, spent: Mutex::default() }
    }

    /// Takes so many calls, if there are as many left of what the installation has in an hour.
    pub fn spend(&self, by: (Purpose, InstallationId), calls: u64, (now, hourly): (Unix, Option<u64>)) -> bool {
        let share = hourly.unwrap_or(LEAST_CALLS_AN_HOUR) * self.percent / 100;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let minutes = spent.entry(by).or_default();
        while minutes.front().is_some_and(|(at, _)| at + HOUR_S <= now) {
            minutes.pop_front();
        }
        let so_far: u64 = minutes.iter().map(|(_, calls)| calls).sum();
        if so_far + calls > share {
            return false;
        }
        match minutes.back_mut() {
            Some((at, of_minute)) if now.saturating_sub(*at) < 60 => *of_minute += calls,
            _ => minutes.push_back((now, calls)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sixty_minutes_see_more_than_the_share() {
        let budget = Budget::of_percent(10);
        let by = (Purpose::Look, InstallationId(1));
        let spent: u64 = (0..3 * HOUR_S).filter(|second| budget.spend(by, 1, (*second, None))).count() as u64;
        assert!((1_400..=1_500).contains(&spent), "500 in each hour: {spent}");
        assert!(!budget.spend((Purpose::JudgeAgain, InstallationId(1)), 501, (0, None)));
        assert!(budget.spend((Purpose::JudgeAgain, InstallationId(1)), 500, (0, None)), "its share is its own");
        assert!(
            budget.spend((Purpose::Look, InstallationId(2)), 1_500, (0, Some(15_000))),
            "another installation has its own, and more of it"
        );
    }
}
