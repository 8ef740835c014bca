//! The paths that are measured: fixed keys, fixed tokens, a fixed clock, so that every
//! run does the very same.

use std::hint::black_box;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokenwright::key::{Algorithm, ImportOptions, KeyTables, SigningKey, VerifyingKey};
use tokenwright::{
    Claims, Freshness, KeySet, LiveRevocations, ManualClock, MintOptions, Minter, Policy,
    RawVerifier, Revocation, RevocationList, Scratch, SecretBytes, TokenIds, UnixTime,
    UntrustedToken, Verifier, Verifiers, WhenUnknown,
};

const ISSUER: &str = "https://auth.example/realms/shop";
const AUDIENCE: &str = "https://api.example/orders";
const NOW: UnixTime = UnixTime::from_seconds(1_790_000_000);
const LIFETIME: Duration = Duration::from_secs(3600);

/// Tokens that take turns.
const TOKENS: usize = 8;

/// A key and tokens of it, as `paths --make-fixed` wrote them down. The keys are throw-away
/// keys, public with this file.
#[derive(Serialize, Deserialize)]
pub struct Fixed {
    algorithm: String,
    /// A private JWK, or PKCS#8 as PEM.
    key: String,
    tokens: Vec<String>,
}

const FIXED: &str = include_str!("fixed.json");

/// What `fixed.json` holds keys for.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::EdDsa,
    Algorithm::V4Public,
    Algorithm::Hs256,
    Algorithm::Rs256,
    Algorithm::Es256,
    Algorithm::V4Local,
];

/// New keys and tokens for `fixed.json`: every count changes a little with them.
#[must_use]
pub fn make_fixed() -> String {
    let all: Vec<Fixed> = ALGORITHMS
        .map(|algorithm| {
            let key = SigningKey::generate(algorithm).expect("a key");
            let text = match algorithm {
                Algorithm::V4Public | Algorithm::V4Local => key.to_paserk(),
                _ => key.to_jwk(),
            };
            let text = String::from_utf8(text.expect("a key").expose().to_vec()).expect("text");
            let minter = minter(key);
            let tokens = (0..TOKENS)
                .map(|number| mint(&minter, &claims(number)))
                .collect();
            Fixed {
                algorithm: algorithm.name().to_owned(),
                key: text,
                tokens,
            }
        })
        .into();
    serde_json::to_string_pretty(&all).expect("JSON") + "\n"
}

fn claims(number: usize) -> Claims {
    Claims::for_subject(format!("user-{:08}", 10_000_019 + number * 977))
        .with_token_id(format!(
            "{:022}",
            1_234_567_891_234_u64 * (number as u64 + 7)
        ))
        .with_not_before(NOW)
        .with_scope("orders:read orders:write")
}

fn minter(key: SigningKey) -> Minter {
    Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .lifetime(LIFETIME)
        .token_ids(TokenIds::Absent)
        .clock(ManualClock::at(NOW))
        .build()
        .expect("a minter")
}

fn mint(minter: &Minter, claims: &Claims) -> String {
    minter
        .mint_with(claims, MintOptions::new())
        .expect("a token")
}

struct Scene {
    key: SigningKey,
    tokens: Vec<String>,
}

fn scene(algorithm: Algorithm) -> Scene {
    // No thread makes a table while something is measured: keys have theirs or have none.
    KeyTables::OnRequest { at_most: 4 }.apply();
    let all: Vec<Fixed> = serde_json::from_str(FIXED).expect("fixed.json");
    let found = all
        .into_iter()
        .find(|fixed| fixed.algorithm == algorithm.name());
    let fixed = found.expect("a key of this algorithm in fixed.json");
    let key = match algorithm {
        Algorithm::V4Public | Algorithm::V4Local => {
            SigningKey::from_paserk(&fixed.key).expect("a key")
        }
        _ => SigningKey::from_jwk(fixed.key.as_bytes(), &ImportOptions::new()).expect("a key"),
    };
    Scene {
        key,
        tokens: fixed.tokens,
    }
}

fn policy() -> Policy {
    Policy::new(ISSUER, AUDIENCE)
}

