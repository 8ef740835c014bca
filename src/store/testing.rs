//! The suite every store must pass, for people who implement one.

pub use super::revocations::testing::{REVOCATION_RULES, revocation_conformance};

use super::{MaterialAddress, Outcome, Store, StoreError, StoreErrorKind, Version};
use crate::limits::{MAX_MATERIAL_BYTES, MAX_STORE_DOCUMENT_BYTES};
use crate::secret::SecretBytes;

/// One rule: its sentence, and the check that returns what broke it.
type Rule<S> = (&'static str, fn(&S) -> Result<(), String>);

/// Checks every rule on an empty store of its own, and returns how many rules
/// that were.
///
/// ```
/// use tokenwright::store::{MemoryStore, testing};
/// assert_eq!(testing::conformance(MemoryStore::new), Ok(testing::RULES));
/// ```
///
/// # Errors
/// The first rule that is broken, as a sentence, and how.
pub fn conformance<S: Store>(mut empty: impl FnMut() -> S) -> Result<usize, String> {
    let mut kept = 0_usize;
    for (sentence, check) in rules::<S>() {
        check(&empty()).map_err(|broken| format!("{sentence}: {broken}"))?;
        kept = kept.saturating_add(1);
    }
    Ok(kept)
}

/// How many rules [`conformance`] checks.
pub const RULES: usize = 12;

fn rules<S: Store>() -> [Rule<S>; RULES] {
    [
        ("an empty store has nothing", empty_has_nothing),
        ("what was swapped in is what is loaded", document_round_trip),
        (
            "only the expected version is replaced",
            stale_version_conflicts,
        ),
        (
            "equal documents have equal versions",
            version_follows_content,
        ),
        (
            "only one whole JSON object is a document",
            documents_are_objects,
        ),
        ("documents have a longest length", documents_are_bounded),
        ("material is kept byte for byte", material_round_trip),
        (
            "material is never overwritten by another put",
            put_is_exclusive,
        ),
        (
            "material is replaced only where there is some",
            replace_needs_material,
        ),
        (
            "removed material is gone, and may be put again",
            removal_is_final,
        ),
        ("of many writers exactly one wins each version", one_winner),
        (
            "readers see whole documents while writers write",
            readers_see_whole,
        ),
    ]
}

/// A refusal, or the sentence that says there was none.
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

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn words(error: StoreError) -> String {
    error.to_string()
}

fn address(text: &str) -> Result<MaterialAddress, String> {
    MaterialAddress::new(text).map_err(words)
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::from(text.as_bytes().to_vec())
}

fn empty_has_nothing<S: Store>(store: &S) -> Result<(), String> {
    ensure(store.load().map_err(words)?.is_none(), "a document")?;
    ensure(
        store.list_material().map_err(words)?.is_empty(),
        "an address",
    )?;
    let material = store.get_material(&address("absent")?).map_err(words)?;
    ensure(material.is_none(), "material")?;
    store.remove_material(&address("absent")?).map_err(words)
}

fn document_round_trip<S: Store>(store: &S) -> Result<(), String> {
    let mut expected: Option<Version> = None;
    for text in [r#"{"n":1}"#, r#" {"n":2,"é":"}\"{"} "#, "{}"] {
        let version = store
            .compare_and_swap(expected.as_ref(), text.as_bytes())
            .map_err(words)?;
        let loaded = store.load().map_err(words)?.ok_or("nothing was loaded")?;
        ensure(
            loaded.document == text.as_bytes(),
            "other bytes were loaded",
        )?;
        ensure(loaded.version == version, "another version was loaded")?;
        expected = Some(version);
    }
    Ok(())
}

fn stale_version_conflicts<S: Store>(store: &S) -> Result<(), String> {
    let conflict = StoreErrorKind::Conflict;
    let absent = Version::of(b"never stored");
    let early = store.compare_and_swap(Some(&absent), b"{}");
    refused(early, conflict, "a version of an empty store")?;
    ensure(
        store.load().map_err(words)?.is_none(),
        "a refusal has written",
    )?;
    let first = store.compare_and_swap(None, br#"{"n":1}"#).map_err(words)?;
    refused(
        store.compare_and_swap(None, b"{}"),
        conflict,
        "a second creation",
    )?;
    let second = store
        .compare_and_swap(Some(&first), br#"{"n":2}"#)
        .map_err(words)?;
    let late = store.compare_and_swap(Some(&first), b"{}");
    refused(late, conflict, "a version already replaced")?;
    let loaded = store.load().map_err(words)?.ok_or("nothing was loaded")?;
    ensure(loaded.version == second, "a refusal has written")
}

fn version_follows_content<S: Store>(store: &S) -> Result<(), String> {
    let first = store.compare_and_swap(None, br#"{"n":1}"#).map_err(words)?;
    let second = store
        .compare_and_swap(Some(&first), br#"{"n":2}"#)
        .map_err(words)?;
    ensure(first != second, "two contents share a version")?;
    let read = |store: &S| store.load().map_err(words);
    ensure(read(store)? == read(store)?, "two readings differ")
}

fn documents_are_objects<S: Store>(store: &S) -> Result<(), String> {
    let torn: [&[u8]; 6] = [b"", b"{", b"[]", b"{}x", br#"{"a":"}"#, b"null"];
    for text in torn {
        let result = store.compare_and_swap(None, text);
        refused(result, StoreErrorKind::Damaged, "something else")?;
    }
    ensure(
        store.load().map_err(words)?.is_none(),
        "a refusal has written",
    )
}

fn documents_are_bounded<S: Store>(store: &S) -> Result<(), String> {
    let mut text = vec![b' '; MAX_STORE_DOCUMENT_BYTES.saturating_sub(2)];
    text.extend_from_slice(b"{}");
    let version = store.compare_and_swap(None, &text).map_err(words)?;
    text.push(b' ');
    let longer = store.compare_and_swap(Some(&version), &text);
    refused(longer, StoreErrorKind::TooLarge, "one byte more")
}

fn material_round_trip<S: Store>(store: &S) -> Result<(), String> {
    let every_byte = SecretBytes::from((0..=u8::MAX).collect::<Vec<u8>>());
    let longest = SecretBytes::from(vec![0; MAX_MATERIAL_BYTES]);
    let long_name = "z".repeat(128);
    for (name, bytes) in [("b.-_9", &every_byte), (&long_name, &longest)] {
        store.put_material(&address(name)?, bytes).map_err(words)?;
        let found = store.get_material(&address(name)?).map_err(words)?;
        ensure(found.as_ref() == Some(bytes), "other bytes came back")?;
    }
    store
        .put_material(&address("A")?, &secret("a"))
        .map_err(words)?;
    let listed = store.list_material().map_err(words)?;
    let expected = [address("A")?, address("b.-_9")?, address(&long_name)?];
    ensure(listed == expected, "the list is not sorted and complete")?;
    let longer = SecretBytes::from(vec![0; MAX_MATERIAL_BYTES.saturating_add(1)]);
    let name = address("longer")?;
    let refusal = store.put_material(&name, &longer);
    refused(refusal, StoreErrorKind::TooLarge, "one byte more")?;
    let refusal = store.put_material(&name, &secret(""));
    refused(refusal, StoreErrorKind::Damaged, "no byte at all")
}

fn put_is_exclusive<S: Store>(store: &S) -> Result<(), String> {
    let name = address("key")?;
    store.put_material(&name, &secret("one")).map_err(words)?;
    store.put_material(&name, &secret("one")).map_err(words)?;
    let other = store.put_material(&name, &secret("two"));
    refused(other, StoreErrorKind::MaterialDiffers, "another key")?;
    let found = store.get_material(&name).map_err(words)?;
    ensure(found == Some(secret("one")), "the first key is gone")
}

fn replace_needs_material<S: Store>(store: &S) -> Result<(), String> {
    let name = address("key")?;
    let early = store.replace_material(&name, &secret("two"));
    refused(
        early,
        StoreErrorKind::MaterialMissing,
        "a replacement of nothing",
    )?;
    store.put_material(&name, &secret("one")).map_err(words)?;
    store
        .replace_material(&name, &secret("two"))
        .map_err(words)?;
    let found = store.get_material(&name).map_err(words)?;
    ensure(found == Some(secret("two")), "it was not replaced")
}

fn removal_is_final<S: Store>(store: &S) -> Result<(), String> {
    let (name, kept) = (address("key")?, address("kept")?);
    store.put_material(&name, &secret("one")).map_err(words)?;
    store.put_material(&kept, &secret("kept")).map_err(words)?;
    store.remove_material(&name).map_err(words)?;
    store.remove_material(&name).map_err(words)?;
    ensure(
        store.get_material(&name).map_err(words)?.is_none(),
        "still there",
    )?;
    ensure(
        store.list_material().map_err(words)? == [kept],
        "the list is wrong",
    )?;
    store.put_material(&name, &secret("two")).map_err(words)
}

/// Writers of each round, and rounds.
const WRITERS: usize = 16;
const ROUNDS: usize = 8;

fn one_winner<S: Store>(store: &S) -> Result<(), String> {
    let mut expected: Option<Version> = None;
    for round in 0..ROUNDS {
        let wins = race(store, expected.as_ref(), round)?;
        ensure(
            wins.len() == 1,
            &format!("{} winners in round {round}", wins.len()),
        )?;
        let loaded = store.load().map_err(words)?.ok_or("nothing was loaded")?;
        ensure(
            wins.first() == Some(&loaded.version),
            "a loser's document stayed",
        )?;
        expected = Some(loaded.version);
    }
    Ok(())
}

/// The versions that were acknowledged when all writers expected the same one.
fn race<S: Store>(
    store: &S,
    expected: Option<&Version>,
    round: usize,
) -> Result<Vec<Version>, String> {
    let barrier = std::sync::Barrier::new(WRITERS);
    let attempt = |writer: usize| {
        let document = format!(r#"{{"round":{round},"writer":{writer}}}"#);
        barrier.wait();
        store.compare_and_swap(expected, document.as_bytes())
    };
    let attempt = &attempt;
    let results: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || attempt(writer)))
            .collect();
        writers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    let mut wins = Vec::new();
    for result in results {
        match result.map_err(|_| "a writer panicked".to_owned())? {
            Ok(version) => wins.push(version),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(words(error)),
        }
    }
    Ok(wins)
}

fn readers_see_whole<S: Store>(store: &S) -> Result<(), String> {
    let document = |n: usize| format!(r#"{{"n":"{}"}}"#, n.to_string().repeat(2000));
    let mut version = store
        .compare_and_swap(None, document(0).as_bytes())
        .map_err(words)?;
    let known: Vec<Vec<u8>> = (0..30).map(|n| document(n).into_bytes()).collect();
    let finished = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !finished.load(order) {
                let loaded = store.load().map_err(words)?.ok_or("no document at all")?;
                ensure(known.contains(&loaded.document), "a torn document")?;
            }
            Ok(())
        });
        let written = known.iter().skip(1).try_for_each(|next| {
            version = store
                .compare_and_swap(Some(&version), next)
                .map_err(words)?;
            Ok(())
        });
        finished.store(true, order);
        let read = reader.join().map_err(|_| "a reader panicked".to_owned())?;
        written.and(read)
    })
}
