//! The layer in front of a gRPC service: a real tonic server, and a real client.

use std::convert::Infallible;

use axum::body::Body;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use tokenwright::http::{Protocol, Scopes, VerifyLayer};
use tokenwright::{Claims, Verified};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::{Layer as _, ServiceExt as _};

use crate::scene::{Scene, bearing, forged, header, text};

/// Serves whoever asks as alice, and streams two answers.
struct ForAlice;

fn answer<T>(request: &Request<T>) -> Result<HealthCheckResponse, Status> {
    let claims = request.extensions().get::<Verified<Claims>>();
    match claims.and_then(|claims| claims.subject()) {
        Some("alice") => Ok(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }),
        _ => Err(Status::failed_precondition("nobody's claims")),
    }
}

#[tonic::async_trait]
impl Health for ForAlice {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        answer(&request).map(Response::new)
    }

    type WatchStream = tonic::codegen::BoxStream<HealthCheckResponse>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let item = answer(&request)?;
        let items = [Ok(item), Ok(item), Err(Status::aborted("the end"))];
        let stream = tonic::codegen::tokio_stream::iter(items);
        Ok(Response::new(Box::pin(stream)))
    }
}

/// A server with this layer, and a channel to it.
async fn channel(layer: VerifyLayer) -> Channel {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(
        Server::builder()
            .layer(layer)
            .add_service(HealthServer::new(ForAlice))
            .serve_with_incoming(incoming),
    );
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

fn request(token: Option<&str>) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(token) = token {
        let value = MetadataValue::try_from(format!("Bearer {token}")).unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

async fn check(channel: &Channel, token: Option<&str>) -> Result<i32, Status> {
    let mut client = HealthClient::new(channel.clone());
    let response = client.check(request(token)).await?;
    Ok(response.into_inner().status)
}

#[tokio::test]
async fn a_grpc_client_learns_the_status_that_grpc_has_for_it() {
    let scene = Scene::new();
    let gate = scene.gate().protocol(Protocol::Grpc);
    let layer = VerifyLayer::required(gate).scopes(Scopes::all_of(&["orders:read"]));
    let channel = channel(layer).await;
    let good = scene.alice();
    let serving = i32::from(ServingStatus::Serving);
    assert_eq!(check(&channel, Some(&good)).await.unwrap(), serving);

    let refused = check(&channel, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.message(), "a token is required");
    let challenge = refused.metadata().get("www-authenticate").unwrap();
    assert!(
        challenge
            .to_str()
            .unwrap()
            .starts_with("Bearer realm=\"orders\", resource_metadata=")
    );

    let refused = check(&channel, Some(&forged(&good))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.message(), "the token is not valid");

    let bob = scene.token(&Claims::for_subject("bob"));
    let refused = check(&channel, Some(&bob)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.message(), "the token does not permit this");

    let unknown = scene.token(&Claims::for_subject("unknown"));
    let refused = check(&channel, Some(&unknown)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(
        refused.message(),
        "the token cannot be checked at this time"
    );
    assert_eq!(refused.metadata().get("retry-after").unwrap(), "10");
}

/// Without being told of gRPC the layer answers 401, with the same words for clients of gRPC.
#[tokio::test]
async fn a_grpc_client_understands_the_answer_of_a_layer_that_speaks_http() {
    let scene = Scene::new();
    let channel = channel(VerifyLayer::required(scene.gate())).await;
    assert!(check(&channel, Some(&scene.alice())).await.is_ok());
    let refused = check(&channel, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.message(), "a token is required");
    let unknown = scene.token(&Claims::for_subject("unknown"));
    let refused = check(&channel, Some(&unknown)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_stream_and_its_trailers_pass_untouched() {
    let scene = Scene::new();
    let gate = scene.gate().protocol(Protocol::Grpc);
    let channel = channel(VerifyLayer::optional(gate)).await;
    let mut client = HealthClient::new(channel.clone());
    let good = scene.alice();
    let mut stream = client
        .watch(request(Some(&good)))
        .await
        .unwrap()
        .into_inner();
    for _ in 0..2 {
        assert!(stream.message().await.unwrap().is_some());
    }
    let end = stream.message().await.unwrap_err();
    assert_eq!((end.code(), end.message()), (Code::Aborted, "the end"));
    // Optional: the absence passes, and the service decides.
    let anonymous = check(&channel, None).await.unwrap_err();
    assert_eq!(anonymous.code(), Code::FailedPrecondition);
    let bad = check(&channel, Some("x")).await.unwrap_err();
    assert_eq!(bad.code(), Code::Unauthenticated);
}

/// Only posted requests of a gRPC content type; and to whoever looks at HTTP alone
/// a refusal is a refusal, unless that was given up.
#[tokio::test]
async fn only_grpc_requests_are_answered_in_grpc_and_with_200_only_where_chosen() {
    let scene = Scene::new();
    let grpc = VerifyLayer::required(scene.gate().protocol(Protocol::Grpc));
    let http = VerifyLayer::required(scene.gate());
    for (content_type, method, is_grpc) in [
        ("application/grpc", Method::POST, true),
        ("application/grpc+proto", Method::POST, true),
        ("application/grpc-web+proto", Method::POST, true),
        ("application/grpc;charset=utf-8", Method::POST, true),
        ("application/grpc", Method::GET, false),
        ("application/grpcx", Method::POST, false),
        ("application/json", Method::POST, false),
        ("text/application/grpc", Method::POST, false),
    ] {
        for (layer, status) in [(&grpc, if is_grpc { 200 } else { 401 }), (&http, 401)] {
            let mut request = bearing("x");
            *request.method_mut() = method.clone();
            let value = HeaderValue::from_static(content_type);
            request.headers_mut().insert(CONTENT_TYPE, value);
            let never = tower::service_fn(|_: http::Request<Body>| async {
                Ok::<_, Infallible>(http::Response::new(Body::empty()))
            });
            let response = layer.layer(never).oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{content_type}");
            assert!(header(&response, "www-authenticate").is_some());
            let told = header(&response, "grpc-status").map(str::to_owned);
            assert_eq!(told.as_deref(), is_grpc.then_some("16"), "{content_type}");
            let echoed = header(&response, "content-type") == Some(content_type);
            assert_eq!(echoed, is_grpc);
            assert_eq!(text(response).await.is_empty(), is_grpc);
        }
    }
}
