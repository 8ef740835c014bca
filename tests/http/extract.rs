//! Claims in the signature of a handler.

use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::routing::get;
use http::{Request, Response};
use tokenwright::http::{
    Gate, Permission, Permitted, Refusal, Refused, Scopes, TokenPlace, VerifyLayer,
};
use tokenwright::{Claims, Verified};
use tower::ServiceExt as _;

use crate::scene::{Scene, Shop, bare, bearing, forged, header, text, with_cookie};

struct ReadOrders;

impl Permission for ReadOrders {
    const SCOPES: Scopes = Scopes::all_of(&["orders:read"]);
}

async fn required(claims: Verified<Claims>) -> String {
    claims.subject().unwrap_or("nobody").to_owned()
}

async fn optional(claims: Option<Verified<Claims>>) -> String {
    let subject = claims.as_ref().and_then(|claims| claims.subject());
    subject.unwrap_or("nobody").to_owned()
}

async fn typed(claims: Verified<Claims<Shop>>) -> String {
    claims.custom().role.clone()
}

async fn permitted(claims: Permitted<ReadOrders>) -> String {
    claims.subject().unwrap_or("nobody").to_owned()
}

async fn perhaps_permitted(claims: Option<Permitted<ReadOrders>>) -> String {
    match claims {
        Some(claims) => claims.into_verified().subject().unwrap().to_owned(),
        None => "nobody".to_owned(),
    }
}

/// A handler that answers for itself.
async fn own_answer(claims: Result<Verified<Claims>, Refused>) -> String {
    match claims {
        Ok(claims) => claims.subject().unwrap().to_owned(),
        Err(refused) => format!("{} ({refused})", refused.refusal().code()),
    }
}

fn routes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Gate: FromRef<S>,
{
    Router::new()
        .route("/required", get(required))
        .route("/optional", get(optional))
        .route("/typed", get(typed))
        .route("/permitted", get(permitted))
        .route("/perhaps", get(perhaps_permitted))
        .route("/own", get(own_answer))
}

