//! Dates as JSON numbers: `NumericDate` of RFC 7519 section 2.

use super::UnixTime;

impl UnixTime {
    /// Reads a JSON number of seconds since the epoch, exactly as it is written:
    /// no floating point comes in between. Digits below a nanosecond are dropped,
    /// rounding down, so that -1.5 is half a second after second -2.
    ///
    /// `None` if the text is no JSON number (RFC 8259 section 6) or its seconds are
    /// not within `i64`. The work grows with the length of the text alone, whatever
    /// the exponent is.
    pub(crate) fn from_json_number(text: &str) -> Option<Self> {
        // Ordinary dates: digits alone, for a sign before them is no digit.
        if let Some(b'1'..=b'9') = text.as_bytes().first()
            && let Ok(seconds) = text.parse()
        {
            return Some(Self::from_seconds(seconds));
        }
        Number::split(text)?.to_time()
    }
}

/// The parts of a JSON number.
struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    /// Cut to what changes anything: a longer one means zero or out of range.
    exponent: i64,
}

impl<'a> Number<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let (whole, bytes) = digits(bytes)?;
        if whole.len() > 1 && whole.first() == Some(&b'0') {
            return None;
        }
        let (fraction, bytes) = match bytes.strip_prefix(b".") {
            Some(rest) => digits(rest)?,
            None => (&[][..], bytes),
        };
        let (exponent, bytes) = match bytes {
            [b'e' | b'E', b'-', rest @ ..] => exponent(rest, -1)?,
            [b'e' | b'E', b'+', rest @ ..] | [b'e' | b'E', rest @ ..] => exponent(rest, 1)?,
            _ => (0, bytes),
        };
        bytes.is_empty().then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    fn to_time(&self) -> Option<UnixTime> {
        // The number is its digits, with the point after the first `point` of them.
        let point = i64::try_from(self.whole.len())
            .ok()?
            .saturating_add(self.exponent);
        let mut nanoseconds = 0_i128;
        let mut dropped = false;
        let mut place = 0_i64;
        let last = point.saturating_add(9);
        for byte in self.whole.iter().chain(self.fraction) {
            let digit = i128::from(byte & 0x0f);
            if place < last {
                nanoseconds = nanoseconds.checked_mul(10)?.checked_add(digit)?;
            } else {
                dropped |= digit != 0;
            }
            place = place.saturating_add(1);
        }
        // Places after the last digit are zeros. Zero stays zero, anything else
        // leaves the range after 39 of them at the latest.
        while place < last && nanoseconds != 0 {
            nanoseconds = nanoseconds.checked_mul(10)?;
            place = place.saturating_add(1);
        }
        if self.negative {
            nanoseconds = nanoseconds
                .checked_add(i128::from(dropped))?
                .checked_neg()?;
        }
        let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
        let below = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
        Some(UnixTime::new(seconds, below))
    }
}

/// Splits one digit or more off the front.
fn digits(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len()))?;
    (!digits.is_empty()).then_some((digits, rest))
}

