//! A small shop with browser sessions: log in, fill a basket, check out, log out
//! here or everywhere, and look at the keyring and the revocations.
//!
//! ```text
//! cargo run --example storefront --features axum,session,file-store
//! cargo run --example storefront --features axum,session,file-store -- --port 8089   # a second one
//! ```
//!
//! Nothing about a session is stored: restart it, or start a second one with the same
//! folder, and everybody is still logged in. The folder keeps the keys and the short
//! list of sessions that were ended early.
//!
//! This is a demonstration: its users and their passwords stand in `shop.rs`.

mod pages;
mod place;
mod shop;
mod timeline;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use place::Place;
use tokenwright::http::BrowserSessions;
use tokenwright::session::{Origins, SessionCookies, SessionTimes, Sessions};
use tokenwright::{Freshness, WhenUnknown};

const USAGE: &str = "storefront [--port N] [--store FOLDER] [--idle SECONDS] [--absolute SECONDS] \
                     [--renew-after SECONDS] [--clock FILE]";

/// What the command line says.
struct Arguments {
    port: u16,
    store: PathBuf,
    times: SessionTimes,
    renew_after: Option<Duration>,
    /// A file with the present in Unix seconds, in place of the system's clock: for tests.
    clock: Option<PathBuf>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut arguments = Arguments {
        port: 8088,
        store: PathBuf::from("storefront-keys"),
        times: SessionTimes {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3600),
        },
        renew_after: None,
        clock: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(flag) = given.next() {
        let value = given.next().ok_or(USAGE)?;
        let seconds = || value.parse().map(Duration::from_secs);
        match flag.as_str() {
            "--port" => arguments.port = value.parse()?,
            "--store" => arguments.store = value.into(),
            "--idle" => arguments.times.idle = seconds()?,
            "--absolute" => arguments.times.absolute = seconds()?,
            "--renew-after" => arguments.renew_after = Some(seconds()?),
            "--clock" => arguments.clock = Some(value.into()),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(arguments)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let place = Place::open(&arguments.store, arguments.times.idle, arguments.clock)?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let port = listener.local_addr()?.port();

    let freshness = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
    let mut sessions = Sessions::builder(place.signers(), place.keys(), place::ISSUER, "shop")
        .times(arguments.times)
        .revocation(place.revoked(), freshness);
    if let Some(age) = arguments.renew_after {
        sessions = sessions.renew_after(age);
    }
    // Cookies know no ports: a second shop on this host shares them, as it is meant to.
    let origins = Origins::of(&format!("http://localhost:{port}"))?
        .and(&format!("http://127.0.0.1:{port}"))?;
    let sessions =
        BrowserSessions::new(sessions.build()?, SessionCookies::named("shop")?, origins)?
            .clock(place.clock())
            .login_page("/login");

    println!("http://localhost:{port}");
    let app = shop::routes(sessions, Arc::new(place));
    axum::serve(listener, app).await?;
    Ok(())
}
