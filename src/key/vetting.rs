//! What a key must be before it is used at all (RFC 8725 sections 3.4 and 3.5).
//!
//! Here stand the checks on the numbers themselves; that points lie on their
//! curve and that halves belong together is for the engines, which are called
//! right after.

use super::algorithm::Algorithm;
use super::error::{KeyError, KeyErrorKind};
use super::material::{Curve, PublicMaterial, SecretMaterial};
use crate::limits::{MAX_SECRET_BYTES, RSA_MODULUS_BITS};
use crate::secret::SecretBytes;

/// Most bytes of an RSA public exponent. No common tool writes more than three;
/// the time of a verification grows with each (a "huge e" makes it seconds).
const MAX_EXPONENT_BYTES: usize = 4;

/// Whether public numbers are of the algorithm's kind and worth using.
pub(super) fn public_fits(algorithm: Algorithm, material: &PublicMaterial) -> Result<(), KeyError> {
    match material {
        PublicMaterial::Ed25519(_) if is_ed25519(algorithm) => Ok(()),
        PublicMaterial::Ec { curve, x, y } if curve_of(algorithm) == Some(*curve) => {
            exact_length("x coordinate", *curve, x.len())?;
            exact_length("y coordinate", *curve, y.len())
        }
        PublicMaterial::Rsa { n, e } if is_rsa(algorithm) => rsa_public(n, e),
        PublicMaterial::Ed25519(_) => Err(wrong_kind(algorithm, "an Ed25519 key")),
        PublicMaterial::Ec { curve, .. } => Err(wrong_kind(algorithm, ec_kind(*curve))),
        PublicMaterial::Rsa { .. } => Err(wrong_kind(algorithm, "an RSA key")),
    }
}

/// Whether private numbers are of the algorithm's kind and worth using.
pub(super) fn private_fits(
    algorithm: Algorithm,
    material: &SecretMaterial,
) -> Result<(), KeyError> {
    match material {
        SecretMaterial::Ed25519 { .. } if is_ed25519(algorithm) => Ok(()),
        SecretMaterial::Ec {
            curve,
            scalar,
            public,
        } if curve_of(algorithm) == Some(*curve) => {
            exact_length("private scalar", *curve, scalar.len())?;
            if let Some((x, y)) = public {
                exact_length("x coordinate", *curve, x.len())?;
                exact_length("y coordinate", *curve, y.len())?;
            }
            Ok(())
        }
        SecretMaterial::Rsa(numbers) if is_rsa(algorithm) => rsa_public(&numbers.n, &numbers.e),
        SecretMaterial::Symmetric(secret) => secret_fits(algorithm, secret),
        SecretMaterial::Ed25519 { .. } => Err(wrong_kind(algorithm, "an Ed25519 key")),
        SecretMaterial::Ec { curve, .. } => Err(wrong_kind(algorithm, ec_kind(*curve))),
        SecretMaterial::Rsa(_) => Err(wrong_kind(algorithm, "an RSA key")),
    }
}

/// Whether a shared secret is long enough for the algorithm (RFC 7518 section
/// 3.2: at least as long as the hash).
pub(super) fn secret_fits(algorithm: Algorithm, secret: &SecretBytes) -> Result<(), KeyError> {
    if !algorithm.is_symmetric() {
        return Err(wrong_kind(algorithm, "a shared secret"));
    }
    let (least, found) = (least_secret_bytes(algorithm), secret.len());
    if algorithm == Algorithm::V4Local && found != least {
        return Err(KeyError::explained(
            KeyErrorKind::WrongLength,
            format!(
                "a v4.local secret has exactly {least} bytes, found {found}; check that it was copied whole"
            ),
        ));
    }
    if found < least {
        return Err(KeyError::explained(
            KeyErrorKind::SecretTooShort,
            format!(
                "a secret for {algorithm} needs at least {least} bytes, found {found}; generate a random one instead of a password"
            ),
        ));
    }
    if found > MAX_SECRET_BYTES {
        return Err(KeyError::explained(
            KeyErrorKind::SecretTooLong,
            format!(
                "a secret may have at most {MAX_SECRET_BYTES} bytes, found {found}; {least} random bytes are as strong"
            ),
        ));
    }
    Ok(())
}

