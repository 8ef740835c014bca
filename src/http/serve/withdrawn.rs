//! The revocation list that the verifier asks, as health and metrics see it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::revocation::{Freshness, LiveRevocations};
use crate::store::{RevocationFollower, RevocationHealth};

/// The list, and how it is. Requests take no lock: the follower's health is swapped in
/// by whoever reads the store.
pub(super) struct Withdrawn {
    pub(super) follower: RevocationFollower,
    pub(super) freshness: Freshness,
    pub(super) live: LiveRevocations,
    pub(super) health: ArcSwap<RevocationHealth>,
}

impl Withdrawn {
    pub(super) fn new(follower: RevocationFollower, freshness: Freshness) -> Self {
        Self {
            live: follower.live(),
            health: ArcSwap::from_pointee(follower.health()),
            freshness,
            follower,
        }
    }

    /// Takes over how the follower is doing.
    pub(super) fn look(&self) {
        self.health.store(Arc::new(self.follower.health()));
    }
}
