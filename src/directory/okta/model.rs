//! What is read of Okta's objects, as they stand on the wire. Fields that nothing here uses are left out, and sets of
//! words are open: Okta adds to them. Source: Okta's OpenAPI description of the management API, version 5.1.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// `User`, as a read of a single one shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: String,
    pub(super) status: String,
    /// An asynchronous change of status is under way.
    pub(super) transitioning_to_status: Option<String>,
    pub(super) status_changed: Option<Timestamp>,
    pub(super) password_changed: Option<Timestamp>,
    #[serde(default)]
    pub(super) profile: Map<String, Value>,
    pub(super) credentials: Option<Credentials>,
    #[serde(rename = "_embedded")]
    pub(super) embedded: Option<Embedded>,
}

impl User {
    /// A text of the profile.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.profile.get(attribute).and_then(Value::as_str)
    }

    /// `credentials.provider.type`.
    pub(super) fn provider(&self) -> Option<&str> {
        Some(self.credentials.as_ref()?.provider.as_ref()?.kind.as_str())
    }

    /// The device blocks, where the read brought them along.
    pub(super) fn blocks(&self) -> Option<&[Block]> {
        self.embedded.as_ref()?.blocks.as_deref()
    }
}

/// `UserCredentials`.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    pub(super) provider: Option<Provider>,
}

/// `AuthenticationProvider`.
#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// What `expand=blocks` adds.
#[derive(Debug, Deserialize)]
pub(super) struct Embedded {
    pub(super) blocks: Option<Vec<Block>>,
}

/// `UserBlock`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block {
    /// `ANY_DEVICES` or `UNKNOWN_DEVICES`.
    pub(super) applies_to: Option<String>,
}

/// Anything of which only the id counts: the caller's own user, an entry of a list of users.
#[derive(Debug, Deserialize)]
pub(super) struct Identified {
    pub(super) id: String,
}

/// A role as it is assigned to a user, directly or by a group.
#[derive(Debug, Deserialize)]
pub(super) struct Role {
    /// `SUPER_ADMIN`, `HELP_DESK_ADMIN`, `CUSTOM`, ...
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// `Group`.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) profile: GroupProfile,
}

/// `GroupProfile`.
#[derive(Debug, Deserialize)]
pub(super) struct GroupProfile {
    pub(super) name: String,
}

/// `LogEvent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogEvent {
    pub(super) uuid: Option<String>,
    pub(super) published: Option<Timestamp>,
    pub(super) event_type: String,
    pub(super) actor: Option<LogObject>,
    pub(super) target: Option<Vec<LogObject>>,
    pub(super) outcome: Option<LogOutcome>,
}

/// `LogActor` and `LogTarget`.
#[derive(Debug, Deserialize)]
pub(super) struct LogObject {
    pub(super) id: Option<String>,
    /// `User`, `PublicClientApp`, `SystemPrincipal`, ...
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// `LogOutcome`.
#[derive(Debug, Deserialize)]
pub(super) struct LogOutcome {
    pub(super) result: Option<String>,
}

/// `Error`. Its summaries are left out on purpose: their text changes and can hold what a user typed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) error_code: String,
    #[serde(default)]
    pub(super) error_id: String,
}
