//! Signed revocation lists between machines: what travels, and what is refused.

#[path = "revocation_signed/house.rs"]
mod house;

use std::time::Duration;

use house::{House, ISSUER, LIST, NOW, after, facts, is_revoked, session, token};
use tokenwright::distribution::{
    Applied, DistributionErrorKind, RevocationEdition, RevocationMark, RevocationReplica,
};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::{
    Freshness, Revocation, RevocationCheck, RevocationList, RevocationView, RevokedBy, UnixTime,
    Verdict, WhenUnknown,
};

#[test]
fn what_is_withdrawn_here_is_withdrawn_there_and_nothing_else() {
    for algorithm in house::formats() {
        for seed in 0..20 {
            let mut house = House::of(algorithm, 1);
            let mut random = house::Random(seed);
            let count = random.below(400);
            let mut names = Vec::new();
            for _ in 0..count {
                let name = format!("n{}", random.below(10_000));
                let until = after(1 + random.below(5_000_000));
                let before = UnixTime::new(NOW.seconds(), random.below(1_000_000_000) as u32);
                let entry = match random.below(8) {
                    0..3 => Revocation::token(ISSUER, name.clone(), NOW, until),
                    3..5 => Revocation::session(ISSUER, name.clone(), NOW, until),
                    5 => Revocation::subject_before(ISSUER, name.clone(), before, NOW, until),
                    6 => Revocation::audience_before(ISSUER, name.clone(), before, NOW, until),
                    _ => Revocation::key(ISSUER, name.clone(), NOW, until),
                };
                house.add(&entry);
                names.push(name);
            }
            let mut replica = house.replica();
            let applied = replica.apply(house.snapshot().as_slice(), &house.keys(), NOW);
            assert_eq!(
                applied,
                Ok(Applied::Replaced {
                    entries: house.len()
                })
            );
            names.extend((0..200).map(|number| format!("m{number}")));
            let (here, there) = (house.live(), replica.live());
            for name in &names {
                let audience = [name.clone()];
                for issued_at in [
                    after(0),
                    before_now(),
                    UnixTime::new(NOW.seconds(), 500_000_000),
                ] {
                    for facts in facts(name, &audience, issued_at) {
                        assert_eq!(
                            there.check(&facts, NOW),
                            here.check(&facts, NOW),
                            "{seed} {facts:?}"
                        );
                    }
                }
            }
        }
    }
}

fn before_now() -> UnixTime {
    UnixTime::from_seconds(NOW.seconds() - 1)
}

#[test]
fn a_delta_adds_and_extends_and_says_when_each_entry_was_made() {
    let mut house = House::new();
    house.add(&token("a", 100));
    let mut replica = house.replica();
    house.bring(&mut replica, &house.snapshot()).unwrap();
    let from = house.edition();
    house.add(&token("a", 900));
    house.add(&session("s", 900));
    house.add(&Revocation::subject_before(
        ISSUER,
        "alice",
        NOW,
        NOW,
        after(900),
    ));
    let delta = house.delta(&from);
    assert_eq!(
        house.bring(&mut replica, &delta),
        Ok(Applied::Extended { entries: 3 })
    );
    let facts = tokenwright::TokenFacts::new(ISSUER, "k")
        .with_token_id("b")
        .with_subject("alice")
        .with_issued_at(before_now());
    assert_eq!(
        replica.live().check(&facts, NOW),
        Verdict::Revoked {
            by: RevokedBy::Subject,
            since: Some(NOW),
            issued_before: Some(NOW)
        }
    );
    // Extended: it is still there when its first end has passed.
    house.at(after(500));
    let renewal = house.delta(&house.edition());
    assert_eq!(house.bring(&mut replica, &renewal), Ok(Applied::Renewed));
    let from = house.edition();
    house.add(&token("c", 900));
    house.bring(&mut replica, &house.delta(&from)).unwrap();
    assert!(is_revoked(&replica, "a"));
}

