//! From what Keycloak says of a user to the facts that are decided on. Pure.

use super::model::{BruteForce, Group, User};
use crate::domain::account::{AccountRead, Lock, LockState, Protection, Remedy, Step};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The required action by which the owner must choose a new password.
pub(super) const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";
/// The most profile attributes that are taken over.
const MOST_ATTRIBUTES: usize = 256;
/// The longest value of a profile attribute, in bytes of JSON.
const LARGEST_VALUE: usize = 16 * 1024;

/// What is known of a user besides the user object.
pub(super) struct Surroundings {
    /// The brute-force detection's record, or why it could not be read.
    pub(super) brute_force: Result<BruteForce, String>,
    /// When the password credential was made, in milliseconds; `None` where the realm holds none.
    pub(super) password_created: Option<i64>,
    pub(super) protection: Protection,
    pub(super) groups: Result<Vec<String>, String>,
    /// Which kind of store federates the account.
    pub(super) source: Option<String>,
}

/// The account that a user is.
pub(super) fn account(user: User, around: Surroundings) -> AccountRead {
    let (lock, lock_stamp) = lock(&user, &around.brute_force);
    let (profile, unreadable) = profile(&user);
    let mut obstacles = BTreeMap::new();
    if user.email.as_deref().unwrap_or_default().is_empty() {
        let why = "the account has no e-mail address to send a link to; set method: TemporaryPassword";
        obstacles.insert(Step::SendLink, why.to_owned());
    }
    AccountRead {
        // A permanent lock is no decision of an administrator's.
        disabled: user.enabled.map(|enabled| !enabled && !user.is_locked_for_good()),
        must_change: user
            .required_actions
            .as_ref()
            .map(|actions| actions.iter().any(|action| action == UPDATE_PASSWORD)),
        login: user.username,
        email: user.email,
        aliases: Vec::new(),
        protection: around.protection,
        foreign_source: around.source,
        profile,
        unreadable,
        groups: around.groups,
        password_marker: around.password_created.map(|created| created.to_string()),
        password_changed: around
            .password_created
            .and_then(|created| Timestamp::from_millisecond(created).ok()),
        lock_stamp,
        obstacles,
        lock,
        server: None,
        id: user.id,
    }
}

/// How the account is locked, and what changes with each lock. A permanent lock shows on the user alone: the record of
/// the brute-force detection is lost with a restart. That record alone tells of a temporary one.
fn lock(user: &User, brute_force: &Result<BruteForce, String>) -> (LockState, Option<String>) {
    let record = match brute_force {
        Ok(record) => record.clone(),
        Err(_) if user.is_locked_for_good() => BruteForce::default(),
        Err(why) => return (LockState::Unknown(why.clone()), None),
    };
    let locked = |until, cause: &str, remedy| {
        LockState::Locked(Lock {
            since: Timestamp::from_millisecond(record.last_failure)
                .ok()
                .filter(|_| record.last_failure > 0),
            until,
            cause: Some(cause.to_owned()),
            scope: None,
            remedy,
        })
    };
    if user.is_locked_for_good() {
        let lock = locked(
            None,
            "too many failed sign-ins: disabled until somebody enables it",
            Remedy::Unlock,
        );
        return (lock, Some(format!("permanent {}", record.last_failure)));
    }
    if !record.disabled {
        return (LockState::NotLocked, None);
    }
    let until = Timestamp::from_second(record.failed_login_not_before).ok();
    let lock = locked(until, "too many failed sign-ins", Remedy::Clear);
    (lock, Some(format!("temporary {}", record.failed_login_not_before)))
}

/// The names of groups with those above them: being in a group is being in its parents.
pub(super) fn with_parents(groups: &[Group]) -> Vec<String> {
    let mut all = BTreeSet::new();
    for group in groups {
        all.insert(group.path.clone());
        // A slash within a name is written `~/`.
        let ends = group.path.match_indices('/').map(|(at, _)| at);
        let parents = ends.filter_map(|end| group.path.get(..end));
        all.extend(
            parents
                .filter(|path| !path.is_empty() && !path.ends_with('~'))
                .map(str::to_owned),
        );
    }
    all.into_iter().collect()
}

/// Attributes by the names that the realm gives them: one value as a text, several as a list.
fn profile(user: &User) -> (Map<String, Value>, Vec<String>) {
    let mut plain = Map::new();
    let mut unreadable = Vec::new();
    for (name, values) in &user.attributes {
        let value = match values {
            Value::Array(values) if values.len() == 1 => values.first().cloned().unwrap_or_default(),
            other => other.clone(),
        };
        if plain.len() < MOST_ATTRIBUTES && is_text(&value) && value.to_string().len() <= LARGEST_VALUE {
            plain.insert(name.clone(), value);
        } else {
            unreadable.push(name.clone());
        }
    }
    for (name, value) in [
        ("username", &user.username),
        ("email", &user.email),
        ("firstName", &user.first_name),
        ("lastName", &user.last_name),
    ] {
        // An attribute of that name is not what the server itself goes by.
        plain.remove(name);
        if let Some(value) = value {
            plain.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    if let Some(verified) = user.email_verified {
        plain.insert("emailVerified".to_owned(), Value::from(verified));
    }
    (plain, unreadable)
}

fn is_text(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(values) => values.iter().all(Value::is_string),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests;
