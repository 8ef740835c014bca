//! A JSON object on its way to being wrong, and what another reader sees in it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::random::Dice;

/// Members as they will stand in the text: names and values in JSON already.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) Vec<(String, String)>);

impl Draft {
    pub(crate) fn of(members: &[(&str, &str)]) -> Self {
        let member = |(name, value): &(&str, &str)| (format!("\"{name}\""), (*value).to_owned());
        Self(members.iter().map(member).collect())
    }

    /// Puts a value in place of the member's, or adds the member.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let quoted = format!("\"{name}\"");
        match self.0.iter_mut().find(|(other, _)| *other == quoted) {
            Some((_, old)) => *old = value.to_owned(),
            None => self.0.push((quoted, value.to_owned())),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let quoted = format!("\"{name}\"");
        self.0.retain(|(other, _)| *other != quoted);
    }

    /// One change that is about JSON and not about what the members mean.
    pub(crate) fn disturb(&mut self, dice: &mut Dice) {
        let at = dice.below(self.0.len());
        match dice.below(6) {
            0 => {
                let twin = self.0[at].clone();
                self.0.push(twin);
            }
            1 => {
                let (name, _) = self.0[at].clone();
                let place = dice.below(self.0.len() + 1);
                self.0.insert(place, (name, odd_value(dice)));
            }
            2 => {
                let (name, _) = &mut self.0[at];
                if let Some(first) = name.chars().nth(1) {
                    *name = name.replacen(first, &format!("\\u{:04x}", first as u32), 1);
                }
            }
            3 => self
                .0
                .push((format!("\"x{}\"", dice.below(3)), odd_value(dice))),
            4 => self.0[at].1 = odd_value(dice),
            _ => self.0.swap(0, at),
        }
    }

    /// As a careful writer writes it.
    pub(crate) fn plain(&self) -> String {
        let members: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    /// As somebody writes it: with spaces here and there, rarely damaged.
    pub(crate) fn text(&self, dice: &mut Dice) -> Vec<u8> {
        let space = if dice.once_in(10) {
            dice.pick(&[" ", "\n", "\t\r", "  "])
        } else {
            ""
        };
        let members: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{space}{name}{space}:{space}{value}"))
            .collect();
        let mut text = format!("{space}{{{}{space}}}{space}", members.join(",")).into_bytes();
        if dice.once_in(25) {
            damage(&mut text, dice);
        }
        text
    }
}

/// One change to the bytes of a text.
fn damage(text: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(text.len() + 1);
    let insert: &[u8] = match dice.below(8) {
        0 => b"\xef\xbb\xbf",
        1 => b"\xff",
        2 => b"\xed\xa0\x80",
        3 => b"\0",
        4 => b",",
        5 => b"\\ud800",
        6 => b"/**/",
        _ => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
            return;
        }
    };
    text.splice(at..at, insert.iter().copied());
}

/// Any JSON value, and some texts that are none.
pub(crate) fn odd_value(dice: &mut Dice) -> String {
    let fixed = [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1",
        "1.5",
        "1e3",
        "-0",
        "1e400",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "123456789012345678901234567890",
        "[]",
        "{}",
        "[1]",
        "[\"x\"]",
        "{\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "[{\"b\":{\"c\":1,\"c\":1}}]",
        "\"\"",
        "\"x\"",
        "\"\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"a\\u0000b\"",
        "\"\u{e9}\"",
        "01",
        "+1",
        "nul",
        "\"",
        "'x'",
        "NaN",
        "1.",
        "[1,]",
    ];
    match dice.below(30) {
        0 => {
            let depth = 55 + dice.below(90);
            format!("{}{}", "[".repeat(depth), "]".repeat(depth))
        }
        1 => {
            let count = 200 + dice.below(120);
            let members: Vec<String> = (0..count).map(|at| format!("\"m{at}\":{at}")).collect();
            format!("{{{}}}", members.join(","))
        }
        2 => format!("\"{}\"", "y".repeat(dice.below(9000))),
        _ => fixed[dice.below(fixed.len())].to_owned(),
    }
}

/// What serde_json sees in a text: how it is built, not what it says.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shape {
    /// A name stands twice in some object.
    pub(crate) duplicate: bool,
    pub(crate) depth: usize,
    /// The most members that are open at once.
    pub(crate) members: usize,
}

impl Shape {
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    fn enclose(&mut self, inner: Self) {
        self.duplicate |= inner.duplicate;
        self.depth = self.depth.max(inner.depth);
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut shape = Shape::default();
        while let Some(inner) = items.next_element::<Shape>()? {
            shape.enclose(inner);
            shape.members = shape.members.max(inner.members);
        }
        shape.depth += 1;
        Ok(shape)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Shape, A::Error> {
        let mut shape = Shape::default();
        let mut names: Vec<String> = Vec::new();
        while let Some((name, inner)) = members.next_entry::<String, Shape>()? {
            shape.duplicate |= names.contains(&name);
            names.push(name);
            shape.enclose(inner);
            shape.members = shape.members.max(names.len() + inner.members);
        }
        shape.depth += 1;
        shape.members = shape.members.max(names.len());
        Ok(shape)
    }
}
