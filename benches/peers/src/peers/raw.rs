//! The bare cryptography: a key that is kept, bytes that lie ready, no token.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self as aws, EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey, RsaKeyPair, VerificationAlgorithm,
};
use ed25519_dalek::{Signer as _, Verifier as _};
use tokenwright::key::Algorithm;

use crate::measure::{Contestant, Kind};
use crate::scene::Scene;

/// What was signed, and the signature.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn is_ed25519(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::EdDsa | Algorithm::Ed25519 | Algorithm::V4Public
    )
}

fn raw(name: &str, run: impl FnMut(usize) + 'static) -> Contestant {
    Contestant::new(Kind::Raw, name, run)
}

/// The bytes that a token of this scene signs; a PASETO signs as many, put together otherwise.
fn messages(scene: &Scene) -> Vec<Vec<u8>> {
    let of = |token: &&str| {
        token
            .rsplit_once('.')
            .map(|(signed, _)| signed.as_bytes().to_vec())
    };
    scene.tokens.iter().filter_map(of).collect()
}

fn ed25519_pairs(scene: &Scene) -> Pairs {
    let key = ed25519_dalek::SigningKey::from_bytes(&scene.seed());
    let sign = |message: Vec<u8>| {
        let signature = key.sign(&message).to_vec();
        (message, signature)
    };
    messages(scene).into_iter().map(sign).collect()
}

fn jwt_pairs(scene: &Scene) -> Pairs {
    (0..scene.tokens.len())
        .map(|number| scene.signed(number))
        .collect()
}

/// How aws-lc and ring call what verifies tokens of this algorithm.
type Verifying = (
    &'static dyn VerificationAlgorithm,
    Option<&'static dyn ring::signature::VerificationAlgorithm>,
);

fn verifying(algorithm: Algorithm) -> Option<Verifying> {
    use ring::signature as ring;
    Some(match algorithm {
        Algorithm::Es256 => (
            &aws::ECDSA_P256_SHA256_FIXED,
            Some(&ring::ECDSA_P256_SHA256_FIXED),
        ),
        Algorithm::Es384 => (
            &aws::ECDSA_P384_SHA384_FIXED,
            Some(&ring::ECDSA_P384_SHA384_FIXED),
        ),
        Algorithm::Es512 => (&aws::ECDSA_P521_SHA512_FIXED, None),
        Algorithm::Rs256 => (
            &aws::RSA_PKCS1_2048_8192_SHA256,
            Some(&ring::RSA_PKCS1_2048_8192_SHA256),
        ),
        Algorithm::Rs384 => (&aws::RSA_PKCS1_2048_8192_SHA384, None),
        Algorithm::Rs512 => (&aws::RSA_PKCS1_2048_8192_SHA512, None),
        Algorithm::Ps256 => (&aws::RSA_PSS_2048_8192_SHA256, None),
        Algorithm::Ps384 => (&aws::RSA_PSS_2048_8192_SHA384, None),
        Algorithm::Ps512 => (&aws::RSA_PSS_2048_8192_SHA512, None),
        _ => return None,
    })
}

pub fn verify(scene: &'static Scene) -> Vec<Contestant> {
    if is_ed25519(scene.algorithm) {
        return verify_ed25519(scene);
    }
    if let Some(algorithm) = hmac(scene.algorithm) {
        return vec![verify_hmac(scene, algorithm)];
    }
    let Some((algorithm, ring)) = verifying(scene.algorithm) else {
        return Vec::new();
    };
    let key = ParsedPublicKey::new(algorithm, &scene.public_der).expect("a key");
    let pairs = jwt_pairs(scene);
    let mut all = vec![raw("bare aws-lc", move |call| {
        let (message, signature) = &pairs[call % pairs.len()];
        assert!(key.verify_sig(black_box(message), signature).is_ok());
    })];
    if let Some(algorithm) = ring {
        // ring reads the point or PKCS#1 key inside the document.
        let inside = match scene.algorithm {
            Algorithm::Rs256 => &scene.public_der[24..],
            Algorithm::Es256 => &scene.public_der[scene.public_der.len() - 65..],
            _ => &scene.public_der[scene.public_der.len() - 97..],
        };
        let key = ring::signature::UnparsedPublicKey::new(algorithm, inside);
        let pairs = jwt_pairs(scene);
        all.push(raw("bare ring", move |call| {
            let (message, signature) = &pairs[call % pairs.len()];
            assert!(key.verify(black_box(message), signature).is_ok());
        }));
    }
    all
}

fn verify_ed25519(scene: &'static Scene) -> Vec<Contestant> {
    let dalek = ed25519_dalek::SigningKey::from_bytes(&scene.seed()).verifying_key();
    let aws = ParsedPublicKey::new(&aws::ED25519, dalek.as_bytes()).expect("a key");
    let ring =
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, *dalek.as_bytes());
    let (first, second) = (ed25519_pairs(scene), ed25519_pairs(scene));
    let signatures: Vec<_> = ed25519_pairs(scene)
        .into_iter()
        .map(|(message, signature)| {
            let signature = ed25519_dalek::Signature::from_slice(&signature);
            (message, signature.expect("64 bytes"))
        })
        .collect();
    vec![
        raw("bare aws-lc", move |call| {
            let (message, signature) = &first[call % first.len()];
            assert!(aws.verify_sig(black_box(message), signature).is_ok());
        }),
        raw("bare dalek", move |call| {
            let (message, signature) = &signatures[call % signatures.len()];
            assert!(dalek.verify(black_box(message), signature).is_ok());
        }),
        raw("bare ring", move |call| {
            let (message, signature) = &second[call % second.len()];
            assert!(ring.verify(black_box(message), signature).is_ok());
        }),
    ]
}

