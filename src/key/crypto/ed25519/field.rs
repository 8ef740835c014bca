//! Numbers modulo p = 2^255 - 19, on the formally verified arithmetic of fiat-crypto.
//!
//! Its proofs hold for limbs within bounds, which it tells apart as "tight" and
//! "loose". Two types carry that here: what can be added can always be multiplied,
//! and a sum can be multiplied but not added again, so that no use of this module
//! leaves the bounds. Everything is for public numbers; only some of it runs in
//! constant time.

use fiat_crypto::curve25519_64 as fiat;

/// A number that may be added, subtracted and multiplied.
#[derive(Clone, Copy)]
pub(super) struct Element(fiat::fiat_25519_tight_field_element);

/// A sum or a difference, which may only be multiplied until it is [carried](Sum::carry).
#[derive(Clone, Copy)]
pub(super) struct Sum(fiat::fiat_25519_loose_field_element);

const TIGHT: fiat::fiat_25519_tight_field_element = fiat::fiat_25519_tight_field_element([0; 5]);
const LOOSE: fiat::fiat_25519_loose_field_element = fiat::fiat_25519_loose_field_element([0; 5]);

impl Element {
    pub(super) const ZERO: Self = Self(TIGHT);
    pub(super) const ONE: Self = Self::small(1);

    /// A number below 2^51.
    pub(super) const fn small(value: u64) -> Self {
        Self::of_limbs(value, 0)
    }

    /// `low + 2^51 high`, of which both take 51 bits at most.
    pub(super) const fn of_limbs(low: u64, high: u64) -> Self {
        const LIMB: u64 = (1 << 51) - 1;
        Self(fiat::fiat_25519_tight_field_element([
            low & LIMB,
            high & LIMB,
            0,
            0,
            0,
        ]))
    }

    /// The number of these bytes, little-endian, without the topmost bit.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut bytes = *bytes;
        if let Some(last) = bytes.last_mut() {
            *last &= 0x7f;
        }
        let mut out = TIGHT;
        fiat::fiat_25519_from_bytes(&mut out, &bytes);
        Self(out)
    }

    /// The one encoding, below p, little-endian.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        fiat::fiat_25519_to_bytes(&mut out, &self.0);
        out
    }

    /// Whether the encoding is an odd number: the sign of RFC 8032 section 5.1.2.
    pub(super) fn is_odd(self) -> bool {
        self.to_bytes().first().is_some_and(|byte| byte & 1 == 1)
    }

    #[inline]
    pub(super) fn plus(&self, other: &Self) -> Sum {
        let mut out = LOOSE;
        fiat::fiat_25519_add(&mut out, &self.0, &other.0);
        Sum(out)
    }

    #[inline]
    pub(super) fn minus(&self, other: &Self) -> Sum {
        let mut out = LOOSE;
        fiat::fiat_25519_sub(&mut out, &self.0, &other.0);
        Sum(out)
    }

    pub(super) fn negated(&self) -> Self {
        Self::ZERO.minus(self).carry()
    }

    #[inline]
    pub(super) fn times(&self, other: &Self) -> Self {
        self.as_sum().times(&other.as_sum())
    }

    #[inline]
    pub(super) fn squared(&self) -> Self {
        self.as_sum().squared()
    }

    /// This number squared `count` times.
    fn squared_times(&self, count: u32) -> Self {
        (0..count).fold(*self, |number, _| number.squared())
    }

    /// 1 / self, and 0 for 0, as self^(p - 2) (Fermat).
    pub(super) fn inverted(&self) -> Self {
        let two = self.squared();
        let nine = two.squared_times(2).times(self);
        let eleven = nine.times(&two);
        // From here on exponents of the form 2^n - 1, each name giving n.
        let five = eleven.squared().times(&nine);
        let ten = five.squared_times(5).times(&five);
        let twenty = ten.squared_times(10).times(&ten);
        let forty = twenty.squared_times(20).times(&twenty);
        let fifty = forty.squared_times(10).times(&ten);
        let hundred = fifty.squared_times(50).times(&fifty);
        let two_hundred = hundred.squared_times(100).times(&hundred);
        let all = two_hundred.squared_times(50).times(&fifty);
        all.squared_times(5).times(&eleven)
    }

    #[inline]
    pub(super) fn as_sum(&self) -> Sum {
        let mut out = LOOSE;
        fiat::fiat_25519_relax(&mut out, &self.0);
        Sum(out)
    }
}

impl Sum {
    // Not inlined: seven of these side by side in one function run short of
    // registers, and cost a third more.
    #[inline(never)]
    pub(super) fn times(&self, other: &Self) -> Element {
        let mut out = TIGHT;
        fiat::fiat_25519_carry_mul(&mut out, &self.0, &other.0);
        Element(out)
    }

    #[inline(never)]
    pub(super) fn squared(&self) -> Element {
        let mut out = TIGHT;
        fiat::fiat_25519_carry_square(&mut out, &self.0);
        Element(out)
    }

    #[inline]
    pub(super) fn carry(&self) -> Element {
        let mut out = TIGHT;
        fiat::fiat_25519_carry(&mut out, &self.0);
        Element(out)
    }

    /// Any bits of the number, for a caller that wants it in the cache.
    #[inline]
    pub(super) fn touched(&self) -> u64 {
        let fiat::fiat_25519_loose_field_element([first, .., last]) = self.0;
        first | last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_the_smallest_and_the_top_bit_is_none_of_the_number() {
        // p, p + 1 and -1.
        let mut p = [0xff; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        assert_eq!(Element::from_bytes(&p).to_bytes(), [0; 32]);
        p[0] = 0xee;
        assert_eq!(Element::from_bytes(&p).to_bytes(), Element::ONE.to_bytes());
        p[0] = 0xec;
        assert_eq!(Element::from_bytes(&p).to_bytes(), p);
        assert_eq!(Element::ONE.negated().to_bytes(), p);
        p[31] = 0xff;
        assert_eq!(
            Element::from_bytes(&p).to_bytes(),
            Element::ONE.negated().to_bytes()
        );
    }

    #[test]
    fn a_number_times_its_inverse_is_one() {
        for value in [1, 2, 3, 121_666, (1 << 51) - 1] {
            let number = Element::small(value);
            let product = number.times(&number.inverted());
            assert_eq!(product.to_bytes(), Element::ONE.to_bytes());
        }
        assert_eq!(Element::ZERO.inverted().to_bytes(), [0; 32]);
    }
}
