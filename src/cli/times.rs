//! Times and durations as people write them.
//!
//! A duration: `90s`, `15m`, `1h30m`, `30d`, `2w`. A time: a duration from now
//! (`15m`, `-5m`, `now+1h`, `now`), a day (`2027-01-01`, its first instant in UTC),
//! RFC 3339 (`2027-01-01T12:00:00Z`), or Unix seconds (`@1700000000`). A bare number
//! could be either, and is refused.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use tokenwright::UnixTime;

/// Reads a duration, for clap.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if is_number(text) {
        return Err(format!(
            "a bare number has no unit: write {text}s for seconds or {text}m for minutes"
        ));
    }
    parse_duration(text).ok_or_else(|| "write a duration as 90s, 15m, 1h30m or 30d".to_owned())
}

/// A point in time that may depend on the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(UnixTime),
    After(Duration),
    Before(Duration),
}

impl Moment {
    pub(crate) fn resolve(self, now: UnixTime) -> UnixTime {
        match self {
            Self::At(time) => time,
            Self::After(duration) => now.saturating_add(duration),
            Self::Before(duration) => now.saturating_sub(duration),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_number(text) {
            return Err(format!(
                "a bare number could be two things: write @{text} for a Unix time or {text}s for seconds from now"
            ));
        }
        parse_relative(text)
            .or_else(|| parse_absolute(text).map(Self::At))
            .ok_or_else(|| {
                "write a time as 15m, -5m, now+1h, 2027-01-01, 2027-01-01T12:00:00Z or @1700000000"
                    .to_owned()
            })
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty()
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn parse_relative(text: &str) -> Option<Moment> {
    let offset = text.strip_prefix("now").unwrap_or(text);
    if text == "now" {
        return Some(Moment::After(Duration::ZERO));
    }
    if let Some(before) = offset.strip_prefix('-') {
        return parse_duration(before).map(Moment::Before);
    }
    match offset.strip_prefix('+') {
        Some(after) => parse_duration(after).map(Moment::After),
        None if offset.len() == text.len() => parse_duration(offset).map(Moment::After),
        None => None,
    }
}

fn parse_absolute(text: &str) -> Option<UnixTime> {
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok().map(UnixTime::from_seconds);
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        // chrono also reads 2027-1-1; only the ten characters of ISO 8601 are meant.
        let midnight = day.and_time(NaiveTime::MIN).and_utc();
        return (text.len() == 10).then(|| UnixTime::from_seconds(midnight.timestamp()));
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(UnixTime::new(
        time.timestamp(),
        time.timestamp_subsec_nanos(),
    ))
}

/// One or more of number and unit, each unit once and smaller than the one before.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = tail.get(1..)?;
    }
    // Beyond what a calendar date holds, a duration is a slip of the finger.
    (!text.is_empty() && total <= 1_000 * 31_557_600).then(|| Duration::from_secs(total))
}

/// RFC 3339 in UTC, to the second; Unix seconds where no calendar reaches.
pub(crate) fn rfc3339(time: UnixTime) -> String {
    match DateTime::<Utc>::from_timestamp(time.seconds(), 0) {
        Some(date) if (0..=253_402_300_799).contains(&time.seconds()) => {
            date.to_rfc3339_opts(SecondsFormat::Secs, true)
        }
        _ => format!("@{}", time.seconds()),
    }
}

/// The day alone, in UTC.
pub(crate) fn day(time: UnixTime) -> String {
    let text = rfc3339(time);
    text.split('T').next().unwrap_or(&text).to_owned()
}

/// A duration in its two largest units: `14 min 51 s`, `3 h`, `29 d 23 h`.
pub(crate) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let largest = units.iter().skip_while(|(count, _)| *count == 0).take(2);
    let parts: Vec<String> = largest
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    parts.join(" ")
}

/// `in 14 min 51 s`, `23 min ago`, or `now`, seen from `now`.
pub(crate) fn relative(time: UnixTime, now: UnixTime) -> String {
    let ahead = time.saturating_since(now).as_secs();
    let behind = now.saturating_since(time).as_secs();
    if ahead > 0 {
        format!("in {}", words(Duration::from_secs(ahead)))
    } else if behind > 0 {
        format!("{} ago", words(Duration::from_secs(behind)))
    } else {
        "now".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

    #[track_caller]
    fn at(text: &str) -> i64 {
        text.parse::<Moment>().unwrap().resolve(NOW).seconds()
    }

    #[test]
    fn every_spelling_of_the_page_is_read() {
        assert_eq!(duration("15m").unwrap().as_secs(), 900);
        assert_eq!(duration("1h30m").unwrap().as_secs(), 5_400);
        assert_eq!(duration("30d").unwrap().as_secs(), 2_592_000);
        assert_eq!(at("15m"), 1_760_000_900);
        assert_eq!(at("-5m"), 1_759_999_700);
        assert_eq!(at("now"), 1_760_000_000);
        assert_eq!(at("now+1h"), 1_760_003_600);
        assert_eq!(at("now-1h"), 1_759_996_400);
        assert_eq!(at("2027-01-01"), 1_798_761_600);
        assert_eq!(at("2027-01-01T12:00:00+02:00"), 1_798_797_600);
        assert_eq!(at("@1700000000"), 1_700_000_000);
    }

    #[test]
    fn a_bare_number_is_refused_with_the_two_things_it_could_mean() {
        assert_eq!(
            duration("900").unwrap_err(),
            "a bare number has no unit: write 900s for seconds or 900m for minutes"
        );
        assert_eq!(
            "1700000000".parse::<Moment>().unwrap_err(),
            "a bare number could be two things: write @1700000000 for a Unix time or 1700000000s for seconds from now"
        );
        assert!("-5".parse::<Moment>().is_err());
        assert!("1.5".parse::<Moment>().is_err());
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "m",
            "15",
            "15x",
            "m15",
            "1m1h",
            "1m1m",
            "now1h",
            "nowish",
            "1h 30m",
            "--5m",
            "+-5m",
            "2027-1-1",
            "2027-13-01",
            "2027-01-01T00:00:00",
            "@",
            "@1e9",
            "@99999999999999999999",
            "99999999999999999999s",
            "9999999999999999999w",
            "１５m",
            "15µ",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}");
        }
        for text in ["-5m", "+5m", "now+5m", "2027-01-01", "@5", ""] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        assert_eq!(words(Duration::from_secs(891)), "14 min 51 s");
        assert_eq!(words(Duration::from_secs(3_600)), "1 h");
        assert_eq!(words(Duration::from_secs(3_601)), "1 h");
        assert_eq!(words(Duration::from_secs(90_000)), "1 d 1 h");
        assert_eq!(words(Duration::ZERO), "0 s");
        assert_eq!(relative(NOW, NOW), "now");
        let earlier = NOW.saturating_sub(Duration::from_secs(61));
        assert_eq!(relative(earlier, NOW), "1 min 1 s ago");
    }

    #[test]
    fn times_beyond_the_calendar_are_told_in_seconds() {
        assert_eq!(rfc3339(UnixTime::from_seconds(0)), "1970-01-01T00:00:00Z");
        assert_eq!(
            rfc3339(UnixTime::from_seconds(i64::MAX)),
            "@9223372036854775807"
        );
        assert_eq!(day(NOW), "2025-10-09");
    }
}
