//! Who is on stage: an issuer, a service that verifies, and requests.

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, COOKIE};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use tokenwright::http::{Answers, Gate};
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{
    Claims, Freshness, KeySet, ManualClock, MintOptions, Minter, Policy, RevocationCheck,
    RevokedBy, TokenFacts, UnixTime, Verdict, Verifier, WhenUnknown,
};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "orders-api";
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shop {
    pub(crate) role: String,
}

pub(crate) struct Scene {
    key: SigningKey,
}

/// Knows of two subjects: one withdrawn, one it cannot tell about.
struct Subjects;

impl RevocationCheck for Subjects {
    fn check(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Verdict {
        match facts.subject().as_deref() {
            Some("withdrawn") => Verdict::Revoked {
                by: RevokedBy::Subject,
                since: None,
                issued_before: None,
            },
            Some("unknown") => Verdict::Unknown {
                reason: "the list has not been read yet".to_owned(),
            },
            _ => Verdict::Clear { as_of: now },
        }
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let mut seed = vec![0; 32];
            for (place, byte) in seed.iter_mut().enumerate() {
                *byte = u8::try_from(place * 7 + 3).unwrap();
            }
            seed
        });
        struct Seed;
        impl tokenwright::key::Entropy for Seed {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), tokenwright::key::KeyError> {
                bytes.copy_from_slice(&KEY[..bytes.len()]);
                Ok(())
            }
        }
        let key = SigningKey::generate_with(Algorithm::EdDsa, &Seed).unwrap();
        Self {
            key: key.with_id(KeyId::new("k1").unwrap()),
        }
    }

    pub(crate) fn jwks(&self) -> String {
        format!(
            r#"{{"keys":[{}]}}"#,
            self.key.verifying_key().to_jwk().unwrap()
        )
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::builder(KeySet::of([self.key.verifying_key()]).unwrap())
            .policy(Policy::new(ISSUER, AUDIENCE))
            .revocation(
                Subjects,
                Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse),
            )
            .clock(ManualClock::at(NOW))
            .build()
    }

    /// A gate whose answers carry all that answers can carry.
    pub(crate) fn gate(&self) -> Gate {
        let answers = Answers::new().realm("orders").unwrap();
        let metadata = "https://api.example/.well-known/oauth-protected-resource";
        Gate::new(self.verifier()).answers(answers.resource_metadata(metadata).unwrap())
    }

    pub(crate) fn token_for<C: Serialize>(
        &self,
        audience: &str,
        at: UnixTime,
        claims: &Claims<C>,
    ) -> String {
        let key = Self::new().key;
        let minter = Minter::builder(key, ISSUER)
            .audience(audience)
            .build()
            .unwrap();
        minter.mint_with(claims, MintOptions::new().at(at)).unwrap()
    }

    /// A good token of these claims.
    pub(crate) fn token<C: Serialize>(&self, claims: &Claims<C>) -> String {
        self.token_for(AUDIENCE, NOW, claims)
    }

    /// A good token of alice's.
    pub(crate) fn alice(&self) -> String {
        self.token(&Claims::for_subject("alice").with_scope("orders:read profile"))
    }

    /// One that is good by the system's clock.
    pub(crate) fn lasting_token(&self) -> String {
        let minter = Minter::builder(Self::new().key, ISSUER)
            .audience(AUDIENCE)
            .build()
            .unwrap();
        minter.mint(&Claims::for_subject("alice")).unwrap()
    }
}

pub(crate) fn bearing(token: &str) -> Request<Body> {
    let value = format!("Bearer {token}");
    Request::get("/orders")
        .header(AUTHORIZATION, value)
        .body(Body::empty())
        .unwrap()
}

pub(crate) fn with_cookie(cookies: &str) -> Request<Body> {
    Request::get("/orders")
        .header(COOKIE, cookies)
        .body(Body::empty())
        .unwrap()
}

pub(crate) fn bare() -> Request<Body> {
    Request::get("/orders").body(Body::empty()).unwrap()
}

/// The last bytes of a token changed to others of the same alphabet.
pub(crate) fn forged(token: &str) -> String {
    let (start, _) = token.rsplit_once('.').unwrap();
    format!("{start}.{}", "A".repeat(86))
}

pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

pub(crate) fn header<'r, B>(response: &'r Response<B>, name: &str) -> Option<&'r str> {
    let mut values = response.headers().get_all(name).iter();
    let value = values.next().map(|value| value.to_str().unwrap());
    assert!(values.next().is_none(), "{name} twice");
    value
}
