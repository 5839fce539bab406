//! A CONNECT proxy that leads every host to this sandbox, so that real addresses work verbatim in tests.
//!
//! It never opens a connection to anywhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::server::serve_connection;
use crate::shared::Shared;

/// Longest head of a CONNECT request.
const MAX_HEAD: usize = 8 * 1024;
/// How long a client may take to send it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves one proxy connection.
pub(crate) async fn serve_proxy(shared: Arc<Shared>, acceptor: TlsAcceptor, mut stream: TcpStream) {
    let Ok(Ok(head)) = tokio::time::timeout(HEAD_TIMEOUT, read_head(&mut stream)).await else {
        return;
    };
    let mut words = head.split_whitespace();
    let (Some("CONNECT"), Some(target)) = (words.next(), words.next()) else {
        let refusal =
            b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = stream.write_all(refusal).await;
        return;
    };
    shared.connects().push(target.to_owned());
    if stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .is_err()
    {
        return;
    }
    serve_tls(shared, acceptor, stream).await;
}

/// Serves one TLS connection.
pub(crate) async fn serve_tls(shared: Arc<Shared>, acceptor: TlsAcceptor, stream: TcpStream) {
    // A failed handshake is the client's to report.
    if let Ok(stream) = acceptor.accept(stream).await {
        serve_connection(shared, stream, "https", None).await;
    }
}

/// Reads up to the blank line, byte by byte so that nothing of the tunnel is swallowed.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(std::io::Error::other("the request's head is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
