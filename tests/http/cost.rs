//! What the layer adds to a verification: the place of the claims in the request.

use std::convert::Infallible;
use std::future::{Future as _, ready};
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use axum::body::Body;
use http::{Request, Response};
use tokenwright::http::VerifyLayer;
use tower::{Layer as _, Service as _};

use crate::scene::{Scene, bare, bearing};

/// Heap allocations of one call of the layer, without those of request and response.
fn allocations(layer: &VerifyLayer, request: Request<Body>) -> u64 {
    let mut service = layer.layer(tower::service_fn(|_: Request<Body>| {
        ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    }));
    let mut response = None;
    let counted = measure(|| {
        let mut future = std::pin::pin!(service.call(request));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(ready) = future.as_mut().poll(&mut context) else {
            panic!("nothing is waited for");
        };
        response = Some(ready);
    });
    assert_eq!(response.unwrap().unwrap().status(), 200);
    counted.count_total
}

#[test]
fn the_layer_allocates_the_claims_and_their_place_and_nothing_else() {
    let scene = Scene::new();
    let token = scene.alice();
    let verifier = scene.verifier();
    // A set of keys learns the header of its tokens once.
    assert!(verifier.verify(&token).is_ok());
    let mut verified = None;
    let of_verifying = measure(|| verified = Some(verifier.verify(&token).unwrap())).count_total;
    assert_eq!(verified.unwrap().subject(), Some("alice"));
    // An empty request has no table of extensions yet: one for it, its entries, the claims' box.
    let required = VerifyLayer::required(scene.gate());
    let _ = allocations(&required, bearing(&token));
    let fresh = allocations(&required, bearing(&token));
    assert_eq!(fresh, of_verifying + 3);
    // Servers leave something in it themselves, so then it is the box alone.
    let mut request = bearing(&token);
    request.extensions_mut().insert("from the server");
    assert_eq!(allocations(&required, request), of_verifying + 1);
    // Where nobody presents a token, there is nothing to keep.
    let optional = VerifyLayer::optional(scene.gate());
    let mut request = bare();
    request.extensions_mut().insert("from the server");
    assert_eq!(allocations(&optional, request), 0);
}