/// Whether a secret is one byte over and over, such as a buffer nobody filled.
///
/// New keys that look like it are refused. Imported ones are not: a rule about
/// contents would be one more than RFC 7518 has, and published test vectors use
/// a secret of 32 zeros.
pub(super) fn is_placeholder(secret: &[u8]) -> bool {
    let first = secret.first().copied().unwrap_or_default();
    // Every byte is looked at, so that the time tells nothing but the length.
    secret.iter().fold(0, |seen, byte| seen | (byte ^ first)) == 0
}

/// The curve of an ECDSA algorithm (RFC 7518 section 3.4); each has one.
pub(super) const fn curve_of(algorithm: Algorithm) -> Option<Curve> {
    match algorithm {
        Algorithm::Es256 => Some(Curve::P256),
        Algorithm::Es384 => Some(Curve::P384),
        Algorithm::Es512 => Some(Curve::P521),
        Algorithm::EdDsa
        | Algorithm::Ed25519
        | Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512
        | Algorithm::V4Public
        | Algorithm::V4Local => None,
    }
}

/// Whether the algorithm uses RSA keys.
pub(super) const fn is_rsa(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
    )
}

const fn is_ed25519(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::EdDsa | Algorithm::Ed25519 | Algorithm::V4Public
    )
}

/// The least bytes of a shared secret, and how many are generated.
pub(super) const fn least_secret_bytes(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Hs384 => 48,
        Algorithm::Hs512 => 64,
        Algorithm::Hs256
        | Algorithm::V4Local
        | Algorithm::EdDsa
        | Algorithm::Ed25519
        | Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Es512
        | Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::V4Public => 32,
    }
}

/// Bytes of a coordinate and of a scalar of a curve (RFC 7518 section 6.2.1.2).
pub(super) const fn field_bytes(curve: Curve) -> usize {
    match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
        Curve::P521 => 66,
    }
}

fn wrong_kind(algorithm: Algorithm, found: &str) -> KeyError {
    let expected = if is_ed25519(algorithm) {
        "an Ed25519 key"
    } else if is_rsa(algorithm) {
        "an RSA key"
    } else if let Some(curve) = curve_of(algorithm) {
        ec_kind(curve)
    } else {
        "a shared secret"
    };
    KeyError::explained(
        KeyErrorKind::AlgorithmMismatch,
        format!(
            "{algorithm} needs {expected}, found {found}; name the algorithm the key was made for"
        ),
    )
}

const fn ec_kind(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "a P-256 key",
        Curve::P384 => "a P-384 key",
        Curve::P521 => "a P-521 key",
    }
}

/// Lengths are exact: leading zeros are neither dropped nor added.
fn exact_length(what: &str, curve: Curve, found: usize) -> Result<(), KeyError> {
    let expected = field_bytes(curve);
    if found == expected {
        return Ok(());
    }
    Err(KeyError::explained(
        KeyErrorKind::WrongLength,
        format!(
            "the {what} of {} has exactly {expected} bytes, found {found}; leading zeros belong to it",
            ec_kind(curve)
        ),
    ))
}

/// Vets an RSA public key (NIST SP 800-89 section 5.3.3, as far as one can without the primes).
fn rsa_public(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let bad_modulus = |why: String| {
        let why = format!("{why}; generate a new RSA key");
        Err(KeyError::explained(KeyErrorKind::BadModulus, why))
    };
    if n.first().is_none_or(|byte| *byte == 0) {
        return bad_modulus("the RSA modulus is written with leading zeros or is empty".into());
    }
    // Counted exactly: 2041 bits fill 256 bytes just as 2048 do.
    let bits = bit_length(n);
    if !RSA_MODULUS_BITS.contains(&bits) {
        let (least, most) = RSA_MODULUS_BITS.into_inner();
        return bad_modulus(format!(
            "an RSA modulus has {least} to {most} bits, found {bits}"
        ));
    }
    if n.last().is_some_and(|byte| byte % 2 == 0) {
        return bad_modulus("the RSA modulus is even".into());
    }
    if let Some(factor) = (3..752).step_by(2).find(|odd| remainder(n, *odd) == 0) {
        return bad_modulus(format!("the RSA modulus is divisible by {factor}"));
    }
    rsa_exponent(e)?;
    if has_roca_fingerprint(n) {
        return Err(KeyError::explained(
            KeyErrorKind::WeakKey,
            "this RSA modulus was made by a generator whose keys can be factored (ROCA, CVE-2017-15361); generate a new key elsewhere",
        ));
    }
    Ok(())
}

