//! The picture: one SVG file that needs nothing else.
//!
//! Colours are from the palette of Okabe and Ito, which people of any colour vision
//! tell apart; patterns and outlines carry the same meaning on a grey printer.

use std::fmt::Write as _;

use tokenwright::keyring::Plan;
use tokenwright::{UnixTime, is_plain};

use super::axis::Axis;
use super::inset;
use super::lanes::{Lane, Phase, Placed, lanes};
use crate::cli::times;

/// The picture's width, in user units as all lengths here.
pub(super) const WIDTH: f64 = 1080.0;
/// Where the lanes begin, right of the names, and how long they are.
const LEFT: f64 = 150.0;
const PLOT: f64 = 900.0;
/// Where the first lane begins, below the title, the legend and the dates.
const TOP: f64 = 158.0;
/// A phase is at least this wide, however short it is.
const LEAST: f64 = 5.0;
/// How many characters of dates the axis has room for, with air between them.
const TICK_ROOM: usize = 110;
/// From this many keys on the lanes are closer together.
const MANY_KEYS: usize = 40;
/// Approximate width of a character of the labels.
const CHARACTER: f64 = 6.4;

const HEAD: &str = r##"<style>
text{font-family:"DejaVu Sans",Verdana,Arial,sans-serif;font-size:12px;fill:#1a1a1a}
.mono{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace}
.title{font-size:20px;font-weight:bold}
.small{font-size:11px;fill:#444}
.on{fill:#fff;font-size:11px}
.in{font-size:11px}
.published{fill:url(#dots);stroke:#0072b2;stroke-width:1;stroke-dasharray:3 2}
.signs{fill:#0072b2;stroke:#00456b;stroke-width:1}
.verifies{fill:url(#hatch);stroke:#8a5a00;stroke-width:1}
.suspended{fill:url(#cross);stroke:#444;stroke-width:1}
.ground{fill:#fff;fill-opacity:0.9}
.gone{stroke:#999;stroke-width:1;stroke-dasharray:1 4}
.grid{stroke:#d8d8d8;stroke-width:1}
.erased{fill:#fff;stroke:#b33c00;stroke-width:1.5}
.end{stroke:#1a1a1a;stroke-width:2;fill:none}
.now{stroke:#b33c00;stroke-width:1.5}
.nowtext{fill:#b33c00;font-weight:bold}
</style>
<defs>
<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#e3f2fb"/><circle cx="3" cy="3" r="0.9" fill="#0072b2"/></pattern>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#f7d48a"/><rect width="2" height="6" fill="#c77f00"/></pattern>
<pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#eee"/><path d="M0 0L6 6M6 0L0 6" stroke="#666" stroke-width="1"/></pattern>
</defs>
"##;

/// The plan as an SVG document. The same arguments give the same bytes.
///
/// One lane for each key, dates in UTC, the present, how one handover goes, and the
/// policy's numbers. Foreign text is escaped for a terminal as well as for XML.
pub(crate) fn svg(plan: &Plan, now: UnixTime) -> String {
    let lanes = lanes(plan, now, "…");
    let picture = Picture {
        axis: Axis::of(plan, now),
        now,
        lane: if lanes.len() > MANY_KEYS { 24.0 } else { 36.0 },
        keys: lanes.len(),
    };
    let mut body = String::new();
    picture.title(plan, now, &mut body);
    picture.grid(&mut body);
    for (place, lane) in lanes.iter().enumerate() {
        picture.lane(lane, picture.top(place), &mut body);
    }
    if lanes.is_empty() {
        text(LEFT, TOP + 20.0, "small", "no keys", &mut body);
    }
    picture.present(&mut body);
    let below = picture.bottom() + 34.0;
    let height = inset::write(plan, below, &mut body);
    document(plan, &lanes, now, height, &body)
}

/// Everything around the drawing: size, white ground, and words for those who do not see it.
fn document(plan: &Plan, lanes: &[Lane], now: UnixTime, height: f64, body: &str) -> String {
    let mut whole = String::new();
    let _ = writeln!(
        whole,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title desc\">"
    );
    let _ = writeln!(
        whole,
        "<title id=\"title\">Key rotation of {}</title>",
        xml(&plan.ring)
    );
    let _ = writeln!(
        whole,
        "<desc id=\"desc\">Planned at {}, all times in UTC.",
        times::rfc3339(now)
    );
    for lane in lanes {
        let _ = writeln!(whole, "{}.", xml(&sentence(lane)));
    }
    whole.push_str("</desc>\n");
    whole.push_str(HEAD);
    let _ = writeln!(
        whole,
        "<rect width=\"{WIDTH:.0}\" height=\"{height:.0}\" fill=\"#fff\"/>"
    );
    whole.push_str(body);
    whole.push_str("</svg>\n");
    whole
}

/// What a key does when, in words.
fn sentence(lane: &Lane) -> String {
    let mut words = format!("Key {}", lane.id);
    for span in &lane.spans {
        let phase = match span.phase {
            Phase::Published if lane.standby => "waits as the standby from",
            Phase::Published => "is published",
            Phase::Signs => "signs from",
            Phase::Verifies => "only verifies from",
            Phase::Suspended => "is suspended at",
        };
        let _ = write!(words, ", {phase} {}", times::rfc3339(span.from));
    }
    if let Some(erased) = lane.erased_at {
        let _ = write!(words, ", private half destroyed {}", times::rfc3339(erased));
    }
    if let Some(gone) = lane.gone_at {
        let word = if lane.refused { "refused" } else { "gone" };
        let _ = write!(words, ", {word} from {}", times::rfc3339(gone));
    }
    words
}

struct Picture {
    axis: Axis,
    now: UnixTime,
    /// From one lane to the next.
    lane: f64,
    keys: usize,
}

impl Picture {
    fn top(&self, place: usize) -> f64 {
        TOP + place as f64 * self.lane
    }

    fn bottom(&self) -> f64 {
        self.top(self.keys.max(1))
    }

    fn x(&self, time: UnixTime) -> f64 {
        LEFT + self.axis.fraction(time) * PLOT
    }

    fn title(&self, plan: &Plan, now: UnixTime, out: &mut String) {
        let ring: String = plan.ring.chars().take(60).collect();
        text(20.0, 34.0, "title", &format!("Key rotation of {ring}"), out);
        let span = format!(
            "{} to {} (UTC), as planned {}",
            times::day(self.axis.start),
            times::day(self.axis.end),
            times::rfc3339(now)
        );
        text(20.0, 56.0, "small", &span, out);
        legend(out);
    }

    /// Dates above and below, with a line through the lanes for each.
    fn grid(&self, out: &mut String) {
        let bottom = self.bottom();
        for tick in self.axis.ticks(TICK_ROOM) {
            let x = self.x(tick.at);
            line("grid", (x, TOP - 6.0), (x, bottom + 4.0), out);
            let half = tick.label.len() as f64 * CHARACTER / 2.0;
            if x - half < LEFT - 30.0 || x + half > WIDTH {
                continue;
            }
            // The line of the present comes down between the dates above.
            let covered = (x - self.x(self.now)).abs() < half + 3.0;
            let above = (!covered).then_some(TOP - 12.0);
            for y in above.into_iter().chain([bottom + 18.0]) {
                centred((x, y), "small", &tick.label, out);
            }
        }
        line("grid", (LEFT, TOP - 6.0), (LEFT + PLOT, TOP - 6.0), out);
        line(
            "grid",
            (LEFT, bottom + 4.0),
            (LEFT + PLOT, bottom + 4.0),
            out,
        );
    }

    fn lane(&self, lane: &Lane, top: f64, out: &mut String) {
        let height = self.lane / 2.0;
        let bar = top + (self.lane - height) / 2.0 - 2.0;
        let _ = writeln!(
            out,
            "<g class=\"lane\"><title>{}</title>",
            xml(&sentence(lane))
        );
        text(20.0, bar + height / 2.0 + 4.0, "mono", &lane.name, out);
        let width = LEFT + PLOT;
        let placed = lane.place(&self.axis, |time| self.x(time), width, LEAST);
        for phase in &placed {
            rect(
                class(phase.phase),
                (phase.from, bar),
                (phase.to - phase.from, height),
                out,
            );
            if height > 14.0 {
                self.name_phase(lane, phase, bar + height / 2.0, out);
            }
        }
        if let Some(gone) = lane.gone_at.filter(|gone| *gone < self.axis.end) {
            let from = placed.last().map_or_else(|| self.x(gone), |last| last.to);
            let middle = bar + height / 2.0;
            line("gone", (from, middle), (width, middle), out);
            if gone > self.axis.start {
                end(lane.refused, from, bar, height, out);
            }
        }
        self.erased(lane, &placed, bar + height, out);
        out.push_str("</g>\n");
    }

    /// Writes into a phase what fits, beside the line of the present and not under it.
    fn name_phase(&self, lane: &Lane, phase: &Placed, middle: f64, out: &mut String) {
        let now = self.x(self.now).clamp(phase.from, phase.to);
        let (from, to) = if now - phase.from > phase.to - now {
            (phase.from, now)
        } else {
            (now, phase.to)
        };
        let names = phase_names(lane, phase.phase);
        let width = |words: &str| words.len() as f64 * CHARACTER + 6.0;
        let Some(words) = names.iter().find(|words| width(words) + 6.0 <= to - from) else {
            return;
        };
        let centre = (from + to) / 2.0;
        let on_dark = phase.phase == Phase::Signs;
        if !on_dark {
            // Letters on a pattern need a quiet ground.
            let left = centre - width(words) / 2.0;
            rect("ground", (left, middle - 7.0), (width(words), 14.0), out);
        }
        let class = if on_dark { "on" } else { "in" };
        centred((centre, middle + 4.0), class, words, out);
    }

    /// The private half dies early: a diamond hangs below where it does.
    fn erased(&self, lane: &Lane, placed: &[Placed], y: f64, out: &mut String) {
        let Some(erased) = lane.erased_at else { return };
        if erased <= self.axis.start || erased >= self.axis.end || placed.is_empty() {
            return;
        }
        diamond(self.x(erased), y, out);
    }

    fn present(&self, out: &mut String) {
        let x = self.x(self.now);
        line("now", (x, TOP - 30.0), (x, self.bottom() + 4.0), out);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"nowtext\">now {}</text>",
            x + 5.0,
            TOP - 32.0,
            times::rfc3339(self.now)
        );
    }
}

fn legend(out: &mut String) {
    let y = 76.0;
    let mut x = 20.0;
    for (class, words) in [
        ("published", "published, not signing yet"),
        ("signs", "signs and verifies"),
        ("verifies", "only verifies"),
        ("suspended", "suspended"),
    ] {
        rect(class, (x, y), (24.0, 14.0), out);
        text(x + 30.0, y + 11.0, "in", words, out);
        x += 30.0 + words.len() as f64 * CHARACTER + 22.0;
    }
    diamond(x + 6.0, y + 7.0, out);
    let words = "private half destroyed";
    text(x + 18.0, y + 11.0, "in", words, out);
    x += 18.0 + words.len() as f64 * CHARACTER + 22.0;
    end(false, x, y, 14.0, out);
    line("gone", (x, y + 7.0), (x + 24.0, y + 7.0), out);
    text(x + 30.0, y + 11.0, "in", "gone", out);
    x += 82.0;
    end(true, x + 5.0, y, 14.0, out);
    text(x + 16.0, y + 11.0, "in", "refused", out);
}

fn class(phase: Phase) -> &'static str {
    match phase {
        Phase::Published => "published",
        Phase::Signs => "signs",
        Phase::Verifies => "verifies",
        Phase::Suspended => "suspended",
    }
}

/// What may stand in a phase, the longest first.
fn phase_names(lane: &Lane, phase: Phase) -> Vec<String> {
    let since = lane.spans.iter().find(|span| span.phase == phase);
    match (phase, since) {
        (Phase::Published, _) if lane.standby => {
            vec!["standby for an emergency".to_owned(), "standby".to_owned()]
        }
        (Phase::Signs, Some(span)) => vec![
            format!("signs from {}", times::rfc3339(span.from)),
            format!("signs from {}", times::day(span.from)),
            "signs".to_owned(),
        ],
        (Phase::Published | Phase::Signs | Phase::Verifies | Phase::Suspended, _) => {
            vec![class(phase).to_owned()]
        }
    }
}

/// The end of a key: a wall, or a cross where it is refused as compromised.
pub(super) fn end(refused: bool, x: f64, y: f64, height: f64, out: &mut String) {
    let (top, bottom) = (y, y + height);
    let _ = if refused {
        let (left, right) = (x - 5.0, x + 5.0);
        let (top, bottom) = (y + height / 2.0 - 5.0, y + height / 2.0 + 5.0);
        writeln!(
            out,
            "<path class=\"end\" d=\"M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{right:.1} {top:.1}L{left:.1} {bottom:.1}\"/>"
        )
    } else {
        writeln!(
            out,
            "<path class=\"end\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>"
        )
    };
}

pub(super) fn diamond(x: f64, y: f64, out: &mut String) {
    let _ = writeln!(
        out,
        "<path class=\"erased\" d=\"M{x:.1} {:.1}l5 5l-5 5l-5 -5z\"/>",
        y - 5.0
    );
}

pub(super) fn rect(class: &str, (x, y): (f64, f64), (width, height): (f64, f64), out: &mut String) {
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
    );
}

pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64), out: &mut String) {
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

pub(super) fn centred((x, y): (f64, f64), class: &str, words: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"middle\">{}</text>",
        xml(words)
    );
}

pub(super) fn text(x: f64, y: f64, class: &str, words: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>",
        xml(words)
    );
}

/// Text for the content of an element. What would not only print is written out as
/// `\u{…}`, and so are the two characters that XML 1.0 has no way to write.
pub(super) fn xml(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for character in words.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            _ if is_plain(character) => escaped.push(character),
            _ => escaped.extend(character.escape_unicode()),
        }
    }
    escaped
}