/// With a key that has its table of multiples, if its kind has tables.
fn verifier(scene: &Scene) -> Verifier {
    let key = scene.key.verifying_key();
    let _has_tables = key.warm();
    verifier_of(key)
}

fn verifier_of(key: VerifyingKey) -> Verifier {
    Verifier::builder(KeySet::of([key]).expect("a key set"))
        .policy(policy())
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build()
}

/// One call of a path, with the number of the call.
pub type Call = Box<dyn FnMut(usize)>;

/// A path by its name.
pub struct Path {
    pub name: &'static str,
    /// How many calls are enough for a steady count.
    pub calls: usize,
    pub prepare: fn() -> Call,
}

/// Every path that is measured.
pub const PATHS: [Path; 25] = [
    Path {
        name: "verify EdDSA, busy key",
        calls: 256,
        prepare: || verify(Algorithm::EdDsa),
    },
    Path {
        name: "verify EdDSA, cold key",
        calls: 256,
        prepare: verify_cold,
    },
    Path {
        name: "verify v4.public, busy key",
        calls: 256,
        prepare: || verify(Algorithm::V4Public),
    },
    Path {
        name: "verify HS256",
        calls: 512,
        prepare: || verify(Algorithm::Hs256),
    },
    Path {
        name: "verify RS256",
        calls: 128,
        prepare: || verify(Algorithm::Rs256),
    },
    Path {
        name: "verify ES256",
        calls: 128,
        prepare: || verify(Algorithm::Es256),
    },
    Path {
        name: "verify v4.local",
        calls: 256,
        prepare: || verify(Algorithm::V4Local),
    },
    Path {
        name: "verify HS256, owned claims",
        calls: 512,
        prepare: verify_owned,
    },
    Path {
        name: "verify HS256, custom claims",
        calls: 512,
        prepare: verify_custom,
    },
    Path {
        name: "verify HS256, signature only",
        calls: 512,
        prepare: verify_raw,
    },
    Path {
        name: "verify HS256 among 1 000 keys",
        calls: 512,
        prepare: verify_among_keys,
    },
    Path {
        name: "verify HS256 of 100 issuers",
        calls: 512,
        prepare: verify_among_issuers,
    },
    Path {
        name: "verify HS256, 100 000 revoked",
        calls: 512,
        prepare: verify_revocable,
    },
    Path {
        name: "refuse EdDSA, bad signature",
        calls: 256,
        prepare: refuse_signature,
    },
    Path {
        name: "refuse HS256, expired",
        calls: 512,
        prepare: refuse_expired,
    },
    Path {
        name: "refuse HS256, unknown key",
        calls: 512,
        prepare: refuse_unknown_key,
    },
    Path {
        name: "refuse garbage",
        calls: 512,
        prepare: refuse_garbage,
    },
    Path {
        name: "parse, no proof",
        calls: 512,
        prepare: parse,
    },
    Path {
        name: "mint EdDSA",
        calls: 256,
        prepare: || minting(Algorithm::EdDsa),
    },
    Path {
        name: "mint v4.public",
        calls: 256,
        prepare: || minting(Algorithm::V4Public),
    },
    Path {
        name: "mint HS256",
        calls: 512,
        prepare: || minting(Algorithm::Hs256),
    },
    Path {
        name: "mint RS256",
        calls: 8,
        prepare: || minting(Algorithm::Rs256),
    },
    Path {
        name: "mint ES256",
        calls: 128,
        prepare: || minting(Algorithm::Es256),
    },
    Path {
        name: "read a JWK set of 10 keys",
        calls: 16,
        prepare: read_key_set,
    },
    Path {
        name: "read an Ed25519 JWK",
        calls: 64,
        prepare: read_key,
    },
];

/// Verifications after which the path is as it will be: 4 096 in a benchmark of time.
/// Instructions are counted after as many as `TOKENWRIGHT_WARM` says.
fn warm(call: &mut dyn FnMut(usize)) {
    let calls = std::env::var("TOKENWRIGHT_WARM")
        .ok()
        .and_then(|text| text.parse().ok());
    (0..calls.unwrap_or(4096)).for_each(call);
}

