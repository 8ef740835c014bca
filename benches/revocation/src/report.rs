//! One table on the terminal, and the same figures as JSON.

use serde_json::{Map, Value, json};

/// Every figure measured, in order.
#[derive(Default)]
pub struct Report {
    figures: Vec<Value>,
    section: &'static str,
    failed: usize,
}

/// What a figure must reach.
#[derive(Clone, Copy)]
pub enum Target {
    None,
    AtMost(f64),
}

impl Report {
    pub fn section(&mut self, title: &'static str) {
        self.section = title;
        println!("\n{title}");
    }

    pub fn figure(&mut self, name: &str, value: f64, unit: &str, target: Target) {
        let (limit, verdict) = match target {
            Target::None => (None, String::new()),
            Target::AtMost(limit) => {
                let met = value <= limit;
                self.failed += usize::from(!met);
                let word = if met { "met" } else { "MISSED" };
                (Some(limit), format!("   at most {limit}: {word}"))
            }
        };
        println!("  {name:<58} {:>12} {unit}{verdict}", number(value));
        let mut figure = Map::new();
        figure.insert("section".into(), json!(self.section));
        figure.insert("name".into(), json!(name));
        figure.insert("value".into(), json!(value));
        figure.insert("unit".into(), json!(unit));
        if let Some(limit) = limit {
            figure.insert("at_most".into(), json!(limit));
        }
        self.figures.push(Value::Object(figure));
    }

    pub fn remark(&mut self, text: &str) {
        println!("  {text}");
    }

    pub fn failed(&self) -> usize {
        self.failed
    }

    pub fn into_json(self) -> Value {
        Value::Array(self.figures)
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 2.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