async fn ask(app: &Router, path: &str, mut request: Request<Body>) -> Response<Body> {
    *request.uri_mut() = path.parse().unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn outcome(app: &Router, path: &str, request: Request<Body>) -> (u16, String) {
    let response = ask(app, path, request).await;
    (response.status().as_u16(), text(response).await)
}

#[tokio::test]
async fn a_gate_in_the_state_verifies_for_the_handler() {
    let scene = Scene::new();
    let app = routes().with_state(scene.gate());
    let alice = scene.alice();
    let bob = scene.token(&Claims::for_subject("bob"));
    let bad = forged(&alice);
    for (path, token, status) in [
        ("/required", Some(&alice), 200),
        ("/required", None, 401),
        ("/required", Some(&bad), 401),
        ("/optional", Some(&alice), 200),
        ("/optional", None, 200),
        ("/optional", Some(&bad), 401),
        ("/permitted", Some(&alice), 200),
        ("/permitted", Some(&bob), 403),
        ("/permitted", None, 401),
        ("/perhaps", Some(&alice), 200),
        ("/perhaps", None, 200),
        ("/perhaps", Some(&bob), 403),
        ("/perhaps", Some(&bad), 401),
    ] {
        let request = token.map_or_else(bare, |token| bearing(token));
        let response = ask(&app, path, request).await;
        assert_eq!(response.status(), status, "{path}");
        if status != 200 {
            assert!(header(&response, "www-authenticate").is_some());
            assert_eq!(
                header(&response, "content-type"),
                Some("application/problem+json")
            );
            assert!(response.extensions().get::<Refusal>().is_some());
            continue;
        }
        let expected = if token.is_some() { "alice" } else { "nobody" };
        assert_eq!(text(response).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_gate_may_be_one_part_of_a_greater_state() {
    #[derive(Clone)]
    struct Application {
        gate: Gate,
        greeting: &'static str,
    }
    impl FromRef<Application> for Gate {
        fn from_ref(application: &Application) -> Self {
            application.gate.clone()
        }
    }
    async fn greet(
        axum::extract::State(application): axum::extract::State<Application>,
        claims: Verified<Claims>,
    ) -> String {
        format!("{}, {}", application.greeting, claims.subject().unwrap())
    }
    let scene = Scene::new();
    let place = TokenPlace::cookie("s").unwrap();
    let app = Router::new()
        .route("/", get(greet))
        .with_state(Application {
            gate: scene.gate().token_in(place),
            greeting: "hello",
        });
    let request = with_cookie(&format!("s={}", scene.alice()));
    assert_eq!(
        outcome(&app, "/", request).await,
        (200, "hello, alice".to_owned())
    );
    assert_eq!(outcome(&app, "/", bearing(&scene.alice())).await.0, 401);
}

#[tokio::test]
async fn without_a_gate_in_the_state_the_layer_in_front_has_verified() {
    let scene = Scene::new();
    let app = routes::<()>().layer(VerifyLayer::optional(scene.gate()));
    let alice = scene.alice();
    let said = |text: &str| (200, text.to_owned());
    assert_eq!(
        outcome(&app, "/required", bearing(&alice)).await,
        said("alice")
    );
    assert_eq!(
        outcome(&app, "/optional", bearing(&alice)).await,
        said("alice")
    );
    assert_eq!(outcome(&app, "/optional", bare()).await, said("nobody"));
    assert_eq!(outcome(&app, "/perhaps", bare()).await, said("nobody"));
    assert_eq!(
        outcome(&app, "/permitted", bearing(&alice)).await,
        said("alice")
    );
    let bob = scene.token(&Claims::for_subject("bob"));
    assert_eq!(outcome(&app, "/permitted", bearing(&bob)).await.0, 403);
    // The layer lets nobody pass as nobody; the handler wants somebody.
    assert_eq!(outcome(&app, "/required", bare()).await.0, 401);
    assert_eq!(
        outcome(&app, "/required", bearing(&forged(&alice))).await.0,
        401
    );
}

/// A gate that was forgotten lets nobody in, not even where claims are optional.
#[tokio::test]
async fn a_handler_without_gate_and_layer_answers_for_the_operators_mistake() {
    let app = routes::<()>();
    let token = Scene::new().alice();
    for path in ["/required", "/optional", "/typed", "/permitted", "/perhaps"] {
        for request in [bare(), bearing(&token)] {
            let response = ask(&app, path, request).await;
            assert_eq!(response.status(), 500, "{path}");
            let refusal = response.extensions().get::<Refusal>().unwrap();
            assert_eq!(refusal.code(), "not_verified");
        }
    }
    // Claims of another type than the handler's are not the handler's.
    let app = routes::<()>().layer(VerifyLayer::required(Scene::new().gate()));
    assert_eq!(outcome(&app, "/typed", bearing(&token)).await.0, 500);
}

#[tokio::test]
async fn the_applications_own_claims_come_in_their_type() {
    let scene = Scene::new();
    let shop = Shop {
        role: "admin".to_owned(),
    };
    let token = scene.token(&Claims::for_subject("alice").with_custom(shop));
    let in_state = routes().with_state(scene.gate());
    let behind = routes::<()>().layer(VerifyLayer::required(scene.gate()).claims::<Shop>());
    for app in [in_state, behind] {
        let admin = outcome(&app, "/typed", bearing(&token)).await;
        assert_eq!(admin, (200, "admin".to_owned()));
        assert_eq!(
            outcome(&app, "/typed", bearing(&scene.alice())).await.0,
            401
        );
    }
}

#[tokio::test]
async fn a_handler_may_take_the_refusal_and_answer_itself() {
    let scene = Scene::new();
    let app = routes().with_state(scene.gate());
    let (status, body) = outcome(&app, "/own", bare()).await;
    assert_eq!(
        (status, body.as_str()),
        (200, "no_token (the request presents no token)")
    );
    let (_, body) = outcome(&app, "/own", bearing(&forged(&scene.alice()))).await;
    assert_eq!(body, "bad_signature (the signature is not the key's)");
}

/// A gate in the state judges by itself, whatever a layer further out has accepted.
#[tokio::test]
async fn a_gate_in_the_state_does_not_take_a_layers_word() {
    let scene = Scene::new();
    let place = TokenPlace::cookie("s").unwrap();
    let app = routes()
        .with_state(scene.gate().token_in(place))
        .layer(VerifyLayer::required(scene.gate()));
    assert_eq!(
        outcome(&app, "/required", bearing(&scene.alice())).await.0,
        401
    );
}
