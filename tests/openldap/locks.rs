//! Locks: each way in which slapd locks, what is told about it, and what an unlock does to it.

use crate::lab::{Lab, from_now, state};
use readmit::domain::account::{LockState, Sent};
use std::{thread::sleep, time::Duration};
use testkit::slapd::{OPERATOR_DN, Options, READER_DN, user_dn};

const FOR_GOOD: &str = "000001010000Z";

#[test]
fn wrong_passwords_lock_and_an_unlock_lets_in_again() {
    let Some(lab) = Lab::start() else { return };
    lab.slapd.lock("alice").unwrap();
    let before = lab.account("alice");
    let LockState::Locked(lock) = &before.lock else {
        panic!("{:?}", before.lock)
    };
    assert!(lock.since.is_some() && lock.until.is_none());
    assert_eq!(lock.cause.as_deref(), Some("too many failed sign-ins"));
    assert!(before.lock_stamp.is_some());
    assert!(!lab.signs_in("alice"));

    assert_eq!(lab.unlock("alice"), Sent::Done);
    let after = lab.account("alice");
    assert_eq!((state(&after.lock), after.lock_stamp), ("not locked", None));
    assert_eq!(after.password_marker, before.password_marker);
    assert!(lab.signs_in("alice"));
    let writes = lab.writes(OPERATOR_DN);
    assert_eq!(writes.len(), 1, "{writes:?}");
    let what = format!("{} pwdAccountLockedTime:-", user_dn("alice"));
    assert!(writes[0].starts_with(&what) && writes[0].ends_with(" 0"), "{writes:?}");
}

#[test]
fn an_unlock_clears_the_count_of_failures_which_a_replace_does_not() {
    let Some(lab) = Lab::start() else { return };
    for uid in ["alice", "bob"] {
        lab.slapd.lock(uid).unwrap();
    }
    assert_eq!(lab.unlock("alice"), Sent::Done);
    let replace = format!(
        "dn: {}\nchangetype: modify\nreplace: pwdAccountLockedTime\n",
        user_dn("bob")
    );
    lab.slapd.modify(&replace).unwrap();
    for (uid, counted) in [("alice", false), ("bob", true)] {
        assert_eq!(lab.has(uid, "pwdFailureTime"), counted, "{uid}");
        lab.slapd.bind(&user_dn(uid), "wrong once").unwrap();
        assert_eq!(lab.has(uid, "pwdAccountLockedTime"), counted, "{uid}");
    }
}

#[test]
fn unlocking_what_is_not_locked_changes_nothing() {
    let Some(lab) = Lab::start() else { return };
    assert_eq!(lab.unlock("dana"), Sent::Done);
    assert_eq!(state(&lab.account("dana").lock), "not locked");
}

#[test]
fn a_lock_with_a_duration_ends_by_itself() {
    let Some(lab) = Lab::start() else { return };
    lab.slapd.set_policy("alice", "two-seconds").unwrap();
    lab.slapd.lock("alice").unwrap();
    let LockState::Locked(lock) = lab.account("alice").lock else {
        panic!("not locked")
    };
    let until = lock.until.unwrap();
    assert_eq!(until.duration_since(lock.since.unwrap()).as_secs(), 2);
    let rest = until.duration_since(jiff::Timestamp::now());
    sleep(Duration::try_from(rest).unwrap_or_default() + Duration::from_millis(100));
    // The attribute stays until the next bind; the account is not locked all the same.
    assert!(lab.has("alice", "pwdAccountLockedTime"));
    assert_eq!(state(&lab.account("alice").lock), "not locked");
    assert!(lab.signs_in("alice"));
}

