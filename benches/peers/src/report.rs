//! The figures: as a table while they come, as a summary, and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::{Kind, Timing};

/// One operation, and how long it took whom.
pub struct Row {
    pub operation: String,
    /// The most that ours may take: of the fastest peer's time, or in nanoseconds where
    /// nobody else has such an operation.
    pub target: Option<f64>,
    pub timings: Vec<Timing>,
}

impl Row {
    pub fn ours(&self) -> Option<&Timing> {
        self.fastest(Kind::Ours)
    }

    pub fn peer(&self) -> Option<&Timing> {
        self.fastest(Kind::Peer)
    }

    pub fn raw(&self) -> Option<&Timing> {
        self.fastest(Kind::Raw)
    }

    fn fastest(&self, kind: Kind) -> Option<&Timing> {
        self.timings
            .iter()
            .filter(|timing| timing.kind == kind)
            .min_by(|one, other| one.ns.total_cmp(&other.ns))
    }

    /// Our time as a share of the fastest peer's.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours()?.ns / self.peer()?.ns)
    }

    /// Whether the target is met, if there is one.
    pub fn met(&self) -> Option<bool> {
        let ours = self.ours()?.ns;
        Some(self.ratio().unwrap_or(ours) <= self.target?)
    }

    fn print(&self) {
        println!(
            "\n{:<44} {:>12} {:>7} {:>8} {:>9} {:>8}",
            self.operation, "ns", "±", "allocs", "to peer", "to bare"
        );
        let share = |ns: f64, of: Option<&Timing>| {
            of.map_or("-".to_owned(), |of| format!("{:.2}", ns / of.ns))
        };
        for timing in &self.timings {
            println!(
                "  {:<42} {:>12} {:>6.1}% {:>8} {:>9} {:>8}",
                timing.name,
                number(timing.ns),
                timing.spread * 100.0,
                count(timing.allocations),
                share(timing.ns, self.peer()),
                share(timing.ns, self.raw()),
            );
        }
    }

    fn summary(&self) -> String {
        let peer = self.peer().map_or("-", |peer| &peer.name);
        let limit = match (self.target, self.peer()) {
            (None, _) => String::new(),
            (Some(target), Some(_)) => format!("{target:.2}"),
            (Some(target), None) => format!("{} ns", number(target)),
        };
        let verdict = match self.met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let dash = || "-".to_owned();
        let raw = self.ours().zip(self.raw());
        format!(
            "{:<26} {:>12} {:>12} {:<31} {:>6} {:>7} {:>6} {:>8}  {verdict}",
            self.operation,
            self.ours().map_or_else(dash, |ours| number(ours.ns)),
            self.peer().map_or_else(dash, |peer| number(peer.ns)),
            peer,
            self.ratio()
                .map_or_else(dash, |ratio| format!("{ratio:.2}")),
            raw.map_or_else(dash, |(ours, raw)| format!("{:.2}", ours.ns / raw.ns)),
            self.ours()
                .map_or_else(dash, |ours| count(ours.allocations)),
            limit,
        )
    }

    fn json(&self) -> Value {
        let name = |timing: Option<&Timing>| timing.map(|timing| timing.name.clone());
        let ns = |timing: Option<&Timing>| timing.map(|timing| rounded(timing.ns));
        json!({
            "op": self.operation,
            "ours_ns": ns(self.ours()),
            "peer": name(self.peer()),
            "peer_ns": ns(self.peer()),
            "raw": name(self.raw()),
            "raw_ns": ns(self.raw()),
            "allocations": self.ours().map(|ours| rounded(ours.allocations)),
            "target": self.target,
        })
    }
}

/// All rows in the order they were measured, and what could not be.
#[derive(Default)]
pub struct Report {
    pub rows: Vec<Row>,
    absent: Vec<String>,
}

impl Report {
    pub fn add(&mut self, operation: &str, target: Option<f64>, timings: Vec<Timing>) {
        let row = Row {
            operation: operation.to_owned(),
            target,
            timings,
        };
        row.print();
        self.rows.push(row);
    }

    /// An operation that was not measured, and why.
    pub fn absent(&mut self, operation: &str, why: &str) {
        println!("\n{operation}: not measured, {why}");
        self.absent
            .push(format!("{operation}: not measured, {why}"));
    }

    pub fn missed(&self) -> usize {
        let missed = |row: &&Row| row.met() == Some(false);
        self.rows.iter().filter(missed).count()
    }

    /// A line for each operation: ours, the fastest peer, and what that makes.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{:<26} {:>12} {:>12} {:<31} {:>6} {:>7} {:>6} {:>8}\n",
            "", "ours, ns", "peer, ns", "fastest peer", "ratio", "to bare", "allocs", "target"
        );
        for row in &self.rows {
            let _ = writeln!(text, "{}", row.summary());
        }
        for absent in &self.absent {
            let _ = writeln!(text, "{absent}");
        }
        text
    }

    pub fn json(&self) -> Value {
        self.rows.iter().map(Row::json).collect()
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn count(allocations: f64) -> String {
    if allocations.is_nan() {
        "-".to_owned()
    } else if allocations.fract() < 0.005 {
        format!("{allocations:.0}")
    } else {
        format!("{allocations:.2}")
    }
}

/// Nanoseconds with their thousands apart.
pub fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
