//! Every class of published failure of a JWT, JOSE or PASETO library that we know of,
//! as a test with a sentence for its name. `ROWS` says which sentence answers which
//! class. Each test also shows the honest twin of its forgeries being accepted, so
//! that a verifier that refuses everything would fail all of them.
#![cfg(all(
    feature = "aws-lc",
    feature = "paseto",
    feature = "pem",
    feature = "status-list"
))]

mod algorithms;
mod claims;
#[path = "../../examples/differential/forge.rs"]
mod forge;
mod forms;
mod keys;
mod minting;
mod numbers;
mod paseto;
mod scene;
mod signatures;
mod status_lists;

/// What is done about a class of failure.
enum Answer {
    /// These tests refuse it.
    Tested(&'static [&'static str]),
    /// What would have to be there for it to arise.
    CannotArise(&'static str),
}

use Answer::{CannotArise, Tested};

/// Number and name of each class, and what is done about it.
const ROWS: [(u8, &str, Answer); 70] = [
    (
        1,
        "alg none and its spellings",
        Tested(&["alg_none_is_refused_in_every_spelling_with_and_without_a_signature"]),
    ),
    (
        2,
        "missing or empty signature",
        Tested(&["an_empty_signature_is_refused_whatever_the_algorithm"]),
    ),
    (
        3,
        "public key as HMAC secret",
        Tested(&["a_public_key_is_never_an_hmac_secret"]),
    ),
    (
        4,
        "RSA key without alg as an empty secret",
        Tested(&["an_rsa_key_without_alg_is_no_empty_secret"]),
    ),
    (
        5,
        "header allowed, signature by another algorithm",
        Tested(&[
            "the_header_and_the_key_must_name_one_algorithm",
            "every_key_of_a_set_answers_to_its_own_name_and_algorithm_only",
        ]),
    ),
    (
        6,
        "insecure key types",
        Tested(&["a_key_of_another_curve_or_padding_is_refused"]),
    ),
    (
        7,
        "embedded jwk trusted",
        Tested(&["a_key_embedded_in_the_header_is_not_looked_at"]),
    ),
    (
        8,
        "x5c trusted without an anchor",
        Tested(&["a_certificate_in_the_header_is_not_trusted"]),
    ),
    (
        9,
        "jku and x5u fetched",
        Tested(&["a_url_in_the_header_is_never_fetched"]),
    ),
    (
        10,
        "kid injection",
        Tested(&["a_kid_is_a_name_and_never_a_path_a_query_or_a_command"]),
    ),
    (
        11,
        "kid of a wrong type",
        Tested(&["a_kid_of_another_type_is_an_error_and_not_an_absent_kid"]),
    ),
    (
        12,
        "psychic ECDSA signatures",
        Tested(&["psychic_ecdsa_signatures_are_refused"]),
    ),
    (
        13,
        "ECDSA in DER or of a wrong length",
        Tested(&["an_ecdsa_signature_has_exactly_its_length"]),
    ),
    (
        14,
        "ECDSA high-S malleability",
        Tested(&["a_high_s_twin_is_the_same_token_to_the_revocation_list"]),
    ),
    (
        15,
        "Ed25519 scalar beyond the order",
        Tested(&["an_ed25519_scalar_beyond_the_order_is_refused"]),
    ),
    (
        16,
        "Ed25519 keys of small order",
        Tested(&["an_ed25519_key_of_small_order_does_not_come_in"]),
    ),
    (
        17,
        "private and public half that differ",
        Tested(&["a_private_half_that_does_not_match_its_public_half_is_refused"]),
    ),
    (
        18,
        "RSA padding forgeries",
        Tested(&["rsa_padding_is_checked_to_the_last_byte"]),
    ),
    (
        19,
        "RSA signature length",
        Tested(&["an_rsa_signature_has_exactly_the_length_of_its_modulus"]),
    ),
    (
        20,
        "weak RSA keys",
        Tested(&["a_weak_rsa_key_does_not_come_in"]),
    ),
    (
        21,
        "timing of RSA decryption",
        Tested(&["no_rsa_decryption_is_there_to_be_timed"]),
    ),
    (
        22,
        "empty or short HMAC secret",
        Tested(&["an_hmac_secret_is_at_least_as_long_as_its_hash"]),
    ),
    (
        23,
        "guessable HMAC secret",
        Tested(&["a_secret_from_a_wordlist_is_too_short"]),
    ),
    (
        24,
        "HMAC tag cut or lengthened",
        Tested(&["an_hmac_tag_is_neither_cut_nor_lengthened"]),
    ),
    (
        25,
        "timing of the comparison",
        Tested(&["an_hmac_tag_is_compared_in_constant_time"]),
    ),
    (
        26,
        "expected signature in an error",
        Tested(&["an_error_never_shows_the_signature_that_would_have_been_right"]),
    ),
    (
        27,
        "crit ignored",
        Tested(&["crit_is_refused_whatever_it_says"]),
    ),
    (
        28,
        "b64=false",
        Tested(&["an_unencoded_payload_is_refused_before_it_is_decoded"]),
    ),
    (
        29,
        "detached payload beside an attached one",
        Tested(&["a_detached_payload_has_no_way_in"]),
    ),
    (
        30,
        "JWE taken for JWS",
        Tested(&["an_encrypted_token_is_not_taken_for_a_signed_one"]),
    ),
    (
        31,
        "JSON and compact polyglot",
        Tested(&["a_token_in_json_is_refused_also_when_it_hides_a_compact_one"]),
    ),
    (
        32,
        "cost of PBES2",
        Tested(&["a_locked_key_that_asks_for_endless_work_is_refused_before_any"]),
    ),
    (
        33,
        "compression bomb",
        Tested(&["a_compressed_payload_is_refused"]),
    ),
    (
        34,
        "huge token, many dots",
        Tested(&[
            "a_huge_token_is_refused_by_its_length_and_a_million_dots_are_not_walked",
            "a_million_members_are_an_error_and_not_a_million_squared_comparisons",
        ]),
    ),
    (
        35,
        "deep nesting",
        Tested(&["deep_nesting_is_an_error_and_no_stack_overflow"]),
    ),
    (
        36,
        "duplicate members",
        Tested(&["a_member_that_stands_twice_is_refused_wherever_it_stands"]),
    ),
    (
        37,
        "base64 in another spelling",
        Tested(&["only_one_base64_spelling_of_a_token_is_accepted"]),
    ),
    (
        38,
        "text around a token",
        Tested(&["nothing_may_stand_around_a_token"]),
    ),
    (
        39,
        "UTF-8 and UTF-16 tricks",
        Tested(&[
            "json_is_utf8_and_nothing_else",
            "header_and_claims_are_one_json_object_each",
        ]),
    ),
    (
        40,
        "time of a wrong type taken for absent",
        Tested(&["a_time_of_another_type_is_an_error_and_never_an_absent_time"]),
    ),
    (
        41,
        "negative and wrapping times",
        Tested(&["a_time_never_wraps_around"]),
    ),
    (
        42,
        "boundaries and fractions of times",
        Tested(&["times_are_exact_at_their_boundary_and_in_their_fractions"]),
    ),
    (
        43,
        "times in the future",
        Tested(&["a_token_from_the_future_is_refused_and_an_age_needs_an_iat"]),
    ),
    (
        44,
        "audience confusion",
        Tested(&["an_audience_is_compared_whole_and_only_among_strings"]),
    ),
    (
        45,
        "issuer array or substring",
        Tested(&["an_issuer_is_one_string_and_compared_whole"]),
    ),
    (
        46,
        "subject or token id of a wrong type",
        Tested(&["a_subject_or_token_id_of_another_type_is_an_error"]),
    ),
    (
        47,
        "custom claims replaced by defaults",
        Tested(&["custom_claims_that_do_not_decode_are_an_error_and_not_a_default"]),
    ),
    (
        48,
        "one kind of JWT taken for another",
        Tested(&["a_token_of_one_kind_is_not_taken_for_another"]),
    ),
    (
        49,
        "key set with duplicate ids or mixed families",
        Tested(&["a_key_set_in_which_two_keys_have_one_id_or_families_mix_is_refused"]),
    ),
    (
        50,
        "hygiene of key sets",
        Tested(&["an_unfit_member_of_a_key_set_is_left_out_and_the_others_stay"]),
    ),
    (
        51,
        "one bad member kills the set",
        Tested(&["one_bad_member_does_not_spoil_a_key_set"]),
    ),
    (
        52,
        "stampede on the key endpoint",
        CannotArise("the core fetches no keys; tests/remote/flood.rs floods what does"),
    ),
    (
        53,
        "removed key stays trusted",
        Tested(&["a_key_that_left_the_published_set_is_trusted_no_more"]),
    ),
    (
        54,
        "cache lifetime overflow",
        CannotArise(
            "no key set is cached here; src/http/remote/lifetime.rs, which does, cuts and tests it",
        ),
    ),
    (
        55,
        "verdicts shared between tokens",
        Tested(&["two_tokens_with_one_audience_never_share_a_verdict"]),
    ),
    (
        56,
        "revocation bypassed by an alias",
        Tested(&[
            "a_second_spelling_of_a_revoked_token_is_refused_or_revoked",
            "a_high_s_twin_is_the_same_token_to_the_revocation_list",
        ]),
    ),
    (
        57,
        "revocation bypassed by the token id",
        Tested(&["revocation_goes_by_exact_issuer_and_token_id"]),
    ),
    (
        58,
        "state changed before the proof",
        Tested(&["a_forgery_never_reaches_the_revocation_source"]),
    ),
    (
        59,
        "revocation source fails open",
        Tested(&[
            "a_revocation_source_that_cannot_tell_does_not_open_the_door",
            "a_status_list_that_is_missing_or_has_expired_revives_nobody",
            "a_status_list_that_its_issuer_did_not_sign_as_one_is_not_believed",
            "a_status_list_of_another_uri_is_not_believed",
            "an_index_past_the_end_of_its_status_list_revives_nobody",
            "an_earlier_status_list_does_not_bring_back_what_was_revoked_since",
        ]),
    ),
    (
        60,
        "claim error hides a bad signature",
        Tested(&["an_expired_forgery_is_called_a_forgery"]),
    ),
    (
        61,
        "secret chosen by unverified content",
        Tested(&["a_secret_is_chosen_by_kid_and_never_by_unverified_claims"]),
    ),
    (
        62,
        "unprotected COSE header wins",
        CannotArise("COSE and CWT are not read"),
    ),
    (
        63,
        "PASETO version, purpose or key confusion",
        Tested(&["a_paseto_of_another_version_or_purpose_is_refused"]),
    ),
    (
        64,
        "PASETO footer changed or trusted too early",
        Tested(&["a_footer_is_authentic_and_its_kid_must_be_known"]),
    ),
    (
        65,
        "PASETO implicit assertion left out",
        Tested(&["an_implicit_assertion_left_out_or_changed_is_refused"]),
    ),
    (
        66,
        "PASETO secret or bomb in the footer",
        Tested(&["a_footer_holds_no_secret_and_no_json_bomb"]),
    ),
    (
        67,
        "PASETO time formats",
        Tested(&["paseto_times_are_rfc_3339_in_one_spelling"]),
    ),
    (
        68,
        "cost of PASERK passphrases",
        Tested(&[
            "a_wrapped_paserk_is_refused_before_its_cost_is_paid",
            "a_locked_key_that_asks_for_endless_work_is_refused_before_any",
        ]),
    ),
    (
        69,
        "key file name as the key",
        Tested(&["the_name_of_a_key_file_is_never_taken_for_the_key"]),
    ),
    (
        70,
        "panic on a malformed key",
        Tested(&["a_malformed_key_is_an_error_and_never_a_panic"]),
    ),
];

