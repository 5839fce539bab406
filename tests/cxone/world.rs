//! A sandbox and the provider that talks to it. When it goes, it asserts that nothing was sent that never may be.

use crate::client;
pub use crate::client::{call, email as by_email, failed, id as by_id, login as by_login, refused};
use readmit::{
    api::{
        Span,
        common::SecretKeyRef,
        provider::{ClientAuthentication, CxoneProvider},
    },
    directory::{Directory, Target, cxone::Cxone, throttle::Throttle},
    domain::account::{AccountRead, Failure, LockState, ReadFailure, Remedy, Sent, Step},
    secret::Secret,
};
use sandbox::{
    Entry, Options, Origin, Sandbox,
    cxone::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Agent, CLIENT_ID, CLIENT_SECRET, OPERATOR, Quirk, Tenant},
};
use std::time::Duration;

pub const ADA: &str = "ada.byte@example.com";
pub const BOB: &str = "bob.ross@example.com";
/// A password that meets the tenant's rules, and that an address must encode.
pub const NEW_PASSWORD: &str = "Neu&Gesetzt=1+%41#?/é";

/// Every call that the provider may make: method, and pattern of the path.
const ALLOWED: &[(&str, &str)] = &[
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/.well-known/cxone-configuration"),
    ("POST", "/auth/token"),
    ("POST", "/authentication/v1/token/access-key"),
    ("POST", "/public/user/refresh"),
    ("GET", "/inContactAPI/services/v34.0/agents"),
    ("GET", "/inContactAPI/services/v34.0/agents/*"),
    ("GET", "/inContactAPI/services/v34.0/apiversion"),
    ("PUT", "/inContactAPI/services/v34.0/agents/*/reset-password"),
    ("POST", "/inContactAPI/services/v34.0/agents/*/logout"),
    ("GET", "/user-management/v3/users/*"),
];

pub struct World {
    pub sandbox: Sandbox,
    pub directory: Cxone,
}

impl World {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these quirks on.
    pub async fn with(quirks: &[Quirk]) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        quirks.iter().for_each(|quirk| sandbox.cxone().set_quirk(*quirk, true));
        let directory = connect(&spec(&sandbox)).unwrap();
        World { sandbox, directory }
    }

    pub fn tenant(&self) -> Tenant<'_> {
        self.sandbox.cxone()
    }

    pub fn agent(&self, name: &str) -> Agent {
        self.tenant().agent(name).unwrap_or_else(|| panic!("no agent {name}"))
    }

    pub fn target(&self, name: &str) -> Target {
        Target {
            id: self.agent(name).agent_id.to_string(),
            server: None,
        }
    }

    pub async fn find(&self, login: &str) -> Result<AccountRead, ReadFailure> {
        self.directory.find(&call(), &by_login(login)).await
    }

    pub async fn read(&self, name: &str) -> Result<AccountRead, ReadFailure> {
        self.directory.read(&call(), &self.target(name)).await
    }

    /// Does one step to one account.
    pub async fn act(&self, step: Step, name: &str) -> Sent {
        client::act(&self.directory, &self.target(name), step, NEW_PASSWORD).await
    }

    /// What arrived at the API, by the end of its path.
    pub fn calls_to(&self, end: &str) -> Vec<Entry> {
        let truth = self.sandbox.truth().into_iter();
        truth
            .filter(|entry| entry.origin == Origin::Api && entry.path.ends_with(end))
            .collect()
    }

    /// What arrived at the API.
    pub fn calls(&self) -> Vec<Entry> {
        self.calls_to("")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for entry in self.calls() {
            let line = format!("{} {}?{}", entry.method, entry.path, entry.query);
            let allowed = |(method, path): &(&str, &str)| entry.method == *method && client::fits(path, &entry.path);
            // Above all: nothing that could be taken for an unlock.
            assert!(ALLOWED.iter().any(allowed), "never to be sent: {line}");
            assert!(!entry.path.contains("unlock"), "{line}");
            assert!(entry.changes.iter().all(|change| change.field != "active"), "{line}");
            if entry.path.ends_with("/reset-password") {
                let forced = entry.query.contains("forceChangeOnLogon=true");
                assert!(forced && entry.query.contains("requestedPassword="), "{line}");
            }
            let agent = entry.user_agent.as_deref().unwrap_or_default();
            assert!(agent.starts_with("readmit/"), "{line}");
        }
    }
}

fn secret_ref() -> SecretKeyRef {
    SecretKeyRef {
        name: "cxone".into(),
        key: None,
    }
}

/// The way of a registered application.
pub fn spec(sandbox: &Sandbox) -> CxoneProvider {
    CxoneProvider {
        url: sandbox.addresses().cxone.clone(),
        username: OPERATOR.into(),
        access_key_id: ACCESS_KEY_ID.into(),
        access_key_secret_ref: secret_ref(),
        client_id: Some(CLIENT_ID.into()),
        client_secret_ref: Some(secret_ref()),
        client_authentication: ClientAuthentication::Basic,
        area_url: None,
        api_url: None,
        api_version: "v34.0".into(),
        administrator_roles: vec!["Administrator".into()],
        external_authenticators: Vec::new(),
        poll: Span::from_secs(60),
        ca_secret_ref: None,
    }
}

/// The older way, with the access key alone.
pub fn by_area(sandbox: &Sandbox) -> CxoneProvider {
    CxoneProvider {
        client_id: None,
        client_secret_ref: None,
        area_url: Some(sandbox.addresses().cxone.clone()),
        ..spec(sandbox)
    }
}

pub fn connect(spec: &CxoneProvider) -> Result<Cxone, Failure> {
    connect_with(spec, ACCESS_KEY_SECRET, CLIENT_SECRET)
}

pub fn connect_with(spec: &CxoneProvider, key: &str, client: &str) -> Result<Cxone, Failure> {
    let client = spec.client_id.as_ref().map(|_| Secret::new(client.into()));
    let (throttle, timeout) = (Throttle::new(60_000, 2), Duration::from_secs(3));
    Cxone::new(spec, (Secret::new(key.into()), client), None, throttle, timeout)
}

/// What somebody must do in the console.
#[track_caller]
pub fn by_hand(account: &AccountRead) -> String {
    match &account.lock {
        LockState::Locked(lock) => match &lock.remedy {
            Remedy::Manual { what, .. } => what.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}
