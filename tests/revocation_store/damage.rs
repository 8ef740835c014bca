//! Damaged, cut and foreign files.

use tokenwright::store::{RevocationStore, StoreError, StoreErrorKind, StoreNote};

use crate::{NOW, Scratch, names, token};

/// A list of four records, and where each record begins and the last ends.
fn small_list(scratch: &Scratch) -> (Vec<u8>, Vec<usize>) {
    let store = scratch.store();
    let mut ends = vec![store.create(NOW).unwrap().bytes as usize];
    for name in ["a", "b", "c", "d"] {
        let done = store.append(&[token(name, 60)], NOW).unwrap();
        ends.push(done.head.bytes as usize);
    }
    (std::fs::read(store.path()).unwrap(), ends)
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// Of the header; a record that says that the file's name is durable follows.
const HEADER: usize = 104;

fn read(store: &impl RevocationStore) -> Result<(Vec<String>, u64), StoreError> {
    let mut names = Vec::new();
    let reading = store.read(None, &mut |entry| names.push(entry.name().to_owned()))?;
    Ok((names, reading.unfinished))
}

#[test]
fn a_damaged_byte_anywhere_is_named_or_costs_the_last_record_alone() {
    let scratch = Scratch::new();
    let (whole, ends) = small_list(&scratch);
    let store = scratch.store();
    let mut begins = vec![0, HEADER];
    begins.extend(&ends);
    for offset in 0..whole.len() {
        for flip in [0x01, 0xff] {
            let mut bytes = whole.clone();
            bytes[offset] ^= flip;
            std::fs::write(store.path(), &bytes).unwrap();
            let begin = *begins.iter().rfind(|begin| **begin <= offset).unwrap();
            if begin == ends[3] {
                let torn = (whole.len() - begin) as u64;
                let found = read(&store).unwrap();
                assert_eq!(found, (NAMES[..3].map_names(), torn), "{offset}");
                continue;
            }
            let error = read(&store).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Damaged, "{offset}: {error}");
            let named = format!("at byte {begin},");
            assert!(error.to_string().contains(&named), "{offset}: {error}");
            // Nobody writes behind the damage, and nobody mends it by dropping something.
            let refused = store.append(&[token("e", 60)], NOW).unwrap_err();
            assert_eq!(refused, error, "{offset}");
            assert_eq!(std::fs::read(store.path()).unwrap(), bytes);
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_loses_the_record_that_was_cut_and_says_so() {
    let scratch = Scratch::new();
    let (whole, ends) = small_list(&scratch);
    let path = scratch.store().path();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        // Another process each time: nothing is remembered.
        let store = scratch.store();
        if length < HEADER {
            assert_eq!(store.head().unwrap_err().kind(), StoreErrorKind::Damaged);
            let refused = store.append(&[token("e", 60)], NOW).unwrap_err();
            assert_eq!(refused.kind(), StoreErrorKind::Damaged);
            continue;
        }
        let begin = ends.iter().rfind(|end| **end <= length).unwrap_or(&HEADER);
        let kept = ends.iter().filter(|end| **end <= length).count();
        let kept = &NAMES[..kept.saturating_sub(1)];
        let (found, torn) = read(&store).unwrap();
        assert_eq!((found, torn as usize), (kept.map_names(), length - begin));

        let done = store.append(&[token("e", 60)], NOW).unwrap();
        let mut expected = kept.map_names();
        expected.push("e".to_owned());
        assert_eq!(names(&store), expected, "{length}");
        let cut: Vec<_> = done
            .notes
            .iter()
            .filter(|note| matches!(note, StoreNote::TailCut { .. }))
            .collect();
        assert_eq!(cut.len(), usize::from(length > *begin), "{length}");
        if let [
            StoreNote::TailCut {
                offset,
                bytes,
                kept_in,
                ..
            },
        ] = cut[..]
        {
            assert_eq!(
                (*offset as usize, *bytes as usize),
                (*begin, length - begin)
            );
            assert_eq!(std::fs::read(kept_in).unwrap(), &whole[*begin..length]);
        }
    }
}

trait MapNames {
    fn map_names(&self) -> Vec<String>;
}

impl MapNames for [&str] {
    fn map_names(&self) -> Vec<String> {
        self.iter().map(|name| (*name).to_owned()).collect()
    }
}

#[test]
fn records_exchanged_repeated_or_taken_from_another_list_are_damage() {
    let scratch = Scratch::new();
    let (whole, ends) = small_list(&scratch);
    let other = Scratch::new();
    let (foreign, _) = small_list(&other);
    let store = scratch.store();
    let record = |number: usize| whole[ends[number]..ends[number + 1]].to_vec();
    let [a, b, c, d] = [0, 1, 2, 3].map(record);
    let header = whole[..ends[0]].to_vec();
    let wrong: [Vec<&[u8]>; 5] = [
        vec![&header, &b, &a, &c, &d],
        vec![&header, &a, &a, &b, &c, &d],
        vec![&header, &a, &c, &d],
        vec![&header, &b, &c, &d],
        vec![&header, &a, &foreign[ends[1]..ends[2]], &c, &d],
    ];
    for (number, parts) in wrong.iter().enumerate() {
        std::fs::write(store.path(), parts.concat()).unwrap();
        match read(&store) {
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Damaged, "{number}"),
            // No record begins where one should: then nothing of it is believed.
            Ok((found, unfinished)) => {
                assert!(unfinished > 0 && found.len() < 3, "{number}: {found:?}");
            }
        }
    }
    std::fs::write(store.path(), &whole).unwrap();
    assert_eq!(names(&store), NAMES);
}

/// The text of an entry is a stranger's. If the beginning of a record could stand in
/// it, a torn record would look like damage, and nobody could write any more.
#[test]
fn the_beginning_of_a_record_inside_a_name_is_not_taken_for_one() {
    let scratch = Scratch::new();
    let (whole, ends) = small_list(&scratch);
    let store = scratch.store();
    let planted = String::from_utf8_lossy(&whole[ends[0]..ends[0] + 40]).into_owned();
    let done = store
        .append(&[token(&format!("rec\n{planted}"), 60)], NOW)
        .unwrap();
    let mut bytes = std::fs::read(store.path()).unwrap();
    bytes[ends[4]] ^= 1;
    std::fs::write(store.path(), &bytes).unwrap();
    let (found, unfinished) = read(&scratch.store()).unwrap();
    assert_eq!(found, NAMES);
    assert_eq!(unfinished, done.head.bytes - ends[4] as u64);
}

#[test]
fn a_list_of_a_later_format_and_a_foreign_file_are_refused() {
    let scratch = Scratch::new();
    let (whole, _) = small_list(&scratch);
    let store = scratch.store();
    let refusal = |bytes: &[u8]| {
        std::fs::write(store.path(), bytes).unwrap();
        store.head().unwrap_err()
    };
    for foreign in [&b""[..], b"{}", &[0; 4096], &whole[1..]] {
        assert_eq!(refusal(foreign).kind(), StoreErrorKind::Damaged);
    }
    assert_eq!(
        refusal(b"").to_string(),
        format!(
            "{}: expected the header of a revocation list at byte 0, found an empty file; nothing \
             was changed; put the last backup of this file back",
            store.path().display()
        )
    );
}
