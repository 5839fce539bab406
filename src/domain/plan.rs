//! The fixed plan of a request: which steps, in which order, and what keeps an account from them.

use crate::{
    api::Method,
    domain::{
        account::{AccountRead, Capabilities, LockState, Remedy, Step},
        request::{Ask, Request},
    },
};
use std::time::Duration;

/// Whether the plan of this request has a step whose second send would be a second effect.
pub fn marked_step(request: &Request) -> Option<Step> {
    match request.method()? {
        Method::Link => Some(Step::SendLink),
        Method::TemporaryPassword => Some(Step::SetPassword),
        Method::ChangeAtNextSignIn => None,
    }
}

/// Whether the account is not to be locked any more when the request has succeeded.
pub fn clears_lock(request: &Request) -> bool {
    matches!(request.ask, Ask::Unlock | Ask::Reset { unlock: true, .. })
}

/// The steps that the request asks for, before looking at the account. `revoke`: whether policy wants sessions ended.
pub fn wanted(request: &Request, capabilities: &Capabilities, revoke: bool) -> Vec<Step> {
    let Ask::Reset { method, unlock, .. } = &request.ask else {
        return vec![Step::Unlock];
    };
    let mut steps = Vec::new();
    let temporary = *method == Method::TemporaryPassword;
    // A reset that unlocks by itself needs no step of its own for it.
    let unlock = *unlock && !(capabilities.reset_unlocks && temporary);
    // What goes into the password's own write stands behind it: it is sent alone only if that write is known to be done.
    let with_password = temporary && capabilities.with_password.contains(&Step::Unlock);
    if unlock && !with_password {
        steps.push(Step::Unlock);
    }
    match method {
        Method::Link => steps.push(Step::SendLink),
        Method::TemporaryPassword => {
            steps.push(Step::SetPassword);
            if unlock && with_password {
                steps.push(Step::Unlock);
            }
            if !capabilities.reset_requires_change {
                steps.push(Step::RequireChange);
            }
        }
        Method::ChangeAtNextSignIn => steps.push(Step::RequireChange),
    }
    // Ending sessions is a bonus of the reset: where the directory cannot, the reset stands without it.
    if revoke && !capabilities.unable.contains_key(&Step::RevokeSessions) {
        steps.push(Step::RevokeSessions);
    }
    steps
}

/// The steps for this account as it was read: an unlock only where there is a lock.
pub fn steps(request: &Request, account: &AccountRead, capabilities: &Capabilities, revoke: bool) -> Vec<Step> {
    let locked = matches!(account.lock, LockState::Locked(_));
    wanted(request, capabilities, revoke)
        .into_iter()
        .filter(|step| *step != Step::Unlock || locked)
        .collect()
}

/// The steps of a plan that go into the same write as this one.
pub fn together(step: Step, plan: &[Step], capabilities: &Capabilities) -> Vec<Step> {
    let with = |other: &&Step| step == Step::SetPassword && capabilities.with_password.contains(other);
    plan.iter().filter(with).copied().collect()
}

/// What the directory cannot do of the request, and the way out; known before anything is sent.
pub fn incapable(request: &Request, capabilities: &Capabilities, revoke: bool) -> Option<String> {
    if let Ask::Reset {
        method: Method::TemporaryPassword,
        unlock: false,
        ..
    } = request.ask
        && capabilities.reset_unlocks
    {
        return Some("this directory clears the lock with every password reset; set unlock: true".into());
    }
    wanted(request, capabilities, revoke)
        .iter()
        .find_map(|step| capabilities.unable.get(step).cloned())
}

/// What keeps an account from what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It is refused, before any write.
    Refused(String),
    /// Nothing that this product does ends the lock.
    NotCapable(String),
    /// Somebody clears the lock in the vendor's console: what to do, and when to look again.
    ByHand(String, Duration),
    /// The directory itself ends the lock later.
    Upstream(jiff::Timestamp),
    /// The lock state could not be read.
    Unreadable(String),
}

/// The first thing that keeps this account, as it was read, from the request.
pub fn obstacle(
    request: &Request,
    account: &AccountRead,
    capabilities: &Capabilities,
    revoke: bool,
) -> Option<Obstacle> {
    let steps = steps(request, account, capabilities, revoke);
    if account.disabled == Some(true) && !steps.is_empty() {
        let what = if steps.contains(&Step::Unlock) {
            "locked and disabled"
        } else {
            "disabled"
        };
        return Some(Obstacle::Refused(format!(
            "the account is {what}; a disabled account is enabled by its directory's administrators"
        )));
    }
    if clears_lock(request) {
        match &account.lock {
            LockState::Unknown(why) => {
                return Some(Obstacle::Unreadable(format!("the lock state cannot be read: {why}")));
            }
            LockState::Locked(lock) => match (&lock.remedy, lock.until) {
                (Remedy::Time, Some(until)) => return Some(Obstacle::Upstream(until)),
                (Remedy::Time, None) => return Some(Obstacle::NotCapable("only time ends this lock".into())),
                // Whoever waits for a person must not be refused once that person has done it.
                (Remedy::Manual { what, poll }, _) => {
                    return Some(refused(&steps, account).unwrap_or(Obstacle::ByHand(what.clone(), *poll)));
                }
                (Remedy::None(why), _) => return Some(Obstacle::NotCapable(why.clone())),
                (Remedy::Unlock | Remedy::Clear, _) => {}
            },
            LockState::NotLocked => {}
        }
    }
    refused(&steps, account)
}

/// The first step that cannot be done to this account.
fn refused(steps: &[Step], account: &AccountRead) -> Option<Obstacle> {
    let why = steps.iter().find_map(|step| account.obstacles.get(step))?;
    Some(Obstacle::Refused(why.clone()))
}
