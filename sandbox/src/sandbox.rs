//! The handle to a running sandbox.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::connect::{serve_proxy, serve_tls};
use crate::cxone::Tenant;
use crate::faults::{Fault, FaultKind};
use crate::latency::Latency;
use crate::okta::auth::Token;
use crate::okta::quirks::Quirk;
use crate::okta::user::{Block, Provider, Status, Transition, User};
use crate::okta::{Mail, PageOutcome, Settings, SignIn};
use crate::options::Options;
use crate::seed::SeedUser;
use crate::server::serve_connection;
use crate::service::Vendor;
use crate::servicenow::Instance;
use crate::shared::Shared;
use crate::tls::Authority;
use crate::truth::Entry;

/// Where a sandbox listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// `http://127.0.0.1:PORT`, Okta's API in clear (and any vendor's under a host name of its cloud).
    pub http: String,
    /// `http://127.0.0.1:PORT`, ServiceNow's API in clear.
    #[serde(default)]
    pub servicenow: String,
    /// `http://127.0.0.1:PORT`, CXone's API in clear.
    #[serde(default)]
    pub cxone: String,
    /// `https://localhost:PORT`, the APIs over TLS, chosen by host name.
    pub https: String,
    /// `http://127.0.0.1:PORT`, for `HTTPS_PROXY`.
    pub proxy: String,
    /// `http://127.0.0.1:PORT`, the control API.
    pub control: String,
}

/// The observable state of an account. Passwords are fingerprints.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountState {
    pub id: String,
    pub login: String,
    pub status: Status,
    pub transitioning_to: Option<Status>,
    pub provider: Provider,
    pub profile: Map<String, Value>,
    pub password: Option<String>,
    pub password_changed: Option<Timestamp>,
    pub must_change_password: bool,
    pub failed_sign_ins: u32,
    pub locked_since: Option<Timestamp>,
    pub blocks: Vec<Block>,
    pub sessions: Vec<String>,
    pub oauth_tokens: u32,
    pub known_devices: Vec<String>,
    pub open_links: usize,
    pub groups: Vec<String>,
    pub roles: Vec<String>,
}

impl From<&User> for AccountState {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            login: user.text("login").to_owned(),
            status: user.status,
            transitioning_to: user.transition.map(|Transition { to, .. }| to),
            provider: user.provider.clone(),
            profile: user.profile.clone(),
            password: user.password.fingerprint(),
            password_changed: user.password_changed,
            must_change_password: user.password.must_change,
            failed_sign_ins: user.lockout.failures,
            locked_since: user.lockout.since,
            blocks: user.blocks.clone(),
            sessions: user.sessions.iter().map(|session| session.id.clone()).collect(),
            oauth_tokens: user.oauth_tokens,
            known_devices: user.known_devices.clone(),
            open_links: user.links.len(),
            groups: user.groups.clone(),
            roles: user.roles.iter().map(|role| role.kind.clone()).collect(),
        }
    }
}

/// A running sandbox. Its listeners end when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    authority: Arc<Authority>,
    addresses: Addresses,
    listeners: Vec<JoinHandle<()>>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.listeners.iter().for_each(JoinHandle::abort);
    }
}

