//! The response under way: the service's own, or the answer to a refused request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::{HeaderValue, Response};
use pin_project_lite::pin_project;

use super::super::dpop::Dpop;
use super::GuardedBody;

pin_project! {
    /// Resolves to the response of the service, or to the answer to a refused request.
    pub struct VerifyFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Passed { #[pin] response: F, nonce: Option<HeaderValue> },
        // `None` once it has been given out.
        Refused { answer: Option<Box<Response<String>>> },
    }
}

impl<F> VerifyFuture<F> {
    pub(super) fn passed(response: F, nonce: Option<HeaderValue>) -> Self {
        Self {
            state: State::Passed { response, nonce },
        }
    }

    pub(super) fn refused(answer: Response<String>) -> Self {
        Self {
            state: State::Refused {
                answer: Some(Box::new(answer)),
            },
        }
    }
}

impl<F, B, E> Future for VerifyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<GuardedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passed { response, nonce } => {
                response.poll(context).map_ok(|mut response| {
                    if let Some(nonce) = nonce.take() {
                        response.headers_mut().insert(Dpop::nonce_header(), nonce);
                    }
                    response.map(GuardedBody::passed)
                })
            }
            StateProjection::Refused { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer.map(GuardedBody::answer))),
                // Polled again after it was ready: as `std::future::pending` would.
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for VerifyFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Passed { .. } => "VerifyFuture(passed)",
            State::Refused { .. } => "VerifyFuture(refused)",
        })
    }
}
