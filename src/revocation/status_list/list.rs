//! The list itself: a small number for each index, packed.

use std::fmt;

use super::error::{StatusListError, StatusListErrorKind};
use super::zlib;
use crate::encoding::base64url;
use crate::limits::MAX_STATUS_LIST_BYTES;

/// How many bits of the list each token has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusBits {
    /// Valid or not.
    One,
    /// Four statuses, enough to suspend a token.
    Two,
    /// Sixteen.
    Four,
    /// 256.
    Eight,
}

impl StatusBits {
    /// The number of bits: 1, 2, 4 or 8.
    #[must_use]
    pub const fn count(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The greatest status that fits.
    #[must_use]
    pub const fn greatest(self) -> Status {
        Status(match self {
            Self::One => 1,
            Self::Two => 3,
            Self::Four => 15,
            Self::Eight => 255,
        })
    }

    /// How many tokens share one byte.
    const fn per_byte(self) -> u64 {
        match self {
            Self::One => 8,
            Self::Two => 4,
            Self::Four => 2,
            Self::Eight => 1,
        }
    }
}

/// The status of a token (draft section 7.1). 3 and 12 to 15 are the application's
/// own; all others are reserved, and like every status but VALID they mean "do not accept".
///
/// ```
/// use tokenwright::status_list::Status;
/// assert!(Status::VALID.is_valid() && !Status::SUSPENDED.is_valid());
/// assert_eq!(Status::from(12).to_string(), "12");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(u8);

impl Status {
    /// The token holds.
    pub const VALID: Self = Self(0);
    /// It was revoked, for good.
    pub const INVALID: Self = Self(1);
    /// It does not hold for now.
    pub const SUSPENDED: Self = Self(2);

    /// Whether it is [`VALID`](Self::VALID).
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 == 0
    }

    /// Its number.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

impl From<u8> for Status {
    fn from(value: u8) -> Self {
        Self(value)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::VALID => f.write_str("valid"),
            Self::INVALID => f.write_str("invalid"),
            Self::SUSPENDED => f.write_str("suspended"),
            Self(other) => write!(f, "{other}"),
        }
    }
}

/// Statuses by index (draft section 4).
///
/// ```
/// use tokenwright::status_list::{Status, StatusBits, StatusList};
/// let revoked = [(3, Status::INVALID), (70, Status::SUSPENDED)];
/// let list = StatusList::of(StatusBits::Two, 100, revoked)?;
/// assert_eq!(list.get(70), Some(Status::SUSPENDED));
/// assert_eq!(list.get(71), Some(Status::VALID));
/// let again = StatusList::decode(StatusBits::Two, &list.encode())?;
/// assert_eq!(again.not_valid().collect::<Vec<_>>(), revoked);
/// # Ok::<(), tokenwright::status_list::StatusListError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: StatusBits,
    bytes: Vec<u8>,
    aggregation_uri: Option<Box<str>>,
}

impl StatusList {
    /// A list in which every token is valid, with places for `len` of them, rounded up
    /// to a whole byte. Its size tells strangers how many tokens there may be at most,
    /// so make it larger than what is needed now.
    ///
    /// # Errors
    /// [`StatusListErrorKind::TooLarge`] beyond [`MAX_STATUS_LIST_BYTES`].
    pub fn new(bits: StatusBits, len: u64) -> Result<Self, StatusListError> {
        let limit = MAX_STATUS_LIST_BYTES;
        let wanted = usize::try_from(len.div_ceil(bits.per_byte()));
        match wanted {
            Ok(wanted) if wanted <= limit => Ok(Self::from_bytes(bits, vec![0; wanted])),
            Ok(_) | Err(_) => Err(StatusListErrorKind::TooLarge { limit }.into()),
        }
    }

    /// A list with places for `len` tokens, of which these have a status. Where an
    /// index comes twice, the last one counts.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`set`](Self::set).
    pub fn of(
        bits: StatusBits,
        len: u64,
        statuses: impl IntoIterator<Item = (u64, Status)>,
    ) -> Result<Self, StatusListError> {
        let mut list = Self::new(bits, len)?;
        for (index, status) in statuses {
            list.set(index, status)?;
        }
        Ok(list)
    }

    /// A list of packed bytes: index 0 in the lowest bits of the first byte.
    pub(super) fn from_bytes(bits: StatusBits, bytes: Vec<u8>) -> Self {
        Self {
            bits,
            bytes,
            aggregation_uri: None,
        }
    }

