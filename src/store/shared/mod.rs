//! What the stores on servers share: the rules of a keyring's store and of a list of
//! revocations, over a few calls that each server answers in its own way.

#[cfg(any(feature = "postgres", feature = "object-store"))]
mod driver;
mod keyring;
mod listing;

use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::{MaterialAddress, Version, Versioned};

#[cfg(any(feature = "postgres", feature = "object-store"))]
pub(in crate::store) use driver::Driver;
pub(in crate::store) use keyring::SharedKeyring;
pub(in crate::store) use listing::SharedList;

/// Most bytes that sealing adds to key material.
pub(in crate::store) const SEAL_BYTES: usize = 64;

/// What a server must do for the one document and the sealed key material.
pub(in crate::store) trait DocumentServer: Send + Sync {
    /// The server and the place in it, for messages: never with a password.
    fn place(&self) -> &str;

    /// The document, if there is one.
    fn load(&self) -> Result<Option<Versioned>, StoreError>;

    /// Replaces the document if its version is the expected one, in one step.
    fn swap(&self, expected: Option<&Version>, document: &[u8]) -> Result<Swapped, StoreError>;

    /// Puts bytes where there are none; `false` if there are some.
    fn put(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError>;

    /// Puts bytes where there are some; `false` if there are none.
    fn replace(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError>;

    /// The bytes at an address.
    fn get(&self, address: &MaterialAddress) -> Result<Option<Vec<u8>>, StoreError>;

    /// Removes the bytes at an address, if there are any.
    fn remove(&self, address: &MaterialAddress) -> Result<(), StoreError>;

    /// Every address that has bytes, in any order.
    fn addresses(&self) -> Result<Vec<String>, StoreError>;
}

/// How a swap ended.
pub(in crate::store) enum Swapped {
    /// The document is replaced, and this is its version.
    Done(Version),
    /// Another version is there, or none.
    Found(Option<Version>),
}

/// What a server keeps about a list. Numbers stay below 2^53: some servers count in
/// floating point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct StoredHead {
    pub(in crate::store) list: [u8; 16],
    pub(in crate::store) fingerprint_key: [u8; 16],
    pub(in crate::store) epoch: u64,
    pub(in crate::store) seq: u64,
    pub(in crate::store) base: u64,
    pub(in crate::store) entries: u64,
    pub(in crate::store) observed: i64,
}

/// Entries to be added in one step.
pub(in crate::store) struct Addition<'a> {
    /// Encoded, in order.
    pub(in crate::store) entries: &'a [Vec<u8>],
    /// How many there must be room for: these, and those that follow in further steps.
    pub(in crate::store) room_for: u64,
    /// Most entries that the list may hold.
    pub(in crate::store) most: u64,
    /// What the writer's clock shows, to be noted unless it has jumped.
    pub(in crate::store) now: i64,
}

/// How adding ended.
pub(in crate::store) enum Added {
    Done(StoredHead),
    NoList,
    Full,
}

/// Some entries of a list in the order of their numbers, and its head at that moment.
pub(in crate::store) struct Page {
    pub(in crate::store) head: StoredHead,
    pub(in crate::store) entries: Vec<(u64, Vec<u8>)>,
    /// Whether there are none after these.
    pub(in crate::store) last: bool,
}

/// One step of pruning: small enough not to hold others up.
pub(in crate::store) struct Rewrite<'a> {
    /// Where the list stood when entries were last dropped: another number, another
    /// pruning, and nothing is done.
    pub(in crate::store) base: u64,
    pub(in crate::store) replaced: &'a [(u64, Vec<u8>)],
    pub(in crate::store) removed: &'a [u64],
}

/// What is to be noted without adding an entry.
#[derive(Clone, Copy)]
pub(in crate::store) enum Mark {
    /// The clock shows this, and it is later than what was noted.
    Observe(i64),
    /// A person has looked at the clock, which shows this.
    Accept(i64),
    /// A new epoch begins.
    Epoch(i64),
}

/// What a server must do for a list of revocations. Each call is one step that happens
/// whole or not at all, and `Ok` means durable as far as the engine promises it.
pub(in crate::store) trait ListServer: Send + Sync {
    /// The server and the place in it, for messages.
    fn place(&self) -> &str;

    /// Makes a list with this head; `false` if there is one.
    fn create(&self, head: &StoredHead) -> Result<bool, StoreError>;

    /// The list's head.
    fn head(&self) -> Result<Option<StoredHead>, StoreError>;

    /// Adds entries under the next numbers.
    fn append(&self, addition: &Addition<'_>) -> Result<Added, StoreError>;

    /// Entries with numbers above one, as many as fit into an answer; `None` without a list.
    fn page(&self, after: u64) -> Result<Option<Page>, StoreError>;

    /// Replaces and removes entries and takes a new number for that, which becomes the
    /// base; `None` if the base is another one.
    fn rewrite(&self, step: &Rewrite<'_>) -> Result<Option<StoredHead>, StoreError>;

    /// Notes something; `None` without a list.
    fn mark(&self, mark: Mark) -> Result<Option<StoredHead>, StoreError>;

    /// Most entries of one step of pruning.
    fn step_entries(&self) -> usize {
        1000
    }
}

/// Makes a store's errors, each with the place.
pub(in crate::store) fn error_at(
    place: &str,
    kind: StoreErrorKind,
    expected: &str,
    found: &str,
    next_step: &str,
) -> StoreError {
    StoreError::new(kind, place, expected, found, next_step)
}

/// What is there is not what this program writes.
pub(in crate::store) fn foreign(place: &str, what: &str, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::Foreign,
        what,
        found,
        "nothing was changed; somebody else uses this name: choose another prefix, schema or \
         bucket, or remove what is not tokenwright's",
    )
}

/// What is there was written by an older or a later program.
pub(in crate::store) fn other_schema(place: &str, known: u32, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::Schema,
        &format!("the layout {known} of tokenwright"),
        found,
        "nothing was changed; bring an older layout up to date with `tokenwright store init`, \
         and read a newer one with the program that wrote it",
    )
}

/// Nobody answers: nothing was sent, or nothing that changes anything.
pub(in crate::store) fn unavailable(place: &str, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::Unavailable,
        "an answer",
        found,
        "nothing was changed; check that the server runs and can be reached, then try again",
    )
}

/// The connection broke after something was sent.
pub(in crate::store) fn indeterminate(place: &str, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::Indeterminate,
        "an acknowledgement",
        found,
        "the change may or may not be there: every command may be repeated",
    )
}

/// The server does not let us.
pub(in crate::store) fn denied(place: &str, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::Permission,
        "access",
        found,
        "nothing was changed; check the user, the password and what the user may do",
    )
}

/// The server can only be read.
pub(in crate::store) fn read_only(place: &str, found: &str) -> StoreError {
    error_at(
        place,
        StoreErrorKind::ReadOnly,
        "a server that takes changes",
        found,
        "nothing was changed; name the primary, not a replica",
    )
}