impl Sandbox {
    /// Starts a sandbox inside the present tokio runtime; all listeners accept when this returns.
    ///
    /// # Errors
    /// When an address is not loopback or cannot be bound, or the seed contradicts itself.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(&options)?);
        let mut authority = Authority::generate()?;
        if let Some(files) = &options.tls {
            authority.give(&files.certificate, &files.key)?;
        }
        let authority = Arc::new(authority);
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config()?));
        let [http, servicenow, cxone, https, proxy, control] = [
            bind(options.http, "the http listener", false).await?,
            bind(options.servicenow_http, "ServiceNow's http listener", false).await?,
            bind(options.cxone_http, "CXone's http listener", false).await?,
            bind(options.https, "the https listener", options.tls.is_some()).await?,
            bind(options.proxy, "the CONNECT proxy", false).await?,
            bind(options.control, "the control API", false).await?,
        ];
        let addresses = Addresses {
            http: format!("http://{}", http.local_addr()?),
            servicenow: format!("http://{}", servicenow.local_addr()?),
            cxone: format!("http://{}", cxone.local_addr()?),
            https: format!("https://localhost:{}", https.local_addr()?.port()),
            proxy: format!("http://{}", proxy.local_addr()?),
            control: format!("http://{}", control.local_addr()?),
        };
        let (plain, secure, tunnel) = (Arc::clone(&shared), Arc::clone(&shared), Arc::clone(&shared));
        let (instance, tenant) = (Arc::clone(&shared), Arc::clone(&shared));
        let tunnel_acceptor = acceptor.clone();
        let routes = crate::control::routes(Arc::clone(&shared));
        let listeners = vec![
            tokio::spawn(accept(http, move |stream| {
                serve_connection(Arc::clone(&plain), stream, "http", None)
            })),
            tokio::spawn(accept(servicenow, move |stream| {
                serve_connection(Arc::clone(&instance), stream, "http", Some(Vendor::ServiceNow))
            })),
            tokio::spawn(accept(cxone, move |stream| {
                serve_connection(Arc::clone(&tenant), stream, "http", Some(Vendor::Cxone))
            })),
            tokio::spawn(accept(https, move |stream| {
                serve_tls(Arc::clone(&secure), acceptor.clone(), stream)
            })),
            tokio::spawn(accept(proxy, move |stream| {
                serve_proxy(Arc::clone(&tunnel), tunnel_acceptor.clone(), stream)
            })),
            tokio::spawn(async move {
                if let Err(error) = axum::serve(control, routes).await {
                    eprintln!("sandbox: the control API stopped: {error}");
                }
            }),
        ];
        Ok(Self {
            shared,
            authority,
            addresses,
            listeners,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The test authority's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// The state behind the listeners, for what has no method here.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The ServiceNow instance, for what a test does to it.
    pub fn servicenow(&self) -> Instance<'_> {
        Instance::new(&self.shared)
    }

    /// The CXone tenant, for what a test does to it.
    pub fn cxone(&self) -> Tenant<'_> {
        Tenant::new(&self.shared)
    }

    /// Signs a person in; with `new_password` an expired password is changed on the way.
    pub fn sign_in(&self, login: &str, password: &str, new_password: Option<&str>) -> SignIn {
        self.sign_in_on(login, password, "seed", new_password)
    }

    /// Signs a person in on a named device.
    pub fn sign_in_on(&self, login: &str, password: &str, device: &str, new_password: Option<&str>) -> SignIn {
        self.shared.control("sign-in", |okta, context| {
            okta.sign_in(context, login, password, device, new_password)
        })
    }

    /// Locks an account as if by wrong sign-ins.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn lock(&self, login: &str) -> anyhow::Result<()> {
        self.shared.control("lock", |okta, context| okta.lock(context, login))
    }

    /// Unlocks an account as an administrator does it in the console.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn unlock(&self, login: &str) -> anyhow::Result<()> {
        self.shared
            .control("unlock", |okta, context| okta.unlock_in_console(context, login))
    }

    /// Creates users; answers their ids.
    ///
    /// # Errors
    /// When a login is taken; users before it are there then.
    pub fn seed(&self, users: impl IntoIterator<Item = SeedUser>) -> anyhow::Result<Vec<String>> {
        let now = self.shared.clock.now();
        let mut okta = self.shared.okta();
        users.into_iter().map(|user| okta.seed(user, now)).collect()
    }

    /// An account's state, by id or login.
    pub fn account(&self, id_or_login: &str) -> Option<AccountState> {
        self.shared.okta().user(id_or_login).map(AccountState::from)
    }

    /// Every account's state.
    pub fn accounts(&self) -> Vec<AccountState> {
        self.shared.okta().users().map(AccountState::from).collect()
    }

    /// Adds a fault to the script.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Adds a fault that strikes the next matching call.
    pub fn inject_once(&self, method: &str, path: &str, fault: FaultKind) {
        self.inject(Fault::once(method, path, fault));
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// The whole truth log.
    pub fn truth(&self) -> Vec<Entry> {
        self.truth_since(0)
    }

    /// Entries of the truth log with a sequence number above `seq`.
    pub fn truth_since(&self, seq: u64) -> Vec<Entry> {
        self.shared.truth.since(seq)
    }

    /// The mails sent so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.okta().mails().to_vec()
    }

    /// Uses the one-time token of a link (its last path segment) to set a password.
    pub fn use_link(&self, link: &str, new_password: &str) -> PageOutcome {
        let token = link.rsplit('/').next().unwrap_or_default();
        self.shared
            .control("use-link", |okta, context| okta.use_link(context, token, new_password))
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut okta = self.shared.okta();
        let mut settings = okta.settings.clone();
        change(&mut settings);
        okta.configure(settings);
    }

    /// Turns a quirk on or off.
    pub fn set_quirk(&self, quirk: Quirk, on: bool) {
        self.configure(|settings| settings.quirks.set(quirk, on));
    }

    /// Sets the latency of every call.
    pub fn set_latency(&self, latency: Latency) {
        *self.shared.latency() = latency;
    }

    /// Adds or replaces an API token.
    ///
    /// # Errors
    /// When its owner does not exist.
    pub fn add_token(&self, token: Token) -> anyhow::Result<()> {
        self.shared.okta().add_token(token)
    }

    /// Revokes an API token by value; answers whether there was one.
    pub fn revoke_token(&self, value: &str) -> bool {
        let mut okta = self.shared.okta();
        let token = okta.tokens.iter_mut().find(|token| token.value == value);
        token.map(|token| token.revoked = true).is_some()
    }

    /// Moves the clock by milliseconds.
    pub fn advance(&self, milliseconds: i64) {
        self.shared.clock.advance(milliseconds);
    }

    /// Hosts that clients asked the CONNECT proxy for, in order.
    pub fn connects(&self) -> Vec<String> {
        self.shared.connects().clone()
    }

    /// Stops the listeners and waits until they have let go of their ports.
    pub async fn stop(mut self) {
        for listener in std::mem::take(&mut self.listeners) {
            listener.abort();
            // It was just aborted; there is nothing else to learn from it.
            let _ = listener.await;
        }
    }
}

