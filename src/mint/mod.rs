//! The minting flow: claims, then the signing input, then the token. The key
//! decides algorithm and key id; the caller cannot.

mod error;
mod payload;
mod sign;

pub use error::{MintError, MintErrorKind};
pub use sign::sign_raw;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde::Serialize;

use crate::encoding::base64url;
use crate::error::At;
use crate::key::{Entropy, Format, SigningKey, SystemEntropy};
use crate::keyring::{LiveSigners, Signer, SignerView};
use crate::limits::{MAX_TOKEN_BYTES, MAX_TYPE_BYTES};
use crate::revocation::{Freshness, Gate, RevocationCheck, Stopped, TokenFacts};
use crate::time::{Clock, SystemClock, UnixTime};
use crate::token::Claims;
use payload::{Stamp, write_payload};
use sign::sign_paseto;

/// How long a token lives unless told otherwise: short enough that a stolen one
/// is soon worthless, long enough that renewal is rare.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Random bytes in a token id: 128 bits do not repeat.
const TOKEN_ID_BYTES: usize = 16;

/// Mints tokens with one key, in the issuer's name.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::{Claims, Minter};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let minter = Minter::builder(key, "https://auth.example")
///     .audience("orders-api")
///     .lifetime(Duration::from_secs(300))
///     .build()?;
/// let token = minter.mint(&Claims::for_subject("alice"))?;
/// assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Minter {
    signers: LiveSigners,
    /// What was worked out for the key that signed last; keys change rarely.
    prepared: Arc<ArcSwapOption<Prepared>>,
    token_type: Arc<str>,
    issuer: Arc<str>,
    audience: Arc<[String]>,
    lifetime: Duration,
    token_ids: TokenIds,
    revocation: Option<Gate>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The parts of a token that are the same for every token of a key.
struct Prepared {
    key: Arc<SigningKey>,
    /// The JOSE header, encoded.
    header: String,
    /// The PASETO footer: the key id.
    footer: String,
}

/// Whether tokens get an id of their own when their claims name none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenIds {
    /// 128 random bits, so that the token can be revoked.
    Random,
    /// None: shorter tokens that can be revoked only by session or subject.
    Absent,
}

/// What a single minting may choose beside its claims.
///
/// ```
/// use tokenwright::{MintOptions, UnixTime};
/// let options = MintOptions::new().at(UnixTime::from_seconds(1_760_000_000)).assertion(b"device-7");
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Default)]
pub struct MintOptions<'a> {
    now: Option<UnixTime>,
    assertion: &'a [u8],
    footer: Option<&'a [u8]>,
}

impl fmt::Debug for MintOptions<'_> {
    /// An assertion may be a secret of both sides: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MintOptions({} bytes of assertion)",
            self.assertion.len()
        )
    }
}

