//! A keyring and a list of revocations on Redis or Valkey.
//!
//! ```text
//! {prefix}:keyring    hash     layout · version · document
//! {prefix}:material   hash     address → sealed key material
//! {prefix}:list       hash     layout · list · key · epoch · seq · base · observed
//! {prefix}:entries    sorted   number of 8 bytes and entry, by number
//! {prefix}:news       channel  something has changed
//! ```
//!
//! The braces keep all of it in one slot of a cluster. Every change is one script, which
//! Redis runs whole and alone. Nothing has a time to live: a server whose clock has
//! jumped would forget what is revoked (rule 7 of a store of revocations); pruning
//! drops entries by the clocks of those who write.

mod connection;
mod keyring;
mod list;
mod listener;
mod scripts;

use std::sync::Arc;

use super::OpenOptions;
use super::address::ServerAddress;
use super::error::StoreError;
use super::open::Parts;
use super::shared::{SharedKeyring, SharedList};

/// The layout above.
const LAYOUT: u32 = 1;

/// The parts of a store on Redis. Nobody is called.
pub(in crate::store) fn open(reference: &str, options: &OpenOptions) -> Result<Parts, StoreError> {
    let mut address = ServerAddress::parse(reference, options)?;
    let sealing = address.sealing_key(options)?;
    let server = Arc::new(connection::Server::of(address)?);
    let mut list = SharedList::new(list::List(Arc::clone(&server)));
    if let Some(most) = options.most_revocations {
        list = list.with_limit(most);
    }
    let listened = Arc::clone(&server);
    let prepared = Arc::clone(&server);
    Ok(Parts {
        name: server.place().to_owned(),
        keyring: Arc::new(SharedKeyring {
            server: keyring::Document(server),
            sealing,
        }),
        revocations: Arc::new(list),
        listen: Some(Box::new(move |wakers| {
            let listening = listener::Listener(Arc::clone(&listened));
            super::notice::listen(listening, wakers)
        })),
        prepare: Box::new(move || prepared.prepare()),
    })
}