async fn bind(address: SocketAddr, what: &str, elsewhere: bool) -> anyhow::Result<TcpListener> {
    check(address, what, elsewhere)?;
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{what} cannot listen on {address}"))
}

/// What is not guarded by a token, or whose tokens are known to everybody, stays on this machine. Whoever gives a
/// certificate means to be reached by others, through https alone.
fn check(address: SocketAddr, what: &str, elsewhere: bool) -> anyhow::Result<()> {
    anyhow::ensure!(
        elsewhere || address.ip().is_loopback(),
        "{what} was given {address}; a sandbox listens on loopback only (https also elsewhere, with a certificate of yours)"
    );
    Ok(())
}

/// Accepts connections for ever; their tasks end with this one.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers must not wait for acknowledgements; a socket that refuses this still works.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream));
            }
            Err(error) => {
                eprintln!("sandbox: accept failed: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_with_a_given_certificate_leaves_the_machine() {
        let world: SocketAddr = "0.0.0.0:8443".parse().expect("an address");
        let error = check(world, "the control API", false).expect_err("refused");
        assert!(error.to_string().contains("the control API was given 0.0.0.0:8443"));
        check(world, "the https listener", true).expect("allowed");
        check("127.0.0.1:0".parse().expect("an address"), "the http listener", false).expect("allowed");
    }
}
