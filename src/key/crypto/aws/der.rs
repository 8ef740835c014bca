//! Just enough DER to read back the RSA keys that the engine has made: it hands
//! them out as PKCS#8 only. Key files from elsewhere are read by `pem`.

use crate::key::material::RsaSecret;
use crate::secret::SecretBytes;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The numbers of `PrivateKeyInfo { 0, rsaEncryption, RSAPrivateKey }`
/// (RFC 5958 section 2, RFC 8017 section A.1.2).
pub(super) fn rsa_numbers(document: &[u8]) -> Option<RsaSecret> {
    let (mut info, _) = element(SEQUENCE, document)?;
    skip(INTEGER, &mut info)?;
    skip(SEQUENCE, &mut info)?;
    let (key, _) = element(OCTET_STRING, info)?;
    let (mut numbers, _) = element(SEQUENCE, key)?;
    skip(INTEGER, &mut numbers)?;
    Some(RsaSecret {
        n: integer(&mut numbers)?.to_vec(),
        e: integer(&mut numbers)?.to_vec(),
        d: secret(&mut numbers)?,
        p: secret(&mut numbers)?,
        q: secret(&mut numbers)?,
        dp: secret(&mut numbers)?,
        dq: secret(&mut numbers)?,
        qi: secret(&mut numbers)?,
    })
}

/// Splits off one element: its contents and what follows it.
fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 | 0x82 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

fn skip(tag: u8, input: &mut &[u8]) -> Option<()> {
    (_, *input) = element(tag, input)?;
    Some(())
}

/// A positive number, without the zero that keeps its sign.
fn integer<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (mut number, rest) = element(INTEGER, input)?;
    *input = rest;
    while let [0, shorter @ ..] = number {
        number = shorter;
    }
    Some(number)
}

fn secret(input: &mut &[u8]) -> Option<SecretBytes> {
    integer(input).map(|number| SecretBytes::from(number.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PKCS#8 around the numbers 0, 1 … 8, each written with a leading zero.
    fn document() -> Vec<u8> {
        let numbers: Vec<u8> = (0..9).flat_map(|number| [INTEGER, 2, 0, number]).collect();
        let key = [&[SEQUENCE, 0x81, numbers.len() as u8], &numbers[..]].concat();
        let info = [
            &[
                INTEGER,
                1,
                0,
                SEQUENCE,
                2,
                5,
                0,
                OCTET_STRING,
                key.len() as u8,
            ],
            &key[..],
        ]
        .concat();
        [&[SEQUENCE, 0x82, 0, info.len() as u8], &info[..]].concat()
    }

    #[test]
    fn numbers_come_out_in_order_and_without_zeros() {
        let numbers = rsa_numbers(&document()).expect("numbers");
        assert_eq!((numbers.n, numbers.e), (vec![1], vec![2]));
        let secrets = [
            &numbers.d,
            &numbers.p,
            &numbers.q,
            &numbers.dp,
            &numbers.dq,
            &numbers.qi,
        ];
        for (secret, expected) in secrets.iter().zip(3_u8..) {
            assert_eq!(secret.expose(), [expected]);
        }
    }

    #[test]
    fn cut_documents_are_refused() {
        let whole = document();
        for length in 0..whole.len() {
            assert!(rsa_numbers(&whole[..length]).is_none(), "{length}");
        }
    }
}
