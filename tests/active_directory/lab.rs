//! The domain with a provider on it. The tests are plain functions: the server's tools block, the provider's calls run on
//! a runtime of their own.

use crate::client;
pub use crate::client::{email, id, login, secret};
use readmit::{
    api::{
        common::{AccountSelector, SecretKeyRef},
        provider::{ActiveDirectoryProvider, TargetServer},
    },
    directory::{Call, Directory, Target, active_directory::ActiveDirectory, throttle::Throttle},
    domain::account::{AccountRead, Failure, LockState, ReadFailure, Sent, Step},
};
use std::{sync::OnceLock, time::Duration};
use testkit::{
    samba::{OPERATOR, Samba, person_dn},
    skip,
};

pub const TIMEOUT: Duration = Duration::from_secs(10);
/// A password as one is generated.
pub const NEW: &str = "Tmp:4711-qwHJ.xyzkmn";

/// People besides the usual ones, each for one test.
const PEOPLE: &[&str] = &[
    "calm",
    "relocked",
    "short",
    "forever",
    "longer",
    "disabled",
    "hidden",
    "kept",
    "whole",
    "change",
    "endless",
    "carded",
    "marked",
    "proven",
    "weak",
    "rightless",
    "helper",
    "operators",
    "former",
    "nested",
    "listed1",
    "listed2",
    "listed3",
    "twin1",
    "twin2",
    "by-name",
    "frozen",
    "moved",
    "refused",
    "own-name",
    "lost",
];

pub struct Lab {
    pub samba: &'static Samba,
    pub directory: ActiveDirectory,
    runtime: tokio::runtime::Runtime,
}

/// A call with ample time.
pub fn call() -> Call {
    client::call_within(Duration::from_secs(40))
}

/// The settings that the documentation asks for.
pub fn spec(samba: &Samba) -> ActiveDirectoryProvider {
    ActiveDirectoryProvider {
        url: samba.url(),
        bind_name: OPERATOR.into(),
        bind_secret_ref: SecretKeyRef {
            name: "corp".into(),
            key: None,
        },
        base_dn: None,
        target_server: TargetServer::Named,
        ca_secret_ref: None,
    }
}

/// A provider with these settings.
pub fn connect(samba: &Samba, spec: &ActiveDirectoryProvider, password: &str) -> ActiveDirectory {
    let ca = std::fs::read(samba.ca_file()).expect("the authority's file is there");
    ActiveDirectory::new(spec, secret(password), Some(&ca), Throttle::new(60_000, 20), TIMEOUT)
        .map_err(|failure| failure.public)
        .expect("the settings are right")
}

/// The domain of this test program, started once, whether or not that works; `None` where the test is skipped.
fn samba() -> Option<&'static Samba> {
    static SAMBA: OnceLock<Result<Samba, (bool, String)>> = OnceLock::new();
    let started = SAMBA.get_or_init(|| {
        Samba::start(PEOPLE).map_err(|error| {
            let missing = error.chain().any(|cause| cause.is::<skip::Missing>());
            (missing, format!("{error:#}"))
        })
    });
    match started {
        Ok(samba) => Some(samba),
        // Noted for every test.
        Err((true, text)) => skip::unless_missing(Err(skip::Missing(text.clone()).into())),
        Err((false, text)) => panic!("{text}"),
    }
}

impl Lab {
    /// The domain of this test program with the documented settings; `None` where the test is skipped.
    pub fn start() -> Option<Lab> {
        Lab::with(|_| {})
    }

    /// The same domain seen with other settings.
    pub fn with(settings: impl FnOnce(&mut ActiveDirectoryProvider)) -> Option<Lab> {
        let samba = samba()?;
        let mut spec = spec(samba);
        settings(&mut spec);
        Some(Lab {
            samba,
            directory: connect(samba, &spec, samba.secret()),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        })
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn find(&self, key: &AccountSelector) -> Result<AccountRead, ReadFailure> {
        self.wait(self.directory.find(&call(), key))
    }

    pub fn account(&self, name: &str) -> AccountRead {
        self.find(&login(name)).unwrap_or_else(|e| panic!("{name}: {e:?}"))
    }

    pub fn target(&self, name: &str) -> Target {
        let account = self.account(name);
        Target {
            id: account.id,
            server: account.server,
        }
    }

    pub fn unlock(&self, name: &str) -> Sent {
        self.wait(self.directory.unlock(&call(), &self.target(name)))
    }

    pub fn set_password(&self, name: &str, password: &str, also: &[Step]) -> Sent {
        let (target, password) = (self.target(name), secret(password));
        self.wait(self.directory.set_password(&call(), &target, &password, also))
    }

    pub fn require_change(&self, name: &str) -> Sent {
        self.wait(self.directory.require_change(&call(), &self.target(name)))
    }

    /// The Win32 code with which the server refuses a sign-in; `None` where it lets in.
    pub fn sign_in(&self, name: &str, password: &str) -> Option<String> {
        let bind = self.samba.bind(&person_dn(name), password).expect("an answer");
        (bind.code != 0).then(|| bind.data.unwrap_or(bind.text))
    }

    /// What the operator wrote to a person: attributes and result, one text a write.
    pub fn writes(&self, name: &str) -> Vec<String> {
        let changes = self.samba.changes_of(&person_dn(name)).expect("the audit log");
        let text = |change: testkit::samba::Change| format!("{}: {}", change.result, change.attributes.join(", "));
        changes.into_iter().map(text).collect()
    }
}

/// How the account stands, in a word.
pub fn state(lock: &LockState) -> &'static str {
    match lock {
        LockState::NotLocked => "not locked",
        LockState::Unknown(_) => "unknown",
        LockState::Locked(_) => "locked",
    }
}

/// The failure of a send that was refused or not sent.
pub fn failure(sent: Sent) -> Failure {
    match sent {
        Sent::Refused(failure) | Sent::NotSent(failure) | Sent::Unknown(failure) => failure,
        Sent::Done => panic!("it was done"),
    }
}
