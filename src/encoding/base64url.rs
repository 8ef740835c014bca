//! Base64url without padding (RFC 4648 section 5, RFC 7515 section 2), strictly.
//!
//! Every byte string has exactly one text. Anything else is refused: characters
//! outside the alphabet, padding, white space, an impossible length, and trailing
//! bits that are not zero (RFC 4648 section 3.5).
//!
//! Characters are translated by arithmetic on blocks, not by tables: that way the
//! compiler uses vector instructions, and neither the cache nor a branch tells
//! anything about a secret that passes. The parts of tokens, which are public, take a
//! faster way with the instructions that the processor turns out to have.

use std::fmt;

use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::SecretBytes;

/// Why a text is not base64url. Holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    let length = decoded_len(text.len()).ok_or(Base64Error::Length)?;
    let out = out.get_mut(..length).ok_or(Base64Error::TooLong)?;
    let (blocks, tail) = text.as_chunks::<TEXT_BLOCK>();
    let (places, last) = out.as_chunks_mut::<BYTE_BLOCK>();
    // Everything is read before anything is judged: one branch for the whole text.
    let mut seen = [0; TEXT_BLOCK];
    for (block, place) in blocks.iter().zip(places) {
        decode_block(block, place, &mut seen);
    }
    // The last block is filled up with `A`, whose bits are zero. The bits after the
    // last byte, which must be zero too, are then found in the byte after it.
    let mut block = [b'A'; TEXT_BLOCK];
    let mut bytes = Zeroizing::new([0; BYTE_BLOCK]);
    fill(&mut block, tail);
    decode_block(&block, &mut bytes, &mut seen);
    block.zeroize();
    fill(last, bytes.as_slice());
    if seen.iter().fold(0, |all, one| all | one) & FOREIGN != 0 {
        return Err(foreign(text));
    }
    if bytes.get(last.len()).is_some_and(|spare| *spare != 0) {
        return Err(Base64Error::TrailingBits);
    }
    Ok(out)
}

/// Decodes what strangers may see into the caller's buffer: a part of a token, a third
/// of the time of [`decode_into`] and a tenth of an HS256 verification less. What the
/// faster decoder refuses, the other one judges, and says what is wrong.
///
/// # Errors
/// As [`decode_into`].
pub(crate) fn decode_public_into<'o>(
    text: &[u8],
    out: &'o mut [u8],
) -> Result<&'o mut [u8], Base64Error> {
    let length = decoded_len(text.len()).ok_or(Base64Error::Length)?;
    let place = out.get_mut(..length).ok_or(Base64Error::TooLong)?;
    if URL_SAFE_NO_PAD.decode(text, place.as_out()).is_ok() {
        return out.get_mut(..length).ok_or(Base64Error::TooLong);
    }
    decode_into(text, out)
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

/// Decodes a secret, into memory that is wiped.
///
/// # Errors
/// Every text that is not canonical.
pub(crate) fn decode_secret(text: &[u8]) -> Result<SecretBytes, Base64Error> {
    let length = decoded_len(text.len()).ok_or(Base64Error::Length)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    decode_into(text, &mut bytes)?;
    Ok(SecretBytes::from(bytes))
}

/// The text of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    encode_to(bytes, &mut text);
    text
}

/// Appends the text of bytes that strangers may see.
pub(crate) fn encode_public_to(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_append(bytes, out);
}

