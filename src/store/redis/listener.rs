//! Hearing of changes on Redis.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Server;
use crate::store::notice::{Listening, Pause};

/// How long one look for a message waits, at most: so soon is the end noticed.
const LOOK: Duration = Duration::from_secs(1);
/// How many looks without a word before the server is asked whether it is there.
const QUIET: u32 = 10;

pub(super) struct Listener(pub(super) Arc<Server>);

impl Listening for Listener {
    fn listen(&mut self, end: &Pause, heard: &mut (dyn FnMut() + Send)) {
        let Ok(mut connection) = self.0.connect() else {
            return;
        };
        let mut channel = connection.as_pubsub();
        if channel.subscribe(&self.0.keys.news).is_err()
            || channel.set_read_timeout(Some(LOOK)).is_err()
        {
            return;
        }
        heard();
        let mut quiet = 0_u32;
        while !end.has_ended() {
            match channel.get_message() {
                Ok(_) => {
                    quiet = 0;
                    heard();
                }
                Err(error) if error.is_timeout() => quiet = quiet.saturating_add(1),
                Err(_) => return,
            }
            // A server that vanished without a word would be waited for in vain.
            if quiet == QUIET {
                quiet = 0;
                if channel.ping::<redis::Value>().is_err() {
                    return;
                }
            }
        }
    }
}
