//! A small HTTP/1 server: one request a connection, few connections, little time. What it serves is [`super::router`]'s
//! business.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many connections may be open; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 32;
/// How long one connection may take in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest request head, in bytes; hyper's least.
const LONGEST_HEAD: usize = 8192;

/// A listening server that does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// When the address cannot be listened on; the text names it and the setting.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let failed = |error: io::Error| {
            let text = format!("cannot listen on {address}: {error}; choose another with --listen");
            io::Error::new(error.kind(), text)
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Server {
            address: listener.local_addr().map_err(failed)?,
            listener,
        })
    }

    /// Where it listens, with the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the token is cancelled, then lets open connections end.
    pub async fn run(self, router: Router, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let open = TaskTracker::new();
        let accept = async || {
            // Closed only if this program closed it, which it does not.
            let place = places.clone().acquire_owned().await.ok()?;
            Some((self.listener.accept().await, place))
        };
        while let Some(Some((accepted, place))) = stop.run_until_cancelled(accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    let answer = answer(stream, router.clone());
                    open.spawn(async move {
                        answer.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Usually out of file descriptors: going on at once would only burn time.
                    tracing::warn!(%error, "could not accept a connection for health and metrics");
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
        drop(self.listener);
        open.close();
        open.wait().await;
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(PATIENCE, connection).await {
        Ok(Ok(())) => (),
        // Whoever connected went away or spoke no HTTP.
        Ok(Err(error)) => tracing::debug!(%error, "a connection for health and metrics failed"),
        Err(_) => tracing::debug!("a connection for health and metrics took too long"),
    }
}
