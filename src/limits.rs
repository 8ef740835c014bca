//! Every bound of the crate in one place, each with its reason.
//!
//! Work grows with what a stranger sends, so everything a stranger sends is
//! bounded before anything is allocated or computed for it.

/// Longest token accepted by default, in bytes.
///
/// HTTP servers refuse header lines somewhere between 8 and 16 KiB, so a longer
/// token could not travel as a bearer token anyway. CVE-2025-27144 and
/// CVE-2025-30204 were unbounded work on longer ones.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Longest decoded JOSE header or PASETO footer, in bytes.
///
/// Headers are read before the signature is known, and ours hold three short
/// members; 4 KiB leaves room for an `x5c` certificate that is ignored.
pub const MAX_HEADER_BYTES: usize = 4 * 1024;

/// Deepest nesting of JSON arrays and objects in a token.
///
/// Real claims stay under ten; CVE-2025-53864 was a stack overflow at 1,000s.
pub const MAX_JSON_DEPTH: usize = 64;

/// Most members of JSON objects that may be open at once, counted together.
///
/// Refusing duplicate members compares names pairwise; 256 bounds that at
/// about 30,000 comparisons of short names.
pub const MAX_JSON_MEMBERS: usize = 256;

/// Longest key id, in bytes. Ours are 43 or 51 bytes, other issuers use URLs.
pub const MAX_KEY_ID_BYTES: usize = 512;

/// Longest `typ` that a minter writes, in bytes: a media type has two names of at
/// most 127 characters (RFC 6838 section 4.2).
pub const MAX_TYPE_BYTES: usize = 256;

/// Good signatures after which an Ed25519 key is given a table of multiples
/// ([`KeyTables`](crate::key::KeyTables)).
///
/// Making a table costs what thirty verifications save with it; a key that has verified
/// eight times as many will go on.
pub const BUSY_KEY_SIGNATURES: u32 = 256;

/// Most tables of multiples that are kept by default, of 160 KB each: 2.5 MB.
pub const MAX_KEY_TABLES: usize = 16;

/// Longest JWK, in bytes: a private RSA key of 8192 bits takes 7 KiB.
pub const MAX_JWK_BYTES: usize = 64 * 1024;

/// Longest JWK set, in bytes.
pub const MAX_JWKS_BYTES: usize = 1024 * 1024;

/// Most members of a JWK set; the largest public identity services publish a few dozen.
pub const MAX_JWKS_KEYS: usize = 1024;

/// Longest OpenID discovery document, in bytes: those of large providers take 3 KiB.
pub const MAX_DISCOVERY_BYTES: usize = 256 * 1024;

/// Longest address that keys are fetched from, in bytes: what servers commonly take.
pub const MAX_REMOTE_ADDRESS_BYTES: usize = 2048;

/// Longest PEM or DER document, in bytes.
pub const MAX_PEM_BYTES: usize = 64 * 1024;

/// RSA moduli accepted, in bits (RFC 7518 section 3.3 asks for 2048 or more;
/// verification time grows with the square, so the top is bounded too).
pub const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Longest shared secret, in bytes; longer than a block of SHA-512 adds nothing,
/// but some services hand out longer ones.
pub const MAX_SECRET_BYTES: usize = 4096;

/// Most rounds of PBKDF2 accepted in a locked key, before any work is done
/// (CVE-2022-36083, CVE-2023-50967: the count is the attacker's).
pub const MAX_PBKDF2_ROUNDS: u32 = 3_000_000;

/// Most memory of scrypt accepted in a locked key, in bytes, before any is allocated.
pub const MAX_SCRYPT_BYTES: u64 = 256 * 1024 * 1024;

/// Longest document of a store, in bytes. A keyring of the largest published
/// size, [`MAX_JWKS_KEYS`] keys with their times, stays below 2 MiB.
pub const MAX_STORE_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;

/// Longest key material of one key in a store, in bytes: see [`MAX_PEM_BYTES`] and [`MAX_JWK_BYTES`].
pub const MAX_MATERIAL_BYTES: usize = 64 * 1024;

/// Most memory that scrypt may fill in all while a locked key is opened, in bytes:
/// its lanes multiply the work without needing more memory. A few seconds.
pub const MAX_SCRYPT_WORK_BYTES: u64 = 1024 * 1024 * 1024;

