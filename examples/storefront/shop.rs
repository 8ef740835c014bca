//! The shop's pages and what they do.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, FromRef, Query, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokenwright::http::{BrowserSessions, SetCookies};
use tokenwright::session::{Login, Session, SessionError};

use crate::pages;
use crate::place::Place;

/// Nothing from elsewhere, no scripts, no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// What the shop keeps in the session's cookie. The customer can read it, and cannot
/// change it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Basket {
    /// Products and how many of each.
    pub(crate) lines: Vec<(usize, u8)>,
    /// How often this session has bought something.
    pub(crate) orders: u32,
}

pub(crate) type Visit = Session<Basket>;

pub(crate) struct Product {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) cents: u64,
}

pub(crate) const PRODUCTS: [Product; 6] = [
    Product {
        name: "Brass key",
        about: "Opens one lock and no other.",
        cents: 2_400,
    },
    Product {
        name: "Signet ring",
        about: "Your word, pressed into wax.",
        cents: 18_900,
    },
    Product {
        name: "Sealing wax",
        about: "Six sticks, oxblood red.",
        cents: 950,
    },
    Product {
        name: "Padlock",
        about: "Closed unless opened.",
        cents: 3_200,
    },
    Product {
        name: "Rubber stamp",
        about: "Says when, and until when.",
        cents: 1_450,
    },
    Product {
        name: "Envelopes",
        about: "Fifty, lined, they show tampering.",
        cents: 1_200,
    },
];

/// Users of the demonstration. A real shop keeps slow hashes (Argon2) in a database.
const USERS: [(&str, &str); 3] = [("alice", "rabbit"), ("bob", "bridge"), ("admin", "demo")];

#[derive(Clone)]
pub(crate) struct Shop {
    sessions: BrowserSessions,
    place: Arc<Place>,
}

impl Shop {
    /// Does what waits for the disk on a thread that may wait: no other request stands
    /// still for it.
    async fn where_waiting_is_fine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let shop = self.clone();
        tokio::task::spawn_blocking(move || work(&shop))
            .await
            .unwrap_or_else(|_| Err(Problem::unavailable()))
    }
}

impl FromRef<Shop> for BrowserSessions {
    fn from_ref(shop: &Shop) -> Self {
        shop.sessions.clone()
    }
}

pub(crate) fn routes(sessions: BrowserSessions, place: Arc<Place>) -> Router {
    let shop = Shop {
        sessions: sessions.clone(),
        place,
    };
    Router::new()
        .route("/", get(front))
        .route("/login", get(login_page).post(log_in))
        .route("/basket", get(basket))
        .route("/basket/change", post(change_basket))
        .route("/checkout", post(check_out))
        .route("/thanks", get(thanks))
        .route("/account", get(account))
        .route("/logout", post(log_out))
        .route("/logout-everywhere", post(log_out_everywhere))
        .route("/admin", get(admin))
        .route("/admin/end", post(end_sessions_of))
        .layer(sessions.layer::<Basket>())
        .route("/style.css", get(style))
        .layer(from_fn_with_state(shop.clone(), catch_up))
        .layer(from_fn(protect))
        .with_state(shop)
}

async fn catch_up(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    shop.place.catch_up();
    next.run(request).await
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    response
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css")], include_str!("style.css"))
}

async fn front(visit: Option<Visit>) -> Html<String> {
    pages::front(visit.as_ref())
}

#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    failed: bool,
    #[serde(default)]
    left: bool,
}

