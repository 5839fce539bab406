//! An upstream account as it was read: plain facts, kept apart as the upstream keeps them apart. Locked, disabled,
//! expired and must-change are separate; what could not be read is said to be unknown, never assumed absent.

use jiff::Timestamp;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One account as one read showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRead {
    /// The upstream's immutable id.
    pub id: String,
    /// The name the owner signs in with.
    pub login: Option<String>,
    /// The e-mail address that the upstream holds.
    pub email: Option<String>,
    /// Further logins and addresses of the same person: whoever is known by one of them may not ask for themselves.
    pub aliases: Vec<String>,
    /// Whether it is locked.
    pub lock: LockState,
    /// Whether it is disabled, deactivated or suspended; `None` where that could not be read.
    pub disabled: Option<bool>,
    /// Whether the owner must choose a new password at the next sign-in; `None` where that could not be read.
    pub must_change: Option<bool>,
    /// Whether the upstream's own notion, or the Directory's list, protects it.
    pub protection: Protection,
    /// Where the credentials live: the upstream's word for it (Okta: `credentials.provider.type`); `None` for itself.
    pub foreign_source: Option<String>,
    /// What policies may see below `account.profile`: names as the upstream spells them.
    pub profile: Map<String, Value>,
    /// The names of profile attributes that exist but could not be read. Rules that use them are errors.
    pub unreadable: Vec<String>,
    /// All groups, transitively, or why they could not be read completely.
    pub groups: Result<Vec<String>, String>,
    /// Changes with each set password and nothing else; `None` where the upstream has no such thing.
    pub password_marker: Option<String>,
    /// When the password was last set, where the upstream tells.
    pub password_changed: Option<Timestamp>,
    /// Changes with each new lock.
    pub lock_stamp: Option<String>,
    /// What cannot be done to this account as it stands, and why, in words for the requester.
    pub obstacles: BTreeMap<Step, String>,
    /// The server that was read, where the upstream has several.
    pub server: Option<String>,
}

/// Whether an account is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// It is locked.
    Locked(Lock),
    /// It was read as not locked.
    NotLocked,
    /// It could not be read, for this reason. Missing rights give this, never `NotLocked`.
    Unknown(String),
}

/// A lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Since when, where the upstream tells.
    pub since: Option<Timestamp>,
    /// Until when, where the upstream ends it by itself.
    pub until: Option<Timestamp>,
    /// Why, where the upstream tells.
    pub cause: Option<String>,
    /// Out of where, where that does not go without saying: one server, unknown devices.
    pub scope: Option<String>,
    /// What ends it.
    pub remedy: Remedy,
}

/// What ends a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// An unlock.
    Unlock,
    /// An unlock that can do nothing but clear this very lock, in an upstream where others do more
    /// (see `Capabilities::unlock_only_clears`).
    Clear,
    /// Somebody who works in the vendor's console, since the upstream has no call for it.
    Manual {
        /// What to do and where to click, as a sentence's beginning.
        what: String,
        /// How long until it is worth looking whether that was done.
        poll: Duration,
    },
    /// Only time; the upstream ends it at `Lock::until`.
    Time,
    /// Nothing that this product does; the text says who can do what.
    None(String),
}

/// Whether an account is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It is not.
    None,
    /// It is, for this reason (private detail: only for those who may inspect the Directory).
    Protected(String),
    /// The look-up failed: counts as protected until it succeeds.
    Unknown(String),
}

/// One call that changes something upstream. A request is a fixed plan of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Clear the lock. State-setting: may be sent again.
    Unlock,
    /// Set a generated password. Marked: at most once a claim unless proven undone.
    SetPassword,
    /// Have the directory mail a reset link. Marked.
    SendLink,
    /// Make the owner change the password at the next sign-in. State-setting.
    RequireChange,
    /// End the account's sessions. State-setting.
    RevokeSessions,
}

impl Step {
    /// Every step, in the order in which plans have them.
    pub const ALL: [Step; 5] = [
        Step::Unlock,
        Step::SetPassword,
        Step::SendLink,
        Step::RequireChange,
        Step::RevokeSessions,
    ];

    /// The word for logs, metrics and `status.attempts`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::Unlock => "Unlock",
            Step::SetPassword => "SetPassword",
            Step::SendLink => "SendLink",
            Step::RequireChange => "RequireChange",
            Step::RevokeSessions => "RevokeSessions",
        }
    }

    /// Whether a second send could be a second effect.
    pub const fn is_marked(self) -> bool {
        matches!(self, Step::SetPassword | Step::SendLink)
    }
}

