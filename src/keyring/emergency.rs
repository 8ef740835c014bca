//! What a person does when a key is, or may be, in someone else's hands.

use std::time::Duration;

use super::error::{KeyringError, KeyringErrorKind};
use super::record::{KeyRecord, NewKey, earliest};
use super::ring::{Keyring, ceil, floor};
use super::state::State;
use super::step::{
    Change, Event, LargeJump, check_clock, check_supply, new_standby, standby_known_by,
    standby_missing,
};
use crate::key::KeyId;
use crate::time::UnixTime;

/// When a compromised key is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// At once: someone is signing with it.
    #[default]
    AtOnce,
    /// Switch the signer first, W from now, and refuse the key S after that. Until
    /// then everything goes on, and whoever loses a token can get another at once.
    Drain,
}

/// Whether nobody signing for a while, or tokens refused for a while, is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outage {
    /// Refuse to act, and say how long the outage would be.
    #[default]
    Refuse,
    /// The key has to go whatever it costs.
    Accept,
}

/// How an emergency is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmergencyOptions {
    /// Whether a compromised key is refused at once.
    pub pace: Pace,
    /// Whether an outage is accepted.
    pub outage: Outage,
    /// Whether a clock that leapt ahead is accepted.
    pub jump: LargeJump,
}

/// A change made in an emergency, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emergency {
    /// What to commit.
    pub change: Change,
    /// What it costs: print this before committing.
    pub radius: BlastRadius,
    /// The key that takes over, if the emergency changes who signs.
    pub successor: Option<KeyId>,
}

/// What an emergency costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlastRadius {
    /// How many seconds of tokens die: those signed in this span, as far as they are still alive.
    pub tokens: Duration,
    /// How long nobody can sign, or fresh tokens may be refused; `None`: until somebody resumes the key.
    pub outage: Option<Duration>,
    /// How long until every verifier refuses the key and every signer has left it.
    pub complete_in: Duration,
}

/// Marks a key as compromised: final, and refused everywhere within L + C.
///
/// If it signs, or would, the standby takes its place in the same document, with
/// the time that was left to it. `supply`, if given, becomes the new standby, or
/// takes over when there is no other; it was used if the document names it.
///
/// # Errors
/// [`KeyringErrorKind::NoStandby`] when nothing can take over without an outage
/// that was not accepted; [`KeyringErrorKind::UnknownKey`];
/// [`KeyringErrorKind::NothingToDo`] when it is marked already; and those of
/// [`super::step()`] for clocks and supplied keys.
pub fn compromise(
    keyring: &Keyring,
    now: UnixTime,
    id: &KeyId,
    options: EmergencyOptions,
    supply: Option<NewKey>,
) -> Result<Emergency, KeyringError> {
    check_clock(keyring, now, options.jump)?;
    let key = find(keyring, id)?;
    let from = switch_time(keyring, now, key, options.pace);
    let mut next = keyring.next(now);
    let (successor, outage) = match signs_after(key, from) {
        true => replace(&mut next, keyring, now, key, from, options.outage, supply)?,
        false => {
            add_standby(&mut next, keyring, now, supply)?;
            (None, Duration::ZERO)
        }
    };
    let stops = next.key(id.as_str()).and_then(|key| key.stops_signing_at);
    let at = refused_from(keyring, now, options.pace, stops);
    if key.compromised_at.is_some_and(|marked| marked <= at) {
        return Err(KeyringError::new(
            KeyringErrorKind::NothingToDo,
            format!("key {id} is marked compromised already"),
        ));
    }
    if let Some(record) = next.key_mut(id) {
        record.compromised_at = Some(at);
    }
    let radius = BlastRadius {
        tokens: tokens_alive(key, stops, at.max(floor(now))),
        outage: Some(outage),
        complete_in: complete_in(keyring, now, at),
    };
    Ok(Emergency {
        change: Change {
            keyring: next,
            event: Event::Compromised { id: id.clone(), at },
        },
        radius,
        successor,
    })
}

