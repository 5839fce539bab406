//! Users of Okta, as its API tells of them, read as accounts.

use super::*;
use crate::domain::account::Step;
use serde_json::json;

const ANY: &str = "ANY_DEVICES";
const UNKNOWN: &str = "UNKNOWN_DEVICES";

fn user(value: Value) -> User {
    let mut base = json!({
        "id": "00u1",
        "status": "ACTIVE",
        "statusChanged": "2026-03-02T10:11:12.000Z",
        "passwordChanged": "2026-01-15T09:00:00.000Z",
        "profile": {"login": "Ada@corp.example", "email": "ada@corp.example", "firstName": "Ada"},
        "credentials": {"password": {}, "provider": {"type": "OKTA", "name": "OKTA"}},
    });
    for (name, value) in value.as_object().unwrap() {
        base[name] = value.clone();
    }
    serde_json::from_value(base).unwrap()
}

fn blocks(kinds: &[&str]) -> Result<Vec<Block>, String> {
    let block = |kind: &&str| Block {
        applies_to: Some((*kind).to_owned()),
    };
    Ok(kinds.iter().map(block).collect())
}

fn read(value: Value, blocks: Result<Vec<Block>, String>) -> AccountRead {
    let around = Surroundings {
        blocks,
        protection: Protection::None,
        groups: Ok(vec![]),
    };
    account(user(value), around)
}

#[test]
fn locked_is_locked_out_or_blocked() {
    for (status, kinds, expected) in [
        ("ACTIVE", &[][..], None),
        ("LOCKED_OUT", &[], Some((None, true))),
        ("ACTIVE", &[UNKNOWN], Some((Some("unknown devices"), false))),
        ("ACTIVE", &[ANY], Some((Some("any device"), false))),
        ("ACTIVE", &[UNKNOWN, ANY], Some((Some("any device"), false))),
        ("LOCKED_OUT", &[UNKNOWN], Some((None, true))),
        ("PASSWORD_EXPIRED", &[UNKNOWN], Some((Some("unknown devices"), false))),
        ("SUSPENDED", &[], None),
    ] {
        let account = read(json!({"status": status}), blocks(kinds));
        match (account.lock, expected) {
            (LockState::NotLocked, None) => assert_eq!(account.lock_stamp, None),
            (LockState::Locked(lock), Some((scope, dated))) => {
                assert_eq!(lock.scope.as_deref(), scope, "{status} {kinds:?}");
                assert_eq!(lock.since.is_some(), dated, "{status} {kinds:?}");
                assert_eq!(lock.remedy, Remedy::Unlock);
                assert!(account.lock_stamp.is_some());
            }
            (lock, _) => panic!("{status} {kinds:?}: {lock:?}"),
        }
    }
}

#[test]
fn what_could_not_be_read_is_unknown() {
    let unreadable = || Err("device blocks could not be read".to_owned());
    assert!(matches!(read(json!({}), unreadable()).lock, LockState::Unknown(_)));
    assert!(matches!(
        read(json!({"status": "LOCKED_OUT"}), unreadable()).lock,
        LockState::Locked(_)
    ));
    let odd = read(json!({"status": "ACTIVATING"}), blocks(&[]));
    assert!(matches!(odd.lock, LockState::Unknown(_)));
    assert_eq!((odd.disabled, odd.must_change), (None, None));
}

#[test]
fn a_new_lock_has_a_new_stamp() {
    let stamp = |changed: &str, kinds: &[&str]| {
        read(json!({"status": "LOCKED_OUT", "statusChanged": changed}), blocks(kinds)).lock_stamp
    };
    let first = stamp("2026-03-02T10:11:12.000Z", &[]);
    assert_eq!(first, stamp("2026-03-02T10:11:12.000Z", &[]));
    assert_ne!(first, stamp("2026-03-02T10:11:13.000Z", &[]));
    assert_ne!(first, stamp("2026-03-02T10:11:12.000Z", &[UNKNOWN]));
}

#[test]
fn foreign_credentials_are_named_and_cannot_be_unlocked_here() {
    for (provider, foreign) in [
        (json!({"provider": {"type": "OKTA"}}), None),
        (json!({"provider": {"type": "IMPORT"}}), None),
        (
            json!({"provider": {"type": "ACTIVE_DIRECTORY", "name": "corp.example"}}),
            Some("ACTIVE_DIRECTORY"),
        ),
        (json!({"provider": {"type": "FEDERATION"}}), Some("FEDERATION")),
        (json!({}), Some("UNKNOWN")),
        (Value::Null, Some("UNKNOWN")),
    ] {
        let account = read(json!({"status": "LOCKED_OUT", "credentials": provider}), blocks(&[]));
        assert_eq!(account.foreign_source.as_deref(), foreign);
        assert_eq!(account.obstacles.contains_key(&Step::Unlock), foreign.is_some());
        let LockState::Locked(lock) = account.lock else {
            panic!("locked")
        };
        assert_eq!(matches!(lock.remedy, Remedy::None(_)), foreign.is_some());
    }
}

#[test]
fn profiles_are_bounded_and_what_is_left_out_is_named() {
    let mut attributes = json!({
        "login": "ada", "age": 7, "manager": true, "nothing": null, "list": ["a"], "long": "x".repeat(2000),
    });
    let account = read(json!({"profile": attributes.clone()}), blocks(&[]));
    assert_eq!(account.profile.keys().collect::<Vec<_>>(), ["age", "login", "manager"]);
    assert_eq!(account.unreadable, ["list", "long"]);
    for n in 0..300 {
        attributes[format!("a{n:03}")] = json!("x");
    }
    let account = read(json!({"profile": attributes}), blocks(&[]));
    assert_eq!(account.profile.len(), MOST_ATTRIBUTES);
    assert_eq!(account.profile.len() + account.unreadable.len(), 305);
}

#[test]
fn there_is_no_marker_but_a_time() {
    let account = read(json!({}), blocks(&[]));
    assert_eq!(account.password_marker, None);
    assert_eq!(account.password_changed, Some("2026-01-15T09:00:00Z".parse().unwrap()));
}
