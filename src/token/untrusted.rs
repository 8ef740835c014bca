//! A token before proof: what may be read of it, and nothing else.

use std::borrow::Cow;

use super::error::{Malformation, Part};
use super::jwt::{self, JoseHeader};
use super::known::KnownHeaders;
use super::paseto::{self, PreAuthentication, Purpose};
use super::scratch::Scratch;
use crate::encoding::base64url;
use crate::encoding::json::Text;
use crate::limits::{MAX_HEADER_BYTES, MAX_TOKEN_BYTES};

/// Length of an Ed25519 signature in bytes (RFC 8032 section 5.1.6).
const ED25519_SIGNATURE: usize = 64;

/// A token whose form is right and whose signature nobody has checked.
///
/// It tells which algorithm and key it claims, so that a key can be chosen; it
/// has no method that gives claims. They come out of verification alone:
///
/// ```compile_fail
/// let mut scratch = tokenwright::Scratch::new();
/// let untrusted = tokenwright::UntrustedToken::parse("…", &mut scratch).unwrap();
/// untrusted.claims();
/// ```
pub struct UntrustedToken<'t> {
    text: &'t str,
    form: Form<'t>,
}

enum Form<'t> {
    Jwt {
        header_bytes: &'t [u8],
        header: JoseHeader<'t>,
        /// Whether the header was found among those that the caller knows.
        header_is_known: bool,
        signing_input: &'t str,
        signature: &'t [u8],
        payload_text: &'t str,
        payload: &'t mut [u8],
    },
    Paseto {
        purpose: Purpose,
        key_id: Option<Text<'t>>,
        footer: &'t [u8],
        /// v4.public: the message, behind its signature's back. v4.local: empty.
        message: &'t [u8],
        signature: &'t [u8],
        plaintext: &'t mut Vec<u8>,
    },
}

impl<'t> UntrustedToken<'t> {
    /// Splits a token and decodes all but its claims into `scratch`.
    ///
    /// The text must be the token exactly: no spaces, no newline, no `Bearer`.
    ///
    /// # Errors
    /// [`Malformation`], which names the part and what is wrong with it.
    ///
    /// ```
    /// use tokenwright::{Scratch, UntrustedToken};
    /// let mut scratch = Scratch::new();
    /// let error = UntrustedToken::parse("not a token", &mut scratch).err().unwrap();
    /// assert_eq!(error.to_string(), "expected three parts separated by dots, found 1");
    /// ```
    pub fn parse(text: &'t str, scratch: &'t mut Scratch) -> Result<Self, Malformation> {
        Self::parse_within(text, MAX_TOKEN_BYTES, scratch)
    }

    /// [`parse`](Self::parse) with another limit, in bytes.
    pub(crate) fn parse_within(
        text: &'t str,
        limit: usize,
        scratch: &'t mut Scratch,
    ) -> Result<Self, Malformation> {
        Self::parse_knowing(text, limit, scratch, None)
    }

    /// [`parse_within`](Self::parse_within), with headers that need no parsing any more.
    pub(crate) fn parse_knowing(
        text: &'t str,
        limit: usize,
        scratch: &'t mut Scratch,
        known: Option<&KnownHeaders>,
    ) -> Result<Self, Malformation> {
        // The length is judged before a single byte is looked at (CVE-2025-30204).
        if text.len() > limit {
            return Err(Malformation::TooLong {
                limit,
                found: text.len(),
            });
        }
        if text.is_empty() {
            return Err(Malformation::Empty);
        }
        let form = if paseto::looks_like_paseto(text) {
            parse_paseto(text, scratch)?
        } else {
            parse_jwt(text, scratch, known)?
        };
        Ok(Self { text, form })
    }

