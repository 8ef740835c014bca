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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_stands_before_every_path() {
        let with = |base: &str, path: &str| Base::parse(base).map(|base| base.with_path(path));
        assert_eq!(with("https://A:443", "/x").unwrap(), "https://a/x");
        assert_eq!(with("https://a/v1/", "/x").unwrap(), "https://a/v1/x");
        assert_eq!(with("https://a", "*").unwrap(), "https://a/*");
        assert_eq!(with("https://a/?x", "/"), None);
        assert_eq!(with("a.example", "/"), None);
    }
}
