//! Base64url without padding (RFC 4648 section 5, RFC 7515 section 2), strictly.
//!
//! Every byte string has exactly one text. Anything else is refused: characters
//! outside the alphabet, padding, white space, an impossible length, and trailing
//! bits that are not zero (RFC 4648 section 3.5).

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// Why a text is not base64url. Holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Base64Error {
    /// No byte string has a text of this length.
    Length,
    /// The byte at this position is not a letter, a digit, `-` or `_`.
    Alphabet {
        /// Where it stands, in bytes from the start.
        position: usize,
    },
    /// The last character carries bits that belong to no byte.
    TrailingBits,
    /// The caller's buffer is shorter than the bytes.
    TooLong,
}

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("not base64url: impossible length"),
            Self::Alphabet { position } => {
                write!(f, "not base64url: foreign character at byte {position}")
            }
            Self::TrailingBits => f.write_str("not base64url: trailing bits are not zero"),
            Self::TooLong => f.write_str("base64url text is longer than accepted"),
        }
    }
}

impl std::error::Error for Base64Error {}

/// How many bytes a text of this many characters holds; `None` where no text has that length.
pub(crate) const fn decoded_len(text_len: usize) -> Option<usize> {
    let whole = (text_len / 4).saturating_mul(3);
    match text_len % 4 {
        0 => Some(whole),
        2 => Some(whole.saturating_add(1)),
        3 => Some(whole.saturating_add(2)),
        _ => None,
    }
}

/// How many characters this many bytes take.
pub(crate) const fn encoded_len(byte_len: usize) -> usize {
    let tail = match byte_len % 3 {
        0 => 0,
        1 => 2,
        _ => 3,
    };
    (byte_len / 3).saturating_mul(4).saturating_add(tail)
}

/// Decodes into the caller's buffer and returns the part that was written.
/// After an error the buffer holds nothing of meaning.
///
/// # Errors
/// Every text that is not canonical, and a buffer shorter than [`decoded_len`].
pub(crate) fn decode_into<'o>(text: &[u8], out: &'o mut [u8]) -> Result<&'o mut [u8], Base64Error> {
    decode_with(text, out, |byte| {
        VALUES.get(usize::from(byte)).copied().unwrap_or(FOREIGN)
    })
}

/// Decodes into a new vector.
///
/// # Errors
/// Every text that is not canonical.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let mut bytes = vec![0; decoded_len(text.len()).ok_or(Base64Error::Length)?];
    decode_into(text, &mut bytes)?;
    Ok(bytes)
}

/// Decodes a secret: no table is looked up and no branch taken by its value, so
/// that neither the cache nor the clock tells about it.
///
/// # Errors
/// Every text that is not canonical.
pub(crate) fn decode_secret(text: &[u8]) -> Result<SecretBytes, Base64Error> {
    let length = decoded_len(text.len()).ok_or(Base64Error::Length)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    decode_with(text, &mut bytes, value_of)?;
    Ok(SecretBytes::from(bytes))
}

/// The text of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    encode_to(bytes, &mut text);
    text
}

/// Appends the text of these bytes. No table is looked up, so secrets may pass.
pub(crate) fn encode_to(bytes: &[u8], out: &mut String) {
    out.reserve(encoded_len(bytes.len()));
    let mut block = [0; 64];
    for piece in bytes.chunks(48) {
        let mut groups = piece.chunks_exact(3);
        let mut places = block.chunks_exact_mut(4);
        for (group, place) in groups.by_ref().zip(places.by_ref()) {
            if let ([a, b, c], [w, x, y, z]) = (group, place) {
                *w = character_of(a >> 2);
                *x = character_of((a & 0x03) << 4 | b >> 4);
                *y = character_of((b & 0x0f) << 2 | c >> 6);
                *z = character_of(c & 0x3f);
            }
        }
        match (groups.remainder(), places.next()) {
            ([a], Some([w, x, ..])) => {
                *w = character_of(a >> 2);
                *x = character_of((a & 0x03) << 4);
            }
            ([a, b], Some([w, x, y, _])) => {
                *w = character_of(a >> 2);
                *x = character_of((a & 0x03) << 4 | b >> 4);
                *y = character_of((b & 0x0f) << 2);
            }
            _ => {}
        }
        let written = block.get(..encoded_len(piece.len())).unwrap_or_default();
        // Always text: the alphabet is ASCII.
        out.push_str(std::str::from_utf8(written).unwrap_or_default());
    }
}

