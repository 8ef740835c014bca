//! Stands in for proofs of possession in builds without them: a type without values.

use ::http::header::{HeaderName, HeaderValue};
use ::http::request::Parts;
use ::http::{Extensions, HeaderMap};

use super::answer::Answers;
use super::credentials::TokenPlace;
use super::gate::{Asked, Checked};
use super::refusal::Refusal;
use crate::verify::Verifiers;

#[derive(Clone, Copy, Debug)]
pub(super) enum Dpop {}

#[derive(Clone, Copy)]
pub(super) enum JudgedProof {}

impl Dpop {
    pub(super) fn check<C>(
        &self,
        _: &Verifiers,
        _: &TokenPlace,
        _: Asked<'_>,
    ) -> Result<Checked<C>, Refusal> {
        match *self {}
    }

    pub(super) fn challenge(&self, _: &Answers, _: &Refusal, _: &Parts, _: &mut HeaderMap) {}

    #[allow(dead_code, reason = "called by the layer")]
    pub(super) fn next_nonce(&self, _: &Extensions) -> Option<HeaderValue> {
        match *self {}
    }

    pub(super) fn proof_header(&self) -> Option<HeaderName> {
        match *self {}
    }

    #[allow(dead_code, reason = "called by the layer")]
    pub(super) fn nonce_header() -> HeaderName {
        HeaderName::from_static("dpop-nonce")
    }
}