/// Appends the text of these bytes.
pub(crate) fn encode_to(bytes: &[u8], out: &mut String) {
    out.reserve(encoded_len(bytes.len()));
    let (blocks, tail) = bytes.as_chunks::<BYTE_BLOCK>();
    let mut text = Zeroizing::new([0; TEXT_BLOCK]);
    for block in blocks {
        encode_block(block, &mut text);
        // Always text: the alphabet is ASCII.
        out.push_str(std::str::from_utf8(text.as_slice()).unwrap_or_default());
    }
    let mut block = Zeroizing::new([0; BYTE_BLOCK]);
    fill(block.as_mut_slice(), tail);
    encode_block(&block, &mut text);
    let text = text.get(..encoded_len(tail.len())).unwrap_or_default();
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

/// Characters of a block: two vector registers of 16, or one of 32.
const TEXT_BLOCK: usize = 32;

/// Bytes of a block.
const BYTE_BLOCK: usize = 24;

/// The value of a byte outside the alphabet: a bit that no sextet has.
const FOREIGN: u8 = 0x80;

/// Decodes one block and adds every value that occurs to `seen`.
#[inline]
fn decode_block(
    text: &[u8; TEXT_BLOCK],
    bytes: &mut [u8; BYTE_BLOCK],
    seen: &mut [u8; TEXT_BLOCK],
) {
    let mut values = [0; TEXT_BLOCK];
    for ((value, byte), seen) in values.iter_mut().zip(text).zip(seen) {
        *value = value_of(*byte);
        *seen |= *value;
    }
    let (words, _) = values.as_chunks::<8>();
    let (places, _) = bytes.as_chunks_mut::<6>();
    for (word, place) in words.iter().zip(places) {
        // Eight values of 6 bits move together: 12 bits, 24 bits, 48 bits.
        let word = u64::from_be_bytes(*word);
        let word = word >> 2 & 0x0fc0_0fc0_0fc0_0fc0 | word & 0x003f_003f_003f_003f;
        let word = word >> 4 & 0x00ff_f000_00ff_f000 | word & 0x0000_0fff_0000_0fff;
        let word = word >> 8 & 0x0000_ffff_ff00_0000 | word & 0x0000_0000_00ff_ffff;
        let [_, _, six @ ..] = word.to_be_bytes();
        *place = six;
    }
}

/// Encodes one block.
#[inline]
fn encode_block(bytes: &[u8; BYTE_BLOCK], text: &mut [u8; TEXT_BLOCK]) {
    let (groups, _) = bytes.as_chunks::<6>();
    let (places, _) = text.as_chunks_mut::<8>();
    for (group, place) in groups.iter().zip(places) {
        // 48 bits move apart: 24 bits, 12 bits, 6 bits.
        let [a, b, c, d, e, f] = *group;
        let word = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let word = word << 8 & 0x00ff_ffff_0000_0000 | word & 0x0000_0000_00ff_ffff;
        let word = word << 4 & 0x0fff_0000_0fff_0000 | word & 0x0000_0fff_0000_0fff;
        let word = word << 2 & 0x3f00_3f00_3f00_3f00 | word & 0x003f_003f_003f_003f;
        *place = word.to_be_bytes();
    }
    for character in text {
        *character = character_of(*character);
    }
}

/// Copies as much as both have.
fn fill(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The six bits that a character stands for, or [`FOREIGN`].
#[inline]
const fn value_of(byte: u8) -> u8 {
    let upper = within(byte, b'A', b'Z');
    let lower = within(byte, b'a', b'z');
    let digit = within(byte, b'0', b'9');
    let dash = within(byte, b'-', b'-');
    let line = within(byte, b'_', b'_');
    upper & byte.wrapping_sub(b'A')
        | lower & byte.wrapping_sub(b'a').wrapping_add(26)
        | digit & byte.wrapping_sub(b'0').wrapping_add(52)
        | dash & 62
        | line & 63
        | !(upper | lower | digit | dash | line) & FOREIGN
}

/// All ones when `low <= byte <= high`, else zero, without a branch.
#[inline]
const fn within(byte: u8, low: u8, high: u8) -> u8 {
    let inside = byte.wrapping_sub(low) <= high.wrapping_sub(low);
    (inside as u8).wrapping_neg()
}

/// The character of a value below 64: each range shifts the distance to the letter.
#[inline]
const fn character_of(value: u8) -> u8 {
    value
        .wrapping_add(b'A')
        .wrapping_add(within(value, 26, 63) & 6)
        .wrapping_sub(within(value, 52, 63) & 75)
        .wrapping_sub(within(value, 62, 63) & 13)
        .wrapping_add(within(value, 63, 63) & 49)
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
        let mut room = vec![0; text.len()];
        let public = decode_public_into(text, &mut room).map(|bytes| bytes.to_vec());
        assert_eq!(public, decode(text), "{shown:?}");
        if let Some(bytes) = expected {
            assert_eq!(encode(&bytes).as_bytes(), text, "{shown:?}");
            let mut public = String::from("before");
            encode_public_to(&bytes, &mut public);
            assert_eq!(&public.as_bytes()[6..], text, "{shown:?}");
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
        for before in [b'_', b'='] {
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
            decode_public_into(b"AAAA", &mut [0; 2]),
            Err(Base64Error::TooLong)
        );
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