/// The exponent is odd and has 2 to 32 bits (RFC 8017 section 3.1 wants 3 or
/// more). An exponent of 1 signs nothing: every message is its own signature.
/// An exponent of 3 is old, but the engine checks the whole padding, so that it
/// verifies safely.
fn rsa_exponent(e: &[u8]) -> Result<(), KeyError> {
    let why = match e {
        [] | [0, ..] => "is written with leading zeros or is empty",
        [1] => "is 1, so every message is its own signature",
        _ if e.len() > MAX_EXPONENT_BYTES => "has more than 32 bits",
        [.., last] if last % 2 == 0 => "is even",
        _ => return Ok(()),
    };
    Err(KeyError::explained(
        KeyErrorKind::BadExponent,
        format!(
            "the RSA public exponent {why}; an odd one of 3 to 32 bits is expected, such as 65537"
        ),
    ))
}

/// How many bits a big-endian number without leading zero bytes has.
fn bit_length(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros());
    number
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(unused).unwrap_or_default())
}

/// A big-endian number modulo one below 2^32; zero if that is zero.
fn remainder(number: &[u8], modulus: u64) -> u64 {
    let (head, words) = number.as_rchunks::<4>();
    let head = head.iter().fold(0_u64, |value, byte| {
        value.wrapping_shl(8) | u64::from(*byte)
    });
    words
        .iter()
        .map(|word| u64::from(u32::from_be_bytes(*word)))
        .fold(head, |rest, word| {
            // What is left is below 2^32, so that shifting it loses nothing.
            let rest = rest.checked_rem(modulus).unwrap_or_default();
            rest.wrapping_shl(32) | word
        })
        .checked_rem(modulus)
        .unwrap_or_default()
}

/// Whether a modulus carries the fingerprint of the weak generator of
/// CVE-2017-15361 (M. Nemec and others, "The Return of Coppersmith's Attack",
/// CCS 2017, section 3): its primes are powers of 65537 modulo a product of
/// small primes, and so is the modulus. An honest modulus passes all seventeen
/// tests with a probability of about one in 2^27.
fn has_roca_fingerprint(n: &[u8]) -> bool {
    const PRIMES: [u64; 17] = [
        11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ];
    PRIMES
        .into_iter()
        .all(|prime| is_power_of_65537(remainder(n, prime), prime))
}

