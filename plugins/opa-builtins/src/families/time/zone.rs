//! Time zones by name. The database is built in: a sandboxed guest has no `/usr/share/zoneinfo`, and verdicts must not
//! depend on the machine.

use jiff::{Timestamp, tz::TimeZone, tz::TimeZoneDatabase};

use crate::Fault;

#[derive(Clone)]
pub(super) struct Zone(TimeZone);

/// A zone at one instant.
pub(super) struct Shown {
    pub(super) abbreviation: String,
    pub(super) offset: i64,
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The host's own zone is UTC: it lends no other to a guest.
    pub(super) fn named(name: &str) -> Result<Self, Fault> {
        if matches!(name, "" | "UTC" | "Local") {
            return Ok(Self::utc());
        }
        let zone = TimeZoneDatabase::bundled().get(name);
        zone.map(Self).map_err(|_| Fault::new(format!("unknown time zone {name}")))
    }

    pub(super) fn offset_at(&self, seconds: i128) -> i64 {
        timestamp(seconds).map_or(0, |at| self.0.to_offset(at).seconds().into())
    }

    pub(super) fn shown_at(&self, seconds: i128) -> Shown {
        let abbreviation = timestamp(seconds).map(|at| self.0.to_offset_info(at).abbreviation().to_owned());
        Shown { abbreviation: abbreviation.unwrap_or_default(), offset: self.offset_at(seconds) }
    }

    /// Seconds on the local clock to seconds in UTC. Where the clock jumps, as Go decides: with the offset that holds
    /// at the instant which the first guess leads to.
    pub(super) fn to_utc(&self, local: i128) -> i128 {
        let guess = local - i128::from(self.offset_at(local));
        local - i128::from(self.offset_at(guess))
    }
}

fn timestamp(seconds: i128) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}
