//! Fingerprints: 64 bits that stand for an entry of the table.

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

/// What a fingerprint stands for. Its number is part of what is hashed, and so of
/// every list ever written: none is changed or used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    /// A token, by its issuer and `jti`.
    Token = 1,
    /// A session, by its issuer and `sid`.
    Session = 2,
}

/// The key of a list's fingerprints: 16 random bytes.
///
/// It stops strangers, who choose user names and sometimes token ids, from choosing
/// fingerprints: without it they cannot aim at one place of the table, nor at
/// another token's entry. It opens nothing. Everyone who holds the list holds the
/// key, so it is no protection against them: who knows it, may choose a token's
/// id, and gets that token withdrawn, can after at most 2^64 ÷ (tokens alive) attempts have
/// a token refused that is not theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FingerprintKey([u8; 16]);

impl FingerprintKey {
    pub(crate) const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A state that has taken in the domain and the issuer, for hashing ids of them.
    ///
    /// What is hashed as a whole, by SipHash-1-3 (1-3, as in the standard library's
    /// tables: no one who lacks the key ever sees a fingerprint), is the domain in one byte,
    /// the issuer's length in seven (little-endian), the issuer, zeros up to a
    /// multiple of eight, and the id: no two triples are the same bytes.
    pub(crate) fn scope(&self, domain: Domain, issuer: &str) -> Scope {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        let head = ((issuer.len() as u64) << 8) | domain as u64;
        hasher.write(&head.to_le_bytes());
        hasher.write(issuer.as_bytes());
        let padding = issuer
            .len()
            .next_multiple_of(8)
            .saturating_sub(issuer.len());
        hasher.write([0; 8].get(..padding).unwrap_or_default());
        Scope(hasher)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// One domain of one issuer.
#[derive(Clone, Copy)]
pub(crate) struct Scope(SipHasher13);

impl Scope {
    /// The fingerprint of an id.
    #[inline]
    pub(crate) fn fingerprint(&self, id: &str) -> u64 {
        let mut hasher = self.0;
        hasher.write(id.as_bytes());
        hasher.finish()
    }
}

/// Most issuers whose scopes are kept ready. Others cost a few nanoseconds more.
const READY: usize = 8;

/// Makes a list's fingerprints, with the scopes of its usual issuers at hand.
#[derive(Clone)]
pub(crate) struct Fingerprints {
    key: FingerprintKey,
    ready: Vec<(Box<str>, [Scope; 2])>,
}

impl Fingerprints {
    pub(crate) const fn new(key: FingerprintKey) -> Self {
        Self {
            key,
            ready: Vec::new(),
        }
    }

    pub(crate) const fn key(&self) -> &FingerprintKey {
        &self.key
    }

    /// Whether there is room for another issuer's scopes, and these are not there.
    pub(crate) fn wants(&self, issuer: &str) -> bool {
        self.ready.len() < READY && self.ready.iter().all(|(ready, _)| **ready != *issuer)
    }

    /// Keeps an issuer's scopes at hand, if they are wanted.
    pub(crate) fn prepare(&mut self, issuer: &str) {
        if !self.wants(issuer) {
            return;
        }
        let scopes = [Domain::Token, Domain::Session].map(|domain| self.key.scope(domain, issuer));
        self.ready.push((issuer.into(), scopes));
    }

    /// The fingerprint of one issuer's id.
    #[inline]
    pub(crate) fn of(&self, domain: Domain, issuer: &str, id: &str) -> u64 {
        let ready = self.ready.iter().find(|(ready, _)| **ready == *issuer);
        match (ready, domain) {
            (Some((_, [token, _])), Domain::Token) => token.fingerprint(id),
            (Some((_, [_, session])), Domain::Session) => session.fingerprint(id),
            (None, _) => self.key.scope(domain, issuer).fingerprint(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: FingerprintKey =
        FingerprintKey::new(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");

    /// SipHash from its paper (Aumasson and Bernstein 2012, section 2), word by word.
    fn siphash<const C: usize, const D: usize>(key: &[u8; 16], message: &[u8]) -> u64 {
        fn round(v: &mut [u64; 4]) {
            v[0] = v[0].wrapping_add(v[1]);
            v[1] = v[1].rotate_left(13) ^ v[0];
            v[0] = v[0].rotate_left(32);
            v[2] = v[2].wrapping_add(v[3]);
            v[3] = v[3].rotate_left(16) ^ v[2];
            v[0] = v[0].wrapping_add(v[3]);
            v[3] = v[3].rotate_left(21) ^ v[0];
            v[2] = v[2].wrapping_add(v[1]);
            v[1] = v[1].rotate_left(17) ^ v[2];
            v[2] = v[2].rotate_left(32);
        }
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        let (k0, k1) = (word(&key[..8]), word(&key[8..]));
        let mut v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        let mut padded = message.to_vec();
        padded.resize(message.len() / 8 * 8 + 7, 0);
        padded.push(message.len() as u8);
        for block in padded.chunks(8) {
            v[3] ^= word(block);
            (0..C).for_each(|_| round(&mut v));
            v[0] ^= word(block);
        }
        v[2] ^= 0xff;
        (0..D).for_each(|_| round(&mut v));
        v[0] ^ v[1] ^ v[2] ^ v[3]
    }

    #[test]
    fn the_reference_of_these_tests_gives_the_published_values() {
        let message: Vec<u8> = (0..15).collect();
        // The paper's appendix A, and the first and second of its authors' vectors.
        assert_eq!(
            siphash::<2, 4>(KEY.bytes(), &message),
            0xa129_ca61_49be_45e5
        );
        assert_eq!(siphash::<2, 4>(KEY.bytes(), &[]), 0x726f_db47_dd0e_0e31);
        assert_eq!(siphash::<2, 4>(KEY.bytes(), &[0]), 0x74f8_39c5_93dc_67fd);
    }

    #[test]
    fn a_fingerprint_is_siphash_1_3_of_domain_issuer_and_id() {
        let mut fingerprints = Fingerprints::new(KEY);
        fingerprints.prepare("https://auth.example");
        for (issuer, id) in [
            ("https://auth.example", "6Zq3dY0w1Tn4cVtF8kq2mA"),
            ("https://auth.example", ""),
            ("", ""),
            ("eightlet", "x"),
            ("another", &"long".repeat(3_000)),
        ] {
            for domain in [Domain::Token, Domain::Session] {
                let mut message = vec![domain as u8];
                message.extend(&(issuer.len() as u64).to_le_bytes()[..7]);
                message.extend(issuer.as_bytes());
                message.resize(message.len().next_multiple_of(8), 0);
                message.extend(id.as_bytes());
                let expected = siphash::<1, 3>(KEY.bytes(), &message);
                assert_eq!(
                    fingerprints.of(domain, issuer, id),
                    expected,
                    "{issuer} {id}"
                );
            }
        }
    }

    /// Lists are kept and sent: a change of these values breaks every one of them.
    #[test]
    fn fingerprints_never_change() {
        let of = |domain, issuer, id| Fingerprints::new(KEY).of(domain, issuer, id);
        assert_eq!(
            of(Domain::Token, "https://auth.example", "token-1"),
            0x124b_060f_d2dd_d8fd
        );
        assert_eq!(
            of(Domain::Session, "https://auth.example", "token-1"),
            0x2c4b_4d00_b5bc_e77b
        );
    }

    #[test]
    fn nothing_moves_between_domain_issuer_and_id() {
        let fingerprints = Fingerprints::new(KEY);
        let mut seen = std::collections::HashSet::new();
        for domain in [Domain::Token, Domain::Session] {
            for (issuer, id) in [
                ("a", "bc"),
                ("ab", "c"),
                ("abc", ""),
                ("", "abc"),
                ("a\0", "bc"),
                ("a", "\0bc"),
                ("a", "\0\0\0\0\0\0\0bc"),
                ("a\0\0\0\0\0\0\0", "bc"),
            ] {
                assert!(
                    seen.insert(fingerprints.of(domain, issuer, id)),
                    "{issuer:?} {id:?}"
                );
            }
        }
    }

    #[test]
    fn the_ninth_issuer_is_as_right_as_the_first() {
        let mut kept = Fingerprints::new(KEY);
        let fresh = Fingerprints::new(KEY);
        for number in 0..20 {
            kept.prepare(&format!("https://{number}.example"));
        }
        assert_eq!(kept.ready.len(), READY);
        for number in 0..20 {
            let issuer = format!("https://{number}.example");
            let of = |all: &Fingerprints| all.of(Domain::Session, &issuer, "s");
            assert_eq!(of(&kept), of(&fresh));
        }
    }
}
