//! ES*, RS* and PS* from aws-lc, and HS* beside them.
//!
//! Keys are prepared once and shared between threads. Messages are hashed piece
//! by piece, so that no buffer joins them. What the engine holds of a private
//! key it wipes itself when the key is dropped (its allocator clears all it
//! frees); the numbers this crate keeps for exporting are wiped by this crate.

mod der;
mod ecdsa;
mod ed25519;
mod hmac;
mod rsa;

pub(crate) use ecdsa::{EcdsaPrivate, EcdsaPublic, generate_scalar};
pub(crate) use ed25519::Ed25519Signer;
pub(crate) use hmac::HmacSecret;
pub(crate) use rsa::{RsaPrivate, RsaPublic, generate_rsa};

/// Whether this build has the engine.
pub(crate) const PRESENT: bool = true;

/// The hash of the pieces of a message, read as one.
fn digest(
    algorithm: &'static aws_lc_rs::digest::Algorithm,
    message: &[&[u8]],
) -> aws_lc_rs::digest::Digest {
    let mut context = aws_lc_rs::digest::Context::new(algorithm);
    for piece in message {
        context.update(piece);
    }
    context.finish()
}

#[cfg(test)]
mod tests {
    use crate::key::testing::HS256;

    #[test]
    fn shared_secret_signs_as_published() {
        let (input, signature) = HS256.parts();
        let secret = HS256.key().shared_secret().expect("secret").duplicate();
        let key = super::HmacSecret::parse(crate::key::Algorithm::Hs256, secret).expect("key");
        let mut out = Vec::new();
        key.sign(&[input], &mut out).expect("sign");
        assert_eq!(out, signature);
    }
}
