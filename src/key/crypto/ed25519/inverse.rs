//! Inverses in a time that depends on the number: 1.2 µs in place of 3.8 by Fermat.
//!
//! This is the greatest common divisor by division steps of Bernstein and Yang
//! ("Fast constant-time gcd computation and modular inversion", 2019, section 8),
//! 62 steps at a time on the low words, without their care for secrets. A result is
//! multiplied with the number before it is believed, so that a mistake in here could
//! cost time and never a verdict.

use std::sync::LazyLock;

use super::field::{Element, Sum};

/// Steps that the low 64 bits of both numbers decide.
const STEPS: u32 = 62;

/// As many bits in a limb of a signed number.
const LIMB: u64 = (1 << STEPS) - 1;

/// No number of 255 bits takes more: 741 steps (their theorem 11.2).
const MOST_ROUNDS: usize = 12;

/// A signed number of up to 310 bits: its value is the sum of limb i times 2^(62 i).
type Limbs = [i64; 5];

/// p = 2^255 - 19.
const MODULUS: Limbs = [
    (LIMB - 18) as i64,
    LIMB as i64,
    LIMB as i64,
    LIMB as i64,
    127,
];

/// What 62 steps do: f' = (fu f + fv g) / 2^62, g' = (gu f + gv g) / 2^62.
struct Matrix {
    f: [i64; 2],
    g: [i64; 2],
}

/// 1 / `number`; `None` for 0.
pub(super) fn inverse(number: &Element) -> Option<Element> {
    let found = by_steps(number).filter(|found| is_inverse(found, number));
    found.or_else(|| Some(number.inverted()).filter(|found| is_inverse(found, number)))
}

fn is_inverse(found: &Element, number: &Element) -> bool {
    found.times(number).to_bytes() == Element::ONE.to_bytes()
}

/// Takes steps until g is 0 and f, the greatest common divisor, is 1 or -1.
/// All the while f = d number and g = e number modulo p, but for the powers of two
/// that were divided out; they are made up for at the end.
fn by_steps(number: &Element) -> Option<Element> {
    let (mut f, mut g) = (MODULUS, limbs_of(number));
    let (mut d, mut e) = (Element::ZERO, Element::ONE);
    let mut delta = 1;
    for halved in HALVED.iter() {
        let matrix = steps(&mut delta, *f.first()? as u64, *g.first()? as u64);
        (f, g) = (combined(matrix.f, &f, &g), combined(matrix.g, &f, &g));
        let (old_d, old_e) = (d.as_sum(), e.as_sum());
        d = combination(matrix.f, &old_d, &old_e);
        e = combination(matrix.g, &old_d, &old_e);
        if g == [0; 5] {
            let found = d.times(halved);
            return Some(if f.last()? < &0 {
                found.negated()
            } else {
                found
            });
        }
    }
    None
}

/// 2^-62, its square, its cube and so on.
static HALVED: LazyLock<[Element; MOST_ROUNDS]> = LazyLock::new(|| {
    let one = Element::small(1 << 31).squared().inverted();
    let mut power = Element::ONE;
    [(); MOST_ROUNDS].map(|()| {
        power = power.times(&one);
        power
    })
});

fn limbs_of(number: &Element) -> Limbs {
    let bytes = number.to_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    let mut pool = 0_u128;
    let mut held = 0;
    let mut words = words.iter();
    [(); 5].map(|()| {
        if held < STEPS {
            let word = words.next().map_or(0, |word| u64::from_le_bytes(*word));
            pool |= u128::from(word).wrapping_shl(held);
            held = held.wrapping_add(64);
        }
        let limb = pool as u64 & LIMB;
        pool >>= STEPS;
        held = held.wrapping_sub(STEPS);
        limb as i64
    })
}

