//! A proxy on loopback on which things go wrong as they do on a network: answers are lost, requests arrive late, the
//! server is busy, or something in between answers for it.
//!
//! It understands just enough of LDAP ([`ldap`]) and of HTTP ([`http`]) to know a request that changes something from
//! the others; everything else it passes on as it is. It may speak TLS on either side, so that nothing is hidden from
//! it.

mod http;
mod ldap;
mod tls;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks; the server never sees the request.
    LostBefore,
    /// The server carries it out; the connection breaks instead of an answer.
    LostAfter,
    /// The connection breaks at once; the server gets the request so much later, and carries it out.
    Late(Duration),
    /// Answered as done; the server never sees the request.
    Untrue,
    /// Answered as too busy (LDAP `busy`, HTTP 429 with `Retry-After: 2`); the server never sees the request.
    Busy,
}

/// Which protocol to understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// LDAP: modifies and password changes are what faults strike.
    Ldap,
    /// HTTP/1.1: every method but GET and HEAD is what faults strike.
    Http,
}

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    pub protocol: Protocol,
    /// Host and port of the server.
    pub server: String,
    /// Whether the server speaks TLS. Its certificate is not checked: it is the test's own server on loopback.
    pub server_tls: bool,
    /// Whether clients speak TLS to the proxy, and then trust [`Proxy::ca_pem`].
    pub tls: bool,
}

/// A running proxy; ended when dropped.
pub struct Proxy {
    address: String,
    ca_pem: Option<String>,
    script: Arc<Script>,
    // Its tasks end with it.
    _runtime: Runtime,
}

impl Proxy {
    /// Listens on a free port.
    pub fn start(options: Options) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("start the proxy's runtime")?;
        let (acceptor, ca_pem) = match options.tls {
            true => tls::acceptor().map(|(acceptor, pem)| (Some(acceptor), Some(pem)))?,
            false => (None, None),
        };
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.context("find a port for the proxy")?;
        let address = listener.local_addr().context("the proxy's address")?.to_string();
        let script = Arc::new(Script::default());
        let way = Way {
            options,
            script: script.clone(),
        };
        runtime.spawn(accept(listener, acceptor, Arc::new(way)));
        Ok(Proxy {
            address,
            ca_pem,
            script,
            _runtime: runtime,
        })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What clients trust, where they speak TLS to the proxy.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Strikes the next changing request that contains this text in any letter case: an LDAP request anywhere (a name
    /// of an entry, say), an HTTP request in its path.
    pub fn strike(&self, text: &str, fault: Fault) {
        self.script.lock().push(Armed {
            text: text.to_lowercase().into_bytes(),
            fault,
            struck: false,
        });
    }

    /// How many faults have struck.
    pub fn struck(&self) -> usize {
        self.script.lock().iter().filter(|armed| armed.struck).count()
    }
}

/// The faults, in the order in which they were added.
#[derive(Default)]
struct Script(Mutex<Vec<Armed>>);

struct Armed {
    text: Vec<u8>,
    fault: Fault,
    struck: bool,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong with a changing request, if anything.
    fn fault_for(&self, request: &[u8]) -> Option<Fault> {
        let request = request.to_ascii_lowercase();
        let contains = |text: &[u8]| request.windows(text.len().max(1)).any(|window| window == text);
        let mut script = self.lock();
        let armed = script.iter_mut().find(|armed| !armed.struck && contains(&armed.text))?;
        armed.struck = true;
        Some(armed.fault)
    }
}

/// What each connection needs to know.
struct Way {
    options: Options,
    script: Arc<Script>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// TLS keeps what is written until it is flushed.
async fn send(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

impl Way {
    async fn connect(&self) -> Result<Box<dyn Stream>> {
        let server = &self.options.server;
        let stream = tokio::net::TcpStream::connect(server).await;
        let stream = stream.with_context(|| format!("connect to {server}"))?;
        Ok(match self.options.server_tls {
            true => Box::new(tls::connect(stream).await?),
            false => Box::new(stream),
        })
    }
}

async fn accept(listener: TcpListener, acceptor: Option<tokio_rustls::TlsAcceptor>, way: Arc<Way>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (way, acceptor) = (way.clone(), acceptor.clone());
        tokio::spawn(async move {
            let client: Box<dyn Stream> = match acceptor {
                None => Box::new(stream),
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => Box::new(stream),
                    // A client that does not trust us, or went away: its own trouble to tell.
                    Err(_) => return,
                },
            };
            // A connection that ends early is the very thing that this is for.
            let _ = match way.options.protocol {
                Protocol::Ldap => ldap::relay(client, &way).await,
                Protocol::Http => http::relay(client, &way).await,
            };
        });
    }
}
