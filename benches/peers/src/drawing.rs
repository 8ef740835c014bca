//! The figures that have a target, drawn: for each operation our time and the bare
//! signature's as shares of the fastest peer's.

use std::fmt::Write as _;

use crate::report::{Row, number};

const WIDTH: f64 = 860.0;
const LABEL: f64 = 200.0;
/// What the fastest peer's time is drawn as.
const PEER: f64 = 330.0;
const ROW: f64 = 46.0;
const TOP: f64 = 64.0;

/// Colours that can be read on white and on black, and a text that follows the reader's.
const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}\
.small{font-size:11.5px;fill:#59636e}\
.title{font-size:15px;font-weight:600}\
.strong{font-weight:600}\
.ours{fill:#1a7f86}.peer{fill:#9aa4af}.raw{stroke:#c2571a;stroke-width:2.5}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}\
.ours{fill:#39b3ba}.peer{fill:#5d6772}.raw{stroke:#f0883e}}";

/// An SVG of the rows that have both a peer and a target.
pub fn draw(rows: &[Row], note: &str) -> String {
    let drawn: Vec<(&Row, f64)> = rows
        .iter()
        .filter(|row| row.target.is_some() && is_operation(row))
        .filter_map(|row| Some((row, row.ratio()?)))
        .collect();
    let height = TOP + ROW * drawn.len() as f64 + 26.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"tokenwright beside \
         the fastest other library\">\n<style>{STYLE}</style>\n"
    );
    text(
        &mut svg,
        "title",
        12.0,
        22.0,
        "Time for one token, beside the fastest other library",
    );
    legend(&mut svg);
    for (place, (row, ratio)) in drawn.iter().enumerate() {
        bars(&mut svg, row, *ratio, TOP + ROW * place as f64);
    }
    text(&mut svg, "small", 12.0, height - 10.0, note);
    svg.push_str("</svg>\n");
    svg
}

/// The rows of scale compare us with ourselves.
fn is_operation(row: &Row) -> bool {
    row.operation.starts_with("verify ") || row.operation.starts_with("mint ")
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"
    );
}

fn bar(svg: &mut String, class: &str, y: f64, width: f64) {
    let width = width.max(1.0);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{LABEL}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/>"
    );
}

fn tick(svg: &mut String, x: f64, y: f64, length: f64) {
    let _ = writeln!(
        svg,
        "<line class=\"raw\" x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>",
        y + length
    );
}

fn legend(svg: &mut String) {
    let mut at = LABEL;
    for (class, words, wide) in [
        ("ours", "tokenwright", 100.0),
        ("peer", "the fastest other library", 178.0),
    ] {
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{at}\" y=\"36\" width=\"12\" height=\"12\" rx=\"2\"/>"
        );
        text(svg, "small", at + 17.0, 46.5, words);
        at += wide;
    }
    tick(svg, at + 5.0, 35.0, 14.0);
    text(
        svg,
        "small",
        at + 14.0,
        46.5,
        "the signature or MAC alone, best engine",
    );
}

fn bars(svg: &mut String, row: &Row, ratio: f64, y: f64) {
    let (Some(ours), Some(peer)) = (row.ours(), row.peer()) else {
        return;
    };
    text(svg, "strong", 12.0, y + 18.0, &row.operation);
    let shorter = format!("{:.2} of its time", ratio);
    text(svg, "small", 12.0, y + 33.0, &shorter);
    // One that is far behind must not run over its own words.
    let width = PEER * ratio.min(1.25);
    bar(svg, "ours", y + 6.0, width);
    text(
        svg,
        "small",
        LABEL + width + 8.0,
        y + 17.0,
        &format!("{} ns", number(ours.ns)),
    );
    bar(svg, "peer", y + 22.0, PEER);
    let words = format!("{} ns, {}", number(peer.ns), peer.name);
    text(svg, "small", LABEL + PEER + 8.0, y + 33.0, &words);
    if let Some(raw) = row.raw() {
        let share = raw.ns / peer.ns;
        if share <= 1.25 {
            tick(svg, LABEL + PEER * share, y + 4.0, 34.0);
        }
    }
}
