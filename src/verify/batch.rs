//! Many tokens at once, each with its own answer: the one it would get alone.
//!
//! What is shared is one inverse for some points at a time (8 % of each verification
//! with a table), the view of the keys and the reading of the clock. Nothing is checked
//! in sum, so that no token can hide behind another.

use std::num::NonZeroUsize;
use std::thread;

use super::{Bound, Presented, Verified, Verifier, VerifyError, owned};
use crate::key::{Recomputed, settle};
use crate::keyring::KeyView;
use crate::token::{Claims, Scratch};

/// Tokens that share an inverse, which is then a thirtieth of what it was for each. Their
/// decoded texts are held at the same time: more of them would save nothing, and push the
/// tables of multiples out of the cache.
const SHARED: usize = 32;

/// What became of a token until its signature is judged.
struct Begun<'v, 't> {
    bound: Bound<'v, 't>,
    token: &'t str,
    /// Where its point is among those of the batch, if it has one.
    place: Option<usize>,
}

impl Verifier {
    /// Verifies many tokens and copies their registered claims: one answer for each, in
    /// their order, and each the same as [`verify`](Self::verify) gives at this instant.
    ///
    /// It is faster for tokens whose key has its table ([`warm`](crate::key::VerifyingKey::warm)),
    /// and no slower for others.
    ///
    /// ```
    /// use tokenwright::key::{Algorithm, SigningKey};
    /// use tokenwright::{Claims, KeySet, Minter, Policy, Verifier};
    ///
    /// let key = SigningKey::generate(Algorithm::EdDsa)?;
    /// let verifier = Verifier::builder(KeySet::of([key.verifying_key()])?)
    ///     .policy(Policy::new("https://auth.example", "orders-api"))
    ///     .without_revocation()
    ///     .build();
    /// let minter = Minter::builder(key, "https://auth.example").audience("orders-api").build()?;
    /// let good = minter.mint(&Claims::for_subject("alice"))?;
    ///
    /// let answers = verifier.verify_batch([good.as_str(), "not a token"]);
    /// assert_eq!(answers[0].as_ref().unwrap().subject(), Some("alice"));
    /// assert_eq!(answers[1].as_ref().unwrap_err().code(), "malformed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify_batch<'t, P: Into<Presented<'t>>>(
        &self,
        tokens: impl IntoIterator<Item = P>,
    ) -> Vec<Result<Verified<Claims>, VerifyError>> {
        let presented = self.at_one_instant(tokens);
        self.verify_presented(&presented)
    }

    /// [`verify_batch`](Self::verify_batch) on this thread and others beside it, which
    /// end before it returns. A thread that cannot be had is done without.
    pub fn verify_batch_on<'t, P: Into<Presented<'t>>>(
        &self,
        threads: NonZeroUsize,
        tokens: impl IntoIterator<Item = P>,
    ) -> Vec<Result<Verified<Claims>, VerifyError>> {
        let presented = self.at_one_instant(tokens);
        let share = presented.len().div_ceil(threads.get()).max(1);
        thread::scope(|scope| {
            let mut shares = presented.chunks(share);
            let own = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .map(|share| {
                    let work = move || self.verify_presented(share);
                    let spawned = thread::Builder::new().spawn_scoped(scope, work);
                    (spawned.ok(), share)
                })
                .collect();
            let mut answers = self.verify_presented(own);
            for (spawned, share) in others {
                let theirs = spawned.and_then(|thread| thread.join().ok());
                answers.extend(theirs.unwrap_or_else(|| self.verify_presented(share)));
            }
            answers
        })
    }

    /// The tokens, all judged at the same instant unless they name another.
    fn at_one_instant<'t, P: Into<Presented<'t>>>(
        &self,
        tokens: impl IntoIterator<Item = P>,
    ) -> Vec<Presented<'t>> {
        let now = self.clock.now();
        let at = |mut presented: Presented<'t>| {
            presented.terms.now.get_or_insert(now);
            presented
        };
        tokens.into_iter().map(|token| at(token.into())).collect()
    }

    fn verify_presented(
        &self,
        presented: &[Presented<'_>],
    ) -> Vec<Result<Verified<Claims>, VerifyError>> {
        let mut scratches = Vec::new();
        scratches.resize_with(presented.len().min(SHARED), Scratch::new);
        let view = self.keys.view();
        let mut answers = Vec::with_capacity(presented.len());
        for shared in presented.chunks(SHARED) {
            self.verify_shared(&view, shared, &mut scratches, &mut answers);
        }
        answers
    }

    /// Up to [`SHARED`] tokens, whose answers are appended.
    fn verify_shared(
        &self,
        view: &KeyView,
        presented: &[Presented<'_>],
        scratches: &mut [Scratch],
        answers: &mut Vec<Result<Verified<Claims>, VerifyError>>,
    ) {
        let mut points = Vec::with_capacity(presented.len());
        let begun: Vec<_> = presented
            .iter()
            .zip(scratches)
            .map(|(presented, scratch)| self.begin(view, *presented, scratch, &mut points))
            .collect();
        let verdicts = settle(&points);
        answers.extend(begun.into_iter().map(|begun| {
            let begun = begun?;
            let verdict = begun.place.and_then(|place| verdicts.get(place).copied());
            let known = view.keys().known_headers();
            let new_header = begun.bound.token.has_new_header();
            let verified = owned(self.finish(view, begun.bound, verdict, &mut |_| {})?)?;
            if new_header {
                known.learn(begun.token);
            }
            Ok(verified)
        }));
    }

    /// All that comes before the signature, and the point that it stands or falls with.
    fn begin<'v, 's>(
        &self,
        view: &'v KeyView,
        presented: Presented<'s>,
        scratch: &'s mut Scratch,
        points: &mut Vec<Recomputed>,
    ) -> Result<Begun<'v, 's>, VerifyError> {
        let job = presented.in_scratch(scratch);
        let token = job.token;
        let bound = self.bound(view, self.parsed(view, job)?)?;
        let place = bound.recompute().map(|point| {
            points.push(point);
            points.len().saturating_sub(1)
        });
        Ok(Begun {
            bound,
            token,
            place,
        })
    }
}