    /// The algorithm the token claims, as its issuer wrote it.
    #[must_use]
    pub fn untrusted_algorithm(&self) -> Cow<'t, str> {
        match &self.form {
            Form::Jwt { header, .. } => header.algorithm.to_cow(),
            Form::Paseto {
                purpose: Purpose::Public,
                ..
            } => Cow::Borrowed("v4.public"),
            Form::Paseto {
                purpose: Purpose::Local,
                ..
            } => Cow::Borrowed("v4.local"),
        }
    }

    /// The id of the key the token claims to be signed with.
    #[must_use]
    pub fn untrusted_key_id(&self) -> Option<Cow<'t, str>> {
        self.key_id().map(|text| text.to_cow())
    }

    /// The type the token claims: `typ`. A PASETO has none.
    #[must_use]
    pub fn untrusted_type(&self) -> Option<Cow<'t, str>> {
        self.token_type().map(|text| text.to_cow())
    }

    /// Whether there is a JOSE header that was not among the known ones.
    pub(crate) fn has_new_header(&self) -> bool {
        match &self.form {
            Form::Jwt {
                header_is_known, ..
            } => !header_is_known,
            Form::Paseto { .. } => false,
        }
    }

    pub(crate) fn key_id(&self) -> Option<Text<'t>> {
        match &self.form {
            Form::Jwt { header, .. } => header.key_id,
            Form::Paseto { key_id, .. } => *key_id,
        }
    }

    /// The JOSE header as it was decoded; `None` for a PASETO.
    #[allow(dead_code, reason = "called where keys are read from proofs")]
    pub(crate) fn untrusted_header(&self) -> Option<&'t [u8]> {
        match &self.form {
            Form::Jwt { header_bytes, .. } => Some(header_bytes),
            Form::Paseto { .. } => None,
        }
    }

    /// The token as it was presented.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn token_type(&self) -> Option<Text<'t>> {
        match &self.form {
            Form::Jwt { header, .. } => header.token_type,
            Form::Paseto { .. } => None,
        }
    }

    /// Whether the token claims exactly this algorithm.
    pub(crate) fn claims_algorithm(&self, name: &str) -> bool {
        match &self.form {
            Form::Jwt { header, .. } => header.algorithm.is(name),
            Form::Paseto {
                purpose: Purpose::Public,
                ..
            } => name == "v4.public",
            Form::Paseto {
                purpose: Purpose::Local,
                ..
            } => name == "v4.local",
        }
    }

    /// A header member that changes the token's meaning and is not implemented.
    pub(crate) fn extension(&self) -> Option<&'static str> {
        match &self.form {
            Form::Jwt { header, .. } => header.extension,
            Form::Paseto { .. } => None,
        }
    }

    /// Header, payload and footer, unproven: for `dangerous::unverified_contents` alone.
    pub(crate) fn into_unverified(self) -> Result<[Vec<u8>; 3], Malformation> {
        match self.form {
            Form::Jwt {
                header_bytes,
                payload_text,
                payload,
                ..
            } => {
                let payload = decode(payload_text, payload, Part::Payload)?;
                Ok([header_bytes.to_vec(), payload.to_vec(), Vec::new()])
            }
            Form::Paseto {
                footer, message, ..
            } => Ok([Vec::new(), message.to_vec(), footer.to_vec()]),
        }
    }

    /// What the signature covers, and the signature, lent to `read`: for the key room.
    /// `None` for a token that has none, or cannot have this assertion.
    pub(crate) fn signed<T>(
        &self,
        assertion: &[u8],
        read: impl FnOnce(&[&[u8]], &[u8]) -> T,
    ) -> Option<T> {
        match &self.form {
            Form::Jwt {
                signing_input,
                signature,
                ..
            } => assertion
                .is_empty()
                .then(|| read(&[signing_input.as_bytes()], signature)),
            Form::Paseto {
                purpose: Purpose::Public,
                footer,
                message,
                signature,
                ..
            } => {
                let pieces = [paseto::PUBLIC_HEADER.as_bytes(), message, footer, assertion];
                let encoding = PreAuthentication::of(pieces);
                let pieces = paseto::pre_authentication_pieces(&encoding, pieces);
                Some(read(&pieces, signature))
            }
            Form::Paseto {
                purpose: Purpose::Local,
                ..
            } => None,
        }
    }

    /// Gives the token up for opening with a key.
    pub(crate) fn seal(self) -> Sealed<'t> {
        Sealed {
            text: self.text,
            form: self.form,
        }
    }
}

/// A token handed to a key: the claims come out only through the closures below,
/// which the key room calls with its own signature check.
pub(crate) struct Sealed<'t> {
    text: &'t str,
    form: Form<'t>,
}

/// What the signature covered.
pub(crate) struct Opened<'t> {
    pub(crate) payload: &'t [u8],
    pub(crate) footer: &'t [u8],
}

/// Why a sealed token did not open.
#[derive(Debug)]
pub(crate) enum OpenError {
    Signature,
    Payload(Malformation),
}

