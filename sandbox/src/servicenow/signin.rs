//! People at the sign-in page.

use serde::{Deserialize, Serialize};

use super::instance::{Context, ServiceNow, hashed, set, text};

/// What came of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum SignIn {
    Success,
    /// Name or password is wrong, or the account is locked or inactive: the page does not say which.
    Refused,
    /// The password is right and must be changed first.
    MustChange,
}

impl ServiceNow {
    /// Signs a user in; with `new_password` one that must be changed is changed on the way.
    pub(super) fn sign_in(
        &mut self,
        context: &mut Context,
        name: &str,
        password: &str,
        new_password: Option<&str>,
    ) -> SignIn {
        let Ok(caller) = self.by_password(context, name, password) else {
            return SignIn::Refused;
        };
        let must = self
            .user(&caller.user)
            .is_some_and(|user| text(user, "password_needs_reset") == "true");
        if must && new_password.is_none() {
            return SignIn::MustChange;
        }
        self.edit(context, "sys_user", &caller.user, |row| {
            set(row, "failed_attempts", "0");
            if let Some(new) = new_password.filter(|_| must) {
                set(row, "user_password", &hashed(new));
                set(row, "password_needs_reset", "false");
            }
        });
        SignIn::Success
    }
}
