//! Dates as text: RFC 3339, as strictly as PASETO reads it.

use std::fmt;

use super::civil::Date;
use super::{TimeError, TimeErrorKind, UnixTime};

const SECONDS_PER_DAY: i64 = 86_400;

impl UnixTime {
    /// Reads a date and time of RFC 3339 section 5.6, as the time claims of PASETO
    /// are written: `2025-10-09T08:53:20Z`, `2025-10-09T10:53:20.25+02:00`.
    ///
    /// `T` and `Z` are upper case, an offset or `Z` is required, the fraction may
    /// have any number of digits and is cut to nanoseconds. A leap second
    /// (`:60`) is refused, because it has no number of its own in Unix time and
    /// two points in time would become one.
    ///
    /// # Errors
    /// [`TimeErrorKind::Format`] for any other spelling,
    /// [`TimeErrorKind::NoSuchTime`] for a date, time or offset that does not exist,
    /// [`TimeErrorKind::LeapSecond`].
    ///
    /// ```
    /// use tokenwright::UnixTime;
    /// let time = UnixTime::parse_rfc3339("2025-10-09T10:53:20.25+02:00")?;
    /// assert_eq!(time, UnixTime::new(1_760_000_000, 250_000_000));
    /// assert!(UnixTime::parse_rfc3339("2025-10-09t08:53:20z").is_err());
    /// # Ok::<(), tokenwright::TimeError>(())
    /// ```
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let mut text = Cursor(text.as_bytes());
        let date = text.date()?;
        text.expect(b'T')?;
        let of_day = text.time_of_day()?;
        let nanoseconds = text.fraction()?;
        let offset = text.offset()?;
        let seconds = date
            .days_since_epoch()
            .saturating_mul(SECONDS_PER_DAY)
            .saturating_add(of_day)
            .saturating_sub(offset);
        Ok(Self::new(seconds, nanoseconds))
    }

    /// This point as text of RFC 3339 in UTC, with as many digits of the second
    /// as it needs; `None` outside of the years 0000 to 9999, which is all that
    /// RFC 3339 can write.
    ///
    /// ```
    /// use tokenwright::UnixTime;
    /// let time = UnixTime::new(1_760_000_000, 250_000_000);
    /// assert_eq!(time.to_rfc3339().as_deref(), Some("2025-10-09T08:53:20.25Z"));
    /// assert_eq!(UnixTime::from_seconds(i64::MAX).to_rfc3339(), None);
    /// ```
    #[must_use]
    pub fn to_rfc3339(self) -> Option<String> {
        let date = Date::from_days_since_epoch(self.seconds().div_euclid(SECONDS_PER_DAY))?;
        let of_day = self.seconds().rem_euclid(SECONDS_PER_DAY);
        let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let Date { year, month, day } = date;
        let mut text =
            format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}");
        if self.subsec_nanoseconds() != 0 {
            let fraction = format!(".{:09}", self.subsec_nanoseconds());
            text.push_str(fraction.trim_end_matches('0'));
        }
        text.push('Z');
        Some(text)
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339 in UTC; outside of the years 0000 to 9999 the whole seconds since
    /// 1970, after an `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_rfc3339() {
            Some(text) => f.write_str(&text),
            None => write!(f, "@{}", self.seconds()),
        }
    }
}

impl std::str::FromStr for UnixTime {
    type Err = TimeError;

    /// The same as [`UnixTime::parse_rfc3339`].
    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse_rfc3339(text)
    }
}

