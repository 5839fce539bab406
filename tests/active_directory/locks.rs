//! Locks: the server's own computation under every policy, and what clears them.

use crate::lab::{Lab, failure, state};
use readmit::domain::account::{FailureClass, LockState, Remedy, Sent};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use testkit::samba::{DOMAIN_DN, INITIAL_PASSWORD, READER, person_dn};

#[test]
fn wrong_passwords_lock_and_one_write_unlocks() {
    let Some(lab) = Lab::start() else { return };
    assert_eq!(state(&lab.account("alice").lock), "not locked");
    lab.samba.lock("alice").unwrap();
    let locked = lab.account("alice");
    let LockState::Locked(lock) = &locked.lock else {
        panic!("{:?}", locked.lock);
    };
    assert_eq!(lock.remedy, Remedy::Unlock);
    assert_eq!(
        lock.until.unwrap().duration_since(lock.since.unwrap()).as_secs(),
        1_800,
        "the domain's duration"
    );
    assert!(locked.lock_stamp.is_some());
    assert_eq!(lab.sign_in("alice", INITIAL_PASSWORD).as_deref(), Some("775"));

    assert_eq!(lab.unlock("alice"), Sent::Done);
    let unlocked = lab.account("alice");
    assert_eq!((state(&unlocked.lock), unlocked.lock_stamp), ("not locked", None));
    assert_eq!(unlocked.password_marker, locked.password_marker);
    assert_eq!(lab.sign_in("alice", INITIAL_PASSWORD), None);
    assert_eq!(lab.writes("alice"), ["0: lockoutTime replace 0"]);
}

#[test]
fn an_unlock_of_an_account_that_is_not_locked_is_success_and_does_nothing() {
    let Some(lab) = Lab::start() else { return };
    let before = lab.account("calm");
    assert_eq!(lab.unlock("calm"), Sent::Done);
    let after = lab.account("calm");
    assert_eq!((after.lock, after.lock_stamp), (before.lock, before.lock_stamp));
    assert_eq!(
        (after.must_change, after.password_marker),
        (before.must_change, before.password_marker)
    );
    assert_eq!(lab.sign_in("calm", INITIAL_PASSWORD), None);
}

#[test]
fn a_new_lock_has_another_stamp() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.lock("relocked").unwrap();
    let first = lab.account("relocked").lock_stamp;
    assert_eq!(lab.unlock("relocked"), Sent::Done);
    lab.samba.lock("relocked").unwrap();
    let second = lab.account("relocked");
    assert_eq!(state(&second.lock), "locked");
    assert!(first.is_some() && second.lock_stamp.is_some() && first != second.lock_stamp);
}

#[test]
fn a_lock_that_ran_out_is_none_though_its_time_stays() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.add_policy("short", &person_dn("short"), 4).unwrap();
    lab.samba.lock("short").unwrap();
    let LockState::Locked(lock) = lab.account("short").lock else {
        panic!("not locked");
    };
    assert_eq!(
        lock.until, None,
        "the policy in effect is hidden from the operator, and the domain's is not it"
    );
    // Four seconds after the last wrong sign-in that the server counted, by its own clock.
    let end = Instant::now() + Duration::from_secs(20);
    while state(&lab.account("short").lock) != "not locked" {
        assert!(Instant::now() < end, "still locked");
        sleep(Duration::from_millis(500));
    }
    let stays = lab.samba.attribute(&person_dn("short"), "lockoutTime").unwrap();
    assert!(stays.is_some_and(|time| time != "0"), "the server keeps the time");
    assert_eq!(lab.sign_in("short", INITIAL_PASSWORD), None);
}

/// Where the operator may read fine-grained policies, which ordinary accounts may not, their duration counts.
#[test]
fn a_fine_grained_policy_overrides_the_domains() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.add_policy("longer", &person_dn("longer"), 7_200).unwrap();
    let container = format!("CN=Password Settings Container,CN=System,{DOMAIN_DN}");
    lab.samba.delegate(&container, "(A;;LCRPLO;;;SID)").unwrap();
    lab.samba
        .delegate(&format!("CN=longer,{container}"), "(A;;LCRPLO;;;SID)")
        .unwrap();
    lab.samba.lock("longer").unwrap();
    let LockState::Locked(lock) = lab.account("longer").lock else {
        panic!("not locked");
    };
    let lasts = lock.until.unwrap().duration_since(lock.since.unwrap());
    assert_eq!(lasts.as_secs(), 7_200);
}

#[test]
fn a_lock_for_ever_has_no_end() {
    let Some(lab) = Lab::start() else { return };
    lab.samba.add_policy("forever", &person_dn("forever"), 0).unwrap();
    lab.samba.lock("forever").unwrap();
    let LockState::Locked(lock) = lab.account("forever").lock else {
        panic!("not locked");
    };
    assert!(lock.since.is_some() && lock.until.is_none());
    assert_eq!(lab.unlock("forever"), Sent::Done);
    assert_eq!(state(&lab.account("forever").lock), "not locked");
}

#[test]
fn disabled_and_locked_are_told_apart() {
    let Some(lab) = Lab::start() else { return };
    let dn = person_dn("disabled");
    lab.samba.set(&dn, "userAccountControl", "514").unwrap();
    let disabled = lab.account("disabled");
    assert_eq!((disabled.disabled, state(&disabled.lock)), (Some(true), "not locked"));
    // To write userAccountControl later would clear the lock.
    lab.samba.lock("disabled").unwrap();
    let both = lab.account("disabled");
    assert_eq!((both.disabled, state(&both.lock)), (Some(true), "locked"));
    // Nothing here ever enables an account.
    assert_eq!(lab.unlock("disabled"), Sent::Done);
    assert_eq!(lab.account("disabled").disabled, Some(true));
}

/// What may not be read is unknown, not absent.
#[test]
fn a_hidden_lock_is_unknown() {
    let Some(lab) = Lab::start() else { return };
    // Property set User-Account-Restrictions, which holds the computed attribute and userAccountControl.
    let rule = "(OD;;RP;4c164200-20c0-11d0-a768-00aa006e0529;;SID)";
    lab.samba.delegate(&person_dn("hidden"), rule).unwrap();
    let account = lab.account("hidden");
    assert_eq!(state(&account.lock), "unknown", "{:?}", account.lock);
    assert_eq!((account.disabled, account.must_change), (None, None));
}

#[test]
fn a_missing_right_is_named() {
    let Some(lab) = Lab::with(|spec| spec.bind_name = READER.into()) else {
        return;
    };
    lab.samba.lock("rightless").unwrap();
    assert_eq!(state(&lab.account("rightless").lock), "locked");
    let sent = lab.unlock("rightless");
    assert_eq!(sent.as_str(), "Refused");
    let failure = failure(sent);
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("lockoutTime"), "{}", failure.public);
    assert_eq!(state(&lab.account("rightless").lock), "locked");
}
