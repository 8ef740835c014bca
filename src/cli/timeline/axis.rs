//! Where a time lies, and which dates are worth writing.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};
use tokenwright::UnixTime;
use tokenwright::keyring::Plan;

use crate::cli::times;

/// Least span of an axis, so that no division is by zero.
const LEAST: Duration = Duration::from_secs(60);
/// Most dates on one axis.
const MOST_TICKS: usize = 100;

/// The stretch of time that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) start: UnixTime,
    pub(super) end: UnixTime,
}

impl Axis {
    /// What lies ahead, and of the past as much as a fifth of that.
    pub(super) fn of(plan: &Plan, now: UnixTime) -> Self {
        let ahead = plan.until.saturating_since(now).max(LEAST);
        let first = plan.keys.iter().map(|key| key.published_at).min();
        let past = first.map_or(Duration::ZERO, |first| now.saturating_since(first));
        let margin = ahead.checked_div(30).unwrap_or_default();
        let most_past = ahead.checked_div(5).unwrap_or_default();
        Self {
            start: now.saturating_sub(past.min(most_past).saturating_add(margin)),
            end: now.saturating_add(ahead.saturating_add(margin)),
        }
    }

    /// 0 at the start, 1 at the end, and no less or more than these beyond.
    pub(super) fn fraction(&self, time: UnixTime) -> f64 {
        let part = time.saturating_since(self.start).as_secs_f64();
        (part / self.span()).clamp(0.0, 1.0)
    }

    fn span(&self) -> f64 {
        self.end
            .saturating_since(self.start)
            .max(LEAST)
            .as_secs_f64()
    }

    /// Round dates, in order, whose labels fit side by side in a line of `room` characters.
    pub(super) fn ticks(&self, room: usize) -> Vec<Tick> {
        let fits = |unit: &&Unit| unit.seconds() / self.span() * room as f64 >= unit.width() + 2.0;
        let step = Unit::ALL.iter().find(fits).or(Unit::ALL.last());
        let mut ticks = Vec::new();
        let mut next = step.and_then(|step| step.at_or_after(self.start));
        while let (Some(at), Some(step)) = (next, step) {
            if at >= self.end || ticks.len() == MOST_TICKS {
                break;
            }
            ticks.push(Tick {
                at,
                label: step.label(at),
            });
            next = step
                .at_or_after(at.saturating_add(Duration::from_secs(1)))
                .filter(|next| *next > at);
        }
        ticks
    }
}

/// A date on the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) at: UnixTime,
    /// In UTC, as short as the distance of the dates allows.
    pub(super) label: String,
}

/// A distance between dates that people count in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds(i64),
    /// Since a Monday.
    Days(i64),
    Months(i64),
}

impl Unit {
    const ALL: [Self; 29] = [
        Self::Seconds(1),
        Self::Seconds(5),
        Self::Seconds(15),
        Self::Seconds(60),
        Self::Seconds(300),
        Self::Seconds(900),
        Self::Seconds(1_800),
        Self::Seconds(3_600),
        Self::Seconds(7_200),
        Self::Seconds(10_800),
        Self::Seconds(21_600),
        Self::Seconds(43_200),
        Self::Days(1),
        Self::Days(2),
        Self::Days(7),
        Self::Days(14),
        Self::Months(1),
        Self::Months(2),
        Self::Months(3),
        Self::Months(6),
        Self::Months(12),
        Self::Months(24),
        Self::Months(60),
        Self::Months(120),
        Self::Months(240),
        Self::Months(600),
        Self::Months(1_200),
        Self::Months(6_000),
        Self::Months(12_000),
    ];

    fn seconds(self) -> f64 {
        match self {
            Self::Seconds(count) => count as f64,
            Self::Days(count) => count as f64 * 86_400.0,
            // The shortest month, so that the labels of February fit as well.
            Self::Months(count) => count as f64 * 28.0 * 86_400.0,
        }
    }

    /// How many characters a label has.
    fn width(self) -> f64 {
        match self {
            Self::Seconds(count) if count < 60 => 8.0,
            Self::Seconds(_) => 11.0,
            Self::Days(_) => 10.0,
            Self::Months(count) if count < 12 => 7.0,
            Self::Months(_) => 4.0,
        }
    }

    /// The first round date not before `time`; `None` beyond the calendar.
    fn at_or_after(self, time: UnixTime) -> Option<UnixTime> {
        let fraction = i64::from(time.subsec_nanoseconds() > 0);
        let seconds = time.seconds().checked_add(fraction)?;
        match self {
            Self::Seconds(count) => round_up(seconds, count, 0),
            // 1970-01-05 was a Monday.
            Self::Days(count) => round_up(seconds, count.checked_mul(86_400)?, 345_600),
            Self::Months(count) => {
                let date = DateTime::<Utc>::from_timestamp(seconds, 0)?;
                let month = i64::from(date.year())
                    .checked_mul(12)?
                    .checked_add(i64::from(date.month0()))?;
                let here = round_up(month, count, 0)?;
                [here, here.checked_add(count)?]
                    .into_iter()
                    .filter_map(month_start)
                    .find(|start| *start >= seconds)
            }
        }
        .map(UnixTime::from_seconds)
    }

    fn label(self, at: UnixTime) -> String {
        let Some(date) = DateTime::<Utc>::from_timestamp(at.seconds(), 0) else {
            return format!("@{}", at.seconds());
        };
        match self {
            Self::Seconds(count) if count < 60 => date.format("%H:%M:%S").to_string(),
            Self::Seconds(_) => date.format("%m-%d %H:%M").to_string(),
            Self::Days(_) => times::day(at),
            Self::Months(count) if count < 12 => date.format("%Y-%m").to_string(),
            Self::Months(_) => date.format("%Y").to_string(),
        }
    }
}

/// The first multiple of `step` from `origin` on that is not below `number`.
fn round_up(number: i64, step: i64, origin: i64) -> Option<i64> {
    let beyond = number.checked_sub(origin)?.checked_rem_euclid(step)?;
    if beyond == 0 {
        return Some(number);
    }
    number.checked_add(step.checked_sub(beyond)?)
}

/// The first second of a month, counted from the year 0.
fn month_start(month: i64) -> Option<i64> {
    let year = i32::try_from(month.checked_div_euclid(12)?).ok()?;
    let month = u32::try_from(month.checked_rem_euclid(12)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, month.checked_add(1)?, 1)?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp())
}
