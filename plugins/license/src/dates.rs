//! Dates that people write into settings, as Unix seconds. A date without a time is 00:00 UTC of that day, so the day
//! itself is no longer covered.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

/// The instant of an RFC 3339 date or date and time, in Unix seconds; negative ones count as 0.
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

#[cfg(test)]
mod tests {
    use super::instant;

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
}