impl<'a> MintOptions<'a> {
    /// The minter's clock, no assertion, the usual footer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Minted at this instant, in place of the minter's clock.
    #[must_use]
    pub fn at(mut self, now: UnixTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Binds a PASETO to bytes that the verifier must know too (implicit assertion).
    #[must_use]
    pub fn assertion(mut self, assertion: &'a [u8]) -> Self {
        self.assertion = assertion;
        self
    }

    /// Puts this footer behind a PASETO, in place of `{"kid":"…"}`. It is signed
    /// and readable by anyone; leave the key id in it, or verifiers with several
    /// keys cannot choose.
    #[must_use]
    pub fn footer(mut self, footer: &'a [u8]) -> Self {
        self.footer = Some(footer);
        self
    }
}

impl Minter {
    /// Begins a minter in the name of an issuer (`iss`), with a
    /// [`SigningKey`] or the [`LiveSigners`] of a keyring that turns.
    #[must_use]
    pub fn builder(signers: impl Into<LiveSigners>, issuer: impl Into<String>) -> MinterBuilder {
        MinterBuilder {
            signers: signers.into(),
            issuer: issuer.into(),
            audience: Vec::new(),
            lifetime: DEFAULT_LIFETIME,
            token_type: "JWT".to_owned(),
            token_ids: TokenIds::Random,
            revocation: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Mints a token now.
    ///
    /// # Errors
    /// [`MintError`]; nothing is signed then.
    pub fn mint<C: Serialize>(&self, claims: &Claims<C>) -> Result<String, MintError> {
        self.mint_with(claims, MintOptions::new())
    }

    /// Mints a token with a time, an assertion or a footer of its own.
    ///
    /// # Errors
    /// [`MintError`]; nothing is signed then.
    pub fn mint_with<C: Serialize>(
        &self,
        claims: &Claims<C>,
        options: MintOptions<'_>,
    ) -> Result<String, MintError> {
        let local = options.now.unwrap_or_else(|| self.clock.now());
        let view = self.signers.view();
        let token_id = self.token_id(claims.token_id().is_some())?;
        let mut now = view.clock(local);
        let mut signer = signer_at(&view, now)?;
        if let Some(gate) = &self.revocation {
            let ask = |signer: &Signer, at: UnixTime| {
                gate.pass(&self.facts(claims, token_id.as_deref(), signer, at), now)
            };
            if let Err(first) = ask(signer, now) {
                // A login right after `--before now` is newer than what was withdrawn.
                let later = first.issued_later(now).ok_or_else(|| stopped(first))?;
                signer = signer_at(&view, later)?;
                ask(signer, later).map_err(stopped)?;
                now = later;
            }
        }
        let prepared = self.prepare(signer);
        let stamp = Stamp {
            format: prepared.key.algorithm().format(),
            issuer: &self.issuer,
            audience: &self.audience,
            lifetime: self.lifetime_with(signer)?,
            token_id,
            now,
        };
        let payload = write_payload(claims, &stamp)?;
        sign(&prepared, payload.as_bytes(), options)
    }

    /// A key signs nothing that outlives what verifiers allow it (T).
    /// What the token would say, as far as a revocation can name it.
    fn facts<'a, C>(
        &'a self,
        claims: &'a Claims<C>,
        token_id: Option<&'a str>,
        signer: &'a Signer,
        now: UnixTime,
    ) -> TokenFacts<'a> {
        let mut facts = TokenFacts::new(&self.issuer, signer.key().id().as_str())
            .with_issued_at(UnixTime::from_seconds(now.seconds()))
            .with_audience(match claims.audience() {
                [] => &self.audience,
                audience => audience,
            });
        if let Some(subject) = claims.subject() {
            facts = facts.with_subject(subject);
        }
        if let Some(session_id) = claims.session_id() {
            facts = facts.with_session_id(session_id);
        }
        match claims.token_id().or(token_id) {
            Some(token_id) => facts.with_token_id(token_id),
            None => facts,
        }
    }

    fn lifetime_with(&self, signer: &Signer) -> Result<Duration, MintError> {
        match signer.max_lifetime() {
            Some(limit) if self.lifetime > limit => Err(MintErrorKind::LifetimeTooLong {
                limit,
                found: self.lifetime,
            }
            .into()),
            Some(_) | None => Ok(self.lifetime),
        }
    }

    fn prepare(&self, signer: &Signer) -> Arc<Prepared> {
        if let Some(prepared) = self.prepared.load_full()
            && Arc::ptr_eq(&prepared.key, signer.key())
        {
            return prepared;
        }
        let prepared = Arc::new(Prepared {
            header: signer.key().jose_header(&self.token_type),
            footer: signer.key().paseto_footer(),
            key: Arc::clone(signer.key()),
        });
        self.prepared.store(Some(Arc::clone(&prepared)));
        prepared
    }

