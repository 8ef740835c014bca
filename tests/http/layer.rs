//! The layer in front of a service.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use http::{Request, Response, StatusCode};
use tokenwright::http::{Gate, GuardedBody, Refusal, RefusalKind, Scopes, TokenPlace, VerifyLayer};
use tokenwright::{Claims, UnixTime, Verified};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::scene::{AUDIENCE, NOW, Scene, Shop, bare, bearing, forged, header, text, with_cookie};

/// Says whose claims reached it.
async fn who<C: Clone + Send + Sync + 'static>(
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let claims = request.extensions().get::<Verified<Claims<C>>>();
    let subject = claims
        .and_then(|claims| claims.subject())
        .unwrap_or("nobody");
    Ok(Response::new(Body::from(subject.to_owned())))
}

async fn ask(layer: &VerifyLayer, request: Request<Body>) -> Response<GuardedBody<Body>> {
    let service = layer.layer(tower::service_fn(who::<()>));
    service.oneshot(request).await.unwrap()
}

/// The code of a refusal, as a layer that logs finds it; else the text.
async fn outcome(layer: &VerifyLayer, request: Request<Body>) -> Result<String, String> {
    let response = ask(layer, request).await;
    match response.extensions().get::<Refusal>() {
        Some(refusal) => {
            assert_eq!(response.status(), refusal.status());
            Err(refusal.code().to_owned())
        }
        None => Ok(text(response).await),
    }
}

fn refused(code: &str) -> Result<String, String> {
    Err(code.to_owned())
}

fn let_through(subject: &str) -> Result<String, String> {
    Ok(subject.to_owned())
}

#[tokio::test]
async fn a_good_token_reaches_the_service_with_its_claims() {
    let scene = Scene::new();
    let layer = VerifyLayer::required(scene.gate());
    assert_eq!(
        outcome(&layer, bearing(&scene.alice())).await,
        let_through("alice")
    );
}

