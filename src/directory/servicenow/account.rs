//! From what ServiceNow says of a user to the facts that are decided on. Pure.

use super::model::Record;
use crate::domain::account::{AccountRead, Lock, LockState, Protection, Remedy, Step};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields that decide.
pub(super) const FIELDS: &[&str] = &[
    "sys_id",
    "user_name",
    "email",
    "active",
    "locked_out",
    "failed_attempts",
    "password_needs_reset",
    "source",
    "sys_mod_count",
    "sys_updated_on",
];
/// Further fields that policies may use, by ServiceNow's names. References are given by sys_id.
const PROFILE: &[&str] = &[
    "first_name",
    "last_name",
    "name",
    "title",
    "department",
    "company",
    "location",
    "city",
    "country",
    "employee_number",
    "vip",
    "manager",
    "web_service_access_only",
    "internal_integration_user",
    "identity_type",
];
/// The longest text of a profile field, in bytes.
const LONGEST_TEXT: usize = 1024;

/// The fields of [`AccountRead::profile`] that are read besides those that decide.
pub(super) fn profile_fields() -> &'static [&'static str] {
    PROFILE
}

/// The account that a user is.
pub(super) fn account(
    id: String,
    user: &Record,
    protection: Protection,
    groups: Result<Vec<String>, String>,
) -> AccountRead {
    let text = |field: &str| user.value(field).filter(|value| !value.is_empty()).map(str::to_owned);
    let (profile, unreadable) = profile(user);
    AccountRead {
        login: text("user_name"),
        email: text("email"),
        aliases: Vec::new(),
        lock: lock(user),
        disabled: user.flag("active").map(|active| !active),
        must_change: user.flag("password_needs_reset"),
        protection,
        foreign_source: text("source").map(|_| "LDAP".to_owned()),
        profile,
        unreadable,
        groups,
        // Nothing in sys_user moves with a set password alone.
        password_marker: None,
        password_changed: None,
        lock_stamp: stamp(user),
        obstacles: obstacles(user),
        server: None,
        id,
    }
}

/// What may not be read is left out of answers: that is unknown, never not locked.
fn lock(user: &Record) -> LockState {
    let unknown = |field: &str| {
        LockState::Unknown(format!(
            "ServiceNow does not show {field}; grant the operator's user the right to read it"
        ))
    };
    // An inactive user is commonly locked by rule: without knowing which, a lock cannot be judged.
    if user.flag("active").is_none() {
        return unknown("sys_user.active");
    }
    match user.flag("locked_out") {
        None => unknown("sys_user.locked_out"),
        Some(false) => LockState::NotLocked,
        Some(true) => LockState::Locked(Lock {
            // The time of the last change is not the time of the lock, and the rule that ends it is not told.
            since: None,
            until: None,
            cause: user
                .number("failed_attempts")
                .filter(|attempts| *attempts > 0)
                .map(|attempts| format!("{attempts} failed sign-ins")),
            scope: None,
            remedy: Remedy::Unlock,
        }),
    }
}

/// Moves with each write to the user, so with each new lock.
fn stamp(user: &Record) -> Option<String> {
    let locked = user.flag("locked_out") == Some(true);
    let count = user.number("sys_mod_count").filter(|_| locked)?;
    Some(format!("change {count}"))
}

/// What cannot be done to this user as it stands.
fn obstacles(user: &Record) -> BTreeMap<Step, String> {
    let password = [Step::SetPassword, Step::RequireChange];
    let why = if user.flag("active").is_none() {
        "ServiceNow does not show whether the account is active; grant the operator's user the right to read \
         sys_user.active"
    } else if user.value("source").is_some_and(|source| !source.is_empty()) {
        "the account was imported from another directory, where it signs in: its password in ServiceNow is not used; \
         reset it there"
    } else if user.flag("web_service_access_only") == Some(true) {
        "the account is for web services only: nobody signs in with it who could choose a new password, and a password that \
         must be changed may end its calls; set its password in ServiceNow"
    } else {
        return BTreeMap::new();
    };
    password.map(|step| (step, why.to_owned())).into()
}

/// Texts, and the names of what was asked for and left out, so that a rule which uses one is an error and not a guess.
fn profile(user: &Record) -> (Map<String, Value>, Vec<String>) {
    let (mut plain, mut unreadable) = (Map::new(), Vec::new());
    for field in FIELDS.iter().chain(PROFILE) {
        match user.value(field) {
            Some(text) if text.len() <= LONGEST_TEXT => {
                plain.insert((*field).to_owned(), Value::from(text));
            }
            _ => unreadable.push((*field).to_owned()),
        }
    }
    (plain, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(fields: Value) -> AccountRead {
        let user = Record::of(fields).unwrap();
        account("1f".into(), &user, Protection::None, Ok(Vec::new()))
    }

    #[test]
    fn the_state_table() {
        for (active, locked, must) in [
            ("true", "false", "false"),
            ("true", "true", "true"),
            ("false", "true", "false"),
        ] {
            let account = read(json!({"active": active, "locked_out": locked, "password_needs_reset": must}));
            assert_eq!(account.disabled, Some(active == "false"));
            assert_eq!(matches!(account.lock, LockState::Locked(_)), locked == "true");
            assert_eq!(account.must_change, Some(must == "true"));
        }
    }

    #[test]
    fn what_is_left_out_is_unknown_and_never_false() {
        for fields in [
            json!({"active": "true"}),
            json!({"locked_out": "false"}),
            json!({"active": "", "locked_out": "false"}),
        ] {
            let account = read(fields.clone());
            assert!(matches!(account.lock, LockState::Unknown(_)), "{fields}");
            assert_eq!(account.must_change, None);
        }
        let account = read(json!({"active": "true", "locked_out": "false", "title": ""}));
        assert!(account.unreadable.contains(&"country".to_owned()));
        assert_eq!(account.profile["title"], "");
    }

    #[test]
    fn a_password_of_a_machine_is_not_made_to_be_changed() {
        let account = read(json!({"active": "true", "locked_out": "true", "web_service_access_only": "true"}));
        let steps: Vec<_> = account.obstacles.into_keys().collect();
        assert_eq!(
            steps,
            [Step::SetPassword, Step::RequireChange],
            "and its lock can be cleared"
        );
        let account = read(json!({"active": "true", "locked_out": "true", "web_service_access_only": "false"}));
        assert!(account.obstacles.is_empty());
    }

    #[test]
    fn failed_sign_ins_are_told_as_the_cause_only_where_there_were_some() {
        for (attempts, cause) in [
            (json!("5"), Some("5 failed sign-ins")),
            (json!("0"), None),
            (json!(""), None),
            (json!(null), None),
        ] {
            let account = read(json!({"active": "true", "locked_out": "true", "failed_attempts": attempts}));
            let LockState::Locked(lock) = account.lock else {
                panic!("it is locked")
            };
            assert_eq!(lock.cause.as_deref(), cause, "{attempts}");
            assert_eq!(
                (lock.since, lock.until),
                (None, None),
                "nothing tells when it began or ends"
            );
        }
    }

    #[test]
    fn an_imported_account_has_no_password_here() {
        let account = read(json!({"active": "true", "locked_out": "true", "source": "ldap:CN=Erin"}));
        assert_eq!(account.foreign_source.as_deref(), Some("LDAP"));
        assert!(account.obstacles.contains_key(&Step::SetPassword));
        assert!(
            !account.obstacles.contains_key(&Step::Unlock),
            "the lock is ServiceNow's own"
        );
    }
}
