//! A realm on the test program's Keycloak, with a provider on it. The tests are plain functions: the server's tools
//! block, the provider's calls run on a runtime of their own.

use crate::client;
pub use crate::client::{email, id, login};
use readmit::{
    api::{
        common::{AccountSelector, SecretKeyRef},
        provider::KeycloakProvider,
    },
    directory::{Call, Directory, Target, keycloak::Keycloak as Provider, throttle::Throttle},
    domain::account::{AccountRead, Failure, LockState, ReadFailure, Remedy, Sent, Step},
    secret::Secret,
};
use serde_json::Value;
use std::{
    future::Future,
    sync::{Once, OnceLock},
    time::Duration,
};
use testkit::{
    keycloak::{self, CLIENT, Keycloak, RIGHTS},
    skip,
};

/// Long enough for a server that shares two cores with everything else.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A realm.
pub struct Lab {
    pub server: &'static Keycloak,
    pub realm: &'static str,
    pub directory: Provider,
    runtime: tokio::runtime::Runtime,
}

/// The server; `None` where this machine cannot have one. Other suites may use it at the same time.
pub fn server() -> Option<&'static Keycloak> {
    static SERVER: OnceLock<Option<Keycloak>> = OnceLock::new();
    SERVER.get_or_init(|| skip::unless_missing(Keycloak::shared())).as_ref()
}

/// A new realm, with the operator's documented rights and `more` in its representation. Its name is this suite's and `name`.
pub fn lab(name: &str, more: &Value) -> Option<Lab> {
    lab_with(name, RIGHTS, more)
}

/// The same with other rights.
pub fn lab_with(name: &str, rights: &[&str], more: &Value) -> Option<Lab> {
    let (server, realm) = (server()?, format!("provider-{name}"));
    server.import(&keycloak::realm(&realm, server.mail_port(), rights, more));
    Some(Lab::on(server, realm.leak()))
}

/// The realm that tests share which need no settings of their own: everybody in it is one test's.
pub fn usual() -> Option<Lab> {
    const REALM: &str = "provider-usual";
    static IMPORTED: Once = Once::new();
    let server = server()?;
    IMPORTED.call_once(|| {
        server.import(&keycloak::realm(REALM, server.mail_port(), RIGHTS, &Value::Null));
    });
    Some(Lab::on(server, REALM))
}

/// The settings that the documentation asks for, with TLS.
pub fn spec(server: &Keycloak, realm: &str) -> KeycloakProvider {
    KeycloakProvider {
        url: server.tls_url(),
        realm: realm.into(),
        client_id: CLIENT.into(),
        client_secret_ref: SecretKeyRef {
            name: "keycloak".into(),
            key: None,
        },
        ca_secret_ref: None,
    }
}

/// A provider with the secret of this client.
pub fn provider(spec: &KeycloakProvider, server: &Keycloak, secret_of: &str) -> Provider {
    let secret = Secret::new(keycloak::secret(secret_of));
    let ca = Some(server.ca_pem().as_bytes());
    Provider::new(spec, secret, ca, Throttle::new(60_000, 20), TIMEOUT, true).expect("settings that can be used")
}

/// A call with ample time.
pub fn call() -> Call {
    client::call_within(Duration::from_secs(60))
}

pub fn target(id: &str) -> Target {
    Target {
        id: id.into(),
        server: None,
    }
}

impl Lab {
    fn on(server: &'static Keycloak, realm: &'static str) -> Self {
        Lab {
            directory: provider(&spec(server, realm), server, CLIENT),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            server,
            realm,
        }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Makes a person, with `more` in the representation, and gives their id.
    #[track_caller]
    pub fn person(&self, username: &str, more: &Value) -> String {
        let person = keycloak::person(username, more);
        self.server
            .admin("POST", &format!("{}/users", self.realm), Some(&person));
        self.server.id(self.realm, username)
    }

    /// What the server's administrator sees or does below the realm.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.server.admin(method, &format!("{}/{path}", self.realm), body)
    }

    #[track_caller]
    pub fn find(&self, key: &AccountSelector) -> AccountRead {
        self.run(self.directory.find(&call(), key)).expect("one account")
    }

    #[track_caller]
    pub fn not_found(&self, key: &AccountSelector) -> ReadFailure {
        let found = self.run(self.directory.find(&call(), key));
        found.map(|account| account.login).expect_err("no account")
    }

    #[track_caller]
    pub fn read(&self, id: &str) -> AccountRead {
        self.run(self.directory.read(&call(), &target(id)))
            .expect("it is there")
    }

    pub fn set_password(&self, id: &str, password: &str) -> Sent {
        let password = Secret::new(password.into());
        let also = [Step::RequireChange];
        self.run(self.directory.set_password(&call(), &target(id), &password, &also))
    }

    pub fn unlock(&self, id: &str) -> Sent {
        self.run(self.directory.unlock(&call(), &target(id)))
    }

    /// The operator's own changes of an account, as the server's log has them.
    pub fn writes(&self, id: &str) -> Vec<(String, u16)> {
        let calls = self.server.calls(id).into_iter();
        calls
            .filter(|call| call.method != "GET")
            .map(|call| (call.method, call.status))
            .collect()
    }

    /// Signs in once: `in`, `must change`, or the reason why not.
    pub fn sign_in(&self, username: &str, password: &str) -> String {
        let answer = self.server.sign_in(self.realm, username, password);
        match (answer.status, answer.json()["error_description"].as_str()) {
            (200, _) => "in".into(),
            (_, Some("Account is not fully set up")) => "must change".into(),
            (_, why) => why.unwrap_or_default().to_owned(),
        }
    }
}

/// The remedy of a lock; `None` where there is no lock.
#[track_caller]
pub fn remedy(account: &AccountRead) -> Option<Remedy> {
    match &account.lock {
        LockState::Locked(lock) => Some(lock.remedy.clone()),
        LockState::NotLocked => None,
        LockState::Unknown(why) => panic!("{why}"),
    }
}

/// The failure of something that was refused.
#[track_caller]
pub fn refused(sent: Sent) -> Failure {
    match sent {
        Sent::Refused(failure) => failure,
        other => panic!("not refused: {other:?}"),
    }
}
