//! A slapd with a provider on it. The tests are plain functions: the server's tools block, the provider's calls run on
//! a runtime of their own.

pub use crate::client::{call, email, id, login, secret};
use readmit::{
    api::{
        common::{AccountSelector, SecretKeyRef},
        provider::OpenLdapProvider,
    },
    directory::{Directory, Target, openldap::OpenLdap, throttle::Throttle},
    domain::account::{AccountRead, Failure, LockState, ReadFailure, Remedy, Sent},
};
use std::time::Duration;
use testkit::{
    skip,
    slapd::{OPERATOR_DN, Options, Slapd, initial_password, policy_dn, user_dn},
};

pub const TIMEOUT: Duration = Duration::from_secs(2);

pub struct Lab {
    pub slapd: Slapd,
    pub directory: OpenLdap,
    runtime: tokio::runtime::Runtime,
}

/// The settings that the documentation asks for, with TLS.
pub fn spec(slapd: &Slapd) -> OpenLdapProvider {
    OpenLdapProvider {
        url: slapd.tls_url(),
        bind_dn: OPERATOR_DN.into(),
        bind_secret_ref: SecretKeyRef {
            name: "openldap".into(),
            key: None,
        },
        base_dn: "ou=people,dc=example,dc=test".into(),
        object_class: "inetOrgPerson".into(),
        login_attribute: "uid".into(),
        email_attribute: "mail".into(),
        default_policy_dn: Some(policy_dn("default")),
        administrators: Vec::new(),
        ca_secret_ref: None,
    }
}

/// A provider with these settings.
pub fn connect(slapd: &Slapd, spec: &OpenLdapProvider, password: &str) -> OpenLdap {
    let ca = std::fs::read(slapd.ca_file()).expect("the authority's file is there");
    OpenLdap::new(spec, secret(password), Some(&ca), Throttle::new(60_000, 20), TIMEOUT)
        .map_err(|failure| failure.public)
        .expect("the settings are right")
}

impl Lab {
    /// The usual server with the documented settings; `None` where the test is skipped.
    pub fn start() -> Option<Lab> {
        Lab::with(Options::default(), |_| {})
    }

    pub fn with(options: Options, settings: impl FnOnce(&mut OpenLdapProvider)) -> Option<Lab> {
        let slapd = skip::unless_missing(Slapd::start(options))?;
        let mut spec = spec(&slapd);
        settings(&mut spec);
        let directory = connect(&slapd, &spec, slapd.secret());
        Some(Lab {
            slapd,
            directory,
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        })
    }

    /// The same server seen with other settings.
    pub fn change(&mut self, settings: impl FnOnce(&mut OpenLdapProvider)) {
        let mut spec = spec(&self.slapd);
        settings(&mut spec);
        self.directory = connect(&self.slapd, &spec, self.slapd.secret());
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn find(&self, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.wait(self.directory.find(&call(), key))
    }

    pub fn account(&self, uid: &str) -> AccountRead {
        self.find(&login(uid)).unwrap_or_else(|e| panic!("{uid}: {e:?}"))
    }

    pub fn target(&self, uid: &str) -> Target {
        let id = self.slapd.attribute(&user_dn(uid), "entryUUID").expect("an answer");
        Target {
            id: id.expect("an id"),
            server: None,
        }
    }

    pub fn unlock(&self, uid: &str) -> Sent {
        self.wait(self.directory.unlock(&call(), &self.target(uid)))
    }

    pub fn set_password(&self, uid: &str, password: &str) -> Sent {
        self.wait(
            self.directory
                .set_password(&call(), &self.target(uid), &secret(password), &[]),
        )
    }

    pub fn require_change(&self, uid: &str) -> Sent {
        self.wait(self.directory.require_change(&call(), &self.target(uid)))
    }

    /// Replaces one attribute of a person as root; for those that users may not modify with the Relax control.
    pub fn set(&self, uid: &str, attribute: &str, value: &str) {
        let change = format!(
            "dn: {}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n",
            user_dn(uid)
        );
        self.slapd
            .modify_as(testkit::slapd::ROOT_DN, self.slapd.secret(), &["-e", "relax"], &change)
            .expect("root may do that");
    }

    pub fn has(&self, uid: &str, attribute: &str) -> bool {
        let value = self.slapd.attribute(&user_dn(uid), attribute);
        value.expect("an answer").is_some()
    }

    /// Whether the server lets the person in with the first password.
    pub fn signs_in(&self, uid: &str) -> bool {
        let bind = self.slapd.bind(&user_dn(uid), &initial_password(uid));
        bind.expect("an answer").code == 0
    }

    /// What the operator has written, as `dn change result`.
    pub fn writes(&self, dn: &str) -> Vec<String> {
        let writes = self.slapd.writes_by(dn).expect("an answer");
        writes
            .iter()
            .map(|write| format!("{} {} {}", write.dn, write.changes.join(" "), write.result))
            .collect()
    }
}

/// The time so many seconds from now, as the server writes it.
pub fn from_now(seconds: i64) -> String {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    time.strftime("%Y%m%d%H%M%SZ").to_string()
}

/// What ends the lock, or how else the account stands, in a word.
pub fn state(lock: &LockState) -> &'static str {
    match lock {
        LockState::NotLocked => "not locked",
        LockState::Unknown(_) => "unknown",
        LockState::Locked(lock) => match lock.remedy {
            Remedy::Unlock | Remedy::Clear => "unlock",
            Remedy::Time => "time",
            Remedy::None(_) => "nothing",
            Remedy::Manual { .. } => "by hand",
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
