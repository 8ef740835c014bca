//! Days and dates of the proleptic Gregorian calendar, years 0000 to 9999.

/// Days from 0000-01-01 to 1970-01-01.
const EPOCH: i64 = 719_528;

/// Days before each month of a year that is no leap year.
const BEFORE_MONTH: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A date of the calendar; always one that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

impl Date {
    /// The date, if the calendar has it.
    pub(super) fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = year <= 9999 && day >= 1 && u16::from(day) <= days_in(year, month)?;
        exists.then_some(Self { year, month, day })
    }

    /// Days since 1970-01-01, negative before it.
    pub(super) fn days_since_epoch(self) -> i64 {
        let before_month = before_month(self.year, self.month).unwrap_or_default();
        days_before(self.year)
            .saturating_add(i64::from(before_month))
            .saturating_add(i64::from(self.day).saturating_sub(1))
            .saturating_sub(EPOCH)
    }

    /// The date so many days after 1970-01-01, if its year has four digits.
    pub(super) fn from_days_since_epoch(days: i64) -> Option<Self> {
        let days = days.checked_add(EPOCH)?;
        if !(0..days_before(10_000)).contains(&days) {
            return None;
        }
        // 400 years have 146,097 days; the estimate is at most one year off.
        let estimate = u16::try_from(days.checked_mul(400)? / 146_097).ok()?;
        let year = (estimate.saturating_sub(1)..=estimate.saturating_add(1))
            .rfind(|year| days_before(*year) <= days)?;
        let day_of_year = u16::try_from(days.checked_sub(days_before(year))?).ok()?;
        let starts = |month: &u8| before_month(year, *month).is_some_and(|d| d <= day_of_year);
        let month = (1..=12).rfind(starts)?;
        let day = day_of_year.checked_sub(before_month(year, month)?)?;
        Self::new(year, month, u8::try_from(day.saturating_add(1)).ok()?)
    }
}

/// Days from 0000-01-01 to the first day of a year.
fn days_before(year: u16) -> i64 {
    // Year 0 is a leap year, so the leap days before a year are counted from it upwards.
    let multiples = |of: u16| i64::from(year.div_ceil(of));
    i64::from(year)
        .saturating_mul(365)
        .saturating_add(multiples(4))
        .saturating_sub(multiples(100))
        .saturating_add(multiples(400))
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of a year before a month, 1 to 12.
fn before_month(year: u16, month: u8) -> Option<u16> {
    let days = *BEFORE_MONTH.get(usize::from(month.checked_sub(1)?))?;
    Some(days.saturating_add(u16::from(month > 2 && is_leap(year))))
}

fn days_in(year: u16, month: u8) -> Option<u16> {
    let begin = before_month(year, month)?;
    let next = month.checked_add(1)?;
    let end = before_month(year, next).unwrap_or(365_u16.saturating_add(u16::from(is_leap(year))));
    end.checked_sub(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks from a first of January day by day, by the rules of a wall calendar.
    #[track_caller]
    fn walk(from: u16, to: u16) {
        let mut expected = (from, 1, 1);
        for days in days_before(from) - EPOCH..days_before(to) - EPOCH {
            let date = Date::from_days_since_epoch(days).unwrap();
            assert_eq!((date.year, date.month, date.day), expected);
            assert_eq!(date.days_since_epoch(), days);
            let (year, month, day) = expected;
            let length = match month {
                2 if year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            assert_eq!(Date::new(year, month, length + 1), None);
            expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == length => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!(expected, (to, 1, 1));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        walk(0, 401);
        walk(1890, 2110);
        walk(9900, 10_000);
        // Every year of the rest begins and ends where it should.
        for year in 0..10_000 {
            for (month, day) in [(1, 1), (2, 28), (3, 1), (12, 31)] {
                let date = Date::new(year, month, day).unwrap();
                assert_eq!(
                    Date::from_days_since_epoch(date.days_since_epoch()),
                    Some(date)
                );
            }
        }
        assert_eq!(Date::from_days_since_epoch(-EPOCH - 1), None);
        assert_eq!(
            Date::from_days_since_epoch(days_before(10_000) - EPOCH),
            None
        );
        assert_eq!(Date::from_days_since_epoch(i64::MAX), None);
        assert_eq!(Date::from_days_since_epoch(i64::MIN), None);
        assert_eq!(Date::new(1970, 1, 1).unwrap().days_since_epoch(), 0);
    }

    #[test]
    fn dates_that_the_calendar_lacks_are_refused() {
        for (year, month, day) in [
            (2025, 0, 1),
            (2025, 13, 1),
            (2025, 255, 1),
            (2025, 1, 0),
            (2025, 2, 29),
            (1900, 2, 29),
            (10_000, 1, 1),
        ] {
            assert_eq!(Date::new(year, month, day), None);
        }
        assert!(Date::new(2000, 2, 29).is_some());
    }
}