async fn login_page(visit: Option<Visit>, Query(seen): Query<Seen>) -> Html<String> {
    let notice = match (seen.failed, seen.left) {
        (true, _) => Some("That name and password do not go together."),
        (false, true) => Some("You are logged out."),
        (false, false) => None,
    };
    pages::login(visit.as_ref(), notice, &USERS)
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn log_in(
    State(shop): State<Shop>,
    visit: Option<Visit>,
    Form(form): Form<Credentials>,
) -> Result<Response, Problem> {
    let known = USERS.contains(&(form.name.as_str(), form.password.as_str()));
    if !known {
        return Ok(Redirect::to("/login?failed=true").into_response());
    }
    // A session that is left behind by logging in again is ended, not forgotten.
    if let Some(before) = visit {
        let _replaced_below = shop
            .where_waiting_is_fine(move |shop| {
                Ok(shop
                    .sessions
                    .log_out(&before, |entries, now| shop.place.revoke(entries, now))?)
            })
            .await?;
    }
    let login = Login::of(form.name).with_data(Basket::default());
    let cookies = shop.sessions.log_in(&login)?;
    Ok((cookies, Redirect::to("/")).into_response())
}

async fn basket(visit: Visit) -> Html<String> {
    pages::basket(&visit)
}

#[derive(Deserialize)]
struct Change {
    product: usize,
    by: i8,
    form_token: String,
}

async fn change_basket(
    State(sessions): State<BrowserSessions>,
    visit: Visit,
    Form(form): Form<Change>,
) -> Result<(SetCookies, Redirect), Problem> {
    visit.check_form_token(&form.form_token)?;
    let mut basket = visit.data().clone();
    if PRODUCTS.get(form.product).is_some() {
        let line = basket
            .lines
            .iter_mut()
            .find(|(product, _)| *product == form.product);
        match line {
            Some((_, count)) => *count = count.saturating_add_signed(form.by).min(99),
            None if form.by > 0 => basket.lines.push((form.product, 1)),
            None => {}
        }
        basket.lines.retain(|(_, count)| *count > 0);
    }
    let cookies = sessions.keep(&visit, &basket)?;
    Ok((cookies, Redirect::to("/basket")))
}

#[derive(Deserialize)]
struct Sent {
    form_token: String,
}

async fn check_out(
    State(sessions): State<BrowserSessions>,
    visit: Visit,
    Form(form): Form<Sent>,
) -> Result<(SetCookies, Redirect), Problem> {
    visit.check_form_token(&form.form_token)?;
    let bought = Basket {
        lines: Vec::new(),
        orders: visit.data().orders.saturating_add(1),
    };
    Ok((sessions.keep(&visit, &bought)?, Redirect::to("/thanks")))
}

async fn thanks(visit: Visit) -> Html<String> {
    pages::thanks(&visit)
}

async fn account(State(shop): State<Shop>, visit: Visit) -> Html<String> {
    pages::account(&visit, shop.place.clock().now())
}

async fn log_out(
    State(shop): State<Shop>,
    visit: Visit,
    Form(form): Form<Sent>,
) -> Result<(SetCookies, Redirect), Problem> {
    visit.check_form_token(&form.form_token)?;
    let cookies = shop
        .where_waiting_is_fine(move |shop| {
            Ok(shop
                .sessions
                .log_out(&visit, |entries, now| shop.place.revoke(entries, now))?)
        })
        .await?;
    Ok((cookies, Redirect::to("/login?left=true")))
}

async fn log_out_everywhere(
    State(shop): State<Shop>,
    visit: Visit,
    Form(form): Form<Sent>,
) -> Result<(SetCookies, Redirect), Problem> {
    visit.check_form_token(&form.form_token)?;
    let cookies = shop
        .where_waiting_is_fine(move |shop| {
            Ok(shop
                .sessions
                .log_out_everywhere(&visit, |entries, now| shop.place.revoke(entries, now))?)
        })
        .await?;
    Ok((cookies, Redirect::to("/login?left=true")))
}

async fn admin(State(shop): State<Shop>, visit: Visit) -> Result<Html<String>, Problem> {
    require_admin(&visit)?;
    let now = shop.place.clock().now();
    let entries = shop
        .where_waiting_is_fine(|shop| shop.place.entries().map_err(|_| Problem::unavailable()))
        .await?;
    Ok(pages::admin(&visit, &shop.place.keyring(), &entries, now))
}

#[derive(Deserialize)]
struct EndSessions {
    user: String,
    form_token: String,
}

async fn end_sessions_of(
    State(shop): State<Shop>,
    visit: Visit,
    Form(form): Form<EndSessions>,
) -> Result<Redirect, Problem> {
    require_admin(&visit)?;
    visit.check_form_token(&form.form_token)?;
    let now = shop.place.clock().now();
    let entry = shop
        .sessions
        .sessions()
        .end_all_of(&form.user, now)
        .with_reason("ended on the admin page");
    shop.where_waiting_is_fine(move |shop| Ok(shop.place.revoke(&[entry], now)?))
        .await?;
    Ok(Redirect::to("/admin"))
}

fn require_admin(visit: &Visit) -> Result<(), Problem> {
    if visit.subject() == "admin" {
        Ok(())
    } else {
        Err(Problem {
            status: StatusCode::FORBIDDEN,
            words: "This page is for the shop's keeper.",
        })
    }
}

/// What a customer is told when something did not work; the reason is for the log.
pub(crate) struct Problem {
    status: StatusCode,
    words: &'static str,
}

impl Problem {
    fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            words: "That did not work. Please try again.",
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        Self {
            status: StatusCode::from_u16(error.class().http_status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            words: "Please go back, reload the page and try again.",
        }
    }
}

impl From<tokenwright::session::IssueError> for Problem {
    fn from(error: tokenwright::session::IssueError) -> Self {
        eprintln!("no session was issued: {error}");
        Self::unavailable()
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Problem {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        eprintln!("nothing was revoked: {error}");
        Self::unavailable()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, pages::problem(self.words)).into_response()
    }
}
