//! Keys of other issuers: on a clock that moves only when told, and over real sockets.

mod clockwork;
mod discovery;
mod flood;
mod rotation;
mod scene;
mod server;
mod sockets;
