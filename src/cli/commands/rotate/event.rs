//! What a schedule has done, as a table, as lines and as JSON.

use tokenwright::UnixTime;
use tokenwright::keyring::Event;

use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::times;

/// One event, in the words of a table.
pub(super) struct Told<'e> {
    /// The stable name in JSON.
    pub(super) name: &'static str,
    /// The same for people.
    what: &'static str,
    /// The key.
    kid: &'e str,
    /// A time that was set.
    at: Option<UnixTime>,
    /// What follows from it.
    detail: String,
}

impl<'e> Told<'e> {
    pub(super) fn of(event: &'e Event) -> Self {
        let (name, what, id, at, detail) = match event {
            Event::SuccessorPublished { id, at } => (
                "successor_published",
                "successor published",
                Some(id),
                Some(*at),
                format!("signs from {}", times::rfc3339(*at)),
            ),
            Event::StandbyPublished { id } => (
                "standby_published",
                "standby published",
                Some(id),
                None,
                "waits for an emergency".to_owned(),
            ),
            Event::StandbyActivated { id } => (
                "standby_activated",
                "standby took over",
                Some(id),
                None,
                "signs now".to_owned(),
            ),
            Event::PrivateHalfErased { id } => (
                "private_half_erased",
                "private half erased",
                Some(id),
                None,
                "can sign no more".to_owned(),
            ),
            Event::Withdrawn { id } => (
                "withdrawn",
                "withdrawn",
                Some(id),
                None,
                "only its name is kept".to_owned(),
            ),
            Event::Compromised { id, at } => (
                "compromised",
                "compromised",
                Some(id),
                Some(*at),
                format!("refused from {}", times::rfc3339(*at)),
            ),
            Event::Suspended { id } => (
                "suspended",
                "suspended",
                Some(id),
                None,
                "neither signs nor verifies".to_owned(),
            ),
            Event::Resumed { id } => (
                "resumed",
                "resumed",
                Some(id),
                None,
                "verifies again".to_owned(),
            ),
            _ => ("changed", "changed", None, None, String::new()),
        };
        Self {
            name,
            what,
            kid: id.map_or("-", |id| id.as_str()),
            at,
            detail,
        }
    }

    /// One line: when, what, which key, and what follows.
    pub(super) fn line(&self, when: UnixTime) -> String {
        format!(
            "{}  {:19}  {}  {}",
            times::rfc3339(when),
            self.what,
            Escaped(self.kid),
            self.detail
        )
    }

    fn json(&self) -> String {
        let at = json_time(self.at);
        format!(
            "{{\"event\":{},\"kid\":{},\"at\":{at}}}",
            json_string(self.name),
            json_string(self.kid)
        )
    }
}

/// A time as JSON, `null` for none.
pub(super) fn json_time(time: Option<UnixTime>) -> String {
    time.map_or_else(
        || "null".to_owned(),
        |time| json_string(&times::rfc3339(time)),
    )
}

pub(super) fn json_events(events: &[Event]) -> String {
    let events: Vec<String> = events.iter().map(|event| Told::of(event).json()).collect();
    format!("[{}]", events.join(","))
}

/// The events as a table on standard output; nothing when there are none.
pub(super) fn table(events: &[Event], output: &mut Output) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    let told: Vec<Told<'_>> = events.iter().map(Told::of).collect();
    let width = told.iter().map(|each| each.kid.len()).max().unwrap_or(0);
    let width = width.clamp(3, 64);
    output.line(format!("{:19}  {:width$}  THEN", "DONE", "KID"))?;
    for each in &told {
        let kid = Escaped(each.kid).to_string();
        output.line(format!("{:19}  {kid:width$}  {}", each.what, each.detail))?;
    }
    Ok(())
}
