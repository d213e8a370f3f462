//! The log's times: `29/2/2016 09:41`, day first, minutes only, no zone.
//!
//! They are read as UTC: the source names no zone, and differences between rows are what an import needs.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Reads `d/m/yyyy H:M`, also with seconds; nothing for anything else, impossible dates included.
pub fn parse(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.split_once(' ')?;
    let mut date = date.split('/');
    let (day, month, year) = (number(date.next()?)?, number(date.next()?)?, number(date.next()?)?);
    let mut clock = clock.trim_start().split(':');
    let (hour, minute) = (number(clock.next()?)?, number(clock.next()?)?);
    let second = clock.next().map_or(Some(0), number)?;
    if date.next().is_some() || clock.next().is_some() {
        return None;
    }
    let small = |value: i16| i8::try_from(value).ok();
    let civil =
        DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn number(text: &str) -> Option<i16> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn days_come_first_and_impossible_ones_are_refused() {
        let read = |text| parse(text).map(|time| time.to_string());
        assert_eq!(read("29/2/2016 09:41").as_deref(), Some("2016-02-29T09:41:00Z"));
        assert_eq!(read("01/12/2016 9:05:07").as_deref(), Some("2016-12-01T09:05:07Z"));
        for odd in ["", "?", "29/2/2017 09:41", "1/13/2016 09:00", "1/1/2016", "1/1/2016 24:00", "1/1/2016 -1:00"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