    fn token_id(&self, given: bool) -> Result<Option<String>, MintError> {
        if given || self.token_ids == TokenIds::Absent {
            return Ok(None);
        }
        let mut bytes = [0; TOKEN_ID_BYTES];
        self.entropy.fill(&mut bytes).map_err(MintError::key)?;
        let mut id = String::new();
        base64url::encode_public_to(&bytes, &mut id);
        Ok(Some(id))
    }
}

/// The one key that signs at `now` (rule 7 of the keyring).
fn signer_at(view: &SignerView, now: UnixTime) -> Result<&Signer, MintError> {
    if let Some(since) = view.stale_since(now) {
        return Err(MintErrorKind::KeysStale { since }.into());
    }
    // `iat` is written in whole seconds, and it is `iat` that verifiers compare.
    view.signer_at(UnixTime::from_seconds(now.seconds()))
        .ok_or_else(|| MintErrorKind::NoSigner.into())
}

fn stopped(stopped: Stopped) -> MintError {
    match stopped {
        Stopped::Revoked { by, since, .. } => MintErrorKind::Revoked { by, since },
        Stopped::Unidentified { claim } => MintErrorKind::RevocationUnknown {
            reason: format!("it knows tokens by their {claim}, and this one would have none"),
        },
        Stopped::Unknown { reason } => MintErrorKind::RevocationUnknown { reason },
        Stopped::FromTheFuture { as_of } => MintErrorKind::RevocationUnknown {
            reason: format!("it is dated {}, which is still ahead", At(as_of)),
        },
        Stopped::Stale { age, limit } => MintErrorKind::RevocationStale { age, limit },
    }
    .into()
}

fn sign(
    prepared: &Prepared,
    payload: &[u8],
    options: MintOptions<'_>,
) -> Result<String, MintError> {
    let token = match prepared.key.algorithm().format() {
        Format::Jwt if !options.assertion.is_empty() || options.footer.is_some() => {
            return Err(MintErrorKind::NotPaseto.into());
        }
        Format::Jwt => prepared
            .key
            .seal_jws(&prepared.header, payload)
            .map_err(MintError::key)?,
        Format::Paseto => {
            let footer = options.footer.unwrap_or(prepared.footer.as_bytes());
            sign_paseto(&prepared.key, payload, footer, options.assertion)?
        }
    };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(MintErrorKind::TooLong { found: token.len() }.into());
    }
    Ok(token)
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter")
            .field("signers", &self.signers)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// A minter that is being put together.
pub struct MinterBuilder {
    signers: LiveSigners,
    issuer: String,
    audience: Vec<String>,
    lifetime: Duration,
    token_type: String,
    token_ids: TokenIds,
    revocation: Option<Gate>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl MinterBuilder {
    /// Names an audience (`aud`) that every token is meant for; call it again for more.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// Sets how long tokens live, and the most their claims may ask for; without
    /// it [`DEFAULT_LIFETIME`]. Whole seconds count.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the header `typ` of JWTs, such as `at+jwt` (RFC 9068); without it `JWT`.
    #[must_use]
    pub fn typ(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = token_type.into();
        self
    }

    /// Sets whether tokens get an id; without it they do.
    #[must_use]
    pub fn token_ids(mut self, token_ids: TokenIds) -> Self {
        self.token_ids = token_ids;
        self
    }

    /// Asks this source before each token is signed, so that nothing is minted that
    /// is withdrawn already: a banned subject, an ended session, a stolen key.
    ///
    /// A subject whose earlier tokens were withdrawn just now is not refused: the
    /// new token's `iat` is put at the instant the revocation names, if that is at
    /// most [`DEFAULT_LEEWAY`](crate::DEFAULT_LEEWAY) ahead. Further ahead it is a ban.
    #[must_use]
    pub fn revocation(
        mut self,
        source: impl RevocationCheck + 'static,
        freshness: Freshness,
    ) -> Self {
        self.revocation = Some(Gate::new(source, freshness));
        self
    }

    /// Takes the time from this clock in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Takes token ids' randomness from here in place of the system's.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// The finished minter.
    ///
    /// # Errors
    /// [`MintErrorKind::NoLifetime`] when the lifetime is shorter than a second,
    /// [`MintErrorKind::EmptyAudience`] and [`MintErrorKind::TypeTooLong`] for
    /// tokens that verifiers would refuse,
    /// [`MintErrorKind::NoIssuer`] when the issuer is empty.
    pub fn build(self) -> Result<Minter, MintError> {
        if self.lifetime.as_secs() == 0 {
            return Err(MintErrorKind::NoLifetime.into());
        }
        if self.audience.iter().any(String::is_empty) {
            return Err(MintErrorKind::EmptyAudience.into());
        }
        if self.token_type.len() > MAX_TYPE_BYTES {
            let found = self.token_type.len();
            return Err(MintErrorKind::TypeTooLong { found }.into());
        }
        if self.issuer.is_empty() {
            return Err(MintErrorKind::NoIssuer.into());
        }
        Ok(Minter {
            signers: self.signers,
            prepared: Arc::default(),
            token_type: self.token_type.into(),
            issuer: self.issuer.into(),
            audience: self.audience.into(),
            lifetime: self.lifetime,
            token_ids: self.token_ids,
            revocation: self.revocation,
            clock: self.clock,
            entropy: self.entropy,
        })
    }
}

impl fmt::Debug for MinterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinterBuilder")
            .field("signers", &self.signers)
            .finish_non_exhaustive()
    }
}
