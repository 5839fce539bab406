//! Health and metrics over real connections.

use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;

struct Running {
    readiness: Readiness,
    metrics: Arc<Metrics>,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn start() -> Running {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (readiness, metrics) = (Readiness::needing(&["crds", "enforcement"]), Arc::new(Metrics::new()));
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, stop) = (server.address(), CancellationToken::new());
    let router = router(readiness.clone(), metrics.clone());
    Running {
        readiness,
        metrics,
        address,
        task: tokio::spawn(server.run(router, stop.clone())),
        stop,
    }
}

impl Running {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        let client = Client::builder().no_proxy().build().unwrap();
        client.get(self.url(path)).send().await.unwrap()
    }

    async fn page(&self, path: &str) -> (u16, String) {
        let response = self.get(path).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Everything that comes back to these bytes until the server closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is a close too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }
}

#[tokio::test]
async fn pages_say_how_it_stands() {
    let web = start().await;
    assert_eq!(web.page("/livez").await, (200, "ok\n".into()));
    web.readiness.set("crds", Ok(()));
    web.readiness.set("enforcement", Err("run readmit admission".into()));
    assert_eq!(
        web.page("/readyz").await,
        (503, "enforcement: run readmit admission\n".into())
    );
    web.readiness.set("enforcement", Ok(()));
    assert_eq!(web.page("/readyz").await, (200, "ready\n".into()));

    web.metrics.claims_open(7);
    let response = web.get("/metrics").await;
    assert_eq!(response.headers()[CONTENT_TYPE], metrics::CONTENT_TYPE);
    let text = response.text().await.unwrap();
    assert!(
        text.contains("readmit_claims_open 7\n") && text.ends_with("# EOF\n"),
        "{text}"
    );
    assert_eq!(web.page("/other").await.0, 404);
}

#[tokio::test]
async fn bodies_other_methods_and_long_heads_are_refused() {
    let web = start().await;
    for body in ["content-length: 1000000\r\n", "transfer-encoding: chunked\r\n"] {
        let request = format!("GET /livez HTTP/1.1\r\nhost: x\r\n{body}\r\n");
        let answer = web.raw(request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("no page here"),
            "{answer}"
        );
    }
    let answer = web
        .raw(b"POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let long = format!("GET /livez HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(20_000));
    let answer = web.raw(long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn silent_connections_do_not_keep_others_out() {
    let web = start().await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(web.address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
        silent.push(stream);
    }
    let start = Instant::now();
    assert_eq!(web.page("/livez").await.0, 200);
    let took = start.elapsed();
    // It had to wait until a place was free: there really is a bound.
    assert!(
        Duration::from_secs(3) < took && took < Duration::from_secs(15),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_stop_lets_what_was_begun_end() {
    let web = start().await;
    let mut slow = TcpStream::connect(web.address).await.unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
    // So that it is accepted before the stop.
    assert_eq!(web.page("/livez").await.0, 200);
    web.stop.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    TcpStream::connect(web.address)
        .await
        .expect_err("nothing listens any more");
    assert!(!web.task.is_finished());
    slow.write_all(b"host: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(1), web.task)
        .await
        .expect("it ends")
        .unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let web = start().await;
    let error = Server::bind(web.address).await.err().expect("in use");
    let text = error.to_string();
    assert!(
        text.contains(&web.address.to_string()) && text.ends_with("choose another with --listen"),
        "{text}"
    );
}
