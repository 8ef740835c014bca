use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::bits::{BitReader, BitWriter};
use super::body::{Ends, Sections, read_body, write_body};
use super::error::Fault;
use super::head::{Base, Head, TYPE};
use super::input::Input;
use super::{Applied, RevocationMark, RevocationReplica};
use crate::key::{Algorithm, SigningKey};
use crate::limits::MAX_LIST_NUMBER;
use crate::revocation::Revocation;
use crate::revocation::table::Entry;
use crate::revocation::testing::scattered;
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa).expect("a key")
}

/// The head of an empty snapshot that a new copy would take.
fn head() -> Head {
    Head {
        issuer: "i".to_owned(),
        issued_at: NOW,
        expires_at: UnixTime::from_seconds(1_760_000_600),
        mark: RevocationMark::new("l", 1, 1, [1; 32]).expect("a mark"),
        from: None,
        key: [2; 16],
        until: None,
        tokens: 0,
        sessions: 0,
        others: 0,
        bytes: EMPTY.len() as u64,
        sha256: Sha256::digest(EMPTY).into(),
    }
}

/// The body without entries.
const EMPTY: &[u8] = &[0; 4];

fn describing(body: &[u8], head: Head) -> Head {
    Head {
        bytes: body.len() as u64,
        sha256: Sha256::digest(body).into(),
        ..head
    }
}

fn outcome(head: &Head, body: &[u8]) -> Result<Applied, String> {
    let key = key();
    let line = head.seal(&key).expect("signed");
    let document = [line.as_bytes(), b"\n", body].concat();
    RevocationReplica::of_list("i", "l")
        .apply(document.as_slice(), &key.verifying_key(), NOW)
        .map_err(|error| format!("{}: {error}", error.code()))
}

fn entries(fingerprints: impl IntoIterator<Item = u64>, until: impl Fn(u64) -> u32) -> Vec<Entry> {
    let sorted: BTreeMap<u64, u32> = fingerprints.into_iter().map(|f| (f, until(f))).collect();
    let entry = |(fingerprint, until)| Entry { fingerprint, until };
    sorted.into_iter().map(entry).collect()
}

fn sections(tokens: Vec<Entry>, sessions: Vec<Entry>) -> Sections {
    Sections {
        tokens,
        sessions,
        others: Vec::new(),
    }
}

fn head_of(sections: &Sections, body: &[u8]) -> Head {
    let [tokens, sessions, others] = sections.counts();
    let counted = Head {
        tokens,
        sessions,
        others,
        until: sections.latest_end(),
        ..head()
    };
    describing(body, counted)
}

fn read(head: &Head, body: &[u8]) -> Result<Sections, Fault> {
    let mut reader = body;
    let mut input = Input::new(&mut reader);
    input.expect(head.bytes);
    read_body(head, &mut input)
}

#[test]
fn numbers_of_any_width_come_back() {
    let mut out = BitWriter::new();
    let mut expected = Vec::new();
    for number in 0..1_000 {
        let width = (scattered(number) % 65) as u32;
        let value =
            scattered(number + 1_000) & 1_u64.checked_shl(width).unwrap_or(0).wrapping_sub(1);
        out.bits(value, width);
        expected.push((value, width));
    }
    let bytes = out.into_bytes();
    let mut reader = bytes.as_slice();
    let mut input = Input::new(&mut reader);
    input.expect(bytes.len() as u64);
    let mut bits = BitReader::new(&mut input);
    for (value, width) in expected {
        assert_eq!(bits.bits(width).expect("a number"), value);
    }
    bits.align().expect("zeros");
    assert_eq!(bits.left(), 0);
    assert!(bits.bits(1).is_err());
}

#[test]
fn fingerprints_come_back_wherever_they_lie() {
    let ends = |fingerprint: u64| 1_760_000_000 + (fingerprint % 7) as u32;
    let cases: Vec<Vec<u64>> = vec![
        vec![],
        vec![0],
        vec![u64::MAX],
        vec![0, 1, 2, u64::MAX - 1, u64::MAX],
        (0..1_000).collect(),
        (0..1_000).map(|low| u64::MAX - low).collect(),
        (0..64).map(|bit| 1 << bit).collect(),
        (0..3_000).map(scattered).collect(),
    ];
    for fingerprints in cases {
        let tokens = entries(fingerprints.iter().copied(), ends);
        let sessions = entries(fingerprints.iter().map(|f| f ^ 0x5555), |_| u32::MAX);
        let whole = sections(tokens.clone(), sessions.clone());
        let body =
            write_body(sections(tokens.clone(), sessions.clone()), Ends::Exact).expect("a body");
        let back = read(&head_of(&whole, &body), &body).expect("readable");
        assert_eq!((back.tokens, back.sessions), (tokens, sessions));
    }
}

