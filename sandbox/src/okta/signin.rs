//! A person's sign-in with a password: counting, locking, device blocks, expiry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::logs::Event;
use super::org::{Context, Okta};
use super::quirks::Quirk;
use super::user::{Block, Status, User};
use crate::directory::{Session, random_token};

/// How a sign-in ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum SignIn {
    Success {
        session: String,
    },
    /// No such user or wrong password; which is not told.
    WrongCredentials,
    LockedOut,
    /// The device is blocked.
    DeviceBlocked,
    /// The password was right and must be changed first: sign in again with a new one.
    PasswordExpired,
    /// The new password that was given breaks these rules.
    NewPasswordRefused {
        rules: Vec<String>,
    },
    /// The status does not let anybody in.
    Refused {
        status: Status,
    },
}

impl Okta {
    /// Signs a person in. With `new_password` an expired password is changed on the way.
    pub fn sign_in(
        &mut self,
        context: &mut Context,
        login: &str,
        password: &str,
        device: &str,
        new_password: Option<&str>,
    ) -> SignIn {
        let Some(user) = self.user(login).cloned() else {
            return SignIn::WrongCredentials;
        };
        context.account = Some(user.id.clone());
        match user.status {
            Status::LockedOut => return SignIn::LockedOut,
            Status::Active | Status::PasswordExpired if user.transition.is_none() => {}
            status => return SignIn::Refused { status },
        }
        if blocks(&user, device) {
            return SignIn::DeviceBlocked;
        }
        if !user.password.matches(password) {
            return self.reject(context, &user, device);
        }
        self.let_in(context, &user, device, new_password)
    }

    fn let_in(&mut self, context: &mut Context, user: &User, device: &str, new_password: Option<&str>) -> SignIn {
        let policy = self.settings.password.clone();
        let expired = user.password.must_change || user.password.has_expired(&policy, context.now);
        if expired && new_password.is_none() {
            self.change(context, user, |user, now| {
                user.lockout.clear();
                user.enter(Status::PasswordExpired, now);
            });
            return SignIn::PasswordExpired;
        }
        if let Some(value) = new_password.filter(|_| expired) {
            let rules = policy.complaints(value, user.text("login"));
            if !rules.is_empty() {
                return SignIn::NewPasswordRefused { rules };
            }
        }
        let session = Session {
            id: random_token(25),
            opened: context.now,
            device: device.to_owned(),
        };
        let id = session.id.clone();
        let changed = self.change(context, user, |user, now| {
            if let Some(value) = new_password.filter(|_| expired) {
                user.password.set(value, now, false);
                user.password_changed = Some(now);
                user.enter(Status::Active, now);
            }
            user.lockout.clear();
            user.last_login = Some(now);
            user.sessions.push(session);
            if !user.known_devices.iter().any(|known| known == device) {
                user.known_devices.push(device.to_owned());
            }
        });
        self.record(
            context,
            &changed,
            Event::success("user.session.start", "User login to Okta"),
        );
        SignIn::Success { session: id }
    }

    fn reject(&mut self, context: &mut Context, user: &User, device: &str) -> SignIn {
        let policy = self.settings.lockout.clone();
        let by_device = self.has(Quirk::DeviceLockout) && !user.known_devices.iter().any(|known| known == device);
        let mut locked = false;
        let changed = self.change(context, user, |user, now| {
            locked = user.lockout.record_failure(&policy, now);
            if locked && by_device {
                user.lockout.clear();
                user.blocks.push(Block::UnknownDevices);
            } else if locked {
                user.enter(Status::LockedOut, now);
            }
        });
        if locked {
            let kind = if policy.seconds.is_some() {
                "user.account.lock"
            } else {
                "user.account.lock.limit"
            };
            self.record(
                context,
                &changed,
                Event::failure(kind, "Max sign in attempts exceeded", "LOCKED_OUT"),
            );
        }
        let event = Event::failure("user.session.start", "User login to Okta", "INVALID_CREDENTIALS");
        self.record(context, &changed, event);
        match (locked, by_device) {
            (true, true) => SignIn::DeviceBlocked,
            (true, false) => SignIn::LockedOut,
            (false, _) => SignIn::WrongCredentials,
        }
    }

    /// Changes a user who is known to exist by something that cannot be refused.
    fn change(&mut self, context: &mut Context, user: &User, change: impl FnOnce(&mut User, Timestamp)) -> User {
        let now = context.now;
        let changed = self.edit(context, &user.id, |user, _| {
            change(user, now);
            Ok(user.clone())
        });
        changed.expect("the user was found under the same lock")
    }

    /// Locks a user as if by wrong sign-ins.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn lock(&mut self, context: &mut Context, login: &str) -> anyhow::Result<()> {
        let user = self
            .user(login)
            .cloned()
            .ok_or_else(|| anyhow::anyhow!("there is no user {login}"))?;
        context.account = Some(user.id.clone());
        let limit = self.settings.lockout.limit;
        let changed = self.change(context, &user, |user, now| {
            user.lockout.failures = limit;
            user.lockout.since = Some(now);
            user.enter(Status::LockedOut, now);
        });
        let event = Event::failure("user.account.lock", "Max sign in attempts exceeded", "LOCKED_OUT");
        self.record(context, &changed, event);
        Ok(())
    }

    /// Unlocks an account as an administrator does it in the console, which also can where the API refuses: accounts whose
    /// credentials live in a directory behind an agent.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn unlock_in_console(&mut self, context: &mut Context, login: &str) -> anyhow::Result<()> {
        let user = self
            .user(login)
            .cloned()
            .ok_or_else(|| anyhow::anyhow!("there is no user {login}"))?;
        context.account = Some(user.id.clone());
        let changed = self.change(context, &user, |user, now| {
            user.lockout.clear();
            user.blocks.clear();
            user.enter(Status::Active, now);
        });
        let event = Event::success("user.account.unlock_by_admin", "Unlock user account");
        self.record(context, &changed, event);
        Ok(())
    }
}

fn blocks(user: &User, device: &str) -> bool {
    user.blocks.iter().any(|block| match block {
        Block::AnyDevices => true,
        Block::UnknownDevices => !user.known_devices.iter().any(|known| known == device),
    })
}