    /// Names where all lists of this issuer are told (draft section 9): `aggregation_uri`.
    #[must_use]
    pub fn with_aggregation_uri(mut self, uri: impl Into<Box<str>>) -> Self {
        self.aggregation_uri = Some(uri.into());
        self
    }

    /// Where all lists of this issuer are told, if it says so. Nothing here follows it.
    #[must_use]
    pub fn aggregation_uri(&self) -> Option<&str> {
        self.aggregation_uri.as_deref()
    }

    /// How many bits each place has.
    #[must_use]
    pub fn bits(&self) -> StatusBits {
        self.bits
    }

    /// How many places there are: whole bytes of them.
    #[must_use]
    pub fn len(&self) -> u64 {
        let bytes = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        bytes.saturating_mul(self.bits.per_byte())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The packed bytes, index 0 in the lowest bits of the first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The status at an index; `None` past the end of the list, where nothing can be said.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<Status> {
        let (at, shift) = self.place(index)?;
        let byte = self.bytes.get(at)?;
        Some(Status(byte >> shift & self.bits.greatest().0))
    }

    /// Sets the status at an index.
    ///
    /// # Errors
    /// [`StatusListErrorKind::IndexOutOfRange`] past the end, and
    /// [`StatusListErrorKind::StatusTooLarge`] for a status the bits cannot say.
    pub fn set(&mut self, index: u64, status: Status) -> Result<(), StatusListError> {
        let (mask, len) = (self.bits.greatest(), self.len());
        if status.0 > mask.0 {
            return Err(StatusListErrorKind::StatusTooLarge {
                status: status.0,
                greatest: mask.0,
            }
            .into());
        }
        let place = self.place(index);
        let byte = place.and_then(|(at, shift)| Some((self.bytes.get_mut(at)?, shift)));
        let (byte, shift) = byte.ok_or(StatusListErrorKind::IndexOutOfRange { index, len })?;
        *byte = *byte & !(mask.0 << shift) | status.0 << shift;
        Ok(())
    }

    /// Every index whose status is not [`Status::VALID`], in order.
    pub fn not_valid(&self) -> impl Iterator<Item = (u64, Status)> + '_ {
        let per_byte = self.bits.per_byte();
        let marked = (0_u64..).zip(&self.bytes).filter(|(_, byte)| **byte != 0);
        marked.flat_map(move |(at, _)| {
            let first = at.saturating_mul(per_byte);
            (first..first.saturating_add(per_byte)).filter_map(|index| {
                let status = self.get(index)?;
                (!status.is_valid()).then_some((index, status))
            })
        })
    }

    /// The list as it travels: ZLIB at its best level, then base64url (draft section 4.1).
    #[must_use]
    pub fn encode(&self) -> String {
        base64url::encode(&zlib::deflate(&self.bytes))
    }

    /// Reads a list as it travels, of at most [`MAX_STATUS_LIST_BYTES`]. Of base64 and
    /// ZLIB exactly one form is accepted: no padding, no other wrapper, nothing behind.
    ///
    /// # Errors
    /// [`StatusListErrorKind::Base64`], [`StatusListErrorKind::NotZlib`], and
    /// [`StatusListErrorKind::TooLarge`] before the memory for it is taken.
    pub fn decode(bits: StatusBits, lst: &str) -> Result<Self, StatusListError> {
        Self::decode_within(bits, lst, MAX_STATUS_LIST_BYTES)
    }

    pub(super) fn decode_within(
        bits: StatusBits,
        lst: &str,
        limit: usize,
    ) -> Result<Self, StatusListError> {
        if lst.len() > base64url::encoded_len(zlib::longest_stream(limit)) {
            return Err(StatusListErrorKind::TooLarge { limit }.into());
        }
        let stream = base64url::decode(lst.as_bytes()).map_err(StatusListErrorKind::Base64)?;
        let bytes = zlib::inflate(&stream, limit)?;
        Ok(Self::from_bytes(bits, bytes))
    }

    /// The byte of an index, and how far its bits are shifted in it.
    fn place(&self, index: u64) -> Option<(usize, u8)> {
        let per_byte = self.bits.per_byte();
        let at = usize::try_from(index.checked_div(per_byte)?).ok()?;
        let shift = u8::try_from(index.checked_rem(per_byte)?).ok()?;
        Some((at, shift.checked_mul(self.bits.count())?))
    }
}

impl fmt::Debug for StatusList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StatusList({} places of {} bits)",
            self.len(),
            self.bits.count()
        )
    }
}
