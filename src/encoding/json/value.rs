//! Values of a JSON text that has been checked: borrowed pieces of it.
//!
//! Nothing here reports errors: the reader hands out only what it has checked.
//! None of these types is `Debug`, since a value may be a secret.

use std::borrow::Cow;

/// A value, borrowed from the text.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    /// A string.
    String(Text<'a>),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// The value as it is written.
    pub(crate) const fn raw(&self) -> &'a str {
        match self {
            Self::Null => "null",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Number(raw) => raw,
            Self::String(text) => text.quoted,
            Self::Array(array) => array.raw,
            Self::Object(object) => object.raw,
        }
    }
}

/// A string: a value or the name of a member.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    quoted: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// `quoted` is a checked string with its quotes; `escaped` says whether a
    /// backslash stands in it.
    pub(super) const fn new(quoted: &'a str, escaped: bool) -> Self {
        Self { quoted, escaped }
    }

    /// A string that was found to have no escapes, with its quotes.
    pub(crate) const fn unescaped(quoted: &'a str) -> Self {
        Self::new(quoted, false)
    }

    /// Whether the string means `other`.
    pub(crate) fn is(&self, other: &str) -> bool {
        if self.escaped {
            Unescaped(self.inner()).eq(other.chars())
        } else {
            self.inner().as_bytes() == other.as_bytes()
        }
    }

    /// Whether both strings mean the same.
    pub(crate) fn same(&self, other: &Text<'_>) -> bool {
        match (self.plain(), other.plain()) {
            (Some(ours), _) => other.is(ours),
            (_, Some(theirs)) => self.is(theirs),
            _ => Unescaped(self.inner()).eq(Unescaped(other.inner())),
        }
    }

    /// What the string means, if it is written without escapes.
    pub(crate) fn plain(&self) -> Option<&'a str> {
        (!self.escaped).then(|| self.inner())
    }

    /// What the string means; allocates only if it is written with escapes.
    pub(crate) fn to_cow(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(Unescaped(self.inner()).collect())
        } else {
            Cow::Borrowed(self.inner())
        }
    }

    fn inner(&self) -> &'a str {
        self.quoted
            .get(1..self.quoted.len().saturating_sub(1))
            .unwrap_or_default()
    }
}

/// An array.
#[derive(Clone, Copy)]
pub(crate) struct Array<'a> {
    raw: &'a str,
}

impl<'a> Array<'a> {
    pub(super) const fn new(raw: &'a str) -> Self {
        Self { raw }
    }

    /// Its values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut rest = self.raw.strip_prefix('[').unwrap_or_default();
        std::iter::from_fn(move || {
            let (value, after) = split_value(between(rest))?;
            rest = after;
            Some(value)
        })
    }
}

/// An object.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    raw: &'a str,
}

impl<'a> Object<'a> {
    pub(super) const fn new(raw: &'a str) -> Self {
        Self { raw }
    }

    /// Its members in order; no two names are the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Text<'a>, Value<'a>)> + use<'a> {
        let mut rest = self.raw.strip_prefix('{').unwrap_or_default();
        std::iter::from_fn(move || {
            let (name, after) = split_text(between(rest))?;
            let (value, after) = split_value(between(after))?;
            rest = after;
            Some((name, value))
        })
    }
}

/// What follows the white space and the punctuation between two values.
fn between(rest: &str) -> &str {
    rest.trim_start_matches([' ', '\t', '\n', '\r', ',', ':'])
}

/// Splits a value off the front of checked text; `None` at the end of a container.
fn split_value(rest: &str) -> Option<(Value<'_>, &str)> {
    let first = *rest.as_bytes().first()?;
    match first {
        b']' | b'}' => None,
        b'"' => split_text(rest).map(|(text, after)| (Value::String(text), after)),
        b'[' => split_container(rest).map(|(raw, after)| (Value::Array(Array { raw }), after)),
        b'{' => split_container(rest).map(|(raw, after)| (Value::Object(Object { raw }), after)),
        _ => {
            let end = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
            let (raw, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            let value = match first {
                b'n' => Value::Null,
                b't' => Value::Bool(true),
                b'f' => Value::Bool(false),
                _ => Value::Number(raw),
            };
            Some((value, after))
        }
    }
}

/// Splits a string off the front of checked text.
pub(super) fn split_text(rest: &str) -> Option<(Text<'_>, &str)> {
    let mut bytes = rest.bytes().enumerate();
    let (_, b'"') = bytes.next()? else {
        return None;
    };
    let mut escaped = false;
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let (quoted, after) = rest.split_at_checked(position.saturating_add(1))?;
                return Some((Text { quoted, escaped }, after));
            }
            b'\\' => {
                escaped = true;
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

/// Splits an array or object off the front of checked text.
fn split_container(rest: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut bytes = rest.bytes().enumerate();
    let mut quoted = false;
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth = depth.saturating_add(1),
            b']' | b'}' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return rest.split_at_checked(position.saturating_add(1));
                }
            }
            _ => {}
        }
    }
    None
}

/// The characters that the inside of a checked string means.
struct Unescaped<'a>(&'a str);

impl Iterator for Unescaped<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut characters = self.0.chars();
        let mut meant = characters.next()?;
        self.0 = characters.as_str();
        if meant == '\\' {
            let escape = characters.next()?;
            self.0 = characters.as_str();
            meant = match escape {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.code_point()?,
                itself => itself,
            };
        }
        Some(meant)
    }
}

impl Unescaped<'_> {
    /// The character of `XXXX` or `XXXX\uXXXX` (RFC 8259 section 7).
    fn code_point(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.0 = self.0.strip_prefix("\\u")?;
        let second = self.unit()?;
        let (high, low) = (first & 0x3ff, second & 0x3ff);
        char::from_u32(0x10000_u32.saturating_add(high << 10 | low))
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, after) = self.0.split_at_checked(4)?;
        self.0 = after;
        u32::from_str_radix(digits, 16).ok()
    }
}
