//! Access tokens that are bound to a key, in front of verifiers.

use serde_json::json;
use tokenwright::dpop::Proofs;
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{
    Claims, ErrorClass, KeySet, ManualClock, MintOptions, Minter, Policy, Presented, Scratch,
    Verifier, Verifiers, VerifyErrorKind,
};

use crate::client::{ADDRESS, Client, NOW, at};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "orders-api";

pub(crate) fn verifier(key: &SigningKey) -> Verifier {
    verifier_of(key, ISSUER)
}

fn verifier_of(key: &SigningKey, issuer: &str) -> Verifier {
    Verifier::builder(KeySet::of([key.verifying_key()]).unwrap())
        .policy(Policy::new(issuer, AUDIENCE))
        .without_revocation()
        .clock(ManualClock::at(at(NOW)))
        .build()
}

pub(crate) fn mint(key: SigningKey, claims: &Claims) -> String {
    let minter = Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .build()
        .unwrap();
    minter
        .mint_with(claims, MintOptions::new().at(at(NOW)))
        .unwrap()
}

pub(crate) fn copy(key: &SigningKey) -> SigningKey {
    let der = key.to_der().unwrap();
    let options = tokenwright::key::ImportOptions::new().algorithm(key.algorithm());
    SigningKey::from_der(der.expose(), &options)
        .unwrap()
        .with_id(key.id().clone())
}

struct Scene {
    issuer: SigningKey,
    client: Client,
    proofs: Proofs,
    token: String,
}

fn scene(algorithm: Algorithm) -> Scene {
    let issuer = SigningKey::generate(algorithm).unwrap();
    let client = Client::new(Algorithm::Es256);
    let claims = Claims::for_subject("alice").with_bound_key(client.thumbprint());
    Scene {
        token: mint(copy(&issuer), &claims),
        issuer,
        client,
        proofs: Proofs::builder(100, at(0)).per_key(100).build().unwrap(),
    }
}

fn code<T>(judged: Result<T, tokenwright::VerifyError>) -> &'static str {
    match judged {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    }
}

#[test]
fn a_bound_token_says_so_and_needs_its_proof_in_every_format() {
    for algorithm in [Algorithm::EdDsa, Algorithm::V4Public] {
        let mut scene = scene(algorithm);
        let verifier = verifier(&scene.issuer);
        let error = verifier.verify(&scene.token).unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            ("proof_missing", ErrorClass::NotHere)
        );
        assert_eq!(
            error.to_string(),
            "the token is bound to a key (cnf.jkt): expected a proof of that key, found none"
        );
        assert_eq!(error.public_message(), "the token is not valid");
        assert_eq!(
            code(verifier.verify_as::<()>(&scene.token)),
            "proof_missing"
        );
        let mut scratch = Scratch::new();
        assert_eq!(
            code(verifier.verify_borrowed(&scene.token, &mut scratch)),
            "proof_missing"
        );

        let proof = scene.client.proof_for(&scene.token);
        let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
        let presented = || Presented::new(&scene.token).with_proof(&proof);
        let verified = verifier.verify(presented()).unwrap();
        assert_eq!(verified.bound_key(), Some(scene.client.thumbprint()));
        assert_eq!(code(verifier.verify(presented())), "proof_replayed");
    }
}

#[test]
fn a_proof_makes_no_other_token_good() {
    let mut scene = scene(Algorithm::EdDsa);
    let verifier = verifier(&scene.issuer);
    let unbound = mint(copy(&scene.issuer), &Claims::for_subject("alice"));
    let victim = Client::new(Algorithm::Es256).thumbprint();
    let stolen = mint(
        copy(&scene.issuer),
        &Claims::for_subject("victim").with_bound_key(victim),
    );
    let expired = mint(
        copy(&scene.issuer),
        &Claims::for_subject("alice")
            .with_bound_key(scene.client.thumbprint())
            .with_not_before(at(NOW + 3_600)),
    );
    for (token, expected) in [
        (unbound, "token_not_bound"),
        (stolen, "proof_other_key"),
        (expired, "not_yet_valid"),
        ("a.b.c".to_owned(), "malformed"),
    ] {
        let proof = scene.client.proof_for(&token);
        let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
        let presented = Presented::new(&token).with_proof(&proof);
        assert_eq!(code(verifier.verify(presented)), expected);
    }
    // A proof for another good token of the same key.
    let proof = scene.client.proof_for("another token");
    let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
    let presented = Presented::new(&scene.token).with_proof(&proof);
    assert_eq!(code(verifier.verify(presented)), "proof_other_token");
}

