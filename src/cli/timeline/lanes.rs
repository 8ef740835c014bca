//! What every key of a plan does, and when.

use tokenwright::UnixTime;
use tokenwright::keyring::{Plan, PlannedKey};

use super::axis::Axis;

/// Longest name of a key in a drawing, in characters.
pub(super) const NAME_WIDTH: usize = 14;

/// What a key does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everybody learns of it; it verifies and does not sign yet.
    Published,
    Signs,
    /// It only verifies what it signed before.
    Verifies,
    /// It does neither until somebody lifts the suspension.
    Suspended,
}

/// One phase, from an instant up to and without another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) phase: Phase,
    pub(super) from: UnixTime,
    /// `None` while no end is settled.
    pub(super) to: Option<UnixTime>,
}

/// A phase at its place on a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) phase: Phase,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// One key, from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    /// Short, and nothing but printable ASCII and at most one mark of omission.
    pub(super) name: String,
    /// Whole, and as foreign as it was.
    pub(super) id: String,
    pub(super) spans: Vec<Span>,
    /// From when on nobody accepts it.
    pub(super) gone_at: Option<UnixTime>,
    /// Whether that is because it is marked compromised.
    pub(super) refused: bool,
    pub(super) erased_at: Option<UnixTime>,
    /// Whether it waits for an emergency.
    pub(super) standby: bool,
}

/// One lane for every key, in the plan's order.
pub(super) fn lanes(plan: &Plan, now: UnixTime, omission: &str) -> Vec<Lane> {
    let mut made_later: u32 = 0;
    let lane = |key: &PlannedKey| {
        let id = match &key.id {
            Some(id) => id.as_str().to_owned(),
            None => {
                made_later = made_later.saturating_add(1);
                format!("new {made_later}")
            }
        };
        lane(key, id, now, omission)
    };
    plan.keys.iter().map(lane).collect()
}

fn lane(key: &PlannedKey, id: String, now: UnixTime, omission: &str) -> Lane {
    let gone_at = earliest(key.verifies_until, key.compromised_at);
    let mut spans = Vec::with_capacity(4);
    let mut add = |phase, from: Option<UnixTime>, to: Option<UnixTime>| {
        let Some(from) = from else { return };
        let stop = key.suspended.then_some(now);
        let to = earliest(earliest(to, gone_at), stop);
        if to.is_none_or(|to| from < to) {
            spans.push(Span { phase, from, to });
        }
    };
    add(Phase::Published, Some(key.published_at), key.activates_at);
    add(Phase::Signs, key.activates_at, key.stops_signing_at);
    add(Phase::Verifies, key.stops_signing_at, key.verifies_until);
    if key.suspended && gone_at.is_none_or(|gone| now < gone) {
        spans.push(Span {
            phase: Phase::Suspended,
            from: now,
            to: gone_at,
        });
    }
    Lane {
        name: short(&id, omission),
        id,
        spans,
        gone_at,
        refused: key.compromised_at.is_some() && gone_at == key.compromised_at,
        erased_at: key.private_erased_at,
        standby: key.activates_at.is_none(),
    }
}

impl Lane {
    /// Its phases on a surface where times lie at `position` between 0 and `width`.
    ///
    /// A phase too short to be seen is `least` wide: publishing grows into the past
    /// and the others into the future, so that one key's signing still begins where
    /// the other's ends.
    pub(super) fn place(
        &self,
        axis: &Axis,
        position: impl Fn(UnixTime) -> f64,
        width: f64,
        least: f64,
    ) -> Vec<Placed> {
        let mut placed: Vec<Placed> = Vec::with_capacity(self.spans.len());
        for span in &self.spans {
            if span.from >= axis.end || span.to.is_some_and(|to| to <= axis.start) {
                continue;
            }
            let before = placed.last().map_or(0.0, |last| last.to);
            let mut from = position(span.from).max(before);
            let mut to = span.to.map_or(width, &position).max(from);
            if to - from < least {
                match span.phase {
                    Phase::Published => from = (to - least).max(before),
                    Phase::Signs | Phase::Verifies | Phase::Suspended => {
                        to = (from + least).min(width);
                    }
                }
            }
            placed.push(Placed {
                phase: span.phase,
                from,
                to,
            });
        }
        placed
    }
}

/// Beginning and end of an id. Whatever is not printable ASCII is escaped, so that
/// the name is as wide as it is long and commands nothing.
pub(super) fn short(id: &str, omission: &str) -> String {
    let mut plain = String::new();
    // What is cut away below need not be escaped before.
    for character in id.chars().take(256) {
        if character == ' ' || character.is_ascii_graphic() {
            plain.push(character);
        } else {
            plain.extend(character.escape_unicode());
        }
    }
    let length = plain.len();
    if length <= NAME_WIDTH {
        return plain;
    }
    let tail = 4_usize;
    let head = NAME_WIDTH
        .saturating_sub(tail)
        .saturating_sub(omission.chars().count());
    let beginning: String = plain.chars().take(head).collect();
    let end: String = plain.chars().skip(length.saturating_sub(tail)).collect();
    format!("{beginning}{omission}{end}")
}

/// The earlier of two times, of which either may be unsettled.
fn earliest(one: Option<UnixTime>, other: Option<UnixTime>) -> Option<UnixTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