#[test]
fn taking_a_document_twice_changes_nothing() {
    let mut house = House::new();
    house.add(&token("a", 900));
    let snapshot = house.snapshot();
    let from = house.edition();
    house.add(&token("b", 900));
    let delta = house.delta(&from);
    let mut replica = house.replica();
    house.bring(&mut replica, &snapshot).unwrap();
    assert_eq!(house.bring(&mut replica, &snapshot), Ok(Applied::Unchanged));
    house.bring(&mut replica, &delta).unwrap();
    let mark = replica.mark().cloned();
    assert_eq!(house.bring(&mut replica, &delta), Ok(Applied::Unchanged));
    assert_eq!(replica.mark().cloned(), mark);
    assert!(is_revoked(&replica, "a") && is_revoked(&replica, "b"));
}

#[test]
fn every_truncation_of_a_document_is_refused_and_named() {
    for algorithm in house::formats() {
        let house = House::small(algorithm, 1);
        for document in house.both_kinds() {
            let head = document.iter().position(|byte| *byte == b'\n').unwrap();
            let mut replica = house.ready_for(&document);
            for length in 0..document.len() {
                let error = house.bring(&mut replica, &document[..length]).unwrap_err();
                let expected = if length <= head {
                    "bad_head"
                } else {
                    "body_mismatch"
                };
                assert_eq!(error.code(), expected, "{length} of {}", document.len());
            }
            house.bring(&mut replica, &document).unwrap();
        }
    }
}

#[test]
fn every_single_changed_bit_is_refused_and_named() {
    for algorithm in house::formats() {
        let house = House::small(algorithm, 1);
        for document in house.both_kinds() {
            let head = document.iter().position(|byte| *byte == b'\n').unwrap();
            let mut replica = house.ready_for(&document);
            let before = replica.mark().cloned();
            for bit in 0..document.len() * 8 {
                let mut changed = document.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let error = house.bring(&mut replica, &changed).unwrap_err();
                let code = error.code();
                if bit / 8 > head {
                    assert_eq!(code, "body_mismatch", "bit {bit}: {error}");
                } else {
                    let named = ["malformed", "bad_signature", "bad_head", "unknown_key"];
                    let of_header = ["alg_mismatch", "typ_mismatch", "unsupported_extension"];
                    let known = named.contains(&code) || of_header.contains(&code);
                    assert!(known, "bit {bit}: {code}: {error}");
                }
                assert_eq!(replica.mark().cloned(), before);
            }
            house.bring(&mut replica, &document).unwrap();
        }
    }
}

#[test]
fn a_body_with_anything_after_it_is_refused() {
    let house = House::small(Algorithm::EdDsa, 1);
    for document in house.both_kinds() {
        for more in [&b"\0"[..], b"\n", b"more"] {
            let longer = [&*document, more].concat();
            let mut replica = house.ready_for(&document);
            let error = house.bring(&mut replica, &longer).unwrap_err();
            assert_eq!(error.code(), "body_mismatch", "{error}");
        }
    }
}

/// A head that only says that nothing has changed vouches for its body all the same.
#[test]
fn a_renewal_with_another_body_is_refused() {
    let mut house = House::small(Algorithm::EdDsa, 1);
    let [snapshot, delta] = house.both_kinds();
    for document in [snapshot, delta] {
        let mut replica = house.ready_for(&document);
        house.bring(&mut replica, &document).unwrap();
        house.at(after(60));
        let renewed = house.snapshot();
        let end = renewed.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let foreign = [&renewed[..end], &[0x55; 4_000]].concat();
        let error = house.bring(&mut replica, &foreign).unwrap_err();
        assert_eq!(error.code(), "body_mismatch", "{error}");
        assert_eq!(house.bring(&mut replica, &renewed), Ok(Applied::Renewed));
        house.at(NOW);
    }
}

