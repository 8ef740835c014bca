//! The hash of PASERK ids.

use orion::hazardous::hash::blake2::blake2b::Blake2b;

/// BLAKE2b of 33 bytes, so that the text of an id needs no padding
/// (paseto-standard/paserk, operation ID).
///
/// pasetors computes ids of vetted keys only and panics on an all-zero seed; an
/// id is a name for any text.
pub(crate) fn paserk_hash(pieces: &[&str]) -> Vec<u8> {
    let digest = Blake2b::new(33).and_then(|mut state| {
        for piece in pieces {
            state.update(piece.as_bytes())?;
        }
        state.finalize()
    });
    // BLAKE2b has digests of 33 bytes, and two short pieces stay below its limit.
    digest.map_or_else(|_| Vec::new(), |digest| digest.as_ref().to_vec())
}
