//! The suite every store of revocations must pass, for people who implement one.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Extent, ListHead, Position, RevocationStore};
use crate::keyring::LargeJump;
use crate::limits::{MAX_CLOCK_JUMP, MAX_REVOCATION_REASON_BYTES, MAX_TOKEN_BYTES};
use crate::revocation::Revocation;
use crate::store::{Outcome, StoreError, StoreErrorKind};
use crate::time::UnixTime;

/// One rule: its sentence, and the check that returns what broke it.
type Rule<S> = (&'static str, fn(&S) -> Result<(), String>);

/// Checks every rule of a store of revocations on a place of its own without a list,
/// and returns how many rules that were.
///
/// ```
/// use tokenwright::store::{MemoryRevocations, testing};
/// assert_eq!(
///     testing::revocation_conformance(MemoryRevocations::new),
///     Ok(testing::REVOCATION_RULES)
/// );
/// ```
///
/// # Errors
/// The first rule that is broken, as a sentence, and how.
pub fn revocation_conformance<S: RevocationStore>(
    mut empty: impl FnMut() -> S,
) -> Result<usize, String> {
    let mut kept = 0_usize;
    for (sentence, check) in rules::<S>() {
        check(&empty()).map_err(|broken| format!("{sentence}: {broken}"))?;
        kept = kept.saturating_add(1);
    }
    Ok(kept)
}

/// How many rules [`revocation_conformance`] checks.
pub const REVOCATION_RULES: usize = 13;

fn rules<S: RevocationStore>() -> [Rule<S>; REVOCATION_RULES] {
    [
        (
            "no list is an error, not an empty list",
            no_list_is_an_error,
        ),
        ("a list is made once", made_once),
        ("what was added is what is read, in order", round_trip),
        ("who has seen some is given the rest", the_rest),
        (
            "who stands elsewhere is told so and given nothing",
            elsewhere,
        ),
        (
            "times are kept in whole seconds, on the safe side",
            whole_seconds,
        ),
        ("nothing longer than a token is kept", bounded),
        (
            "an entry is dropped when its time has passed, not before",
            dropped_in_time,
        ),
        ("repeated entries are one, and the longest holds", joined),
        ("a clock that jumped far ahead drops nothing", clock_jumps),
        (
            "a clock that was set back drops nothing, and adding goes on",
            clock_set_back,
        ),
        ("a new epoch holds what the last one held", epochs),
        ("of many writers at once none loses an entry", many_writers),
    ]
}

const START: i64 = 1_760_000_000;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(START.saturating_add(seconds))
}

fn token(name: &str, until: i64) -> Revocation<'_> {
    Revocation::token("https://auth.example", name, at(0), at(until))
}

fn words(error: StoreError) -> String {
    error.to_string()
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn refused<T>(
    result: Result<T, StoreError>,
    kind: StoreErrorKind,
    what: &str,
) -> Result<(), String> {
    match result {
        Ok(_) => Err(format!("{what} was accepted")),
        Err(error) if error.kind() != kind => {
            Err(format!("{what} was refused as {}: {error}", error.code()))
        }
        Err(error) if error.outcome() != Outcome::NotDone => Err(format!(
            "{what} was refused, but not surely without a change"
        )),
        Err(_) => Ok(()),
    }
}

/// What a reading after a position hands out.
fn entries<S: RevocationStore>(
    store: &S,
    after: Option<&Position>,
) -> Result<(Extent, ListHead, Vec<Revocation<'static>>), String> {
    let mut found = Vec::new();
    let reading = store
        .read(after, &mut |entry| found.push(entry.into_owned()))
        .map_err(words)?;
    Ok((reading.extent, reading.head, found))
}

fn names<S: RevocationStore>(store: &S) -> Result<BTreeSet<String>, String> {
    let (_, _, found) = entries(store, None)?;
    Ok(found.iter().map(|entry| entry.name().to_owned()).collect())
}

fn is(found: &BTreeSet<String>, expected: &[&str]) -> Result<(), String> {
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    ensure(*found == expected, &format!("{found:?} is there"))
}

fn no_list_is_an_error<S: RevocationStore>(store: &S) -> Result<(), String> {
    let none = StoreErrorKind::NoList;
    refused(store.head(), none, "its head")?;
    refused(store.read(None, &mut |_| {}), none, "reading")?;
    refused(store.append(&[token("a", 60)], at(0)), none, "adding")?;
    refused(store.prune(at(0), LargeJump::Refuse), none, "pruning")?;
    refused(store.begin_epoch(at(0)), none, "a new epoch")
}

fn made_once<S: RevocationStore>(store: &S) -> Result<(), String> {
    let made = store.create(at(0)).map_err(words)?;
    ensure(made.entries == 0 && made.position.seq == 0, "it is not new")?;
    refused(store.create(at(1)), StoreErrorKind::Exists, "a second list")?;
    let found = store.head().map_err(words)?;
    ensure(
        found.position == made.position && found.fingerprint_key == made.fingerprint_key,
        "another list is there",
    )
}

/// One entry of every kind, at ordinary and at extreme times.
fn every_kind() -> Vec<Revocation<'static>> {
    let far = UnixTime::from_seconds(i64::MAX);
    let issuer = "https://auth.example";
    vec![
        Revocation::token(issuer, "t-1", at(0), at(900)),
        Revocation::session(issuer, "login \u{1f511}", at(0), far).with_reason("a lost device"),
        Revocation::subject_before(issuer, "alice", at(5), at(0), at(900)),
        Revocation::audience_before("", "orders", at(-5), at(0), at(900)),
        Revocation::issuer_before("other", at(5), UnixTime::from_seconds(i64::MIN), far),
        Revocation::key(issuer, "k\n\0", at(0), at(900)).with_reason(""),
    ]
}