/// Most rounds of PBKDF2 (`p2c`) accepted in a locked JWK: RFC 8725bis section 3.13
/// advises a bound of about this size.
pub const MAX_LOCKED_JWK_ROUNDS: u32 = 1_200_000;

/// Longest cookie that is set, in bytes, with name and attributes: what browsers must
/// keep (RFC 6265 section 6.1). They drop longer ones without a word.
pub const MAX_COOKIE_BYTES: usize = 4096;

/// Most keys of a keyring that are not destroyed yet.
pub const MAX_KEYRING_KEYS: usize = 1024;

/// Clock difference that is forgiven unless told otherwise: hosts that keep time
/// with NTP differ by less than a second, and half a minute covers one that lost it.
pub const DEFAULT_LEEWAY: std::time::Duration = std::time::Duration::from_secs(30);

/// The largest leeway: more would hide a broken clock.
pub const MAX_LEEWAY: std::time::Duration = std::time::Duration::from_secs(600);

/// Longest `Authorization` header, and most bytes of `Cookie` headers together, that
/// are searched for a token. Servers refuse lines between 8 and 16 KiB; this leaves
/// room for those told to take more, and bounds the search where nobody said.
pub const MAX_CREDENTIAL_BYTES: usize = 64 * 1024;

/// Longest DPoP proof, in bytes: one with an RSA key of 8192 bits takes 5 KiB.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;

/// Longest `jti` of a DPoP proof, in bytes; 128 random bits take 22 or 36 characters.
pub const MAX_PROOF_ID_BYTES: usize = 256;

/// Most issuers whose keys are tried for one token, where several use one key id or
/// tokens that name none: an issuer that copies the ids of others costs a verifier
/// at most this many signature checks for each token.
pub const MAX_CANDIDATE_ISSUERS: usize = 8;

/// Most entries of a revocation list in memory, unless it is told a limit of its own:
/// about 1.5 GB. Beyond it adding fails; nothing is ever dropped to make room.
pub const MAX_REVOCATIONS: usize = 100_000_000;

/// Longest status list, in bytes after decompression: 134 million tokens at one bit.
///
/// The list of 100 million that the draft's authors calculate with takes 12 MiB. A
/// ZLIB stream grows up to a thousand times, so a megabyte could ask for a gigabyte.
pub const MAX_STATUS_LIST_BYTES: usize = 16 * 1024 * 1024;

/// Longest head of a signed revocation list, in bytes: some 700 bytes of claims and the
/// longest signature, in base64url.
pub const MAX_LIST_HEAD_BYTES: usize = 16 * 1024;

/// Longest body of a signed revocation list, in bytes: [`MAX_REVOCATIONS`] fingerprints
/// take half of it.
pub const MAX_LIST_BYTES: u64 = 1024 * 1024 * 1024;

/// Longest id of a revocation list, in bytes. Ours have 22 characters.
pub const MAX_LIST_ID_BYTES: usize = 256;

/// Largest number in a signed revocation list: JSON readers that know only floating
/// point agree on whole numbers up to here (RFC 7493 section 2.2).
pub const MAX_LIST_NUMBER: u64 = (1 << 53) - 1;

/// Longest mark of a revocation list, in bytes: a list id, two numbers and a digest.
pub const MAX_MARK_BYTES: usize = 4 * 1024;

/// How many steps a signed revocation list may lead ahead at once: 35 years of a
/// thousand revocations a second. A number near the end of the range would keep every
/// later list out.
pub const MAX_SEQ_JUMP: u64 = 1 << 40;

/// How many epochs a signed revocation list may lead ahead at once: each is a restored copy.
pub const MAX_EPOCH_JUMP: u64 = 1 << 16;

/// Longest reason of a revocation, in bytes: a sentence and a ticket number.
pub const MAX_REVOCATION_REASON_BYTES: usize = 1024;

/// How far a writer's clock may be ahead of the last write before nothing is pruned by
/// it. A week covers the holidays of a list that is rarely used; clocks that have lost
/// their battery or met a wrong time server are years astray.
pub const MAX_CLOCK_JUMP: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// Most entries of a stored revocation list, repeated ones included: ten million
/// must fit, and what is not pruned in time shall stop somewhere.
pub const MAX_STORED_REVOCATIONS: u64 = 20_000_000;

/// Longest file of a revocation list, in bytes: [`MAX_STORED_REVOCATIONS`] of about
/// 100 bytes each, and as much again.
pub const MAX_REVOCATION_FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