/// The value of a byte outside the alphabet: a bit that no sextet has.
const FOREIGN: u8 = 0x80;

/// The value of every byte, for texts that are public.
const VALUES: [u8; 256] = {
    let mut table = [FOREIGN; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0_u8;
    while let [first, others @ ..] = rest {
        *first = value_of(byte);
        byte = byte.wrapping_add(1);
        rest = others;
    }
    table
};

/// The six bits that a character stands for, or [`FOREIGN`]: arithmetic only.
const fn value_of(byte: u8) -> u8 {
    let value = within(byte, b'A', b'Z') & byte.wrapping_sub(b'A')
        | within(byte, b'a', b'z') & byte.wrapping_sub(b'a').wrapping_add(26)
        | within(byte, b'0', b'9') & byte.wrapping_sub(b'0').wrapping_add(52)
        | within(byte, b'-', b'-') & 62
        | within(byte, b'_', b'_') & 63;
    let known = within(byte, b'A', b'Z')
        | within(byte, b'a', b'z')
        | within(byte, b'0', b'9')
        | within(byte, b'-', b'-')
        | within(byte, b'_', b'_');
    value | !known & FOREIGN
}

/// All ones when `low <= byte <= high`, else zero, without a branch: both
/// differences are negative exactly then, and the sign is spread over the byte.
const fn within(byte: u8, low: u8, high: u8) -> u8 {
    let below = (low as i16).wrapping_sub(1).wrapping_sub(byte as i16);
    let above = (byte as i16).wrapping_sub(high as i16).wrapping_sub(1);
    ((below & above) >> 8) as u8
}

/// The character of a value below 64: each range shifts the distance to the letter.
const fn character_of(value: u8) -> u8 {
    value
        .wrapping_add(b'A')
        .wrapping_add(within(value, 26, 63) & 6)
        .wrapping_sub(within(value, 52, 63) & 75)
        .wrapping_sub(within(value, 62, 63) & 13)
        .wrapping_add(within(value, 63, 63) & 49)
}

fn decode_with<'o>(
    text: &[u8],
    out: &'o mut [u8],
    value: impl Fn(u8) -> u8,
) -> Result<&'o mut [u8], Base64Error> {
    let length = decoded_len(text.len()).ok_or(Base64Error::Length)?;
    let out = out.get_mut(..length).ok_or(Base64Error::TooLong)?;
    let (groups, tail) = text.as_chunks::<4>();
    let (places, last) = out.as_chunks_mut::<3>();
    // All characters are read before any is judged: one branch for the whole text.
    let mut seen = 0;
    for (group, place) in groups.iter().zip(places) {
        let [a, b, c, d] = group.map(&value);
        seen |= a | b | c | d;
        *place = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    let mut spare = 0;
    match (tail, last) {
        ([a, b], [first]) => {
            let (a, b) = (value(*a), value(*b));
            seen |= a | b;
            spare = b & 0x0f;
            *first = a << 2 | b >> 4;
        }
        ([a, b, c], [first, second]) => {
            let (a, b, c) = (value(*a), value(*b), value(*c));
            seen |= a | b | c;
            spare = c & 0x03;
            *first = a << 2 | b >> 4;
            *second = b << 4 | c >> 2;
        }
        _ => {}
    }
    if seen & FOREIGN != 0 {
        return Err(foreign(text));
    }
    if spare != 0 {
        return Err(Base64Error::TrailingBits);
    }
    Ok(out)
}

