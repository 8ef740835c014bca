//! Listening to a server, and connecting again when that breaks.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{ListenHandle, Pause, Waker};

/// How long a listener waits before it connects again: doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Pause {
    pub(in crate::store) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    fn wait(&self, time: Duration) {
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let going_on = |_: &mut ()| !self.has_ended();
        let _ = self.signal.wait_timeout_while(held, time, going_on);
    }
}

/// A way to hear of changes.
pub(in crate::store) trait Listening: Send + 'static {
    /// Listens until the connection breaks or the end has come. `heard` is called once
    /// when listening has begun, since something may have been missed before, and then
    /// for every notice.
    fn listen(&mut self, end: &Pause, heard: &mut (dyn FnMut() + Send));
}

/// Listens in a thread of its own and wakes, connecting again when that breaks.
pub(in crate::store) fn listen(
    mut listening: impl Listening,
    wakers: Vec<Waker>,
) -> Result<ListenHandle, std::io::Error> {
    let end = Arc::new(Pause::default());
    let ended = Arc::clone(&end);
    let thread = std::thread::Builder::new().name("tokenwright-listener".to_owned());
    thread.spawn(move || {
        let mut pause = FIRST_PAUSE;
        while !ended.has_ended() {
            listening.listen(&ended, &mut || {
                pause = FIRST_PAUSE;
                wakers.iter().for_each(Waker::wake);
            });
            ended.wait(jittered(pause));
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    })?;
    Ok(ListenHandle(end))
}

/// Between half of a time and all of it, so that many who lost one server do not come
/// back at once.
fn jittered(time: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without random numbers all wait as long.
    let part = getrandom::fill(&mut byte).map_or(255, |()| u8::from_le_bytes(byte));
    time.mul_f64(0.5 + f64::from(part) / 510.0)
}
