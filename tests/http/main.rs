//! In front of HTTP applications: what is let through, what is refused, and what
//! the refused are told.

mod bodies;
mod contract;
mod cost;
mod extract;
mod garbage;
mod grpc;
mod layer;
#[allow(unreachable_pub, missing_docs)]
mod readme;
mod scene;

use scene::Scene;

/// The README's example is the text of `readme.rs`, and it runs on a real socket.
#[tokio::test]
async fn the_example_of_the_readme_runs() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(root).unwrap();
    let example = include_str!("readme.rs");
    assert!(readme.contains(example), "the README shows another example");
    assert!(example.lines().count() <= 15);

    let scene = Scene::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = readme::app(scene.jwks().as_bytes()).unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let ask = async |authorization: &str| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /orders HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let good = ask(&format!(
        "Authorization: Bearer {}\r\n",
        scene.lasting_token()
    ))
    .await;
    assert!(good.starts_with("HTTP/1.1 200 OK\r\n"), "{good}");
    assert!(good.ends_with("\r\n\r\norders of alice"), "{good}");
    let none = ask("").await;
    assert!(none.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{none}");
    assert!(none.contains("\r\nwww-authenticate: Bearer\r\n"), "{none}");
    let bad = ask("Authorization: Bearer x\r\n").await;
    assert!(bad.contains("error=\"invalid_token\""), "{bad}");
    server.abort();
}
