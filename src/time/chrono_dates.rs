//! Conversions from and to the dates of the `chrono` crate.

use chrono::{DateTime, TimeZone, Utc};

use super::{TimeError, TimeErrorKind, UnixTime};

impl<Zone: TimeZone> From<DateTime<Zone>> for UnixTime {
    /// The same point in time. Within a leap second, which Unix time does not
    /// have, it is the last nanosecond before it.
    fn from(date: DateTime<Zone>) -> Self {
        Self::new(date.timestamp(), date.timestamp_subsec_nanos())
    }
}

impl TryFrom<UnixTime> for DateTime<Utc> {
    type Error = TimeError;

    /// The same point in time.
    ///
    /// # Errors
    /// [`TimeErrorKind::OutOfRange`] beyond the years that `chrono` knows, about
    /// 262,000 before and after year 0.
    fn try_from(time: UnixTime) -> Result<Self, TimeError> {
        Self::from_timestamp(time.seconds(), time.subsec_nanoseconds())
            .ok_or(TimeError::new(TimeErrorKind::OutOfRange))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, SecondsFormat};

    use super::*;

    #[test]
    fn random_dates_are_read_and_written_as_chrono_does() {
        let mut state = 0x1234_5678_9abc_def1_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        // One day short of the years 0000 to 9999, since offsets move the date.
        let years = -62_167_132_800..253_402_214_400_i64;
        for _ in 0..20_000 {
            let span = years.end.abs_diff(years.start);
            let seconds = years.start + i64::try_from(next() % span).unwrap();
            let nanoseconds = [0, 500_000_000, (next() % 1_000_000_000) as u32];
            let time = UnixTime::new(seconds, nanoseconds[(next() % 3) as usize]);
            let date = DateTime::<Utc>::try_from(time).unwrap();
            assert_eq!(UnixTime::from(date), time);

            let ours = time.to_rfc3339().unwrap();
            assert_eq!(DateTime::parse_from_rfc3339(&ours).unwrap(), date, "{ours}");
            assert_eq!(UnixTime::parse_rfc3339(&ours), Ok(time), "{ours}");

            let minutes = (next() % (2 * 1440 - 1)) as i32 - 1439;
            let there = date.with_timezone(&FixedOffset::east_opt(minutes * 60).unwrap());
            assert_eq!(UnixTime::from(there), time);
            let theirs = there.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            assert_eq!(UnixTime::parse_rfc3339(&theirs), Ok(time), "{theirs}");
        }
    }

    #[test]
    fn points_that_chrono_cannot_hold_are_refused() {
        for seconds in [i64::MAX, i64::MIN] {
            let error = DateTime::<Utc>::try_from(UnixTime::from_seconds(seconds)).unwrap_err();
            assert_eq!(error.kind(), TimeErrorKind::OutOfRange);
        }
    }

    #[test]
    fn a_leap_second_of_chrono_ends_before_the_next_second() {
        let date = DateTime::parse_from_rfc3339("1990-12-31T23:59:60.25Z").unwrap();
        assert_eq!(
            UnixTime::from(date),
            UnixTime::new(662_687_999, 999_999_999)
        );
    }
}
