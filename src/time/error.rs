//! What can be wrong with a date.

use std::fmt;

/// Why a date was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeErrorKind {
    /// Not a date and time as RFC 3339 section 5.6 writes it.
    Format,
    /// A date, time of day or offset that does not exist.
    NoSuchTime,
    /// A leap second, which Unix time cannot name.
    LeapSecond,
    /// A point in time beyond what the other type can hold.
    OutOfRange,
}

/// A date that was refused, and why. Holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeError {
    kind: TimeErrorKind,
}

impl TimeError {
    pub(super) const fn new(kind: TimeErrorKind) -> Self {
        Self { kind }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub const fn kind(&self) -> TimeErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.kind {
            TimeErrorKind::Format => "time_format",
            TimeErrorKind::NoSuchTime => "no_such_time",
            TimeErrorKind::LeapSecond => "leap_second",
            TimeErrorKind::OutOfRange => "time_out_of_range",
        }
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TimeErrorKind::Format => "not a date and time of RFC 3339 (2025-10-09T08:53:20Z)",
            TimeErrorKind::NoSuchTime => "a date, time or offset that does not exist",
            TimeErrorKind::LeapSecond => "a leap second, which has no Unix time",
            TimeErrorKind::OutOfRange => "a point in time out of range",
        })
    }
}

impl std::error::Error for TimeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name_and_sentence() {
        let kinds = [
            (
                TimeErrorKind::Format,
                "time_format",
                "not a date and time of RFC 3339 (2025-10-09T08:53:20Z)",
            ),
            (
                TimeErrorKind::NoSuchTime,
                "no_such_time",
                "a date, time or offset that does not exist",
            ),
            (
                TimeErrorKind::LeapSecond,
                "leap_second",
                "a leap second, which has no Unix time",
            ),
            (
                TimeErrorKind::OutOfRange,
                "time_out_of_range",
                "a point in time out of range",
            ),
        ];
        for (kind, code, sentence) in kinds {
            let error = TimeError::new(kind);
            assert_eq!((error.code(), error.to_string().as_str()), (code, sentence));
        }
    }
}