#[test]
fn rounded_ends_are_never_earlier_and_few() {
    let ends = |fingerprint: u64| match fingerprint % 10 {
        0 => u32::MAX,
        1 => 1_760_000_000 + (fingerprint % 5_000_000) as u32,
        _ => 1_760_000_000 + (fingerprint % 900) as u32,
    };
    let exact = entries((0..5_000).map(scattered), ends);
    let body = write_body(sections(exact.clone(), vec![]), Ends::Rounded(4)).expect("a body");
    // Nothing finite is rounded to for ever, so the last end is the same.
    let back = read(&head_of(&sections(exact.clone(), vec![]), &body), &body).expect("readable");
    let mut different = std::collections::BTreeSet::new();
    for (exact, rounded) in exact.iter().zip(&back.tokens) {
        assert_eq!(exact.fingerprint, rounded.fingerprint);
        assert!(exact.until <= rounded.until);
        assert_eq!(exact.until == u32::MAX, rounded.until == u32::MAX);
        different.insert(rounded.until);
    }
    assert_eq!((exact.len(), different.len()), (back.tokens.len(), 4));
    // Most tokens live for a quarter of an hour and are not kept for months.
    let soon = back
        .tokens
        .iter()
        .filter(|entry| entry.until < 1_760_001_000);
    assert!(soon.count() > 3_000);
}

/// A body that is accepted is the one that writing what it says gives.
#[test]
fn no_body_has_a_second_spelling() {
    let ends = |fingerprint: u64| 1_760_000_000 + (fingerprint % 3) as u32;
    let whole = || Sections {
        others: vec![
            Revocation::subject_before("i", "alice", UnixTime::new(5, 7), NOW, NOW).into_owned(),
            Revocation::issuer_before("i", NOW, NOW, NOW).into_owned(),
            Revocation::key("i", "k", NOW, NOW).into_owned(),
        ],
        ..sections(entries((0..5).map(scattered), ends), entries([7], ends))
    };
    let body = write_body(whole(), Ends::Exact).expect("a body");
    let (mut taken, mut refused) = (0, 0);
    let mut judge = |changed: &[u8]| {
        // The last end is in the head too; a list that ends elsewhere is another list.
        let ends = (0..=2_u64).map(|more| 1_760_000_000 + more);
        let ends = ends.chain([u64::from(u32::MAX)]).map(Some);
        let accepted = ends.into_iter().find_map(|until| {
            let head = describing(changed, head_of(&whole(), &body));
            read(&Head { until, ..head }, changed).ok()
        });
        match accepted {
            Some(sections) => {
                taken += 1;
                let again = write_body(sections, Ends::Exact).expect("a body");
                assert_eq!(again, changed);
            }
            None => refused += 1,
        }
    };
    judge(&body);
    for bit in 0..body.len() * 8 {
        let mut changed = body.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        judge(&changed);
    }
    for seed in 0..3_000 {
        let mut changed = body.clone();
        for step in 0..1 + seed % 4 {
            let place = scattered(seed * 8 + step) as usize % changed.len();
            changed[place] = scattered(seed * 8 + step + 4) as u8;
        }
        judge(&changed);
        changed.truncate(scattered(seed) as usize % body.len());
        judge(&changed);
    }
    assert!(taken > 100 && refused > 1_000, "{taken} {refused}");
}

#[test]
fn sizes_that_the_body_cannot_hold_are_refused_before_anything_is_decoded() {
    let most = MAX_LIST_NUMBER;
    for (tokens, sessions, others) in [(most, 0, 0), (0, most, 0), (0, 0, most), (most, most, most)]
    {
        let bomb = Head {
            tokens,
            sessions,
            others,
            ..head()
        };
        let error = outcome(&bomb, EMPTY).unwrap_err();
        assert!(error.starts_with("list_too_large"), "{error}");
    }
    let error = outcome(
        &Head {
            bytes: most,
            ..head()
        },
        EMPTY,
    )
    .unwrap_err();
    assert!(error.starts_with("list_too_large"), "{error}");
    // Within the limit, and still more than these bytes can say.
    for (body, tokens, others) in [
        (vec![0; 4], 100_000_000, 0),
        ([vec![0, 1], vec![0; 100]].concat(), 100_000_000, 0),
        (vec![0; 100], 0, 100_000_000),
    ] {
        let bomb = Head {
            tokens,
            others,
            ..describing(&body, head())
        };
        let error = outcome(&bomb, &body).unwrap_err();
        assert!(error.starts_with("bad_body"), "{error}");
    }
}