fn round_trip<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let added = every_kind();
    let done = store.append(&added, at(0)).map_err(words)?;
    let (extent, head, found) = entries(store, None)?;
    ensure(extent == Extent::Whole, "not all was read")?;
    ensure(found == added, "other entries came back")?;
    ensure(
        head == done.head && head.entries == 6,
        "another head came back",
    )?;
    let nothing = store.append(&[], at(0)).map_err(words)?;
    ensure(
        nothing.head.position == head.position,
        "adding nothing changed something",
    )
}

fn the_rest<S: RevocationStore>(store: &S) -> Result<(), String> {
    let made = store.create(at(0)).map_err(words)?;
    let mut seen = vec![made.position];
    let added = every_kind();
    for pair in added.chunks(2) {
        let done = store.append(pair, at(0)).map_err(words)?;
        seen.push(done.head.position);
    }
    for (pairs, position) in seen.iter().enumerate() {
        let (extent, head, found) = entries(store, Some(position))?;
        let rest = added.get(pairs.saturating_mul(2)..).unwrap_or_default();
        ensure(found == rest, "it is not the rest")?;
        let expected = if rest.is_empty() {
            Extent::Unchanged
        } else {
            Extent::Since
        };
        ensure(extent == expected, "it is called something else")?;
        ensure(Some(&head.position) == seen.last(), "it stands elsewhere")?;
    }
    Ok(())
}

fn elsewhere<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let done = store.append(&every_kind(), at(0)).map_err(words)?;
    let here = done.head.position;
    let mut other = *here.list.as_bytes();
    other.reverse();
    for foreign in [
        Position {
            seq: here.seq.saturating_add(1),
            ..here
        },
        Position {
            epoch: here.epoch.saturating_add(1),
            ..here
        },
        Position {
            list: super::ListId::new(other),
            ..here
        },
    ] {
        let (extent, head, found) = entries(store, Some(&foreign))?;
        ensure(extent == Extent::Elsewhere, "nobody said so")?;
        ensure(found.is_empty(), "entries were handed out")?;
        ensure(head.position == here, "it stands elsewhere")?;
    }
    Ok(())
}

fn whole_seconds<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let part = |seconds| at(seconds).saturating_add(Duration::from_millis(1));
    let entry = Revocation::subject_before("i", "s", part(5), part(1), part(9));
    store.append(&[entry], part(1)).map_err(words)?;
    let expected = Revocation::subject_before("i", "s", at(6), at(1), at(10));
    let (_, _, found) = entries(store, None)?;
    ensure(found == [expected], &format!("found {found:?}"))
}

fn bounded<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let (longest, reason) = (
        "x".repeat(MAX_TOKEN_BYTES),
        "r".repeat(MAX_REVOCATION_REASON_BYTES),
    );
    let entry = Revocation::token(&*longest, &*longest, at(0), at(9)).with_reason(&*reason);
    store
        .append(std::slice::from_ref(&entry), at(0))
        .map_err(words)?;
    let longer = format!("{longest}x");
    for too_long in [
        Revocation::token(&*longer, "t", at(0), at(9)),
        Revocation::token("i", &*longer, at(0), at(9)),
        token("t", 9).with_reason(format!("{reason}r")),
    ] {
        let result = store.append(&[token("a", 9), too_long], at(0));
        refused(result, StoreErrorKind::TooLarge, "one byte more")?;
    }
    let (_, _, found) = entries(store, None)?;
    ensure(found == [entry], "a refusal has added something")
}