#[test]
fn an_older_list_is_refused_also_after_a_restart() {
    let mut house = House::new();
    house.add(&token("a", 900));
    let old = house.snapshot();
    house.add(&token("b", 900));
    let new = house.snapshot();
    let mut replica = house.replica();
    house.bring(&mut replica, &new).unwrap();
    let refused = house.bring(&mut replica, &old).unwrap_err();
    assert_eq!(
        *refused.kind(),
        DistributionErrorKind::RolledBack {
            held: (1, 2),
            found: (1, 1)
        }
    );
    let kept = replica.mark().unwrap().to_json();
    let mark = RevocationMark::from_json(kept.as_bytes()).unwrap();
    let mut restarted = RevocationReplica::resuming(ISSUER, mark);
    let refused = house.bring(&mut restarted, &old).unwrap_err();
    assert_eq!(refused.code(), "rolled_back");
    // A restarted copy knows where it stood and not what it held.
    let from = house.edition();
    let renewal = house.delta(&from);
    let error = house.bring(&mut restarted, &renewal).unwrap_err();
    assert_eq!(error.code(), "snapshot_needed");
    assert!(!is_revoked(&restarted, "b"));
    house.bring(&mut restarted, &new).unwrap();
    assert!(is_revoked(&restarted, "b"));
}

#[test]
fn two_histories_of_one_list_are_an_alarm() {
    let mut one = House::new();
    one.add(&token("common", 900));
    let common = one.edition();
    let mut other = one.branch();
    one.add(&token("a", 900));
    other.add(&token("b", 900));
    let mut replica = one.replica();
    one.bring(&mut replica, &one.snapshot()).unwrap();
    for document in [other.snapshot(), other.delta(&common)] {
        let error = one.bring(&mut replica, &document).unwrap_err();
        assert_eq!(
            *error.kind(),
            DistributionErrorKind::Forked { epoch: 1, seq: 2 }
        );
    }
    // Also by what a later delta says that it extends.
    let forked = other.edition();
    other.add(&token("c", 900));
    let error = one.bring(&mut replica, &other.delta(&forked)).unwrap_err();
    assert_eq!(error.code(), "forked");
    assert!(is_revoked(&replica, "a") && !is_revoked(&replica, "b"));
    // A restarted copy that kept its mark sees it as well.
    let mut restarted = RevocationReplica::resuming(ISSUER, replica.mark().unwrap().clone());
    let mut third = one.empty();
    third.add(&token("y", 900));
    third.add(&token("z", 900));
    let error = one.bring(&mut restarted, &third.snapshot()).unwrap_err();
    assert_eq!(error.code(), "forked");
}

#[test]
fn a_delta_with_a_gap_asks_for_the_snapshot() {
    let mut house = House::new();
    house.add(&token("a", 900));
    let snapshot = house.snapshot();
    house.add(&token("b", 900));
    let missed = house.edition();
    house.add(&token("c", 900));
    let late = house.delta(&missed);
    let mut replica = house.replica();
    let error = house.bring(&mut replica, &late).unwrap_err();
    assert_eq!(
        *error.kind(),
        DistributionErrorKind::SnapshotNeeded {
            from: 2,
            held: None
        }
    );
    house.bring(&mut replica, &snapshot).unwrap();
    let error = house.bring(&mut replica, &late).unwrap_err();
    assert_eq!(
        *error.kind(),
        DistributionErrorKind::SnapshotNeeded {
            from: 2,
            held: Some(1)
        }
    );
    house.bring(&mut replica, &house.snapshot()).unwrap();
    assert!(is_revoked(&replica, "b") && is_revoked(&replica, "c"));
}

