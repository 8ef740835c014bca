//! Revocation lists for other machines: signed snapshots and deltas.
//!
//! This page describes the format exactly enough to read and write it elsewhere.
//!
//! # A document
//!
//! A document is one line of text, a line feed (byte 10), and a binary body. Nothing
//! follows the body. The line, the *head*, is signed and holds the body's length and
//! SHA-256, so the whole document is; its form is that of the signing key:
//!
//! - a JWS in the compact serialization (RFC 7515 section 3.1) with the header `typ`
//!   `tw-revocations+jwt`, or
//! - a PASETO `v4.public` (or `v4.local`) without a type of its own, whose implicit
//!   assertion is the same text, `tw-revocations+jwt`.
//!
//! Readers of tokens expect another `typ` and another assertion, and readers of lists
//! these: neither is ever taken for the other, though one key may sign both. The line is at
//! most 16,384 bytes long.
//!
//! # The head
//!
//! The signed payload is a JSON object with exactly these members (RFC 8259; whole
//! numbers of at most 2^53 − 1 in digits alone; bytes in base64url without padding):
//!
//! | member | value |
//! |---|---|
//! | `format` | `"tokenwright-revocations"` |
//! | `version` | 1. A reader refuses a greater one, and any member it does not know |
//! | `iss` | the issuer that publishes the list |
//! | `list` | the id of the list, 1 to 256 bytes |
//! | `epoch` | one more whenever the list was restored from a copy |
//! | `seq` | the number of this state in its epoch; each change makes it greater |
//! | `digest` | 32 bytes that stand for the state at this number (below) |
//! | `from` | in a delta only: an object of `seq` and `digest`, what the delta extends |
//! | `iat` | when the list was known to be complete, in seconds since 1970 |
//! | `exp` | until when the document may be taken; after `iat` |
//! | `key` | 16 bytes: the key of the fingerprints |
//! | `tokens`, `sessions`, `others` | how many entries of each section the body holds |
//! | `until` | the last second for which any entry is kept; absent without entries |
//! | `bytes`, `sha256` | length and digest of the body |
//!
//! # The body
//!
//! Bits fill bytes from the highest down; numbers have their highest bit first. Three
//! sections follow each other, each begins at a whole byte.
//!
//! **Tokens, sessions.** A token is held as a fingerprint of 64 bits of its issuer and
//! `jti`, a session of its issuer and `sid`: SipHash-1-3 under `key` of one byte (1 for
//! tokens, 2 for sessions), the issuer's length in seven bytes with the lowest first, the issuer,
//! zeros up to a multiple of eight bytes, and the id.
//!
//! A section of *n* fingerprints (`tokens` or `sessions` of the head) is:
//!
//! 1. 16 bits: the number *b* of *ends*, 0 if *n* is 0, otherwise 1 to *n*;
//! 2. *b* times 32 bits: the ends, rising. An end is the second since 1970 up to which
//!    entries are kept; 2^32 − 1 is for ever;
//! 3. *n* times, in rising order of fingerprints: the gap, and the number of the
//!    entry's end in as many bits as *b* − 1 takes (none if *b* is 1). Every end is used;
//! 4. zero bits up to a whole byte.
//!
//! A gap is how many numbers are left out since the last fingerprint (for the first: since
//! zero, so it is the fingerprint itself). With *k* = 64 less the bits that *n* takes, it is written as
//! a Rice code: as many ones as the gap divided by 2^*k*, a zero, and the low *k* bits of the gap.
//! No fingerprint can come twice, and a sum beyond 64 bits is refused.
//!
//! At a million entries this is 5.7 bytes an entry and two bits for its end. A
//! snapshot rounds ends up to four at most: it replaces what a follower holds, so an
//! entry that is kept a little longer than it needs goes with the next snapshot. A
//! delta has its ends to the second.
//!
//! **Others.** Subjects, audiences, issuers and keys are few and stand in full, sorted by
//! kind, issuer and name as bytes, none twice:
//!
//! | | |
//! |---|---|
//! | 1 byte | the kind: 3 subject, 4 audience, 5 issuer, 6 key |
//! | 2 bytes, and as many as they say | the issuer, in UTF-8 |
//! | 2 bytes, and as many as they say | subject, audience or key id; nothing for an issuer |
//! | 8 + 4 bytes, kinds 3 to 5 | tokens issued before this are withdrawn: seconds (signed) and nanoseconds |
//! | 8 bytes | when the entry was made, in seconds (signed) |
//! | 8 bytes | the second up to which it is kept (signed) |
//!
//! # The digest
//!
//! To readers the digest is 32 bytes that the same state of a list always has. It is the
//! SHA-256 of `tokenwright revocations`, a line feed and the key; then, for tokens and for sessions,
//! their number in eight bytes and in rising order each fingerprint in eight and its end, not rounded, in four;
//! then the others as above, sorted as bytes, with zero for when they were made.
//!
//! # What a follower does
//!
//! [`RevocationReplica`] refuses, in this order: a line that is too long or not signed by a
//! trusted key as this type; another issuer's list, another list; one from the future, one past
//! `exp`; a lower (`epoch`, `seq`) than it has ever taken (rollback); leaps of more than 2^40
//! numbers or 2^16 epochs; what it has taken with another `digest` (fork), also where a delta's
//! `from` is what is held with another digest; a delta that does not extend exactly what is
//! held, or has another `key`; more entries or bytes than it takes, before it reads them; a body
//! that is not the signed one, or has a second spelling; a new epoch under another `key`.
//!
//! A snapshot replaces the state whole, a delta adds to it, and a snapshot of a new epoch
//! is added too, since a list that was restored from a copy must not revive what the copy had
//! forgotten; what was held then is kept beside every later snapshot of that epoch until its
//! end. A document that names what is held only renews its date. Entries go when their
//! end has passed by the follower's clock and by `iat`.

mod bits;
mod body;
mod edition;
mod error;
mod head;
mod input;
mod mark;
mod publish;
mod replica;
#[cfg(test)]
mod tests;

pub use edition::RevocationEdition;
pub use error::{DistributionError, DistributionErrorKind};
pub use mark::RevocationMark;
pub use publish::RevocationPublisher;
pub use replica::{Applied, RevocationReplica};
