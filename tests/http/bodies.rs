//! Bodies go through the layer as they are: nothing is collected, lost or held back.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt as _, Full};
use tokenwright::http::VerifyLayer;
use tower::{Layer as _, ServiceExt as _};

use crate::scene::{Scene, bare, bearing};

#[tokio::test]
async fn frames_of_a_response_arrive_one_by_one_with_trailers_at_the_end() {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(4);
    let body = std::sync::Mutex::new(Some(body));
    let service = VerifyLayer::required(Scene::new().gate()).layer(tower::service_fn(
        move |_: Request<Body>| {
            let body = body.lock().unwrap().take().unwrap();
            async { Ok::<_, Infallible>(Response::new(body)) }
        },
    ));
    let response = service
        .oneshot(bearing(&Scene::new().alice()))
        .await
        .unwrap();
    let mut body = response.into_body();
    assert!(!body.is_end_stream());
    assert_eq!(body.size_hint().exact(), None);

    sender.send_data(Bytes::from_static(b"one")).await.unwrap();
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "one");
    // Nothing is there until something is sent.
    let mut waiting = std::pin::pin!(body.frame());
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    sender.send_data(Bytes::from_static(b"two")).await.unwrap();
    let frame = waiting.await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "two");

    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "7".parse().unwrap());
    sender.send_trailers(trailers.clone()).await.unwrap();
    drop(sender);
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap(), trailers);
    assert!(body.frame().await.is_none());
}

/// A body that fails, and that knows its size only roughly.
struct Failing;

impl http_body::Body for Failing {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("the disk is gone")))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(10);
        hint.set_upper(20);
        hint
    }
}

#[tokio::test]
async fn the_size_and_the_error_of_a_body_are_its_own() {
    let scene = Scene::new();
    let service =
        VerifyLayer::required(scene.gate()).layer(tower::service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Failing))
        }));
    let response = service
        .clone()
        .oneshot(bearing(&scene.alice()))
        .await
        .unwrap();
    let mut body = response.into_body();
    let hint = body.size_hint();
    assert_eq!((hint.lower(), hint.upper()), (10, Some(20)));
    assert_eq!(body.frame().await.unwrap().unwrap_err(), "the disk is gone");

    // The answer to a refused request has a length, and ends.
    let mut body = service.oneshot(bare()).await.unwrap().into_body();
    let exact = body.size_hint().exact().unwrap();
    assert!(!body.is_end_stream());
    let text = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(u64::try_from(text.len()).unwrap(), exact);
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn any_body_of_a_request_reaches_the_service_unread() {
    struct Own(&'static str);
    let scene = Scene::new();
    let service = VerifyLayer::required(scene.gate()).layer(tower::service_fn(
        |request: Request<Own>| async move {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(request.into_body().0)))
        },
    ));
    let request = bearing(&scene.alice()).map(|_| Own("streamed by nobody"));
    let response = service.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "streamed by nobody");
}