#[cold]
fn foreign(text: &[u8]) -> Base64Error {
    let position = text.iter().position(|byte| value_of(*byte) == FOREIGN);
    Base64Error::Alphabet {
        position: position.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// The definition, bit by bit: slow, and sharing no code with the decoder.
    fn by_definition(text: &[u8]) -> Option<Vec<u8>> {
        let mut bits = Vec::new();
        for byte in text {
            let value = ALPHABET.iter().position(|letter| letter == byte)?;
            bits.extend((0..6).rev().map(|bit| value >> bit & 1));
        }
        let whole = bits.len() / 8 * 8;
        if text.len() % 4 == 1 || bits[whole..].contains(&1) {
            return None;
        }
        let byte = |bits: &[usize]| bits.iter().fold(0, |byte, bit| byte << 1 | *bit) as u8;
        Some(bits[..whole].chunks(8).map(byte).collect())
    }

    #[track_caller]
    fn agrees(text: &[u8]) {
        let expected = by_definition(text);
        let shown = String::from_utf8_lossy(text);
        assert_eq!(decode(text).ok(), expected, "{shown:?}");
        let secret = decode_secret(text).ok();
        assert_eq!(
            secret.as_ref().map(SecretBytes::expose),
            expected.as_deref()
        );
        assert_eq!(decode(text).err(), decode_secret(text).err(), "{shown:?}");
        if let Some(bytes) = expected {
            assert_eq!(encode(&bytes).as_bytes(), text, "{shown:?}");
        }
    }

    #[test]
    fn every_text_of_up_to_two_bytes_is_read_as_defined() {
        agrees(b"");
        for first in 0..=255 {
            agrees(&[first]);
            for second in 0..=255 {
                agrees(&[first, second]);
            }
        }
    }

    #[test]
    fn every_last_character_of_three_and_four_is_read_as_defined() {
        for before in [b'A', b'_', b'z', b'=', 0xc3] {
            for third in 0..=255 {
                for fourth in 0..=255 {
                    agrees(&[b'Q', before, third, fourth]);
                }
                agrees(&[before, b'w', third]);
            }
        }
    }

    #[test]
    fn a_foreign_byte_is_named_wherever_it_stands() {
        for length in [2, 3, 4, 7, 8, 15, 16, 18, 31, 32, 34, 63, 64, 66, 200] {
            for position in 0..length {
                for byte in [b'=', b'+', b'/', b' ', b'\n', b'.', 0, 0x7f, 0x80, 0xff] {
                    let mut text = vec![b'A'; length];
                    text[position] = byte;
                    let expected = Err(Base64Error::Alphabet { position });
                    assert_eq!(decode(&text), expected, "{length} {position} {byte:#x}");
                }
            }
        }
    }

    #[test]
    fn bytes_of_every_length_come_back() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for length in 0..400 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 32) as u8
                })
                .collect();
            let text = encode(&bytes);
            assert_eq!(text.len(), encoded_len(length));
            assert_eq!(decoded_len(text.len()), Some(length));
            agrees(text.as_bytes());
            let mut appended = String::from("head.");
            encode_to(&bytes, &mut appended);
            assert_eq!(appended, format!("head.{text}"));
        }
    }

    #[test]
    fn a_signature_has_one_text_only() {
        let text = encode(&[0xa7; 64]);
        let last = text.len() - 1;
        let spellings = ALPHABET
            .iter()
            .filter(|letter| {
                let mut alias = text.clone().into_bytes();
                alias[last] = **letter;
                decode(&alias).is_ok_and(|bytes| bytes[..63] == [0xa7; 63])
            })
            .count();
        // Two bits of the last character belong to the last byte; the other four must be zero.
        assert_eq!(spellings, 4);
    }

    #[test]
    fn errors_say_what_is_wrong_and_repeat_nothing() {
        assert_eq!(decode(b"AAAAA"), Err(Base64Error::Length));
        assert_eq!(decode(b"AB"), Err(Base64Error::TrailingBits));
        assert_eq!(decode_into(b"AAAA", &mut [0; 2]), Err(Base64Error::TooLong));
        assert_eq!(
            decode_into(b"AQID", &mut [9; 5]).as_deref(),
            Ok(&[1_u8, 2, 3][..])
        );
        assert_eq!(
            Base64Error::Length.to_string(),
            "not base64url: impossible length"
        );
        assert_eq!(
            Base64Error::Alphabet { position: 7 }.to_string(),
            "not base64url: foreign character at byte 7"
        );
        assert_eq!(
            Base64Error::TrailingBits.to_string(),
            "not base64url: trailing bits are not zero"
        );
        assert_eq!(
            Base64Error::TooLong.to_string(),
            "base64url text is longer than accepted"
        );
    }
}