#[test]
fn an_old_document_served_for_ever_ages_until_verifiers_refuse() {
    let mut house = House::new();
    house.add(&token("a", 90_000));
    let frozen = house.snapshot();
    let mut replica = house.replica();
    let verifier = house.verifier(
        &replica,
        Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse),
    );
    let good = house.mint("good");
    house.bring(&mut replica, &frozen).unwrap();
    assert!(verifier.verify(house::at(&good, NOW)).is_ok());
    for passed in [30, 60] {
        house
            .bring_at(&mut replica, &frozen, after(passed))
            .unwrap();
        assert!(verifier.verify(house::at(&good, after(passed))).is_ok());
    }
    assert_eq!(
        house.bring_at(&mut replica, &frozen, after(61)),
        Ok(Applied::Unchanged)
    );
    let error = verifier.verify(house::at(&good, after(61))).unwrap_err();
    assert_eq!(error.code(), "revocation_stale");
    // What is known to be withdrawn stays so, however old the list.
    let error = verifier
        .verify(house::at(&house.mint("a"), after(61)))
        .unwrap_err();
    assert_eq!(error.code(), "revoked");
    house.at(after(61));
    house
        .bring_at(&mut replica, &house.snapshot(), after(61))
        .unwrap();
    assert!(verifier.verify(house::at(&good, after(61))).is_ok());
}

#[test]
fn an_expired_list_and_one_from_the_future_are_refused() {
    let mut house = House::new();
    house.add(&token("a", 90_000));
    let document = house.snapshot();
    let code = |seconds: i64| {
        let now = UnixTime::from_seconds(NOW.seconds() + seconds);
        match house.bring_at(&mut house.replica(), &document, now) {
            Ok(_) => "taken",
            Err(error) => error.code(),
        }
    };
    // Valid for 600 seconds, and 30 of leeway either way.
    assert_eq!(code(-31), "from_the_future");
    assert_eq!(code(-30), "taken");
    assert_eq!(code(629), "taken");
    assert_eq!(code(630), "list_expired");
    let mut strict = house.replica().with_leeway(Duration::ZERO);
    let error = house
        .bring_at(&mut strict, &document, after(600))
        .unwrap_err();
    assert_eq!(
        *error.kind(),
        DistributionErrorKind::Expired {
            expired_at: after(600)
        }
    );
}

#[test]
fn another_key_issuer_or_list_is_refused() {
    let house = House::small(Algorithm::EdDsa, 1);
    let document = house.snapshot();
    let stranger = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let error = house
        .replica()
        .apply(document.as_slice(), &stranger.verifying_key(), NOW)
        .unwrap_err();
    assert_eq!(error.code(), "bad_signature");
    let error = house
        .replica()
        .apply(
            document.as_slice(),
            &[
                stranger.verifying_key(),
                SigningKey::generate(Algorithm::EdDsa)
                    .unwrap()
                    .verifying_key(),
            ],
            NOW,
        )
        .unwrap_err();
    assert_eq!(error.code(), "unknown_key");
    let mut replica = RevocationReplica::of_list("https://other.example", LIST);
    assert_eq!(
        house.bring(&mut replica, &document).unwrap_err().code(),
        "wrong_issuer"
    );
    let mut replica = RevocationReplica::of_list(ISSUER, "list-2");
    assert_eq!(
        house.bring(&mut replica, &document).unwrap_err().code(),
        "wrong_list"
    );
    // The first list that comes is the one that is followed.
    let mut replica = RevocationReplica::of_first_list(ISSUER);
    house.bring(&mut replica, &document).unwrap();
    let view = RevocationView::new(RevocationList::for_list("list-2"), NOW);
    let edition = RevocationEdition::new("list-2", 1, 7, view).unwrap();
    let other = house.publisher().snapshot(&house.key, &edition).unwrap();
    assert_eq!(
        house.bring(&mut replica, &other).unwrap_err().code(),
        "wrong_list"
    );
}