fn hmac(algorithm: Algorithm) -> Option<aws_lc_rs::hmac::Algorithm> {
    Some(match algorithm {
        Algorithm::Hs256 => aws_lc_rs::hmac::HMAC_SHA256,
        Algorithm::Hs384 => aws_lc_rs::hmac::HMAC_SHA384,
        Algorithm::Hs512 => aws_lc_rs::hmac::HMAC_SHA512,
        _ => return None,
    })
}

fn verify_hmac(scene: &'static Scene, algorithm: aws_lc_rs::hmac::Algorithm) -> Contestant {
    let key = aws_lc_rs::hmac::Key::new(algorithm, &scene.secret);
    let pairs = jwt_pairs(scene);
    raw("bare aws-lc", move |call| {
        let (message, tag) = &pairs[call % pairs.len()];
        assert!(aws_lc_rs::hmac::verify(&key, black_box(message), tag).is_ok());
    })
}

/// dalek's own check of many signatures at once, which names no culprit.
pub fn verify_batch(scene: &'static Scene, many: usize) -> Contestant {
    let key = ed25519_dalek::SigningKey::from_bytes(&scene.seed()).verifying_key();
    let pairs = ed25519_pairs(scene);
    let signatures: Vec<_> = pairs
        .iter()
        .cycle()
        .take(many)
        .map(|(_, signature)| ed25519_dalek::Signature::from_slice(signature).expect("64 bytes"))
        .collect();
    let keys = vec![key; many];
    raw("bare dalek, verify_batch", move |_| {
        let messages: Vec<&[u8]> = pairs.iter().cycle().take(many).map(|(m, _)| &**m).collect();
        assert!(ed25519_dalek::verify_batch(black_box(&messages), &signatures, &keys).is_ok());
    })
}

/// One signature of each of these keys in turn.
pub fn verify_in_turn(scenes: &'static [&'static Scene]) -> Vec<Contestant> {
    let (mut aws, mut dalek) = (Vec::new(), Vec::new());
    for scene in scenes {
        let key = ed25519_dalek::SigningKey::from_bytes(&scene.seed()).verifying_key();
        let (message, signature) = scene.signed(0);
        let parsed = ParsedPublicKey::new(&aws::ED25519, key.as_bytes()).expect("a key");
        let decoded = ed25519_dalek::Signature::from_slice(&signature).expect("64 bytes");
        dalek.push((key, message.clone(), decoded));
        aws.push((parsed, message, signature));
    }
    vec![
        raw("bare aws-lc", move |call| {
            let (key, message, signature) = &aws[call % aws.len()];
            assert!(key.verify_sig(black_box(message), signature).is_ok());
        }),
        raw("bare dalek", move |call| {
            let (key, message, signature) = &dalek[call % dalek.len()];
            assert!(key.verify(black_box(message), signature).is_ok());
        }),
    ]
}

pub fn sign(scene: &'static Scene) -> Vec<Contestant> {
    if is_ed25519(scene.algorithm) {
        return sign_ed25519(scene);
    }
    let messages = messages(scene);
    let random = SystemRandom::new();
    if let Some(algorithm) = hmac(scene.algorithm) {
        let key = aws_lc_rs::hmac::Key::new(algorithm, &scene.secret);
        return vec![raw("bare aws-lc", move |call| {
            let message = &messages[call % messages.len()];
            black_box(aws_lc_rs::hmac::sign(&key, black_box(message)));
        })];
    }
    let ecdsa = match scene.algorithm {
        Algorithm::Es256 => Some(&aws::ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Some(&aws::ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => Some(&aws::ECDSA_P521_SHA512_FIXED_SIGNING),
        _ => None,
    };
    if let Some(algorithm) = ecdsa {
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &scene.private_der).expect("a key");
        return vec![raw("bare aws-lc", move |call| {
            let message = &messages[call % messages.len()];
            black_box(key.sign(&random, black_box(message)).expect("a signature"));
        })];
    }
    let Some(encoding) = rsa_encoding(scene.algorithm) else {
        return Vec::new();
    };
    let key = RsaKeyPair::from_pkcs8(&scene.private_der).expect("a key");
    let mut signature = vec![0; key.public_modulus_len()];
    vec![raw("bare aws-lc", move |call| {
        let message = &messages[call % messages.len()];
        key.sign(encoding, &random, black_box(message), &mut signature)
            .expect("a signature");
    })]
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn aws::RsaEncoding> {
    Some(match algorithm {
        Algorithm::Rs256 => &aws::RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &aws::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &aws::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &aws::RSA_PSS_SHA256,
        Algorithm::Ps384 => &aws::RSA_PSS_SHA384,
        Algorithm::Ps512 => &aws::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn sign_ed25519(scene: &'static Scene) -> Vec<Contestant> {
    let dalek = ed25519_dalek::SigningKey::from_bytes(&scene.seed());
    let public = dalek.verifying_key();
    let aws = Ed25519KeyPair::from_seed_and_public_key(&scene.seed(), public.as_bytes());
    let aws = aws.expect("a key");
    let (first, second) = (messages(scene), messages(scene));
    vec![
        raw("bare aws-lc", move |call| {
            black_box(aws.sign(black_box(&first[call % first.len()])));
        }),
        raw("bare dalek", move |call| {
            black_box(dalek.sign(black_box(&second[call % second.len()])));
        }),
    ]
}