#[test]
fn a_run_of_ones_without_end_is_refused_early() {
    let body = [vec![0, 1, 0, 0, 0, 9], vec![0xff; 1 << 20], vec![0, 0]].concat();
    let error = outcome(
        &Head {
            tokens: 1,
            ..describing(&body, head())
        },
        &body,
    )
    .unwrap_err();
    assert_eq!(
        error,
        "bad_body: the body of the revocation list was signed and cannot be read: a gap leads beyond 64 bits"
    );
}

#[test]
fn every_irregular_body_is_named() {
    let fixed = |entry: &[u8]| [EMPTY, entry].concat();
    let name = |text: &[u8]| [&(text.len() as u16).to_be_bytes(), text].concat();
    let key_entry = |issuer: &[u8], id: &[u8]| {
        let zeros = vec![0; 16];
        [vec![6], name(issuer), name(id), zeros].concat()
    };
    let says = |tokens, others, body: &[u8]| {
        let until = (others > 0).then_some(0);
        let head = Head {
            tokens,
            others,
            until,
            ..describing(body, head())
        };
        outcome(&head, body).map_err(|error| error.rsplit_once(": ").unwrap().1.to_owned())
    };
    assert!(says(0, 0, EMPTY).is_ok());
    assert!(says(0, 1, &fixed(&key_entry(b"i", b"k"))).is_ok());
    let wrong = |tokens, others, body: &[u8]| says(tokens, others, body).unwrap_err();
    assert_eq!(wrong(0, 0, &[0; 5]), "more follows the last entry");
    assert_eq!(wrong(0, 0, &[0; 3]), "a number is cut short");
    assert_eq!(
        wrong(1, 0, &[0; 40]),
        "there are more ends than fingerprints, or none"
    );
    assert_eq!(
        wrong(0, 0, &[0, 1, 0, 0, 0, 0, 0, 0]),
        "there are more ends than fingerprints, or none"
    );
    let two_ends =
        |first: u8, second: u8| [&[0, 2, 0, 0, 0, first, 0, 0, 0, second][..], &[0; 40]].concat();
    assert_eq!(wrong(2, 0, &two_ends(1, 1)), "the ends are not in order");
    assert_eq!(wrong(2, 0, &two_ends(2, 1)), "the ends are not in order");
    assert_eq!(
        wrong(3, 0, &two_ends(1, 2)),
        "an end is listed that nothing has"
    );
    let unknown = fixed(&[&[1][..], &key_entry(b"i", b"k")[1..]].concat());
    assert_eq!(wrong(0, 1, &unknown), "an entry is of no known kind");
    let twice = fixed(&key_entry(b"i", b"k").repeat(2));
    assert_eq!(wrong(0, 2, &twice), "the entries are not in order");
    let whole = fixed(&[&[5][..], &key_entry(b"i", b"k")[1..], &[0; 12]].concat());
    assert_eq!(
        wrong(0, 1, &whole),
        "an entry for a whole issuer has a name"
    );
    assert_eq!(
        wrong(0, 1, &fixed(&key_entry(b"i", b"\xff"))),
        "a name is not UTF-8"
    );
    let late = [
        vec![3],
        name(b"i"),
        name(b"s"),
        vec![0; 8],
        vec![0xff; 4],
        vec![0; 16],
    ]
    .concat();
    assert_eq!(
        wrong(0, 1, &fixed(&late)),
        "an instant has more than a second of fraction"
    );
    assert_eq!(
        wrong(0, 2, &fixed(&key_entry(b"i", b"k"))),
        "there are fewer bytes than entries need"
    );
    let long = fixed(&[vec![6, 0xff, 0xff], vec![0; 70_000]].concat());
    assert_eq!(wrong(0, 1, &long), "a name is too long");
    let early = Head {
        until: Some(1),
        ..describing(EMPTY, head())
    };
    assert!(
        outcome(&early, EMPTY)
            .unwrap_err()
            .ends_with("its last end is not the one in the head")
    );
    // Two fingerprints take 126 bits, so two are left of the last byte.
    let pair = sections(entries([5, 7], |_| 9), vec![]);
    let mut padded =
        write_body(sections(pair.tokens.clone(), vec![]), Ends::Exact).expect("a body");
    assert_eq!(padded.len(), 2 + 4 + 16 + 2);
    assert!(read(&head_of(&pair, &padded), &padded).is_ok());
    padded[21] |= 1;
    let fault = read(&head_of(&pair, &padded), &padded).err();
    assert!(
        matches!(fault, Some(Fault::Broken("a padding bit is set"))),
        "{fault:?}"
    );
}