fn dropped_in_time<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let done = store
        .append(&[token("a", 10), token("b", 20), token("c", 10)], at(0))
        .map_err(words)?;
    let pruned = store.prune(at(9), LargeJump::Refuse).map_err(words)?;
    ensure(pruned.dropped == 0, "something was dropped too early")?;
    ensure(
        pruned.head.position == done.head.position,
        "a number without a change",
    )?;
    let pruned = store.prune(at(10), LargeJump::Refuse).map_err(words)?;
    ensure(
        pruned.dropped == 2,
        &format!("{} were dropped", pruned.dropped),
    )?;
    is(&names(store)?, &["b"])?;
    let head = pruned.head;
    ensure(
        head.position.seq > done.head.position.seq && head.base == head.position.seq,
        "nobody can see that something was dropped",
    )?;
    let again = store.append(&[token("d", 20)], at(10)).map_err(words)?.head;
    ensure(again.position.seq > head.position.seq, "a number came back")?;
    let (extent, _, found) = entries(store, Some(&done.head.position))?;
    ensure(
        extent == Extent::Since && found == [token("d", 20)],
        "it is not the rest",
    )
}

fn joined<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let before = |before, since, until| {
        Revocation::subject_before("i", "alice", at(before), at(since), at(until))
    };
    let repeated = [before(5, 3, 90), before(9, 4, 50), before(7, 2, 60)];
    store.append(&repeated, at(0)).map_err(words)?;
    // Of the same name, and another thing.
    let others = [
        Revocation::session("i", "alice", at(0), at(90)),
        Revocation::session("ia", "lice", at(0), at(90)),
    ];
    store.append(&others, at(0)).map_err(words)?;
    let pruned = store.prune(at(60), LargeJump::Refuse).map_err(words)?;
    ensure(
        pruned.dropped == 2,
        &format!("{} were dropped", pruned.dropped),
    )?;
    let (_, _, found) = entries(store, None)?;
    let [a, b] = others;
    ensure(
        found == [before(9, 2, 90), a, b],
        &format!("found {found:?}"),
    )
}

fn clock_jumps<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    store.append(&[token("a", 10)], at(0)).map_err(words)?;
    let most = at(0).saturating_add(MAX_CLOCK_JUMP);
    let far = most.saturating_add(Duration::from_secs(1));
    let jump = StoreErrorKind::ClockJump;
    refused(store.prune(far, LargeJump::Refuse), jump, "a jump")?;
    // Adding by such a clock goes on, and does not make it true.
    store.append(&[token("b", 10)], far).map_err(words)?;
    refused(store.prune(far, LargeJump::Refuse), jump, "a second jump")?;
    is(&names(store)?, &["a", "b"])?;
    let pruned = store.prune(far, LargeJump::Accept).map_err(words)?;
    ensure(pruned.dropped == 2, "a person was not believed")?;
    ensure(
        pruned.head.observed_at == far,
        "what a person says is forgotten",
    )?;
    store.prune(far, LargeJump::Refuse).map(drop).map_err(words)
}

fn clock_set_back<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    store.append(&[token("a", 10)], at(5)).map_err(words)?;
    let long_ago = at(-1_000_000_000);
    let pruned = store.prune(long_ago, LargeJump::Refuse).map_err(words)?;
    ensure(pruned.dropped == 0, "something was dropped")?;
    store.append(&[token("b", 10)], long_ago).map_err(words)?;
    let head = store.head().map_err(words)?;
    ensure(head.observed_at == at(5), "the observation went back")?;
    is(&names(store)?, &["a", "b"])
}

fn epochs<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let done = store.append(&every_kind(), at(0)).map_err(words)?.head;
    let next = store.begin_epoch(at(1)).map_err(words)?;
    ensure(
        next.position.epoch > done.position.epoch,
        "it is no new epoch",
    )?;
    ensure(
        next.position.list == done.position.list,
        "it is another list",
    )?;
    ensure(
        done.position.may_become(&next.position),
        "readers would refuse it",
    )?;
    let (_, _, found) = entries(store, None)?;
    ensure(found == every_kind(), "other entries are there")?;
    let (extent, ..) = entries(store, Some(&done.position))?;
    ensure(extent == Extent::Elsewhere, "readers would not notice")
}

/// Writers at once, and entries of each.
const WRITERS: usize = 8;
const EACH: usize = 12;

fn many_writers<S: RevocationStore>(store: &S) -> Result<(), String> {
    store.create(at(0)).map_err(words)?;
    let name = |writer: usize, number: usize| format!("w{writer}-{number}");
    let write = |writer: usize| -> Result<(), String> {
        for number in 0..EACH {
            let name = name(writer, number);
            store.append(&[token(&name, 60)], at(0)).map_err(words)?;
            // Whoever has been told that an entry is there finds it.
            ensure(
                names(store)?.contains(&name),
                "an acknowledged entry is missing",
            )?;
            if number == EACH / 2 {
                store.prune(at(1), LargeJump::Refuse).map_err(words)?;
            }
        }
        Ok(())
    };
    let write = &write;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().map_err(|_| "a writer panicked".to_owned())?)
    })?;
    let expected: BTreeSet<String> = (0..WRITERS)
        .flat_map(|writer| (0..EACH).map(move |number| name(writer, number)))
        .collect();
    ensure(names(store)? == expected, "entries are missing")
}
