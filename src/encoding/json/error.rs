//! What can be wrong with a JSON text.

use std::fmt;

/// Why a JSON text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Not JSON (RFC 8259).
    Syntax,
    /// The text stops in the middle of a value.
    UnexpectedEnd,
    /// Not UTF-8 (RFC 8259 section 8.1).
    Utf8,
    /// A byte order mark in front (RFC 8259 section 8.1).
    ByteOrderMark,
    /// A second member of the same name in one object (RFC 7515 section 4, RFC 7519 section 4).
    DuplicateMember,
    /// Half of a UTF-16 surrogate pair in a string (RFC 8259 section 8.2).
    LoneSurrogate,
    /// Arrays and objects nested deeper than accepted.
    TooDeep,
    /// More members in open objects than accepted.
    TooManyMembers,
    /// A value, but not an object.
    NotAnObject,
    /// More text after the value.
    TrailingData,
}

impl JsonErrorKind {
    /// The stable name of the kind.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "json_syntax",
            Self::UnexpectedEnd => "json_unexpected_end",
            Self::Utf8 => "json_not_utf8",
            Self::ByteOrderMark => "json_byte_order_mark",
            Self::DuplicateMember => "json_duplicate_member",
            Self::LoneSurrogate => "json_lone_surrogate",
            Self::TooDeep => "json_too_deep",
            Self::TooManyMembers => "json_too_many_members",
            Self::NotAnObject => "json_not_an_object",
            Self::TrailingData => "json_trailing_data",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Syntax => "not JSON",
            Self::UnexpectedEnd => "JSON text stops too early",
            Self::Utf8 => "JSON text is not UTF-8",
            Self::ByteOrderMark => "JSON text begins with a byte order mark",
            Self::DuplicateMember => "JSON object names a member twice",
            Self::LoneSurrogate => "JSON string holds half of a surrogate pair",
            Self::TooDeep => "JSON text is nested too deeply",
            Self::TooManyMembers => "JSON objects have too many members",
            Self::NotAnObject => "JSON text is not an object",
            Self::TrailingData => "JSON value is followed by more text",
        }
    }
}

/// A JSON text that was refused, and where. Holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JsonError {
    kind: JsonErrorKind,
    offset: usize,
}

impl JsonError {
    #[cold]
    pub(super) const fn new(kind: JsonErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub const fn kind(&self) -> JsonErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Where it was noticed, in bytes from the start of the text.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.kind.words(), self.offset)
    }
}

impl std::error::Error for JsonError {}
