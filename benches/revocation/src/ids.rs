//! Ids as tokens carry them: 16 scattered bytes in base64url, 22 characters.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Characters of one id.
pub const LENGTH: usize = 22;

/// The first number of an id that is in no list.
pub const ABSENT: u64 = 1 << 40;

/// The `number`-th of a fixed sequence of scattered values (SplitMix64), without doubles.
pub fn scattered(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The id of a number; different numbers have different ids.
pub fn write_id(number: u64, text: &mut [u8; LENGTH]) {
    let halves = [scattered(2 * number), scattered(2 * number + 1)];
    let wide = (u128::from(halves[0]) << 64) | u128::from(halves[1]);
    for (place, character) in text.iter_mut().enumerate() {
        let bits = if place < 21 {
            wide >> (122 - 6 * place)
        } else {
            wide << 4
        };
        *character = ALPHABET[(bits & 63) as usize];
    }
}

/// Many ids in one piece of memory, as they would come in: nothing to chase.
pub struct Ids(Vec<[u8; LENGTH]>);

impl Ids {
    pub fn of(numbers: impl Iterator<Item = u64>) -> Self {
        Self(
            numbers
                .map(|number| {
                    let mut text = [0; LENGTH];
                    write_id(number, &mut text);
                    text
                })
                .collect(),
        )
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|id| text(id))
    }
}

pub fn text(id: &[u8; LENGTH]) -> &str {
    std::str::from_utf8(id).expect("ASCII")
}
