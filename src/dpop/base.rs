//! Where a server stands, as its clients know it.

use super::address::Address;

/// What stands before the path of every request, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base(String);

impl Base {
    /// Scheme, host, perhaps a port and the beginning of a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = !text.contains(['?', '#']);
        plain
            .then(|| Address::parse(text))
            .flatten()
            .map(|address| {
                let trimmed = address.0.trim_end_matches('/');
                Self(trimmed.to_owned())
            })
    }

    /// The address of a request with this path.
    pub(crate) fn with_path(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.0)
    }
}
