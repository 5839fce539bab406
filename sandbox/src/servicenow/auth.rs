//! Who calls: basic authentication and bearer tokens, and what a wrong password does to the caller's own account.

use jiff::Timestamp;

use super::errors::{ApiError, ApiResult};
use super::instance::{Context, ServiceNow, hashed, set, text};
use super::quirks::Quirk;
use crate::exchange::Call;

/// An authenticated user.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// sys_id.
    pub(super) user: String,
    pub(super) user_name: String,
    roles: Vec<String>,
}

impl Caller {
    /// Whether the caller holds a role.
    pub(super) fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// Why a call is not let in.
#[derive(Debug, Clone)]
pub(super) struct NotIn {
    pub(super) error: ApiError,
    /// Multi-factor authentication is demanded.
    pub(super) mfa: bool,
}

impl ServiceNow {
    /// Finds the caller of a Table API call. A wrong password counts.
    pub(super) fn authenticate(&mut self, context: &mut Context, call: &Call) -> Result<Caller, NotIn> {
        let refuse = || NotIn {
            error: ApiError::not_authenticated(),
            mfa: false,
        };
        let (scheme, credential) = call
            .header("authorization")
            .and_then(|header| header.split_once(' '))
            .ok_or_else(refuse)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            let user = self.bearer(credential, context.now).ok_or_else(refuse)?;
            return self.caller(&user).map_err(|_| refuse());
        }
        let (name, password) = basic(credential).ok_or_else(refuse)?;
        let caller = self.by_password(context, &name, &password).map_err(|_| refuse())?;
        match self.has(Quirk::MfaDemanded) {
            true => Err(NotIn { mfa: true, ..refuse() }),
            false => Ok(caller),
        }
    }

    /// The user with this name and password. Counts a wrong one, and locks at the limit.
    pub(super) fn by_password(&mut self, context: &mut Context, name: &str, password: &str) -> ApiResult<Caller> {
        let (id, right, locked) = {
            let user = self.user(name).ok_or_else(ApiError::not_authenticated)?;
            let right = text(user, "user_password") == hashed(password);
            (
                text(user, "sys_id").to_owned(),
                right,
                text(user, "locked_out") == "true",
            )
        };
        if right && !locked {
            return self.caller(&id);
        }
        if !right {
            let limit = self.settings.lock_after;
            self.edit(context, "sys_user", &id, |row| {
                let failures = text(row, "failed_attempts").parse::<u32>().unwrap_or_default() + 1;
                set(row, "failed_attempts", &failures.to_string());
                if failures >= limit {
                    set(row, "locked_out", "true");
                }
            });
        }
        Err(ApiError::not_authenticated())
    }

    /// A user who may call at the moment.
    fn caller(&self, id: &str) -> ApiResult<Caller> {
        let user = self.user(id).ok_or_else(ApiError::not_authenticated)?;
        let out = text(user, "active") != "true" || text(user, "locked_out") == "true";
        let must = text(user, "password_needs_reset") == "true" && self.has(Quirk::NeedsResetBlocksApi);
        if out || must {
            return Err(ApiError::not_authenticated());
        }
        Ok(Caller {
            user: text(user, "sys_id").to_owned(),
            user_name: text(user, "user_name").to_owned(),
            roles: self
                .roles_of(text(user, "sys_id"))
                .into_iter()
                .map(str::to_owned)
                .collect(),
        })
    }

    fn bearer(&self, token: &str, now: Timestamp) -> Option<String> {
        self.oauth.user_of(token, now)
    }
}

/// Name and password of a basic credential.
fn basic(credential: &str) -> Option<(String, String)> {
    let bytes = data_encoding::BASE64.decode(credential.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
