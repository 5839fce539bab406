//! The HTTP client against servers that behave badly.

use super::*;
use crate::directory::Lane;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

fn call() -> Call {
    Call {
        lane: Lane::Person,
        deadline: Instant::now() + Duration::from_secs(30),
    }
}

fn client(url: &str, timeout: Duration) -> Http {
    let base = base_url(url).unwrap();
    Http::new(&base, None, HeaderMap::new(), Throttle::new(6000, 4), timeout).unwrap()
}

/// A server that reads a request's head and answers these bytes, then closes; how often it was asked.
async fn server(answer: Vec<u8>) -> (String, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            if stream.read(&mut head).await.unwrap_or(0) > 0 {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            stream.write_all(&answer).await.ok();
        }
    });
    (url, asked)
}

async fn ask(url: &str) -> Result<Answer, NoAnswer> {
    let http = client(url, Duration::from_secs(5));
    http.exchange(&call(), http.client().post(format!("{url}secret-login")), || Ok(()))
        .await
}

fn failure(result: Result<Answer, NoAnswer>) -> NoAnswer {
    result.map(|answer| answer.status).unwrap_err()
}

#[test]
fn addresses_are_https_or_loopback_and_bare() {
    let good = [
        "https://example.okta.com",
        "https://example.okta.com/",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:1",
    ];
    let bad = [
        "http://example.okta.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://localhost",
        "https://user:pw@example.okta.com",
        "https://example.okta.com/api",
        "https://example.okta.com/?a=b",
        "https://example.okta.com/#x",
        "example.okta.com",
        "",
    ];
    for url in good {
        assert!(base_url(url).is_ok(), "{url}");
    }
    for url in bad {
        assert_eq!(base_url(url).unwrap_err().class, FailureClass::NeedsConfig, "{url}");
    }
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let lost = failure(ask(&url).await);
    assert!(
        matches!(&lost, NoAnswer::NotSent(f) if f.class == FailureClass::Transient(None)),
        "{lost:?}"
    );
}

#[tokio::test]
async fn an_unknown_host_was_not_sent() {
    let lost = failure(ask("https://no-such-host.invalid/").await);
    assert!(matches!(lost, NoAnswer::NotSent(_)), "{lost:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_lost_and_asked_once() {
    let (url, asked) = server(Vec::new()).await;
    let lost = failure(ask(&url).await);
    assert!(matches!(lost, NoAnswer::Lost(_)), "{lost:?}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn errors_do_not_carry_the_url() {
    let (url, _) = server(Vec::new()).await;
    let failure = failure(ask(&url).await).into_failure();
    assert!(!format!("{failure:?}").contains("secret-login"), "{failure:?}");
}

#[tokio::test]
async fn a_slow_answer_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let http = client(&url, Duration::from_millis(200));
    let lost = failure(http.exchange(&call(), http.client().get(&url), || Ok(())).await);
    assert!(
        matches!(&lost, NoAnswer::Lost(f) if f.public.contains("in time")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn redirects_are_answers() {
    let (url, asked) =
        server(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    assert_eq!(ask(&url).await.map(|a| a.status.as_u16()), Ok(302));
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn large_bodies_are_cut_off_with_and_without_a_length() {
    let body = vec![b'a'; LARGEST_BODY + 1];
    for head in ["content-length: 1048577\r\n", ""] {
        let mut answer = format!("HTTP/1.1 200 OK\r\n{head}connection: close\r\n\r\n").into_bytes();
        answer.extend_from_slice(&body);
        let (url, _) = server(answer).await;
        let answer = ask(&url).await.map_err(NoAnswer::into_failure).unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.unwrap_err().public.contains("1 MiB"));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_status() {
    let (url, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()).await;
    let answer = ask(&url).await.map_err(NoAnswer::into_failure).unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body.unwrap_err().class, FailureClass::Transient(None));
}

#[tokio::test]
async fn broken_answers_open_the_circuit_and_refusals_do_not() {
    for (status, opens) in [
        ("500 Internal Server Error", true),
        ("503 Service Unavailable", true),
        ("403 Forbidden", false),
        ("501 Not Implemented", false),
    ] {
        let (url, asked) =
            server(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()).await;
        let http = client(&url, Duration::from_secs(5));
        for _ in 0..8 {
            http.exchange(&call(), http.client().get(&url), || Ok(())).await.ok();
        }
        let expected = if opens { 5 } else { 8 };
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), expected, "{status}");
    }
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let (url, asked) = server(Vec::new()).await;
    let http = client(&url, Duration::from_secs(5));
    let late = Call {
        lane: Lane::ReadBack,
        deadline: Instant::now(),
    };
    let lost = failure(http.exchange(&late, http.client().get(&url), || Ok(())).await);
    assert!(matches!(lost, NoAnswer::NotSent(_)));
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn a_ca_without_certificates_is_a_fault_of_the_configuration() {
    let base = base_url("https://example.okta.com").unwrap();
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let result = Http::new(
            &base,
            Some(pem.as_bytes()),
            HeaderMap::new(),
            Throttle::new(60, 1),
            Duration::from_secs(1),
        );
        assert_eq!(
            result.map(drop).unwrap_err().class,
            FailureClass::NeedsConfig,
            "{pem:?}"
        );
    }
}
