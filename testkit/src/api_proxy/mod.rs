//! A proxy between one client and the test API server that can be told to misbehave: lose requests and answers, answer
//! for the server, hold everything, tell changes late, cut connections.
//!
//! It speaks plain HTTP/1.1 to its client, on loopback, and TLS to the API server; tokens pass through. It knows nothing
//! of the operator: a client is put behind it by [`ApiProxy::kubeconfig`].

mod events;
mod relay;
mod request;
mod rule;
mod switches;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

pub use request::Call;
pub use rule::{Fault, Matcher, Rule, RuleId};

use crate::control_plane::ControlPlane;
use relay::Relay;
use rule::Rules;
use switches::State;

/// A running proxy; gone with its connections when dropped.
pub struct ApiProxy {
    url: String,
    book: Arc<Mutex<Book>>,
    state: watch::Sender<State>,
    runtime: Option<Runtime>,
}

/// The rules, and what came by.
#[derive(Default)]
struct Book {
    rules: Rules,
    seen: Vec<(u64, Seen)>,
    passed: u64,
}

impl Book {
    /// Notes a request under a number, with the fault that it meets.
    fn meet(&mut self, call: &Call) -> (u64, Option<Fault>) {
        let fault = self.rules.meet(call);
        self.passed += 1;
        let seen = Seen {
            call: call.clone(),
            status: None,
            fault: fault.clone(),
        };
        self.seen.push((self.passed, seen));
        (self.passed, fault)
    }

    /// Notes what the API server said; nothing where the request was forgotten meanwhile.
    fn answered(&mut self, number: u64, status: u16) {
        if let Some((_, seen)) = self.seen.iter_mut().rev().find(|(known, _)| *known == number) {
            seen.status = Some(status);
        }
    }
}

/// A request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub call: Call,
    /// What the API server answered; `None` if it was not asked, or has not answered yet.
    pub status: Option<u16>,
    /// What was done to it.
    pub fault: Option<Fault>,
}

impl ApiProxy {
    /// Starts one in front of this control plane, on a port of its own.
    ///
    /// # Errors
    /// No port, no threads, or an authority that is no certificate.
    pub fn start(plane: &ControlPlane) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("api-proxy")
            .enable_all()
            .build()
            .context("start the proxy's threads")?;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .context("listen on loopback for the API proxy")?;
        let url = format!("http://{}", listener.local_addr().context("the proxy's address")?);
        let book = Arc::new(Mutex::new(Book::default()));
        let state = watch::Sender::new(State::default());
        let authority = std::fs::read(plane.ca_file()).context("read the control plane's authority")?;
        let relay = Relay::new(&plane.api_url(), &authority, book.clone(), state.subscribe())?;
        runtime.spawn(relay.serve(listener));
        Ok(Self {
            url,
            book,
            state,
            runtime: Some(runtime),
        })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes a kubeconfig for one of the control plane's people that leads through this proxy, and gives its path.
    pub fn kubeconfig(&self, plane: &ControlPlane, person: &str) -> Result<PathBuf> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        plane.kubeconfig_at(&format!("{person}-by-{port}"), &self.url, plane.token(person)?)
    }

    /// Adds a rule behind the others.
    pub fn add(&self, rule: Rule) -> RuleId {
        lock(&self.book).rules.add(rule)
    }

    /// Takes a rule away.
    pub fn remove(&self, id: RuleId) {
        lock(&self.book).rules.remove(id);
    }

    /// How many requests a rule has struck.
    pub fn struck(&self, id: RuleId) -> usize {
        lock(&self.book).rules.struck(id)
    }

    /// Every request since the start, or since [`Self::reset`], in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.book).seen.iter().map(|(_, seen)| seen.clone()).collect()
    }

    /// Accepts connections and requests, and neither passes anything on nor answers until [`Self::thaw`]. A request
    /// whose sender has gone by then is lost.
    pub fn freeze(&self) {
        self.state.send_modify(|state| state.frozen = true);
    }

    /// Ends [`Self::freeze`].
    pub fn thaw(&self) {
        self.state.send_modify(|state| state.frozen = false);
    }

    /// Holds every request for so long before it is passed on; zero ends it.
    pub fn slow(&self, by: Duration) {
        self.state.send_modify(|state| state.slow = by);
    }

    /// Tells changes so much later in the watches that match, those that run included; zero ends it. Changes keep
    /// their order, and one that waits already keeps its time.
    pub fn delay_watches(&self, matcher: Matcher, by: Duration) {
        self.state.send_modify(|state| state.late = Some((matcher, by)));
    }

    /// Cuts every connection that there is. New ones are welcome.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// Well-behaved again: no rules, no switches, nothing seen. Connections stay.
    pub fn reset(&self) {
        let mut book = lock(&self.book);
        book.rules.clear();
        book.seen.clear();
        self.state.send_modify(|state| {
            *state = State {
                generation: state.generation,
                ..State::default()
            }
        });
    }
}

impl Drop for ApiProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A thread that panicked while it held the lock has not broken the book.
fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