fn exponent(bytes: &[u8], sign: i64) -> Option<(i64, &[u8])> {
    let (digits, rest) = digits(bytes)?;
    let size = digits.iter().fold(0_i64, |size, byte| {
        size.saturating_mul(10)
            .saturating_add(i64::from(byte & 0x0f))
    });
    Some((size.saturating_mul(sign), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, seconds: i64, nanoseconds: u32) {
        let expected = Some(UnixTime::new(seconds, nanoseconds));
        assert_eq!(UnixTime::from_json_number(text), expected, "{text}");
    }

    #[test]
    fn numbers_are_read_exactly() {
        reads("0", 0, 0);
        reads("-0", 0, 0);
        reads("-0.0", 0, 0);
        reads("1760003600", 1_760_003_600, 0);
        reads("1760003600.5", 1_760_003_600, 500_000_000);
        // A 64-bit float would read .123456716.
        reads("1760003600.123456789", 1_760_003_600, 123_456_789);
        reads("1.7600036e9", 1_760_003_600, 0);
        reads("1.7600036E+9", 1_760_003_600, 0);
        reads("17600036e2", 1_760_003_600, 0);
        reads("1760003600500e-3", 1_760_003_600, 500_000_000);
        reads("1760003600.000e0", 1_760_003_600, 0);
        reads("0.001760003600e12", 1_760_003_600, 0);
        reads("1e-9", 0, 1);
        reads("15e-10", 0, 1);
    }

    #[test]
    fn fractions_round_down_on_both_sides_of_the_epoch() {
        reads("-1", -1, 0);
        reads("-1.5", -2, 500_000_000);
        reads("-1.0", -1, 0);
        reads("0.9999999999999", 0, 999_999_999);
        reads("-0.0000000001", -1, 999_999_999);
        reads("-1e-400", -1, 999_999_999);
        reads("1e-400", 0, 0);
        reads("-1e-99999999999999999999999999", -1, 999_999_999);
    }

    #[test]
    fn nothing_wraps_at_the_ends_of_the_range() {
        reads("9223372036854775807", i64::MAX, 0);
        reads("9223372036854775807.999999999999", i64::MAX, 999_999_999);
        reads("9223372036854775807e0", i64::MAX, 0);
        reads("-9223372036854775808", i64::MIN, 0);
        reads("-9223372036854775808.0", i64::MIN, 0);
        reads("0e99999999999999999999999999", 0, 0);
        reads("0.000e400", 0, 0);
        let zeros = "0".repeat(5000);
        reads(&format!("1{zeros}e-5000"), 1, 0);
        reads(&format!("0.{zeros}1e5001"), 1, 0);
        reads(&format!("1.{zeros}1"), 1, 0);
        for text in [
            "9223372036854775808",
            "9223372036854775808.0",
            "-9223372036854775809",
            "-9223372036854775808.0000000001",
            "18446744073709551616",
            "18446744073709551617.0",
            "99999999999999999999999999",
            "1e19",
            "1e308",
            "-1e308",
            "1e400",
            "1e99999999999999999999999999",
            "-1.5e9223372036854775807",
            "0.1e9223372036854775807",
        ] {
            assert_eq!(UnixTime::from_json_number(text), None, "{text}");
        }
        assert_eq!(UnixTime::from_json_number(&format!("1{zeros}")), None);
        assert_eq!(UnixTime::from_json_number(&format!("1{zeros}.5")), None);
    }

    #[test]
    fn only_numbers_of_json_are_read() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "00",
            "-01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1e-",
            "e5",
            "1.e5",
            "1 ",
            " 1",
            "0x10",
            "1_000",
            "NaN",
            "Infinity",
            "-Infinity",
            "\"1\"",
            "1,5",
            "1e5.5",
            "١",
            "1e5e5",
            "--1",
            "1f",
        ] {
            assert_eq!(UnixTime::from_json_number(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_way_to_write_a_number_means_the_same() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Nanoseconds of about 18 digits, either sign, moved by an exponent.
            let nanoseconds = (state as i64 >> (state & 31)) / 10;
            let shift = (state >> 40) as usize % 40;
            let time = UnixTime::new(
                nanoseconds.div_euclid(1_000_000_000),
                nanoseconds.rem_euclid(1_000_000_000) as u32,
            );
            let sign = if nanoseconds < 0 { "-" } else { "" };
            let size = nanoseconds.unsigned_abs();
            let zeros = "0".repeat(shift);
            let moved = (size.to_string().len() + shift) as i64 - 9;
            for text in [
                format!("{nanoseconds}e-9"),
                format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000),
                format!("{nanoseconds}{zeros}e-{}", 9 + shift),
                format!("{sign}0.{zeros}{size}E{moved:+}"),
            ] {
                assert_eq!(UnixTime::from_json_number(&text), Some(time), "{text}");
            }
        }
    }
}
