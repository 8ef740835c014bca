//! What proofs must be, and judging them by it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::judge::{self, Request, Window};
use super::memory::{Memory, Spent};
use super::nonce::Nonces;
use super::setup::{ProofSetupError, ProofSetupErrorKind};
use crate::key::{Algorithm, Format};
use crate::limits::{DEFAULT_LEEWAY, MAX_LEEWAY};
use crate::time::UnixTime;
use crate::token::{KeyThumbprint, ProofError, ProofErrorKind, ProofOfPossession, Scratch};

/// How long a proof is accepted unless told otherwise: it is made for one request, and
/// a minute covers a slow network and a clock that is a little behind.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(60);

/// The longest that proofs may live: each is remembered for as long.
pub const MAX_PROOF_AGE: Duration = Duration::from_secs(3600);

/// The algorithms of proofs unless told otherwise: what clients in browsers, on phones
/// and in scripts have.
const DEFAULT_ALGORITHMS: [Algorithm; 5] = [
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Ed25519,
    Algorithm::Ps256,
    Algorithm::Rs256,
];

/// How proofs are judged, and which were used. Build it once; clones are the same.
///
/// See the [module](super) for what it holds and what not.
#[derive(Clone)]
pub struct Proofs(Arc<Setup>);

struct Setup {
    algorithms: Vec<Algorithm>,
    max_age: Duration,
    ahead: Duration,
    nonces: Option<Nonces>,
    memory: Memory,
}

/// [`Proofs`] that are being set up.
#[derive(Debug)]
pub struct ProofsBuilder {
    capacity: usize,
    share: Option<usize>,
    since: UnixTime,
    algorithms: Vec<Algorithm>,
    max_age: Duration,
    ahead: Duration,
    nonces: Option<Nonces>,
}

impl Proofs {
    /// Proofs of which the last `capacity` used ones are remembered, at up to about 100
    /// bytes each; more than that within their life are refused. Proofs made before
    /// `since`, the start of this process, are refused: another may have seen them. One
    /// whose maker's clock is ahead may have been made after `since` and used before:
    /// where that matters more than the first seconds after a start, let `since` be as
    /// much later as proofs may be ahead, or ask for [`Nonces`].
    ///
    /// A server that takes 500 requests a second needs room for 500 times 90, which are
    /// [`DEFAULT_MAX_AGE`] and the difference of clocks in seconds.
    #[must_use]
    pub fn builder(capacity: usize, since: UnixTime) -> ProofsBuilder {
        ProofsBuilder {
            capacity,
            share: None,
            since,
            algorithms: DEFAULT_ALGORITHMS.to_vec(),
            max_age: DEFAULT_MAX_AGE,
            ahead: DEFAULT_LEEWAY,
            nonces: None,
        }
    }

    /// The proof that came with an access token and this request, for
    /// [`Presented::with_proof`](crate::Presented::with_proof). Nothing is judged yet.
    ///
    /// `address` is the absolute address as the client knows it, from the server's own
    /// settings: never from the header `Host`, which is the client's word. A query or
    /// fragment is not looked at.
    pub fn presented<'a>(
        &'a self,
        proof: &'a str,
        method: &'a str,
        address: &'a str,
    ) -> PresentedProof<'a> {
        PresentedProof {
            proofs: self,
            proof,
            method,
            address,
            place: Place::Resource,
            memory: Use::First,
        }
    }

    /// Judges a proof that came without a token, when a client logs in, and says which
    /// key to bind its tokens to. Do it once the client is known: this checks a
    /// signature and takes room in the memory.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn key_to_bind(
        &self,
        proof: &str,
        method: &str,
        address: &str,
        now: UnixTime,
    ) -> Result<KeyThumbprint, ProofError> {
        let presented = self.presented(proof, method, address);
        presented.judge(None, None, now)
    }

    /// The nonce for proofs made from now on, which clients are given in the header
    /// `DPoP-Nonce`; `None` without [`Nonces`].
    #[must_use]
    pub fn nonce(&self, now: UnixTime) -> Option<String> {
        self.0.nonces.as_ref().map(|nonces| nonces.current(now))
    }

    /// The algorithms that are accepted, for challenges and metadata.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.0.algorithms
    }
}

impl ProofsBuilder {
    /// How many proofs of one key are remembered at most; without it a sixteenth of the
    /// capacity, so that no single client fills it.
    #[must_use]
    pub fn per_key(mut self, share: usize) -> Self {
        self.share = Some(share);
        self
    }

    /// Accepts these algorithms in place of ES256, EdDSA, Ed25519, PS256 and RS256.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How long a proof is accepted after it was made; without it [`DEFAULT_MAX_AGE`].
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// How far the clocks of clients may be ahead; without it
    /// [`DEFAULT_LEEWAY`](crate::DEFAULT_LEEWAY), at most [`MAX_LEEWAY`].
    #[must_use]
    pub fn ahead(mut self, leeway: Duration) -> Self {
        self.ahead = leeway.min(MAX_LEEWAY);
        self
    }

