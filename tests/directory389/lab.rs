//! A server with a provider on it. The tests are plain functions: the server's tools block, the provider's calls run on
//! a runtime of their own. Tests that change nothing but people share one server, and keep apart by people.

pub use crate::client::{call, email, id, login, secret};
use readmit::{
    api::{
        common::{AccountSelector, SecretKeyRef},
        provider::Directory389Provider,
    },
    directory::{Directory, Target, directory389::Directory389, throttle::Throttle},
    domain::account::{AccountRead, Failure, LockState, ReadFailure, Remedy, Sent},
};
use std::{sync::OnceLock, time::Duration};
use testkit::{
    dirsrv::{Dirsrv, OPERATOR_DN, Options},
    skip,
    slapd::{User, initial_password, user_dn},
};

pub const TIMEOUT: Duration = Duration::from_secs(3);

pub struct Lab {
    pub server: Dirsrv,
    pub directory: Directory389,
    runtime: tokio::runtime::Runtime,
}

/// The settings that the documentation asks for, with TLS.
pub fn spec(server: &Dirsrv) -> Directory389Provider {
    Directory389Provider {
        url: server.tls_url(),
        bind_dn: OPERATOR_DN.into(),
        bind_secret_ref: SecretKeyRef {
            name: "ds".into(),
            key: None,
        },
        base_dn: "ou=people,dc=example,dc=test".into(),
        object_class: "inetOrgPerson".into(),
        login_attribute: "uid".into(),
        email_attribute: "mail".into(),
        administrators: Vec::new(),
        ca_secret_ref: None,
    }
}

/// A provider with these settings.
pub fn connect(server: &Dirsrv, spec: &Directory389Provider, password: &str) -> Directory389 {
    let ca = std::fs::read(server.ca_file()).expect("the authority's file is there");
    Directory389::new(spec, secret(password), Some(&ca), Throttle::new(60_000, 20), TIMEOUT)
        .map_err(|failure| failure.public)
        .expect("the settings are right")
}

/// The usual server with the documented settings, shared; `None` where the test is skipped.
pub fn shared() -> Option<&'static Lab> {
    static LAB: OnceLock<Option<Lab>> = OnceLock::new();
    LAB.get_or_init(|| Lab::with(&Options::default(), |_| {})).as_ref()
}

impl Lab {
    /// A server of its own.
    pub fn with(options: &Options, settings: impl FnOnce(&mut Directory389Provider)) -> Option<Lab> {
        let server = skip::unless_missing(Dirsrv::start(options))?;
        let mut spec = spec(&server);
        settings(&mut spec);
        let directory = connect(&server, &spec, server.secret());
        Some(Lab {
            server,
            directory,
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        })
    }

    /// The server seen with other settings.
    pub fn seen(&self, settings: impl FnOnce(&mut Directory389Provider)) -> Directory389 {
        let mut spec = spec(&self.server);
        settings(&mut spec);
        connect(&self.server, &spec, self.server.secret())
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Somebody new, for one test.
    pub fn person(&self, uid: &str) {
        let user = User {
            uid: uid.into(),
            name: format!("Person {uid}"),
            surname: "Person".into(),
            mail: format!("{uid}@example.com"),
            employee_type: "staff".into(),
            country: "DE".into(),
        };
        self.server.add_person(&user).expect("root may add people");
    }

    /// Somebody new who is locked out by wrong passwords.
    pub fn locked(&self, uid: &str) {
        self.person(uid);
        self.server.lock(uid).expect("wrong passwords lock");
    }

    pub fn find(&self, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.wait(self.directory.find(&call(), key))
    }

    pub fn account(&self, uid: &str) -> AccountRead {
        self.find(&login(uid)).unwrap_or_else(|e| panic!("{uid}: {e:?}"))
    }

    pub fn attribute(&self, uid: &str, name: &str) -> Option<String> {
        self.server.attribute(&user_dn(uid), name).expect("an answer")
    }

    pub fn target(&self, uid: &str) -> Target {
        Target {
            id: self.attribute(uid, "nsUniqueId").expect("every entry has one"),
            server: None,
        }
    }

    pub fn unlock(&self, uid: &str) -> Sent {
        self.wait(self.directory.unlock(&call(), &self.target(uid)))
    }

    pub fn set_password(&self, uid: &str, password: &str) -> Sent {
        let target = self.target(uid);
        self.wait(self.directory.set_password(&call(), &target, &secret(password), &[]))
    }

    pub fn require_change(&self, uid: &str) -> Sent {
        self.wait(self.directory.require_change(&call(), &self.target(uid)))
    }

    /// What a sign-in is answered with: the result code, and what the password policy control says.
    pub fn sign_in(&self, uid: &str, password: &str) -> (i32, String) {
        let bind = self.server.bind(&user_dn(uid), password).expect("an answer");
        (bind.code, bind.control.unwrap_or_default())
    }

    /// Whether the person signs in with the first password.
    pub fn signs_in(&self, uid: &str) -> bool {
        self.sign_in(uid, &initial_password(uid)).0 == 0
    }

    /// What the operator has sent to change this person: the request and the server's answer.
    pub fn sends(&self, uid: &str) -> Vec<(String, Option<i32>)> {
        let target = self.target(uid).id;
        let sends = self.server.sends_by(OPERATOR_DN).expect("the access log");
        sends
            .into_iter()
            .filter(|send| send.looked_for.as_deref() == Some(&target))
            .map(|send| (send.kind, send.result))
            .collect()
    }
}

/// What ends the lock, or how else the account stands, in a word.
pub fn state(lock: &LockState) -> &'static str {
    match lock {
        LockState::NotLocked => "not locked",
        LockState::Unknown(_) => "unknown",
        LockState::Locked(lock) => match (&lock.remedy, lock.until) {
            (Remedy::Unlock, Some(_)) => "until",
            (Remedy::Unlock, None) => "for good",
            _ => "not to be unlocked",
        },
    }
}

/// The failure of a send that was refused or not sent.
pub fn failure(sent: Sent) -> Failure {
    match sent {
        Sent::Refused(failure) | Sent::NotSent(failure) | Sent::Unknown(failure) => failure,
        Sent::Done => panic!("it was done"),
    }
}
