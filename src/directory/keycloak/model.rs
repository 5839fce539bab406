//! What is read of Keycloak's objects, as they stand on the wire. Fields that nothing here uses are left out. Source:
//! Keycloak's admin REST API, release 26.

use serde::Deserialize;
use serde_json::{Map, Value};

/// `RealmRepresentation`. Who may not view the realm is shown its name only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Realm {
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) smtp_server: Map<String, Value>,
}

/// `UserRepresentation`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email_verified: Option<bool>,
    pub(super) enabled: Option<bool>,
    /// Lists of texts. What the realm's user profile does not show to administrators is not there.
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
    pub(super) required_actions: Option<Vec<String>>,
    /// The id of the component that federates the account.
    pub(super) federation_link: Option<String>,
}

impl User {
    /// Whether the brute-force detection disabled the account for good. The server writes this reason itself when it
    /// locks, and takes it away when the account is enabled.
    pub(super) fn is_locked_for_good(&self) -> bool {
        let reason = self.attributes.get("disabledReason").and_then(Value::as_array);
        self.enabled == Some(false)
            && reason.is_some_and(|values| values.iter().any(|value| value.as_str() == Some("permanentLockout")))
    }
}

/// The answer of `attack-detection/brute-force/users/{id}`. All zero where nothing is counted: also for an account
/// that does not exist, and for one that is locked for good after a restart of the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BruteForce {
    #[serde(default)]
    pub(super) disabled: bool,
    /// Milliseconds since 1970; 0 for never.
    #[serde(default)]
    pub(super) last_failure: i64,
    /// Seconds since 1970; the largest number where the lock never ends.
    #[serde(default)]
    pub(super) failed_login_not_before: i64,
}

/// `CredentialRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// Milliseconds since 1970.
    pub(super) created_date: Option<i64>,
}

/// `GroupRepresentation`. Groups nest; the path names all that are above.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) path: String,
}

/// `RoleRepresentation`.
#[derive(Debug, Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
}

/// `ClientRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientEntry {
    pub(super) id: String,
    pub(super) client_id: Option<String>,
}

/// `ComponentRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component {
    pub(super) provider_id: Option<String>,
}

/// `AdminEventRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminEvent {
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) operation_type: Option<String>,
    pub(super) resource_path: Option<String>,
    pub(super) error: Option<String>,
    pub(super) auth_details: Option<AuthDetails>,
}

/// `AuthDetailsRepresentation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthDetails {
    pub(super) user_id: Option<String>,
}

/// The answer of the token endpoint. Not Debug: it is a secret.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    /// Seconds.
    #[serde(default)]
    pub(super) expires_in: u64,
}

/// What of an access token is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    /// The id of the service account.
    pub(super) sub: Option<String>,
}

/// An error answer, in any of its two shapes. The texts decide only where they are known; others are not repeated,
/// since they can hold what a user typed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    pub(super) error: Option<String>,
    pub(super) error_message: Option<String>,
    #[serde(rename = "error_description")]
    pub(super) error_description: Option<String>,
}
