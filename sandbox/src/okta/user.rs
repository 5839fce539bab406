//! A user of the simulated organisation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::iso;
use crate::directory::{Keyed, Lockout, Password, Session, fingerprint};
use crate::truth::Change;

/// Lifecycle status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Staged,
    Provisioned,
    Active,
    Recovery,
    PasswordExpired,
    LockedOut,
    Suspended,
    Deprovisioned,
}

impl Status {
    /// The value in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Provisioned => "PROVISIONED",
            Self::Active => "ACTIVE",
            Self::Recovery => "RECOVERY",
            Self::PasswordExpired => "PASSWORD_EXPIRED",
            Self::LockedOut => "LOCKED_OUT",
            Self::Suspended => "SUSPENDED",
            Self::Deprovisioned => "DEPROVISIONED",
        }
    }
}

/// Who holds the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProviderType {
    Okta,
    ActiveDirectory,
    Ldap,
    Federation,
    Social,
    Import,
}

impl ProviderType {
    /// The value in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Okta => "OKTA",
            Self::ActiveDirectory => "ACTIVE_DIRECTORY",
            Self::Ldap => "LDAP",
            Self::Federation => "FEDERATION",
            Self::Social => "SOCIAL",
            Self::Import => "IMPORT",
        }
    }

    /// Whether the credentials live in a directory behind an agent.
    pub fn is_directory(self) -> bool {
        matches!(self, Self::ActiveDirectory | Self::Ldap)
    }
}

/// Credential provider and, for AD and LDAP, the name of the directory instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    #[serde(rename = "type")]
    pub kind: ProviderType,
    pub name: String,
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            kind: ProviderType::Okta,
            name: "OKTA".into(),
        }
    }
}

/// What a device block applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Block {
    AnyDevices,
    UnknownDevices,
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    Reset,
    Forgot,
    Activation,
}

/// An outstanding one-time link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLink {
    pub token: String,
    pub kind: LinkKind,
    pub expires: Timestamp,
}

/// An administrator role held by a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminRole {
    /// `SUPER_ADMIN`, `HELP_DESK_ADMIN`, `CUSTOM`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Held through a group, not directly.
    #[serde(default)]
    pub through_group: bool,
}

/// A transition that is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    pub to: Status,
    pub done: Timestamp,
}

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: String,
    pub status: Status,
    pub transition: Option<Transition>,
    pub created: Timestamp,
    pub activated: Option<Timestamp>,
    pub status_changed: Option<Timestamp>,
    pub last_login: Option<Timestamp>,
    pub last_updated: Timestamp,
    pub password_changed: Option<Timestamp>,
    pub profile: Map<String, Value>,
    pub provider: Provider,
    /// Whether the profile is mastered by the credential provider's directory and so read-only here.
    pub profile_mastered: bool,
    pub password: Password,
    /// Question and answer.
    pub recovery_question: Option<(String, String)>,
    pub lockout: Lockout,
    pub blocks: Vec<Block>,
    pub sessions: Vec<Session>,
    pub oauth_tokens: u32,
    pub known_devices: Vec<String>,
    pub links: Vec<OneTimeLink>,
    pub groups: Vec<String>,
    pub roles: Vec<AdminRole>,
    /// Raised by every change; the ETag.
    pub version: u64,
}

impl Keyed for User {
    fn id(&self) -> &str {
        &self.id
    }

    fn login(&self) -> &str {
        self.text("login")
    }
}

impl User {
    /// A text attribute of the profile, or the empty string.
    pub fn text(&self, attribute: &str) -> &str {
        self.profile.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }

    /// Moves to a status and notes when.
    pub fn enter(&mut self, status: Status, now: Timestamp) {
        if self.status != status {
            self.status = status;
            self.status_changed = Some(now);
        }
    }

    /// The entity tag of the present state.
    pub fn etag(&self) -> String {
        format!("W/\"{}-{}\"", self.id, self.version)
    }

    /// What differs between a former state and this one, secrets as fingerprints.
    pub fn changes_since(&self, former: &Self) -> Vec<Change> {
        let mut found = Differences {
            former,
            present: self,
            changes: Vec::new(),
        };
        found.note_fields();
        if self.profile != former.profile {
            found.note_profile();
        }
        found.changes
    }
}

/// Collects what differs between two states of a user.
struct Differences<'a> {
    former: &'a User,
    present: &'a User,
    changes: Vec<Change>,
}

impl Differences<'_> {
    /// Every observable field, as the truth log shows it.
    fn note_fields(&mut self) {
        self.note("status", |user| &user.status, |status| Some(status.as_str().to_owned()));
        self.note(
            "transitioningToStatus",
            |user| &user.transition,
            |transition| transition.map(|transition| transition.to.as_str().to_owned()),
        );
        self.note("password", |user| &user.password, Password::fingerprint);
        self.note("passwordSet", |user| &user.password.changed, |time| time.map(iso));
        self.note("mustChangePassword", |user| &user.password.must_change, number);
        self.note(
            "provider",
            |user| &user.provider.kind,
            |kind| Some(kind.as_str().to_owned()),
        );
        self.note(
            "recoveryQuestion",
            |user| &user.recovery_question,
            |asked| asked.as_ref().map(|(question, _)| question.clone()),
        );
        self.note("failedSignIns", |user| &user.lockout.failures, number);
        self.note("lockedSince", |user| &user.lockout.since, |time| time.map(iso));
        self.note("blocks", |user| &user.blocks, |blocks| number(&blocks.len()));
        self.note("sessions", |user| &user.sessions, |sessions| number(&sessions.len()));
        self.note("oauthTokens", |user| &user.oauth_tokens, number);
        self.note(
            "knownDevices",
            |user| &user.known_devices,
            |names| Some(names.join(",")),
        );
        self.note(
            "links",
            |user| &user.links,
            |links| {
                let tokens: Vec<_> = links.iter().map(|link| fingerprint(&link.token)).collect();
                Some(tokens.join(","))
            },
        );
        self.note("lastLogin", |user| &user.last_login, |time| time.map(iso));
    }

    fn note_profile(&mut self) {
        let (former, present) = (&self.former.profile, &self.present.profile);
        let names = former
            .keys()
            .chain(present.keys().filter(|name| !former.contains_key(*name)));
        for name in names {
            let text = |profile: &Map<String, Value>| profile.get(name).map(plain);
            self.push(&format!("profile.{name}"), text(former), text(present));
        }
    }

    /// Notes a field where it is shown differently; what is equal needs not be shown to know.
    fn note<T: PartialEq>(&mut self, field: &str, read: impl Fn(&User) -> &T, show: impl Fn(&T) -> Option<String>) {
        let (before, after) = (read(self.former), read(self.present));
        if before != after {
            self.push(field, show(before), show(after));
        }
    }

    fn push(&mut self, field: &str, before: Option<String>, after: Option<String>) {
        if before != after {
            self.changes.push(Change {
                account: self.present.id.clone(),
                field: field.to_owned(),
                before,
                after,
            });
        }
    }
}

fn number(value: &impl ToString) -> Option<String> {
    Some(value.to_string())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