fn warmed(mut call: impl FnMut(usize) + 'static) -> Call {
    warm(&mut call);
    Box::new(call)
}

fn accepting(verifier: Verifier, tokens: Vec<String>) -> Call {
    let mut scratch = Scratch::new();
    warmed(move |call| {
        let token = black_box(&tokens[call % tokens.len()]);
        assert!(black_box(verifier.verify_borrowed(token, &mut scratch)).is_ok());
    })
}

fn refusing(verifier: Verifier, tokens: Vec<String>) -> Call {
    let mut scratch = Scratch::new();
    warmed(move |call| {
        let token = black_box(&tokens[call % tokens.len()]);
        assert!(black_box(verifier.verify_borrowed(token, &mut scratch)).is_err());
    })
}

fn verify(algorithm: Algorithm) -> Call {
    let scene = scene(algorithm);
    accepting(verifier(&scene), scene.tokens)
}

fn verify_cold() -> Call {
    let scene = scene(Algorithm::EdDsa);
    accepting(verifier_of(scene.key.verifying_key()), scene.tokens)
}

fn verify_owned() -> Call {
    let scene = scene(Algorithm::Hs256);
    let verifier = verifier(&scene);
    warmed(move |call| {
        let token = black_box(&scene.tokens[call % TOKENS]);
        assert!(black_box(verifier.verify(token)).is_ok());
    })
}

#[derive(Serialize, Deserialize)]
struct Shop {
    role: String,
    store: u32,
}

fn verify_custom() -> Call {
    let scene = scene(Algorithm::Hs256);
    let verifier = verifier(&scene);
    let minter = minter(scene.key);
    let tokens: Vec<String> = (0..TOKENS)
        .map(|number| {
            let shop = Shop {
                role: "admin".to_owned(),
                store: 7,
            };
            let claims = claims(number).with_custom(shop);
            minter.mint(&claims).expect("a token")
        })
        .collect();
    warmed(move |call| {
        let token = black_box(&tokens[call % TOKENS]);
        assert!(black_box(verifier.verify_as::<Shop>(token)).is_ok());
    })
}

fn verify_raw() -> Call {
    let scene = scene(Algorithm::Hs256);
    let keys = KeySet::of([scene.key.verifying_key()]).expect("a key set");
    let verifier = RawVerifier::new(keys);
    warmed(move |call| {
        let token = black_box(&scene.tokens[call % TOKENS]);
        assert!(black_box(verifier.verify(token)).is_ok());
    })
}

/// Keys that differ and are the same in every run.
fn other_key(number: usize) -> SigningKey {
    let mut secret: [u8; 32] = std::array::from_fn(|place| (place * 37 + 11) as u8);
    secret[..8].copy_from_slice(&(number as u64 + 1).to_le_bytes());
    SigningKey::from_secret(Algorithm::Hs256, SecretBytes::from(secret)).expect("a key")
}

fn verify_among_keys() -> Call {
    let scene = scene(Algorithm::Hs256);
    let others = (0..999).map(|number| other_key(number).verifying_key());
    let keys = KeySet::of(others.chain([scene.key.verifying_key()])).expect("a key set");
    let verifier = Verifier::builder(keys)
        .policy(policy())
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build();
    accepting(verifier, scene.tokens)
}

fn verify_among_issuers() -> Call {
    let scene = scene(Algorithm::Hs256);
    let others = (0..99).map(|number| {
        Verifier::builder(KeySet::of([other_key(number).verifying_key()]).expect("a key set"))
            .policy(Policy::new(
                format!("https://issuer-{number}.example"),
                AUDIENCE,
            ))
            .without_revocation()
            .clock(ManualClock::at(NOW))
            .build()
    });
    let verifiers = Verifiers::of(others.chain([verifier(&scene)])).expect("different issuers");
    let mut scratch = Scratch::new();
    warmed(move |call| {
        let token = black_box(&scene.tokens[call % TOKENS]);
        assert!(black_box(verifiers.verify_borrowed(token, &mut scratch)).is_ok());
    })
}

