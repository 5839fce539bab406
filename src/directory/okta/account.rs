//! From what Okta says of a user to the facts that are decided on. Pure.

use super::{
    legality::{self, Source, Status},
    model::{Block, User},
};
use crate::domain::account::{AccountRead, Lock, LockState, Protection, Remedy};
use serde_json::{Map, Value};

/// The most profile attributes that are taken over.
const MOST_ATTRIBUTES: usize = 256;
/// The longest text of a profile attribute, in bytes.
const LONGEST_TEXT: usize = 1024;

/// What is known of a user besides the user object.
pub(super) struct Surroundings {
    /// The device blocks, or why they could not be read.
    pub(super) blocks: Result<Vec<Block>, String>,
    pub(super) protection: Protection,
    pub(super) groups: Result<Vec<String>, String>,
}

/// The account that a user is.
pub(super) fn account(user: User, around: Surroundings) -> AccountRead {
    let status = Status::parse(&user.status);
    let source = Source::parse(user.provider());
    let lock = lock(&user, status, source, &around.blocks);
    let locked = !matches!(lock, LockState::NotLocked);
    let (profile, unreadable) = profile(&user.profile);
    AccountRead {
        login: user.text("login").map(str::to_owned),
        email: user.text("email").map(str::to_owned),
        aliases: user.text("secondEmail").map(str::to_owned).into_iter().collect(),
        disabled: status.is_disabled(),
        must_change: status.must_change(),
        protection: around.protection,
        foreign_source: match source {
            Source::Okta => None,
            // Without a word for it nothing is known of where the password lives: not here, to be safe.
            Source::Directory | Source::Elsewhere => Some(user.provider().unwrap_or("UNKNOWN").to_owned()),
        },
        profile,
        unreadable,
        groups: around.groups,
        // Whether an administrator's change moves `passwordChanged` is not documented, so there is no marker.
        password_marker: None,
        password_changed: user.password_changed,
        lock_stamp: stamp(&user, status, &around.blocks),
        obstacles: legality::obstacles(status, source, locked),
        lock,
        server: None,
        id: user.id,
    }
}

/// Locked is LOCKED_OUT, or blocked on devices whatever the status: ACTIVE alone proves nothing.
fn lock(user: &User, status: Status, source: Source, blocks: &Result<Vec<Block>, String>) -> LockState {
    let (since, scope) = match (status, blocks) {
        (Status::LockedOut, _) => (user.status_changed, None),
        (_, Ok(blocks)) if blocks.is_empty() && status == Status::Other => {
            return LockState::Unknown("the account's status in Okta is not known here".into());
        }
        (_, Ok(blocks)) if blocks.is_empty() => return LockState::NotLocked,
        (_, Ok(blocks)) => (None, Some(scope(blocks).to_owned())),
        (_, Err(why)) => return LockState::Unknown(why.clone()),
    };
    LockState::Locked(Lock {
        since,
        // The lockout's length is a setting of the organisation that the API does not tell.
        until: None,
        cause: None,
        scope,
        remedy: match source {
            Source::Okta => Remedy::Unlock,
            Source::Directory => Remedy::None(
                "Okta's API does not unlock accounts of other directories; an administrator does it in Okta's console, \
                 or the owner by self-service"
                    .into(),
            ),
            Source::Elsewhere => Remedy::None("the account signs in at another identity provider".into()),
        },
    })
}

fn scope(blocks: &[Block]) -> &'static str {
    match blocks
        .iter()
        .all(|block| block.applies_to.as_deref() == Some("UNKNOWN_DEVICES"))
    {
        true => "unknown devices",
        false => "any device",
    }
}

/// Changes with each new lock, as far as Okta tells: a device block has no time of its own.
fn stamp(user: &User, status: Status, blocks: &Result<Vec<Block>, String>) -> Option<String> {
    let status = match (status, user.status_changed) {
        (Status::LockedOut, Some(time)) => Some(format!("LOCKED_OUT {time}")),
        (Status::LockedOut, None) => Some("LOCKED_OUT".to_owned()),
        _ => None,
    };
    let mut kinds: Vec<&str> = blocks
        .iter()
        .flatten()
        .map(|b| b.applies_to.as_deref().unwrap_or("?"))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let parts: Vec<String> = status.into_iter().chain(kinds.into_iter().map(str::to_owned)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Texts, numbers and booleans; the names of all else, so that a rule which uses one is an error and not a guess.
fn profile(profile: &Map<String, Value>) -> (Map<String, Value>, Vec<String>) {
    let is_plain = |value: &Value| match value {
        Value::String(text) => text.len() <= LONGEST_TEXT,
        Value::Number(_) | Value::Bool(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    let present = profile
        .iter()
        .filter(|(name, value)| !value.is_null() && name.len() <= LONGEST_TEXT);
    let mut plain = Map::new();
    let mut unreadable = Vec::new();
    for (name, value) in present {
        if is_plain(value) && plain.len() < MOST_ATTRIBUTES {
            plain.insert(name.clone(), value.clone());
        } else {
            unreadable.push(name.clone());
        }
    }
    (plain, unreadable)
}

#[cfg(test)]
mod tests;