#[test]
fn a_number_that_nothing_could_follow_is_refused() {
    let house = House::small(Algorithm::EdDsa, 1);
    let code = |epoch, seq| {
        let view = RevocationView::new(house.list.clone(), NOW);
        let edition = RevocationEdition::new(LIST, epoch, seq, view).unwrap();
        let document = house.publisher().snapshot(&house.key, &edition).unwrap();
        let mut replica = house.replica();
        house.bring(&mut replica, &house.snapshot()).unwrap();
        let first = house.bring(&mut house.replica(), &document);
        let next = house.bring(&mut replica, &document);
        assert_eq!(first.is_ok(), next.is_ok());
        match next {
            Ok(_) => "taken",
            Err(error) => error.code(),
        }
    };
    let most = (1_u64 << 53) - 1;
    assert_eq!(code(1, most), "fast_forward");
    assert_eq!(code(most, 1), "fast_forward");
    assert_eq!(code(2, most), "fast_forward");
    assert_eq!(code(1, 1 << 40), "taken");
    assert_eq!(code(1 << 16, 1), "taken");
    assert!(RevocationMark::new(LIST, 1, u64::MAX, [0; 32]).is_err());
}

#[test]
fn a_restored_list_revives_nothing() {
    let mut house = House::new();
    house.add(&token("old", 900));
    let backup = house.branch();
    house.add(&token("after the backup", 900));
    house.add(&Revocation::key(ISSUER, "stolen", NOW, after(900)));
    let mut replica = house.replica();
    house.bring(&mut replica, &house.snapshot()).unwrap();
    let mut restored = backup.restored();
    restored.add(&token("new", 900));
    // Without a new epoch it is a rollback.
    let refused = house.bring(&mut replica, &backup.snapshot()).unwrap_err();
    assert_eq!(refused.code(), "rolled_back");
    let mut further = restored.branch();
    further.add(&token("newer", 900));
    let error = house.bring(&mut replica, &further.delta(&restored.edition()));
    assert_eq!(error.unwrap_err().code(), "snapshot_needed");
    assert_eq!(
        house.bring(&mut replica, &restored.snapshot()),
        Ok(Applied::Merged { entries: 4 })
    );
    for name in ["old", "after the backup", "new"] {
        assert!(is_revoked(&replica, name), "{name}");
    }
    // The next snapshot of the new epoch lacks them as well, and revives nothing either.
    restored.add(&token("newer", 900));
    assert_eq!(
        house.bring(&mut replica, &restored.snapshot()),
        Ok(Applied::Replaced { entries: 5 })
    );
    assert!(is_revoked(&replica, "after the backup"));
    // Under another key the old entries could not be kept: that must not pass in silence.
    let view = RevocationView::new(RevocationList::new(), NOW);
    let edition = RevocationEdition::new(LIST, 3, 1, view).unwrap();
    let rekeyed = house.publisher().snapshot(&house.key, &edition).unwrap();
    assert_eq!(
        house.bring(&mut replica, &rekeyed).unwrap_err().code(),
        "rekeyed"
    );
    assert!(is_revoked(&replica, "old"));
}

#[test]
fn a_thousand_historical_states_in_any_order_never_lead_back() {
    let mut house = House::new();
    let mut history = vec![(house.edition().mark().clone(), house.snapshot())];
    for number in 0..1_000 {
        let from = house.edition();
        house.add(&token(&format!("t{number}"), 90_000));
        let document = if number % 3 == 0 {
            house.snapshot()
        } else {
            house.delta(&from)
        };
        history.push((house.edition().mark().clone(), document));
    }
    for seed in 0..5 {
        let mut random = house::Random(seed);
        let mut replica = house.replica();
        let (mut newest, mut detected, mut older) = (0, 0, 0);
        for _ in 0..1_000 {
            let place = random.below(history.len() as u64);
            let (mark, document) = &history[place as usize];
            if random.below(50) == 0 {
                // A restart keeps the mark and nothing else.
                if let Some(kept) = replica.mark() {
                    let kept = RevocationMark::from_json(kept.to_json().as_bytes()).unwrap();
                    replica = RevocationReplica::resuming(ISSUER, kept);
                }
            }
            let held_before = replica.mark().map_or(0, RevocationMark::seq);
            let result = house.bring(&mut replica, document);
            let held = replica.mark().map_or(0, RevocationMark::seq);
            assert!(held >= held_before);
            if mark.seq() < held_before {
                older += 1;
                detected += usize::from(result.unwrap_err().code() == "rolled_back");
            } else if result.is_ok() {
                newest = mark.seq();
                let live = replica.live();
                for number in 0..newest {
                    assert!(house::withdraws(&live, &format!("t{number}")));
                }
                assert!(!house::withdraws(&live, &format!("t{newest}")));
            }
        }
        assert!(newest > 900, "{newest}");
        assert_eq!(detected, older);
        assert!(older > 500, "{older}");
    }
}

