//! A keyring and a list of revocations in a schema of PostgreSQL.
//!
//! Every change is one statement. Numbers of revocations are handed out under the lock
//! of the list's only row, so that readers never skip one that is committed later.

mod connection;
mod keyring;
mod layout;
mod list;
mod listener;
mod tls;

use std::sync::Arc;

use super::OpenOptions;
use super::address::ServerAddress;
use super::error::StoreError;
use super::open::Parts;
use super::shared::{SharedKeyring, SharedList};

/// The parts of a store on PostgreSQL. Nobody is called.
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
        prepare: Box::new(move || layout::prepare(&prepared)),
    })
}
