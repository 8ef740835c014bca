//! The grammar of RFC 8259, one function a rule.

use super::Bounds;
use super::error::{JsonError, JsonErrorKind};
use super::members::{Members, fingerprint, short_fingerprint};
use super::value::{Array, Object, Text, Value, split_text};

/// Whatever the caller asks for, nesting stops here: it costs stack.
const DEEPEST: usize = 128;

/// A place in a text, and what is open there.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
    members: Members,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str, bounds: Bounds) -> Self {
        let deepest = if bounds.depth < DEEPEST {
            bounds.depth
        } else {
            DEEPEST
        };
        Self {
            text,
            at: 0,
            depth_left: deepest,
            members: Members::new(bounds.members),
        }
    }

    /// The next byte.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips `ws` (section 2) and returns the byte after it.
    #[inline]
    pub(super) fn skip_whitespace(&mut self) -> Option<u8> {
        // Tokens are written without white space, so that is asked first.
        match self.peek() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.skip_present_whitespace(),
        }
    }

    #[cold]
    fn skip_present_whitespace(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.advance(1);
        }
        self.peek()
    }

    /// Nothing but white space may follow.
    ///
    /// # Errors
    /// [`JsonErrorKind::TrailingData`].
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.skip_whitespace() {
            None => Ok(()),
            Some(_) => Err(JsonError::new(JsonErrorKind::TrailingData, self.at)),
        }
    }

    /// `value` (section 3).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(super) fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'{') => {
                self.object(|_, _| Ok::<(), JsonError>(()))?;
                Ok(Value::Object(Object::new(self.since(start))))
            }
            Some(b'[') => {
                self.array()?;
                Ok(Value::Array(Array::new(self.since(start))))
            }
            Some(b't') => self.literal(b"true", Value::Bool(true)),
            Some(b'f') => self.literal(b"false", Value::Bool(false)),
            Some(b'n') => self.literal(b"null", Value::Null),
            _ => Err(self.unexpected()),
        }
    }

    /// `object` (section 4), standing on its brace; every member goes to `visit`.
    ///
    /// # Errors
    /// The first thing that is wrong, or the visitor's own error.
    pub(super) fn object<E: From<JsonError>>(
        &mut self,
        mut visit: impl FnMut(Text<'a>, Value<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let begin = self.members.count();
        if self.open(b'}')? {
            loop {
                let name = self.name(begin)?;
                if self.skip_whitespace() != Some(b':') {
                    return Err(E::from(self.unexpected()));
                }
                self.advance(1);
                self.skip_whitespace();
                let value = self.value()?;
                visit(name, value)?;
                if !self.another(b'}')? {
                    break;
                }
            }
        }
        self.members.truncate(begin);
        self.close();
        Ok(())
    }

    /// `array` (section 5), standing on its bracket.
    fn array(&mut self) -> Result<(), JsonError> {
        if self.open(b']')? {
            loop {
                self.value()?;
                if !self.another(b']')? {
                    break;
                }
            }
        }
        self.close();
        Ok(())
    }

    /// Steps into an array or object, to its first item; false if it has none.
    fn open(&mut self, end: u8) -> Result<bool, JsonError> {
        self.depth_left = self
            .depth_left
            .checked_sub(1)
            .ok_or(JsonError::new(JsonErrorKind::TooDeep, self.at))?;
        self.advance(1);
        if self.skip_whitespace() == Some(end) {
            self.advance(1);
            return Ok(false);
        }
        Ok(true)
    }

    /// Steps over a comma to the next item, or over the end; false at the end.
    fn another(&mut self, end: u8) -> Result<bool, JsonError> {
        match self.skip_whitespace() {
            Some(b',') => {
                self.advance(1);
                self.skip_whitespace();
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.advance(1);
                Ok(false)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn close(&mut self) {
        self.depth_left = self.depth_left.saturating_add(1);
    }

    /// The name of a member, which must be new among those from `begin` on.
    #[inline(always)]
    fn name(&mut self, begin: usize) -> Result<Text<'a>, JsonError> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        if self.members.is_full() {
            return Err(JsonError::new(JsonErrorKind::TooManyMembers, start));
        }
        let (name, print) = match self.short_name() {
            Some(short) => short,
            None => self.any_name()?,
        };
        let text = self.text;
        if self
            .members
            .contains(begin, print, |place| names(text, place, &name))
        {
            return Err(JsonError::new(JsonErrorKind::DuplicateMember, start));
        }
        self.members.push(print, start);
        Ok(name)
    }

    /// A name below eight bytes and without escapes, as almost all are, with its
    /// fingerprint: one load reads it, and its end is found in that word.
    #[inline]
    fn short_name(&mut self) -> Option<(Text<'a>, u64)> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?;
        let [_, word @ ..] = rest.first_chunk::<9>()?;
        let word = u64::from_le_bytes(*word);
        let bits = special_bytes(word).trailing_zeros() & !7;
        if word.checked_shr(bits)? as u8 != b'"' {
            return None;
        }
        let print = short_fingerprint(word, bits);
        self.advance((bits as usize / 8).wrapping_add(2));
        Some((Text::new(self.since(start), false), print))
    }

    #[inline(never)]
    fn any_name(&mut self) -> Result<(Text<'a>, u64), JsonError> {
        let name = self.string()?;
        let print = match name.plain() {
            Some(plain) => fingerprint(plain.as_bytes()),
            None => fingerprint(name.to_cow().as_bytes()),
        };
        Ok((name, print))
    }

    /// `string` (section 7), standing on its quote.
    // Inlined because the result would travel through memory: a third of the time.
    #[inline(always)]
    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        let start = self.at;
        let mut escaped = false;
        self.advance(1);
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.unexpected()),
            }
        }
        self.advance(1);
        Ok(Text::new(self.since(start), escaped))
    }

    /// Skips to the next quote, backslash or control character, eight bytes at a time.
    fn skip_plain(&mut self) {
        while let Some(rest) = self.text.as_bytes().get(self.at..) {
            let Some(word) = rest.first_chunk::<8>() else {
                let ahead = rest.iter().position(|byte| is_special(*byte));
                self.advance(ahead.unwrap_or(rest.len()));
                return;
            };
            let special = special_bytes(u64::from_le_bytes(*word));
            if special != 0 {
                self.advance(special.trailing_zeros() as usize / 8);
                return;
            }
            self.advance(8);
        }
    }

    /// An escape, standing on its backslash. A high surrogate takes its low one along.
    fn escape(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.advance(1);
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.advance(1);
                return Ok(());
            }
            Some(b'u') => {}
            _ => return Err(self.unexpected()),
        }
        match self.hex_unit()? {
            0xd800..0xdc00 => {}
            0xdc00..0xe000 => return Err(JsonError::new(JsonErrorKind::LoneSurrogate, start)),
            _ => return Ok(()),
        }
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(b"\\u") {
            return Err(JsonError::new(JsonErrorKind::LoneSurrogate, start));
        }
        self.advance(1);
        match self.hex_unit()? {
            0xdc00..0xe000 => Ok(()),
            _ => Err(JsonError::new(JsonErrorKind::LoneSurrogate, start)),
        }
    }

    /// `uXXXX`, standing on the `u`.
    fn hex_unit(&mut self) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            self.advance(1);
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit << 4 | digit.ok_or_else(|| self.unexpected())?;
        }
        self.advance(1);
        Ok(unit)
    }

    /// `number` (section 6).
    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.advance(1);
        }
        if self.peek() == Some(b'0') {
            self.advance(1);
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.advance(1);
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.advance(1);
            if let Some(b'+' | b'-') = self.peek() {
                self.advance(1);
            }
            self.digits()?;
        }
        Ok(self.since(start))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let Some(b'0'..=b'9') = self.peek() else {
            return Err(self.unexpected());
        };
        while let Some(rest) = self.text.as_bytes().get(self.at..) {
            let Some(word) = rest.first_chunk::<8>() else {
                let ahead = rest.iter().position(|byte| !byte.is_ascii_digit());
                self.advance(ahead.unwrap_or(rest.len()));
                break;
            };
            let other = other_than_digits(u64::from_le_bytes(*word));
            if other != 0 {
                self.advance(other.trailing_zeros() as usize / 8);
                break;
            }
            self.advance(8);
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, JsonError> {
        for byte in word {
            if self.peek() != Some(*byte) {
                return Err(self.unexpected());
            }
            self.advance(1);
        }
        Ok(value)
    }

    /// The text from `start` to here.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn advance(&mut self, by: usize) {
        // Cannot wrap: no text is as long as the address space.
        self.at = self.at.wrapping_add(by);
    }

    #[cold]
    fn unexpected(&self) -> JsonError {
        let kind = match self.peek() {
            None => JsonErrorKind::UnexpectedEnd,
            Some(_) => JsonErrorKind::Syntax,
        };
        JsonError::new(kind, self.at)
    }
}

/// Whether the name that stands at `place` means the same as `name`.
#[cold]
fn names(text: &str, place: usize, name: &Text<'_>) -> bool {
    let earlier = text.get(place..).and_then(split_text);
    earlier.is_none_or(|(earlier, _)| earlier.same(name))
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// The same byte eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Marks the special bytes of eight with their top bit. A borrow can mark bytes
/// above the lowest special one wrongly, so only the lowest mark counts.
const fn special_bytes(word: u64) -> u64 {
    let quote = word ^ eight(b'"');
    let backslash = word ^ eight(b'\\');
    let zero_quote = quote.wrapping_sub(eight(1)) & !quote;
    let zero_backslash = backslash.wrapping_sub(eight(1)) & !backslash;
    let control = word.wrapping_sub(eight(0x20)) & !word;
    (zero_quote | zero_backslash | control) & eight(0x80)
}

/// Marks the bytes of eight that are no digits with their top bit.
const fn other_than_digits(word: u64) -> u64 {
    // Digits become 0 to 9; adding 118 to seven bits sets the top one from 10 on.
    let value = word ^ eight(b'0');
    let above_nine = (value & eight(0x7f)).wrapping_add(eight(0x80 - 10));
    (value | above_nine) & eight(0x80)
}
