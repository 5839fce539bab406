//! What Keycloak's representations mean.

use super::*;
use serde_json::json;

fn user(value: Value) -> User {
    let mut user = json!({"id": "u1", "username": "ada", "enabled": true, "requiredActions": []});
    for (name, value) in value.as_object().unwrap() {
        user[name] = value.clone();
    }
    serde_json::from_value(user).unwrap()
}

fn read(value: Value, brute_force: Result<Value, &str>) -> AccountRead {
    let around = Surroundings {
        brute_force: brute_force
            .map(|record| serde_json::from_value(record).unwrap())
            .map_err(str::to_owned),
        password_created: Some(1_795_379_914_878),
        protection: Protection::None,
        groups: Ok(Vec::new()),
        source: None,
    };
    account(user(value), around)
}

fn nothing_counted() -> Result<Value, &'static str> {
    Ok(
        json!({"failedLoginNotBefore": 0, "numFailures": 0, "disabled": false, "lastFailure": 0, "lastIPFailure": "n/a"}),
    )
}

fn temporary() -> Result<Value, &'static str> {
    Ok(json!({"failedLoginNotBefore": 1_795_380_524_i64, "disabled": true, "lastFailure": 1_795_379_924_762_i64}))
}

fn for_good() -> Value {
    json!({"enabled": false, "attributes": {"disabledReason": ["permanentLockout"]}})
}

/// Each state as release 26.7.3 showed it: locked how, and whether an administrator disabled it.
#[test]
fn locked_and_disabled_are_told_apart() {
    let off = || json!({"enabled": false});
    let never = json!({"failedLoginNotBefore": i64::MAX, "disabled": true, "lastFailure": 1_795_379_926_925_i64});
    for (name, user, brute_force, remedy, disabled) in [
        ("free", json!({}), nothing_counted(), None, false),
        ("temporary", json!({}), temporary(), Some(Remedy::Clear), false),
        ("permanent", for_good(), Ok(never), Some(Remedy::Unlock), false),
        (
            "permanent, after a restart",
            for_good(),
            nothing_counted(),
            Some(Remedy::Unlock),
            false,
        ),
        (
            "permanent, record unreadable",
            for_good(),
            Err("forbidden"),
            Some(Remedy::Unlock),
            false,
        ),
        ("disabled by an administrator", off(), nothing_counted(), None, true),
        ("disabled and locked", off(), temporary(), Some(Remedy::Clear), true),
        (
            "disabled for another reason",
            json!({"enabled": false, "attributes": {"disabledReason": ["left"]}}),
            nothing_counted(),
            None,
            true,
        ),
        // The reason without the deed: somebody wrote it there.
        (
            "enabled with a reason",
            json!({"attributes": {"disabledReason": ["permanentLockout"]}}),
            nothing_counted(),
            None,
            false,
        ),
    ] {
        let account = read(user, brute_force);
        let seen = match account.lock {
            LockState::Locked(lock) => Some(lock.remedy),
            LockState::NotLocked => None,
            LockState::Unknown(why) => panic!("{name}: {why}"),
        };
        assert_eq!(account.lock_stamp.is_some(), seen.is_some(), "{name}");
        assert_eq!((seen, account.disabled), (remedy, Some(disabled)), "{name}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_never_taken_for_not_locked() {
    let account = read(json!({}), Err("forbidden"));
    assert_eq!(account.lock, LockState::Unknown("forbidden".into()));
}

#[test]
fn each_lock_has_a_stamp_of_its_own() {
    let stamp = |record| read(json!({}), record).lock_stamp;
    let later = Ok(json!({"failedLoginNotBefore": 1_795_381_000_i64, "disabled": true}));
    assert_ne!(stamp(temporary()), stamp(later));
    assert_ne!(stamp(temporary()), read(for_good(), temporary()).lock_stamp);
    assert_eq!(stamp(nothing_counted()), None);
}

#[test]
fn the_credentials_time_is_the_marker() {
    let account = read(json!({}), nothing_counted());
    assert_eq!(account.password_marker.as_deref(), Some("1795379914878"));
    assert_eq!(account.password_changed.unwrap().as_millisecond(), 1_795_379_914_878);
}

#[test]
fn a_change_is_required_by_an_action() {
    let must = |actions: Value| read(json!({"requiredActions": actions}), nothing_counted()).must_change;
    assert_eq!(must(json!(["VERIFY_EMAIL", "UPDATE_PASSWORD"])), Some(true));
    assert_eq!(must(json!(["VERIFY_EMAIL"])), Some(false));
    assert_eq!(must(json!(null)), None);
}

#[test]
fn nobody_without_an_address_is_mailed() {
    let kept = |user: Value| read(user, nothing_counted()).obstacles.contains_key(&Step::SendLink);
    assert!(kept(json!({})) && kept(json!({"email": ""})));
    assert!(!kept(json!({"email": "ada@example.test"})));
}

#[test]
fn policies_see_one_value_as_a_text_and_several_as_a_list() {
    let attributes = json!({"dept": ["x"], "team": ["a", "b"], "odd": [1], "username": ["boss"]});
    let account = read(
        json!({"attributes": attributes, "firstName": "Ada", "emailVerified": true}),
        nothing_counted(),
    );
    let expected =
        json!({"dept": "x", "team": ["a", "b"], "username": "ada", "firstName": "Ada", "emailVerified": true});
    assert_eq!(Value::Object(account.profile), expected);
    assert_eq!(account.unreadable, ["odd"]);
}

#[test]
fn groups_come_with_their_parents() {
    let group = |path: &str| Group { path: path.into() };
    let groups = with_parents(&[group("/staff/desk/night"), group("/a~/b/c"), group("/staff")]);
    assert_eq!(
        groups,
        ["/a~/b", "/a~/b/c", "/staff", "/staff/desk", "/staff/desk/night"]
    );
}