impl<'t> Sealed<'t> {
    /// Checks the signature with `verify(pieces, signature)` or decrypts with
    /// `decrypt(token, footer, plaintext)`, then hands out the payload.
    pub(crate) fn open(
        self,
        assertion: &[u8],
        verify: impl FnOnce(&[&[u8]], &[u8]) -> bool,
        decrypt: impl FnOnce(&str, &[u8], &mut Vec<u8>) -> bool,
    ) -> Result<Opened<'t>, OpenError> {
        match self.form {
            Form::Jwt {
                signing_input,
                signature,
                payload_text,
                payload,
                ..
            } => {
                // RFC 7515 section 5.2: a JWS has no place for an assertion.
                if !assertion.is_empty() || !verify(&[signing_input.as_bytes()], signature) {
                    return Err(OpenError::Signature);
                }
                let payload = base64url::decode_public_into(payload_text.as_bytes(), payload)
                    .map_err(|error| {
                        OpenError::Payload(Malformation::Base64(Part::Payload, error))
                    })?;
                Ok(Opened {
                    payload,
                    footer: b"",
                })
            }
            Form::Paseto {
                purpose: Purpose::Public,
                footer,
                message,
                signature,
                ..
            } => {
                let pieces = [paseto::PUBLIC_HEADER.as_bytes(), message, footer, assertion];
                let encoding = PreAuthentication::of(pieces);
                if !verify(
                    &paseto::pre_authentication_pieces(&encoding, pieces),
                    signature,
                ) {
                    return Err(OpenError::Signature);
                }
                Ok(Opened {
                    payload: message,
                    footer,
                })
            }
            Form::Paseto {
                purpose: Purpose::Local,
                footer,
                plaintext,
                ..
            } => {
                if !decrypt(self.text, footer, plaintext) {
                    return Err(OpenError::Signature);
                }
                Ok(Opened {
                    payload: plaintext,
                    footer,
                })
            }
        }
    }
}

fn parse_jwt<'t>(
    text: &'t str,
    scratch: &'t mut Scratch,
    known: Option<&KnownHeaders>,
) -> Result<Form<'t>, Malformation> {
    let parts = jwt::split(text)?;
    let known = known.and_then(|known| known.find(parts.header));
    let header_length = length_of(parts.header, Part::Header)?;
    let signature_length = length_of(parts.signature, Part::Signature)?;
    let payload_length = length_of(parts.payload, Part::Payload)?;
    if header_length > MAX_HEADER_BYTES {
        return Err(Malformation::PartTooLong(Part::Header));
    }
    let total = header_length
        .saturating_add(signature_length)
        .saturating_add(payload_length);
    scratch.decoded.resize(total, 0);
    let (header, rest) = split_at(&mut scratch.decoded, header_length);
    let (signature, payload) = split_at(rest, signature_length);
    let header_bytes: &[u8] = match known {
        Some(known) => copied(known.bytes(), header),
        None => decode(parts.header, header, Part::Header)?,
    };
    let signature = decode(parts.signature, signature, Part::Signature)?;
    let header = match known.and_then(|known| known.lend(header_bytes)) {
        Some(header) => header,
        None => jwt::read_header(header_bytes)?,
    };
    Ok(Form::Jwt {
        header_bytes,
        header,
        header_is_known: known.is_some(),
        signing_input: parts.signing_input,
        signature,
        payload_text: parts.payload,
        payload,
    })
}

fn parse_paseto<'t>(text: &'t str, scratch: &'t mut Scratch) -> Result<Form<'t>, Malformation> {
    let parts = paseto::split(text)?;
    let message_length = length_of(parts.message, Part::Payload)?;
    let footer_length = length_of(parts.footer, Part::Footer)?;
    if footer_length > MAX_HEADER_BYTES {
        return Err(Malformation::PartTooLong(Part::Footer));
    }
    scratch
        .decoded
        .resize(message_length.saturating_add(footer_length), 0);
    let (body, footer) = split_at(&mut scratch.decoded, message_length);
    let body: &[u8] = decode(parts.message, body, Part::Payload)?;
    let footer: &[u8] = decode(parts.footer, footer, Part::Footer)?;
    let (message, signature) = match parts.purpose {
        Purpose::Local => (&b""[..], &b""[..]),
        Purpose::Public => body
            .len()
            .checked_sub(ED25519_SIGNATURE)
            .and_then(|end| body.split_at_checked(end))
            .ok_or(Malformation::Truncated)?,
    };
    let key_id = paseto::footer_key_id(footer)?;
    let plaintext = &mut scratch.plaintext;
    Ok(Form::Paseto {
        purpose: parts.purpose,
        key_id,
        footer,
        message,
        signature,
        plaintext,
    })
}

/// The bytes, in a place that is as long.
fn copied<'o>(bytes: &[u8], place: &'o mut [u8]) -> &'o [u8] {
    for (to, from) in place.iter_mut().zip(bytes) {
        *to = *from;
    }
    place
}

fn length_of(text: &str, part: Part) -> Result<usize, Malformation> {
    base64url::decoded_len(text.len())
        .ok_or(Malformation::Base64(part, base64url::Base64Error::Length))
}

fn decode<'o>(text: &str, out: &'o mut [u8], part: Part) -> Result<&'o [u8], Malformation> {
    match base64url::decode_public_into(text.as_bytes(), out) {
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(Malformation::Base64(part, error)),
    }
}

/// `split_at_mut` that cannot panic: the lengths were summed just before.
fn split_at(bytes: &mut [u8], middle: usize) -> (&mut [u8], &mut [u8]) {
    let middle = middle.min(bytes.len());
    bytes.split_at_mut(middle)
}
