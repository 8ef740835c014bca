//! A server for one keyring: the key set for other verifiers, forward authentication
//! for reverse proxies, health, and metrics. TLS is the proxy's business.
//!
//! | address | answers |
//! |---|---|
//! | `/.well-known/jwks.json` | the published keys (RFC 7517), with an entity tag, cacheable for as long as the rotation policy allows |
//! | `/.well-known/paserk.txt` | the same for keys of PASETO, a PASERK line each |
//! | `/revocations` | the whole revocation list, signed (see [`distribution`](crate::distribution)), where it is published |
//! | `/revocations/deltas?after=EPOCH.SEQ` | what leads from that state of the list to the present one |
//! | `/verify` | forward authentication: 200 with the identity in headers, or 401, 403, 503 |
//! | `/healthz` | 200 while the process lives |
//! | `/readyz` | 200 while tokens can be judged, else 503; what is wrong as JSON |
//! | `/metrics` | counters and gauges for Prometheus |
//! | `/` | the [`Inspector`] page, where it is asked for |
//!
//! # Forward authentication
//!
//! A proxy asks `/verify` about each request, with any method and the request's own
//! headers. `/verify?scope=orders:write` asks for a scope as well; several words, with
//! `%20` between them or each in a `scope` of its own, are all needed. The answer to a
//! good token is 200 and these headers:
//!
//! | header | claim |
//! |---|---|
//! | `X-Auth-Subject` | `sub` |
//! | `X-Auth-Issuer` | `iss` |
//! | `X-Auth-Audience` | `aud`, a space between two |
//! | `X-Auth-Scope` | `scope`, a space between two words |
//! | `X-Auth-Session` | `sid` |
//! | `X-Auth-Token-Id` | `jti` |
//! | `X-Auth-Expires` | `exp`, in whole Unix seconds |
//! | `X-Auth-Key-Id` | the key that signed |
//!
//! All of them are always there, empty when the token does not say: a proxy that copies
//! them replaces what a client made up. In each word, every byte that is not visible
//! ASCII, and `%` and the comma, are percent-encoded; decode what you read.
//!
//! The answer to any other request is 401, 403 or 503 with a challenge and a problem
//! document, as [`Answers`](crate::http::Answers) puts them, and `X-Auth-Reason` for the
//! proxy's log: the code of the refusal, but `invalid_token` for every token whose
//! signature does not hold. Nothing that a client can write decides anything but its
//! token: no `X-Forwarded-…` header is read, and no address behind `/verify/`.
//! `packaging/proxy/` has the configuration of the proxies.
//!
//! Everything that needs a socket is in [`Server::run`]; [`Server::answer`] is a
//! function of the request, the keys and the time.

mod connection;
mod error;
mod forward;
mod identity;
mod inspector;
mod listen;
mod metrics;
mod published;
mod ready;
mod reply;
mod server;
mod signed_list;
mod site;
mod withdrawn;

pub use error::{ServeError, ServeErrorKind};
pub use inspector::Inspector;
pub use listen::{Address, DEFAULT_SOCKET_MODE, Listener};
pub use reply::Reply;
pub use server::{Access, Ending, Limits, Peer, Server, ServerBuilder};
