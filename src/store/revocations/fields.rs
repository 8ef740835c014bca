//! Numbers and text as bytes: short where the values are small, and one spelling for each.

/// Takes fields from the front of some bytes.
pub(crate) struct Fields<'b>(pub(crate) &'b [u8]);

impl<'b> Fields<'b> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    /// An unsigned number in groups of seven bits, the lowest first.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            let placed = group.checked_shl(shift)?;
            if placed >> shift != group {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number with a sign: 0, -1, 1, -2 …
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let folded = self.number()?;
        let magnitude = (folded >> 1).cast_signed();
        Some(if folded & 1 == 0 {
            magnitude
        } else {
            !magnitude
        })
    }

    /// Text with its length before it.
    pub(crate) fn text(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

pub(crate) fn put_number(into: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            into.push(low & 0x7f);
            return;
        }
        into.push(low | 0x80);
    }
}

pub(crate) fn put_signed(into: &mut Vec<u8>, number: i64) {
    // The sign moves to the lowest bit.
    let folded = (number << 1) ^ (number >> 63);
    put_number(into, folded.cast_unsigned());
}

pub(crate) fn put_text(into: &mut Vec<u8>, text: &str) {
    put_number(into, u64::try_from(text.len()).unwrap_or(u64::MAX));
    into.extend_from_slice(text.as_bytes());
}
