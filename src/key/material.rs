//! A key's numbers, neutral between the formats that carry them and the
//! cryptography that uses them: JWK, PEM and PASERK make and take these, and
//! `SigningKey` and `VerifyingKey` are built from these alone, so that every way
//! in passes the same checks.

use crate::secret::SecretBytes;

/// The curves of ECDSA (RFC 7518 section 6.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// What may be published. Nothing is vetted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicMaterial {
    /// The encoded point (RFC 8032 section 5.1.2).
    Ed25519([u8; 32]),
    /// Both coordinates, big-endian, each exactly as long as the field.
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// What must stay secret. Nothing is vetted yet.
pub(crate) enum SecretMaterial {
    /// The seed (RFC 8032 section 5.1.5), and the public half if the source carried one.
    Ed25519 {
        seed: SecretBytes,
        public: Option<[u8; 32]>,
    },
    /// The scalar, big-endian, as long as the order, and the public half if the source carried one.
    Ec {
        curve: Curve,
        scalar: SecretBytes,
        public: Option<(Vec<u8>, Vec<u8>)>,
    },
    /// All the numbers of RFC 8017 section 3.2, big-endian, two primes.
    Rsa(Box<RsaSecret>),
    /// A shared secret: HS256, HS384, HS512, v4.local.
    Symmetric(SecretBytes),
}

/// An RSA private key with its Chinese-remainder numbers.
pub(crate) struct RsaSecret {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) d: SecretBytes,
    pub(crate) p: SecretBytes,
    pub(crate) q: SecretBytes,
    pub(crate) dp: SecretBytes,
    pub(crate) dq: SecretBytes,
    pub(crate) qi: SecretBytes,
}

impl RsaSecret {
    /// A second copy, made aloud.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            n: self.n.clone(),
            e: self.e.clone(),
            d: self.d.duplicate(),
            p: self.p.duplicate(),
            q: self.q.duplicate(),
            dp: self.dp.duplicate(),
            dq: self.dq.duplicate(),
            qi: self.qi.duplicate(),
        }
    }
}
