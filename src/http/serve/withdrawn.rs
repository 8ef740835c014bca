//! The revocation list that the verifier asks, as health and metrics see it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::signed_list::SignedList;
use crate::revocation::{Freshness, LiveRevocations};
use crate::store::{RevocationFollower, RevocationHealth};
use crate::time::UnixTime;

/// The list, and how it is. Requests take no lock: the follower's health is swapped in
/// by whoever reads the store.
pub(super) struct Withdrawn {
    pub(super) follower: RevocationFollower,
    pub(super) freshness: Freshness,
    pub(super) live: LiveRevocations,
    pub(super) health: ArcSwap<RevocationHealth>,
    /// The list as it is published, where it is.
    pub(super) signed: Option<SignedList>,
}

impl Withdrawn {
    pub(super) fn new(follower: RevocationFollower, freshness: Freshness) -> Self {
        Self {
            live: follower.live(),
            health: ArcSwap::from_pointee(follower.health()),
            signed: None,
            freshness,
            follower,
        }
    }

    /// Signs the list for others, if that is asked for and due.
    pub(super) fn publish(&self, now: UnixTime) {
        if let Some(signed) = &self.signed {
            signed.look(&self.follower, now);
        }
    }

    /// Takes over how the follower is doing.
    pub(super) fn look(&self) {
        self.health.store(Arc::new(self.follower.health()));
    }
}