#[test]
fn no_token_is_taken_for_a_list_and_no_list_for_a_token() {
    for algorithm in house::formats() {
        let house = House::small(algorithm, 1);
        let mut replica = house.replica();
        let token = house.mint("a");
        let as_list = [token.as_bytes(), b"\n"].concat();
        let error = house.bring(&mut replica, &as_list).unwrap_err();
        let expected = if algorithm == Algorithm::EdDsa {
            "typ_mismatch"
        } else {
            "bad_signature"
        };
        assert_eq!(error.code(), expected, "{error}");
        let raw = tokenwright::sign_raw(&house.key, b"{}", b"", b"").unwrap();
        let error = house
            .bring(&mut replica, &[raw.as_bytes(), b"\n"].concat())
            .unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
        let document = house.snapshot();
        let head = document.split(|byte| *byte == b'\n').next().unwrap();
        let head = std::str::from_utf8(head).unwrap();
        house.bring(&mut replica, &document).unwrap();
        let freshness = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
        let verifier = house.verifier(&replica, freshness);
        let error = verifier.verify(house::at(head, NOW)).unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
    }
}

#[test]
fn a_list_may_be_signed_by_a_key_of_its_own() {
    let house = House::small(Algorithm::EdDsa, 1);
    // Whoever holds the key of tokens alone signs no list.
    let forged = House::small(Algorithm::EdDsa, 2).snapshot();
    assert_eq!(
        house
            .bring(&mut house.replica(), &forged)
            .unwrap_err()
            .code(),
        "bad_signature"
    );
}

#[test]
fn a_full_copy_says_so_and_keeps_what_it_holds() {
    let mut house = House::new();
    for number in 0..10 {
        house.add(&token(&format!("t{number}"), 900));
    }
    let mut replica = house.replica().with_limit(10);
    house.bring(&mut replica, &house.snapshot()).unwrap();
    let from = house.edition();
    house.add(&token("t10", 900));
    let error = house.bring(&mut replica, &house.delta(&from)).unwrap_err();
    assert_eq!(error.code(), "list_full");
    let error = house.bring(&mut replica, &house.snapshot()).unwrap_err();
    assert_eq!(error.code(), "list_too_large");
    assert!(is_revoked(&replica, "t0"));
    assert_eq!(replica.mark(), Some(from.mark()));
}

#[test]
fn a_mark_that_cannot_be_read_is_not_taken_for_none() {
    let mark = RevocationMark::new("list \u{1b}", 1, 0, [0; 32]).unwrap();
    let text = mark.to_json();
    assert_eq!(RevocationMark::from_json(text.as_bytes()), Ok(mark));
    for length in 0..text.len() - 1 {
        let error = RevocationMark::from_json(&text.as_bytes()[..length]).unwrap_err();
        assert_eq!(error.code(), "bad_mark", "{length}");
    }
    let refused = [
        text.replace("\"version\":1", "\"version\":2"),
        text.replace("tokenwright-revocation-mark", "other"),
        text.replace("\"seq\":0", "\"seq\":-1"),
        text.replace("\"seq\":0", "\"seq\":0.0"),
        text.replace("\"seq\":0", "\"seq\":9007199254740992"),
        text.replace("\"seq\":0", "\"seq\":0,\"seq\":0"),
        text.replace("\"seq\":0", "\"seq\":0,\"more\":0"),
        text.replace("\"digest\":\"", "\"digest\":\"AAAA"),
        " ".repeat(5_000),
    ];
    for text in refused {
        let error = RevocationMark::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "bad_mark", "{text}");
    }
}

