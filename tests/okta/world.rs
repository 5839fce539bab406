//! A sandbox and the provider that talks to it. When it goes, it asserts that nothing was sent that never may be.

use crate::app::{App, CLIENT_ID};
use crate::client;
pub use crate::client::{call, email, id, login};
use readmit::{
    api::{
        common::{AccountSelector, SecretKeyRef},
        provider::{OktaOAuth, OktaProvider},
    },
    directory::{Directory, Target, okta::Okta, throttle::Throttle},
    domain::account::{AccountRead, Failure, ReadFailure, Sent, Step},
    secret::Secret,
};
use sandbox::{ADMIN_TOKEN, Entry, Options, Origin, Sandbox};
use std::time::Duration;

/// A password that meets the sandbox's policy.
pub const NEW_PASSWORD: &str = "Neu-\"Gesetzt\\-4711";

/// What calls that are not the provider's say they are.
pub const SOMEBODY: &str = "somebody-else";

/// Every call that the provider may make: method, last parts of the path, query keys, members of the body.
const ALLOWED: &[(&str, &str, &[&str], &[&str])] = &[
    ("GET", "/.well-known/okta-organization", &[], &[]),
    ("GET", "/api/v1/users", &["filter", "limit", "after"], &[]),
    ("GET", "/api/v1/users", &["search", "limit", "after"], &[]),
    ("GET", "/api/v1/users/me", &[], &[]),
    ("GET", "/api/v1/users/*", &["expand"], &[]),
    ("GET", "/api/v1/users/*/blocks", &[], &[]),
    ("GET", "/api/v1/users/*/roles", &[], &[]),
    ("GET", "/api/v1/users/*/groups", &["after", "limit"], &[]),
    ("GET", "/api/v1/logs", &["since", "sortOrder", "filter", "limit"], &[]),
    ("GET", "/api/v1/logs", &["after", "sortOrder", "filter", "limit"], &[]),
    ("POST", "/oauth2/v1/token", &[], &[]),
    ("POST", "/api/v1/users/*", &[], &["credentials.password.value"]),
    ("POST", "/api/v1/users/*/lifecycle/unlock", &[], &[]),
    ("POST", "/api/v1/users/*/lifecycle/expire_password", &[], &[]),
    (
        "POST",
        "/api/v1/users/*/lifecycle/reset_password",
        &["sendEmail=true", "revokeSessions=false"],
        &[],
    ),
    (
        "DELETE",
        "/api/v1/users/*/sessions",
        &["oauthTokens=true", "forgetDevices=false"],
        &[],
    ),
];

pub struct World {
    pub sandbox: Sandbox,
    pub okta: Okta,
}

impl World {
    pub async fn start() -> Self {
        Self::with_token(ADMIN_TOKEN).await
    }

    pub async fn with_token(token: &str) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let url = sandbox.addresses().http.clone();
        let okta = connect(&url, token, None, Duration::from_secs(3), true).unwrap();
        World { sandbox, okta }
    }

    /// A provider that signs in as a service app.
    pub async fn with_app(app: App) -> Self {
        let options = Options {
            apps: vec![app.registered()],
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let okta = connect_app(&sandbox.addresses().http, &app).unwrap();
        World { sandbox, okta }
    }

    /// How the token endpoint answered, in order: the status, and the error where it was one.
    pub fn grants(&self) -> Vec<(Option<u16>, Option<String>)> {
        let asked = self
            .calls()
            .into_iter()
            .filter(|entry| entry.path == "/oauth2/v1/token");
        asked.map(|entry| (entry.status, entry.error_code)).collect()
    }

    pub fn id(&self, login: &str) -> String {
        self.sandbox
            .account(login)
            .unwrap_or_else(|| panic!("no account {login}"))
            .id
    }

    pub fn target(&self, login: &str) -> Target {
        Target {
            id: self.id(login),
            server: None,
        }
    }

    pub async fn find(&self, key: AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.okta.find(&call(), &key).await
    }

    pub async fn read(&self, login: &str) -> Result<AccountRead, ReadFailure> {
        self.okta.read(&call(), &self.target(login)).await
    }

    /// Does one step to one account.
    pub async fn act(&self, step: Step, login: &str) -> Sent {
        client::act(&self.okta, &self.target(login), step, NEW_PASSWORD).await
    }

    /// What arrived at the API.
    pub fn calls(&self) -> Vec<Entry> {
        self.sandbox
            .truth()
            .into_iter()
            .filter(|entry| entry.origin == Origin::Api)
            .collect()
    }

    /// What arrived and may change something.
    pub fn writes(&self) -> Vec<Entry> {
        self.calls().into_iter().filter(|entry| entry.method != "GET").collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let ours = |entry: &Entry| entry.user_agent.as_deref() != Some(SOMEBODY);
        for entry in self.calls().into_iter().filter(ours) {
            assert!(
                is_allowed(&entry),
                "never to be sent: {} {}?{}",
                entry.method,
                entry.path,
                entry.query
            );
            assert!(
                entry
                    .user_agent
                    .as_deref()
                    .is_some_and(|agent| agent.starts_with("readmit/")),
                "{entry:?}"
            );
        }
    }
}

pub fn connect(
    url: &str,
    token: &str,
    ca_pem: Option<&str>,
    timeout: Duration,
    read_groups: bool,
) -> Result<Okta, Failure> {
    let spec = OktaProvider {
        url: url.into(),
        token_secret_ref: Some(reference()),
        oauth: None,
        ca_secret_ref: None,
    };
    let throttle = Throttle::new(60_000, 10);
    Okta::new(
        &spec,
        &Secret::new(token.into()),
        ca_pem.map(str::as_bytes),
        throttle,
        timeout,
        read_groups,
    )
}

/// A provider that signs in as a service app.
pub fn connect_app(url: &str, app: &App) -> Result<Okta, Failure> {
    let oauth = OktaOAuth {
        client_id: CLIENT_ID.into(),
        private_key_secret_ref: reference(),
        key_id: app.named.clone(),
        scopes: app.asked.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let spec = OktaProvider {
        url: url.into(),
        token_secret_ref: None,
        oauth: Some(oauth),
        ca_secret_ref: None,
    };
    let (key, throttle) = (Secret::new(app.key.secret.clone()), Throttle::new(60_000, 10));
    Okta::new(&spec, &key, None, throttle, Duration::from_secs(3), true)
}

fn reference() -> SecretKeyRef {
    SecretKeyRef {
        name: "okta".into(),
        key: None,
    }
}

fn is_allowed(entry: &Entry) -> bool {
    let pairs: Vec<&str> = entry.query.split('&').filter(|pair| !pair.is_empty()).collect();
    ALLOWED.iter().any(|(method, path, query, body)| {
        let fits = |pair: &&str| query.contains(pair) || query.iter().any(|key| pair.split('=').next() == Some(key));
        let complete = entry.method == "GET" || pairs.len() == query.len();
        let leaves: Vec<&str> = entry.body_fields.iter().map(String::as_str).collect();
        let body_fits = leaves
            .iter()
            .all(|field| body.iter().any(|allowed| allowed.starts_with(field)));
        entry.method == *method && client::fits(path, &entry.path) && pairs.iter().all(fits) && complete && body_fits
    })
}