/// Suspends a key: it neither signs nor verifies until [`resume`].
///
/// If it signs, the standby takes its place for good; resumed, the key verifies
/// its old tokens again. With no standby known everywhere and an outage accepted,
/// nobody signs until it is resumed.
///
/// # Errors
/// As [`compromise`], and [`KeyringErrorKind::Final`] for a compromised key.
pub fn suspend(
    keyring: &Keyring,
    now: UnixTime,
    id: &KeyId,
    options: EmergencyOptions,
    supply: Option<NewKey>,
) -> Result<Emergency, KeyringError> {
    check_clock(keyring, now, options.jump)?;
    let key = find(keyring, id)?;
    not_final(key)?;
    if key.is_suspended() {
        return Err(KeyringError::new(
            KeyringErrorKind::NothingToDo,
            format!("key {id} is suspended already"),
        ));
    }
    let from = switch_time(keyring, now, key, Pace::AtOnce);
    let mut next = keyring.next(now);
    let (mut successor, mut outage) = (None, Some(Duration::ZERO));
    if !signs_after(key, from) {
        add_standby(&mut next, keyring, now, supply)?;
    } else if options.outage == Outage::Accept && standby_known_by(keyring, from).is_none() {
        outage = None;
    } else {
        (successor, _) = replace(&mut next, keyring, now, key, from, Outage::Refuse, supply)?;
    }
    let stops = next.key(id.as_str()).and_then(|key| key.stops_signing_at);
    if let Some(record) = next.key_mut(id) {
        // In the second it was resumed in, a suspension must still come after that.
        let after = record
            .resumed_at
            .map(|at| at.saturating_add(Duration::from_secs(1)));
        record.suspended_at = Some(floor(now)).max(after);
    }
    let radius = BlastRadius {
        tokens: tokens_alive(key, stops, floor(now)),
        outage,
        complete_in: complete_in(keyring, now, floor(now)),
    };
    Ok(Emergency {
        change: Change {
            keyring: next,
            event: Event::Suspended { id: id.clone() },
        },
        radius,
        successor,
    })
}

/// Ends a suspension: the key verifies again, and signs if its time is not over.
///
/// # Errors
/// [`KeyringErrorKind::Final`] for a compromised key,
/// [`KeyringErrorKind::NothingToDo`] for one that is not suspended,
/// [`KeyringErrorKind::UnknownKey`], and those of the clock.
pub fn resume(
    keyring: &Keyring,
    now: UnixTime,
    id: &KeyId,
    jump: LargeJump,
) -> Result<Change, KeyringError> {
    check_clock(keyring, now, jump)?;
    let key = find(keyring, id)?;
    not_final(key)?;
    if !key.is_suspended() {
        return Err(KeyringError::new(
            KeyringErrorKind::NothingToDo,
            format!("key {id} is not suspended"),
        ));
    }
    let mut next = keyring.next(now);
    if let Some(record) = next.key_mut(id) {
        record.resumed_at = Some(floor(now)).max(record.suspended_at);
    }
    Ok(Change {
        keyring: next,
        event: Event::Resumed { id: id.clone() },
    })
}

/// Gives the signing from `from` on to `id`, for as long as nothing else is
/// settled: whoever signs then stops, and keys marked before their turn lose it.
/// One that is being drained keeps its turn: signers may count on that already.
pub(crate) fn hand_over(next: &mut Keyring, from: UnixTime, id: &KeyId, lost: Option<&KeyId>) {
    let policy = next.policy;
    let mut until = None;
    for key in next.keys.iter_mut().filter(|key| key.id != *id) {
        let Some(activates) = key.activates_at else {
            continue;
        };
        let ends = key.stops_signing_at;
        if activates < from {
            if ends.is_none_or(|ends| from < ends) {
                key.stop_at(from, &policy);
            }
        } else if lost == Some(&key.id) || key.compromised_at.is_some_and(|at| at <= activates) {
            key.stop_at(activates, &policy);
        } else if ends != Some(activates) {
            until = earliest(until, Some(activates));
        }
    }
    if let Some(record) = next.key_mut(id) {
        record.activates_at = Some(from);
        if let Some(until) = until {
            record.stop_at(until, &policy);
        }
    }
}

/// Takes the signing away from `key` at `from`, and gives it to the best there is.
fn replace(
    next: &mut Keyring,
    keyring: &Keyring,
    now: UnixTime,
    key: &KeyRecord,
    from: UnixTime,
    outage: Outage,
    supply: Option<NewKey>,
) -> Result<(Option<KeyId>, Duration), KeyringError> {
    let supplied = supply.as_ref().map(|supply| supply.id.clone());
    // The supplied key stands in line with the others.
    add_key(next, keyring, now, supply)?;
    let waiting = next
        .keys
        .iter()
        .filter(|other| other.id != key.id && other.activates_at.is_none() && other.is_sound())
        .min_by(|one, other| (one.known_at, &one.id).cmp(&(other.known_at, &other.id)))
        .map(|other| (other.known_at, Some(other.id.clone())));
    let scheduled = next
        .keys
        .iter()
        // A key that lost its turn while it was suspended has none when it is resumed.
        .filter(|other| other.activates_at != other.stops_signing_at)
        .filter(|other| other.id != key.id && other.is_sound())
        .filter_map(|other| other.activates_at.filter(|at| from <= *at))
        .min()
        .map(|at| (at, None));
    let best = [waiting, scheduled]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at);
    let Some((ready, successor)) = best else {
        return Err(no_standby(format!(
            "no key can take over from {}: make one first",
            key.id
        )));
    };
    let lasts = ready.saturating_since(from);
    if !lasts.is_zero() && outage == Outage::Refuse {
        return Err(no_standby(format!(
            "no standby is known everywhere before {}: taking {} out now means an outage of {} s; \
             drain it, wait, or accept the outage",
            ready.seconds(),
            key.id,
            lasts.as_secs()
        )));
    }
    match &successor {
        Some(id) => {
            // A key made this very second is published at the end of it.
            let published = next.key(id.as_str()).map(KeyRecord::published_at);
            let from = published.map_or(from, |published| from.max(published));
            hand_over(next, from, id, Some(&key.id));
        }
        // The next in line is soonest; until then nobody signs.
        None => {
            let policy = next.policy;
            if let Some(record) = next.key_mut(&key.id) {
                record.stop_at(from, &policy);
            }
        }
    }
    drop_spare(next, supplied.filter(|id| successor.as_ref() != Some(id)));
    Ok((successor, lasts))
}