#[test]
fn the_same_state_has_the_same_digest_whatever_the_order_it_came_in() {
    let entries = [token("a", 900), session("a", 900), token("b", 900)];
    let digest = |entries: &[&Revocation<'_>]| {
        let mut house = House::new();
        entries.iter().for_each(|entry| house.add(entry));
        *house.edition().mark().digest()
    };
    let [a, s, b] = &entries;
    assert_eq!(digest(&[a, s, b]), digest(&[b, a, s, a]));
    let key = Revocation::key(ISSUER, "k", NOW, after(900));
    let later = Revocation::key(ISSUER, "k", after(5), after(900)).with_reason("why");
    assert_eq!(digest(&[a, &key]), digest(&[&later, a]));
    let mut seen = std::collections::HashSet::new();
    let longer = token("a", 901);
    let of_token = Revocation::key(ISSUER, "k", NOW, after(901));
    for state in [
        &[][..],
        &[a],
        &[s],
        &[a, s],
        &[&longer],
        &[a, &key],
        &[a, &of_token],
    ] {
        assert!(seen.insert(digest(state)), "{state:?}");
    }
}

#[test]
fn a_publisher_makes_no_delta_between_histories() {
    let house = House::small(Algorithm::EdDsa, 1);
    let publisher = house.publisher();
    let here = house.edition();
    let view = here.view().clone();
    let of =
        |list: &str, epoch, seq| RevocationEdition::new(list, epoch, seq, view.clone()).unwrap();
    for from in [of(LIST, 1, 1_000), of("list-2", 1, 1), of(LIST, 0, 1)] {
        let error = publisher.delta(&house.key, &from, &here).unwrap_err();
        assert_eq!(error.code(), "bad_head");
    }
    // One number, two states.
    let mut other = house.branch();
    other.list.add(&token("more", 900)).unwrap();
    let error = publisher
        .delta(&house.key, &other.edition(), &here)
        .unwrap_err();
    assert_eq!(error.code(), "bad_head");
    let rekeyed = RevocationView::new(RevocationList::new(), NOW);
    let rekeyed = RevocationEdition::new(LIST, 1, 1, rekeyed).unwrap();
    let error = publisher.delta(&house.key, &rekeyed, &here).unwrap_err();
    assert_eq!(error.code(), "rekeyed");
    let long = Revocation::key(ISSUER, "x".repeat(20_000), NOW, after(900));
    let error = publisher.delta_of(&house.key, here.mark(), &here, [long]);
    assert_eq!(error.unwrap_err().code(), "entry_too_long");
}

#[test]
fn a_delta_from_a_kept_mark_is_the_one_from_the_edition() {
    let mut house = House::small(Algorithm::EdDsa, 1);
    let before = house.edition();
    let added = [
        session("s9", 700),
        token("t9", 900),
        token("t1", 950),
        Revocation::key(ISSUER, "other", NOW, after(900)),
        Revocation::subject_before(ISSUER, "alice", after(1), NOW, after(900)),
        token("t9", 800),
    ];
    added.iter().for_each(|entry| house.add(entry));
    let from_mark = house
        .publisher()
        .delta_of(&house.key, before.mark(), &house.edition(), added)
        .unwrap();
    assert_eq!(from_mark, house.delta(&before));
    let mut replica = house.replica();
    let earlier = house.publisher().snapshot(&house.key, &before).unwrap();
    house.bring(&mut replica, &earlier).unwrap();
    let entries = house.len();
    assert_eq!(
        house.bring(&mut replica, &from_mark),
        Ok(Applied::Extended { entries })
    );
}