/// Each state, set as root, judged by the provider and by the server itself.
#[test]
fn the_rule_agrees_with_the_server() {
    let options = Options {
        extra: "lastbind on".into(),
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |_| {}) else { return };
    lab.slapd.set_policy("erik", "no-lockout").unwrap();
    lab.slapd.set_policy("fay", "idle").unwrap();
    assert!(lab.signs_in("fay"));
    // Longer than a second, as told by times that are cut to seconds.
    sleep(Duration::from_millis(2_100));
    for (uid, attribute, value, expected) in [
        ("alice", "pwdAccountLockedTime", FOR_GOOD, "unlock"),
        ("bob", "pwdAccountLockedTime", "20991231000000Z", "not locked"),
        ("dana", "pwdAccountLockedTime", "20200101000000Z", "unlock"),
        ("erik", "pwdAccountLockedTime", FOR_GOOD, "not locked"),
        ("fay", "pwdAccountLockedTime", FOR_GOOD, "nothing"),
        ("gus", "pwdStartTime", "20991231000000Z", "nothing"),
        ("hana", "pwdEndTime", "20200101000000Z", "nothing"),
        ("ivan", "pwdEndTime", "20991231000000Z", "not locked"),
        ("xena", "pwdAccountTmpLockoutEnd", "20991231000000Z", "time"),
    ] {
        lab.set(uid, attribute, value);
        assert_eq!(state(&lab.account(uid).lock), expected, "{uid}");
        assert_eq!(lab.signs_in(uid), expected == "not locked", "{uid}");
    }
}

/// The end of the delay is set by hand: with pwdMinDelay, slapd 2.5.13 as packaged in Debian 12 dies of a stack overrun
/// at the first wrong password.
#[test]
fn a_delay_is_ended_by_time_alone() {
    let Some(lab) = Lab::start() else { return };
    lab.set("alice", "pwdAccountTmpLockoutEnd", &from_now(60));
    let LockState::Locked(lock) = lab.account("alice").lock else {
        panic!("not locked")
    };
    assert!(lock.until.is_some());
    assert_eq!(lab.unlock("alice"), Sent::Done);
    let after = lab.account("alice");
    assert_eq!(state(&after.lock), "time");
    assert!(after.lock_stamp.is_some());
    assert!(!lab.signs_in("alice"));
    // Nor does a new password end it.
    assert_eq!(lab.set_password("alice", "Another-password-1"), Sent::Done);
    assert_eq!(state(&lab.account("alice").lock), "time");
}

#[test]
fn what_cannot_be_seen_is_unknown_and_never_not_locked() {
    let Some(mut lab) = Lab::start() else { return };
    lab.change(|spec| spec.default_policy_dn = None);
    assert_eq!(state(&lab.account("alice").lock), "unknown");
    lab.slapd.set_policy("alice", "usual-but-missing").unwrap();
    lab.change(|_| {});
    assert_eq!(state(&lab.account("alice").lock), "unknown");
    lab.slapd.set_policy("alice", "two-seconds").unwrap();
    assert_eq!(state(&lab.account("alice").lock), "not locked");
}

/// Access rules with one more in front.
fn hiding(attribute: &str) -> Options {
    let rule = format!("access to attrs={attribute}\n  by * none\n");
    Options {
        access: format!("{rule}{}", testkit::slapd::ACCESS),
        ..Options::default()
    }
}

#[test]
fn hidden_attributes_make_the_state_unknown() {
    for attribute in [
        "pwdAccountLockedTime",
        "pwdAccountTmpLockoutEnd",
        "pwdEndTime",
        "pwdPolicySubentry",
    ] {
        let Some(lab) = Lab::with(hiding(attribute), |_| {}) else {
            return;
        };
        lab.slapd.lock("alice").unwrap();
        let account = lab.account("bob");
        assert_eq!(state(&account.lock), "unknown", "{attribute}");
        assert_ne!(state(&lab.account("alice").lock), "not locked", "{attribute}");
    }
}

#[test]
fn a_hidden_policy_makes_the_state_unknown() {
    let options = Options {
        access: format!(
            "access to dn.subtree=\"ou=policies,dc=example,dc=test\"\n  by * none\n{}",
            testkit::slapd::ACCESS
        ),
        ..Options::default()
    };
    let Some(lab) = Lab::with(options, |_| {}) else { return };
    lab.slapd.lock("alice").unwrap();
    assert_eq!(state(&lab.account("alice").lock), "unknown");
    assert_eq!(lab.account("alice").obstacles.len(), 1);
}

#[test]
fn a_reader_sees_and_cannot_unlock() {
    let Some(lab) = Lab::with(Options::default(), |spec| spec.bind_dn = READER_DN.into()) else {
        return;
    };
    lab.slapd.lock("alice").unwrap();
    assert_eq!(state(&lab.account("alice").lock), "unlock");
    let refused = lab.unlock("alice");
    assert_eq!(refused.as_str(), "Refused");
    let failure = crate::lab::failure(refused);
    assert!(failure.public.contains("pwdAccountLockedTime"), "{}", failure.public);
    assert!(lab.has("alice", "pwdAccountLockedTime"));
}
