//! Dates that people and producers write, as Unix seconds like [`Context::now`](crate::Context), and back for people.
//! Never reads a clock.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

/// The instant of an RFC 3339 date or date and time, in Unix seconds; those before 1970 count as 0. A date without a time
/// is 00:00 UTC **of** that day: what ends then no longer covers the day itself. `None` for any other text.
pub fn instant(text: &str) -> Option<u64> {
    let text = text.trim();
    let second = match text.parse::<Timestamp>() {
        Ok(instant) => instant.as_second(),
        // Only a bare date: `Date` would also take the front of longer texts.
        Err(_) if text.len() == "2026-03-01".len() => {
            text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second()
        }
        Err(_) => return None,
    };
    Some(u64::try_from(second).unwrap_or(0))
}

/// The instant as people read it, to the minute, in UTC: `2026-03-01 00:00 UTC`.
pub fn text(second: u64) -> String {
    let instant = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    instant.map_or_else(|| second.to_string(), |instant| instant.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read_and_other_texts_are_not() {
        assert_eq!(instant("2026-03-01"), Some(1_772_323_200));
        assert_eq!(instant("2026-03-01T01:00:00+01:00"), Some(1_772_323_200));
        assert_eq!(instant("2026-03-01T00:00:00.5Z"), Some(1_772_323_200));
        assert_eq!(instant("1960-01-01"), Some(0));
        for text in ["", "soon", "2026-13-01", "2026-02-30", "2026-03-01T00:00:00"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_shown_to_the_minute_and_one_beyond_all_calendars_as_its_number() {
        assert_eq!(text(1_772_323_259), "2026-03-01 00:00 UTC");
        assert_eq!(text(u64::MAX), u64::MAX.to_string());
    }
}