    /// Asks for these nonces in every proof.
    #[must_use]
    pub fn nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// The finished setup.
    ///
    /// # Errors
    /// [`ProofSetupError`].
    pub fn build(self) -> Result<Proofs, ProofSetupError> {
        use ProofSetupErrorKind as Kind;
        let share = self.share.unwrap_or((self.capacity / 16).max(1));
        if self.capacity == 0 || share == 0 {
            return Err(Kind::NoMemory.into());
        }
        if self.algorithms.is_empty() {
            return Err(Kind::NoAlgorithm.into());
        }
        let unfit = |each: &&Algorithm| each.is_symmetric() || each.format() != Format::Jwt;
        if let Some(found) = self.algorithms.iter().find(unfit) {
            return Err(Kind::AlgorithmUnfit { found: *found }.into());
        }
        let found = self.max_age;
        if found > MAX_PROOF_AGE {
            return Err(Kind::AgeTooLong { found }.into());
        }
        if found < Duration::from_secs(1) {
            return Err(Kind::AgeTooShort { found }.into());
        }
        // The memory counts in whole seconds, and so does the age.
        let max_age = Duration::from_secs(found.as_secs());
        Ok(Proofs(Arc::new(Setup {
            memory: Memory::new(self.capacity, share, max_age, self.ahead, self.since),
            algorithms: self.algorithms,
            max_age,
            ahead: self.ahead,
            nonces: self.nonces,
        })))
    }
}

/// A proof as it came with a request; a verifier judges it when the token is good.
#[derive(Clone, Copy)]
pub struct PresentedProof<'a> {
    proofs: &'a Proofs,
    proof: &'a str,
    method: &'a str,
    address: &'a str,
    place: Place,
    memory: Use,
}

/// Where a proof is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With an access token, whose digest it must hold.
    Resource,
    /// With a renewal token, of which it says nothing.
    TokenEndpoint,
}

/// Which use of a proof it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    First,
    /// The same request once more, in another part of this program.
    SameRequest,
}

impl PresentedProof<'_> {
    /// With a renewal token and not an access token: proofs at a token endpoint hold no
    /// digest of it (RFC 9449 section 5).
    #[must_use]
    pub fn for_renewal(mut self) -> Self {
        self.place = Place::TokenEndpoint;
        self
    }

    /// Judged before, for this very request: it does not count as used again.
    #[allow(dead_code, reason = "called where several extractors share a request")]
    pub(crate) fn in_same_request(mut self) -> Self {
        self.memory = Use::SameRequest;
        self
    }

    fn judge(
        &self,
        expected: Option<&KeyThumbprint>,
        token: Option<&str>,
        now: UnixTime,
    ) -> Result<KeyThumbprint, ProofError> {
        let setup = &self.proofs.0;
        let mut scratch = Scratch::new();
        let opened = judge::open(self.proof, &setup.algorithms, expected, &mut scratch)?;
        let statement = opened.statement()?;
        statement.is_for(Request {
            method: self.method,
            address: self.address,
            token,
        })?;
        if let Some(nonces) = &setup.nonces {
            statement.has_nonce(|nonce| nonces.accepts(nonce, now))?;
        }
        statement.is_timely(Window {
            since: now.saturating_sub(setup.max_age),
            until: now.saturating_add(setup.ahead),
        })?;
        if self.memory == Use::First {
            let id = statement.proof_id.to_cow();
            self.remember(&opened.key, &id, statement.made, now)?;
        }
        Ok(opened.key)
    }

    /// Last of all, so that only a proof that is good takes room.
    fn remember(
        &self,
        key: &KeyThumbprint,
        proof_id: &str,
        made: UnixTime,
        now: UnixTime,
    ) -> Result<(), ProofErrorKind> {
        match self.proofs.0.memory.spend(key, proof_id, made, now) {
            Spent::First => Ok(()),
            Spent::Again => Err(ProofErrorKind::Replayed),
            Spent::Forgotten { since } => Err(ProofErrorKind::TooOld { at: made, since }),
            Spent::Full { wait } => Err(ProofErrorKind::MemoryFull { wait }),
        }
    }
}

impl ProofOfPossession for PresentedProof<'_> {
    fn confirm(&self, key: &KeyThumbprint, token: &str, now: UnixTime) -> Result<(), ProofError> {
        let token = (self.place == Place::Resource).then_some(token);
        self.judge(Some(key), token, now).map(|_| ())
    }
}

impl fmt::Debug for PresentedProof<'_> {
    /// The proof is as good as a signature: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedProof({} bytes)", self.proof.len())
    }
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proofs")
            .field("algorithms", &self.0.algorithms)
            .field("max_age", &self.0.max_age)
            .field("nonces", &self.0.nonces)
            .field("memory", &self.0.memory)
            .finish_non_exhaustive()
    }
}
