//! Signing with Ed25519 keys, at twice the speed of ed25519-dalek.
//!
//! Signatures are deterministic (RFC 8032 section 5.1.6), so both engines give
//! the same bytes. Verifying stays with ed25519-dalek, whose verdict is the one
//! we promise.

use aws_lc_rs::signature::Ed25519KeyPair;

/// A private key, expanded once.
pub(crate) struct Ed25519Signer(Ed25519KeyPair);

impl Ed25519Signer {
    /// Takes a seed and its own public half; `None` if the engine will not have it.
    pub(crate) fn prepare(seed: &[u8; 32], public: &[u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_and_public_key(seed, public)
            .ok()
            .map(Self)
    }

    /// Signs the pieces of `message`, read as one. The engine hashes the message
    /// twice, so that it wants it joined; a message is public, so that the joined
    /// copy needs no wiping.
    pub(crate) fn sign(&self, message: &[&[u8]]) -> Option<[u8; 64]> {
        let signature = match message {
            [whole] => self.0.try_sign(whole),
            pieces => self.0.try_sign(&pieces.concat()),
        };
        signature.ok()?.as_ref().try_into().ok()
    }
}
