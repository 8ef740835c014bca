//! A plan to look at: when each key is published, signs, verifies and is gone.
//!
//! `lanes` says what every key does when, `axis` where a time lies and which dates
//! to write, and `terminal` and `svg` put the two on their surface.

mod axis;
mod inset;
mod lanes;
mod screen;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;

pub(crate) use screen::screen;
pub(crate) use svg::svg;
pub(crate) use terminal::draw;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether escape sequences for colours are obeyed.
    pub(crate) colour: bool,
    /// Whether characters beyond ASCII are shown.
    pub(crate) unicode: bool,
}