/// Removes a supplied key that is not needed, so that the caller wipes it.
fn drop_spare(next: &mut Keyring, spare: Option<KeyId>) {
    let Some(spare) = spare else { return };
    let waits = |key: &&KeyRecord| key.activates_at.is_none() && key.is_sound();
    if next.keys.iter().filter(waits).count() > 1 {
        next.keys.retain(|key| key.id != spare);
    }
}

fn add_key(
    next: &mut Keyring,
    keyring: &Keyring,
    now: UnixTime,
    supply: Option<NewKey>,
) -> Result<(), KeyringError> {
    if let Some(supply) = supply {
        check_supply(keyring, &supply)?;
        next.insert(new_standby(keyring, now, supply));
    }
    Ok(())
}

fn add_standby(
    next: &mut Keyring,
    keyring: &Keyring,
    now: UnixTime,
    supply: Option<NewKey>,
) -> Result<(), KeyringError> {
    if supply.is_some() && standby_missing(keyring) {
        return add_key(next, keyring, now, supply);
    }
    Ok(())
}

/// When the signer changes: now, or when every view knows of it; a key whose
/// turn comes later than that loses it then.
fn switch_time(keyring: &Keyring, now: UnixTime, key: &KeyRecord, pace: Pace) -> UnixTime {
    let from = match pace {
        Pace::AtOnce => floor(now),
        Pace::Drain => ceil(now).saturating_add(keyring.policy.publish_ahead()),
    };
    key.activates_at.map_or(from, |at| from.max(at))
}

/// At once means by the slowest clock, too, so the mark is set S back.
fn refused_from(keyring: &Keyring, now: UnixTime, pace: Pace, stops: Option<UnixTime>) -> UnixTime {
    let skew = keyring.policy.clock_skew();
    let at_once = floor(now).saturating_sub(skew);
    match (pace, stops) {
        (Pace::Drain, Some(stops)) => stops.saturating_add(skew).max(at_once),
        (Pace::Drain, None) | (Pace::AtOnce, _) => at_once,
    }
}

fn signs_after(key: &KeyRecord, from: UnixTime) -> bool {
    key.activates_at.is_some() && key.stops_signing_at.is_none_or(|stops| from < stops)
}

/// The span in which tokens were signed that still live when they begin to be refused.
fn tokens_alive(key: &KeyRecord, stops: Option<UnixTime>, refused: UnixTime) -> Duration {
    let Some(activates) = key.activates_at else {
        return Duration::ZERO;
    };
    let first = activates.max(refused.saturating_sub(key.max_lifetime));
    let last = stops.map_or(refused, |stops| stops.min(refused));
    last.saturating_since(first)
}

fn complete_in(keyring: &Keyring, now: UnixTime, at: UnixTime) -> Duration {
    let policy = &keyring.policy;
    let known = policy.propagation().saturating_add(policy.view_age());
    let marked = at.saturating_since(now);
    match marked.is_zero() {
        true => known,
        false => known.max(marked.saturating_add(policy.clock_skew())),
    }
}

fn find<'k>(keyring: &'k Keyring, id: &KeyId) -> Result<&'k KeyRecord, KeyringError> {
    keyring.key(id.as_str()).ok_or_else(|| {
        let detail = match keyring.buried(id.as_str()) {
            Some(_) => format!("key {id} is destroyed already"),
            None => format!("no key of this keyring is called {id}"),
        };
        KeyringError::new(KeyringErrorKind::UnknownKey, detail)
    })
}

fn not_final(key: &KeyRecord) -> Result<(), KeyringError> {
    if key.compromised_at.is_none() {
        return Ok(());
    }
    Err(KeyringError::new(
        KeyringErrorKind::Final,
        format!("key {} is {}: that is final", key.id, State::Compromised),
    ))
}

fn no_standby(detail: String) -> KeyringError {
    KeyringError::new(KeyringErrorKind::NoStandby, detail)
}