#[test]
fn pruning_makes_a_new_number_and_an_empty_delta() {
    let mut house = House::small(Algorithm::EdDsa, 1);
    let before = house.edition();
    let mut replica = house.replica();
    house.bring(&mut replica, &house.snapshot()).unwrap();
    house.at(after(150));
    assert_eq!(house.prune(), 2);
    let delta = house.delta(&before);
    assert!(delta.len() < 1_000, "{}", delta.len());
    // What was rounded up stays a little longer here, until a snapshot replaces it.
    let entries = house.len();
    assert_eq!(
        house.bring(&mut replica, &delta),
        Ok(Applied::Extended { entries })
    );
    assert_eq!(
        house.bring(&mut replica, &house.snapshot()),
        Ok(Applied::Unchanged)
    );
}

#[test]
fn a_copy_that_has_seen_no_list_knows_nothing_however_old_a_list_may_be() {
    let house = House::new();
    let good = house.mint("good");
    let verifier = |replica: &RevocationReplica, unknown| {
        house.verifier(replica, Freshness::new(Duration::MAX, unknown))
    };
    let mut replica = house.replica();
    let strict = verifier(&replica, WhenUnknown::Refuse);
    let error = strict.verify(house::at(&good, NOW)).unwrap_err();
    assert_eq!(error.code(), "revocation_unknown");
    let lenient = verifier(&replica, WhenUnknown::Allow);
    assert!(lenient.verify(house::at(&good, NOW)).is_ok());
    house.bring(&mut replica, &house.snapshot()).unwrap();
    assert!(strict.verify(house::at(&good, NOW)).is_ok());
}

/// What nobody could have withdrawn is refused, although another source is down and
/// its silence is allowed.
#[test]
fn a_token_without_an_id_does_not_pass_because_another_source_is_silent() {
    struct Down;
    impl RevocationCheck for Down {
        fn check(&self, _: &tokenwright::TokenFacts<'_>, _: UnixTime) -> Verdict {
            Verdict::Unknown {
                reason: "it is down".to_owned(),
            }
        }
    }
    let house = House::new();
    let unnamed = tokenwright::TokenFacts::new(ISSUER, "k");
    let unidentified = Verdict::Unidentified { claim: "jti" };
    assert_eq!((Down, house.live()).check(&unnamed, NOW), unidentified);
    assert_eq!((house.live(), Down).check(&unnamed, NOW), unidentified);
    let named = unnamed.with_token_id("a");
    let unknown = |verdict| matches!(verdict, Verdict::Unknown { .. });
    assert!(unknown((Down, house.live()).check(&named, NOW)));
    assert!(unknown((house.live(), Down).check(&named, NOW)));
}

#[test]
fn a_clock_that_is_set_back_keeps_no_copy_fresh() {
    let mut house = House::new();
    house.add(&token("a", 90_000));
    let mut replica = house.replica();
    house.bring(&mut replica, &house.snapshot()).unwrap();
    let freshness = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
    let verifier = house.verifier(&replica, freshness);
    let good = house.mint("good");
    let clock = tokenwright::ManualClock::at(NOW);
    replica.age(&clock);
    // An hour passes, and the wall clock stands still.
    clock.pass(Duration::from_secs(60));
    replica.age(&clock);
    assert!(verifier.verify(house::at(&good, NOW)).is_ok());
    clock.pass(Duration::from_secs(3_540));
    replica.age(&clock);
    let error = verifier.verify(house::at(&good, NOW)).unwrap_err();
    assert_eq!(error.code(), "revocation_stale");
    // A newer date makes it fresh again, and the clock is watched from there.
    house.at(after(20));
    house.bring(&mut replica, &house.snapshot()).unwrap();
    replica.age(&clock);
    assert!(verifier.verify(house::at(&good, NOW)).is_ok());
    // A clock that goes as it should changes nothing.
    clock.pass(Duration::from_secs(30));
    clock.set(after(30));
    replica.age(&clock);
    assert_eq!(replica.live().view().as_of(), after(20));
}