/// What is left of the text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// `full-date`.
    fn date(&mut self) -> Result<Date, TimeError> {
        let century = self.two_digits()?;
        let year = u16::from(century)
            .saturating_mul(100)
            .saturating_add(u16::from(self.two_digits()?));
        self.expect(b'-')?;
        let month = self.two_digits()?;
        self.expect(b'-')?;
        let day = self.two_digits()?;
        Date::new(year, month, day).ok_or(TimeError::new(TimeErrorKind::NoSuchTime))
    }

    /// `partial-time` without its fraction, in seconds since midnight.
    fn time_of_day(&mut self) -> Result<i64, TimeError> {
        let minutes = self.hours_and_minutes()?;
        self.expect(b':')?;
        let seconds = self.two_digits()?;
        match seconds {
            0..60 => Ok(minutes.saturating_mul(60).saturating_add(seconds.into())),
            60 => Err(TimeError::new(TimeErrorKind::LeapSecond)),
            _ => Err(TimeError::new(TimeErrorKind::NoSuchTime)),
        }
    }

    /// `hh:mm`, in minutes.
    fn hours_and_minutes(&mut self) -> Result<i64, TimeError> {
        let hours = self.two_digits()?;
        self.expect(b':')?;
        let minutes = self.two_digits()?;
        if hours > 23 || minutes > 59 {
            return Err(TimeError::new(TimeErrorKind::NoSuchTime));
        }
        Ok(i64::from(hours)
            .saturating_mul(60)
            .saturating_add(minutes.into()))
    }

    /// `time-secfrac`, if there is one, in nanoseconds.
    fn fraction(&mut self) -> Result<u32, TimeError> {
        let Some(digits) = self.0.strip_prefix(b".") else {
            return Ok(0);
        };
        let end = digits.iter().position(|byte| !byte.is_ascii_digit());
        let (digits, rest) = digits
            .split_at_checked(end.unwrap_or(digits.len()))
            .unwrap_or_default();
        if digits.is_empty() {
            return Err(TimeError::new(TimeErrorKind::Format));
        }
        self.0 = rest;
        let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
        Ok(padded.fold(0_u32, |nanoseconds, byte| {
            nanoseconds
                .saturating_mul(10)
                .saturating_add(u32::from(byte & 0x0f))
        }))
    }

    /// `time-offset` and the end of the text; seconds east of UTC.
    fn offset(&mut self) -> Result<i64, TimeError> {
        let sign = match self.0.split_first() {
            Some((b'Z', [])) => return Ok(0),
            Some((b'+', rest)) => {
                self.0 = rest;
                60
            }
            Some((b'-', rest)) => {
                self.0 = rest;
                -60
            }
            _ => return Err(TimeError::new(TimeErrorKind::Format)),
        };
        let minutes = self.hours_and_minutes()?;
        if !self.0.is_empty() {
            return Err(TimeError::new(TimeErrorKind::Format));
        }
        Ok(minutes.saturating_mul(sign))
    }

    fn two_digits(&mut self) -> Result<u8, TimeError> {
        match self.0 {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
                self.0 = rest;
                Ok((tens & 0x0f).saturating_mul(10).saturating_add(ones & 0x0f))
            }
            _ => Err(TimeError::new(TimeErrorKind::Format)),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), TimeError> {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                Ok(())
            }
            _ => Err(TimeError::new(TimeErrorKind::Format)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, seconds: i64, nanoseconds: u32) {
        let expected = Ok(UnixTime::new(seconds, nanoseconds));
        assert_eq!(UnixTime::parse_rfc3339(text), expected, "{text}");
    }

    #[track_caller]
    fn refuses(text: &str, kind: TimeErrorKind) {
        let error = UnixTime::parse_rfc3339(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
    }

    #[test]
    fn dates_of_rfc_3339_section_5_8_are_read() {
        reads("1985-04-12T23:20:50.52Z", 482_196_050, 520_000_000);
        reads("1996-12-19T16:39:57-08:00", 851_042_397, 0);
        reads("1937-01-01T12:00:27.87+00:20", -1_041_337_173, 870_000_000);
        refuses("1990-12-31T23:59:60Z", TimeErrorKind::LeapSecond);
        refuses("1990-12-31T15:59:60-08:00", TimeErrorKind::LeapSecond);
    }

    #[test]
    fn a_fraction_may_have_any_number_of_digits_and_is_cut() {
        let forty = "0123456789".repeat(4);
        reads(&format!("1970-01-01T00:00:00.{forty}Z"), 0, 12_345_678);
        reads("1970-01-01T00:00:00.9999999999999Z", 0, 999_999_999);
        reads("1969-12-31T23:59:59.5+00:00", -1, 500_000_000);
        reads("1970-01-01T00:00:00.5-00:00", 0, 500_000_000);
        reads("1970-01-01T00:00:00.000000000000Z", 0, 0);
    }

    #[test]
    fn the_ends_of_the_calendar_are_read() {
        reads("0000-01-01T00:00:00Z", -62_167_219_200, 0);
        reads("9999-12-31T23:59:59Z", 253_402_300_799, 0);
        reads("0000-01-01T00:00:00+23:59", -62_167_219_200 - 86_340, 0);
        reads("9999-12-31T23:59:59-23:59", 253_402_300_799 + 86_340, 0);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "2025",
            "2025-10-09",
            "2025-10-09T08:53:20",
            "2025-10-09T08:53Z",
            "2025-10-09t08:53:20Z",
            "2025-10-09T08:53:20z",
            "2025-10-09 08:53:20Z",
            "2025-10-09_08:53:20Z",
            "2025-10-09T08:53:20.Z",
            "2025-10-09T08:53:20,5Z",
            "2025-10-09T08:53:20.5",
            "2025-10-09T08:53:20.5 Z",
            "2025-10-09T08:53:20+0200",
            "2025-10-09T08:53:20+02",
            "2025-10-09T08:53:20\u{2212}02:00",
            "2025-10-09T08:53:20+02:00:00",
            "2025-10-09T08:53:20ZZ",
            "2025-10-09T08:53:20Z\n",
            " 2025-10-09T08:53:20Z",
            "+2025-10-09T08:53:20Z",
            "12025-10-09T08:53:20Z",
            "2025-1-09T08:53:20Z",
            "2025-282T08:53:20Z",
            "20251009T085320Z",
            "٢٠25-10-09T08:53:20Z",
            "1760000000",
        ] {
            refuses(text, TimeErrorKind::Format);
        }
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        for text in [
            "2025-00-09T08:53:20Z",
            "2025-13-09T08:53:20Z",
            "2025-02-29T08:53:20Z",
            "2025-10-00T08:53:20Z",
            "2025-10-32T08:53:20Z",
            "2025-10-09T24:00:00Z",
            "2025-10-09T08:60:20Z",
            "2025-10-09T08:53:61Z",
            "2025-10-09T08:53:20+24:00",
            "2025-10-09T08:53:20-02:60",
        ] {
            refuses(text, TimeErrorKind::NoSuchTime);
        }
    }

    #[test]
    fn every_changed_byte_of_a_date_is_refused_or_means_another_time() {
        let date = b"2025-10-09T08:53:20.5+02:00";
        let meant = UnixTime::parse_rfc3339(std::str::from_utf8(date).unwrap()).unwrap();
        for place in 0..date.len() {
            for byte in (0..0x80).filter(|byte| *byte != date[place]) {
                let mut changed = *date;
                changed[place] = byte;
                let text = std::str::from_utf8(&changed).unwrap();
                assert_ne!(UnixTime::parse_rfc3339(text), Ok(meant), "{text:?}");
            }
            let cut = std::str::from_utf8(&date[..place]).unwrap();
            refuses(cut, TimeErrorKind::Format);
        }
    }

    #[test]
    fn points_outside_four_digit_years_print_as_seconds() {
        let last = UnixTime::from_seconds(253_402_300_799);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        let beyond = UnixTime::from_seconds(253_402_300_800);
        assert_eq!(
            (beyond.to_rfc3339(), beyond.to_string()),
            (None, "@253402300800".into())
        );
        let before = UnixTime::new(-62_167_219_201, 5);
        assert_eq!(
            (before.to_rfc3339(), before.to_string()),
            (None, "@-62167219201".into())
        );
        assert_eq!(UnixTime::from_seconds(i64::MIN).to_rfc3339(), None);
    }
}