#[test]
fn a_head_has_exactly_its_members() {
    let key = key();
    let json = |head: &Head| {
        let line = head.seal(&key).expect("signed");
        let payload = line.split('.').nth(1).expect("a payload").to_owned();
        let bytes = crate::encoding::base64url::decode(payload.as_bytes()).expect("base64url");
        String::from_utf8(bytes).expect("text")
    };
    let from = Some(Base {
        seq: 1,
        digest: [3; 32],
    });
    let delta = Head {
        from,
        until: Some(5),
        mark: RevocationMark::new("l", 1, 2, [1; 32]).unwrap(),
        ..head()
    };
    let good = json(&delta);
    let open = |payload: &str| {
        let line = key.seal_document(TYPE, payload.as_bytes()).expect("signed");
        Head::open(&line, &key.verifying_key(), NOW).map_err(|error| error.to_string())
    };
    let read = open(&good).expect("a head");
    assert_eq!(json(&read), good);
    let value: serde_json::Value = serde_json::from_str(&good).unwrap();
    let members = value.as_object().unwrap();
    assert_eq!(members.len(), 17);
    for name in members.keys() {
        let mut fewer = members.clone();
        fewer.remove(name);
        let result = open(&serde_json::to_string(&fewer).unwrap());
        let optional = ["from", "until"].contains(&name.as_str());
        assert_eq!(result.is_ok(), optional, "{name}");
        for wrong in [
            "null",
            "true",
            "[]",
            "{}",
            "-1",
            "1.5",
            "1e3",
            "9007199254740992",
            "\"\"",
            "\"A\"",
        ] {
            let mut other = members.clone();
            other.insert(name.clone(), serde_json::from_str(wrong).unwrap());
            // An empty issuer is an issuer, and `A` is one or a list.
            let text = ["iss", "list"].contains(&name.as_str()) && wrong.starts_with('"');
            let result = open(&serde_json::to_string(&other).unwrap());
            assert!(
                result.is_err() || (text && wrong != "\"\"") || name == "iss" && text,
                "{name} {wrong}"
            );
        }
    }
    let says = |from: &str, to: &str| open(&good.replace(from, to)).unwrap_err();
    assert!(says("\"seq\":2", "\"seq\":2,\"more\":1").ends_with("a member \"more\" is not known"));
    assert!(
        says("\"seq\":1", "\"seq\":1,\"more\":1")
            .ends_with("a member \"more\" of from is not known")
    );
    assert!(
        says("\"seq\":2", "\"seq\":2,\"seq\":2").contains("twice"),
        "{}",
        says("\"seq\":2", "\"seq\":2,\"seq\":2")
    );
    // A newer format is called that, whatever else it has.
    assert!(says("\"version\":1", "\"version\":2,\"more\":1").contains("update this program"));
    assert!(says("1760000600", "1760000000").ends_with("it ends before it begins"));
    assert!(says("\"seq\":1,", "\"seq\":3,").ends_with("it ends before it begins"));
}

#[test]
fn a_million_fingerprints_take_less_than_six_bytes_each() {
    let count = 1_000_000;
    let mut all: Vec<Entry> = (0..count)
        .map(|number| Entry {
            fingerprint: scattered(number),
            until: (number % 2_592_000) as u32,
        })
        .collect();
    all.sort();
    let snapshot = write_body(sections(all.clone(), vec![]), Ends::Rounded(4)).unwrap();
    // And the head, which is below a kilobyte.
    assert!(
        snapshot.len() as u64 + 1_000 < 6 * count,
        "{}",
        snapshot.len()
    );
    for some in [1_000, 100, 10] {
        let few: Vec<Entry> = all.iter().step_by(1_000_000 / some).copied().collect();
        let delta = write_body(sections(few.clone(), vec![]), Ends::Exact).unwrap();
        assert!(delta.len() <= 14 * few.len() + 4, "{some}: {}", delta.len());
    }
}