fn verify_revocable() -> Call {
    let scene = scene(Algorithm::Hs256);
    let until = NOW.saturating_add(LIFETIME);
    let mut list = RevocationList::new();
    let ids: Vec<String> = (0..100_000).map(|id| format!("withdrawn-{id}")).collect();
    let entries = ids
        .iter()
        .map(|id| Revocation::token(ISSUER, id, NOW, until));
    list.extend(entries).expect("room in the list");
    let fresh = Freshness::new(LIFETIME, WhenUnknown::Refuse);
    let verifier = Verifier::builder(KeySet::of([scene.key.verifying_key()]).expect("a key set"))
        .policy(policy())
        .revocation(LiveRevocations::new(list, NOW), fresh)
        .clock(ManualClock::at(NOW))
        .build();
    accepting(verifier, scene.tokens)
}

fn refuse_signature() -> Call {
    let scene = scene(Algorithm::EdDsa);
    let verifier = verifier(&scene);
    let spoil = |token: String| {
        let place = token.len() - 20;
        let other = if &token[place..=place] == "A" {
            "B"
        } else {
            "A"
        };
        format!("{}{other}{}", &token[..place], &token[place + 1..])
    };
    refusing(verifier, scene.tokens.into_iter().map(spoil).collect())
}

fn refuse_expired() -> Call {
    let scene = scene(Algorithm::Hs256);
    let late = NOW.saturating_add(LIFETIME * 2);
    let verifier = Verifier::builder(KeySet::of([scene.key.verifying_key()]).expect("a key set"))
        .policy(policy())
        .without_revocation()
        .clock(ManualClock::at(late))
        .build();
    refusing(verifier, scene.tokens)
}

fn refuse_unknown_key() -> Call {
    let scene = scene(Algorithm::Hs256);
    let others = [other_key(0).verifying_key(), other_key(1).verifying_key()];
    let verifier = Verifier::builder(KeySet::of(others).expect("a key set"))
        .policy(policy())
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build();
    refusing(verifier, scene.tokens)
}

fn refuse_garbage() -> Call {
    let verifier = verifier(&scene(Algorithm::Hs256));
    refusing(verifier, vec!["eyJhbGciOiJub25lIn0.e30.".repeat(20)])
}

fn parse() -> Call {
    let scene = scene(Algorithm::Hs256);
    let mut scratch = Scratch::new();
    warmed(move |call| {
        let token = black_box(&scene.tokens[call % TOKENS]);
        assert!(black_box(UntrustedToken::parse(token, &mut scratch)).is_ok());
    })
}

fn minting(algorithm: Algorithm) -> Call {
    let minter = minter(scene(algorithm).key);
    let claims: Vec<Claims> = (0..TOKENS).map(claims).collect();
    let call = move |call: usize| {
        black_box(mint(&minter, black_box(&claims[call % TOKENS])));
    };
    // Nothing is learnt from signing: once is enough.
    call(0);
    Box::new(call)
}

fn jwks(algorithm: Algorithm) -> String {
    scene(algorithm)
        .key
        .verifying_key()
        .to_jwk()
        .expect("a JWK")
}

fn read_key_set() -> Call {
    let one = jwks(Algorithm::EdDsa);
    let member = one.trim_end_matches('}');
    let members: Vec<String> = (0..10)
        .map(|number| match member.find("\"kid\":\"") {
            Some(place) => {
                let (before, after) = member.split_at(place + 7);
                format!("{before}{number}{}}}", &after[1..])
            }
            None => format!("{member},\"kid\":\"key-{number}\"}}"),
        })
        .collect();
    let text = format!("{{\"keys\":[{}]}}", members.join(","));
    Box::new(move |_| {
        let set = KeySet::from_jwks(black_box(text.as_bytes())).expect("a key set");
        assert_eq!(black_box(set).len(), 10);
    })
}

fn read_key() -> Call {
    let text = jwks(Algorithm::EdDsa);
    Box::new(move |_| {
        let read = VerifyingKey::from_jwk(black_box(text.as_bytes()), &ImportOptions::new());
        assert!(black_box(read).is_ok());
    })
}