#[tokio::test]
async fn each_kind_of_refusal_comes_from_a_real_request() {
    let scene = Scene::new();
    let layer = VerifyLayer::required(scene.gate()).scopes(Scopes::all_of(&["orders:read"]));
    let good = scene.alice();
    let alice = Claims::for_subject("alice").with_scope("orders:read");
    let early = UnixTime::from_seconds(NOW.seconds() - 3600);
    let late = UnixTime::from_seconds(NOW.seconds() + 3600);
    let mut twice = bearing(&good);
    twice
        .headers_mut()
        .append(AUTHORIZATION, HeaderValue::from_static("Basic YQ=="));
    for (request, code, status) in [
        (bare(), "no_token", 401),
        (bearing("not.a token"), "not_a_token", 401),
        (bearing(""), "not_a_token", 401),
        (bearing("x"), "malformed", 401),
        (bearing(&"a".repeat(20_000)), "too_long", 401),
        (bearing(&"a".repeat(1 << 20)), "credentials_too_long", 401),
        (bearing(&forged(&good)), "bad_signature", 401),
        (
            bearing(&scene.token_for("elsewhere", NOW, &alice)),
            "aud_mismatch",
            401,
        ),
        (
            bearing(&scene.token_for(AUDIENCE, early, &alice)),
            "expired",
            401,
        ),
        (
            bearing(&scene.token_for(AUDIENCE, late, &alice)),
            "not_yet_valid",
            401,
        ),
        (
            bearing(&scene.token(&Claims::for_subject("withdrawn"))),
            "revoked",
            401,
        ),
        (
            bearing(&scene.token(&Claims::for_subject("unknown"))),
            "revocation_unknown",
            503,
        ),
        (
            bearing(&scene.token(&Claims::for_subject("bob"))),
            "insufficient_scope",
            403,
        ),
        (twice, "repeated_header", 400),
    ] {
        let response = ask(&layer, request).await;
        assert_eq!(response.status(), status, "{code}");
        assert_eq!(response.extensions().get::<Refusal>().unwrap().code(), code);
        assert_eq!(
            header(&response, "www-authenticate").is_some(),
            status != 503
        );
        let body = text(response).await;
        assert!(
            body.starts_with(r#"{"type":"about:blank","title":"#),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_header_may_be_written_in_any_case() {
    let scene = Scene::new();
    let layer = VerifyLayer::required(scene.gate());
    let mut request = bare();
    let value = format!("bEARER {}", scene.alice());
    let name = http::HeaderName::from_bytes(b"aUTHORIZATION").unwrap();
    request.headers_mut().insert(name, value.parse().unwrap());
    assert_eq!(outcome(&layer, request).await, let_through("alice"));
}

#[tokio::test]
async fn where_a_token_is_optional_its_absence_passes_and_a_bad_one_is_refused() {
    let scene = Scene::new();
    let layer = VerifyLayer::optional(scene.gate()).scopes(Scopes::all_of(&["orders:read"]));
    let good = scene.alice();
    assert_eq!(outcome(&layer, bare()).await, let_through("nobody"));
    assert_eq!(outcome(&layer, bearing(&good)).await, let_through("alice"));
    assert_eq!(
        outcome(&layer, bearing(&forged(&good))).await,
        refused("bad_signature")
    );
    assert_eq!(outcome(&layer, bearing("")).await, refused("not_a_token"));
    let bob = scene.token(&Claims::for_subject("bob"));
    assert_eq!(
        outcome(&layer, bearing(&bob)).await,
        refused("insufficient_scope")
    );
    let basic = Request::get("/").header(AUTHORIZATION, "Basic YQ==");
    let basic = basic.body(Body::empty()).unwrap();
    assert_eq!(outcome(&layer, basic).await, let_through("nobody"));
}

#[tokio::test]
async fn a_token_is_taken_from_the_cookie_where_that_is_its_place() {
    let scene = Scene::new();
    let place = TokenPlace::header_or_cookie("__Host-session").unwrap();
    let layer = VerifyLayer::required(scene.gate().token_in(place));
    let good = scene.alice();
    let cookie = format!("theme=dark; __Host-session={good}; lang=en");
    assert_eq!(
        outcome(&layer, with_cookie(&cookie)).await,
        let_through("alice")
    );
    assert_eq!(outcome(&layer, bearing(&good)).await, let_through("alice"));
    let mut both = bearing(&good);
    both.headers_mut().insert(COOKIE, cookie.parse().unwrap());
    assert_eq!(outcome(&layer, both).await, refused("several_places"));
    let two = format!("{cookie}; __Host-session={good}");
    assert_eq!(
        outcome(&layer, with_cookie(&two)).await,
        refused("repeated_cookie")
    );
    let quoted = format!("__Host-session=\"{good}\"");
    assert_eq!(
        outcome(&layer, with_cookie(&quoted)).await,
        refused("not_a_token")
    );

    let cookie_only = TokenPlace::cookie("__Host-session").unwrap();
    let layer = VerifyLayer::required(scene.gate().token_in(cookie_only));
    assert_eq!(outcome(&layer, bearing(&good)).await, refused("no_token"));
    assert_eq!(
        outcome(&layer, with_cookie(&cookie)).await,
        let_through("alice")
    );
}

#[tokio::test]
async fn every_scope_that_was_required_counts() {
    let scene = Scene::new();
    let layer = VerifyLayer::required(scene.gate())
        .scopes(Scopes::any_of(&["orders:read", "orders:write"]))
        .scopes(Scopes::all_from(["profile".to_owned()]));
    let with = |scope: &str| scene.token(&Claims::for_subject("alice").with_scope(scope));
    for (scope, expected) in [
        ("orders:read profile", let_through("alice")),
        ("profile orders:write", let_through("alice")),
        ("profile", refused("insufficient_scope")),
        ("orders:read", refused("insufficient_scope")),
        ("orders:readprofile", refused("insufficient_scope")),
        ("ORDERS:READ PROFILE", refused("insufficient_scope")),
    ] {
        let request = bearing(&with(scope));
        assert_eq!(outcome(&layer, request).await, expected, "{scope}");
    }
}

#[tokio::test]
async fn the_applications_own_claims_are_decoded() {
    let scene = Scene::new();
    let layer = VerifyLayer::required(scene.gate()).claims::<Shop>();
    let service = layer.layer(tower::service_fn(|request: Request<Body>| async move {
        let claims = request
            .extensions()
            .get::<Verified<Claims<Shop>>>()
            .unwrap();
        let role = claims.custom().role.clone();
        Ok::<_, Infallible>(Response::new(Body::from(role)))
    }));
    let shop = Shop {
        role: "admin".to_owned(),
    };
    let token = scene.token(&Claims::for_subject("alice").with_custom(shop));
    let response = service.clone().oneshot(bearing(&token)).await.unwrap();
    assert_eq!(text(response).await, "admin");
    // A token without them is authentic, and no token for this place.
    let response = service.oneshot(bearing(&scene.alice())).await.unwrap();
    assert_eq!(response.status(), 401);
    let refusal = response.extensions().get::<Refusal>().unwrap();
    assert_eq!(refusal.code(), "bad_claims");
}

#[tokio::test]
async fn the_application_has_the_last_word_on_an_answer() {
    let scene = Scene::new();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let gate = scene.gate().revise(move |refusal, request, mut answer| {
        counter.fetch_add(1, Ordering::SeqCst);
        if *refusal.kind() == RefusalKind::NoToken {
            *answer.status_mut() = StatusCode::SEE_OTHER;
            let login = format!("/login?next={}", request.uri.path());
            answer
                .headers_mut()
                .insert("location", login.parse().unwrap());
            answer.headers_mut().remove("content-type");
            answer.body_mut().clear();
        } else {
            *answer.body_mut() = "no".to_owned();
        }
        answer
    });
    let layer = VerifyLayer::required(gate);
    let response = ask(&layer, bare()).await;
    assert_eq!(response.status(), 303);
    assert_eq!(header(&response, "location"), Some("/login?next=/orders"));
    assert_eq!(header(&response, "content-type"), None);
    assert_eq!(text(response).await, "");
    let response = ask(&layer, bearing("x")).await;
    assert_eq!(response.status(), 401);
    assert!(header(&response, "www-authenticate").is_some());
    assert_eq!(text(response).await, "no");
    assert_eq!(ask(&layer, bearing(&scene.alice())).await.status(), 200);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn claims_of_an_outer_layer_do_not_pass_an_inner_one_that_saw_no_token() {
    let scene = Scene::new();
    let outer = VerifyLayer::required(scene.gate());
    let place = TokenPlace::cookie("other").unwrap();
    let inner = VerifyLayer::optional(scene.gate().token_in(place));
    let service = outer.layer(inner.layer(tower::service_fn(who::<()>)));
    let response = service.oneshot(bearing(&scene.alice())).await.unwrap();
    assert_eq!(text(response).await, "nobody");
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_service() {
    let scene = Scene::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let service =
        VerifyLayer::required(scene.gate()).layer(tower::service_fn(move |_: Request<Body>| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, Infallible>(Response::new(Body::empty())) }
        }));
    let _ = service.clone().oneshot(bare()).await.unwrap();
    let _ = service.clone().oneshot(bearing("x")).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let _ = service.oneshot(bearing(&scene.alice())).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_errors_of_the_service_stay_its_own() {
    #[derive(Debug, PartialEq)]
    struct Broken;
    let scene = Scene::new();
    let service =
        VerifyLayer::required(scene.gate()).layer(tower::service_fn(|_: Request<Body>| async {
            Err::<Response<Body>, _>(Broken)
        }));
    let outcome = service.oneshot(bearing(&scene.alice())).await;
    assert_eq!(outcome.map(|_| ()), Err(Broken));
}

/// The layer is ready when its service is, and says so in the same words.
#[tokio::test]
async fn readiness_is_that_of_the_service() {
    struct Closed;
    impl Service<Request<Body>> for Closed {
        type Response = Response<Body>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Response<Body>, &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("closed"))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            unreachable!("it was never ready")
        }
    }
    let mut service = VerifyLayer::required(Scene::new().gate()).layer(Closed);
    assert_eq!(service.ready().await.map(|_| ()), Err("closed"));
}

#[tokio::test]
async fn headers_that_hold_a_token_are_concealed_from_whoever_prints_the_request() {
    let scene = Scene::new();
    let place = TokenPlace::header_or_cookie("s").unwrap();
    let layer = VerifyLayer::required(scene.gate().token_in(place));
    let printing = tower::service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(Response::new(Body::from(format!("{request:?}"))))
    });
    let token = scene.alice();
    for request in [bearing(&token), with_cookie(&format!("s={token}"))] {
        let response = layer.layer(printing).oneshot(request).await.unwrap();
        let printed = text(response).await;
        assert!(printed.contains("Sensitive"), "{printed}");
        assert!(!printed.contains(&token), "{printed}");
    }
}

