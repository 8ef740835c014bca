//! Pieces of messages: foreign text, choices, durations.

use std::fmt;
use std::time::Duration;

use crate::error::Quoted;

pub(super) struct Name<'a>(pub(super) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self
            .0
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            f.write_str(self.0)
        } else {
            write!(f, "{}", Quoted(self.0))
        }
    }
}

pub(super) struct Found<'a>(pub(super) Option<&'a str>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) => Quoted(text).fmt(f),
            None => f.write_str("none"),
        }
    }
}

pub(super) struct AnyOf<'a>(pub(super) &'a [String]);

impl fmt::Display for AnyOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (position, text) in self.0.iter().take(4).enumerate() {
            if position > 0 {
                f.write_str(" or ")?;
            }
            Quoted(text).fmt(f)?;
        }
        if self.0.len() > 4 {
            f.write_str(" or others")
        } else {
            Ok(())
        }
    }
}

/// A duration in its two greatest units, as people say it.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
        let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
        let parts = [
            (days, "day"),
            (hours, "hour"),
            (minutes, "minute"),
            (rest, "second"),
        ];
        let mut shown = parts
            .iter()
            .skip_while(|(count, _)| *count == 0)
            .take(2)
            .filter(|(count, _)| *count > 0);
        let Some((count, unit)) = shown.next() else {
            return f.write_str("0 seconds");
        };
        write!(f, "{count} {unit}{}", if *count == 1 { "" } else { "s" })?;
        match shown.next() {
            Some((count, unit)) => {
                write!(f, " {count} {unit}{}", if *count == 1 { "" } else { "s" })
            }
            None => Ok(()),
        }
    }
}