/// What an upstream can do, as probed. A step that is absent from `unable` can be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What it cannot do at all, and the way out: "openldap cannot mail links; set method: TemporaryPassword".
    pub unable: BTreeMap<Step, String>,
    /// Whether an unlock can do nothing but clear a lock, whatever the lock, so that sending it twice does no harm.
    /// Where that depends on the lock, `Remedy::Clear` says so of one.
    pub unlock_only_clears: bool,
    /// Whether locks are cleared by hand only: no unlock is ever sent, see `Remedy::Manual`.
    pub unlock_by_hand: bool,
    /// Whom the upstream hides from the operator as if they were not there, for those who may know why nobody was found.
    pub hides: Option<String>,
    /// What holds for an account whose lock was just cleared, in words for the requester.
    pub after_unlock: Option<String>,
    /// Whether setting a password always clears the lock too.
    pub reset_unlocks: bool,
    /// Whether setting a password always makes its owner change it, so that there is no step of its own for that.
    pub reset_requires_change: bool,
    /// The state-setting steps that go into the same write as a new password: all of it happens, or none.
    pub with_password: BTreeSet<Step>,
    /// What an administrator should know of this upstream besides, as probed.
    pub note: Option<String>,
    /// Whether the password's marker is a number that grows by one with each set password, so that more than one shows.
    pub marker_counts: bool,
}

/// How the password's marker moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is as it was.
    No,
    /// By one password, as far as the upstream shows.
    Once,
    /// By more than one: somebody else set one too.
    Further,
}

impl Capabilities {
    /// How the password's marker moved. One that is there for the first time has moved.
    pub fn moved(&self, before: Option<&str>, now: Option<&str>) -> Moved {
        let number = |marker: Option<&str>| marker.and_then(|text| text.parse::<u64>().ok());
        match (number(before), number(now)) {
            _ if before == now => Moved::No,
            (Some(before), Some(now)) if self.marker_counts && before.checked_add(1) != Some(now) => Moved::Further,
            _ => Moved::Once,
        }
    }
}

/// What a send came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The upstream did it.
    Done,
    /// It definitely did not, and said why.
    Refused(Failure),
    /// It never reached the upstream.
    NotSent(Failure),
    /// Nobody knows: the reply was lost or made no sense.
    Unknown(Failure),
}

impl Sent {
    /// The word for logs, metrics and `status.attempts`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Sent::Done => "Done",
            Sent::Refused(_) => "Refused",
            Sent::NotSent(_) => "NotSent",
            Sent::Unknown(_) => "Unknown",
        }
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub class: FailureClass,
    /// For the requester: no names of other objects, no upstream text that could carry personal data.
    pub public: String,
    /// For the operator's log only. Never a secret.
    pub private: String,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Try again, not before so long where the upstream told.
    Transient(Option<Duration>),
    /// The budget of calls is used up for so long.
    RateLimited(Duration),
    /// It will not work by trying again.
    Permanent,
    /// An administrator must change something: a right, a setting.
    NeedsConfig,
    /// The operator's own credential was refused: stop until its Secret changes.
    CredentialRefused,
    /// The answer was not understood.
    Unknown,
}

impl Failure {
    /// A failure of this class; both texts are the same.
    pub fn new(class: FailureClass, public: impl Into<String>) -> Self {
        let public = public.into();
        Failure {
            class,
            private: public.clone(),
            public,
        }
    }

    /// Whether it may work by trying again later, or after an administrator changed something.
    pub fn passes(&self) -> bool {
        match self.class {
            FailureClass::Transient(_)
            | FailureClass::RateLimited(_)
            | FailureClass::NeedsConfig
            | FailureClass::CredentialRefused => true,
            FailureClass::Permanent | FailureClass::Unknown => false,
        }
    }

    /// Whether an administrator must change something in the directory.
    pub fn needs_config(&self) -> bool {
        self.class == FailureClass::NeedsConfig
    }

    /// Adds what only the operator's log may show.
    pub fn detail(mut self, private: impl Into<String>) -> Self {
        self.private = private.into();
        self
    }
}

/// Why no single account could be found or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFailure {
    /// There is none.
    NotFound,
    /// Several match.
    Ambiguous,
    /// The look-up failed.
    Failed(Failure),
}

impl From<Failure> for ReadFailure {
    fn from(failure: Failure) -> Self {
        ReadFailure::Failed(failure)
    }
}

/// What the one sign-in with a derived password showed after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The password in force is ours.
    Ours,
    /// It is not, or nothing was proven.
    NotProven,
}

#[cfg(test)]
impl AccountRead {
    /// An account of which nothing is known but its id, for tests that are about one fact.
    pub fn bare(id: &str) -> Self {
        AccountRead {
            id: id.to_owned(),
            login: None,
            email: None,
            aliases: Vec::new(),
            lock: LockState::NotLocked,
            disabled: None,
            must_change: None,
            protection: Protection::None,
            foreign_source: None,
            profile: Default::default(),
            unreadable: Vec::new(),
            groups: Ok(Vec::new()),
            password_marker: None,
            password_changed: None,
            lock_stamp: None,
            obstacles: Default::default(),
            server: None,
        }
    }
}
