//! Sessions in front of an axum application: what a browser gets to see.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokenwright::http::{BrowserSessions, FORM_TOKEN_HEADER, SetCookies};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::session::{Login, Origins, Session, SessionCookies, SessionTimes, Sessions};
use tokenwright::{
    Freshness, KeySet, LiveRevocations, ManualClock, RevocationList, RevocationView, UnixTime,
    WhenUnknown,
};
use tower::ServiceExt as _;

const START: i64 = 1_760_000_000;

fn at(second: i64) -> UnixTime {
    UnixTime::from_seconds(START + second)
}

#[derive(Clone)]
struct App {
    sessions: BrowserSessions,
    live: LiveRevocations,
    clock: Arc<ManualClock>,
}

impl axum::extract::FromRef<App> for BrowserSessions {
    fn from_ref(app: &App) -> Self {
        app.sessions.clone()
    }
}

impl App {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let keys = KeySet::of([key.verifying_key()]).unwrap();
        let live = LiveRevocations::new(RevocationList::new(), at(0));
        let clock = Arc::new(ManualClock::at(at(0)));
        let sessions = Sessions::builder(key, keys, "https://shop.example", "shop")
            .times(SessionTimes {
                idle: Duration::from_secs(100),
                absolute: Duration::from_secs(1_000),
            })
            .revocation(
                live.clone(),
                Freshness::new(Duration::from_secs(500), WhenUnknown::Refuse),
            )
            .build()
            .unwrap();
        let sessions = BrowserSessions::new(
            sessions,
            SessionCookies::named("shop").unwrap(),
            Origins::of("https://shop.example").unwrap(),
        )
        .unwrap()
        .clock(Arc::clone(&clock))
        .login_page("/login");
        Self {
            sessions,
            live,
            clock,
        }
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/", get(front))
            .route("/account", get(account).post(account))
            .route("/login", post(log_in))
            .route("/logout", post(log_out))
            .route(
                "/picture",
                get(async || ([("cache-control", "public, max-age=60")], "")),
            )
            .route(
                "/page",
                get(async || ([("cache-control", "max-age=60, Private")], "")),
            )
            .layer(self.sessions.layer::<u32>())
            .route("/outside", get(account))
            .with_state(self.clone())
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.router().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, cookies: &str) -> Response<Body> {
        self.ask(with_cookies(Request::get(path), cookies)).await
    }

    /// Logs in and gives the `Cookie` header that a browser would send from then on.
    async fn log_in(&self) -> String {
        let request = Request::post("/login").header("sec-fetch-site", "same-origin");
        cookies_of(self.ask(with_cookies(request, "")).await.headers())
    }
}

fn with_cookies(request: http::request::Builder, cookies: &str) -> Request<Body> {
    let request = match cookies {
        "" => request,
        cookies => request.header("cookie", cookies),
    };
    request.body(Body::empty()).unwrap()
}

fn cookies_of(headers: &HeaderMap) -> String {
    let set = headers.get_all("set-cookie").iter();
    let pairs = set.map(|line| line.to_str().unwrap().split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

async fn body(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn front(session: Option<Session<u32>>) -> String {
    let who = session.as_ref().map_or("stranger", Session::subject);
    format!("hello, {who}")
}

async fn account(session: Session<u32>) -> String {
    format!(
        "[\"{}\",{},\"{}\"]",
        session.subject(),
        session.data(),
        session.form_token()
    )
}

async fn log_in(State(sessions): State<BrowserSessions>) -> (SetCookies, Redirect) {
    let login = Login::of("alice").with_data(7);
    (sessions.log_in(&login).unwrap(), Redirect::to("/account"))
}

async fn log_out(State(app): State<App>, session: Session<u32>) -> SetCookies {
    let record = |entries: &[tokenwright::Revocation<'_>], now| {
        let mut list = RevocationList::new();
        for entry in entries {
            list.add(entry).map_err(|error| error.to_string())?;
        }
        app.live.replace(RevocationView::new(list, now));
        Ok::<(), String>(())
    };
    app.sessions.log_out(&session, record).unwrap()
}

#[tokio::test]
async fn a_login_leads_to_the_page_that_needs_one() {
    let app = App::new();
    let cookies = app.log_in().await;
    assert_eq!(cookies.matches("__Host-shop").count(), 2);
    let answer = app.get("/account", &cookies).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().get("set-cookie").is_none());
    assert!(body(answer).await.starts_with("[\"alice\",7,"));
    assert_eq!(body(app.get("/", &cookies).await).await, "hello, alice");
    assert_eq!(body(app.get("/", "").await).await, "hello, stranger");
}

#[tokio::test]
async fn a_browser_that_wants_a_page_is_sent_to_the_login_and_a_program_gets_401() {
    let app = App::new();
    let page = Request::get("/account").header("accept", "text/html,*/*;q=0.8");
    let answer = app.ask(with_cookies(page, "")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/login");
    assert!(answer.headers().get("www-authenticate").is_none());

    let answer = app.get("/account", "").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["www-authenticate"], "Cookie");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(
        body(answer).await,
        r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"there is no session"}"#
    );
}

#[tokio::test]
async fn a_response_renews_the_cookie_when_it_is_time_and_is_then_not_cached() {
    let app = App::new();
    let cookies = app.log_in().await;
    app.clock.set(at(19));
    let answer = app.get("/", &cookies).await;
    assert!(answer.headers().get("set-cookie").is_none());
    assert!(answer.headers().get("cache-control").is_none());
    app.clock.set(at(20));
    let answer = app.get("/", &cookies).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let renewed = cookies_of(answer.headers());
    assert!(renewed.starts_with("__Host-shop=") && !cookies.contains(&renewed));
    let fingerprint = cookies.split("; ").nth(1).unwrap();
    app.clock.set(at(110));
    assert_eq!(app.get("/account", &cookies).await.status(), 401);
    let both = format!("{renewed}; {fingerprint}");
    assert_eq!(app.get("/account", &both).await.status(), 200);
}

#[tokio::test]
async fn a_response_that_others_may_be_served_sets_no_cookie() {
    let app = App::new();
    let cookies = app.log_in().await;
    app.clock.set(at(50));
    let shared = app.get("/picture", &cookies).await;
    assert!(shared.headers().get("set-cookie").is_none());
    let own = app.get("/page", &cookies).await;
    assert!(own.headers().get("set-cookie").is_some());
    assert_eq!(own.headers()["cache-control"], "max-age=60, Private");
}

/// A GET that a neighbour's page makes with the user's cookies, and then writes to.
#[tokio::test]
async fn a_websocket_of_another_sites_page_is_refused() {
    let app = App::new();
    let cookies = app.log_in().await;
    let open = |origin: &str| {
        let request = Request::get("/account")
            .header("upgrade", "websocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("origin", origin);
        with_cookies(request, &cookies)
    };
    let sibling = app.ask(open("https://blog.shop.example")).await;
    assert_eq!(sibling.status(), 403);
    let own = app.ask(open("https://shop.example")).await;
    assert_eq!(own.status(), 200);
}

#[tokio::test]
async fn what_a_handler_does_about_the_session_is_the_last_word() {
    let app = App::new();
    let cookies = app.log_in().await;
    // Old enough that the layer would renew it.
    app.clock.set(at(50));
    let leave = Request::post("/logout").header("sec-fetch-site", "same-origin");
    let answer = app.ask(with_cookies(leave, &cookies)).await;
    let set: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(set.len(), 2);
    for line in set {
        assert!(line.to_str().unwrap().ends_with("Max-Age=0"));
    }
    assert_eq!(app.get("/account", &cookies).await.status(), 401);
    assert_eq!(body(app.get("/", &cookies).await).await, "hello, stranger");
}

#[tokio::test]
async fn another_sites_page_gets_403_whether_or_not_somebody_is_logged_in() {
    let app = App::new();
    let cookies = app.log_in().await;
    for cookies in ["", cookies.as_str()] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "\u{e9}"),
        ] {
            let request = Request::post("/login").header(name, value);
            let answer = app.ask(with_cookies(request, cookies)).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
            assert!(answer.headers().get("set-cookie").is_none());
        }
    }
    let link = Request::get("/account").header("sec-fetch-site", "cross-site");
    assert_eq!(app.ask(with_cookies(link, &cookies)).await.status(), 200);
}

