//! Names of stores on servers: `redis://user@host:6379/0?prefix=shop&password-file=FILE`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::error::{StoreError, StoreErrorKind};
use super::secret_file::{read, secret_file};
use super::{OpenOptions, OpenedStore, SealingKey};
use crate::secret::SecretBytes;

/// How long a server may take to answer, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// An address in parts. The password is apart from all that is ever printed.
pub(in crate::store) struct ServerAddress {
    url: Url,
    place: String,
    pub(in crate::store) password: Option<SecretBytes>,
    parameters: BTreeMap<String, String>,
}

impl ServerAddress {
    /// Takes a name apart and reads the password from the file it names, if it does.
    pub(in crate::store) fn parse(
        reference: &str,
        options: &OpenOptions,
    ) -> Result<Self, StoreError> {
        let mut url = Url::parse(reference).map_err(|error| {
            bad_reference(
                &OpenedStore::shown(reference),
                "an address such as redis://host:6379 or postgres://user@host/database",
                &error.to_string(),
            )
        })?;
        let written = url.password().map(|text| {
            let bytes: Vec<u8> = percent_decoded(text);
            SecretBytes::from(bytes)
        });
        // Cannot fail: addresses without a host have no password to take away.
        let _ = url.set_password(None);
        let parameters = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let place = url.to_string();
        let mut address = Self {
            url,
            place,
            password: written.or_else(|| options.password.as_ref().map(SecretBytes::duplicate)),
            parameters,
        };
        if let Some(file) = address.take("password-file") {
            address.password = Some(first_line(secret_file(Path::new(&file))?));
        }
        Ok(address)
    }

    /// What stands for the store in messages.
    pub(in crate::store) fn place(&self) -> &str {
        &self.place
    }

    pub(in crate::store) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    pub(in crate::store) fn user(&self) -> Option<String> {
        let user = String::from_utf8(percent_decoded(self.url.username())).ok()?;
        (!user.is_empty()).then_some(user)
    }

    pub(in crate::store) fn host(&self) -> Option<String> {
        let host = self.url.host_str()?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        (!host.is_empty()).then(|| host.to_owned())
    }

    pub(in crate::store) fn port(&self) -> Option<u16> {
        self.url.port()
    }

    /// The path without the first slash.
    pub(in crate::store) fn path(&self) -> String {
        let path = self.url.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        String::from_utf8_lossy(&percent_decoded(path)).into_owned()
    }

    /// A parameter's value, once.
    pub(in crate::store) fn take(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }

    /// A name for what is kept: letters, digits, `-` and `_`.
    pub(in crate::store) fn name(
        &mut self,
        parameter: &str,
        otherwise: &str,
    ) -> Result<String, StoreError> {
        let name = self.take(parameter).unwrap_or_else(|| otherwise.to_owned());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=48).contains(&name.len()) && name.bytes().all(allowed) {
            return Ok(name);
        }
        Err(bad_reference(
            &self.place,
            &format!("{parameter}= with 1 to 48 letters, digits, '-' or '_'"),
            &crate::error::Quoted(&name).to_string(),
        ))
    }

    /// How long to wait for an answer: `timeout=`, in milliseconds.
    pub(in crate::store) fn timeout(&mut self) -> Result<Duration, StoreError> {
        Ok(self
            .number("timeout", 1..=600_000)?
            .map_or(PATIENCE, Duration::from_millis))
    }

    pub(in crate::store) fn number(
        &mut self,
        parameter: &str,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, StoreError> {
        let Some(text) = self.take(parameter) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            bad_reference(
                &self.place,
                &format!("{parameter}= with a number from {least} to {most}"),
                &crate::error::Quoted(&text).to_string(),
            )
        })
    }

    /// Certificates in PEM, from the file that `ca-file=` names.
    pub(in crate::store) fn certificates(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let file = self.take("ca-file");
        file.map(|file| read(Path::new(&file))).transpose()
    }

    /// The key that seals private keys, if there is one.
    pub(in crate::store) fn sealing_key(
        &mut self,
        options: &OpenOptions,
    ) -> Result<Option<SealingKey>, StoreError> {
        match (self.take("sealing-key-file"), &options.sealing_key) {
            (Some(file), _) => SealingKey::from_file(file).map(Some),
            (None, Some(text)) => SealingKey::from_text(text, "the sealing key").map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Refuses parameters that nobody has taken.
    pub(in crate::store) fn finish(&self) -> Result<(), StoreError> {
        let Some(unknown) = self.parameters.keys().next() else {
            return Ok(());
        };
        Err(bad_reference(
            &self.place,
            "parameters that this store knows",
            &crate::error::Quoted(unknown).to_string(),
        ))
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerAddress").field(&self.place).finish()
    }
}

pub(in crate::store) fn bad_reference(place: &str, expected: &str, found: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::BadReference,
        place,
        expected,
        found,
        "nothing was done; see the documentation of stores for how they are named",
    )
}

fn first_line(text: SecretBytes) -> SecretBytes {
    let line = text
        .expose()
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    SecretBytes::from(line.to_vec())
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digits = bytes.clone();
        let mut digits = digits.map(|byte| char::from(byte).to_digit(16));
        match (byte, digits.next().flatten(), digits.next().flatten()) {
            (b'%', Some(high), Some(low)) => {
                let value = high.saturating_mul(16).saturating_add(low);
                decoded.push(u8::try_from(value).unwrap_or(byte));
                bytes.next();
                bytes.next();
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reference: &str) -> Result<ServerAddress, StoreError> {
        ServerAddress::parse(reference, &OpenOptions::default())
    }

    #[test]
    fn a_password_is_in_no_place_that_is_printed() {
        for reference in [
            "redis://u:hunter2@h:1/0?prefix=p",
            "postgres://u:hunter2@h/db",
            "redis://u:hunter2@h:notaport",
            "redis://u:hunter2@",
            "redis//u:hunter2@h",
            "redis://u:hunter2@h:99999/",
        ] {
            let words = match parse(reference) {
                Ok(address) => format!("{address:?} {}", address.place()),
                Err(error) => format!("{error:?} {error}"),
            };
            assert!(!words.contains("hunter2"), "{words}");
        }
    }

    #[test]
    fn the_parts_of_an_address_come_back_decoded() {
        let mut address = parse("redis://a%40b:p%2Fw%zz@[::1]:7/x%20y?prefix=q&timeout=9").unwrap();
        assert_eq!(address.user().as_deref(), Some("a@b"));
        assert_eq!(address.password.as_ref().unwrap().expose(), b"p/w%zz");
        assert_eq!(
            (address.host().as_deref(), address.port()),
            (Some("::1"), Some(7))
        );
        assert_eq!(address.path(), "x y");
        assert_eq!(address.name("prefix", "other").unwrap(), "q");
        assert_eq!(address.timeout().unwrap(), Duration::from_millis(9));
        assert_eq!(address.finish(), Ok(()));
        let unknown = parse("redis://h?tiemout=9").unwrap().finish().unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "redis://h?tiemout=9: expected parameters that this store knows, found \"tiemout\"; \
             nothing was done; see the documentation of stores for how they are named"
        );
    }
}
