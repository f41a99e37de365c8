//! Dates and times by their spelling.

/// `2020-1-31`: a day that the calendar has.
pub fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit()).then(|| part.parse::<u16>().ok())?;
    let (Some(year), Some(month), Some(number_of_day)) =
        (number(year).filter(|_| year.len() == 4), number(month), number(day))
    else {
        return false;
    };
    month_length(year, month).is_some_and(|days| (1..=days).contains(&number_of_day)) && text.len() <= 10
}

fn month_length(year: u16, month: u16) -> Option<u16> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    })
}

/// `15:04:05`, perhaps with a fraction.
pub fn is_clock(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return false };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|digit| digit.is_ascii_digit());
    is_below(hours, 24) && is_below(minutes, 60) && is_below(seconds, 60) && is_fraction
}

/// `Z` or `+01:00`.
pub fn is_zone(text: &str) -> bool {
    let offset = text.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    text == "Z"
        || text.len() == 6 && offset.is_some_and(|(hours, minutes)| is_below(hours, 25) && is_below(minutes, 61))
}

fn is_below(part: &str, limit: u8) -> bool {
    let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
    is_number && part.parse::<u8>().is_ok_and(|part| part < limit)
}