/// A verdict with a proof is not remembered for those who come without one.
#[test]
fn a_verifier_that_remembers_tokens_asks_for_each_proof() {
    let mut scene = scene(Algorithm::EdDsa);
    let verifier = verifier(&scene.issuer).caching(16);
    for _ in 0..3 {
        let proof = scene
            .client
            .asks("GET", ADDRESS, NOW)
            .proof_for(&scene.token);
        let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
        let presented = || Presented::new(&scene.token).with_proof(&proof);
        assert_eq!(code(verifier.verify(presented())), "accepted");
        assert_eq!(code(verifier.verify(presented())), "proof_replayed");
        assert_eq!(code(verifier.verify(&scene.token)), "proof_missing");
    }
    // One that is remembered because it is bound to nothing, and then comes with a proof.
    let unbound = mint(copy(&scene.issuer), &Claims::for_subject("alice"));
    assert_eq!(code(verifier.verify(&unbound)), "accepted");
    let proof = scene.client.proof_for(&unbound);
    let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
    let presented = Presented::new(&unbound).with_proof(&proof);
    assert_eq!(code(verifier.verify(presented)), "token_not_bound");
}

/// What a bad token's sender could learn or use up: nothing.
#[test]
fn a_proof_beside_a_bad_token_is_not_spent() {
    let mut scene = scene(Algorithm::EdDsa);
    let stranger = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let stranger = verifier(&stranger.with_id(scene.issuer.id().clone()));
    let proof = scene.client.proof_for(&scene.token);
    let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
    let presented = || Presented::new(&scene.token).with_proof(&proof);
    for _ in 0..3 {
        assert_eq!(code(stranger.verify(presented())), "bad_signature");
    }
    assert_eq!(
        code(verifier(&scene.issuer).verify(presented())),
        "accepted"
    );
}

#[test]
fn a_proof_is_no_token_and_a_token_is_no_proof() {
    let mut scene = scene(Algorithm::EdDsa);
    let verifier = verifier(&scene.issuer);
    let proof = scene.client.proof_for(&scene.token);
    assert_eq!(code(verifier.verify(&proof)), "alg_mismatch");
    // Complete as a token, and signed by a key that is nobody's but the client's.
    let mut client = Client::new(Algorithm::EdDsa);
    client
        .header
        .insert("kid".to_owned(), scene.issuer.id().as_str().into());
    let now = NOW + 900;
    client
        .says("iss", ISSUER)
        .says("aud", AUDIENCE)
        .says("sub", "alice")
        .says("exp", now);
    let proof = client.proof_for(&scene.token);
    assert_eq!(code(verifier.verify(&proof)), "typ_mismatch");
    client.header.insert("typ".to_owned(), "JWT".into());
    let token = client.proof_for(&scene.token);
    assert_eq!(code(verifier.verify(&token)), "bad_signature");
    let token = scene.token.clone();
    let as_proof = scene.proofs.presented(&token, "GET", ADDRESS);
    let presented = Presented::new(&scene.token).with_proof(&as_proof);
    assert_eq!(code(verifier.verify(presented)), "proof_typ_mismatch");
}

/// Where several issuers use one key id, they are tried: the proof counts once.
#[test]
fn a_proof_counts_once_where_several_issuers_are_tried() {
    let mut scene = scene(Algorithm::EdDsa);
    let id = KeyId::new("shared").unwrap();
    let other = SigningKey::generate(Algorithm::EdDsa)
        .unwrap()
        .with_id(id.clone());
    let ours = copy(&scene.issuer).with_id(id);
    let claims = Claims::for_subject("alice").with_bound_key(scene.client.thumbprint());
    let token = mint(copy(&ours), &claims);
    let verifiers = Verifiers::of([
        verifier_of(&other, "https://other.example"),
        verifier(&ours),
    ])
    .unwrap();
    assert_eq!(code(verifiers.verify(&token)), "proof_missing");
    let proof = scene.client.proof_for(&token);
    let proof = scene.proofs.presented(&proof, "GET", ADDRESS);
    let presented = || Presented::new(&token).with_proof(&proof);
    assert_eq!(code(verifiers.verify(presented())), "accepted");
    let error = verifiers.verify(presented()).unwrap_err();
    assert_eq!(
        (error.code(), error.issuer()),
        ("proof_replayed", Some(ISSUER))
    );
    assert!(matches!(error.kind(), VerifyErrorKind::Unproven(_)));
}

#[test]
fn a_minter_writes_the_binding_itself_and_lets_no_custom_claim_forge_it() {
    let key = || SigningKey::generate(Algorithm::EdDsa).unwrap();
    let minter = Minter::builder(key(), ISSUER).build().unwrap();
    let claims = |custom| Claims::for_subject("alice").with_custom(custom);
    let error = minter
        .mint(&claims(json!({ "cnf": { "jkt": "x" } })))
        .unwrap_err();
    assert_eq!(error.code(), "reserved_claim");
    // Another kind of confirmation is the application's own.
    assert!(
        minter
            .mint(&claims(json!({ "cnf": { "x5t#S256": "x" } })))
            .is_ok()
    );
    let bound = claims(json!({ "cnf": { "kid": "x" } }))
        .with_bound_key(Client::new(Algorithm::EdDsa).thumbprint());
    assert_eq!(minter.mint(&bound).unwrap_err().code(), "bad_custom_claims");
}
