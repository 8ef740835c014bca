//! The keyring over time: a lane for each key. Colours and patterns are in the style
//! sheet, so that it follows the page into the dark.

use std::fmt::Write as _;
use std::time::Duration;

use super::html::Html;
use crate::error::At;
use crate::keyring::{Plan, PlannedKey, earliest};
use crate::time::UnixTime;

/// The picture's size, in user units.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 132.0;
const LANE: f64 = 34.0;
const TOP: f64 = 34.0;
/// A phase is at least this wide, however short it is.
const LEAST: f64 = 4.0;
/// Most lanes; a plan of more is a table's business.
const MOST_LANES: usize = 40;
/// Most dates on the axis.
const MOST_TICKS: u32 = 7;

/// Distances of dates, in seconds.
const STEPS: [u64; 14] = [
    60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000,
    7_776_000, 31_536_000,
];

/// The picture of a plan.
pub(super) fn picture(plan: &Plan, now: UnixTime) -> String {
    let lanes = plan.keys.len().min(MOST_LANES);
    let axis = Axis::of(plan, now);
    let bottom = TOP + lanes as f64 * LANE;
    let mut out = format!(
        "<svg class=\"timeline\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"When each key \
         is published, signs and verifies; the table below has the same in words\">\n{PATTERNS}",
        bottom + 30.0
    );
    axis.dates(bottom, &mut out);
    let mut made_later: u32 = 0;
    for (place, key) in plan.keys.iter().take(lanes).enumerate() {
        let name = match &key.id {
            Some(id) => short(id.as_str()),
            None => {
                made_later = made_later.saturating_add(1);
                format!("next {made_later}")
            }
        };
        lane(key, &name, &axis, TOP + place as f64 * LANE, now, &mut out);
    }
    let x = axis.x(now);
    let _ = writeln!(
        out,
        "<line class=\"now\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\
         <text class=\"now\" x=\"{x:.1}\" y=\"14\">now</text>",
        TOP - 14.0
    );
    out.push_str("</svg>\n");
    out
}

/// Shapes for those who do not tell the colours.
const PATTERNS: &str = "<defs>\
<pattern id=\"dots\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\"><rect class=\"p-ground\" width=\"7\" height=\"7\"/><circle class=\"p-ink\" cx=\"3.5\" cy=\"3.5\" r=\"1.1\"/></pattern>\
<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"v-ground\" width=\"7\" height=\"7\"/><rect class=\"v-ink\" width=\"2\" height=\"7\"/></pattern>\
</defs>\n";

struct Axis {
    start: UnixTime,
    span: Duration,
}

impl Axis {
    /// What lies ahead, and of the past as much as a fifth of that.
    fn of(plan: &Plan, now: UnixTime) -> Self {
        let ahead = plan
            .until
            .saturating_since(now)
            .max(Duration::from_secs(60));
        let first = plan.keys.iter().map(|key| key.published_at).min();
        let past = first.map_or(Duration::ZERO, |first| now.saturating_since(first));
        let part = |of: u32| ahead.checked_div(of).unwrap_or_default();
        let shown = past.min(part(5)).saturating_add(part(40));
        Self {
            start: now.saturating_sub(shown),
            span: shown.saturating_add(ahead),
        }
    }

    fn x(&self, at: UnixTime) -> f64 {
        let part = at.saturating_since(self.start).as_secs_f64() / self.span.as_secs_f64();
        LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT)
    }

    fn shows(&self, at: UnixTime) -> bool {
        self.start < at && at < self.start.saturating_add(self.span)
    }

    fn dates(&self, bottom: f64, out: &mut String) {
        let fits = |step: &&u64| self.span.as_secs() <= step.saturating_mul(u64::from(MOST_TICKS));
        let step = STEPS.iter().find(fits).or(STEPS.last());
        let step = step.copied().unwrap_or(86_400);
        let first = self.start.seconds();
        let beyond = first.rem_euclid(i64::try_from(step).unwrap_or(1).max(1));
        let mut at = UnixTime::from_seconds(first.saturating_sub(beyond));
        for _ in 0..=MOST_TICKS.saturating_add(1) {
            at = at.saturating_add(Duration::from_secs(step));
            if !self.shows(at) {
                break;
            }
            let x = self.x(at);
            let text = At(at).to_string();
            let label = match step {
                86_400.. => text.get(..10),
                _ => text.get(5..16),
            };
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\
                 <text class=\"date\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                TOP - 6.0,
                bottom + 20.0,
                label.unwrap_or(&text).replace('T', " ")
            );
        }
    }
}

fn lane(key: &PlannedKey, name: &str, axis: &Axis, top: f64, now: UnixTime, out: &mut String) {
    let bar = Bar {
        axis,
        y: top + 7.0,
        height: LANE - 14.0,
    };
    let _ = writeln!(
        out,
        "<g><text class=\"name\" x=\"0\" y=\"{:.1}\">{}</text>",
        top + LANE / 2.0 + 5.0,
        Html(name)
    );
    let gone = earliest(key.verifies_until, key.compromised_at);
    let stop = key.suspended.then_some(now);
    let until = |end: Option<UnixTime>| earliest(earliest(end, gone), stop);
    bar.phase(
        "published",
        Some(key.published_at),
        until(key.activates_at),
        out,
    );
    bar.phase("signs", key.activates_at, until(key.stops_signing_at), out);
    bar.phase(
        "verifies",
        key.stops_signing_at,
        until(key.verifies_until),
        out,
    );
    if key.suspended {
        bar.phase("suspended", Some(now), gone, out);
    }
    if let Some(gone) = gone.filter(|gone| axis.shows(*gone)) {
        let class = match key.compromised_at.is_some() {
            true => "end refused",
            false => "end",
        };
        let x = axis.x(gone);
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>",
            bar.y - 3.0,
            bar.y + bar.height + 3.0
        );
    }
    out.push_str("</g>\n");
}

struct Bar<'a> {
    axis: &'a Axis,
    y: f64,
    height: f64,
}

impl Bar<'_> {
    fn phase(&self, class: &str, from: Option<UnixTime>, to: Option<UnixTime>, out: &mut String) {
        let Some(from) = from else { return };
        let end = self.axis.start.saturating_add(self.axis.span);
        if to.is_some_and(|to| to <= from || to <= self.axis.start) || from >= end {
            return;
        }
        let left = self.axis.x(from);
        let right = to.map_or(WIDTH, |to| self.axis.x(to));
        // Publishing grows into the past, so that signing still begins where it does.
        let width = (right - left).max(LEAST);
        let left = match class {
            "published" => right - width,
            _ => left,
        };
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"3\"/>",
            self.y, self.height
        );
        let words = match class {
            "published" if to.is_none() => "standby for an emergency",
            "published" => "waits",
            "verifies" => "verifies",
            "suspended" => "suspended",
            _ => "signs",
        };
        if width > 170.0 || (width > 80.0 && words.len() < 12) {
            let _ = writeln!(
                out,
                "<text class=\"on {class}-text\" x=\"{:.1}\" y=\"{:.1}\">{words}</text>",
                left + width / 2.0,
                self.y + self.height / 2.0 + 4.5
            );
        }
    }
}

/// Beginning and end of an id.
pub(super) fn short(id: &str) -> String {
    let count = id.chars().count();
    if count <= 13 {
        return id.to_owned();
    }
    let head: String = id.chars().take(8).collect();
    let tail: String = id.chars().skip(count.saturating_sub(4)).collect();
    format!("{head}…{tail}")
}
