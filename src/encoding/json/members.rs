//! The names of the members of all objects that are open, to find a second one.

/// As many names are kept on the stack; tokens have about ten.
const ON_THE_STACK: usize = 64;

/// A name as it is kept: a fingerprint that equal names share, and where it stands.
type Name = (u64, usize);

/// One stack of names for all open objects: an object adds at the top and takes
/// its own away when it closes.
pub(super) struct Members {
    first: [Name; ON_THE_STACK],
    more: Vec<Name>,
    count: usize,
    limit: usize,
}

impl Members {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            first: [(0, 0); ON_THE_STACK],
            more: Vec::new(),
            count: 0,
            limit,
        }
    }

    /// How many names are kept: where the next object's own begin.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Whether no further name may be kept.
    pub(super) const fn is_full(&self) -> bool {
        self.count >= self.limit
    }

    /// Whether any name from `begin` on has this fingerprint and passes `same`,
    /// which is given the name's place.
    pub(super) fn contains(
        &self,
        begin: usize,
        print: u64,
        mut same: impl FnMut(usize) -> bool,
    ) -> bool {
        let mut equal = |name: &Name| name.0 == print && same(name.1);
        let first = self.first.get(begin..self.count.min(ON_THE_STACK));
        first.unwrap_or_default().iter().any(&mut equal)
            || self
                .more
                .get(begin.saturating_sub(ON_THE_STACK)..)
                .unwrap_or_default()
                .iter()
                .any(equal)
    }

    pub(super) fn push(&mut self, print: u64, place: usize) {
        match self.first.get_mut(self.count) {
            Some(slot) => *slot = (print, place),
            None => self.more.push((print, place)),
        }
        self.count = self.count.saturating_add(1);
    }

    /// Takes away all names from `begin` on.
    pub(super) fn truncate(&mut self, begin: usize) {
        self.count = begin;
        self.more.truncate(begin.saturating_sub(ON_THE_STACK));
    }
}

/// A number that equal names share and different ones rarely do: made of the first
/// and last eight bytes. An attacker can make names collide, which costs a full
/// comparison each; the bound on open members bounds their number.
pub(super) fn fingerprint(name: &[u8]) -> u64 {
    match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(head), Some(tail)) => {
            u64::from_be_bytes(*head) ^ u64::from_be_bytes(*tail).rotate_left(29)
        }
        _ => name
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}
