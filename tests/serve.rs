//! `tokenwright serve`, started as people start it, and asked over real sockets. No
//! test waits for a time to pass: what must happen is waited for, with a deadline.

#[path = "serve/addresses.rs"]
mod addresses;
#[path = "serve/client.rs"]
mod client;
#[path = "serve/ending.rs"]
mod ending;
#[path = "serve/forward.rs"]
mod forward;
#[path = "serve/health.rs"]
mod health;
#[path = "serve/inspector.rs"]
mod inspector;
#[path = "serve/limits.rs"]
mod limits;
#[path = "serve/listening.rs"]
mod listening;
#[path = "serve/metrics.rs"]
mod metrics;
#[path = "cli/place.rs"]
#[allow(dead_code, reason = "shared with the other tests of the command line")]
mod place;
#[path = "serve/proxies.rs"]
mod proxies;
#[path = "serve/revocation.rs"]
mod revocation;
#[path = "serve/running.rs"]
mod running;