/// (a f + b g) / 2^62, which leaves no remainder.
fn combined([a, b]: [i64; 2], f: &Limbs, g: &Limbs) -> Limbs {
    let (a, b) = (i128::from(a), i128::from(b));
    let mut carry = 0_i128;
    let [_, first, second, third, fourth] = std::array::from_fn(|place| {
        let limb = |limbs: &Limbs| i128::from(limbs.get(place).copied().unwrap_or_default());
        // No overflow: each product is below 2^125.
        let sum = a
            .wrapping_mul(limb(f))
            .wrapping_add(b.wrapping_mul(limb(g)))
            .wrapping_add(carry);
        carry = sum >> STEPS;
        (sum as u64 & LIMB) as i64
    });
    // The lowest limb was the zero that is divided out.
    [first, second, third, fourth, carry as i64]
}

/// a d + b e modulo p.
fn combination([a, b]: [i64; 2], d: &Sum, e: &Sum) -> Element {
    signed(a).times(d).plus(&signed(b).times(e)).carry()
}

/// A number of magnitude 2^62 at most.
fn signed(value: i64) -> Sum {
    let magnitude = value.unsigned_abs();
    let element = Element::of_limbs(magnitude, magnitude >> 51);
    if value < 0 {
        Element::ZERO.minus(&element)
    } else {
        element.as_sum()
    }
}

/// 62 division steps on the low words of f and g. As long as g is even, it is
/// halved; once it is odd, a multiple of f is added that makes its lowest bits zero,
/// after they changed places if `delta` says so. Words wrap, as numbers modulo 2^64.
fn steps(delta: &mut i64, mut f: u64, mut g: u64) -> Matrix {
    let (mut fu, mut fv, mut gu, mut gv) = (1_u64, 0_u64, 0_u64, 1_u64);
    let mut left = STEPS;
    loop {
        // A one above the steps that are left ends the count there.
        let zeros = (g | u64::MAX.wrapping_shl(left)).trailing_zeros();
        g = g.wrapping_shr(zeros);
        fu = fu.wrapping_shl(zeros);
        fv = fv.wrapping_shl(zeros);
        *delta = delta.wrapping_add(i64::from(zeros));
        left = left.wrapping_sub(zeros);
        if left == 0 {
            break;
        }
        if *delta > 0 {
            *delta = delta.wrapping_neg();
            (f, g) = (g, f.wrapping_neg());
            (fu, gu) = (gu, fu.wrapping_neg());
            (fv, gv) = (gv, fv.wrapping_neg());
        }
        // As many bits may go at once as steps are left before f and g change places.
        let places = i64::from(left).min(1_i64.wrapping_sub(*delta)).min(6);
        let bits = 1_u64.wrapping_shl(places as u32).wrapping_sub(1);
        // -g / f modulo 2^6: f (f^2 - 2) is -1 / f there, for every odd f.
        let negative_inverse = f.wrapping_mul(f.wrapping_mul(f).wrapping_sub(2));
        let times = g.wrapping_mul(negative_inverse) & bits;
        g = g.wrapping_add(f.wrapping_mul(times));
        gu = gu.wrapping_add(fu.wrapping_mul(times));
        gv = gv.wrapping_add(fv.wrapping_mul(times));
    }
    Matrix {
        f: [fu as i64, fv as i64],
        g: [gu as i64, gv as i64],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are small, close to p, sparse, and as good as random.
    fn numbers() -> impl Iterator<Item = Element> {
        let small = (1..200).map(Element::small);
        let large = (1..200).map(|value| Element::small(value).negated());
        let powers = (0..255_usize).map(|bit| {
            let mut bytes = [0; 32];
            bytes[bit / 8] = 1 << (bit % 8);
            Element::from_bytes(&bytes)
        });
        let mut state = Element::small(7);
        let random = (0..2_000).map(move |_| {
            state = state.squared().plus(&Element::small(5)).carry();
            state
        });
        small.chain(large).chain(powers).chain(random)
    }

    #[test]
    fn steps_find_the_inverse_that_fermat_finds() {
        for number in numbers() {
            // Not `inverse`, which would hide a mistake behind its second way.
            let found = by_steps(&number).map(Element::to_bytes);
            assert_eq!(found, Some(number.inverted().to_bytes()));
        }
    }

    #[test]
    fn zero_has_no_inverse() {
        assert!(inverse(&Element::ZERO).is_none());
    }
}
