//! A keyring and a list of revocations in object storage.
//!
//! ```text
//! {prefix}/keyring.json             the document, swapped under a condition
//! {prefix}/material/{address}       sealed key material
//! {prefix}/revocations.json         the list's head, swapped under a condition
//! {prefix}/revocations/{random}     entries, written once, named by the head
//! ```
//!
//! A change is durable when the head that names it is put, on the condition that nobody
//! has put another one since it was read. Without such conditions two writers could both
//! win: an endpoint that does not keep them is refused before the first change.

mod bucket;
mod head;
mod keyring;
mod list;
mod probe;
mod segment;

use std::sync::Arc;

use super::OpenOptions;
use super::address::ServerAddress;
use super::error::StoreError;
use super::open::Parts;
use super::shared::{SharedKeyring, SharedList};

/// The parts of a store in a bucket. Nobody is called.
pub(in crate::store) fn open(reference: &str, options: &OpenOptions) -> Result<Parts, StoreError> {
    let mut address = ServerAddress::parse(reference, options)?;
    let sealing = address.sealing_key(options)?;
    let bucket = Arc::new(bucket::Bucket::of(address)?);
    let mut list = SharedList::new(list::List::new(Arc::clone(&bucket)));
    if let Some(most) = options.most_revocations {
        list = list.with_limit(most);
    }
    let prepared = Arc::clone(&bucket);
    Ok(Parts {
        name: bucket.place().to_owned(),
        keyring: Arc::new(SharedKeyring {
            server: keyring::Document::new(bucket),
            sealing,
        }),
        revocations: Arc::new(list),
        // Buckets are looked at; that costs a request whose answer is empty.
        listen: None,
        prepare: Box::new(move || probe::require_conditions(&prepared)),
    })
}
