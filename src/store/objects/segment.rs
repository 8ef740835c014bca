//! Objects with entries: a digest, then each entry's step from the number before it, its
//! length and itself.

use sha2::{Digest as _, Sha256};

use crate::store::revocations::{Fields, put_number};

const MAGIC: &[u8; 8] = b"twentry1";

/// Entries, with numbers that count from the segment's base.
pub(super) type Entries = Vec<(u64, Vec<u8>)>;

pub(super) fn encode(entries: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut before = 0;
    for (number, entry) in entries {
        put_number(&mut body, number.saturating_sub(before));
        put_number(&mut body, u64::try_from(entry.len()).unwrap_or(u64::MAX));
        body.extend_from_slice(entry);
        before = *number;
    }
    [MAGIC.as_slice(), &Sha256::digest(&body), &body].concat()
}

/// `None` if these are not the bytes that were written.
pub(super) fn decode(bytes: &[u8]) -> Option<Entries> {
    let (digest, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    if *digest != <[u8; 32]>::from(Sha256::digest(body)) {
        return None;
    }
    let mut fields = Fields(body);
    let (mut entries, mut number) = (Vec::new(), 0_u64);
    while !fields.0.is_empty() {
        number = number.checked_add(fields.number()?)?;
        let length = usize::try_from(fields.number()?).ok()?;
        let (entry, rest) = fields.0.split_at_checked(length)?;
        fields.0 = rest;
        entries.push((number, entry.to_vec()));
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_no_changed_byte_goes_unnoticed() {
        let entries: Entries = vec![(1, b"a".to_vec()), (5, Vec::new()), (300, vec![7; 200])];
        let bytes = encode(&entries);
        assert_eq!(decode(&bytes), Some(entries));
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(decode(&changed), None, "byte {at}");
            assert_eq!(decode(&bytes[..at]), None, "cut to {at}");
        }
    }
}