/// This file's neighbours, as they stand.
const SOURCES: [&str; 8] = [
    include_str!("algorithms.rs"),
    include_str!("claims.rs"),
    include_str!("forms.rs"),
    include_str!("keys.rs"),
    include_str!("minting.rs"),
    include_str!("paseto.rs"),
    include_str!("signatures.rs"),
    include_str!("status_lists.rs"),
];

#[test]
fn every_class_is_listed_once_and_every_named_test_exists() {
    let numbers: Vec<u8> = ROWS.iter().map(|(number, _, _)| *number).collect();
    assert_eq!(numbers, (1..=70).collect::<Vec<u8>>());
    for (number, class, answer) in &ROWS {
        match answer {
            Tested(names) => {
                assert!(!names.is_empty(), "row {number}");
                for name in *names {
                    let definition = format!("#[test]\nfn {name}() {{");
                    let found = SOURCES
                        .iter()
                        .filter(|source| source.contains(&definition))
                        .count();
                    assert_eq!(found, 1, "row {number}, {class}: {name}");
                }
            }
            CannotArise(reason) => assert!(!reason.is_empty(), "row {number}, {class}"),
        }
    }
}

/// The guide's page of threats has this list's headings in its order, and under each
/// the tests that stand there.
#[test]
fn the_page_of_threats_says_what_the_tests_do() {
    let page = include_str!("../../docs/guide/threats.md");
    let mut sections = page.split("\n## ").skip(1);
    for (number, class, answer) in &ROWS {
        let section = sections.next().unwrap_or_default();
        let (heading, text) = section.split_once('\n').unwrap_or_default();
        assert_eq!(heading, *class, "row {number}");
        let listed: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("- "))
            .collect();
        let expected: Vec<String> = match answer {
            Tested(names) => names.iter().map(|name| format!("`{name}`")).collect(),
            CannotArise(reason) => vec![format!("cannot arise: {reason}")],
        };
        assert_eq!(listed, expected, "row {number}, {class}");
        assert!(
            text.lines().any(|line| line.len() > 40),
            "row {number} says nothing"
        );
    }
    assert_eq!(sections.next(), None);
}