#[tokio::test]
async fn a_request_that_does_not_say_who_sent_it_needs_the_form_token() {
    let app = App::new();
    let cookies = app.log_in().await;
    let told = body(app.get("/account", &cookies).await).await;
    let token = told.split('"').nth(3).unwrap().to_owned();
    let other = app.log_in().await;
    let foreign = body(app.get("/account", &other).await).await;
    let foreign = foreign.split('"').nth(3).unwrap().to_owned();
    for (sent, status) in [
        (None, 403),
        (Some("x".to_owned()), 403),
        (Some(foreign), 403),
        (Some(token), 200),
    ] {
        let mut request = Request::post("/account");
        if let Some(token) = &sent {
            request = request.header(FORM_TOKEN_HEADER, token);
        }
        let answer = app.ask(with_cookies(request, &cookies)).await;
        assert_eq!(answer.status(), status, "{sent:?}");
    }
    // A program without a session logs in without one.
    assert_eq!(
        app.ask(with_cookies(Request::post("/login"), ""))
            .await
            .status(),
        303
    );
}

#[tokio::test]
async fn cookies_that_are_no_session_are_refused_and_change_nothing_else() {
    let app = App::new();
    let cookies = app.log_in().await;
    let token = cookies.split("; ").next().unwrap();
    for (bad, status) in [
        ("__Host-shop=".to_owned(), 401),
        ("__Host-shop=a b".to_owned(), 401),
        ("__Host-shop=AAAA".to_owned(), 401),
        (format!("__Host-shop={}", "A".repeat(1 << 20)), 401),
        // Stolen: the fingerprint stayed behind.
        (token.to_owned(), 401),
        // Two of one name: which one counts, nobody can say.
        (format!("{cookies}; {token}"), 400),
        (format!("{cookies}; __Host-shop-fp=x"), 400),
    ] {
        let shown: String = bad.chars().take(40).collect();
        let answer = app.get("/account", &bad).await;
        assert_eq!(answer.status(), status, "{shown}");
        assert_eq!(
            body(app.get("/", &bad).await).await,
            "hello, stranger",
            "{shown}"
        );
    }
    for harmless in ["shop=1", "__host-shop=1", "x__Host-shop=1"] {
        let both = format!("{harmless}; {cookies}");
        assert_eq!(app.get("/account", &both).await.status(), 200, "{harmless}");
    }
}

#[tokio::test]
async fn nobody_is_a_stranger_only_because_the_revocations_are_not_known() {
    let app = App::new();
    let cookies = app.log_in().await;
    app.clock.set(at(90));
    app.live
        .replace(RevocationView::new(RevocationList::new(), at(-1_000)));
    for path in ["/", "/account"] {
        let answer = app.get(path, &cookies).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers()["retry-after"], "10");
    }
    assert_eq!(app.get("/", "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_handler_without_the_layer_says_so_and_lets_nobody_in() {
    let app = App::new();
    let cookies = app.log_in().await;
    let answer = app.get("/outside", &cookies).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body(answer).await.contains("layer"));
}
