//! Unsigned numbers of any size, big-endian, for signatures that are built by hand.

/// The sum, as long as it needs to be.
pub(crate) fn add(left: &[u8], right: &[u8]) -> Vec<u8> {
    let length = left.len().max(right.len()) + 1;
    let (left, right) = (padded(left, length), padded(right, length));
    let mut sum = vec![0; length];
    let mut carry = 0_u16;
    for at in (0..length).rev() {
        carry += u16::from(left[at]) + u16::from(right[at]);
        sum[at] = carry as u8;
        carry >>= 8;
    }
    trimmed(&sum).to_vec()
}

/// `left - right`, which must not be negative, as long as `left`.
pub(crate) fn subtract(left: &[u8], right: &[u8]) -> Vec<u8> {
    let right = padded(right, left.len());
    let mut difference = vec![0; left.len()];
    let mut borrow = 0_i16;
    for at in (0..left.len()).rev() {
        let digit = i16::from(left[at]) - i16::from(right[at]) - borrow;
        borrow = i16::from(digit < 0);
        difference[at] = digit as u8;
    }
    assert_eq!(borrow, 0, "the difference is negative");
    difference
}

pub(crate) fn multiply(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut product = vec![0_u8; left.len() + right.len()];
    for (i, a) in left.iter().rev().enumerate() {
        let mut carry = 0_u32;
        for (j, b) in right.iter().rev().chain(std::iter::repeat(&0)).enumerate() {
            if i + j >= product.len() {
                break;
            }
            let at = product.len() - 1 - i - j;
            carry += u32::from(*a) * u32::from(*b) + u32::from(product[at]);
            product[at] = carry as u8;
            carry >>= 8;
        }
    }
    trimmed(&product).to_vec()
}

/// The greatest number whose cube is not above `number`.
pub(crate) fn cube_root(number: &[u8]) -> Vec<u8> {
    let mut root = vec![0_u8; number.len().div_ceil(3)];
    for bit in 0..root.len() * 8 {
        root[bit / 8] |= 0x80 >> (bit % 8);
        if above(&cube(&root), number) {
            root[bit / 8] &= !(0x80 >> (bit % 8));
        }
    }
    root
}

pub(crate) fn cube(number: &[u8]) -> Vec<u8> {
    multiply(&multiply(number, number), number)
}

pub(crate) fn above(left: &[u8], right: &[u8]) -> bool {
    let length = left.len().max(right.len());
    padded(left, length) > padded(right, length)
}

/// With zeros in front, or without those that are too many.
pub(crate) fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let number = trimmed(number);
    let mut padded = vec![0; length - number.len()];
    padded.extend_from_slice(number);
    padded
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_arithmetic_of_the_forgeries_is_right() {
    assert_eq!(add(&[255, 255], &[1]), [1, 0, 0]);
    assert_eq!(subtract(&[1, 0, 0], &[1]), [0, 255, 255]);
    assert_eq!(multiply(&[255, 255], &[255, 255]), [255, 254, 0, 1]);
    assert_eq!(cube(&[1, 1]), [1, 3, 3, 1]);
    assert_eq!(cube_root(&[1, 3, 3, 1]), [1, 1]);
    assert_eq!(cube_root(&[1, 3, 3, 0]), [1, 0]);
    assert!(above(&[1, 0], &[0, 255]) && !above(&[0, 1], &[1]));
}
