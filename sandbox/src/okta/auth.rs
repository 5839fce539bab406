//! Who calls: API tokens and OAuth service apps, their rights, and the check of the `Authorization` header.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::errors::{ApiError, ApiResult};
use super::org::Okta;
use super::user::{Status, User};
use crate::exchange::Call;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    ReadUsers,
    /// Unlock, reset, expire, clear sessions, change with the old password.
    ManageCredentials,
    /// Give a password of one's own choice.
    SetPasswords,
    EditProfiles,
    /// Activate, suspend, deactivate.
    ManageLifecycle,
    ReadRoles,
    ReadLogs,
    /// Act on users who hold an administrator role.
    ManageAdmins,
}

/// Ready-made sets of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    SuperAdmin,
    /// Everything about users who are not administrators.
    Admin,
    HelpDesk,
    ReadOnly,
    /// As `Admin`, without the right to read admin roles.
    NoRoles,
}

impl Role {
    /// The rights of this role.
    pub fn rights(self) -> &'static [Right] {
        use Right::{EditProfiles, ManageAdmins, ManageCredentials, ManageLifecycle};
        use Right::{ReadLogs, ReadRoles, ReadUsers, SetPasswords};
        match self {
            Self::SuperAdmin => &[
                ReadUsers,
                ManageCredentials,
                SetPasswords,
                EditProfiles,
                ManageLifecycle,
                ReadRoles,
                ReadLogs,
                ManageAdmins,
            ],
            Self::Admin => &[
                ReadUsers,
                ManageCredentials,
                SetPasswords,
                EditProfiles,
                ManageLifecycle,
                ReadRoles,
                ReadLogs,
            ],
            Self::HelpDesk => &[ReadUsers, ManageCredentials, ReadRoles],
            Self::ReadOnly => &[ReadUsers, ReadRoles, ReadLogs],
            Self::NoRoles => &[
                ReadUsers,
                ManageCredentials,
                SetPasswords,
                EditProfiles,
                ManageLifecycle,
                ReadLogs,
            ],
        }
    }
}

/// An API token (`SSWS`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Token {
    /// Name for the truth log; the value never appears there.
    pub name: String,
    pub value: String,
    pub role: Role,
    /// Login (once added: id) of the administrator whose token it is; it dies with that user's deactivation.
    #[serde(default)]
    pub owner: Option<String>,
    /// Revoked tokens answer E0000011.
    #[serde(default)]
    pub revoked: bool,
    /// When it was used last; a token that was not used for 30 days is dead.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
}

/// An OAuth service app that authenticates with a private key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OAuthApp {
    pub client_id: String,
    /// Public keys as a JSON Web Key Set's `keys`.
    pub keys: Vec<serde_json::Value>,
    /// Scopes granted to the app.
    pub scopes: Vec<String>,
    /// Admin role assigned to the app; without one every call is E0000006.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether access tokens are bound to a DPoP key.
    #[serde(default)]
    pub dpop: bool,
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    pub name: String,
    pub rights: &'static [Right],
    /// Id of the user who owns the token.
    pub user: Option<String>,
    /// OAuth scopes, where the caller is an app.
    pub scopes: Option<Vec<String>>,
}

impl Caller {
    /// Checks a right.
    ///
    /// # Errors
    /// E0000006.
    pub fn require(&self, right: Right) -> ApiResult<()> {
        let allowed = self.rights.contains(&right) && self.scopes.as_ref().is_none_or(|scopes| covers(scopes, right));
        if allowed {
            Ok(())
        } else {
            Err(ApiError::new("E0000006"))
        }
    }

    /// Checks that the caller may act on a user: administrators need the right to manage them.
    ///
    /// # Errors
    /// E0000006.
    pub fn require_over(&self, user: &User) -> ApiResult<()> {
        if user.roles.is_empty() {
            Ok(())
        } else {
            self.require(Right::ManageAdmins)
        }
    }
}

/// Whether OAuth scopes cover a right; a `manage` scope includes `read`.
fn covers(scopes: &[String], right: Right) -> bool {
    let wanted: &[&str] = match right {
        Right::ReadUsers => &["okta.users.read", "okta.users.manage"],
        Right::ManageCredentials
        | Right::SetPasswords
        | Right::EditProfiles
        | Right::ManageLifecycle
        | Right::ManageAdmins => &["okta.users.manage"],
        Right::ReadRoles => &["okta.roles.read", "okta.roles.manage"],
        Right::ReadLogs => &["okta.logs.read"],
    };
    scopes.iter().any(|scope| wanted.contains(&scope.as_str()))
}

impl Okta {
    /// Finds out who calls.
    ///
    /// # Errors
    /// E0000011 for a missing, unknown, revoked, disused or orphaned credential.
    pub(super) fn authenticate(&mut self, call: &Call, now: Timestamp) -> ApiResult<Caller> {
        let invalid = || ApiError::new("E0000011");
        let (scheme, credential) = call
            .header("authorization")
            .and_then(|v| v.split_once(' '))
            .ok_or_else(invalid)?;
        if scheme.eq_ignore_ascii_case("SSWS") {
            self.token_caller(credential, now).ok_or_else(invalid)
        } else if scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("DPoP") {
            self.oauth_caller(scheme, credential, call, now)
        } else {
            Err(invalid())
        }
    }

    fn token_caller(&mut self, value: &str, now: Timestamp) -> Option<Caller> {
        let token = self
            .tokens
            .iter_mut()
            .find(|token| token.value == value && !token.revoked)?;
        let month = SignedDuration::from_hours(30 * 24);
        if token.last_used.is_some_and(|used| now > used + month) {
            return None;
        }
        let owner = match &token.owner {
            Some(id) => {
                let owner = self.users.by_id(id)?;
                if matches!(owner.status, Status::Deprovisioned | Status::Suspended) {
                    return None;
                }
                Some(owner.id.clone())
            }
            None => None,
        };
        token.last_used = Some(now);
        Some(Caller {
            name: token.name.clone(),
            rights: token.role.rights(),
            user: owner,
            scopes: None,
        })
    }
}
