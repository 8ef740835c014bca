//! The one place of the command line that opens a connection: a key set at an address.

use clap::Args;
use tokenwright::KeySet;
use tokenwright::http::remote::{Addresses, HttpClient, RemoteError, RemoteKeys, Schemes};
use tokenwright::key::Algorithm;

use super::failure::Failure;
use super::keys::{no_key, without_code};

/// What may be connected to.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct NetworkArguments {
    /// Fetch --jwks over plain http, too
    #[arg(long, requires = "jwks")]
    allow_http: bool,
    /// Fetch --jwks from this machine and private networks, too
    #[arg(long, requires = "jwks")]
    allow_private: bool,
}

/// Whether an argument that may be a file is an address.
pub(crate) fn is_address(text: &str) -> bool {
    let has = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    has("http://") || has("https://")
}

/// Fetches a key set once.
pub(crate) fn fetch(
    address: &str,
    algorithm: Option<Algorithm>,
    allowed: NetworkArguments,
) -> Result<KeySet, Failure> {
    let addresses = if allowed.allow_private {
        Addresses::PublicAndPrivate
    } else {
        Addresses::Public
    };
    let schemes = if allowed.allow_http {
        Schemes::HttpsAndHttp
    } else {
        Schemes::Https
    };
    let client = HttpClient::builder().addresses(addresses).build();
    let client = client.map_err(|error| Failure::new(error.code(), error.class().into(), error))?;
    let mut remote = RemoteKeys::jwks(address).schemes(schemes).client(client);
    if let Some(algorithm) = algorithm {
        remote = remote.algorithm_where_needed(algorithm);
    }
    let remote = remote.load().map_err(|error| failure(&error))?;
    let keys = remote.keys().keys();
    if keys.is_empty() {
        return Err(no_key(remote.health().reasons.first()));
    }
    Ok(keys)
}

fn failure(error: &RemoteError) -> Failure {
    let message = without_code(error, error.code());
    let failure = Failure::new(error.code(), error.class().into(), message);
    match error.code() {
        "not_https" => failure.hint("to fetch it all the same: --allow-http"),
        "address_refused" => {
            failure.hint("if it is this machine or a network of yours: --allow-private")
        }
        "redirect_refused" => failure.hint("give the address that it redirects to"),
        _ => failure,
    }
}