/// Whether some power of 65537 is `residue` modulo `prime`.
fn is_power_of_65537(residue: u64, prime: u64) -> bool {
    let mut power = 1_u64;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power
            .wrapping_mul(65537)
            .checked_rem(prime)
            .unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::testing::{RFC_7638_MODULUS, ROCA_MODULUS, decoded};

    #[track_caller]
    fn says(result: Result<(), KeyError>, message: &str) {
        assert_eq!(result.expect_err("refusal").to_string(), message);
    }

    fn secret(length: usize) -> SecretBytes {
        SecretBytes::from((0..length).map(|at| at as u8).collect::<Vec<u8>>())
    }

    fn modulus() -> Vec<u8> {
        decoded(RFC_7638_MODULUS)
    }

    #[test]
    fn secrets_are_as_long_as_the_hash_or_longer() {
        for (algorithm, least) in [
            (Algorithm::Hs256, 32),
            (Algorithm::Hs384, 48),
            (Algorithm::Hs512, 64),
        ] {
            for found in [0, 1, 6, least - 1] {
                says(
                    secret_fits(algorithm, &secret(found)),
                    &format!(
                        "secret_too_short: a secret for {algorithm} needs at least {least} bytes, found {found}; generate a random one instead of a password"
                    ),
                );
            }
            assert!(secret_fits(algorithm, &secret(least)).is_ok());
            assert!(secret_fits(algorithm, &secret(MAX_SECRET_BYTES)).is_ok());
        }
        says(
            secret_fits(Algorithm::Hs256, &secret(4097)),
            "secret_too_long: a secret may have at most 4096 bytes, found 4097; 32 random bytes are as strong",
        );
    }

    #[test]
    fn local_secrets_have_exactly_32_bytes() {
        assert!(secret_fits(Algorithm::V4Local, &secret(32)).is_ok());
        for found in [0, 31, 33, 64] {
            says(
                secret_fits(Algorithm::V4Local, &secret(found)),
                &format!(
                    "wrong_length: a v4.local secret has exactly 32 bytes, found {found}; check that it was copied whole"
                ),
            );
        }
    }

    #[test]
    fn placeholders_are_told_from_secrets() {
        assert!(is_placeholder(&[0; 32]) && is_placeholder(&[7; 64]) && is_placeholder(&[]));
        let mut almost = [7; 32];
        almost[31] = 6;
        assert!(!is_placeholder(&almost));
    }

    #[test]
    fn moduli_are_counted_to_the_bit() {
        let mut bits_2041 = modulus();
        bits_2041[0] = 1;
        says(
            rsa_public(&bits_2041, &[1, 0, 1]),
            "bad_modulus: an RSA modulus has 2048 to 8192 bits, found 2041; generate a new RSA key",
        );
        says(
            rsa_public(&modulus()[128..], &[1, 0, 1]),
            "bad_modulus: an RSA modulus has 2048 to 8192 bits, found 1024; generate a new RSA key",
        );
        let bits_8200 = [&[0xff], &modulus()[..], &vec![0xff; 768]].concat();
        says(
            rsa_public(&bits_8200, &[1, 0, 1]),
            "bad_modulus: an RSA modulus has 2048 to 8192 bits, found 8200; generate a new RSA key",
        );
        assert!(rsa_public(&modulus(), &[1, 0, 1]).is_ok());
    }

    #[test]
    fn moduli_no_generator_makes_are_refused() {
        let leading = [&[0], &modulus()[..]].concat();
        let message = "bad_modulus: the RSA modulus is written with leading zeros or is empty; generate a new RSA key";
        says(rsa_public(&leading, &[1, 0, 1]), message);
        says(rsa_public(&[], &[1, 0, 1]), message);
        let mut even = modulus();
        *even.last_mut().expect("bytes") &= 0xfe;
        says(
            rsa_public(&even, &[1, 0, 1]),
            "bad_modulus: the RSA modulus is even; generate a new RSA key",
        );
        // All ones: divisible by 3, since the number of bits is even.
        says(
            rsa_public(&[0xff; 256], &[1, 0, 1]),
            "bad_modulus: the RSA modulus is divisible by 3; generate a new RSA key",
        );
    }

    #[test]
    fn exponents_are_odd_and_have_2_to_32_bits() {
        let expected = "; an odd one of 3 to 32 bits is expected, such as 65537";
        for (e, why) in [
            (&[][..], "is written with leading zeros or is empty"),
            (&[0], "is written with leading zeros or is empty"),
            (&[0, 1, 0, 1], "is written with leading zeros or is empty"),
            (&[1], "is 1, so every message is its own signature"),
            (&[2], "is even"),
            (&[1, 0, 0], "is even"),
            (&[1, 0, 0, 0, 1], "has more than 32 bits"),
            (&[0xff; 256], "has more than 32 bits"),
        ] {
            says(
                rsa_public(&modulus(), e),
                &format!("bad_exponent: the RSA public exponent {why}{expected}"),
            );
        }
        for e in [&[3][..], &[17], &[1, 0, 1], &[0xff; 4]] {
            assert!(rsa_public(&modulus(), e).is_ok());
        }
    }

    #[test]
    fn modulus_of_the_weak_generator_is_refused() {
        says(
            rsa_public(&decoded(ROCA_MODULUS), &[1, 0, 1]),
            "weak_key: this RSA modulus was made by a generator whose keys can be factored (ROCA, CVE-2017-15361); generate a new key elsewhere",
        );
    }

    #[test]
    fn random_moduli_do_not_carry_the_fingerprint() {
        for _ in 0..20_000 {
            let mut modulus = [0; 256];
            getrandom::fill(&mut modulus).expect("random");
            modulus[0] |= 0x80;
            modulus[255] |= 1;
            assert!(!has_roca_fingerprint(&modulus), "{modulus:02x?}");
        }
    }

    #[test]
    fn remainders_and_lengths_are_those_of_the_number() {
        let number = 0x0123_4567_89ab_cdef_u64;
        for modulus in [1, 3, 11, 157, 751, 65537] {
            for start in 0..8 {
                let bytes = &number.to_be_bytes()[start..];
                let value = number & (u64::MAX >> (8 * start));
                assert_eq!(remainder(bytes, modulus), value % modulus);
            }
            assert_eq!(remainder(&[], modulus), 0);
        }
        assert_eq!(bit_length(&[0x01]), 1);
        assert_eq!(bit_length(&[0x80, 0]), 16);
        assert_eq!(bit_length(&[]), 0);
    }

    #[test]
    fn keys_of_another_kind_than_the_algorithm_are_refused() {
        let ec = |curve| PublicMaterial::Ec {
            curve,
            x: vec![1; field_bytes(curve)],
            y: vec![1; field_bytes(curve)],
        };
        let rsa = || PublicMaterial::Rsa {
            n: modulus(),
            e: vec![1, 0, 1],
        };
        for (algorithm, material, expected, found) in [
            (
                Algorithm::Es256,
                ec(Curve::P384),
                "a P-256 key",
                "a P-384 key",
            ),
            (
                Algorithm::Es384,
                ec(Curve::P521),
                "a P-384 key",
                "a P-521 key",
            ),
            (
                Algorithm::Es512,
                ec(Curve::P256),
                "a P-521 key",
                "a P-256 key",
            ),
            (
                Algorithm::Rs256,
                ec(Curve::P256),
                "an RSA key",
                "a P-256 key",
            ),
            (Algorithm::EdDsa, rsa(), "an Ed25519 key", "an RSA key"),
            (Algorithm::V4Public, rsa(), "an Ed25519 key", "an RSA key"),
            (Algorithm::Hs256, rsa(), "a shared secret", "an RSA key"),
            (
                Algorithm::V4Local,
                PublicMaterial::Ed25519([7; 32]),
                "a shared secret",
                "an Ed25519 key",
            ),
        ] {
            says(
                public_fits(algorithm, &material),
                &format!(
                    "algorithm_mismatch: {algorithm} needs {expected}, found {found}; name the algorithm the key was made for"
                ),
            );
        }
        says(
            private_fits(Algorithm::Rs256, &SecretMaterial::Symmetric(secret(64))),
            "algorithm_mismatch: RS256 needs an RSA key, found a shared secret; name the algorithm the key was made for",
        );
        let seed = SecretMaterial::Ed25519 {
            seed: secret(32),
            public: None,
        };
        says(
            private_fits(Algorithm::Hs256, &seed),
            "algorithm_mismatch: HS256 needs a shared secret, found an Ed25519 key; name the algorithm the key was made for",
        );
    }

    #[test]
    fn coordinates_and_scalars_have_the_exact_length() {
        let material = |x, y| PublicMaterial::Ec {
            curve: Curve::P256,
            x: vec![1; x],
            y: vec![1; y],
        };
        for (x, y, name, found) in [(31, 32, "x", 31), (33, 32, "x", 33), (32, 0, "y", 0)] {
            says(
                public_fits(Algorithm::Es256, &material(x, y)),
                &format!(
                    "wrong_length: the {name} coordinate of a P-256 key has exactly 32 bytes, found {found}; leading zeros belong to it"
                ),
            );
        }
        let private = SecretMaterial::Ec {
            curve: Curve::P521,
            scalar: secret(65),
            public: None,
        };
        says(
            private_fits(Algorithm::Es512, &private),
            "wrong_length: the private scalar of a P-521 key has exactly 66 bytes, found 65; leading zeros belong to it",
        );
    }
}