#[test]
fn nothing_that_can_be_printed_holds_a_token_or_a_claim() {
    let scene = Scene::new();
    let token = scene.alice();
    let gate = scene.gate();
    let layer = VerifyLayer::required(gate.clone()).scopes(Scopes::all_of(&["orders:read"]));
    let mut service = layer.layer(tower::service_fn(who::<()>));
    let verified: Verified<Claims> = gate.check(bearing(&token).headers()).unwrap().unwrap();
    let refusal = gate
        .check::<()>(bearing(&forged(&token)).headers())
        .unwrap_err();
    let passed = service.call(bearing(&token));
    let stopped = service.call(bearing(&forged(&token)));
    for printed in [
        format!("{gate:?}"),
        format!("{layer:?}"),
        format!("{service:?}"),
        format!("{verified:?}"),
        format!("{refusal:?} {refusal}"),
        format!("{passed:?} {stopped:?}"),
    ] {
        for part in token.split('.').chain(["alice"]) {
            assert!(!printed.contains(part), "{printed}");
        }
    }
    assert_eq!(
        format!("{layer:?}"),
        format!(
            "VerifyLayer(Terms {{ gate: {gate:?}, absence: Refused, scopes: [all of [\"orders:read\"]] }})"
        )
    );
}

#[tokio::test]
async fn several_issuers_stand_behind_one_layer() {
    let scene = Scene::new();
    let other = tokenwright::key::SigningKey::generate(tokenwright::key::Algorithm::EdDsa).unwrap();
    let id = tokenwright::key::KeyId::new("other").unwrap();
    let other = other.with_id(id);
    let keys = tokenwright::KeySet::of([other.verifying_key()]).unwrap();
    let partner = tokenwright::Verifier::builder(keys)
        .policy(tokenwright::Policy::new(
            "https://partner.example",
            AUDIENCE,
        ))
        .without_revocation()
        .clock(tokenwright::ManualClock::at(NOW))
        .build();
    let both = tokenwright::Verifiers::of([scene.verifier(), partner]).unwrap();
    let layer = VerifyLayer::required(Gate::new(both));
    let minter = tokenwright::Minter::builder(other, "https://partner.example")
        .audience(AUDIENCE)
        .clock(tokenwright::ManualClock::at(NOW))
        .lifetime(Duration::from_secs(60))
        .build()
        .unwrap();
    let bob = minter.mint(&Claims::for_subject("bob")).unwrap();
    assert_eq!(outcome(&layer, bearing(&bob)).await, let_through("bob"));
    assert_eq!(
        outcome(&layer, bearing(&scene.alice())).await,
        let_through("alice")
    );
}
