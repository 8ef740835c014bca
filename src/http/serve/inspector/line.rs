//! A token's times on a line of now.

use std::fmt::Write as _;
use std::time::Duration;

use super::html::Html;
use crate::dangerous::UnverifiedContents;
use crate::error::At;
use crate::time::UnixTime;

/// Length of the line and of the picture, in user units.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 40.0;
/// Least span that is drawn, so that no division is by zero.
const LEAST: Duration = Duration::from_secs(20);
/// Two names closer than this stand above each other.
const APART: f64 = 46.0;
/// From one row of names to the next.
const ROW: f64 = 20.0;

/// The picture, or nothing for a token that tells no time.
pub(super) fn picture(contents: &UnverifiedContents, now: UnixTime) -> Option<String> {
    let told = ["iat", "nbf", "exp"];
    let marks: Vec<(&str, UnixTime)> = told
        .into_iter()
        .filter_map(|name| Some((name, contents.time(name)?)))
        .collect();
    let times = || marks.iter().map(|(_, at)| *at).chain([now]);
    let (first, last) = (times().min()?, times().max()?);
    if marks.is_empty() {
        return None;
    }
    let scale = Scale {
        first,
        span: last.saturating_since(first).max(LEAST).as_secs_f64(),
    };
    let names = names(&marks, &scale);
    let rows = names.iter().map(|name| name.row).fold(0.0, f64::max);
    let y = 36.0 + rows * ROW;
    let mut out = format!(
        "<svg class=\"line\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"{}\">\n",
        y + 50.0,
        Html(&sentence(&marks, now))
    );
    let _ = writeln!(
        out,
        "<line class=\"base\" x1=\"0\" y1=\"{y}\" x2=\"{WIDTH}\" y2=\"{y}\"/>"
    );
    bar(contents, &scale, now, y, &mut out);
    for Name { x, row, name } in names {
        let above = y - 26.0 - row * ROW;
        let _ = writeln!(
            out,
            "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{x:.1}\" y=\"{above:.1}\">{name}</text>",
            above + 4.0,
            y + 12.0
        );
    }
    present(scale.x(now), y, &mut out);
    out.push_str("</svg>\n");
    Some(out)
}

struct Scale {
    first: UnixTime,
    span: f64,
}

impl Scale {
    fn x(&self, at: UnixTime) -> f64 {
        let part = at.saturating_since(self.first).as_secs_f64() / self.span;
        MARGIN + part.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }
}

/// From when it is valid until when; without an end, to the end of the line.
fn bar(contents: &UnverifiedContents, scale: &Scale, now: UnixTime, y: f64, out: &mut String) {
    let begins = contents.time("nbf").max(contents.time("iat"));
    let ends = contents.time("exp");
    let from = begins.map_or(0.0, |at| scale.x(at));
    let to = ends.map_or(WIDTH, |at| scale.x(at));
    let class = match (begins, ends) {
        (_, Some(end)) if end <= now => "life over",
        (Some(begin), _) if now < begin => "life ahead",
        _ => "life",
    };
    if to > from {
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"18\" rx=\"4\"/>",
            y - 9.0,
            to - from
        );
    }
}

/// A name at its place; rows go upwards.
struct Name<'t> {
    x: f64,
    row: f64,
    name: &'t str,
}

fn names<'t>(marks: &[(&'t str, UnixTime)], scale: &Scale) -> Vec<Name<'t>> {
    let mut names: Vec<Name<'t>> = marks
        .iter()
        .map(|(name, at)| Name {
            x: scale.x(*at),
            row: 0.0,
            name,
        })
        .collect();
    names.sort_by(|one, other| one.x.total_cmp(&other.x));
    let (mut row, mut before) = (0.0, f64::NEG_INFINITY);
    for name in &mut names {
        row = if name.x - before < APART {
            row + 1.0
        } else {
            0.0
        };
        (name.row, before) = (row, name.x);
    }
    names
}

fn present(x: f64, y: f64, out: &mut String) {
    let _ = writeln!(
        out,
        "<line class=\"now\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\
         <text class=\"now\" x=\"{x:.1}\" y=\"{:.1}\">now</text>",
        y - 14.0,
        y + 24.0,
        y + 42.0
    );
}

/// The picture in words, for those who do not see it.
fn sentence(marks: &[(&str, UnixTime)], now: UnixTime) -> String {
    let mut words = format!("now {}", At(now));
    for (name, at) in marks {
        let _ = write!(words, ", {name} {}", At(*at));
    }
    words
}
