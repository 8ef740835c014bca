//! Changes to the text of a token after it was signed.

use crate::forge::{decode, encode};
use crate::random::Dice;

/// One to three changes; some leave the token as it was.
pub(crate) fn mangle(token: &str, dice: &mut Dice) -> String {
    let mut text = token.to_owned();
    for _ in 0..=dice.below(3) {
        text = if dice.once_in(2) {
            letters(&text, dice)
        } else {
            parts(&text, dice)
        };
    }
    text
}

/// A change that knows nothing of tokens.
fn letters(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len() + 1);
    match dice.below(9) {
        0 => letters.insert(
            at,
            dice.pick(&["=", ".", " ", "\n", "+", "/", "A", "\u{e9}", "\0"])
                .chars()
                .next()
                .unwrap_or('='),
        ),
        1 if at < letters.len() => drop(letters.remove(at)),
        2 => letters.truncate(at),
        3 if at < letters.len() => letters[at] = char::from(b"ABCDwxyz0189-_"[dice.below(14)]),
        4 if at < letters.len() => letters[at] = flip_case(letters[at]),
        5 => letters.extend(
            dice.pick(&["=", "==", ".", "\n", " ", "A", "AA", ".e30"])
                .chars(),
        ),
        6 => letters
            .splice(0..0, dice.pick(&[" ", "\u{feff}", "Bearer ", "."]).chars())
            .for_each(drop),
        // The last letter of a part holds bits that do not count.
        7 if !letters.is_empty() => {
            let last = letters.len() - 1;
            letters[last] = char::from(b"ABCDEFGHQRSTghijwxyz0123456789-_"[dice.below(32)]);
        }
        _ => {}
    }
    letters.into_iter().collect()
}

fn flip_case(letter: char) -> char {
    if letter.is_ascii_lowercase() {
        letter.to_ascii_uppercase()
    } else {
        letter.to_ascii_lowercase()
    }
}

/// A change to the parts between the dots.
fn parts(text: &str, dice: &mut Dice) -> String {
    let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let (at, other) = (dice.below(parts.len()), dice.below(parts.len()));
    match dice.below(6) {
        0 => parts.swap(at, other),
        1 => parts[at].clear(),
        2 => drop(parts.remove(at)),
        3 => parts.insert(at, parts[other].clone()),
        _ => {
            let last = parts.len() - 1;
            if parts[last]
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            {
                parts[last] = encode(&bytes(decode(&parts[last]), dice));
            }
        }
    }
    parts.join(".")
}

/// A change to the bytes of a signature.
fn bytes(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    if bytes.is_empty() {
        return vec![0; 64];
    }
    let (length, at) = (bytes.len(), dice.below(bytes.len()));
    match dice.below(9) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes.push(0),
        2 => bytes.insert(0, 0),
        3 => bytes.truncate(at),
        4 => bytes.fill(0),
        5 => bytes.rotate_left(length / 2),
        6 => bytes[..length / 2].fill(0),
        7 => bytes[length / 2..].fill(0),
        _ => add_ed25519_order(&mut bytes),
    }
    bytes
}

/// The order of the base point of Ed25519, little-endian (RFC 8032 section 5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn add_ed25519_order(signature: &mut [u8]) {
    let mut carry = 0_u16;
    for (byte, order) in signature.iter_mut().skip(32).zip(ED25519_ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry as u8;
        carry >>= 8;
    }
}
