//! Whether the server can do its work, and what is wrong.

use crate::encoding::write::write_string;
use crate::error::At;
use crate::keyring::KeyView;
use crate::revocation::Freshness;
use crate::store::{FollowerHealth, RevocationHealth};
use crate::time::UnixTime;

/// How one thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Good,
    /// Work is done, and somebody should look.
    Warning(String),
    /// Work cannot be done.
    Bad(String),
}

/// Everything that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Readiness(Vec<(&'static str, State)>);

/// What readiness is judged by.
pub(super) struct Facts<'a> {
    pub(super) now: UnixTime,
    pub(super) draining: bool,
    pub(super) view: &'a KeyView,
    pub(super) health: &'a FollowerHealth,
    /// What is wrong with the published set, if anything.
    pub(super) published: Option<&'a str>,
    pub(super) revocations: Option<ListFacts<'a>>,
    /// Why the list could not be signed for others.
    pub(super) unsigned: Option<&'a str>,
}

/// How the revocation list is, where there is one.
pub(super) struct ListFacts<'a> {
    pub(super) as_of: UnixTime,
    pub(super) freshness: Freshness,
    pub(super) health: &'a RevocationHealth,
}

impl Readiness {
    pub(super) fn judge(facts: &Facts<'_>) -> Self {
        let mut checks = vec![
            ("server", server(facts.draining)),
            ("keys", keys(facts)),
            ("store", store(facts.health)),
            ("schedule", schedule(facts.health, facts.now)),
        ];
        if let Some(list) = &facts.revocations {
            checks.push(("revocations", revocations(list, facts.now)));
        }
        if let Some(problem) = facts.unsigned {
            checks.push(("signed_list", State::Warning(problem.to_owned())));
        }
        if let Some(problem) = facts.published {
            checks.push(("published", State::Warning(problem.to_owned())));
        }
        Self(checks)
    }

    /// Whether requests should be sent here.
    pub(super) fn is_ready(&self) -> bool {
        self.0
            .iter()
            .all(|(_, state)| !matches!(state, State::Bad(_)))
    }

    /// `{"ready":true,"checks":{"keys":{"state":"good"},…}}`
    pub(super) fn to_json(&self) -> String {
        let mut text = format!("{{\"ready\":{},\"checks\":{{", self.is_ready());
        for (place, (name, state)) in self.0.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            write_string(name, &mut text);
            let (word, problem) = match state {
                State::Good => ("good", None),
                State::Warning(problem) => ("warning", Some(problem)),
                State::Bad(problem) => ("bad", Some(problem)),
            };
            text.push_str(":{\"state\":");
            write_string(word, &mut text);
            if let Some(problem) = problem {
                text.push_str(",\"problem\":");
                write_string(problem, &mut text);
            }
            text.push('}');
        }
        text.push_str("}}\n");
        text
    }
}

fn server(draining: bool) -> State {
    match draining {
        true => State::Bad("the server is shutting down".to_owned()),
        false => State::Good,
    }
}

/// Keys that are too old to rely on refuse every token; keys too old to be complete
/// refuse only those that name an unknown one.
fn keys(facts: &Facts<'_>) -> State {
    if let Some(since) = facts.view.stale_since(facts.now) {
        let words = "the keyring could not be read again, and every token is refused since";
        return State::Bad(format!("{words} {}", At(since)));
    }
    match facts.view.incomplete_since(facts.now) {
        Some(since) => State::Warning(format!(
            "a key published since {} would not be known here",
            At(since)
        )),
        None => State::Good,
    }
}

/// A store that does not answer is not a reason to send requests elsewhere: the last
/// good keys serve, and every other instance has the same store.
fn store(health: &FollowerHealth) -> State {
    match (health.failing_since, &health.last_error) {
        (None, _) => State::Good,
        (Some(since), error) => {
            let error = error.as_deref().unwrap_or("no reason is known");
            State::Warning(format!("failing since {}: {error}", At(since)))
        }
    }
}

/// Schedulers look every five minutes in the files of `packaging/`.
const TICK: std::time::Duration = std::time::Duration::from_secs(300);

fn schedule(health: &FollowerHealth, now: UnixTime) -> State {
    let late = |due: &UnixTime| due.saturating_add(TICK).saturating_add(health.propagation) < now;
    match health.next_due.filter(late) {
        Some(due) => State::Warning(format!(
            "work on the keyring is due since {}: run tokenwright rotate",
            At(due)
        )),
        None => State::Good,
    }
}

/// A list too old to rely on is as good as none: what that means was said when the
/// verifier was built, and here it is told in any case.
fn revocations(list: &ListFacts<'_>, now: UnixTime) -> State {
    let (age, limit) = (now.saturating_since(list.as_of), list.freshness.max_age());
    if age > limit {
        return State::Bad(format!(
            "the revocation list is {} s old, and {} s are allowed",
            age.as_secs(),
            limit.as_secs()
        ));
    }
    match (list.health.failing_since, &list.health.last_error) {
        (Some(since), Some(error)) => {
            State::Warning(format!("failing since {}: {error}", At(since)))
        }
        (Some(_), None) | (None, _) => State::Good,
    }
}
