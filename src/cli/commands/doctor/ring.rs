//! The keyring against the clock, the rules, the schedule and the folder.

use std::time::Duration;

use tokenwright::keyring::{KeyRecord, Keyring, State, next_due};
use tokenwright::store::{
    self, KeyAccessError, KeyAccessErrorKind, OpenedStore, Scheduler, StoreErrorKind,
};
use tokenwright::{SystemClock, UnixTime};

use super::Finding;
use super::files::word;
use crate::cli::commands::rotate::command_line;
use crate::cli::times;

pub(super) fn examine(
    store: &OpenedStore,
    keyring: &Keyring,
    now: UnixTime,
    tick: Duration,
    findings: &mut Vec<Finding>,
) {
    findings.push(clock(keyring, now));
    findings.push(schedule(keyring, now, tick));
    findings.push(signer(keyring, now));
    findings.push(rules(keyring));
    material(store, keyring, now, findings);
    orphans(store, findings);
}

/// What mends a document that cannot be read.
pub(super) fn mend_document(code: &str) -> &'static str {
    match code {
        "keyring_newer_version" => "update tokenwright on this machine; nothing was changed",
        "store_damaged" | "malformed" | "not_a_keyring" | "keyring_inconsistent" => {
            "undo the last edit, or move the file away and merge the last backup: tokenwright rotate restore FILE"
        }
        "unsafe_policy" => "put numbers into \"policy\" that keep the rule",
        _ => "nothing was changed; see the message",
    }
}

/// The clock against the latest time ever committed.
fn clock(keyring: &Keyring, now: UnixTime) -> Finding {
    let as_of = keyring.as_of();
    let policy = keyring.policy();
    let told = times::rfc3339(as_of);
    if now.saturating_add(policy.clock_skew()) < as_of {
        return Finding::wrong(
            "clock_behind",
            format!(
                "the clock says {}, {} before the keyring's last commit at {told}",
                times::rfc3339(now),
                times::words(as_of.saturating_since(now))
            ),
            "set the clock; if a wrong clock committed that time, merge a backup from before into a fresh folder",
        );
    }
    if now.saturating_since(as_of) > policy.period().saturating_mul(2) {
        return Finding::wrong(
            "clock_jump",
            format!(
                "the clock says {}, more than two periods after the keyring's last commit at {told}",
                times::rfc3339(now)
            ),
            "set the clock; if it is right and no scheduler ran for so long: tokenwright rotate --force",
        );
    }
    Finding::well("clock", format!("agrees with the last commit at {told}"))
}

/// Missed work is loud: red once it is late by a scheduler's interval and L.
fn schedule(keyring: &Keyring, now: UnixTime, tick: Duration) -> Finding {
    let Some(due) = next_due(keyring) else {
        return Finding::well("schedule", "nothing will ever be due");
    };
    let told = format!("{} ({})", times::rfc3339(due), times::relative(due, now));
    let grace = tick.saturating_add(keyring.policy().propagation());
    if due.saturating_add(grace) < now {
        return Finding::wrong(
            "overdue",
            format!("work has been due since {told}, and no scheduler has done it"),
            "run: tokenwright rotate --if-due; and see why the timer, or rotate --watch, does not",
        );
    }
    match due <= now {
        true => Finding::well("schedule", format!("work is due since {told}")),
        false => Finding::well("schedule", format!("next due {told}")),
    }
}

fn signer(keyring: &Keyring, now: UnixTime) -> Finding {
    match keyring.signer(keyring.clock(now)) {
        Ok(record) => {
            let until = record.stops_signing_at();
            let until =
                until.map_or_else(String::new, |at| format!(" until {}", times::rfc3339(at)));
            let id = record.id().as_str();
            Finding::well("signer", format!("key {id} signs{until}"))
        }
        Err(error) => Finding::wrong(
            error.code(),
            error.to_string(),
            "see: tokenwright rotate plan; to let a waiting key take over: tokenwright rotate",
        ),
    }
}

/// The rules hold, or the keyring could not have been read; this is the room left.
fn rules(keyring: &Keyring) -> Finding {
    let room = keyring.policy().room();
    let numbers = keyring.policy().numbers();
    Finding::well(
        "rules",
        format!(
            "kept: tokens live {} (up to {} would do), keys sign {} ({} at least), caches are {} old at most ({} would do)",
            brief(numbers.token_lifetime),
            brief(room.longest_token_lifetime.as_secs()),
            brief(numbers.period),
            brief(room.shortest_period.as_secs()),
            brief(numbers.view_age),
            brief(room.longest_view_age.as_secs()),
        ),
    )
}

fn brief(seconds: u64) -> String {
    times::words(Duration::from_secs(seconds))
}

/// Every private half that is needed can be read, or is locked.
fn material(store: &OpenedStore, keyring: &Keyring, now: UnixTime, findings: &mut Vec<Finding>) {
    let policy = keyring.policy();
    let needed = |key: &&KeyRecord| {
        key.private_erased_at().is_none()
            && key.private_erased_from(policy).is_none_or(|due| now < due)
            && key.state(now) != State::Compromised
    };
    let (mut there, mut locked) = (0_u32, 0_u32);
    let sealed = |error: &KeyAccessError| matches!(error.kind(), KeyAccessErrorKind::Store(error) if error.kind() == StoreErrorKind::Sealed);
    for record in keyring.keys().iter().filter(needed) {
        match store::signing_key(store, record, None) {
            Ok(_) => there = there.saturating_add(1),
            Err(error) if error.needs_passphrase() => locked = locked.saturating_add(1),
            Err(error) if sealed(&error) => {
                let message = error.to_string();
                findings.push(Finding::wrong(error.code(), message, "see the message"));
                return;
            }
            Err(error) => {
                findings.push(Finding::wrong(
                    error.code(),
                    error
                        .to_string()
                        .replacen(&format!("{}: ", error.code()), "", 1),
                    format!(
                        "put private/{}.key back from a backup, or give the key up: {}",
                        record.address(),
                        command_line("compromise", record.id(), "")
                    ),
                ));
            }
        }
    }
    let message = format!("{there} private halves can be read, {locked} are locked");
    findings.push(Finding::well("material", message));
}

/// Key material that no document names.
fn orphan(store: &OpenedStore, address: &str) -> Finding {
    let why = "belongs to no living key: a scheduler was killed, or the keyring rolled back";
    let when = "if no backup is to be merged and no scheduler is running";
    match store.path() {
        Some(folder) => {
            let path = word(&folder.join("private").join(format!("{address}.key")));
            Finding::wrong(
                "orphan",
                format!("{path} {why}"),
                format!("{when}: rm {path}"),
            )
        }
        None => Finding::wrong(
            "orphan",
            format!("the material at {address} {why}"),
            format!("{when}, remove it from the server"),
        ),
    }
}

/// Key files that no document names.
fn orphans(store: &OpenedStore, findings: &mut Vec<Finding>) {
    match Scheduler::new(store.clone(), SystemClock).orphans() {
        Ok(orphans) if orphans.is_empty() => {
            findings.push(Finding::well("orphans", "every key file is in the keyring"));
        }
        Ok(orphans) => {
            for address in orphans {
                findings.push(orphan(store, address.as_str()));
            }
        }
        Err(error) => findings.push(Finding::wrong(
            error.code(),
            error.to_string(),
            "see the message",
        )),
    }
}
