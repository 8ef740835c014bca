//! The body of a response: the service's own, untouched, or a short text.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of the service's response, or of the answer to a refused request.
    pub struct GuardedBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = ContentProjection]
    enum Content<B> {
        Passed { #[pin] body: B },
        // Empty once it has been given out.
        Answer { text: String },
    }
}

impl<B> GuardedBody<B> {
    pub(super) fn passed(body: B) -> Self {
        Self {
            content: Content::Passed { body },
        }
    }

    pub(super) fn answer(text: String) -> Self {
        Self {
            content: Content::Answer { text },
        }
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body,
    B::Data: From<String>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().content.project() {
            ContentProjection::Passed { body } => body.poll_frame(context),
            ContentProjection::Answer { text } if text.is_empty() => Poll::Ready(None),
            ContentProjection::Answer { text } => {
                let text = std::mem::take(text);
                Poll::Ready(Some(Ok(Frame::data(text.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Passed { body } => body.is_end_stream(),
            Content::Answer { text } => text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Passed { body } => body.size_hint(),
            Content::Answer { text } => {
                SizeHint::with_exact(u64::try_from(text.len()).unwrap_or(u64::MAX))
            }
        }
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.content {
            Content::Passed { .. } => "GuardedBody(passed)",
            Content::Answer { .. } => "GuardedBody(answer)",
        })
    }
}
