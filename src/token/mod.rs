//! What a token is: its claims, its two wire formats, and what may be read of it before proof.

mod borrowed;
mod claims;
mod confirmation;
mod custom;
mod error;
mod jwt;
mod known;
mod paseto;
mod possession;
mod scratch;
mod status;
mod untrusted;

pub use borrowed::{AudienceRef, ClaimsRef};
pub use claims::Claims;
pub use confirmation::KeyThumbprint;
pub use error::{Malformation, Part};
pub use possession::{ProofError, ProofErrorKind, ProofOfPossession};
pub use scratch::Scratch;
pub use status::{StatusClaim, StatusRef};
pub use untrusted::UntrustedToken;

pub(crate) use known::KnownHeaders;

pub use claims::ClaimName;

pub(crate) use borrowed::{ClaimsError, CustomMember, TimeForm, read_claims};
pub(crate) use claims::is_registered;
pub(crate) use confirmation::{CONFIRMATION, binds_key};
pub(crate) use custom::deserialize_custom;
pub(crate) use jwt::{same_media_type, write_header};
pub(crate) use paseto::{PUBLIC_HEADER, PreAuthentication, pre_authentication_pieces};
pub(crate) use status::{STATUS, is_status_list, is_uri};
pub(crate) use untrusted::{OpenError, Opened};
