//! Waiting for asynchronous clients from synchronous calls.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::store::error::{StoreError, StoreErrorKind};

/// A runtime of a store's own: one thread, which keeps connections alive.
pub(in crate::store) struct Driver(Option<Runtime>);

impl Driver {
    pub(in crate::store) fn new(place: &str) -> Result<Self, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("tokenwright-store")
            .enable_all()
            .build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|error| {
            StoreError::new(
                StoreErrorKind::Io,
                place,
                "a thread to wait for the server in",
                &error.to_string(),
                "nothing was done; raise the limit on processes and threads",
            )
        })
    }

    /// Waits for a future. Whoever calls may be inside another runtime, where waiting is
    /// forbidden to the thread: then another one waits.
    pub(in crate::store) fn wait<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let runtime = self.0.as_ref()?;
        if Handle::try_current().is_err() {
            return Some(runtime.block_on(future));
        }
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| runtime.block_on(future));
            waiting.join().ok()
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Waiting for its end is forbidden inside another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
